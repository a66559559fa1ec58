"""The package `digitalocean`: its resources and functions, as the engine asks for them."""

from importlib import metadata

from sandbox.plugins.digitalocean import (
    droplet,
    firewall,
    lookups,
    monitor_alert,
    reserved_ipv6,
    ssh_key,
    tag,
    vpc,
)
from sandbox.plugins.digitalocean.session import Session, check_config, explain
from sandbox.plugins.resource import Package, Resource
from sandbox.plugins.schema import ClassRef

SDK = "pulumi_digitalocean"
"""The package of Pulumi's SDK."""


def package() -> Package[Session]:
    """Return all that the stand-in for the digitalocean plugin offers."""
    resources: list[Resource[Session]] = [
        droplet.Droplet(),
        firewall.Firewall(),
        monitor_alert.MonitorAlert(),
        reserved_ipv6.ReservedIpv6(),
        reserved_ipv6.ReservedIpv6Assignment(),
        ssh_key.SshKey(),
        tag.Tag(),
        vpc.Vpc(),
    ]
    return Package(
        name="digitalocean",
        version=metadata.version("pulumi-digitalocean"),
        config=ClassRef(f"{SDK}.provider", "ProviderArgs"),
        check_config=check_config,
        connect=Session,
        explain=explain,
        resources={resource.type_name: resource for resource in resources},
        functions={function.token: function for function in lookups.functions()},
    )
