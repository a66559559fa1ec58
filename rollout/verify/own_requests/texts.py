"""What stands still in a text whose rest changes: a page with a clock, a feed, a form. Pure.

A text becomes tokens, tags or words, and pairs of neighbours. A token that changes breaks two
pairs, and all others still say what stands where.
"""

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

_TOKEN: Final = re.compile(r"<[^<>]{1,400}>|[\w.-]+|[^\w\s]")

_MOST_BYTES: Final = 2**18
"""Bytes of a text that are taken apart; the rest is compared by its length only where it varies."""

_BINARY_PIECE: Final = 16
"""Bytes of a token where a body is no text."""

Pairs = Counter[tuple[str, str]]


@lru_cache(maxsize=64)
def tokens_of(body: bytes) -> Pairs:
    """Return the pairs of neighbouring tokens of a body, each with how often it stands there."""
    head = body[:_MOST_BYTES]
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as fault:
        if len(body) > _MOST_BYTES and fault.start > _MOST_BYTES - 4:
            text = head[: fault.start].decode("utf-8")
        else:
            pieces = range(0, len(head), _BINARY_PIECE)
            return _paired([head[at : at + _BINARY_PIECE].hex() for at in pieces])
    return _paired(_TOKEN.findall(text))


def _paired(tokens: Sequence[str]) -> Pairs:
    return Counter(zip(("", *tokens), (*tokens, ""), strict=True))


def standing_still(texts: Sequence[Pairs]) -> Pairs:
    """Return the pairs that stand in all texts as often."""
    first, *others = texts
    return Counter(
        {pair: count for pair, count in first.items() if all(one[pair] == count for one in others)}
    )


def missing_text(still: Pairs, own: Pairs) -> str:
    """Return what of the text that stands still is not there, or there in another number."""
    missing = [pair for pair, count in still.items() if own[pair] != count]
    if not missing:
        return "all there"
    shown = ", ".join(" ".join(filter(None, pair)) for pair in missing[:3])
    return (
        f"without {shown!r}" if len(missing) == 1 else f"without {len(missing)} such as {shown!r}"
    )


def added_text(texts: Sequence[Pairs], usual: Sequence[Pairs]) -> frozenset[tuple[str, str]]:
    """Return the pairs that stand in each of some texts and in none of the usual ones."""
    if not texts:
        return frozenset()
    first, *others = texts
    return frozenset(
        pair
        for pair in first
        if all(pair in each for each in others) and not any(pair in each for each in usual)
    )
