"""The copies of answers in caches, at the times asked for and at no others.

**The question.** Which answer does a cache give at time t? It fetches an answer, drawn by the
weight of that moment, keeps it for its life, waits for the next query, fetches again. Ten million
caches that fetch every minute for fourteen days make 2 x 10^11 fetches; nobody wants to see them.

**Where all answers live equally long** the times of the fetches do not depend on what was drawn, so
the process in time is stationary whatever the weights do. At any moment a request finds, with
probability T / (T + g), a copy whose age is uniform on (0, T), and else has one fetched (T the
life, g the mean gap until the next query). Its weight is that of the moment of the fetch. So one
draw for each time asked for is exact, and the probability, not a path, is what is summed up.

**Where they do not** (an empty AAAA lives 900 seconds, one that leads to CloudFront 60) times and
paths are one process. Within a step it becomes stationary: then a phase is cdn's, direct's or a gap
in proportion to w T_c : (1 - w) T_d : g, and what is left of it is uniform. So a state is carried,
fetch by fetch, only from a change of weight until `SETTLED` lives later, and drawn anew after that.
tests/rollout/simulate compares both ways with an event loop that takes nothing for granted.

Source: renewal theory (Cox, Renewal Theory, 1962, chapters 5 and 7); Poisson arrivals see time
averages (Wolff, Operations Research 30, 1982).
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from rollout.simulate.cells import Cells
from rollout.simulate.weights import FloatArray, WeightPlan

SETTLED: Final = 4.0
"""After so many lives of the longer answer since a change, the state is drawn and not carried.

