"""What the lab should be, from what is deployed: hosts, addresses, routes, firewalls, programs.

Pure: the same values in, the same lab out. Nothing is said here that the clouds' APIs say; what is
added is what no API tells and a network needs: which addresses a load balancer has today, where
CloudFront's nodes are, who asks.
"""

import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, ip_address, ip_network
from pathlib import Path
from typing import Any, Final

from sandbox.lab import dns, droplet, edge, origin
from sandbox.lab.deployed import Deployed, Droplet, Fields, LoadBalancer, is_hostname
from sandbox.lab.dns import NAME_SERVERS
from sandbox.lab.dns.resolvers import NAT64_GATEWAY, NAT64_POOL, NAT64_PREFIX
from sandbox.lab.network import (
    GATEWAYS,
    LARGEST_MTU,
    LEAST_MTU,
    STANDARD_MTU,
    Host,
    interface,
    literal,
)
from sandbox.lab.program import Program

NAMES, RESOLVER, CLOUD_RESOLVER, CHECKERS = "names", "resolver", "cloud-resolver", "checkers"
LOAD_BALANCER, NAT64 = "load-balancer", "nat64"
"""Hosts that every lab has."""

RESOLVER_ADDRESSES: Final = ("198.18.3.2", "2001:db8:53:2::1")
CHECKERS_ADDRESSES: Final = ("198.18.3.3", "2001:db8:53:3::1")
CLOUD_RESOLVER_ADDRESSES: Final = ("198.18.3.4", "2001:db8:53:4::1")
"""The resolver that clouds have for themselves: whatever users' resolvers do, it obeys TTLs."""
NAT64_ADDRESSES: Final = ("198.18.3.64", "2001:db8:64::53")
# 198.18.0.0/15 is for benchmarks, 2001:db8::/32 for documentation: neither is anybody's.
# Source: RFC 2544, RFC 3849.
LOAD_BALANCERS: Final = "198.18.0.0"
ADDRESSES_EACH: Final = 2
"""How many addresses a load balancer has: one in each of two zones, as in the seeded account."""
_SLOTS: Final = 120
"""How many load balancers find room in a /24."""


@dataclass(frozen=True)
class Client:
    """A user's machine."""

    name: str
    addresses: tuple[str, ...]
    resolvers: tuple[str, ...]
    role: str


CLIENTS: Final = (
    Client("ipv4-only", ("198.18.2.1",), RESOLVER_ADDRESSES[:1], "client without IPv6"),
    Client(
        "dual-stack",
        ("198.18.2.2", "2001:db8:c:2::2"),
        RESOLVER_ADDRESSES,
        "client with both families",
    ),
    Client("ipv6-only", ("2001:db8:c:3::3",), RESOLVER_ADDRESSES[1:], "client without IPv4"),
    Client(
        "nat64-client",
        ("2001:db8:c:4::4",),
        NAT64_ADDRESSES[1:],
        "client without IPv4, behind DNS64 and NAT64",
    ),
)
"""The users; each one's name is its host's."""

USUAL_LISTENERS: Final[Mapping[str, tuple[tuple[str, int], ...]]] = {
    "application": (("HTTP", 80), ("HTTPS", 443)),
    "network": (("TCP", 80), ("TCP", 443)),
    "classic": (("HTTP", 80), ("TCP", 443)),
}
"""What a load balancer without a listener stands for: the sandbox's account has such ones, because
a listener for HTTPS needs a certificate, which a new account does not have."""

CLOUDFRONT_NAMES: Final = frozenset({"*.cloudfront.net"})
"""Names of the certificate that every distribution has by itself."""

IPV4: Final = 4
ALL_PORTS: Final = ("0", "all")
"""How a cloud firewall writes all ports. Source: DigitalOcean API reference, `ports`."""

PROTOCOLS: Final = ("tcp", "udp", "icmp")
_PORTS: Final = re.compile(r"[0-9]{1,5}(-[0-9]{1,5})?")
"""What else a rule may say. Source: as above, `inbound_rules`."""

MAX_EDGE_NODES: Final = 16
MAX_SECONDS: Final = 3600.0
LEAST_SPEED, MOST_SPEED = 0.1, 100.0
MAX_TTL: Final = 86_400


