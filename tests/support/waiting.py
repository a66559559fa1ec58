"""Waiting for what comes by itself."""

import time
from collections.abc import Callable
from typing import Final

PATIENCE_SECONDS: Final = 120.0
"""How long is waited at most: a bound for what hangs, and no measure of what is slow."""

PAUSES_SECONDS: Final = (0.02, 1.0)
"""How long is waited between two looks, at least and at most: twice as long as a look takes. What
is waited for needs the machine as well."""


def wait_until(is_so: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until something is so."""
    shortest, longest = PAUSES_SECONDS
    began = time.monotonic()
    end = began + seconds
    while not is_so():
        looked = time.monotonic()
        assert looked < end, f"it is still not so after {seconds:g} s"
        time.sleep(min(max(shortest, 2 * (looked - began)), longest))
        began = time.monotonic()
