"""The few calls to Linux that Python 3.11 has no function for."""

import ctypes
import os
import signal
from collections.abc import Collection
from pathlib import Path
from typing import Final

_LIBC: Final = ctypes.CDLL(None, use_errno=True)

# Source: Linux, include/uapi/linux/sched.h, mount.h, prctl.h, capability.h.
NEW_MOUNTS: Final = 0x00020000
NEW_CONTROL_GROUPS: Final = 0x02000000
NEW_NAMES: Final = 0x04000000
NEW_IPC: Final = 0x08000000
NEW_PIDS: Final = 0x20000000
NEW_NETWORK: Final = 0x40000000

READ_ONLY: Final = 1
REMOUNT: Final = 32
BIND: Final = 4096
RECURSIVE: Final = 16384
PRIVATE: Final = 1 << 18

_DETACH: Final = 2
_PR_SET_PDEATHSIG: Final = 1
_PR_CAPBSET_DROP: Final = 24
_CAPABILITY_VERSION: Final = 0x20080522
_PIVOT_ROOT: Final = {"x86_64": 155, "aarch64": 41}
"""Number of the system call, which the C library does not wrap. Source: its `asm/unistd.h`."""

# The same on every architecture. Source: Linux, include/uapi/asm-generic/unistd.h, mount.h.
_FSOPEN, _FSCONFIG, _FSMOUNT = 430, 431, 432
_CLOSE_ON_EXEC: Final = 1
_FSCONFIG_CREATE: Final = 6


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def unshare(flags: int) -> None:
    """Leave the namespaces that the flags name for new ones.

    Raises:
        OSError: Linux refused, as it does to all but root.
    """
    _checked(_LIBC.unshare(flags), "unshare")


def children_in_pids_of(process: str) -> None:
    """Have the next children of this process in the PID namespace of a process.

    Args:
        process: Its number, or `self`, as after an `unshare`.

    Raises:
        OSError: Linux refused, or there is no such process.
    """
    _join(f"/proc/{process}/ns/pid", NEW_PIDS)


def network_of(process: str) -> None:
    """Go on in the network of a process, with this thread alone.

    Raises:
        OSError: Linux refused, or there is no such process.
    """
    _join(f"/proc/{process}/ns/net", NEW_NETWORK)


def _join(namespace: str, kind: int) -> None:
    descriptor = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _checked(_LIBC.setns(descriptor, kind), "setns")
    finally:
        os.close(descriptor)


def mount(source: str, target: Path, kind: str = "", flags: int = 0, options: str = "") -> None:
    """Mount something.

    Raises:
        OSError: Linux refused.
    """
    arguments = (source.encode(), bytes(target), kind.encode(), flags, options.encode())
    _checked(_LIBC.mount(*arguments), f"mount {source or kind} on {target}")


def open_filesystem(kind: str) -> int:
    """Mount a file system nowhere, and return a descriptor of its root; it is gone with that.

    Raises:
        OSError: Linux refused.

    Source: fsopen(2), fsconfig(2), fsmount(2).
    """
    system = _checked(_LIBC.syscall(_FSOPEN, kind.encode(), _CLOSE_ON_EXEC), f"open {kind}")
    try:
        created = _LIBC.syscall(_FSCONFIG, system, _FSCONFIG_CREATE, None, None, 0)
        _checked(created, f"open {kind}")
        return _checked(_LIBC.syscall(_FSMOUNT, system, _CLOSE_ON_EXEC, 0), f"open {kind}")
    finally:
        os.close(system)


def pivot_root(root: Path) -> None:
    """Make a mounted folder the root of this process and its mount namespace, and nothing else.

    The old root is put on top of the new one and taken off again, so it needs no folder.
    Source: pivot_root(2), 'pivot_root(".", ".")'.

    Raises:
        OSError: Linux refused.
    """
    os.chdir(root)
    _checked(_LIBC.syscall(_PIVOT_ROOT[os.uname().machine], b".", b"."), "pivot_root")
    _checked(_LIBC.umount2(b".", _DETACH), "umount")
    os.chdir("/")


def die_with_parent() -> None:
    """Have this process killed when the one that made it ends, however that ends.

    Raises:
        OSError: Linux refused.
    """
    _checked(_LIBC.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0), "prctl")


def drop_capabilities(numbers: Collection[int]) -> None:
    """Have the program that this process executes next, and its children, never get these.

    Raises:
        OSError: Linux refused.
    """
    last = int(Path("/proc/sys/kernel/cap_last_cap").read_bytes())
    for number in numbers:
        if number <= last:
            _checked(_LIBC.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0), "prctl")
    # Root's programs get what is inheritable, too, whatever the bounding set says.
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    # Effective, permitted and inheritable ones, first those below 32, then the others.
    sets = (ctypes.c_uint32 * 6)()
    _checked(_LIBC.capget(header, sets), "capget")
    sets[2] = sets[5] = 0
    _checked(_LIBC.capset(header, sets), "capset")
