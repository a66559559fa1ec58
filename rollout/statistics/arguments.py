"""Faults of the numbers that planning and spending take, in the project's shape."""

import math
from collections.abc import Iterator

from components.faults import Fault


def at_least_one(what: str, value: int) -> Iterator[Fault]:
    """Yield a fault unless a count is 1 or more."""
    if value < 1:
        yield Fault(what, f"{value}", "it is at least 1", "Give how many there are.")


def positive(what: str, value: float) -> Iterator[Fault]:
    """Yield a fault unless a quantity is finite and above 0."""
    if not (math.isfinite(value) and value > 0):
        yield Fault(what, f"{value:g}", "it is a finite number above 0", "Give what is expected.")


def share(what: str, value: float, *, above_zero: bool = False) -> Iterator[Fault]:
    """Yield a fault unless a share is between 0 and 1."""
    if not 0 <= value <= 1 or (above_zero and value == 0):
        least = "above 0" if above_zero else "at least 0"
        yield Fault(what, f"{value:g}", f"it is {least} and at most 1", "Give 1 % as 0.01.")


def open_share(what: str, value: float) -> Iterator[Fault]:
    """Yield a fault unless a share is above 0 and below 1."""
    if not 0 < value < 1:
        yield Fault(what, f"{value:g}", "it is above 0 and below 1", "Give 1 % as 0.01.")
