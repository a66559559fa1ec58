"""Caches and the requests behind them, as arrays: a chunk at a time, so that memory stays bounded.

A cell is a part of the requests that share one cache, one kind of client and one delay between the
look-up and the request. A cache with many requests becomes several cells, each with a state of its
own, because a figure is the mean over what could happen, and one state for a tenth of all requests
is a poor mean. How much one cache moves at once is what `bands` is about, with whole caches.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.random import Generator

from rollout.simulate.population import Clients, Population, Resolvers
from rollout.simulate.weights import FloatArray

CHUNK_CACHES: Final = 1 << 15
"""Caches that are drawn at once: few enough that their arrays stay near the processor."""

FEWEST_CELLS: Final = 20_000
"""A population of few caches has so many cells at least: a share's standard error is 0.4 points at
most, and where all answers live equally long far less, because the weight at each fetch is
known."""


@dataclass(frozen=True)
class CacheRange:
    """Some caches of one kind of resolvers, by rank."""

    kind: Resolvers
    """The kind."""
    first: int
    """Rank of the first one, from 0."""
    end: int
    """Rank after the last one."""
    harmonic: float
    """What the parts of a Zipf kind are divided by."""

    def parts(self) -> FloatArray:
        """Return the part of all requests that each cache has."""
        sizes = self.kind.sizes
        if isinstance(sizes, tuple):
            return self.kind.share * np.array(sizes[self.first : self.end], dtype=np.float64)
        if sizes == "equal":
            return np.full(self.end - self.first, self.kind.share / self.kind.caches)
        ranks = np.arange(self.first + 1, self.end + 1, dtype=np.float64)
        return self.kind.share / (ranks * self.harmonic)


@dataclass(frozen=True)
class Cells:
    """Cells of one kind of resolvers."""

    kind: Resolvers
    """The kind."""
    part: FloatArray
    """Part of all requests."""
    gap: FloatArray
    """Mean time from the end of an answer's life to the next query, in seconds."""
    delay: FloatArray
    """How long before a request its name was looked up in the cache, in seconds."""
    renewal: FloatArray
    """Mean time between two look-ups of one client that can have different answers, in seconds, as
    far as the client decides it."""


def part_where(part: FloatArray, chance: FloatArray) -> float:
    """Return the part of the requests for which something is so.

    Not by BLAS, whose threads would wait for each other beside those that share the chunks.

    Args:
        part: Part of all requests of each cell.
        chance: Of each cell, the probability that it is so.
    """
    return float(np.einsum("i,i->", part, chance))


def harmonic(count: int) -> float:
    """Return the sum of 1/i up to a count: exact for few, to ten digits for many.

    Source: Euler-Maclaurin; NIST DLMF 5.11.2 with 2.10.
    """
    if count <= CHUNK_CACHES:
        return float(np.sum(1.0 / np.arange(1, count + 1)))
    return float(np.log(count) + np.euler_gamma + 0.5 / count - 1 / (12 * count**2))


def ranges(population: Population) -> Iterator[CacheRange]:
    """Yield the caches of a population in chunks."""
    for kind in population.resolvers:
        total = harmonic(kind.cache_count) if kind.sizes == "zipf" else 1.0
        for first in range(0, kind.cache_count, CHUNK_CACHES):
            yield CacheRange(kind, first, min(first + CHUNK_CACHES, kind.cache_count), total)


def largest_part(kind: Resolvers) -> float:
    """Return the part of the requests of a kind that its largest cache has."""
    if isinstance(kind.sizes, tuple):
        return max(kind.sizes)
    return 1 / (kind.caches if kind.sizes == "equal" else harmonic(kind.caches))


def draw_cells(
    caches: CacheRange, population: Population, requests_per_second: float, rng: Generator
) -> Cells:
    """Return the cells of some caches.

    Args:
        caches: The caches.
        population: Who they are a part of.
        requests_per_second: Rate of all requests, which says how busy each cache is.
        rng: Where chance comes from.
    """
    parts = caches.parts()
    copies = np.maximum(np.ceil(parts * FEWEST_CELLS), 1).astype(np.int64)
    if population.is_busy:
        gap = np.zeros(int(copies.sum()))
    else:
        rates = parts * (requests_per_second * population.queries_per_request)
        with np.errstate(divide="ignore"):
            gap = np.repeat(np.where(rates > 0, 1 / rates, np.inf), copies)
    part = np.repeat(parts / copies, copies)
    delay, renewal = draw_clients(population.clients, len(part), rng)
    return Cells(caches.kind, part, gap, delay, renewal)


def draw_clients(
    clients: tuple[Clients, ...], count: int, rng: Generator
) -> tuple[FloatArray, FloatArray]:
    """Return delay and renewal of some requests, each of a client of some kind.

    The age of a connection at a request has the density of its survival; the age of an answer in a
    client's own cache is uniform; a reused answer is as old as the visit before.
    """
    if len(clients) == 1:
        return _of_kind(clients[0], count, rng)
    shares = np.cumsum([kind.share for kind in clients])
    which = np.minimum(np.searchsorted(shares, rng.random(count), side="right"), len(clients) - 1)
    delay, renewal = np.zeros(count), np.zeros(count)
    for number, kind in enumerate(clients):
        (index,) = np.nonzero(which == number)
        delay[index], renewal[index] = _of_kind(kind, len(index), rng)
    return delay, renewal


def _of_kind(kind: Clients, count: int, rng: Generator) -> tuple[FloatArray, FloatArray]:
    delay = np.zeros(count)
    renewal = np.full(count, max(kind.lookup_gap_seconds, kind.cache_seconds))
    if kind.connection_seconds:
        delay += _connection_ages(kind, rng.random(count))
    if kind.cache_seconds:
        age = rng.random(count) * kind.cache_seconds
        if kind.own_answer_share < 1:
            age *= rng.random(count) < kind.own_answer_share
        delay += age
    if kind.reuse_share:
        reusing = rng.random(count) < kind.reuse_share
        delay += np.where(reusing, rng.exponential(kind.visit_seconds, count), 0)
        renewal = np.where(reusing, np.maximum(renewal, kind.visit_seconds), renewal)
    return delay, renewal


def _connection_ages(kind: Clients, uniform: FloatArray) -> FloatArray:
    """Return how old connections are at their requests."""
    life, run = kind.connection_seconds, kind.busy_run_seconds
    if np.isinf(run):
        return uniform * life
    return -run * np.log1p(uniform * np.expm1(-life / run))
