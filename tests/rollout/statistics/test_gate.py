"""Pass, fail or cannot tell: the rule of a gate, and what it is worth where whole caches move."""

import math
import time
from typing import Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollout.probe.model import Verdict
from rollout.statistics.counts import Counts
from rollout.statistics.gate import GateRule, evidence, judge
from rollout.statistics.shares import Interval
from rollout.statistics.spending import gate_alpha
from support.moving_caches import CacheTraffic, shift_counts, stacked

ALPHA: Final = gate_alpha(1, 2, 2)


def steady(
    minutes: int, cdn: tuple[float, float], direct: tuple[float, float], seed: int = 1
) -> Counts:
    """Draw minutes of requests and error shares that stay the same.

    Args:
        minutes: How many.
        cdn: Requests a minute, and the share of them that fail.
        direct: The same of direct.
        seed: Of the generator.
    """
    generator = np.random.default_rng(seed)
    n, m = np.full(minutes, int(cdn[0])), np.full(minutes, int(direct[0]))
    return Counts.of(
        cdn=(generator.binomial(n, cdn[1]), n), direct=(generator.binomial(m, direct[1]), m)
    )


@pytest.mark.parametrize(
    ("counts", "verdict"),
    [
        pytest.param(steady(0, (60, 0), (5940, 0)), "unknown", id="no data"),
        pytest.param(steady(60, (0, 0), (6000, 0.001)), "unknown", id="nobody on cdn"),
        pytest.param(steady(60, (6000, 0.001), (0, 0)), "unknown", id="nobody on direct"),
        pytest.param(steady(5, (6000, 0), (6000, 0)), "unknown", id="too few blocks"),
        pytest.param(steady(60, (1, 0), (99, 0)), "unknown", id="too few requests"),
        pytest.param(steady(60, (60, 0), (5940, 0)), "pass", id="no errors at all"),
        pytest.param(steady(120, (60, 0.001), (5940, 0.001)), "pass", id="equal"),
        pytest.param(steady(30, (3000, 0.3), (3000, 0.3)), "unknown", id="equal, 30 % fail"),
        pytest.param(steady(60, (60, 0.02), (5940, 0.001)), "fail", id="20 times"),
        pytest.param(steady(60, (600, 0.01), (5400, 0)), "fail", id="direct has no errors"),
        pytest.param(steady(400, (3000, 0.002), (3000, 0.001)), "fail", id="twice"),
        pytest.param(steady(60, (3000, 0.0011), (3000, 0.001)), "pass", id="tolerated"),
        pytest.param(steady(6, (60, 1), (5940, 0.001)), "fail", id="everything on cdn fails"),
        pytest.param(steady(60, (3000, 0.0), (3000, 0.5)), "pass", id="direct is worse"),
    ],
)
def test_a_gate_says(counts: Counts, verdict: Verdict) -> None:
    assert judge(counts, ALPHA, 1).verdict == verdict


def test_what_failed_stays_failed() -> None:
    bad, good = steady(30, (600, 0.05), (5400, 0.001)), steady(2000, (600, 0), (5400, 0.001))
    both = Counts(
        *(
            np.concatenate([getattr(bad, name), getattr(good, name)])
            for name in ("cdn_errors", "cdn_requests", "direct_errors", "direct_requests")
        )
    )
    assert judge(both, ALPHA, 1).verdict == "fail"
    assert not evidence(both, ALPHA).passes.any()


def test_a_small_increase_within_the_margin_fails_by_its_ratio() -> None:
    """Ten times one in 10,000 is far below half a point; it is ten times, nevertheless."""
    counts = steady(240, (3000, 0.001), (3000, 0.0001))
    answer = judge(counts, ALPHA, 1)
    assert answer.verdict == "fail"
    assert answer.difference.high < GateRule().margin


@given(st.integers(0, 10_000), st.data())
@settings(max_examples=60)
def test_one_block_never_decides(requests: int, data: st.DataObject) -> None:
    """Whatever happens in one TTL, or in two, is not enough."""
    errors = data.draw(st.integers(0, requests))
    counts = Counts.of(cdn=([errors, errors], [requests] * 2), direct=([0, 0], [10**6] * 2))
    assert judge(counts, ALPHA, 1).verdict == "unknown"


@given(st.integers(1, 5), st.integers(1, 60))
@settings(max_examples=20)
def test_minutes_may_be_blocks_of_any_length(block: int, minutes: int) -> None:
    counts = steady(minutes, (600, 0.01), (5400, 0.001))
    whole = judge(counts.blocks(block), ALPHA, 1)
    assert judge(counts, ALPHA, block) == whole
    assert whole.blocks == minutes // block


@given(st.floats(1e-4, 0.2), st.floats(1e-5, 1e-4))
@settings(max_examples=20)
def test_a_smaller_alpha_never_fails_earlier(alpha: float, smaller: float) -> None:
    counts = steady(60, (60, 0.02), (5940, 0.001))
    late, early = evidence(counts, smaller).failed, evidence(counts, alpha).failed
    assert np.all(late <= early)


