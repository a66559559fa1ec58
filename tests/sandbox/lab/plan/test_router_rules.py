"""What the router of a lab filters."""

import subprocess
from dataclasses import replace

from sandbox.lab.deployed import Deployed
from sandbox.lab.lab_host import LabHost, interface
from sandbox.lab.lab_settings import LabSettings
from sandbox.lab.plan.hosts import droplet_hosts
from sandbox.lab.plan.router_rules import router_rules
from support.deployed import DEPLOYED, droplet, rule


def filtered(deployed: Deployed, *down: str) -> list[str]:
    """Return the rules of the router, without what is always there."""
    names = droplet_hosts(deployed, {})
    hosts = [LabHost(name, "", ()) for name in names.values()]
    text = router_rules(hosts, deployed, LabSettings(down=down), names)
    return [line.strip() for line in text.splitlines()[3:-1]]


END = [
    "chain forward {",
    "type filter hook forward priority filter; policy accept;",
    "ct state established,related accept",
]
LINK = interface("droplet-proxy")


def test_a_droplet_without_a_firewall_is_open() -> None:
    assert filtered(DEPLOYED) == [*END, "}"]


def test_what_a_firewall_does_not_permit_is_dropped() -> None:
    rules = {
        "inbound_rules": [
            rule("tcp", "443", addresses=["::/0"]),
            rule("tcp", "8000-8999", addresses=["198.18.2.0/24", "2001:db8:c::1"]),
            rule("icmp", "0", addresses=["0.0.0.0/0", "::/0"]),
            rule("udp", "all", tags=["pool"]),
        ],
        "outbound_rules": [rule("tcp", "0", "destinations", addresses=["0.0.0.0/0"])],
    }
    assert filtered(replace(DEPLOYED, droplets=(droplet(2, firewalls=(rules,)),))) == [
        "chain to-2 {",
        "meta nfproto ipv6 tcp dport 443 return",
        "ip saddr 198.18.2.0/24 tcp dport 8000-8999 return",
        "ip6 saddr 2001:db8:c::1/128 tcp dport 8000-8999 return",
        "meta nfproto ipv4 meta l4proto icmp return",
        "meta nfproto ipv6 meta l4proto icmpv6 return",
        "ip saddr 198.51.100.2/32 meta l4proto udp return",
        "ip6 saddr 2001:db8:d0:a::2/128 meta l4proto udp return",
        "ip6 saddr 2001:db8:d1:a::2/128 meta l4proto udp return",
        "drop",
        "}",
        "chain from-2 {",
        "meta nfproto ipv4 meta l4proto tcp return",
        "drop",
        "}",
        *END,
        f'oifname "{LINK}" jump to-2',
        f'iifname "{LINK}" jump from-2',
        "}",
    ]


def test_rules_of_several_firewalls_add_up() -> None:
    one = {"inbound_rules": [rule("tcp", "443", addresses=["::/0"])]}
    other = {"inbound_rules": [rule("tcp", "22", addresses=["::/0"])]}
    lines = filtered(replace(DEPLOYED, droplets=(droplet(2, firewalls=(one, other)),)))
    assert lines[:4] == [
        "chain to-2 {",
        "meta nfproto ipv6 tcp dport 443 return",
        "meta nfproto ipv6 tcp dport 22 return",
        "drop",
    ]


def test_a_firewall_names_droplets_by_their_ids() -> None:
    rules = {"inbound_rules": [rule("tcp", "443", droplet_ids=[9])]}
    droplets = (droplet(2, firewalls=(rules,)), droplet(9, "other", reserved_ipv6=""))
    assert filtered(replace(DEPLOYED, droplets=droplets))[1:3] == [
        "ip saddr 198.51.100.9/32 tcp dport 443 return",
        "ip6 saddr 2001:db8:d0:a::9/128 tcp dport 443 return",
    ]


def test_a_host_that_is_down_gets_and_sends_nothing_whatever_was_begun() -> None:
    assert filtered(DEPLOYED, "droplet-proxy") == [
        *END[:2],
        f'iifname "{LINK}" drop',
        f'oifname "{LINK}" drop',
        END[2],
        "}",
    ]


def test_nft_takes_what_is_rendered() -> None:
    rules = {
        "inbound_rules": [
            rule("tcp", "443", addresses=["::/0", "0.0.0.0/0", "198.18.0.0/16"]),
            rule("udp", "1000-2000", addresses=["2001:db8::/32"]),
            rule("icmp", "", addresses=["0.0.0.0/0", "::1"]),
            rule("tcp", "all", tags=["pool"]),
        ],
        "outbound_rules": [],
    }
    deployed = Deployed(droplets=(droplet(2, firewalls=(rules,)), droplet(3, "other")))
    names = droplet_hosts(deployed, {})
    text = router_rules(
        [LabHost(name, "", ()) for name in names.values()],
        deployed,
        LabSettings(down=("droplet-other",)),
        names,
    )
    done = subprocess.run(
        ["unshare", "--net", "/usr/sbin/nft", "-f", "-"],
        input=text * 2,  # a second time it replaces the first
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
