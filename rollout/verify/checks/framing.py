"""Whether what comes before an answer and after a body gets through: early hints, and trailers.

HTTP has room for informational answers before the answer (RFC 9110, 15.2) and for fields after a
body (RFC 9110, 6.5). Clients that use neither never notice what a proxy does to them, and servers
that use them may break on a way: nginx before 1.29 takes 103 (Early Hints) for the answer itself,
and the answer for its body. Over HTTP/1.1 that looks right at first, because the bytes of the
answer come behind the hint as they should. It shows by what only answers have (`Connection`, a
length), by headers of the way's own that are on the hint instead of the answer, and by the next
request on the connection, which gets no answer. Over HTTP/2 no client can read it.

So the echo is told to send hints and trailers, and trailers are sent to it: over HTTP/1.1, and over
HTTP/2 where a way speaks it. gRPC needs the latter, for its status is a trailer of the answer.
Trailers of a request over HTTP/2 are sent on direct alone: nothing documents what CloudFront makes
of them, nginx ends such a stream, and hardly anybody sends them.

What direct over IPv4 does not pass on itself nobody has today. What it passes on and another way
drops is a loss, unless it does no harm there: a hint that is dropped or late on cdn costs nobody
more than time, and whoever stands between may drop it (RFC 8297, 2); AWS documents that CloudFront
takes `TE` and `Trailer` away, by which trailers are agreed on and announced.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from rollout.probe.model import (
    FramedAnswer,
    FramedWire,
    HttpAnswer,
    HttpRequest,
    Path,
    Result,
    TroubleError,
    Way,
)
from rollout.requests.request_kinds import ANSWER_SECONDS, COMMON
from rollout.verify.check import NOT_ASKED, Check, CheckContext
from rollout.verify.differences import AS_BASELINE, HINTS_REMOVED, TRAILERS_REMOVED
from rollout.verify.echo_groups import is_of_the_echo
from rollout.verify.echo_host import EchoHost, open_host
from rollout.verify.exchange import (
    BASELINE,
    lane_name,
    lanes_of,
    listed,
    result,
    results_of,
    status_of,
)
from rollout.verify.received import ReceivedRequest, read_echo

HINT_SECONDS: Final = 1.0
"""How long the echo waits between an early hint and the answer."""

EARLY_SECONDS: Final = 0.5
"""How long before the answer a hint has to come: half of that, for machines that are busy."""

PIECES: Final = (b"first piece, ", b"second piece")

SIZE: Final = 1000
"""Bytes of an answer with trailers; byte i is i mod 251 (docs/echo.md)."""

LATE: Final = ", no earlier than the answer"

ANSWERS_ONLY: Final = frozenset({"connection", "content-length", "keep-alive", "transfer-encoding"})
"""Headers that frame an answer and its connection, and have no place in an informational one.
Source: RFC 9110, 8.6 and 15.2; RFC 9112, 6.1 and 9.6."""

TRAILERS: Final = ("X-Verify-Checksum", "X-Verify-Count")
"""Names of the trailers, which no header has."""


@dataclass(frozen=True)
class FramedOutcome:
    """What came of one exchange."""

    parts: tuple[str, ...] = ()
    """What was passed on of hints or trailers, a line each; none: it was dropped."""
    fault: str = ""
    """What is wrong with the answer itself; empty: nothing."""
    tells: bool = True
    """Whether it tells something of this way; False: silence, which may be the network's."""
    missing: str = ""
    """What the echo does not offer; empty: it offers all."""
    other_protocol: bool = False
    """Whether the way does not speak the protocol that it is about."""


@dataclass(frozen=True)
class FramingForm:
    """One thing that is tried."""

    check: str
    """The name of its line."""
    text: str
    """What is passed on, for a person."""
    attempt: Callable[[EchoHost, FramedWire, Way], Awaitable[FramedOutcome]]
    """Tries it once on a way."""
    remedies: Mapping[Path, str]
    """What to do where it is not passed on."""
    accepted: str
    """Name of the accepted difference that it is dropped on cdn."""
    dropped: str
    """Why that does no harm, for a person."""
    on_cdn: bool = True
    """Whether it is tried on cdn."""


def _request(
    method: str,
    target: str,
    headers: tuple[tuple[str, str], ...] = (),
    body: tuple[bytes, ...] | None = None,
) -> HttpRequest:
    return HttpRequest(
        method, target, (*COMMON, *headers), body, timeout_seconds=ANSWER_SECONDS + HINT_SECONDS
    )


