"""Checks of echo mode that take several messages on one connection: keep-alive and WebSocket."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from rollout.probe.model import (
    Connections,
    HttpAnswer,
    HttpRequest,
    Result,
    TroubleError,
    Way,
    WebSocketTalk,
)
from rollout.requests.request_kinds import ANSWER_SECONDS, COMMON, WEBSOCKET_MESSAGES, RequestKind
from rollout.verify.check import NOT_ASKED
from rollout.verify.compare import Comparison, compare_request
from rollout.verify.differences import AS_BASELINE
from rollout.verify.echo_host import EchoHost, failed
from rollout.verify.exchange import BASELINE, lane_name, result
from rollout.verify.received import ReceivedRequest, SentRequest, read_echo


@dataclass(frozen=True)
class _Outcome:
    """The outcome of several messages on a way."""

    evidence: str
    compared: Comparison = field(default_factory=Comparison)
    kept: bool = True
    """Whether the connection was kept."""
    sent: SentRequest | None = field(default=None, repr=False)
    """The handshake as it was sent; None: there was none."""
    received: ReceivedRequest | None = None
    """The handshake as the origin received it."""


async def _on_each_lane(
    host: EchoHost, check: str, find: Callable[[Connections, Way], Awaitable[_Outcome]]
) -> list[Result]:
    """Send several messages on each lane and judge their outcome by the baseline's."""
    ways = {lane: host.way(lane, 0) for lane in host.lanes}
    wire = host.context.wire
    missing = host.missing_baseline(0)
    if missing is not None or not isinstance(wire, Connections):
        reason = missing or f"{NOT_ASKED}this wire keeps no connection."
        return [result(check, "unknown", reason, way) for way in ways.values()]

    async def tried(way: Way) -> _Outcome | TroubleError:
        silence = host.silence(way)
        if silence is not None:
            return TroubleError("unreachable", silence)
        try:
            return await find(wire, way)
        except TroubleError as trouble:
            return trouble

    outcomes = dict(zip(ways, await asyncio.gather(*map(tried, ways.values())), strict=True))
    return [
        _judge_outcome(
            check, ways[lane], outcomes[lane], outcomes[BASELINE], host.silence(ways[lane])
        )
        for lane in ways
    ]


def _judge_outcome(
    check: str,
    way: Way,
    outcome: _Outcome | TroubleError,
    baseline: _Outcome | TroubleError,
    silence: str | None,
) -> Result:
    if silence is not None:
        return result(check, "unknown", silence, way)
    if isinstance(baseline, TroubleError):
        return _without_baseline(check, way, outcome, baseline)
    if isinstance(outcome, TroubleError):
        return failed(check, [f"{outcome.kind}: {outcome}; {lane_name(BASELINE)} it works"], way)
    compared = _with_handshake(outcome, None if outcome is baseline else baseline.received, way)
    if compared.faults:
        return failed(check, compared.faults, way)
    if baseline.kept and not outcome.kept:
        return failed(check, [f"{outcome.evidence}; {lane_name(BASELINE)} it is kept"], way)
    return result(check, "pass", outcome.evidence, way, accepted=compared.accepted)


def _without_baseline(
    check: str, way: Way, outcome: _Outcome | TroubleError, baseline: TroubleError
) -> Result:
    """Judge what does not work on the baseline.

    A load balancer may refuse it there, for example WebSocket. If it is refused here too, the edge
    takes nothing away.
    """
    refused = isinstance(outcome, TroubleError) and outcome.kind == baseline.kind == "protocol"
    if refused:
        evidence = f"not offered, as {lane_name(BASELINE)}: {outcome}"
        return result(check, "pass", evidence, way, accepted=(AS_BASELINE,))
    evidence = f"There is nothing to compare with, {lane_name(BASELINE)}: {baseline}."
    return result(check, "unknown", evidence, way)


def _with_handshake(outcome: _Outcome, usual: ReceivedRequest | None, way: Way) -> Comparison:
    """Return the comparison, with that of the handshake where there was one."""
    if outcome.sent is None or outcome.received is None:
        return outcome.compared
    own = compare_request(outcome.sent, outcome.received, way.path, baseline=usual)
    accepted = tuple(sorted({*outcome.compared.accepted, *own.accepted}))
    return Comparison((*own.faults, *outcome.compared.faults), accepted)


async def keep_alive(host: EchoHost) -> list[Result]:
    """Send two requests on one connection of each lane."""
    request = host.request(RequestKind("keep-alive"))

    async def find(wire: Connections, way: Way) -> _Outcome:
        answers = await wire.send_in_turn(way, (request, request))
        echoes = [read_echo(answer) for answer in answers]
        if len(answers) < 2:  # noqa: PLR2004 - two were sent
            return _Outcome("the connection is closed after an answer", kept=False)
        ids = {each.id for each in echoes if each is not None}
        if len(ids) < len(answers):
            fault = "two requests on one connection did not get an echo each"
            return _Outcome(fault, Comparison((fault,)))
        return _Outcome("two requests on one connection were answered, each by the origin")

    return await _on_each_lane(host, "keep-alive", find)


async def websocket(host: EchoHost) -> list[Result]:
    """Open a WebSocket on each lane and send messages both ways."""
    request = HttpRequest(
        "GET",
        f"{host.echo}/websocket?a=1&run={host.run}",
        (*COMMON, ("X-Platform", "ios/17.4"), ("Cookie", "session=abc123")),
        timeout_seconds=ANSWER_SECONDS,
    )

    async def find(wire: Connections, way: Way) -> _Outcome:
        talk = await wire.talk(way, request, WEBSOCKET_MESSAGES)
        faults: list[str] = []
        received = _handshake(talk)
        if received is None:
            faults.append("its first message is no echo of the handshake")
        if talk.messages[1:] != WEBSOCKET_MESSAGES:
            faults.append("messages received back altered")
        evidence = f"opened, and {len(WEBSOCKET_MESSAGES)} messages received back as they were sent"
        sent = SentRequest("GET", request.target, talk.handshake)
        return _Outcome(evidence, Comparison(tuple(faults)), sent=sent, received=received)

    return await _on_each_lane(host, "websocket", find)


def _handshake(talk: WebSocketTalk) -> ReceivedRequest | None:
    """Return the handshake as the origin received it: its first message is the echo."""
    first = talk.messages[0]
    raw = first.encode() if isinstance(first, str) else first
    return read_echo(HttpAnswer(200, (), raw, "HTTP/1.1", 0.0))