def test_an_outage_of_the_api_is_nobodys_fault() -> None:
    """Every tenth minute half of all requests fail, on both paths."""
    share = np.where(np.arange(600) % 10 == 5, 0.5, 0.001)
    generator = np.random.default_rng(2)
    n, m = np.full(600, 300), np.full(600, 5700)
    counts = Counts.of(
        cdn=(generator.binomial(n, share), n), direct=(generator.binomial(m, share), m)
    )
    assert judge(counts, ALPHA, 1).verdict != "fail"


def test_what_it_says_can_be_shown() -> None:
    answer = judge(steady(60, (60, 0.02), (5940, 0.001)), ALPHA, 1)
    assert answer.blocks == 60
    assert answer.evidence_gross > 1
    assert answer.evidence_tolerated > 1
    assert 0 < answer.difference.low < 0.019 < answer.difference.high < 0.05
    nothing = judge(steady(0, (1, 0), (1, 0)), ALPHA, 1)
    assert nothing.difference == Interval(-1.0, 1.0)


@pytest.mark.parametrize(("slower", "verdict"), [(1.0, "pass"), (1.5, "fail")])
def test_latency_is_judged_as_the_share_that_is_slower_than_a_limit(
    slower: float, verdict: Verdict
) -> None:
    """Log-normal times; the limit is direct's 99th percentile on the day before."""
    generator = np.random.default_rng(7)
    limit = float(np.quantile(generator.lognormal(0, 0.5, 100_000), 0.99))
    cdn = generator.lognormal(math.log(slower), 0.5, (180, 300))
    direct = generator.lognormal(0, 0.5, (180, 2700))
    counts = Counts.of(
        cdn=((cdn > limit).sum(axis=1), np.full(180, 300)),
        direct=((direct > limit).sum(axis=1), np.full(180, 2700)),
    )
    assert judge(counts, ALPHA, 1).verdict == verdict


def test_sound_shifts_hardly_fail_where_whole_caches_move() -> None:
    """The short form of the table in docs/statistics.md, in its hardest row of usual rates.

    Forty streams of five steps, error shares of the caches spread by sigma 2, all of alpha for each
    stream. One alarm may come; the e-process alone, each block giving what it gives, has ten.
    """
    generator = np.random.default_rng(11)
    traffic, weights = CacheTraffic(1000, sigma=2.0), (0.01, 0.05, 0.10, 0.25, 0.50)
    streams = [shift_counts(generator, traffic, weights, 120) for _ in range(40)]
    failed = np.zeros(40, dtype=np.bool_)
    for number in range(len(weights)):
        counts = stacked([steps[number] for steps in streams])
        failed |= evidence(counts, gate_alpha(number + 1, 1, 1)).failed[:, -1]
    assert failed.sum() <= 1


@pytest.mark.parametrize("sigma", [0.0, 1.0])
def test_twenty_times_the_errors_are_found_in_25_minutes(sigma: float) -> None:
    """At 1 % of 100 requests/s, 0.1 % errors, in nine of ten steps."""
    generator = np.random.default_rng(12)
    streams = [
        shift_counts(generator, CacheTraffic(sigma=sigma), (0.01,), 25, ratio=20)[0]
        for _ in range(400)
    ]
    found = evidence(stacked(streams), ALPHA).failed[:, -1].mean()
    assert found >= 0.9 - 2 * math.sqrt(0.9 * 0.1 / 400)


def test_a_day_of_minutes_is_judged_in_less_than_a_second() -> None:
    counts = steady(24 * 60, (3000, 0.001), (3000, 0.001))
    began = time.process_time()
    judge(counts, ALPHA, 1)
    assert time.process_time() - began < 1


def test_an_empty_aaaa_that_lives_long_needs_no_longer_blocks() -> None:
    """Who has it follows A, drawn anew each minute; a TTL of 15 minutes fails most such shifts."""
    generator = np.random.default_rng(1)
    traffic = CacheTraffic(requests_per_second=1_000, sigma=2)
    requests = traffic.sizes() * 60_000
    for _ in range(12):
        own = traffic.error_shares(generator)
        ends = generator.integers(-30, -15, traffic.caches)
        is_cdn = np.zeros(traffic.caches, dtype=np.bool_)
        errors, counts = np.zeros((2, 240)), np.zeros((2, 240))
        for minute in range(-15, 240):
            ended = ends <= minute
            is_cdn = np.where(ended, generator.random(traffic.caches) < 0.5, is_cdn)
            ends = np.where(ended, minute + np.where(is_cdn, 1, 15), ends)
            on_cdn = is_cdn | (generator.random(traffic.caches) < 0.5)
            if minute >= 0:
                here = [requests @ on_cdn, requests @ ~on_cdn]
                failing = [(requests * own) @ on_cdn, (requests * own) @ ~on_cdn]
                errors[:, minute] = generator.poisson(failing)
                counts[:, minute] = np.maximum(generator.poisson(here), errors[:, minute])
        sound = Counts.of(cdn=(errors[0], counts[0]), direct=(errors[1], counts[1]))
        assert not evidence(sound, gate_alpha(5, 2, 2)).failed[-1]
