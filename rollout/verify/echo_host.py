"""One hostname in echo mode: its ways, and whether each can be compared with the baseline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from rollout.probe.model import HttpAnswer, Result, TroubleError, Way
from rollout.verify.check import CheckContext
from rollout.verify.exchange import BASELINE, Attempt, Lane, lane_name, listed, no_echo, result

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
    first_recipients: dict[str, str] = field(default_factory=dict[str, str])
    """Who got each answer first, by its id."""

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


def failed(check: str, faults: Sequence[str], way: Way) -> Result:
    """Return a failure, with the remedy for its kind on cdn."""
    remedy = REMEDIES.get(check.partition("-")[0], "") if way.path == "cdn" else ""
    return result(check, "fail", f"{listed(faults)} (at {way.address})", way, remedy=remedy)
