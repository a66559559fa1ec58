"""Whether anything between client and origin keeps answers.

The naive way is to look at `X-Cache`. It is wrong in both directions: CloudFront says `Error from
cloudfront` both for an error of the origin's and for one that it kept, other caches say nothing,
and a header can be removed. So the origin makes each answer unique, and two requests that got the
same one are the proof. Requests differ in what a cache may leave out of its key: the user, the
query string, the method, the node. The same request twice comes first: every cache has all of it
in its key.

Many caches keep only what looks like it: files by their ending and type, what has a validator or
says for how long it is good, redirects, parts. So some answers are all of that.
"""

from collections.abc import AsyncIterator, Sequence
from http import HTTPStatus
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

LONG: Final = "Cache-Control:public, max-age=31536000, s-maxage=31536000, immutable"

FILE: Final = (
    ("size", "50000"),
    ("header", LONG),
    ("header", "Content-Type:text/css"),
    ("header", 'ETag:"5f1"'),
    ("header", "Last-Modified:Mon, 01 Jan 2024 00:00:00 GMT"),
    ("header", "Expires:Fri, 01 Jan 2100 00:00:00 GMT"),
)
"""An answer that is all that a cache looks for in a file."""

MOVED: Final = (("status", "301"), ("header", LONG), ("header", "Location:/elsewhere"))
PARTS: Final = (("size", "1000"), ("range", "on"), ("header", LONG))

BROWSER: Final = (("Accept-Encoding", "gzip, deflate, br"), ("Accept-Language", "en"))
PREFLIGHT: Final = (
    ("Origin", "https://www.example.net"),
    ("Access-Control-Request-Method", "GET"),
)


async def _again(
    here: LaneClient,
    target: str,
    *,
    status: int = HTTPStatus.OK,
    method: str = "GET",
    headers: tuple[tuple[str, str], ...] = (),
) -> Proofs:
    """Ask for something twice at one address and once at another."""
    attempts = [
        await here.ask(f"time {time}", target, turn=turn, method=method, headers=headers)
        for time, turn in ((1, 0), (2, 0), (3, 1))
    ]
    return proofs(attempts, status)


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
            await here.ask("with that query string again", f"{target}?a=2"),
        ]
        return proofs(attempts)

    async def find(here: LaneClient) -> Proofs:
        return await gathered(
            [
                *(repeated(here, each) for each in ((), (CACHEABLE,))),
                _again(here, here.target(*FILE, ending=".css"), headers=BROWSER),
                _again(here, here.target(*MOVED), status=HTTPStatus.MOVED_PERMANENTLY),
                _again(
                    here,
                    here.target(*PARTS),
                    status=HTTPStatus.PARTIAL_CONTENT,
                    headers=(("Range", "bytes=0-99"),),
                ),
            ]
        )

    return on_lanes(
        context,
        "cache-answers",
        find,
        passed="each repeated request got an answer of its own, also where the origin let it be "
        "kept: same user, other users, other query strings, every address; so did a file, a "
        "redirect and a part",
        remedy=CACHING_REMEDY,
    )


def methods(context: CheckContext) -> AsyncIterator[Result]:
    """Send HEAD after GET for the same target, GET after HEAD, and OPTIONS again and again."""

    async def alternating(here: LaneClient, order: Sequence[str]) -> Proofs:
        target = here.target(CACHEABLE)
        return proofs(
            [await here.ask(f"after {n}", target, method=each) for n, each in enumerate(order)]
        )

    async def find(here: LaneClient) -> Proofs:
        orders = (("GET", "HEAD", "GET"), ("HEAD", "GET", "HEAD"))
        return await gathered(
            [
                *(alternating(here, order) for order in orders),
                _again(here, here.target(CACHEABLE), method="OPTIONS", headers=PREFLIGHT),
            ]
        )

    return on_lanes(
        context,
        "cache-methods",
        find,
        passed="HEAD and GET got answers of their own, in either order, and so did OPTIONS",
        remedy=CACHING_REMEDY,
    )


CHECKS: Final[tuple[Check, ...]] = (
    Check("cache-answers", answers, "echo"),
    Check("cache-methods", methods, "echo"),
)
