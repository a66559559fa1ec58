"""Rules of one change of a batch: each gets the zone as the changes before it left it."""

from collections.abc import Callable
from typing import Final

from sandbox.clouds.aws.refusal import Refusal
from sandbox.clouds.aws.rules.aliases import ALIAS_RULES
from sandbox.clouds.aws.rules.zone_contents import (
    POLICY_FIELDS,
    RecordChange,
    RoutingPolicy,
    ZoneContents,
    bracketed,
    described,
    invalid,
)

MAX_WEIGHT: Final = 255
SOA_PARTS: Final = 7


def name_lies_in_zone(zone: ZoneContents, change: RecordChange) -> Refusal | None:
    """A record's name is the zone's or below it.

    Source: Route 53 API Reference, 'ResourceRecordSet', Name.
    """
    name = change.record.name
    if name == zone.name or name.endswith(f".{zone.name}"):
        return None
    return invalid(f"RRSet with DNS name {name} is not permitted in zone {zone.name}")


def weight_is_in_range(_zone: ZoneContents, change: RecordChange) -> Refusal | None:
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


def policy_comes_with_identifier(_zone: ZoneContents, change: RecordChange) -> Refusal | None:
    """A record has a routing policy and a set identifier, or neither; and one policy only.

    Source: Route 53 API Reference, 'ResourceRecordSet', SetIdentifier.
    """
    record = change.record
    if len(record.policies) > 1:
        number = "more than one"
    elif record.identifier is not None and not record.policies:
        number = "none"
    elif record.policies and record.identifier is None:
        return Refusal(
            "InvalidInput", f"Invalid request: Missing field 'SetIdentifier' in {change}"
        )
    else:
        return None
    return Refusal(
        "InvalidInput",
        f"Invalid request: Expected exactly one of [{', '.join(POLICY_FIELDS)}], "
        f"but found {number} in {change}",
    )


def values_or_alias(_zone: ZoneContents, change: RecordChange) -> Refusal | None:
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
    number = "none" if record.alias is None else "more than one"
    return Refusal(
        "InvalidInput",
        "Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and "
        f"ResourceRecords], or TrafficPolicyInstanceId], but found {number} in {change}",
    )


def weighted_record_has_one_value(_zone: ZoneContents, change: RecordChange) -> Refusal | None:
    """A weighted record has one value.

    Source: Route 53 API Reference, 'ResourceRecordSet', Weight: "You can only specify one
    ResourceRecord per weighted resource record set."
    """
    record = change.record
    if not change.puts or record.weight is None or len(record.values) <= 1:
        return None
    return invalid(
        f"{described(record)} cannot be created as weighted sets must contain one resource "
        f"record; it has {len(record.values)}."
    )


def cname_is_not_at_apex(zone: ZoneContents, change: RecordChange) -> Refusal | None:
    """There is no CNAME at the top of the zone.

    Source: Route 53 Developer Guide, 'Supported DNS record types', CNAME.
    """
    if not change.puts or change.record.type != "CNAME" or change.record.name != zone.name:
        return None
    return invalid(
        f"RRSet of type CNAME with DNS name {change.record.name} is not permitted at apex "
        f"in zone {zone.name}"
    )


def cname_is_alone(zone: ZoneContents, change: RecordChange) -> Refusal | None:
    """A name that has a CNAME has no other type.

    Source: Route 53 Developer Guide, 'Supported DNS record types', CNAME; messages as reported in
    aws/aws-sdk-java#1996 and presslabs/zinc#178.
    """
    record = change.record
    if not change.puts:
        return None
    types = {other.type for other in zone.records if other.name == record.name} - {record.type}
    if record.type == "CNAME" and types:
        return invalid(
            f"RRSet of type CNAME with DNS name {record.name} is not permitted as it conflicts "
            f"with other records with the same DNS name in zone {zone.name}"
        )
    if "CNAME" in types:
        return invalid(
            f"RRSet of type {record.type} with DNS name {record.name} is not permitted because a "
            "conflicting RRSet of type CNAME with the same DNS name already exists in zone "
            f"{zone.name}"
        )
    return None


def group_has_one_policy(zone: ZoneContents, change: RecordChange) -> Refusal | None:
    """Records of one name and type all have the same routing policy; a simple one is alone.

    Source: Route 53 API Reference, 'ResourceRecordSet', Weight; messages as reported in
    kubernetes-sigs/external-dns#1411 and chef-boneyard/route53#100.
    """
    record = change.record
    others = zone.others_like(record)
    if not change.puts or not others or {other.policy for other in others} == {record.policy}:
        return None
    if record.policy is RoutingPolicy.SIMPLE:
        what = "other RRSets exist"
    else:
        what = f"a non-{record.policy.value} set exists"
    return invalid(f"{described(record)} cannot be created as {what} with the same name and type.")


def created_record_is_new(zone: ZoneContents, change: RecordChange) -> Refusal | None:
    """CREATE makes a record that does not exist yet.

    Source: Route 53 API Reference, 'Change', Action.
    """
    if change.action != "CREATE" or zone.find(change.record.key) is None:
        return None
    return invalid(f"Tried to create {bracketed(change.record)} but it already exists")


def deleted_record_exists(zone: ZoneContents, change: RecordChange) -> Refusal | None:
    """DELETE names a record that exists.

    Source: Route 53 API Reference, 'ChangeResourceRecordSets', Deleting Resource Record Sets.
    """
    if change.puts or zone.find(change.record.key) is not None:
        return None
    return invalid(f"Tried to delete {bracketed(change.record)} but it was not found")


def deleted_record_matches(zone: ZoneContents, change: RecordChange) -> Refusal | None:
    """DELETE says all that the record says.

    Source: Route 53 API Reference, 'ChangeResourceRecordSets': "you must specify all the same
    values that you specified when you created it".
    """
    current = None if change.puts else zone.find(change.record.key)
    if current is None or current.same_as(change.record):
        return None
    return invalid(
        f"Tried to delete {bracketed(change.record)} but the values provided do not match "
        "the current values"
    )


def apex_keeps_soa_and_ns(zone: ZoneContents, change: RecordChange) -> Refusal | None:
    """The zone's own SOA and NS records stay.

    Source: Route 53 Developer Guide, 'NS and SOA records that Amazon Route 53 creates for a public
    hosted zone'.
    """
    if change.puts or change.record.name != zone.name:
        return None
    if change.record.type == "SOA":
        return invalid("A HostedZone must contain exactly one SOA record.")
    if change.record.type == "NS":
        return invalid("A HostedZone must contain at least one NS record for the zone itself.")
    return None


def soa_stays_whole(_zone: ZoneContents, change: RecordChange) -> Refusal | None:
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
    return invalid(
        f"Invalid Resource Record: '{' '.join(record.values)}' is no SOA record; a primary server, "
        "an address and five numbers are."
    )


def health_check_exists(zone: ZoneContents, change: RecordChange) -> Refusal | None:
    """A record that names a health check names one that there is.

    Source: Route 53 API Reference, 'ChangeResourceRecordSets', NoSuchHealthCheck.
    """
    check = change.record.fields.get("HealthCheckId")
    if not change.puts or check is None or check in zone.health_checks:
        return None
    return Refusal("NoSuchHealthCheck", f"No health check exists with the specified ID {check}.")


CHANGE_RULES: Final[tuple[Callable[[ZoneContents, RecordChange], Refusal | None], ...]] = (
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
    *ALIAS_RULES,
)
