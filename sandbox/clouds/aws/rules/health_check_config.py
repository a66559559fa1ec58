"""Rules of Route 53's health checks.

Each rule of a configuration gets the `HealthCheckConfig` as boto3 knows it: as it would be after
the request, so that an update is judged like a creation.
"""

from collections.abc import Callable, Collection
from functools import cache
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final, cast

from moto.core.utils import get_service_model

from sandbox.clouds.aws.fields import ReadOnly, members
from sandbox.clouds.aws.refusal import Refusal, raise_if

WEB_TYPES: Final = frozenset({"HTTP", "HTTPS", "HTTP_STR_MATCH", "HTTPS_STR_MATCH"})
ENDPOINT_TYPES: Final = frozenset({*WEB_TYPES, "TCP"})
NOBODY: Final[frozenset[str]] = frozenset()
STRINGS: Final = frozenset({"HTTP_STR_MATCH", "HTTPS_STR_MATCH"})
ALARM: Final = frozenset({"CLOUDWATCH_METRIC"})
CALCULATED: Final = frozenset({"CALCULATED"})

RESERVED: Final = frozenset(";/?:@=&")
"""Source: RFC 1738 section 2.2."""

MEMBERS: Final = {
    "Port": ("a port", frozenset({"TCP"}), ENDPOINT_TYPES),
    "IPAddress": ("an IP address", NOBODY, ENDPOINT_TYPES),
    "FullyQualifiedDomainName": ("a domain name", NOBODY, ENDPOINT_TYPES),
    "ResourcePath": ("a path", NOBODY, ENDPOINT_TYPES),
    "SearchString": ("a search string", STRINGS, STRINGS),
    "AlarmIdentifier": ("an alarm identifier", ALARM, ALARM),
    "ChildHealthChecks": ("child health checks", NOBODY, CALCULATED),
    "HealthThreshold": ("a health threshold", NOBODY, CALCULATED),
}
"""What each member is called, and which types need it, and take it."""

