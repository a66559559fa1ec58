"""Network namespaces for tests: of their own, and gone when the test is."""

import ctypes
import os
import subprocess
import threading
from collections.abc import Callable, Sequence

CLONE_NEWNET = 0x40000000
"""Source: linux/sched.h; `os.unshare` is there from Python 3.12 on."""


def in_namespace(body: Callable[[], None], addresses: Sequence[str] = ()) -> None:
    """Run the body of a test in a network namespace of its own, and raise what it raises.

    A namespace belongs to a thread. So the body runs in a new one, and every socket and process
    that it makes, and every thread that it starts, is in the namespace. The kernel ends the
    namespace when the last of them is gone. Nothing else of this process notices.

    Args:
        body: What to run.
        addresses: Addresses that the interface `lo`, which is up, has besides its own.
    """
    raised: list[BaseException] = []

    def run() -> None:
        try:
            _unshare()
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
            for address in addresses:
                subprocess.run(["ip", "address", "add", address, "dev", "lo"], check=True)
            body()
        except BaseException as error:  # noqa: BLE001 - it is raised where the test sees it
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if raised:
        raise raised[0]


def _unshare() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"no network namespace: {os.strerror(number)}; run as root")
