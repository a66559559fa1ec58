"""What a step exposes, as three figures, and what is met after a rollback.

One figure misleads. A hundredth of the *requests* of an hour is not a hundredth of the *clients*:
Route 53 draws anew at each refresh, without memory, so after an hour of a TTL of 60 seconds 45 % of
busy clients have been on cdn at least once, for a while. And at one moment the *largest cache* may
carry all of its requests there, whatever the weight.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from rollout.simulate.cells import Cells, draw_cells, largest_part, part_where
from rollout.simulate.copies import ENDLESS, Lives, copy_ages
from rollout.simulate.shares import ShareQuestion, seeded
from rollout.simulate.weights import FloatArray, WeightPlan

ClientKind = Literal["ipv4", "ipv6", "ipv6-only"]
"""Clients that follow A, that have both families and prefer IPv6, and that have IPv6 alone."""


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
    not cdn's lives as direct's answers do, so n draws take n such lives: 1 - (1 - w)^n. Begun lives
    count by their part, as caches ask at phases of their own: see `unmet`. All clients count as
    equally active, and each as one that stays.

    Args:
        question: What is asked.
        seconds: The moments; the time before the first change does not count.
    """
    kinds = question.population.resolvers
    held = [_held(question.plan, each) for each in seconds]
    sums = np.zeros((len(seconds), 3, len(kinds)))
    for caches, rng in seeded(question):
        cells = draw_cells(caches, question.population, question.requests_per_second, rng)
        rates = _rates(question, cells)
        number = kinds.index(caches.kind)
        for place, rate in enumerate(rates):
            # Of the steps that are over by then, for whoever comes after them.
            over: list[FloatArray] = [np.ones_like(rate)]
            for moment, steps in enumerate(held):
                if not steps:
                    continue
                for step in steps[len(over) - 1 : -1]:
                    over.append(over[-1] * unmet(rate, *step))
                left = over[len(steps) - 1] * unmet(rate, *steps[-1])
                sums[moment, place, number] += part_where(cells.part, 1 - left)
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


def meeting_rates(question: ShareQuestion, count: int) -> Mapping[ClientKind, FloatArray]:
    """Return how many draws a second some clients have, who stand for all.

    Args:
        question: What is asked.
        count: How many clients.
    """
    parts: list[FloatArray] = []
    rates: list[tuple[FloatArray, FloatArray, FloatArray]] = []
    for caches, rng in seeded(question):
        cells = draw_cells(caches, question.population, question.requests_per_second, rng)
        parts.append(cells.part)
        rates.append(_rates(question, cells))
    # At equal distances on the line of all requests, so that every kind has its part.
    below: FloatArray = np.cumsum(np.concatenate(parts))
    levels: FloatArray = (np.arange(count) + 0.5) / count * float(below[-1])
    places = np.searchsorted(below, levels)
    kinds: tuple[ClientKind, ...] = ("ipv4", "ipv6", "ipv6-only")
    return {
        kind: np.concatenate(each)[places]
        for kind, each in zip(kinds, zip(*rates, strict=True), strict=True)
    }


def unmet(rate: FloatArray, weight: float, seconds: float) -> FloatArray:
    """Return the probability that no draw of a client leads to cdn while a weight is held.

    Caches ask at phases of their own, so of n = rate x seconds draws all have floor(n), and the
    part n - floor(n) has one more. (1 - w)^n would say that half a TTL after a switch of everything
    everybody is there, and half of them are.

    Args:
        rate: Draws a second of each client.
        weight: Share of the answers that lead to cdn.
        seconds: How long it is held.
    """
    draws = rate * seconds
    whole = np.floor(draws)
    all_elsewhere = whole < 1 if weight == 1 else np.exp(whole * math.log1p(-weight))
    return all_elsewhere * (1 - weight * (draws - whole))


