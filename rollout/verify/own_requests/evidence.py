"""What was odd in answers, in words. Pure."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from rollout.verify.own_requests.bodies import compared_headers
from rollout.verify.own_requests.cookies import is_folded
from rollout.verify.own_requests.judgement import ADDED, Oddity, Outcome
from rollout.verify.own_requests.learned import Learned
from rollout.verify.own_requests.parts import (
    ANY_ORDER,
    BEGINNING,
    END,
    ENTRIES,
    IN_ORDER,
    STATUS,
    STILL,
    shown,
)

LONGEST_SHOWN: Final = 60
"""Characters of a value that evidence shows."""

LONGEST_PLACE: Final = 200
"""Characters of a place that evidence shows."""

MOST_SHOWN: Final = 5
"""Differences that evidence shows; the rest are counted."""

MOST_PLACES: Final = 8
"""Places that a list of places shows; the rest are counted."""


def differences_text(odd: Sequence[Oddity], hide: Callable[[str], str]) -> str:
    """Return differences as evidence: secrets are removed before anything is cut."""
    parts = [_difference_text(each, hide) for each in odd[:MOST_SHOWN]]
    if len(odd) > MOST_SHOWN:
        parts.append(f"{len(odd) - MOST_SHOWN} more")
    return "; ".join(parts)


def _difference_text(odd: Oddity, hide: Callable[[str], str]) -> str:
    part = odd.part
    place = _window(part.place, 0, LONGEST_PLACE)
    expected, came = (hide(shown(part, value)) for value in (odd.expected, odd.came))
    first, second = _windows(expected, came)
    if part.aspect == ADDED:
        return f"{place} holds {_window(came, 0)}, which no answer of direct holds"
    if part.aspect == STILL:
        return f"{place} comes {_window(came, 0)}, which stands still on direct"
    if part.aspect == f"{ENTRIES} {ANY_ORDER}" and odd.came is not None:
        return f"{place} has other entries than on direct"
    if part.aspect == f"{ENTRIES} {IN_ORDER}" and odd.came is not None:
        return f"{place} has other entries than on direct, or in another order"
    what = place
    if part.kind == "header" and part.aspect.startswith(("attributes of", "cookie")):
        what = f"{place} ({part.aspect})"
    elif part.aspect.startswith((BEGINNING, END)):
        what = f"the {part.aspect} of {place}"
    elif part.aspect.endswith((ANY_ORDER, "values", "in every entry")):
        what = f"{place} ({part.aspect})"
    return f"{what} expected {first}, came {second}"


def folded_cookies(learned: Learned, outcomes: Iterable[Outcome]) -> bool:
    """Say whether cookies of direct came folded into fewer headers."""
    for outcome in outcomes:
        own = compared_headers(outcome.answer).get("set-cookie", ()) if outcome.answer else ()
        for answer in learned.answers:
            sent = compared_headers(answer).get("set-cookie", ())
            if is_folded(sent, own) or _is_folded_by_names(sent, own):
                return True
    return False


def _is_folded_by_names(sent: Sequence[str], received: Sequence[str]) -> bool:
    """Say whether the names of all cookies are in fewer headers: their values may change."""
    names = [value.partition("=")[0].strip() for value in sent]
    joined = ", ".join(received)
    return 0 < len(received) < len(sent) and all(f"{name}=" in joined for name in names)


def changing_text(learned: Learned) -> str:
    """Return what evidence says of the places whose values change; empty where none does."""
    places = list(dict.fromkeys(_outermost(learned.changing)))
    if not places:
        return ""
    more = len(places) - MOST_PLACES
    listed = ", ".join(places[:MOST_PLACES]) + (f" and {more} more" if more > 0 else "")
    return f"; changes from answer to answer, so its kind is compared and not its value: {listed}"


def _outermost(places: Iterable[str]) -> Iterable[str]:
    """Yield the places that are not of an entry of a list, if the list as a whole is among them."""
    every = list(places)
    wild = [place.partition("/*")[0] for place in every if "/*" in place]
    for place in every:
        if "/*" in place or not any(place.startswith(f"{each}/") for each in wild):
            yield place


def loose_text(learned: Learned, hide: Callable[[str], str]) -> str:
    """Return what comes and goes by itself."""
    texts: list[str] = []
    for rule in learned.loose[:MOST_PLACES]:
        entries = {
            value
            for part, values in learned.table.items()
            if (part.kind, part.where) == (rule.kind, rule.where) and part.aspect == ENTRIES
            for value in values
            if value
        }
        if rule.kind == "json" and len(entries) > 1:
            counts = sorted(entries, key=lambda text: int(text.split()[0]))
            texts.append(f"{rule} has {counts[0]} to {counts[-1]}")
        else:
            texts.append(f"{rule} comes and goes")
    if len(learned.loose) > MOST_PLACES:
        texts.append(f"{len(learned.loose) - MOST_PLACES} more")
    return hide(", ".join(texts))


def is_status(odd: Sequence[Oddity]) -> bool:
    """Say whether it is the status that is odd."""
    return any(each.part == STATUS for each in odd)


def _windows(first: str, second: str) -> tuple[str, str]:
    """Return the parts of two texts around their first difference."""
    if max(len(first), len(second)) <= LONGEST_SHOWN:
        return first, second
    pairs = enumerate(zip(first, second, strict=False))
    parted = next((index for index, (one, other) in pairs if one != other), 0)
    start = max(0, parted - LONGEST_SHOWN // 3)
    return _window(first, start), _window(second, start)


def _window(text: str, start: int, longest: int = LONGEST_SHOWN) -> str:
    shown_text = text[start : start + longest]
    end = "…" if start + longest < len(text) else ""
    return f"{'…' if start else ''}{shown_text}{end}"
