"""The e-process: what it says, that it is a supermartingale, and that it is right at all looks."""

import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import gammaln

from rollout.statistics.counts import Counts
from rollout.statistics.evalues import GRID, log_evalues, log_steps

Row = tuple[int, int, int, int]
"""Errors and requests of cdn, then of direct."""


@st.composite
def rows(draw: st.DrawFn, largest: int = 5000) -> Row:
    """Draw an interval's counts."""
    cdn, direct = draw(st.integers(0, largest)), draw(st.integers(0, largest))
    return draw(st.integers(0, cdn)), cdn, draw(st.integers(0, direct)), direct


def counts_of(intervals: list[Row]) -> Counts:
    c, n, d, m = (list(column) for column in zip(*intervals, strict=True))
    return Counts.of(cdn=(c, n), direct=(d, m))


def log_likelihood(cdn: int, total: int, share: float) -> float:
    """Return log of the binomial probability, written out."""
    choose = gammaln(total + 1) - gammaln(cdn + 1) - gammaln(total - cdn + 1)
    return float(choose) + cdn * math.log(share) + (total - cdn) * math.log1p(-share)


@given(st.lists(rows().filter(lambda row: row[1] > 0 and row[3] > 0), min_size=1, max_size=6))
@settings(max_examples=40)
def test_it_is_the_mean_of_binomial_likelihood_ratios(intervals: list[Row]) -> None:
    """By brute force: binomial probabilities of cdn's part of the errors, given the total."""
    ratio = 1.25
    logs = [
        sum(
            log_likelihood(c, c + d, n * theta / (n * theta + m))
            - log_likelihood(c, c + d, n * ratio / (n * ratio + m))
            for c, n, d, m in intervals
        )
        for theta in GRID * ratio
    ]
    expected = np.logaddexp.reduce(logs) - math.log(len(logs))
    assert log_evalues(counts_of(intervals), ratio)[-1] == pytest.approx(expected, abs=1e-6)


@given(st.lists(rows(), min_size=2, max_size=8), st.randoms())
@settings(max_examples=40)
def test_the_order_of_intervals_does_not_matter_in_the_end(
    intervals: list[Row], drawn: random.Random
) -> None:
    other = list(intervals)
    drawn.shuffle(other)
    for most in (math.inf, 1.5):
        one, two = (log_evalues(counts_of(each), 1.25, most)[-1] for each in (intervals, other))
        assert one == pytest.approx(two, abs=1e-6)


@given(rows(), st.floats(1.0, 4.0))
@settings(max_examples=60)
def test_it_rises_with_errors_on_cdn_and_falls_with_those_on_direct(row: Row, ratio: float) -> None:
    c, n, d, m = row
    now = log_evalues(counts_of([row]), ratio)[0]
    if c < n:
        assert log_evalues(counts_of([(c + 1, n, d, m)]), ratio)[0] >= now - 1e-9
    if d < m:
        assert log_evalues(counts_of([(c, n, d + 1, m)]), ratio)[0] <= now + 1e-9


@given(rows().filter(lambda row: row[1] > 0 and row[3] > 0), st.floats(0.2, 5), st.floats(1.1, 9))
@settings(max_examples=60)
def test_both_paths_are_treated_alike(row: Row, ratio: float, multiple: float) -> None:
    """What says that cdn is θ times as bad says that direct is 1/θ times as bad."""
    c, n, d, m = row
    here = log_steps(counts_of([(c, n, d, m)]), ratio, multiple)
    there = log_steps(counts_of([(d, m, c, n)]), 1 / ratio, 1 / multiple)
    assert here == pytest.approx(there, rel=1e-9, abs=1e-6)


@pytest.mark.parametrize("row", [(0, 0, 0, 0), (0, 0, 7, 900), (5, 9, 0, 0), (0, 40, 0, 900)])
def test_an_interval_without_a_comparison_says_nothing(row: Row) -> None:
    assert log_evalues(counts_of([row]), 1.25)[0] == pytest.approx(0)


def binomial(count: int, share: float) -> NDArray[np.float64]:
    errors = np.arange(count + 1)
    choose = gammaln(count + 1) - gammaln(errors + 1) - gammaln(count - errors + 1)
    return np.exp(choose + errors * np.log(share) + (count - errors) * np.log1p(-share))


@pytest.mark.parametrize("direct_share", [0.001, 0.02, 0.3, 0.79])
@pytest.mark.parametrize("ratio", [1.0, 1.25])
@pytest.mark.parametrize(("cdn", "direct"), [(1, 60), (12, 30), (40, 40), (60, 3)])
@pytest.mark.parametrize("most", [math.inf, 0.7])
def test_its_mean_is_1_at_most_where_nothing_is_wrong(
    direct_share: float, ratio: float, cdn: int, direct: int, most: float
) -> None:
    """Exactly, over all outcomes, errors rare or not: E(e) ≤ 1 where cdn is `ratio` as bad."""
    chances = np.outer(binomial(cdn, ratio * direct_share), binomial(direct, direct_share))
    c, d = np.meshgrid(np.arange(cdn + 1.0), np.arange(direct + 1.0), indexing="ij")
    counts = Counts.of(
        cdn=(c[..., None], np.full((*c.shape, 1), cdn)),
        direct=(d[..., None], np.full((*d.shape, 1), direct)),
    )
    assert np.sum(chances * np.exp(log_evalues(counts, ratio, most)[..., 0])) <= 1 + 1e-9


def split(generator: np.random.Generator, streams: int, parts: int) -> Counts:
    """Draw streams without fault, one interval each or split into parts of other rates."""
    shocks = generator.lognormal(0, 1, (streams, parts))
    share = np.minimum(0.01 * shocks, 0.5)
    n, m = np.full((streams, parts), 600 // parts), np.full((streams, parts), 1800 // parts)
    return Counts.of(
        cdn=(generator.binomial(n, 1.25 * share), n), direct=(generator.binomial(m, share), m)
    )


@pytest.mark.parametrize("parts", [1, 2, 10])
def test_an_interval_may_be_split(parts: int) -> None:
    """The mean stays 1 at most, whatever the parts' own error shares."""
    counts = split(np.random.default_rng(parts), 40_000, parts)
    last = np.exp(log_evalues(counts, 1.25, math.log(20))[:, -1])
    assert last.mean() <= 1 + 4 * last.std() / math.sqrt(len(last))
    assert last.std() < 20


@pytest.mark.parametrize("shocks", [False, True])
def test_at_most_alpha_of_the_streams_ever_reach_one_over_alpha(shocks: bool) -> None:
    generator = np.random.default_rng(3)
    size = (2000, 200)
    share = np.full(size, 0.002) * (generator.lognormal(0, 1, size) if shocks else 1)
    n, m = np.full(size, 300), np.full(size, 5700)
    counts = Counts.of(
        cdn=(generator.binomial(n, 1.25 * share), n), direct=(generator.binomial(m, share), m)
    )
    reached = (log_evalues(counts, 1.25) >= math.log(1 / 0.05)).any(axis=1).mean()
    assert reached <= 0.05
    assert reached > 0  # or the test would say nothing


def test_it_is_safe_with_a_thousand_million_requests() -> None:
    logs = log_evalues(
        counts_of(
            [(10**9, 10**9, 0, 10**9), (0, 10**9, 10**9, 10**9), (10**9, 10**9, 10**9, 10**9)]
        ),
        1.25,
    )
    assert np.isfinite(logs).all()
    assert logs[0] > 1e8
