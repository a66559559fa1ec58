"""Whether errors are kept.

CloudFront keeps most of them for 10 seconds unless a time of 0 is set, even where caching is off.
Then the key is the path alone: one user's error is everybody's. Some are kept only if the origin
names a time, so those are sent with one.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Final

from rollout.probe.model import Result
from rollout.verify.cache_proofs import (
    CACHEABLE,
    USER_A,
    USER_B,
    LabelledAttempt,
    LaneClient,
    Proofs,
    gathered,
    on_lanes,
    proofs,
)
from rollout.verify.check import Check, CheckContext
from rollout.verify.differences import TIMED_ERROR

ERROR_SECONDS: Final = 10.0
"""How long CloudFront keeps an error by default. Source: CloudFront Developer
Guide, Control how long CloudFront caches errors."""

LATER_SECONDS: Final = ERROR_SECONDS + 1.5
"""When the request for an error is repeated: caches count whole seconds."""

ERRORS: Final = (
    *((status, False) for status in (404, 412, 414, 415, 500, 501, 502, 503, 504)),
    *((status, True) for status in (400, 403, 404, 405, 410, 412, 415, 416, 503)),
)
"""Statuses, and whether the origin names a time to keep them. Source: CloudFront Developer Guide,
How CloudFront processes HTTP 4xx and 5xx status codes: 404, 414, 500, 501, 502, 503 and 504 are
kept always, 400, 403, 405, 412 and 415 if the origin says so."""

UNSETTABLE: Final = (412, 415)
"""Those that no custom error response can be made for, so what CloudFront does cannot be changed.
Source: CloudFront Developer Guide, Create a custom error page for specific HTTP status codes."""

_REMEDY: Final = "Set errorCachingMinTtl to 0 for every status: rule error-caching-off."


def _error(status: int, kept: bool) -> tuple[tuple[str, str], ...]:
    return (("status", str(status)), CACHEABLE) if kept else (("status", str(status)),)


def _of_error(
    here: LaneClient, status: int, kept: bool, attempts: Sequence[LabelledAttempt]
) -> Proofs:
    """Return what requests for an error prove, without what is documented and not settable."""
    proven = proofs(attempts, status)
    if proven.kept and kept and status in UNSETTABLE and here.lane[0] == "cdn":
        return Proofs((), proven.unclear, (TIMED_ERROR,))
    return proven


def errors(context: CheckContext) -> AsyncIterator[Result]:
    """Repeat requests for errors at once: unchanged, and as another user with another query."""

    async def repeated(here: LaneClient, turn: int, status: int, kept: bool) -> Proofs:
        target = here.target(*_error(status, kept))
        return _of_error(
            here,
            status,
            kept,
            [
                await here.ask("first", target, turn=turn),
                await here.ask("again", target, turn=turn),
                await here.ask("as a user", target, turn=turn, headers=USER_A),
                await here.ask(
                    "as another user with a query string",
                    f"{target}?a=1",
                    turn=turn + 1,
                    headers=USER_B,
                ),
            ],
        )

    async def find(here: LaneClient) -> Proofs:
        return await gathered([repeated(here, turn, *each) for turn, each in enumerate(ERRORS)])

    return on_lanes(
        context,
        "cache-errors",
        find,
        passed=f"{len(ERRORS)} kinds of errors asked for four times each were all answered by the "
        "origin",
        remedy=_REMEDY,
    )


def errors_later(
    context: CheckContext, *, wait_seconds: float = LATER_SECONDS
) -> AsyncIterator[Result]:
    """Repeat requests for errors after CloudFront's default time to keep them.

    An error that is still kept then has a longer time configured. The requests go before those of
    the other checks, which send theirs while this one waits.
    """

    async def repeated(here: LaneClient, turn: int, status: int, kept: bool) -> Proofs:
        target = here.target(*_error(status, kept))
        first = await here.ask("first", target, turn=turn)
        await asyncio.sleep(wait_seconds)
        later = await here.ask("later", target, turn=turn)
        return _of_error(here, status, kept, [first, later])

    async def find(here: LaneClient) -> Proofs:
        return await gathered([repeated(here, turn, *each) for turn, each in enumerate(ERRORS)])

    return on_lanes(
        context,
        "cache-errors-later",
        find,
        passed=f"{len(ERRORS)} kinds of errors asked for again after {wait_seconds:g} s were all "
        "answered by the origin",
        remedy=_REMEDY,
        urgent=True,
    )


CHECKS: Final[tuple[Check, ...]] = (
    Check("cache-errors", errors, "echo"),
    Check("cache-errors-later", errors_later, "echo"),
)
