"""Makes a folder of each pack that runs from anywhere, for others to use and to publish.

A pack's own folder needs this checkout and its environment. What is made here carries a copy of the
package `policies` and names what it needs beside the Python standard library, so `pulumi install`
makes an environment for it, and `pulumi policy publish` sends it as it is.

`make policy-packs` runs it.
"""

import re
import shutil
import sys
import tomllib
from pathlib import Path
from typing import Final

import yaml

from policies.model import Pack
from policies.rules import PACKS

CHECKOUT: Final = Path(__file__).resolve().parents[1]
NEEDED: Final = ("grpcio", "protobuf", "pulumi", "pulumi-policy", "pydantic")
"""What the package imports; versions are those that this project was tested with."""


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
    shutil.copy(CHECKOUT / "docs" / "rules.md", folder / "README.md")
    project = yaml.safe_load((source / "PulumiPolicy.yaml").read_text(encoding="utf-8"))
    project["runtime"]["options"] = {"toolchain": "pip", "virtualenv": "venv"}
    (folder / "PulumiPolicy.yaml").write_text(yaml.safe_dump(project, sort_keys=False))
    (folder / "requirements.txt").write_text("".join(f"{line}\n" for line in requirements()))
    return folder


def requirements() -> list[str]:
    """Return what a pack needs, with the project's own bounds."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    by_name = {re.split(r"[\[><=]", bound)[0]: bound for bound in project["dependencies"]}
    return [by_name[name] for name in NEEDED]


if __name__ == "__main__":
    for made in PACKS:
        print(build(made, Path(sys.argv[1])))
