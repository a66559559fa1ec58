"""What a step exposes, as three figures, and what is met after a rollback.

One figure misleads. A hundredth of the *requests* of an hour is not a hundredth of the *clients*:
Route 53 draws anew at each refresh, without memory, so after an hour of a TTL of 60 seconds 45 % of
busy clients have been on cdn at least once, for a while. And at one moment the *largest cache* may
carry all of its requests there, whatever the weight.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from rollout.simulate.cells import Cells, draw_cells, largest_part, part_where
from rollout.simulate.copies import ENDLESS, copy_ages
from rollout.simulate.figures import Family
from rollout.simulate.shares import ShareQuestion, seeded
from rollout.simulate.weights import FloatArray, WeightPlan

CERTAIN: Final = 1 - 1e-15
"""A weight of 1 in logarithms: log(0) times no time at all is nothing that could be added up."""


@dataclass(frozen=True)
class Met:
    """The clients that have been on cdn at least once, by kind of resolvers; each 0 to 1."""

    a: FloatArray
    """Of those that follow A."""
    dual: FloatArray
    """Of those that have both families and prefer IPv6."""
    aaaa: FloatArray
    """Of those with IPv6 alone."""

    def total(self, question: ShareQuestion) -> FloatArray:
        """Return it of all clients, by kind of resolvers."""
        families = question.population.families
        return (
            families.use_ipv4 * self.a
            + families.prefer_ipv6 * self.dual
            + families.ipv6_only_share * self.aaaa
        )


def met_by(question: ShareQuestion, seconds: Sequence[float]) -> tuple[Met, ...]:
    """Return which clients have been on cdn by some moments.

    A client has another draw as often as it looks up and the answer before has ended. One that is
    not cdn's lives as direct's answers do, so n draws take n such lives: 1 - (1 - w)^n. All clients
    count as equally active, and each as one that stays.

    Args:
        question: What is asked.
        seconds: The moments; the time before the first change does not count.
    """
    kinds = question.population.resolvers
    # The exponent of a client with one draw a second; infinite where everybody is on cdn.
    exponents = [_exponent(question.plan, each) for each in seconds]
    sums = np.zeros((len(seconds), 3, len(kinds)))
    for caches, rng in seeded(question):
        cells = draw_cells(caches, question.population, question.requests_per_second, rng)
        rates = _rates(question, cells)
        number = kinds.index(caches.kind)
        for moment, exponent in enumerate(exponents):
            if exponent:
                sums[moment, :, number] += [
                    -part_where(cells.part, np.expm1(exponent * rate)) for rate in rates
                ]
    parts = np.array([kind.share or 1.0 for kind in kinds])
    return tuple(Met(*each) for each in np.clip(sums / parts, 0, 1))


def _rates(question: ShareQuestion, cells: Cells) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return how many draws a second a client has: of A, of both names' answers, of AAAA."""
    kind, answers = cells.kind, question.answers
    life = kind.life_seconds(answers.ttl_seconds)
    a_rate = 1 / np.maximum(life + cells.gap, cells.renewal)
    aaaa_rate = 1 / np.maximum(answers.lives(kind).direct + cells.gap, cells.renewal)
    # AAAA that is not empty decides alone; where it is empty until cdn's, A does beside it.
    empty = answers.empty_ttl_seconds is not None
    return a_rate, a_rate + aaaa_rate if empty else aaaa_rate, aaaa_rate


def meeting_rates(question: ShareQuestion, count: int) -> Mapping[Family, FloatArray]:
    """Return how many draws a second some clients have, who stand for all.

    Args:
        question: What is asked.
        count: How many clients.
    """
    parts: list[FloatArray] = []
    rates: dict[Family, list[FloatArray]] = {"ipv4": [], "ipv6": []}
    for caches, rng in seeded(question):
        cells = draw_cells(caches, question.population, question.requests_per_second, rng)
        a_rate, dual_rate, _ = _rates(question, cells)
        parts.append(cells.part)
        rates["ipv4"].append(a_rate)
        rates["ipv6"].append(dual_rate)
    # At equal distances on the line of all requests, so that every kind has its part.
    below: FloatArray = np.cumsum(np.concatenate(parts))
    levels: FloatArray = (np.arange(count) + 0.5) / count * float(below[-1])
    places = np.searchsorted(below, levels)
    return {family: np.concatenate(each)[places] for family, each in rates.items()}


