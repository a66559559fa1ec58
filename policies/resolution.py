"""The answers that a stack's records give: each name and type as a tree of places.

An alias is followed to the records of its zone, a CNAME to those of any public zone of the stack,
and a value that is not known yet to the resource it comes from. What no record of the stack says is
a place of its own (`unseen`): as long as every family leads there alike, it does not matter what it
is.

Source: Route 53 Developer Guide, "Choosing between alias and non-alias records"; RFC 9460, "Service
Binding and Parameter Specification via the DNS", sections 2 and 7.3.
"""

import json
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Final, TypeAlias

from policies.answers import (
    ELSEWHERE,
    FOLLOWS,
    Answer,
    Client,
    Destination,
    Leaf,
    Member,
    RecordGroup,
    Routing,
    Unclear,
    reach,
    replaced,
    unclear,
)
from policies.cloudfront import DISTRIBUTION
from policies.model import UNKNOWN, JudgedStack, Place, Resource, Value, number
from policies.records import (
    CLOUDFRONT_ZONE,
    FAMILIES,
    Family,
    Record,
    Records,
    distributions_by_name,
    is_cloudfront,
    normal,
    records,
    zone_id,
)

Needed: TypeAlias = Callable[[Place], Value]
BINDINGS: Final = ("HTTPS", "SVCB")
"""The types of records that say where a service is, with hints at its addresses."""

POLICIES_OF_ROUTING: Final[dict[str, Routing]] = {
    "weightedRoutingPolicies": "weighted",
    "failoverRoutingPolicies": "failover",
    "geolocationRoutingPolicies": "geolocation",
    "latencyRoutingPolicies": "latency",
    "geoproximityRoutingPolicy": "geoproximity",
    "cidrRoutingPolicy": "cidr",
    "multivalueAnswerRoutingPolicy": "multivalue",
}
"""The properties that make a record a member of a group, and how the group chooses."""

CLOUDFRONT_ADDRESSES: Final = ip_network("2600:9000::/28")
ACCELERATOR_ADDRESSES: Final = ip_network("2600:9000:a000::/36")
"""CloudFront's IPv6 addresses, and what of that block is Global Accelerator's.

Its IPv4 addresses are many blocks that change, so they are not known here.

Source: <https://ip-ranges.amazonaws.com/ip-ranges.json>.
"""


AT_AN_ADDRESS: Final = Destination("distribution", "at an address of CloudFront's")
"""Some distribution, or none: which one answers at an address is the client's choice by name."""


@dataclass(frozen=True)
class Missing:
    """Something of a record that is not known, where it is, and what has to be known."""

    urn: str
    place: Place
    allowed: str = "known"


