"""Whether anything between client and origin keeps answers.

The naive way is to look at `X-Cache`. It is wrong in both directions: CloudFront says `Error from
cloudfront` both for an error of the origin's and for one that it kept, other caches say nothing,
and a header can be removed. So the origin makes each answer unique, and two requests that got the
same one are the proof. Requests differ in what a cache may leave out of its key: the user, the
query string, the method, the node. The same request twice comes first: every cache has all of it
in its key.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Final

from rollout.probe.model import Result
from rollout.verify.cache_proofs import (
    CACHEABLE,
    CACHING_REMEDY,
    USER_A,
    USER_B,
    LaneClient,
    Proofs,
    gathered,
    on_lanes,
    proofs,
)
from rollout.verify.check import Check, CheckContext


def answers(context: CheckContext) -> AsyncIterator[Result]:
    """Repeat requests: unchanged, as another user, with another query string, on every node."""

    async def repeated(here: LaneClient, directives: Sequence[tuple[str, str]]) -> Proofs:
        target = here.target(*directives)
        # Without a user first: caches that follow RFC 9111, 3.5 do not keep answers to a user.
        attempts = [
            await here.ask(f"time {time + 1} there", target, turn=turn)
            for time in range(2)
            for turn in range(len(here.ways))
        ]
        attempts += [
            await here.ask("as a user", target, headers=USER_A),
            await here.ask("as that user again", target, headers=USER_A),
            await here.ask("as another user", target, headers=USER_B),
            await here.ask("with a query string", f"{target}?a=1"),
            await here.ask("with another query string", f"{target}?a=2"),
        ]
        return proofs(attempts)

    async def find(here: LaneClient) -> Proofs:
        return await gathered([repeated(here, each) for each in ((), (CACHEABLE,))])

    return on_lanes(
        context,
        "cache-answers",
        find,
        passed="each repeated request got an answer of its own, also where the origin let it be "
        "kept: same user, other users, other query strings, every address",
        remedy=CACHING_REMEDY,
    )


def methods(context: CheckContext) -> AsyncIterator[Result]:
    """Send HEAD after GET for the same target, and GET after HEAD."""

    async def alternating(here: LaneClient, order: Sequence[str]) -> Proofs:
        target = here.target(CACHEABLE)
        return proofs(
            [await here.ask(f"after {n}", target, method=each) for n, each in enumerate(order)]
        )

    async def find(here: LaneClient) -> Proofs:
        orders = (("GET", "HEAD", "GET"), ("HEAD", "GET", "HEAD"))
        return await gathered([alternating(here, order) for order in orders])

    return on_lanes(
        context,
        "cache-methods",
        find,
        passed="HEAD and GET got answers of their own, in either order",
        remedy=CACHING_REMEDY,
    )


CHECKS: Final[tuple[Check, ...]] = (
    Check("cache-answers", answers, "echo"),
    Check("cache-methods", methods, "echo"),
)
