"""Which behavior of a distribution a path belongs to. Pure.

The behaviors are tried in order, and the first whose pattern matches is taken; the default one
takes the rest. `*` stands for any characters, `/` among them, or none, and `?` for exactly one;
case counts, and a `/` at the beginning is optional.
Source: CloudFront Developer Guide, Cache behavior settings, Path pattern.
"""

import re
from collections.abc import Sequence
from itertools import product
from typing import Final

_FILLERS: Final = ("", "a", "0", "x/y", "z.json", "w.html")
"""What stands for a `*` in turn, behind what makes the path this run's own."""


def _expression(pattern: str) -> re.Pattern[str]:
    rooted = pattern if pattern.startswith(("/", "*")) else f"/{pattern}"
    parts = (".*" if char == "*" else "." if char == "?" else re.escape(char) for char in rooted)
    return re.compile("".join(parts), re.DOTALL)


def matches(pattern: str, path: str) -> bool:
    """Say whether a pattern matches a path."""
    return _expression(pattern).fullmatch(path) is not None


def behavior_of(patterns: Sequence[str], path: str) -> int:
    """Return the number of the behavior that a path belongs to; that of the default is the last."""
    return next(
        (number for number, each in enumerate(patterns) if matches(each, path)), len(patterns)
    )


def path_of(patterns: Sequence[str], number: int, mark: str) -> str | None:
    """Return a path that belongs to a behavior; None: an earlier one takes all that it matches.

    Args:
        patterns: The patterns, in order.
        number: The behavior.
        mark: What makes the path one that nobody has asked for.
    """
    pattern = patterns[number] if number < len(patterns) else "/*"
    rooted = pattern if pattern.startswith(("/", "*")) else f"/{pattern}"
    for filler, single in product(_FILLERS, "q0_"):
        path = rooted.replace("?", single)
        path = path.replace("*", f"{mark}{filler}", 1).replace("*", filler or mark)
        path = path if path.startswith("/") else f"/{path}"
        if behavior_of(patterns, path) == number:
            return path
    return None


def echo_below(patterns: Sequence[str], number: int, echo: str) -> str | None:
    """Return a path of a behavior where an API that has an echo may have another; None: nowhere."""
    pattern = patterns[number] if number < len(patterns) else "/*"
    if "*" not in pattern:
        return None
    stem = pattern.partition("*")[0].rstrip("/")
    stem = stem if stem.startswith("/") or not stem else f"/{stem}"
    path = f"{stem}{echo}"
    belongs = all(behavior_of(patterns, each) == number for each in (path, f"{path}/a=1"))
    return path if belongs and "?" not in path else None
