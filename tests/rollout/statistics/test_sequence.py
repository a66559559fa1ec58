"""The confidence sequence: against another implementation, on normal blocks, and where few fail."""

from importlib import import_module

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollout.statistics.counts import Counts
from rollout.statistics.sequence import PRIOR_BLOCKS, difference, threshold

ville = import_module("ville")  # it has no types

BLOCK = 1_000_000.0
"""Requests of each path in a block, so many that errors scatter as they are drawn."""


def blocks_of(differences: "np.typing.ArrayLike", base: float = 0.2) -> Counts:
    """Return blocks whose error shares differ by given amounts."""
    shares = base + np.asarray(differences, dtype=np.float64)
    whole = np.full(shares.shape, BLOCK)
    return Counts.of(cdn=(shares * whole, whole), direct=(base * whole, whole))


def test_with_many_blocks_it_is_the_asymptotic_confidence_sequence() -> None:
    """That of `ville`, which has Waudby-Smith and others' formula, at the same mixture."""
    drawn = np.random.default_rng(1).normal(0.01, 0.02, 6000)
    other = ville.AsymptoticCS(alpha=0.05, min_samples=2)
    other.rho_ = PRIOR_BLOCKS
    other.update(drawn)
    ours = difference(blocks_of(drawn), 0.05)
    low, high = np.asarray(other.lower_), np.asarray(other.upper_)
    for look in (1000, 3000, 5999):
        width = high[look] - low[look]
        assert ours.low[look] == pytest.approx(low[look], abs=0.02 * width)
        assert ours.high[look] == pytest.approx(high[look], abs=0.02 * width)


def test_with_few_blocks_it_is_wider_than_that() -> None:
    drawn = np.random.default_rng(2).normal(0.0, 0.02, 40)
    other = ville.AsymptoticCS(alpha=0.05, min_samples=2)
    other.rho_ = PRIOR_BLOCKS
    other.update(drawn)
    ours = difference(blocks_of(drawn), 0.05)
    known = np.isfinite(ours.low)
    assert np.all(np.asarray(other.lower_)[known] > ours.low[known])


@pytest.mark.parametrize("alpha", [0.2, 0.05])
def test_of_normal_blocks_it_misses_the_difference_with_alpha_at_most(alpha: float) -> None:
    """From the second block on, with the variance unknown: 3 standard errors above are allowed."""
    drawn = np.random.default_rng(4).normal(0.01, 0.02, (3000, 150))
    ours = difference(blocks_of(drawn), alpha)
    missed = ((ours.low > 0.01) | (ours.high < 0.01)).any(axis=1).mean()
    assert missed <= alpha + 3 * np.sqrt(alpha * (1 - alpha) / 3000)
    assert missed > alpha / 2  # the bound is nearly reached, or it would be too wide


@given(st.integers(1, 10**6), st.floats(1e-3, 0.5))
def test_its_threshold_is_what_makes_the_mixture_reach_one_over_alpha(
    blocks: int, alpha: float
) -> None:
    """√(g/(t+g)) (1 - k/(t+g))^(-t/2) = 1/alpha: the t-mixture martingale, put the other way."""
    k = float(threshold(np.array(float(blocks)), alpha))
    widened = blocks + PRIOR_BLOCKS
    log_mixture = 0.5 * np.log(PRIOR_BLOCKS / widened) - blocks / 2 * np.log1p(-k / widened)
    assert log_mixture == pytest.approx(np.log(1 / alpha), rel=1e-6)


@given(st.lists(st.floats(-0.1, 0.1), min_size=9, max_size=40))
@settings(max_examples=50)
def test_it_turns_round_with_the_paths(differences: list[float]) -> None:
    here = blocks_of(differences)
    there = Counts.of(
        cdn=(here.direct_errors, here.direct_requests), direct=(here.cdn_errors, here.cdn_requests)
    )
    one, other = difference(here, 0.05), difference(there, 0.05)
    # What independent requests would scatter, the floor, is taken from direct: here it is small.
    assert one.low == pytest.approx(-other.high, abs=2e-3)
    assert one.high == pytest.approx(-other.low, abs=2e-3)


@given(st.integers(1, 10_000), st.integers(1, 10_000), st.integers(1, 60))
@settings(max_examples=60)
def test_without_errors_the_difference_may_be_as_large_as_the_rule_of_three(
    cdn: int, direct: int, blocks: int
) -> None:
    """Of n requests without an error one knows that less than 3/n fail, at 95 %."""
    counts = Counts.of(
        cdn=(np.zeros(blocks), np.full(blocks, cdn)),
        direct=(np.zeros(blocks), np.full(blocks, direct)),
    )
    assert difference(counts, 0.05).high[-1] >= 3 / (cdn * blocks)


@given(st.lists(st.floats(-0.1, 0.1), min_size=2, max_size=30), st.floats(0.001, 0.3))
@settings(max_examples=50)
def test_a_smaller_alpha_and_more_scatter_widen_it(values: list[float], alpha: float) -> None:
    counts = blocks_of(values)
    usual = difference(counts, alpha)
    for wide in (difference(counts, alpha / 2), difference(counts, alpha, scatter=1.5)):
        assert np.all(wide.low <= usual.low + 1e-9)
        assert np.all(wide.high >= usual.high - 1e-9)


def test_nothing_is_known_at_first_or_without_a_comparison() -> None:
    few = difference(blocks_of([0.1, 0.1, 0.1]), 0.001)
    assert np.all(np.isinf(few.low) & np.isinf(few.high))
    one_path = Counts.of(cdn=(np.zeros(50), np.full(50, 9)), direct=(np.zeros(50), np.zeros(50)))
    none = difference(one_path, 0.05)
    assert np.all(np.isinf(none.low) & np.isinf(none.high))


def test_blocks_without_a_comparison_change_nothing() -> None:
    drawn = np.random.default_rng(6).normal(0.0, 0.02, 30)
    full = blocks_of(drawn)
    gaps = [
        np.insert(series, 10, [0.0, 0.0])
        for series in (
            full.cdn_errors,
            full.cdn_requests,
            full.direct_errors,
            full.direct_requests,
        )
    ]
    assert difference(Counts(*gaps), 0.05).high[-1] == difference(full, 0.05).high[-1]


def test_it_is_safe_with_a_thousand_million_requests() -> None:
    generator = np.random.default_rng(5)
    n = np.full(100, 1e9)
    counts = Counts.of(
        cdn=(generator.binomial(10**9, 0.0011, 100), n),
        direct=(generator.binomial(10**9, 0.001, 100), n),
    )
    ours = difference(counts, 0.05)
    assert 0.000099 < ours.low[-1] < 0.0001 < ours.high[-1] < 0.000101
