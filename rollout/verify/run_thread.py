"""A run in a thread of its own, so that a report can be made whatever the run is stuck in."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Event, Thread
from typing import Final

from rollout.edge import Source
from rollout.probe import ways
from rollout.probe.model import DnsClient, EdgeTarget, Way, Wire
from rollout.verify import report
from rollout.verify.check import NOT_ASKED, CheckContext
from rollout.verify.plan import VerifyPlan
from rollout.verify.progress import Shown
from rollout.verify.run import Findings, GroupResult, interrupted, run, silent
from rollout.verify.stopping import StopSignals

WAYS: Final = "ways"
RUN: Final = "run"

Prepare = Callable[[], tuple[VerifyPlan, DnsClient, Wire]]
"""Returns what is to be done, and with what."""


@dataclass
class RunState:
    """What there is of a run so far; it survives an interruption."""

    plan: VerifyPlan | None = None
    """What is to be done; None: it is still being read."""
    findings: Findings = field(default_factory=Findings)
    """The results."""
    ways: tuple[Way, ...] = ()
    """The ways that the checks use."""
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    """When it began, UTC."""
    began: float = field(default_factory=time.monotonic)
    """When it began, by the clock that measures."""

    def report(self, source: Source | None = None, *, stopped_by: str = "") -> report.Report:
        """Return the report, and take no results from now on.

        Args:
            source: Where the target is named, for a run that ended before it was read.
            stopped_by: What ended the run early; empty: it came to its end.
        """
        self.findings.close()
        if stopped_by:
            result = interrupted(self.findings, stopped_by)
            self.findings.results.append(GroupResult(RUN, result))
        plan = self.plan
        names = [check.name for check in plan.checks] if plan else []
        order = [WAYS, *names, RUN]
        results, left_out = split(
            sorted(self.findings.results, key=lambda item: order.index(item.group))
        )
        times = self.findings.times
        return report.make(
            plan.target if plan else _target_by_hand(source or Source()),
            self.ways,
            results,
            (*(plan.catalogue.left_out if plan else ()), *left_out),
            started=self.started,
            seconds=time.monotonic() - self.began,
            times=[times[name] for name in order if name in times],
            stopped_by=stopped_by,
        )


def _target_by_hand(source: Source) -> EdgeTarget:
    """Return what the user named of a target that could not be read."""
    return EdgeTarget(
        source.hostnames, source.direct or "", source.cdn or "", source.proxy_addresses
    )


async def run_plan(
    plan: VerifyPlan, dns_client: DnsClient, wire: Wire, state: RunState, watch: Shown
) -> None:
    """Run a plan to its end; its results go into the state as they come."""
    findings = state.findings
    findings.pending = [WAYS, *(check.name for check in plan.checks)]
    findings.begin(WAYS)
    search = await ways.find(plan.target, dns_client, wire)
    state.ways = search.ways
    for result in search.results:
        findings.add(WAYS, result, watch)
    findings.end(WAYS, watch)
    requests = tuple(entry.request for entry in plan.catalogue.entries)
    context = CheckContext(plan.target, search.ways, plan.options, wire, dns_client, requests)
    await run(context, plan.checks, findings, watch)
    for result in silent(findings, plan.only):
        findings.add(result.check, result, watch)


def carry_out(plan: VerifyPlan, dns_client: DnsClient, wire: Wire, watch: Shown) -> report.Report:
    """Run a plan to its end and return the report."""
    state = RunState(plan)
    asyncio.run(run_plan(plan, dns_client, wire, state, watch))
    return state.report()


class RunThread(Thread):
    """Prepares a run and carries it out."""

    def __init__(self, prepare: Prepare, state: RunState, watch: Shown) -> None:
        """Make a thread that is not waited for at the end of the process.

        Args:
            prepare: Returns what is to be done and with what.
            state: Gets the results.
            watch: Gets them too.
        """
        super().__init__(name="verify", daemon=True)
        self._prepare, self._state, self._watch = prepare, state, watch
        self._ended = Event()
        self._is_stopping = self._is_through = False
        self._stopped_by = ""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._error: BaseException | None = None

    def run(self) -> None:
        """Do the work."""
        try:
            plan, dns_client, wire = self._prepare()
            self._state.plan = plan
            asyncio.run(self._run_plan(plan, dns_client, wire))
        except BaseException as error:  # noqa: BLE001 - it is raised again where it is waited for
            self._error = error
        finally:
            self._ended.set()

    async def _run_plan(self, plan: VerifyPlan, dns_client: DnsClient, wire: Wire) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.create_task(
            run_plan(plan, dns_client, wire, self._state, self._watch), name="verify"
        )
        if self._is_stopping:
            self._task.cancel()
        try:
            await self._task
            self._is_through = True
        except asyncio.CancelledError:
            pass
        except BaseException as error:  # noqa: BLE001 - it is raised again where it is waited for
            self._error = error
        finally:
            # Only now does asyncio wait for threads, such as those that query AWS.
            self._ended.set()

    def finish(self, signals: StopSignals) -> None:
        """Wait until the run has ended, or a signal or the time limit has ended it."""
        if signals.wait(self._ended):
            return
        self._is_stopping = True
        if self._loop and self._task:
            with contextlib.suppress(RuntimeError):  # it has just ended by itself
                self._loop.call_soon_threadsafe(self._task.cancel)
        signals.wait_again(self._ended)
        if not self._is_through:
            self._stopped_by = signals.reason

    def report(self, source: Source) -> report.Report:
        """Return the report on what there is.

        Raises:
            BaseException: What the run could not be prepared or carried out for.
        """
        if self._error is not None:
            raise self._error
        return self._state.report(source, stopped_by=self._stopped_by)


def split(results: Sequence[GroupResult]) -> tuple[list[GroupResult], list[tuple[str, str]]]:
    """Return the results, and apart from them what was left out as the user wants it.

    The report lists what was left out on purpose, but that is no reason for 'cannot tell'.
    """
    left_out: dict[str, str] = {}
    kept: list[GroupResult] = []
    for item in results:
        result = item.result
        if result.verdict == "unknown" and result.evidence.startswith(NOT_ASKED):
            left_out[result.check] = result.evidence.removeprefix(NOT_ASKED)
        else:
            kept.append(item)
    return kept, list(left_out.items())
