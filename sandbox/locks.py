"""Locks between commands that run at once; whoever waits is told for what."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

_UNNOTICED_SECONDS: Final = 1
"""Nobody needs to be told of a wait that is shorter."""


@contextmanager
def held(path: Path, work: str, say: Callable[[str], None]) -> Generator[None]:
    """Hold a lock; say so before waiting for one that another command holds.

    Args:
        path: The lock's file.
        work: What the other command is doing then: "makes the engine".
        say: Gets the line.
    """
    lock = FileLock(path)
    try:
        lock.acquire(timeout=_UNNOTICED_SECONDS)
    except Timeout:
        say(f"Another command {work}; waiting until it is through ({path})")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
