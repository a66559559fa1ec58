"""What several rules know about Route 53 records: names, groups, what an alias leads to.

A weighted group is the records of one zone, name and type. Names are compared as DNS compares them,
without regard to case, the final dot or the way an asterisk is written; a name that is not fully
qualified is in its zone, as the AWS provider reads it.

Source: Route 53 Developer Guide, "DNS domain name format" and "Weighted routing"; Route 53 API
Reference, "AliasTarget"; terraform-provider-aws, documentation of `aws_route53_record`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final, Literal, TypeAlias

from policies.cloudfront import DISTRIBUTION
from policies.model import Around, JudgedStack, Place, Resource

Family: TypeAlias = Literal["A", "AAAA"]

RECORD: Final = frozenset({"aws:route53/record:Record"})
"""The resource types that the rules about records judge."""

ZONE: Final = frozenset({"aws:route53/zone:Zone"})

ZONE_OF_A_NETWORK: Final = frozenset(
    {
        "aws:route53/vpcAssociationAuthorization:VpcAssociationAuthorization",
        "aws:route53/zoneAssociation:ZoneAssociation",
    }
)
"""What gives a private zone to a further network; no public zone can be given to one."""

CLOUDFRONT_ZONE: Final = "Z2FDTNDATAQYW2"
"""The hosted zone of every CloudFront distribution's name."""

CLOUDFRONT_SUFFIX: Final = ".cloudfront.net"

FAMILIES: Final[tuple[Family, ...]] = ("A", "AAAA")
"""The types of records that hold addresses."""

ROUTING: Final = (
    "cidrRoutingPolicy",
    "failoverRoutingPolicies",
    "geolocationRoutingPolicies",
    "geoproximityRoutingPolicy",
    "latencyRoutingPolicies",
    "multivalueAnswerRoutingPolicy",
)
"""Properties that make a record part of a group whose members are not chosen by weight."""


def normal(name: str) -> str:
    """Return a name as DNS compares it: small letters, no final dot, the asterisk as itself."""
    return name.lower().removesuffix(".").replace("\\052", "*")


def covers(alias: str, name: str) -> bool:
    """Say whether a distribution's alternate domain name covers a name.

    An asterisk stands for one label, and only for the first.
    """
    alias, name = normal(alias), normal(name)
    return alias == name or (
        alias.startswith("*.") and "." in name and alias[2:] == name.split(".", 1)[1]
    )


@dataclass(frozen=True, eq=False)
class Record:
    """A record of a stack, with what the rules read of it."""

    place: Place
    zone: str
    """Something that two records of one zone have in common."""
    name: str | None
    """The whole name as DNS compares it; None while it is not known."""

    @property
    def urn(self) -> str:
        """The URN of the resource."""
        return self.place.around.resource.urn

    @cached_property
    def type(self) -> str | None:
        """The type in capital letters; None while it is not known."""
        value = self.place.get("type").value
        return value.upper() if isinstance(value, str) else None

    @cached_property
    def weight(self) -> Place:
        """Its weight."""
        policies = self.place.get("weightedRoutingPolicies")
        items = policies.items()
        return (items[0] if items else policies).get("weight")

    @cached_property
    def weighted(self) -> bool:
        """Whether it is a member of a weighted group."""
        policies = self.place.get("weightedRoutingPolicies")
        return policies.unknown or bool(policies.items())

    @cached_property
    def simple(self) -> bool:
        """Whether it has no routing policy at all."""
        others = [self.place.get(key) for key in ROUTING]
        return not self.weighted and not any(other.unknown or other.value for other in others)

    @cached_property
    def identifier(self) -> Place:
        """What tells it from the other members of its group."""
        return self.place.get("setIdentifier")

    @cached_property
    def alias(self) -> Place | None:
        """What it is an alias of; None for a record with values of its own."""
        items = self.place.get("aliases").items()
        return items[0] if items else None

    @cached_property
    def targets(self) -> list[Place]:
        """The names that it leads to: its alias's, or a CNAME record's values."""
        if self.alias is not None:
            return [self.alias.get("name")]
        return self.place.get("records").items() if self.type == "CNAME" else []

    @cached_property
    def distributions(self) -> list[Resource]:
        """The distributions of this stack that it leads, or may lead, to."""
        by_urn: dict[str, Resource] = {}
        for name in self.targets:
            if isinstance(name.value, str):
                named = distributions_by_name(self.place.around.stack).get(normal(name.value), [])
            else:
                named = [source for source in name.dependencies() if source.type in DISTRIBUTION]
            by_urn.update((resource.urn, resource) for resource in named)
        return list(by_urn.values())

    @cached_property
    def leads_to_cloudfront(self) -> bool:
        """Whether it is an alias or a CNAME of a distribution, of this stack or of another one."""
        names = [name.value for name in self.targets]
        return (
            (self.alias is not None and self.alias.get("zoneId").value == CLOUDFRONT_ZONE)
            or any(isinstance(name, str) and is_cloudfront(name) for name in names)
            or bool(self.distributions)
        )


