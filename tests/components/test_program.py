"""The program and the files beside it: the project, its stacks, and what they export."""

import json
import runpy
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pulumi.runtime
import pytest
import yaml

from components.settings import KEYS, NAMESPACE, Settings, parse
from components.settings.fields import is_text

if TYPE_CHECKING:
    from support.recording import MockEngine

CHECKOUT = Path(__file__).resolve().parents[2]
PROJECT: dict[str, Any] = yaml.safe_load((CHECKOUT / "Pulumi.yaml").read_text())


def configuration(stack: str) -> dict[str, str]:
    """Return a stack's configuration as the engine hands it to the program."""
    path = CHECKOUT / f"Pulumi.{stack}.yaml"
    config: dict[str, Any] = {
        **{f"{NAMESPACE}:{key}": says["default"] for key, says in PROJECT["config"].items()},
        **yaml.safe_load(path.read_text())["config"],
    }
    return {
        key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()
    }


def run(engine: "MockEngine", stack: str) -> dict[str, Any]:
    """Run the program as a stack and return what it exports."""
    pulumi.runtime.set_all_config(configuration(stack), [])
    engine.run(lambda: runpy.run_path(str(CHECKOUT / "__main__.py")), stack=stack)
    return engine.exports


def test_the_program_exports_the_public_outputs(engine: "MockEngine") -> None:
    exports = run(engine, "sandbox")
    outputs = {**engine.outputs["edge"]}
    assert outputs.pop("originSecrets") == []  # shown only where there is a lock
    assert outputs.pop("loadBalancer") == next(record["target"] for record in outputs["records"])
    assert exports == outputs
    assert list(exports) == [
        "hostnames",
        "distributionId",
        "distributionDomainName",
        "certificateArn",
        "proxyAddresses",
        "traffic",
        "records",
    ]


def test_the_sandbox_has_the_names_of_its_cloud_and_protects_nothing(engine: "MockEngine") -> None:
    exports = run(engine, "sandbox")
    assert exports["hostnames"] == ["api.example.com", "api2.example.com"]
    assert exports["traffic"] == {"direct": 100, "cdn": 0}
    assert not any(item.protect for item in engine.registered.values())


def test_production_is_protected_logged_inspected_and_moves_no_user(engine: "MockEngine") -> None:
    engine.account.set_load_balancers("api-prod:application")
    exports = run(engine, "prod")
    distribution = engine.registered["edge-cdn-distribution"]
    assert exports["traffic"] == {"direct": 100, "cdn": 0}
    assert distribution.protect
    assert distribution.retain_on_delete
    assert distribution.inputs["webAclId"].startswith("arn:aws:wafv2:us-east-1:")
    assert distribution.inputs["loggingConfig"]["bucket"] == (
        "example-com-edge-logs.s3.amazonaws.com"
    )
    provider = engine.registered["edge-tls-us-east-1"].inputs
    assert provider["allowedAccountIds"] == '["123456789012"]'


def test_the_sandbox_has_a_pool_of_two_regions_and_waits_for_nobody(engine: "MockEngine") -> None:
    exports = run(engine, "sandbox")
    assert len(exports["proxyAddresses"]) == 2
    droplets = engine.of_type("digitalocean:index/droplet:Droplet")
    assert {droplet.inputs["region"] for droplet in droplets} == {"fra1", "ams3"}
    assert not any(item.before_create for item in engine.registered.values())


def test_production_has_proxies_alarms_and_short_empty_answers(engine: "MockEngine") -> None:
    engine.account.set_load_balancers("api-prod:application")
    run(engine, "prod")
    made = engine.registered
    soa = made["edge-dns-soa"]
    assert soa.inputs == {
        "zoneId": "Z0EXAMPLE",
        "name": "example.com",
        "type": "SOA",
        "ttl": 60,
        "records": [
            "ns-1.awsdns-01.org. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 60",
        ],
        "allowOverwrite": True,
    }
    assert soa.retain_on_delete
    assert made["edge-proxy-dns-fra1-1-health"].inputs["resourcePath"] == "/healthz"
    assert made["edge-alarms-fra1-1-unhealthy"].provider == "edge-alarms-us-east-1"
    assert made["edge-proxy-fra1-1-address"].protect
    assert not made["edge-proxy-fra1-1"].protect


