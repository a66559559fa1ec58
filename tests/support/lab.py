"""A deployed stack for labs, and what there must be nothing left of."""

import contextlib
import shutil
import time
from collections.abc import Collection
from pathlib import Path

from sandbox.clouds import aws, digitalocean
from sandbox.clouds.background import Cloud
from sandbox.engine.find import Engine
from sandbox.engine.shell import STACK, Shell
from support.engine import CHECKOUT, Stack

PATIENCE_SECONDS = 20.0


def new_stack(folder: Path, engine: Engine, account: Cloud, droplets: Cloud) -> Stack:
    """Return the sandbox's stack in a folder of its own, not yet deployed.

    Args:
        folder: Empty; gets the program's entry and everything that the engine writes.
        engine: The engine.
        account: The AWS to deploy to.
        droplets: The DigitalOcean to deploy to.
    """
    project = folder / "project"
    project.mkdir()
    for name in ("__main__.py", "Pulumi.yaml", f"Pulumi.{STACK}.yaml"):
        shutil.copy(CHECKOUT / name, project)
    for name in (".venv", "policies"):
        (project / name).symlink_to(CHECKOUT / name)
    shell = Shell(project, folder / "home")
    shell.prepare()
    clouds = {
        **digitalocean.client_environment(droplets.url),
        **aws.client_environment(account.url),
    }
    stack = Stack(project, shell.environment(engine, clouds))
    stack.pulumi("stack", "init", STACK).must()
    return stack


def namespaces(pids: Collection[int]) -> set[str]:
    """Return the network, PID and mount namespaces of processes, but those of this one."""
    own = {str(Path(f"/proc/self/ns/{kind}").readlink()) for kind in ("net", "pid", "mnt")}
    found: set[str] = set()
    for pid in pids:
        for kind in ("net", "pid", "mnt"):
            with contextlib.suppress(OSError):
                found.add(str(Path(f"/proc/{pid}/ns/{kind}").readlink()))
    return found - own


def everybody() -> list[int]:
    """Return every process of this machine."""
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]


def left_of(before: set[str]) -> set[str]:
    """Return which namespaces are still there, once they had time to go."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (left := before & namespaces(everybody())) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left
