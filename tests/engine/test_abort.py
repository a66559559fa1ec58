"""Everybody is led back with Route 53 alone, while all else of the edge is away."""

import json
import subprocess
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import yaml

from sandbox.engine.shell import STACK
from support.engine import COMMAND_SECONDS, DUALSTACK, weights
from support.outage import AWS_THROTTLES, refusing

if TYPE_CHECKING:
    from types_boto3_route53 import Route53Client

    from support.engine import Stack

BACK = {"direct": 100, "cdn": 0}


def of_paths(route53: "Route53Client") -> set[tuple[str, int]]:
    return {(key[2], weight) for key, weight in weights(route53).items() if key[2] in BACK}


def test_without_an_engine_plugins_digitalocean_or_a_lock_everybody_is_led_back_at_once(
    half_on_cdn: "Stack", route53: "Route53Client"
) -> None:
    file = half_on_cdn.folder / f"Pulumi.{STACK}.yaml"
    before: dict[str, Any] = yaml.safe_load(file.read_text())
    locks = half_on_cdn.folder.parent / "home/state/.pulumi/locks/organization/dualstack-edge"
    (locks / STACK).mkdir(parents=True, exist_ok=True)
    (locks / STACK / "somebody.json").write_text('{"pid": 1, "username": "else"}')
    with (
        refusing(HTTPStatus.BAD_REQUEST, AWS_THROTTLES) as aws,
        refusing(HTTPStatus.SERVICE_UNAVAILABLE) as droplets,
    ):
        done = subprocess.run(
            [DUALSTACK, "shift", "abort", "--direct", "--stack", STACK, "--json"],
            cwd=half_on_cdn.folder,
            env={
                **half_on_cdn.environment(),
                "PATH": "/nowhere",
                "AWS_ENDPOINT_URL_ROUTE_53": half_on_cdn.variables["AWS_ENDPOINT_URL"],
                "AWS_ENDPOINT_URL": aws.url,
                "DIGITALOCEAN_API_URL": droplets.url,
            },
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        assert (done.returncode, aws.requests, droplets.requests) == (0, [], []), done.stderr
    report = json.loads(done.stdout)
    assert of_paths(route53) == set(BACK.items())
    assert (report["insync"], report["commit"], len(report["names"])) == (True, None, 4)
    before["config"]["dualstack-edge:traffic"] = BACK
    assert yaml.safe_load(file.read_text()) == before

    # As docs/recovery.md says: the lock goes, and a plain deployment from that file agrees.
    half_on_cdn.pulumi("cancel", "--yes").must()
    half_on_cdn.up().must()
    assert of_paths(route53) == set(BACK.items())
