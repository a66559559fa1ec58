"""Whether a way answers a request as direct over IPv4 does, of which nothing is known beforehand.

The measure is taken twice, and what differs between its own two answers is not compared. What
differs on another way is asked for again on both, and on the measure some more times, before it
counts: a clock, a counter or one of several servers is no difference.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from rollout.probe.model import HttpAnswer, HttpRequest, TroubleError, Verdict, Way, Wire
from rollout.requests.catalogue import IgnoreRule
from rollout.verify.exchange import ask, status_of
from rollout.verify.own_requests.evidence import differences_text
from rollout.verify.own_requests.judgement import Oddity, Outcome, oddities
from rollout.verify.own_requests.learned import Learned
from rollout.verify.own_requests.parts import ENTRIES, STATUS, Part

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

Came = HttpAnswer | TroubleError
"""What came of a request."""


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
    outcomes: list[Came] = field(default_factory=list[Came])
    """What came so far, in order."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while it is taken: all ways share it."""

    async def take(self, times: int) -> Sequence[Came]:
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
        own = self._odd(way, outcome)
        if own:
            await self.take(3)
            again = (await ask(self.wire, way, self.request)).outcome
            await self.take(3 + MORE_TIMES)
            places = {each.part.place for each in own}
            lasting = [each for each in self._odd(way, again) if each.part.place in places]
            if not lasting:
                return Likeness("unknown", f"differed once and not again: {_evidence(own)}")
            return Likeness("fail", _evidence(lasting))
        more = "" if self.answers else f", where direct over IPv4 gives {said(self.outcomes[0])}"
        return Likeness("pass", f"{said(outcome)}{more}")

    def _odd(self, way: Way, outcome: Came) -> list[Oddity]:
        """Return what differs, beyond what the measure itself changes."""
        answers = self.answers
        if not answers or (isinstance(outcome, TroubleError) and len(answers) < len(self.outcomes)):
            return []
        measured = tuple(
            each
            for each in answers
            if isinstance(outcome, HttpAnswer) and each.status == outcome.status
        )
        if not measured:
            return [Oddity(STATUS, said(answers[0]), said(outcome), 1, 1, 1)]
        status = measured[0].status
        learned = Learned(measured, OF_A_REDIRECT if status in REDIRECTS else ())
        direct = [Outcome(self.way, each, 0) for each in measured]
        odd = oddities({status: learned}, direct, [Outcome(way, outcome, 0)], way.path)
        restless = {part for part, values in learned.table.items() if len(set(values)) > 1}
        moving = [
            IgnoreRule(part.kind, part.where)
            for part in restless
            if part.kind != "status" and part.aspect in ("", ENTRIES)
        ]
        return [each for each in odd if not _is_restless(each.part, restless, moving)]


def _is_restless(part: Part, restless: Iterable[Part], moving: Iterable[IgnoreRule]) -> bool:
    """Say whether a part changes in the measure itself, or what it belongs to."""
    return part in restless or part.covered(moving)


def _evidence(odd: Sequence[Oddity]) -> str:
    """Return what differs; the requests hold no secret that an answer could repeat."""
    return differences_text(odd, lambda text: text)


def said(outcome: Came) -> str:
    """Return an outcome in a few words."""
    if isinstance(outcome, TroubleError):
        return f"no answer ({outcome.kind}: {outcome})"
    return status_of(outcome)
