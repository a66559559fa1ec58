"""The package `digitalocean`: its resources and functions, as the engine asks for them."""

from importlib import metadata

from sandbox.plugins.digitalocean import (
    droplet,
    firewall,
    get_region,
    monitor_alert,
    reserved_ipv6,
    tag,
    vpc,
)
from sandbox.plugins.digitalocean.digitalocean_session import (
    DigitalOceanSession,
    check_config,
    explain,
)
from sandbox.plugins.resource import Package, StandIn
from sandbox.plugins.schema import ClassRef

SDK = "pulumi_digitalocean"
"""The package of Pulumi's SDK."""


def digitalocean_package() -> Package[DigitalOceanSession]:
    """Return all that the stand-in for the digitalocean plugin offers."""
    resources: list[StandIn[DigitalOceanSession]] = [
        droplet.DropletStandIn(),
        firewall.FirewallStandIn(),
        monitor_alert.MonitorAlertStandIn(),
        reserved_ipv6.ReservedIpv6StandIn(),
        reserved_ipv6.ReservedIpv6AssignmentStandIn(),
        tag.TagStandIn(),
        vpc.VpcStandIn(),
    ]
    return Package(
        name="digitalocean",
        version=metadata.version("pulumi-digitalocean"),
        config=ClassRef(f"{SDK}.provider", "ProviderArgs"),
        check_config=check_config,
        connect=DigitalOceanSession,
        explain=explain,
        resources={resource.type_name: resource for resource in resources},
        functions={function.token: function for function in get_region.functions()},
    )
