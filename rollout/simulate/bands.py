"""How far a share may be from what is expected, because whole caches move.

A figure of `shares` is the mean over what could happen. What happens is one draw: a cache with a
tenth of all requests is on one path or the other. Its standard deviation at one moment is
sqrt(w (1 - w) sum q^2), q being each cache's part; with few large caches the law is so skewed that
this says little, so the largest caches are drawn one by one, and only the rest by its variance.

Clients' own caches and connections smooth what their resolver does; that is left out, so a band is
rather too wide than too narrow.
"""

from typing import Final

import numpy as np
from numpy.random import SFC64, Generator

from rollout.simulate.cells import part_where, ranges
from rollout.simulate.figures import Band
from rollout.simulate.population import Population
from rollout.simulate.weights import FloatArray

LARGEST: Final = 256
"""Caches that are drawn one by one."""

WORLDS: Final = 500
"""How often."""

BAND: Final = (0.05, 0.95)
"""What lies outside of a band: one in twenty below, one in twenty above."""


class CacheCrowd:
    """The caches of a population by size, and the draws that bands are made of."""

    def __init__(self, population: Population, seed: int) -> None:
        """Find the largest caches.

        Args:
            population: Whose caches.
            seed: Where chance begins; the same draws serve all moments, so that bands are smooth.
        """
        kinds = population.resolvers
        largest = np.zeros(0)
        kind_of = np.zeros(0, dtype=np.int64)
        squares = np.zeros(len(kinds))
        for chunk in ranges(population):
            number = kinds.index(chunk.kind)
            parts = chunk.parts()
            squares[number] += part_where(parts, parts)
            largest = np.concatenate((largest, parts[: LARGEST * 4]))
            kind_of = np.concatenate((kind_of, np.full(min(len(parts), LARGEST * 4), number)))
            first = np.argsort(-largest, kind="stable")[:LARGEST]
            largest, kind_of = largest[first], kind_of[first]
        self._parts = largest
        self._kinds = kind_of
        self._shares = np.array([kind.share for kind in kinds])
        drawn = np.bincount(kind_of, weights=largest, minlength=len(kinds))
        drawn_squares = np.bincount(kind_of, weights=largest**2, minlength=len(kinds))
        self._rest = np.maximum(self._shares - drawn, 0)
        self._rest_squares = np.maximum(squares - drawn_squares, 0)
        self.effective_caches = float(1 / squares.sum())
        """1 / sum q^2: so many caches of equal size would vary as much."""
        rng = Generator(SFC64(seed))
        self._uniform = rng.random((WORLDS, len(largest)))
        self._normal = rng.standard_normal(WORLDS)
        self._rng = rng

    def band(self, chances: FloatArray, draws: float = 1.0) -> Band:
        """Return the band of a share.

        Args:
            chances: The expected share of each kind of resolvers.
            draws: How many answers one after the other it is the mean of.
        """
        expected = float(self._shares @ chances)
        chance = chances[self._kinds]
        count = max(1, round(draws))
        if count == 1:
            moved = _sums((self._uniform < chance).astype(np.float64), self._parts)
        else:
            size = self._uniform.shape
            moves = self._rng.binomial(count, np.broadcast_to(chance, size)) / count
            moved = _sums(moves, self._parts)
        spread = np.sqrt((chances * (1 - chances) * self._rest_squares).sum() / count)
        worlds = np.clip(moved + self._rest @ chances + spread * self._normal, 0, 1)
        low, high = np.quantile(worlds, BAND)
        return Band(
            expected=expected, low=min(float(low), expected), high=max(float(high), expected)
        )


def _sums(worlds: FloatArray, parts: FloatArray) -> FloatArray:
    """Return what moved in each world; not by BLAS, whose last digits depend on its threads."""
    return np.einsum("ij,j->i", worlds, parts)
