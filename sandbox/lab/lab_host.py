"""One host of a lab, and the commands that make it of what there was: pure.

Nobody asks for link-layer addresses: both ends of a link have the same one, and ARP is off. A
cloud's network takes packets for every destination from a machine, whether or not that has a
gateway in its routes; a router of Linux answers only for those that are listed one by one.
"""

import hashlib
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_interface, ip_network
from typing import Final

ROUTER: Final = "internet"
"""The router that every host hangs on."""

GATEWAYS: Final = ("169.254.0.1", "fe80::1")
"""The router's addresses on every link. Source: RFC 3927 and RFC 4291, link-local addresses."""

ROUTER_ADDRESSES: Final = ("198.18.254.1/32", "2001:db8:fe::1/128")
"""The addresses from which the router reports faults: packet too big, no route."""

MAC: Final = "02:00:00:00:00:01"
"""The link-layer address of both ends of every link; a locally administered one."""

IPV6: Final = 6

STANDARD_MTU: Final = 1500
"""Bytes of a packet on Ethernet. Source: RFC 894."""

LEAST_MTU, LARGEST_MTU = 1280, 9000
"""Below the least, a link carries no IPv6 at all. Source: RFC 8200, section 5."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,199}")
"""Names of folders and files begin with it; 255 bytes is the most that those may have."""


def literal(address: str) -> str:
    """Return a literal address or network as it is.

    Python takes anything at all for an IPv6 address's zone, line ends and semicolons included; and
    none of the lab's addresses has one.

    Raises:
        ValueError: It has a zone.
    """
    if "%" in address:
        raise ValueError(f"The address {address!r} has a zone; no address here has one. Drop it.")
    return address


@dataclass(frozen=True)
class LabHost:
    """One host, as it should be."""

    name: str
    """Its name in the lab."""
    role: str
    """What it stands for, in a few words."""
    addresses: tuple[str, ...]
    """Its addresses on `eth0`, each with the length of its prefix. Without one of a family it does
    not speak that family."""
    gateways: tuple[str, ...] = GATEWAYS
    """Addresses of its default routes, at most one of each family."""
    resolvers: tuple[str, ...] = ()
    """Name servers of its `/etc/resolv.conf`."""
    routed: tuple[str, ...] = ()
    """Further networks that the router sends to it; its own addresses come by themselves."""
    prepare: tuple[tuple[str, ...], ...] = ()
    """Commands that it needs once, when it was made."""
    forwards: bool = False
    """Whether it forwards packets, as a router does."""
    mtu: int = STANDARD_MTU
    """The largest packet of its link, in bytes, in both directions."""

    def __post_init__(self) -> None:
        """Refuse what would be more than a name or an address where it is written.

        Raises:
            ValueError: It is.
        """
        if not _NAME.fullmatch(self.name):
            raise ValueError(
                f"The name of a host is {self.name!r}; it has letters, digits, dots and hyphens. "
                "Give it another."
            )
        for text in (*self.addresses, *self.gateways, *self.resolvers, *self.routed):
            ip_interface(literal(text))

    @property
    def families(self) -> frozenset[int]:
        """The versions of IP that it speaks."""
        return frozenset(ip_interface(address).version for address in self.addresses)

    def address(self, version: int) -> str:
        """Return its first address of a version of IP; empty where it has none."""
        own = (ip_interface(address) for address in self.addresses)
        return next((str(one.ip) for one in own if one.version == version), "")


ROUTER_HOST: Final = LabHost(ROUTER, "router between all hosts", ROUTER_ADDRESSES)
"""The router as a host; it has an end of every link."""


def interface(host: str) -> str:
    """Return the router's interface to a host: a name that follows from the host's, in 15 bytes."""
    return f"lab{hashlib.sha256(host.encode()).hexdigest()[:12]}"


def host_script(before: LabHost | None, after: LabHost) -> str:
    """Return the shell script that makes one host of another, run inside it; empty: nothing to do.

    Args:
        before: What it is; None where it was just made.
        after: What it should be.
    """
    lines: list[str] = []
    if before is None or before.families != after.families:
        off = int(IPV6 not in after.families)
        lines += [f"echo {off} > /proc/sys/net/ipv6/conf/{where}/disable_ipv6" for where in _ALL]
    if before is None or before.forwards != after.forwards:
        lines += [
            f"echo {int(after.forwards)} > /proc/sys/net/{where}"
            for where in ("ipv4/ip_forward", "ipv6/conf/all/forwarding")
        ]
    # An MTU below IPv6's least would take the addresses away; settings do not allow one.
    batch = [] if before and before.mtu == after.mtu else [f"link set eth0 mtu {after.mtu}"]
    batch += [] if before else ["link set eth0 up"]
    old = _host_lines(before) if before and before.families == after.families else {}
    new = _host_lines(after)
    gone = [key for key in old if key not in new]
    batch += [old[key].replace("replace", "del", 1) for key in reversed(gone)]
    batch += [line for key, line in new.items() if old.get(key) != line]
    if batch:
        lines += [f"ip -batch - <<'END'\n{joined(batch)}END"]
    lines += [] if before else map(shlex.join, after.prepare)
    return joined(lines)


_ALL: Final = ("all", "default", "eth0", "lo")


def _host_lines(host: LabHost) -> dict[str, str]:
    """Return what a host has, each by what it is: addresses first, then what needs them."""
    lines: dict[str, str] = {}
    for address in host.addresses:
        if ip_interface(address).version == IPV6:
            lines[address] = f"addr replace {address} dev eth0 nodad noprefixroute"
        else:
            lines[address] = f"addr replace {address} dev eth0 noprefixroute"
    for gateway in host.gateways:
        version = ip_address(gateway).version
        if version not in host.families:
            continue
        anywhere = "::/0" if version == IPV6 else "0.0.0.0/0"
        whole = ip_network(gateway).with_prefixlen
        if not ip_address(gateway).is_link_local or version != IPV6:
            lines[f"route {whole}"] = f"route replace {whole} dev eth0"
        lines[f"route {anywhere}"] = f"route replace {anywhere} via {gateway} dev eth0"
    return lines


def router_lines(before: Mapping[str, LabHost], after: Mapping[str, LabHost]) -> list[str]:
    """Return the commands of `ip` that make the router serve other hosts, in order.

    Links of new hosts exist already; those of hosts that are gone are gone with all their routes.

    Args:
        before: Hosts that there were, by name.
        after: Hosts that there are.
    """
    lines: list[str] = []
    for name, host in after.items():
        old, link = before.get(name), interface(name)
        if old is None:
            lines += [f"link set {link} up"]
        if old is None or old.mtu != host.mtu:
            lines += [f"link set {link} mtu {host.mtu}"]
        have = list(_gateway_addresses(old)) if old else []
        want = list(_gateway_addresses(host))
        lines += [f"addr del {address} dev {link}" for address in have if address not in want]
        lines += [
            f"addr replace {address} dev {link} {'nodad' if ':' in address else 'scope host'}"
            for address in want
            if address not in have
        ]
    old_routes, routes = _routes(before), _routes(after)
    lines += [
        f"route replace {network} dev {interface(name)}"
        for network, name in routes.items()
        if name not in before or old_routes.get(network) != name
    ]
    lines += [
        f"route del {network} dev {interface(name)}"
        for network, name in old_routes.items()
        if network not in routes and name in after
    ]
    return lines


def _gateway_addresses(host: LabHost) -> Iterator[str]:
    """Return the router's addresses on the link of a host."""
    for gateway in (*GATEWAYS, *host.gateways):
        address = ip_address(gateway)
        if address.version in host.families:
            length = 64 if gateway == GATEWAYS[1] else address.max_prefixlen
            yield f"{gateway}/{length}"


def _routes(hosts: Mapping[str, LabHost]) -> dict[str, str]:
    """Return which host the router sends each network to."""
    return {
        network.with_prefixlen: host.name
        for host in hosts.values()
        for network in (
            *(ip_network(ip_interface(address).ip) for address in host.addresses),
            *map(ip_network, host.routed),
        )
        if network.version in host.families
    }


def joined(lines: Iterable[str]) -> str:
    """Return lines as a text."""
    return "".join(f"{line}\n" for line in lines)
