"""The schedule with the fewest days under bounds of exposure.

Each step is held as long as it has to be, which is also the least that can be met in it. So what is
left to choose is which weights to stop at. Candidates are few, and a best-first search over them is
exact: a way to a weight is dropped only if another one is as quick and has given clients as many
chances to meet cdn already, which makes every later step easier.
"""

import heapq
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from rollout.simulate.bands import CacheCrowd
from rollout.simulate.bounds import NO_BOUNDS, Bounds, hold_seconds
from rollout.simulate.cautions import CURE, JUMP, uses_aaaa
from rollout.simulate.exposure import ClientKind, largest_refresh, meeting_rates, unmet
from rollout.simulate.figures import Family
from rollout.simulate.foretelling import hold_moments
from rollout.simulate.gates import Watched, seconds_to_pass
from rollout.simulate.scene import NO_PLAN, WHOLE, PlannedStep, ShiftScene, part_of, plan_of
from rollout.simulate.shares import Shares, in_balance, shares_at
from rollout.simulate.weights import FloatArray

CANDIDATES: Final = (1, 2, 3, 5, 7, 10, 15, 20, 25, 30, 40, 50, 60, 75, 85, 90, 95, 99, 100)
"""Weights of cdn that a schedule may stop at, in percent."""

FIRST: Final = 10
"""The largest first step: `dualstack shift` rehearses the way back before it goes further."""

ALMOST_ALL: Final = 1 - 1e-15
"""A weight of 1 in logarithms, as log(0) is nothing that could be added up."""

CLIENTS: Final = 2_000
"""Clients that stand for all."""


_ROUNDS: Final = 4
"""How often holds are made longer because they were too short; two are enough for any preset."""

_Unmet = Mapping[ClientKind, FloatArray]
"""How likely each of some clients has not met cdn yet."""

_Way = tuple[float, int, float, tuple[int, ...], _Unmet]
"""Seconds, place, chances, the places on the way, and who has not met cdn."""


class NoScheduleError(Exception):
    """There is no schedule under the bounds; the message says why, and what to do."""


