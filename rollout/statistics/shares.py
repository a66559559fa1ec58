"""Whether a share is what it was declared to be: an exact sequential test.

**The question.** A name server answers with weights: a fraction p of its answers is one path's. We
may ask as often as we like up to a budget and want to know whether p lies within a tolerance of
what was declared, to be wrong at most once in a hundred such questions, and to stop early.

**Why not the obvious ways.** "Ask 1,000 times and compare" wastes 900 questions where all users are
on the wrong path. Looking at a 99 % interval after every answer and stopping once it tells is wrong
far more often than once in a hundred: each look is a new chance to err, and with enough looks some
interval misses the truth almost surely (Armitage, McPherson, Rowe 1969). And the usual normal
approximation fails just where shifts begin and end, at shares near 0 and 1: after 64 answers
without a hit it says that the share is 0 with certainty.

**What is done.** Look only after n = 64, 128, 256 … answers (and once when the budget is used up).
Look k may err with probability a / (k (k + 1)), where a is 1 %; as 1/(k (k + 1)) = 1/k - 1/(k + 1),
all looks, however many, may err with a together. The interval of a look is that of Clopper and
Pearson at level 1 - a / (k (k + 1)), which covers p with at least that probability for every p and
n, nothing approximated. By the union bound, with probability at least 1 - a *every* interval ever
looked at contains p. So whatever is decided from any of them, at whatever look, is right with at
least 99 %:

* pass, when the whole interval lies within declared ± tolerance: then p does too;
* fail, when the whole interval lies outside: then p does too;
* else more answers, and when there are none left: unknown.

Doubling costs at most twice the answers that the best moment to stop would have needed, and keeps
the looks few, so that the interval pays for them with the logarithm of n only.

What it takes for granted is that answers are independent of each other. They are at an authority
that draws each by weight; they are not through a cache, which repeats one answer for its TTL.

Source: Clopper, Pearson, Biometrika 26 (1934) 404-413, doi 10.1093/biomet/26.4.404 (the interval);
Darling, Robbins, PNAS 58 (1967) 66-68, doi 10.1073/pnas.58.1.66 (intervals that hold at all looks);
Armitage, McPherson, Rowe, J. R. Stat. Soc. A 132 (1969) 235-244 (what repeated looks do).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from rollout.probe.model import Verdict

ALPHA: Final = 0.01
"""Probability that one test, with all its looks, is wrong."""

FIRST_LOOK: Final = 64
"""Answers before the first look. If none of them is a hit, the share is below a tenth."""

MISSED_ALPHA: Final = 0.001
"""Probability at which a path that should have answered, and never did, is said to be missing."""


@dataclass(frozen=True)
class Interval:
    """Where a share, or the difference of two, lies."""

    low: float
    """Smallest value that the counts leave possible."""
    high: float
    """Largest one."""

    def within(self, center: float, tolerance: float) -> Verdict:
        """Say whether what lies here lies within a tolerance of a value; unknown: maybe."""
        if center - tolerance <= self.low and self.high <= center + tolerance:
            return "pass"
        if self.high < center - tolerance or self.low > center + tolerance:
            return "fail"
        return "unknown"


def looks(budget: int) -> Iterator[tuple[int, int]]:
    """Yield the number of each look, from 1, and how many answers to look at.

    Args:
        budget: The most answers there may be; the last look is at exactly so many.
    """
    look, answers = 1, FIRST_LOOK
    while answers < budget:
        yield look, answers
        look, answers = look + 1, 2 * answers
    if budget > 0:
        yield look, budget


def look_alpha(look: int, alpha: float = ALPHA) -> float:
    """Return how likely a look may err, so that all looks together err with `alpha` at most."""
    return alpha / (look * (look + 1))


def clopper_pearson(hits: int, answers: int, alpha: float) -> Interval:
    """Return the interval that covers a share with probability 1 - alpha or more.

    Args:
        hits: Answers that count.
        answers: All of them; with none, nothing is known.
        alpha: Probability to miss the share, half of it on either side.
    """
    # It takes longer to import than all else that a run needs, and many look at no share.
    from scipy.special import betaincinv  # noqa: PLC0415

    low = 0.0 if hits == 0 else float(betaincinv(hits, answers - hits + 1, alpha / 2))
    missed = answers - hits
    high = 1.0 if missed == 0 else float(betaincinv(hits + 1, missed, 1 - alpha / 2))
    return Interval(low, high)


def share(hits: int, answers: int, look: int) -> Interval:
    """Return where a share lies, at a look."""
    return clopper_pearson(hits, answers, look_alpha(look))


def difference(first: tuple[int, int], second: tuple[int, int], look: int) -> Interval:
    """Return where the difference of two shares lies, at a look.

    Each of the two intervals may err with half of the look's probability, so both hold together.

    Args:
        first: Hits and answers of one.
        second: Hits and answers of the other, which is taken away.
        look: Number of the look.
    """
    one, other = (clopper_pearson(*counts, look_alpha(look) / 2) for counts in (first, second))
    return Interval(one.low - other.high, one.high - other.low)


def answers_to_see(share: float, alpha: float = MISSED_ALPHA) -> float:
    """Return after how many answers one that never came is missing: (1 - share)^n ≤ alpha.

    Infinite for a share of 0: what never comes cannot be missed.
    """
    if share <= 0:
        return math.inf
    if share >= 1:
        return 1
    return math.ceil(math.log(alpha) / math.log1p(-share))
