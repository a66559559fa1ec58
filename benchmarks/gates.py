"""What gates are worth where whole caches move: false alarms, and times to find and to pass.

Traffic is drawn by `tests/support/moving_caches.py`: 2,000 caches of Zipf sizes, each with an error
share of its own, move with all their clients. The gates are those of `rollout/statistics`.

docs/statistics.md has the tables.

Run it with: PYTHONPATH=tests .venv/bin/python benchmarks/gates.py
"""

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from measuring import parser, show
from numpy.typing import NDArray

from rollout.statistics.counts import Counts
from rollout.statistics.evalues import log_evalues
from rollout.statistics.gate import DEFAULT_RULE, GateRule, evidence
from rollout.statistics.planning import detectable_increase, requests_for_pass, seconds_for_pass
from rollout.statistics.sequence import difference
from rollout.statistics.spending import gate_alpha
from support.moving_caches import CacheTraffic, shift_counts, stacked

WEIGHTS: Final = (0.01, 0.05, 0.10, 0.25, 0.50)
"""Of a shift of six steps; the sixth, 100, leaves nothing on direct to compare with."""
GATES: Final = 2
FAMILIES: Final = 2
STREAMS: Final = GATES * FAMILIES
"""What a shift judges side by side: errors and slow requests, over IPv4 and over IPv6."""
HOLD: Final = 240
"""Minutes that a step holds."""
BATCH: Final = 50
"""Shifts that are drawn at once: 50 streams of a step take 10 MB."""


@dataclass(frozen=True)
class FalseAlarms:
    """Of how many shifts without fault some test was wrong."""

    shifts: int
    combined: int
    """By the rule of the gates."""
    plain: int
    """By the e-process at the tolerated ratio, each block giving what it gives."""
    capped: int
    """By the same, each block giving a third at most."""
    gross: int
    """By the e-process at the gross ratio, each block giving what it gives."""
    sequence: int
    """By the sequence."""


def alarms(traffic: CacheTraffic, shifts: int, seed: int, minutes: tuple[int, int]) -> FalseAlarms:
    """Draw shifts without fault and count those in which any step of any stream fails.

    Args:
        traffic: Who sends requests.
        shifts: How many.
        seed: Of the generator.
        minutes: Of a step, and of a block.
    """
    hold, block = minutes
    generator = np.random.default_rng(seed)
    counted = np.zeros(5, dtype=np.int64)
    for start in range(0, shifts, BATCH):
        size = min(BATCH, shifts - start)
        drawn = [shift_counts(generator, traffic, WEIGHTS, hold) for _ in range(size * STREAMS)]
        wrong = np.zeros((5, size * STREAMS), dtype=np.bool_)
        for number in range(len(WEIGHTS)):
            counts = stacked([steps[number] for steps in drawn]).blocks(block)
            wrong |= _wrong(counts, gate_alpha(number + 1, GATES, FAMILIES))
        counted += wrong.reshape(5, size, STREAMS).any(axis=2).sum(axis=1)
    return FalseAlarms(shifts, *map(int, counted))


def _wrong(counts: Counts, alpha: float) -> NDArray[np.bool_]:
    """Return which streams of a step fail by: the rule, and its parts alone with all of alpha."""
    rule, enough = DEFAULT_RULE, math.log(1 / alpha)
    return np.array(
        [
            evidence(counts, alpha).failed[..., -1],
            (log_evalues(counts, rule.tolerated_ratio) >= enough).any(axis=-1),
            (log_evalues(counts, rule.tolerated_ratio, enough / 3) >= enough).any(axis=-1),
            (log_evalues(counts, rule.gross_ratio) >= enough).any(axis=-1),
            (difference(counts, alpha, rule.tolerated_ratio).low > 0).any(axis=-1),
        ]
    )


