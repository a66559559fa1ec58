"""Figures of a plan, made up so that each is known: what a page of a plan is tested with."""

from collections.abc import Iterator, Sequence

from rollout.simulate.figures import (
    Band,
    Family,
    FamilyFigures,
    Foretelling,
    Moment,
    RestRange,
    Sensitivity,
    StepFigures,
    TimeToMove,
)

FAMILIES: Sequence[Family] = ("all", "ipv4", "ipv6")
PARTS: dict[Family, float] = {"all": 1.0, "ipv4": 0.5, "ipv6": 0.4}


def band(expected: float) -> Band:
    """Return a share with a band of a fifth."""
    return Band(expected=expected, low=expected * 0.8, high=min(1.0, expected * 1.2))


def plan_figures(
    weights: Sequence[int] = (1, 10, 50, 100),
    *,
    hold_seconds: float = 3_600,
    families: Sequence[Family] = FAMILIES,
    past_bounds: Sequence[str] = (),
    warnings: Sequence[str] = (),
    note: str = "Made up.",
    empty_ttl_seconds: float | None = 900,
) -> Foretelling:
    """Return the figures of a schedule in which a share is the weight."""
    steps = tuple(
        StepFigures(
            number=number,
            weight=weight,
            begins_seconds=(number - 1) * hold_seconds,
            hold_seconds=hold_seconds,
            largest_refresh=3_331.2,
            no_cache_chance=(1 - weight / 100) ** 20,
            families=tuple(_family(each, weight / 100, hold_seconds) for each in families),
        )
        for number, weight in enumerate(weights, start=1)
    )
    return Foretelling(
        population="made-up",
        note=note,
        requests_per_second=100,
        ttl_seconds=60,
        empty_ttl_seconds=empty_ttl_seconds,
        direct_error_share=0.001,
        effective_caches=20,
        largest_cache=0.0822,
        before=0,
        at=tuple(_moments(steps)),
        seconds_to_move=(
            TimeToMove(part=0.5, seconds=162),
            TimeToMove(part=0.999, seconds=48_373),
        ),
        steps=steps,
        rollback=None,
        sensitivities=(
            _bar("time between two requests of a client", "1 s", "600 s", 3_497, 293),
            _bar("requests that lengthen TTLs", "1 %", "15 %", 500, 545),
            _bar("greatest life of a connection", "60 s", "3600 s", 266, 515),
        ),
        past_bounds=tuple(past_bounds),
        warnings=tuple(warnings),
        seed=7,
    )


def _family(family: Family, share: float, hold_seconds: float) -> FamilyFigures:
    part = PARTS[family]
    whole = share == 1
    requests = share * part * 100 * hold_seconds
    return FamilyFigures(
        family=family,
        share=band(share),
        mean_share=band(share),
        requests=Band(expected=requests, low=requests * 0.8, high=requests * 1.2),
        distinct_clients=share / 2,
        distinct_clients_so_far=min(1.0, 2 * share),
        after_rollback=RestRange(
            low_seconds=share * 30,
            expected_seconds=share * 40,
            high_seconds=share * 400,
            low_requests=share * part * 3_000,
            expected_requests=share * part * 4_000,
            high_requests=share * part * 40_000,
        ),
        detectable_ratio=None if whole else 1 + 0.1 / share,
        detectable_increase=None if whole else 0.0001 / share,
        pass_requests=None if whole else 1_941,
        pass_seconds=None if whole else 1_941 / (share * part * 100) + 300,
    )


def _moments(steps: Sequence[StepFigures]) -> Iterator[Moment]:
    for step in steps:
        for part in (0, 0.01, 0.1, 0.5, 0.999):
            share = band(step.weight / 100 * min(1.0, 0.2 + 8 * part))
            yield Moment(
                seconds=step.begins_seconds + part * step.hold_seconds,
                weight=step.weight / 100,
                cdn_share=share,
                ipv4_share=share,
                ipv6_share=share,
                dual_stack_share=share,
                ipv6_only_unanswered=1 - step.weight / 100,
                moved_share=part,
                distinct_clients=part,
            )


def _bar(assumption: str, low_value: str, high_value: str, low: float, high: float) -> Sensitivity:
    return Sensitivity(
        assumption=assumption,
        source="nobody",
        low_value=low_value,
        high_value=high_value,
        low_seconds=low,
        expected_seconds=515,
        high_seconds=high,
    )
