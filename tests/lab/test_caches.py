"""What `dualstack simulate` says of caches, beside real ones: unbound in front of gdnsd."""

import asyncio
import math

import pytest

from rollout.simulate.population import AddressFamilies, Clients, Population, Resolvers
from rollout.simulate.shares import AliasAnswers, ShareQuestion, shares_at
from rollout.simulate.weights import WeightPlan
from support.real_caches import RealResolver, watch

CACHES, TTL, SECONDS = 150, 5, 22
GAP = 1.0
"""Mean seconds between two queries about a name."""

RESOLVERS = (
    RealResolver("obeys", (), TTL),
    RealResolver("floor", ("cache-min-ttl: 10",), 10),
    RealResolver("stretched", ("cache-min-ttl: 20",), 20),
    RealResolver("serve-expired", ("serve-expired: yes",), TTL),
)


def foretold(resolver: RealResolver, life: float, seconds: float) -> float:
    kind = Resolvers(
        name="all",
        share=1,
        sizes="equal",
        kept_seconds=life,
        serve_expired=resolver.name == "serve-expired",
    )
    clients = Clients(name="all", share=1, request_gap_seconds=GAP)
    families = AddressFamilies(ipv6_share=0)
    population = Population(name="p", resolvers=(kind,), clients=(clients,), families=families)
    plan = WeightPlan(0, ((0, 0.5),))
    # A thousand caches, each asked about once in a gap.
    question = ShareQuestion(plan, population, AliasAnswers(TTL, None), 1_000 / GAP)
    return float(shares_at(question, [seconds]).mean(population).a_on_cdn[0])


@pytest.fixture(scope="module")
def shares(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[float, float]]:
    """Return the share of cdn at some moments, by resolver."""
    folder = tmp_path_factory.mktemp("caches")
    seen = asyncio.run(watch(folder, RESOLVERS, caches=CACHES, cdn=50, ttl=TTL, seconds=SECONDS))
    return {
        name: {at: each.share(at - 0.5, at + 0.5)[0] for at in (3.0, 6.0, 12.0, 20.0)}
        for name, each in seen.items()
    }


@pytest.mark.parametrize("resolver", RESOLVERS, ids=lambda resolver: resolver.name)
@pytest.mark.parametrize("seconds", [3.0, 6.0, 12.0, 20.0])
def test_real_caches_are_where_it_was_foretold(
    shares: dict[str, dict[float, float]], resolver: RealResolver, seconds: float
) -> None:
    # unbound counts whole seconds, so an answer lives up to one longer than its TTL.
    told = [foretold(resolver, resolver.life + more, seconds) for more in (0, 1)]
    spread = 4 * math.sqrt(0.25 / CACHES)
    assert min(told) - spread <= shares[resolver.name][seconds] <= max(told) + spread


def test_a_resolver_that_stretches_lives_lags_one_that_obeys(
    shares: dict[str, dict[float, float]],
) -> None:
    # 0.3 and 0.07 are foretold; their difference is five times as large as it scatters.
    assert shares["stretched"][3.0] < shares["obeys"][3.0]
