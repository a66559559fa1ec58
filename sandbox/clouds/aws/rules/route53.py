"""Rules of Route 53's ChangeResourceRecordSets, and of the requests around it.

The naive model applies a batch to a copy of the zone and looks at the result. Route 53 does not: it
checks each change against the zone as the changes before it left it. So `DELETE simple, CREATE
weighted` passes and the same two the other way round are refused, and an alias may only come after
the record it points to. Source: kubernetes-sigs/external-dns#1555, octodns/octodns#366 and #531.
Only the shared TTL of a weighted group is judged at the end of the batch here, because no report
tells how Route 53 judges it within one, and a TTL could otherwise never be changed.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property
from typing import Final, Literal, TypeAlias

from sandbox.clouds.aws.fields import ReadOnly, part
from sandbox.clouds.aws.refusal import Refusal

CLOUDFRONT_ZONE: Final = "Z2FDTNDATAQYW2"
"""The hosted zone of every distribution. Source: Route 53 API Reference, 'AliasTarget'."""

MAX_WEIGHT: Final = 255
MAX_VALUES: Final = 1_000
MAX_CHARACTERS: Final = 32_000
SOA_PARTS: Final = 7

Action: TypeAlias = Literal["CREATE", "UPSERT", "DELETE"]
ACTIONS: Final = ("CREATE", "DELETE", "UPSERT")


def canonical(name: str) -> str:
    r"""Return a DNS name as Route 53 keeps it: lower case, dotted, `*` as `\052`.

    Source: Route 53 Developer Guide, 'DNS domain name format'.
    """
    dotted = name if name.endswith(".") else f"{name}."
    return dotted.lower().replace("*", r"\052")


class Policy(Enum):
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
    "Weight": Policy.WEIGHTED,
    "Region": Policy.LATENCY,
    "Failover": Policy.FAILOVER,
    "GeoLocation": Policy.GEOLOCATION,
    "GeoProximityLocation": Policy.GEOPROXIMITY,
    "CidrRoutingConfig": Policy.IP_BASED,
    "MultiValueAnswer": Policy.MULTIVALUE,
}


@dataclass(frozen=True)
class Alias:
    """What an alias record points to."""

    zone_id: str
    dns_name: str
    evaluate_target_health: bool


@dataclass(frozen=True)
class Record:
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
    def policies(self) -> tuple[Policy, ...]:
        """The routing policies its fields name; none for a simple record."""
        return tuple(
            policy for field, policy in POLICY_FIELDS.items() if self.fields.get(field) is not None
        )

    @property
    def policy(self) -> Policy:
        """Its routing policy."""
        return next(iter(self.policies), Policy.SIMPLE)

    def same_as(self, other: "Record") -> bool:
        """Tell whether two records say the same, whatever the order of the values."""
        return self.said == other.said

    @property
    def said(self) -> tuple[object, ...]:
        """All that it says, so that two ways to say the same are equal."""
        named = {"Name", "TTL", "ResourceRecords", "AliasTarget"}
        rest = {key: value for key, value in self.fields.items() if key not in named}
        return self.key, self.ttl, Counter(self.values), self.alias, rest


@dataclass(frozen=True)
class Target:
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
class Zone:
    """The hosted zone and what lies around it."""

    id: str
    name: str
    """Canonical."""

    records: tuple[Record, ...]

    targets: tuple[Target, ...] = ()
    """What aliases may point to outside the zone."""

    health_checks: frozenset[str] = frozenset()
    """The ids of the account's health checks."""

    def find(self, key: tuple[str, str, str | None]) -> Record | None:
        """Return the record of this key."""
        return next((record for record in self.records if record.key == key), None)

    def others_like(self, record: Record) -> tuple[Record, ...]:
        """Return the other members of a record's group: same name and type."""
        return tuple(
            other
            for other in self.records
            if (other.name, other.type) == (record.name, record.type) and other.key != record.key
        )


@dataclass(frozen=True)
class Change:
    """One change of a batch."""

    action: str
    record: Record

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


def after(zone: Zone, change: Change) -> Zone:
    """Return the zone as a change leaves it."""
    kept = tuple(record for record in zone.records if record.key != change.record.key)
    records = (*kept, change.record) if change.puts else kept
    return replace(zone, records=records)


