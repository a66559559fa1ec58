"""Rules of one change of a batch: each gets the zone as the changes before it left it."""

import re
from collections.abc import Callable
from typing import Final

import dns.exception
import dns.name
import dns.rdata

from sandbox.clouds.aws.refusal import Refusal
from sandbox.clouds.aws.rules.aliases import ALIAS_RULES
from sandbox.clouds.aws.rules.dns_names import UNSUPPORTED, name_problem
from sandbox.clouds.aws.rules.protections import record_is_not_protected
from sandbox.clouds.aws.rules.routing import ROUTING_RULES
from sandbox.clouds.aws.rules.zone_contents import (
    POLICY_FIELDS,
    RecordChange,
    RoutingPolicy,
    ZoneContents,
    bracketed,
    described,
    invalid,
)

SINGLE: Final = ("CNAME", "SOA")
MAX_VALUES: Final = 400
MAX_MEMBERS: Final = 100
QUOTED: Final = re.compile(r'("([^"\\]|\\.){0,255}"\s*)+', re.DOTALL)
UNSUPPORTED_IN_VALUES: Final = re.compile("[^ -~]")
"""What is there by its code only.

Source: Route 53 Developer Guide, 'Supported DNS record types', TXT."""

PROBLEMS: Final = {
    "A": "ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address)",
    "AAAA": "AAAARRDATAIllegalIPv6Address (Value is not a valid IPv6 address)",
}


def name_lies_in_zone(zone: ZoneContents, change: RecordChange) -> Refusal | None:
    """A record's name is the zone's or below it.

    Source: Route 53 API Reference, 'ResourceRecordSet', Name.
    """
    name = change.record.name
    if name == zone.name or name.endswith(f".{zone.name}"):
        return None
    return invalid(f"RRSet with DNS name {name} is not permitted in zone {zone.name}")


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


def name_can_be_one(_zone: ZoneContents, change: RecordChange) -> Refusal | None:
    r"""A name has labels of 1 to 63 characters, and 255 altogether; of a space the code, `\040`.

    Source: Route 53 Developer Guide, 'DNS domain name format'; problems as in aws/aws-cdk#1558.
    """
    problem = name_problem(change.record.name)
    return invalid(problem) if problem else None


def wildcard_has_no_name_servers(_zone: ZoneContents, change: RecordChange) -> Refusal | None:
    """A wildcard is not delegated.

    Source: Route 53 API Reference, 'ResourceRecordSet', Name: "You can't use the * wildcard for
    resource records sets that have a type of NS." Which error it gives is not documented.
    """
    record = change.record
    if record.type != "NS" or not record.name.startswith(r"\052."):
        return None
    return invalid(
        f"RRSet of type NS with DNS name {record.name} is not permitted as it is a wildcard."
    )


def record_has_not_too_many_values(_zone: ZoneContents, change: RecordChange) -> Refusal | None:
    """A CNAME or SOA record has one value, any other up to 400.

    Several values in a weighted record are allowed, whatever the API reference says of Weight.

    Source: Route 53 Developer Guide, 'Values specific for weighted records', Value/Route traffic
    to, and 'Quotas'; message as reported in rancher/rancher#10253.
    """
    record = change.record
    most = 1 if record.type in SINGLE else MAX_VALUES
    if len(record.values) <= most:
        return None
    return invalid(f"Cannot have more than {most} records in a RRSet.")


def values_are_of_the_type(_zone: ZoneContents, change: RecordChange) -> Refusal | None:
    """A value is one of the record's type: an IPv4 address in A, an IPv6 one in AAAA; none twice.

    Characters beyond ASCII are there by their codes only.

    Source: Route 53 Developer Guide, 'Supported DNS record types'; messages as reported in
    gomodules/dns#7, boto/boto3#1462 and ministryofjustice/cloud-platform-environments#7302.
    """
    record = change.record
    for value in record.values if change.puts else ():
        if record.values.count(value) > 1:
            return invalid(f"Duplicate Resource Record: '{value}'")
        unsupported = UNSUPPORTED_IN_VALUES.search(value)
        problem = UNSUPPORTED if unsupported else _problem(record.type, value)
        if problem:
            place = unsupported[0] if unsupported else value
            return invalid(
                f"Invalid Resource Record: 'FATAL problem: {problem} encountered with '{place}''"
            )
    return None


def group_fits_the_quota(zone: ZoneContents, change: RecordChange) -> Refusal | None:
    """At most 100 records of one name and type have a routing policy.

    Source: Route 53 Developer Guide, 'Quotas', on records.
    """
    members = len(zone.others_like(change.record)) + 1
    if not change.puts or members <= MAX_MEMBERS:
        return None
    return invalid(
        f"{described(change.record)} cannot be created as at most {MAX_MEMBERS} RRSets can exist "
        "with the same name and type."
    )


def group_places_differ(zone: ZoneContents, change: RecordChange) -> Refusal | None:
    """No two records of a group have the same region, location or place in a failover.

    Source: Route 53 API Reference, 'ResourceRecordSet', Region, GeoLocation and Failover.
    """
    for field in ("Region", "GeoLocation", "Failover") if change.puts else ():
        place = change.record.fields.get(field)
        if place and any(o.fields.get(field) == place for o in zone.others_like(change.record)):
            return invalid(
                f"{described(change.record)} cannot be created as another RRSet with the same name "
                f"and type has the same {field}."
            )
    return None


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


def health_check_exists(zone: ZoneContents, change: RecordChange) -> Refusal | None:
    """A record that names a health check names one that there is.

    Source: Route 53 API Reference, 'ChangeResourceRecordSets', NoSuchHealthCheck.
    """
    check = change.record.fields.get("HealthCheckId")
    if not change.puts or check is None or check in zone.health_checks:
        return None
    return Refusal("NoSuchHealthCheck", f"No health check exists with the specified ID {check}.")


def _problem(kind: str, value: str) -> str | None:
    if kind in {"TXT", "SPF"}:
        if QUOTED.fullmatch(value):
            return None
        if not value.startswith('"'):
            return "InvalidCharacterString (Value should be enclosed in quotation marks)"
        return "CharacterStringTooLong (Value is too long)"
    try:
        dns.rdata.from_text("IN", kind, value, origin=dns.name.root, relativize=False)
    except (dns.exception.DNSException, ValueError):
        return PROBLEMS.get(kind, f"{kind}RRDATAIllegal (Value is not one of the type)")
    return None


CHANGE_RULES: Final[tuple[Callable[[ZoneContents, RecordChange], Refusal | None], ...]] = (
    name_lies_in_zone,
    policy_comes_with_identifier,
    values_or_alias,
    *ROUTING_RULES,
    name_can_be_one,
    wildcard_has_no_name_servers,
    record_has_not_too_many_values,
    values_are_of_the_type,
    group_fits_the_quota,
    group_places_differ,
    cname_is_not_at_apex,
    cname_is_alone,
    group_has_one_policy,
    created_record_is_new,
    deleted_record_exists,
    deleted_record_matches,
    apex_keeps_soa_and_ns,
    health_check_exists,
    record_is_not_protected,
    *ALIAS_RULES,
)
