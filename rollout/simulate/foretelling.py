"""All figures of a schedule: simulate's public function, for the command, a shift and a page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from rollout.simulate.assumptions import ASSUMPTIONS, at_end
from rollout.simulate.bands import CacheCrowd
from rollout.simulate.bounds import NO_BOUNDS, Bounds, past
from rollout.simulate.cautions import cautions
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
from rollout.simulate.scene import NO_PLAN, WHOLE, PlannedStep, ShiftScene, part_of, plan_of
from rollout.simulate.shares import Progress, ShareQuestion, Shares, seconds_to_move, shares_at
from rollout.simulate.weights import FloatArray, WeightPlan

LATER: Final = (30, 60, 120, 300, 900, 1_800, 3_600, 14_400, 43_200, DAY, 3 * DAY)
"""Seconds after a change at which shares are looked at, and between which they are taken as
straight lines."""

PARTS: Final = (0.5, 0.9, 0.99, 0.999)
"""Parts of the requests whose time to follow is told."""


def foretell(
    scene: ShiftScene,
    before: int,
    steps: Sequence[PlannedStep],
    *,
    at: Sequence[float] = (),
    rollback_at: float | None = None,
    bounds: Bounds = NO_BOUNDS,
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
        bounds: The largest exposure that a step may have.
        progress: Called as caches are done, with how many and of how many.
    """
    plan = plan_of(before, steps)
    crowd = CacheCrowd(scene.population, scene.seed)
    begins = plan.starts
    ends = [*begins[1:], begins[-1] + steps[-1].hold_seconds]
    grids = [
        hold_moments(float(begin), float(end)) for begin, end in zip(begins, ends, strict=True)
    ]
    asked = tuple(at) or _chosen(grids)
    question = scene.question(plan)
    shares = shares_at(question, [*asked, *(each for grid in grids for each in grid)], progress)
    ends_of = [
        scene.population,
        at_end(scene.population, high=False),
        at_end(scene.population, high=True),
    ]
    scenes = [replace(scene, population=each) for each in ends_of]
    figures = _figures(scenes, steps, shares=shares, crowd=crowd, grids=grids, plan=plan)
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
        past_bounds=tuple(past(bounds, figures)),
        warnings=tuple(cautions(scene, before, steps)),
        seed=scene.seed,
    )


def hold_moments(begin: float, end: float) -> FloatArray:
    """Return moments of a hold, from just after the change to just before the next."""
    inner = [begin + later for later in LATER if begin + later < end]
    return np.array([begin, *inner, np.nextafter(end, begin)])


def _chosen(grids: Sequence[FloatArray]) -> tuple[float, ...]:
    """Return moments that show the course of a schedule."""
    return tuple(float(each) for grid in grids for each in grid)


def _figures(
    scenes: Sequence[ShiftScene],
    steps: Sequence[PlannedStep],
    *,
    shares: Shares,
    crowd: CacheCrowd,
    grids: Sequence[FloatArray],
    plan: WeightPlan,
) -> tuple[StepFigures, ...]:
    """Return what each step means."""
    scene = scenes[0]
    question = scene.question(plan)
    ends = [
        float(begin) + step.hold_seconds for begin, step in zip(plan.starts, steps, strict=True)
    ]
    met = met_by(question, [0.0, *ends])
    rests = _rests(scenes, plan, ends)
    return tuple(
        StepFigures(
            number=number,
            weight=step.weight,
            begins_seconds=float(plan.starts[number - 1]),
            hold_seconds=step.hold_seconds,
            largest_refresh=largest_refresh(question),
            no_cache_chance=(1 - step.weight / WHOLE) ** crowd.effective_caches,
            families=_families(
                _StepSpan(
                    number, step.weight, step.hold_seconds, grid, met[number - 1], met[number]
                ),
                scene,
                shares,
                crowd,
                rests[number - 1],
            ),
        )
        for number, (step, grid) in enumerate(zip(steps, grids, strict=True), start=1)
    )


# ---- moments ------------------------------------------------------------------------------------


def _moments(
    question: ShareQuestion, shares: Shares, crowd: CacheCrowd, seconds: Sequence[float]
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
class _StepSpan:
    number: int
    weight: int
    hold_seconds: float
    grid: FloatArray
    met_before: Met
    met_after: Met


def _families(
    step: _StepSpan,
    scene: ShiftScene,
    shares: Shares,
    crowd: CacheCrowd,
    rests: Sequence[Rest],
) -> tuple[FamilyFigures, ...]:
    population = scene.population
    question = scene.question(NO_PLAN)
    parts = np.array([kind.share for kind in population.resolvers])
    columns = np.searchsorted(shares.seconds, step.grid)
    span = step.grid[-1] - step.grid[0]
    result: list[FamilyFigures] = []
    for family, chances in _by_family(shares, population).items():
        part = part_of(population, family)
        if not part:
            continue
        rate = scene.requests_per_second * part
        mean = np.trapezoid(chances[:, columns], step.grid, axis=1) / span
        over_hold = crowd.band(mean, step.hold_seconds / scene.answers.ttl_seconds)
        watched = Watched(
            rate,
            # Of who is left on direct after the last step nobody knows what they are an example of.
            1.0 if step.weight == WHOLE else over_hold.expected,
            scene.direct_error_share,
            scene.block_seconds(),
            crowd.effective_caches,
            scene.rule,
        )
        shown = shown_by(watched, step.number, step.hold_seconds)
        so_far = float(parts @ _met(step.met_after, family, question))
        before = float(parts @ _met(step.met_before, family, question))
        result.append(
            FamilyFigures(
                family=family,
                share=crowd.band(chances[:, columns[-1]]),
                mean_share=over_hold,
                requests=over_hold.times(rate * (step.hold_seconds + scene.gap_seconds)),
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


def _met(met: Met, family: Family, question: ShareQuestion) -> FloatArray:
    return {"all": met.total(question), "ipv4": met.a, "ipv6": met.dual}[family]


# ---- after a rollback ---------------------------------------------------------------------------


def _rests(
    scenes: Sequence[ShiftScene], plan: WeightPlan, seconds: Sequence[float]
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


def _rollback(
    scenes: Sequence[ShiftScene], plan: WeightPlan, crowd: CacheCrowd, at: float
) -> Rollback:
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
            if (part := part_of(scene.population, family))
        ),
    )


def _sensitivities(scene: ShiftScene, plan: WeightPlan, at: float) -> tuple[Sensitivity, ...]:
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
