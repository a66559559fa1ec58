"""Rules of Route 53's health checks.

Each rule of a configuration gets the `HealthCheckConfig` as boto3 knows it: as it would be after
the request, so that an update is judged like a creation.
"""

from collections.abc import Callable, Collection
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

from sandbox.clouds.aws.fields import ReadOnly, members
from sandbox.clouds.aws.refusal import Refusal, raise_if

WEB_TYPES: Final = frozenset({"HTTP", "HTTPS", "HTTP_STR_MATCH", "HTTPS_STR_MATCH"})
ENDPOINT_TYPES: Final = frozenset({*WEB_TYPES, "TCP"})
TYPES: Final = (
    *("HTTP", "HTTPS", "HTTP_STR_MATCH", "HTTPS_STR_MATCH", "TCP"),
    *("CALCULATED", "CLOUDWATCH_METRIC", "RECOVERY_CONTROL"),
)

DOCUMENTATION: Final = tuple(
    ip_network(text)
    for text in ("2001:db8::/32", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")
)
"""Where everything in the sandbox lives. Source: RFC 3849 and RFC 5737."""

MAX_CHILDREN: Final = 256


def health_check_type_is_known(config: ReadOnly) -> Refusal | None:
    """A health check is of one of the types that Route 53 has.

    Source: Route 53 API Reference, 'HealthCheckConfig', Type.
    """
    if config.get("Type") in TYPES:
        return None
    return _invalid(f"Type must be one of [{', '.join(TYPES)}], but was {config.get('Type')}.")


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


def tcp_check_has_a_port(config: ReadOnly) -> Refusal | None:
    """A TCP check has a port.

    Source: Route 53 Developer Guide, 'Values that you specify when you create or update health
    checks', Port.
    """
    if config.get("Type") != "TCP" or config.get("Port") is not None:
        return None
    return _invalid("TCP health checks must have a port specified.")


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


def checked_port_is_in_range(config: ReadOnly) -> Refusal | None:
    """A port is from 1 to 65535, and only a check of an endpoint has one.

    Source: Route 53 API Reference, 'HealthCheckConfig', Port.
    """
    port = config.get("Port")
    if port is None:
        return None
    if config.get("Type") not in ENDPOINT_TYPES:
        return _invalid(f"{config.get('Type')} health checks must not have a port specified.")
    return _out_of_range("Port", port, 1, 65_535)


def check_interval_is_10_or_30(config: ReadOnly) -> Refusal | None:
    """An endpoint is asked every 10 or every 30 seconds.

    Source: Route 53 Developer Guide, 'Values that you specify when you create or update health
    checks', Request interval.
    """
    interval = config.get("RequestInterval")
    if interval in (None, 10, 30):
        return None
    return _invalid(f"RequestInterval must be 10 or 30, but was {interval}.")


def failure_threshold_is_in_range(config: ReadOnly) -> Refusal | None:
    """It takes 1 to 10 checks in a row to change a status.

    Source: Route 53 API Reference, 'HealthCheckConfig', FailureThreshold.
    """
    threshold = config.get("FailureThreshold")
    return None if threshold is None else _out_of_range("FailureThreshold", threshold, 1, 10)


def checker_regions_are_enough(config: ReadOnly) -> Refusal | None:
    """Checkers of at least three regions are named, or none.

    Source: Route 53 API Reference, 'HealthCheckConfig', Regions.
    """
    regions = config.get("Regions")
    return None if not regions else _out_of_range("The number of Regions", len(regions), 3, 64)


def search_string_fits_the_type(config: ReadOnly) -> Refusal | None:
    """A check that looks for a string has one, of 1 to 255 characters; the others have none.

    Source: Route 53 API Reference, 'HealthCheckConfig', SearchString.
    """
    needed = str(config.get("Type")).endswith("_STR_MATCH")
    if needed == bool(config.get("SearchString")):
        return None
    must = "must" if needed else "must not"
    return _invalid(f"{config.get('Type')} health checks {must} have a search string specified.")


def endpoint_check_has_no_alarm(config: ReadOnly) -> Refusal | None:
    """A check of a CloudWatch alarm names it; the others name none.

    Source: Route 53 API Reference, 'HealthCheckConfig', AlarmIdentifier; message as reported in
    aws/aws-sdk-php#1528.
    """
    needed = config.get("Type") == "CLOUDWATCH_METRIC"
    if needed == bool(config.get("AlarmIdentifier")):
        return None
    if needed:
        return _invalid("CloudWatch metric health checks must have an alarm identifier specified.")
    return _invalid("Basic health checks must not have an metric region specified.")


def calculated_check_has_children_alone(config: ReadOnly) -> Refusal | None:
    """A calculated check has up to 256 children and no endpoint; the others have no children.

    Source: Route 53 API Reference, 'HealthCheckConfig', ChildHealthChecks and IPAddress.
    """
    children = members(config, "ChildHealthChecks")
    if config.get("Type") != "CALCULATED":
        if children or config.get("HealthThreshold") is not None:
            return _invalid("Only calculated health checks have child health checks.")
        return None
    for name in ("IPAddress", "FullyQualifiedDomainName", "ResourcePath"):
        if config.get(name):
            return _invalid(f"Calculated health checks must not have {name} specified.")
    return _out_of_range("The number of ChildHealthChecks", len(children), 0, MAX_CHILDREN)


CONFIG_RULES: Final[tuple[Callable[[ReadOnly], Refusal | None], ...]] = (
    health_check_type_is_known,
    checked_address_is_public,
    checked_endpoint_is_named,
    tcp_check_has_a_port,
    tcp_check_of_an_address_has_no_name,
    checked_port_is_in_range,
    check_interval_is_10_or_30,
    failure_threshold_is_in_range,
    checker_regions_are_enough,
    search_string_fits_the_type,
    endpoint_check_has_no_alarm,
    calculated_check_has_children_alone,
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


def _out_of_range(what: str, number: int, low: int, high: int) -> Refusal | None:
    if low <= number <= high:
        return None
    return _invalid(f"{what} must be from {low} to {high}, but was {number}.")


def _invalid(message: str) -> Refusal:
    return Refusal("InvalidInput", f"Invalid parameter : {message}")
