"""Opaque mode: the user's own requests, the same on every way, and what differs in the answers.

The direct path over IPv4 is what the API's users get today, so its answer is the measure. To send
each request once and compare raises false alarms: answers hold clocks, counters, request ids and
the name of the server. So the measure is taken twice, and what differs between its own two answers
is unstable: it is named and not compared. A difference on another way is checked again, on both,
before it counts: two quick answers may agree on a clock that has moved on by the third. A
difference that is seen once and not again is no pass either but 'cannot tell'. Nor do two or three
answers show what an API with two servers says at random. So before anything fails the measure is
taken eight times more: what it then says itself, or changes by itself, is no difference.

Of what is unstable the shape is still compared (see `answer_shapes`): a session that is lost on its
way is no clock.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from rollout.probe.model import Family, HttpAnswer, Path, Result, TroubleError, Verdict, Way
from rollout.requests.catalogue import Catalogue, CatalogueEntry, IgnoreRule
from rollout.verify.answer_differences import NOTHING, AnswerDifference, differences
from rollout.verify.answer_shapes import shape_differences
from rollout.verify.check import Check, CheckContext
from rollout.verify.secrets import hider

MORE_TIMES: Final = 8
"""How often the measure is taken again before a difference counts. One of two values that come at
random stays unseen in as many answers once in 256 times."""

LONGEST_SHOWN: Final = 60
"""Characters of a value that evidence shows."""

MOST_SHOWN: Final = 5
"""Differences that evidence shows; the rest are counted."""


def check(catalogue: Catalogue, ignore: Sequence[IgnoreRule]) -> Check:
    """Return the check that sends everything in a catalogue.

    Args:
        catalogue: The requests.
        ignore: What does not count in any answer.
    """

    async def opaque(context: CheckContext) -> AsyncIterator[Result]:
        tasks = [
            asyncio.create_task(_compare(_Question(context, entry, hostname, turn), tuple(ignore)))
            for turn, entry in enumerate(catalogue.entries)
            for hostname in context.target.hostnames
            if entry.hostname in {None, hostname}
        ]
        if not tasks:
            yield _nothing(catalogue)
        try:
            # In the catalogue's order, so that the table is the same every time.
            for task in tasks:
                for result in await task:
                    yield result
        finally:
            for task in tasks:
                task.cancel()

    return Check("opaque", opaque, "requests")


def _nothing(catalogue: Catalogue) -> Result:
    """Say that nothing was compared: that is no pass."""
    if catalogue.left_out:
        evidence, remedy = "none of the requests can be sent", "See why under 'Not asked'."
    else:
        evidence = "no answers were compared: nothing says what to ask"
        remedy = "Give --echo PATH, or --requests, --openapi or --har with a FILE."
    return Result("answers", "unknown", evidence, remedy=remedy)


@dataclass(frozen=True)
class _Question:
    """One request to one hostname."""

    context: CheckContext
    entry: CatalogueEntry
    hostname: str
    turn: int
    """Its number: requests take turns on the addresses of a path in a family."""

    def ways(self) -> dict[tuple[Path, Family], Way]:
        """Return the way to use on each path over each family."""
        lanes: dict[tuple[Path, Family], list[Way]] = {}
        for way in self.context.ways:
            if way.hostname == self.hostname:
                lanes.setdefault((way.path, way.family), []).append(way)
        return {lane: ways[self.turn % len(ways)] for lane, ways in lanes.items()}

    async def ask(self, way: Way) -> HttpAnswer:
        return await self.context.wire.send(way, self.entry.request)

    def result(self, way: Way | None, verdict: Verdict, evidence: str) -> Result:
        path, family = (way.path, way.family) if way else (None, None)
        name = f"answers {self.entry.name}"
        # Places and reasons may repeat a secret as well as values.
        shown = hider(self.entry)(evidence)
        return Result(name, verdict, shown, self.hostname, path, family)


@dataclass(frozen=True)
class _Measure:
    """The answers of the direct path over IPv4, and what in them does not count."""

    way: Way
    first: HttpAnswer
    second: HttpAnswer
    ignore: tuple[IgnoreRule, ...]
    """What the user wants ignored."""
    unstable: tuple[IgnoreRule, ...]
    """What changes from answer to answer: only its shape is compared."""
    note: str
    """What evidence says of what is unstable; empty where nothing is."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while more answers are collected: all ways share them."""
    more_answers: list[HttpAnswer] = field(default_factory=list[HttpAnswer])
    """Those answers."""


async def _compare(question: _Question, ignore: tuple[IgnoreRule, ...]) -> list[Result]:
    """Send one request on every way of a hostname."""
    ways = question.ways()
    way = ways.pop(("direct", "IPv4"), None)
    if way is None:
        reason = "nothing to compare with: direct over IPv4 cannot be used"
        return [question.result(None, "unknown", reason)]
    try:
        first, second = await question.ask(way), await question.ask(way)
    except TroubleError as trouble:
        reason = f"nothing to compare with: {way.address} (direct): {trouble.kind}: {trouble}"
        return [question.result(way, "unknown", reason)]
    rules = (*ignore, *question.entry.ignore)
    unstable = _left(differences(first, second), rules)
    if first.status != second.status:
        reason = f"the API itself answers now {first.status}, now {second.status}"
        return [question.result(way, "unknown", reason)]
    places = ", ".join(dict.fromkeys(item.place for item in unstable))
    note = f"; not compared because it changes from answer to answer: {places}" if places else ""
    measure = _Measure(way, first, second, rules, tuple(_rules(unstable)), note)
    others = [_against(question, measure, other) for other in ways.values()]
    own = question.result(way, "pass", f"{first.status}, the measure{note}")
    return [own, *await asyncio.gather(*others)]


