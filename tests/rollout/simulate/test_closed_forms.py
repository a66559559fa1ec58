"""The model against what can be worked out on paper, and against caches that go one by one."""

import math

import numpy as np
import pytest

from rollout.simulate.bands import CacheCrowd
from rollout.simulate.exposure import largest_refresh, met_by, rest_after
from rollout.simulate.population import AddressFamilies, Clients, Population, Resolvers
from rollout.simulate.presets import FLAVEL_LIVES, PRESETS, fit_flavel
from rollout.simulate.shares import (
    AliasAnswers,
    ShareQuestion,
    Shares,
    in_balance,
    seconds_to_move,
    shares_at,
)
from rollout.simulate.weights import WeightPlan
from support.plain_caches import PlainCaches, run

BUSY = Clients(name="busy", share=1, request_gap_seconds=0)
ALIKE = AliasAnswers(empty_ttl_seconds=None)
SWITCH = WeightPlan(0, ((0, 1),))


def asked_every(gap: float, *, serve_expired: bool = False, life: float = 60) -> Population:
    """Return caches that are all asked once in a while, for clients without a memory."""
    kind = Resolvers(
        name="all",
        share=1,
        sizes="equal",
        caches=1_000,
        serve_expired=serve_expired,
        kept_seconds=life,
    )
    clients = Clients(name="all", share=1, request_gap_seconds=gap)
    return Population(name="p", resolvers=(kind,), clients=(clients,))


def rate_of(gap: float) -> float:
    """Return the rate at which each of a thousand caches is asked once in a while."""
    return 1_000 / gap if gap else 1.0


def mean_of(question: ShareQuestion, *seconds: float) -> Shares:
    return shares_at(question, seconds).mean(question.population)


@pytest.mark.parametrize("gap", [5.0, 60.0, 600.0])
def test_1_a_request_finds_the_old_copy_as_the_formula_says(gap: float) -> None:
    question = ShareQuestion(SWITCH, asked_every(gap), ALIKE, rate_of(gap))
    times = np.array([0, 15, 30, 59, 60])
    rate, life = 1 / gap, 60
    old = rate * np.maximum(life - times, 0) / (1 + rate * life)
    assert mean_of(question, *times).a_moved == pytest.approx(1 - old, abs=0.01)


@pytest.mark.parametrize("gap", [0.0, 5.0, 60.0, 600.0])
def test_2_the_rest_after_a_switch_is_what_the_formula_says(gap: float) -> None:
    back = ShareQuestion(WeightPlan(1, ((0, 1),)), asked_every(gap), ALIKE, rate_of(gap))
    rest = 30.0 if gap == 0 else 60**2 / gap / (2 * (1 + 60 / gap))
    assert rest_after(back, [0])[0].total == pytest.approx(rest, rel=0.06)


def test_3_layers_that_begin_the_ttl_anew_add_uniform_times() -> None:
    layered = Population(
        name="p",
        resolvers=PRESETS["busy"].resolvers,
        clients=(Clients(name="c", share=1, request_gap_seconds=0, cache_seconds=60),),
    )
    moved = mean_of(ShareQuestion(SWITCH, layered, ALIKE), 30, 60, 90, 120).a_moved
    assert 1 - moved == pytest.approx([0.875, 0.5, 0.125, 0], abs=0.01)


def zipf(count: int) -> Population:
    return Population(
        name="p",
        resolvers=(Resolvers(name="all", share=1, caches=count, sizes="zipf"),),
        clients=(BUSY,),
    )


@pytest.mark.parametrize(
    ("population", "effective"),
    [
        pytest.param(zipf(200), 21, id="200"),
        pytest.param(zipf(2_000), 41, id="2,000"),
        pytest.param(zipf(100_000), 89, id="100,000"),
        pytest.param(PRESETS["few-large-networks"], 10, id="one with 30 %"),
    ],
)
@pytest.mark.parametrize("weight", [0.1, 0.5])
def test_4_a_share_varies_as_the_squares_of_the_sizes(
    population: Population, effective: float, weight: float
) -> None:
    crowd = CacheCrowd(population, seed=1)
    assert crowd.effective_caches == pytest.approx(effective, rel=0.03)
    kinds = len(population.resolvers)
    deviation = math.sqrt(weight * (1 - weight) / effective)
    band = crowd.band(np.full(kinds, weight))
    # 3.29 standard deviations lie between the ends of a normal band; these are skewed.
    assert band.high - band.low == pytest.approx(3.29 * deviation, rel=0.25)
    hour = crowd.band(np.full(kinds, weight), draws=60)
    assert hour.high - hour.low == pytest.approx(3.29 * deviation / math.sqrt(60), rel=0.2)


