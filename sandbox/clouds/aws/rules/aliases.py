"""Rules of a change that puts an alias record."""

from collections.abc import Callable
from typing import Final

from sandbox.clouds.aws.refusal import Refusal
from sandbox.clouds.aws.rules.dns_names import name_problem
from sandbox.clouds.aws.rules.zone_contents import (
    Alias,
    OutsideTarget,
    RecordChange,
    RecordSet,
    ZoneContents,
    invalid,
)

UNALIASED: Final = frozenset({"NS", "SOA"})

CLOUDFRONT_ZONE: Final = "Z2FDTNDATAQYW2"
"""The hosted zone of every distribution. Source: Route 53 API Reference, 'AliasTarget'."""


def alias_is_of_a_type(_zone: ZoneContents, change: RecordChange) -> Refusal | None:
    """An alias has any type but NS and SOA.

    Source: Route 53 API Reference, 'ResourceRecordSet', Type: "All values are supported except NS
    and SOA." Which error it gives is not documented.
    """
    record, alias = change.record, change.record.alias
    if not change.puts or alias is None or record.type not in UNALIASED:
        return None
    return invalid(f"{_tried(record, alias)}, but an alias can't have that type")


def alias_target_has_a_name(_zone: ZoneContents, change: RecordChange) -> Refusal | None:
    """An alias leads to a name that can be one.

    Source: Route 53 Developer Guide, 'DNS domain name format'.
    """
    alias = change.record.alias
    problem = name_problem(alias.dns_name) if alias else None
    return invalid(problem) if problem else None


def alias_target_lies_in_its_zone(zone: ZoneContents, change: RecordChange) -> Refusal | None:
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
    return invalid(
        f"{_tried(change.record, alias)}, but the alias target name does not lie within the "
        "target zone"
    )


def alias_target_exists(zone: ZoneContents, change: RecordChange) -> Refusal | None:
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
        exists = any(
            (other.name, other.type) == (alias.dns_name, record.type) and other.key != record.key
            for other in zone.records
        )
    else:
        exists = any(
            _names(target, alias)
            and target.zone_id == alias.zone_id
            and record.type in target.types
            and (target.names is None or _covered(record.name, target.names))
            for target in zone.targets
        )
    return None if exists else invalid(f"{_tried(record, alias)}, but that target was not found")


def cloudfront_health_is_not_evaluated(_zone: ZoneContents, change: RecordChange) -> Refusal | None:
    """An alias to a distribution does not evaluate the target's health.

    Source: Route 53 API Reference, 'AliasTarget', EvaluateTargetHealth: "You can't set
    EvaluateTargetHealth to true when the alias target is a CloudFront distribution."
    """
    alias = change.record.alias
    if not change.puts or alias is None or alias.zone_id != CLOUDFRONT_ZONE:
        return None
    if not alias.evaluate_target_health:
        return None
    return invalid(
        f"{_tried(change.record, alias)}, but EvaluateTargetHealth can't be true for a CloudFront "
        "distribution"
    )


def distribution_is_in_no_private_zone(zone: ZoneContents, change: RecordChange) -> Refusal | None:
    """An alias in a private zone does not lead to a distribution.

    Source: Route 53 Developer Guide, 'Choosing between alias and non-alias records', on private
    hosted zones. Which error it gives is not documented.
    """
    alias = change.record.alias
    if not (change.puts and zone.private) or alias is None or alias.zone_id != CLOUDFRONT_ZONE:
        return None
    return invalid(
        f"{_tried(change.record, alias)}, but a private hosted zone has no alias of that service"
    )


def _tried(record: RecordSet, alias: Alias) -> str:
    return (
        f"Tried to create an alias that targets {alias.dns_name}, type {record.type} "
        f"in zone {alias.zone_id}"
    )


def _names(target: OutsideTarget, alias: Alias) -> bool:
    return alias.dns_name.removeprefix("dualstack.") == target.dns_name


def _covered(name: str, names: frozenset[str]) -> bool:
    wildcard = r"\052." + name.partition(".")[2]
    return name in names or wildcard in names


ALIAS_RULES: Final[tuple[Callable[[ZoneContents, RecordChange], Refusal | None], ...]] = (
    alias_is_of_a_type,
    alias_target_has_a_name,
    alias_target_lies_in_its_zone,
    alias_target_exists,
    cloudfront_health_is_not_evaluated,
    distribution_is_in_no_private_zone,
)
