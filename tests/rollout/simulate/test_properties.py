"""What holds for every population."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollout.simulate.exposure import met_by, rest_after
from rollout.simulate.foretelling import foretell
from rollout.simulate.population import AddressFamilies, Clients, Population, Resolvers
from rollout.simulate.presets import PRESETS
from rollout.simulate.scene import ShiftScene
from rollout.simulate.shares import AliasAnswers, ShareQuestion, Shares, shares_at
from rollout.simulate.suggestion import derived_steps
from rollout.simulate.weights import WeightPlan

SECONDS = (0.0, 30.0, 90.0, 600.0, 4_000.0, 20_000.0)
PROXIES = AliasAnswers(empty_ttl_seconds=None)


@st.composite
def populations(draw: st.DrawFn) -> Population:
    """Return two kinds of resolvers, and one kind of clients."""
    share = draw(st.floats(0.05, 0.95))
    kinds = tuple(
        Resolvers(
            name=name,
            share=part,
            caches=draw(st.integers(1, 300)),
            sizes=draw(st.sampled_from(("equal", "zipf"))),
            floor_seconds=draw(st.sampled_from((0, 300, 3_600))),
            prefetch=draw(st.booleans()),
            serve_expired=draw(st.booleans()),
        )
        for name, part in (("one", share), ("other", 1 - share))
    )
    clients = Clients(
        name="clients",
        share=1,
        request_gap_seconds=draw(st.sampled_from((0, 5, 60))),
        cache_seconds=draw(st.sampled_from((0, 30, 60))),
        connection_seconds=draw(st.sampled_from((0, 600))),
        idle_seconds=60,
        reuse_share=draw(st.sampled_from((0, 0.2))),
    )
    families = AddressFamilies(
        ipv6_share=draw(st.floats(0, 0.9)), ipv6_only_share=draw(st.floats(0, 0.1))
    )
    return Population(name="any", resolvers=kinds, clients=(clients,), families=families)


def mean(question: ShareQuestion) -> Shares:
    return shares_at(question, SECONDS).mean(question.population)


@settings(max_examples=8, deadline=None)
@given(populations(), st.floats(0.01, 0.99))
def test_shares_are_shares_and_those_of_the_families_add_up(
    population: Population, weight: float
) -> None:
    question = ShareQuestion(WeightPlan(0, ((0, weight),)), population)
    found = mean(question)
    for each in (found.a_on_cdn, found.aaaa_on_cdn, found.dual_on_cdn, found.a_moved):
        assert np.all((each >= 0) & (each <= 1))
    total = found.total_on_cdn(population)
    least = np.minimum(np.minimum(found.a_on_cdn, found.dual_on_cdn), found.aaaa_on_cdn)
    most = np.maximum(np.maximum(found.a_on_cdn, found.dual_on_cdn), found.aaaa_on_cdn)
    assert np.all((total >= least - 1e-9) & (total <= most + 1e-9))
    # Whoever is on cdn over either family is there; nobody is who is on neither.
    assert np.all(found.dual_on_cdn >= found.aaaa_on_cdn - 1e-9)
    assert np.all(found.dual_on_cdn <= found.aaaa_on_cdn + found.a_on_cdn + 1e-9)


@settings(max_examples=5, deadline=None)
@given(populations(), st.floats(0.01, 0.5), st.floats(1.1, 2))
def test_a_larger_weight_has_more_of_everything(
    population: Population, weight: float, factor: float
) -> None:
    less, more = (
        ShareQuestion(WeightPlan(0, ((0, each),)), population) for each in (weight, weight * factor)
    )
    assert np.all(mean(more).a_on_cdn >= mean(less).a_on_cdn)
    assert rest_after(more, [4_000])[0].a >= rest_after(less, [4_000])[0].a
    fewer, others = (met_by(each, [4_000])[0].total(each) for each in (less, more))
    assert np.all(others >= fewer)


@settings(max_examples=5, deadline=None)
@given(populations())
def test_more_time_moves_and_meets_more(population: Population) -> None:
    question = ShareQuestion(WeightPlan(0, ((0, 0.1),)), population)
    found = mean(question)
    assert np.all(np.diff(found.a_moved) >= -0.02)  # each moment is a draw of its own
    met = [float(each.total(question).sum()) for each in met_by(question, SECONDS)]
    assert met == sorted(met)


@settings(max_examples=5, deadline=None)
@given(populations(), st.floats(0.05, 0.95))
def test_with_proxies_the_families_do_not_differ(population: Population, weight: float) -> None:
    found = mean(ShareQuestion(WeightPlan(0, ((0, weight),)), population, PROXIES))
    assert np.array_equal(found.aaaa_on_cdn, found.a_on_cdn)
    assert np.array_equal(found.dual_on_cdn, found.a_on_cdn)


@settings(max_examples=5, deadline=None)
@given(populations(), st.floats(0.05, 0.95), st.sampled_from((60, 300, 900)))
def test_a_does_not_ask_how_long_an_empty_aaaa_lives(
    population: Population, weight: float, empty: float
) -> None:
    plan = WeightPlan(0, ((0, weight),))
    with_empty = mean(ShareQuestion(plan, population, AliasAnswers(60, empty))).a_on_cdn
    with_proxies = mean(ShareQuestion(plan, population, PROXIES)).a_on_cdn
    assert np.allclose(with_empty, with_proxies, atol=0.02)


@settings(max_examples=6, deadline=None)
@given(populations())
def test_a_change_to_the_same_weight_changes_nothing(population: Population) -> None:
    question = ShareQuestion(WeightPlan(0.3, ((0, 0.3),)), population, PROXIES)
    assert np.allclose(mean(question).a_on_cdn, 0.3)


@pytest.mark.parametrize("preset", ["web", "mobile"])
@pytest.mark.parametrize("empty", [None, 60.0, 900.0])
def test_a_derived_hold_lasts_until_the_gates_of_every_family_can_pass(
    preset: str, empty: float | None
) -> None:
    scene = ShiftScene(PRESETS[preset], AliasAnswers(60, empty))
    foretold = foretell(scene, 0, derived_steps(scene, 0, (1, 5, 25, 100)))
    for step in foretold.steps:
        waits = [each.pass_seconds for each in step.families if each.pass_seconds is not None]
        assert max(waits, default=0) <= step.hold_seconds
        assert step.hold_seconds < 3 * 3_600 or step.weight >= 25
