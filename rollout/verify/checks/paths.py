"""Whether each behavior of the distribution passes on what belongs to it.

The echo proves the echo path. A distribution may have behaviors for other paths, with another
origin, cache, methods or function, and each needs its own proof: an echo below it where the API has
one, else the user's own requests. Without either the answers to a few requests that change nothing
are compared; that can show a fault, and that there is none it cannot.

Without `--account` the behaviors are not known, and the report says what was asked for.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from rollout.aws import AccountError, AccountReader
from rollout.probe.model import HttpAnswer, HttpRequest, Result, Way
from rollout.requests.groups.one_of_each_sort import ONE_OF_EACH_SORT
from rollout.requests.request_kinds import COMMON
from rollout.verify.alike import AnswerMeasure
from rollout.verify.cache_proofs import says_kept
from rollout.verify.check import NOT_ASKED, Check, CheckContext
from rollout.verify.echo_groups import group_on_each_lane
from rollout.verify.echo_host import open_host
from rollout.verify.exchange import BASELINE, Lane, ask, lane_name, lanes_of, listed, results_of
from rollout.verify.path_patterns import behavior_of, echo_below, path_of

QUERY: Final = "?a=1&b=%2Fc&a=2"

MOST_PATHS: Final = 5
"""Paths that the report names."""

REMEDY: Final = (
    "Let this behavior pass everything on as the default one does: rules caching-off, "
    "headers-forwarded, methods-allowed, origin-answers."
)


@dataclass(frozen=True)
class ToTry:
    """One behavior of the distribution, for one hostname."""

    name: str
    """Its pattern, or `default`."""
    number: int
    """Its place."""
    patterns: Sequence[str]
    """The patterns of all behaviors."""
    hostname: str
    """The hostname."""
    lanes: Mapping[Lane, Sequence[Way]]
    """The ways to it."""

    @property
    def check(self) -> str:
        """The name of its line."""
        return f"path {self.name}"


class Paths:
    """The check of this module."""

    def __init__(self, session: Callable[[], Any]) -> None:
        """Take what makes a boto3 session; called only where the account may be queried."""
        self._session = session

    async def run(self, context: CheckContext) -> AsyncIterator[Result]:
        """Yield what is known of each behavior."""
        if not context.options.account:
            yield Result("paths", "unknown", f"{NOT_ASKED}{_said_of(context)}")
            return
        try:
            own = await asyncio.to_thread(
                lambda: AccountReader(self._session()).distribution(context.target)
            )
        except AccountError as error:
            yield Result("paths", "unknown", f"the behaviors are not known: {error}")
            return
        hostnames = dict.fromkeys(way.hostname for way in context.ways)
        names = (*own.patterns, "default")
        behaviors = [
            ToTry(name, number, own.patterns, hostname, lanes_of(context.ways, hostname))
            for hostname in hostnames
            for number, name in enumerate(names)
        ]
        async for each in results_of([_behavior(context, each) for each in behaviors]):
            yield each


def _said_of(context: CheckContext) -> str:
    """Return which paths something was said of, for a person who does not know the behaviors."""
    paths = [f"{context.options.echo}…"] if context.options.echo else []
    own = dict.fromkeys(each.target.partition("?")[0] for each in context.requests)
    paths += list(own)[:MOST_PATHS]
    more = len(own) - MOST_PATHS
    text = ", ".join(paths) + (f" and {more} more" if more > 0 else "") if paths else "none"
    return (
        f"the paths that were asked for are {text}; nothing was said of any other. With --account "
        "each behavior of the distribution is looked at; your own requests say which paths matter."
    )


async def _behavior(context: CheckContext, behavior: ToTry) -> list[Result]:
    """Return the results about one behavior of one hostname."""
    echo = context.options.echo
    if echo and behavior_of(behavior.patterns, f"{echo}/a") == behavior.number:
        return _everywhere(behavior, "the echo lies here, and proves it: see the other lines")
    mark = f"verify-{secrets.token_hex(4)}"
    path = path_of(behavior.patterns, behavior.number, mark)
    if path is None:
        return _everywhere(behavior, "nothing reaches it: others take all that it matches")
    if BASELINE not in behavior.lanes:
        reason = f"There is no way {lane_name(BASELINE)} to compare with."
        return [
            Result(behavior.check, "unknown", reason, behavior.hostname, *lane)
            for lane in behavior.lanes
        ]
    below = echo_below(behavior.patterns, behavior.number, echo) if echo else None
    if below:
        echoed = await _echoed(context, behavior, below)
        if echoed:
            return echoed
    own = [
        each
        for each in context.requests
        if behavior_of(behavior.patterns, each.target.partition("?")[0]) == behavior.number
    ]
    return await _compared(context, behavior, path, len(own))


def _everywhere(behavior: ToTry, evidence: str) -> list[Result]:
    return [
        Result(behavior.check, "pass", evidence, behavior.hostname, *lane)
        for lane in behavior.lanes
    ]


async def _echoed(context: CheckContext, behavior: ToTry, below: str) -> list[Result]:
    """Return what an echo below a behavior tells; nothing where there is none."""
    baseline = behavior.lanes[BASELINE][0]
    target = f"{below}?verify={secrets.token_hex(4)}"
    plain = await ask(context.wire, baseline, HttpRequest("GET", target, COMMON))
    if plain.received is None:
        return []
    host = await open_host(context, below, behavior.lanes)
    group = replace(
        ONE_OF_EACH_SORT,
        name=behavior.check,
        covers=f"{ONE_OF_EACH_SORT.covers}, at {below}",
    )
    results = await group_on_each_lane(host, group, 0)
    kept = {lane: await _kept(context, ways, host.target()) for lane, ways in host.lanes.items()}
    return [
        _with_cache(each, kept[each.path, each.family]) if each.path and each.family else each
        for each in results
    ]


async def _kept(context: CheckContext, ways: Sequence[Way], target: str) -> str:
    """Return the proof that a repeated request was answered by a cache; empty: there is none."""
    request = HttpRequest("GET", target, COMMON)
    first, again = [await ask(context.wire, ways[0], request) for _ in range(2)]
    if first.received and again.received and first.received.id == again.received.id:
        return f"GET {target} was given the same answer twice"
    if isinstance(again.outcome, HttpAnswer) and (header := says_kept(again.outcome)):
        return f"GET {target} was given an answer with {header}"
    return ""


def _with_cache(each: Result, kept: str) -> Result:
    if not kept:
        return each
    evidence = kept if each.verdict != "fail" else f"{each.evidence}; {kept}"
    remedy = REMEDY if each.path == "cdn" else ""
    return replace(each, verdict="fail", evidence=evidence, remedy=remedy)


async def _compared(context: CheckContext, behavior: ToTry, path: str, own: int) -> list[Result]:
    """Compare a few answers, and say of how many own requests more is told elsewhere."""
    baseline = behavior.lanes[BASELINE][0]
    measures = [
        AnswerMeasure(context.wire, baseline, HttpRequest(method, f"{path}{QUERY}", COMMON))
        for method in ("GET", "HEAD", "OPTIONS")
    ]

    async def on_lane(lane: Lane, ways: Sequence[Way]) -> Result:
        pairs = [(way, each) for way in ways for each in measures if way != baseline]
        likenesses = await asyncio.gather(*(each.against(way) for way, each in pairs))
        told = [
            (likeness.verdict, f"{each.request.method} {each.request.target}: {likeness.evidence}")
            for (_, each), likeness in zip(pairs, likenesses, strict=True)
        ]
        faults = [text for verdict, text in told if verdict == "fail"]
        unclear = [text for verdict, text in told if verdict == "unknown"]
        kept = await _kept(context, ways, f"{path}{QUERY}")
        faults += [kept] if kept and lane != BASELINE else []
        if faults:
            remedy = REMEDY if lane[0] == "cdn" else ""
            return Result(
                behavior.check, "fail", listed(faults), behavior.hostname, *lane, remedy=remedy
            )
        if unclear:
            text = listed(unclear)
            return Result(behavior.check, "unknown", text, behavior.hostname, *lane)
        if own:
            evidence = f"{own} of your own requests go through it, and `answers` compares them"
            return Result(behavior.check, "pass", evidence, behavior.hostname, *lane)
        evidence = (
            f"nothing was said of it but that GET, HEAD and OPTIONS of {path} are answered alike. "
            "Name a request of yours that goes through it, or offer an echo below it."
        )
        return Result(behavior.check, "unknown", evidence, behavior.hostname, *lane)

    works = [on_lane(lane, ways) for lane, ways in behavior.lanes.items()]
    return list(await asyncio.gather(*works))


def _session() -> Any:
    import boto3.session  # noqa: PLC0415 - it takes long, and few runs look at the account

    return boto3.session.Session()


CHECKS: Final[tuple[Check, ...]] = (Check("paths", Paths(_session).run),)
"""The checks of this module."""
