"""One request on one way and what became of it: what the checks of echo and cache share."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from rollout.probe.model import (
    Answer,
    Family,
    Path,
    Request,
    Result,
    TroubleError,
    Verdict,
    Way,
    Wire,
)
from rollout.verify.compare import Echo, read_echo

Lane = tuple[Path, Family]
"""A path over a family; it may have several ways, one for each address."""

TODAY: Final[Lane] = ("direct", "IPv4")
"""How the API is reached before anything is deployed: what every other lane is measured by."""

MOST_FAULTS: Final = 4
"""Faults that one line of evidence shows."""

_TOLD_APART: Final = ("Server", "Via", "X-Cache", "Location")


@dataclass(frozen=True)
class Seen:
    """What became of a request."""

    way: Way
    """Where it was sent."""
    request: Request
    """What was sent."""
    found: Answer | TroubleError
    """The answer, or why there is none."""
    echo: Echo | None = None
    """The echo in it; None: it holds none."""

    @property
    def reason(self) -> str:
        """Why it tells nothing, in one line; where it holds an echo it is empty."""
        if self.echo is not None:
            return ""
        if isinstance(self.found, TroubleError):
            return f"{self.way.address}: {self.found.kind}: {self.found}"
        return f"{self.request.method} {self.request.target} is answered {status_of(self.found)}"


def status_of(answer: Answer) -> str:
    """Return an answer's status and what tells who gave it."""
    who = [f"{name}: {value}" for name in _TOLD_APART if (value := answer.header(name))]
    return f"{answer.status} ({', '.join(who)})" if who else str(answer.status)


async def ask(wire: Wire, way: Way, request: Request, *, tries: Literal[1, 2] = 2) -> Seen:
    """Send a request; one that a lost connection left without an answer is sent twice.

    A connection may be lost for no fault of the edge's (RFC 9110, 9.2.2), silence may not: waiting
    for it twice would only take longer.
    """
    try:
        answer = await wire.send(way, request)
    except TroubleError as trouble:
        if tries > 1 and trouble.kind in ("reset", "refused"):
            return await ask(wire, way, request, tries=1)
        return Seen(way, request, trouble)
    return Seen(way, request, answer, read_echo(answer))


def lanes_of(ways: Iterable[Way], hostname: str) -> Mapping[Lane, Sequence[Way]]:
    """Return the ways to a hostname by lane; those by name only where there is no other."""
    lanes: dict[Lane, list[Way]] = {}
    for way in sorted(ways, key=lambda way: way.by_name):
        if way.hostname != hostname:
            continue
        there = lanes.setdefault((way.path, way.family), [])
        if not (way.by_name and there):
            there.append(way)
    return lanes


def on(lane: Lane) -> str:
    """Return a lane in words."""
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


def wrong_use(path: str, answer: Answer) -> str:
    """Return what is told where the echo path does not echo."""
    return (
        f"Wrong use: the echo path is {path}, which {on(TODAY)} is answered {status_of(answer)} "
        "without an echo; a path below which the origin echoes is allowed (docs/echo.md). Name "
        "that one, or verify without an echo."
    )


def listed(faults: Sequence[str]) -> str:
    """Return faults in one line."""
    more = len(faults) - MOST_FAULTS
    return "; ".join(faults[:MOST_FAULTS]) + (f"; and {more} more" if more > 0 else "")


async def as_found(
    works: Iterable[Coroutine[Any, Any, Iterable[Result]]],
) -> AsyncIterator[Result]:
    """Do works at once and yield results as they come; what is unfinished ends with the reader."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        for done in asyncio.as_completed(tasks):
            for each in await done:
                yield each
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
