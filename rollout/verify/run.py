"""Runs checks together, and decides the verdict of the whole.

A check that raises proves nothing about the edge: its result is `unknown` with the error, and the
others go on. An interrupted run keeps its results, and its verdict is no pass.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from rollout.probe.model import Result
from rollout.verify.check import Check, CheckContext

PASSED: Final = 0
FAILED: Final = 1
WRONG_USE: Final = 2
COULD_NOT_TELL: Final = 3


class ResultListener(Protocol):
    """Gets results while checks run."""

    def add(self, group: str, result: Result) -> None:
        """Take a result."""
        ...

    def ended(self, group: str) -> None:
        """Note that a check has ended."""
        ...


@dataclass
class Findings:
    """The results so far; they survive an interruption of the run."""

    results: list[tuple[str, Result]] = field(default_factory=list[tuple[str, Result]])
    """Results in order, each with the name of its check."""
    pending: list[str] = field(default_factory=list[str])
    """Checks that have not ended."""

    def add(self, group: str, result: Result, watch: ResultListener) -> None:
        """Keep a result and pass it on."""
        self.results.append((group, result))
        watch.add(group, result)


async def run(
    context: CheckContext, checks: Sequence[Check], findings: Findings, watch: ResultListener
) -> None:
    """Run checks side by side, until all are through.

    Args:
        context: What every check is given.
        checks: The checks.
        findings: Gets the results as they come.
        watch: Gets them too.
    """
    findings.pending.extend(check.name for check in checks)

    async def one(check: Check) -> None:
        name = check.name
        try:
            async for result in check.run(context):
                findings.add(name, result, watch)
        except Exception as error:  # noqa: BLE001 - no error of a check is a finding about the edge
            findings.add(name, broken(name, error), watch)
        findings.pending.remove(name)
        watch.ended(name)

    async with asyncio.TaskGroup() as group:
        for check in checks:
            group.create_task(one(check))


def broken(name: str, error: Exception) -> Result:
    """Return the result of a check that raised."""
    first = next(iter(str(error).splitlines()), "")
    error_text = f"{type(error).__name__}: {first}" if first else type(error).__name__
    return Result(
        name,
        "unknown",
        f"the check itself broke ({error_text})",
        remedy="This is a bug of the check, not of the edge; please report it.",
    )


def silent(findings: Findings, chosen: Iterable[Sequence[str]]) -> list[Result]:
    """Return a result for each `--only` whose checks yielded nothing.

    Some checks have nothing to say of a sound edge, as of NAT64 in a network that has none. Among
    other checks that is right; alone it is no pass.

    Args:
        findings: The results.
        chosen: Names of the checks that each `--only` stands for.
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
    """Return the result of an interrupted run."""
    pending = ", ".join(findings.pending) or "the ways were still being looked for"
    return Result("run", "unknown", f"interrupted; not through: {pending}")


def verdict(results: Iterable[Result]) -> int:
    """Return the exit code of all results: `unknown`, or no result at all, never passes."""
    verdicts = {result.verdict for result in results}
    if "fail" in verdicts:
        return FAILED
    return PASSED if verdicts == {"pass"} else COULD_NOT_TELL
