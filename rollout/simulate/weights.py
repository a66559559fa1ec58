"""The weight of cdn over time: steps, and what a schedule may be."""

from dataclasses import dataclass
from functools import cached_property
from typing import cast

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
FAR_SECONDS = 1e9
"""Longer ago, and farther ahead, than any cache remembers: thirty years."""


@dataclass(frozen=True)
class WeightPlan:
    """The share of the answers that lead to cdn: at first, and from each change on."""

    before: float
    """Until the first change, 0 to 1; for as long as any cache remembers."""
    changes: tuple[tuple[float, float], ...]
    """When, in seconds, and what it is from then on; in order of time."""

    @cached_property
    def starts(self) -> FloatArray:
        """When each change is made."""
        return np.array([at for at, _ in self.changes], dtype=np.float64)

    @cached_property
    def values(self) -> FloatArray:
        """What the share of the answers is before the first change and from each change on."""
        return np.array([self.before, *(value for _, value in self.changes)], dtype=np.float64)

    def at(self, seconds: FloatArray) -> FloatArray:
        """Return the share of the answers at some moments."""
        return self.values[np.searchsorted(self.starts, seconds, side="right")]

    def value_at(self, seconds: float) -> float:
        """Return the share of the answers at a moment."""
        return next((value for at, value in reversed(self.changes) if at <= seconds), self.before)

    def last_change(self, seconds: float) -> float:
        """Return when the last change before a moment was made; the first one before all."""
        earlier = [at for at, _ in self.changes if at <= seconds]
        return earlier[-1] if earlier else self.changes[0][0]

    def total(self, seconds: FloatArray) -> FloatArray:
        """Return the integral of the share of the answers from the first change to some moments."""
        first = float(self.starts[0])
        knots: FloatArray = np.array([first - FAR_SECONDS, *self.starts, first + FAR_SECONDS])
        pieces: FloatArray = np.zeros(len(knots))
        pieces[1:] = np.cumsum(np.diff(knots) * self.values)
        return cast("FloatArray", np.interp(seconds, knots, pieces - pieces[1]))

    def rolled_back(self, at: float, value: float = 0.0) -> "WeightPlan":
        """Return the plan that ends at a moment and goes to another value for good."""
        kept = tuple(change for change in self.changes if change[0] < at)
        return WeightPlan(self.before, (*kept, (at, value)))
