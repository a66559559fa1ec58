"""Rules of Route 53's ChangeResourceRecordSets, and of the requests around it.

The naive model applies a batch to a copy of the zone and looks at the result. Route 53 does not: it
checks each change against the zone as the changes before it left it. So `DELETE simple, CREATE
weighted` passes and the same two the other way round are refused, and an alias may only come after
the record it points to. Source: kubernetes-sigs/external-dns#1555, octodns/octodns#366 and #531.
Only the shared TTL of a weighted group is judged at the end of the batch here, because no report
tells how Route 53 judges it within one, and a TTL could otherwise never be changed.
"""

from collections.abc import Callable, Iterable
from typing import Final

from sandbox.clouds.aws.fields import ReadOnly, part
from sandbox.clouds.aws.refusal import Refusal
from sandbox.clouds.aws.rules.dns_names import name_problem
from sandbox.clouds.aws.rules.record_changes import CHANGE_RULES
from sandbox.clouds.aws.rules.zone_contents import (
    RecordChange,
    RoutingPolicy,
    ZoneContents,
    after,
    invalid,
)

MAX_VALUES: Final = 1_000
MAX_CHARACTERS: Final = 32_000


def judge(zone: ZoneContents, changes: tuple[RecordChange, ...]) -> ZoneContents:
    """Return the zone as the whole batch leaves it.

    Raises:
        Refusal: some rule forbids it; `InvalidChangeBatch` carries the messages of all that do.
    """
    faults = [fault for rule in BATCH_RULES if (fault := rule(changes))]
    result = zone
    for change in changes:
        refusals = [refusal for rule in CHANGE_RULES if (refusal := rule(result, change))]
        faults += refusals
        result = result if refusals else after(result, change)
    faults += [fault for rule in ZONE_RULES if not faults and (fault := rule(result))]
    for fault in faults:
        if fault.code != "InvalidChangeBatch":
            raise fault
    if faults:
        raise invalid(f"[{', '.join(fault.message for fault in faults)}]")
    return result


def batch_is_not_too_big(changes: tuple[RecordChange, ...]) -> Refusal | None:
    """A batch has at most 1,000 values of together 32,000 characters; those of UPSERT count twice.

    Source: Route 53 Developer Guide, 'Quotas', maximums on ChangeResourceRecordSets requests.
    """
    factors = [(2 if change.action == "UPSERT" else 1, change.record.values) for change in changes]
    values = sum(factor * len(values) for factor, values in factors)
    characters = sum(factor * sum(map(len, values)) for factor, values in factors)
    if values > MAX_VALUES:
        return invalid(f"Number of records limit of {MAX_VALUES} exceeded.")
    if characters > MAX_CHARACTERS:
        return invalid(f"Number of characters limit of {MAX_CHARACTERS} exceeded.")
    return None


def record_changes_once(changes: tuple[RecordChange, ...]) -> Refusal | None:
    """A batch changes a record once, or deletes it and puts it again, in this order.

    Source: Route 53 API Reference, 'ChangeResourceRecordSets', on deleting a record twice;
    DNSControl/dnscontrol#3493 for the order and the message.
    """
    actions: dict[tuple[str, str, str | None], tuple[bool, ...]] = {}
    for change in changes:
        key = change.record.key
        actions[key] = (*actions.get(key, ()), change.puts)
        if actions[key] not in ((True,), (False,), (False, True)):
            return invalid(
                "The request contains an invalid set of changes for a resource record set "
                f"'{change.record.type} {change.record.name}'"
            )
    return None


BATCH_RULES: Final[tuple[Callable[[tuple[RecordChange, ...]], Refusal | None], ...]] = (
    batch_is_not_too_big,
    record_changes_once,
)


def weighted_group_shares_ttl(zone: ZoneContents) -> Refusal | None:
    """The weighted records of one name and type that are no aliases have one TTL.

    Source: Route 53 Developer Guide, 'Values specific for weighted records', TTL; message as
    reported in aws/aws-sdk-go-v2#518.
    """
    ttls: dict[tuple[str, str], int | None] = {}
    for record in zone.records:
        if record.policy is not RoutingPolicy.WEIGHTED or record.alias is not None:
            continue
        if ttls.setdefault((record.name, record.type), record.ttl) != record.ttl:
            return invalid(
                f"RRSet with DNS name {record.name} and type {record.type}, SetIdentifier "
                f"{record.identifier} cannot be created as weighted sets must contain the same TTL."
            )
    return None


ZONE_RULES: Final[tuple[Callable[[ZoneContents], Refusal | None], ...]] = (
    weighted_group_shares_ttl,
)


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


def requests_are_not_too_many(needed: float, left: float) -> Refusal | None:
    """An account sends so many requests of an action, and changes of records; when switched on.

    Source: Route 53 Developer Guide, 'Throttling'; the message as boto3 shows it.

    Args:
        needed: what the request takes out of a bucket.
        left: what is in it.
    """
    if needed <= left:
        return None
    return Refusal("Throttling", "Rate exceeded")


def deleted_zone_is_empty(zone: ZoneContents) -> Refusal | None:
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


def zone_reference_is_new(reference: str, existing: Iterable[str]) -> Refusal | None:
    """A caller reference makes one hosted zone.

    Source: Route 53 API Reference, 'CreateHostedZone', HostedZoneAlreadyExists.
    """
    if reference not in existing:
        return None
    return Refusal(
        "HostedZoneAlreadyExists",
        "A hosted zone has already been created with the specified caller reference.",
    )


def zone_name_can_be_one(name: str) -> Refusal | None:
    """The name of a hosted zone has labels of 1 to 63 characters, and 255 altogether.

    Source: Route 53 API Reference, 'CreateHostedZone', InvalidDomainName.
    """
    problem = name_problem(name)
    return Refusal("InvalidDomainName", problem) if problem else None


def private_zone_has_a_vpc(sent: ReadOnly) -> Refusal | None:
    """A private zone is made with a VPC, and without a delegation set.

    Source: Route 53 API Reference, 'CreateHostedZone', VPC and DelegationSetId. Which error it
    gives is not documented.
    """
    vpc, private = sent.get("VPC"), part(sent, "HostedZoneConfig").get("PrivateZone")
    if private and not vpc:
        return Refusal("InvalidInput", "Invalid request: a private hosted zone needs a VPC")
    if vpc and sent.get("DelegationSetId"):
        return Refusal(
            "InvalidInput", "Invalid request: a private hosted zone has no delegation set"
        )
    return None


def page_has_a_size(size: str | None) -> Refusal | None:
    """A page holds a positive number of items.

    Source: Route 53 API Reference, 'ListHostedZones' and 'ListResourceRecordSets', MaxItems and
    InvalidInput. The words are not documented.
    """
    if size is None or (size.isascii() and size.isdecimal() and int(size) > 0):
        return None
    return Refusal("InvalidInput", f"Invalid request: MaxItems is not a positive number: {size}")


REQUEST_RULES: Final = (
    prior_change_is_complete,
    requests_are_not_too_many,
    deleted_zone_is_empty,
    zone_reference_is_new,
    zone_name_can_be_one,
    private_zone_has_a_vpc,
    page_has_a_size,
)
