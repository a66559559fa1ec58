"""The program under the real engine, as a user runs it, and the account it talks to."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import boto3.session
import pytest
import urllib3
import yaml
from filelock import FileLock

from sandbox.clouds import aws, background, digitalocean
from sandbox.engine.find import Engine
from sandbox.engine.shell import STACK, Shell
from support import forks
from support.clouds import start_cloud

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


def new_stack(
    account: background.Cloud,
    droplets: background.Cloud,
    engine: Engine,
    folder: Path,
    deployed: Path | None = None,
) -> Stack:
    """Return the sandbox's stack with all it has.

    Args:
        account: The AWS cloud.
        droplets: The DigitalOcean cloud.
        engine: The engine.
        folder: Where the program's entry is copied to and all else is written.
        deployed: The folder of another stack, whose program, settings and state it gets; None: it
            gets those of the checkout, and no state.
    """
    project = folder / "project"
    project.mkdir()
    for name in ("__main__.py", "Pulumi.yaml", f"Pulumi.{STACK}.yaml"):
        shutil.copy((deployed / "project" if deployed else CHECKOUT) / name, project)
    for pack in CHECKOUT.glob("policies/*/PulumiPolicy.yaml"):
        shutil.copytree(pack.parent, project / "policies" / pack.parent.name)
    (project / ".venv/bin").mkdir(parents=True)
    (project / ".venv/bin/python").symlink_to(forks.python())
    shell = Shell(project, folder / "home", str(forks.python()))
    shell.prepare()
    clouds = {
        **digitalocean.client_environment(droplets.url),
        **aws.client_environment(account.url),
    }
    # What a command of the sandbox selects, a test names.
    variables = {**shell.environment(engine, clouds), "PULUMI_STACK": STACK}
    stack = Stack(project, variables)
    if deployed:
        shutil.copytree(deployed / "home" / "state", shell.state, dirs_exist_ok=True)
    else:
        stack.pulumi("stack", "init", STACK).must()
    return stack


CLOUDS: Final = ("aws", "digitalocean")


class Deployments:
    """Deployments that any test can have a copy of; the first that needs one makes it.

    All of pytest's workers share them: those of the clouds are snapshots, that of the stack is its
    folder. Start the clouds with `start`.
    """

    def __init__(self, folder: Path, engine: Engine) -> None:
        """Keep deployments.

        Args:
            folder: A folder that all workers share.
            engine: What deploys.
        """
        self._folder = folder
        self._engine = engine
        folder.mkdir(exist_ok=True)

    def start(self, home: Path) -> tuple[background.Cloud, background.Cloud]:
        """Start an AWS and a DigitalOcean that can have deployments; stop them yourself."""
        with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(2) as pool:
            patch.setenv(background.SNAPSHOTS_VARIABLE, str(self._folder / "clouds"))
            account, droplets = pool.map(partial(start_cloud, home=home), CLOUDS)
        return account, droplets

    def copy(
        self, name: str, account: background.Cloud, droplets: background.Cloud, folder: Path
    ) -> Stack:
        """Return a copy of a deployed stack, in clouds that hold what it made and nothing else.

        Args:
            name: One of `DEPLOYED`.
            account: The AWS cloud.
            droplets: The DigitalOcean cloud.
            folder: Where the program's entry is copied to and all else is written.
        """
        kept, clouds = self._folder / name, (account, droplets)
        with FileLock(self._folder / f"{name}.lock"):
            if not kept.exists():
                made = kept.with_suffix(".made")
                made.mkdir()
                control(account, "POST", "reset")
                control(account, "PUT", "settings", {"deploy_seconds": 0.1})
                control(droplets, "POST", "reset")
                control(droplets, "PUT", "settings", {"action_seconds": 0.1})
                stack = new_stack(account, droplets, self._engine, made)
                deployment = DEPLOYED[name]
                stack.wrap(deployment.before)
                stack.configure(**deployment.settings)
                stack.up().must()
                for cloud in clouds:
                    control(cloud, "PUT", f"snapshot/{name}")
                made.rename(kept)
        for cloud in clouds:
            control(cloud, "PUT", f"restore/{name}")
        return new_stack(account, droplets, self._engine, folder, kept)


@dataclass(frozen=True)
class Deployment:
    """A stack that differs from the sandbox's.

    Attributes:
        settings: Keys of the project's namespace.
        before: Lines in front of the program.
    """

    settings: Mapping[str, Any]
    before: str = ""


TTL_SECONDS: Final = 3
"""How long answers live in `half-on-cdn`; sixty are too long for a test."""

SHORT_ANSWERS: Final = "\n".join(
    f"import components.{module}\ncomponents.{module}.ALIAS_TTL_SECONDS = {TTL_SECONDS}"
    for module in ("edge", "proxy_dns")
)
"""Lines in front of a program whose answers live for `TTL_SECONDS`."""

DEPLOYED: Final = {
    "whole": Deployment({}),
    "without-proxies": Deployment({"proxy": None}),
    "half-on-cdn": Deployment({"traffic": {"direct": 50, "cdn": 50}}, SHORT_ANSWERS),
}
"""What there are deployments of."""


def holders(droplets: background.Cloud) -> dict[str, int]:
    """Return which droplet has each reserved address."""
    answer = urllib3.request(
        "GET",
        f"{droplets.url}/v2/reserved_ipv6",
        headers={"Authorization": f"Bearer {digitalocean.TOKEN}"},
    )
    assert answer.status == 200, answer.data
    return {
        address["ip"]: address["droplet"]["id"]
        for address in answer.json()["reserved_ipv6s"]
        if address["droplet"]
    }


def control(cloud: background.Cloud, method: str, what: str, body: object = None) -> None:
    """Ask the cloud's layer for a change."""
    answer = urllib3.request(method, f"{cloud.url}/dualstack-sandbox/{what}", json=body)
    assert answer.status < 300, answer.data


@cache
def client(cloud: background.Cloud, service: str) -> Any:
    """Return a boto3 client, as any other program that works in the account would have it."""
    variables = aws.client_environment(cloud.url)
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
