"""All figures of a schedule: simulate's public function, for the command, a shift and a page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from rollout.simulate.assumptions import ASSUMPTIONS, at_end
from rollout.simulate.bands import Crowd
from rollout.simulate.cells import largest_part
from rollout.simulate.exposure import Met, Rest, largest_refresh, met_by, rest_after
from rollout.simulate.figures import (
    Family,
    FamilyFigures,
    FamilyRest,
    Foretelling,
    Moment,
    RestRange,
    Rollback,
    Sensitivity,
    StepFigures,
    TimeToMove,
)
from rollout.simulate.gates import Watched, requests_to_pass, seconds_to_pass, shown_by
from rollout.simulate.population import DAY, Population
from rollout.simulate.shares import (
    ROUTE_53,
    SEED,
    Answers,
    Progress,
    Question,
    Shares,
    in_balance,
    seconds_to_move,
    shares_at,
)
from rollout.simulate.weights import FloatArray, WeightPlan

ERROR_SHARE: Final = 0.001
"""Share of direct's requests that fail, where nobody says otherwise: an assumption."""

LATER: Final = (15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 43_200, DAY, 3 * DAY)
"""Seconds after a change at which shares are looked at, and between which they are taken as
straight lines."""

PARTS: Final = (0.5, 0.9, 0.99, 0.999)
"""Parts of the requests whose time to follow is told."""

JUMP: Final = 0.55
"""A step that moves more of one family at once is warned of: the usual last one moves half."""


@dataclass(frozen=True)
class PlannedStep:
    """A step of a schedule."""

    weight: int
    """Weight of cdn, in percent."""
    hold_seconds: float
    """How long it is held."""


@dataclass(frozen=True)
class Scene:
    """Everything but the schedule."""

    population: Population
    """Who asks."""
    answers: Answers = ROUTE_53
    """What the authority answers, beside the weights."""
    requests_per_second: float = 100.0
    """Rate of all requests."""
    direct_error_share: float = ERROR_SHARE
    """Share of direct's requests that fail."""
    seed: int = SEED
    """Where chance begins: the same, the same figures."""

    def question(self, plan: WeightPlan) -> Question:
        """Return the question about a plan."""
        return Question(plan, self.population, self.answers, self.requests_per_second, self.seed)

    def block_seconds(self) -> float:
        """Return the length of a gate's block: one TTL, and a minute at least."""
        return max(60.0, self.answers.ttl_seconds)


def plan_of(before: int, steps: Sequence[PlannedStep]) -> WeightPlan:
    """Return the weight over time of a schedule that begins at 0 s."""
    begins = np.cumsum([0.0, *(step.hold_seconds for step in steps)])
    changes = zip(begins, steps, strict=False)
    return WeightPlan(before / 100, tuple((float(at), step.weight / 100) for at, step in changes))


def foretell(
    scene: Scene,
    before: int,
    steps: Sequence[PlannedStep],
    *,
    at: Sequence[float] = (),
    rollback_at: float | None = None,
    progress: Progress | None = None,
) -> Foretelling:
    """Return all figures of a schedule.

    Args:
        scene: Who asks, what is answered, how much there is.
        before: Weight of cdn before the first step, in percent.
        steps: The steps, at least one.
        at: Moments to tell of, in seconds from the first step; none: a choice of them.
        rollback_at: When the weight of cdn goes to 0; None: what follows a rollback is told for the
            end of each step only.
        progress: Called as caches are done, with how many and of how many.
    """
    plan = plan_of(before, steps)
    crowd = Crowd(scene.population, scene.seed)
    begins = plan.starts
    ends = [*begins[1:], begins[-1] + steps[-1].hold_seconds]
    grids = [_grid(float(begin), float(end)) for begin, end in zip(begins, ends, strict=True)]
    asked = tuple(at) or _chosen(grids)
    question = scene.question(plan)
    shares = shares_at(question, [*asked, *(each for grid in grids for each in grid)], progress)
    ends_of = [
        scene.population,
        at_end(scene.population, high=False),
        at_end(scene.population, high=True),
    ]
    scenes = [replace(scene, population=each) for each in ends_of]
    met = met_by(question, [0.0, *map(float, ends)])
    rests = _rests(scenes, plan, ends)
    figures = tuple(
        StepFigures(
            number=number,
            weight=step.weight,
            begins_seconds=float(begin),
            hold_seconds=step.hold_seconds,
            largest_refresh=largest_refresh(question),
            no_cache_chance=(1 - step.weight / 100) ** crowd.effective_caches,
            families=_families(
                _Step(number, step.hold_seconds, grid, met[number - 1], met[number]),
                scene,
                shares,
                crowd,
                rests[number - 1],
            ),
        )
        for number, (step, begin, end, grid) in enumerate(
            zip(steps, begins, ends, grids, strict=True), start=1
        )
    )
    return Foretelling(
        population=scene.population.name,
        note=scene.population.note,
        requests_per_second=scene.requests_per_second,
        ttl_seconds=scene.answers.ttl_seconds,
        empty_ttl_seconds=scene.answers.empty_ttl_seconds,
        direct_error_share=scene.direct_error_share,
        effective_caches=crowd.effective_caches,
        largest_cache=max(kind.share * largest_part(kind) for kind in scene.population.resolvers),
        before=before,
        at=_moments(question, shares, crowd, asked),
        seconds_to_move=tuple(
            TimeToMove(part=part, seconds=seconds)
            for part, seconds in zip(PARTS, seconds_to_move(question, PARTS), strict=True)
        ),
        steps=figures,
        rollback=None if rollback_at is None else _rollback(scenes, plan, crowd, rollback_at),
        sensitivities=_sensitivities(scene, plan, float(ends[-1])),
        warnings=tuple(_warnings(scene, before, steps)),
        seed=scene.seed,
    )


