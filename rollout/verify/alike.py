"""Whether a way answers a request as direct over IPv4 does, of which nothing is known beforehand.

The measure is taken twice, and what differs between its own two answers is not compared. What
differs on another way is asked for again on both, and on the measure some more times, before it
counts: a clock, a counter or one of several servers is no difference.
"""

import asyncio
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from rollout.probe.model import HttpAnswer, HttpRequest, TroubleError, Verdict, Way, Wire
from rollout.requests.catalogue import IgnoreRule
from rollout.verify.answer_differences import NOTHING, AnswerDifference, differences
from rollout.verify.exchange import ask, status_of

REDIRECTS: Final = (301, 302, 303, 307, 308)
"""Answers that send a client elsewhere: what counts is where to."""

OF_A_REDIRECT: Final = (
    *(IgnoreRule("header", name) for name in ("content-type", "server")),
    IgnoreRule("body", ""),
    IgnoreRule("json", ""),
)
"""What does not count in a redirect: the page that hardly anybody sees, and who made it."""

MORE_TIMES: Final = 4
"""How often the measure is taken again before a difference counts."""

MOST_SHOWN: Final = 3
LONGEST_SHOWN: Final = 120

Outcome = HttpAnswer | TroubleError


@dataclass(frozen=True)
class Likeness:
    """What the comparison of one request on one way came to."""

    verdict: Verdict
    """Pass: alike. Fail: it differs, again and again. Unknown: it cannot be told."""
    evidence: str
    """What was seen, in one line."""


@dataclass
class AnswerMeasure:
    """How direct over IPv4 answers a request."""

    wire: Wire
    way: Way
    request: HttpRequest
    outcomes: list[Outcome] = field(default_factory=list[Outcome])
    """What came so far, in order."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while it is taken: all ways share it."""

    async def take(self, times: int) -> Sequence[Outcome]:
        """Return the outcomes, as many as wanted at least."""
        async with self.lock:
            while len(self.outcomes) < times:
                self.outcomes.append((await ask(self.wire, self.way, self.request)).outcome)
        return self.outcomes

    @property
    def answers(self) -> list[HttpAnswer]:
        """The answers among the outcomes."""
        return [each for each in self.outcomes if isinstance(each, HttpAnswer)]

    async def against(self, way: Way) -> Likeness:
        """Compare the answers on another way with the measure."""
        await self.take(2)
        outcome = (await ask(self.wire, way, self.request)).outcome
        own = self._differing(way, outcome)
        if own:
            await self.take(3)
            again = (await ask(self.wire, way, self.request)).outcome
            await self.take(3 + MORE_TIMES)
            places = {each.place for each in own}
            lasting = [each for each in self._differing(way, again) if each.place in places]
            if not lasting:
                return Likeness("unknown", f"differed once and not again: {_evidence(own)}")
            return Likeness("fail", _evidence(lasting))
        more = "" if self.answers else f", where direct over IPv4 gives {said(self.outcomes[0])}"
        return Likeness("pass", f"{said(outcome)}{more}")

    def _differing(self, way: Way, outcome: Outcome) -> list[AnswerDifference]:
        """Return what differs, beyond what the measure itself changes."""
        answers = self.answers
        if isinstance(outcome, TroubleError):
            if len(answers) < len(self.outcomes):
                return []
            return [AnswerDifference("status", "", said(answers[0]), said(outcome))]
        if not answers:
            return []
        statuses = {each.status for each in answers}
        if outcome.status not in statuses:
            return [AnswerDifference("status", "", said(answers[0]), said(outcome))]
        measured = [each for each in answers if each.status == outcome.status]
        moved = [item for each in measured[1:] for item in differences(measured[0], each)]
        rules = [IgnoreRule(each.kind, each.where) for each in moved if each.kind != "status"]
        rules += OF_A_REDIRECT if outcome.status in REDIRECTS else ()
        return [
            each
            for each in differences(measured[0], outcome)
            if not each.covered(rules) and not _is_named_by_cloudfront(way, each)
        ]


def _is_named_by_cloudfront(way: Way, difference: AnswerDifference) -> bool:
    """Say whether it is the name that CloudFront gives a server that has none."""
    named = AnswerDifference("header", "server", NOTHING, json.dumps("CloudFront"))
    return way.path == "cdn" and difference == named


def said(outcome: Outcome) -> str:
    """Return an outcome in a few words."""
    if isinstance(outcome, TroubleError):
        return f"no answer ({outcome.kind}: {outcome})"
    return status_of(outcome)


def _evidence(differing: Iterable[AnswerDifference]) -> str:
    items = list(differing)
    parts = [
        f"{each.place} expected {_short(each.first)}, came {_short(each.second)}"
        for each in items[:MOST_SHOWN]
    ]
    more = len(items) - MOST_SHOWN
    return "; ".join([*parts, *([f"{more} more"] if more > 0 else [])])


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"