@dataclass(frozen=True, eq=False)
class Records:
    """The records of a stack by what makes a group of them."""

    by_urn: Mapping[str, Record]
    by_name: Mapping[tuple[str, str], Sequence[Record]]
    zone_names: Mapping[str, str]
    """What is known of the zones' names, by what the records have of their zones."""
    private: frozenset[str]
    """The zones that only networks of ours ask."""
    public: frozenset[str]
    """The zones of the stack that everybody asks; of others it is not known."""

    def beside(self, record: Record, *types: str) -> list[Record]:
        """Return the records of the same zone and name and of some types, itself included."""
        if record.name is None:
            return [record] if record.type in types else []
        same = self.by_name[record.zone, record.name]
        return [other for other in same if other.type in types]

    def group(self, zone: str, name: str, kind: str) -> list[Record]:
        """Return the records of one zone, name and type; a wildcard's where the name has none."""
        for own in (name, f"*.{name.partition('.')[2]}"):
            same = self.by_name.get((zone, own), ())
            if same:
                return [record for record in same if record.type == kind]
        return []

    @cached_property
    def aliased(self) -> frozenset[tuple[str, str, str]]:
        """The zone, name and type of each group that another name's alias leads to."""
        groups: set[tuple[str, str, str]] = set()
        for record in self.by_urn.values():
            target = record.alias.get("name").value if record.alias else None
            if isinstance(target, str) and record.type and normal(target) != record.name:
                groups.add((record.zone, normal(target), record.type))
        return frozenset(groups)

    def elsewhere(self, record: Record) -> list[Record]:
        """Return the records of the same name in other zones, which are worlds of their own."""
        zones = self.zones_of.get(record.name or "", ())
        return [
            other
            for zone in zones
            if zone != record.zone
            for other in self.by_name[zone, record.name or ""]
        ]

    @cached_property
    def zones_of(self) -> Mapping[str, Sequence[str]]:
        """The zones that have records of a name."""
        zones: dict[str, list[str]] = {}
        for zone, name in self.by_name:
            zones.setdefault(name, []).append(zone)
        return zones


def record_of(place: Place) -> tuple[Record, Records]:
    """Return the record that a place is, and all the records of its stack."""
    of_stack = records(place.around.stack)
    record = of_stack.by_urn.get(place.around.resource.urn)
    if record is None:  # judged without its stack
        alone = _read(JudgedStack([place.around.resource]), place)
        return alone.by_urn[place.around.resource.urn], alone
    return record, of_stack


@lru_cache(maxsize=1)
def records(stack: JudgedStack) -> Records:
    """Return the records of a stack; made once, because every rule about records needs them."""
    return _read(stack)