def _grid(begin: float, end: float) -> FloatArray:
    """Return moments of a hold, from just after the change to just before the next."""
    inner = [begin + later for later in LATER if begin + later < end]
    return np.array([begin, *inner, np.nextafter(end, begin)])


def _chosen(grids: Sequence[FloatArray]) -> tuple[float, ...]:
    """Return moments that show the course of a schedule."""
    return tuple(float(each) for grid in grids for each in grid)


# ---- moments ------------------------------------------------------------------------------------


def _moments(
    question: Question, shares: Shares, crowd: Crowd, seconds: Sequence[float]
) -> tuple[Moment, ...]:
    population, answers = question.population, question.answers
    mean = shares.mean(population)
    moved, unanswered = mean.total_moved(population), mean.unanswered(answers)
    parts = np.array([kind.share for kind in population.resolvers])
    result: list[Moment] = []
    asked = sorted(set(seconds))
    for each, met in zip(asked, met_by(question, asked), strict=True):
        column = int(np.searchsorted(shares.seconds, each))
        bands = {
            family: crowd.band(chances[:, column])
            for family, chances in _by_family(shares, population).items()
        }
        result.append(
            Moment(
                seconds=each,
                weight=float(question.plan.at(np.array([each]))[0]),
                cdn_share=bands["all"],
                ipv4_share=bands["ipv4"],
                ipv6_share=crowd.band(shares.aaaa_on_cdn[:, column]),
                dual_stack_share=bands["ipv6"],
                ipv6_only_unanswered=float(unanswered[column]),
                moved_share=float(moved[column]),
                distinct_clients=float(parts @ met.total(question)),
            )
        )
    return tuple(result)


def _by_family(shares: Shares, population: Population) -> Mapping[Family, FloatArray]:
    return {
        "all": shares.total_on_cdn(population),
        "ipv4": shares.a_on_cdn,
        "ipv6": shares.dual_on_cdn,
    }


# ---- steps --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Step:
    number: int
    hold_seconds: float
    grid: FloatArray
    met_before: Met
    met_after: Met


def _part_of(population: Population, family: Family) -> float:
    """Return the part of all requests that a family has."""
    families = population.families
    return {"all": 1.0, "ipv4": families.use_ipv4, "ipv6": families.prefer_ipv6}[family]


def _families(
    step: _Step,
    scene: Scene,
    shares: Shares,
    crowd: Crowd,
    rests: Sequence[Rest],
) -> tuple[FamilyFigures, ...]:
    population = scene.population
    question = scene.question(WeightPlan(0, ((0, 0),)))
    parts = np.array([kind.share for kind in population.resolvers])
    columns = np.searchsorted(shares.seconds, step.grid)
    span = step.grid[-1] - step.grid[0]
    result: list[FamilyFigures] = []
    for family, chances in _by_family(shares, population).items():
        part = _part_of(population, family)
        if not part:
            continue
        rate = scene.requests_per_second * part
        mean = np.trapezoid(chances[:, columns], step.grid, axis=1) / span
        over_hold = crowd.band(mean, step.hold_seconds / scene.answers.ttl_seconds)
        watched = Watched(
            rate,
            min(over_hold.expected, 1.0),
            scene.direct_error_share,
            scene.block_seconds(),
            crowd.effective_caches,
        )
        shown = shown_by(watched, step.number, step.hold_seconds)
        so_far = float(parts @ _met(step.met_after, family, question))
        before = float(parts @ _met(step.met_before, family, question))
        result.append(
            FamilyFigures(
                family=family,
                share=crowd.band(chances[:, columns[-1]]),
                mean_share=over_hold,
                requests=over_hold.times(rate * step.hold_seconds),
                distinct_clients=max(0.0, so_far - before),
                distinct_clients_so_far=so_far,
                after_rollback=_range_of(rests, family, rate),
                detectable_ratio=shown.ratio,
                detectable_increase=shown.increase,
                pass_requests=requests_to_pass(watched),
                pass_seconds=seconds_to_pass(watched),
            )
        )
    return tuple(result)


