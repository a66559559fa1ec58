"""Waiting for what comes by itself."""

import time
from collections.abc import Callable
from typing import Final

PATIENCE_SECONDS: Final = 120.0
"""How long is waited at most: a bound for what hangs, and no measure of what is slow."""

PAUSE_SECONDS: Final = 0.02


def wait_until(is_so: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, f"it is still not so after {seconds:g} s"
        time.sleep(PAUSE_SECONDS)
