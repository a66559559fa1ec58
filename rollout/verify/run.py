"""Runs checks together, and decides the verdict of the whole.

A check that raises proves nothing about the edge: its result is `unknown` with the error, and the
others go on. An interrupted run keeps its results, and its verdict is no pass.
"""

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, NamedTuple, Protocol

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


class GroupResult(NamedTuple):
    """A result, and how long it took."""

    group: str
    """Name of its check."""
    result: Result
    """The result."""
    seconds: float = 0.0
    """Time since the result before it of the same check, or since that check began. So those of a
    check add up to the time that it took, although much of it happens side by side."""


@dataclass
class CheckTimes:
    """When a check ran."""

    name: str
    """Name of the check."""
    started: datetime
    """When it began, UTC."""
    began: float
    """When it began, by the clock that measures."""
    latest: float
    """When its latest result came, by that clock."""
    ended: float | None = None
    """When it ended, or the run before it; None: neither has."""
    completed: bool = False
    """Whether it is through."""


@dataclass
class Findings:
    """The results so far; they survive an interruption of the run."""

    results: list[GroupResult] = field(default_factory=list[GroupResult])
    """Results in order."""
    pending: list[str] = field(default_factory=list[str])
    """Checks that have not ended."""
    times: dict[str, CheckTimes] = field(default_factory=dict[str, CheckTimes])
    """When each check ran, by its name."""
    closed: bool = False
    """Whether the report is being made: what comes later is dropped."""

    def begin(self, group: str) -> None:
        """Note that a check begins."""
        now = time.monotonic()
        self.times[group] = CheckTimes(group, datetime.now(UTC), now, now)
        if group not in self.pending:
            self.pending.append(group)

    def add(self, group: str, result: Result, watch: ResultListener) -> None:
        """Keep a result and pass it on."""
        if self.closed:
            return
        now = time.monotonic()
        seconds = 0.0
        if (times := self.times.get(group)) and times.ended is None:
            seconds, times.latest = now - times.latest, now
        self.results.append(GroupResult(group, result, seconds))
        watch.add(group, result)

    def end(self, group: str, watch: ResultListener) -> None:
        """Note that a check has ended."""
        if self.closed:
            return
        self.times[group].ended = time.monotonic()
        self.times[group].completed = True
        self.pending.remove(group)
        watch.ended(group)

    def close(self) -> None:
        """Drop whatever comes from now on."""
        self.closed = True
        now = time.monotonic()
        for times in self.times.values():
            times.ended = now if times.ended is None else times.ended


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
    for check in checks:
        findings.begin(check.name)

    async def one(check: Check) -> None:
        name = check.name
        try:
            async for result in check.run(context):
                findings.add(name, result, watch)
        except Exception as error:  # noqa: BLE001 - no error of a check is a finding about the edge
            findings.add(name, broken(name, error), watch)
        findings.end(name, watch)

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
    spoke = {item.group for item in findings.results}
    return [
        Result(
            names[0],
            "unknown",
            f"nothing was found that {' or '.join(names)} could look at, so nothing was checked",
        )
        for names in dict.fromkeys(map(tuple, chosen))
        if not spoke.intersection(names)
    ]


def interrupted(findings: Findings, reason: str) -> Result:
    """Return the result of a run that did not come to its end.

    Args:
        findings: What there is.
        reason: Why it ended early.
    """
    pending = ", ".join(findings.pending) or "reading what is to be verified"
    return Result("run", "unknown", f"{reason}; not through: {pending}")


def verdict(results: Iterable[Result]) -> int:
    """Return the exit code of all results: `unknown`, or no result at all, never passes."""
    verdicts = {result.verdict for result in results}
    if "fail" in verdicts:
        return FAILED
    return PASSED if verdicts == {"pass"} else COULD_NOT_TELL