@dataclass(frozen=True)
class Settings:
    """What may be changed about the lab while it runs, and is not deployed anywhere."""

    edge_nodes: int = 2
    """How many nodes CloudFront has, 1 to 16."""
    propagation_seconds: float = 1.0
    """How long until the last of CloudFront's nodes has a changed distribution, 0 to 3600; the
    others take it evenly before. AWS takes minutes."""
    least_ttl_seconds: int = 0
    """For how long at least the clients' resolver keeps an answer, whatever its TTL, 0 to 86400."""
    check_speed: float = 1.0
    """How many times faster than configured the health checkers ask, 0.1 to 100."""
    load_balancer_addresses: Mapping[str, tuple[str, ...]] = field(
        default_factory=dict[str, tuple[str, ...]]
    )
    """IPv4 addresses of load balancers by DNS name; one that is not named has two of its own."""
    expired_certificates: tuple[str, ...] = ()
    """DNS names of load balancers whose certificates ran out."""
    proxy_protocol: tuple[str, ...] = ()
    """DNS names of load balancers whose API reads PROXY protocol."""
    allow: tuple[str, ...] | None = None
    """IPv4 networks whose clients the API serves; None: everybody."""
    mtu: Mapping[str, int] = field(default_factory=dict[str, int])
    """Bytes of the largest packet on the link of a host, 1280 to 9000; others have 1500."""
    down: tuple[str, ...] = ()
    """Hosts that are off the network: nothing comes in or out, and nobody is told."""

    def faults(self) -> list[str]:
        """Return what is wrong, one line each; none: nothing."""
        found = [
            f"{name} is {value:g}; it is {least:g} to {most:g}. Set another."
            for name, value, least, most in (
                ("edge-nodes", self.edge_nodes, 1, MAX_EDGE_NODES),
                ("propagation-seconds", self.propagation_seconds, 0, MAX_SECONDS),
                ("check-speed", self.check_speed, LEAST_SPEED, MOST_SPEED),
                ("least-ttl-seconds", self.least_ttl_seconds, 0, MAX_TTL),
                *((f"mtu.{host}", mtu, LEAST_MTU, LARGEST_MTU) for host, mtu in self.mtu.items()),
            )
            if not least <= value <= most
        ]
        found += [
            f"load-balancer-addresses.{name} has {address}; it is a list of IPv4 addresses. "
            "Separate them with commas."
            for name, addresses in self.load_balancer_addresses.items()
            for address in addresses
            if not _is(IPv4Address, address)
        ]
        found += [
            f"allow has {network}; it is a list of IPv4 networks. Separate them with commas."
            for network in self.allow or ()
            if not _is(IPv4Network, network)
        ]
        return found


def _is(kind: Any, text: str) -> bool:
    try:
        kind(text)
    except ValueError:
        return False
    return True


def changed(settings: Settings, name: str, value: str) -> Settings:
    """Return settings of which one is another.

    Args:
        settings: What they are.
        name: Which one, as in a shell: `edge-nodes`; of a host or a load balancer: `mtu.edge-1`.
        value: Its text; lists are separated by commas, and an empty text is the default.

    Raises:
        ValueError: There is no such setting, or the value is not one of its own.
    """
    what, _, whose = name.partition(".")
    field_name = what.replace("-", "_")
    known = {found.name: getattr(Settings(), found.name) for found in fields(Settings)}
    whole = {key for key, default in known.items() if not isinstance(default, Mapping)}
    if field_name not in known or (field_name in whole) == bool(whose):
        names = sorted(key.replace("_", "-") + ("" if key in whole else ".NAME") for key in known)
        raise ValueError(f"The setting is {name}; there are {', '.join(names)}. Name one of these.")
    items = tuple(part.strip() for part in value.split(",") if part.strip())
    try:
        match field_name:
            case "edge_nodes" | "least_ttl_seconds":
                new: Any = int(value) if value else known[field_name]
            case "propagation_seconds" | "check_speed":
                new = float(value) if value else known[field_name]
            case "mtu":
                new = {**settings.mtu, whose: int(value or STANDARD_MTU)}
            case "load_balancer_addresses":
                kept = {k: v for k, v in settings.load_balancer_addresses.items() if k != whose}
                new = {**kept, whose: items} if items else kept
            case "allow":
                new = items or None
            case _:
                new = items
    except ValueError as fault:
        raise ValueError(f"{name} is {value!r}; it is a number. Give one.") from fault
    made: Settings = replace(settings, **{field_name: new})
    if faults := made.faults():
        raise ValueError("\n".join(faults))
    return made


