"""A deployed sandbox with a lab of it: what the tests through the lab share."""

import json
import shutil
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from sandbox.clouds import background
from sandbox.engine import find
from sandbox.engine.shell import STACK
from sandbox.lab.lab import Lab
from sandbox.lab.lab_settings import LabSettings
from sandbox.lab.world import HOSTS
from support.clouds import start_cloud
from support.engine import CHECKOUT, Stack, control, new_stack
from support.waiting import wait_until

CLIENTS: Final = ("ipv4-only", "dual-stack", "ipv6-only", "nat64-client")
HOSTNAME: Final = "api.example.com"
ELSEWHERE: Final = "elsewhere.example.com"
"""A name of the zone that the edge does not have."""

BOTH_PATHS: Final[dict[str, Any]] = {
    "proxy": {"regions": ["fra1", "ams3"], "readySeconds": 0},
    "traffic": {"direct": 50, "cdn": 50},
}
"""Everything there is: both paths have both families, and some of the users."""

ASK_SECONDS: Final = 8
"""How long a client waits for an answer before it gives up."""

VERIFY_SECONDS: Final = 300
"""How long verify may take: a bound for what hangs. It takes 20 s on an idle machine, and took more
than 120 s on two cores that twenty processes wanted."""

LAB_SETTINGS: Final = LabSettings(propagation_seconds=0.2)


@dataclass(frozen=True)
class Verified:
    """What `dualstack verify` ended with."""

    code: int
    """Its exit code."""
    results: list[dict[str, Any]]
    """Its results, as `--json` has them."""
    printed: str
    """What it printed beside."""
    ways: tuple[tuple[str, str], ...] = ()
    """Hostname and address of each way that it went."""

    def paths_by_check(self, verdict: str = "fail") -> dict[str, set[str]]:
        """Return the paths that each check gave a verdict on, by the check's name."""
        paths: dict[str, set[str]] = {}
        for result in self.results:
            if result["verdict"] == verdict:
                paths.setdefault(result["check"], set()).add(str(result.get("path")))
        return paths

    def evidence(self, verdict: str = "fail") -> str:
        """Return the evidence of each result with a verdict, a line each."""
        return "\n".join(
            f"{result['check']} {result.get('path')} {result.get('family')}: {result['evidence']}"
            for result in self.results
            if result["verdict"] == verdict
        )


@dataclass(frozen=True)
class StackAndClouds:
    """A stack, and the clouds that it deploys to."""

    stack: Stack
    account: background.Cloud
    droplets: background.Cloud
    program: str
    """The program's entry as it stands in the checkout."""
    settings: str
    """The stack's file as it stands in the checkout."""


@dataclass(frozen=True)
class Scene(StackAndClouds):
    """A lab of what is deployed."""

    lab: Lab
    folder: Path
    """A folder for files."""

    def reset(self) -> None:
        """Have the checkout's settings and the lab's again, of which nothing is deployed yet."""
        _settings(self.stack).write_text(self.settings)
        self.lab.set(LAB_SETTINGS)

    def deploy(self, before: str = "", after: str = "", **config: object) -> None:
        """Deploy with the packs off, and wait until the lab is what was deployed.

        Args:
            before: Lines of Python to put in front of the program: a fault.
            after: Lines to put behind it.
            config: Keys of the project's namespace; None takes one away.
        """
        (self.stack.folder / "__main__.py").write_text(f"{before}\n{self.program}\n{after}")
        self.stack.configure(**config)
        self.stack.pulumi(
            "up", "--yes", "--skip-preview", "--parallel=16", PULUMI_OPTION_POLICY_PACK=""
        ).must()
        self.have_outputs(self.stack.outputs())
        self.lab.settle()

    def have_outputs(self, outputs: Mapping[str, Any]) -> None:
        """Have verify look at what these outputs are of."""
        (self.folder / "outputs.json").write_text(json.dumps(outputs))

    def name_one(self) -> None:
        """Have verify look at one hostname, where another proves nothing more."""
        outputs = json.loads((self.folder / "outputs.json").read_text())
        self.have_outputs({**outputs, "hostnames": [HOSTNAME]})

    def forget_names(self) -> None:
        """Empty the cache of the clients' resolver, as whenever its settings change."""
        self.lab.change(least_ttl_seconds=1)
        self.lab.settle()
        self.lab.change(least_ttl_seconds=0)
        self.lab.settle()

    def forget(self) -> None:
        """Let no cache know anything of before: nodes of CloudFront start again, without a file."""
        self.lab.settle()
        for name in [name for name in self.lab.hosts if name.startswith("edge-")]:
            file = self.lab.folder / HOSTS / name / "nginx.pid"
            pid = file.read_text()
            for kept in (file.parent / "cache").iterdir():
                shutil.rmtree(kept)
            self.lab.run(name, "sh", "-c", f"kill {pid}").check_returncode()
            wait_until(partial(_is_of_another, file, pid))
        self.forget_names()

    def ask(self, client: str, hostname: str = HOSTNAME, path: str = "/echo") -> dict[str, Any]:
        """Return what the API says that it received from a client; empty where none answered."""
        done = self.lab.run(
            client,
            "curl",
            *("--silent", "--show-error", "--max-time", str(ASK_SECONDS)),
            *("--cacert", str(self.lab.ca)),
            f"https://{hostname}{path}",
        )
        return json.loads(done.stdout) if done.returncode == 0 else {}

    def verify(self, *options: str, client: str = "dual-stack") -> Verified:
        """Run `dualstack verify` in echo mode on a client."""
        done = self.lab.run(
            client,
            str(CHECKOUT / ".venv/bin/dualstack"),
            "verify",
            *("--outputs", str(self.folder / "outputs.json")),
            *("--echo", "/echo", "--allow-unsafe", "--json"),
            *options,
            timeout=VERIFY_SECONDS,
        )
        report: dict[str, Any] = json.loads(done.stdout) if done.stdout.strip() else {}
        ways = ((way["hostname"], way["address"]) for way in report.get("ways", ()))
        return Verified(
            done.returncode, report.get("results", []), done.stderr, tuple(dict.fromkeys(ways))
        )


def _is_of_another(file: Path, pid: str) -> bool:
    """Say whether a program was started again and has written its file."""
    try:
        return file.read_text() not in {"", pid}
    except FileNotFoundError:
        return False


def _settings(stack: Stack) -> Path:
    return stack.folder / f"Pulumi.{STACK}.yaml"


@contextmanager
def prepared(folder: Path) -> Generator[StackAndClouds]:
    """Start clouds that are as seeded, with a stack that is not deployed.

    Args:
        folder: Where everything is written.
    """
    account = start_cloud("aws", folder)
    droplets = start_cloud("digitalocean", folder)
    try:
        control(account, "PUT", "settings", {"deploy_seconds": 0.1})
        control(droplets, "PUT", "settings", {"action_seconds": 0.1})
        stack = new_stack(account, droplets, find.find(print), folder)
        program = (stack.folder / "__main__.py").read_text()
        yield StackAndClouds(stack, account, droplets, program, _settings(stack).read_text())
    finally:
        background.stop("aws", folder)
        background.stop("digitalocean", folder)


@contextmanager
def opened(stack_and_clouds: StackAndClouds, folder: Path) -> Generator[Scene]:
    """Open a lab.

    Args:
        stack_and_clouds: What it is a lab of.
        folder: Where everything is written.
    """
    urls = stack_and_clouds.account.url, stack_and_clouds.droplets.url
    with Lab.open(*urls, folder / "lab", LAB_SETTINGS) as lab:
        yield Scene(**vars(stack_and_clouds), lab=lab, folder=folder)
