"""Opaque mode: the user's own requests, the same on every way, and what differs in the answers.

The direct path over IPv4 is what the API's users know today, so its answer is the measure. Asking
once and comparing is the naive way, and it cries wolf: answers hold clocks, counters, request ids
and the name of whichever server was asked. So the measure is asked for twice, and what differs
between its own two answers is unstable: it is named and not compared. What differs on another way
is asked for once more, on both, before it counts: two quick answers may agree on a clock that has
moved on by the third. What differed once and not again is not a pass either; it could not be told.
Nor do two or three answers show what an API with two servers says at random, so before anything
fails the measure is asked eight times more: what it then says itself, or changes by itself, is no
difference.

Unstable is a value, seldom the thing itself: an API that sets another session on each answer sets
one on each. So what is unstable still has to be there as often as on direct, of the same type, and
empty only where it is empty there: a session that is lost on its way is no clock.
"""

import asyncio
import json
import re
import zlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, Literal, cast
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from rollout.probe.model import (
    SECRET_HEADERS,
    Answer,
    Check,
    Family,
    Path,
    Result,
    Surroundings,
    TroubleError,
    Verdict,
    Way,
)
from rollout.requests.model import Asked, Catalogue, Rule

IGNORED_HEADERS: Final[Mapping[str, str]] = {
    "age": "tells of caches; the cache check reads it",
    "alt-svc": "an offer of HTTP/3, which belongs to whoever answers",
    "connection": "about one connection, not about the answer (RFC 9110 section 7.6.1)",
    "content-length": "how the body is framed; the body itself is compared",
    "date": "the moment of the answer",
    "keep-alive": "about one connection, not about the answer (RFC 9110 section 7.6.1)",
    "transfer-encoding": "how the body is framed; the body itself is compared",
    "upgrade": "about one connection, not about the answer (RFC 9110 section 7.6.1)",
    "via": "CloudFront adds itself",
    "x-amz-cf-id": "CloudFront numbers what passes it",
    "x-amz-cf-pop": "the place that CloudFront answered from",
    "x-cache": "what CloudFront's cache did; the cache check reads it",
}
"""Headers of answers that are never compared, each with the reason.

Source: CloudFront Developer Guide, 'Request and response behavior for custom origins'.
"""

LONGEST_BODY: Final = 64 * 1024 * 1024
"""Bytes that a compressed body may grow to; a longer one is compared as it is."""

MORE_TIMES: Final = 8
"""How often the measure is asked again before a difference counts. One of two values that come at
random stays unseen in as many answers once in 256 times."""

NOTHING: Final = "nothing"
"""What evidence says of a header that is not there."""

LONGEST_SHOWN: Final = 60
"""Characters of a value that evidence shows."""

MOST_KEPT: Final = 4096
"""Bytes of a body that are kept to show it; more than are shown, for secrets may stand among them
that have to be known as a whole."""

MOST_SHOWN: Final = 5
"""Differences that evidence shows; the rest are counted."""

KEPT_ATTRIBUTES: Final = frozenset(
    {"domain", "httponly", "partitioned", "path", "samesite", "secure"}
)
"""Attributes of a cookie that stay the same where its value and its end do not. Source: RFC 6265
section 4.1.2."""

CODINGS: Final[Mapping[str, int]] = {"gzip": 31, "x-gzip": 31, "deflate": 15}
"""`wbits` of zlib by content coding. Others, such as `br`, are compared as they are."""


@dataclass(frozen=True)
class Difference:
    """What is not the same in two answers."""

    kind: Literal["status", "header", "json", "body"]
    """Which part."""
    where: str
    """Name of the header in lower case, or JSON pointer; else empty."""
    first: str
    """What stood in the first answer."""
    second: str
    """What stood in the second."""

    @property
    def place(self) -> str:
        """Which part it is, as an ignore rule would name it."""
        return f"{self.kind}:{self.where}" if self.where or self.kind == "json" else self.kind

    def covered(self, rules: Iterable[Rule]) -> bool:
        """Say whether a rule ignores it; a status is never ignored."""
        if self.kind == "status":
            return False
        own = Rule(self.kind, self.where)
        return any(rule.covers(own) for rule in rules)