def judge(zone: Zone, changes: tuple[Change, ...]) -> Zone:
    """Return the zone as the whole batch leaves it.

    Raises:
        Refusal: some rule forbids it; `InvalidChangeBatch` carries the messages of all that do.
    """
    faults = [fault for rule in BATCH_RULES if (fault := rule(changes))]
    result = zone
    for change in changes:
        found = [fault for rule in CHANGE_RULES if (fault := rule(result, change))]
        faults += found
        result = result if found else after(result, change)
    faults += [fault for rule in ZONE_RULES if not faults and (fault := rule(result))]
    for fault in faults:
        if fault.code != "InvalidChangeBatch":
            raise fault
    if faults:
        raise _invalid(f"[{', '.join(fault.message for fault in faults)}]")
    return result


def _invalid(message: str) -> Refusal:
    return Refusal("InvalidChangeBatch", message)


def _described(record: Record) -> str:
    identifier = f", SetIdentifier {record.identifier}" if record.identifier else ""
    return f"RRSet with DNS name {record.name}, type {record.type}{identifier}"


def _bracketed(record: Record) -> str:
    identifier = f", set-identifier='{record.identifier}'" if record.identifier else ""
    return f"resource record set [name='{record.name}', type='{record.type}'{identifier}]"


# Rules of a whole batch ---------------------------------------------------------------------------


def action_is_known(changes: tuple[Change, ...]) -> Refusal | None:
    """A change is CREATE, DELETE or UPSERT.

    Source: Route 53 API Reference, 'Change'.
    """
    for change in changes:
        if change.action not in ACTIONS:
            return Refusal(
                "InvalidInput",
                f"Invalid XML ; cvc-enumeration-valid: Value '{change.action}' is not facet-valid "
                f"with respect to enumeration '[{', '.join(ACTIONS)}]'. "
                "It must be a value from the enumeration.",
            )
    return None


def batch_is_not_too_big(changes: tuple[Change, ...]) -> Refusal | None:
    """A batch has at most 1,000 values of together 32,000 characters; those of UPSERT count twice.

    Source: Route 53 Developer Guide, 'Quotas', maximums on ChangeResourceRecordSets requests.
    """
    factors = [(2 if change.action == "UPSERT" else 1, change.record.values) for change in changes]
    values = sum(factor * len(values) for factor, values in factors)
    characters = sum(factor * sum(map(len, values)) for factor, values in factors)
    if values > MAX_VALUES:
        return _invalid(f"Number of records limit of {MAX_VALUES} exceeded.")
    if characters > MAX_CHARACTERS:
        return _invalid(f"Number of characters limit of {MAX_CHARACTERS} exceeded.")
    return None


def record_changes_once(changes: tuple[Change, ...]) -> Refusal | None:
    """A batch changes a record once, or deletes it and puts it anew, in this order.

    Source: Route 53 API Reference, 'ChangeResourceRecordSets', on deleting a record twice;
    DNSControl/dnscontrol#3493 for the order and the message.
    """
    actions: dict[tuple[str, str, str | None], tuple[bool, ...]] = {}
    for change in changes:
        key = change.record.key
        actions[key] = (*actions.get(key, ()), change.puts)
        if actions[key] not in ((True,), (False,), (False, True)):
            return _invalid(
                "The request contains an invalid set of changes for a resource record set "
                f"'{change.record.type} {change.record.name}'"
            )
    return None


BATCH_RULES: Final[tuple[Callable[[tuple[Change, ...]], Refusal | None], ...]] = (
    action_is_known,
    batch_is_not_too_big,
    record_changes_once,
)

# Rules of one change ------------------------------------------------------------------------------


def name_lies_in_zone(zone: Zone, change: Change) -> Refusal | None:
    """A record's name is the zone's or below it.

    Source: Route 53 API Reference, 'ResourceRecordSet', Name.
    """
    name = change.record.name
    if name == zone.name or name.endswith(f".{zone.name}"):
        return None
    return _invalid(f"RRSet with DNS name {name} is not permitted in zone {zone.name}")


def weight_is_in_range(_zone: Zone, change: Change) -> Refusal | None:
    """A weight is an integer from 0 to 255.

    Source: Route 53 API Reference, 'ResourceRecordSet', Weight.
    """
    weight = change.record.weight
    if weight is None or 0 <= weight <= MAX_WEIGHT:
        return None
    facet, bound = ("minInclusive", 0) if weight < 0 else ("maxInclusive", MAX_WEIGHT)
    return Refusal(
        "InvalidInput",
        f"Invalid XML ; cvc-{facet}-valid: Value '{weight}' is not facet-valid with respect to "
        f"{facet} '{bound}' for type 'ResourceRecordSetWeight'.",
    )


