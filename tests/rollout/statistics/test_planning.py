"""What a step can show, before it: in bounds, monotone, and as the gate does in simulations."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollout.faults import WrongUseError
from rollout.statistics.gate import GateRule, evidence
from rollout.statistics.planning import (
    Detectable,
    detectable_increase,
    requests_for_pass,
    seconds_for_pass,
)
from rollout.statistics.spending import gate_alpha
from support.moving_caches import CacheTraffic, shift_counts, stacked

ALPHA = gate_alpha(1, 2, 2)
EFFECTIVE = 1 / float(np.sum(CacheTraffic().sizes() ** 2))


def detectable(
    rate: float = 100.0,
    weight: float = 0.05,
    share: float = 0.001,
    minutes: float = 60.0,
    spread: float = 0.0,
) -> Detectable:
    return detectable_increase(
        requests_per_second=rate,
        cdn_share=weight,
        direct_share=share,
        hold_seconds=60 * minutes,
        alpha=ALPHA,
        effective_caches=EFFECTIVE,
        error_spread=spread,
    )


@pytest.mark.parametrize(
    ("weight", "rate", "minutes"),
    [(0.01, 100, 25), (0.01, 1000, 60), (0.05, 100, 60), (0.25, 100, 120), (0.50, 100, 10)],
)
def test_what_is_detectable_is_found_nine_times_of_ten_and_half_of_it_is_not(
    weight: float, rate: float, minutes: int
) -> None:
    """In simulations with moving caches of equal error shares."""
    increase = detectable(rate, weight, minutes=minutes).ratio - 1
    assert found_of(CacheTraffic(rate, sigma=0.0), weight, minutes, 1 + increase) >= 0.85
    assert found_of(CacheTraffic(rate, sigma=0.0), weight, minutes, 1 + increase / 2) <= 0.75


@pytest.mark.parametrize(
    ("weight", "rate", "minutes"), [(0.01, 100, 60), (0.25, 100, 120), (0.50, 1000, 30)]
)
def test_that_caches_fail_each_in_its_own_way_is_foreseen(
    weight: float, rate: float, minutes: int
) -> None:
    ratio = detectable(rate, weight, minutes=minutes, spread=1.0).ratio
    assert ratio > detectable(rate, weight, minutes=minutes).ratio
    assert found_of(CacheTraffic(rate, sigma=1.0), weight, minutes, ratio) >= 0.85


def found_of(traffic: CacheTraffic, weight: float, minutes: int, ratio: float) -> float:
    """Return the part of 120 simulated steps in which the gate fails within the hold."""
    generator = np.random.default_rng(13)
    streams = [shift_counts(generator, traffic, (weight,), minutes, ratio)[0] for _ in range(120)]
    return float(evidence(stacked(streams), ALPHA).failed[:, -1].mean())


@pytest.mark.parametrize(
    ("share", "weight", "sigma"),
    [(0.0, 0.05, 0.0), (0.001, 0.01, 0.0), (0.01, 0.25, 1.0), (0.01, 0.05, 1.0)],
)
def test_half_of_the_gates_pass_in_about_the_time_that_is_told(
    share: float, weight: float, sigma: float
) -> None:
    """Later is told where few of the caches have most of the errors: then most gates see none."""
    seconds = seconds_for_pass(
        requests_per_second=100,
        cdn_share=weight,
        direct_share=share,
        effective_caches=EFFECTIVE,
        error_spread=sigma,
    )
    generator = np.random.default_rng(14)
    traffic = CacheTraffic(direct_share=share, sigma=sigma)
    streams = [shift_counts(generator, traffic, (weight,), 300)[0] for _ in range(60)]
    passes = evidence(stacked(streams), ALPHA).passes
    median = 60 * float(np.median(np.where(passes.any(1), passes.argmax(1) + 1.0, math.inf)))
    assert 0.7 * median <= seconds <= (1.4 if sigma == 0 else 2.2) * median


MEASURED = {
    0.0: (4450, 2250, 900, 450),
    0.001: (9400, 2950, 1150, 450),
    0.01: (85_300, 21_125, 3300, 1050),
    0.02: (185_950, 41_700, 6325, 1800),
}
"""Requests until a likelihood test passes that knows direct's share, which bounds what any can do,
by margins of 0.1, 0.2, 0.5 and 1 point."""


@pytest.mark.parametrize("share", MEASURED)
def test_a_pass_needs_as_many_requests_as_the_best_test_and_twice_as_many_at_most(
    share: float,
) -> None:
    for margin, fewest in zip((0.001, 0.002, 0.005, 0.01), MEASURED[share], strict=True):
        needed = requests_for_pass(
            direct_share=share, cdn_share=0.01, rule=GateRule(margin=margin), blocks=100
        )
        assert fewest <= needed <= 2.5 * fewest


@pytest.mark.parametrize(
    ("rate", "weight", "share", "minutes"),
    [(10, 0.05, 0.01, 30), (100, 0.01, 0.001, 30), (1000, 0.05, 0.02, 60), (100, 0.25, 0.0, 60)],
)
def test_more_requests_and_more_time_show_smaller_increases(
    rate: float, weight: float, share: float, minutes: float
) -> None:
    usual = detectable(rate, weight, share, minutes).increase
    assert detectable(4 * rate, weight, share, minutes).increase < usual
    assert detectable(rate, weight, share, 4 * minutes).increase < usual
    assert detectable(rate, weight, share, minutes, spread=1.0).increase > usual


def test_the_table_of_the_docs_is_what_is_computed() -> None:
    page = (Path(__file__).parents[3] / "docs" / "statistics.md").read_text()
    for share in (0.0, 0.0005, 0.001, 0.005, 0.01, 0.02):
        needed = [
            requests_for_pass(direct_share=share, cdn_share=0.01, rule=GateRule(margin=margin))
            for margin in (0.001, 0.002, 0.005, 0.01)
        ]
        row = " | ".join(f"{each:,.0f}" for each in needed)
        assert f"| {100 * share:.2f} % | {row} |" in page


@given(st.floats(0, 0.5), st.floats(0, 0.5), st.floats(0.001, 0.999))
@settings(max_examples=30)
def test_a_pass_needs_more_requests_where_more_of_them_fail(
    one: float, other: float, weight: float
) -> None:
    fewer, more = sorted((one, other))
    needed = [requests_for_pass(direct_share=each, cdn_share=weight) for each in (fewer, more)]
    assert needed[0] <= needed[1]


def test_where_nothing_can_be_shown_it_is_infinite() -> None:
    nothing = Detectable(math.inf, math.inf)
    assert detectable(weight=1.0) == nothing
    assert detectable(minutes=0.5) == nothing
    assert detectable(minutes=2) == nothing
    assert requests_for_pass(direct_share=0.001, cdn_share=1.0) == math.inf
    assert requests_for_pass(direct_share=0.001, cdn_share=0.5, blocks=5) == math.inf
    assert seconds_for_pass(requests_per_second=9, cdn_share=1.0, direct_share=0.0) == math.inf


def test_without_errors_on_direct_the_increase_is_absolute() -> None:
    increase = detectable(share=0.0)
    assert increase.ratio == math.inf
    assert 0 < increase.increase < 0.01


def test_few_large_caches_make_small_shares_harder_to_judge() -> None:
    smooth = detectable_increase(
        requests_per_second=100,
        cdn_share=0.01,
        direct_share=0.001,
        hold_seconds=1500,
        alpha=ALPHA,
    )
    assert detectable(weight=0.01, minutes=25).ratio > smooth.ratio * 1.1
    one = detectable_increase(
        requests_per_second=100,
        cdn_share=0.01,
        direct_share=0.001,
        hold_seconds=60,
        alpha=ALPHA,
        effective_caches=1,
    )
    assert one == Detectable(math.inf, math.inf)


def test_wrong_arguments_are_told_at_once() -> None:
    with pytest.raises(WrongUseError) as refused:
        detectable_increase(
            requests_per_second=0,
            cdn_share=0,
            direct_share=1.5,
            hold_seconds=-1,
            alpha=0,
            block_seconds=math.nan,
            effective_caches=0.5,
            error_spread=-1,
            power=1,
        )
    assert str(refused.value) == (
        "the rate of requests is 0; it is a finite number above 0. Give what is expected.\n"
        "the share of cdn is 0; it is above 0 and at most 1. Give 1 % as 0.01.\n"
        "the share of errors on direct is 1.5; it is at least 0 and at most 1. Give 1 % as 0.01.\n"
        "the length of a block in seconds is nan; it is a finite number above 0. "
        "Give what is expected.\n"
        "the hold in seconds is -1; it is a finite number above 0. Give what is expected.\n"
        "alpha is 0; it is above 0 and below 1. Give 1 % as 0.01.\n"
        "the power is 1; it is above 0 and below 1. Give 1 % as 0.01.\n"
        "the spread of error shares is -1; it is a finite number, 0 or more. "
        "Give the standard deviation of their logarithms.\n"
        "the effective number of caches is 0.5; it is at least 1. "
        "Give one over the sum of the squares of the caches' shares."
    )
    for refusing in (
        lambda: requests_for_pass(direct_share=-1, cdn_share=2, blocks=0),
        lambda: seconds_for_pass(requests_per_second=-1, cdn_share=2, direct_share=-1),
    ):
        with pytest.raises(WrongUseError) as refused:
            refusing()
        assert len(refused.value.faults) == 3