@dataclass(frozen=True)
class Plan:
    """What the lab should be."""

    hosts: tuple[Host, ...]
    """Every host but the router."""
    firewall: str
    """What the router filters, as `nft` reads it."""
    programs: tuple[Program, ...]
    """What runs on the hosts."""


@dataclass(frozen=True)
class Given:
    """What a plan needs beside what is deployed and set: what time and other programs made."""

    folder: Path
    """The lab's folder; programs have theirs below it."""
    ca: Path
    """The certificate (PEM) that everybody in the lab trusts."""
    certificates: Mapping[frozenset[str], tuple[Path, Path]]
    """Chain and key (PEM) by the names they cover, for all of `certificates_needed`."""
    expired: Mapping[frozenset[str], tuple[Path, Path]]
    """The same, of certificates that ran out."""
    seen: Sequence[Deployed]
    """What each edge node takes for deployed, by its number from 0."""
    health: Mapping[str, bool] = field(default_factory=dict[str, bool])
    """What the health checkers found, by id."""
    droplets: Mapping[int, str] = field(default_factory=dict[int, str])
    """Host names of droplets by id, as `droplet_hosts` gave them."""


def plan(deployed: Deployed, settings: Settings, given: Given) -> Plan:
    """Return what the lab should be."""
    hosts = tuple(_hosts(deployed, settings, given))
    return Plan(
        hosts=hosts,
        firewall=firewall(hosts, deployed, settings, given.droplets),
        programs=tuple(_programs(deployed, settings, given)),
    )


def droplet_hosts(deployed: Deployed, before: Mapping[int, str]) -> dict[int, str]:
    """Return the names of the droplets' hosts by id.

    While one is replaced by another of the same name there are two for a while. The one that is
    there keeps its host's name; the new one has its id in its own, for good.

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


def edge_part(deployed: Deployed) -> tuple[object, ...]:
    """Return what takes time to reach the edge nodes: distributions and their policies."""
    return deployed.distributions, deployed.cache_policies, deployed.origin_request_policies


def edge_delays(settings: Settings) -> list[float]:
    """Return after how many seconds each edge node has a change, the last one's last."""
    count = settings.edge_nodes
    return [settings.propagation_seconds * number / count for number in range(1, count + 1)]


def seen_after(history: Sequence[tuple[float, Deployed]], moment: float, delay: float) -> Deployed:
    """Return what a node takes for deployed that hears of everything after a while.

    Args:
        history: What was deployed since when, the oldest first; that one is known everywhere.
        moment: Now, on the clock of the history.
        delay: Seconds until the node hears.
    """
    heard = [deployed for since, deployed in history[1:] if since + delay <= moment]
    return heard[-1] if heard else history[0][1]


def load_balancer_addresses(deployed: Deployed, settings: Settings) -> dict[str, tuple[str, ...]]:
    """Return the IPv4 addresses of every load balancer by its DNS name.

    They follow from its name, so that one keeps its own when others come and go.
    """
    found: dict[str, tuple[str, ...]] = {}
    taken: set[int] = set()
    for name in sorted(each.dns_name for each in deployed.load_balancers):
        slot = zlib.crc32(name.encode()) % _SLOTS
        while slot in taken and len(taken) < _SLOTS:
            slot = (slot + 1) % _SLOTS
        taken.add(slot)
        first = IPv4Address(LOAD_BALANCERS) + 2 + ADDRESSES_EACH * slot
        own = tuple(str(first + number) for number in range(ADDRESSES_EACH))
        found[name] = settings.load_balancer_addresses.get(name, own)
    return found


def leads(
    deployed: Deployed, settings: Settings
) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    """Return the IPv4 and IPv6 addresses of every load balancer and distribution by DNS name."""
    nodes = [_edge_addresses(number) for number in range(1, settings.edge_nodes + 1)]
    found: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
        name: (addresses, ())
        for name, addresses in load_balancer_addresses(deployed, settings).items()
    }
    for each in deployed.distributions:
        ipv6 = tuple(node[1] for node in nodes) if each.config.get("IsIPV6Enabled") else ()
        found[each.domain_name] = (tuple(node[0] for node in nodes), ipv6)
    return found


