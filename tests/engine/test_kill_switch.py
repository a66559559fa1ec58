"""The kill switch comes and goes on a deployed stack, and nothing else changes."""

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from support.engine import COMMAND_SECONDS, DUALSTACK, client, control, zone_records
from support.moments import watched

if TYPE_CHECKING:
    from types_boto3_route53 import Route53Client

    from sandbox.clouds import background
    from support.engine import Stack

NAMES = ("api.example.com", "api2.example.com")
SWITCH = {"url": "https://edge-switch.s3.eu-west-1.amazonaws.com/drain"}
CHECKERS = 8
"""How many regions health checkers are in, at the local AWS one in each."""

SOON = "import components.kill_switch\ncomponents.kill_switch.LOOKED_SECONDS = 2"
"""Lines in front of a program that waits for a new check; a minute and a half is too long here."""


def checks(account: "background.Cloud") -> dict[str, dict[str, Any]]:
    listed = client(account, "route53").list_health_checks()["HealthChecks"]
    return {each["Id"]: each["HealthCheckConfig"] for each in listed}


def records(route53: "Route53Client") -> dict[tuple[str, str, str], dict[str, Any]]:
    return {
        (each["Name"].rstrip("."), each["Type"], each.get("SetIdentifier", "")): dict(each)
        for each in zone_records(route53)
    }


def switch_section(stack: "Stack") -> dict[str, Any]:
    """Return what `dualstack status` tells of the kill switch."""
    done = subprocess.run(
        [DUALSTACK, "status", "--json", "--time-limit", "120"],
        cwd=stack.folder,
        env=stack.environment(),
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )
    sections = json.loads(done.stdout)["sections"]
    return next(each for each in sections if each["name"] == "switch")


@pytest.mark.row("`killSwitch` set", "`killSwitch` taken away")
def test_it_is_put_on_and_taken_off_while_both_paths_are_answered_and_changes_nothing_else(
    half_on_cdn: "Stack",
    account: "background.Cloud",
    droplets: "background.Cloud",
    route53: "Route53Client",
) -> None:
    before, others = records(route53), checks(account)
    half_on_cdn.wrap(SOON)
    half_on_cdn.configure(killSwitch=SWITCH)
    with watched(half_on_cdn, account, droplets) as on:
        printed = half_on_cdn.up().must()
    assert "Waiting for 2 s before the records of cdn get it" in printed
    ((check, config),) = (item for item in checks(account).items() if item[0] not in others)
    assert (config["Type"], config["Inverted"], config["SearchString"]) == (
        "HTTPS_STR_MATCH",
        True,
        "dualstack-edge: drain cdn",
    )
    assert records(route53) == {
        key: record | {"HealthCheckId": check} if key[2] == "cdn" else record
        for key, record in before.items()
    }

    of_proxies = dict.fromkeys(others, True)
    for healthy, state in ((True, "armed"), (False, "tripped")):
        control(account, "PUT", "settings", {"health": {**of_proxies, check: healthy}})
        section = switch_section(half_on_cdn)
        assert {each["what"]: each["value"] for each in section["lines"]} == {
            "settings": SWITCH["url"],
            "health check": check,
            "state": state,
            "object seen by": f"{0 if healthy else CHECKERS} of {CHECKERS} checkers",
        }
        assert len(section["notes"]) == (not healthy)

    half_on_cdn.configure(killSwitch=None)
    with watched(half_on_cdn, account, droplets) as off:
        half_on_cdn.up().must()
    assert (records(route53), checks(account)) == (before, others)
    for seen in (on, off):
        assert seen.faults(NAMES) == []
        assert {share for name in NAMES for share in seen.shares(name)} == {(0.5, 0.5)}
