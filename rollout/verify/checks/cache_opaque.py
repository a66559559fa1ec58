"""Whether answers of an API that does not echo are kept: those to `/`, and to a path of nobody's.

What the user's own requests prove is said with them (`cache …` of `opaque`). This check asks, also
without any, for the two things that every API answers: its root, and an error, which CloudFront
keeps for 10 seconds unless that is turned off. The signs are the same: what an answer says of
itself, a `Date` that stands still, and a value that is another in every answer of direct.

Where nothing in an answer changes by itself, a cache that says nothing cannot be seen. Then the
evidence says so, and it passes: what no look from outside can prove is no fault of the edge's. See
docs/decisions/0020-a-cache-that-says-nothing.md.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Final

from rollout.probe.model import HttpRequest, Result
from rollout.probe.sockets import Sockets
from rollout.requests.catalogue import OWN_HEADERS, CatalogueEntry, root_request
from rollout.requests.request_kinds import ANSWER_SECONDS
from rollout.verify.address_groups import worst
from rollout.verify.check import Check, CheckContext
from rollout.verify.exchange import lanes_of, result, results_of
from rollout.verify.own_requests.asking import questions
from rollout.verify.own_requests.conversation import DATE_SECONDS
from rollout.verify.own_requests.question import Question, results_of_question


def _entries() -> tuple[CatalogueEntry, ...]:
    nowhere = HttpRequest("GET", f"/{secrets.token_hex(8)}", OWN_HEADERS)
    return tuple(
        CatalogueEntry(name, replace(request, timeout_seconds=ANSWER_SECONDS))
        for name, request in (
            ("GET /", root_request()),
            ("GET a path that is not there", nowhere),
        )
    )


async def opaque(
    context: CheckContext, *, wait_seconds: float = DATE_SECONDS
) -> AsyncIterator[Result]:
    """Look for a cache among the answers to two requests that every API answers."""
    if context.options.echo is not None:
        return
    hostnames = dict.fromkeys(way.hostname for way in context.ways)
    every = questions(
        context,
        [(entry, hostname) for hostname in hostnames for entry in _entries()],
        (),
        network=Sockets(),
        pause_seconds=wait_seconds,
        compares=False,
    )
    works = [_of_hostname(context, [q for q in every if q.hostname == one]) for one in hostnames]
    async for each in results_of(works):
        yield each


async def _of_hostname(context: CheckContext, every: Sequence[Question]) -> list[Result]:
    """Return one result for each path over each family, of all requests together."""
    parts = await asyncio.gather(*(results_of_question(question) for question in every))
    results: list[Result] = []
    for lane, ways in lanes_of(context.ways, every[0].hostname).items():
        own: list[Result] = []
        for question, many in zip(every, parts, strict=True):
            # Without an answer on direct there is one result, which holds for all.
            fitting = [each for each in many if (each.path, each.family) == lane] or many[:1]
            own += [
                replace(each, evidence=f"{question.entry.name}: {each.evidence}")
                for each in fitting
            ]
        verdict = worst([each.verdict for each in own])
        telling = [each for each in own if each.verdict == verdict]
        evidence = "; ".join(each.evidence for each in telling)
        results.append(result("cache-opaque", verdict, evidence, ways[0], remedy=telling[0].remedy))
    return results


CHECKS: Final[tuple[Check, ...]] = (Check("cache-opaque", opaque, "no echo"),)
"""The checks of this module."""
