"""Whether what takes long on direct may take as long on every other way.

An origin's read timeout of 5 seconds passes every quick request. So the echo is told to wait:
before the first byte of its answer, which is how a long poll looks, and between two pieces; the
client waits between two pieces of a body, on an idle connection and on an idle WebSocket.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from rollout.probe.model import Connections, HttpRequest, Result, TroubleError, Way
from rollout.requests.request_kinds import COMMON
from rollout.verify.check import NOT_ASKED, Check, CheckContext
from rollout.verify.echo_groups import is_of_the_echo
from rollout.verify.echo_host import EchoHost, open_host
from rollout.verify.exchange import ask, lanes_of, result, results_of, status_of
from rollout.verify.ladder import LadderForm, Tried, climb

SHORTER_SECONDS: Final = (31.0, 12.0, 6.0, 2.0)
"""Waits that are tried where a longer one fails. CloudFront waits for an origin 30 seconds by
default, nginx and load balancers 60, and 1, 5 and 10 are what people set."""

MARGIN_SECONDS: Final = 10.0
"""How much longer than the wait an answer may take; less where the wait is short."""

EARLY: Final = 0.9
"""Part of the wait below which nobody has waited."""


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


async def _answer(host: EchoHost, way: Way, request: HttpRequest, seconds: float) -> Tried:
    """Send a request that the origin waits with, and return what came of it."""
    attempt = await ask(host.context.wire, way, request)
    answer = attempt.outcome
    if isinstance(answer, TroubleError):
        return Tried(f"{answer.kind}: {answer}")
    if attempt.received is None:
        if is_of_the_echo(answer):
            return Tried(unclear="the echo does not wait: see docs/echo.md for its directives")
        return Tried(f"it is answered {status_of(answer)} after {answer.seconds:.1f} s")
    if answer.seconds < EARLY * seconds:
        return Tried(unclear=f"the answer came after {answer.seconds:.1f} s: nobody waited")
    return Tried()


async def _first_byte(host: EchoHost, way: Way, seconds: float) -> Tried:
    target = host.target(("delay", f"{seconds:g}"))
    return await _answer(host, way, _request(target, seconds), seconds)


async def _stream(host: EchoHost, way: Way, seconds: float) -> Tried:
    target = host.target(("size", "2"), ("chunks", "2"), ("interval", f"{seconds:g}"))
    return await _answer(host, way, _request(target, seconds), seconds)


async def _upload(host: EchoHost, way: Way, seconds: float) -> Tried:
    headers = (*COMMON, ("Content-Type", "application/octet-stream"))
    request = _request(host.target(), seconds, "PUT")
    sent = replace(request, headers=headers, body=(b"first", b"second"))
    return await _answer(host, way, sent, seconds)


async def _connection(host: EchoHost, way: Way, seconds: float) -> Tried:
    wire = host.context.wire
    if not isinstance(wire, Connections):
        return Tried(unclear="this wire keeps no connection")
    request = _request(host.target(), seconds)
    try:
        answers = await wire.send_in_turn(way, (request, request))
    except TroubleError as trouble:
        return Tried(f"{trouble.kind}: {trouble}")
    return Tried(ended=len(answers) < 2)  # noqa: PLR2004 - two were sent


async def _websocket(host: EchoHost, way: Way, seconds: float) -> Tried:
    wire = host.context.wire
    if not isinstance(wire, Connections):
        return Tried(unclear="this wire keeps no connection")
    request = _request(f"{host.echo}/websocket?run={host.run}", seconds)
    try:
        talk = await wire.talk(way, request, ("still there?",))
    except TroubleError as trouble:
        if trouble.kind == "protocol":
            return Tried(unclear=f"WebSocket is not offered: {trouble}")
        return Tried(f"{trouble.kind}: {trouble}")
    if talk.messages[1:] != ("still there?",):
        return Tried("the message did not come back")
    return Tried()


_REMEDIES: Final[Mapping[str, str]] = {
    "cdn": "Set origin.readTimeoutSeconds to what direct allows, as far as CloudFront does.",
    "direct": "Let the proxies wait at least as long as the load balancer does.",
}

FORMS: Final = (
    LadderForm("slow-first-byte", "answers that begin after", "s", _first_byte, _REMEDIES),
    LadderForm("slow-stream", "answers with a gap of", "s", _stream, _REMEDIES),
    LadderForm("slow-upload", "bodies with a gap of", "s", _upload, _REMEDIES),
    LadderForm(
        "idle-connection", "requests on a connection that was idle for", "s", _connection, _REMEDIES
    ),
    LadderForm(
        "idle-websocket",
        "messages on a WebSocket that was idle for",
        "s",
        _websocket,
        _REMEDIES,
        optional=True,
    ),
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
        lanes = lanes_of(context.ways, hostname)
        if not slowest:
            reason = f"{NOT_ASKED}--slowest is 0, so nothing that takes long was tried."
            ways = [each[0] for each in lanes.values()]
            return [result(form.check, "unknown", reason, way) for form in FORMS for way in ways]
        host = await open_host(context, path, lanes)
        works = [climb(host, form, turn, ladder) for turn, form in enumerate(FORMS)]
        return [each for done in await asyncio.gather(*works) for each in done]

    hostnames = dict.fromkeys(way.hostname for way in context.ways)
    async for each in results_of([on_hostname(hostname) for hostname in hostnames]):
        yield each


CHECKS: Final[tuple[Check, ...]] = (Check("slow", slow, "echo"),)
"""The checks of this module."""