def differences(first: Answer, second: Answer) -> list[Difference]:
    """Return everything that is not the same in two answers.

    Headers are compared by name, whatever its case, with all their values in order; the order of
    different names means nothing (RFC 9110 section 5.3). Bodies that are JSON on both sides are
    compared by their values, others by their bytes, both after gzip or deflate is undone.
    """
    found: list[Difference] = []
    if first.status != second.status:
        found.append(Difference("status", "", str(first.status), str(second.status)))
    one, other = _headers(first), _headers(second)
    found += [
        Difference("header", name, _values(name, one), _values(name, other))
        for name in sorted(one.keys() | other.keys())
        if one.get(name) != other.get(name)
    ]
    bodies = _decoded(first), _decoded(second)
    if bodies[0] != bodies[1]:
        parsed = _json(first, bodies[0]), _json(second, bodies[1])
        if parsed[0] is None or parsed[1] is None:
            return [*found, _bodies_differ(*bodies)]
        try:
            found += _json_differences("", parsed[0][0], parsed[1][0])
        except RecursionError:
            # It is nested deeper than Python follows; that alone is no reason to tell nothing.
            found.append(_bodies_differ(*bodies))
    return found


def _bodies_differ(first: bytes, second: bytes) -> Difference:
    return Difference("body", "", _body(first), _body(second))


def check(catalogue: Catalogue, ignore: Sequence[Rule]) -> Check:
    """Return the check that asks for everything in a catalogue.

    Args:
        catalogue: The requests.
        ignore: What does not count in any answer.
    """

    async def opaque(surroundings: Surroundings) -> AsyncIterator[Result]:
        tasks = [
            asyncio.create_task(
                _compare(_Question(surroundings, asked, hostname, turn), tuple(ignore))
            )
            for turn, asked in enumerate(catalogue.asked)
            for hostname in surroundings.target.hostnames
            if asked.hostname in {None, hostname}
        ]
        if not tasks:
            yield _nothing(catalogue)
        try:
            # In the catalogue's order, so that the table is the same every time.
            for task in tasks:
                for result in await task:
                    yield result
        finally:
            for task in tasks:
                task.cancel()

    return opaque


def _nothing(catalogue: Catalogue) -> Result:
    """Say that nothing was compared: that is no pass."""
    if catalogue.not_asked:
        evidence, remedy = "none of the requests can be sent", "See why under 'Not asked'."
    else:
        evidence = "no answers were compared: nothing says what to ask"
        remedy = "Give --echo PATH, or --requests, --openapi or --har with a FILE."
    return Result("answers", "unknown", evidence, remedy=remedy)


@dataclass(frozen=True)
class _Question:
    """One request to one hostname."""

    surroundings: Surroundings
    asked: Asked
    hostname: str
    turn: int
    """Its number: where a path has several addresses in a family, requests take turns on them."""

    def ways(self) -> dict[tuple[Path, Family], Way]:
        """Return the way to go on each path over each family."""
        lanes: dict[tuple[Path, Family], list[Way]] = {}
        for way in self.surroundings.ways:
            if way.hostname == self.hostname:
                lanes.setdefault((way.path, way.family), []).append(way)
        return {lane: ways[self.turn % len(ways)] for lane, ways in lanes.items()}

    async def ask(self, way: Way) -> Answer:
        return await self.surroundings.wire.send(way, self.asked.request)

    def result(self, way: Way | None, verdict: Verdict, evidence: str) -> Result:
        path, family = (way.path, way.family) if way else (None, None)
        name = f"answers {self.asked.name}"
        # Places and reasons may repeat a secret as well as values.
        shown = _hider(self.asked)(evidence)
        return Result(name, verdict, shown, self.hostname, path, family)


