"""The program under the real engine, as a user runs it, and the account it talks to."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3
import yaml

from sandbox.clouds import background
from sandbox.clouds.aws import client_environment
from sandbox.engine.shell import STACK

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
            env={**os.environ, **self.variables, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        return Said(done.returncode, done.stdout)

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


def client_arguments(cloud: background.Cloud) -> dict[str, Any]:
    """Return what points a client of any other make at the account."""
    variables = client_environment(cloud.url)
    return {
        "endpoint_url": variables["AWS_ENDPOINT_URL"],
        "aws_access_key_id": variables["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": variables["AWS_SECRET_ACCESS_KEY"],
        "region_name": variables["AWS_REGION"],
    }