def policy_comes_with_identifier(_zone: Zone, change: Change) -> Refusal | None:
    """A record has a routing policy and a set identifier, or neither; and one policy only.

    Source: Route 53 API Reference, 'ResourceRecordSet', SetIdentifier.
    """
    record = change.record
    if len(record.policies) > 1:
        found = "more than one"
    elif record.identifier is not None and not record.policies:
        found = "none"
    elif record.policies and record.identifier is None:
        return Refusal(
            "InvalidInput", f"Invalid request: Missing field 'SetIdentifier' in {change}"
        )
    else:
        return None
    return Refusal(
        "InvalidInput",
        f"Invalid request: Expected exactly one of [{', '.join(POLICY_FIELDS)}], "
        f"but found {found} in {change}",
    )


def values_or_alias(_zone: Zone, change: Change) -> Refusal | None:
    """A record has a TTL and values, or it is an alias and has neither.

    Source: Route 53 API Reference, 'ResourceRecordSet', AliasTarget, ResourceRecords and TTL.
    """
    record = change.record
    has_any = record.ttl is not None or bool(record.values)
    has_both = record.ttl is not None and bool(record.values)
    if record.alias is not None and not has_any:
        return None
    if record.alias is None and has_both:
        return None
    found = "none" if record.alias is None else "more than one"
    return Refusal(
        "InvalidInput",
        "Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and "
        f"ResourceRecords], or TrafficPolicyInstanceId], but found {found} in {change}",
    )


def weighted_record_has_one_value(_zone: Zone, change: Change) -> Refusal | None:
    """A weighted record has one value.

    Source: Route 53 API Reference, 'ResourceRecordSet', Weight: "You can only specify one
    ResourceRecord per weighted resource record set."
    """
    record = change.record
    if not change.puts or record.weight is None or len(record.values) <= 1:
        return None
    return _invalid(
        f"{_described(record)} cannot be created as weighted sets must contain one resource "
        f"record; it has {len(record.values)}."
    )


def cname_is_not_at_apex(zone: Zone, change: Change) -> Refusal | None:
    """There is no CNAME at the top of the zone.

    Source: Route 53 Developer Guide, 'Supported DNS record types', CNAME.
    """
    if not change.puts or change.record.type != "CNAME" or change.record.name != zone.name:
        return None
    return _invalid(
        f"RRSet of type CNAME with DNS name {change.record.name} is not permitted at apex "
        f"in zone {zone.name}"
    )


def cname_is_alone(zone: Zone, change: Change) -> Refusal | None:
    """A name that has a CNAME has no other type.

    Source: Route 53 Developer Guide, 'Supported DNS record types', CNAME; messages as reported in
    aws/aws-sdk-java#1996 and presslabs/zinc#178.
    """
    record = change.record
    if not change.puts:
        return None
    types = {other.type for other in zone.records if other.name == record.name} - {record.type}
    if record.type == "CNAME" and types:
        return _invalid(
            f"RRSet of type CNAME with DNS name {record.name} is not permitted as it conflicts "
            f"with other records with the same DNS name in zone {zone.name}"
        )
    if "CNAME" in types:
        return _invalid(
            f"RRSet of type {record.type} with DNS name {record.name} is not permitted because a "
            "conflicting RRSet of type CNAME with the same DNS name already exists in zone "
            f"{zone.name}"
        )
    return None


def group_has_one_policy(zone: Zone, change: Change) -> Refusal | None:
    """Records of one name and type all have the same routing policy; a simple one is alone.

    Source: Route 53 API Reference, 'ResourceRecordSet', Weight; messages as reported in
    kubernetes-sigs/external-dns#1411 and chef-boneyard/route53#100.
    """
    record = change.record
    others = zone.others_like(record)
    if not change.puts or not others or {other.policy for other in others} == {record.policy}:
        return None
    if record.policy is Policy.SIMPLE:
        what = "other RRSets exist"
    else:
        what = f"a non-{record.policy.value} set exists"
    return _invalid(
        f"{_described(record)} cannot be created as {what} with the same name and type."
    )


def created_record_is_new(zone: Zone, change: Change) -> Refusal | None:
    """CREATE makes a record that does not exist yet.

    Source: Route 53 API Reference, 'Change', Action.
    """
    if change.action != "CREATE" or zone.find(change.record.key) is None:
        return None
    return _invalid(f"Tried to create {_bracketed(change.record)} but it already exists")


