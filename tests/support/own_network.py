"""A network namespace for the thread of a test, and for all that it starts."""

import ctypes
import os
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

CLONE_NEWNET: Final = 0x40000000
"""Source: Linux, `include/uapi/linux/sched.h`."""


@contextmanager
def own_network() -> Generator[None]:
    """Put this thread into a network with nothing but loopback, until the end.

    Threads and processes that it starts meanwhile are in it too; the other threads are not.

    With `setns` and `unshare` of the C library, because Python has its own only since 3.12.

    Raises:
        PermissionError: Only root may.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    outside = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        if libc.unshare(CLONE_NEWNET) != 0:
            number = ctypes.get_errno()
            raise PermissionError(number, f"{os.strerror(number)}; run the tests as root")
        try:
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
            yield
        finally:
            assert libc.setns(outside, CLONE_NEWNET) == 0
    finally:
        os.close(outside)
