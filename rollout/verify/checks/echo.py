"""Echo mode: the whole catalogue on every lane, compared with what was sent and with today.

Each kind is asked on direct over IPv4 as well as on every other lane, at the same time: what the
API gets there is what its clients get today, whatever its load balancer does. A kind that cannot be
told there cannot be told anywhere: it says nothing about the edge that an origin without an echo
does not echo through it.

Where a lane has several addresses the kinds take turns on them, so that a node that differs is
found by some of its kinds, and evidence says which address it was.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from rollout.probe.http import wire_headers
from rollout.probe.model import (
    Answer,
    Check,
    Connections,
    Request,
    Result,
    Surroundings,
    Talk,
    TroubleError,
    Way,
)
from rollout.requests.catalogue import (
    ANSWER_SECONDS,
    COMMON,
    INTERVAL_SECONDS,
    KINDS,
    PIECES,
    WEBSOCKET_MESSAGES,
    Kind,
)
from rollout.verify.compare import (
    AS_TODAY,
    Comparison,
    Echo,
    Sent,
    compare_answer,
    compare_request,
    read_echo,
)
from rollout.verify.exchange import (
    TODAY,
    Lane,
    Seen,
    as_found,
    ask,
    lanes_of,
    listed,
    on,
    result,
    status_of,
    wrong_use,
)

NOT_ASKED: Final = "Not asked: "
"""How the evidence of what was left out begins."""

STREAM_TRIES: Final = 3
"""How often pieces may come at once before that is the edge's doing: a busy machine may read late,
an edge that buffers never streams."""

STREAM_SECONDS: Final = (PIECES - 1) * INTERVAL_SECONDS / 2
"""The least time between the first piece and the last: half of what the origin took."""

REMEDIES: Final[Mapping[str, str]] = {
    "method": "Allow all seven methods in every behavior: rule methods-allowed.",
    "headers": "Forward all headers, with AllViewer: rule headers-forwarded.",
    "cookies": "Forward all cookies, with AllViewer: rule cookies-forwarded.",
    "query": "Forward all query strings, with AllViewer: rule query-strings-forwarded.",
    "status": "Answer and cache nothing for the origin: rules error-caching-off, origin-answers.",
    "encoding": "Compress nothing at the edge: rule caching-off.",
}
"""What mends a fault on cdn, by the first word of a kind's name."""


@dataclass
class _Host:
    """One hostname being checked."""

    surroundings: Surroundings
    echo: str
    lanes: Mapping[Lane, Sequence[Way]]
    plain: Mapping[Way, Seen]
    """What became of a plain request on each way."""
    kinds: Sequence[Kind]
    """What is asked."""
    ids: dict[str, str] = field(default_factory=dict[str, str])
    """Who got each answer, by its id."""

    def way(self, lane: Lane, turn: int) -> Way:
        """Return whose turn it is."""
        there = self.lanes[lane]
        return there[turn % len(there)]


async def echo(
    surroundings: Surroundings, *, kinds: Sequence[Kind] = KINDS
) -> AsyncIterator[Result]:
    """Send each kind of the catalogue on each lane, and compare."""
    path = surroundings.options.echo
    if path is None:
        return
    hostnames = dict.fromkeys(way.hostname for way in surroundings.ways)
    works = [_hostname(surroundings, path.rstrip("/"), each, kinds) for each in hostnames]
    async for each in as_found(works):
        yield each


async def _hostname(
    surroundings: Surroundings, path: str, hostname: str, kinds: Sequence[Kind]
) -> list[Result]:
    lanes = lanes_of(surroundings.ways, hostname)
    ways = [way for there in lanes.values() for way in there]
    request = Kind("plain").request(path)
    plain = await asyncio.gather(*(ask(surroundings.wire, way, request) for way in ways))
    host = _Host(surroundings, path, lanes, dict(zip(ways, plain, strict=True)), kinds)
    works = [
        *(_kind(host, kind, turn) for turn, kind in enumerate(kinds)),
        _keep_alive(host),
        _websocket(host),
    ]
    return [each for done in await asyncio.gather(*works) for each in done]


