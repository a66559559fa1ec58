"""The package for programs in other languages: its schema, and that a component is made by it."""

import json
import runpy
import subprocess
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from pulumi.errors import InputPropertiesError

from components.edge import DualStackEdge
from components.package import EdgePackage

if TYPE_CHECKING:
    from support.recording import MockEngine

PLUGIN = Path(__file__).resolve().parents[2] / "plugin"
EDGE = "dualstack:index:DualStackEdge"


@pytest.fixture(scope="module")
def provider() -> EdgePackage:
    return EdgePackage([DualStackEdge], "dualstack", None, version("dualstack-edge"))


@pytest.fixture(scope="module")
def schema(provider: EdgePackage) -> dict[str, Any]:
    return json.loads(provider.schema or "")


def test_the_docs_page_is_the_schema_that_the_plugin_serves(
    check_page: Callable[[str, str], None], schema: Mapping[str, Any]
) -> None:
    check_page("schema.json", json.dumps(schema, indent=2, ensure_ascii=False) + "\n")


def test_the_plugin_serves_the_edge_under_the_type_it_registers(
    schema: Mapping[str, Any],
) -> None:
    # The entry is not started, which only the engine can do, but it is the entry's own name.
    assert runpy.run_path(str(PLUGIN / "__main__.py"))["NAME"] == "dualstack"
    assert yaml.safe_load((PLUGIN / "PulumiPlugin.yaml").read_text())["runtime"]["name"] == "python"
    assert list(schema["resources"]) == [EDGE]
    assert schema["resources"][EDGE]["isComponent"]


def test_pulumi_installs_the_plugin_into_an_environment_of_its_own() -> None:
    """The checkout's `.venv` has what the sandbox runs on; an installation over it ends that."""
    options = yaml.safe_load((PLUGIN / "PulumiPlugin.yaml").read_text())["runtime"]["options"]
    folder = PLUGIN / options["virtualenv"]
    assert folder.resolve().parent == PLUGIN
    ignored = ["git", "-C", PLUGIN, "check-ignore", "--quiet", f"{folder}/"]
    assert subprocess.run(ignored, check=False).returncode == 0


def properties(schema: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield every property of the schema with where it is."""
    edge = schema["resources"][EDGE]
    owners = {
        "inputs": edge["inputProperties"],
        "outputs": edge["properties"],
        **{name: type_schema["properties"] for name, type_schema in schema["types"].items()},
    }
    for owner, members in owners.items():
        for name, described in members.items():
            yield f"{owner}.{name}", described


def test_every_property_says_what_it_means(schema: Mapping[str, Any]) -> None:
    silent = [place for place, described in properties(schema) if not described.get("description")]
    assert silent == []


def test_only_what_the_settings_require_is_required(schema: Mapping[str, Any]) -> None:
    edge = schema["resources"][EDGE]
    assert sorted(edge["requiredInputs"]) == ["hostnames", "origin", "zone"]


def test_a_program_that_knows_only_the_schema_makes_the_edge(
    engine: "MockEngine", provider: EdgePackage
) -> None:
    inputs = {
        "hostnames": ["api.example.com"],
        "zone": "example.com",
        "origin": {"loadBalancer": "api", "kind": "application", "readTimeoutSeconds": 90.0},
        "traffic": {"direct": 90.0, "cdn": 10.0},
        "providerArguments": {"maxRetries": 3.0},
    }
    engine.run(lambda: provider.construct("remote", EDGE, inputs))
    assert engine.outputs["remote"]["traffic"] == {"direct": 90, "cdn": 10}
    (origin,) = engine.registered["remote-cdn-distribution"].inputs["origins"]
    assert origin["customOriginConfig"]["originReadTimeout"] == 90
    assert engine.registered["remote-tls-us-east-1"].inputs["maxRetries"] == "3"


GOOD = {
    "hostnames": ["api.example.com"],
    "zone": "example.com",
    "origin": {"loadBalancer": "api", "kind": "application"},
}


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        pytest.param(
            {"zone": None},
            "zone is not set; the name of a Route 53 hosted zone. Set it to ",
            id="missing",
        ),
        pytest.param({"origin": {"kind": "application"}}, "origin.loadBalancer is ", id="nested"),
        pytest.param({"origin": "api"}, 'origin is "api"; an object ', id="a text for an object"),
        pytest.param({"origin": ["api"]}, 'origin is ["api"]; an object ', id="a list for one"),
        pytest.param({"origin": 7.0}, "origin is 7; an object ", id="a number for one"),
        pytest.param({"hostnames": "api"}, 'hostnames is "api"; a list ', id="a text for a list"),
        pytest.param({"hostnames": {"a": "b"}}, "hostnames is {", id="an object for a list"),
        pytest.param({"hostnames": [{"a": 1.0}]}, "hostnames[0] is {", id="objects for texts"),
        pytest.param({"zone": 5.0}, "zone is 5; the name of ", id="a number for a text"),
        pytest.param({"protect": "maybe"}, 'protect is "maybe"; true or ', id="neither"),
        pytest.param({"traffic": [99.0, 1.0]}, "traffic is [99, 1]; an object ", id="a pair"),
        pytest.param(
            {"traffic": {"direct": 99.5, "cdn": 0.5}}, "traffic is {", id="no whole numbers"
        ),
        pytest.param({"traffic": {"direct": "many"}}, 'traffic.direct is "many"; ', id="no number"),
        pytest.param(
            {"trafic": {"direct": 99.0, "cdn": 1.0}},
            "trafic is set; no such setting exists. Did you mean traffic? Rename it in the program",
            id="unknown",
        ),
        pytest.param(
            {"origin": {"loadBalanser": "api", "kind": "application"}},
            "origin.loadBalanser is set; no such setting exists. Did you mean loadBalancer? ",
            id="unknown in an object",
        ),
    ],
)
def test_what_is_wrong_is_told_by_the_settings_and_without_a_stack_trace(
    engine: "MockEngine",
    provider: EdgePackage,
    wrong: Mapping[str, Any],
    expected: str,
) -> None:
    """Two faults at once, of which one is the same in each case."""
    inputs = {**GOOD, "certificateArn": "arn", **wrong}
    refused: list[str] = []

    def construct() -> None:
        present = {name: value for name, value in inputs.items() if value is not None}
        with pytest.raises(InputPropertiesError) as failure:
            provider.construct("remote", EDGE, present)
        refused.extend(failure.value.message.splitlines())

    engine.run(construct)
    first, *faults = refused
    assert first == f"{len(faults)} of the arguments of remote cannot be used:"
    assert [fault for fault in faults if fault.startswith(f"  - {expected}")]
    assert [fault for fault in faults if fault.startswith('  - certificateArn is "arn"; ')]
    assert engine.registered == {}
