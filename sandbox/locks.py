"""Locks between commands that run at once; whoever waits is told for what."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

_UNNOTICED_SECONDS = 1


@contextmanager
def held(path: Path, work: str, say: Callable[[str], None]) -> Generator[None]:
    """Hold a lock; after a second of waiting say what the other command does."""
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
