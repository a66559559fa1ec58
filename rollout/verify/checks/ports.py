"""Whether every port that the load balancer serves is served alike on every way.

Port 443 is what all the other checks use. Clients come to others as well: to 80 for a redirect, or
because an old device knows no TLS. There a proxy has to be told to listen, and CloudFront to ask
the origin over plain HTTP; else it refuses, redirects elsewhere, or answers for itself.

What direct over IPv4 answers is the measure. A port that it serves and another way does not is a
fail; one that only others serve is told. With `--account` the load balancer's listeners are known;
without it port 80 is tried.

Nothing secret is sent in the clear: of the user's own requests the paths of those that change
nothing, without their headers and queries.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from rollout.aws import AccountError, AccountReader
from rollout.probe.model import HttpAnswer, HttpRequest, Result, Scheme, TroubleError, Verdict, Way
from rollout.probe.sockets import Connector, Sockets, is_doubtful, lacks
from rollout.requests.catalogue import SAFE
from rollout.requests.groups.one_of_each_sort import ONE_OF_EACH_SORT
from rollout.requests.request_kinds import COMMON, RUN_HEADER, segment
from rollout.verify.address_groups import no_route
from rollout.verify.alike import AnswerMeasure, said
from rollout.verify.check import Check, CheckContext
from rollout.verify.echo_groups import group_on_each_lane
from rollout.verify.echo_host import open_host
from rollout.verify.exchange import BASELINE, Lane, ask, lane_name, lanes_of, listed, results_of
from rollout.verify.received import read_echo

PLAIN_PORT: Final = 80

CLOUDFRONT_PORTS: Final = (80, 443)
"""The ports that CloudFront serves. Source: CloudFront Developer Guide, Viewer protocol policy."""

OPENING_SECONDS: Final = 6.0
"""How long an answer on a port may take, of which it is not known yet whether it is served."""

MOST_PATHS: Final = 20
"""Paths of the user's own requests that are tried on each port."""

QUERY: Final = "?a=1&b=%2Fc&a=2"

SCHEMES: Final[Mapping[str, tuple[Scheme, ...]]] = {
    "HTTP": ("http",),
    "HTTPS": ("https",),
    "SSL": ("https",),
    "TLS": ("https",),
    "TCP": ("http", "https"),
    "TCP_UDP": ("http", "https"),
}
"""What may be spoken behind a listener of each protocol; others are not of TCP."""


@dataclass(frozen=True)
class PortToTry:
    """A port of the load balancer."""

    port: int
    """The port."""
    schemes: tuple[Scheme, ...]
    """What may be spoken there; the first that direct answers to is taken."""
    listener: str = ""
    """The protocol of the listener that the account has there; empty: it is not known."""

    @property
    def check(self) -> str:
        """The name of its line."""
        return f"port-{self.port}"