def certificates_needed(deployed: Deployed) -> set[frozenset[str]]:
    """Return the names that each certificate of the lab covers."""
    needed = {frozenset(names) for names in deployed.certificates.values()}
    needed.add(CLOUDFRONT_NAMES)
    for each in deployed.load_balancers:
        needed |= set(_names_served(each, deployed))
    return needed


def _names_served(balancer: LoadBalancer, deployed: Deployed) -> list[frozenset[str]]:
    """Return the names of each certificate of a load balancer.

    Those that its listeners name, as far as they can be read: with none, TLS is closed at once.
    Where they name none, it stands for one that does, because the account of the sandbox has load
    balancers without listeners: one that covers whatever leads to it, which are records and the
    aliases of distributions.
    """
    if balancer.certificates:
        return [
            frozenset(deployed.certificates[arn])
            for arn in balancer.certificates
            if arn in deployed.certificates
        ]
    records = [record for zone in deployed.zones for record in zone.records]
    leading = {balancer.dns_name}
    while True:
        more = {
            name
            for record in records
            if leading & set(_targets(record)) and (name := _plain(record["Name"])) not in leading
        }
        if not more:
            break
        leading |= more
    for each in deployed.distributions:
        origins = {_plain(item["DomainName"]) for item in each.config["Origins"]["Items"]}
        if origins & leading:
            leading |= set(each.config["Aliases"].get("Items") or ())
    able = (name for name in leading if is_hostname(name) and not name.startswith("_"))
    return [frozenset(able)]


def _targets(record: Fields) -> list[str]:
    if "AliasTarget" in record:
        return [_plain(record["AliasTarget"]["DNSName"])]
    if record["Type"] == "CNAME":
        return [_plain(value["Value"]) for value in record["ResourceRecords"]]
    return []


def _plain(name: str) -> str:
    return name.lower().rstrip(".").replace(r"\052", "*")


def unsupported(deployed: Deployed) -> list[str]:
    """Return what load balancers ask for that the lab's do not do, one sentence each."""
    return [
        f"Load balancer {balancer.dns_name}: {found}."
        for balancer in deployed.load_balancers
        for found in _not_done(balancer, deployed)
    ]


def _not_done(balancer: LoadBalancer, deployed: Deployed) -> Iterator[str]:
    for arn in balancer.certificates:
        if arn not in deployed.certificates:
            yield (
                f"the certificate {arn} is not one that ACM has issued, and what it covers cannot "
                "be read; it is not shown"
            )
    if balancer.scheme != "internet-facing":
        yield f"its scheme is {balancer.scheme}; in the lab everybody reaches it"
    if balancer.address_type != "ipv4":
        yield f"its address type is {balancer.address_type}; in the lab it has IPv4 alone"
    for _, port in balancer.listeners or USUAL_LISTENERS[balancer.kind]:
        opened = balancer.open_ports
        if opened is not None and not any(first <= port <= last for first, last in opened):
            yield (
                f"its security groups do not let everybody in on port {port}; the lab has no "
                "security groups, and does"
            )


# Hosts


def _hosts(deployed: Deployed, settings: Settings, given: Given) -> Iterator[Host]:
    mtu = settings.mtu
    for host in _all_hosts(deployed, settings, given):
        yield replace(host, mtu=mtu[host.name]) if host.name in mtu else host


