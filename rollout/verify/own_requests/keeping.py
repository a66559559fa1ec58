"""Looks for a cache among the answers to a request, and asks until it can be told."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from rollout.probe.model import Verdict, Way
from rollout.requests.catalogue import IgnoreRule
from rollout.verify.cache_proofs import CACHING_REMEDY
from rollout.verify.own_requests.conversation import (
    Conversation,
    Outcomes,
    PairOfOutcomes,
    Sent,
    looked_at,
)
from rollout.verify.own_requests.evidence import MOST_PLACES
from rollout.verify.own_requests.judgement import Outcome, answers_of
from rollout.verify.own_requests.kept_values import (
    PairVerdict,
    Suspicion,
    date_moves,
    date_stands_still,
    judge_pairs,
    own_claims,
    same_parts,
    suspicion,
)
from rollout.verify.own_requests.learned import Learned
from rollout.verify.own_requests.parts import Part

FEWEST_NEW: Final = 4
"""Answers of direct that hold another value each before such a value is a proof."""

MOST_ROUNDS: Final = 3
"""How often pairs are sent while they may still prove something."""

_DATE_LOOKS: Final = 2
"""How often a `Date` that stood still is looked at again: a second may begin meanwhile."""

_MOST_CONFIRMED: Final = 2
"""Suspicions of one path over one family that are followed up."""


@dataclass(frozen=True)
class Heard:
    """What came of a request, or of a variant of it."""

    sent: Sent
    """The request."""
    outcomes: Outcomes
    """What came of it."""


@dataclass(frozen=True)
class CacheVerdict:
    """Whether a path over a family gives answers that were kept."""

    verdict: Verdict
    evidence: str
    remedy: str = ""


class CacheSearch:
    """Looks for a cache on one path after the other."""

    def __init__(
        self,
        conversation: Conversation,
        heard: Sequence[Heard],
        ignore: tuple[IgnoreRule, ...],
        *,
        hide: Callable[[str], str],
        variants_left_out: bool,
    ) -> None:
        """Take what came of the request, the user's own first.

        Args:
            conversation: Sends further requests.
            heard: What came of the request and of its variants.
            ignore: What may stand still without a doubt.
            hide: Removes secrets from evidence.
            variants_left_out: Whether variants were left out because they cost too much.
        """
        self._conversation = conversation
        self._heard = heard
        self._own = heard[0].outcomes
        self._ignore = ignore
        self._hide = hide
        self._left_out = variants_left_out
        usual = [_most(each.outcomes) for each in heard]
        self._usual = [each.without_restless(usual[0]) for each in usual]
        self._direct = [one for each in heard for one in each.outcomes.direct]

    def measure(self) -> CacheVerdict:
        """Return what the answers of direct over IPv4 can prove."""
        learned = self._usual[0]
        own = ", ".join(sorted(own_claims(self._direct)))
        said = (
            f"; {own} says that the API itself, or what stands before it, keeps answers"
            if own
            else ""
        )
        if _is_telling(learned):
            evidence = f"the measure: {_places(learned.fresh)} is another in each of its answers"
        else:
            evidence = "the measure: nothing in its answers is another each time"
        return CacheVerdict("pass", self._hide(evidence + said))

    async def on_lane(self, ways: Sequence[Way]) -> CacheVerdict:
        """Look for a cache at the addresses of a path over a family."""
        here = [
            one for each in self._heard for way in ways for one in each.outcomes.others.get(way, ())
        ]
        if not answers_of(here):
            return CacheVerdict("unknown", "there is no answer")
        doubtful: list[Part] = []
        suspicions = await looked_at(self._own, lambda: self._suspicions(ways))
        for suspected, learned in suspicions[:_MOST_CONFIRMED]:
            proved = await self._confirm(suspected, learned)
            if proved.kept:
                evidence = f"{'; '.join(proved.kept)} ({self._where(suspected)})"
                return self._failed(ways, evidence + self._others_too(suspected, learned, here))
            doubtful += [part for part in proved.doubtful if not part.covered(self._ignore)]
        date = await self._standing_date(ways)
        if date is not None:
            return self._failed(ways, date)
        if doubtful:
            return CacheVerdict(
                "unknown",
                self._hide(
                    f"{_places(doubtful)} stands still here and is another in each answer of "
                    "direct, while other values are new here too: a cache, or something about the "
                    "connection to the origin, which cdn keeps"
                ),
                "If it is about the connection, such as a port, leave it out: "
                + " ".join(dict.fromkeys(f"--ignore {part.place}" for part in doubtful))
                + ".",
            )
        passed = await looked_at(self._own, lambda: self._passed(ways))
        return CacheVerdict("pass", self._hide(passed))

    def _failed(self, ways: Sequence[Way], evidence: str) -> CacheVerdict:
        remedy = CACHING_REMEDY if ways[0].path == "cdn" else ""
        return CacheVerdict("fail", self._hide(evidence), remedy)

    def _suspicions(self, ways: Sequence[Way]) -> list[tuple[Suspicion, Learned]]:
        suspicions: list[tuple[Suspicion, Learned]] = []
        earlier: list[Outcome] = []
        for each, learned in zip(self._heard, self._usual, strict=True):
            path = ways[0].path
            elsewhere = [
                one
                for way, outcomes in each.outcomes.others.items()
                if way.path == path and way not in ways
                for one in outcomes
            ]
            here = [one for way in ways for one in each.outcomes.others.get(way, ())]
            suspected = suspicion(learned, self._direct, here, [*earlier, *elsewhere])
            if suspected is not None:
                suspicions.append((suspected, learned))
            earlier += here
        return suspicions

    async def _confirm(self, suspected: Suspicion, learned: Learned) -> PairVerdict:
        """Send the two requests again in pairs, and where that proves nothing at URLs of their own.

        A cache that gives each answer to whoever asks next gives the first one twice only.
        """
        by_label = {each.sent.label: each.sent for each in self._heard}
        first = suspected.first.way, by_label[suspected.first.label]
        second = suspected.second.way, by_label[suspected.second.label]
        verdict = await self._pairs(first, second, learned, anew=False)
        anew = first[1].may_be_anew and second[1].may_be_anew
        if verdict.kept or verdict.doubtful or not anew:
            return verdict
        return await self._pairs(first, second, learned, anew=True)

    async def _pairs(
        self, first: tuple[Way, Sent], second: tuple[Way, Sent], learned: Learned, *, anew: bool
    ) -> PairVerdict:
        direct: list[PairOfOutcomes] = []
        there: list[PairOfOutcomes] = []
        verdict = PairVerdict(is_worth_more=True)
        for _ in range(MOST_ROUNDS):
            if not verdict.is_worth_more:
                break
            usual, own = await self._conversation.pairs(first, second, anew=anew)
            direct += usual
            there += own
            verdict = await looked_at(self._own, partial(judge_pairs, learned, direct, there))
        return verdict

    async def _standing_date(self, ways: Sequence[Way]) -> str | None:
        """Return the evidence that the `Date` of answers stands still, which is looked at again."""
        own = self._heard[0]
        for way in ways:
            if date_stands_still(own.outcomes.direct, own.outcomes.others.get(way, [])) is None:
                continue
            for _ in range(_DATE_LOOKS):
                again = await self._conversation.later(own.sent, way)
                date = date_stands_still(again.direct, again.others[way])
                if date is not None:
                    return (
                        f"the same Date in answers more than two seconds apart, {date}, while that "
                        f"of direct moves on (at {way.address})"
                    )
        return None

    def _where(self, suspected: Suspicion) -> str:
        first, second = suspected.first, suspected.second
        where = f"at {second.way.address}"
        if first.way != second.way:
            where += f" what {first.way.address} gave"
        if second.label != first.label:
            return (
                f"{where}; {second.label} it was given what it is given {first.label or 'as it is'}"
            )
        return f"{where}; {second.label}" if second.label else where

    def _others_too(self, suspected: Suspicion, learned: Learned, here: Sequence[Outcome]) -> str:
        """Return to whom else the kept answer was given."""
        labels = dict.fromkeys(
            one.label
            for one in here
            if one.label != suspected.first.label and same_parts(learned, suspected.first, one)
        )
        labels.pop(suspected.second.label, None)
        named = [label or "as it is" for label in labels]
        return f"; it was given {' and '.join(named)} as well" if named else ""

    def _passed(self, ways: Sequence[Way]) -> str:
        """Return what shows that nothing was kept, or that nothing shows."""
        learned = self._usual[0]
        own = [one for way in ways for one in self._heard[0].outcomes.others.get(way, ())]
        new = _new_parts(learned, own) if _is_telling(learned) else ()
        count = len(answers_of(own))
        if new:
            text = (
                f"{_places(new)} is another in each of {count} answers, as on direct: each was "
                "made anew"
            )
        else:
            moves = " and their Date moves on" if date_moves(own) else ""
            text = (
                f"none of {count} answers says that it was kept{moves}; nothing in them is another "
                "each time, so a cache that says nothing would not show"
            )
        claimed = ", ".join(sorted(own_claims(self._direct)))
        if claimed:
            text += f"; {claimed} says that one was, as on direct over IPv4: that is the API's own"
        labels = [each.sent.label for each in self._heard[1:]]
        if labels:
            text += f"; also {' and '.join(labels)}"
        elif self._left_out:
            text += "; not sent as another user and with another query string, which costs too much"
        return text


def _most(outcomes: Outcomes) -> Learned:
    """Return what the answers of direct with the most frequent status say."""
    return max(outcomes.learned().values(), key=lambda each: len(each.answers))


def _is_telling(learned: Learned) -> bool:
    return bool(learned.fresh) and len(learned.answers) >= FEWEST_NEW


def _new_parts(learned: Learned, outcomes: Sequence[Outcome]) -> tuple[Part, ...]:
    """Return the parts that are another in each answer of a way."""
    status = learned.answers[0].status
    views = [learned.view(answer) for answer in answers_of(outcomes) if answer.status == status]
    return tuple(
        part
        for part in learned.fresh
        if len({view.get(part) for view in views} - {None}) == len(views) > 1
    )


def _places(parts: Sequence[Part]) -> str:
    places = list(dict.fromkeys(part.place for part in parts))
    more = len(places) - MOST_PLACES
    return ", ".join(places[:MOST_PLACES]) + (f" and {more} more" if more > 0 else "")
