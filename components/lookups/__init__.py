"""What the edge stands on and did not make: load balancer, zone, regions, security group.

They are looked up with plain invokes, which answer before the next line of the program runs, and
`DualStackEdge` does so before it registers anything. The lazy form (`get_zone_output`) would fail
while resources are being made, and leave half an edge behind.
"""

import pulumi

from components.lookups.answers import OriginError, attempt, invoke_options, together
from components.lookups.load_balancer import find_load_balancer
from components.lookups.model import AliasTarget, HostedZone, LoadBalancerTarget, Prerequisites
from components.lookups.regions import check_regions
from components.lookups.security_group import find_prefix_list
from components.lookups.zone import find_zone
from components.settings import Settings

__all__ = [
    "AliasTarget",
    "HostedZone",
    "LoadBalancerTarget",
    "OriginError",
    "Prerequisites",
    "invoke_options",
    "look_up",
]


def look_up(settings: Settings, opts: pulumi.ResourceOptions | None) -> Prerequisites:
    """Look up everything that has to exist before an edge can be made.

    Args:
        settings: The settings of the edge.
        opts: The edge's own options: the look-ups go through the providers that will make it.

    Returns:
        What the edge needs to know of what exists.

    Raises:
        OriginError: Something does not exist, is ambiguous, is of the wrong kind, or could not be
            looked up: the load balancer, the zone, a region of the proxies or what the security
            group needs. Lists the faults of all of them.
    """
    through_aws = invoke_options(opts, "aws")
    through_digitalocean = invoke_options(opts, "digitalocean")
    load_balancer = attempt(lambda: find_load_balancer(settings.origin, through_aws))
    zone = attempt(lambda: find_zone(settings.zone, through_aws))
    regions = attempt(lambda: check_regions(settings.proxy, through_digitalocean))
    prefix_list = attempt(lambda: find_prefix_list(settings.origin_lock, through_aws))
    match load_balancer, zone, prefix_list, regions:
        case LoadBalancerTarget(), HostedZone(), (str() | None) as prefix_list_id, None:
            return Prerequisites(load_balancer, zone, prefix_list_id)
        case answers:
            raise together(*(answer for answer in answers if isinstance(answer, OriginError)))