@dataclass(frozen=True)
class _Measure:
    """What the direct path answers over IPv4, and what of it does not count."""

    way: Way
    first: Answer
    second: Answer
    ignore: tuple[Rule, ...]
    """What the user wants ignored."""
    unstable: tuple[Rule, ...]
    """What changes from answer to answer: its value is not compared, its shape is."""
    note: str
    """What evidence says of what is unstable; empty where nothing is."""
    more: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while more answers are asked for: all ways share them."""
    asked_more: list[Answer] = field(default_factory=list[Answer])
    """Those answers."""


async def _compare(question: _Question, ignore: tuple[Rule, ...]) -> list[Result]:
    """Ask for one thing on every way of a hostname."""
    ways = question.ways()
    way = ways.pop(("direct", "IPv4"), None)
    if way is None:
        reason = "nothing to compare with: direct over IPv4 cannot be used"
        return [question.result(None, "unknown", reason)]
    try:
        first, second = await question.ask(way), await question.ask(way)
    except TroubleError as trouble:
        reason = f"nothing to compare with: {way.address} (direct): {trouble.kind}: {trouble}"
        return [question.result(way, "unknown", reason)]
    rules = (*ignore, *question.asked.ignore)
    unstable = _left(differences(first, second), rules)
    if first.status != second.status:
        reason = f"the API itself answers now {first.status}, now {second.status}"
        return [question.result(way, "unknown", reason)]
    places = ", ".join(dict.fromkeys(item.place for item in unstable))
    note = f"; not compared, for it changes from answer to answer: {places}" if places else ""
    measure = _Measure(way, first, second, rules, tuple(_rules(unstable)), note)
    others = [_against(question, measure, other) for other in ways.values()]
    own = question.result(way, "pass", f"{first.status}, the measure{note}")
    return [own, *await asyncio.gather(*others)]


async def _against(question: _Question, measure: _Measure, way: Way) -> Result:
    """Compare the answer on one way with the measure."""
    first, second, note = measure.first, measure.second, measure.note
    try:
        own = _against_all(way, await question.ask(way), measure, (first, second))
        if not own:
            return question.result(way, "pass", f"{first.status}, as direct over IPv4{note}")
        third = await question.ask(measure.way)
        answer = await question.ask(way)
        known = (third, first, second)
        again = _against_all(way, answer, measure, known)
        lasting = _lasting(own, again)
        if lasting:
            known = (*known, *await _more(question, measure))
            again = _against_all(way, answer, measure, known)
            lasting = _lasting(own, again)
    except TroubleError as trouble:
        reason = f"{way.address} gave no answer where direct did: {trouble.kind}: {trouble}"
        return question.result(way, "unknown", reason)
    hide = _hider(question.asked)
    if lasting:
        evidence = f"{_told(lasting, hide)} (from {way.address}){note}"
        return question.result(way, "fail", evidence)
    if any(item.kind == "status" for item in own) and answer.status != first.status:
        reason = f"the API itself answers now {first.status}, now {answer.status}"
        return question.result(way, "unknown", reason)
    return question.result(way, "unknown", f"differed once and not again: {_told(own, hide)}{note}")


def _lasting(own: Iterable[Difference], again: Iterable[Difference]) -> list[Difference]:
    """Return what differs again where something differed before."""
    before = {item.place for item in own}
    return [item for item in again if item.place in before]


async def _more(question: _Question, measure: _Measure) -> list[Answer]:
    """Return more of the measure's answers, which are asked for once.

    Raises:
        TroubleError: One had no answer, so nothing can be told.
    """
    async with measure.more:
        while len(measure.asked_more) < MORE_TIMES:
            measure.asked_more.append(await question.ask(measure.way))
    return measure.asked_more


def _against_all(
    way: Way, answer: Answer, measure: _Measure, known: Sequence[Answer]
) -> list[Difference]:
    """Return what an answer has that no answer of the measure's had.

    Args:
        way: Where it came from.
        answer: The answer.
        measure: What does not count.
        known: The measure's own answers; values are compared with the first.
    """
    if answer.status != known[0].status and answer.status in {other.status for other in known}:
        return []
    # An error of the API's own on the way there says nothing of what its answers hold.
    alike = [known[0], *(other for other in known[1:] if other.status == known[0].status)]
    moved = [item for other in alike[1:] for item in differences(alike[0], other)]
    unstable = dict.fromkeys([*measure.unstable, *_rules(_left(moved, measure.ignore))])
    found = _unexplained(way, differences(alike[0], answer))
    values = _left(found, [*measure.ignore, *unstable])
    return [*values, *_shape_differences(unstable, answer, alike)]


def _shape_differences(
    unstable: Iterable[Rule], answer: Answer, known: Sequence[Answer]
) -> list[Difference]:
    """Return where an answer has a shape that none of the known ones had."""
    pages = [_Page(each) for each in known]
    own = _Page(answer)
    found: list[Difference] = []
    for rule in unstable:
        shapes = dict.fromkeys(page.shape(rule) for page in pages)
        came = own.shape(rule)
        if came not in shapes:
            found.append(Difference(rule.kind, rule.where, " or ".join(shapes), came))
    return found


class _Page:
    """An answer of which only shapes are asked."""

    def __init__(self, answer: Answer) -> None:
        self._headers = _headers(answer)
        self._body = _decoded(answer)
        self._json = _json(answer, self._body)

    def shape(self, rule: Rule) -> str:
        """Return what a place holds, without its value."""
        if rule.kind == "header":
            return _header_shape(rule.where, self._headers.get(rule.where, ()))
        if rule.kind == "body" or self._json is None:
            return "a body" if self._body else NOTHING
        value: object = self._json[0]
        for part in rule.where.split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            if isinstance(value, dict) and key in value:
                value = cast("dict[str, object]", value)[key]
            elif isinstance(value, list) and key.isdecimal():
                items = cast("list[object]", value)
                if int(key) >= len(items):
                    return NOTHING
                value = items[int(key)]
            else:
                return NOTHING
        return _json_shape(value)


def _header_shape(name: str, values: Sequence[str]) -> str:
    """Return how many values a header has, which are empty, and what cookies it sets."""
    if not values:
        return NOTHING
    if name == "set-cookie":
        return " and ".join(sorted(_cookie_shape(value) for value in values))
    empty = sum(not value.strip() for value in values)
    told = f"{len(values)} value{'s' if len(values) > 1 else ''}"
    return f"{told}, {empty} empty" if empty else told


def _cookie_shape(value: str) -> str:
    """Return a cookie's name and the attributes that do not change with its value."""
    pair, *attributes = value.split(";")
    name, equals, content = pair.partition("=")
    # Without an equals sign it has no name, and what stands there is its value.
    shown = name.strip() if equals else "a cookie without a name"
    empty = "" if (content if equals else name).strip() else " (empty)"
    kept = sorted(
        f"{key.strip().lower()}{sign}{rest.strip()}"
        for key, sign, rest in (each.partition("=") for each in attributes)
        if key.strip().lower() in KEPT_ATTRIBUTES
    )
    return "; ".join([f"{shown}{empty}", *kept])


