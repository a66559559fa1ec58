"""The number that a value tells, whatever shape it has: `"99"`, `99 %`, `10m`."""

import re
from collections.abc import Mapping
from typing import Any, Final

from components.settings.texts import plain

_NUMBER: Final = re.compile(r"\+?(-?[0-9][0-9_' ]*(?:\.[0-9]+)?) *([a-z%]*)\.?", re.ASCII)
_SECONDS: Final[Mapping[str, int]] = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60),
    **dict.fromkeys(("h", "hour", "hours"), 3600),
}
_MOST_DIGITS: Final = 18
"""Digits of a number that somebody means."""


def number_of(value: Any, *, seconds: bool = False) -> int | float | None:
    """Return the number that a value is or a text tells; None: it tells none.

    Args:
        value: What was written, as JSON holds it.
        seconds: Whether it is a time, so that a unit after it counts.
    """
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return value if abs(value) < 10**_MOST_DIGITS else None
    if not isinstance(value, str) or len(value) > 2 * _MOST_DIGITS:
        return None
    match = _NUMBER.fullmatch(plain(value).lower().replace(",", ""))
    if match is None:
        return None
    digits = re.sub("[_' ]", "", match[1])
    if len(digits) > _MOST_DIGITS:
        return None
    unit = _SECONDS.get(match[2], 1) if seconds else 1
    return (float(digits) if "." in digits else int(digits)) * unit
