"""What a gate can show in a step, before anybody is moved: by the gate's own rule.

Two questions of a plan: how large must an increase of errors be to be found in the time a step
holds, and how long until a step without fault passes? Neither has a simulation in it, so that a
schedule of many steps is answered at once:

* errors are Poisson, of direct given at some of its quantiles, and requests on cdn likewise: the
  share of cdn over the whole hold scatters with √(s (1 - s) / (N_eff B)) over B blocks, because
  whole caches move (facts of Route 53: a draw for each cache and TTL);
* the e-process depends on the sums of the errors alone while shares stay the same, so the fewest
  errors on cdn that fail are a bisection, and the power is a Poisson tail;
* what the largest evidence of a block costs is the mean of what is above it, of a Poisson variable
  whose mean scatters with the share (negative binomial), which is a closed form;
* the sequence is Student's t, whose power is that of the non-central t, by the approximation of
  Abramowitz and Stegun (26.7.10).

The power is that of the last look of the hold. Earlier looks can only add to it. Left out is that
caches have error shares of their own: with a spread sigma of 1 the times are some tenths longer,
with 2 about twice (docs/statistics.md).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from scipy import special

from components.faults import Fault
from rollout.faults import WrongUseError
from rollout.statistics.arguments import open_share, positive, share
from rollout.statistics.counts import Floats
from rollout.statistics.evalues import GRID
from rollout.statistics.gate import DEFAULT_RULE, FEWEST_BLOCKS, GateRule, fail_evidence
from rollout.statistics.sequence import threshold

PHASES: Final = 2 / 3
"""Part of a draw's variance that a block of one TTL has: caches ask at phases of their own, so it
mixes two draws with weights u and 1 - u, and the mean of u² + (1 - u)² is 2/3."""

_EIGHTHS: Final = (np.arange(8) + 0.5) / 8
_QUARTERS: Final = (np.arange(4) + 0.5) / 4
"""Quantiles at which a distribution is represented by equally likely values."""

PRECISION: Final = 0.005
"""To how much an error share is found, as a part of it."""

USUAL_BLOCKS: Final = 30
"""Blocks over which the requests of a pass are spread, unless it is said otherwise."""


@dataclass(frozen=True)
class Detectable:
    """The smallest increase of the error share that a step finds."""

    increase: float
    """By how much cdn's error share exceeds direct's, as a share of the requests; infinite where
    the step cannot show even a path on which everything fails."""
    ratio: float
    """The same as a multiple of direct's share; infinite where that is 0."""


@lru_cache(maxsize=1024)
def detectable_increase(
    *,
    requests_per_second: float,
    cdn_share: float,
    direct_share: float,
    hold_seconds: float,
    alpha: float,
    block_seconds: float = 60.0,
    effective_caches: float = math.inf,
    power: float = 0.9,
    rule: GateRule = DEFAULT_RULE,
) -> Detectable:
    """Return the smallest increase of errors at which a gate fails within a hold.

    Args:
        requests_per_second: Rate of what the gate counts, on both paths together.
        cdn_share: Share of these requests that is expected on cdn, above 0. At 1 nothing is left to
            compare with, and nothing can be found.
        direct_share: Share of errors on direct, from 0 to 1.
        hold_seconds: How long the step holds.
        alpha: What the gate may err when it fails, as `spending.gate_alpha` gives it.
        block_seconds: Length of a block, one TTL or more. Default: 60, that of AWS's aliases.
        effective_caches: One over the sum of the squares of the caches' shares of the requests.
            Default: infinite, as if requests moved one by one.
        power: How likely the increase has to be found. Default: 0.9.
        rule: What the gate tolerates.

    Raises:
        WrongUseError: Arguments are out of their ranges; all faults at once.
    """
    _refuse(
        *_traffic_faults(requests_per_second, cdn_share, direct_share, block_seconds),
        *positive("the hold in seconds", hold_seconds),
        *open_share("alpha", alpha),
        *open_share("the power", power),
        *_cache_faults(effective_caches),
    )
    blocks = int(hold_seconds / block_seconds + 1e-9)
    if cdn_share == 1 or blocks == 0:
        return Detectable(math.inf, math.inf)
    step = _Step(
        blocks, requests_per_second * block_seconds, cdn_share, direct_share, effective_caches
    )
    if _fail_power(step, 1.0, alpha, rule) < power:
        return Detectable(math.inf, math.inf)
    low, high = math.log(max(direct_share, 1e-12)), 0.0
    while high - low > PRECISION:
        middle = (low + high) / 2
        if _fail_power(step, math.exp(middle), alpha, rule) < power:
            low = middle
        else:
            high = middle
    found = math.exp(high)
    return Detectable(found - direct_share, found / direct_share if direct_share else math.inf)


