"""Caches as a plain loop: one event after the other, nothing drawn that did not happen.

What `rollout.simulate` is measured against, in figures and in time. It takes nothing for granted:
each cache fetches, keeps, waits and fetches again from three lives before the first change on.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class PlainCaches:
    """Caches that are alike."""

    count: int
    """How many."""
    cdn_life: float
    """Seconds that an answer which leads to cdn is kept."""
    direct_life: float
    """Seconds that any other is kept."""
    gap: float = 0.0
    """Mean seconds from the end of an answer to the next query."""
    delay: float = 0.0
    """Longest life of a client's own copy, counted from when it got it; 0: it has none."""
    serve_expired: bool = False
    """Whether the first query after the end gets the old answer."""


@dataclass(frozen=True)
class PlainShares:
    """Shares at some moments."""

    on_cdn: list[float]
    """Of the requests that find cdn."""
    moved: list[float]
    """Of the requests whose copy is newer than the last change."""


def weight_at(changes: Sequence[tuple[float, float]], seconds: float) -> float:
    weight = 0.0
    for at, value in changes:
        if at <= seconds:
            weight = value
    return weight


def run(
    caches: PlainCaches,
    changes: Sequence[tuple[float, float]],
    asked: Sequence[float],
    seed: int = 1,
) -> PlainShares:
    """Return what requests find at some moments, by going through every fetch of every cache.

    Args:
        caches: The caches.
        changes: When the share of the answers that lead to cdn changes, and to what; 0 before.
        asked: The moments, in order.
        seed: Where chance begins.
    """
    chance = random.Random(seed)  # noqa: S311 - nothing is secret
    on_cdn, moved = [0] * len(asked), [0] * len(asked)
    for _ in range(caches.count):
        delay = chance.random() * caches.delay
        fetched = changes[0][0] - 3 * max(caches.cdn_life, caches.direct_life) - 3 * caches.gap
        fetched -= delay + chance.random() * (caches.direct_life + caches.gap)
        cdn, ends = False, fetched + caches.direct_life
        following = ends + (chance.expovariate(1 / caches.gap) if caches.gap else 0.0)
        for number, moment in enumerate(asked):
            clock = moment - delay
            while following <= clock:
                fetched = following
                cdn = chance.random() < weight_at(changes, fetched)
                ends = fetched + (caches.cdn_life if cdn else caches.direct_life)
                following = ends + (chance.expovariate(1 / caches.gap) if caches.gap else 0.0)
            found, since = cdn, fetched
            if clock >= ends and not caches.serve_expired:
                found, since = chance.random() < weight_at(changes, clock), clock
            changed = max((at for at, _ in changes if at <= moment), default=changes[0][0])
            on_cdn[number] += found
            moved[number] += since >= changed
    return PlainShares(
        [each / caches.count for each in on_cdn], [each / caches.count for each in moved]
    )
