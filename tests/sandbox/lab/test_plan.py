"""The lab is a function of what is deployed and of what is set."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.lab import plan as planning
from sandbox.lab.deployed import Deployed, Distribution, Droplet, LoadBalancer, Zone
from sandbox.lab.network import Host, interface
from sandbox.lab.plan import (
    CLOUDFRONT_NAMES,
    Given,
    Settings,
    certificates_needed,
    changed,
    droplet_hosts,
    edge_delays,
    firewall,
    leads,
    load_balancer_addresses,
    plan,
    seen_after,
    unsupported,
)

BALANCER = LoadBalancer("api-1.us-east-1.elb.amazonaws.com", "application", (), ())
ORIGIN = {"Items": [{"DomainName": BALANCER.dns_name, "Id": "api"}], "Quantity": 1}


def alias(name: str, target: str, kind: str = "A", **more: Any) -> dict[str, Any]:
    """Return an alias record."""
    return {
        "Name": f"{name}.",
        "Type": kind,
        "AliasTarget": {
            "DNSName": f"{target}.",
            "HostedZoneId": "Z",
            "EvaluateTargetHealth": False,
        },
        **more,
    }


def rule(protocol: str, ports: str, side: str = "sources", **peers: Any) -> dict[str, Any]:
    """Return a rule of a cloud firewall."""
    return {"protocol": protocol, "ports": ports, side: peers}


def droplet(number: int, name: str = "proxy", **fields: Any) -> Droplet:
    """Return a droplet with addresses that follow from its number."""
    public = {
        "ipv4": {"netmask": "255.255.255.0", "gateway": "198.51.100.1"},
        "ipv6": {"cidr": 64},
    }
    made = Droplet(
        id=number,
        name=name,
        ipv4=f"198.51.100.{number}",
        ipv6=f"2001:db8:d0:a::{number:x}",
        ipv6_gateway="2001:db8:d0:a::1",
        ipv6_prefix_length=64,
        reserved_ipv6=f"2001:db8:d1:a::{number:x}",
        user_data="#cloud-config\n",
        metadata={"interfaces": {"public": [public]}, "tags": ["pool"], "user_data": ""},
        firewalls=(),
    )
    return replace(made, **fields)


DEPLOYED = Deployed(
    zones=(
        Zone(
            "Z1",
            "example.com",
            (
                alias("api.example.com", "inner.example.com", SetIdentifier="direct", Weight=1),
                alias("inner.example.com", BALANCER.dns_name),
                {
                    "Name": "old.example.com.",
                    "Type": "CNAME",
                    "TTL": 60,
                    "ResourceRecords": [{"Value": "Inner.Example.com"}],
                },
                alias("else.example.com", "else.elb.amazonaws.com"),
                alias("_proxy.example.com", BALANCER.dns_name, "AAAA"),
            ),
        ),
    ),
    load_balancers=(BALANCER,),
    droplets=(droplet(2),),
)


def distribution(**config: Any) -> Distribution:
    """Return a distribution in front of the load balancer."""
    return Distribution(
        "E1",
        "e1.cloudfront.net",
        {"Origins": ORIGIN, "Aliases": {"Quantity": 1, "Items": ["cdn.example.com"]}, **config},
    )


# Names


def test_a_replaced_droplet_keeps_its_host_and_the_new_one_has_its_own_for_good() -> None:
    both = Deployed(droplets=(droplet(2), droplet(9)))
    first = droplet_hosts(Deployed(droplets=(droplet(2),)), {})
    second = droplet_hosts(both, first)
    third = droplet_hosts(Deployed(droplets=(droplet(9),)), second)
    assert [first, second, third] == [
        {2: "droplet-proxy"},
        {2: "droplet-proxy", 9: "droplet-proxy-9"},
        {9: "droplet-proxy-9"},
    ]


@given(st.lists(st.sets(st.integers(1, 6)), max_size=6))
def test_no_two_droplets_share_a_host_and_none_ever_moves(moments: list[set[int]]) -> None:
    names: dict[int, str] = {}
    for ids in moments:
        found = Deployed(droplets=tuple(droplet(number) for number in ids))
        after = droplet_hosts(found, names)
        assert set(after) == ids
        assert len(set(after.values())) == len(ids)
        assert all(after[number] == names[number] for number in ids if number in names)
        names = after


# Propagation


def test_edge_nodes_hear_of_a_change_one_after_the_other() -> None:
    assert edge_delays(Settings(edge_nodes=4, propagation_seconds=2)) == [0.5, 1.0, 1.5, 2.0]


@pytest.mark.parametrize(
    ("moment", "delay", "seen"),
    [
        pytest.param(100.0, 5.0, "first", id="the first is known everywhere"),
        pytest.param(204.0, 5.0, "first", id="too early"),
        pytest.param(205.0, 5.0, "second", id="just in time"),
        pytest.param(211.0, 5.0, "third", id="two changes at once"),
        pytest.param(206.0, 0.0, "third", id="no delay"),
    ],
)
def test_a_node_sees_the_last_change_that_it_has_heard_of(
    moment: float, delay: float, seen: str
) -> None:
    history = [
        (since, Deployed(certificates={name: ()}))
        for since, name in ((99.0, "first"), (200.0, "second"), (206.0, "third"))
    ]
    assert list(seen_after(history, moment, delay).certificates) == [seen]


# Addresses


@given(st.sets(st.from_regex(r"[a-z]{1,8}\.elb\.amazonaws\.com", fullmatch=True), max_size=60))
def test_no_two_load_balancers_share_an_address(names: set[str]) -> None:
    balancers = tuple(replace(BALANCER, dns_name=name) for name in names)
    found = load_balancer_addresses(Deployed(load_balancers=balancers), Settings())
    addresses = [address for own in found.values() for address in own]
    assert set(found) == names
    assert len(set(addresses)) == len(addresses) == 2 * len(names)
    assert all(address.startswith("198.18.0.") for address in addresses)


def test_names_lead_to_addresses_and_to_ipv6_only_where_it_is_on() -> None:
    settings = Settings(load_balancer_addresses={BALANCER.dns_name: ("198.18.0.250",)})
    off = Distribution("E2", "e2.cloudfront.net", {"IsIPV6Enabled": False})
    on = distribution(IsIPV6Enabled=True)
    found = leads(replace(DEPLOYED, distributions=(on, off)), settings)
    assert found == {
        BALANCER.dns_name: (("198.18.0.250",), ()),
        on.domain_name: (
            ("198.18.1.1", "198.18.1.2"),
            ("2001:db8:cf:1::1", "2001:db8:cf:2::1"),
        ),
        off.domain_name: (("198.18.1.1", "198.18.1.2"), ()),
    }


# Certificates


def test_a_load_balancer_without_a_listener_has_a_certificate_for_all_that_leads_to_it() -> None:
    found = certificates_needed(replace(DEPLOYED, distributions=(distribution(),)))
    assert found == {
        CLOUDFRONT_NAMES,
        frozenset(
            {
                BALANCER.dns_name,
                "api.example.com",
                "inner.example.com",
                "old.example.com",
                "cdn.example.com",
            }
        ),
    }


def test_a_load_balancer_has_the_certificates_that_its_listeners_name() -> None:
    named = replace(BALANCER, certificates=("arn:1",))
    found = replace(
        DEPLOYED, load_balancers=(named,), certificates={"arn:1": ("*.example.org", "example.org")}
    )
    assert certificates_needed(found) == {
        CLOUDFRONT_NAMES,
        frozenset({"*.example.org", "example.org"}),
    }


def test_a_certificate_that_cannot_be_read_is_not_made_up_and_told(tmp_path: Path) -> None:
    old = "arn:aws:iam::123456789012:server-certificate/old.example.org"
    found = replace(
        DEPLOYED,
        load_balancers=(replace(BALANCER, listeners=(("HTTPS", 443),), certificates=(old,)),),
    )

    assert certificates_needed(found) == {CLOUDFRONT_NAMES}
    assert unsupported(found) == [
        (
            f"Load balancer {BALANCER.dns_name}: the certificate {old} is not one that ACM has "
            "issued, and what it covers cannot be read; it is not shown."
        )
    ]
    (program,) = (each for each in planned(tmp_path, found).programs if each.name == "origin")
    (text,) = program.files.values()
    (balancer,) = json.loads(text)["load_balancers"]
    assert balancer["certificates"] == []


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"open_ports": ((80, 80), (400, 500))}, []),
        ({"open_ports": ((0, 65535),)}, []),
        (
            {"open_ports": ((80, 80),)},
            [
                (
                    "its security groups do not let everybody in on port 443; the lab has no "
                    "security groups, and does"
                )
            ],
        ),
        (
            {"open_ports": (), "listeners": (("TCP", 8443),)},
            [
                (
                    "its security groups do not let everybody in on port 8443; the lab has no "
                    "security groups, and does"
                )
            ],
        ),
        ({"scheme": "internal"}, ["its scheme is internal; in the lab everybody reaches it"]),
        (
            {"address_type": "dualstack"},
            ["its address type is dualstack; in the lab it has IPv4 alone"],
        ),
    ],
)
def test_what_a_load_balancer_has_and_the_lab_has_not_is_told(
    fields: dict[str, Any], told: list[str]
) -> None:
    found = replace(DEPLOYED, load_balancers=(replace(BALANCER, **fields),))
    assert unsupported(found) == [
        f"Load balancer {BALANCER.dns_name}: {sentence}." for sentence in told
    ]


# Firewalls


def filtered(found: Deployed, *down: str) -> list[str]:
    """Return the rules of the router, without what is always there."""
    names = droplet_hosts(found, {})
    hosts = [Host(name, "", ()) for name in names.values()]
    text = firewall(hosts, found, Settings(down=down), names)
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
    found = (droplet(2, firewalls=(rules,)), droplet(9, "other", reserved_ipv6=""))
    assert filtered(replace(DEPLOYED, droplets=found))[1:3] == [
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
    found = Deployed(droplets=(droplet(2, firewalls=(rules,)), droplet(3, "other")))
    names = droplet_hosts(found, {})
    text = firewall(
        [Host(name, "", ()) for name in names.values()],
        found,
        Settings(down=("droplet-other",)),
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


# The whole


def planned(tmp_path: Path, found: Deployed, settings: Settings | None = None) -> planning.Plan:
    """Return the lab of what is deployed."""
    settings = settings or Settings()
    certificates = dict.fromkeys(certificates_needed(found), (tmp_path / "c", tmp_path / "k"))
    return plan(
        found,
        settings,
        Given(
            folder=tmp_path,
            ca=tmp_path / "ca.pem",
            certificates=certificates,
            expired=certificates,
            seen=[found] * settings.edge_nodes,
            droplets=droplet_hosts(found, {}),
        ),
    )


def test_every_host_has_its_programs_and_every_program_a_host(tmp_path: Path) -> None:
    found = planned(tmp_path, DEPLOYED)
    clients = {client.name for client in planning.CLIENTS}
    hosts = {host.name for host in found.hosts}
    assert {program.host for program in found.programs} == hosts - clients
    assert hosts == clients | {
        "names",
        "resolver",
        "cloud-resolver",
        "checkers",
        "load-balancer",
        "edge-1",
        "edge-2",
        "droplet-proxy",
        "nat64",
    }
    keys = [(program.host, program.name) for program in found.programs]
    assert len(set(keys)) == len(keys)


def test_no_two_hosts_share_an_address(tmp_path: Path) -> None:
    found = planned(tmp_path, DEPLOYED)
    addresses = [
        address.partition("/")[0]
        for host in found.hosts
        for address in (*host.addresses, *host.routed)
    ]
    assert len(set(addresses)) == len(addresses)


def test_a_droplet_has_the_addresses_of_its_cloud_and_its_reserved_one_is_routed(
    tmp_path: Path,
) -> None:
    (host,) = (host for host in planned(tmp_path, DEPLOYED).hosts if host.name == "droplet-proxy")
    assert host == Host(
        name="droplet-proxy",
        role="droplet 2",
        addresses=("198.51.100.2/24", "2001:db8:d0:a::2/64"),
        gateways=("198.51.100.1", "2001:db8:d0:a::1"),
        resolvers=("198.18.3.4",),
        routed=("2001:db8:d1:a::2/128",),
    )


@pytest.mark.parametrize(
    ("host", "families"),
    [("ipv4-only", {4}), ("dual-stack", {4, 6}), ("ipv6-only", {6}), ("load-balancer", {4})],
)
def test_a_host_speaks_the_families_that_it_stands_for(
    tmp_path: Path, host: str, families: set[int]
) -> None:
    (found,) = (one for one in planned(tmp_path, DEPLOYED).hosts if one.name == host)
    assert found.families == families


def test_nothing_deployed_is_a_lab_too(tmp_path: Path) -> None:
    assert planned(tmp_path, Deployed(), Settings(edge_nodes=1)).hosts


# Settings


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("edge-nodes", "3", Settings(edge_nodes=3)),
        ("propagation-seconds", "0.5", Settings(propagation_seconds=0.5)),
        ("check-speed", "10", Settings(check_speed=10)),
        ("least-ttl-seconds", "60", Settings(least_ttl_seconds=60)),
        ("mtu.edge-1", "1280", Settings(mtu={"edge-1": 1280})),
        ("down", "edge-1, edge-2", Settings(down=("edge-1", "edge-2"))),
        ("down", "", Settings()),
        ("allow", "198.18.0.0/15", Settings(allow=("198.18.0.0/15",))),
        ("allow", "", Settings()),
        (
            "load-balancer-addresses.api.elb.amazonaws.com",
            "198.18.0.7",
            Settings(load_balancer_addresses={"api.elb.amazonaws.com": ("198.18.0.7",)}),
        ),
        ("load-balancer-addresses.api.elb.amazonaws.com", "", Settings()),
    ],
)
def test_a_setting_is_changed_by_its_name(name: str, value: str, expected: Settings) -> None:
    assert changed(Settings(), name, value) == expected


NAMES = (
    "allow, check-speed, down, edge-nodes, expired-certificates, least-ttl-seconds, "
    "load-balancer-addresses.NAME, mtu.NAME, propagation-seconds, proxy-protocol"
)
LIST = "it is a list of IPv4 addresses. Separate them with commas."


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("edges", "3", f"The setting is edges; there are {NAMES}. Name one of these."),
        ("mtu", "1500", f"The setting is mtu; there are {NAMES}. Name one of these."),
        ("down.edge-1", "", f"The setting is down.edge-1; there are {NAMES}. Name one of these."),
        ("edge-nodes", "many", "edge-nodes is 'many'; it is a number. Give one."),
        ("edge-nodes", "0", "edge-nodes is 0; it is 1 to 16. Set another."),
        ("propagation-seconds", "nan", "propagation-seconds is nan; it is 0 to 3600. Set another."),
        ("mtu.edge-1", "1279", "mtu.edge-1 is 1279; it is 1280 to 9000. Set another."),
        ("load-balancer-addresses.api", "::1", f"load-balancer-addresses.api has ::1; {LIST}"),
        (
            "allow",
            "everybody",
            "allow has everybody; it is a list of IPv4 networks. Separate them with commas.",
        ),
    ],
)
def test_a_setting_that_cannot_be_is_refused_with_what_can(
    name: str, value: str, message: str
) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        changed(Settings(), name, value)
    assert str(refused.value) == message
