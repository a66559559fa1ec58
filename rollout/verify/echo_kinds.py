"""One kind of request on every lane of a hostname, compared with what was sent and the baseline.

The baseline is direct over IPv4: what the API gets there is what its clients get today, whatever
its load balancer does. Each kind of request goes to it and to every other lane at the same time. A
kind that cannot be judged there cannot be judged anywhere: if the origin does not echo there, it
proves nothing about the edge that it does not echo elsewhere.
"""

import asyncio
from dataclasses import replace
from typing import Final

from rollout.probe.http import wire_headers
from rollout.probe.model import HttpAnswer, Result, TroubleError, Way
from rollout.requests.request_kinds import INTERVAL_SECONDS, PIECES, RequestKind
from rollout.verify.check import NOT_ASKED
from rollout.verify.compare import Comparison, compare_answer, compare_request
from rollout.verify.echo_host import EchoHost, failed
from rollout.verify.exchange import BASELINE, Attempt, ask, lane_name, result, status_of
from rollout.verify.received import ReceivedRequest, SentRequest

STREAM_TRIES: Final = 3
"""Attempts before the edge is to blame for pieces that come at once: a busy machine may read late,
but an edge that buffers never streams."""

STREAM_SECONDS: Final = (PIECES - 1) * INTERVAL_SECONDS / 2
"""The least time between the first piece and the last: half of what the origin took."""


async def on_each_lane(host: EchoHost, kind: RequestKind, turn: int) -> list[Result]:
    """Send one kind of request on each lane, and compare.

    Args:
        host: The hostname.
        kind: The kind.
        turn: Its number: kinds take turns on the addresses of a lane.
    """
    ways = {lane: host.way(lane, turn) for lane in host.lanes}
    if not kind.idempotent and not host.context.options.unsafe:
        reason = (
            f"{NOT_ASKED}{kind.method} is not idempotent. Allow such requests to have it asked."
        )
        return [result(kind.name, "unknown", reason, way) for way in ways.values()]
    missing = host.missing_baseline(turn)
    if missing is not None:
        return [result(kind.name, "unknown", missing, way) for way in ways.values()]
    lanes = [lane for lane, way in ways.items() if host.silence(way) is None]
    outcomes = await asyncio.gather(*(attempt_of(host, kind, ways[lane]) for lane in lanes))
    attempts = dict(zip(lanes, outcomes, strict=True))
    return [
        judge(host, kind, attempts[lane], attempts[BASELINE])
        if lane in attempts
        else result(kind.name, "unknown", host.silence(way) or "", way)
        for lane, way in ways.items()
    ]


async def attempt_of(host: EchoHost, kind: RequestKind, way: Way) -> Attempt:
    """Send one kind of request on a way; an answer that may have been read late is asked again."""
    request = host.request(kind)
    attempt = await ask(host.context.wire, way, request)
    for _ in range(STREAM_TRIES - 1):
        if not kind.streams or attempt.received is None or _streamed(attempt.outcome):
            break
        attempt = await ask(host.context.wire, way, request)
    return attempt


def _streamed(outcome: HttpAnswer | TroubleError) -> bool:
    return (
        isinstance(outcome, HttpAnswer)
        and len(outcome.pieces) > 1
        and outcome.pieces[-1][0] - outcome.pieces[0][0] >= STREAM_SECONDS
    )