class Ports:
    """The check of this module."""

    def __init__(
        self, connector: Connector, session: Callable[[], Any], *, plain_port: int = PLAIN_PORT
    ) -> None:
        """Choose where to look.

        Args:
            connector: Opens connections.
            session: Makes a boto3 session; called only where the account may be queried.
            plain_port: The port that is tried without being known.
        """
        self._connector = connector
        self._session = session
        self._plain_port = plain_port

    async def run(self, context: CheckContext) -> AsyncIterator[Result]:
        """Yield whether each way answers on each port as direct over IPv4 does."""
        ports, untold = await self._ports(context)
        if untold:
            yield Result("ports", "unknown", untold)
        hostnames = dict.fromkeys(way.hostname for way in context.ways)
        works = [self._port(context, each, port) for each in hostnames for port in ports]
        async for each in results_of(works):
            yield each

    async def _ports(self, context: CheckContext) -> tuple[list[PortToTry], str]:
        """Return the ports, and what there is that cannot be tried."""
        plain = {self._plain_port: PortToTry(self._plain_port, ("http",))}
        if not context.options.account:
            return list(plain.values()), ""
        try:
            balancer = await asyncio.to_thread(
                lambda: AccountReader(self._session()).load_balancer(context.target.direct)
            )
        except AccountError as error:
            return list(
                plain.values()
            ), f"the listeners of the load balancer are not known: {error}"
        ports = {
            port: PortToTry(port, SCHEMES[protocol], protocol)
            for protocol, port in balancer.listeners
            if protocol in SCHEMES and port != context.target.port
        }
        others = [f"{port}/{name}" for name, port in balancer.listeners if name not in SCHEMES]
        untold = f"listeners that are not of TCP are not tried: {', '.join(others)}"
        return list((plain | ports).values()), untold if others else ""

    async def _port(self, context: CheckContext, hostname: str, port: PortToTry) -> list[Result]:
        """Return the results about one port of one hostname."""
        lanes = {
            lane: [way for way in ways if not way.by_name]
            for lane, ways in lanes_of(context.ways, hostname).items()
        }
        lanes = {lane: ways for lane, ways in lanes.items() if ways}
        if BASELINE not in lanes:
            reason = f"There is no way {lane_name(BASELINE)} to compare with."
            return [Result(port.check, "unknown", reason, hostname, *lane) for lane in lanes]
        scheme, outcome = await self._scheme(context, port, lanes[BASELINE][0])
        there = {
            lane: [replace(way, port=port.port, scheme=scheme) for way in ways]
            for lane, ways in lanes.items()
        }
        baseline = there[BASELINE][0]
        if isinstance(outcome, TroubleError) and not await self._is_open(baseline):
            unclear = await self._why_closed(port, lanes[BASELINE][0], outcome)
            if unclear:
                return [Result(port.check, "unknown", unclear, hostname, *lane) for lane in lanes]
            works = [self._told(context, port, lane, ways) for lane, ways in there.items()]
            return list(await asyncio.gather(*works))
        if isinstance(outcome, TroubleError):
            return [await self._opened(port, lane, ways) for lane, ways in there.items()]
        measures = [AnswerMeasure(context.wire, baseline, each) for each in _requests(context)]
        await asyncio.gather(*(each.take(2) for each in measures))
        # An echo holds who sent it, and by which way: what it tells is compared below.
        measures = [each for each in measures if not any(map(read_echo, each.answers))]
        works = [self._compared(port, lane, ways, measures) for lane, ways in there.items()]
        results = await asyncio.gather(*works)
        echoed = await _echoed(context, port, there) if context.options.echo else []
        return [*results, *echoed]

    async def _scheme(
        self, context: CheckContext, port: PortToTry, direct: Way
    ) -> tuple[Scheme, HttpAnswer | TroubleError]:
        """Return what direct speaks on a port, and how it answers."""
        outcome: HttpAnswer | TroubleError = TroubleError("refused", "nothing was tried")
        for scheme in port.schemes:
            way = replace(direct, port=port.port, scheme=scheme)
            request = _opening("GET")
            outcome = (await ask(context.wire, way, request)).outcome
            if isinstance(outcome, HttpAnswer):
                return scheme, outcome
        return port.schemes[0], outcome

    async def _is_open(self, way: Way) -> bool:
        try:
            await self._connector.connect(way.address, way.port)
        except TroubleError:
            return False
        return True

    async def _why_closed(
        self, port: PortToTry, direct: Way, outcome: HttpAnswer | TroubleError
    ) -> str:
        """Return why it cannot be told that direct does not serve a port; empty: it can."""
        if port.listener:
            return (
                f"the load balancer has a listener for {port.listener} there, which does not "
                f"answer from here: {said(outcome)}"
            )
        if not await self._is_open(direct):
            return f"{lane_name(BASELINE)} does not answer on port {direct.port} either"
        return ""

    def _cannot_tell(self, way: Way) -> str:
        """Return why a silence here says nothing; empty: it does."""
        if lacks(self._connector, way.address):
            return no_route(way.family)
        if is_doubtful(self._connector, way.address):
            return "this machine's own address leads nowhere beyond its site"
        return ""

    async def _told(
        self, context: CheckContext, port: PortToTry, lane: Lane, ways: Sequence[Way]
    ) -> Result:
        """Return the result about a port that direct does not serve: what others do there."""
        hostname = ways[0].hostname
        if lane == BASELINE:
            return Result(port.check, "pass", "is not served", hostname, *lane)
        request = _opening("HEAD")
        outcomes = await asyncio.gather(*(ask(context.wire, way, request) for way in ways))
        answers = [
            f"{each.way.address} answers {said(each.outcome)}"
            for each in outcomes
            if isinstance(each.outcome, HttpAnswer)
        ]
        evidence = f"is not served, as {lane_name(BASELINE)}"
        if answers:
            evidence = f"only others serve it, nobody's client does today: {listed(answers)}"
        return Result(port.check, "pass", evidence, hostname, *lane)

    async def _opened(self, port: PortToTry, lane: Lane, ways: Sequence[Way]) -> Result:
        """Return the result about a port that direct serves, where nobody answers HTTP."""
        is_open = await asyncio.gather(*map(self._is_open, ways))
        closed = [way.address for way, each in zip(ways, is_open, strict=True) if not each]
        if not closed:
            reason = "it is open, and what is spoken there is not HTTP, so nothing was compared"
            return Result(port.check, "unknown", reason, ways[0].hostname, *lane)
        doubt = self._cannot_tell(ways[0])
        verdict: Verdict = "unknown" if doubt else "fail"
        evidence = doubt or f"it is open on direct over IPv4, and not at {', '.join(closed)}"
        return _result(port, verdict, evidence, lane, ways)

    async def _compared(
        self, port: PortToTry, lane: Lane, ways: Sequence[Way], measures: Sequence[AnswerMeasure]
    ) -> Result:
        """Return the result about a port that direct answers on."""
        if lane == BASELINE:
            ways = [way for way in ways if way != measures[0].way]
            first = f"answers {said(measures[0].outcomes[0])}, the measure"
            if not ways:
                return Result(port.check, "pass", first, measures[0].way.hostname, *lane)
        pairs = [(way, measure) for way in ways for measure in measures]
        likenesses = await asyncio.gather(*(measure.against(way) for way, measure in pairs))
        faults: list[str] = []
        unclear: list[str] = []
        for (way, measure), likeness in zip(pairs, likenesses, strict=True):
            request = measure.request
            text = f"{request.method} {request.target} at {way.address}: {likeness.evidence}"
            if likeness.verdict != "pass":
                (faults if likeness.verdict == "fail" else unclear).append(text)
        doubt = self._cannot_tell(ways[0]) if faults else ""
        if faults and not doubt:
            return _result(port, "fail", listed(faults), lane, ways)
        if doubt or unclear:
            return _result(port, "unknown", doubt or listed(unclear), lane, ways)
        first = said(measures[0].outcomes[0])
        evidence = f"{len(pairs)} requests are answered as {lane_name(BASELINE)}: {first}"
        return _result(port, "pass", evidence, lane, ways)