DOCUMENTATION: Final = tuple(
    ip_network(text)
    for text in ("2001:db8::/32", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")
)
"""Where everything in the sandbox lives. Source: RFC 3849 and RFC 5737."""


def checked_address_is_public(config: ReadOnly) -> Refusal | None:
    """An address is one that checkers can reach: not local, private, non-routable or multicast.

    Laxer than AWS: the ranges for documentation, which Route 53 counts among the non-routable, pass
    here, because everything in the sandbox has addresses of theirs.

    Source: Route 53 API Reference, 'HealthCheckConfig', IPAddress, which names RFC 5735, RFC 6598
    and RFC 5156.
    """
    text = config.get("IPAddress")
    if text is None:
        return None
    try:
        address = ip_address(text)
    except ValueError:
        return _invalid(f"IPAddress must be an IPv4 or IPv6 address, but was {text}.")
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    checked = mapped or address
    documented = any(
        checked in network for network in DOCUMENTATION if network.version == checked.version
    )
    if documented or (checked.is_global and not checked.is_multicast):
        return None
    return _invalid(
        f"IPAddress {text} is in a local, private, non-routable or multicast range; Route 53 "
        "can't check it."
    )


def checked_endpoint_is_named(config: ReadOnly) -> Refusal | None:
    """A check of an endpoint has its address, its domain name, or both.

    Source: Route 53 API Reference, 'HealthCheckConfig', FullyQualifiedDomainName.
    """
    named = config.get("IPAddress") or config.get("FullyQualifiedDomainName")
    if config.get("Type") not in ENDPOINT_TYPES or named:
        return None
    return _invalid("Basic health checks must have an IP address or a fully qualified domain name.")


def checked_name_is_no_url(config: ReadOnly) -> Refusal | None:
    """The domain name of a check is a name, and no URL.

    Source: Route 53 API Reference, 'HealthCheckConfig', FullyQualifiedDomainName; the message is as
    users quote it.
    """
    if RESERVED.isdisjoint(config.get("FullyQualifiedDomainName") or ""):
        return None
    return Refusal(
        "InvalidInput",
        "Invalid fully qualified domain name: It may not contain reserved characters of RFC1738 "
        '";/?:@=&"',
    )


def tcp_check_of_an_address_has_no_name(config: ReadOnly) -> Refusal | None:
    """A TCP check has an address or a domain name; there is no header to send the name in.

    Source: Route 53 Developer Guide, 'Values that you specify when you create or update health
    checks', Host name; message as reported in aws/aws-sdk-php#1527.
    """
    both = config.get("IPAddress") and config.get("FullyQualifiedDomainName")
    if config.get("Type") != "TCP" or not both:
        return None
    return _invalid(
        "TCP health checks that have IP address must not have a fully qualified domain name "
        "specified."
    )


def check_interval_is_10_or_30(config: ReadOnly) -> Refusal | None:
    """An endpoint is asked every 10 or every 30 seconds.

    Source: Route 53 Developer Guide, 'Values that you specify when you create or update health
    checks', Request interval.
    """
    interval = config.get("RequestInterval")
    if interval in (None, 10, 30):
        return None
    return _invalid(f"RequestInterval must be 10 or 30, but was {interval}.")


def members_fit_the_type(config: ReadOnly) -> Refusal | None:
    """A health check has what its type needs, and nothing that is for other types.

    Source: Route 53 API Reference, 'HealthCheckConfig'; message about an alarm as reported in
    aws/aws-sdk-php#1528.
    """
    kind = str(config.get("Type"))
    for name, (what, needing, taking) in MEMBERS.items():
        given = config.get(name) not in (None, "", [])
        if kind in needing and not given:
            return _invalid(f"{kind} health checks must have {what} specified.")
        if given and kind not in taking:
            if name == "AlarmIdentifier":
                return _invalid("Basic health checks must not have an metric region specified.")
            return _invalid(f"{kind} health checks must not have {what} specified.")
    return None


CONFIG_RULES: Final[tuple[Callable[[ReadOnly], Refusal | None], ...]] = (
    checked_address_is_public,
    checked_endpoint_is_named,
    checked_name_is_no_url,
    tcp_check_of_an_address_has_no_name,
    check_interval_is_10_or_30,
    members_fit_the_type,
)


def judge(config: ReadOnly) -> None:
    """Pass a configuration that no rule forbids.

    Raises:
        Refusal: what the first rule that forbids it says; Route 53 tells one fault at a time.
    """
    for rule in CONFIG_RULES:
        raise_if(rule(config))


def health_check_reference_is_new(
    config: ReadOnly, existing: ReadOnly | None, *, deleted: bool
) -> Refusal | None:
    """A caller reference makes one health check; again it answers it, if it asks for the same.

    The reference of a deleted one is refused for some days; here always.

    Source: Route 53 API Reference, 'CreateHealthCheck', CallerReference.

    Args:
        config: the configuration in the request.
        existing: that of the health check that the reference made; None: there is none.
        deleted: whether the reference made one that was deleted.
    """
    if not deleted and (existing is None or existing == config):
        return None
    return Refusal(
        "HealthCheckAlreadyExists",
        "A health check already exists with the specified caller reference; it was deleted or has "
        "other settings.",
    )


def health_check_version_matches(sent: int | None, current: int) -> Refusal | None:
    """An update that names a version is meant for that one.

    Source: Route 53 API Reference, 'UpdateHealthCheck', HealthCheckVersion.
    """
    if sent is None or sent == current:
        return None
    return Refusal(
        "HealthCheckVersionMismatch",
        f"The value of HealthCheckVersion in the request is {sent}; that of the health check is "
        f"{current}.",
    )


def child_health_checks_exist(config: ReadOnly, existing: Collection[str]) -> Refusal | None:
    """The children of a calculated check exist.

    Source: Route 53 API Reference, 'HealthCheckConfig', ChildHealthChecks. Which error it gives
    is not documented.

    Args:
        config: the configuration in the request.
        existing: the ids of the health checks there are.
    """
    missing = [child for child in members(config, "ChildHealthChecks") if child not in existing]
    if not missing:
        return None
    return _invalid(f"No health check exists with the id {', '.join(missing)}.")


REQUEST_RULES: Final = (
    health_check_reference_is_new,
    health_check_version_matches,
    child_health_checks_exist,
)


@cache
def every_region() -> tuple[str, ...]:
    """Return the regions of the checkers that ask where none are named."""
    shape = get_service_model("route53").shape_for("HealthCheckRegion")
    return tuple(cast("list[str]", shape.metadata["enum"]))


def _invalid(message: str) -> Refusal:
    return Refusal("InvalidInput", f"Invalid parameter : {message}")