def _met(met: Met, family: Family, question: Question) -> FloatArray:
    return {"all": met.total(question), "ipv4": met.a, "ipv6": met.dual}[family]


# ---- after a rollback ---------------------------------------------------------------------------


def _rests(
    scenes: Sequence[Scene], plan: WeightPlan, seconds: Sequence[float]
) -> Sequence[Sequence[Rest]]:
    """Return what is met after a rollback at each moment, by the population and at each end."""
    found = (rest_after(scene.question(plan), seconds) for scene in scenes)
    return list(zip(*found, strict=True))


def _range_of(rests: Sequence[Rest], family: Family, rate: float) -> RestRange:
    expected, *ends = (
        {"all": rest.total, "ipv4": rest.a, "ipv6": rest.dual}[family] for rest in rests
    )
    low, high = min(expected, *ends), max(expected, *ends)
    return RestRange(
        low_seconds=low,
        expected_seconds=expected,
        high_seconds=high,
        low_requests=low * rate,
        expected_requests=expected * rate,
        high_requests=high * rate,
    )


def _rollback(scenes: Sequence[Scene], plan: WeightPlan, crowd: Crowd, at: float) -> Rollback:
    scene = scenes[0]
    question = scene.question(plan.rolled_back(at))
    seconds = [at, *(at + later for later in LATER)]
    shares = shares_at(question, seconds)
    (rests,) = _rests(scenes, plan, [at])
    return Rollback(
        at_seconds=at,
        moments=_moments(question, shares, crowd, seconds),
        rest=tuple(
            FamilyRest(
                family=family, met=_range_of(rests, family, scene.requests_per_second * part)
            )
            for family in ("all", "ipv4", "ipv6")
            if (part := _part_of(scene.population, family))
        ),
    )


def _sensitivities(scene: Scene, plan: WeightPlan, at: float) -> tuple[Sensitivity, ...]:
    def rest(population: Population) -> float:
        question = replace(scene, population=population).question(plan)
        return rest_after(question, [at])[0].total

    expected = rest(scene.population)
    bars = [
        Sensitivity(
            assumption=each.name,
            source=each.source,
            low_value=each.words(each.low),
            high_value=each.words(each.high),
            low_seconds=rest(each.change(scene.population, each.low)),
            expected_seconds=expected,
            high_seconds=rest(each.change(scene.population, each.high)),
        )
        for each in ASSUMPTIONS
        if each.concerns(scene.population)
    ]
    return tuple(sorted(bars, key=lambda bar: -abs(bar.high_seconds - bar.low_seconds)))


# ---- warnings -----------------------------------------------------------------------------------


CURE: Final = (
    "Set dualstack-edge:dns.negativeTtlSeconds to 60 beforehand, or give the old path proxies"
)
"""What ends the difference between the families."""


def family_jumps(scene: Scene, weights: Sequence[int]) -> Mapping[Family, Sequence[float]]:
    """Return how much of each family each change of weight moves in the end.

    Args:
        scene: Who asks, and what is answered.
        weights: Weights of cdn in percent, first the one before.
    """
    balanced = in_balance(
        scene.question(WeightPlan(0, ((0, 0),))), [each / 100 for each in weights]
    )
    means = [each.mean(scene.population) for each in balanced]
    return {
        "ipv4": np.diff([float(each.a_on_cdn[0]) for each in means]).tolist(),
        "ipv6": np.diff([float(each.dual_on_cdn[0]) for each in means]).tolist(),
    }


def _warnings(scene: Scene, before: int, steps: Sequence[PlannedStep]) -> list[str]:
    weights = [before, *(step.weight for step in steps)]
    found: list[str] = []
    empty = scene.answers.empty_ttl_seconds
    if (
        empty is not None
        and empty > scene.answers.ttl_seconds
        and scene.population.families.ipv6_share
    ):
        question = scene.question(WeightPlan(0, ((0, 0),)))
        half = float(in_balance(question, [0.5])[0].mean(scene.population).aaaa_on_cdn[0])
        found.append(
            f"direct's AAAA is empty and lives {empty:g} s, an answer that leads to cdn "
            f"{scene.answers.ttl_seconds:g} s; at weight 50 AAAA leads to cdn for {half:.1%} of "
            f"the time, and the last step moves the rest of IPv6. {CURE}."
        )
    for step, before_weight, jump in zip(
        steps, weights, family_jumps(scene, weights)["ipv4"], strict=False
    ):
        if jump > JUMP:
            found.append(
                f"the step from {before_weight} to {step.weight} moves {jump:.0%} of all clients "
                "at once; half is the most that is usual. Put a step between them."
            )
    return found
