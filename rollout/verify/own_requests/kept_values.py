"""Whether answers of a way were given before: what stands still there and not on direct. Pure.

A value that is another in every answer of direct, such as a request id, is the proof in either
direction. If it is another in every answer of the way too, each of them was made anew. If two
answers hold the same one, a cache gave it, unless it is about something else that stands still
there: CloudFront keeps connections to the origin, so the client's port, as an API may tell it,
stays the same on cdn. So all such values of an answer have to stand still, or all in its body.

Two answers that agree by chance are no proof: see `KEPT_ALPHA`.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from rollout.verify.own_requests.cache_signs import claims, moment
from rollout.verify.own_requests.conversation import PairOfOutcomes
from rollout.verify.own_requests.judgement import Outcome, chance_of
from rollout.verify.own_requests.learned import Learned
from rollout.verify.own_requests.parts import Part

APART_SECONDS: Final = 1.5
"""How far apart two answers are whose `Date` cannot be the same: it counts whole seconds."""

KEPT_ALPHA: Final = 3e-4
"""Chance below which repeated answers count: six of eight pairs on a way, none of sixteen on
direct; or seven of sixteen, none of thirty-two."""

UNDECIDED_REPEATS_ALPHA: Final = 0.2
"""Chance below which it is worth to send more pairs."""

_OF_THE_CONNECTION: Final = re.compile(
    r"port|peer|remote|client|connection|conn(?![a-z])|socket|hop|forwarded|addr", re.IGNORECASE
)
"""Part of the name of a value that may be about the connection to the origin."""


@dataclass(frozen=True)
class Suspicion:
    """Two answers of a path that may be one, or one that says it was kept."""

    first: Outcome
    """The earlier one; the same as the second where that speaks for itself."""
    second: Outcome
    """The later one."""
    same: tuple[Part, ...] = ()
    """What stands still in them and never does on direct."""
    claims: tuple[tuple[str, str], ...] = ()
    """What the second says of itself."""


def own_claims(outcomes: Iterable[Outcome]) -> frozenset[str]:
    """Return the names of headers by which direct itself says that answers were kept."""
    return frozenset(
        name.lower() for each in outcomes if each.answer for name, _ in claims(each.answer)
    )


def suspicion(
    learned: Learned,
    direct: Sequence[Outcome],
    outcomes: Sequence[Outcome],
    earlier: Sequence[Outcome] = (),
) -> Suspicion | None:
    """Return the strongest reason to think that an answer of a way was kept.

    Args:
        learned: What direct's answers with one status say.
        direct: All outcomes on direct.
        outcomes: Those of the way, in order.
        earlier: Those of other ways of its path, which may share a cache with it.
    """
    own = own_claims(direct)
    for each in outcomes:
        said = (
            [pair for pair in claims(each.answer) if pair[0].lower() not in own]
            if each.answer
            else []
        )
        if said:
            return Suspicion(each, each, claims=tuple(said))
    status = learned.answers[0].status
    before = [each for each in earlier if each.answer and each.answer.status == status]
    best: Suspicion | None = None
    for outcome in outcomes:
        if outcome.answer is None or outcome.answer.status != status:
            continue
        for other in reversed(before):
            same = same_parts(learned, other, outcome)
            if other.way != outcome.way and not 1 < len(same) == len(learned.fresh):
                # They may have been answered in the same millisecond.
                continue
            # The same request at the same address is the plainest of equal proofs.
            plain = other.way == outcome.way and other.label == outcome.label
            if same and (best is None or (len(same), plain) > (len(best.same), _is_plain(best))):
                best = Suspicion(other, outcome, same)
        before.append(outcome)
    return best


def _is_plain(suspected: Suspicion) -> bool:
    first, second = suspected.first, suspected.second
    return first.way == second.way and first.label == second.label


def same_parts(learned: Learned, first: Outcome, second: Outcome) -> tuple[Part, ...]:
    """Return the parts that are the same in two answers and never are on direct."""
    if first.answer is None or second.answer is None:
        return ()
    if first.answer.status != second.answer.status:
        return ()
    one, other = learned.view(first.answer), learned.view(second.answer)
    return tuple(part for part in learned.fresh if part in one and one[part] == other.get(part))


@dataclass(frozen=True)
class PairVerdict:
    """What pairs of requests prove."""

    kept: tuple[str, ...] = ()
    """What shows that answers were given twice."""
    doubtful: tuple[Part, ...] = ()
    """What stands still while something else shows that the answers are new."""
    is_worth_more: bool = False
    """Whether more pairs may prove that answers are given again."""


def judge_pairs(
    learned: Learned, direct: Sequence[PairOfOutcomes], there: Sequence[PairOfOutcomes]
) -> PairVerdict:
    """Return what pairs of requests directly after each other prove.

    Caches that stand side by side give each other's answers in turn, so a value counts that any
    earlier answer of the pairs had.

    Args:
        learned: What all answers of direct with one status say.
        direct: Pairs on direct.
        there: Pairs on the way.
    """
    kept: list[str] = []
    own = own_claims([each for pair in direct for each in (pair.first, pair.second)])
    said = [
        [claim for claim in claims(pair.second.answer) if claim[0].lower() not in own]
        if pair.second.answer
        else []
        for pair in there
    ]
    if _is_proof(sum(map(bool, said)), len(there), 0, len(direct)):
        name, value = next(claim for many in said for claim in many)
        kept.append(f"{name}: {value}")
    still = _still(learned, direct, there)
    moving = [part for part in learned.fresh if part not in still]
    if not still:
        return PairVerdict(
            tuple(kept), is_worth_more=not kept and _may_repeat(learned, direct, there)
        )
    in_body = [part for part in still if part.kind != "header"]
    body_moves = any(part.kind != "header" for part in moving)
    sure = [part for part in still if not _OF_THE_CONNECTION.search(part.where)]
    sure_in_body = [part for part in in_body if part in sure]
    if sure and (not moving or (sure_in_body and not body_moves)):
        places = ", ".join(dict.fromkeys(part.place for part in sure))
        count = sum(bool(repeated & frozenset(sure)) for repeated in repeated_parts(learned, there))
        kept.append(
            f"{places} stands still in {count} of {len(there)} pairs of answers and is another in "
            "each answer of direct"
        )
        return PairVerdict(tuple(kept))
    return PairVerdict(tuple(kept), tuple(still))


def repeated_parts(learned: Learned, pairs: Sequence[PairOfOutcomes]) -> list[frozenset[Part]]:
    """Return of each pair the parts whose value an earlier answer had, and which never do so."""
    seen: set[tuple[int, Part, str]] = set()
    repeated: list[frozenset[Part]] = []
    for pair in pairs:
        again: set[Part] = set()
        for outcome in (pair.first, pair.second):
            if outcome.answer is None:
                continue
            view = learned.view(outcome.answer)
            for part in learned.fresh:
                if part in view:
                    value = outcome.answer.status, part, view[part]
                    if value in seen:
                        again.add(part)
                    seen.add(value)
        repeated.append(frozenset(again))
    return repeated


def _chances(
    learned: Learned, direct: Sequence[PairOfOutcomes], there: Sequence[PairOfOutcomes]
) -> dict[Part, float]:
    """Return the chance, of each part that repeats on the way, by the order of the pairs."""
    on_direct, on_way = (repeated_parts(learned, pairs) for pairs in (direct, there))
    return {
        part: chance_of(
            times,
            len(there),
            sum(part in again for again in on_direct),
            len(direct),
        )
        for part in learned.fresh
        if (times := sum(part in again for again in on_way))
    }


def _still(
    learned: Learned, direct: Sequence[PairOfOutcomes], there: Sequence[PairOfOutcomes]
) -> list[Part]:
    """Return the parts that stand still on the way, tested by the order of the pairs."""
    chances = _chances(learned, direct, there)
    return [part for part, chance in chances.items() if chance < KEPT_ALPHA]


def _may_repeat(
    learned: Learned, direct: Sequence[PairOfOutcomes], there: Sequence[PairOfOutcomes]
) -> bool:
    chances = _chances(learned, direct, there).values()
    return any(chance < UNDECIDED_REPEATS_ALPHA for chance in chances)


def _is_proof(times: int, of: int, usual_times: int, usual: int) -> bool:
    return times > 0 and chance_of(times, of, usual_times, usual) < KEPT_ALPHA


def date_stands_still(direct: Sequence[Outcome], outcomes: Sequence[Outcome]) -> str | None:
    """Return the `Date` that two answers of a way have which are far apart; None: there is none.

    `Date` is when the origin made an answer. It counts only where that of direct moves on, in all
    pairs of answers that are as far apart.
    """
    usual = _moments(direct)
    moved = [
        first[1] != second[1]
        for number, first in enumerate(usual)
        for second in usual[number + 1 :]
        if second[0] - first[0] >= APART_SECONDS
    ]
    if not moved or not all(moved):
        return None
    own = _moments(outcomes)
    for number, first in enumerate(own):
        for second in own[number + 1 :]:
            if second[0] - first[0] >= APART_SECONDS and first[1] == second[1]:
                return second[2]
    return None


def date_moves(outcomes: Sequence[Outcome]) -> bool:
    """Say whether the `Date` of a way's answers moves on."""
    return len({moment for _, moment, _ in _moments(outcomes)}) > 1


def _moments(outcomes: Sequence[Outcome]) -> list[tuple[float, float, str]]:
    """Return when each request was sent, when its answer was made, and the words for that."""
    return [
        (each.sent_at, made, each.answer.header("Date") or "")
        for each in outcomes
        if each.answer is not None and (made := moment(each.answer)) is not None
    ]