def _held(plan: WeightPlan, seconds: float) -> Sequence[tuple[float, float]]:
    """Return the weights from the first change to a moment, each with how long it is held."""
    ends = [*plan.starts[1:], np.inf]
    spans = zip(plan.values[1:], plan.starts, ends, strict=True)
    return [
        (float(weight), float(min(end, seconds) - begin))
        for weight, begin, end in spans
        if weight > 0 and min(end, seconds) > begin
    ]


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
    TTL T. Where lives of AAAA differ, `_differing_rest` says what is met.

    Args:
        question: What is asked; its plan does not contain the rollback.
        seconds: When it may be: a change at that very moment is not made any more.
    """
    plan, families = question.plan, question.population.families
    moments = [float(np.nextafter(each, -np.inf)) for each in seconds]
    totals = [float(plan.total(np.array([each]))[0]) for each in moments]
    a, aaaa = np.zeros(len(moments)), np.zeros(len(moments))
    for caches, rng in seeded(question):
        cells = draw_cells(caches, question.population, question.requests_per_second, rng)
        life = caches.kind.life_seconds(question.answers.ttl_seconds)
        lives = question.answers.lives(caches.kind)
        age = cells.delay + copy_ages(cells, life, rng)
        gap = np.minimum(cells.gap, ENDLESS)
        for number, (at, total) in enumerate(zip(moments, totals, strict=True)):
            rest = part_where(cells.part, total - plan.total(at - age))
            a[number] += rest
            if lives.cdn == lives.direct:
                aaaa[number] += rest
                continue
            aaaa[number] += part_where(
                cells.part, _differing_rest(plan, at, lives, gap, cells.delay)
            )
    # Where AAAA is empty, those that have both follow A, so what is met over both copies adds up.
    # What both lead to at the same time is counted twice: a share of a share, and on the safe side.
    empty = question.answers.empty_ttl_seconds is not None
    dual = aaaa + a if empty else aaaa
    total = families.use_ipv4 * a + families.prefer_ipv6 * dual + families.ipv6_only_share * aaaa
    return tuple(Rest(*map(float, each)) for each in zip(a, dual, total, strict=True))


def _differing_rest(
    plan: WeightPlan, at: float, lives: Lives, gap: FloatArray, delay: FloatArray
) -> FloatArray:
    """Return what is met after a rollback where answers live differently long, cell by cell.

    Copies that lead to cdn at the rollback were fetched in the life before it. Fetches come once in
    a mean cycle, w T_c + (1 - w) T_d + g, but not at once after a change: until the first answers
    of the new weight have ended they come as often as before it, and then each of them is followed
    by one more. Clients' own delay adds what found cdn while it lasts.

    Args:
        plan: The weights, without the rollback.
        at: When it is.
        lives: How long answers are kept.
        gap: Mean time from the end of an answer's life to the next query.
        delay: How long before a request its name was looked up.
    """
    result = np.zeros_like(gap)
    bounds = [-np.inf, *plan.starts, np.inf]
    before = plan.values[0]
    longest = max(lives.cdn, float(delay.max()))
    for begin, end, weight in zip(bounds[:-1], bounds[1:], plan.values, strict=True):
        if begin >= at:
            break
        if end <= at - longest or weight == 0:  # nothing is left of it
            before = weight
            continue
        often = _fetches(lives, gap, weight)
        young = at - begin < lives.direct + gap  # something from before the change is left
        if young.any():
            earlier = _fetches(lives, gap, before)
            draws = np.floor((at - begin) / (lives.cdn + gap))
            often = np.where(young, _after_change(earlier, before, weight, draws), often)
        until = min(end, at)
        # Those fetched s seconds before the rollback live on for T_c - s.
        oldest, newest = min(at - begin, lives.cdn), min(at - until, lives.cdn)
        lasting = lives.cdn * (oldest - newest) - (oldest**2 - newest**2) / 2
        looked_up = np.minimum(at - begin, delay) - np.minimum(at - until, delay)
        result += often * weight * (lasting + (lives.cdn + gap) * looked_up)
        before = weight
    return result


def _fetches(lives: Lives, gap: FloatArray, weight: float) -> FloatArray:
    """Return how many fetches a second come in balance with a weight."""
    return 1 / np.maximum(weight * lives.cdn + (1 - weight) * lives.direct + gap, 1e-9)


def _after_change(
    earlier: FloatArray, before: float, weight: float, draws: FloatArray
) -> FloatArray:
    """Return how many fetches a second come when so many lives of cdn's answers are over.

    With f of them earlier, (1 - before) f go on coming from what lived for long, and each that led
    to cdn is followed by another: g(k) = (1 - before) f + w g(k - 1), g(0) = f.
    """
    steady = (1 - before) * earlier
    if weight == 1:
        return earlier + draws * steady
    limit = steady / (1 - weight)
    return limit + (earlier - limit) * np.exp(draws * math.log(weight))
