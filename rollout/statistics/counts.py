"""Requests and errors of both paths, interval by interval: what gates judge.

An *error* is whatever a gate counts against a path. For latency it is a request that took longer
than a limit fixed before the step (direct's 99th percentile of the days before, say): a share like
any other, so the same tests judge it. A limit read off the data that are judged would move with
them.

Counts need not be whole: CloudWatch interpolates the number of requests in a range (statistics PR
and TC), and access logs may be samples.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from components.faults import Fault

Floats: TypeAlias = NDArray[np.float64]

MOST_FAULTS: Final = 20
"""Faults that a message lists: a source that is wrong is mostly wrong in every interval."""


class CountsError(ValueError):
    """Counts that contradict themselves; all faults in one message."""

    def __init__(self, faults: list[Fault]) -> None:
        """Keep the faults and put them into the message.

        Args:
            faults: At least one.
        """
        self.faults = tuple(faults)
        listed = [str(fault) for fault in faults[:MOST_FAULTS]]
        if len(faults) > MOST_FAULTS:
            listed.append(f"… and {len(faults) - MOST_FAULTS} more")
        super().__init__("\n".join(listed))


@dataclass(frozen=True, eq=False)
class Counts:
    """What was counted on both paths; the last axis is time, any others are separate streams.

    Raises:
        CountsError: The shapes differ, or a count is negative, not finite, or greater than the
            requests it is of. Zero requests are no fault: with cdn at 1 % there are minutes
            without any.
    """

    cdn_errors: Floats
    """Errors on cdn in each interval."""
    cdn_requests: Floats
    """Requests on cdn in each interval, errors included."""
    direct_errors: Floats
    """Errors on direct in each interval."""
    direct_requests: Floats
    """Requests on direct in each interval, errors included."""

    def __post_init__(self) -> None:
        """Turn all into arrays and refuse what cannot be."""
        for name in self.__dataclass_fields__:
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=np.float64))
        if faults := list(self._faults()):
            raise CountsError(faults)

    @classmethod
    def of(
        cls,
        *,
        cdn: tuple[ArrayLike, ArrayLike],
        direct: tuple[ArrayLike, ArrayLike],
    ) -> "Counts":
        """Make counts of errors and requests of each path.

        Args:
            cdn: Errors and requests, each a number per interval.
            direct: The same of the old path.
        """
        cdn_errors, cdn_requests = (np.asarray(each, dtype=np.float64) for each in cdn)
        direct_errors, direct_requests = (np.asarray(each, dtype=np.float64) for each in direct)
        return cls(cdn_errors, cdn_requests, direct_errors, direct_requests)

    @property
    def intervals(self) -> int:
        """How many intervals there are."""
        return self.cdn_errors.shape[-1]

    def blocks(self, size: int) -> "Counts":
        """Return the sums of `size` intervals each; those at the end that fill no block wait.

        Args:
            size: Intervals in a block, 1 or more: as many as last one TTL at least.
        """
        whole = self.intervals // size * size

        def summed(counts: Floats) -> Floats:
            return counts[..., :whole].reshape(*counts.shape[:-1], -1, size).sum(-1)

        return Counts(
            summed(self.cdn_errors),
            summed(self.cdn_requests),
            summed(self.direct_errors),
            summed(self.direct_requests),
        )

    def _faults(self) -> Iterator[Fault]:
        arrays = {name: getattr(self, name) for name in self.__dataclass_fields__}
        shapes = {name: array.shape for name, array in arrays.items()}
        if len(set(shapes.values())) > 1 or () in shapes.values():
            yield Fault(
                "the number of intervals",
                ", ".join(
                    f"{'x'.join(map(str, s)) or 'none'} ({_name(n)})" for n, s in shapes.items()
                ),
                "all four series need the same, at least one axis",
                "Count all four over the same intervals.",
            )
            return
        for name, array in arrays.items():
            for place in np.argwhere(~np.isfinite(array) | (array < 0)):
                yield Fault(
                    f"{_name(name)} in interval {_interval(place)}",
                    f"{array[tuple(place)]:g}",
                    "a count is finite and not negative",
                    "Leave out intervals that the source knows nothing of.",
                )
        for path in ("cdn", "direct"):
            errors, requests = arrays[f"{path}_errors"], arrays[f"{path}_requests"]
            for place in np.argwhere(np.isfinite(errors) & (requests >= 0) & (errors > requests)):
                yield Fault(
                    f"{path} errors in interval {_interval(place)}",
                    f"{errors[tuple(place)]:g}",
                    f"there were {requests[tuple(place)]:g} requests, and each fails once at most",
                    "Count errors and requests of the same requests.",
                )


def _name(field: str) -> str:
    return field.replace("_", " ")


def _interval(place: NDArray[np.intp]) -> str:
    """Return which interval it is, from 1, and of which stream where there are several."""
    *streams, last = (int(index) + 1 for index in place)
    return f"{last}" + (f" of stream {', '.join(map(str, streams))}" if streams else "")
