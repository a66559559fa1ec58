"""Counts of a step as weighted DNS makes them: whole caches move, with their clients and errors.

Each cache asks once in the life of an answer, at a phase of its own, and is told cdn with the
probability of the weight; all its clients follow for as long. Caches have Zipf sizes, and error
shares of their own, log-normal with a spread sigma, that are the same on both paths: so an honest
gate has nothing to find. Shocks raise the error share of everybody in an interval.

Where it differs from what is: a cache has one answer at a time (no farm of caches behind one
address), all obey the TTL, and its clients ask it anew at every request.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from rollout.statistics.counts import Counts

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class CacheTraffic:
    """Who sends requests, and how many fail on the old path."""

    requests_per_second: float = 100.0
    """On both paths together."""
    direct_share: float = 0.001
    """Mean error share over all requests."""
    sigma: float = 1.0
    """Spread of the caches' own error shares: the standard deviation of their logarithms."""
    shocks: float = 0.0
    """The same for the factor that all share in an interval."""
    caches: int = 2000
    """How many there are, of sizes 1, 1/2, 1/3 …"""
    interval_seconds: float = 60.0
    """How long an interval lasts."""
    answer_intervals: int = 1
    """How many intervals each cache keeps an answer: its TTL."""

    def sizes(self) -> Floats:
        """Return the share of the requests of each cache."""
        sizes = 1 / np.arange(1, self.caches + 1)
        return sizes / sizes.sum()

    def error_shares(self, generator: Generator) -> Floats:
        """Draw the error share of each cache; no more than half of its requests fail."""
        sizes = self.sizes()
        factors = np.exp(generator.normal(0.0, self.sigma, self.caches))
        return np.minimum(self.direct_share * factors / (sizes @ factors), 0.5)


def shift_counts(
    generator: Generator,
    traffic: CacheTraffic,
    weights: Sequence[float],
    intervals: int,
    ratio: float = 1.0,
) -> list[Counts]:
    """Draw one stream's counts for each step of a shift.

    Args:
        generator: What draws.
        traffic: Who sends requests.
        weights: Probability of cdn in each step, from 0 to 1; before the first it is 0.
        intervals: How many each step lasts, one TTL each.
        ratio: How many times as often requests fail on cdn.
    """
    sizes, errors = traffic.sizes(), traffic.error_shares(generator)
    phases = generator.random(traffic.caches)
    requests = traffic.requests_per_second * traffic.interval_seconds
    # What a draw brings to the interval in which it is made, and to the next.
    now, later = requests * sizes * (1 - phases), requests * sizes * phases
    columns = np.stack([now, later, now * errors, later * errors], axis=1).astype(np.float32)
    drawn = generator.random((1, traffic.caches), dtype=np.float32) < 0
    steps: list[Counts] = []
    for weight in weights:
        answers = -(-intervals // traffic.answer_intervals)
        fresh = generator.random((answers, traffic.caches), dtype=np.float32) < weight
        moved = _kept(np.concatenate([drawn[-1:], fresh]), intervals, traffic.answer_intervals)
        drawn = moved
        loads = (moved.astype(np.float32) @ columns).astype(np.float64)
        cdn, failing = loads[1:, 0] + loads[:-1, 1], loads[1:, 2] + loads[:-1, 3]
        shock = np.exp(generator.normal(-(traffic.shocks**2) / 2, traffic.shocks, intervals))
        steps.append(
            _counted(
                generator,
                (cdn, failing * shock * ratio),
                (requests - cdn, np.maximum(requests * (sizes @ errors) - failing, 0) * shock),
            )
        )
    return steps


def _kept(answers: NDArray[np.bool_], intervals: int, life: int) -> NDArray[np.bool_]:
    """Return what each cache answers in each interval, and in the one before the first.

    Args:
        answers: The answer from before, and those to come.
        intervals: How many intervals there are.
        life: How many of them an answer lives; caches ask one after the other.
    """
    if life == 1:
        return answers
    # A prime spreads large and small caches over all turns.
    turns = np.array([7919 * cache % life + 1 for cache in range(answers.shape[1])])
    places: NDArray[np.intp] = np.floor_divide(np.arange(intervals)[:, None] + turns, life)
    return np.concatenate([answers[:1], np.take_along_axis(answers, places, axis=0)])


def _counted(
    generator: Generator, cdn: tuple[Floats, Floats], direct: tuple[Floats, Floats]
) -> Counts:
    """Draw Poisson counts of requests and errors of both paths, given what is expected."""

    def drawn(expected: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
        requests = np.maximum(expected[0], 0.0)
        errors = generator.poisson(np.minimum(expected[1], requests))
        others = generator.poisson(np.maximum(requests - expected[1], 0.0))
        return errors.astype(np.float64), (errors + others).astype(np.float64)

    return Counts.of(cdn=drawn(cdn), direct=drawn(direct))


def stacked(streams: Sequence[Counts]) -> Counts:
    """Return streams of the same length as one, each a row."""
    return Counts(
        np.stack([each.cdn_errors for each in streams]),
        np.stack([each.cdn_requests for each in streams]),
        np.stack([each.direct_errors for each in streams]),
        np.stack([each.direct_requests for each in streams]),
    )
