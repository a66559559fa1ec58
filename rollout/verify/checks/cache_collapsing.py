"""Whether two requests for the same thing at the same time are answered as one."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from typing import Final

from rollout.probe.model import HttpAnswer, Result
from rollout.verify.cache_proofs import (
    CACHING_REMEDY,
    LabelledAttempt,
    LaneClient,
    Proofs,
    on_lanes,
    proofs,
)
from rollout.verify.check import Check, CheckContext

COLLAPSE_SECONDS: Final = 0.5
"""How long the origin takes over each of two requests that are under way at once."""

COLLAPSE_TRIES: Final = 3


def collapsing(context: CheckContext) -> AsyncIterator[Result]:
    """Send the same request twice at once, to a target that the origin answers slowly."""

    async def find(here: LaneClient) -> Proofs:
        for _ in range(COLLAPSE_TRIES):
            target = here.target(("delay", f"{COLLAPSE_SECONDS:g}"))
            attempts = [here.ask(label, target) for label in ("first", "at the same time")]
            ended = await asyncio.gather(*(_timed(each) for each in attempts))
            proven = proofs([each for each, _ in ended])
            if proven.kept or proven.unclear or _together([took for _, took in ended]):
                return proven
        return Proofs(unclear=("Two requests were never under way at the same time.",))

    return on_lanes(
        context,
        "cache-collapsing",
        find,
        passed="two requests for the same thing at the same time were both answered by the origin",
        remedy=CACHING_REMEDY,
    )


async def _timed(work: Awaitable[LabelledAttempt]) -> tuple[LabelledAttempt, tuple[float, float]]:
    """Return the attempt and when it was under way: it may have waited for its turn before."""
    labelled = await work
    end = asyncio.get_running_loop().time()
    outcome = labelled.attempt.outcome
    took = outcome.seconds if isinstance(outcome, HttpAnswer) else 0.0
    return labelled, (end - took, end)


def _together(spans: Sequence[tuple[float, float]]) -> bool:
    overlap = min(end for _, end in spans) - max(start for start, _ in spans)
    return overlap >= COLLAPSE_SECONDS / 2


CHECKS: Final[tuple[Check, ...]] = (Check("cache-collapsing", collapsing, "echo"),)