def _untold(host: _Host, way: Way) -> str | None:
    """Return why a way tells nothing at all; None: it does."""
    seen = host.plain[way]
    if seen.echo is not None or isinstance(seen.found, Answer):
        return None
    return seen.reason


def _no_today(host: _Host, turn: int) -> str | None:
    """Return why there is nothing to compare with; None: there is."""
    if TODAY not in host.lanes:
        return f"There is no way {on(TODAY)} to compare with."
    seen = host.plain[host.way(TODAY, turn)]
    if seen.echo is not None:
        return None
    if isinstance(seen.found, TroubleError):
        return f"There is nothing to compare with, {on(TODAY)} does not answer: {seen.reason}."
    return wrong_use(host.echo, seen.found)


async def _kind(host: _Host, kind: Kind, turn: int) -> list[Result]:
    ways = {lane: host.way(lane, turn) for lane in host.lanes}
    if not kind.idempotent and not host.surroundings.options.unsafe:
        told = f"{NOT_ASKED}{kind.method} is not idempotent. Allow such requests to have it asked."
        return [result(kind.name, "unknown", told, way) for way in ways.values()]
    missing = _no_today(host, turn)
    if missing is not None:
        return [result(kind.name, "unknown", missing, way) for way in ways.values()]
    lanes = [lane for lane, way in ways.items() if _untold(host, way) is None]
    seen = await asyncio.gather(*(_ask(host, kind, ways[lane]) for lane in lanes))
    found = dict(zip(lanes, seen, strict=True))
    return [
        _judge(host, kind, found[lane], found[TODAY])
        if lane in found
        else result(kind.name, "unknown", _untold(host, way) or "", way)
        for lane, way in ways.items()
    ]


async def _ask(host: _Host, kind: Kind, way: Way) -> Seen:
    request = kind.request(host.echo)
    seen = await ask(host.surroundings.wire, way, request)
    for _ in range(STREAM_TRIES - 1):
        if not kind.streams or seen.echo is None or _streamed(seen.found):
            break
        seen = await ask(host.surroundings.wire, way, request)
    return seen


def _streamed(found: Answer | TroubleError) -> bool:
    return (
        isinstance(found, Answer)
        and len(found.pieces) > 1
        and found.pieces[-1][0] - found.pieces[0][0] >= STREAM_SECONDS
    )


def _judge(host: _Host, kind: Kind, seen: Seen, today: Seen) -> Result:
    way = seen.way
    alone = seen is today
    if today.echo is None or not isinstance(today.found, Answer):
        told = "" if alone else f"There is nothing to compare with, {on(TODAY)} has no echo: "
        return result(kind.name, "unknown", f"{told}{today.reason}.", way)
    if isinstance(seen.found, TroubleError):
        told = f"{seen.reason}; a plain request is answered there"
        return _failed(kind.name, [told], way)
    faults: list[str] = []
    compared = Comparison()
    if seen.found.status != kind.status:
        faults.append(f"the status is {status_of(seen.found)} instead of {kind.status}")
    if seen.echo is None:
        faults.append(
            f"{seen.request.method} is answered {status_of(seen.found)} without the echo, so not "
            "by the origin"
        )
        return _failed(kind.name, faults[-1:], way)
    faults += _shared(host, kind, seen.echo, way)
    faults += _protocol(kind, seen.found, today.found)
    if kind.streams and not _streamed(seen.found):
        if alone or not _streamed(today.found):
            told = f"{on(TODAY)} does not stream either" if not alone else "its pieces come at once"
            return result(kind.name, "unknown", f"Streaming cannot be told: {told}.", way)
        faults.append(f"{PIECES} pieces that were sent over time arrived at once")
    compared = _compared(kind, seen, seen.found, seen.echo, None if alone else today)
    faults += [fault for fault in compared.faults if not fault.startswith("answer: the status")]
    if faults:
        return replace(_failed(kind.name, faults, way), accepted=compared.accepted)
    return result(kind.name, "pass", _passed(kind, seen.found), way, accepted=compared.accepted)


