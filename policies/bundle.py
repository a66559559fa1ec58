"""Makes a folder of each pack that runs from anywhere, for others to use and to publish.

A pack's own folder needs this checkout and its environment. What is made here carries a copy of the
package `policies` and names what it needs beside the Python standard library, so `pulumi install`
makes an environment for it, and `pulumi policy publish` sends it as it is.

Its pages are made for it as well: their commands are typed in the folder, and their links lead to
what is in it.

`make policy-packs` runs it.
"""

import json
import re
import shutil
import sys
import tomllib
from pathlib import Path
from typing import Final

import yaml

from policies.model import Pack
from policies.rules import PACKS
from policies.rules_reference import render_one
from policies.settings import schema

CHECKOUT: Final = Path(__file__).resolve().parents[1]
NEEDED: Final = ("grpcio", "protobuf", "pulumi", "pulumi-policy", "pydantic")
"""What the package imports; versions are those that this project was tested with."""
RULES_FILE: Final = "rules.md"
SCHEMA_FILE: Final = "config.schema.json"

_README = """\
# Policy pack `{name}`

{summary}

Rules for Pulumi stacks, whatever language their programs are in: each resource is judged before it
is made, and the stack as a whole. What breaks a rule {effect}. The pack needs Pulumi, Python 3.11
or newer and this folder, which may lie anywhere. Each rule, why there is one, and how to mend what
it finds: [{rules}]({rules}).

## Try it on a stack that is deployed

In this folder, once, which makes its Python environment:

    pulumi install

Then judge what a stack has. Nothing is changed, and no cloud is asked:

    pulumi stack export --stack ORGANIZATION/PROJECT/STACK --file export.json
    pulumi policy analyze --file export.json --policy-pack .

## Use it with every preview

In the folder of your program; PACK is the path of this one:

    pulumi preview --policy-pack PACK
    pulumi up --policy-pack PACK

A shell in which `PULUMI_OPTION_POLICY_PACK` is the path has it in all of its commands. In Pulumi
Cloud, an organization has it for all of its stacks after this, in this folder:

    pulumi policy publish ORGANIZATION
    pulumi policy enable ORGANIZATION/{name} latest

## In a stack that has other things too

The rules are for what stands in front of an API. A distribution that serves files should cache, and
no rule here is for it. Write a file `config.json` that says what the pack is for, by tags or by
names,

```json
{{
  "exceptions": {{"scope": [{{"tags": {{"edge": "dual-stack"}}}}, {{"name": "*.api.example.com"}}]}}
}}
```

and give it with the pack:

    pulumi policy analyze --file export.json --policy-pack . --policy-pack-config config.json

`pulumi preview` and `up` take it as well. Levels, options and exemptions stand there too:
[{rules}]({rules}#configuration). The schema of the file is [{schema}]({schema}).

License: [LICENSE](LICENSE).
"""


def build(pack: Pack, target: Path) -> Path:
    """Make the folder of a pack again; return it.

    Args:
        pack: The pack.
        target: The folder that gets the pack's folder.
    """
    source = CHECKOUT / "policies" / pack.name.replace("-", "_")
    folder = target / pack.name
    if folder.exists():
        shutil.rmtree(folder)
    shutil.copytree(
        CHECKOUT / "policies",
        folder / "policies",
        ignore=shutil.ignore_patterns(
            "__pycache__", "bundle.py", *(one.name.replace("-", "_") for one in PACKS)
        ),
    )
    shutil.copy(source / "__main__.py", folder)
    shutil.copy(CHECKOUT / "LICENSE", folder)
    for name, text in pages(pack).items():
        (folder / name).write_text(text, encoding="utf-8")
    project = yaml.safe_load((source / "PulumiPolicy.yaml").read_text(encoding="utf-8"))
    project["runtime"]["options"] = {"toolchain": "pip", "virtualenv": "venv"}
    (folder / "PulumiPolicy.yaml").write_text(yaml.safe_dump(project, sort_keys=False))
    (folder / "requirements.txt").write_text("".join(f"{line}\n" for line in requirements()))
    return folder


def pages(pack: Pack) -> dict[str, str]:
    """Return what a pack's folder has to read, by the files' names."""
    readme = _README.format(
        name=pack.name,
        summary=pack.summary,
        effect="stops the deployment"
        if pack.level == "mandatory"
        else "is named, and stops nothing",
        rules=RULES_FILE,
        schema=SCHEMA_FILE,
    )
    return {
        "README.md": readme,
        RULES_FILE: render_one(pack, SCHEMA_FILE),
        SCHEMA_FILE: json.dumps(schema(pack), indent=2) + "\n",
    }


def requirements() -> list[str]:
    """Return what a pack needs, with the project's own bounds."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    by_name = {re.split(r"[\[><=]", bound)[0]: bound for bound in project["dependencies"]}
    return [by_name[name] for name in NEEDED]


if __name__ == "__main__":
    for made in PACKS:
        print(build(made, Path(sys.argv[1])))
