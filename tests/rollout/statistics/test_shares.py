"""The test of a share is wrong less than once in a hundred, and stops when it can tell."""

import math
import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout import statistics as shares
from rollout.probe.model import Verdict
from rollout.statistics import Interval


def run(
    share: float, declared: float, tolerance: float, budget: int, drawn: random.Random
) -> tuple[Verdict, int]:
    """Draw answers of a true share until the test tells; return what and after how many."""
    hits = seen = 0
    verdict: Verdict = "unknown"
    for look, answers in shares.looks(budget):
        hits += sum(drawn.random() < share for _ in range(answers - seen))
        seen = answers
        verdict = shares.share(hits, seen, look).within(declared, tolerance)
        if verdict != "unknown":
            break
    return verdict, seen


@given(st.integers(0, 5000), st.integers(0, 5000), st.floats(1e-6, 0.2))
def test_the_interval_is_that_of_clopper_and_pearson(hits: int, misses: int, alpha: float) -> None:
    from scipy.stats import binomtest  # noqa: PLC0415 - it takes a second in whoever collects this

    answers = hits + misses
    interval = shares.clopper_pearson(hits, answers, alpha)
    if answers == 0:
        assert interval == Interval(0, 1)
        return
    exact = binomtest(hits, answers).proportion_ci(1 - alpha, method="exact")
    assert interval.low == pytest.approx(exact.low, abs=1e-9)
    assert interval.high == pytest.approx(exact.high, abs=1e-9)


@given(st.integers(0, 400), st.integers(1, 400), st.floats(1e-6, 0.5))
def test_the_interval_holds_what_was_seen_and_narrows_with_alpha(
    hits: int, misses: int, alpha: float
) -> None:
    answers = hits + misses
    wide, narrow = (shares.clopper_pearson(hits, answers, a) for a in (alpha / 2, alpha))
    assert 0 <= wide.low <= narrow.low <= hits / answers <= narrow.high <= wide.high <= 1
    more = shares.clopper_pearson(hits + 1, answers, alpha)
    assert narrow.low <= more.low
    assert narrow.high <= more.high


@pytest.mark.parametrize("share", [0.0, 0.003, 0.01, 0.07, 0.25, 0.5, 0.93, 1.0])
def test_all_looks_together_cover_the_share(share: float) -> None:
    """Exactly, not by simulation: sum what each look misses, which bounds what any look does."""
    from scipy.stats import binom  # noqa: PLC0415 - as above

    missed = 0.0
    for look, answers in shares.looks(4096):
        for hits in range(answers + 1):
            interval = shares.share(hits, answers, look)
            if not interval.low <= share <= interval.high:
                missed += float(binom.pmf(hits, answers, share))
    assert missed <= shares.ALPHA


@given(st.integers(1, 60))
def test_what_the_looks_may_err_adds_up_to_no_more_than_alpha(count: int) -> None:
    spent = math.fsum(shares.look_alpha(look) for look in range(1, count + 1))
    assert spent <= shares.ALPHA
    assert spent == pytest.approx(shares.ALPHA * count / (count + 1))


def test_looks_double_and_the_last_is_at_the_budget() -> None:
    assert list(shares.looks(1000)) == [(1, 64), (2, 128), (3, 256), (4, 512), (5, 1000)]
    assert list(shares.looks(64)) == [(1, 64)]
    assert list(shares.looks(10)) == [(1, 10)]
    assert list(shares.looks(0)) == []


@given(st.integers(1, 100_000))
def test_no_more_answers_are_looked_at_than_the_budget_has(budget: int) -> None:
    every = [answers for _, answers in shares.looks(budget)]
    assert every[-1] == budget
    assert all(one < other for one, other in pairwise(every))


@pytest.mark.parametrize(
    ("interval", "verdict"),
    [
        (Interval(0.46, 0.54), "pass"),
        (Interval(0.45, 0.55), "pass"),
        (Interval(0.44, 0.52), "unknown"),
        (Interval(0.2, 0.9), "unknown"),
        (Interval(0.1, 0.2), "fail"),
        (Interval(0.56, 0.7), "fail"),
    ],
)
def test_an_interval_decides_only_as_a_whole(interval: Interval, verdict: Verdict) -> None:
    assert interval.within(0.5, 0.05) == verdict


@pytest.mark.parametrize(
    ("share", "declared", "wrong"),
    [
        (0.5, 0.5, "fail"),
        (0.01, 0.01, "fail"),
        (0.0, 0.0, "fail"),
        (1.0, 1.0, "fail"),
        (0.549, 0.5, "fail"),  # just inside
        (0.551, 0.5, "pass"),  # just outside
        (0.2, 0.01, "pass"),
    ],
)
def test_the_decision_is_hardly_ever_wrong(share: float, declared: float, wrong: str) -> None:
    drawn = random.Random(f"{share} {declared}")  # noqa: S311 - a simulation
    runs = 300
    decisions: list[str] = [run(share, declared, 0.05, 2048, drawn)[0] for _ in range(runs)]
    # With an error of 1 %, more than 12 of 300 come once in 100,000 times.
    assert decisions.count(wrong) <= 12


@pytest.mark.parametrize(
    ("share", "declared", "verdict", "answers"),
    [
        (1.0, 0.01, "fail", 64),
        (0.0, 1.0, "fail", 64),
        (0.0, 0.5, "fail", 64),
        (0.0, 0.0, "pass", 256),
        (0.5, 0.5, "pass", 2048),
    ],
)
def test_it_stops_as_soon_as_it_can_tell(
    share: float, declared: float, verdict: Verdict, answers: int
) -> None:
    drawn = random.Random(1)  # noqa: S311 - a simulation
    assert run(share, declared, 0.05, 4096, drawn) == (verdict, answers)


def test_a_budget_too_small_cannot_tell() -> None:
    drawn = random.Random(1)  # noqa: S311 - a simulation
    assert run(0.5, 0.5, 0.05, 100, drawn) == ("unknown", 100)


@given(st.integers(0, 200), st.integers(1, 200), st.integers(0, 200), st.integers(1, 200))
def test_a_difference_turns_round_with_its_sides(a: int, b: int, c: int, d: int) -> None:
    first, second = (a, a + b), (c, c + d)
    one, other = shares.difference(first, second, 2), shares.difference(second, first, 2)
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low))
    assert one.low <= a / (a + b) - c / (c + d) <= one.high


@pytest.mark.parametrize(
    ("share", "answers"), [(0.0, math.inf), (1.0, 1), (0.5, 10), (0.01, 688), (1 / 255, 1759)]
)
def test_a_path_is_missing_after_so_many_answers(share: float, answers: float) -> None:
    assert shares.answers_to_see(share) == answers


@given(st.floats(0.0001, 0.9999))
def test_that_many_answers_without_it_are_rarer_than_one_in_a_thousand(share: float) -> None:
    answers = shares.answers_to_see(share)
    assert (1 - share) ** answers <= shares.MISSED_ALPHA * (1 + 1e-9)
    assert (1 - share) ** (answers - 1) > shares.MISSED_ALPHA * (1 - 1e-9)