@pytest.mark.parametrize("gap", [0.0, 100.0])
@pytest.mark.parametrize("weight", [0.01, 0.1, 0.5, 0.9])
def test_5_lives_that_differ_share_requests_as_the_formula_says(gap: float, weight: float) -> None:
    population = Population(
        name="p",
        resolvers=(Resolvers(name="all", share=1, sizes="equal"),),
        clients=(Clients(name="c", share=1, request_gap_seconds=gap),),
    )
    question = ShareQuestion(
        WeightPlan(0, ((0, weight),)), population, AliasAnswers(60, 900), rate_of(gap)
    )
    cdn, direct = weight * (gap + 60), (1 - weight) * (gap + 900)
    expected = cdn / (cdn + direct)
    assert in_balance(question, [weight])[0].aaaa_on_cdn == pytest.approx(expected, abs=1e-6)
    assert mean_of(question, 3_000, 36_000).aaaa_on_cdn == pytest.approx(expected, abs=0.012)


def test_6_a_small_weight_reaches_no_cache_at_all_most_of_the_time() -> None:
    twenty = Population(
        name="p",
        resolvers=(Resolvers(name="all", share=1, caches=20, sizes="equal"),),
        clients=(BUSY,),
    )
    crowd = CacheCrowd(twenty, seed=1)
    assert 0.99**crowd.effective_caches == pytest.approx(0.82, abs=0.005)
    assert crowd.band(np.array([0.01])).low == 0


@pytest.mark.parametrize(("hours", "met"), [(1, 0.453), (5, 0.951)])
def test_7_one_percent_of_the_answers_meets_half_of_the_clients_in_an_hour(
    hours: int, met: float
) -> None:
    question = ShareQuestion(WeightPlan(0, ((0, 0.01),)), PRESETS["busy"])
    assert met_by(question, [hours * 3_600])[0].total(question) == pytest.approx([met], abs=0.001)


@pytest.mark.parametrize("weight", [0.01, 0.5, 1.0])
def test_7_of_a_life_that_has_begun_clients_have_met_the_part_that_is_over(weight: float) -> None:
    question = ShareQuestion(WeightPlan(0, ((0, weight),)), asked_every(0), ALIKE)
    met = [float(each.a[0]) for each in met_by(question, [15, 30, 60, 90])]
    twice = weight + (1 - weight) * weight / 2
    assert met == pytest.approx([weight / 4, weight / 2, weight, twice], abs=1e-9)
    # Until the first life is over, they are those who are there.
    assert mean_of(question, 30).a_on_cdn == pytest.approx([met[1]], abs=0.01)


@pytest.mark.parametrize(
    ("before", "weight", "at", "seconds"),
    [
        # Of the AAAA copies 10 in 900 were fetched, and have 55 seconds left.
        pytest.param(0.0, 1.0, 10, 10 / 900 * 55, id="at once"),
        pytest.param(0.0, 0.5, 10, 0.5 * 10 / 900 * 55, id="at once, at half"),
        pytest.param(0.0, 1.0, 60, 60 / 900 * 30, id="after a TTL"),
        pytest.param(0.0, 1.0, 450, 450 / 900 * 30, id="half of the empty answers are left"),
        pytest.param(0.0, 1.0, 900, 30, id="none is left"),
        pytest.param(0.5, 1.0, 86_400, 30, id="long after"),
        pytest.param(0.0, 0.5, 86_400, 30 / 16, id="long after, at half"),
    ],
)
def test_what_is_met_of_aaaa_after_a_rollback_is_what_was_fetched_before_it(
    before: float, weight: float, at: float, seconds: float
) -> None:
    question = ShareQuestion(WeightPlan(before, ((0, weight),)), PRESETS["busy"])
    (rest,) = rest_after(question, [at])
    assert rest.dual - rest.a == pytest.approx(seconds, rel=0.08)


def test_a_client_that_keeps_answers_for_days_brings_no_more_than_there_was() -> None:
    keeps = Clients(name="for ever", share=1, request_gap_seconds=1, cache_seconds=7 * 86_400)
    population = PRESETS["busy"].model_copy(update={"clients": (keeps,)})
    (rest,) = rest_after(ShareQuestion(WeightPlan(0, ((0, 1),)), population), [600])
    assert rest.dual - rest.a < 600


def test_8_the_largest_cache_carries_all_of_its_requests_with_one_answer() -> None:
    question = ShareQuestion(SWITCH, PRESETS["few-large-networks"])
    assert largest_refresh(question) == pytest.approx(0.3 * 60 * 100)