def _exponent(plan: WeightPlan, seconds: float) -> float:
    """Return the integral of log(1 - weight) from the first change to a moment."""
    total = 0.0
    ends = [*plan.starts[1:], np.inf]
    for begin, end, weight in zip(plan.starts, ends, plan.values[1:], strict=True):
        held = min(end, seconds) - begin
        if held > 0 and weight > 0:
            # What is left of everybody after one draw at weight 1 is nobody.
            total += held * math.log1p(-min(weight, CERTAIN))
    return float(total)


def largest_refresh(question: ShareQuestion) -> float:
    """Return how many requests the largest cache carries to cdn with one answer."""
    return question.requests_per_second * max(
        kind.share * largest_part(kind) * kind.life_seconds(question.answers.ttl_seconds)
        for kind in question.population.resolvers
    )


@dataclass(frozen=True)
class Rest:
    """What is still met on cdn after a rollback, in seconds of the full traffic of its clients."""

    a: float
    """By clients that follow A."""
    dual: float
    """By clients that have both families and prefer IPv6."""
    total: float
    """By all, in seconds of all traffic."""


def rest_after(question: ShareQuestion, seconds: Sequence[float]) -> tuple[Rest, ...]:
    """Return what is met on cdn after the weight of cdn goes to 0, at one of some moments.

    A request at t goes where the answer leads that was fetched at t - B, B being the age of the
    copy and the delay of the client. So what is met after R is the integral of the weight from R -
    B to R, in the mean over B: with a constant weight w it is w E[B], and T/2 for a busy cache of
    TTL T. Answers of AAAA that lead to cdn are as many as in balance with the last weight, and what
    is left of them is half of their life.

    Args:
        question: What is asked; its plan does not contain the rollback.
        seconds: When it may be: a change at that very moment is not made any more.
    """
    plan, families = question.plan, question.population.families
    moments = [float(np.nextafter(each, -np.inf)) for each in seconds]
    totals = [float(plan.total(np.array([each]))[0]) for each in moments]
    weights = [float(plan.at(np.array([each]))[0]) for each in moments]
    a, aaaa = np.zeros(len(moments)), np.zeros(len(moments))
    for caches, rng in seeded(question):
        cells = draw_cells(caches, question.population, question.requests_per_second, rng)
        life = caches.kind.life_seconds(question.answers.ttl_seconds)
        lives = question.answers.lives(caches.kind)
        age = cells.delay + copy_ages(cells, life, rng)
        gap = np.minimum(cells.gap, ENDLESS)
        for number, (at, total, weight) in enumerate(zip(moments, totals, weights, strict=True)):
            rest = part_where(cells.part, total - plan.total(at - age))
            a[number] += rest
            if lives.cdn == lives.direct:
                aaaa[number] += rest
                continue
            cycle = weight * lives.cdn + (1 - weight) * lives.direct + gap
            held, found = weight * lives.cdn / cycle, weight * (lives.cdn + gap) / cycle
            aaaa[number] += part_where(cells.part, held * lives.cdn / 2 + found * cells.delay)
    # Where AAAA is empty, those that have both follow A, so what is met over both copies adds up.
    # What both lead to at the same time is counted twice: a share of a share, and on the safe side.
    empty = question.answers.empty_ttl_seconds is not None
    dual = aaaa + a if empty else aaaa
    total = families.use_ipv4 * a + families.prefer_ipv6 * dual + families.ipv6_only_share * aaaa
    return tuple(Rest(*map(float, each)) for each in zip(a, dual, total, strict=True))
