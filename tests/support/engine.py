"""The program under the real engine, as a user runs it, and the account it talks to."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3.session
import urllib3
import yaml

from sandbox.clouds import background
from sandbox.clouds.aws import client_environment
from sandbox.engine.shell import STACK

if TYPE_CHECKING:
    from types_boto3_route53 import Route53Client
    from types_boto3_route53.type_defs import ResourceRecordSetOutputTypeDef

CHECKOUT = Path(__file__).resolve().parents[2]
DUALSTACK = Path(sys.executable).with_name("dualstack")

COMMAND_SECONDS = 300
"""A command that takes longer hangs; the slowest needs some ten seconds."""


@dataclass(frozen=True)
class Said:
    """What a command ended with."""

    code: int
    text: str

    def must(self) -> str:
        """Return the text of a command that did what it was asked, or show why not."""
        assert self.code == 0, self.text
        return self.text

    def refused(self) -> str:
        """Return the text of a command that refused, or show that it did not."""
        assert self.code != 0, self.text
        return self.text


class Sandbox:
    """The command, with everything it writes in a folder of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `dualstack sandbox …` as the Makefile does."""
        return subprocess.run(
            [DUALSTACK, "sandbox", *arguments],
            env={**os.environ, "DUALSTACK_SANDBOX_HOME": str(self.home)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )

    def notes(self) -> list[Path]:
        """Return the files that say which clouds run."""
        return [self.home / f"{name}.json" for name in ("aws", "digitalocean")]

    def shell(self, script: str) -> str:
        """Run a script in a shell that has entered the sandbox."""
        variables = self.run("env").stdout
        done = subprocess.run(
            ["bash", "-euc", f"{variables}\n{script}"],
            cwd=CHECKOUT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout


class Stack:
    """The program in a folder of its own, with the `pulumi` command as a user has it."""

    def __init__(self, folder: Path, variables: Mapping[str, str]) -> None:
        self.folder = folder
        self.variables = dict(variables)

    def pulumi(self, *arguments: str, **variables: str) -> Said:
        """Run `pulumi` and return its exit code and all it printed."""
        done = subprocess.run(
            ["pulumi", *arguments, "--color=never", "--non-interactive"],
            cwd=self.folder,
            env={**self.environment(), **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        return Said(done.returncode, done.stdout)

    def environment(self) -> dict[str, str]:
        """Return the variables that `pulumi` is run with."""
        return {**os.environ, **self.variables}

    def up(self) -> Said:
        """Deploy without asking."""
        return self.pulumi("up", "--yes", "--skip-preview")

    def configure(self, **keys: object) -> None:
        """Set keys of the project's namespace; None takes one away."""
        path = self.folder / f"Pulumi.{STACK}.yaml"
        written = yaml.safe_load(path.read_text())
        for key, value in keys.items():
            name = f"dualstack-edge:{key}"
            if value is None:
                written["config"].pop(name, None)
            else:
                written["config"][name] = value
        path.write_text(yaml.safe_dump(written))

    def wrap(self, before: str) -> None:
        """Put lines in front of the program, as a user's own code would stand there."""
        path = self.folder / "__main__.py"
        path.write_text(f"{before}\n{path.read_text()}")

    def resources(self) -> list[dict[str, Any]]:
        """Return the resources of the stack's exported state; none if it was never deployed."""
        export = json.loads(self.pulumi("stack", "export").must())
        return export["deployment"].get("resources") or []

    def outputs(self) -> dict[str, Any]:
        """Return the stack's outputs."""
        return json.loads(self.pulumi("stack", "output", "--json").must())


def control(cloud: background.Cloud, method: str, what: str, body: object = None) -> None:
    """Ask the cloud's layer for a change."""
    answer = urllib3.request(method, f"{cloud.url}/dualstack-sandbox/{what}", json=body)
    assert answer.status < 300, answer.data


def client(cloud: background.Cloud, service: str) -> Any:
    """Return a boto3 client, as any other program that works in the account would have it."""
    variables = client_environment(cloud.url)
    session: Any = boto3.session.Session(
        variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"]
    )
    return session.client(
        service,
        region_name=variables["AWS_REGION"],
        endpoint_url=variables["AWS_ENDPOINT_URL"],
    )


def zone_records(route53: "Route53Client") -> "list[ResourceRecordSetOutputTypeDef]":
    """Return every record of the seeded zone."""
    zone = route53.list_hosted_zones_by_name(DNSName="example.com")["HostedZones"][0]["Id"]
    pages = route53.get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone)
    return [record for page in pages for record in page["ResourceRecordSets"]]


def weights(route53: "Route53Client") -> dict[tuple[str, str, str], int]:
    """Return the weights in the zone by name, type and set identifier."""
    return {
        (record["Name"].rstrip("."), record["Type"], record["SetIdentifier"]): record["Weight"]
        for record in zone_records(route53)
        if "Weight" in record and "SetIdentifier" in record
    }
