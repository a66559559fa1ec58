"""What it costs to foretell a shift of many caches, beside a loop that goes through every fetch.

The loop (tests/support/plain_caches.py) takes nothing for granted, and is plain Python: one cache
after the other, one fetch after the other. Both answer the same question in the same run, 10,000
caches over one day, in which A's answers live 60 s on both paths; and AAAA's 60 s on cdn and 900 s,
empty, on direct. Then ten million caches over fourteen days, alone: the loop would take days.

Run it with: make bench
"""

import resource
import sys
import time
from typing import Literal

from measuring import parser, show

from rollout.simulate.population import AddressFamilies, Clients, Population, Resolvers
from rollout.simulate.shares import AliasAnswers, ShareQuestion, Shares, shares_at
from rollout.simulate.weights import WeightPlan
from support.plain_caches import PlainCaches, PlainShares, run

DAY = 86_400.0
CADENCE = (1, 5, 10, 25, 50, 100)
ASKED = (60.0, 900.0, 3_600.0)
"""Seconds after each step at which shares are asked for; and the end of the step."""


def changes(days: float) -> tuple[tuple[float, float], ...]:
    """Return a shift of six steps."""
    hold = days * DAY / len(CADENCE)
    return tuple((number * hold, weight / 100) for number, weight in enumerate(CADENCE))


def moments(days: float) -> list[float]:
    """Return the moments asked for."""
    hold = days * DAY / len(CADENCE)
    return [at + later for at, _ in changes(days) for later in (*ASKED, hold - 1)]


def foretell(caches: int, days: float, sizes: Literal["equal", "zipf"]) -> Shares:
    """Return what the model says, of A and of AAAA."""
    population = Population(
        name="all",
        resolvers=(Resolvers(name="all", share=1, caches=caches, sizes=sizes),),
        clients=(Clients(name="all", share=1, request_gap_seconds=0),),
        families=AddressFamilies(),
    )
    question = ShareQuestion(WeightPlan(0, changes(days)), population, AliasAnswers(60, 900))
    return shares_at(question, moments(days)).mean(population)


def loop(caches: int, days: float, direct_life: float) -> PlainShares:
    """Return what the loop says."""
    return run(PlainCaches(caches, 60, direct_life), changes(days), moments(days))


def main() -> None:
    """Measure both, and then the large one."""
    short = parser("Measure what it costs to foretell a shift.").parse_args().short
    few, many = (200, 20_000) if short else (10_000, 10_000_000)
    began = time.perf_counter()
    model = foretell(few, 1, "equal")
    model_seconds = time.perf_counter() - began
    print("  the loop", file=sys.stderr, flush=True)
    began = time.perf_counter()
    a, aaaa = loop(few, 1, 60), loop(few, 1, 900)
    loop_seconds = time.perf_counter() - began
    rows = [
        ("the loop", f"{loop_seconds:.2f}", "1.00"),
        ("the model", f"{model_seconds:.2f}", f"{model_seconds / loop_seconds:.2f}"),
    ]
    show(f"{few:,} caches, one day", ("by", "s", "ratio"), rows)
    apart = {
        "A": max(abs(one - other) for one, other in zip(model.a_on_cdn, a.on_cdn, strict=True)),
        "AAAA": max(
            abs(one - other) for one, other in zip(model.aaaa_on_cdn, aaaa.on_cdn, strict=True)
        ),
    }
    show(
        f"shares apart, {len(moments(1))} moments",
        ("records", "points"),
        [(name, f"{100 * value:.2f}") for name, value in apart.items()],
    )
    print("  many caches", file=sys.stderr, flush=True)
    began, cpu = time.perf_counter(), time.process_time()
    foretell(many, 14, "zipf")
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    show(
        f"{many:,} caches, 14 days",
        ("s", "CPU s", "GiB at most"),
        [(f"{seconds:.1f}", f"{cpu:.1f}", f"{memory:.2f}")],
    )


if __name__ == "__main__":
    main()
