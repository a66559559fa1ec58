"""The edge as a package: the engine boots the plugin, for programs that know only its schema.

The program here is in Python because its language host is the one there is; what it does, naming a
type and giving properties, is all that a TypeScript or YAML program does. Its folder has packages
that are called like ours, as the folders of others may, and it imports one of them.
"""

import json
import shutil
from pathlib import Path
from typing import cast

import pytest
import yaml

from sandbox.clouds import background
from sandbox.clouds.aws import client_environment
from sandbox.engine.find import Engine
from sandbox.engine.shell import STACK, Shell
from support.engine import Stack
from support.namesakes import add_namesakes

CHECKOUT = Path(__file__).resolve().parents[2]

PROGRAM = """\
import json
import pathlib
import pulumi
import components


class Edge(pulumi.ComponentResource):
    def __init__(self, name, props):
        outputs = dict.fromkeys(["distributionDomainName", "records"])
        super().__init__(
            "dualstack:index:DualStackEdge", name, {**props, **outputs}, None, remote=True
        )


edge = Edge("edge", json.loads(pathlib.Path("edge.json").read_text()))
pulumi.export("name", edge.distributionDomainName)
pulumi.export("records", edge.records)
pulumi.export("own", components.OWN)
"""
OWN = "a package of the program's own"
PACKS = sorted(path.parent for path in CHECKOUT.glob("policies/*/PulumiPolicy.yaml"))
EDGE = {
    "hostnames": ["api.example.com"],
    "zone": "example.com",
    "origin": {"loadBalancer": "api", "kind": "application", "readTimeoutSeconds": 90},
    "traffic": {"direct": 90, "cdn": 10},
    "protect": False,
}


@pytest.fixture
def stack(account: background.Cloud, engine: Engine, tmp_path: Path) -> Stack:
    """A project that has the package, and nothing else of the checkout."""
    folder = tmp_path / "project"
    (folder / "dualstack").mkdir(parents=True)
    add_namesakes(folder)
    (folder / "components" / "__init__.py").write_text(f"OWN = {OWN!r}\n")
    (folder / ".venv").symlink_to(CHECKOUT / ".venv")
    for file in (CHECKOUT / "plugin").iterdir():
        if file.is_file():
            shutil.copy(file, folder / "dualstack")
    (folder / "__main__.py").write_text(PROGRAM)
    (folder / "edge.json").write_text(json.dumps(EDGE))
    project = {
        "name": "remote",
        "runtime": {"name": "python", "options": {"virtualenv": ".venv"}},
        "plugins": {"providers": [{"name": "dualstack", "path": "./dualstack"}]},
    }
    (folder / "Pulumi.yaml").write_text(yaml.safe_dump(project))
    shell = Shell(folder, tmp_path / "home")
    shell.prepare()
    stack = Stack(folder, shell.environment(engine, client_environment(account.url)))
    stack.pulumi("stack", "init", STACK).must()
    return stack


def as_the_engine_writes_it(schema: object) -> object:
    """Return a schema without what the engine drops: descriptions of items and of values."""
    match schema:
        case dict():
            entries = cast("dict[str, object]", schema)
            for key in entries.keys() & {"items", "additionalProperties"}:
                inner = cast("dict[str, object]", entries[key])
                entries = {**entries, key: {k: inner[k] for k in inner if k != "description"}}
            return {key: as_the_engine_writes_it(value) for key, value in entries.items()}
        case list():
            return [as_the_engine_writes_it(item) for item in cast("list[object]", schema)]
        case _:
            return schema


def test_the_engine_gets_the_schema_that_is_in_the_docs(stack: Stack) -> None:
    printed = stack.pulumi("package", "get-schema", "./dualstack").must()
    schema = json.loads(printed[printed.index("{\n") : printed.rindex("}") + 1])
    written = json.loads((CHECKOUT / "docs" / "schema.json").read_text())
    for part in ("name", "version", "resources", "types"):
        assert schema[part] == as_the_engine_writes_it(written[part])


def test_a_program_that_knows_only_the_schema_deploys_the_edge_and_takes_it_down(
    stack: Stack,
) -> None:
    packs = [f"--policy-pack={pack}" for pack in PACKS]
    printed = stack.pulumi("up", "--yes", "--skip-preview", *packs).must()
    for pack in ("dual-stack", "hardening"):
        assert f"{pack}@v" in printed
    by_name = {resource["urn"].rpartition("::")[2]: resource for resource in stack.resources()}
    assert by_name["edge"]["type"] == "dualstack:index:DualStackEdge"
    assert by_name["edge-cdn"]["parent"] == by_name["edge"]["urn"]
    (origin,) = by_name["edge-cdn-distribution"]["inputs"]["origins"]
    assert origin["customOriginConfig"]["originReadTimeout"] == 90
    outputs = stack.outputs()
    assert outputs["own"] == OWN
    assert outputs["name"].endswith(".cloudfront.net")
    assert [(item["setIdentifier"], item["weight"]) for item in outputs["records"]] == [
        ("direct", 90),
        ("direct", 90),
        ("cdn", 10),
        ("cdn", 10),
    ]
    stack.pulumi("destroy", "--yes", "--skip-preview").must()
    assert stack.resources() == []


def test_arguments_that_cannot_be_used_are_told_in_a_program_s_words_and_nothing_is_made(
    stack: Stack,
) -> None:
    wrong = {**EDGE, "traffic": {"direct": 300, "cdn": 10}, "zone": "example.org"}
    (stack.folder / "edge.json").write_text(json.dumps(wrong))
    printed = stack.up().refused()
    assert "2 of the arguments of edge cannot be used:" in printed
    assert (
        "traffic.direct is 300; an integer from 0 to 100. Change it to 90 in the program."
        in printed
    )
    assert "components/edge.py" not in printed
    made = [resource["type"] for resource in stack.resources()]
    assert [kind for kind in made if kind.startswith(("aws:", "dualstack:"))] == []