def _result(
    port: PortToTry, verdict: Verdict, evidence: str, lane: Lane, ways: Sequence[Way]
) -> Result:
    remedy = ""
    if verdict == "fail":
        remedy = _remedy(port.port, lane)
    return Result(port.check, verdict, evidence, ways[0].hostname, *lane, remedy=remedy)


def _remedy(port: int, lane: Lane) -> str:
    if lane[0] == "direct":
        return f"Add {port} to proxy.ports, or close it at the load balancer."
    if port in CLOUDFRONT_PORTS:
        return (
            "Have CloudFront pass plain HTTP on: origin.protocol match-viewer, and "
            "distribution.viewerProtocol allow-all."
        )
    return f"CloudFront serves 80 and 443 only: clients of port {port} have to stay on direct."


def _opening(method: str) -> HttpRequest:
    """Return a request that shows whether a port is served."""
    target = f"/?verify={secrets.token_hex(4)}"
    return HttpRequest(method, target, COMMON, timeout_seconds=OPENING_SECONDS)


def _requests(context: CheckContext) -> list[HttpRequest]:
    """Return what is sent on a port: it changes nothing and holds no secret."""
    run = secrets.token_hex(4)
    nowhere = f"/verify-{run}{QUERY}"
    sent = [
        ("GET", f"/?verify={run}"),
        *((method, nowhere) for method in ("GET", "HEAD", "OPTIONS")),
    ]
    own = dict.fromkeys(
        (each.method, f"{each.target.partition('?')[0]}?verify={run}")
        for each in context.requests
        if each.method in SAFE
    )
    sent += list(own)[:MOST_PATHS]
    requests = [HttpRequest(method, target, COMMON) for method, target in sent]
    if context.options.echo:
        # The echo changes nothing, whatever it gets.
        target = context.options.echo.rstrip("/") + segment((("header", f"{RUN_HEADER}:{run}"),))
        methods = ("PUT", "DELETE", *(("POST", "PATCH") if context.options.unsafe else ()))
        requests += [HttpRequest(each, f"{target}{QUERY}", COMMON, b"{}") for each in methods]
    return requests


async def _echoed(
    context: CheckContext, port: PortToTry, lanes: Mapping[Lane, Sequence[Way]]
) -> list[Result]:
    """Return what the echo tells, where direct serves it on a port."""
    host = await open_host(context, context.options.echo or "", lanes)
    if host.missing_baseline(0) is not None:
        return []
    group = replace(ONE_OF_EACH_SORT, name=f"{port.check}-echo")
    return await group_on_each_lane(host, group, 0)


def _session() -> Any:
    import boto3.session  # noqa: PLC0415 - it takes long, and few runs look at the account

    return boto3.session.Session()


CHECKS: Final[tuple[Check, ...]] = (Check("ports", Ports(Sockets(), _session).run),)
"""The checks of this module."""
