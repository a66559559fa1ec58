"""The share of each path, by address family, at the times asked for.

Clients that follow A are on cdn where A's copy leads there. Clients that prefer IPv6 are on cdn
where AAAA's copy leads there; where it is empty they use A (RFC 8305). Clients with IPv6 alone have
no answer where it is empty. The two copies are drawn by the name server independently of each
other.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.random import SFC64, Generator, SeedSequence

from rollout.simulate.cells import CacheRange, draw_cells, part_where, ranges
from rollout.simulate.copies import Carried, Lives, chance_in_balance, copy_ages, equally_long
from rollout.simulate.population import Population, Resolvers
from rollout.simulate.weights import FloatArray, WeightPlan

if TYPE_CHECKING:
    from numpy.typing import NDArray

ALIAS_TTL: Final = 60.0
"""Seconds that an alias of a load balancer or a distribution lives. Source: Route 53 guide,
'Choosing between alias and non-alias records'."""

NEGATIVE_TTL: Final = 900.0
"""Seconds that an empty answer lives. Source: RFC 2308; the SOA record that Route 53 makes."""

SEED: Final = 20_261_130
"""Where chance begins unless somebody says otherwise."""

Progress = Callable[[int, int], None]
"""Called with the caches that are done, and with all."""


@dataclass(frozen=True)
class AliasAnswers:
    """What the authority answers, beside the weights."""

    ttl_seconds: float = ALIAS_TTL
    """TTL of A and of AAAA that is not empty."""
    empty_ttl_seconds: float | None = NEGATIVE_TTL
    """TTL of direct's AAAA, which is empty; None: it is not, because proxies serve it."""

    def lives(self, kind: Resolvers) -> Lives:
        """Return how long AAAA answers are kept by a kind of resolvers."""
        life = kind.life_seconds(self.ttl_seconds)
        if self.empty_ttl_seconds is None:
            return Lives(life, life)
        return Lives(life, kind.life_seconds(self.empty_ttl_seconds, negative=True))


ROUTE_53: Final = AliasAnswers()
"""Aliases, an old path without proxies, and the zone as Route 53 makes it."""


@dataclass(frozen=True)
class Shares:
    """Shares at each of some moments; arrays as long as `seconds`, or one row a kind of resolvers.

    Each is a share of its own kind of clients, 0 to 1.
    """

    seconds: FloatArray
    """The moments, in order."""
    a_on_cdn: FloatArray
    """Where A leads to cdn: clients that follow A."""
    aaaa_on_cdn: FloatArray
    """Where AAAA leads to cdn."""
    dual_on_cdn: FloatArray
    """On cdn, of the clients that have both families and prefer IPv6."""
    a_moved: FloatArray
    """Answered from a copy of A that was fetched after the last change before the moment."""
    aaaa_moved: FloatArray
    """The same of AAAA."""

    def mean(self, population: Population) -> "Shares":
        """Return the means over the kinds of resolvers, by their part of the requests."""
        parts = np.array([kind.share for kind in population.resolvers])
        return Shares(
            self.seconds,
            *(
                parts @ each
                for each in (
                    self.a_on_cdn,
                    self.aaaa_on_cdn,
                    self.dual_on_cdn,
                    self.a_moved,
                    self.aaaa_moved,
                )
            ),
        )

    def unanswered(self, answers: AliasAnswers) -> FloatArray:
        """Return the share of the clients with IPv6 alone that have no answer."""
        if answers.empty_ttl_seconds is None:
            return np.zeros_like(self.aaaa_on_cdn)
        return 1 - self.aaaa_on_cdn

    def total_on_cdn(self, population: Population) -> FloatArray:
        """Return the share of all requests that is on cdn."""
        families = population.families
        return (
            families.use_ipv4 * self.a_on_cdn
            + families.prefer_ipv6 * self.dual_on_cdn
            + families.ipv6_only_share * self.aaaa_on_cdn
        )

    def total_moved(self, population: Population) -> FloatArray:
        """Return the share of all requests whose copy is newer than the last change."""
        use_ipv4 = population.families.use_ipv4
        return use_ipv4 * self.a_moved + (1 - use_ipv4) * self.aaaa_moved


@dataclass(frozen=True)
class ShareQuestion:
    """What is asked of the model."""

    plan: WeightPlan
    """The weights over time."""
    population: Population
    """Who asks."""
    answers: AliasAnswers = ROUTE_53
    """What the authority answers."""
    requests_per_second: float = 100.0
    """Rate of all requests."""
    seed: int = SEED
    """Where chance begins: the same, the same figures."""


def seeded(question: ShareQuestion) -> Iterator[tuple[CacheRange, Generator]]:
    """Yield the caches of a question in chunks, each with its own chance."""
    chunks = list(ranges(question.population))
    for caches, seed in zip(chunks, SeedSequence(question.seed).spawn(len(chunks)), strict=True):
        yield caches, Generator(SFC64(seed))


