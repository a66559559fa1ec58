"""Which hosts a lab has."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from ipaddress import IPv4Interface, ip_address
from typing import Any, Final

from sandbox.lab import dns
from sandbox.lab.deployed import Deployed, DeployedDroplet
from sandbox.lab.dns import NAME_SERVERS
from sandbox.lab.dns.resolvers import NAT64_GATEWAY, NAT64_POOL, NAT64_PREFIX
from sandbox.lab.lab_host import GATEWAYS, LabHost
from sandbox.lab.lab_settings import LabSettings
from sandbox.lab.plan.addresses import (
    CHECKERS_ADDRESSES,
    CLOUD_RESOLVER_ADDRESSES,
    NAT64_ADDRESSES,
    RESOLVER_ADDRESSES,
    STORAGE_ADDRESS,
    edge_addresses,
    load_balancer_addresses,
)

NAMES, RESOLVER, CLOUD_RESOLVER, CHECKERS = "names", "resolver", "cloud-resolver", "checkers"
LOAD_BALANCER, NAT64 = "load-balancer", "nat64"
"""Hosts that every lab has."""

STORAGE: Final = "storage"
"""The host that a lab of an account with buckets has."""


def _host(
    name: str, role: str, addresses: Iterable[str], resolvers: tuple[str, ...] = ()
) -> LabHost:
    return LabHost(name, role, tuple(map(_whole, addresses)), resolvers=resolvers)


def _whole(address: str) -> str:
    return f"{address}/{ip_address(address).max_prefixlen}"


CLIENTS: Final = (
    _host("ipv4-only", "client without IPv6", ("198.18.2.1",), RESOLVER_ADDRESSES[:1]),
    _host(
        "dual-stack",
        "client with both families",
        ("198.18.2.2", "2001:db8:c:2::2"),
        RESOLVER_ADDRESSES,
    ),
    _host("ipv6-only", "client without IPv4", ("2001:db8:c:3::3",), RESOLVER_ADDRESSES[1:]),
    _host(
        "nat64-client",
        "client without IPv4, behind DNS64 and NAT64",
        ("2001:db8:c:4::4",),
        NAT64_ADDRESSES[1:],
    ),
)
"""The users' machines."""


def droplet_hosts(deployed: Deployed, before: Mapping[int, str]) -> dict[int, str]:
    """Return the names of the droplets' hosts by id.

    While one is replaced by another of the same name there are two for a while. The one that is
    there keeps its host's name; the new one has its id in its own, and keeps it.

    Args:
        deployed: What there is.
        before: What this returned the last time.
    """
    kept = {each.id: before[each.id] for each in deployed.droplets if each.id in before}
    for each in sorted(deployed.droplets, key=lambda each: each.id):
        if each.id not in kept:
            name = f"droplet-{each.name}"
            kept[each.id] = name if name not in kept.values() else f"{name}-{each.id}"
    return kept


def hosts(
    deployed: Deployed, settings: LabSettings, droplet_names: Mapping[int, str]
) -> Iterator[LabHost]:
    """Yield every host but the router.

    Args:
        deployed: What is deployed.
        settings: What is set.
        droplet_names: Names of the droplets' hosts by id.
    """
    mtu = settings.mtu
    for host in _hosts_of_standard_mtu(deployed, settings, droplet_names):
        yield replace(host, mtu=mtu[host.name]) if host.name in mtu else host


def _hosts_of_standard_mtu(
    deployed: Deployed, settings: LabSettings, droplet_names: Mapping[int, str]
) -> Iterator[LabHost]:
    cloud = CLOUD_RESOLVER_ADDRESSES
    yield _host(NAMES, "name servers: Route 53 and the rest of DNS", NAME_SERVERS)
    yield _host(RESOLVER, "resolver of the clients", RESOLVER_ADDRESSES)
    yield _host(CLOUD_RESOLVER, "resolver of edge, droplets and checkers", cloud)
    yield _host(CHECKERS, "health checkers of Route 53", CHECKERS_ADDRESSES, cloud)
    balancers = load_balancer_addresses(deployed, settings).values()
    every = tuple(dict.fromkeys(address for addresses in balancers for address in addresses))
    yield _host(LOAD_BALANCER, "load balancers, and the API behind them", every)
    if deployed.buckets:
        yield _host(STORAGE, "S3: the objects that everybody may read", (STORAGE_ADDRESS,))
    for number in range(1, settings.edge_nodes + 1):
        yield _host(f"edge-{number}", "node of CloudFront", edge_addresses(number), cloud[:1])
    for each in deployed.droplets:
        yield _droplet_host(each, droplet_names[each.id])
    yield replace(
        _host(NAT64, "NAT64 gateway, and its DNS64 resolver", NAT64_ADDRESSES),
        routed=(NAT64_POOL, NAT64_PREFIX, *map(_whole, NAT64_GATEWAY[1:])),
        prepare=dns.nat64_commands(),
        forwards=True,
    )
    yield from CLIENTS


def _droplet_host(each: DeployedDroplet, name: str) -> LabHost:
    nothing: dict[str, Any] = {}
    interfaces: dict[str, Any] = each.metadata.get("interfaces", nothing)
    public: dict[str, Any] = next(iter(interfaces.get("public", ())), nothing)
    addresses: list[str] = []
    gateways: list[str] = []
    if each.ipv4:
        mask = public.get("ipv4", nothing).get("netmask", "255.255.255.255")
        addresses.append(str(IPv4Interface(f"{each.ipv4}/{mask}")))
        gateways.append(public.get("ipv4", nothing).get("gateway", GATEWAYS[0]))
    if each.ipv6:
        addresses.append(f"{each.ipv6}/{each.ipv6_prefix_length}")
        gateways.append(each.ipv6_gateway)
    return LabHost(
        name=name,
        role=f"droplet {each.id}",
        addresses=tuple(addresses),
        gateways=tuple(gateways),
        resolvers=CLOUD_RESOLVER_ADDRESSES[:1],
        routed=(_whole(each.reserved_ipv6),) if each.reserved_ipv6 and each.ipv6 else (),
    )
