"""How often verify's own requests are wrong about an edge: false alarms, and what is missed.

Thirty runs each, on a clock that is a number (`tests/support/own_apis.py`):

- of a stable API, a plain one and a wild one, on an edge that passes everything through: none may
  fail, the first two have to end with 0, the wild one with 3 and something to ignore.
- of the same behind a cache that says nothing: all have to fail, the stable one by its `Date`
  alone, which is the API's.

Run it with: PYTHONPATH=tests .venv/bin/python benchmarks/clean_runs.py
"""

import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from measuring import parser, show

from support.own_apis import (
    Api,
    Cache,
    Run,
    dice,
    everywhere,
    on_cdn,
    own_run,
    plain_api,
    still_api,
    wild_api,
)

RUNS: Final = 30

APIS: Final[dict[str, Callable[[int], Api]]] = {
    "stable": lambda _: still_api(),
    "plain": lambda seed: plain_api(dice(seed)),
    "wild": lambda seed: wild_api(dice(seed)),
}


@dataclass(frozen=True)
class Row:
    """What some runs came to."""

    name: str
    codes: Counter[int]
    requests: tuple[int, int]
    """The fewest and the most requests of a run."""
    seconds: float
    expected: int

    @property
    def is_right(self) -> bool:
        """Whether all runs ended as they have to."""
        return set(self.codes) == {self.expected}


def measure(name: str, make: Callable[[int], Run], runs: int, expected: int) -> Row:
    """Return what some runs came to."""
    began = time.perf_counter()
    made = [make(seed) for seed in range(runs)]
    counts = [run.requests for run in made]
    return Row(
        name,
        Counter(run.exit_code for run in made),
        (min(counts), max(counts)),
        (time.perf_counter() - began) / runs,
        expected,
    )


def rows(runs: int) -> Sequence[Row]:
    """Return the rows of the table."""
    clean = [
        measure(
            f"{name}, passed through",
            lambda seed, api=api: own_run(everywhere(api(seed))),
            runs,
            3 if name == "wild" else 0,
        )
        for name, api in APIS.items()
    ]

    def kept(seed: int, api: Callable[[int], Api]) -> Run:
        served = api(seed)
        return own_run(on_cdn(served, Cache(served)))

    cached = [
        measure(f"{name}, behind a cache", lambda seed, api=api: kept(seed, api), runs, 1)
        for name, api in APIS.items()
    ]
    return [*clean, *cached]


def main() -> int:
    """Print the table, and return 1 if a run ended as it must not."""
    made = rows(2 if parser(__doc__ or "").parse_args().short else RUNS)
    show(
        "runs of verify on the user's own requests",
        ("API", "exit codes", "expected", "requests", "seconds a run"),
        [
            (
                row.name,
                ", ".join(f"{count} times {code}" for code, count in sorted(row.codes.items())),
                str(row.expected),
                f"{row.requests[0]} to {row.requests[1]}",
                f"{row.seconds:.2f}",
            )
            for row in made
        ],
    )
    return 0 if all(row.is_right for row in made) else 1


if __name__ == "__main__":
    sys.exit(main())
