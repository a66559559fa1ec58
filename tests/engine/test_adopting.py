"""A name that serves gets an edge, and plain records again: docs/adopt.md, typed to its end."""

import subprocess
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import yaml
from pulumi import automation as auto

from sandbox.cli import begin_with_records
from sandbox.engine.shell import STACK
from support.engine import COMMAND_SECONDS, DUALSTACK, zone_records
from support.shown import ADOPT, assert_in_order, steps

if TYPE_CHECKING:
    import pytest
    from types_boto3_route53 import Route53Client

    from support.engine import Stack

NAMES: Final = ("api.example.com", "api2.example.com")
BEFORE: Final = ("make ", "eval ")
"""How the commands begin that bring the sandbox up, which is done here otherwise."""


def of_names(route53: "Route53Client") -> list[Mapping[str, Any]]:
    """Return the records of the hostnames."""
    return [record for record in zone_records(route53) if record["Name"].removesuffix(".") in NAMES]


def declared(stack: "Stack") -> str:
    written = yaml.safe_load((stack.folder / f"Pulumi.{STACK}.yaml").read_text())
    return written["config"]["dualstack-edge:dns"]["records"]


def begin(stack: "Stack", monkeypatch: "pytest.MonkeyPatch") -> None:
    """Do what `make up RECORDS=1` does, for a stack without proxies."""
    for name, value in stack.variables.items():
        monkeypatch.setenv(name, value)
    options = auto.LocalWorkspaceOptions(
        pulumi_command=auto.PulumiCommand(), env_vars=stack.variables
    )
    selected = auto.select_stack(STACK, work_dir=str(stack.folder), opts=options)
    begin_with_records(selected)
    assert declared(stack) == "none"
    stack.configure(protect="true")
    stack.up().must()
    begin_with_records(selected)  # changes nothing, where somebody serves already


def test_each_command_prints_what_is_shown_from_plain_records_to_plain_records(
    stack: "Stack", route53: "Route53Client", monkeypatch: "pytest.MonkeyPatch"
) -> None:
    begin(stack, monkeypatch)
    before = of_names(route53)
    assert [(record["Name"], record["Type"]) for record in before] == [
        (f"{name}.", "A") for name in NAMES
    ]
    seen: list[list[Mapping[str, Any]]] = []
    (stack.folder / ".venv/bin/dualstack").symlink_to(DUALSTACK)
    for command, lines in steps(ADOPT):
        if command.startswith(BEFORE):
            continue
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=stack.folder,
            env=stack.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        assert_in_order(lines, done.stdout)
        assert (done.returncode == 0) == (command != ".venv/bin/dualstack release"), done.stdout
        if of_names(route53) != [before, *seen][-1]:
            seen.append(of_names(route53))
        if command.startswith(".venv/bin/dualstack adopt") and len(seen) == 1:
            taken = [each for each in stack.resources() if "::edge-dns-api" in each["urn"]]
            assert [each["protect"] for each in taken] == [True] * len(seen[0])
    weighted, shifted, simple, again, moved_back, after = seen
    direct, cdn = (
        {record["AliasTarget"]["DNSName"] for record in records} for records in (before, simple)
    )
    assert weighted == moved_back
    assert shifted == again
    assert [len(records) for records in seen] == [8, 8, 4, 8, 8, 2]
    assert direct.isdisjoint(cdn)
    assert (after, declared(stack)) == (before, "none")