def _all_hosts(deployed: Deployed, settings: Settings, given: Given) -> Iterator[Host]:
    cloud = CLOUD_RESOLVER_ADDRESSES
    yield _host(NAMES, "name servers: Route 53 and the rest of DNS", NAME_SERVERS)
    yield _host(RESOLVER, "resolver of the clients", RESOLVER_ADDRESSES)
    yield _host(CLOUD_RESOLVER, "resolver of edge, droplets and checkers", cloud)
    yield _host(CHECKERS, "health checkers of Route 53", CHECKERS_ADDRESSES, cloud)
    balancers = load_balancer_addresses(deployed, settings).values()
    every = tuple(dict.fromkeys(address for addresses in balancers for address in addresses))
    yield _host(LOAD_BALANCER, "load balancers, and the API behind them", every)
    for number in range(1, settings.edge_nodes + 1):
        yield _host(f"edge-{number}", "node of CloudFront", _edge_addresses(number), cloud[:1])
    for each in deployed.droplets:
        yield _droplet_host(each, given.droplets[each.id])
    yield replace(
        _host(NAT64, "NAT64 gateway, and its DNS64 resolver", NAT64_ADDRESSES),
        routed=(NAT64_POOL, NAT64_PREFIX, *map(_whole, NAT64_GATEWAY[1:])),
        prepare=dns.nat64(NAT64, _folder(given, NAT64)).prepare,
        forwards=True,
    )
    for client in CLIENTS:
        yield _host(client.name, client.role, client.addresses, client.resolvers)


def _host(name: str, role: str, addresses: Iterable[str], resolvers: tuple[str, ...] = ()) -> Host:
    return Host(name, role, tuple(map(_whole, addresses)), resolvers=resolvers)


def _whole(address: str) -> str:
    return f"{address}/{ip_address(address).max_prefixlen}"


def _edge_addresses(number: int) -> tuple[str, str]:
    return f"198.18.1.{number}", f"2001:db8:cf:{number:x}::1"


def _droplet_host(each: Droplet, name: str) -> Host:
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
    return Host(
        name=name,
        role=f"droplet {each.id}",
        addresses=tuple(addresses),
        gateways=tuple(gateways),
        resolvers=CLOUD_RESOLVER_ADDRESSES[:1],
        routed=(_whole(each.reserved_ipv6),) if each.reserved_ipv6 and each.ipv6 else (),
    )


# Firewalls


def firewall(
    hosts: Sequence[Host], deployed: Deployed, settings: Settings, names: Mapping[int, str]
) -> str:
    """Return what the router filters, as `nft` reads it.

    A droplet with cloud firewalls gets and sends only what one of their rules lets through, and the
    answers to that. One that has none gets and sends everything. Hosts that are down get and send
    nothing.

    Source: DigitalOcean Firewalls Features: what no rule permits is denied; rules of several
    firewalls add up; answers to what was let through are let through.
    """
    down = [interface(host.name) for host in hosts if host.name in settings.down]
    base = [f'{way} "{link}" drop' for link in down for way in ("iifname", "oifname")]
    base.append("ct state established,related accept")
    chains: list[tuple[str, list[str]]] = []
    for each in deployed.droplets:
        if not each.firewalls:
            continue
        for chain, way, key, side in (
            (f"to-{each.id}", "oifname", "inbound_rules", "sources"),
            (f"from-{each.id}", "iifname", "outbound_rules", "destinations"),
        ):
            # What is let through returns, so that another droplet's firewall has its say, too.
            rules = [
                f"{match} return"
                for found in each.firewalls
                for rule in found.get(key) or ()
                for match in _matches(rule, side, deployed)
            ]
            chains.append((chain, [*dict.fromkeys(rules), "drop"]))
            base.append(f'{way} "{interface(names[each.id])}" jump {chain}')
    hook = "type filter hook forward priority filter; policy accept;"
    lines = ["table inet lab", "delete table inet lab", "table inet lab {"]
    for name, rules in [*chains, ("forward", [hook, *base])]:
        lines += [f"  chain {name} {{", *(f"    {rule}" for rule in rules), "  }"]
    return "\n".join([*lines, "}", ""])


