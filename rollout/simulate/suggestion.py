"""The schedule with the fewest days under bounds of exposure.

Each step is held as long as it has to be, which is also the least that can be met in it. So what is
left to choose is which weights to stop at. Candidates are few, and a best-first search over them is
exact: a way to a weight is dropped only if another one is as quick and has let as many clients meet
cdn already, which makes every later step easier.
"""

import heapq
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from rollout.simulate.bounds import NO_BOUNDS, Bounds, hold_seconds
from rollout.simulate.cautions import CURE, JUMP
from rollout.simulate.exposure import CERTAIN, largest_refresh, meeting_rates
from rollout.simulate.figures import Family
from rollout.simulate.gates import Watched, seconds_to_pass
from rollout.simulate.scene import NO_PLAN, WHOLE, PlannedStep, ShiftScene, part_of
from rollout.simulate.shares import in_balance
from rollout.simulate.weights import FloatArray

CANDIDATES: Final = (1, 2, 3, 5, 7, 10, 15, 20, 25, 30, 40, 50, 60, 75, 85, 90, 95, 99, 100)
"""Weights of cdn that a schedule may stop at, in percent."""

FIRST: Final = 10
"""The largest first step: `dualstack shift` rehearses the way back before it goes further."""

CLIENTS: Final = 2_000
"""Clients that stand for all."""


class NoScheduleError(Exception):
    """There is no schedule under the bounds; the message says why, and what to do."""


@dataclass(frozen=True)
class _Stop:
    """A weight that a schedule may stop at."""

    weight: int
    hold: float
    shares: Mapping[Family, float]
    is_allowed: bool
    exponent: float


def suggest(scene: ShiftScene, before: int, bounds: Bounds) -> tuple[PlannedStep, ...]:
    """Return the schedule to weight 100 with the fewest days.

    Args:
        scene: Who asks, what is answered, how much there is.
        before: Weight of cdn now, in percent.
        bounds: The largest exposure of each step.

    Raises:
        NoScheduleError: There is none.
    """
    found = _search(scene, before, bounds, JUMP)
    if found is None:
        raise NoScheduleError("\n".join(_reasons(scene, before, bounds)))
    return found


def _reasons(scene: ShiftScene, before: int, bounds: Bounds) -> Iterator[str]:
    """Say what stands in the way, each with what would open it."""
    alone = False
    refresh = largest_refresh(scene.question(NO_PLAN))
    if bounds.largest_refresh is not None and refresh > bounds.largest_refresh:
        yield (
            f"The bound of the largest refresh is {bounds.largest_refresh:,}; it has to be at "
            f"least {math.ceil(refresh):,}, which the largest cache carries with one answer at any "
            "weight. Raise it, or shift when there is less traffic."
        )
    for name, value in (("requests", bounds.requests), ("clients", bounds.clients)):
        without = replace(bounds, **{name: None}, largest_refresh=None)
        if value is not None and _search(scene, before, without, JUMP) is not None:
            alone = True
            yield (
                f"The bound of {name} is {value:,g}; no schedule stays below it while each step is "
                "held until it can pass. Raise it, or shift when there is less traffic."
            )
    if _search(scene, before, NO_BOUNDS, JUMP) is None:
        yield (
            f"The weights are such that every schedule moves more than {JUMP:.0%} of one family at "
            f"once; it should be less. {CURE}."
        )
    elif not alone and bounds.requests is not None and bounds.clients is not None:
        yield (
            "The bounds of requests and clients leave no schedule together; one of them has to be "
            "larger. Raise both."
        )


def _search(
    scene: ShiftScene, before: int, bounds: Bounds, jump: float
) -> tuple[PlannedStep, ...] | None:
    question = scene.question(NO_PLAN)
    if bounds.largest_refresh is not None and largest_refresh(question) > bounds.largest_refresh:
        return None
    start, *candidates = _candidates(scene, before, bounds)
    rates = {
        family: rate
        for family, rate in meeting_rates(question, CLIENTS).items()
        if part_of(scene.population, family)
    }
    queue: list[tuple[float, int, float, tuple[int, ...]]] = [(0.0, 0, 0.0, ())]
    met_at: dict[int, float] = {}
    while queue:
        seconds, place, exponent, way = heapq.heappop(queue)
        if place == len(candidates):
            return tuple(
                PlannedStep(candidates[each - 1].weight, candidates[each - 1].hold) for each in way
            )
        # What comes later out of the queue is slower; it has to have met more to be of use.
        if place and exponent >= met_at.get(place, 1.0):
            continue
        met_at[place] = exponent
        here = candidates[place - 1] if place else start
        for number, each in enumerate(candidates[place:], start=place + 1):
            moves = max(each.shares[family] - here.shares[family] for family in each.shares)
            after = exponent + each.exponent
            if not each.is_allowed or moves > jump or (not here.weight and each.weight > FIRST):
                continue
            if bounds.clients is not None and any(
                _newly_met(rate, exponent, after) > bounds.clients for rate in rates.values()
            ):
                continue
            heapq.heappush(queue, (seconds + each.hold, number, after, (*way, number)))
    return None


def _newly_met(rate: FloatArray, before: float, after: float) -> float:
    return float(np.mean(np.exp(before * rate) - np.exp(after * rate)))


def _candidates(scene: ShiftScene, before: int, bounds: Bounds) -> list[_Stop]:
    """Return the weight before, and those that a schedule may stop at."""
    weights = [before, *(each for each in CANDIDATES if each > before)]
    question = scene.question(NO_PLAN)
    population, rate = scene.population, scene.requests_per_second
    result: list[_Stop] = []
    for weight, balanced in zip(
        weights, in_balance(question, [each / 100 for each in weights]), strict=True
    ):
        mean = balanced.mean(population)
        every: dict[Family, float] = {
            "all": float(mean.total_on_cdn(population)[0]),
            "ipv4": float(mean.a_on_cdn[0]),
            "ipv6": float(mean.dual_on_cdn[0]),
        }
        shares: dict[Family, float] = {
            name: share for name, share in every.items() if part_of(population, name)
        }
        hold = derived_hold(scene, weight, every["all"])
        requests = (
            share * part_of(population, name) * rate * (hold + scene.gap_seconds)
            for name, share in shares.items()
        )
        result.append(
            _Stop(
                weight,
                hold,
                shares,
                bounds.requests is None or max(requests) <= bounds.requests,
                hold * math.log1p(-min(weight / 100, CERTAIN)),
            )
        )
    return result


def derived_hold(scene: ShiftScene, weight: int, share: float) -> float:
    """Return how long a step is held where nobody says it.

    Args:
        scene: Who asks, what is answered, how much there is.
        weight: Weight of cdn, in percent.
        share: Share of all requests on cdn.
    """
    watched = Watched(
        scene.requests_per_second,
        share if weight < WHOLE else 1.0,  # then there is nothing to compare with
        scene.direct_error_share,
        scene.block_seconds(),
        rule=scene.rule,
    )
    return hold_seconds(weight, seconds_to_pass(watched), scene.answers.empty_ttl_seconds)


def derived_steps(scene: ShiftScene, weights: tuple[int, ...]) -> tuple[PlannedStep, ...]:
    """Return steps that are held as long as they have to be."""
    balanced = in_balance(scene.question(NO_PLAN), [each / 100 for each in weights])
    population = scene.population
    return tuple(
        PlannedStep(
            weight,
            derived_hold(scene, weight, float(each.mean(population).total_on_cdn(population)[0])),
        )
        for weight, each in zip(weights, balanced, strict=True)
    )