def requests_for_pass(
    *,
    direct_share: float,
    cdn_share: float,
    blocks: int = USUAL_BLOCKS,
    rule: GateRule = DEFAULT_RULE,
) -> float:
    """Return after how many requests on cdn half of all gates pass, where nothing differs.

    Args:
        direct_share: Share of errors on direct, from 0 to 1.
        cdn_share: Share of the requests that is on cdn, above 0. At 1 nothing passes.
        blocks: Over how many blocks the requests are spread. With fewer than about eight nothing
            passes, however many requests there are.
        rule: Its margin, and the probability of a wrong pass.

    Returns:
        Requests, or infinity.

    Raises:
        WrongUseError: Arguments are out of their ranges; all faults at once.
    """
    _refuse(
        *share("the share of errors on direct", direct_share),
        *share("the share of cdn", cdn_share, above_zero=True),
        *positive("the number of blocks", blocks),
    )
    return _requests_for_pass(direct_share, cdn_share, rule, blocks)


def seconds_for_pass(
    *,
    requests_per_second: float,
    cdn_share: float,
    direct_share: float,
    block_seconds: float = 60.0,
    effective_caches: float = math.inf,
    rule: GateRule = DEFAULT_RULE,
) -> float:
    """Return after which time half of all gates pass, where nothing differs.

    Args:
        requests_per_second: Rate of what the gate counts, on both paths together.
        cdn_share: Share of these requests that is on cdn, above 0. At 1 nothing passes.
        direct_share: Share of errors on direct, from 0 to 1.
        block_seconds: Length of a block, one TTL or more. Default: 60.
        effective_caches: As in `detectable_increase`.
        rule: What the gate tolerates.

    Returns:
        Whole blocks in seconds, or infinity.

    Raises:
        WrongUseError: Arguments are out of their ranges; all faults at once.
    """
    _refuse(
        *_traffic_faults(requests_per_second, cdn_share, direct_share, block_seconds),
        *_cache_faults(effective_caches),
    )
    per_block = requests_per_second * block_seconds * cdn_share
    spread = PHASES * (1 - cdn_share) / cdn_share / effective_caches

    def passes(blocks: int) -> bool:
        return blocks * per_block >= _requests_for_pass(
            direct_share, cdn_share, rule, blocks, spread
        )

    if cdn_share == 1:
        return math.inf
    most = 1
    while not passes(most):
        most *= 2
    least = most // 2
    while most - least > 1:
        middle = (least + most) // 2
        least, most = (least, middle) if passes(middle) else (middle, most)
    return most * block_seconds


def _requests_for_pass(
    direct: float, cdn: float, rule: GateRule, blocks: int, spread: float = 0.0
) -> float:
    """Solve `sequence`'s two conditions for the requests, with the errors at their mean.

    Args:
        direct: Share of errors on direct.
        cdn: Share of the requests on cdn.
        rule: Its margin, and the probability of a wrong pass.
        blocks: How many there are.
        spread: Squared coefficient of variation of the requests on cdn in a block.
    """
    k = float(threshold(np.array(blocks, dtype=np.float64), rule.pass_alpha))
    left = 1 - k * (1 + spread) / blocks
    if cdn == 1 or left <= 0:
        return math.inf
    odds = cdn / (1 - cdn)
    floor = (direct + rule.margin + direct * odds) / rule.margin**2
    scatter = direct * (1 + odds) / rule.margin**2 / left
    return k * max(floor, scatter)


@dataclass(frozen=True)
class _Step:
    """What is expected of a hold."""

    blocks: int
    requests: float
    """In a block, on both paths."""
    cdn_share: float
    direct_share: float
    effective_caches: float

    @property
    def variance(self) -> float:
        """Of the share of cdn in a block."""
        return PHASES * self.cdn_share * (1 - self.cdn_share) / self.effective_caches

    def shares(self) -> Floats:
        """Return equally likely shares of cdn over the hold."""
        if math.isinf(self.effective_caches):
            return np.array([self.cdn_share])
        # A beta distribution of the same mean and variance: its share stays between 0 and 1.
        held = self.effective_caches * self.blocks - 1
        if held <= 0:
            return np.array([0.0])  # less than one draw of one cache: mostly nobody moves
        one, other = self.cdn_share * held, (1 - self.cdn_share) * held
        return np.asarray(special.betaincinv(one, other, _EIGHTHS), dtype=np.float64)


def _fail_power(step: _Step, errors: float, alpha: float, rule: GateRule) -> float:
    """Return how likely a gate has failed at the end of a hold, at an error share on cdn."""
    enough = fail_evidence(alpha)
    gross = _evalue_power(step, errors, enough, rule.gross_ratio)
    tolerated = _evalue_power(step, errors, enough, rule.tolerated_ratio)
    # Both see the same errors, so the rarer of the two hardly comes without the other.
    return max(
        gross, min(tolerated, _sequence_power(step, errors, alpha / 2, rule.tolerated_ratio))
    )


