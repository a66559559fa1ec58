"""Waiting for what comes by itself."""

import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final

PATIENCE_SECONDS: Final = 30.0
"""How long is waited at most: a bound for what hangs, and no measure of what is slow."""

PAUSE_SECONDS: Final = 0.02

LOOK_SECONDS: Final = 0.1
"""How long nobody looks, between two looks of those that are repeated."""


def wait_until(is_so: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, f"it is still not so after {seconds:g} s"
        time.sleep(PAUSE_SECONDS)


@contextmanager
def repeated(look: Callable[[], None]) -> Generator[None]:
    """Look at something ten times a second until the end of the context."""
    ended = threading.Event()

    def look_on() -> None:
        while not ended.wait(LOOK_SECONDS):
            look()

    thread = threading.Thread(target=look_on)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
