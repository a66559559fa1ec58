"""What there must be nothing left of once a lab is closed."""

import contextlib
import time
from collections.abc import Collection
from pathlib import Path

import psutil

from sandbox.lab.droplet import control_groups

PATIENCE_SECONDS = 20.0


def namespaces(pids: Collection[int]) -> set[str]:
    """Return the network, PID and mount namespaces of processes, but those of this one."""
    own = {str(Path(f"/proc/self/ns/{kind}").readlink()) for kind in ("net", "pid", "mnt")}
    names: set[str] = set()
    for pid in pids:
        for kind in ("net", "pid", "mnt"):
            with contextlib.suppress(OSError):
                names.add(str(Path(f"/proc/{pid}/ns/{kind}").readlink()))
    return names - own


def groups(pids: Collection[int]) -> set[str]:
    """Return the control groups of droplets that processes are in."""
    lines: list[str] = []
    for pid in pids:
        with contextlib.suppress(OSError):
            lines += Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    parts = {part for line in lines if line.startswith("0::") for part in line.split("/")}
    return {part for part in parts if part.startswith(control_groups.PREFIX)}


def groups_left_of(before: set[str]) -> set[str]:
    """Return which control groups are still there, once they had time to go."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (left := before & _all_groups()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def _all_groups() -> set[str]:
    with control_groups.own_group() as own:
        return {group.name for group in own.glob(f"{control_groups.PREFIX}*")}


def below(pid: int) -> list[int]:
    """Return a process and all that came from it."""
    return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]


def everybody() -> list[int]:
    """Return every process of this machine."""
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]


def left_of(before: set[str]) -> set[str]:
    """Return which namespaces are still there, once they had time to go."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (left := before & namespaces(everybody())) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left
