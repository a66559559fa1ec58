"""Whether anything between client and origin keeps answers.

The naive way is to look at `X-Cache`. It is wrong in both directions: CloudFront says `Error from
cloudfront` for an error that it asked the origin for and for one that it kept, other caches say
nothing, and a header can be taken away. So each answer is made unique by the origin, and two
requests that were given the same one are the proof. Requests differ in what a cache may leave out
of its key: the user, the query string, the method, the node. The same request twice comes first:
every cache's key contains everything of that.

Errors are a matter of their own. CloudFront keeps most of them for 10 seconds where nobody said 0,
even where caching is off, and then the key is the path alone: one user's error is everybody's. Some
it keeps only if the origin names a time, so those are sent with one.

An origin that does not echo leaves `Age`, `X-Cache` and a `Date` that stands still. Those can prove
that there is a cache; nothing proves that there is none, so then the answer is 'cannot tell'.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

from rollout.probe.model import Answer, Check, Request, Result, Surroundings, TroubleError, Way
from rollout.requests.catalogue import ANSWER_SECONDS, COMMON, segment
from rollout.verify.compare import TIMED_ERROR
from rollout.verify.exchange import (
    TODAY,
    Lane,
    Seen,
    as_found,
    ask,
    lanes_of,
    listed,
    on,
    result,
    wrong_use,
)

ERROR_SECONDS: Final = 10.0
"""How long CloudFront keeps an error where nobody says otherwise. Source: CloudFront Developer
Guide, Control how long CloudFront caches errors."""

LATER_SECONDS: Final = ERROR_SECONDS + 1.5
"""When an error is asked for again: caches count whole seconds."""

DATE_SECONDS: Final = 2.1
"""How far apart two answers are whose `Date` is compared: it counts whole seconds."""

COLLAPSE_SECONDS: Final = 0.5
"""How long the origin takes over each of two requests that are under way at once."""

COLLAPSE_TRIES: Final = 3

ERRORS: Final = (
    *((status, False) for status in (404, 412, 414, 415, 500, 501, 502, 503, 504)),
    *((status, True) for status in (400, 403, 404, 405, 410, 412, 415, 416, 503)),
)
"""Statuses, and whether the origin names a time to keep them. Source: CloudFront Developer Guide,
How CloudFront processes HTTP 4xx and 5xx status codes: 404, 414, 500, 501, 502, 503 and 504 are
kept always, 400, 403, 405, 412 and 415 if the origin says so."""

UNSETTABLE: Final = (412, 415)
"""Those that no custom error response can be made for, so what CloudFront does cannot be changed.
Source: CloudFront Developer Guide, Create a custom error page for specific HTTP status codes."""

KEPT: Final = ("header", "Cache-Control:public, max-age=60")
"""What tells a cache that it may."""

USER_A: Final = (("Authorization", "Bearer first"), ("Cookie", "session=first"))
USER_B: Final = (("Authorization", "Bearer second"), ("Cookie", "session=second"))

CACHING: Final = "Keep nothing at the edge, with CachingDisabled: rule caching-off."
ERROR_CACHING: Final = "Set errorCachingMinTtl to 0 for every status: rule error-caching-off."


@dataclass(frozen=True)
class Asked:
    """One of several requests whose answers are compared."""

    label: str
    """How it differs from the first: `with another user`."""
    seen: Seen
    """What became of it."""
    at: float
    """When it was sent, in seconds."""


@dataclass(frozen=True)
class Proofs:
    """What some requests tell about a cache."""

    kept: tuple[str, ...] = ()
    """Which requests were given the same answer, or an answer that says it was kept."""
    untold: tuple[str, ...] = ()
    """Which requests told nothing, and why."""
    accepted: tuple[str, ...] = ()
    """Names of the documented differences that were seen."""


def proofs(asked: Sequence[Asked], status: int = HTTPStatus.OK) -> Proofs:
    """Return what requests for one thing tell about a cache. Pure.

    Args:
        asked: The requests, in the order in which they were sent.
        status: What the origin was asked to answer them with. An answer of its own with another
            one tells nothing of how answers with this one are kept.
    """
    kept: list[str] = []
    untold: list[str] = []
    first: dict[str, Asked] = {}
    for each in asked:
        seen = each.seen
        what = f"{seen.request.method} {seen.request.target} {each.label}"
        if not isinstance(seen.found, Answer) or seen.echo is None:
            untold.append(f"{what}: {seen.reason}")
            continue
        other = first.setdefault(seen.echo.id, each)
        if other is not each:
            kept.append(
                f"{what} (at {seen.way.address}) was given the answer that {other.label} "
                f"(at {other.seen.way.address}) got {each.at - other.at:.1f} s before"
            )
        elif (said := says_kept(seen.found)) is not None:
            kept.append(f"{what} (at {seen.way.address}) was given an answer with {said}")
        elif seen.found.status != status:
            untold.append(f"{what}: it was answered {seen.found.status} instead of {status}")
    return Proofs(tuple(kept), tuple(untold))


def says_kept(answer: Answer) -> str | None:
    """Return the header by which an answer says that it was kept; None: it says no such thing."""
    age = (answer.header("Age") or "").strip()
    if age.isdigit() and int(age) > 0:
        return f"Age: {age}"
    cache = answer.header("X-Cache") or ""
    return f"X-Cache: {cache}" if cache.lower().startswith(("hit", "refreshhit")) else None


@dataclass(frozen=True)
class _Lane:
    """A lane of a hostname, and what asks on it."""

    surroundings: Surroundings
    echo: str
    lane: Lane
    ways: Sequence[Way]
    urgent: bool
    """Whether what it asks goes before what other checks ask."""

    def target(self, *directives: tuple[str, str]) -> str:
        """Return a target that nobody has asked for yet, so that no earlier run is in the way."""
        return self.echo + segment((*directives, ("header", f"X-Run:{secrets.token_hex(4)}")))

    async def ask(
        self,
        label: str,
        target: str,
        *,
        turn: int = 0,
        headers: tuple[tuple[str, str], ...] = (),
        method: str = "GET",
    ) -> Asked:
        """Ask for a target, at the address whose turn it is."""
        way = self.ways[turn % len(self.ways)]
        request = Request(
            method,
            target,
            (*COMMON, *headers),
            timeout_seconds=ANSWER_SECONDS,
            urgent=self.urgent,
        )
        at = asyncio.get_running_loop().time()
        return Asked(label, await ask(self.surroundings.wire, way, request), at)


_Find = Callable[[_Lane], Awaitable[Proofs]]


async def _on_lanes(
    surroundings: Surroundings,
    check: str,
    find: _Find,
    *,
    passed: str,
    remedy: str,
    urgent: bool = False,
) -> AsyncIterator[Result]:
    """Find proofs on each lane and yield what they amount to."""
    path = surroundings.options.echo
    if path is None:
        return
    echo = path.rstrip("/")

    async def one(lane: Lane, ways: Sequence[Way]) -> list[Result]:
        here = _Lane(surroundings, echo, lane, ways, urgent)
        plain = (await here.ask("", echo)).seen
        if plain.echo is None:
            told_why = (
                wrong_use(echo, plain.found)
                if lane == TODAY and isinstance(plain.found, Answer)
                else f"A plain request gets no echo: {plain.reason}."
            )
            return [result(check, "unknown", told_why, ways[0])]
        found = await find(here)
        if found.kept:
            mend = remedy if lane[0] == "cdn" else ""
            return [result(check, "fail", listed(found.kept), ways[0], remedy=mend)]
        if found.untold:
            return [result(check, "unknown", listed(found.untold), ways[0])]
        told = f"{passed}, but for what is documented" if found.accepted else passed
        return [result(check, "pass", told, ways[0], accepted=found.accepted)]

    works = [
        one(lane, ways)
        for hostname in dict.fromkeys(way.hostname for way in surroundings.ways)
        for lane, ways in lanes_of(surroundings.ways, hostname).items()
    ]
    async for each in as_found(works):
        yield each


async def _gathered(works: Sequence[Awaitable[Proofs]]) -> Proofs:
    found = await asyncio.gather(*works)
    return Proofs(
        tuple(kept for each in found for kept in each.kept),
        tuple(untold for each in found for untold in each.untold),
        tuple(sorted({name for each in found for name in each.accepted})),
    )


def answers(surroundings: Surroundings) -> AsyncIterator[Result]:
    """Ask for answers again: the same, as somebody else, with another query, on every node."""

    async def repeated(here: _Lane, directives: Sequence[tuple[str, str]]) -> Proofs:
        target = here.target(*directives)
        # Without a user first: what names one is not kept by caches that follow RFC 9111, 3.5.
        asked = [
            await here.ask(f"time {time + 1} there", target, turn=turn)
            for time in range(2)
            for turn in range(len(here.ways))
        ]
        asked += [
            await here.ask("as a user", target, headers=USER_A),
            await here.ask("as that user again", target, headers=USER_A),
            await here.ask("as another user", target, headers=USER_B),
            await here.ask("with a query string", f"{target}?a=1"),
            await here.ask("with another query string", f"{target}?a=2"),
        ]
        return proofs(asked)

    async def find(here: _Lane) -> Proofs:
        return await _gathered([repeated(here, each) for each in ((), (KEPT,))])

    return _on_lanes(
        surroundings,
        "cache-answers",
        find,
        passed="each repeated request got an answer of its own, also where the origin let it be "
        "kept: same user, other users, other query strings, every address",
        remedy=CACHING,
    )


def methods(surroundings: Surroundings) -> AsyncIterator[Result]:
    """Ask with HEAD what was asked with GET, and the other way round."""

    async def alternating(here: _Lane, order: Sequence[str]) -> Proofs:
        target = here.target(KEPT)
        return proofs(
            [await here.ask(f"after {n}", target, method=each) for n, each in enumerate(order)]
        )

    async def find(here: _Lane) -> Proofs:
        orders = (("GET", "HEAD", "GET"), ("HEAD", "GET", "HEAD"))
        return await _gathered([alternating(here, order) for order in orders])

    return _on_lanes(
        surroundings,
        "cache-methods",
        find,
        passed="HEAD and GET got answers of their own, in either order",
        remedy=CACHING,
    )


def _error(status: int, kept: bool) -> tuple[tuple[str, str], ...]:
    return (("status", str(status)), KEPT) if kept else (("status", str(status)),)


def _of_error(here: _Lane, status: int, kept: bool, asked: Sequence[Asked]) -> Proofs:
    """Return what requests for an error tell, without what is documented and cannot be changed."""
    found = proofs(asked, status)
    if found.kept and kept and status in UNSETTABLE and here.lane[0] == "cdn":
        return Proofs((), found.untold, (TIMED_ERROR,))
    return found


def errors(surroundings: Surroundings) -> AsyncIterator[Result]:
    """Ask for errors again at once: the same, and as somebody else with another query elsewhere."""

    async def repeated(here: _Lane, turn: int, status: int, kept: bool) -> Proofs:
        target = here.target(*_error(status, kept))
        return _of_error(
            here,
            status,
            kept,
            [
                await here.ask("first", target, turn=turn),
                await here.ask("again", target, turn=turn),
                await here.ask("as a user", target, turn=turn, headers=USER_A),
                await here.ask(
                    "as another user with a query string",
                    f"{target}?a=1",
                    turn=turn + 1,
                    headers=USER_B,
                ),
            ],
        )

    async def find(here: _Lane) -> Proofs:
        return await _gathered([repeated(here, turn, *each) for turn, each in enumerate(ERRORS)])

    return _on_lanes(
        surroundings,
        "cache-errors",
        find,
        passed=f"{len(ERRORS)} kinds of errors asked for four times each were all answered by the "
        "origin",
        remedy=ERROR_CACHING,
    )


def errors_later(
    surroundings: Surroundings, *, wait_seconds: float = LATER_SECONDS
) -> AsyncIterator[Result]:
    """Ask for errors again when CloudFront's own time to keep them is over.

    What is kept then is kept because somebody named a longer time. It goes before the other checks,
    which send theirs while it waits, and so that it waits no longer than that.
    """

    async def repeated(here: _Lane, turn: int, status: int, kept: bool) -> Proofs:
        target = here.target(*_error(status, kept))
        first = await here.ask("first", target, turn=turn)
        await asyncio.sleep(wait_seconds)
        later = await here.ask("later", target, turn=turn)
        return _of_error(here, status, kept, [first, later])

    async def find(here: _Lane) -> Proofs:
        return await _gathered([repeated(here, turn, *each) for turn, each in enumerate(ERRORS)])

    return _on_lanes(
        surroundings,
        "cache-errors-later",
        find,
        passed=f"{len(ERRORS)} kinds of errors asked for again after {wait_seconds:g} s were all "
        "answered by the origin",
        remedy=ERROR_CACHING,
        urgent=True,
    )


def collapsing(surroundings: Surroundings) -> AsyncIterator[Result]:
    """Ask for the same thing twice at once, while the origin takes its time."""

    async def find(here: _Lane) -> Proofs:
        for _ in range(COLLAPSE_TRIES):
            target = here.target(("delay", f"{COLLAPSE_SECONDS:g}"))
            asked = [here.ask(label, target) for label in ("first", "at the same time")]
            ended = await asyncio.gather(*(_timed(each) for each in asked))
            found = proofs([each for each, _ in ended])
            if found.kept or found.untold or _together([took for _, took in ended]):
                return found
        return Proofs(untold=("Two requests were never under way at the same time.",))

    return _on_lanes(
        surroundings,
        "cache-collapsing",
        find,
        passed="two requests for the same thing at the same time were both answered by the origin",
        remedy=CACHING,
    )


async def _timed(work: Awaitable[Asked]) -> tuple[Asked, tuple[float, float]]:
    """Return what was asked and when it was under way: it may have waited for its turn before."""
    asked = await work
    end = asyncio.get_running_loop().time()
    took = asked.seen.found.seconds if isinstance(asked.seen.found, Answer) else 0.0
    return asked, (end - took, end)


def _together(spans: Sequence[tuple[float, float]]) -> bool:
    overlap = min(end for _, end in spans) - max(start for start, _ in spans)
    return overlap >= COLLAPSE_SECONDS / 2


async def opaque(
    surroundings: Surroundings, *, wait_seconds: float = DATE_SECONDS
) -> AsyncIterator[Result]:
    """Look for the signs of a cache where the origin does not echo; they prove one or nothing."""
    if surroundings.options.echo is not None:
        return

    async def one(hostname: str) -> list[Result]:
        lanes = lanes_of(surroundings.ways, hostname)
        found = await asyncio.gather(
            *(_signs(surroundings, ways[0], wait_seconds) for ways in lanes.values())
        )
        return _opaque(dict(zip(lanes, found, strict=True)), lanes)

    hostnames = dict.fromkeys(way.hostname for way in surroundings.ways)
    async for each in as_found([one(hostname) for hostname in hostnames]):
        yield each


async def _signs(
    surroundings: Surroundings, way: Way, wait_seconds: float
) -> tuple[str, ...] | str:
    """Return the signs of a cache on a way, or why there is no answer."""
    signs: list[str] = []
    for target in ("/", f"/{secrets.token_hex(8)}"):
        request = Request("GET", target, COMMON, timeout_seconds=ANSWER_SECONDS)
        first = await ask(surroundings.wire, way, request)
        await asyncio.sleep(wait_seconds)
        second = await ask(surroundings.wire, way, request)
        for each in (first, second):
            if isinstance(each.found, TroubleError):
                return each.reason
        what = "/" if target == "/" else "a path that is not there"
        signs += [f"GET {what}: {sign}" for sign in signs_of(_answer(first), _answer(second))]
    return tuple(signs)


def _answer(seen: Seen) -> Answer:
    assert isinstance(seen.found, Answer)  # noqa: S101 - the caller looked
    return seen.found


def signs_of(first: Answer, second: Answer) -> list[str]:
    """Return the signs that the second of two answers was kept. Pure.

    `Date` tells when an origin made an answer. Two that are further apart than it can show and have
    the same were made once.
    """
    signs: list[str] = []
    said = says_kept(second)
    if said is not None:
        signs.append(said)
    dates = [_moment(each) for each in (first, second)]
    if dates[0] is not None and dates[0] == dates[1]:
        signs.append(f"the same Date twice, {second.header('Date')}")
    return signs


def _moment(answer: Answer) -> float | None:
    try:
        return parsedate_to_datetime(answer.header("Date") or "").timestamp()
    except ValueError:
        return None


def _opaque(
    found: Mapping[Lane, tuple[str, ...] | str], lanes: Mapping[Lane, Sequence[Way]]
) -> list[Result]:
    today = found.get(TODAY)
    results: list[Result] = []
    for lane, ways in lanes.items():
        signs = found[lane]
        if isinstance(signs, str):
            told_why = f"There is no answer: {signs}."
        elif not signs:
            told_why = "No answer says that it was kept, which does not prove that none was."
        elif lane == TODAY or today is None or isinstance(today, str) or today:
            told_why = (
                f"Something keeps answers, and {on(TODAY)} as well or unknown: {listed(signs)}."
            )
        else:
            evidence = f"{listed(signs)}; {on(TODAY)} there is no such sign"
            mend = CACHING if lane[0] == "cdn" else ""
            results.append(result("cache-opaque", "fail", evidence, ways[0], remedy=mend))
            continue
        results.append(result("cache-opaque", "unknown", told_why, ways[0]))
    return results


CHECKS: Final[tuple[Check, ...]] = (answers, methods, errors, errors_later, collapsing, opaque)
"""In echo mode the first five tell, without an echo the last."""