def minutes_to(ends: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the first minute in which something holds, in each stream; infinite: never."""
    return np.where(ends.any(axis=-1), ends.argmax(axis=-1) + 1.0, math.inf)


def drawn_step(traffic: CacheTraffic, weight: float, ratio: float, size: tuple[int, int]) -> Counts:
    """Draw streams of one step that come from no share on cdn.

    Args:
        traffic: Who sends requests.
        weight: Probability of cdn.
        ratio: How many times as often requests fail on cdn.
        size: Streams, and minutes.
    """
    generator = np.random.default_rng(20)
    streams, minutes = size
    return stacked(
        [shift_counts(generator, traffic, (weight,), minutes, ratio)[0] for _ in range(streams)]
    )


def shown_minutes(minutes: NDArray[np.float64]) -> str:
    """Return median and 90th percentile."""
    median, late = (float(np.quantile(minutes, at, method="higher")) for at in (0.5, 0.9))
    return f"{_minutes(median)} ({_minutes(late)})"


def _minutes(value: float) -> str:
    return "-" if math.isinf(value) else f"{value:,.0f}"


def alarm_rows(shifts: int, hold: int) -> Sequence[Sequence[str]]:
    """Return the rows of the table of false alarms."""
    cases = [
        *((CacheTraffic(sigma=sigma), shifts) for sigma in (0.0, 1.0, 2.0)),
        *((CacheTraffic(1000, sigma=sigma), shifts) for sigma in (0.0, 1.0, 2.0)),
        (CacheTraffic(1000, sigma=2.0, shocks=1.0), shifts),
        (CacheTraffic(10_000, sigma=2.0), shifts),
        (CacheTraffic(1000, direct_share=0.01, sigma=2.0), shifts),
        (CacheTraffic(1000, sigma=2.0, caches=200), shifts),
        (CacheTraffic(1000, sigma=2.0, answer_intervals=15), shifts),
        (CacheTraffic(1000, sigma=2.0, answer_intervals=15), shifts),
    ]
    rows: list[Sequence[str]] = []
    for seed, (traffic, count) in enumerate(cases):
        block = 15 if seed == len(cases) - 1 else 1
        seen = alarms(traffic, count, seed, (hold, block))
        parts = (seen.combined, seen.plain, seen.capped, seen.gross, seen.sequence)
        rows.append([*_described(traffic, block), *(f"{part / seen.shifts:.1%}" for part in parts)])
        print(f"  {seed + 1} of {len(cases)}", file=sys.stderr, flush=True)
    return rows


def _described(traffic: CacheTraffic, block: int) -> Sequence[str]:
    life = traffic.answer_intervals
    return (
        f"{traffic.requests_per_second:,.0f}/s",
        f"{traffic.direct_share:.1%}",
        f"{traffic.caches:,}",
        f"{traffic.sigma:g}"
        + (f", shocks {traffic.shocks:g}" if traffic.shocks else "")
        + (f", TTL {life} min, blocks of {block}" if life > 1 else ""),
    )


def finding_rows(streams: int) -> Sequence[Sequence[str]]:
    """Return the rows of the table of times to find a defect."""
    rows: list[Sequence[str]] = []
    for step, rate, ratio, minutes in (
        (1, 100, 20, 120),
        (1, 100, 5, 960),
        (1, 1000, 2, 1440),
        (2, 100, 20, 120),
        (2, 100, 5, 240),
        (2, 100, 2, 1440),
        (4, 100, 2, 720),
        (5, 100, 2, 480),
        (5, 100, 1.5, 1440),
    ):
        cells: list[str] = []
        for sigma in (0.0, 1.0, 2.0):
            traffic = CacheTraffic(rate, sigma=sigma)
            size = (streams * 120 // minutes + 1, minutes)
            counts = drawn_step(traffic, WEIGHTS[step - 1], ratio, size)
            failed = evidence(counts, gate_alpha(step, GATES, FAMILIES)).failed
            cells.append(shown_minutes(minutes_to(failed)))
        rows.append([f"{WEIGHTS[step - 1]:.0%} of {rate}/s", f"x{ratio:g}", *cells])
    return rows


def passing_rows(streams: int) -> Sequence[Sequence[str]]:
    """Return the rows of the table of passes: times, what was planned, and wrong ones."""
    rows: list[Sequence[str]] = []
    for share in (0.0, 0.001, 0.01):
        for weight in (0.01, 0.05, 0.25, 0.5):
            planned = seconds_for_pass(
                requests_per_second=CacheTraffic.requests_per_second,
                cdn_share=weight,
                direct_share=share,
                effective_caches=1 / float(np.sum(CacheTraffic().sizes() ** 2)),
            )
            right: list[str] = []
            wrong: list[str] = []
            for sigma in (0.0, 1.0, 2.0):
                traffic = CacheTraffic(direct_share=share, sigma=sigma)
                size = (streams, 480 if weight == WEIGHTS[0] else 240)
                alpha = gate_alpha(WEIGHTS.index(weight) + 1, GATES, FAMILIES)
                equal = evidence(drawn_step(traffic, weight, 1, size), alpha).passes
                right.append(shown_minutes(minutes_to(equal)))
                if share > 0:  # nothing is worse than never by a ratio
                    ratio = 1 + DEFAULT_RULE.margin / share
                    worse = evidence(drawn_step(traffic, weight, ratio, size), alpha).passes
                    wrong.append(f"{worse.any(axis=-1).mean():.1%}")
            rows.append(
                [
                    f"{weight:.0%} of 100/s",
                    f"{share:.1%}",
                    _minutes(planned / 60),
                    *right,
                    " / ".join(wrong),
                ]
            )
    return rows


def detectable_rows(streams: int) -> Sequence[Sequence[str]]:
    """Return the rows of the table of increases that an hour shows."""
    rows: list[Sequence[str]] = []
    for number, weight in enumerate(WEIGHTS, start=1):
        for rate in (100, 1000):
            cells: list[str] = []
            alpha = gate_alpha(number, GATES, FAMILIES)
            for sigma in (0.0, 1.0):
                traffic = CacheTraffic(rate, sigma=sigma)
                ratio = detectable_increase(
                    requests_per_second=rate,
                    cdn_share=weight,
                    direct_share=traffic.direct_share,
                    hold_seconds=3600,
                    alpha=alpha,
                    effective_caches=1 / float(np.sum(traffic.sizes() ** 2)),
                    error_spread=sigma,
                ).ratio
                counts = drawn_step(traffic, weight, ratio, (streams, 60))
                found = evidence(counts, alpha).failed[:, -1].mean()
                cells += [f"x{ratio:.1f}", f"{found:.0%}"]
            rows.append([f"{weight:.0%} of {rate}/s", *cells])
    return rows


def needed_rows() -> Sequence[Sequence[str]]:
    """Return the rows of the table of requests that a pass needs."""
    rules = [GateRule(margin=margin) for margin in (0.001, 0.002, 0.005, 0.01)]
    return [
        [
            f"{share:.2%}",
            *(
                f"{requests_for_pass(direct_share=share, cdn_share=0.01, rule=rule):,.0f}"
                for rule in rules
            ),
        ]
        for share in (0.0, 0.0005, 0.001, 0.005, 0.01, 0.02)
    ]


def main() -> None:
    """Print the tables."""
    short = parser(__doc__ or "").parse_args().short
    show(
        f"false alarms of a shift without fault: {'+'.join(f'{w:.0%}' for w in WEIGHTS)}, "
        f"{STREAMS} tests a step, {HOLD // 60} h each, alpha 1 %",
        (
            "requests",
            "errors",
            "caches",
            "sigma",
            "gate",
            "e-process",
            "capped",
            "gross",
            "sequence",
        ),
        alarm_rows(*((2, 20) if short else (250, HOLD))),
    )
    show(
        "minutes until a gate fails: median (90th percentile)",
        ("cdn", "defect", "sigma 0", "sigma 1", "sigma 2"),
        finding_rows(4 if short else 1000),
    )
    show(
        "minutes until a gate passes: planned (sigma 1), median (90th percentile), wrong passes",
        ("cdn", "errors", "planned", "sigma 0", "sigma 1", "sigma 2", "wrong at sigma 0 / 1 / 2"),
        passing_rows(4 if short else 300),
    )
    show(
        "what an hour shows nine times of ten, planned, and how often it was found in simulations",
        ("cdn", "sigma 0", "found", "sigma 1", "found"),
        detectable_rows(4 if short else 400),
    )
    show(
        "requests on cdn until half of all gates pass, by margin in points",
        ("errors", "0.1", "0.2", "0.5", "1"),
        needed_rows(),
    )


if __name__ == "__main__":
    main()
