"""Whether answers were kept by a cache: what the cache checks share.

Each answer is made unique by the origin. Two requests that got the same one are the proof.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from rollout.probe.model import HttpAnswer, HttpRequest, Result, Way
from rollout.requests.request_kinds import ANSWER_SECONDS, COMMON, segment
from rollout.verify.check import CheckContext
from rollout.verify.exchange import (
    BASELINE,
    Attempt,
    Lane,
    ask,
    lanes_of,
    listed,
    no_echo,
    result,
    results_of,
)
from rollout.verify.own_requests.cache_signs import says_kept

CACHEABLE: Final = ("header", "Cache-Control:public, max-age=60")
"""The directive that lets the origin allow caching of its answer."""

USER_A: Final = (("Authorization", "Bearer first"), ("Cookie", "session=first"))
USER_B: Final = (("Authorization", "Bearer second"), ("Cookie", "session=second"))

CACHING_REMEDY: Final = "Keep nothing at the edge, with CachingDisabled: rule caching-off."


@dataclass(frozen=True)
class LabelledAttempt:
    """One of several requests whose answers are compared."""

    label: str
    """How it differs from the first: `with another user`."""
    attempt: Attempt
    """The request and its outcome."""
    sent_at: float
    """When it was sent, in seconds of the loop's clock."""


@dataclass(frozen=True)
class Proofs:
    """What some requests prove about a cache."""

    kept: tuple[str, ...] = ()
    """Which requests were given the same answer, or an answer that says it was kept."""
    unclear: tuple[str, ...] = ()
    """Which requests proved nothing, and why."""
    accepted: tuple[str, ...] = ()
    """Names of the documented differences that were seen."""


def proofs(attempts: Sequence[LabelledAttempt], status: int = HTTPStatus.OK) -> Proofs:
    """Return what requests for one thing prove about a cache. Pure.

    Args:
        attempts: The requests, in the order in which they were sent.
        status: The status that the requests ask the origin for. An answer with another status
            proves nothing about answers with this one.
    """
    kept: list[str] = []
    unclear: list[str] = []
    first: dict[str, LabelledAttempt] = {}
    for each in attempts:
        attempt = each.attempt
        what = f"{attempt.request.method} {attempt.request.target} {each.label}"
        if not isinstance(attempt.outcome, HttpAnswer) or attempt.received is None:
            unclear.append(f"{what}: {attempt.reason}")
            continue
        other = first.setdefault(attempt.received.id, each)
        if other is not each:
            kept.append(
                f"{what} (at {attempt.way.address}) was given the answer that {other.label} "
                f"(at {other.attempt.way.address}) got {each.sent_at - other.sent_at:.1f} s before"
            )
        elif (header := says_kept(attempt.outcome)) is not None:
            kept.append(f"{what} (at {attempt.way.address}) was given an answer with {header}")
        elif attempt.outcome.status != status:
            unclear.append(f"{what}: it was answered {attempt.outcome.status} instead of {status}")
    return Proofs(tuple(kept), tuple(unclear))


@dataclass(frozen=True)
class LaneClient:
    """Sends requests on one lane of a hostname."""

    context: CheckContext
    """What the check is given."""
    echo: str
    """Path below which the origin echoes, without a `/` at its end."""
    lane: Lane
    """The lane."""
    ways: Sequence[Way]
    """Its addresses."""
    urgent: bool
    """Whether its requests go before those of other checks."""

    def target(self, *directives: tuple[str, str], ending: str = "") -> str:
        """Return a target that no earlier run has used, whose path has an ending."""
        run = ("header", f"X-Run:{secrets.token_hex(4)}{ending}")
        return self.echo + segment((*directives, run))

    async def ask(
        self,
        label: str,
        target: str,
        *,
        turn: int = 0,
        headers: tuple[tuple[str, str], ...] = (),
        method: str = "GET",
    ) -> LabelledAttempt:
        """Send a request, to the address whose turn it is."""
        way = self.ways[turn % len(self.ways)]
        request = HttpRequest(
            method,
            target,
            (*COMMON, *headers),
            timeout_seconds=ANSWER_SECONDS,
            urgent=self.urgent,
        )
        sent_at = asyncio.get_running_loop().time()
        return LabelledAttempt(label, await ask(self.context.wire, way, request), sent_at)


Find = Callable[[LaneClient], Awaitable[Proofs]]


async def on_lanes(
    context: CheckContext,
    check: str,
    find: Find,
    *,
    passed: str,
    remedy: str,
    urgent: bool = False,
) -> AsyncIterator[Result]:
    """Look for proofs on each lane and yield a result for each.

    Args:
        context: What the check is given.
        check: Its name.
        find: Sends the requests on one lane and returns what they prove.
        passed: The evidence of a pass.
        remedy: What to do about a failure on cdn.
        urgent: Whether the requests go before those of other checks.
    """
    path = context.options.echo
    if path is None:
        return
    echo = path.rstrip("/")

    async def one(lane: Lane, ways: Sequence[Way]) -> list[Result]:
        here = LaneClient(context, echo, lane, ways, urgent)
        plain = (await here.ask("", here.target())).attempt
        if plain.received is None:
            reason = (
                no_echo(echo, plain.outcome)
                if lane == BASELINE and isinstance(plain.outcome, HttpAnswer)
                else f"A plain request gets no echo: {plain.reason}."
            )
            return [result(check, "unknown", reason, ways[0])]
        proven = await find(here)
        if proven.kept:
            mend = remedy if lane[0] == "cdn" else ""
            return [result(check, "fail", listed(proven.kept), ways[0], remedy=mend)]
        if proven.unclear:
            return [result(check, "unknown", listed(proven.unclear), ways[0])]
        evidence = f"{passed}, except for what is documented" if proven.accepted else passed
        return [result(check, "pass", evidence, ways[0], accepted=proven.accepted)]

    works = [
        one(lane, ways)
        for hostname in dict.fromkeys(way.hostname for way in context.ways)
        for lane, ways in lanes_of(context.ways, hostname).items()
    ]
    async for each in results_of(works):
        yield each


async def gathered(works: Sequence[Awaitable[Proofs]]) -> Proofs:
    """Run works side by side and return all their proofs as one."""
    parts = await asyncio.gather(*works)
    return Proofs(
        tuple(kept for part in parts for kept in part.kept),
        tuple(unclear for part in parts for unclear in part.unclear),
        tuple(sorted({name for part in parts for name in part.accepted})),
    )