@dataclass(frozen=True)
class _Stop:
    """A weight that a schedule may stop at."""

    weight: int
    hold: float
    moving: Sequence[float]
    """What no step moves too much of at once: the shares of the families, and AAAA's."""
    is_allowed: bool
    chances: float
    """What the hold adds to a client's chances to meet cdn, as a logarithm below 0: by it ways are
    compared, and nothing else."""


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
    for name, value, spelt in (
        ("requests", bounds.requests, f"{bounds.requests:,}" if bounds.requests else ""),
        ("clients", bounds.clients, f"{bounds.clients:.0%}" if bounds.clients else ""),
    ):
        without = replace(bounds, **{name: None}, largest_refresh=None)
        if value is not None and _search(scene, before, without, JUMP) is not None:
            alone = True
            yield (
                f"The bound of {name} is {spelt}; no schedule stays below it while each step is "
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
    rates = meeting_rates(question, CLIENTS)
    everybody: _Unmet = {kind: np.ones_like(rate) for kind, rate in rates.items()}
    queue: list[_Way] = [(0.0, 0, 0.0, (), everybody)]
    met_at: dict[int, float] = {}
    while queue:
        seconds, place, chances, way, left = heapq.heappop(queue)
        if place == len(candidates):
            return tuple(
                PlannedStep(candidates[each - 1].weight, candidates[each - 1].hold) for each in way
            )
        # What comes later out of the queue is slower; it has to have met more to be of use.
        if place and chances >= met_at.get(place, 1.0):
            continue
        met_at[place] = chances
        here = candidates[place - 1] if place else start
        for number, each in enumerate(candidates[place:], start=place + 1):
            moves = max(then - now for now, then in zip(here.moving, each.moving, strict=True))
            if not each.is_allowed or moves > jump or (not here.weight and each.weight > FIRST):
                continue
            share = each.weight / WHOLE
            after: _Unmet = {
                kind: left[kind] * unmet(rate, share, each.hold) for kind, rate in rates.items()
            }
            if bounds.clients is not None and bounds.clients < _newly_met(scene, left, after):
                continue
            heapq.heappush(
                queue,
                (seconds + each.hold, number, chances + each.chances, (*way, number), after),
            )
    return None


def _newly_met(scene: ShiftScene, before: _Unmet, after: _Unmet) -> float:
    """Return the share of the clients that meet cdn for the first time: all, or a family's."""
    families = scene.population.families
    parts: Mapping[ClientKind, float] = {
        "ipv4": families.use_ipv4,
        "ipv6": families.prefer_ipv6,
        "ipv6-only": families.ipv6_only_share,
    }
    new: Mapping[ClientKind, float] = {
        kind: float(np.mean(before[kind] - after[kind])) for kind, part in parts.items() if part
    }
    everybody = sum(parts[kind] * share for kind, share in new.items())
    return max(everybody, new.get("ipv4", 0.0), new.get("ipv6", 0.0))


def _candidates(scene: ShiftScene, before: int, bounds: Bounds) -> list[_Stop]:
    """Return the weight before, and those that a schedule may stop at."""
    weights = [before, *(each for each in CANDIDATES if each > before)]
    population, rate = scene.population, scene.requests_per_second
    effective_caches = CacheCrowd(population, scene.seed).effective_caches
    result: list[_Stop] = []
    for weight, mean in _balanced(scene, weights):
        shares = family_shares(scene, mean)
        hold = derived_hold(scene, weight, shares, effective_caches)
        requests = (
            share * part_of(population, name) * rate * (hold + scene.gap_seconds)
            for name, share in shares.items()
        )
        result.append(
            _Stop(
                weight,
                hold,
                (
                    *shares.values(),
                    *([float(mean.aaaa_on_cdn[0])] if uses_aaaa(population) else []),
                ),
                bounds.requests is None or max(requests) <= bounds.requests,
                hold * math.log1p(-min(weight / WHOLE, ALMOST_ALL)),
            )
        )
    return result


def derived_hold(
    scene: ShiftScene, weight: int, shares: Mapping[Family, float], effective_caches: float
) -> float:
    """Return how long a step is held where nobody says it: until each family can pass.

    Args:
        scene: Who asks, what is answered, how much there is.
        weight: Weight of cdn, in percent.
        shares: Share on cdn of each family.
        effective_caches: 1 / sum q^2.
    """
    if weight == WHOLE:  # there is nothing to compare with
        return hold_seconds(weight, None, scene.answers.empty_ttl_seconds)
    passing = (
        seconds_to_pass(
            Watched(
                scene.requests_per_second * part_of(scene.population, family),
                share,
                scene.direct_error_share,
                scene.block_seconds(),
                effective_caches,
                scene.rule,
            )
        )
        for family, share in shares.items()
    )
    longest = max((each for each in passing if each is not None), default=None)
    return hold_seconds(weight, longest, scene.answers.empty_ttl_seconds)


def derived_steps(
    scene: ShiftScene, before: int, weights: tuple[int, ...]
) -> tuple[PlannedStep, ...]:
    """Return steps that are held as long as they have to be.

    Args:
        scene: Who asks, what is answered, how much there is.
        before: Weight of cdn now, in percent.
        weights: Weights of cdn of the steps, in percent.
    """
    effective_caches = CacheCrowd(scene.population, scene.seed).effective_caches
    steps = tuple(
        PlannedStep(
            weight,
            derived_hold(scene, weight, family_shares(scene, each), effective_caches),
        )
        for weight, each in _balanced(scene, weights)
    )
    # Until caches have moved, less is on cdn than long after: a pass takes that much longer.
    for _ in range(_ROUNDS):
        longer = tuple(
            PlannedStep(
                step.weight,
                max(
                    step.hold_seconds,
                    derived_hold(scene, step.weight, shares, effective_caches),
                ),
            )
            for step, shares in zip(steps, _while_held(scene, before, steps), strict=True)
        )
        if longer == steps:
            break
        steps = longer
    return steps


def _while_held(
    scene: ShiftScene, before: int, steps: Sequence[PlannedStep]
) -> Iterator[Mapping[Family, float]]:
    """Yield the share on cdn of each family in the mean over each hold."""
    plan = plan_of(before, steps)
    grids = [
        hold_moments(float(begin), float(begin) + step.hold_seconds)
        for begin, step in zip(plan.starts, steps, strict=True)
    ]
    question = scene.question(plan)
    means = shares_at(question, [each for grid in grids for each in grid]).mean(scene.population)
    for grid in grids:
        columns = np.searchsorted(means.seconds, grid)
        yield {
            family: float(np.trapezoid(shares[columns], grid) / (grid[-1] - grid[0]))
            for family, shares in _by_family(scene, means).items()
        }


def family_shares(scene: ShiftScene, mean: Shares) -> Mapping[Family, float]:
    """Return the share on cdn of all and of each family that there is, at the first moment."""
    return {family: float(each[0]) for family, each in _by_family(scene, mean).items()}


def _by_family(scene: ShiftScene, mean: Shares) -> Mapping[Family, FloatArray]:
    every: Mapping[Family, FloatArray] = {
        "all": mean.total_on_cdn(scene.population),
        "ipv4": mean.a_on_cdn,
        "ipv6": mean.dual_on_cdn,
    }
    return {family: each for family, each in every.items() if part_of(scene.population, family)}


def _balanced(scene: ShiftScene, weights: Sequence[int]) -> Iterator[tuple[int, Shares]]:
    """Yield the shares long after a change to each of some weights, as means of all resolvers."""
    found = in_balance(scene.question(NO_PLAN), [each / WHOLE for each in weights])
    yield from zip(weights, (each.mean(scene.population) for each in found), strict=True)
