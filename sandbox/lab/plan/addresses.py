"""Which addresses the hosts of a lab have, where no cloud's API says so."""

import zlib
from ipaddress import IPv4Address
from typing import Final

from sandbox.lab.deployed import Deployed
from sandbox.lab.lab_settings import LabSettings

RESOLVER_ADDRESSES: Final = ("198.18.3.2", "2001:db8:53:2::1")
CHECKERS_ADDRESSES: Final = ("198.18.3.3", "2001:db8:53:3::1")
CLOUD_RESOLVER_ADDRESSES: Final = ("198.18.3.4", "2001:db8:53:4::1")
"""The resolver that clouds have for themselves; it always obeys TTLs."""
STORAGE_ADDRESS: Final = "198.18.3.5"
"""S3, which health checks that have a name reach over IPv4 alone."""
NAT64_ADDRESSES: Final = ("198.18.3.64", "2001:db8:64::53")
# 198.18.0.0/15 is for benchmarks, 2001:db8::/32 for documentation: neither is anybody's.
# Source: RFC 2544, RFC 3849.
LOAD_BALANCERS: Final = "198.18.0.0"
ADDRESSES_EACH: Final = 2
"""How many addresses a load balancer has: one in each of two zones, as in the seeded account."""
_SLOTS: Final = 120
"""How many load balancers find room in a /24."""


def load_balancer_addresses(
    deployed: Deployed, settings: LabSettings
) -> dict[str, tuple[str, ...]]:
    """Return the IPv4 addresses of every load balancer by its DNS name.

    They follow from its name, so that one keeps its own when others come and go.
    """
    addresses: dict[str, tuple[str, ...]] = {}
    taken: set[int] = set()
    for name in sorted(each.dns_name for each in deployed.load_balancers):
        slot = zlib.crc32(name.encode()) % _SLOTS
        while slot in taken and len(taken) < _SLOTS:
            slot = (slot + 1) % _SLOTS
        taken.add(slot)
        first = IPv4Address(LOAD_BALANCERS) + 2 + ADDRESSES_EACH * slot
        own = tuple(str(first + number) for number in range(ADDRESSES_EACH))
        addresses[name] = settings.load_balancer_addresses.get(name, own)
    return addresses


def leads(
    deployed: Deployed, settings: LabSettings
) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    """Return IPv4 and IPv6 addresses by DNS name: load balancers, distributions and buckets."""
    nodes = [edge_addresses(number) for number in range(1, settings.edge_nodes + 1)]
    addresses_by_name: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
        name: (addresses, ())
        for name, addresses in load_balancer_addresses(deployed, settings).items()
    }
    addresses_by_name |= {each.host: ((STORAGE_ADDRESS,), ()) for each in deployed.buckets}
    for each in deployed.distributions:
        ipv6 = tuple(node[1] for node in nodes) if each.config.get("IsIPV6Enabled") else ()
        addresses_by_name[each.domain_name] = (tuple(node[0] for node in nodes), ipv6)
    return addresses_by_name


def edge_addresses(number: int) -> tuple[str, str]:
    """Return the IPv4 and the IPv6 address of an edge node, numbered from 1."""
    return f"198.18.1.{number}", f"2001:db8:cf:{number:x}::1"
