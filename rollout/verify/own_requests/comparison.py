"""Whether the ways answer a request as direct over IPv4 does: asks until it can be told."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from rollout.probe.model import TroubleError, Way
from rollout.requests.catalogue import IgnoreRule
from rollout.verify.own_requests.conversation import (
    BLOCKS,
    Conversation,
    Outcomes,
    Sent,
    looked_at,
)
from rollout.verify.own_requests.judgement import (
    Oddity,
    Outcome,
    answers_of,
    is_proved,
    is_worth_more,
    oddities,
)
from rollout.verify.own_requests.learned import Learned
from rollout.verify.own_requests.parts import Part

MOST_BLOCKS: Final = 3 * BLOCKS
"""Blocks after which it stays untold what is odd in some answers of a way only."""

_LOOKED_AT: Final = (2, 4, *range(BLOCKS, MOST_BLOCKS + 1, BLOCKS))
"""Numbers of blocks after which their outcome is looked at."""

_NOT_LOOKED_AT: Final[Mapping[int, Learned]] = {}

SILENT_BLOCKS: Final = 3
"""Blocks after which a way that gave no answer at all gives none: each may take as long as a
request may."""


@dataclass(frozen=True)
class WayVerdict:
    """Whether a way answers as direct does."""

    proved: tuple[Oddity, ...] = ()
    """Differences that are proved."""
    untold: tuple[Oddity, ...] = ()
    """Oddities that came too seldom to prove anything."""
    silence: TroubleError | None = None
    """Why it gives no answer at all; None: it gives some."""

    @property
    def differs(self) -> bool:
        """Whether it is proved that it does not answer as direct does."""
        return bool(self.proved) or self.silence is not None


async def compare_ways(
    conversation: Conversation,
    sent: Sent,
    outcomes: Outcomes,
    ignore: tuple[IgnoreRule, ...],
    *,
    like: Outcomes | None = None,
    differ: Collection[Way] = (),
) -> Mapping[Way, WayVerdict]:
    """Compare all ways with direct, and ask those again that are odd.

    Args:
        conversation: Sends requests.
        sent: The request.
        outcomes: What came of it so far; further outcomes are added.
        ignore: What does not count.
        like: What came of a request like it, which was sent more often: what changes in the answers
            to that is no reason to ask again.
        differ: Ways that answered that one otherwise than direct: nothing more is asked of them.
    """
    open_ways = await looked_at(
        outcomes, lambda: _odd_ways(outcomes, ignore, like, frozenset(differ))
    )
    tested = Outcomes()
    verdicts: dict[Way, WayVerdict] = {
        way: WayVerdict(silence=silence)
        for way in open_ways
        if conversation.heard.is_silent(way)
        and (silence := _silence(outcomes.others[way])) is not None
    }
    open_ways = [way for way in open_ways if way not in verdicts]
    for number in range(1, MOST_BLOCKS + 1):
        if not open_ways:
            break
        block = await conversation.block(sent, open_ways)
        tested.add(block)
        outcomes.add(block)
        settled = await looked_at(
            outcomes, partial(_settled, number, tuple(open_ways), tested, outcomes, ignore)
        )
        verdicts |= settled
        conversation.heard.silent |= {
            (way.address, way.port) for way, verdict in settled.items() if verdict.silence
        }
        open_ways = [way for way in open_ways if way not in settled]
    return {way: verdicts.get(way, WayVerdict()) for way in outcomes.others}


def _odd_ways(
    outcomes: Outcomes,
    ignore: tuple[IgnoreRule, ...],
    like: Outcomes | None,
    differ: Collection[Way],
) -> list[Way]:
    """Return the ways that are to be asked again."""
    learned = outcomes.learned(ignore)
    restless = _restless(like.learned(ignore)) if like else frozenset[Part]()
    return [
        way
        for way, own in outcomes.others.items()
        if own
        and way not in differ
        and not _unreachable(own)
        and any(
            each.came is None or each.part not in restless
            for each in oddities(learned, outcomes.direct, own, way.path)
        )
    ]


def _settled(
    number: int,
    open_ways: Sequence[Way],
    tested: Outcomes,
    outcomes: Outcomes,
    ignore: tuple[IgnoreRule, ...],
) -> dict[Way, WayVerdict]:
    """Return the verdict on each way that can be told of after a number of blocks."""
    learned = outcomes.learned(ignore) if number in _LOOKED_AT else _NOT_LOOKED_AT
    verdicts = {way: _after(number, way, tested, outcomes, learned) for way in open_ways}
    return {way: verdict for way, verdict in verdicts.items() if verdict is not None}


def _restless(learned: Mapping[int, Learned]) -> frozenset[Part]:
    """Return the parts that change by themselves, or come and go."""
    return frozenset(
        part
        for each in learned.values()
        for part, values in each.table.items()
        if len(set(values)) > 1
    )


def _after(
    number: int,
    way: Way,
    tested: Outcomes,
    outcomes: Outcomes,
    learned: Mapping[int, Learned],
) -> WayVerdict | None:
    """Return the verdict after a number of blocks; None: further blocks are needed."""
    silence = _silence(outcomes.others[way])
    if (
        silence is not None
        and number >= SILENT_BLOCKS
        and len(answers_of(tested.direct)) == len(tested.direct)
    ):
        return WayVerdict(silence=silence)
    if not learned:
        return None
    every = oddities(learned, outcomes.direct, outcomes.others[way], way.path)
    if not every or number % BLOCKS:
        return None if every else WayVerdict()
    odd = oddities(learned, tested.direct, tested.others[way], way.path)
    proved = tuple(each for each in odd if is_proved(each))
    if not proved and number < MOST_BLOCKS and any(is_worth_more(each) for each in odd):
        return None
    return WayVerdict(proved, () if proved else tuple(every))


def _silence(outcomes: Sequence[Outcome]) -> TroubleError | None:
    troubles = [each.outcome for each in outcomes if isinstance(each.outcome, TroubleError)]
    return troubles[-1] if len(troubles) == len(outcomes) else None


def _unreachable(outcomes: Sequence[Outcome]) -> bool:
    """Say whether this machine has no way there: nothing of that is the way's fault."""
    silence = _silence(outcomes)
    return silence is not None and silence.kind == "unreachable"


def unreachable(outcomes: Sequence[Outcome]) -> TroubleError | None:
    """Return why this machine reaches nothing there; None: it does, or it is the way's fault."""
    return _silence(outcomes) if outcomes and _unreachable(outcomes) else None
