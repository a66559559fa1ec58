"""The largest exposure that a step may have, and how long a step has to be held."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from rollout.simulate.figures import StepFigures
from rollout.simulate.population import DAY

LEAST_HOLD: Final = 300.0
"""Seconds that every step is held at least, beside the TTL of an empty AAAA."""

PEAK_FROM: Final = 25
"""Weight from which on a hold has to see a daily peak."""


@dataclass(frozen=True)
class Bounds:
    """Bounds of exposure, of a step, for all clients and for each family; None: none."""

    requests: int | None = None
    """Requests on cdn during the hold."""
    clients: float | None = None
    """Share of the clients that meet cdn for the first time, 0 to 1."""
    largest_refresh: int | None = None
    """Requests that the largest cache may carry to cdn with one answer."""

    def before(self, others: "Bounds") -> "Bounds":
        """Return these bounds, and of what they do not bound the others."""
        return Bounds(
            others.requests if self.requests is None else self.requests,
            others.clients if self.clients is None else self.clients,
            others.largest_refresh if self.largest_refresh is None else self.largest_refresh,
        )


NO_BOUNDS: Final = Bounds()


def past(bounds: Bounds, steps: Sequence[StepFigures]) -> Iterator[str]:
    """Yield what is past a bound, as a sentence, with what to do about it."""
    for step in steps:
        for figures in step.families:
            whose = "all clients" if figures.family == "all" else figures.family
            at = f"at weight {step.weight}, of {whose}"
            if bounds.requests is not None and figures.requests.expected > bounds.requests:
                yield (
                    f"The number of requests on cdn {at}, is {figures.requests.expected:,.0f}; the "
                    f"bound is {bounds.requests:,}. Hold it for less time, or raise the bound."
                )
            if bounds.clients is not None and figures.distinct_clients > bounds.clients:
                yield (
                    f"The share of clients that meet cdn for the first time {at}, is "
                    f"{figures.distinct_clients:.0%}; the bound is {bounds.clients:.0%}. Put a "
                    "step before it, hold it for less time, or raise the bound."
                )
        most = bounds.largest_refresh
        if most is not None and step.largest_refresh > most:
            yield (
                f"The number of requests that the largest cache carries with one answer at weight "
                f"{step.weight} is {step.largest_refresh:,.0f}; the bound is {most:,}. No weight "
                "makes it less: raise the bound, or begin when there is less traffic."
            )


def hold_seconds(weight: int, pass_seconds: float | None, empty_ttl_seconds: float | None) -> float:
    """Return how long a step is held where nobody says it, in whole minutes.

    Args:
        weight: Weight of cdn, in percent.
        pass_seconds: How long a pass takes; None: nothing is to be compared.
        empty_ttl_seconds: TTL of direct's empty AAAA; None: it is not empty.
    """
    least = LEAST_HOLD + (empty_ttl_seconds or 0)
    peak = DAY if weight >= PEAK_FROM else 0
    return -(-max(least, pass_seconds or 0, peak) // 60) * 60
