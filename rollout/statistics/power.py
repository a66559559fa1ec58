"""How likely a gate fails by the end of a hold, at an error share on cdn: without a simulation.

* errors are Poisson, of direct given at some of its quantiles, and requests on cdn likewise: the
  share of cdn over the whole hold scatters with √(s (1 - s) / (N_eff B)) over B blocks, because
  whole caches move (facts of Route 53: a draw for each cache and TTL);
* the e-process depends on the sums of the errors alone while shares stay the same, so the fewest
  errors on cdn that fail are a bisection, and the power is a Poisson tail;
* what an error says depends on the share of its block, which scatters like a beta variable;
* what the largest evidence of a block costs is the mean of what is above it, of a Poisson variable,
  which is a closed form;
* the sequence is Student's t, whose power is that of the non-central t, by the approximation of
  Abramowitz and Stegun (26.7.10).

Caches have error shares of their own, which scatter by `error_spread`: those on cdn fail more or
less often than all, by a gamma variable over the hold, and blocks scatter more. Where few caches
have most of the errors (a spread of 2), a step may never see one of them, and what is told here is
as rough as the gamma variable.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from scipy import special

from rollout.statistics.counts import Floats
from rollout.statistics.evalues import GRID
from rollout.statistics.gate import FEWEST_BLOCKS, GateRule, fail_evidence
from rollout.statistics.sequence import PHASES, threshold

_EIGHTHS: Final = (np.arange(8) + 0.5) / 8
_QUARTERS: Final = (np.arange(4) + 0.5) / 4
"""Quantiles at which a distribution is represented by equally likely values."""

_THETAS: Final = GRID[::2]


@dataclass(frozen=True)
class Hold:
    """What is expected of a hold."""

    blocks: int
    requests: float
    """In a block, on both paths."""
    cdn_share: float
    direct_share: float
    effective_caches: float
    own: float
    """By what the variance of an error's share exceeds that of a request's: caches fail as
    log-normal variables, whose squares have the mean exp(sigma²)."""

    @property
    def variance(self) -> float:
        """Of the share of cdn in a block."""
        return self.cdn_share * (1 - self.cdn_share) / self.effective_caches / PHASES

    @cached_property
    def draws(self) -> tuple[Floats, Floats]:
        """Equally likely pairs: share of cdn over the hold, how much more its caches fail."""
        draws = self.effective_caches * self.blocks
        if math.isinf(draws):
            return np.array([self.cdn_share]), np.array([1.0])
        shares = _betas(np.array(self.cdn_share), draws, _EIGHTHS)
        if self.own == 0:
            return shares, np.ones_like(shares)
        shape = self.cdn_share * draws / ((1 - self.cdn_share) * self.own)
        factors = np.asarray(special.gammaincinv(shape, _QUARTERS), dtype=np.float64) / shape
        return np.repeat(shares, len(factors)), np.tile(factors, len(shares))

    @property
    def shares(self) -> Floats:
        """Return the shares of these pairs."""
        return self.draws[0]

    @cached_property
    def block_shares(self) -> Floats:
        """For each of these, equally likely shares of cdn in a block."""
        if math.isinf(self.effective_caches):
            return self.shares[:, None]
        return _betas(self.shares[:, None], self.effective_caches * PHASES, _EIGHTHS)


def _betas(means: Floats, draws: float, quantiles: Floats) -> Floats:
    """Return quantiles of beta variables with the variance of so many draws."""
    held = max(draws - 1, 1e-3)  # less than one draw: mostly all or none, and nearly never a part
    drawn = special.betaincinv(means * held, (1 - means) * held, quantiles)
    return np.clip(np.asarray(drawn, dtype=np.float64), 1e-9, 1 - 1e-9)


def fails(step: Hold, errors: float, alpha: float, rule: GateRule, power: float) -> bool:
    """Return whether a gate has failed at the end of a hold as likely as that.

    Both parts of the slow way see the same errors, so the rarer hardly comes without the other.
    """
    enough = fail_evidence(alpha)
    if _sequence_power(step, errors, alpha / 2, rule.tolerated_ratio) >= power and (
        _evalue_power(step, errors, enough, rule.tolerated_ratio) >= power
    ):
        return True
    return _evalue_power(step, errors, enough, rule.gross_ratio) >= power


def _evalue_power(step: Hold, errors: float, enough: float, ratio: float) -> float:
    """Return how likely an e-process is at what fails. Axes: draws, blocks, θ."""
    most = enough / FEWEST_BLOCKS
    s, factors = step.block_shares[..., None], step.draws[1][:, None, None]
    grown = np.log1p(s * ratio * (_THETAS - 1) / (1 + s * (ratio - 1)))
    gain = np.log(_THETAS) - grown
    cdn = step.requests * s * np.minimum(errors * factors, 1.0)
    direct = step.requests * (1 - s) * step.direct_share
    # With so many errors on cdn, and as many on direct as usual, a block gives all it may.
    limit = (most + direct * grown) / gain
    whole = np.floor(limit)
    reaches = special.gammainc(whole, cdn)  # P(Poisson ≥ whole)
    above = np.maximum(cdn * reaches - limit * special.gammainc(whole + 1, cdn), 0.0)
    usual = step.blocks * (gain * (cdn - above) - direct * grown).mean(axis=1)[:, None]
    # What one more error on either path gives, where it counts.
    on_cdn = ((1 - reaches) * s * gain).mean(axis=1) / s.mean(axis=1)
    on_direct = ((1 - reaches) * (1 - s) * grown).mean(axis=1) / (1 - s).mean(axis=1)
    all_cdn = step.blocks * cdn[..., 0].mean(axis=1)[:, None]
    all_direct = step.blocks * direct[..., 0].mean(axis=1)[:, None]
    fewer = (all_direct - _poisson_quantiles(all_direct))[..., None] * on_direct[:, None]

    def log_evalue(errors_on_cdn: Floats) -> Floats:
        more = (errors_on_cdn - all_cdn)[..., None] * on_cdn[:, None]
        logs = np.minimum(usual + more + fewer, step.blocks * most)
        largest = logs.max(axis=-1)
        return largest + np.log(np.exp(logs - largest[..., None]).mean(axis=-1))

    too_few = np.zeros(fewer.shape[:2])
    fewest = np.full_like(too_few, math.ceil(step.blocks * step.requests) + 1.0)
    reached = log_evalue(fewest) >= enough
    while np.any(fewest - too_few > 1):
        middle = np.floor((too_few + fewest) / 2)
        fails = log_evalue(middle) >= enough
        too_few, fewest = np.where(fails, too_few, middle), np.where(fails, middle, fewest)
    tail = special.gammainc(fewest, all_cdn)
    return float(np.mean(np.where(reached, tail, 0.0)))


def _poisson_quantiles(means: Floats) -> Floats:
    """Return equally likely values of a Poisson variable of each mean; the last axis is values."""
    safe = np.maximum(means, 1e-9)  # pdtrik knows no mean of 0
    return np.maximum(np.ceil(special.pdtrik(_QUARTERS, safe)), 0.0)


def _sequence_power(step: Hold, errors: float, alpha: float, ratio: float) -> float:
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
    by_own = (1 - s) * errors + ratio * s * step.direct_share
    scatter += (by_own * step.requests) ** 2 * step.variance * step.own
    floor = weight**2 * (ratio * step.direct_share / (step.requests * s) + by_direct)
    center = weight * excess * math.sqrt(blocks / scatter)
    freedom = blocks - 1
    least = math.sqrt(freedom * k / (blocks - k))
    by_scatter = (center - least * (1 - 1 / (4 * freedom))) / math.sqrt(
        1 + least**2 / (2 * freedom)
    )
    by_floor = center - math.sqrt(k * floor / scatter)
    return float(special.ndtr(min(by_scatter, by_floor)))