def _compared(kind: Kind, seen: Seen, answer: Answer, came: Echo, today: Seen | None) -> Comparison:
    request = seen.request
    body = request.body if isinstance(request.body, bytes) else b"".join(request.body or ())
    sent = Sent(
        request.method, request.target, wire_headers(seen.way, request), body, answer.protocol
    )
    first = compare_request(
        sent,
        came,
        seen.way.path,
        today=today.echo if today else None,
        exact_names=kind.exact_names,
    )
    if today is None or not isinstance(today.found, Answer):
        return first
    second = compare_answer(
        answer,
        today.found,
        seen.way.path,
        exact_names=kind.exact_names,
        same_body=any(name == "size" for name, _ in kind.directives),
    )
    accepted = sorted({*first.accepted, *second.accepted})
    return Comparison((*first.faults, *second.faults), tuple(accepted))


def _shared(host: _Host, kind: Kind, came: Echo, way: Way) -> list[str]:
    """Tell whether somebody else got the very same answer."""
    here = f"{kind.name} on {on((way.path, way.family))} at {way.address}"
    other = host.ids.setdefault(came.id, here)
    return [] if other == here else [f"it is the answer that {other} got: a cache gave it"]


def _protocol(kind: Kind, answer: Answer, today: Answer) -> list[str]:
    if kind.http2 and answer.protocol != "HTTP/2" and today.protocol == "HTTP/2":
        return [f"HTTP/2 is not offered; {on(TODAY)} it is"]
    return []


def _passed(kind: Kind, answer: Answer) -> str:
    if kind.http2 and answer.protocol != "HTTP/2":
        return f"HTTP/2 is not offered, as {on(TODAY)}; over HTTP/1.1 what was sent was received"
    return f"received as it was sent, and answered {answer.status}"


def _failed(check: str, faults: Sequence[str], way: Way) -> Result:
    remedy = REMEDIES.get(check.partition("-")[0], "") if way.path == "cdn" else ""
    return result(check, "fail", f"{listed(faults)} (at {way.address})", way, remedy=remedy)


@dataclass(frozen=True)
class _Outcome:
    """What more than one request found on a way."""

    evidence: str
    compared: Comparison = field(default_factory=Comparison)
    kept: bool = True
    """Whether the connection was kept."""
    sent: Sent | None = field(default=None, repr=False)
    """The handshake as it was sent; None: there was none."""
    came: Echo | None = None
    """The handshake as the origin received it."""


async def _on_each_lane(
    host: _Host, check: str, find: Callable[[Connections, Way], Awaitable[_Outcome]]
) -> list[Result]:
    """Find something out on each lane that one request cannot, and judge it by today's."""
    ways = {lane: host.way(lane, 0) for lane in host.lanes}
    wire = host.surroundings.wire
    missing = _no_today(host, 0)
    if missing is not None or not isinstance(wire, Connections):
        told = missing or f"{NOT_ASKED}this wire keeps no connection."
        return [result(check, "unknown", told, way) for way in ways.values()]

    async def tried(way: Way) -> _Outcome | TroubleError:
        untold = _untold(host, way)
        if untold is not None:
            return TroubleError("unreachable", untold)
        try:
            return await find(wire, way)
        except TroubleError as trouble:
            return trouble

    outcomes = dict(zip(ways, await asyncio.gather(*map(tried, ways.values())), strict=True))
    return [
        _judge_outcome(
            check, ways[lane], outcomes[lane], outcomes[TODAY], _untold(host, ways[lane])
        )
        for lane in ways
    ]