def _read(
    request: HttpRequest, framed: FramedAnswer, directive: str
) -> tuple[ReceivedRequest | None, FramedOutcome]:
    """Return the echo, and where there is none what that says of the way."""
    answer = framed.answer
    received = read_echo(answer)
    if received is not None:
        return received, FramedOutcome()
    if directive and is_of_the_echo(answer):
        return None, FramedOutcome(missing=f"the echo does not know {directive} (docs/echo.md)")
    path = request.target.partition("?")[0]
    return None, FramedOutcome(
        fault=f"{request.method} {path} is answered {status_of(answer)} without an echo"
    )


def _as_answer(framed: FramedAnswer, plain: HttpAnswer | TroubleError) -> str:
    """Return what shows that a hint was taken for the answer; empty: nothing does."""
    ordinary = _names(plain.headers) if isinstance(plain, HttpAnswer) else frozenset[str]()
    lost = ordinary - _names(framed.answer.headers)
    for each in framed.informational:
        names = _names(each.headers)
        if shown := sorted(names & ANSWERS_ONLY | names & lost):
            return (
                f"{each.status} comes with {', '.join(shown)}, as an answer does, and the answer "
                "follows as if it were its body"
            )
    if isinstance(framed.after, TroubleError):
        return (
            f"the next request on the connection is not answered after {_statuses(framed)}: "
            f"{framed.after.kind}: {framed.after}"
        )
    return ""


def _names(headers: Iterable[tuple[str, str]]) -> frozenset[str]:
    return frozenset(name.lower() for name, _ in headers)


def _statuses(framed: FramedAnswer) -> str:
    statuses = [*(each.status for each in framed.informational), framed.answer.status]
    return " and ".join(map(str, statuses))


def _spoke_another(request: HttpRequest, framed: FramedAnswer, way: Way) -> bool:
    """Say whether HTTP/2 was wanted and not spoken; what direct tells then is compared with."""
    spoken = framed.answer.protocol == "HTTP/2"
    return request.http2 and not spoken and (way.path, way.family) != BASELINE


def _hint_parts(framed: FramedAnswer) -> tuple[str, ...]:
    """Return what came of hints in time; what comes with the answer is no hint any more."""
    return tuple(
        f"{each.status} with Link: {', '.join(v for n, v in each.headers if n.lower() == 'link')}"
        + ("" if framed.answer.seconds - each.seconds >= EARLY_SECONDS else LATE)
        for each in framed.informational
        if each.status != 100  # noqa: PLR2004 - Continue, which each connection has of its own
    )


async def _hints(
    host: EchoHost, wire: FramedWire, way: Way, *, http2: bool = False
) -> FramedOutcome:
    directives = (("hint", "103"), ("delay", f"{HINT_SECONDS:g}"))
    request = replace(_request("GET", host.target(*directives)), http2=http2)
    # Over HTTP/2 each answer has a stream of its own, and none harms the next.
    then = None if http2 else _request("GET", host.target())
    framed = await wire.send_framed(way, request, then=then)
    if _spoke_another(request, framed, way):
        return FramedOutcome(other_protocol=True)
    received, outcome = _read(request, framed, "hint")
    if received is None:
        return outcome
    return FramedOutcome(_hint_parts(framed), _as_answer(framed, host.plain[way].outcome))


def _trailers(host: EchoHost) -> tuple[tuple[str, str], ...]:
    return tuple((name, f"{host.run}-{place}") for place, name in enumerate(TRAILERS))


def _parts(
    trailers: Iterable[tuple[str, str]], headers: Iterable[tuple[str, str]]
) -> tuple[str, ...]:
    """Return what came of trailers; one that became a header says so."""
    own = {name.lower() for name in TRAILERS}
    after = [f"{name.lower()}: {value}" for name, value in trailers]
    before = [f"{n.lower()}: {v} among the headers" for n, v in headers if n.lower() in own]
    return tuple(sorted(after + before))


