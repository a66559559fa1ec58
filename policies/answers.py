"""Which places a name's answers lead to, and in which share: trees of answers, and their sums.

Route 53 chooses among the records of one name and type by their weights, by where the client is,
by what is healthy, and an alias may lead to another group that chooses again. So two families whose
records look alike may answer differently, and two that look different may answer alike. Comparing
records one with one (the same identifier, the same weight) misses the first and refuses the second.
What is compared here is what comes out: for each situation of a client, the share of each place.

A *situation* is where the client is, as far as any record asks, and which place does not answer its
health checks. The situations of two trees are those that the keys of both can tell apart; there are
few, because few records ask for more than one thing.

Nothing in here knows records or Pulumi.

Source: Route 53 Developer Guide, "Choosing a routing policy", "How Amazon Route 53 chooses records
when health checking is configured" and "Values specific for geolocation records".
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice, permutations, product
from typing import Any, Final, Literal, TypeAlias

from policies.continents import CONTINENTS

Kind: TypeAlias = Literal["distribution", "elsewhere", "unseen", "follows"]
Routing: TypeAlias = Literal[
    "simple", "weighted", "failover", "geolocation", "latency", "geoproximity", "cidr", "multivalue"
]


@dataclass(frozen=True, order=True)
class Destination:
    """Where an answer leads.

    Attributes:
        kind: A distribution; elsewhere, which is everything that is none, and no answer at all;
            a name whose records are not seen, which may be either; or, for an HTTPS record without
            an address, wherever the addresses of its name lead.
        identity: Which distribution, or which name.
    """

    kind: Kind
    identity: str = ""


ELSEWHERE: Final = Destination("elsewhere")
FOLLOWS: Final = Destination("follows")


@dataclass(frozen=True, eq=False)
class Leaf:
    """An answer that is one place."""

    destination: Destination


@dataclass(frozen=True, eq=False)
class Unclear:
    """Something that is not known, and decides where an answer leads; `what` is whose it is."""

    what: Hashable


@dataclass(frozen=True, eq=False)
class Member:
    """A record of a group.

    Attributes:
        answer: Where it leads.
        weight: Its weight in a weighted group.
        key: What a client has to be to get it: a region, a place on earth, PRIMARY.
        check: The health check of its own that decides if it is used; None: there is none.
        evaluates: Whether the health of what it is an alias of does.
        source: The record itself, for whoever reads the tree.
    """

    answer: "Answer"
    weight: float = 1
    key: Hashable = None
    check: Hashable = None
    evaluates: bool = False
    source: Hashable = None

    def healthy(self, failing: Destination | None) -> bool:
        """Say whether it is used while the checks of one place fail."""
        if failing is None:
            return True
        if self.check is not None and self.destinations == frozenset({failing}):
            return False
        if not self.evaluates or isinstance(self.answer, Unclear):
            return True
        if isinstance(self.answer, Leaf):  # a distribution's health cannot be evaluated
            return self.answer.destination != failing or failing.kind == "distribution"
        return any(member.healthy(failing) for member in self.answer.members)

    @cached_property
    def destinations(self) -> frozenset[Destination]:
        """Every place that it may lead to."""
        return reach(self.answer)


@dataclass(frozen=True, eq=False)
class RecordGroup:
    """Records of one name and type, among which one is chosen for each question."""

    routing: Routing
    members: tuple[Member, ...]
    unclear: tuple[Unclear, ...] = ()


Answer: TypeAlias = Leaf | Unclear | RecordGroup


@dataclass(frozen=True)
class Client:
    """Where a client is, as a geolocation record asks; and whom such a record is for."""

    continent: str | None = None
    country: str | None = None
    subdivision: str | None = None

    def matches(self) -> "Iterator[Client]":
        """Yield whom a record may be for to fit, the narrowest first; by default country "*"."""
        if self.subdivision:
            yield Client(None, self.country, self.subdivision)
        if self.country:
            yield Client(None, self.country)
        if self.continent:
            yield Client(self.continent)
        yield Client(None, "*")


@dataclass(frozen=True)
class Situation:
    """What an answer depends on beside chance.

    Attributes:
        client: Where the client is.
        regions: The regions of latency records, the nearest first.
        places: The places of geoproximity records, the nearest first.
        block: The CIDR location that the client's address is in.
        failing: The place whose health checks fail.
    """

    client: Client = field(default_factory=Client)
    regions: tuple[Hashable, ...] = ()
    places: tuple[Hashable, ...] = ()
    block: Hashable = None
    failing: Destination | None = None

    def __str__(self) -> str:
        """Return it as the end of a sentence; nothing where it is the usual one."""
        words: list[str] = []
        here = self.client.subdivision or self.client.country or self.client.continent
        if here:
            words.append(f"in {here}")
        words += [f"nearest to {ranking[0]}" for ranking in (self.regions, self.places) if ranking]
        if self.block:
            words.append(f"of {self.block}")
        return " ".join(words)


def reach(answer: Answer) -> frozenset[Destination]:
    """Return every place that an answer may lead to, whatever the weights."""
    if isinstance(answer, Leaf):
        return frozenset({answer.destination})
    if isinstance(answer, Unclear):
        return frozenset()
    return frozenset(place for member in answer.members for place in member.destinations)


def unclear(answer: Answer) -> Iterator[Unclear]:
    """Yield what is not known about an answer."""
    if isinstance(answer, Unclear):
        yield answer
    elif isinstance(answer, RecordGroup):
        yield from answer.unclear
        for member in answer.members:
            yield from unclear(member.answer)


def members(answer: Answer) -> Iterator[Member]:
    """Yield every record of a tree, those in front first."""
    if isinstance(answer, RecordGroup):
        yield from answer.members
        for member in answer.members:
            yield from members(member.answer)


def replaced(answer: Answer, old: Destination, new: Answer) -> Answer:
    """Return a tree with another answer wherever it leads to a place."""
    if isinstance(answer, Leaf):
        return new if answer.destination == old else answer
    if isinstance(answer, Unclear):
        return answer
    changed = (
        Member(
            replaced(member.answer, old, new),
            member.weight,
            member.key,
            member.check,
            member.evaluates,
            member.source,
        )
        for member in answer.members
    )
    return RecordGroup(answer.routing, tuple(changed), answer.unclear)


def shares(answer: Answer, situation: Situation) -> dict[Destination, float]:
    """Return the share of the answers that leads to each place, in a situation."""
    if isinstance(answer, Leaf):
        return {answer.destination: 1}
    if isinstance(answer, Unclear):
        return {}
    total: dict[Destination, float] = {}
    chosen = list(chosen_of(answer, situation))
    whole = sum(part for _, part in chosen)
    if not whole:
        return {ELSEWHERE: 1}
    for member, part in chosen:
        for destination, share in shares(member.answer, situation).items():
            total[destination] = total.get(destination, 0) + share * part / whole
    return total


def chosen_of(group: RecordGroup, situation: Situation) -> Iterator[tuple[Member, float]]:
    """Yield the records that are chosen among, each with its part; none where none is for it."""
    healthy = [member for member in group.members if member.healthy(situation.failing)]
    if group.routing == "weighted":
        yield from _by_weight(group.members, healthy)
    elif group.routing in ("simple", "multivalue"):
        yield from ((member, 1) for member in healthy or group.members)
    else:
        keys = list(_keys(group.routing, situation))
        for candidates in (healthy, group.members):  # where none is healthy, all count as such
            by_key = {member.key: member for member in reversed(candidates)}
            for key in keys:
                if key in by_key:
                    yield by_key[key], 1
                    return


def _by_weight(
    group: Sequence[Member], healthy: Sequence[Member]
) -> Iterator[tuple[Member, float]]:
    """Yield the healthy ones with a weight above 0; else those with 0, in equal parts."""
    for candidates in (healthy, group):
        above = [member for member in candidates if member.weight > 0]
        if above:
            yield from ((member, member.weight) for member in above)
            return
        if candidates:
            yield from ((member, 1) for member in candidates)
            return


def _keys(routing: Routing, situation: Situation) -> Iterable[Hashable]:
    if routing == "failover":
        return ("PRIMARY", "SECONDARY")
    if routing == "geolocation":
        return situation.client.matches()
    if routing == "latency":
        return situation.regions
    if routing == "geoproximity":
        return situation.places
    return (situation.block, "*")


MOST_SITUATIONS: Final = 2_000
"""Above it each thing that a record asks is looked at by itself, and not with all the others."""
FEW: Final = 4
"""Regions up to which every order of them is looked at; 24 orders for four."""


def situations(answers: Sequence[Answer]) -> Iterator[Situation]:
    """Yield the situations that some trees can tell apart, the usual one first."""
    keys: dict[Routing, dict[Hashable, None]] = {}
    sets: dict[Routing, set[frozenset[Hashable]]] = {}
    for answer in answers:
        for group in _groups(answer):
            for member in group.members:
                keys.setdefault(group.routing, {})[member.key] = None
            sets.setdefault(group.routing, set()).add(frozenset(one.key for one in group.members))
    places = frozenset(place for answer in answers for place in reach(answer))
    guarded = any(
        member.check is not None or member.evaluates
        for answer in answers
        for member in members(answer)
    )

    def rankings(routing: Routing) -> list[tuple[Hashable, ...]]:
        return list(_rankings(list(keys.get(routing, ())), alike=len(sets.get(routing, ())) <= 1))

    dimensions: list[Sequence[Any]] = [
        list(dict.fromkeys(_clients(keys.get("geolocation", ())))),
        rankings("latency"),
        rankings("geoproximity"),
        [None, *(key for key in keys.get("cidr", ()) if key != "*")],
        [None, *sorted(places)] if guarded else [None],
    ]
    every = list(islice(product(*dimensions), MOST_SITUATIONS + 1))
    if len(every) > MOST_SITUATIONS:
        usual = [dimension[0] for dimension in dimensions]
        every = [
            (*usual[:index], value, *usual[index + 1 :])
            for index, dimension in enumerate(dimensions)
            for value in dimension
        ]
    make: Callable[..., Situation] = Situation
    every_situation = (make(*dimension) for dimension in every)
    yield from sorted(every_situation, key=lambda one: one.failing is not None)


def _groups(answer: Answer) -> Iterator[RecordGroup]:
    if isinstance(answer, RecordGroup):
        yield answer
        for member in answer.members:
            yield from _groups(member.answer)


def _clients(keys: Iterable[Hashable]) -> Iterator[Client]:
    """Yield a client for each key, and one that only a default record is for."""
    yield Client()
    given = [key for key in keys if isinstance(key, Client)]
    continents = {key.continent for key in given if key.continent}
    for key in given:
        if key.country and key.country != "*":
            # Of a country that nobody has placed, any of the continents may be the right one.
            placed = CONTINENTS.get(key.country)
            around = [placed] if placed else [None, *sorted(continents)]
            yield from (Client(one, key.country, key.subdivision) for one in around)
        elif key.continent:
            yield Client(key.continent)


def _rankings(keys: list[Hashable], *, alike: bool) -> Iterator[tuple[Hashable, ...]]:
    """Yield the orders in which a client may be near to regions.

    Where every group has the same regions, the nearest decides. Where they differ, the nearest of
    one group and the nearest of another may be two, which are the first two of some order.
    """
    if len(keys) <= FEW:
        yield from permutations(keys)
        return
    for first in keys:
        others = [key for key in keys if key != first]
        if alike:
            yield (first, *others)
        else:
            yield from ((first, one, *(key for key in others if key != one)) for one in others)


@dataclass(frozen=True)
class Difference:
    """A place that gets different shares of several kinds of answers.

    Attributes:
        destination: The place.
        situation: Where, and while what fails.
        shares: The share by the kind of answer.
    """

    destination: Destination
    situation: Situation
    shares: Mapping[str, float]


CLOSE: Final = 1e-9
"""Shares that are nearer to each other are the same; sums of fractions are never exact."""


def differences(answers: Mapping[str, Answer]) -> list[Difference]:
    """Return the first difference of each place that is not elsewhere, in a usual situation first.

    Args:
        answers: The tree of each kind of answer that has to lead to the same places.
    """
    first_of: dict[tuple[Destination, Destination | None], Difference] = {}
    differing: set[Destination] = set()
    for situation in situations(list(answers.values())):
        parts = {kind: shares(answer, situation) for kind, answer in answers.items()}
        for destination in sorted({place for part in parts.values() for place in part}):
            if destination.kind == "elsewhere" or (destination, situation.failing) in first_of:
                continue
            if situation.failing is not None and destination in differing:
                continue  # what differs while all is well need not be said again
            own = {kind: part.get(destination, 0) for kind, part in parts.items()}
            if max(own.values()) - min(own.values()) > CLOSE:
                first_of[destination, situation.failing] = Difference(destination, situation, own)
                if situation.failing is None:
                    differing.add(destination)
    return list(first_of.values())