def deleted_record_exists(zone: Zone, change: Change) -> Refusal | None:
    """DELETE names a record that exists.

    Source: Route 53 API Reference, 'ChangeResourceRecordSets', Deleting Resource Record Sets.
    """
    if change.puts or zone.find(change.record.key) is not None:
        return None
    return _invalid(f"Tried to delete {_bracketed(change.record)} but it was not found")


def deleted_record_matches(zone: Zone, change: Change) -> Refusal | None:
    """DELETE says all that the record says.

    Source: Route 53 API Reference, 'ChangeResourceRecordSets': "you must specify all the same
    values that you specified when you created it".
    """
    current = None if change.puts else zone.find(change.record.key)
    if current is None or current.same_as(change.record):
        return None
    return _invalid(
        f"Tried to delete {_bracketed(change.record)} but the values provided do not match "
        "the current values"
    )


def apex_keeps_soa_and_ns(zone: Zone, change: Change) -> Refusal | None:
    """The zone's own SOA and NS records stay.

    Source: Route 53 Developer Guide, 'NS and SOA records that Amazon Route 53 creates for a public
    hosted zone'.
    """
    if change.puts or change.record.name != zone.name:
        return None
    if change.record.type == "SOA":
        return _invalid("A HostedZone must contain exactly one SOA record.")
    if change.record.type == "NS":
        return _invalid("A HostedZone must contain at least one NS record for the zone itself.")
    return None


def soa_stays_whole(_zone: Zone, change: Change) -> Refusal | None:
    """The SOA record may be changed; it has one value of two names and five numbers of seconds.

    Creating a second one is refused as that of any record that exists.

    Source: Route 53 Developer Guide, 'NS and SOA records that Amazon Route 53 creates for a public
    hosted zone'.
    """
    record = change.record
    if not change.puts or record.type != "SOA":
        return None
    parts = record.values[0].split() if len(record.values) == 1 else []
    if len(parts) == SOA_PARTS and all(part.isdecimal() for part in parts[2:]):
        return None
    return _invalid(
        f"Invalid Resource Record: '{' '.join(record.values)}' is no SOA record; a primary server, "
        "an address and five numbers are."
    )


def health_check_exists(zone: Zone, change: Change) -> Refusal | None:
    """A record that names a health check names one that there is.

    Source: Route 53 API Reference, 'ChangeResourceRecordSets', NoSuchHealthCheck.
    """
    check = change.record.fields.get("HealthCheckId")
    if not change.puts or check is None or check in zone.health_checks:
        return None
    return Refusal("NoSuchHealthCheck", f"No health check exists with the specified ID {check}.")


def alias_target_lies_in_its_zone(zone: Zone, change: Change) -> Refusal | None:
    """An alias names the hosted zone that its target lies in.

    Source: Route 53 API Reference, 'AliasTarget', HostedZoneId; message as reported in
    GSA-TTS/dns#31. Stricter than AWS: zones of services other than CloudFront and load balancers
    are unknown here.
    """
    alias = change.record.alias
    if not change.puts or alias is None:
        return None
    if alias.zone_id == zone.id:
        lies = alias.dns_name == zone.name or alias.dns_name.endswith(f".{zone.name}")
    elif alias.zone_id == CLOUDFRONT_ZONE:
        lies = alias.dns_name.endswith(".cloudfront.net.")
    else:
        same_name = [target for target in zone.targets if _names(target, alias)]
        lies = not same_name or any(target.zone_id == alias.zone_id for target in same_name)
    if lies:
        return None
    return _invalid(
        f"{_tried(change.record, alias)}, but the alias target name does not lie within the "
        "target zone"
    )


def alias_target_exists(zone: Zone, change: Change) -> Refusal | None:
    """An alias points to a distribution, a load balancer, or a record of the zone of its type.

    A target in the zone counts if it exists when the change's turn comes. A distribution counts if
    the record's name is one of its alternate domain names. An AAAA alias to an IPv4-only load
    balancer passes, as it does in AWS; it is answered empty.

    Source: Route 53 API Reference, 'AliasTarget', DNSName; message as reported in
    kubernetes-sigs/external-dns#2426; order as in octodns/octodns#366. The documentation demands
    the alternate domain name; whether AWS's API refuses the record without it is not known.
    """
    record, alias = change.record, change.record.alias
    if not change.puts or alias is None:
        return None
    if alias.zone_id == zone.id:
        found = any(
            (other.name, other.type) == (alias.dns_name, record.type) and other.key != record.key
            for other in zone.records
        )
    else:
        found = any(
            _names(target, alias)
            and target.zone_id == alias.zone_id
            and record.type in target.types
            and (target.names is None or _covered(record.name, target.names))
            for target in zone.targets
        )
    return None if found else _invalid(f"{_tried(record, alias)}, but that target was not found")


