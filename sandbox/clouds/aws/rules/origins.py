"""Rules of a distribution's origins and of the groups that they form."""

import re
from collections.abc import Iterable
from typing import Final

from sandbox.clouds.aws.fields import items, part
from sandbox.clouds.aws.refusal import Refusal
from sandbox.clouds.aws.rules.distribution_request import (
    DistributionRequest,
    Rule,
    invalid_argument,
)

KINDS: Final = ("CustomOriginConfig", "S3OriginConfig", "VpcOriginConfig")
HTTP_PORT: Final = 80
HTTPS_PORT: Final = 443
UNPRIVILEGED_PORTS: Final = range(1024, 65536)
DEFAULT_READ_TIMEOUT: Final = 30
"""Seconds. Source: CloudFront API Reference, 'CustomOriginConfig', OriginReadTimeout."""

FAILED_OVER: Final = frozenset({400, 403, 404, 416, 429, 500, 502, 503, 504})
"""Source: CloudFront Developer Guide, 'Create an origin group'; which of them the API takes, it
does not say."""

SENT_ONCE: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def origin_ids_differ(request: DistributionRequest) -> Refusal | None:
    """Origins have ids of their own.

    Source: CloudFront API Reference, 'Origin', Id: "A unique identifier for the origin."
    """
    ids = [origin.get("Id") for origin in request.origins]
    if len(ids) == len(set(ids)):
        return None
    return invalid_argument("The parameter Origin Id is used by more than one origin.")


def origin_is_of_one_kind(request: DistributionRequest) -> Refusal | None:
    """An origin is a custom one, an S3 bucket or a VPC origin.

    Source: CloudFront API Reference, 'Origin'.
    """
    for origin in request.origins:
        named = [kind for kind in KINDS if origin.get(kind) is not None]
        if len(named) != 1:
            return Refusal(
                "InvalidOrigin",
                f"Exactly one of [{', '.join(KINDS)}] needs to be specified for origin "
                f"{origin.get('Id')}.",
            )
    return None


def origin_name_is_a_host_name(request: DistributionRequest) -> Refusal | None:
    """An origin is named by a host name: no scheme, port or path, and no address.

    Source: CloudFront Developer Guide, 'Origin settings', Origin domain.
    """
    for origin in request.origins:
        name = origin.get("DomainName") or ""
        if not re.fullmatch(r"(?=.*[a-zA-Z])[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+", name):
            return invalid_argument(
                "The parameter Origin DomainName does not refer to a valid host name."
            )
    return None


def origin_ports_are_allowed(request: DistributionRequest) -> Refusal | None:
    """An origin listens on port 80, 443 or one from 1024 to 65535.

    Source: CloudFront Developer Guide, 'Origin settings', HTTP port and HTTPS port.
    """
    for name in ("HTTPPort", "HTTPSPort"):
        for origin in request.origins:
            port = part(origin, "CustomOriginConfig").get(name, HTTPS_PORT)
            if port not in (HTTP_PORT, HTTPS_PORT) and port not in UNPRIVILEGED_PORTS:
                return invalid_argument(f"The parameter {name} is out of range.")
    return None


def origin_timeouts_are_in_range(request: DistributionRequest) -> Refusal | None:
    """Connecting: 1 to 3 attempts of 1 to 10 s. Answering and keeping alive: 1 to 120 s.

    A whole answer has no less time than a part of it.

    Source: CloudFront Developer Guide, 'Origin settings'; API Reference, 'CustomOriginConfig'
    and 'Origin', ResponseCompletionTimeout.
    Beyond 60 s AWS wants a higher quota; an account here has it.
    """
    ranges = (
        ("ConnectionAttempts", 3, "InvalidArgument"),
        ("ConnectionTimeout", 10, "InvalidArgument"),
        ("OriginReadTimeout", 120, "InvalidOriginReadTimeout"),
        ("OriginKeepaliveTimeout", 120, "InvalidOriginKeepaliveTimeout"),
    )
    for origin in request.origins:
        settings = {**origin}
        for kind in KINDS:
            settings |= part(origin, kind)
        for name, most, code in ranges:
            value = settings.get(name)
            if value is not None and not 1 <= value <= most:
                return Refusal(code, f"The parameter {name} is out of range; it is {value}.")
        whole, read = settings.get("ResponseCompletionTimeout"), settings.get("OriginReadTimeout")
        if whole is not None and whole < (DEFAULT_READ_TIMEOUT if read is None else read):
            return invalid_argument(
                "The parameter ResponseCompletionTimeout must not be less than OriginReadTimeout."
            )
    return None


def target_origins_exist(request: DistributionRequest) -> Refusal | None:
    """A cache behavior targets an origin or an origin group of the distribution.

    Source: CloudFront API Reference, 'CacheBehavior', TargetOriginId.
    """
    groups = items(request.config, "OriginGroups")
    ids = {origin.get("Id") for origin in (*request.origins, *groups)}
    if all(behavior.get("TargetOriginId") in ids for behavior in request.behaviors):
        return None
    return Refusal("NoSuchOrigin", "One or more of your origins or origin groups do not exist.")


def origin_groups_can_fail_over(request: DistributionRequest) -> Refusal | None:
    """A group has two origins of the distribution, and codes of answers at which it fails over.

    A behavior that uses it allows only methods that can be sent twice.

    Source: CloudFront API Reference, 'OriginGroup' and 'OriginGroupFailoverCriteria'; Developer
    Guide, 'Optimize high availability with CloudFront origin failover'. Which error it gives is not
    documented, except for origins that do not exist.
    """
    groups, origins = items(request.config, "OriginGroups"), {one["Id"] for one in request.origins}
    for group in groups:
        members = [member["OriginId"] for member in items(group, "Members")]
        if not origins.issuperset(members):
            return Refusal(
                "NoSuchOrigin", "One or more of your origins or origin groups do not exist."
            )
        codes = items(part(group, "FailoverCriteria"), "StatusCodes")
        if not FAILED_OVER.issuperset(codes) or _repeated(codes) or _repeated(members):
            return invalid_argument("The parameter OriginGroup is not valid.")
    ids = [group["Id"] for group in groups]
    if _repeated([*ids, *origins]):
        return invalid_argument("The parameter Origin Id is used by more than one origin.")
    for behavior in request.behaviors:
        methods = items(behavior, "AllowedMethods")
        if behavior.get("TargetOriginId") in ids and not SENT_ONCE.isdisjoint(methods):
            return invalid_argument(
                "The parameter AllowedMethods cannot include POST, PUT, PATCH, or DELETE for a "
                "cached behavior associated with an origin group."
            )
    return None


def shield_has_a_region(request: DistributionRequest) -> Refusal | None:
    """Origin Shield lies in a region.

    Which regions have one is not checked here.

    Source: CloudFront API Reference, 'OriginShield', OriginShieldRegion.
    """
    for origin in request.origins:
        shield = part(origin, "OriginShield")
        if shield.get("Enabled") and not shield.get("OriginShieldRegion"):
            return invalid_argument("The parameter OriginShieldRegion is required.")
    return None


def _repeated(values: Iterable[object]) -> bool:
    listed = list(values)
    return len(listed) > len(set(listed))


ORIGIN_RULES: Final[tuple[Rule, ...]] = (
    origin_ids_differ,
    origin_is_of_one_kind,
    origin_name_is_a_host_name,
    origin_ports_are_allowed,
    origin_timeouts_are_in_range,
    target_origins_exist,
    origin_groups_can_fail_over,
    shield_has_a_region,
)
