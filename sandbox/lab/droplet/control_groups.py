"""Control groups of droplets: made for one boot, and removed once nothing runs in them.

systemd tells the processes of its services apart by control groups, so each droplet has a group of
its own with a control group namespace in it. A control group is no namespace: it stays when its
last process is gone, until somebody removes it. The keeper of a droplet does, and where that was
killed, the lab does when it ends, and so does the next droplet that starts. None of them needs to
know what belongs to whom, because only a group without processes can be removed.

This is the hierarchy of control groups version 2. It can be mounted on every machine with Linux 5.2
or newer whose root is not kept from it, also where the machine itself uses version 1. It is mounted
nowhere: a descriptor holds it.
"""

import errno
import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from sandbox.lab.droplet import kernel

PREFIX: Final = "dualstack-droplet-"
"""What the names of the groups begin with."""


def fault() -> str:
    """Return why no control group can be made on this machine, as one line; empty: it can."""
    try:
        with own_group() as own:
            made = own / f"{PREFIX}{secrets.token_hex(8)}"
            made.mkdir()
            made.rmdir()
    except OSError as error:
        return (
            f"Control groups are refused to this process ({error}); each droplet of the lab needs "
            "one of version 2. Use a virtual machine, or a container that is privileged."
        )
    return ""


@contextmanager
def own_group() -> Generator[Path]:
    """Give the control group of this process, as a folder that is there until the block ends.

    Raises:
        OSError: Linux refused.
    """
    descriptor = kernel.open_filesystem("cgroup2")
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
        own = next(line.removeprefix("0::") for line in lines if line.startswith("0::"))
        yield Path(f"/proc/self/fd/{descriptor}{own}")
    finally:
        os.close(descriptor)


def enter_new() -> None:
    """Put this process into a new group of its own, which is the root of all that it sees.

    Raises:
        OSError: Linux refused.
    """
    with own_group() as own:
        while True:
            group = own / f"{PREFIX}{secrets.token_hex(8)}"
            group.mkdir()
            try:
                (group / "cgroup.procs").write_text("0")
                break
            except FileNotFoundError:
                # Somebody removed it, because it was empty until now.
                continue
    kernel.unshare(kernel.NEW_CONTROL_GROUPS)


def remove_empty() -> None:
    """Remove the groups of droplets that are gone.

    Raises:
        OSError: Linux refused.
    """
    with own_group() as own:
        for group in own.glob(f"{PREFIX}*"):
            with suppress(FileNotFoundError):
                if "populated 0" in (group / "cgroup.events").read_text(encoding="utf-8"):
                    _remove(group)


def _remove(group: Path) -> None:
    """Remove a group and all below it, unless a process came into one."""
    folders = [Path(folder) for folder, _, _ in os.walk(group, topdown=False)]
    for folder in folders:
        try:
            folder.rmdir()
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.EBUSY):
                raise