def cloudfront_health_is_not_evaluated(_zone: Zone, change: Change) -> Refusal | None:
    """An alias to a distribution does not evaluate the target's health.

    Source: Route 53 API Reference, 'AliasTarget', EvaluateTargetHealth: "You can't set
    EvaluateTargetHealth to true when the alias target is a CloudFront distribution."
    """
    alias = change.record.alias
    if not change.puts or alias is None or alias.zone_id != CLOUDFRONT_ZONE:
        return None
    if not alias.evaluate_target_health:
        return None
    return _invalid(
        f"{_tried(change.record, alias)}, but EvaluateTargetHealth can't be true for a CloudFront "
        "distribution"
    )


def _tried(record: Record, alias: Alias) -> str:
    return (
        f"Tried to create an alias that targets {alias.dns_name}, type {record.type} "
        f"in zone {alias.zone_id}"
    )


def _names(target: Target, alias: Alias) -> bool:
    return alias.dns_name.removeprefix("dualstack.") == target.dns_name


def _covered(name: str, names: frozenset[str]) -> bool:
    wildcard = r"\052." + name.partition(".")[2]
    return name in names or wildcard in names


CHANGE_RULES: Final[tuple[Callable[[Zone, Change], Refusal | None], ...]] = (
    name_lies_in_zone,
    weight_is_in_range,
    policy_comes_with_identifier,
    values_or_alias,
    weighted_record_has_one_value,
    cname_is_not_at_apex,
    cname_is_alone,
    group_has_one_policy,
    created_record_is_new,
    deleted_record_exists,
    deleted_record_matches,
    apex_keeps_soa_and_ns,
    soa_stays_whole,
    health_check_exists,
    alias_target_lies_in_its_zone,
    alias_target_exists,
    cloudfront_health_is_not_evaluated,
)

# Rules of the zone that a batch leaves ------------------------------------------------------------


def weighted_group_shares_ttl(zone: Zone) -> Refusal | None:
    """The weighted records of one name and type that are no aliases have one TTL.

    Source: Route 53 Developer Guide, 'Values specific for weighted records', TTL; message as
    reported in aws/aws-sdk-go-v2#518.
    """
    ttls: dict[tuple[str, str], int | None] = {}
    for record in zone.records:
        if record.policy is not Policy.WEIGHTED or record.alias is not None:
            continue
        if ttls.setdefault((record.name, record.type), record.ttl) != record.ttl:
            return _invalid(
                f"RRSet with DNS name {record.name} and type {record.type}, SetIdentifier "
                f"{record.identifier} cannot be created as weighted sets must contain the same TTL."
            )
    return None


ZONE_RULES: Final[tuple[Callable[[Zone], Refusal | None], ...]] = (weighted_group_shares_ttl,)

# Rules of the requests around it ------------------------------------------------------------------


def prior_change_is_complete(pending_seconds: float) -> Refusal | None:
    """While a change of a zone is pending, the next one is refused; only when switched on.

    Source: Route 53 API Reference, 'ChangeResourceRecordSets', PriorRequestNotComplete.

    Args:
        pending_seconds: how long the zone's last change will still be pending.
    """
    if pending_seconds <= 0:
        return None
    return Refusal(
        "PriorRequestNotComplete",
        "The request was rejected because Route 53 was still processing a prior request.",
    )


def requests_are_not_too_many(requests: int, limit: int | None) -> Refusal | None:
    """An account may send so many requests a second to Route 53; only when switched on.

    Source: Route 53 Developer Guide, 'Quotas', maximums on API requests: five a second.

    Args:
        requests: those of the last second, this one included.
        limit: how many may come in a second; None: any number.
    """
    if limit is None or requests <= limit:
        return None
    return Refusal("Throttling", "Rate exceeded")


def deleted_zone_is_empty(zone: Zone) -> Refusal | None:
    """A zone is deleted when only its own SOA and NS records are left.

    Source: Route 53 API Reference, 'DeleteHostedZone', HostedZoneNotEmpty.
    """
    if all(record.name == zone.name and record.type in ("SOA", "NS") for record in zone.records):
        return None
    return Refusal(
        "HostedZoneNotEmpty",
        "The specified hosted zone contains non-required resource record sets and so cannot be "
        "deleted.",
    )


REQUEST_RULES: Final = (prior_change_is_complete, requests_are_not_too_many, deleted_zone_is_empty)
