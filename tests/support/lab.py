"""What there must be nothing left of once a lab is closed."""

import contextlib
import time
from collections.abc import Collection
from pathlib import Path
from typing import Final

import psutil

from sandbox.lab.droplet import control_groups
from support.waiting import PATIENCE_SECONDS

_HOLDERS: Final[dict[str, set[tuple[int, int]]]] = {}
"""Who was in each namespace when `namespaces` saw it: numbers, and when they started."""


def namespaces(pids: Collection[int]) -> set[str]:
    """Return the network, PID and mount namespaces of processes, but those of this one."""
    own = _of_process("self")
    names = {name for pid in pids for name in _of_process(pid)} - own
    _HOLDERS.update({name: set() for name in names})
    for pid in everybody():
        with contextlib.suppress(OSError):
            process = pid, _started_ticks(pid)
            for name in names & _of_process(pid):
                _HOLDERS[name].add(process)
    return names


def _of_process(pid: int | str) -> set[str]:
    names: set[str] = set()
    for kind in ("net", "pid", "mnt"):
        with contextlib.suppress(OSError):
            names.add(str(Path(f"/proc/{pid}/ns/{kind}").readlink()))
    return names


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
    """Return which namespaces are still there, once they had time to go.

    The kernel gives the number of one that is gone to the next that is made, which another lab may
    have. So only processes count that were in the namespace when it was seen.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (left := _held(before)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def _held(names: set[str]) -> set[str]:
    held: set[str] = set()
    for pid in everybody():
        with contextlib.suppress(OSError):
            process = pid, _started_ticks(pid)
            held |= {name for name in names & _of_process(pid) if process in _HOLDERS[name]}
    return held


def _started_ticks(pid: int) -> int:
    """Return when a process started, in ticks since the machine did: numbers are used again."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