@dataclass(eq=False)
class Resolution:
    """Follows the records of one stack; each name, type and family is followed once."""

    stack: JudgedStack
    records: Records
    _trees: dict[tuple[str, str, str, Family], Answer] = field(
        default_factory=dict[tuple[str, str, str, Family], Answer]
    )

    def addresses(self, zone: str, name: str, family: Family) -> Answer:
        """Return where the addresses of a name lead: by its own records, or by a CNAME."""
        for kind in (family, "CNAME"):
            if self.records.group(zone, name, kind):
                return self._tree(zone, name, kind, family)
        return Leaf(ELSEWHERE)

    def binding(self, zone: str, name: str, kind: str, family: Family) -> Answer | None:
        """Return where HTTPS or SVCB records send clients of a family; None where nowhere.

        A record without an address, for the name itself, lets clients go on with its A and AAAA
        records. Beside records that do lead to a distribution it stands for the other way.
        """
        answer = self._tree(zone, name, kind, family)
        places = reach(answer)
        if places <= {FOLLOWS} and not any(unclear(answer)):
            return None
        if any(place.kind == "distribution" for place in places):
            return replaced(answer, FOLLOWS, Leaf(ELSEWHERE))
        return replaced(answer, FOLLOWS, self.addresses(zone, name, family))

    def places(self, record: Record, families: Iterable[Family]) -> frozenset[Destination]:
        """Return every place that one record may lead clients of some families to."""
        answers = (self._leads(record, family) for family in families)
        return frozenset(place for answer in answers for place in reach(answer))

    def _tree(self, zone: str, name: str, kind: str, family: Family) -> Answer:
        key = (zone, name, kind, family)
        if key not in self._trees:
            self._trees[key] = Leaf(ELSEWHERE)  # what leads back to itself has no answer
            self._trees[key] = self._group(self.records.group(zone, name, kind), family)
        return self._trees[key]

    def _group(self, group: Sequence[Record], family: Family) -> Answer:
        routing = _routing(group)
        members: list[Member] = []
        unclear_parts: list[Unclear] = []
        for record in group:
            if routing == "simple" or _given(_policy(record, routing)):
                member, missing = self._member(record, routing, family)
                members.append(member)
                unclear_parts += missing
        return RecordGroup(routing, tuple(members), tuple(unclear_parts))

    def _member(
        self, record: Record, routing: Routing, family: Family
    ) -> tuple[Member, list[Unclear]]:
        missing: list[Unclear] = []

        def needed(place: Place) -> Value:
            if place.unknown:
                missing.append(Unclear(Missing(record.urn, place)))
            return place.value

        weight = number(needed(record.weight)) if routing == "weighted" else 1
        key = _key(needed, _policy(record, routing), routing)
        evaluates = record.alias is not None and needed(
            record.alias.get("evaluateTargetHealth")
        ) not in (False, None, UNKNOWN)
        check = record.place.get("healthCheckId")
        checked_by = check_of(record)
        if check.unknown and checked_by is None:
            needed(check)
        answer = self._leads(record, family)
        # A weight that no record may have is treated as the nearest that it may.
        return Member(answer, max(weight or 0, 0), key, checked_by, evaluates, record), missing

    def _leads(self, record: Record, family: Family) -> Answer:
        """Return where one record leads clients of a family."""
        if record.alias is not None:
            return self._alias(record, record.alias, family)
        values = record.place.get("records").items()
        if record.type == "CNAME":
            return self._by_name(record, values[0], family) if values else Leaf(ELSEWHERE)
        if record.type in BINDINGS:
            return self._binding(record, values, family)
        literal = any(_cloudfronts(value.value) for value in values)
        return Leaf(AT_AN_ADDRESS if literal else ELSEWHERE)

    def _alias(self, record: Record, alias: Place, family: Family) -> Answer:
        name, zone = alias.get("name"), alias.get("zoneId")
        if isinstance(name.value, str) and record.type is not None:
            target = normal(name.value)
            if zone.value != CLOUDFRONT_ZONE and self.records.group(
                record.zone, target, record.type
            ):
                return self._tree(record.zone, target, record.type, family)
            own = isinstance(zone.value, str) and zone_id(zone.value) == record.zone
            if own and not is_cloudfront(target):
                seen = (record.zone, target) in self.records.by_name  # with other types alone
                return Leaf(ELSEWHERE if seen else Destination("unseen", target))
        return self._destination(record, name, zone)

    def _by_name(self, record: Record, name: Place, family: Family) -> Answer:
        """Return where a name leads that a client asks for next, in whatever public zone it is."""
        if isinstance(name.value, str) and not is_cloudfront(name.value):
            target = normal(name.value)
            for zone in self.records.zones_of.get(target, ()):
                if zone not in self.records.private or zone == record.zone:
                    return self.addresses(zone, target, family)
            if target not in distributions_by_name(self.stack):
                return Leaf(Destination("unseen", target))
        return self._destination(record, name, None)

    def _binding(self, record: Record, values: Sequence[Place], family: Family) -> Answer:
        if any(value.unknown for value in values):
            sources = [one for one in values[0].dependencies() if one.type in DISTRIBUTION]
            if len(sources) == 1:
                return Leaf(Destination("distribution", sources[0].urn))
            return Unclear(Missing(record.urn, next(value for value in values if value.unknown)))
        texts = [value.value.split() for value in values if isinstance(value.value, str)]
        ranked = sorted(
            (int(words[0]), words) for words in texts if len(words) > 1 and words[0].isdigit()
        )
        if not ranked:
            return Leaf(FOLLOWS)
        _, (_, target, *parameters) = ranked[0]
        hint = f"ipv{4 if family == 'A' else 6}hint="
        for parameter in parameters:
            if parameter.lower().startswith(hint):
                return Leaf(self._hint(parameter[len(hint) :].strip('"').split(",")[0]))
        if target == "." or normal(target) == record.name:
            return Leaf(FOLLOWS)
        place = Place(values[0].path, target, values[0].around)
        return self._by_name(record, place, family)

    def _hint(self, address: str) -> Destination:
        """Return where an address leads: where a record has it, it is known to be elsewhere."""
        if _cloudfronts(address):
            return AT_AN_ADDRESS
        return ELSEWHERE if address in self._literals else Destination("unseen", address)

    @property
    def _literals(self) -> frozenset[str]:
        return _literals(self.stack)

    def _destination(self, record: Record, name: Place, zone: Place | None) -> Answer:
        """Return where a name leads that no record of the stack has."""
        if name.unknown:
            return _of_unknown(record, name, None if zone is None else zone.value)
        if not isinstance(name.value, str):
            return Leaf(ELSEWHERE)  # no name at all, which Route 53 refuses
        of_stack = distributions_by_name(self.stack).get(normal(name.value))
        if of_stack:
            return Leaf(Destination("distribution", of_stack[0].urn))
        if is_cloudfront(name.value) or (zone is not None and zone.value == CLOUDFRONT_ZONE):
            return Leaf(Destination("distribution", normal(name.value)))
        return Leaf(ELSEWHERE)


