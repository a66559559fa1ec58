"""Whether cdn's error share is more than so many times direct's: a mixture e-process.

**The question.** In each interval there are n requests on cdn and m on direct, of which c and d
fail. Are there more errors on cdn than a tolerated ratio r explains? The gate looks after every
interval and stops at once when it can tell.

**Why not the obvious ways.** Two error shares with a z-test at each look are wrong far more often
than declared (Armitage, McPherson, Rowe 1969), and an outage of the API raises both shares and is
nobody's fault. So the total c + d of an interval is taken as given, whatever raised it: if cdn's
share is θ times direct's, each of these errors is on cdn with probability p(θ) = nθ / (nθ + m), and
shared shocks are gone (Lindon, Malek 2022).

**The process.** For one θ > r the evidence of an interval is the likelihood ratio

    (p(θ) / p(r))^c · ((1 - p(θ)) / (1 - p(r)))^d = (θ / r)^c · ((nr + m) / (nθ + m))^(c + d).

E(θ) is its product over the intervals, and the e-process is the mean of E(θ) over a grid of θ: what
is looked for need not be known beforehand.

**Theorem.** If in every interval the mean probability of an error over cdn's requests is at most r
times that over direct's, given the past, and requests fail independently of each other, then the
e-process is a supermartingale that starts at 1, so that it ever reaches 1/alpha with probability
alpha at most, however often and whenever one looks (Ville 1939). *Proof.* Let a = (θ/r) b > b be
the two factors, of an error on cdn and of one on direct. A request that fails with probability q
contributes 1 + q (a - 1) on average, which is at most exp(q (a - 1)). All requests of the interval
together contribute at most exp(n q_c (a - 1) + m q_d (b - 1)), where q_c and q_d are the means, and
with q_c ≤ r q_d the exponent is at most q_d (nr (a - 1) + m (b - 1)) = 0, as p(r) a + (1 - p(r)) b
= 1. A mean of supermartingales is one. ∎ So errors need not be rare, equally likely or constant.

**What it takes for granted**, and DNS does not give: that who is on cdn differs from who is on
direct by nothing. A cache moves with all its clients at once, for one TTL, and its clients may fail
more often than others on *both* paths: then cdn's mean is really higher in that interval, and the
process is right about the interval and wrong about cdn. Hence `most_per_block`: no block (one TTL
or more) may raise any E(θ) by more than a fixed factor. Taking the smaller of the evidence and a
constant keeps a supermartingale one, so the theorem stays; and what a single draw of a single
large cache says can't decide alone. `gate` adds the other half of the cure.

Sources: Lindon, Malek, NeurIPS 2022, arXiv 2011.03567 (multinomial and Poisson counts given the
total, mixtures); Ville, Étude critique de la notion de collectif, 1939; Ramdas, Grünwald, Vovk,
Shafer, Statistical Science 38 (2023) 576-601, arXiv 2210.01948 (e-processes); Armitage, McPherson,
Rowe, J. R. Stat. Soc. A 132 (1969) 235-244.
"""

import math
from typing import Final

import numpy as np

from rollout.statistics.counts import Counts, Floats

GRID: Final = np.geomspace(1.05, 16.0, 32)
"""θ, as multiples of the ratio that is tested. Less than 5 % over what is tolerated needs more
errors than a step meets, and what is 100 times over it gives evidence enough for 16. Twice as many
values change no time to detect by a minute; up to 64 costs one."""


def log_evalues(counts: Counts, ratio: float, most_per_block: float = math.inf) -> Floats:
    """Return the logarithm of the e-process after each interval.

    Args:
        counts: What was counted; each interval is a block.
        ratio: How many times direct's error share cdn's may be.
        most_per_block: The most by which an interval may raise the logarithm of any E(θ).

    Returns:
        An array of the counts' shape. 1/alpha is reached where it is log(1/alpha) or more.
    """
    total: Floats = np.full(counts.cdn_errors.shape, -np.inf)
    for multiple in GRID:
        steps = log_steps(counts, ratio, float(multiple))
        total = np.logaddexp(total, np.cumsum(np.minimum(steps, most_per_block), axis=-1))
    return total - math.log(len(GRID))


def log_steps(counts: Counts, ratio: float, multiple: float) -> Floats:
    """Return the logarithm of what each interval says for `multiple` times the ratio, against it.

    Where a path has no requests this is 0: an interval without a comparison says nothing.
    """
    requests = counts.cdn_requests + counts.direct_requests
    share = np.divide(
        counts.cdn_requests, requests, out=np.zeros_like(requests), where=requests > 0
    )
    # log((nθ + m) / (nr + m)), which is exactly log(θ/r) at share 1 and 0 at share 0.
    grown = np.log1p(share * ratio * (multiple - 1) / (1 + share * (ratio - 1)))
    errors = counts.cdn_errors + counts.direct_errors
    return counts.cdn_errors * math.log(multiple) - errors * grown