async def _sent(
    host: EchoHost, wire: FramedWire, way: Way, *, http2: bool = False
) -> FramedOutcome:
    headers = (
        ("Content-Type", "application/octet-stream"),
        ("Trailer", ", ".join(TRAILERS)),
    )
    request = replace(_request("PUT", host.target(), headers, PIECES), http2=http2)
    framed = await wire.send_framed(way, request, _trailers(host))
    if _spoke_another(request, framed, way):
        return FramedOutcome(other_protocol=True)
    received, outcome = _read(request, framed, "")
    if received is None:
        return outcome
    if received.body.sha256 != hashlib.sha256(b"".join(PIECES)).hexdigest():
        return FramedOutcome(fault="the body is received altered")
    if received.trailers is None:
        return FramedOutcome(missing="the echo does not tell trailers (docs/echo.md)")
    return FramedOutcome(_parts(received.trailers, received.headers))


async def _answered(
    host: EchoHost, wire: FramedWire, way: Way, *, http2: bool = False
) -> FramedOutcome:
    directives = [("trailer", f"{name}:{value}") for name, value in _trailers(host)]
    target = host.target(("size", str(SIZE)), ("chunks", "2"), *directives)
    headers = (("TE", "trailers"), *(() if http2 else (("Connection", "TE"),)))
    request = replace(_request("GET", target, headers), http2=http2)
    framed = await wire.send_framed(way, request)
    if _spoke_another(request, framed, way):
        return FramedOutcome(other_protocol=True)
    received, outcome = _read(request, framed, "trailer")
    if received is None:
        return outcome
    if framed.answer.body != bytes(place % 251 for place in range(SIZE)):
        return FramedOutcome(fault="the body comes back altered")
    return FramedOutcome(_parts(framed.trailers, framed.answer.headers))


_PROXIES: Final = "Let the proxies pass bytes on and read no HTTP, as the pool's own do."

_TRAILER_REMEDIES: Final[Mapping[Path, str]] = {
    "direct": _PROXIES,
    "cdn": "See what stands between CloudFront and the API; CloudFront itself drops trailers.",
}

_HINT_REMEDIES: Final[Mapping[Path, str]] = {
    "direct": _PROXIES,
    "cdn": (
        "Let the API send no 103 (Early Hints) before the traffic moves; if it sends none today, "
        "nothing is lost."
    ),
}

FORMS: Final = (
    FramingForm(
        "early-hints",
        "an early hint",
        _hints,
        _HINT_REMEDIES,
        HINTS_REMOVED,
        "which whoever stands between may do, and costs clients no more than time",
    ),
    FramingForm(
        "early-hints-http2",
        "an early hint over HTTP/2",
        partial(_hints, http2=True),
        _HINT_REMEDIES,
        HINTS_REMOVED,
        "which whoever stands between may do, and costs clients no more than time",
    ),
    FramingForm(
        "trailers-sent",
        "trailers of a request",
        _sent,
        _TRAILER_REMEDIES,
        TRAILERS_REMOVED,
        "as CloudFront documents",
    ),
    FramingForm(
        "trailers-sent-http2",
        "trailers of a request over HTTP/2",
        partial(_sent, http2=True),
        _TRAILER_REMEDIES,
        TRAILERS_REMOVED,
        "as CloudFront documents",
        on_cdn=False,
    ),
    FramingForm(
        "trailers-answered",
        "trailers of an answer",
        _answered,
        _TRAILER_REMEDIES,
        TRAILERS_REMOVED,
        "as CloudFront documents",
    ),
    FramingForm(
        "trailers-answered-http2",
        "trailers of an answer over HTTP/2",
        partial(_answered, http2=True),
        _TRAILER_REMEDIES,
        TRAILERS_REMOVED,
        "as CloudFront documents",
    ),
)
"""Everything that is tried."""


async def _once(host: EchoHost, form: FramingForm, wire: FramedWire, way: Way) -> FramedOutcome:
    try:
        return await form.attempt(host, wire, way)
    except TroubleError as trouble:
        tells = trouble.kind in ("reset", "protocol")
        return FramedOutcome(fault=f"{trouble.kind}: {trouble}", tells=tells)


def without_baseline(form: FramingForm, way: Way, baseline: FramedOutcome) -> Result | None:
    """Return what is said of a way where direct over IPv4 has nothing to compare with, or None."""
    usual = lane_name(BASELINE)
    if baseline.missing:
        return result(form.check, "unknown", f"{NOT_ASKED}{baseline.missing}.", way)
    if not baseline.fault:
        return None
    if not baseline.tells:
        evidence = f"There is nothing to compare with, {usual}: {baseline.fault}."
        return result(form.check, "unknown", evidence, way)
    evidence = f"{form.text}: {usual} itself breaks on it: {baseline.fault}"
    return result(form.check, "pass", evidence, way, accepted=(AS_BASELINE,))


