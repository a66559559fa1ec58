"""One hostname in echo mode: its ways, and whether each can be compared with the baseline."""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from rollout.probe.model import HttpAnswer, HttpRequest, Result, TroubleError, Way
from rollout.requests.request_kinds import RUN_HEADER, RequestKind, segment
from rollout.verify.check import CheckContext
from rollout.verify.exchange import BASELINE, Attempt, Lane, ask, lane_name, listed, no_echo, result

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
class EchoHost:
    """One hostname that is checked."""

    context: CheckContext
    """What the check is given."""
    echo: str
    """Path below which the origin echoes, without a `/` at its end."""
    lanes: Mapping[Lane, Sequence[Way]]
    """Its ways by lane."""
    plain: Mapping[Way, Attempt]
    """A plain request on each way, and its outcome."""
    run: str
    """What makes this run's URLs others than those of earlier runs."""
    first_recipients: dict[str, str] = field(default_factory=dict[str, str])
    """Who got each answer first, by its id."""

    def request(self, kind: RequestKind) -> HttpRequest:
        """Return the request of a kind, as it is sent in this run."""
        names = {"hostname": self.hostname, "direct": self.context.target.direct}
        return kind.request(self.echo, self.run, names)

    def target(self, *directives: tuple[str, str]) -> str:
        """Return a target below the echo path that no earlier run has used."""
        return self.echo + segment((*directives, ("header", f"{RUN_HEADER}:{self.run}")))

    @property
    def hostname(self) -> str:
        """The hostname."""
        return next(way.hostname for ways in self.lanes.values() for way in ways)

    def way(self, lane: Lane, turn: int) -> Way:
        """Return the way of a lane whose turn it is."""
        ways = self.lanes[lane]
        return ways[turn % len(ways)]

    def silence(self, way: Way) -> str | None:
        """Return why a way cannot be judged at all; None: it can."""
        attempt = self.plain[way]
        if attempt.received is not None or isinstance(attempt.outcome, HttpAnswer):
            return None
        return attempt.reason

    def missing_baseline(self, turn: int) -> str | None:
        """Return why there is nothing to compare with; None: there is."""
        baseline = lane_name(BASELINE)
        if BASELINE not in self.lanes:
            return f"There is no way {baseline} to compare with."
        attempt = self.plain[self.way(BASELINE, turn)]
        if attempt.received is not None:
            return None
        if isinstance(attempt.outcome, TroubleError):
            return (
                f"There is nothing to compare with, {baseline} does not answer: {attempt.reason}."
            )
        return no_echo(self.echo, attempt.outcome)


async def open_host(
    context: CheckContext, path: str, lanes: Mapping[Lane, Sequence[Way]]
) -> EchoHost:
    """Send a plain request on each way of a hostname, and return the host.

    Args:
        context: What the check is given.
        path: Path below which the origin echoes.
        lanes: The ways by lane.
    """
    echo, run = path.rstrip("/"), secrets.token_hex(4)
    ways = [way for lane_ways in lanes.values() for way in lane_ways]
    request = RequestKind("plain").request(echo, run)
    plain = await asyncio.gather(*(ask(context.wire, way, request) for way in ways))
    return EchoHost(context, echo, lanes, dict(zip(ways, plain, strict=True)), run)


def failed(
    check: str, faults: Sequence[str], way: Way, *, accepted: tuple[str, ...] = ()
) -> Result:
    """Return a failure, with the remedy for its kind on cdn."""
    remedy = REMEDIES.get(check.partition("-")[0], "") if way.path == "cdn" else ""
    evidence = f"{listed(faults)} (at {way.address})"
    return result(check, "fail", evidence, way, accepted=accepted, remedy=remedy)
