"""Whether what was counted lets one pass, fail, or not tell: intervals and sequential tests, pure.

- `shares`: whether name servers answer with a declared share. `verify` uses it; its names are here
  too.
- `counts`: requests and errors of both paths, interval by interval.
- `evalues`: an e-process, which says whether cdn's errors are more than so many times direct's.
- `sequence`: where the difference of the two error shares lies, with the variance that is there.
- `gate`: both together, as pass, fail or cannot tell.
- `sample_ratio`: whether as many requests arrive as DNS should bring.
- `spending`: what each test of a shift may err.
- `planning`: what a gate can show, before the step; `power` is its arithmetic.

docs/statistics.md has the theorems, the formulas and what they are worth in simulations.

All but `shares` need numpy, which takes longer to import than most runs last: import them where
they are used.
"""

from rollout.statistics.shares import (
    ALPHA,
    FIRST_LOOK,
    MISSED_ALPHA,
    Interval,
    answers_to_see,
    clopper_pearson,
    difference,
    look_alpha,
    looks,
    share,
)

__all__ = [
    "ALPHA",
    "FIRST_LOOK",
    "MISSED_ALPHA",
    "Interval",
    "answers_to_see",
    "clopper_pearson",
    "difference",
    "look_alpha",
    "looks",
    "share",
]
