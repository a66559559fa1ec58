"""Records, and a hosted zone with what lies around it, as the rules of Route 53 see them."""

from collections import Counter
from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property
from typing import Final

from sandbox.clouds.aws.fields import ReadOnly, part
from sandbox.clouds.aws.refusal import Refusal
from sandbox.clouds.aws.rules.dns_names import canonical


class RoutingPolicy(Enum):
    """How a record takes part in answering, by the field that says so."""

    SIMPLE = "simple"
    WEIGHTED = "weighted"
    LATENCY = "latency"
    FAILOVER = "failover"
    GEOLOCATION = "geolocation"
    GEOPROXIMITY = "geoproximity"
    IP_BASED = "IP-based"
    MULTIVALUE = "multivalue answer"


POLICY_FIELDS: Final = {
    "Weight": RoutingPolicy.WEIGHTED,
    "Region": RoutingPolicy.LATENCY,
    "Failover": RoutingPolicy.FAILOVER,
    "GeoLocation": RoutingPolicy.GEOLOCATION,
    "GeoProximityLocation": RoutingPolicy.GEOPROXIMITY,
    "CidrRoutingConfig": RoutingPolicy.IP_BASED,
    "MultiValueAnswer": RoutingPolicy.MULTIVALUE,
}


@dataclass(frozen=True)
class Alias:
    """What an alias record points to."""

    zone_id: str
    dns_name: str
    evaluate_target_health: bool


@dataclass(frozen=True)
class RecordSet:
    """A resource record set, named as Route 53 keeps names."""

    fields: ReadOnly
    """The `ResourceRecordSet` as boto3 knows it."""

    @cached_property
    def name(self) -> str:
        """Its DNS name, canonical."""
        return canonical(self.fields.get("Name", ""))

    @cached_property
    def type(self) -> str:
        """What it holds: `A`, `AAAA`, `CNAME` and so on."""
        return self.fields.get("Type", "")

    @property
    def identifier(self) -> str | None:
        """What tells it from the others of its group."""
        return self.fields.get("SetIdentifier")

    @property
    def key(self) -> tuple[str, str, str | None]:
        """What makes it the record it is: name, type and set identifier."""
        return self.name, self.type, self.identifier

    @property
    def weight(self) -> int | None:
        """Its share in the group."""
        return self.fields.get("Weight")

    @property
    def ttl(self) -> int | None:
        """Time to live in seconds; None for an alias."""
        return self.fields.get("TTL")

    @property
    def values(self) -> tuple[str, ...]:
        """Its values; none for an alias."""
        return tuple(value["Value"] for value in self.fields.get("ResourceRecords") or ())

    @property
    def alias(self) -> Alias | None:
        """What it points to, if it is an alias."""
        target = part(self.fields, "AliasTarget")
        if not target:
            return None
        return Alias(
            target.get("HostedZoneId", ""),
            canonical(target.get("DNSName", "")),
            target.get("EvaluateTargetHealth", False),
        )

    @property
    def policies(self) -> tuple[RoutingPolicy, ...]:
        """The routing policies its fields name; none for a simple record."""
        return tuple(
            policy
            for field, policy in POLICY_FIELDS.items()
            if (named := self.fields.get(field)) is not None and named is not False
        )

    @property
    def policy(self) -> RoutingPolicy:
        """Its routing policy."""
        return next(iter(self.policies), RoutingPolicy.SIMPLE)

    def same_as(self, other: "RecordSet") -> bool:
        """Tell whether two records say the same, whatever the order of the values."""
        return self.comparable == other.comparable

    @property
    def comparable(self) -> tuple[object, ...]:
        """All that it says, so that two ways to say the same are equal."""
        named = {"Name", "TTL", "ResourceRecords", "AliasTarget"}
        rest = {key: value for key, value in self.fields.items() if key not in named}
        return self.key, self.ttl, Counter(self.values), self.alias, rest


@dataclass(frozen=True)
class OutsideTarget:
    """Something outside the zone that an alias may point to."""

    zone_id: str
    """The hosted zone an alias to it must name."""

    dns_name: str
    """Canonical."""

    types: frozenset[str]
    """The record types it answers."""

    names: frozenset[str] | None = None
    """The only record names that may point to it, canonical; None: all may. A name may begin with
    the label `*`."""


@dataclass(frozen=True)
class ZoneContents:
    """The hosted zone and what lies around it."""

    id: str
    name: str
    """Canonical."""

    records: tuple[RecordSet, ...]

    targets: tuple[OutsideTarget, ...] = ()
    """What aliases may point to outside the zone."""

    private: bool = False
    """Whether only networks that it is associated with see it."""

    health_checks: frozenset[str] = frozenset()
    """The ids of the account's health checks."""

    protected: frozenset[tuple[str, str]] = frozenset()
    """Names, canonical, and types that nobody may change."""

    def find(self, key: tuple[str, str, str | None]) -> RecordSet | None:
        """Return the record of this key."""
        return next((record for record in self.records if record.key == key), None)

    def others_like(self, record: RecordSet) -> tuple[RecordSet, ...]:
        """Return the other members of a record's group: same name and type."""
        return tuple(
            other
            for other in self.records
            if (other.name, other.type) == (record.name, record.type) and other.key != record.key
        )


@dataclass(frozen=True)
class RecordChange:
    """One change of a batch."""

    action: str
    record: RecordSet

    @property
    def puts(self) -> bool:
        """Whether the record is there afterwards."""
        return self.action != "DELETE"

    def __str__(self) -> str:
        """Name the change as Route 53 does in its messages."""
        record = self.record
        return (
            f"Change with [Action={self.action}, Name={record.name}, Type={record.type}, "
            f"SetIdentifier={record.identifier or 'null'}]"
        )


def after(zone: ZoneContents, change: RecordChange) -> ZoneContents:
    """Return the zone as a change leaves it."""
    kept = tuple(record for record in zone.records if record.key != change.record.key)
    records = (*kept, change.record) if change.puts else kept
    return replace(zone, records=records)


def invalid(message: str) -> Refusal:
    """Return the refusal of a change batch."""
    return Refusal("InvalidChangeBatch", message)


def described(record: RecordSet) -> str:
    """Return a record as most of Route 53's messages name it."""
    identifier = f", SetIdentifier {record.identifier}" if record.identifier else ""
    return f"RRSet with DNS name {record.name}, type {record.type}{identifier}"


def bracketed(record: RecordSet) -> str:
    """Return a record as messages about what exists name it."""
    identifier = f", set-identifier='{record.identifier}'" if record.identifier else ""
    return f"resource record set [name='{record.name}', type='{record.type}'{identifier}]"
