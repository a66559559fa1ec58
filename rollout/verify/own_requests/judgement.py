"""Whether answers of a way are other answers than those of direct, or only others of the same kind.

An API of several servers, with lists in random order and an error now and then, gives two answers
that differ on any way. What proves a difference is a test by permutation. Direct and the way get
the same request again, mixed in random order, so that under the hypothesis 'both give the same
answers' every order was as likely, whatever the API does: take turns, keep a clock, fail at times.
If what is odd is then nearly always on the way and never on direct, the chance of that is the
chance of the order, which is exact: `chance_of`. It needs no assumption about the API but that it
does not look at the way. Pure.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rollout.probe.model import HttpAnswer, Path, TroubleError, Way
from rollout.requests.catalogue import IgnoreRule
from rollout.verify.own_requests.bodies import decoded_body
from rollout.verify.own_requests.learned import Learned, by_status
from rollout.verify.own_requests.parts import (
    ANY_ORDER,
    ENTRIES,
    IN_ORDER,
    MEMBERS,
    NOTHING,
    STATUS,
    STILL,
    TYPE,
    VALUES,
    Part,
)
from rollout.verify.own_requests.texts import added_text, tokens_of

DIFFERENCE_ALPHA: Final = 1e-5
"""Chance below which a difference counts. A run looks at some thousand parts, many of which move
together: so one run in a hundred would be wrong at worst, of an API made to deceive."""

UNDECIDED_ALPHA: Final = 0.1
"""Chance below which it is worth to ask on."""

ODD_ALPHA: Final = 1e-2
"""Chance below which it is odd how often something that comes and goes is there."""

FEWEST_OF_A_STATUS: Final = 4
"""Answers of direct with another status than most, before they say what stands still in such."""

_SELDOM: Final = 4
"""One in so many answers is often enough to miss something where it never is."""

ADDED: Final = "added"
"""Aspect of a text that holds what no answer of direct holds."""

NO_ANSWER: Final = "no answer"
"""Status of a request that has no answer."""

_NO_CLOSED_SET: Final = (ANY_ORDER, IN_ORDER, VALUES, ENTRIES, MEMBERS, STILL)


@dataclass(frozen=True)
class Outcome:
    """A request that was sent, and what came of it."""

    way: Way
    """Where it was sent."""
    outcome: HttpAnswer | TroubleError
    """The answer, or why there is none."""
    sent_at: float
    """When it was sent, in seconds of the loop's clock."""
    label: str = ""
    """How the request differs from the user's own; empty: not at all."""

    @property
    def answer(self) -> HttpAnswer | None:
        """The answer, if there is one."""
        return self.outcome if isinstance(self.outcome, HttpAnswer) else None

    @property
    def status(self) -> str:
        """The status, or that there is none."""
        return str(self.outcome.status) if isinstance(self.outcome, HttpAnswer) else NO_ANSWER


@dataclass(frozen=True)
class Oddity:
    """What answers of a way have that those of direct do not have, or the other way round."""

    part: Part
    """What of the answers."""
    expected: str | None
    """The value on direct, or one of them; None: it is not there."""
    came: str | None
    """The value on the way; None: it is not there."""
    times: int
    """Answers of the way with it."""
    of: int
    """Answers of the way."""
    chance: float
    """Chance of as much by the order of the requests alone."""
    doubtful: bool = False
    """Whether it proves nothing, however often it comes."""


def chance_of(odd: int, of: int, usual_odd: int, usual: int) -> float:
    """Return the chance that so many odd answers are on one of two ways by their order alone.

    Args:
        odd: Odd answers of the way.
        of: Answers of the way.
        usual_odd: Odd answers of direct.
        usual: Answers of direct.
    """
    both, whole = odd + usual_odd, of + usual
    counts = range(odd, min(both, of) + 1)
    ways = sum(math.comb(of, here) * math.comb(usual, both - here) for here in counts)
    return ways / math.comb(whole, both)


def answers_of(outcomes: Iterable[Outcome]) -> list[HttpAnswer]:
    """Return the answers among outcomes."""
    return [each.answer for each in outcomes if each.answer is not None]


def oddities(
    learned: Mapping[int, Learned],
    direct: Sequence[Outcome],
    outcomes: Sequence[Outcome],
    path: Path,
) -> list[Oddity]:
    """Return what is odd in answers of a way.

    Args:
        learned: What all answers of direct say of the API, by their status.
        direct: Outcomes on direct that were mixed with those of the way.
        outcomes: Those of the way.
        path: Its path.
    """
    odd = list(_odd_statuses(direct, outcomes))
    most = max((len(each.answers) for each in learned.values()), default=0)
    for status, usual in learned.items():
        if len(usual.answers) < min(most, FEWEST_OF_A_STATUS):
            continue
        answers = [answer for answer in answers_of(outcomes) if answer.status == status]
        if answers:
            count = sum(answer.status == status for answer in answers_of(direct))
            odd += _odd_parts(usual, count, answers, path)
    return _topmost(odd)


def _odd_statuses(direct: Sequence[Outcome], outcomes: Sequence[Outcome]) -> Iterator[Oddity]:
    usual, own = (Counter(each.status for each in side) for side in (direct, outcomes))
    if not usual:
        return
    expected = usual.most_common(1)[0][0]
    for status, times in own.items():
        chance = chance_of(times, len(outcomes), usual[status], len(direct))
        if not usual[status] or chance < DIFFERENCE_ALPHA:
            yield Oddity(STATUS, expected, status, times, len(outcomes), chance)