def shares_at(
    question: ShareQuestion, seconds: Sequence[float], progress: Progress | None = None
) -> Shares:
    """Return the shares at some moments, one row a kind of resolvers.

    Args:
        question: What is asked.
        seconds: The moments, in seconds of the plan's clock.
        progress: Called as caches are done.
    """
    moments = np.array(sorted(set(seconds)), dtype=np.float64)
    chunks = list(seeded(question))
    kinds = question.population.resolvers
    total = np.zeros((len(kinds), 5, len(moments)))
    done, caches = 0, question.population.cache_count
    workers = min(len(chunks), os.cpu_count() or 1)
    with ThreadPoolExecutor(workers) as pool:
        works = pool.map(partial(_chunk, question, moments), chunks)
        for (chunk, _), sums in zip(chunks, works, strict=True):
            total[kinds.index(chunk.kind)] += sums
            done += chunk.end - chunk.first
            if progress:
                progress(done, caches)
    parts = np.array([kind.share or 1.0 for kind in kinds])
    means = np.clip(total / parts[:, None, None], 0, 1)
    return Shares(moments, *(means[:, figure] for figure in range(5)))


def _chunk(
    question: ShareQuestion, moments: FloatArray, chunk: tuple[CacheRange, Generator]
) -> FloatArray:
    """Return the sums over the cells of some caches: a figure a row, a moment a column."""
    caches, rng = chunk
    plan, kind = question.plan, caches.kind
    cells = draw_cells(caches, question.population, question.requests_per_second, rng)
    life = kind.life_seconds(question.answers.ttl_seconds)
    lives = question.answers.lives(kind)
    empty = question.answers.empty_ttl_seconds is not None
    alike = not empty and lives.cdn == lives.direct
    carried = None if alike else Carried(cells, lives, plan, rng)
    sums = np.zeros((5, len(moments)))
    for number, at in enumerate(moments):
        changed = plan.last_change(float(at))
        a = equally_long(cells, life, plan, float(at), rng)
        a_sum, a_moved = (
            part_where(cells.part, a.on_cdn),
            part_where(cells.part, (a.fetched >= changed).astype(np.float64)),
        )
        if carried is None:
            # Clients that prefer IPv6 follow AAAA, whose copies do as A's: one law, one figure.
            sums[:, number] = a_sum, a_sum, a_sum, a_moved, a_moved
            continue
        aaaa = carried.find(float(at))
        both = aaaa.on_cdn + (1 - aaaa.on_cdn) * a.on_cdn
        aaaa_moved = part_where(cells.part, (aaaa.fetched >= changed).astype(np.float64))
        sums[:, number] = (
            a_sum,
            part_where(cells.part, aaaa.on_cdn),
            part_where(cells.part, both),
            a_moved,
            aaaa_moved,
        )
    return sums


def in_balance(question: ShareQuestion, weights: Sequence[float]) -> Sequence[Shares]:
    """Return the shares long after a change to each of some weights, a kind a row."""
    kinds = question.population.resolvers
    sums = np.zeros((len(weights), len(kinds)))
    for caches, rng in seeded(question):
        cells = draw_cells(caches, question.population, question.requests_per_second, rng)
        lives = question.answers.lives(caches.kind)
        for number, weight in enumerate(weights):
            chance = chance_in_balance(cells.gap, lives, weight)
            sums[number, kinds.index(caches.kind)] += part_where(cells.part, chance)
    parts = np.array([kind.share or 1.0 for kind in kinds])
    found: list[Shares] = []
    for weight, chances in zip(weights, np.clip(sums / parts, 0, 1), strict=True):
        a = np.full((len(kinds), 1), weight)
        aaaa = chances[:, None]
        empty = question.answers.empty_ttl_seconds is not None
        dual = aaaa + (1 - aaaa) * a if empty else aaaa
        found.append(Shares(np.array([np.inf]), a, aaaa, dual, np.ones_like(a), np.ones_like(a)))
    return found


def seconds_to_move(question: ShareQuestion, quantiles: Sequence[float]) -> tuple[float, ...]:
    """Return after how many seconds parts of the requests have a copy newer than a change.

    It is the age of the copy plus what lies between look-up and request: a copy of age a, found by
    somebody who looks at a random moment, has as much of its life before it as behind it.

    Args:
        question: What is asked; of its answers those of A.
        quantiles: The parts, 0 to 1.
    """
    ages: list[NDArray[np.float32]] = []
    parts: list[NDArray[np.float32]] = []
    for caches, rng in seeded(question):
        cells = draw_cells(caches, question.population, question.requests_per_second, rng)
        life = caches.kind.life_seconds(question.answers.ttl_seconds)
        # Single precision: of ten million caches both arrays have to be there at once.
        ages.append((cells.delay + copy_ages(cells, life, rng)).astype(np.float32))
        parts.append(cells.part.astype(np.float32))
    age, part = np.concatenate(ages), np.concatenate(parts)
    order = np.argsort(age)
    below: FloatArray = np.cumsum(part[order], dtype=np.float64)
    levels: FloatArray = np.array(quantiles, dtype=np.float64) * float(below[-1])
    places = np.searchsorted(below, levels).tolist()
    return tuple(float(age[order[min(place, len(order) - 1)]]) for place in places)
