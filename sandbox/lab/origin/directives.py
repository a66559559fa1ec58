"""How an echo is answered: what the path says of it, as a value. docs/echo.md is the contract."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote_to_bytes

MOST_DELAY_SECONDS: Final = 600.0
"""The longest `delay` and `interval`: longer than any timeout of a load balancer or of CloudFront
that is worth being tried."""

MOST_BYTES: Final = 2**30
"""The largest `size`."""

MOST_CHUNKS: Final = 10_000
"""The most `chunks`."""

NO_BODY: Final = (204, 304)
"""Answers that have no body, for any method. Source: RFC 9110, 6.4.1."""

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A header's name. Source: RFC 9110, 5.6.2."""

_VALUE: Final = re.compile(r"([\x21-\x7e\x80-\xff]([\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?")
"""A header's value. Source: RFC 9110, 5.5."""

_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")

_FRAMING: Final = frozenset(
    {"connection", "content-length", "keep-alive", "transfer-encoding", "upgrade", "x-echo"}
)
"""Headers that `header` may not set: those say how the answer travels, or are the echo itself."""


@dataclass(frozen=True)
class Directives:
    """How to answer."""

    status: int = 200
    """The status code, 200 to 599."""
    headers: tuple[tuple[str, str], ...] = ()
    """Headers to answer with besides; one of a name that would be sent anyway replaces it."""
    trailers: tuple[tuple[str, str], ...] = ()
    """Fields to send after the body."""
    delay_seconds: float = 0.0
    """How long to wait before the answer, after a `hint`."""
    size: int | None = None
    """Length of a body of `i % 251`, in place of the echo; None: the echo is the body."""
    chunks: int | None = None
    """In how many pieces the body is sent, without a Content-Length; None: as it comes."""
    interval_seconds: float = 0.0
    """How long to wait between pieces."""
    hint: int | None = None
    """An informational answer to send first, 102 to 199; None: none."""
    gzip: bool = False
    """Whether the body is compressed if the request accepts that."""
    ranges: bool = False
    """Whether a Range of the body is served."""
    close: bool = False
    """Whether the connection is ended when half of the body is sent."""


class DirectivesError(ValueError):
    """The directives cannot be followed; the message lists every fault."""


def directives_of(segment: str) -> Directives:
    """Read how to answer from the path.

    Args:
        segment: All that follows the echo path and a `/`: `status=404;header=Name:value`, values
            percent-encoded; empty: no directive.

    Raises:
        DirectivesError: One is unknown, repeated, or cannot be followed.
    """
    values: dict[str, Any] = {}
    fields: dict[str, list[tuple[str, str]]] = {"headers": [], "trailers": []}
    faults: list[str] = []
    for part in segment.split(";") if segment else ():
        name, _, raw = part.partition("=")
        directive = _DIRECTIVES.get(name)
        text = None if _PERCENT.search(raw) else unquote_to_bytes(raw).decode("latin-1")
        value = None if directive is None or text is None else directive.read(text)
        if directive is None:
            faults.append(f'The directive is "{part}"; allowed are {", ".join(_DIRECTIVES)}.')
        elif value is None:
            faults.append(f'{name} is "{raw}"; allowed is {directive.allowed}.')
        elif directive.field in fields:
            fields[directive.field].append(value)
        elif directive.field in values:
            faults.append(f"{name} is there twice; only header and trailer may be.")
        else:
            values[directive.field] = value
    directives = Directives(**{name: tuple(each) for name, each in fields.items()}, **values)
    faults += _contradictions(directives)
    if faults:
        raise DirectivesError(" ".join(faults))
    return directives


def _whole(least: int, most: int) -> Callable[[str], int | None]:
    def read(text: str) -> int | None:
        plain = text.isascii() and text.isdigit() and len(text) <= len(str(most))
        return int(text) if plain and least <= int(text) <= most else None

    return read


def _seconds(text: str) -> float | None:
    plain = re.fullmatch(r"\d{1,3}(\.\d{1,6})?", text, re.ASCII)
    return float(text) if plain and float(text) <= MOST_DELAY_SECONDS else None


def _only(word: str) -> Callable[[str], bool | None]:
    return lambda text: True if text == word else None


def _header(text: str) -> tuple[str, str] | None:
    name, colon, value = text.partition(":")
    good = colon and _TOKEN.fullmatch(name) and _VALUE.fullmatch(value)
    return (name, value) if good and name.lower() not in _FRAMING else None


@dataclass(frozen=True)
class _Directive:
    """One directive."""

    field: str
    """Field of `Directives` that it sets."""
    read: Callable[[str], Any]
    """Reads its value; None where that is not allowed."""
    allowed: str
    """What is, for a person."""


_FIELD: Final = f'"Name:value", percent-encoded, with any name but {", ".join(sorted(_FRAMING))}'
_DURATION: Final = f"0 to {MOST_DELAY_SECONDS:g} seconds"

_DIRECTIVES: Final = {
    "status": _Directive("status", _whole(200, 599), "200 to 599"),
    "header": _Directive("headers", _header, _FIELD),
    "delay": _Directive("delay_seconds", _seconds, _DURATION),
    "size": _Directive("size", _whole(0, MOST_BYTES), f"0 to {MOST_BYTES} bytes"),
    "chunks": _Directive("chunks", _whole(1, MOST_CHUNKS), f"1 to {MOST_CHUNKS}"),
    "trailer": _Directive("trailers", _header, _FIELD),
    "interval": _Directive("interval_seconds", _seconds, _DURATION),
    "hint": _Directive("hint", _whole(102, 199), "102 to 199"),
    "encoding": _Directive("gzip", _only("gzip"), "gzip"),
    "range": _Directive("ranges", _only("on"), "on"),
    "close": _Directive("close", _only("on"), "on"),
}
"""Every directive by its name."""


def _contradictions(directives: Directives) -> Iterator[str]:
    if directives.ranges and directives.size is None:
        yield "range is there without size; a range needs a body that is always the same. Add size."
    if directives.ranges and directives.gzip:
        yield "range and encoding are both there; only one of them can be followed."
    if directives.interval_seconds and directives.chunks is None:
        yield "interval is there without chunks; it is the time between pieces. Add chunks."
    if directives.trailers and directives.chunks is None:
        yield "trailer is there without chunks; trailers follow a body in pieces. Add chunks."
    shaped = directives.size is not None or directives.chunks or directives.gzip or directives.close
    if directives.status in NO_BODY and shaped:
        yield f"status is {directives.status}, which has no body to shape; allowed with it are \
header, delay and hint."
