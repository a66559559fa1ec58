"""Whether what takes long on direct may take as long on every other way.

An origin's read timeout of 5 seconds passes every quick request. So the echo is told to wait:
before the first byte of its answer, which is how a long poll looks, and between two pieces; the
client waits between two pieces of a body, on an idle connection and on an idle WebSocket.

Each timeout ends everything that takes longer, so the longest wait proves all the shorter ones: it
is tried first, on all ways at once. Shorter ones are tried where direct over IPv4 itself gives up,
to find what it allows, and where another way does, to name its limit. What was not tried is said.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from rollout.probe.model import Connections, HttpRequest, Result, TroubleError, Way
from rollout.requests.request_kinds import COMMON, RUN_HEADER, segment
from rollout.verify.check import NOT_ASKED, Check, CheckContext
from rollout.verify.differences import AS_BASELINE, CONNECTION_ENDED
from rollout.verify.echo_groups import is_of_the_echo
from rollout.verify.echo_host import EchoHost, open_host
from rollout.verify.exchange import (
    BASELINE,
    Lane,
    ask,
    lane_name,
    lanes_of,
    result,
    results_of,
    status_of,
)

SHORTER_SECONDS: Final = (31.0, 12.0, 6.0, 2.0)
"""Waits that are tried where a longer one fails. CloudFront waits for an origin 30 seconds by
default, nginx and load balancers 60, and 1, 5 and 10 are what people set."""

MARGIN_SECONDS: Final = 10.0
"""How much longer than the wait an answer may take; less where the wait is short."""

EARLY: Final = 0.9
"""Part of the wait below which nobody has waited."""


@dataclass(frozen=True)
class Waited:
    """What a wait of some seconds on a way came to."""

    fault: str = ""
    """Why there was no answer as it should be; empty: there was."""
    unclear: str = ""
    """Why nothing can be told; empty: it can."""
    ended: bool = False
    """Whether the connection was ended while nothing was said on it, as HTTP allows."""


Wait = Callable[[EchoHost, Way, float], Awaitable[Waited]]


@dataclass(frozen=True)
class SlowForm:
    """One form of waiting."""

    check: str
    """The name of its line."""
    what: str
    """What it is, as evidence says it: `answers that begin after`."""
    wait: Wait
    """Waits on a way for some seconds."""


def _target(host: EchoHost, *directives: tuple[str, str]) -> str:
    return host.echo + segment((*directives, ("header", f"{RUN_HEADER}:{host.run}")))


def _request(target: str, seconds: float, method: str = "GET") -> HttpRequest:
    return HttpRequest(
        method,
        target,
        COMMON,
        timeout_seconds=seconds + min(MARGIN_SECONDS, 2.0 + seconds),
        urgent=True,
        pause_seconds=seconds,
        waits=True,
    )


async def _answer(host: EchoHost, way: Way, request: HttpRequest, seconds: float) -> Waited:
    """Send a request that the origin waits with, and return what came of it."""
    attempt = await ask(host.context.wire, way, request)
    answer = attempt.outcome
    if isinstance(answer, TroubleError):
        return Waited(f"{answer.kind}: {answer}")
    if attempt.received is None:
        if is_of_the_echo(answer):
            return Waited(unclear="the echo does not wait: see docs/echo.md for its directives")
        return Waited(f"it is answered {status_of(answer)} after {answer.seconds:.1f} s")
    if answer.seconds < EARLY * seconds:
        return Waited(unclear=f"the answer came after {answer.seconds:.1f} s: nobody waited")
    return Waited()


async def _first_byte(host: EchoHost, way: Way, seconds: float) -> Waited:
    target = _target(host, ("delay", f"{seconds:g}"))
    return await _answer(host, way, _request(target, seconds), seconds)


async def _stream(host: EchoHost, way: Way, seconds: float) -> Waited:
    pieces = (("size", "2"), ("chunks", "2"), ("interval", f"{seconds:g}"))
    return await _answer(host, way, _request(_target(host, *pieces), seconds), seconds)


async def _upload(host: EchoHost, way: Way, seconds: float) -> Waited:
    request = _request(_target(host), seconds, "PUT")
    headers = (*COMMON, ("Content-Type", "application/octet-stream"))
    sent = replace(request, headers=headers, body=(b"first", b"second"))
    return await _answer(host, way, sent, seconds)


async def _connection(host: EchoHost, way: Way, seconds: float) -> Waited:
    wire = host.context.wire
    if not isinstance(wire, Connections):
        return Waited(unclear="this wire keeps no connection")
    request = _request(_target(host), seconds)
    try:
        answers = await wire.send_in_turn(way, (request, request))
    except TroubleError as trouble:
        return Waited(f"{trouble.kind}: {trouble}")
    return Waited(ended=len(answers) < 2)  # noqa: PLR2004 - two were sent


async def _websocket(host: EchoHost, way: Way, seconds: float) -> Waited:
    wire = host.context.wire
    if not isinstance(wire, Connections):
        return Waited(unclear="this wire keeps no connection")
    request = _request(f"{host.echo}/websocket?run={host.run}", seconds)
    try:
        talk = await wire.talk(way, request, ("still there?",))
    except TroubleError as trouble:
        if trouble.kind == "protocol":
            return Waited(unclear=f"WebSocket is not offered: {trouble}")
        return Waited(f"{trouble.kind}: {trouble}")
    if talk.messages[1:] != ("still there?",):
        return Waited("the message did not come back")
    return Waited()


FORMS: Final = (
    SlowForm("slow-first-byte", "answers that begin after", _first_byte),
    SlowForm("slow-stream", "answers with a gap of", _stream),
    SlowForm("slow-upload", "bodies with a gap of", _upload),
    SlowForm("idle-connection", "requests on a connection that was idle for", _connection),
    SlowForm("idle-websocket", "messages on a WebSocket that was idle for", _websocket),
)
"""Every form of waiting."""


async def slow(
    context: CheckContext, *, shorter: Sequence[float] = SHORTER_SECONDS
) -> AsyncIterator[Result]:
    """Wait in each form on each lane, as long as direct over IPv4 allows."""
    path, slowest = context.options.echo, context.options.slowest_seconds
    if path is None:
        return
    ladder = (slowest, *(each for each in shorter if each < slowest))

    async def on_hostname(hostname: str) -> list[Result]:
        host = await open_host(context, path, lanes_of(context.ways, hostname))
        works = [_form(host, form, turn, ladder) for turn, form in enumerate(FORMS)]
        return [each for done in await asyncio.gather(*works) for each in done]

    hostnames = dict.fromkeys(way.hostname for way in context.ways)
    async for each in results_of([on_hostname(hostname) for hostname in hostnames]):
        yield each


async def _form(host: EchoHost, form: SlowForm, turn: int, ladder: Sequence[float]) -> list[Result]:
    """Return what one form of waiting comes to on each lane."""
    ways = {lane: host.way(lane, turn) for lane in host.lanes}
    if not ladder[0]:
        reason = f"{NOT_ASKED}--slowest is 0, so nothing that takes long was tried."
        return [result(form.check, "unknown", reason, way) for way in ways.values()]
    missing = host.missing_baseline(turn)
    if missing is not None:
        return [result(form.check, "unknown", missing, way) for way in ways.values()]
    there = {lane: way for lane, way in ways.items() if host.silence(way) is None}
    seconds, outcomes = await _longest(host, form, there, ladder)
    results: list[Result] = []
    for lane, way in ways.items():
        if lane not in there:
            results.append(result(form.check, "unknown", host.silence(way) or "", way))
        elif outcomes[BASELINE].unclear or outcomes[BASELINE].fault:
            results.append(_without_baseline(form, way, outcomes[lane], outcomes[BASELINE]))
        else:
            compared = _Compared(host, form, ladder, seconds, outcomes[BASELINE])
            results.append(await compared.judge(way, outcomes[lane]))
    return results


async def _longest(
    host: EchoHost, form: SlowForm, ways: dict[Lane, Way], ladder: Sequence[float]
) -> tuple[float, dict[Lane, Waited]]:
    """Return the longest wait that direct over IPv4 allows, and what it came to on each lane."""
    outcomes: dict[Lane, Waited] = {}
    seconds = ladder[0]
    for seconds in ladder:
        waits = await asyncio.gather(*(form.wait(host, way, seconds) for way in ways.values()))
        outcomes = dict(zip(ways, waits, strict=True))
        baseline = outcomes[BASELINE]
        if not (baseline.fault or baseline.ended) or baseline.unclear:
            break
    return seconds, outcomes


def _without_baseline(form: SlowForm, way: Way, own: Waited, baseline: Waited) -> Result:
    if baseline.unclear and own.unclear and form.wait is _websocket:
        # The edge takes nothing away.
        evidence = f"not offered, as {lane_name(BASELINE)}"
        return result(form.check, "pass", evidence, way, accepted=(AS_BASELINE,))
    reason = baseline.unclear or f"{lane_name(BASELINE)} does not wait at all: {baseline.fault}"
    return result(form.check, "unknown", f"There is nothing to compare with: {reason}.", way)


@dataclass(frozen=True)
class _Compared:
    """A wait that direct over IPv4 allows, with which those on other ways are compared."""

    host: EchoHost
    form: SlowForm
    ladder: Sequence[float]
    seconds: float
    """How long it is."""
    baseline: Waited
    """What it came to there."""

    async def judge(self, way: Way, own: Waited) -> Result:
        """Return the result about one way."""
        check, what, seconds = self.form.check, self.form.what, self.seconds
        if own.fault or own.unclear:
            evidence = (
                f"{what} {seconds:g} s do not come through: {own.fault or own.unclear}; "
                f"{lane_name(BASELINE)} they do. {await self._limit(way)} (at {way.address})"
            )
            return result(check, "fail", evidence, way, remedy=_remedy(way, seconds))
        if self.baseline.ended:
            evidence = f"{lane_name(BASELINE)} itself ends a connection within {seconds:g} s"
            return result(check, "pass", evidence, way)
        if own.ended:
            evidence = (
                f"the connection is ended within {seconds:g} s, where {lane_name(BASELINE)} keeps "
                "it: a client opens another"
            )
            return result(check, "pass", evidence, way, accepted=(CONNECTION_ENDED,))
        return result(check, "pass", f"{what} {_alike(seconds, self.ladder)}", way)

    async def _limit(self, way: Way) -> str:
        """Return what a way that gives up does allow."""
        for seconds in self.ladder:
            if seconds < self.seconds:
                waited = await self.form.wait(self.host, way, seconds)
                if not (waited.fault or waited.unclear):
                    return f"Here they do up to {seconds:g} s"
        return "Here not even shorter ones do"


def _alike(seconds: float, ladder: Sequence[float]) -> str:
    if seconds < ladder[0]:
        longer = ladder[ladder.index(seconds) - 1]
        return (
            f"up to {seconds:g} s were seen alike; {lane_name(BASELINE)} itself gives up within "
            f"{longer:g} s"
        )
    return f"up to {seconds:g} s were seen alike; longer was not tried"


def _remedy(way: Way, seconds: float) -> str:
    if way.path == "cdn":
        return (
            f"Set origin.readTimeoutSeconds to more than {seconds:g}, as far as CloudFront allows."
        )
    return "Let the proxies wait at least as long as the load balancer does."


CHECKS: Final[tuple[Check, ...]] = (Check("slow", slow, "echo"),)
"""The checks of this module."""