def _evalue_power(step: _Step, errors: float, enough: float, ratio: float) -> float:
    most = enough / FEWEST_BLOCKS
    shares = step.shares()[:, None, None]
    total = step.blocks * step.requests
    direct = _poisson_quantiles((1 - shares) * total * step.direct_share)
    gain = np.log(GRID)
    grown = np.log1p(shares * ratio * (GRID - 1) / (1 + shares * (ratio - 1)))
    # What a block gives above the most it may, at its mean.
    limit = (most + step.requests * (1 - shares) * step.direct_share * grown) / (gain - grown)
    above = (gain - grown) * _mean_above(step, step.requests * shares * errors, limit)

    def log_evalue(cdn: Floats) -> Floats:
        logs = cdn[..., None] * (gain - grown) - direct[..., 0, :, None] * grown
        logs = np.minimum(logs - step.blocks * above, step.blocks * most)
        largest = logs.max(axis=-1)
        return largest + np.log(np.exp(logs - largest[..., None]).mean(axis=-1))

    fewest = np.full((shares.shape[0], len(_QUARTERS)), math.ceil(total) + 1.0)
    reached, too_few = log_evalue(fewest) >= enough, np.zeros_like(fewest)
    while np.any(fewest - too_few > 1):
        middle = np.floor((too_few + fewest) / 2)
        fails = log_evalue(middle) >= enough
        too_few, fewest = np.where(fails, too_few, middle), np.where(fails, middle, fewest)
    tail = special.pdtrc(fewest - 1, shares[..., 0] * total * errors)
    return float(np.mean(np.where(reached, tail, 0.0)))


def _poisson_quantiles(means: Floats) -> Floats:
    """Return equally likely values of a Poisson variable of each mean; the last axis is values."""
    safe = np.maximum(means, 1e-9)  # pdtrik knows no mean of 0
    return np.maximum(np.ceil(special.pdtrik(_QUARTERS, safe)), 0.0)


def _mean_above(step: _Step, mean: Floats, limit: Floats) -> Floats:
    """Return by how many errors a block's errors on cdn are above a limit, on average."""
    whole = np.floor(limit)
    if math.isinf(step.effective_caches):
        count = mean * special.pdtrc(whole - 1, mean)
        tail = special.pdtrc(whole, mean)
    else:
        shape = step.cdn_share**2 / step.variance
        failure = mean / (shape + mean)
        count = mean * special.betainc(whole, shape + 1, failure)
        tail = special.betainc(whole + 1, shape, failure)
    return np.maximum(count - limit * tail, 0.0)


def _sequence_power(step: _Step, errors: float, alpha: float, ratio: float) -> float:
    """Return how likely the sequence is wholly above the tolerated ratio."""
    blocks, s = step.blocks, step.cdn_share
    k = float(threshold(np.array(blocks, dtype=np.float64), alpha))
    if blocks - k <= 0:
        return 0.0
    weight = step.requests * s * (1 - s)
    excess = errors - ratio * step.direct_share
    by_direct = ratio**2 * step.direct_share / (step.requests * (1 - s))
    scatter = weight**2 * (errors / (step.requests * s) + by_direct)
    scatter += (excess * step.requests * (1 - 2 * s)) ** 2 * step.variance
    floor = weight**2 * (ratio * step.direct_share / (step.requests * s) + by_direct)
    if scatter == 0:
        return 0.0
    center = weight * excess * math.sqrt(blocks / scatter)
    freedom = blocks - 1
    least = math.sqrt(freedom * k / (blocks - k))
    by_scatter = (center - least * (1 - 1 / (4 * freedom))) / math.sqrt(
        1 + least**2 / (2 * freedom)
    )
    by_floor = center - math.sqrt(k * floor / scatter)
    return float(special.ndtr(min(by_scatter, by_floor)))


def _traffic_faults(rate: float, cdn: float, direct: float, block: float) -> Iterator[Fault]:
    yield from positive("the rate of requests", rate)
    yield from share("the share of cdn", cdn, above_zero=True)
    yield from share("the share of errors on direct", direct)
    yield from positive("the length of a block in seconds", block)


def _cache_faults(effective: float) -> Iterator[Fault]:
    if not effective >= 1:
        yield Fault(
            "the effective number of caches",
            f"{effective:g}",
            "it is at least 1",
            "Give one over the sum of the squares of the caches' shares.",
        )


def _refuse(*faults: Fault) -> None:
    if faults:
        raise WrongUseError(faults)
