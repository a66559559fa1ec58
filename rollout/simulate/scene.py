"""Everything that a schedule is foretold from: who asks, what is answered, which steps."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from rollout.simulate.figures import Family
from rollout.simulate.population import Population
from rollout.simulate.shares import ROUTE_53, SEED, AliasAnswers, ShareQuestion
from rollout.simulate.weights import WeightPlan
from rollout.statistics.gate import DEFAULT_RULE, GateRule

ERROR_SHARE: Final = 0.001
"""Share of direct's requests that fail, where nobody says otherwise: an assumption."""

WHOLE: Final = 100
"""Weight of a path that has everybody, in percent."""

NO_PLAN: Final = WeightPlan(0, ((0, 0),))
"""What is asked with where the weights do not matter."""


@dataclass(frozen=True)
class PlannedStep:
    """A step of a schedule."""

    weight: int
    """Weight of cdn, in percent."""
    hold_seconds: float
    """How long it is held."""


@dataclass(frozen=True)
class ShiftScene:
    """Everything but the schedule."""

    population: Population
    """Who asks."""
    answers: AliasAnswers = ROUTE_53
    """What the authority answers, beside the weights."""
    requests_per_second: float = 100.0
    """Rate of all requests."""
    direct_error_share: float = ERROR_SHARE
    """Share of direct's requests that fail."""
    rule: GateRule = DEFAULT_RULE
    """What a gate tolerates."""
    gap_seconds: float = 0.0
    """How long nobody may watch during a hold: so much longer may a bad step be met."""
    seed: int = SEED
    """Where chance begins: the same, the same figures."""

    def question(self, plan: WeightPlan) -> ShareQuestion:
        """Return the question about a plan."""
        return ShareQuestion(
            plan, self.population, self.answers, self.requests_per_second, self.seed
        )

    def block_seconds(self) -> float:
        """Return the length of a gate's block: one TTL, and a minute at least."""
        return max(60.0, self.answers.ttl_seconds)


def plan_of(before: int, steps: Sequence[PlannedStep]) -> WeightPlan:
    """Return the weight over time of a schedule that begins at 0 s."""
    begins = np.cumsum([0.0, *(step.hold_seconds for step in steps)])
    changes = zip(begins, steps, strict=False)
    return WeightPlan(before / 100, tuple((float(at), step.weight / 100) for at, step in changes))


def part_of(population: Population, family: Family) -> float:
    """Return the part of all requests that a family has."""
    families = population.families
    return {"all": 1.0, "ipv4": families.use_ipv4, "ipv6": families.prefer_ipv6}[family]
