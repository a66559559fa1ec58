"""What a gate can show in a step, before anybody is moved: by the gate's own rule.

Two questions of a plan: how large must an increase of errors be to be found in the time a step
holds, and how long until a step without fault passes? Neither has a simulation in it, so that a
schedule of many steps is answered at once. How likely a gate fails by the end of a hold is in
`power`. That is the last look of the hold; earlier looks can only add to it.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from components.faults import Fault
from rollout.faults import WrongUseError
from rollout.statistics.arguments import open_share, positive, share
from rollout.statistics.gate import DEFAULT_RULE, GateRule
from rollout.statistics.power import Hold, fails
from rollout.statistics.sequence import PHASES, threshold

PRECISION: Final = 0.005
"""To how much an error share is found, as a part of it."""

USUAL_SPREAD: Final = 1.0
"""Standard deviation of the logarithms of the caches' own error shares. Nobody has measured it; 0
to 2 is swept in docs/statistics.md."""

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
    error_spread: float = USUAL_SPREAD,
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
        error_spread: Standard deviation of the logarithms of the caches' own error shares, the
            sigma of docs/statistics.md. Default: 1, an assumption that nobody measured.
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
        *_cache_faults(effective_caches, error_spread),
    )
    blocks = int(hold_seconds / block_seconds + 1e-9)
    if cdn_share == 1 or blocks == 0:
        return Detectable(math.inf, math.inf)
    step = Hold(
        blocks=blocks,
        requests=requests_per_second * block_seconds,
        cdn_share=cdn_share,
        direct_share=direct_share,
        effective_caches=effective_caches,
        own=math.expm1(error_spread**2),
    )
    low, high = math.log(max(direct_share, 1e-12)), 0.0
    if not fails(step, math.exp(high), alpha, rule, power):
        return Detectable(math.inf, math.inf)
    while high - low > PRECISION:
        middle = (low + high) / 2
        is_found = fails(step, math.exp(middle), alpha, rule, power)
        low, high = (low, middle) if is_found else (middle, high)
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
        blocks: Over how many blocks the requests are spread. With fewer than about a dozen
            nothing passes, however many requests there are.
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
    error_spread: float = USUAL_SPREAD,
    rule: GateRule = DEFAULT_RULE,
) -> float:
    """Return after which time half of all gates pass, where nothing differs, or some more.

    More, because the scatter of caches' own error shares is taken at its mean, which few large
    ones make.

    Args:
        requests_per_second: Rate of what the gate counts, on both paths together.
        cdn_share: Share of these requests that is on cdn, above 0. At 1 nothing passes.
        direct_share: Share of errors on direct, from 0 to 1.
        block_seconds: Length of a block, one TTL or more. Default: 60.
        effective_caches: As in `detectable_increase`.
        error_spread: As there.
        rule: What the gate tolerates.

    Returns:
        Whole blocks in seconds, or infinity.

    Raises:
        WrongUseError: Arguments are out of their ranges; all faults at once.
    """
    _refuse(
        *_traffic_faults(requests_per_second, cdn_share, direct_share, block_seconds),
        *_cache_faults(effective_caches, error_spread),
    )
    if cdn_share == 1:
        return math.inf
    per_block = requests_per_second * block_seconds * cdn_share
    spread = (1 - cdn_share) / cdn_share / effective_caches / PHASES
    # What the caches' own error shares scatter: as much as so many errors on cdn in a block.
    own = direct_share**2 * math.expm1(error_spread**2) * per_block
    own /= effective_caches * cdn_share * (1 - cdn_share) * PHASES

    def passes(blocks: int) -> bool:
        scatter = _Scatter(spread, own)
        needed = _requests_for_pass(direct_share, cdn_share, rule, blocks, scatter)
        return blocks * per_block >= needed

    most = 1
    while not passes(most):
        most *= 2
    least = most // 2
    while most - least > 1:
        middle = (least + most) // 2
        least, most = (least, middle) if passes(middle) else (middle, most)
    return most * block_seconds


@dataclass(frozen=True)
class _Scatter:
    """What whole caches add to the scatter of blocks."""

    requests: float = 0.0
    """Squared coefficient of variation of the requests on cdn in a block."""
    errors: float = 0.0
    """Variance of their errors that is due to error shares of their own, for each request."""


def _requests_for_pass(
    direct: float, cdn: float, rule: GateRule, blocks: int, caches: _Scatter = _Scatter()
) -> float:
    """Solve `sequence`'s two conditions for the requests, with the errors at their mean.

    Args:
        direct: Share of errors on direct.
        cdn: Share of the requests on cdn.
        rule: Its margin, and the probability of a wrong pass.
        blocks: How many there are.
        caches: What they add to the scatter.
    """
    k = float(threshold(np.array(blocks, dtype=np.float64), rule.pass_alpha))
    left = 1 - PHASES * k * (1 + caches.requests) / blocks
    if cdn == 1 or left <= 0:
        return math.inf
    odds = cdn / (1 - cdn)
    floor = (direct + rule.margin + direct * odds) / rule.margin**2
    scatter = PHASES * (direct * (1 + odds) + caches.errors) / rule.margin**2 / left
    return k * max(floor, scatter)


def _traffic_faults(rate: float, cdn: float, direct: float, block: float) -> Iterator[Fault]:
    yield from positive("the rate of requests", rate)
    yield from share("the share of cdn", cdn, above_zero=True)
    yield from share("the share of errors on direct", direct)
    yield from positive("the length of a block in seconds", block)


def _cache_faults(effective: float, spread: float) -> Iterator[Fault]:
    if not (math.isfinite(spread) and spread >= 0):
        yield Fault(
            "the spread of error shares",
            f"{spread:g}",
            "it is a finite number, 0 or more",
            "Give the standard deviation of their logarithms.",
        )
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
