"""What the benchmarks share: turns, medians, tables, and a short form.

The short form, `--short`, does everything once and little of it. Its figures mean nothing; that it
ends shows that a benchmark still runs.
"""

import argparse
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence

from rich.console import Console
from rich.table import Table

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# Each Python that is measured would compile all that it imports.


def children_cpu_seconds() -> float:
    """Return the CPU of all processes that were started here, and of theirs, and have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def parser(description: str) -> argparse.ArgumentParser:
    """Return a parser that knows `--short`."""
    parsed = argparse.ArgumentParser(description=description)
    parsed.add_argument(
        "--short", action="store_true", help="do everything once, to see that it runs"
    )
    return parsed


def timed(work: Callable[[], object]) -> float:
    """Return how long a piece of work takes, in seconds."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def alternate(works: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return the median seconds of each piece of work, measured in turns.

    Where there are several rounds, one that does not count comes before them.
    """
    if rounds > 1:
        for work in works.values():
            work()
    times: dict[str, list[float]] = {name: [] for name in works}
    for number in range(rounds):
        print(f"  round {number + 1} of {rounds}", file=sys.stderr, flush=True)
        for name, work in works.items():
            times[name].append(timed(work))
    return {name: statistics.median(taken) for name, taken in times.items()}


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console(width=100, markup=False, highlight=False).print(table, "")
