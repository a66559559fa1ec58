"""Network namespaces for tests: of their own, and gone when the test is.

A namespace belongs to a thread. Threads and processes that it starts while it is in one are in it
too, and so are the sockets that it makes; the other threads are not. The kernel ends a namespace
when the last of them is gone.

With `setns` and `unshare` of the C library, because Python has its own only since 3.12.
"""

import ctypes
import os
import subprocess
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_CLONE_NEWNET: Final = 0x40000000
"""Source: Linux, `include/uapi/linux/sched.h`."""

_LIBC: Final = ctypes.CDLL(None, use_errno=True)


@contextmanager
def own_network(addresses: Sequence[str] = ()) -> Generator[None]:
    """Put this thread into a network with nothing but loopback, until the end.

    Args:
        addresses: Addresses that the interface `lo`, which is up, has besides its own.

    Raises:
        PermissionError: Only root may.
    """
    with _back_again():
        _checked(_LIBC.unshare(_CLONE_NEWNET))
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        for address in addresses:
            # Nobody else can have it, and no time is spent on asking.
            now = ["nodad"] if ":" in address else []
            subprocess.run(["ip", "address", "add", address, "dev", "lo", *now], check=True)
        yield


@contextmanager
def network_of(pid: int) -> Generator[None]:
    """Put this thread into the network of a process, until the end.

    Raises:
        PermissionError: Only root may.
    """
    with _back_again():
        with Path(f"/proc/{pid}/ns/net").open() as there:
            _checked(_LIBC.setns(there.fileno(), _CLONE_NEWNET))
        yield


def enter_network(descriptor: int) -> None:
    """Put this thread into a network for good, and close the file of its namespace.

    Raises:
        PermissionError: Only root may, unless it is there already.
    """
    if os.fstat(descriptor).st_ino != Path("/proc/thread-self/ns/net").stat().st_ino:
        _checked(_LIBC.setns(descriptor, _CLONE_NEWNET))
    os.close(descriptor)


@contextmanager
def _back_again() -> Generator[None]:
    with Path("/proc/thread-self/ns/net").open() as here:
        try:
            yield
        finally:
            _checked(_LIBC.setns(here.fileno(), _CLONE_NEWNET))


def _checked(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise PermissionError(number, f"{os.strerror(number)}; run the tests as root")
