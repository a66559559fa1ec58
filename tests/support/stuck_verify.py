"""A process that runs `dualstack verify` on an edge of no packets, and gets stuck as it is told."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

from rollout.edge import Source
from rollout.probe.model import DnsClient, Result, Wire
from rollout.requests.catalogue import Catalogue
from rollout.verify.check import Check, CheckContext
from rollout.verify.command import verify_and_report
from rollout.verify.plan import VerifyPlan
from rollout.verify.settings import VerifySettings
from support.fake_edge import OPTIONS, TARGET, FakeNames, FakeWire, answer

LONG_SECONDS = 60.0


def _say_stuck() -> None:
    print("stuck", file=sys.stderr, flush=True)


async def _failing(_context: CheckContext) -> AsyncIterator[Result]:
    yield Result("failing", "fail", "seen before")


async def _sound(_context: CheckContext) -> AsyncIterator[Result]:
    yield Result("sound", "pass", "seen before")


async def _waiting(_context: CheckContext) -> AsyncIterator[Result]:
    await asyncio.sleep(0.05)
    _say_stuck()
    await asyncio.sleep(LONG_SECONDS)
    yield Result("waiting", "pass", "never")


async def _blocking(_context: CheckContext) -> AsyncIterator[Result]:
    """Block everything, as a library without `await` does."""
    await asyncio.sleep(0.05)
    _say_stuck()
    time.sleep(LONG_SECONDS)  # noqa: ASYNC251 - this is what is tried
    yield Result("blocking", "pass", "never")


async def _in_a_thread(_context: CheckContext) -> AsyncIterator[Result]:
    """Wait for a thread that cannot be cancelled, as queries of AWS do."""
    await asyncio.sleep(0.05)
    _say_stuck()
    await asyncio.to_thread(time.sleep, LONG_SECONDS)
    yield Result("thread", "pass", "never")


async def _stubborn(_context: CheckContext) -> AsyncIterator[Result]:
    """Do not let itself be cancelled."""
    await asyncio.sleep(0.05)
    _say_stuck()
    while True:
        try:
            await asyncio.sleep(LONG_SECONDS)
        except asyncio.CancelledError:
            yield Result("stubborn", "pass", "after it was cancelled")


class _StuckNames(FakeNames):
    """Answers nothing, and blocks."""

    def __getattribute__(self, name: str) -> object:
        if not name.startswith("_"):
            _say_stuck()
            time.sleep(LONG_SECONDS)
        return super().__getattribute__(name)


KINDS = {
    "waiting": _waiting,
    "blocking": _blocking,
    "thread": _in_a_thread,
    "stubborn": _stubborn,
}


def _prepared(kind: str, first: str) -> tuple[VerifyPlan, DnsClient, Wire]:
    if kind == "reading":
        _say_stuck()
        time.sleep(LONG_SECONDS)
    checks = [Check(first, _failing if first == "failing" else _sound)]
    if kind in KINDS:
        checks.append(Check(kind, KINDS[kind]))
    names = _StuckNames({}) if kind == "names" else FakeNames({})
    wire = FakeWire(lambda _way, _request: answer())
    return VerifyPlan(TARGET, OPTIONS, tuple(checks), Catalogue()), names, wire


if __name__ == "__main__":
    stuck_kind, first_check, junit_file, limit = sys.argv[1:]
    source = Source(hostnames=TARGET.hostnames, direct=TARGET.direct, cdn=TARGET.cdn)
    sys.exit(
        verify_and_report(
            VerifySettings(
                source,
                OPTIONS,
                junit=Path(junit_file),
                time_limit_seconds=float(limit) if limit else None,
            ),
            lambda: _prepared(stuck_kind, first_check),
            as_json=True,
        )
    )
