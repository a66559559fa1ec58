"""Numbers as people read them: no more digits than tell something, and the unit in words."""

import math
from typing import Final

from rollout.simulate.figures import Band, Family

FAMILY_NAMES: Final[dict[Family, str]] = {"all": "All", "ipv4": "IPv4", "ipv6": "IPv6"}
"""What the families are called in tables and plots."""

_BESIDE: Final = "\N{NO-BREAK SPACE}"
"""Between a number and its unit: they stay on one line."""

_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
_LARGE: Final = ((1e9, "billion"), (1e6, "million"))
_DIGITS: Final = 3


def percent(share: float) -> str:
    """Return a share in percent: `0.54 %`, `45 %`, `99.8 %`.

    The digits are those of the nearer end: 99.8 % is not all, and 0.2 % is somebody.
    """
    return f"{_percent(share)}{_BESIDE}%"


def weight(percent: float) -> str:
    """Return a weight, or another whole number of percent: `25 %`, `99.9 %`."""
    return f"{percent:g}{_BESIDE}%"


def percent_band(band: Band) -> str:
    """Return a share with its band: `1.2 % (0.54 to 2.4)`."""
    return f"{percent(band.expected)} ({_percent(band.low)} to {_percent(band.high)})"


def _percent(share: float) -> str:
    value = 100 * share
    distance = min(value, 100 - value)  # from the nearer end
    if distance <= 0.005:  # noqa: PLR2004 - hundredths are the smallest that are told
        return "0" if value < 50 else "100"  # noqa: PLR2004
    digits = max(0, min(2, 1 - math.floor(math.log10(distance))))
    return f"{value:.{digits}f}"


def count(number: float) -> str:
    """Return a number of requests: `3,910`, `2.46 million`."""
    digits, word = _count(number)
    return f"{digits}{word}"


def count_range(low: float, high: float) -> str:
    """Return a range of requests: `260 to 367`, `2.45 to 2.48 million`."""
    (low_digits, low_word), (digits, word) = _count(low), _count(high)
    return f"{low_digits}{'' if low_word == word else low_word} to {digits}{word}"


def count_band(band: Band) -> str:
    """Return a number of requests with its band: `3,910 (3,170 to 4,810)`."""
    return f"{count(band.expected)} ({count_range(band.low, band.high)})"


def _count(number: float) -> tuple[str, str]:
    rounded = _rounded(number)
    for size, word in _LARGE:
        if rounded >= size:
            return f"{rounded / size:g}", f"{_BESIDE}{word}"
    return f"{rounded:,.0f}", ""


def duration(seconds: float) -> str:
    """Return a time in one unit or two: `45 s`, `1 h 9 min`, `3 d 1 h`."""
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.2g}{_BESIDE}s"
    place = next(place for place, (size, _) in enumerate(_UNITS) if seconds >= size)
    (size, unit), (smaller, smaller_unit) = _UNITS[place : place + 2]
    whole, rest = divmod(round(seconds / smaller), size // smaller)
    more = f" {rest}{_BESIDE}{smaller_unit}" if rest else ""
    return f"{whole}{_BESIDE}{unit}{more}"


def full_traffic(seconds: float) -> str:
    """Return seconds of the full traffic, which are added up and so have no better unit."""
    return f"{_rounded(seconds):,g}{_BESIDE}s"


def traffic_range(low: float, high: float) -> str:
    """Return a range of such times: `377 to 1,740 s`."""
    return f"{_rounded(low):,g} to {full_traffic(high)}"


def times(ratio: float) -> str:
    """Return a multiple: `4.5 times`."""
    return f"{ratio:.1f}{_BESIDE}times"


def points(share: float) -> str:
    """Return a difference of shares in percentage points: `0.35 points`."""
    return f"{_rounded(100 * share, 2):g}{_BESIDE}points"


def sentence(text: str) -> str:
    """Return a text that begins with a capital and ends with a full stop."""
    return f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith((".", "!", "?")) else ".")


def _rounded(number: float, digits: int = _DIGITS) -> float:
    return float(f"{number:.{digits}g}")
