"""What the lab and `dualstack verify` cost, and whether what verify says is true.

In labs of the sandbox's stack:

- how long a second lab of the same clouds takes until it is what is deployed. Floor: as many bare
  network namespaces, each with one link to a router.
- how long verify takes on the client with both families, in echo mode with nothing left out. Floor:
  as many connections made by httpx on the same ways, one plain request on each, as many at once,
  while the time passes that a check has to wait for errors that are kept. Both start Python.
- how many runs on a sound edge say anything but that all passed, in four stages of a shift.
- which of the mistakes of `tests/support/faults.py`, deployed with the packs off, are found: verify
  fails, and its evidence names the mistake.

Floors are measured in turns with what stands on them. Needs root. 50 clean runs and the mistakes
take about twenty minutes on two cores.

Run it with: make bench
Alone, with what the tests share: PYTHONPATH=tests .venv/bin/python benchmarks/verification.py
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from measuring import parser, show, timed
from rich.console import Console

from rollout.verify.checks.cache_errors import LATER_SECONDS
from sandbox.lab.lab import Lab, faults
from support.faults import MISTAKES
from support.scene import Scene, Verified, opened, prepared

ROUNDS: Final = 5
"""Labs that are opened, and runs of verify that stand beside a floor."""

CLIENT: Final = "dual-stack"
AT_ONCE: Final = 16
"""Requests under way at once; verify's own default."""

LAB_SECONDS: Final = 10.0
VERIFY_SECONDS: Final = 20.0
"""How long they may take on a machine that does nothing else."""

MOST: Final = 4
"""Names of checks that a row of the table shows."""

STAGES: Final = ((100, 0), (99, 1), (50, 50), (0, 100))
"""Weights of direct and cdn, whose shares have to be told apart from wrong ones."""

BARE: Final = """
mount -t tmpfs none /run
ip netns add router
for host in $(seq "$1"); do
  ip netns add "$host"
  ip -n router link add "to$host" type veth peer name eth0 netns "$host"
  ip -n router link set "to$host" up
  ip -n "$host" link set eth0 up
done
"""
"""Makes namespaces and links, as one would by hand."""


@dataclass
class Clean:
    """What the runs on a sound edge came to."""

    seconds: list[float] = field(default_factory=list[float])
    """How long each took."""
    floors: list[float] = field(default_factory=list[float])
    """How long the floor took beside some of them."""
    beside: list[float] = field(default_factory=list[float])
    """How long those took."""
    alarms: list[str] = field(default_factory=list[str])
    """What was said of the runs that did not pass, one each."""


def say(line: str) -> None:
    """Print a line of progress, with how busy the machine is."""
    print(f"  {line} (load {os.getloadavg()[0]:.1f})", file=sys.stderr, flush=True)


def bare(hosts: int) -> None:
    """Make network namespaces with a link each, which end with this."""
    private = ("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child=SIGKILL", "--")
    subprocess.run([*private, "sh", "-euc", BARE, "sh", str(hosts)], check=True)


def opening(scene: Scene, rounds: int) -> None:
    """Measure how long a lab takes to be what is deployed."""
    hosts = len(scene.lab.hosts) - 1  # the router is one more in both
    labs: list[float] = []
    floors: list[float] = []
    for number in range(rounds):
        floors.append(timed(lambda: bare(hosts)))
        began = time.perf_counter()
        with Lab.open(scene.account.url, scene.droplets.url, scene.folder / "second") as lab:
            lab.settle()
            labs.append(time.perf_counter() - began)
        say(f"opening {number + 1} of {rounds}: {labs[-1]:.2f} s, bare {floors[-1]:.2f} s")
    floor, median = statistics.median(floors), statistics.median(labs)
    within = sum(taken <= LAB_SECONDS for taken in labs)
    show(
        "opening a lab of a deployed sandbox",
        ("what", "median s", "ratio to the floor", f"within {LAB_SECONDS:g} s"),
        (
            (f"{hosts} bare namespaces with a link each (floor)", f"{floor:.2f}", "1.00", ""),
            (
                f"a lab of {hosts} hosts",
                f"{median:.2f}",
                f"{median / floor:.2f}",
                _of(within, labs),
            ),
        ),
    )


def _of(part: int, whole: Sequence[object]) -> str:
    return f"{part} of {len(whole)}"


def connections(scene: Scene) -> int:
    """Return how many TCP connections the client has opened so far."""
    lines = scene.lab.run(CLIENT, "cat", "/proc/net/snmp").stdout.splitlines()
    names, values = (line.split() for line in lines if line.startswith("Tcp:"))
    return int(values[names.index("ActiveOpens")])


def plain(scene: Scene, number: int, verified: Verified) -> None:
    """Make as many connections as verify made, on the ways that it found."""
    ways = [f"{hostname}@{address}" for hostname, address in verified.ways]
    script = str(Path(__file__).with_name("plain_requests.py"))
    arguments = (str(number), str(AT_ONCE), str(LATER_SECONDS), "/echo", *ways)
    done = scene.lab.run(CLIENT, sys.executable, script, *arguments, timeout=300)
    if done.returncode != 0:
        sys.exit(f"The floor of verify failed:\n{done.stderr}")