def _json_shape(value: object) -> str:
    """Return the type of a JSON value, and whether it is empty."""
    kinds: tuple[tuple[type, str], ...] = (
        (_Number, "a number"),
        (str, "a string"),
        (bool, "a boolean"),
        (list, "a list"),
        (dict, "an object"),
    )
    kind = next((told for each, told in kinds if isinstance(value, each)), "null")
    return f"{kind}, empty" if value in ("", [], {}) else kind


def _unexplained(way: Way, found: Iterable[Difference]) -> list[Difference]:
    """Return differences but for the name that CloudFront gives a server that has none."""
    named = Difference("header", "server", NOTHING, json.dumps("CloudFront"))
    return [item for item in found if way.path != "cdn" or item != named]


def _left(found: Iterable[Difference], rules: Sequence[Rule]) -> list[Difference]:
    return [item for item in found if not item.covered(rules)]


def _rules(unstable: Iterable[Difference]) -> list[Rule]:
    """Return rules that ignore what changes by itself."""
    return [Rule(item.kind, item.where) for item in unstable if item.kind != "status"]


def _told(found: Sequence[Difference], hide: Callable[[str], str]) -> str:
    """Return differences as evidence: secrets are taken out before anything is cut."""
    told: list[str] = []
    for item in found[:MOST_SHOWN]:
        first, second = _windows(hide(item.first), hide(item.second))
        told.append(f"{item.place} expected {first}, came {second}")
    if len(found) > MOST_SHOWN:
        told.append(f"{len(found) - MOST_SHOWN} more")
    return "; ".join(told)