def _of_unknown(record: Record, name: Place, zone: Value) -> Answer:
    """Return where a name leads that is not known, by its zone and by what it was made from."""
    urns = _dependencies(name)
    sources = name.dependencies()
    distributions = [source for source in sources if source.type in DISTRIBUTION]
    others = [source for source in sources if _is_elsewhere(source)]
    answer: Answer = Unclear(Missing(record.urn, name))
    if zone == CLOUDFRONT_ZONE:
        if len(distributions) == 1:
            answer = Leaf(Destination("distribution", distributions[0].urn))
        elif urns and not distributions:
            answer = Leaf(Destination("distribution", " ".join(urns)))
    elif isinstance(zone, str):
        if zone_id(zone) != record.zone:
            answer = Leaf(ELSEWHERE)
    elif len(distributions) == 1 and not others:
        answer = Leaf(Destination("distribution", distributions[0].urn))
    elif urns and not distributions:
        all_others = len(others) == len(urns)
        answer = Leaf(ELSEWHERE if all_others else Destination("unseen", " ".join(urns)))
    return answer


def _routing(group: Sequence[Record]) -> Routing:
    """Return how a group chooses; Route 53 takes records of one kind in it only."""
    for key, routing in POLICIES_OF_ROUTING.items():
        if any(_given(record.place.get(key)) for record in group):
            return routing
    return "simple"


def _given(place: Place) -> bool:
    return place.unknown or bool(place.value)


def _policy(record: Record, routing: Routing) -> Place:
    key = next((key for key, own in POLICIES_OF_ROUTING.items() if own == routing), "")
    policies = record.place.get(key)
    items = policies.items()
    return items[0] if items else policies


def _key(needed: Needed, policy: Place, routing: Routing) -> object:
    """Return what a client has to be to get a record, as `answers` compares it."""

    def text(key: str) -> str | None:
        value = needed(policy.get(key))
        return value if isinstance(value, str) and value else None

    if routing == "failover":
        return (text("type") or "").upper()
    if routing == "latency":
        return text("region")
    if routing == "geolocation":
        continent, country, subdivision = (
            (text(key) or "").upper() or None for key in ("continent", "country", "subdivision")
        )
        return Client(None if country else continent, country, subdivision)
    if routing == "cidr":
        location = text("locationName")
        return "*" if location == "*" else f"{text('collectionId')} {location}"
    if routing == "geoproximity":
        return json.dumps(policy.value, default=str, sort_keys=True)
    return None


def _dependencies(place: Place) -> Sequence[str]:
    """Return the URNs that a value was made from, also of resources that nobody reads."""
    name = place.path.split(".")[0].split("[")[0]
    return sorted(place.around.resource.dependencies.get(name, ()))


def check_of(record: Record) -> Hashable:
    """Return what tells the health check of a record from others; None where it has none."""
    check = record.place.get("healthCheckId")
    if check.unknown:
        return tuple(_dependencies(check)) or None
    return None if check.absent else repr(check.value)


MAY_BE_ANYTHING: Final = ("pulumi", "command", "random", "terraform")
"""How packages begin whose resources hand on what others made."""


def _is_elsewhere(resource: Resource) -> bool:
    """Say whether what a resource is reached by is certainly no distribution's name."""
    package, _, rest = resource.type.partition(":")
    if package.startswith(MAY_BE_ANYTHING):
        return False
    service = rest.partition(":")[0].partition("/")[0]
    return not (package in ("aws", "aws-native") and service in ("cloudfront", "route53"))


def _cloudfronts(value: Value) -> bool:
    """Say whether a literal is one of CloudFront's IPv6 addresses."""
    try:
        address = ip_address(str(value))
    except ValueError:
        return False
    return address in CLOUDFRONT_ADDRESSES and address not in ACCELERATOR_ADDRESSES


@lru_cache(maxsize=1)
def _literals(stack: JudgedStack) -> frozenset[str]:
    return frozenset(
        value.value
        for record in records(stack).by_urn.values()
        if record.type in FAMILIES
        for value in record.place.get("records").items()
        if isinstance(value.value, str)
    )


@lru_cache(maxsize=1)
def resolution(stack: JudgedStack) -> Resolution:
    """Return what follows the records of a stack; made once, because it remembers."""
    return Resolution(stack, records(stack))
