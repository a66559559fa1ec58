"""What the edge stands on and did not make: load balancer, zone, names, regions, security group.

They are looked up with plain invokes, which answer before the next line of the program runs, and
`DualStackEdge` does so before it registers anything. The lazy form (`get_zone_output`) would fail
while resources are being made, and leave half an edge behind.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING

import pulumi

from components.last_deployment import LastDeployment
from components.lookups import digitalocean
from components.lookups.answers import (
    NoAccessError,
    OriginError,
    UnansweredError,
    attempt,
    has_account,
    invoke_options,
    together,
)
from components.lookups.declared_records import other_kind
from components.lookups.leaving_names import cannot_leave, leaving_names, led_to_proxies
from components.lookups.left_behind import check_digitalocean, left_records
from components.lookups.load_balancer import find_load_balancer
from components.lookups.model import AliasTarget, HostedZone, LoadBalancerTarget, Prerequisites
from components.lookups.promised_ipv6 import promised_ipv6
from components.lookups.records import ZoneRecord, zone_records
from components.lookups.security_group import find_prefix_list
from components.lookups.standing import Standing, standing_edge
from components.lookups.taken_names import taken_names
from components.lookups.watchers import warn_of_watchers
from components.lookups.wildcards import served_by_wildcards
from components.lookups.zone import find_zone
from components.settings import Settings

if TYPE_CHECKING:
    from components.lookups.account import Account, AwsAccount

__all__ = [
    "AliasTarget",
    "HostedZone",
    "LoadBalancerTarget",
    "OriginError",
    "Prerequisites",
    "Standing",
    "UnansweredError",
    "ZoneRecord",
    "invoke_options",
    "led_to_proxies",
    "look_up",
]


def look_up(
    settings: Settings, opts: pulumi.ResourceOptions | None, last: LastDeployment
) -> Prerequisites:
    """Look up everything that has to exist before an edge can be made.

    Route 53 has to answer, for nothing can be changed without it. Of the others an answer that
    says no is a fault; no answer is one in a first deployment only. Later, what stands is used.

    Args:
        settings: The settings of the edge.
        opts: The edge's own options: the look-ups go through the providers that will make it.
        last: What the state has of the edge.

    Returns:
        What the edge needs to know of what exists.

    Raises:
        OriginError: Something does not exist, is ambiguous, is of the wrong kind, or could not be
            looked up: the zone, the load balancer, a region of the proxies or what the security
            group needs; a hostname has records of somebody else or of another kind than the
            settings declare, is on another distribution, is served by a wildcard that would be
            hidden, or cannot leave; CloudFront cannot use the certificate. Lists the faults of all.
    """
    through_aws = invoke_options(opts, "aws")

    @cache
    def aws() -> "AwsAccount":
        # botocore takes as long as Pulumi's own SDK, and a program under test needs none of it.
        from components.lookups.account import open_account  # noqa: PLC0415

        return open_account(settings.aws)

    # Credentials of a provider that was given are in nobody's configuration.
    if has_account() and through_aws.provider is None:
        from components.lookups.account import check_access  # noqa: PLC0415 - as above

        check_access(aws, settings.aws, pulumi.Config("aws").get("region"))
    zone = attempt(lambda: find_zone(settings.zone, through_aws, aws if has_account() else None))
    records = attempt(lambda: _records(zone, settings, last, through_aws))
    listed = () if isinstance(records, OriginError) else records
    leaving = leaving_names(settings.hostnames, listed, last)
    standing = standing_edge(settings, last, leaving, listed)
    stands = standing.load_balancer
    load_balancer = attempt(
        lambda: find_load_balancer(settings.origin, through_aws),
        (lambda: stands) if stands else None,
    )
    left_there, regions = _digitalocean(settings, opts, last, standing)
    # A lock is refused while direct has weight, so no change of weights comes by here.
    lock, ports = settings.origin_lock, settings.origin.ports
    prefix_list = attempt(lambda: find_prefix_list(lock, ports, last.admitted_ports, through_aws))
    refused = _check_aws(settings, leaving, last, aws) if has_account() else None
    match load_balancer, zone, prefix_list, regions, left_there, refused, records:
        case (
            LoadBalancerTarget(),
            HostedZone(),
            (str() | None) as prefix_list_id,
            None,
            None,
            None,
            tuple(),
        ):
            return Prerequisites(load_balancer, zone, prefix_list_id, records, leaving)
        case answers:
            raise together(*(answer for answer in answers if isinstance(answer, OriginError)))


def _check_aws(
    settings: Settings,
    leaving: Sequence[str],
    last: LastDeployment,
    aws: Callable[[], "Account"],
) -> OriginError | None:
    """Return what CloudFront is going to refuse, and warn of what an earlier try left at AWS."""
    from components.lookups import account  # noqa: PLC0415 - as above

    refused = attempt(
        lambda: account.check_account(settings, leaving, last, aws),
        lambda: None,
        "CloudFront judges it in the deployment.",
    )
    if settings.certificate_arn is None:
        names = (*settings.hostnames, *leaving)
        attempt(
            lambda: account.warn_of_certificates(names, last, aws),
            lambda: None,
            "This deployment goes on without that.",
        )
    attempt(
        lambda: warn_of_watchers(settings, last, aws),
        lambda: None,
        "This deployment goes on without that.",
    )
    return refused


def _digitalocean(
    settings: Settings,
    opts: pulumi.ResourceOptions | None,
    last: LastDeployment,
    standing: Standing,
) -> tuple[OriginError | None, OriginError | None]:
    """Return what an earlier try left at DigitalOcean, and what is wrong with the regions.

    Where DigitalOcean does not answer at all, the regions are not asked for: it is told once.
    """
    otherwise = (lambda: None) if standing.load_balancer else None
    no_access = False

    def left_behind() -> None:
        nonlocal no_access
        try:
            check_digitalocean(
                settings.proxy,
                last,
                f"{pulumi.get_project()}-{pulumi.get_stack()}",
                lambda: digitalocean.open_digitalocean(settings.digitalocean),
            )
        except NoAccessError:
            no_access = True
            raise

    through = invoke_options(opts, "digitalocean")
    left: OriginError | None = None
    # Nobody knows the token of a provider that was given.
    if has_account() and through.provider is None:
        left = attempt(left_behind, otherwise)
    if no_access or settings.proxy is None:
        return left, None
    # DigitalOcean's SDK takes as long as all else, and only proxies need it.
    from components.lookups.regions import check_regions  # noqa: PLC0415

    return left, attempt(
        lambda: check_regions(settings.proxy, through, standing.droplets), otherwise
    )


def _records(
    zone: HostedZone | OriginError,
    settings: Settings,
    last: LastDeployment,
    through_aws: pulumi.InvokeOptions,
) -> tuple[ZoneRecord, ...]:
    """Return the records of the zone; none where it is not there, which is a fault of its own."""
    if isinstance(zone, OriginError):
        return ()
    hostnames = settings.hostnames
    names = {*hostnames, *last.aliases}
    records, around = zone_records(zone.id, settings.zone, names, through_aws)
    leaving = leaving_names(hostnames, records, last)
    # Where the state has the other kind of records, the zone's are not judged by this one.
    faults = list(other_kind(settings, records, last))
    if not faults:
        left = list(left_records(zone.id, settings, records, last))
        faults += (fault for _, fault in left)
        faults += taken_names(zone.id, settings, records, last, [record for record, _ in left])
    faults += cannot_leave(settings, leaving, records)
    faults += served_by_wildcards(zone.id, settings, (*records, *around))
    faults += promised_ipv6(settings, last)
    if faults:
        raise OriginError(*faults)
    return records
