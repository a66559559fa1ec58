"""What the edge needs to know of what exists already."""

from dataclasses import dataclass

import pulumi

from components.lookups.records import ZoneRecord


@dataclass(frozen=True)
class AliasTarget:
    """What an alias record can point to."""

    name: pulumi.Input[str]
    """DNS name of the target."""
    zone_id: str
    """Hosted zone of that name: the service's own, not the user's."""


@dataclass(frozen=True)
class LoadBalancerTarget(AliasTarget):
    """A load balancer, whose name is known before anything is made."""

    name: str


@dataclass(frozen=True)
class HostedZone:
    """A public hosted zone."""

    id: str
    """Its id."""
    primary_name_server: str
    """The name server that its SOA record names first."""


@dataclass(frozen=True)
class Prerequisites:
    """What has to exist before an edge is made."""

    load_balancer: LoadBalancerTarget
    """The load balancer the API is behind."""
    zone: HostedZone
    """Hosted zone that the records of the edge go to."""
    prefix_list_id: str | None = None
    """CloudFront's addresses; None where no security group is to admit them."""
    records: tuple[ZoneRecord, ...] = ()
    """Records of the hostnames, and of all groups of proxies in the zone."""
    leaving: tuple[str, ...] = ()
    """Hostnames that the settings no longer have, and that answers still lead to the distribution
    by. It keeps them."""
