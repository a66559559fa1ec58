"""The bodies of answers: which bytes, which part of them, in how many pieces, compressed or not."""

import re
from collections.abc import Iterator
from typing import Final, Literal

from sandbox.lab.origin.exchange import Headers

PERIOD: Final = 251
"""Byte *i* of a body of a given size is `i % 251`. A prime, so that a piece that is lost, repeated
or out of place shows whatever power of two the buffers on the way have."""

PIECE_BYTES: Final = 2**16
"""How much is made and sent at once."""

_PATTERN: Final = bytes(range(PERIOD)) * (PIECE_BYTES // PERIOD + 2)

_RANGE: Final = re.compile(r"bytes=(\d*)-(\d*)", re.IGNORECASE)


def range_of(header: str, size: int) -> tuple[int, int] | Literal["whole", "beyond"]:
    """Read a Range header.

    Returns:
        Start and end (exclusive) of one range; `whole` where everything is to be sent: other units,
        several ranges, no sense; `beyond` where nothing of it is in the body.

    Source: RFC 9110, 14.
    """
    match = _RANGE.fullmatch(header.replace(" ", ""))
    if match is None or match.groups() == ("", ""):
        return "whole"
    first, last = match.groups()
    if not first:
        start, end = max(size - int(last), 0), size
        return (start, end) if start < end else "beyond"
    start, end = int(first), min(int(last) + 1, size) if last else size
    if last and int(last) < start:
        return "whole"
    return (start, end) if start < size else "beyond"


def pattern(start: int, end: int) -> Iterator[bytes]:
    """Yield the bytes of a body of a given size, from `start` to `end` (exclusive)."""
    while start < end:
        length = min(end - start, PIECE_BYTES)
        offset = start % PERIOD
        yield _PATTERN[offset : offset + length]
        start += length


def accepts_gzip(headers: Headers) -> bool:
    """Tell whether a request accepts a body that is compressed with gzip."""
    text = b",".join(value for name, value in headers if name.lower() == b"accept-encoding")
    for part in text.decode("latin-1").lower().split(","):
        coding, *parameters = (word.strip() for word in part.split(";"))
        if coding in ("gzip", "x-gzip"):
            return not any(re.fullmatch(r"q=0(\.0*)?", parameter) for parameter in parameters)
    return False


def pieces(
    content: bytes | None, start: int, end: int, chunks: int | None
) -> Iterator[Iterator[bytes]]:
    """Yield each piece of a body as the parts that it is sent in.

    Args:
        content: The body; None: the pattern.
        start: Where to start in it.
        end: Where to stop in it, exclusive.
        chunks: How many pieces; fewer where there are not so many bytes.
    """
    number = min(chunks or 1, end - start)
    for each in range(number):
        first = start + (end - start) * each // number
        last = start + (end - start) * (each + 1) // number
        yield pattern(first, last) if content is None else iter([content[first:last]])