def _read(stack: JudgedStack, alone: Place | None = None) -> Records:
    places = [Around(resource, stack).place() for resource in stack.of(RECORD)]
    if alone is not None:
        places = [alone]
    zone_names = _zone_names(stack, places)
    by_urn: dict[str, Record] = {}
    by_name: dict[tuple[str, str], list[Record]] = {}
    for place in places:
        zone = _zone(place)
        name = place.get("name").value
        whole = _whole(name, zone_names.get(zone)) if isinstance(name, str) else None
        record = Record(place, zone, whole)
        by_urn[record.urn] = record
        if whole is not None:
            by_name.setdefault((zone, whole), []).append(record)
    private = _private(stack)
    public = frozenset(_of_zone(zone, stack) for zone in stack.of(ZONE)) - private
    return Records(by_urn, by_name, zone_names, private, public)


def _zone(record: Place) -> str:
    """Return something that two records of one zone have in common; empty where nothing is known.

    The id of a zone that is made in the same update is not known yet; the zone itself is, even
    where what the id was made from names more than the zone.
    """
    zone = record.get("zoneId")
    if isinstance(zone.value, str):
        return zone_id(zone.value)
    sources = zone.dependencies()
    zones = [source for source in sources if source.type in ZONE]
    if len(zones) == 1:
        return _of_zone(zones[0], record.around.stack)
    return " ".join(sorted(source.urn for source in sources))


def zone_id(text: str) -> str:
    """Return the id of a zone as Route 53 compares it: some write the path in front of it."""
    return text.removeprefix("/hostedzone/")


def _of_zone(zone: Resource, stack: JudgedStack) -> str:
    """Return what the records of a zone of the stack have in common: its id, else its URN."""
    place = Around(zone, stack).place()
    ids = [place.get(key).value for key in ("zoneId", "id")]
    return next((zone_id(one) for one in ids if isinstance(one, str) and one), zone.urn)


def _private(stack: JudgedStack) -> frozenset[str]:
    """Return the zones that are private: made with a VPC, or given one by another resource.

    Source: Route 53 API Reference, "CreateHostedZone", VPC: a zone with one is private, whatever
    else is said.
    """
    zones = {
        _of_zone(zone, stack)
        for zone in stack.of(ZONE)
        if Around(zone, stack).place().get("vpcs").items()
    }
    associations = (Around(one, stack).place() for one in stack.of(ZONE_OF_A_NETWORK))
    return frozenset(zones | {_zone(place) for place in associations} - {""})


def _zone_names(stack: JudgedStack, places: list[Place]) -> dict[str, str]:
    """Return what is known of zones' names: they say so themselves, or one of their records."""
    names: dict[str, str] = {}
    for zone in stack.of(ZONE):
        place = Around(zone, stack).place()
        name = place.get("name").value
        if isinstance(name, str):
            names[_of_zone(zone, stack)] = normal(name)
    for place in places:
        name, whole = place.get("name").value, place.get("fqdn").value
        if isinstance(name, str) and isinstance(whole, str):
            short, long = normal(name), normal(whole)
            if long.startswith(f"{short}.") and short:
                names.setdefault(_zone(place), long.removeprefix(f"{short}."))
    return names


def _whole(name: str, zone: str | None) -> str:
    name = normal(name)
    if zone is None or name == zone or name.endswith(f".{zone}"):
        return name
    return f"{name}.{zone}" if name else zone


def is_cloudfront(name: str) -> bool:
    """Say whether a name is one that CloudFront gives to distributions."""
    return normal(name).endswith(CLOUDFRONT_SUFFIX)


@lru_cache(maxsize=1)
def distributions_by_name(stack: JudgedStack) -> dict[str, list[Resource]]:
    """Return the distributions of a stack by their own names, as far as those are known."""
    by_name: dict[str, list[Resource]] = {}
    for resource in stack.of(DISTRIBUTION):
        name = Around(resource, stack).place().get("domainName").value
        if isinstance(name, str):
            by_name.setdefault(normal(name), []).append(resource)
    return by_name