What is left of the change by then is half a point at most, where a busy cache's AAAA goes from 0 to
50 % at once and direct's is empty, and a third of one from 25 to 50 %; in rarer queries it is less.
"""


ENDLESS: Final = 1e12
"""Seconds that nobody waits for."""


@dataclass(frozen=True)
class Lives:
    """How long answers are kept, by where they lead."""

    cdn: float
    """Seconds of one that leads to cdn."""
    direct: float
    """Seconds of one that leads to direct, or is empty."""


@dataclass(frozen=True)
class Found:
    """What requests find at one moment, cell by cell."""

    on_cdn: FloatArray
    """Probability that the copy leads to cdn: between 0 and 1, or one of the two."""
    fetched: FloatArray
    """When it was fetched."""


def copy_ages(cells: Cells, life: float, rng: Generator) -> FloatArray:
    """Return how old the copies are that look-ups find, where all live equally long."""
    count = len(cells.part)
    ages = rng.random(count) * life
    if not cells.gap.any():
        return ages
    with np.errstate(invalid="ignore"):
        missed = rng.random(count) * (cells.gap + life) >= life
    missed |= np.isinf(cells.gap)
    # The first query after the end gets the old copy, if the resolver gives expired ones.
    gap = np.where(np.isinf(cells.gap), 0, cells.gap)
    late = life + rng.standard_exponential(count) * gap if cells.kind.serve_expired else 0.0
    return np.where(missed, late, ages)


def equally_long(cells: Cells, life: float, plan: WeightPlan, at: float, rng: Generator) -> Found:
    """Return what requests find at a moment, where all answers live equally long: exact."""
    latest = at - float(cells.delay.max()) - life
    if not cells.kind.serve_expired and latest >= plan.last_change(at):
        # Nothing that anybody has is older than the last change: no age needs to be drawn.
        return Found(np.full(len(cells.part), plan.value_at(at)), np.full(len(cells.part), at))
    fetched = at - cells.delay - copy_ages(cells, life, rng)
    return Found(plan.at(fetched), fetched)


def chance_in_balance(gap: FloatArray, lives: Lives, weight: float) -> FloatArray:
    """Return the probability that a request finds cdn long after a change.

    A request in a gap is the next query, so what it finds is drawn (or, of a resolver that gives
    expired answers, was drawn) by the weight.

    Args:
        gap: Mean time from the end of an answer's life to the next query, cell by cell.
        lives: How long answers are kept.
        weight: Share of the answers that lead to cdn.
    """
    waited = np.minimum(gap, ENDLESS)
    cdn = weight * (lives.cdn + waited)
    return cdn / (cdn + (1 - weight) * (lives.direct + waited))


class Carried:
    """Copies whose lives differ by where they lead; asked for moments in their order."""

    def __init__(self, cells: Cells, lives: Lives, plan: WeightPlan, rng: Generator) -> None:
        """Begin before the first change of the plan, in balance with what was before."""
        self._cells, self._lives, self._plan, self._rng = cells, lives, plan, rng
        count = len(cells.part)
        self._gap = np.minimum(cells.gap, ENDLESS)
        self._is_busy = not self._gap.any()
        self._now = np.full(count, -np.inf)
        self._cdn = np.zeros(count, dtype=np.bool_)
        self._fetched = np.zeros(count)
        self._ends = np.zeros(count)
        self._next = np.zeros(count)
        self._balance = np.zeros(count)

    def find(self, at: float) -> Found:
        """Return what requests find at a moment, which is not before the last one asked for."""
        clock = at - self._cells.delay
        self._advance(clock)
        held = clock < self._ends
        if self._cells.kind.serve_expired:
            held = np.ones_like(held)
        drawn = self._plan.at(clock)
        settled = ~np.isnan(self._balance)
        on_cdn = np.where(settled, self._balance, np.where(held, self._cdn, drawn))
        if not self._cells.kind.serve_expired:
            # Whatever was there at the change has ended, and been fetched anew.
            held &= ~settled
        return Found(on_cdn, np.where(held, self._fetched, clock))

    def _advance(self, clock: FloatArray) -> None:
        """Bring every cell to its own moment, over each change of the weight on the way."""
        self._balance[:] = np.nan
        earliest, latest = self._now.min(), clock.max()
        bounds = [-np.inf, *self._plan.starts, np.inf]
        for step, (begin, end) in enumerate(pairwise(bounds)):
            if end <= earliest or begin > latest:
                continue
            (index,) = np.nonzero((self._now < end) & (clock >= begin))
            if not len(index):
                continue
            weight = float(self._plan.values[step])
            until = np.minimum(clock[index], end)
            long = until - begin > self._settled(weight)
            fresh = index[long]
            if len(fresh):
                # Where the moment asked for is settled itself, the probability is known, and no
                # state is needed: what comes later is settled too, or begins from the step's end.
                inside = clock[fresh] < end
                known = fresh[inside]
                self._balance[known] = chance_in_balance(self._gap[known], self._lives, weight)
                drawn = fresh if self._cells.kind.serve_expired else fresh[~inside]
                if len(drawn):
                    self._draw(drawn, np.minimum(clock[drawn], end), weight)
            self._cycle(index[~long], until[~long], weight)
        self._now = clock

    def _settled(self, weight: float) -> float:
        """Return how long after a change of weight the state is as good as in balance.

        Where every answer is the same one, a life is enough: what was before is fetched anew by
        then, or is by the very request, unless that still gets the expired answer.
        """
        certain = weight in (0, 1) and not self._cells.kind.serve_expired
        return (1.0 if certain else SETTLED) * max(self._lives.cdn, self._lives.direct)

    def _draw(self, index: NDArray[np.intp], at: FloatArray, weight: float) -> None:
        """Draw states in balance with a weight."""
        count, rng = len(index), self._rng
        cdn, direct = weight * self._lives.cdn, (1 - weight) * self._lives.direct
        gap = self._gap[index]
        place = rng.random(count) * (cdn + direct + gap)
        on_cdn = place < cdn
        empty = place >= cdn + direct
        if empty.any():
            on_cdn |= empty & (rng.random(count) < weight)
        life = np.where(on_cdn, self._lives.cdn, self._lives.direct)
        left = np.where(empty, 0, rng.random(count) * life)
        waited = np.where(empty, rng.standard_exponential(count) * gap, 0)
        self._cdn[index] = on_cdn
        self._ends[index] = at + left - waited
        self._fetched[index] = self._ends[index] - life
        self._next[index] = at + left + rng.standard_exponential(count) * gap

    def _cycle(self, index: NDArray[np.intp], until: FloatArray, weight: float) -> None:
        """Carry states fetch by fetch; each is written when its last fetch is known."""
        rng, lives = self._rng, self._lives
        due = self._next[index] < until
        index, until = index[due], until[due]
        following = self._next[index]
        while len(index):
            on_cdn = rng.random(len(index)) < weight
            fetched = following
            ends = fetched + np.where(on_cdn, lives.cdn, lives.direct)
            following = ends
            if not self._is_busy:
                following = ends + rng.standard_exponential(len(index)) * self._gap[index]
            last = following >= until
            done = index[last]
            self._cdn[done], self._fetched[done] = on_cdn[last], fetched[last]
            self._ends[done], self._next[done] = ends[last], following[last]
            index, until, following = index[~last], until[~last], following[~last]
