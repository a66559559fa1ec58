"""An answer taken apart: everything in it that can be compared, part by part. Pure.

To compare whole answers raises false alarms: they hold clocks, counters, request ids, lists in an
order of their own. To leave out what changes hides what is lost with it. So an answer becomes many
small parts: the value of each header and each member of JSON, but also its type, the attributes of
a cookie, the number of entries of a list, the entries whatever their order, the values that a
member has in all entries. Which of them stand still is learned from the direct path (see
`learned`); those are compared, and the others are not.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from json.encoder import encode_basestring
from typing import Any, Final, Literal, NamedTuple, cast

from rollout.probe.model import HttpAnswer
from rollout.requests.catalogue import IgnoreRule
from rollout.verify.own_requests.bodies import (
    JsonNumber,
    compared_headers,
    decoded_body,
    json_body,
)
from rollout.verify.own_requests.cookies import cookies_of
from rollout.verify.own_requests.texts import missing_text, tokens_of
from rollout.verify.secrets import is_secret

NOTHING: Final = "nothing"
"""What is shown for a part that is not there."""

MOST_KEPT: Final = 4096
"""Bytes of a body that are kept as evidence. More than are shown, because a secret among them can
only be removed as a whole."""

TYPE, ENTRIES, MEMBERS = "type", "entries", "members"
ANY_ORDER, IN_ORDER, VALUES, EVERYWHERE = "in any order", "in order", "values", "in every entry"
STILL, BEGINNING, END = "what stands still", "beginning", "end"

_MOST_VALUES: Final = 20
"""Different values of a member over all entries above which they are no closed set."""


class Part(NamedTuple):
    """A part of an answer."""

    kind: Literal["status", "header", "json", "body"]
    """What of the answer it belongs to."""
    where: str = ""
    """Name of the header in lower case, or JSON pointer, in which `*` is every entry of a list."""
    aspect: str = ""
    """What of it is compared; empty: its value."""

    @property
    def place(self) -> str:
        """The place, as an ignore rule names it."""
        return f"{self.kind}:{self.where}" if self.where or self.kind == "json" else self.kind

    @property
    def is_value(self) -> bool:
        """Whether it is a value that a cache would repeat, and not only what is said of one."""
        return (
            not self.aspect
            or self.aspect.endswith((ANY_ORDER, IN_ORDER))
            or self.aspect.startswith("cookie ")
        )

    def covered(self, rules: Iterable[IgnoreRule]) -> bool:
        """Say whether a rule ignores it; a status is never ignored."""
        if self.kind == "status":
            return False
        own = IgnoreRule(self.kind, self.where)
        return any(rule.covers(own) for rule in rules)


STATUS: Final = Part("status")

Parts = Mapping[Part, str]
"""The parts of one answer, each with its value as text."""


_MOST_PLACES: Final = 100
"""Entries of a list above which they are compared as a whole and by what they have in common, and
not one by one."""

_LONGEST_JOINED: Final = 400
"""Characters of many values that are kept to be shown."""


@dataclass(frozen=True)
class Frame:
    """How answers are taken apart, as learned from several."""

    open_lists: frozenset[str] = frozenset()
    """Pointers of lists whose entries have no fixed places: their number or their shapes vary."""
    varying_lists: frozenset[str] = frozenset()
    """Pointers of lists that are not the same in all answers."""
    maps: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    """Pointers of objects that have other keys each time, with those keys that are always there."""
    text: Counter[tuple[str, str]] | None = None
    """Pairs of neighbouring tokens that stand still in a text that varies; None: it does not."""


def take_apart(answer: HttpAnswer, frame: Frame) -> dict[Part, str]:
    """Return all parts of an answer."""
    parts: dict[Part, str] = {STATUS: str(answer.status)}
    for name, values in compared_headers(answer).items():
        if name == "set-cookie":
            parts |= _cookie_parts(values)
        else:
            # Several headers of one name may be joined. Source: RFC 9110 section 5.3.
            parts[Part("header", name)] = ", ".join(value.strip() for value in values)
    body = decoded_body(answer)
    parsed = json_body(answer, body)
    try:
        if parsed is None:
            parts |= _text_parts(body, frame)
        else:
            _fill_json(parts, "", parsed[0], frame)
    except RecursionError:
        # It is nested deeper than Python follows; then the bytes are compared.
        parts |= _text_parts(body, frame)
    return parts


Affixes = Mapping[Part, tuple[str, str]]
"""How values that vary begin and end."""


def affix_parts(parts: Parts, affixes: Affixes) -> dict[Part, str]:
    """Return how values of an answer begin and end, where others begin or end alike."""
    more: dict[Part, str] = {}
    for part, (beginning, end) in affixes.items():
        value = parts.get(part)
        if value is not None:
            for aspect, kept in (
                (BEGINNING, beginning if value.startswith(beginning) else value),
                (END, end if value.endswith(end) else value),
            ):
                more[Part(part.kind, part.where, f"{aspect} {part.aspect}".strip())] = kept
    return more


def _cookie_parts(values: Sequence[str]) -> dict[Part, str]:
    """Return each cookie by its name: its value, and the attributes that do not change with it."""
    parts = {Part("header", "set-cookie", ENTRIES): f"{len(values)} cookies"}
    for cookie in cookies_of(values):
        own = f"{cookie.name} {cookie.number}" if cookie.number else cookie.name
        parts[Part("header", "set-cookie", f"cookie {own}")] = cookie.value
        parts[Part("header", "set-cookie", f"attributes of {own}")] = cookie.attributes
    return parts


def _text_parts(body: bytes, frame: Frame) -> dict[Part, str]:
    whole = _shown_body(body)
    parts = {Part("body"): whole, Part("body", "", TYPE): "a body" if body else NOTHING}
    if frame.text is not None:
        parts[Part("body", "", STILL)] = missing_text(frame.text, tokens_of(body))
    return parts


def _shown_body(body: bytes) -> str:
    """Return a body as text that is the same for the same body only."""
    if not body:
        return NOTHING
    text = json.dumps(body[:MOST_KEPT].decode("utf-8", "replace"), ensure_ascii=False)
    return f"{len(body)} bytes {text} ({hashlib.sha256(body).hexdigest()[:12]})"


_TYPES: Final[Mapping[type, str]] = {
    JsonNumber: "a number",
    str: "a string",
    bool: "a boolean",
    list: "a list",
    dict: "an object",
}


def type_of(value: object) -> str:
    """Return the type of a JSON value, and whether it is empty."""
    kind = _TYPES.get(type(value), "null")
    return f"{kind}, empty" if value in ("", [], {}) else kind


def text_of(value: object) -> str:
    """Return a JSON value as text; values that are the same, and no others, have the same text."""
    if isinstance(value, str):
        return str(value) if isinstance(value, JsonNumber) else encode_basestring(value)
    if isinstance(value, dict):
        members = sorted(cast("dict[str, Any]", value).items())
        texts = [f"{encode_basestring(key)}:{text_of(each)}" for key, each in members]
        return f"{{{','.join(texts)}}}"
    if isinstance(value, list):
        return f"[{','.join([text_of(each) for each in cast('list[Any]', value)])}]"
    return "null" if value is None else "true" if value else "false"


def escaped(key: str) -> str:
    """Return a key as a JSON pointer holds it. Source: RFC 6901 section 3."""
    return key.replace("~", "~0").replace("/", "~1")


def _fill_json(parts: dict[Part, str], pointer: str, value: object, frame: Frame) -> None:
    """Add the parts of a JSON value at a place."""
    parts[Part("json", pointer, TYPE)] = type_of(value)
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        always = frame.maps.get(pointer)
        for key, each in members.items():
            if always is None or key in always:
                _fill_json(parts, f"{pointer}/{escaped(key)}", each, frame)
        if always is not None:
            parts[Part("json", pointer, MEMBERS)] = f"{len(members)} members"
            others = [each for key, each in members.items() if key not in always]
            parts.update(_columns(pointer, others))
    elif isinstance(value, list):
        _fill_list(parts, pointer, cast("list[Any]", value), frame)
    else:
        parts[Part("json", pointer)] = text_of(value)


def _fill_list(
    parts: dict[Part, str], pointer: str, entries: Sequence[object], frame: Frame
) -> None:
    parts[Part("json", pointer, ENTRIES)] = f"{len(entries)} entries"
    varies = pointer in frame.open_lists or pointer in frame.varying_lists
    if len(entries) <= _MOST_PLACES and pointer not in frame.open_lists:
        for index, each in enumerate(entries):
            _fill_json(parts, f"{pointer}/{index}", each, frame)
    elif not varies:
        parts[Part("json", pointer, f"{ENTRIES} {IN_ORDER}")] = _joined(map(text_of, entries))
    if varies:
        texts = sorted(map(text_of, entries))
        parts[Part("json", pointer, f"{ENTRIES} {ANY_ORDER}")] = _joined(texts)
        parts.update(_columns(pointer, entries))


def _joined(texts: Iterable[str]) -> str:
    """Return texts as one, or if that is long, another text for any other texts."""
    whole = "; ".join(texts)
    if len(whole) <= _LONGEST_JOINED:
        return whole
    return f"{whole[:_LONGEST_JOINED]}… ({hashlib.sha256(whole.encode()).hexdigest()[:12]})"


@dataclass
class _Columns:
    """What entries of a list hold, by place."""

    values: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    types: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    objects: Counter[str] = field(default_factory=Counter[str])
    members: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])

    def take(self, place: str, value: object) -> None:
        """Take in a value at a place."""
        self.types.setdefault(place, set()).add(type_of(value))
        if isinstance(value, dict):
            self.objects[place] += 1
            for key, each in cast("dict[str, Any]", value).items():
                below = f"{place}/{escaped(key)}"
                self.members[place, below] += 1
                self.take(below, each)
        elif isinstance(value, list):
            for each in cast("list[Any]", value):
                self.take(f"{place}/*", each)
        else:
            self.values.setdefault(place, []).append(text_of(value))


def _columns(pointer: str, entries: Sequence[object]) -> Iterator[tuple[Part, str]]:
    """Yield what all entries of a list have in common, member by member."""
    columns = _Columns()
    for entry in entries:
        columns.take(f"{pointer}/*", entry)
    for place, kinds in columns.types.items():
        yield Part("json", place, TYPE), " or ".join(sorted(kinds))
    for place, texts in columns.values.items():
        different = sorted(set(texts))
        yield Part("json", place, ANY_ORDER), _joined(sorted(texts))
        if len(different) <= _MOST_VALUES:
            yield Part("json", place, VALUES), " and ".join(different)
    for (place, below), count in columns.members.items():
        everywhere = count == columns.objects[place]
        yield Part("json", below, EVERYWHERE), EVERYWHERE if everywhere else "in some entries"


def shown(part: Part, value: str | None) -> str:
    """Return the value of a part as evidence shows it; masked where its name is a secret's."""
    if value is None:
        return NOTHING
    name = part.where.rpartition("/")[2] if part.kind == "json" else part.where
    holds = part.is_value or part.aspect == VALUES or part.aspect.startswith((BEGINNING, END))
    harmless = part.kind in ("status", "body") or value in ("null", "true", "false", NOTHING)
    if holds and not harmless and is_secret(name):
        return f"[secret, {len(value)} characters]"
    if part.kind == "header" and not part.aspect:
        return json.dumps(value, ensure_ascii=False)
    if part.kind == "body" and not part.aspect:
        return value.rpartition(" (")[0] or value
    return value
