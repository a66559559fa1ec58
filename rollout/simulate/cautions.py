"""What to know before a schedule is begun, each with what to do."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

import numpy as np

from rollout.simulate.figures import Family
from rollout.simulate.population import Population
from rollout.simulate.scene import NO_PLAN, PlannedStep, ShiftScene, part_of
from rollout.simulate.shares import in_balance

CURE: Final = (
    "Set dualstack-edge:dns.negativeTtlSeconds to 60 beforehand, or give the old path proxies"
)
"""What ends the difference between the families."""

JUMP: Final = 0.55
"""The most of one family that a step should move: the usual last one moves half."""


def cautions(scene: ShiftScene, before: int, steps: Sequence[PlannedStep]) -> Iterator[str]:
    """Yield what to know.

    Args:
        scene: Who asks, and what is answered.
        before: Weight of cdn before the first step, in percent.
        steps: The steps.
    """
    weights = [before, *(step.weight for step in steps)]
    empty = scene.answers.empty_ttl_seconds
    if empty is not None and empty > scene.answers.ttl_seconds and uses_aaaa(scene.population):
        half = in_balance(scene.question(NO_PLAN), [0.5])[0].mean(scene.population)
        yield (
            f"direct's AAAA is empty and lives {empty:g} s, an answer that leads to cdn "
            f"{scene.answers.ttl_seconds:g} s; at weight 50 AAAA leads to cdn for "
            f"{float(half.aaaa_on_cdn[0]):.1%} of the time, and the last step moves the rest of "
            f"IPv6. {CURE}."
        )
    for family, jumps in family_jumps(scene, weights).items():
        for (earlier, later), jump in zip(pairwise(weights), jumps, strict=True):
            if jump > JUMP:
                yield (
                    f"the step from {earlier} to {later} moves {jump:.0%} of {family}; at most "
                    f"{JUMP:.0%} is usual. Put a step between them."
                )


def family_jumps(scene: ShiftScene, weights: Sequence[int]) -> Mapping[Family, Sequence[float]]:
    """Return how much of each family each change of weight moves in the end.

    Args:
        scene: Who asks, and what is answered.
        weights: Weights of cdn in percent, first the one before.
    """
    balanced = in_balance(scene.question(NO_PLAN), [each / 100 for each in weights])
    means = [each.mean(scene.population) for each in balanced]
    result: dict[Family, Sequence[float]] = {}
    if part_of(scene.population, "ipv4"):
        result["ipv4"] = np.diff([float(each.a_on_cdn[0]) for each in means]).tolist()
    if uses_aaaa(scene.population):
        # Of clients with both families, or of IPv6 itself, which is new where AAAA was empty.
        clients = np.diff([float(each.dual_on_cdn[0]) for each in means])
        addresses = np.diff([float(each.aaaa_on_cdn[0]) for each in means])
        result["ipv6"] = np.maximum(clients, addresses).tolist()
    return result


def uses_aaaa(population: Population) -> bool:
    """Return whether some clients follow AAAA."""
    return population.families.use_ipv4 < 1