def clean_runs(scene: Scene, runs: int, options: Sequence[str]) -> Clean:
    """Run verify, with more options, again and again where nothing is wrong."""
    clean = Clean()
    for stage, (direct, cdn) in enumerate(STAGES):
        first, end = (runs * number // len(STAGES) for number in (stage, stage + 1))
        if first == end:
            continue
        scene.deploy(traffic={"direct": direct, "cdn": cdn})
        # Or the resolver answers as before for a TTL, and verify rightly cannot tell.
        scene.forget_names()
        for number in range(first, end):
            before = connections(scene)
            began = time.perf_counter()
            verified = scene.verify(*options, client=CLIENT)
            taken = time.perf_counter() - began
            opens = connections(scene) - before
            clean.seconds.append(taken)
            summary = f"{len(verified.results)} results, {opens} connections"
            if verified.code != 0:
                summary = "\n".join(
                    (
                        f"exit code {verified.code}",
                        verified.evidence(),
                        verified.evidence("unknown"),
                    )
                )
                clean.alarms.append(f"run {number + 1} at {direct}/{cdn}: {summary}")
            say(f"clean run {number + 1} of {runs} at {direct}/{cdn}: {taken:.1f} s, {summary}")
            if number * ROUNDS // runs != (number - 1) * ROUNDS // runs and verified.ways:
                began = time.perf_counter()
                plain(scene, opens, verified)
                clean.floors.append(time.perf_counter() - began)
                clean.beside.append(taken)
                say(f"{opens} plain requests: {clean.floors[-1]:.1f} s")
    return clean


def show_clean_runs(clean: Clean) -> None:
    """Print what the runs on a sound edge came to."""
    if clean.floors:
        floor, median = statistics.median(clean.floors), statistics.median(clean.beside)
        show(
            f"dualstack verify, runs beside a floor: {len(clean.floors)}",
            ("what", "median s", "ratio to the floor"),
            (
                ("as many plain requests, and the wait (floor)", f"{floor:.2f}", "1.00"),
                ("dualstack verify, all of it", f"{median:.2f}", f"{median / floor:.2f}"),
            ),
        )
    if clean.seconds:
        within = sum(taken <= VERIFY_SECONDS for taken in clean.seconds)
        show(
            "dualstack verify where nothing is wrong",
            ("runs", "false alarms", "median s", "longest s", f"within {VERIFY_SECONDS:g} s"),
            (
                (
                    str(len(clean.seconds)),
                    str(len(clean.alarms)),
                    f"{statistics.median(clean.seconds):.2f}",
                    f"{max(clean.seconds):.2f}",
                    _of(within, clean.seconds),
                ),
            ),
        )
    for alarm in clean.alarms:
        Console(width=100, markup=False, highlight=False).print(alarm, soft_wrap=True)


def mistakes(scene: Scene, most: int | None) -> None:
    """Deploy each mistake, or so many, and print what verify said of it."""
    direct, cdn = STAGES[0]
    rows: list[tuple[str, ...]] = []
    for name, mistake in [*MISTAKES.items()][:most]:
        ordinary: dict[str, Any] = {"traffic": {"direct": direct, "cdn": cdn}}
        scene.reset()
        scene.deploy(mistake.program, **{**ordinary, **mistake.config})
        scene.forget()
        verified = scene.verify(client=CLIENT)
        is_named = verified.code == 1 and mistake.is_named(verified.results)
        failed = sorted(verified.paths_by_check())
        by = ", ".join(failed[:MOST]) + (f", {len(failed) - MOST} more" * (len(failed) > MOST))
        rows.append((name, mistake.rule, "found" if is_named else "missed", by))
        say(f"{name}: {rows[-1][2]}")
        if not is_named:
            evidence = (
                f"exit code {verified.code}",
                verified.evidence(),
                verified.evidence("unknown"),
            )
            print(*evidence, verified.printed, sep="\n", file=sys.stderr, flush=True)
    named = sum(row[2] == "found" for row in rows)
    show(
        f"mistakes that verify names: {_of(named, rows)}",
        ("mistake", "rule that refuses it", "", "checks that fail"),
        rows,
    )


def main() -> None:
    """Measure and print."""
    flags = parser("Measure the lab and dualstack verify.")
    flags.add_argument(
        "--runs", type=int, default=50, help="runs where nothing is wrong (default: 50)"
    )
    arguments = flags.parse_args()
    rounds, runs, most, options = ROUNDS, int(arguments.runs), None, ()
    if arguments.short:
        rounds, runs, most, options = 1, 1, 1, ("--only", "reach")
    if messages := faults():
        sys.exit("\n".join(messages))
    with (
        tempfile.TemporaryDirectory() as name,
        prepared(Path(name)) as stack_and_clouds,
        opened(stack_and_clouds, Path(name)) as scene,
    ):
        scene.deploy()
        opening(scene, rounds)
        show_clean_runs(clean_runs(scene, runs, options))
        mistakes(scene, most)


if __name__ == "__main__":
    main()
