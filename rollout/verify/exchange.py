"""One request on one way and its outcome: what the checks of echo and cache share."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from rollout.probe.model import (
    Family,
    HttpAnswer,
    HttpRequest,
    Path,
    Result,
    TroubleError,
    Verdict,
    Way,
    Wire,
)
from rollout.verify.received import ReceivedRequest, read_echo

Lane = tuple[Path, Family]
"""A path over a family; it may have several ways, one for each address."""

BASELINE: Final[Lane] = ("direct", "IPv4")
"""How clients reach the API before anything is deployed: every other lane is compared with it."""

MOST_FAULTS: Final = 4
"""Faults that one line of evidence shows."""

_SENDER_HEADERS: Final = ("Server", "Via", "X-Cache", "Location")


@dataclass(frozen=True)
class Attempt:
    """A request that was sent, and its outcome."""

    way: Way
    """Where it was sent."""
    request: HttpRequest
    """What was sent."""
    outcome: HttpAnswer | TroubleError
    """The answer, or why there is none."""
    received: ReceivedRequest | None = None
    """The echo in the answer: the request as the origin received it; None: there is no echo."""

    @property
    def reason(self) -> str:
        """Why it proves nothing, in one line; empty where the answer holds an echo."""
        if self.received is not None:
            return ""
        if isinstance(self.outcome, TroubleError):
            return f"{self.way.address}: {self.outcome.kind}: {self.outcome}"
        return f"{self.request.method} {self.request.target} is answered {status_of(self.outcome)}"


def status_of(answer: HttpAnswer) -> str:
    """Return an answer's status and the headers that name its sender."""
    sender = [f"{name}: {value}" for name in _SENDER_HEADERS if (value := answer.header(name))]
    return f"{answer.status} ({', '.join(sender)})" if sender else str(answer.status)


async def ask(wire: Wire, way: Way, request: HttpRequest, *, tries: Literal[1, 2] = 2) -> Attempt:
    """Send a request, and send it again where the connection was lost before an answer.

    A lost connection need not be the edge's fault (RFC 9110, 9.2.2). Silence is not repeated: to
    wait for it twice only takes longer.
    """
    try:
        answer = await wire.send(way, request)
    except TroubleError as trouble:
        if tries > 1 and trouble.kind in ("reset", "refused"):
            return await ask(wire, way, request, tries=1)
        return Attempt(way, request, trouble)
    return Attempt(way, request, answer, read_echo(answer))


def lanes_of(ways: Iterable[Way], hostname: str) -> Mapping[Lane, Sequence[Way]]:
    """Return the ways to a hostname by lane; a way by name only where there is no other."""
    lanes: dict[Lane, list[Way]] = {}
    for way in sorted(ways, key=lambda way: way.by_name):
        if way.hostname != hostname:
            continue
        there = lanes.setdefault((way.path, way.family), [])
        if not (way.by_name and there):
            there.append(way)
    return lanes


def lane_name(lane: Lane) -> str:
    """Return a lane's name: `direct over IPv4`."""
    return f"{lane[0]} over {lane[1]}"


def result(
    check: str,
    verdict: Verdict,
    evidence: str,
    way: Way,
    *,
    accepted: tuple[str, ...] = (),
    remedy: str = "",
) -> Result:
    """Return a result about a way."""
    return Result(check, verdict, evidence, way.hostname, way.path, way.family, accepted, remedy)


def no_echo(path: str, answer: HttpAnswer) -> str:
    """Return the evidence where the echo path does not echo on the baseline."""
    status = status_of(answer)
    return (
        f"Wrong use: the echo path is {path}, which {lane_name(BASELINE)} is answered {status} "
        "without an echo; a path below which the origin echoes is allowed (docs/echo.md). Name "
        "that one, or verify without an echo."
    )


def listed(faults: Sequence[str]) -> str:
    """Return faults in one line."""
    more = len(faults) - MOST_FAULTS
    return "; ".join(faults[:MOST_FAULTS]) + (f"; and {more} more" if more > 0 else "")


async def results_of(
    works: Iterable[Coroutine[Any, Any, Iterable[Result]]],
) -> AsyncIterator[Result]:
    """Run works side by side and yield results as they come; cancel the rest with the reader."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        for done in asyncio.as_completed(tasks):
            for each in await done:
                yield each
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
