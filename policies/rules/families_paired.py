"""Every distribution must get the same share of a name's IPv4 clients and of its IPv6 clients.

Route 53 picks an answer among the records of one name and type, so the A records of a name are one
group and its AAAA records another; HTTPS and SVCB records are a third, whose address hints move
clients as well. Where they differ, the two families go different ways. The worst case looks
harmless: with an AAAA record for CloudFront alone, every IPv6 client moves at once, whatever the
weights of the A records say. What is judged is what the records answer and not what they look like:
aliases are followed, weights multiplied, and for every place on earth and every region that a
record asks for the shares are compared, also while a health check fails. The old path may answer in
whatever way: everything that is no distribution is one place, also a proxy for the load balancer,
and also an alias of a load balancer without IPv6, which is answered empty, so that its clients go
on over IPv4.

A distribution that has a record in one family needs one in the other, even at weight 0: such a
record answers as soon as all the others are unhealthy. Target health that is evaluated in one
family only sends that family alone away, and so does a health check. An AAAA alias of
health-checked records of the same zone does so as well, but for the proxies there is no other way;
it is advice. The same health check on both families is how a distribution is drained at will; what
may happen by it besides is advice, too. A group of one family that an alias leads to is judged at
the name in front of it. Zones are worlds of their own.

Source: Route 53 Developer Guide, "Values specific for weighted alias records" and "How Amazon
Route 53 chooses records"; RFC 8305, "Happy Eyeballs Version 2"; RFC 9460, section 7.3.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from policies.answers import (
    Answer,
    Destination,
    Difference,
    Member,
    RecordGroup,
    Situation,
    Unclear,
    chosen_of,
    differences,
    members,
    reach,
    unclear,
)
from policies.health_checks import words_about
from policies.model import Finding, JudgedStack, Judgement, Place, Rule, show
from policies.records import FAMILIES, RECORD, Record, normal
from policies.resolution import (
    AT_AN_ADDRESS,
    BINDINGS,
    POLICIES_OF_ROUTING,
    Missing,
    Resolution,
    resolution,
)

REMEDY = (
    "Give the A and the AAAA records of the name the same ways with the same weights, and HTTPS "
    "records no others; the AAAA record of an IPv4-only load balancer is an alias of it."
)
KINDS = (*FAMILIES, *BINDINGS)
"""The types whose answers have to agree."""

Verdicts = dict[str, list[Finding]]
"""What is found, by the URN of the record."""


def check(place: Place) -> Iterator[Finding]:
    """Yield what is found at a record: one finding for a name and distribution, at one record."""
    stack, resource = place.around.stack, place.around.resource
    if resource.urn not in stack.by_urn:  # judged without its stack
        stack = JudgedStack([resource])
    yield from _verdicts(stack).get(resource.urn, ())


@lru_cache(maxsize=1)
def _verdicts(stack: JudgedStack) -> Verdicts:
    """Judge every name of a stack."""
    resolved = resolution(stack)
    verdicts: Verdicts = {}
    unsure: set[str] = set()
    for record in resolved.records.by_urn.values():
        lost = _lost(record)
        if lost:
            unsure.add(record.zone)
            verdicts.setdefault(record.urn, []).append(lost)
    for zone, name in resolved.records.by_name:
        if zone:
            certain = not unsure & {zone, ""}
            for urn, finding in _Name(resolved, zone, name, certain=certain).judge():
                if finding not in verdicts.setdefault(urn, []):
                    verdicts[urn].append(finding)
    return verdicts


def _lost(record: Record) -> Finding | None:
    """Return what keeps a record that may matter from being put into its group."""
    may_be_of_any_kind = record.type is None or record.type in KINDS
    if not (may_be_of_any_kind and _matters(record)):
        return None
    unplaced = {"type": record.type is None, "name": record.name is None, "zoneId": not record.zone}
    key = next((key for key, missing in unplaced.items() if missing), None)
    if key is None:
        return None
    return record.place.get(key).finding("known", "Write it out in the program.")


def _matters(record: Record) -> bool:
    """Say whether a record is a member of a group, or may lead to a distribution."""
    if record.leads_to_cloudfront:
        return True
    if any(_given(record.place.get(key)) for key in POLICIES_OF_ROUTING):
        return True
    alias = record.alias
    unknown = alias is not None and alias.get("name").unknown and alias.get("zoneId").unknown
    return unknown and alias is not None and not alias.get("name").dependencies()


def _given(place: Place) -> bool:
    return place.unknown or bool(place.value)


class _Name:
    """One name of one zone, and what its records answer."""

    def __init__(self, resolved: Resolution, zone: str, name: str, *, certain: bool) -> None:
        self._resolved = resolved
        self._zone = zone
        self._name = name
        self._certain = certain
        self._groups = {kind: self._group(kind) for kind in KINDS}
        self._answers: Mapping[str, Answer] = {}

    def _group(self, kind: str) -> list[Record]:
        same = self._resolved.records.by_name[self._zone, self._name]
        return [record for record in same if record.type == kind]

    def judge(self) -> Iterator[tuple[str, Finding]]:
        """Yield each finding with the URN of its record."""
        families = [kind for kind in FAMILIES if self._groups[kind]]
        aliased = self._resolved.records.aliased
        helper = len(families) == 1 and (self._zone, self._name, families[0]) in aliased
        if helper or not any(self._groups.values()) or self._passes_on():
            return
        self._answers = self._answer()
        places = frozenset(place for answer in self._answers.values() for place in reach(answer))
        distributions = sorted(place for place in places if place.kind == "distribution")
        unknowns = [one for answer in self._answers.values() for one in unclear(answer)]
        leads_unknown = any(
            isinstance(member.answer, Unclear)
            for answer in self._answers.values()
            for member in members(answer)
        )
        if unknowns and (distributions or leads_unknown):
            yield from _not_known(unknowns)
        elif distributions:
            yield from self._compare(distributions)

    def _passes_on(self) -> bool:
        """Say whether both families are one alias of one name, which is judged itself."""
        aliases = [self._groups[kind] for kind in FAMILIES]
        if any(self._groups[kind] for kind in BINDINGS) or any(len(one) != 1 for one in aliases):
            return False
        records = [record for (record,) in aliases]
        names = {
            normal(name) if isinstance(name, str) else ""
            for record in records
            for name in (record.alias.get("name").value if record.alias else None,)
        }
        if len(names) != 1 or names <= {"", self._name} or not all(one.simple for one in records):
            return False
        (name,) = names
        return all(self._resolved.records.group(self._zone, name, kind) for kind in FAMILIES)

    def _answer(self) -> dict[str, Answer]:
        """Return the tree of each kind of answer that has to agree with the others."""
        answers: dict[str, Answer] = {}
        if any(self._groups[family] for family in FAMILIES):
            for family in FAMILIES:
                answers[family] = self._resolved.addresses(self._zone, self._name, family)
        for kind in BINDINGS:
            for family, version in zip(FAMILIES, ("IPv4", "IPv6"), strict=True):
                if self._groups[kind]:
                    answer = self._resolved.binding(self._zone, self._name, kind, family)
                    if answer is not None:
                        answers[f"{kind} ({version})"] = answer
        return answers

    def _compare(self, distributions: Iterable[Destination]) -> Iterator[tuple[str, Finding]]:
        every = differences(self._answers)
        unseen = [one for one in every if one.destination.kind == "unseen"]
        usual = [one for one in every if one.situation.failing is None]
        if unseen:
            yield from self._unseen(unseen[0])
            return
        # An address that belongs to no name of ours explains what the others do not get.
        literal = [one for one in usual if one.destination == AT_AN_ADDRESS]
        findings = [self._unequal(one) for one in literal or usual]
        if not literal:
            differing = {one.destination for one in usual}
            for destination in distributions:
                if destination not in differing:
                    findings += self._absent(destination)
        # One check explains every share that it changes, so one finding says it.
        found = findings or [self._unhealthy(one) for one in every[:1]]
        yield from found
        if all(finding.answer is Judgement.ADVISE for _, finding in found):
            for destination in distributions:
                yield from words_about(self._answers, destination)

    def _unseen(self, difference: Difference) -> Iterator[tuple[str, Finding]]:
        """Yield that a name leads to records that this stack does not have, in one family only."""
        for answer in self._answers.values():
            for member in members(answer):
                record = member.source
                if difference.destination in member.destinations and isinstance(record, Record):
                    values = record.place.get("records")
                    place = (record.targets or values.items() or [values])[0]
                    yield (
                        record.urn,
                        place.finding(
                            "a name whose records are in this stack, or the same in every family",
                            "Declare what it leads to in this program, or lead both families of "
                            f"{show(self._name)} to it alike.",
                            shown=f"{show(place.value)}, which nothing in this stack answers",
                            certain=False,
                        ),
                    )
                    return

    def _unequal(self, difference: Difference) -> tuple[str, Finding]:
        """Return that a distribution gets different shares, at a record that leads to it."""
        record = self._reporter(difference)
        place = self._place(record, difference)
        where = str(difference.situation)
        shown = (
            f"{show(place.value)}, and {self._called(difference.destination)} gets "
            f"{_said(difference.shares)} of {show(self._name)}"
            f"{f' for clients {where}' if where else ''}"
        )
        six, four = difference.shares.get("AAAA", 0), difference.shares.get("A", 0)
        if six >= 1 > four:
            shown += ", so every IPv6 client would move to it at once, whatever the A records say"
        missing = [kind for kind in FAMILIES if not self._groups[kind]]
        fix = REMEDY.replace("the name", show(self._name), 1)
        if missing:
            fix = f"Add the {missing[0]} records of {show(self._name)}. {fix}"
        return record.urn, place.finding(
            "one of records that give it the same share of all",
            fix,
            shown=shown,
            certain=self._certain,
        )

    def _absent(self, destination: Destination) -> Iterator[tuple[str, Finding]]:
        """Yield that a distribution has a record in one family only, be it at weight 0."""
        has = [
            kind
            for kind in FAMILIES
            if kind in self._answers and destination in reach(self._answers[kind])
        ]
        if len(has) == 1:
            record = self._leading(has[0], destination)
            other = FAMILIES[has[0] == FAMILIES[0]]
            place = record.place.get("type")
            shown = (
                f"{show(place.value)}, and no {other} record of {show(self._name)} leads to "
                f"{self._called(destination)}"
            )
            yield (
                record.urn,
                place.finding(
                    f"paired with one of type {other} that leads there with the same share",
                    f"Add the {other} record: even at weight 0 it answers, once the others fail.",
                    shown=shown,
                    certain=self._certain,
                ),
            )

    def _unhealthy(self, difference: Difference) -> tuple[str, Finding]:
        """Return that a health check moves one family alone."""
        failing = difference.situation.failing
        guards = {
            kind: [member for member in members(answer) if not member.healthy(failing)]
            for kind, answer in self._answers.items()
        }
        guarded = [kind for kind, own in guards.items() if own]
        largest = max(guarded, key=lambda kind: difference.shares[kind])
        member = guards[largest][0]
        record = member.source
        if not isinstance(record, Record):
            raise TypeError(f"{record!r} is no record")
        evaluated = member.evaluates and record.alias is not None
        place = record.place.get("healthCheckId")
        if evaluated and record.alias is not None:
            place = record.alias.get("evaluateTargetHealth")
        shown = (
            f"{show(place.value)}, and while that is unhealthy "
            f"{self._called(difference.destination)} gets {_said(difference.shares)} of "
            f"{show(self._name)}"
        )
        if guarded == ["AAAA"] and evaluated and isinstance(member.answer, RecordGroup):
            return record.urn, place.advice(
                "false as well",
                "Mind that IPv6 clients alone move while all of these records are unhealthy.",
                shown=shown,
            )
        return record.urn, place.finding(
            "the same in both families",
            "Have both families look at their target's health, or none.",
            shown=shown,
            certain=self._certain,
        )

    def _reporter(self, difference: Difference) -> Record:
        """Return the record to report at: where the share is largest, and leads there."""
        by_share = sorted(difference.shares, key=lambda kind: -difference.shares[kind])
        alike = {difference.shares[kind] for kind in FAMILIES if kind in difference.shares}
        if len(alike) == 1:  # then the other kinds are what differs
            by_share.sort(key=lambda kind: kind in FAMILIES)
        return self._leading(by_share[0], difference.destination, difference.situation)

    def _leading(
        self, kind: str, destination: Destination, situation: Situation | None = None
    ) -> Record:
        """Return the first record of a kind that leads to a place; else the first of the kind."""
        answer = self._answers[kind]
        own: list[Member] = []
        if isinstance(answer, RecordGroup):
            own = list(answer.members)
            if situation is not None:
                own = [*(member for member, _ in chosen_of(answer, situation)), *own]
        for member in own:
            if destination in member.destinations and isinstance(member.source, Record):
                return member.source
        return next(
            record
            for group in (self._groups[_type(kind)], *self._groups.values())
            for record in group
        )

    def _place(self, record: Record, difference: Difference) -> Place:
        """Return the weight where the other family has one for the same place; else the type."""
        others = [
            member
            for kind, answer in self._answers.items()
            if _type(kind) != record.type and isinstance(answer, RecordGroup)
            for member in answer.members
        ]
        twin = any(difference.destination in member.destinations for member in others)
        return record.weight if record.weighted and twin else record.place.get("type")

    def _called(self, destination: Destination) -> str:
        resource = self._resolved.stack.by_urn.get(destination.identity)
        return f"distribution {show(resource.name if resource else destination.identity)}"


def _not_known(unknowns: Iterable[Unclear]) -> Iterator[tuple[str, Finding]]:
    for one in unknowns:
        if isinstance(one.what, Missing):
            yield (
                one.what.urn,
                one.what.place.finding(
                    "known, because it decides which share a distribution gets",
                    "Write the value out in the program.",
                    certain=False,
                ),
            )


def _type(kind: str) -> str:
    """Return the type of the records that give a kind of answers."""
    return kind.partition(" ")[0]


def _said(shares: Mapping[str, float]) -> str:
    parts = [f"{100 * share:.4g} % of the {kind} answers" for kind, share in shares.items()]
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


RULE = Rule(
    name="families-paired",
    text=__doc__,
    url="https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resource-record-sets-values-weighted-alias.html",
    severity="critical",
    remedy=REMEDY,
    resource_types=RECORD,
    check=check,
    stack=True,
)
