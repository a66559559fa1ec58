"""What a step can show in its hold, by the gate's own rule."""

import math
from dataclasses import dataclass

from rollout.statistics import planning, spending
from rollout.statistics.gate import DEFAULT_RULE, GateRule

FAMILIES = 2
"""Families that have gates of their own."""

GATES = 2
"""Gates that spend from alpha in each step: errors, latency."""


@dataclass(frozen=True)
class Watched:
    """What a gate sees of one family."""

    requests_per_second: float
    """Of both paths."""
    cdn_share: float
    """Expected share of them on cdn."""
    direct_error_share: float
    """Share of direct's requests that fail."""
    block_seconds: float
    """Length of the blocks that the variance is estimated from: one TTL."""
    effective_caches: float = math.inf
    """1 / sum q^2."""
    rule: GateRule = DEFAULT_RULE
    """What the gate tolerates."""


@dataclass(frozen=True)
class ShownByHold:
    """What a hold can show; None: nothing."""

    ratio: float | None
    """The least multiple of direct's error share that is found nine times in ten."""
    increase: float | None
    """The same as a share of the requests."""


def shown_by(watched: Watched, step: int, hold_seconds: float) -> ShownByHold:
    """Return what the hold of a step can show.

    Args:
        watched: What the gate sees.
        step: Number of the step, from 1: alpha is spent over the whole shift.
        hold_seconds: How long it is watched.
    """
    if not _comparable(watched) or hold_seconds <= 0:
        return ShownByHold(None, None)
    found = planning.detectable_increase(
        requests_per_second=watched.requests_per_second,
        cdn_share=watched.cdn_share,
        direct_share=watched.direct_error_share,
        hold_seconds=hold_seconds,
        alpha=spending.gate_alpha(step, GATES, FAMILIES),
        block_seconds=watched.block_seconds,
        effective_caches=watched.effective_caches,
        rule=watched.rule,
    )
    return ShownByHold(_finite(found.ratio), _finite(found.increase))


def requests_to_pass(watched: Watched) -> float | None:
    """Return how many requests on cdn a pass takes where nothing differs; None: no number does."""
    if not _comparable(watched):
        return None
    return _finite(
        planning.requests_for_pass(
            direct_share=watched.direct_error_share,
            cdn_share=watched.cdn_share,
            rule=watched.rule,
        )
    )


def seconds_to_pass(watched: Watched) -> float | None:
    """Return how long a pass takes where nothing differs; None: no time does."""
    if not _comparable(watched):
        return None
    return _finite(
        planning.seconds_for_pass(
            requests_per_second=watched.requests_per_second,
            cdn_share=watched.cdn_share,
            direct_share=watched.direct_error_share,
            block_seconds=watched.block_seconds,
            effective_caches=watched.effective_caches,
            rule=watched.rule,
        )
    )


def _comparable(watched: Watched) -> bool:
    return 0 < watched.cdn_share < 1 and watched.requests_per_second > 0


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