def _judge_outcome(
    check: str,
    way: Way,
    outcome: _Outcome | TroubleError,
    today: _Outcome | TroubleError,
    untold: str | None,
) -> Result:
    if untold is not None:
        return result(check, "unknown", untold, way)
    if isinstance(today, TroubleError):
        return _without_today(check, way, outcome, today)
    if isinstance(outcome, TroubleError):
        return _failed(check, [f"{outcome.kind}: {outcome}; {on(TODAY)} it works"], way)
    compared = _with_handshake(outcome, None if outcome is today else today.came, way)
    if compared.faults:
        return _failed(check, compared.faults, way)
    if today.kept and not outcome.kept:
        return _failed(check, [f"{outcome.evidence}; {on(TODAY)} it is kept"], way)
    return result(check, "pass", outcome.evidence, way, accepted=compared.accepted)


def _without_today(
    check: str, way: Way, outcome: _Outcome | TroubleError, today: TroubleError
) -> Result:
    """Judge what does not work on the way of today.

    What is refused there, as by a load balancer that carries no WebSocket, and refused here too, is
    nothing that the edge takes away.
    """
    refused = isinstance(outcome, TroubleError) and outcome.kind == today.kind == "protocol"
    if refused:
        told = f"not offered, as {on(TODAY)}: {outcome}"
        return result(check, "pass", told, way, accepted=(AS_TODAY,))
    told = f"There is nothing to compare with, {on(TODAY)}: {today}."
    return result(check, "unknown", told, way)


def _with_handshake(outcome: _Outcome, usual: Echo | None, way: Way) -> Comparison:
    """Return what was found, with what became of the handshake where there was one."""
    if outcome.sent is None or outcome.came is None:
        return outcome.compared
    own = compare_request(outcome.sent, outcome.came, way.path, today=usual)
    accepted = tuple(sorted({*outcome.compared.accepted, *own.accepted}))
    return Comparison((*own.faults, *outcome.compared.faults), accepted)


async def _keep_alive(host: _Host) -> list[Result]:
    request = Kind("keep-alive").request(host.echo)

    async def find(wire: Connections, way: Way) -> _Outcome:
        answers = await wire.send_in_turn(way, (request, request))
        echoes = [read_echo(answer) for answer in answers]
        if len(answers) < 2:  # noqa: PLR2004 - two were asked
            return _Outcome("the connection is closed after an answer", kept=False)
        ids = {each.id for each in echoes if each is not None}
        if len(ids) < len(answers):
            fault = "two requests on one connection did not get an echo each"
            return _Outcome(fault, Comparison((fault,)))
        return _Outcome("two requests on one connection were answered, each by the origin")

    return await _on_each_lane(host, "keep-alive", find)


async def _websocket(host: _Host) -> list[Result]:
    request = Request(
        "GET",
        f"{host.echo}/websocket?a=1",
        (*COMMON, ("X-Platform", "ios/17.4"), ("Cookie", "session=abc123")),
        timeout_seconds=ANSWER_SECONDS,
    )

    async def find(wire: Connections, way: Way) -> _Outcome:
        talk = await wire.talk(way, request, WEBSOCKET_MESSAGES)
        faults: list[str] = []
        came = _handshake(talk)
        if came is None:
            faults.append("its first message is no echo of the handshake")
        if talk.messages[1:] != WEBSOCKET_MESSAGES:
            faults.append("messages came back altered")
        told = f"opened, and {len(WEBSOCKET_MESSAGES)} messages came back as they were sent"
        sent = Sent("GET", request.target, talk.handshake)
        return _Outcome(told, Comparison(tuple(faults)), sent=sent, came=came)

    return await _on_each_lane(host, "websocket", find)


def _handshake(talk: Talk) -> Echo | None:
    """Return the handshake as the origin received it, which its first message tells."""
    first = talk.messages[0]
    raw = first.encode() if isinstance(first, str) else first
    return read_echo(Answer(200, (), raw, "HTTP/1.1", 0.0))


CHECKS: Final[tuple[Check, ...]] = (echo,)