@pytest.mark.parametrize(
    ("lives", "parts", "old", "rest"),
    [
        ((20, 120, 3_600), (0.826, 0.148, 0.027), (0, 0, 0), 65),
        ((20, 300, 3_600), (0.881, 0.092, 0.027), (0, 0, 0), 71),
        ((20, 600, 14_400), (0.891, 0.088, 0.021), (0.016, 0, 0), 189),
        ((20, 300, 86_400), (0.880, 0.100, 0.020), (0.019, 0.017, 0.010), 897),
        ((20, 300, 259_200), (0.880, 0.100, 0.020), (0.020, 0.019, 0.017), 2_625),
    ],
)
def test_models_that_fit_both_published_figures_differ_in_the_rest(
    lives: tuple[float, float, float],
    parts: tuple[float, ...],
    old: tuple[float, ...],
    rest: float,
) -> None:
    assert lives in FLAVEL_LIVES
    model = fit_flavel(lives)
    assert model.parts == pytest.approx(parts, abs=0.001)
    assert [model.old_after(hours * 3_600) for hours in (1, 4, 12)] == pytest.approx(old, abs=0.001)
    assert model.rest_seconds == pytest.approx(rest, abs=0.6)


def test_the_flavel_preset_has_the_two_figures() -> None:
    question = ShareQuestion(WeightPlan(0, ((0, 0.01),)), PRESETS["flavel"], AliasAnswers(20, 900))
    moved = mean_of(question, 60, 900).total_moved(question.population)
    assert moved == pytest.approx([0.90, 0.98], abs=0.003)
    half, most, rest = seconds_to_move(question, [0.5, 0.9, 0.99])
    assert (half, most) == (pytest.approx(11.3, abs=0.5), pytest.approx(60, abs=6))
    assert rest == pytest.approx(3_600 * (1 - 0.01 / 0.0267), rel=0.05)


def test_an_empty_aaaa_keeps_ipv6_back() -> None:
    question = ShareQuestion(WeightPlan(0, ((0, 0.5),)), PRESETS["busy"])
    found = mean_of(question, 36_000)
    assert found.aaaa_on_cdn == pytest.approx([0.0625], abs=1e-6)
    assert found.dual_on_cdn == pytest.approx([0.53125], abs=1e-6)
    assert found.unanswered(question.answers) == pytest.approx([0.9375], abs=1e-6)


CHANGES = ((0.0, 0.1), (2_400.0, 0.5), (9_000.0, 1.0))
ASKED = (
    0.0,
    30.0,
    90.0,
    600.0,
    2_399.0,
    2_430.0,
    3_000.0,
    6_500.0,
    8_999.0,
    9_060.0,
    9_800.0,
    14_000.0,
)


@pytest.mark.parametrize(
    ("lives", "gap", "cache", "serve_expired"),
    [
        pytest.param((60, 60), 0, 0, False, id="alike"),
        pytest.param((60, 60), 40, 60, False, id="alike, with gaps, behind a cache"),
        pytest.param((60, 60), 40, 0, True, id="alike, expired given"),
        pytest.param((60, 900), 0, 0, False, id="60 against 900"),
        pytest.param((60, 900), 100, 60, False, id="60 against 900, with gaps, behind a cache"),
        pytest.param((60, 300), 100, 0, True, id="60 against 300, expired given"),
    ],
)
def test_it_agrees_with_caches_that_are_gone_through_one_by_one(
    lives: tuple[float, float], gap: float, cache: float, serve_expired: bool
) -> None:
    count = 4_000
    plain = run(PlainCaches(count, *lives, gap, cache, serve_expired), CHANGES, ASKED)
    kind = Resolvers(name="all", share=1, caches=count, sizes="equal", serve_expired=serve_expired)
    # A client that hardly pauses always has a copy of its own, so that its delay is uniform.
    pause = 0.001 if gap else 0
    client = Clients(name="c", share=1, request_gap_seconds=pause, cache_seconds=cache)
    population = Population(
        name="p",
        resolvers=(kind,),
        clients=(client,),
        families=AddressFamilies(ipv6_share=1, broken_share=0),
    )
    rate = count / (client.queries_per_request * gap) if gap else 1
    found = mean_of(
        ShareQuestion(WeightPlan(0, CHANGES), population, AliasAnswers(*lives), rate), *ASKED
    )
    assert found.aaaa_on_cdn == pytest.approx(plain.on_cdn, abs=0.03)
    assert found.aaaa_moved == pytest.approx(plain.moved, abs=0.03)
