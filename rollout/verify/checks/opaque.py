"""Opaque mode: the user's own requests, the same on every way, and what their answers prove.

The direct path over IPv4 is what the API's users get today, so its answers are the measure. Two
questions are asked of each request. Does every way answer as direct does (`answers …`)? And does
every way answer anew, or does a cache answer (`cache …`)? Both are settled by asking: what changes
by itself is learned on direct, and nothing fails before it was seen so often, in random order, that
chance cannot explain it. See `rollout.verify.own_requests`.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Final

from rollout.probe.model import Result
from rollout.probe.sockets import Connector, Sockets
from rollout.requests.catalogue import Catalogue, IgnoreRule
from rollout.verify.check import Check, CheckContext
from rollout.verify.own_requests.asking import questions
from rollout.verify.own_requests.conversation import DATE_SECONDS
from rollout.verify.own_requests.question import Question, results_of_question

AT_ONCE: Final = 8
"""Requests of the catalogue that are looked at at once: of many more, the answers to one would lie
so far apart that a cache of a second would not show."""


def check(
    catalogue: Catalogue,
    ignore: Sequence[IgnoreRule],
    *,
    pause_seconds: float = DATE_SECONDS,
    network: Connector | None = None,
) -> Check:
    """Return the check that sends everything in a catalogue.

    Args:
        catalogue: The requests.
        ignore: What does not count in any answer.
        pause_seconds: How long it waits before each request goes out for the last time.
        network: Tells whether silence may be this machine's own fault.
    """

    async def opaque(context: CheckContext) -> AsyncIterator[Result]:
        pairs = [
            (entry, hostname)
            for entry in catalogue.entries
            for hostname in context.target.hostnames
            if entry.hostname in {None, hostname}
        ]
        if not pairs:
            yield _nothing(catalogue)
        every = questions(
            context,
            pairs,
            tuple(ignore),
            network=network or Sockets(),
            pause_seconds=pause_seconds,
        )
        places = asyncio.Semaphore(AT_ONCE)
        tasks = [asyncio.create_task(_results(places, each)) for each in every]
        try:
            # In the catalogue's order, so that the table is the same every time.
            for task in tasks:
                for result in await task:
                    yield result
        finally:
            for task in tasks:
                task.cancel()

    return Check("opaque", opaque, "requests")


async def _results(places: asyncio.Semaphore, question: Question) -> list[Result]:
    async with places:
        return await results_of_question(question)


def _nothing(catalogue: Catalogue) -> Result:
    """Say that nothing was compared: that is no pass."""
    if catalogue.left_out:
        evidence, remedy = "none of the requests can be sent", "See why under 'Not asked'."
    else:
        evidence = "no answers were compared: nothing says what to ask"
        remedy = "Give --echo PATH, or --requests, --openapi or --har with a FILE."
    return Result("answers", "unknown", evidence, remedy=remedy)