def _headers(answer: Answer) -> dict[str, tuple[str, ...]]:
    """Return the headers that are compared, by name in lower case."""
    found: dict[str, tuple[str, ...]] = {}
    for name, value in answer.headers:
        lower = name.lower()
        if lower not in IGNORED_HEADERS:
            found[lower] = (*found.get(lower, ()), value)
    return found


def _values(name: str, headers: Mapping[str, tuple[str, ...]]) -> str:
    values = headers.get(name)
    if values is None:
        return NOTHING
    if _is_secret(name):
        return ", ".join(f"[secret, {len(value)} characters]" for value in values)
    return ", ".join(json.dumps(value, ensure_ascii=False) for value in values)


def _decoded(answer: Answer) -> bytes:
    """Return a body without its content coding, or as it is where that cannot be undone."""
    coding = (answer.header("content-encoding") or "").strip().lower()
    if coding not in CODINGS:
        return answer.body
    unpacker = zlib.decompressobj(CODINGS[coding])
    try:
        body = unpacker.decompress(answer.body, LONGEST_BODY)
    except zlib.error:
        return answer.body
    return body if unpacker.eof and not unpacker.unused_data else answer.body


def _json(answer: Answer, body: bytes) -> tuple[Any] | None:
    """Return what a JSON body holds, in a tuple; None: it is not JSON.

    Numbers are kept as they are written: an API that answers 1.0 and not 1 was altered on its way.
    """
    kind = (answer.header("content-type") or "").partition(";")[0].strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        return None
    try:
        value = json.loads(body, parse_int=_Number, parse_float=_Number, parse_constant=_Number)
    except (ValueError, RecursionError):
        return None
    return (value,)


class _Number(str):
    """A number of JSON, as it is written; no string, though it is one for Python."""

    __slots__ = ()


def _json_differences(pointer: str, first: object, second: object) -> list[Difference]:
    if isinstance(first, dict) and isinstance(second, dict):
        one, other = cast("dict[str, Any]", first), cast("dict[str, Any]", second)
        return [
            difference
            for key in dict.fromkeys([*one, *other])
            for difference in _member(f"{pointer}/{_escaped(key)}", key, one, other)
        ]
    if isinstance(first, list) and isinstance(second, list):
        items, others = cast("list[Any]", first), cast("list[Any]", second)
        if len(items) == len(others):
            return [
                difference
                for index, (item, counterpart) in enumerate(zip(items, others, strict=True))
                for difference in _json_differences(f"{pointer}/{index}", item, counterpart)
            ]
        lengths = f"{len(items)} entries", f"{len(others)} entries"
        return [Difference("json", pointer, *lengths)]
    return _plain_difference(pointer, cast("object", first), second)


def _plain_difference(pointer: str, first: object, second: object) -> list[Difference]:
    if type(first) is type(second) and first == second:
        return []
    name = pointer.rpartition("/")[2]
    return [Difference("json", pointer, _shown(first, name), _shown(second, name))]


def _member(
    pointer: str, key: str, one: Mapping[str, Any], other: Mapping[str, Any]
) -> list[Difference]:
    if key in one and key in other:
        return _json_differences(pointer, one[key], other[key])
    first, second = (_shown(value[key], key) if key in value else NOTHING for value in (one, other))
    return [Difference("json", pointer, first, second)]


def _escaped(key: str) -> str:
    """Return a key as a JSON pointer holds it. Source: RFC 6901 section 3."""
    return key.replace("~", "~0").replace("/", "~1")


def _shown(value: object, name: str) -> str:
    """Return a JSON value as evidence shows it; one whose name tells of a secret not at all."""
    text = str(value) if isinstance(value, _Number) else json.dumps(value, ensure_ascii=False)
    secret = _is_secret(name) and value is not None and not isinstance(value, bool)
    return f"[secret, {len(text)} characters]" if secret else text


def _body(body: bytes) -> str:
    if not body:
        return NOTHING
    text = body[:MOST_KEPT].decode("utf-8", "replace")
    return f"{len(body)} bytes {json.dumps(text, ensure_ascii=False)}"


