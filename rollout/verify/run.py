"""Runs checks together, and decides what their results come to.

A check that breaks says nothing about the edge: that is `unknown`, with a line that tells what
broke, and the others go on. A run that is interrupted keeps what it found, and could not tell.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from rollout.probe.model import Check, Result, Surroundings

PASSED: Final = 0
FAILED: Final = 1
WRONG_USE: Final = 2
COULD_NOT_TELL: Final = 3


class Watch(Protocol):
    """Who is told while checks run."""

    def found(self, group: str, result: Result) -> None:
        """Take a result."""
        ...

    def ended(self, group: str) -> None:
        """Take note that a check is through."""
        ...


@dataclass
class Findings:
    """What was found so far; whoever holds it has it even when the run is interrupted."""

    results: list[tuple[str, Result]] = field(default_factory=list[tuple[str, Result]])
    """Results as they came, each with the name of its check's function."""
    pending: list[str] = field(default_factory=list[str])
    """Checks that are not through."""

    def add(self, group: str, result: Result, watch: Watch) -> None:
        """Keep a result and pass it on."""
        self.results.append((group, result))
        watch.found(group, result)


def name_of(check: Check) -> str:
    """Return the name that `--only` and the report know a check by: `dns-records`.

    It is made of the names of its module and its function; of one where the two are the same.
    """
    module = check.__module__.rpartition(".")[2].replace("_", "-")
    function: str = getattr(check, "__name__", type(check).__name__)
    name = function.removeprefix("check_").replace("_", "-")
    return module if name == module else f"{module}-{name}"


async def run(
    surroundings: Surroundings, checks: Sequence[Check], findings: Findings, watch: Watch
) -> None:
    """Run checks side by side, until all are through.

    Args:
        surroundings: What every check is given.
        checks: The checks.
        findings: Gets the results as they come.
        watch: Is told of them.
    """
    findings.pending.extend(name_of(check) for check in checks)

    async def one(check: Check) -> None:
        name = name_of(check)
        try:
            async for result in check(surroundings):
                findings.add(name, result, watch)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is no finding about the edge
            findings.add(name, broken(name, error), watch)
        findings.pending.remove(name)
        watch.ended(name)

    async with asyncio.TaskGroup() as group:
        for check in checks:
            group.create_task(one(check))


def broken(name: str, error: Exception) -> Result:
    """Return what is to be said of a check that raised."""
    first = next(iter(str(error).splitlines()), "")
    said = f"{type(error).__name__}: {first}" if first else type(error).__name__
    return Result(
        name,
        "unknown",
        f"the check itself broke ({said})",
        remedy="This is a bug of the check, not of the edge; please report it.",
    )


def silent(findings: Findings, chosen: Iterable[Sequence[str]]) -> list[Result]:
    """Return what is to be said where checks that were asked for found nothing to look at.

    Some have nothing to say of a sound edge, as of NAT64 in a network that has none. Among others
    that is well; where nothing else was asked for, nothing would pass.

    Args:
        findings: What was found.
        chosen: Names of checks, together where they were asked for by one name.
    """
    spoke = {group for group, _ in findings.results}
    return [
        Result(
            names[0],
            "unknown",
            f"nothing was found that {' or '.join(names)} could look at, so nothing was checked",
        )
        for names in dict.fromkeys(map(tuple, chosen))
        if not spoke.intersection(names)
    ]


def interrupted(findings: Findings) -> Result:
    """Return what is to be said of a run that was interrupted."""
    pending = ", ".join(findings.pending) or "the ways were still being looked for"
    return Result("run", "unknown", f"interrupted; not through: {pending}")


def verdict(results: Iterable[Result]) -> int:
    """Return the exit code that results come to: `unknown`, or no result at all, never passes."""
    verdicts = {result.verdict for result in results}
    if "fail" in verdicts:
        return FAILED
    return PASSED if verdicts == {"pass"} else COULD_NOT_TELL
