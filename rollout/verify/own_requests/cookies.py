"""The cookies that an answer sets. Pure."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

_TIMES: Final = frozenset({"expires", "max-age"})
"""Attributes that change with the moment. Source: RFC 6265 section 4.1.2."""


@dataclass(frozen=True)
class SetCookie:
    """One cookie that an answer sets."""

    name: str
    """Its name; without an equals sign it has none."""
    number: int
    """How many cookies of that name come before it."""
    value: str = field(repr=False)
    """Its value."""
    attributes: str
    """Its attributes in order of their names, without the values of those that tell its end."""


def cookies_of(values: Sequence[str]) -> Iterator[SetCookie]:
    """Yield the cookies of an answer's `Set-Cookie` headers."""
    before: Counter[str] = Counter()
    for header in values:
        pair, *attributes = header.split(";")
        name, equals, content = pair.partition("=")
        own = name.strip() if equals else "without a name"
        value = (content if equals else name).strip()
        kept: list[str] = [] if value else ["(empty)"]
        for each in attributes:
            key, sign, rest = (text.strip() for text in each.partition("="))
            if key:
                lower = key.lower()
                kept.append(lower if lower in _TIMES else f"{lower}{sign}{rest}")
        yield SetCookie(own, before[own], value, "; ".join(sorted(kept)) or "none")
        before[own] += 1


def is_folded(sent: Sequence[str], received: Sequence[str]) -> bool:
    """Say whether several `Set-Cookie` headers came as fewer that hold all of them.

    A client reads one cookie then, with the others in its last attribute: of all headers this is
    the one that must not be joined. Source: RFC 6265 section 3; RFC 9110 section 5.3.
    """
    if not 0 < len(received) < len(sent):
        return False
    rest = ", ".join(value.strip() for value in received)
    for value in sent:
        if value.strip() not in rest:
            return False
        rest = rest.replace(value.strip(), "", 1)
    return not rest.strip(", ")