def _odd_parts(
    learned: Learned, usual: int, answers: Sequence[HttpAnswer], path: Path
) -> Iterator[Oddity]:
    views = [learned.view(answer) for answer in answers]
    for part in dict.fromkeys([*learned.table, *(part for view in views for part in view)]):
        if part == STATUS:
            continue
        values = learned.table.get(part)
        own = [view.get(part) for view in views]
        if values is None:
            # CloudFront gives a server that has no name its own.
            named = path == "cdn" and part == Part("header", "server")
            came = [
                each for each in own if each is not None and not (named and each == "CloudFront")
            ]
            if came:
                chance = chance_of(len(came), len(own), 0, usual)
                yield Oddity(part, None, came[0], len(came), len(own), chance)
        elif len(set(values)) == 1:
            others = [each for each in own if each != values[0]]
            if others:
                chance = chance_of(len(others), len(own), 0, usual)
                yield Oddity(part, values[0], others[0], len(others), len(own), chance)
        elif None in values:
            yield from _other_presence(part, values, own)
        else:
            yield from _other_values(part, [each for each in values if each], own, usual)
    if learned.texts:
        added = added_text([tokens_of(decoded_body(each)) for each in answers], learned.texts)
        if added:
            words = ", ".join(" ".join(filter(None, pair)) for pair in sorted(added)[:3])
            chance = chance_of(len(answers), len(answers), 0, usual)
            part = Part("body", "", ADDED)
            yield Oddity(part, NOTHING, words, len(answers), len(answers), chance)


def _other_presence(
    part: Part, values: Sequence[str | None], own: Sequence[str | None]
) -> Iterator[Oddity]:
    """Yield a part that comes and goes on direct and is there always, or never, on the way."""
    there, usual_there = (sum(each is not None for each in side) for side in (own, values))
    gone, usual_gone = len(own) - there, len(values) - usual_there
    # Of few answers none has a small chance: what is all on one side is looked at again.
    never = not there and usual_there * _SELDOM >= len(values)
    always = not gone and usual_gone * _SELDOM >= len(values)
    less = chance_of(gone, len(own), usual_gone, len(values))
    more = chance_of(there, len(own), usual_there, len(values))
    if less < ODD_ALPHA or never:
        expected = next(each for each in values if each is not None)
        yield Oddity(part, expected, None, gone, len(own), less)
    elif more < ODD_ALPHA or always:
        came = next(each for each in own if each is not None)
        yield Oddity(part, None, came, there, len(own), more)


def _other_values(
    part: Part, values: Sequence[str], own: Sequence[str | None], usual: int
) -> Iterator[Oddity]:
    """Yield a part whose value changes and that is not there, or has values of its own."""
    gone = sum(each is None for each in own)
    if gone:
        yield Oddity(part, values[0], None, gone, len(own), chance_of(gone, len(own), 0, usual))
        return
    different = set(values)
    one_value = len(set(own)) == 1
    # One value that direct never has is asked for again as soon as those of direct repeat at all.
    few = len(different) < len(values) if one_value else len(different) <= len(values) / 3
    if not few or any(each in different for each in own) or _is_open(part):
        return
    chance = chance_of(len(own), len(own), 0, usual)
    expected = Counter(values).most_common(1)[0][0]
    yield Oddity(
        part,
        expected,
        own[0],
        len(own),
        len(own),
        chance,
        doubtful=not one_value or len(different) > len(values) / 3,
    )


def _is_open(part: Part) -> bool:
    return part.aspect.endswith(_NO_CLOSED_SET)


def _topmost(odd: Sequence[Oddity]) -> list[Oddity]:
    """Return one oddity for each place, without what is below a place that is odd as a whole."""
    whole = {
        (each.part.kind, each.part.where)
        for each in odd
        if each.came is None or each.expected is None or each.part.aspect in (TYPE, ENTRIES)
    }
    places: dict[tuple[str, str, bool], Oddity] = {}
    for each in sorted(odd, key=lambda each: (each.part.aspect != "", each.chance)):
        part = each.part
        above = part.where
        while above:
            above = above.rpartition("/")[0]
            if part.kind == "json" and (part.kind, above) in whole:
                break
        else:
            places.setdefault((part.kind, part.where, _is_cookie(part)), each)
    every = set(places)
    for kind, where, cookie in every:
        # Of one entry the place in the list is told, of several what they have in common.
        matching = [each for each in every if kind == each[0] and _is_entry_of(each[1], where)]
        if matching:
            for each in matching if len(matching) > 1 else [(kind, where, cookie)]:
                places.pop(each, None)
    order = {"status": 0, "header": 1, "json": 2, "body": 3}
    return sorted(places.values(), key=lambda each: (order[each.part.kind], each.part.where))


def _is_entry_of(where: str, pattern: str) -> bool:
    """Say whether a place is one of those that a place with `*` stands for."""
    own, theirs = where.split("/"), pattern.split("/")
    return (
        where != pattern
        and len(own) == len(theirs)
        and all(
            one == another or (another == "*" and one.isdecimal())
            for one, another in zip(own, theirs, strict=True)
        )
    )


def _is_cookie(part: Part) -> bool:
    return part.aspect.startswith("attributes of ")


def is_proved(odd: Oddity) -> bool:
    """Say whether an oddity is a difference."""
    return not odd.doubtful and odd.chance < DIFFERENCE_ALPHA


def is_worth_more(odd: Oddity) -> bool:
    """Say whether more answers may prove an oddity."""
    return not odd.doubtful and odd.chance < UNDECIDED_ALPHA


def learned_of(outcomes: Iterable[Outcome], ignore: tuple[IgnoreRule, ...]) -> dict[int, Learned]:
    """Return what outcomes on direct say of the API, by their status."""
    return by_status(answers_of(outcomes), ignore)