async def _against(question: _Question, measure: _Measure, way: Way) -> Result:
    """Compare the answer on one way with the measure."""
    first, second, note = measure.first, measure.second, measure.note
    try:
        own = _against_all(way, await question.ask(way), measure, (first, second))
        if not own:
            return question.result(way, "pass", f"{first.status}, as direct over IPv4{note}")
        third = await question.ask(measure.way)
        answer = await question.ask(way)
        measured = (third, first, second)
        again = _against_all(way, answer, measure, measured)
        lasting = _lasting(own, again)
        if lasting:
            measured = (*measured, *await _more(question, measure))
            again = _against_all(way, answer, measure, measured)
            lasting = _lasting(own, again)
    except TroubleError as trouble:
        reason = f"{way.address} gave no answer where direct did: {trouble.kind}: {trouble}"
        return question.result(way, "unknown", reason)
    hide = hider(question.entry)
    if lasting:
        evidence = f"{_as_evidence(lasting, hide)} (from {way.address}){note}"
        return question.result(way, "fail", evidence)
    if any(item.kind == "status" for item in own) and answer.status != first.status:
        reason = f"the API itself answers now {first.status}, now {answer.status}"
        return question.result(way, "unknown", reason)
    return question.result(
        way, "unknown", f"differed once and not again: {_as_evidence(own, hide)}{note}"
    )


def _lasting(
    own: Iterable[AnswerDifference], again: Iterable[AnswerDifference]
) -> list[AnswerDifference]:
    """Return what differs again where something differed before."""
    before = {item.place for item in own}
    return [item for item in again if item.place in before]


async def _more(question: _Question, measure: _Measure) -> list[HttpAnswer]:
    """Return more of the measure's answers, which are collected once.

    Raises:
        TroubleError: A request had no answer.
    """
    async with measure.lock:
        while len(measure.more_answers) < MORE_TIMES:
            measure.more_answers.append(await question.ask(measure.way))
    return measure.more_answers


def _against_all(
    way: Way, answer: HttpAnswer, measure: _Measure, measured: Sequence[HttpAnswer]
) -> list[AnswerDifference]:
    """Return what an answer has that no answer of the measure has.

    Args:
        way: Where it came from.
        answer: The answer.
        measure: What does not count.
        measured: The measure's own answers; values are compared with the first.
    """
    if answer.status != measured[0].status and answer.status in {
        other.status for other in measured
    }:
        return []
    # An error of the API's own proves nothing about its other answers.
    alike = [measured[0], *(other for other in measured[1:] if other.status == measured[0].status)]
    moved = [item for other in alike[1:] for item in differences(alike[0], other)]
    unstable = dict.fromkeys([*measure.unstable, *_rules(_left(moved, measure.ignore))])
    differing = _unexplained(way, differences(alike[0], answer))
    values = _left(differing, [*measure.ignore, *unstable])
    return [*values, *shape_differences(unstable, answer, alike)]


def _unexplained(way: Way, differing: Iterable[AnswerDifference]) -> list[AnswerDifference]:
    """Return differences, without the name that CloudFront gives a server that has none."""
    named = AnswerDifference("header", "server", NOTHING, json.dumps("CloudFront"))
    return [item for item in differing if way.path != "cdn" or item != named]


def _left(
    differing: Iterable[AnswerDifference], rules: Sequence[IgnoreRule]
) -> list[AnswerDifference]:
    return [item for item in differing if not item.covered(rules)]


def _rules(unstable: Iterable[AnswerDifference]) -> list[IgnoreRule]:
    """Return rules that ignore what changes by itself."""
    return [IgnoreRule(item.kind, item.where) for item in unstable if item.kind != "status"]


def _as_evidence(differing: Sequence[AnswerDifference], hide: Callable[[str], str]) -> str:
    """Return differences as evidence: secrets are removed before anything is cut."""
    parts: list[str] = []
    for item in differing[:MOST_SHOWN]:
        first, second = _windows(hide(item.first), hide(item.second))
        parts.append(f"{item.place} expected {first}, came {second}")
    if len(differing) > MOST_SHOWN:
        parts.append(f"{len(differing) - MOST_SHOWN} more")
    return "; ".join(parts)


def _windows(first: str, second: str) -> tuple[str, str]:
    """Return the parts of two texts around their first difference."""
    if max(len(first), len(second)) <= LONGEST_SHOWN:
        return first, second
    pairs = enumerate(zip(first, second, strict=False))
    parted = next((index for index, (one, other) in pairs if one != other), 0)
    start = max(0, parted - LONGEST_SHOWN // 3)
    return _window(first, start), _window(second, start)


def _window(text: str, start: int) -> str:
    shown = text[start : start + LONGEST_SHOWN]
    end = "…" if start + LONGEST_SHOWN < len(text) else ""
    return f"{'…' if start else ''}{shown}{end}"