def judge(host: EchoHost, kind: RequestKind, attempt: Attempt, baseline: Attempt) -> Result:
    """Judge one kind of request on one way.

    Args:
        host: The hostname.
        kind: The kind.
        attempt: What was sent there and what came.
        baseline: The same on direct over IPv4; that very attempt where this is that way.
    """
    way, answer = attempt.way, attempt.outcome
    is_baseline = attempt is baseline
    if baseline.received is None or not isinstance(baseline.outcome, HttpAnswer):
        nothing = f"There is nothing to compare with, {lane_name(BASELINE)} has no echo: "
        prefix = "" if is_baseline else nothing
        return result(kind.name, "unknown", f"{prefix}{baseline.reason}.", way)
    if isinstance(answer, TroubleError):
        return failed(kind.name, [f"{attempt.reason}; a plain request is answered there"], way)
    if attempt.received is None:
        return failed(kind.name, [_without_echo(attempt, answer, baseline.outcome)], way)
    faults: list[str] = []
    if answer.status != kind.status:
        faults.append(f"the status is {status_of(answer)} instead of {kind.status}")
    faults += _cached(host, kind, attempt.received, way)
    faults += _protocol(kind, answer, baseline.outcome)
    if kind.streams and not _streamed(answer):
        if is_baseline or not _streamed(baseline.outcome):
            other = f"{lane_name(BASELINE)} does not stream either"
            reason = "its pieces come at once" if is_baseline else other
            return result(kind.name, "unknown", f"Streaming cannot be told: {reason}.", way)
        faults.append(f"{PIECES} pieces that were sent over time arrived at once")
    compared = _compared(kind, attempt, answer, attempt.received, None if is_baseline else baseline)
    faults += [fault for fault in compared.faults if not fault.startswith("answer: the status")]
    if faults:
        return replace(failed(kind.name, faults, way), accepted=compared.accepted)
    return result(kind.name, "pass", _passed(kind, answer), way, accepted=compared.accepted)


def _without_echo(attempt: Attempt, answer: HttpAnswer, usual: HttpAnswer) -> str:
    """Return the fault that an answer holds no echo.

    Where it has no body the echo is in a header: docs/echo.md. An edge that asks with GET for a
    HEAD gets it in a body, which a HEAD is not given.
    """
    method = attempt.request.method
    fault = f"{method} is answered {status_of(answer)} without the echo"
    if usual.header("X-Echo") is None:
        return f"{fault}: it is not the origin's answer, or its body was altered"
    other = "the origin got GET, " if method == "HEAD" else ""
    return f"{fault}, a header X-Echo: {other}something else answered, or the header was removed"


def _compared(
    kind: RequestKind,
    attempt: Attempt,
    answer: HttpAnswer,
    received: ReceivedRequest,
    baseline: Attempt | None,
) -> Comparison:
    request = attempt.request
    body = request.body if isinstance(request.body, bytes) else b"".join(request.body or ())
    sent = SentRequest(
        request.method,
        request.target,
        wire_headers(attempt.way, request),
        body,
        answer.protocol,
        attempt.way.scheme,
    )
    first = compare_request(
        sent,
        received,
        attempt.way.path,
        baseline=baseline.received if baseline else None,
        exact_names=kind.exact_names,
    )
    if baseline is None or not isinstance(baseline.outcome, HttpAnswer):
        return first
    second = compare_answer(
        answer,
        baseline.outcome,
        attempt.way.path,
        exact_names=kind.exact_names,
        same_body=any(name == "size" for name, _ in kind.directives),
    )
    accepted = sorted({*first.accepted, *second.accepted})
    return Comparison((*first.faults, *second.faults), tuple(accepted))


def _cached(host: EchoHost, kind: RequestKind, received: ReceivedRequest, way: Way) -> list[str]:
    """Return a fault if another request got the very same answer."""
    here = f"{kind.name} on {lane_name((way.path, way.family))} at {way.address}"
    other = host.first_recipients.setdefault(received.id, here)
    return [] if other == here else [f"it is the answer that {other} got: a cache gave it"]


def _protocol(kind: RequestKind, answer: HttpAnswer, baseline: HttpAnswer) -> list[str]:
    if kind.http2 and answer.protocol != "HTTP/2" and baseline.protocol == "HTTP/2":
        return [f"HTTP/2 is not offered; {lane_name(BASELINE)} it is"]
    return []


def _passed(kind: RequestKind, answer: HttpAnswer) -> str:
    if kind.http2 and answer.protocol != "HTTP/2":
        as_baseline = f"as {lane_name(BASELINE)}"
        return f"HTTP/2 is not offered, {as_baseline}; over HTTP/1.1 what was sent was received"
    return f"received as it was sent, and answered {answer.status}"
