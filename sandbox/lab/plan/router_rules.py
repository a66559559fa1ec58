"""What the router of a lab filters."""

import re
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_network
from typing import Final

from sandbox.lab.deployed import Deployed, Fields
from sandbox.lab.lab_host import LabHost, interface, literal
from sandbox.lab.lab_settings import LabSettings

IPV4: Final = 4
ALL_PORTS: Final = ("0", "all")
"""How a cloud firewall writes all ports. Source: DigitalOcean API reference, `ports`."""

PROTOCOLS: Final = ("tcp", "udp", "icmp")
_PORTS: Final = re.compile(r"[0-9]{1,5}(-[0-9]{1,5})?")
"""What else a rule may say. Source: as above, `inbound_rules`."""


def router_rules(
    hosts: Sequence[LabHost], deployed: Deployed, settings: LabSettings, names: Mapping[int, str]
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
                for cloud_firewall in each.firewalls
                for rule in cloud_firewall.get(key) or ()
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
    networks = [str(ip_network(address, strict=False)) for address in named.get("addresses") or ()]
    tags = set(named.get("tags") or ())
    for each in deployed.droplets:
        if each.id in (named.get("droplet_ids") or ()) or tags & set(each.metadata.get("tags", ())):
            networks += [own for own in (each.ipv4, each.ipv6, each.reserved_ipv6) if own]
    return networks