def _matches(rule: Fields, side: str, deployed: Deployed) -> Iterator[str]:
    """Return what a rule of a cloud firewall lets through, as `nft` matches it.

    Raises:
        ValueError: It has a protocol or ports that no rule can have.
    """
    direction = "saddr" if side == "sources" else "daddr"
    ports = str(rule.get("ports") or "0")
    if rule["protocol"] not in PROTOCOLS:
        raise ValueError(
            f"The protocol of a firewall's rule is {rule['protocol']!r}; it is one of "
            f"{', '.join(PROTOCOLS)}. Change the rule."
        )
    if ports not in ALL_PORTS and not _PORTS.fullmatch(ports):
        raise ValueError(
            f"The ports of a firewall's rule are {ports!r}; they are a port, a range, 0 or all. "
            "Change the rule."
        )
    for network in map(ip_network, map(literal, _peers(rule[side], deployed))):
        family = "ip" if network.version == IPV4 else "ip6"
        everybody = network.prefixlen == 0
        where = (
            f"meta nfproto ipv{network.version}"
            if everybody
            else f"{family} {direction} {network.with_prefixlen}"
        )
        if rule["protocol"] == "icmp":
            yield f"{where} meta l4proto {'icmp' if network.version == IPV4 else 'icmpv6'}"
        elif ports in ALL_PORTS:
            yield f"{where} meta l4proto {rule['protocol']}"
        else:
            yield f"{where} {rule['protocol']} dport {ports}"


def _peers(named: Fields, deployed: Deployed) -> list[str]:
    """Return the networks that a rule names, those of droplets and tags among them."""
    found = [str(ip_network(address, strict=False)) for address in named.get("addresses") or ()]
    tags = set(named.get("tags") or ())
    for each in deployed.droplets:
        if each.id in (named.get("droplet_ids") or ()) or tags & set(each.metadata.get("tags", ())):
            found += [own for own in (each.ipv4, each.ipv6, each.reserved_ipv6) if own]
    return found


# Programs


def _programs(deployed: Deployed, settings: Settings, given: Given) -> Iterator[Program]:
    yield dns.name_servers(
        deployed, leads(deployed, settings), given.health, _folder(given, NAMES), host=NAMES
    )
    authority = NAME_SERVERS
    for name, addresses, least_ttl_seconds in (
        (RESOLVER, RESOLVER_ADDRESSES, settings.least_ttl_seconds),
        (CLOUD_RESOLVER, CLOUD_RESOLVER_ADDRESSES, 0),
    ):
        yield dns.resolver(
            name,
            addresses,
            authority,
            _folder(given, name),
            least_ttl_seconds=least_ttl_seconds,
        )
    yield dns.resolver(
        NAT64,
        NAT64_ADDRESSES,
        authority,
        _folder(given, NAT64),
        least_ttl_seconds=settings.least_ttl_seconds,
        dns64_prefix=NAT64_PREFIX,
    )
    yield dns.nat64(NAT64, _folder(given, NAT64)).program
    yield dns.health_checkers(
        deployed,
        CLOUD_RESOLVER_ADDRESSES[0],
        _folder(given, CHECKERS),
        host=CHECKERS,
        speed=settings.check_speed,
    )
    yield _origin(deployed, settings, given)
    certificates = {
        arn: given.certificates[frozenset(names)]
        for known in (*given.seen, deployed)
        for arn, names in known.certificates.items()
    }
    certificates[edge.DEFAULT_CERTIFICATE] = given.certificates[CLOUDFRONT_NAMES]
    for number, seen in enumerate(given.seen, 1):
        name = f"edge-{number}"
        yield edge.program(
            name,
            replace(
                deployed,
                distributions=seen.distributions,
                cache_policies=seen.cache_policies,
                origin_request_policies=seen.origin_request_policies,
            ),
            certificates,
            given.ca,
            CLOUD_RESOLVER_ADDRESSES[0],
            _folder(given, name),
        )
    for each in deployed.droplets:
        name = given.droplets[each.id]
        yield from droplet.programs(each, name, CLOUD_RESOLVER_ADDRESSES[0], _folder(given, name))


def _folder(given: Given, host: str) -> Path:
    return given.folder / host


def _origin(deployed: Deployed, settings: Settings, given: Given) -> Program:
    return origin.program(
        LOAD_BALANCER,
        [
            replace(each, listeners=each.listeners or USUAL_LISTENERS[each.kind])
            for each in deployed.load_balancers
        ],
        load_balancer_addresses(deployed, settings),
        {
            each.dns_name: tuple(
                (
                    given.expired
                    if each.dns_name in settings.expired_certificates
                    else given.certificates
                )[names]
                for names in _names_served(each, deployed)
            )
            for each in deployed.load_balancers
        },
        _folder(given, LOAD_BALANCER),
        proxy_protocol=settings.proxy_protocol,
        allow=settings.allow,
    )