@pytest.mark.parametrize(
    ("example", "made", "not_made"),
    [
        pytest.param("no-proxy", "edge-cdn-distribution", "edge-proxy"),
        pytest.param("proxy", "edge-proxy-ams3-1-assignment", "edge-lock"),
        pytest.param("cloudfront-only", "edge-lock-secret-2", "edge-proxy"),
        pytest.param("several-stacks", "edge-cdn-distribution", "staging"),
    ],
)
def test_each_example_is_a_program_of_its_own(
    engine: "MockEngine", example: str, made: str, not_made: str
) -> None:
    folder = CHECKOUT / "examples" / example
    project = yaml.safe_load((folder / "Pulumi.yaml").read_text())
    engine.run(lambda: runpy.run_path(str(folder / "__main__.py")), stack="staging")
    assert project["name"] == f"edge-{example}"
    assert made in engine.registered
    assert not_made not in engine.registered
    assert engine.exports["records"] == engine.outputs["edge"]["records"]


def test_every_example_is_tested() -> None:
    examples = {path.parent.name for path in (CHECKOUT / "examples").glob("*/__main__.py")}
    assert examples == {"no-proxy", "proxy", "cloudfront-only", "several-stacks"}


def test_an_example_with_stacks_of_its_own_names_them_where_another_is_selected(
    engine: "MockEngine",
) -> None:
    program = str(CHECKOUT / "examples" / "several-stacks" / "__main__.py")
    with pytest.raises(pulumi.RunError, match=r"^stack is dev; one of staging, production\. Sel"):
        engine.run(lambda: runpy.run_path(program), stack="dev")
    assert engine.registered == {}


def test_a_misconfigured_stack_registers_nothing(
    engine: "MockEngine", caplog: pytest.LogCaptureFixture
) -> None:
    config = configuration("sandbox")
    config["dualstack-edge:traffic"] = '{"direct": 300, "cdn": 0}'
    pulumi.runtime.set_all_config(config, [])
    # What the engine takes for "told already", so that it adds nothing of its own.
    with pytest.raises(SystemExit, match="32"):
        engine.run(lambda: runpy.run_path(str(CHECKOUT / "__main__.py")))
    assert "traffic.direct is 300; an integer from 0 to 100" in caplog.text
    assert engine.registered == {}


# ---- Pulumi.yaml says what the settings say -----------------------------------------------------


def test_the_project_is_the_namespace_and_declares_every_key_in_order() -> None:
    assert PROJECT["name"] == NAMESPACE
    assert list(PROJECT["config"]) == list(KEYS)


@pytest.mark.parametrize("key", list(KEYS))
def test_a_declared_key_has_the_type_of_the_setting(key: str) -> None:
    declared = PROJECT["config"][key]
    # `protect` is text to the engine: a boolean has no value for "not set", see Pulumi.yaml.
    is_string = is_text(KEYS[key]) or key == "protect"
    expected = "array" if key == "hostnames" else "string" if is_string else "object"
    assert declared["type"] == expected
    assert declared.get("items") == ({"type": "string"} if expected == "array" else None)


@pytest.mark.parametrize("key", list(KEYS))
def test_a_declared_default_is_the_setting_s_or_means_not_set(key: str) -> None:
    declared = PROJECT["config"][key]["default"]
    required = {
        "dualstack-edge:hostnames": '["api.example.com"]',
        "dualstack-edge:zone": "example.com",
        "dualstack-edge:origin": '{"loadBalancer": "api", "kind": "application"}',
    }
    if KEYS[key].is_required():
        assert declared in ("", [], {})
        return
    text = declared if isinstance(declared, str) else json.dumps(declared)
    without: Settings = parse(required, stack="prod")
    assert parse({**required, f"{NAMESPACE}:{key}": text}, stack="prod") == without


@pytest.mark.parametrize("key", list(KEYS))
def test_a_description_says_what_is_required(key: str) -> None:
    description = PROJECT["config"][key]["description"]
    assert description.endswith("Required.") == KEYS[key].is_required()


LATER = ("botocore", "pulumi_digitalocean", "pulumi_random")
"""Packages that only some stacks need, or only look-ups: each takes as long as much of the rest."""


def test_a_program_imports_no_package_that_only_some_stacks_need() -> None:
    asked = f"import sys, components.edge; print([n for n in {LATER} if n in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", asked], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
