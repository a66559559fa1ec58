"""The folders that others use: whole, and running with nothing of this checkout in reach."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

from policies.bundle import build
from policies.model import Pack
from policies.rules import PACKS


@pytest.mark.parametrize("pack", [pytest.param(pack, id=pack.name) for pack in PACKS])
def test_a_built_pack_runs_its_own_copy_from_anywhere(pack: Pack, tmp_path: Path) -> None:
    folder = build(pack, tmp_path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    probe = "import policies, sys; sys.stderr.write(policies.__file__ + '\\n');"
    main = folder / "__main__.py"
    main.write_text(probe + "\n" + main.read_text())
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [sys.executable, "-u", "-m", "pulumi.policy", "127.0.0.1:1", str(folder)]
    with subprocess.Popen(
        command,
        cwd=elsewhere,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            assert int(process.stdout.readline()) > 0
            assert process.stderr.readline().strip() == str(folder / "policies" / "__init__.py")
        finally:
            process.terminate()


@pytest.mark.parametrize("pack", [pytest.param(pack, id=pack.name) for pack in PACKS])
def test_a_built_pack_names_what_it_needs_and_nothing_of_this_checkout(
    pack: Pack, tmp_path: Path
) -> None:
    folder = build(pack, tmp_path)
    build(pack, tmp_path)  # over what is there
    project = yaml.safe_load((folder / "PulumiPolicy.yaml").read_text())
    assert project["runtime"]["options"] == {"toolchain": "pip", "virtualenv": "venv"}
    assert {path.name for path in folder.iterdir()} == {
        *("LICENSE", "PulumiPolicy.yaml", "README.md", "config.schema.json"),
        *("__main__.py", "policies", "requirements.txt", "rules.md"),
    }
    requirements = (folder / "requirements.txt").read_text().splitlines()
    assert [line.split(">")[0] for line in requirements] == [
        *("grpcio", "protobuf", "pulumi", "pulumi-policy", "pydantic"),
    ]


@pytest.mark.parametrize("pack", [pytest.param(pack, id=pack.name) for pack in PACKS])
def test_the_pages_of_a_built_pack_lead_to_what_is_there(pack: Pack, tmp_path: Path) -> None:
    folder = build(pack, tmp_path)
    pages = {name: (folder / name).read_text() for name in ("README.md", "rules.md")}
    schema = json.loads((folder / "config.schema.json").read_text())
    for text in pages.values():
        links = re.findall(r"\]\(([^)]+)\)", text)
        assert links
        for file, _, heading in (link.partition("#") for link in links):
            assert (folder / file).exists()
            assert not heading or f"\n## {heading.capitalize()}\n" in pages[file]
        # Other addresses are those of the rules' sources.
        addresses = re.findall(r"https?://[^\s>)]+", text)
        assert set(addresses) <= {rule.url for rule in pack.rules}
        given = re.findall(r"--policy-pack(?:-config)? ([^\s`]+)", text)
        assert set(given) <= {".", "PACK", "config.json", "FILE"}
        ours = r"policies/|(?<!\S)docs/|\.\./|^    (?!pulumi )[a-z]|`make"
        assert re.findall(ours, text, re.MULTILINE) == []
        (example,) = re.findall(r"^( *)(\{\n.*?^\1\})$", text, re.MULTILINE | re.DOTALL)
        jsonschema.validate(json.loads(example[1]), schema)
    rules = {rule.name for rule in pack.rules}
    assert set(re.findall(r"^### `([a-z0-9-]+)`$", pages["rules.md"], re.MULTILINE)) == rules