def _windows(first: str, second: str) -> tuple[str, str]:
    """Return the parts of two texts that show where they part."""
    if max(len(first), len(second)) <= LONGEST_SHOWN:
        return first, second
    pairs = enumerate(zip(first, second, strict=False))
    parted = next((index for index, (one, other) in pairs if one != other), 0)
    start = max(0, parted - LONGEST_SHOWN // 3)
    return _window(first, start), _window(second, start)


def _window(text: str, start: int) -> str:
    shown = text[start : start + LONGEST_SHOWN]
    end = "…" if start + LONGEST_SHOWN < len(text) else ""
    return f"{'…' if start else ''}{shown}{end}"


def _hider(asked: Asked) -> Callable[[str], str]:
    """Return what takes a request's secrets out of evidence, should an answer repeat them."""
    secrets = {
        form
        for value in _secrets(asked)
        for form in (value, quote(value, safe=""), quote_plus(value))
        if len(value) >= SHORTEST_SECRET
    }
    # As they are, and as a JSON text has them.
    secrets |= {json.dumps(secret, ensure_ascii=False)[1:-1] for secret in secrets}

    def hide(text: str) -> str:
        # The longest first, or what is left of it would show.
        for secret in sorted(secrets, key=len, reverse=True):
            text = text.replace(secret, "[secret]")
        return text

    return hide


SHORTEST_SECRET: Final = 6
"""Characters below which a part of a request is no secret: hiding `1` would hide every 1."""

SECRET_NAME: Final = re.compile(
    r"token|secret|passw|passphrase|api.?key|auth(?!or)|credential|csrf|xsrf|jwt|signature|sess",
    re.IGNORECASE,
)
"""What the name of a header, a parameter or a member holds whose value is likely a secret."""

HARMLESS: Final = frozenset(
    {
        "accept",
        "accept-charset",
        "accept-encoding",
        "accept-language",
        "cache-control",
        "content-encoding",
        "content-language",
        "content-type",
        "dnt",
        "origin",
        "pragma",
        "priority",
        "range",
        "upgrade-insecure-requests",
        "user-agent",
    }
)
"""Headers, in lower case, that hold nothing to hide in a recording either; nor do those that a
browser names `Sec-`."""


def _is_secret(name: str) -> bool:
    """Say whether what has a name is likely a secret."""
    return name.lower() in SECRET_HEADERS or SECRET_NAME.search(name) is not None


def _secrets(asked: Asked) -> Iterator[str]:
    """Yield whatever in a request may be a secret; in one that was recorded nearly all may."""
    request, recorded = asked.request, asked.recorded
    for name, value in request.headers:
        lower = name.lower()
        if _is_secret(name) or (
            recorded and lower not in HARMLESS and not lower.startswith("sec-")
        ):
            yield from _parts_of(value)
    raw = request.body if isinstance(request.body, bytes) else b"".join(request.body or ())
    body = raw.decode("utf-8", "replace")
    for query in (request.target.partition("?")[2], body):
        for pair in query.split("&"):
            name, _, value = pair.partition("=")
            if value and (recorded or _is_secret(unquote(name))):
                yield from (value, unquote(value), unquote_plus(value))
    if recorded:
        yield body
    with suppress(ValueError, RecursionError):
        yield from _json_secrets(json.loads(raw), everything=recorded)


def _json_secrets(value: object, *, everything: bool) -> Iterator[str]:
    """Yield the texts in a JSON value that may be secrets."""
    if isinstance(value, str):
        if everything:
            yield value
    elif isinstance(value, list):
        for each in cast("list[object]", value):
            yield from _json_secrets(each, everything=everything)
    elif isinstance(value, dict):
        for key, each in cast("dict[str, object]", value).items():
            yield from _json_secrets(each, everything=everything or _is_secret(key))
    elif everything and not isinstance(value, bool) and value is not None:
        yield json.dumps(value)


def _parts_of(value: str) -> Iterable[str]:
    """Yield a secret header's value, the credentials in it, and the value of each cookie."""
    parts = [value, *value.split(" "), *(pair.partition("=")[2] for pair in value.split(";"))]
    return [part.strip() for part in parts if len(part.strip()) >= SHORTEST_SECRET]
