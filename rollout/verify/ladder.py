"""What has a limit, tried from the top: how long something may take, how large it may be.

A limit ends everything that is beyond it. So what comes through at the top of a ladder proves all
that is below, and one request on each way is enough. Lower rungs are tried where direct over IPv4
itself fails, to find what it allows, and where another way does, to name its limit. What is above
the top was not tried, and is said.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rollout.probe.model import Result, Way
from rollout.verify.differences import AS_BASELINE, CONNECTION_ENDED
from rollout.verify.echo_host import EchoHost
from rollout.verify.exchange import BASELINE, Lane, lane_name, result

DIRECT: Final = lane_name(BASELINE)


@dataclass(frozen=True)
class Tried:
    """What one rung on a way came to."""

    fault: str = ""
    """Why it did not come through as it should; empty: it did."""
    unclear: str = ""
    """Why nothing can be told; empty: it can."""
    ended: bool = False
    """Whether the connection was ended while nothing was said on it, as HTTP allows."""


@dataclass(frozen=True)
class LadderForm:
    """One thing that has a limit."""

    check: str
    """The name of its line."""
    what: str
    """What it is, as evidence says it before the rung: `answers that begin after`."""
    unit: str
    """The unit of a rung: `s`."""
    attempt: Callable[[EchoHost, Way, float], Awaitable[Tried]]
    """Tries a rung on a way."""
    remedies: Mapping[str, str]
    """What mends a fault, by path."""
    optional: bool = False
    """Whether direct need not offer it at all; then no other way has to."""

    def rung(self, height: float) -> str:
        """Return a rung with its unit."""
        return f"{height:,.10g} {self.unit}"


async def climb(
    host: EchoHost, form: LadderForm, turn: int, ladder: Sequence[float]
) -> list[Result]:
    """Return what a form comes to on each lane of a hostname.

    Args:
        host: The hostname.
        form: What is tried.
        turn: Its number: forms take turns on the addresses of a lane.
        ladder: The rungs, the highest first.
    """
    ways = {lane: host.way(lane, turn) for lane in host.lanes}
    missing = host.missing_baseline(turn)
    if missing is not None:
        return [result(form.check, "unknown", missing, way) for way in ways.values()]
    there = {lane: way for lane, way in ways.items() if host.silence(way) is None}
    height, outcomes = await _highest(host, form, there, ladder)
    baseline = outcomes[BASELINE]
    compared = _Compared(host, form, ladder, height, baseline)
    results: list[Result] = []
    for lane, way in ways.items():
        if lane not in there:
            results.append(result(form.check, "unknown", host.silence(way) or "", way))
        elif baseline.unclear or baseline.fault:
            results.append(_without_baseline(form, way, outcomes[lane], baseline))
        else:
            results.append(await compared.judge(way, outcomes[lane]))
    return results


async def _highest(
    host: EchoHost, form: LadderForm, ways: Mapping[Lane, Way], ladder: Sequence[float]
) -> tuple[float, dict[Lane, Tried]]:
    """Return the highest rung that direct over IPv4 allows, and what it came to on each lane."""
    outcomes: dict[Lane, Tried] = {}
    height = ladder[0]
    for height in ladder:
        tries = await asyncio.gather(*(form.attempt(host, way, height) for way in ways.values()))
        outcomes = dict(zip(ways, tries, strict=True))
        baseline = outcomes[BASELINE]
        if baseline.unclear or not (baseline.fault or baseline.ended):
            break
    return height, outcomes


def _without_baseline(form: LadderForm, way: Way, own: Tried, baseline: Tried) -> Result:
    if form.optional and baseline.unclear and own.unclear:
        # The edge takes nothing away.
        evidence = f"not offered, as {DIRECT}"
        return result(form.check, "pass", evidence, way, accepted=(AS_BASELINE,))
    reason = baseline.unclear or f"{DIRECT} does not allow the least of it: {baseline.fault}"
    return result(form.check, "unknown", f"There is nothing to compare with: {reason}.", way)


@dataclass(frozen=True)
class _Compared:
    """A rung that direct over IPv4 allows, with which those on other ways are compared."""

    host: EchoHost
    form: LadderForm
    ladder: Sequence[float]
    height: float
    """The rung."""
    baseline: Tried
    """What it came to there."""

    async def judge(self, way: Way, own: Tried) -> Result:
        """Return the result about one way."""
        form, rung = self.form, self.form.rung(self.height)
        if own.fault or own.unclear:
            evidence = (
                f"{form.what} {rung} do not come through: {own.fault or own.unclear}; {DIRECT} "
                f"they do. {await self._limit(way)} (at {way.address})"
            )
            return result(form.check, "fail", evidence, way, remedy=form.remedies[way.path])
        if self.baseline.ended:
            evidence = f"{DIRECT} itself ends a connection within {rung}"
            return result(form.check, "pass", evidence, way)
        if own.ended:
            evidence = (
                f"the connection is ended within {rung}, where {DIRECT} keeps it: a client opens "
                "another"
            )
            return result(form.check, "pass", evidence, way, accepted=(CONNECTION_ENDED,))
        return result(form.check, "pass", f"{form.what} {self._alike()}", way)

    def _alike(self) -> str:
        seen = f"up to {self.form.rung(self.height)} were seen alike"
        if self.height == self.ladder[0]:
            return f"{seen}; more was not tried"
        higher = self.form.rung(self.ladder[self.ladder.index(self.height) - 1])
        return f"{seen}; {DIRECT} itself gives up by {higher}"

    async def _limit(self, way: Way) -> str:
        """Return what a way that fails does allow."""
        lower = [height for height in self.ladder if height < self.height]
        # The least first: where that fails too, there is no limit to look for.
        if not lower or not await self._comes_through(way, lower[-1]):
            return "Here not even the least of it does"
        for height in lower[:-1]:
            if await self._comes_through(way, height):
                return f"Here they do up to {self.form.rung(height)}"
        return f"Here they do up to {self.form.rung(lower[-1])}"

    async def _comes_through(self, way: Way, height: float) -> bool:
        tried = await self.form.attempt(self.host, way, height)
        return not (tried.fault or tried.unclear)