def judged(form: FramingForm, way: Way, outcome: FramedOutcome, baseline: FramedOutcome) -> Result:
    """Return what an outcome comes to, beside the right one on direct over IPv4."""
    usual, where = lane_name(BASELINE), f" (at {way.address})"
    if outcome.missing:
        return result(form.check, "unknown", f"{outcome.missing}{where}", way)
    if outcome.other_protocol:
        return result(form.check, "pass", f"{form.text}: this way does not speak it", way)
    if not outcome.fault:
        passed = _passed(form, way, outcome, baseline)
        if passed is not None:
            return passed
    came = outcome.fault or f"here {listed(outcome.parts) or 'nothing'} comes"
    there = f"there is {listed(baseline.parts)}" if baseline.parts else "it is answered"
    evidence = f"{form.text}: {came}; {usual} {there}{where}"
    return result(form.check, "fail", evidence, way, remedy=form.remedies[way.path])


def _passed(
    form: FramingForm, way: Way, outcome: FramedOutcome, baseline: FramedOutcome
) -> Result | None:
    """Return why an answer that is right in itself passes; None: something is lost or altered."""
    if not baseline.parts:
        evidence = f"{form.text}: no harm is done; {lane_name(BASELINE)} itself passes none on"
        return result(form.check, "pass", evidence, way, accepted=(AS_BASELINE,))
    if outcome.parts == baseline.parts:
        return result(form.check, "pass", f"passed on: {listed(outcome.parts)}", way)
    late = all(part.endswith(LATE) for part in outcome.parts)
    if late and way.path == "cdn":
        what = "comes with the answer" if outcome.parts else "dropped"
        evidence = f"{form.text}: {what}, {form.dropped}; the rest is as it was sent"
        return result(form.check, "pass", evidence, way, accepted=(form.accepted,))
    return None


async def _on_each_lane(host: EchoHost, form: FramingForm) -> list[Result]:
    """Try one form at every address of each lane; a lane's worst address is its result."""
    lanes = [ways for ways in host.lanes.values() if form.on_cdn or ways[0].path != "cdn"]
    firsts = [ways[0] for ways in lanes]
    wire = host.context.wire
    missing = host.missing_baseline(0)
    if missing is not None:
        return [result(form.check, "unknown", missing, way) for way in firsts]
    if not isinstance(wire, FramedWire):
        reason = f"{NOT_ASKED}this wire does not show what frames an answer."
        return [result(form.check, "unknown", reason, way) for way in firsts]
    baseline = await _once(host, form, wire, host.way(BASELINE, 0))
    if baseline.fault:
        baseline = await _once(host, form, wire, host.way(BASELINE, 0))
    without = [without_baseline(form, way, baseline) for way in firsts]
    if baseline.missing or baseline.fault:
        return [each for each in without if each is not None]

    async def at(way: Way) -> Result:
        silence = host.silence(way)
        if silence is not None:
            return result(form.check, "unknown", silence, way)
        first = judged(form, way, await _once(host, form, wire, way), baseline)
        if first.verdict == "pass":
            return first
        return judged(form, way, await _once(host, form, wire, way), baseline)

    async def of_lane(ways: Sequence[Way]) -> Result:
        results = await asyncio.gather(*map(at, ways))
        return min(results, key=lambda each: ("fail", "unknown", "pass").index(each.verdict))

    return list(await asyncio.gather(*map(of_lane, lanes)))


async def framing(
    context: CheckContext, *, forms: Sequence[FramingForm] = FORMS
) -> AsyncIterator[Result]:
    """Try hints and trailers on each lane, and compare with the baseline."""
    path = context.options.echo
    if path is None:
        return

    async def on_hostname(hostname: str) -> list[Result]:
        host = await open_host(context, path, lanes_of(context.ways, hostname))
        works = [_on_each_lane(host, form) for form in forms]
        return [each for done in await asyncio.gather(*works) for each in done]

    hostnames = dict.fromkeys(way.hostname for way in context.ways)
    async for each in results_of([on_hostname(hostname) for hostname in hostnames]):
        yield each


CHECKS: Final[tuple[Check, ...]] = (Check("framing", framing, "echo"),)
"""The checks of this module."""
