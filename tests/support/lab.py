"""What there must be nothing left of when a lab has ended."""

import contextlib
import time
from collections.abc import Collection
from pathlib import Path

PATIENCE_SECONDS = 20.0


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
