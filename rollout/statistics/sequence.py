"""Where the difference of two error shares lies, at every look, with the variance that is there.

**The question.** How much higher is cdn's error share than direct's? The answer has to hold at
every look, and where whole caches move: then requests do not fail independently of each other, and
an interval that counts requests is too narrow by any factor.

**What is done.** Time is cut into blocks of one TTL or more, so that each block has a new draw of
most caches. A block with n requests on cdn, m on direct, c and d errors, gives one number

    x = h · (c/n - r d/m),   h = n m / (n + m),

whose mean is h Δ, if Δ is cdn's share less r times direct's. (With r = 1 it is the difference of
the shares; with the tolerated ratio it says whether that is exceeded. h is the weight of Mantel and
Haenszel: how much a comparison of n with m requests can say.) How much the x scatter is read off
them, not assumed. With S = Σ (x - hΔ), V = Σ (x - hΔ)² over t blocks, Δ is left out as soon as

    S² > k V,   k = (t + g) (1 - (alpha² g / (t + g))^(1/t)).

**Theorem.** If the x - hΔ are normal with mean 0 and one unknown variance, that ever happens with
probability alpha at most (Lai 1976; Wang, Ramdas 2023: the mixture over normal means of the
likelihood ratio of S²/V is a martingale). For t → ∞, k tends to (1 + g/t) log((t + g)/(g alpha²))
and this is the asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas,
which needs no more than a finite variance. As S² ≤ t V always, the correction for few blocks does
by itself what a least number of blocks would: with alpha = 0.0006 nothing is left out before block
14.

**A floor.** Where nobody fails V is 0, and no number of requests would be too small to pass. So V
is never taken smaller than what independent requests would scatter,

    F = Σ h² ((r q + Δ)/n + r² q/m),

where q is direct's share so far. That is the variance at the very Δ that is to be left out, and
errors too few for it are rarer than a normal tail says (the lower tail of a Poisson variable is
sub-Gaussian).

Both conditions are quadratic in Δ, so the ends of the interval are closed forms.

**What it takes for granted.** That blocks are independent. With blocks of one TTL they are not
quite: each cache asks at a phase u of its own, so that a block has the draw before it for a part u
of its time. Of the variance of a draw a block keeps the mean of u² + (1 - u)², 2/3, and the rest is
in what neighbours have in common. So V is 2/3 of what it should be, and may be multiplied by
`PHASES`, 3/2. Answers that live longer than a block need longer blocks; the empty AAAA's
900 s do not, as who has it follows A.

And that the caches seen so far are like those to come. If few clients have most of the errors, and
none of them has moved yet, no arithmetic on what was seen can know.

Sources: Lai, Ann. Stat. 4 (1976) 265-280, doi 10.1214/aos/1176343406; Wang, Ramdas, arXiv
2310.03722 (t-tests at all looks); Waudby-Smith et al., Ann. Stat. 52 (2024) 2613-2640, arXiv
2103.06476 (asymptotic confidence sequences); Mantel, Haenszel, J. Natl. Cancer Inst. 22 (1959)
719-748.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from rollout.statistics.counts import Counts, Floats

PHASES: Final = 1.5
"""By what the scatter of blocks of one TTL is to be multiplied, see above."""

PRIOR_BLOCKS: Final = 4.0
"""g above: the weight of the mixture, in blocks. The interval is narrowest, against one made for
that moment, after some 35 blocks at alpha = 0.05 and 75 at 0.0005, and little wider elsewhere."""


@dataclass(frozen=True, eq=False)
class ConfidenceSequence:
    """Where the difference lies after each block; unbounded (∓∞) while nothing can be said."""

    low: Floats
    """Lower ends."""
    high: Floats
    """Upper ends."""


def threshold(blocks: Floats, alpha: float) -> Floats:
    """Return k: the S²/V that a difference exceeds to be left out after so many blocks."""
    widened = blocks + PRIOR_BLOCKS
    with np.errstate(divide="ignore"):
        exponent = np.log(alpha * alpha * PRIOR_BLOCKS / widened) / blocks
    return -widened * np.expm1(exponent)


def difference(
    counts: Counts, alpha: float, ratio: float = 1.0, scatter: float = 1.0
) -> ConfidenceSequence:
    """Return where cdn's error share, less `ratio` times direct's, lies after each block.

    Args:
        counts: What was counted; each interval is a block.
        alpha: Probability that any of the intervals misses the difference.
        ratio: How many times direct's share is taken away.
        scatter: By what V is multiplied. Default: 1, for blocks that have nothing in common.
    """
    moments = _Moments.of(counts, ratio)
    k = threshold(moments.blocks, alpha)
    low, high = _left_between(
        moments.weight**2 - k * scatter * moments.weights_squared,
        moments.sum * moments.weight - k * scatter * moments.product,
        moments.sum**2 - k * scatter * moments.squares,
    )
    floor_low, floor_high = _left_between(
        moments.weight**2,
        moments.sum * moments.weight + k * moments.floor_slope / 2,
        moments.sum**2 - k * moments.floor,
    )
    return ConfidenceSequence(np.minimum(low, floor_low), np.maximum(high, floor_high))


@dataclass(frozen=True, eq=False)
class _Moments:
    """Running sums over the blocks that compare something."""

    blocks: Floats
    weight: Floats
    weights_squared: Floats
    sum: Floats
    product: Floats
    squares: Floats
    floor: Floats
    """F at difference 0."""
    floor_slope: Floats
    """What F grows by, per unit of the difference."""

    @classmethod
    def of(cls, counts: Counts, ratio: float) -> "_Moments":
        n, m = counts.cdn_requests, counts.direct_requests
        compared = (n > 0) & (m > 0)

        def over(numerator: Floats, denominator: Floats) -> Floats:
            return np.divide(numerator, denominator, out=np.zeros_like(n), where=compared)

        h = over(n, n + m) * m
        x = over(counts.cdn_errors * m - ratio * counts.direct_errors * n, n + m)
        direct_requests = np.cumsum(m, axis=-1)
        direct_share = np.divide(
            np.cumsum(counts.direct_errors, axis=-1),
            direct_requests,
            out=np.zeros_like(m),
            where=direct_requests > 0,
        )
        by_cdn = np.cumsum(over(h * h, n), axis=-1)
        by_direct = np.cumsum(over(h * h, m), axis=-1)
        return cls(
            blocks=np.cumsum(compared, axis=-1, dtype=np.float64),
            weight=np.cumsum(h, axis=-1),
            weights_squared=np.cumsum(h * h, axis=-1),
            sum=np.cumsum(x, axis=-1),
            product=np.cumsum(h * x, axis=-1),
            squares=np.cumsum(x * x, axis=-1),
            floor=direct_share * (ratio * by_cdn + ratio * ratio * by_direct),
            floor_slope=by_cdn,
        )


def _left_between(a: Floats, b: Floats, c: Floats) -> tuple[Floats, Floats]:
    """Return between which Δ a Δ² - 2 b Δ + c ≤ 0; everywhere, where a is not positive."""
    bounded = a > 0
    safe = np.where(bounded, a, 1.0)
    # Rounding may make the root of what touches 0 imaginary.
    root = np.sqrt(np.maximum(b * b - safe * c, 0.0))
    low, high = (b - root) / safe, (b + root) / safe
    return np.where(bounded, low, -np.inf), np.where(bounded, high, np.inf)
