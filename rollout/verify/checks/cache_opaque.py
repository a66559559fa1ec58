"""Whether answers of an API that does not echo show signs of a cache.

`Age`, `X-Cache` and a `Date` that stands still can prove that there is a cache. Nothing proves that
there is none, so without a sign the result is 'cannot tell'.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Final

from rollout.probe.model import HttpAnswer, HttpRequest, Result, TroubleError, Way
from rollout.requests.request_kinds import ANSWER_SECONDS, COMMON
from rollout.verify.cache_proofs import CACHING_REMEDY, says_kept
from rollout.verify.check import Check, CheckContext
from rollout.verify.exchange import (
    BASELINE,
    Attempt,
    Lane,
    ask,
    lane_name,
    lanes_of,
    listed,
    result,
    results_of,
)

DATE_SECONDS: Final = 2.1
"""How far apart two answers are whose `Date` is compared: it counts whole seconds."""


async def opaque(
    context: CheckContext, *, wait_seconds: float = DATE_SECONDS
) -> AsyncIterator[Result]:
    """Look for the signs of a cache; without a sign nothing is proven."""
    if context.options.echo is not None:
        return

    async def one(hostname: str) -> list[Result]:
        lanes = lanes_of(context.ways, hostname)
        signs = await asyncio.gather(
            *(_signs(context, ways[0], wait_seconds) for ways in lanes.values())
        )
        return _results(dict(zip(lanes, signs, strict=True)), lanes)

    hostnames = dict.fromkeys(way.hostname for way in context.ways)
    async for each in results_of([one(hostname) for hostname in hostnames]):
        yield each


async def _signs(context: CheckContext, way: Way, wait_seconds: float) -> tuple[str, ...] | str:
    """Return the signs of a cache on a way, or why there is no answer."""
    signs: list[str] = []
    for target in ("/", f"/{secrets.token_hex(8)}"):
        request = HttpRequest("GET", target, COMMON, timeout_seconds=ANSWER_SECONDS)
        first = await ask(context.wire, way, request)
        await asyncio.sleep(wait_seconds)
        second = await ask(context.wire, way, request)
        for each in (first, second):
            if isinstance(each.outcome, TroubleError):
                return each.reason
        what = "/" if target == "/" else "a path that is not there"
        signs += [f"GET {what}: {sign}" for sign in signs_of(_answer(first), _answer(second))]
    return tuple(signs)


def _answer(attempt: Attempt) -> HttpAnswer:
    assert isinstance(attempt.outcome, HttpAnswer)  # noqa: S101 - the caller looked
    return attempt.outcome


def signs_of(first: HttpAnswer, second: HttpAnswer) -> list[str]:
    """Return the signs that the second of two answers was kept. Pure.

    `Date` is when the origin made an answer. Two answers that are further apart than its unit and
    have the same `Date` were made once.
    """
    signs: list[str] = []
    header = says_kept(second)
    if header is not None:
        signs.append(header)
    dates = [_moment(each) for each in (first, second)]
    if dates[0] is not None and dates[0] == dates[1]:
        signs.append(f"the same Date twice, {second.header('Date')}")
    return signs


def _moment(answer: HttpAnswer) -> float | None:
    try:
        return parsedate_to_datetime(answer.header("Date") or "").timestamp()
    except ValueError:
        return None


def _results(
    signs_by_lane: Mapping[Lane, tuple[str, ...] | str], lanes: Mapping[Lane, Sequence[Way]]
) -> list[Result]:
    baseline = signs_by_lane.get(BASELINE)
    results: list[Result] = []
    for lane, ways in lanes.items():
        signs = signs_by_lane[lane]
        if isinstance(signs, str):
            reason = f"There is no answer: {signs}."
        elif not signs:
            reason = "No answer says that it was kept, which does not prove that none was."
        elif lane == BASELINE or baseline is None or isinstance(baseline, str) or baseline:
            reason = (
                f"Something keeps answers, and {lane_name(BASELINE)} as well or unknown: "
                f"{listed(signs)}."
            )
        else:
            evidence = f"{listed(signs)}; {lane_name(BASELINE)} there is no such sign"
            mend = CACHING_REMEDY if lane[0] == "cdn" else ""
            results.append(result("cache-opaque", "fail", evidence, ways[0], remedy=mend))
            continue
        results.append(result("cache-opaque", "unknown", reason, ways[0]))
    return results


CHECKS: Final[tuple[Check, ...]] = (Check("cache-opaque", opaque, "no echo"),)
