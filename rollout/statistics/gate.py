"""Pass, fail or cannot tell, from what was counted on both paths since a step began.

* **Fail** = (the e-process at the tolerated ratio **and** the sequence wholly above the tolerated
  ratio) **or** the e-process at the gross ratio. The first needs both, because each alone is wrong
  about something: the e-process believes that who moved is like who stayed, and is fast; the
  sequence believes nothing and needs many blocks. A gross defect does not wait for them.
* **Pass** = the difference of the error shares lies below an absolute margin. A ratio could never
  pass an API without errors, as no number of requests shows that 0 is not more than 1.25 times 0.
  Here the sequence has no e-process beside it, so it counts what neighbouring blocks share.
* **Cannot tell** = anything else, no data included. It holds the step and never passes it.

Fail is final: the shift is rolled back at the first look that fails, so a later look cannot take it
back. Pass is of the latest look.

**Why alpha holds.** What fails has two ways, each with alpha/2. The first happens only if the
e-process errs and the sequence errs, so it errs at most as often as either, whichever of their two
assumptions holds. The second is an e-process alone, and what makes that safe where whole caches
move is not its theorem but the largest evidence of a block, a third of what fails: three separate
draws have to agree. docs/statistics.md has what remains, by simulation.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from rollout.probe.model import Verdict
from rollout.statistics.counts import Counts, Floats
from rollout.statistics.evalues import log_evalues
from rollout.statistics.sequence import PHASES, difference
from rollout.statistics.shares import Interval

FEWEST_BLOCKS: Final = 3
"""Blocks that have to agree before a gate fails: each gives a third of the evidence at most."""


@dataclass(frozen=True)
class GateRule:
    """What a gate tolerates."""

    tolerated_ratio: float = 1.25
    """How many times direct's error share cdn's may be. Default: 1.25, below which no step of usual
    traffic can tell."""
    gross_ratio: float = 3.0
    """The ratio beyond which a defect is gross and need not wait for the sequence. Default: 3."""
    margin: float = 0.005
    """By how much cdn's error share has to be shown to be less than direct's plus this, as a share
    of the requests. Default: half a point."""
    pass_alpha: float = 0.05
    """Probability that a gate passes where cdn's share exceeds direct's by the margin. Default:
    0.05."""


DEFAULT_RULE: Final = GateRule()


@dataclass(frozen=True, eq=False)
class GateEvidence:
    """What a gate sees after each block; the last axis is blocks."""

    log_tolerated: Floats
    """Logarithm of the e-process at the tolerated ratio."""
    log_gross: Floats
    """Logarithm of that at the gross ratio."""
    excess: Floats
    """Lower end of cdn's error share less the tolerated ratio times direct's."""
    low: Floats
    """Lower end of the difference of the error shares."""
    high: Floats
    """Upper end of it."""
    failed: NDArray[np.bool_]
    """Whether the gate has failed by then."""
    passes: NDArray[np.bool_]
    """Whether it passes then."""


@dataclass(frozen=True)
class GateAnswer:
    """What a gate says by now."""

    verdict: Verdict
    """Pass, fail, or cannot tell."""
    difference: Interval
    """Where cdn's error share less direct's lies; -1 to 1 while nothing is known."""
    evidence_tolerated: float
    """Evidence that the tolerated ratio is exceeded, as a part of what fails: 1 is enough."""
    evidence_gross: float
    """The same against the gross ratio."""
    blocks: int
    """Blocks that were judged."""


def evidence(counts: Counts, alpha: float, rule: GateRule = DEFAULT_RULE) -> GateEvidence:
    """Return what a gate sees after each block.

    Args:
        counts: What was counted since the step began; each interval is a block.
        alpha: What the gate may err when it fails, as `spending.gate_alpha` gives it.
        rule: What it tolerates.
    """
    enough = fail_evidence(alpha)
    most = enough / FEWEST_BLOCKS
    log_tolerated = log_evalues(counts, rule.tolerated_ratio, most)
    log_gross = log_evalues(counts, rule.gross_ratio, most)
    excess = difference(counts, alpha / 2, rule.tolerated_ratio).low
    passing = difference(counts, rule.pass_alpha, scatter=PHASES)
    slow = _ever(log_tolerated >= enough) & _ever(excess > 0)
    failed = slow | _ever(log_gross >= enough)
    return GateEvidence(
        log_tolerated=log_tolerated,
        log_gross=log_gross,
        excess=excess,
        low=passing.low,
        high=passing.high,
        failed=failed,
        passes=(passing.high < rule.margin) & ~failed,
    )


def judge(
    counts: Counts, alpha: float, block_intervals: int, rule: GateRule = DEFAULT_RULE
) -> GateAnswer:
    """Return what a gate says of one stream of counts.

    Args:
        counts: What was counted since the step began, one stream.
        alpha: What the gate may err when it fails, as `spending.gate_alpha` gives it.
        block_intervals: Intervals in a block: together at least as long as the longest TTL. With
            shorter ones neighbours are alike, and most sound shifts fail where caches differ.
        rule: What it tolerates.
    """
    blocks = counts.blocks(block_intervals)
    if blocks.intervals == 0:
        return GateAnswer("unknown", Interval(-1.0, 1.0), 0.0, 0.0, 0)
    seen = evidence(blocks, alpha, rule)
    enough = fail_evidence(alpha)
    verdict: Verdict = "unknown"
    if seen.failed[-1]:
        verdict = "fail"
    elif seen.passes[-1]:
        verdict = "pass"
    return GateAnswer(
        verdict,
        Interval(max(-1.0, float(seen.low[-1])), min(1.0, float(seen.high[-1]))),
        max(0.0, float(seen.log_tolerated.max()) / enough),
        max(0.0, float(seen.log_gross.max()) / enough),
        blocks.intervals,
    )


def fail_evidence(alpha: float) -> float:
    """Return the logarithm of the e-value at which a gate fails: each way has a half of alpha."""
    return math.log(2 / alpha)


def _ever(now: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return np.logical_or.accumulate(now, axis=-1)
