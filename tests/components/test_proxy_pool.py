"""`ProxyPool`: whole inputs, the order that keeps it serving, and what replaces what."""

import itertools
import logging
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from components.facts import HEALTH_CHECKERS
from components.proxy.nginx import ProxyError
from components.proxy.plan import plan
from components.proxy.upgrades import REGIONS
from components.proxy_pool import ProxyPool
from components.settings import Proxies

if TYPE_CHECKING:
    from support.recording import MockEngine

LOAD_BALANCER = "api-1.eu-central-1.elb.amazonaws.com"
POOL = Proxies(regions=("fra1", "ams3"))
LABEL = "dualstack-edge-prod-pool"


def make(engine: "MockEngine", pool: Proxies = POOL, *, protect: bool = True) -> ProxyPool:
    nodes = plan(pool, LOAD_BALANCER, "network")
    return engine.run(lambda: ProxyPool("pool", {"pool": pool, "nodes": nodes, "protect": protect}))


def test_everything_has_a_stable_name_and_belongs_to_the_pool(engine: "MockEngine") -> None:
    make(engine, POOL.model_copy(update={"alert_emails": ("ops@example.com",)}))
    assert {name: item.type.rpartition(":")[2] for name, item in engine.registered.items()} == {
        "pool": "ProxyPool",
        "pool-tag": "Tag",
        "pool-firewall": "Firewall",
        "pool-alert-cpu": "MonitorAlert",
        "pool-alert-memory": "MonitorAlert",
        "pool-alert-disk": "MonitorAlert",
        "pool-fra1-vpc": "Vpc",
        "pool-ams3-vpc": "Vpc",
        "pool-fra1-1": "Droplet",
        "pool-fra1-1-address": "ReservedIpv6",
        "pool-fra1-1-assignment": "ReservedIpv6Assignment",
        "pool-ams3-1": "Droplet",
        "pool-ams3-1-address": "ReservedIpv6",
        "pool-ams3-1-assignment": "ReservedIpv6Assignment",
    }
    parents = {item.parent for name, item in engine.registered.items() if name != "pool"}
    assert parents == {"pool"}


def test_a_droplet_is_a_plain_debian_with_ipv6_a_firewall_and_no_way_in(
    engine: "MockEngine",
) -> None:
    make(engine)
    droplet = engine.registered["pool-fra1-1"]
    user_data = droplet.inputs["userData"]
    assert droplet.inputs == {
        "name": f"{LABEL}-fra1-1",
        "region": "fra1",
        "size": "s-1vcpu-1gb",
        "image": "debian-12-x64",
        "ipv6": True,
        "monitoring": True,
        "dropletAgent": False,
        "sshKeys": [],
        "tags": [LABEL],
        "vpcUuid": "pool-fra1-vpc-id",
        "userData": user_data,
    }
    assert droplet.depends_on == {"pool-firewall", "pool-tag", "pool-fra1-vpc"}
    assert droplet.replace_on_changes == ("size",)
    assert droplet.delete_before_replace is False
    assert yaml.safe_load(user_data)["ssh_pwauth"] is False
    assert f"set $load_balancer {LOAD_BALANCER}:443;" in user_data


def test_an_address_is_reserved_apart_from_the_droplet_and_moves_to_it(
    engine: "MockEngine",
) -> None:
    pool = make(engine)
    address = engine.registered["pool-fra1-1-address"]
    assignment = engine.registered["pool-fra1-1-assignment"]
    reserved = engine.outputs["pool"]["addresses"]
    assert address.inputs == {"regionSlug": "fra1"}
    assert assignment.inputs["ip"] == reserved[0]
    assert assignment.inputs["dropletId"] > 0
    assert assignment.depends_on == {"pool-fra1-1", "pool-fra1-1-address"}
    assert [item.node for item in pool.addresses] == ["fra1-1", "ams3-1"]
    assert len(set(reserved)) == 2


def test_addresses_move_one_after_the_other_and_only_to_a_droplet_that_serves(
    engine: "MockEngine",
) -> None:
    make(engine, POOL.model_copy(update={"nodes_per_region": 2}))
    order = ["fra1-1", "fra1-2", "ams3-1", "ams3-2"]
    for before, node in itertools.pairwise(order):
        waits = engine.registered[f"pool-{node}-assignment"].depends_on
        assert f"pool-{before}-assignment" in waits
    assert all(
        len(engine.registered[f"pool-{node}-assignment"].before_create) == 1 for node in order
    )


def test_nobody_waits_for_a_droplet_that_is_given_no_time(engine: "MockEngine") -> None:
    make(engine, POOL.model_copy(update={"ready_seconds": 0}))
    assert engine.registered["pool-fra1-1-assignment"].before_create == ()


def test_the_pool_says_how_much_it_holds(
    engine: "MockEngine", caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        make(engine, POOL.model_copy(update={"nodes_per_region": 2, "connections": 6_000}))
    # Pulumi's mocks log as root; a lab that is open beside this has a logger of its own.
    assert [record.getMessage() for record in caplog.records if record.name == "root"] == [
        "The pool of 4 holds 24,000 connections, and 18,000 while one is away."
    ]


def test_users_are_sent_to_an_address_only_when_it_is_served(engine: "MockEngine") -> None:
    pool = make(engine)
    assert all(address.before_users for address in pool.addresses)
    pool = make(engine, POOL.model_copy(update={"ready_seconds": 0}))
    assert not any(address.before_users for address in pool.addresses)


def test_a_proxy_that_leaves_stays_as_it_is(engine: "MockEngine") -> None:
    pool = POOL.model_copy(update={"regions": ("ams3",), "size": "s-2vcpu-2gb"})
    nodes = plan(pool, LOAD_BALANCER, "network", ("fra1-1",))
    made = engine.run(lambda: ProxyPool("pool", {"pool": pool, "nodes": nodes}))
    assert {address.node: address.leaving for address in made.addresses} == {
        "ams3-1": False,
        "fra1-1": True,
    }
    assert engine.registered["pool-fra1-1"].ignore_changes == (
        "image",
        "size",
        "sshKeys",
        "userData",
    )
    assert engine.registered["pool-ams3-1"].ignore_changes == ()
    assert {"pool-fra1-vpc", "pool-fra1-1-address", "pool-fra1-1-assignment"} <= (
        engine.registered.keys()
    )


EVERYBODY = ["::/0"]
ANYWHERE = ["0.0.0.0/0", "::/0"]
ICMP_IN = {"protocol": "icmp", "sourceAddresses": EVERYBODY}
KEY = "3b:16:bf:e4:8b:00:8b:b8:59:8c:a9:d3:f0:19:45:fa"


@pytest.mark.parametrize(
    ("options", "inbound"),
    [
        pytest.param({}, [("443", EVERYBODY)], id="the served port"),
        pytest.param(
            {"ports": (80, 443)}, [("80", EVERYBODY), ("443", EVERYBODY)], id="two served ports"
        ),
        pytest.param({"ssh_keys": (KEY,)}, [("443", EVERYBODY)], id="keys, but no networks"),
        pytest.param(
            {"ssh_keys": (KEY,), "ssh_source_ranges": ("2001:db8::/48", "192.0.2.0/24")},
            [("443", EVERYBODY), ("22", ["2001:db8::/48", "192.0.2.0/24"])],
            id="keys and networks",
        ),
    ],
)
def test_the_firewall_lets_in_what_is_served_and_ssh_only_from_where_it_was_given(
    engine: "MockEngine", options: dict[str, Any], inbound: list[tuple[str, list[str]]]
) -> None:
    make(engine, POOL.model_copy(update=options))
    firewall = engine.registered["pool-firewall"].inputs
    assert firewall["inboundRules"] == [
        *(
            {"protocol": "tcp", "portRange": port, "sourceAddresses": sources}
            for port, sources in inbound
        ),
        ICMP_IN,
    ]
    assert firewall["tags"] == [LABEL]
    assert firewall["name"] == LABEL


def test_the_firewall_lets_health_checks_ask_for_room_where_somebody_listens_to_them(
    engine: "MockEngine",
) -> None:
    nodes = plan(POOL, LOAD_BALANCER, "network")
    engine.run(lambda: ProxyPool("pool", {"pool": POOL, "nodes": nodes, "watched": True}))
    _, room, _ = engine.registered["pool-firewall"].inputs["inboundRules"]
    assert (room["protocol"], room["portRange"]) == ("tcp", "8101")
    assert room["sourceAddresses"] == list(HEALTH_CHECKERS)
    assert len({ip_network(network) for network in HEALTH_CHECKERS}) == 32
    assert min(ip_network(network).prefixlen for network in HEALTH_CHECKERS) == 53


def test_the_firewall_lets_out_only_what_a_proxy_needs(engine: "MockEngine") -> None:
    make(engine, POOL.model_copy(update={"ports": (8443,)}))
    rules = engine.registered["pool-firewall"].inputs["outboundRules"]
    assert [(rule["protocol"], rule.get("portRange")) for rule in rules] == [
        ("udp", "53"),
        ("udp", "123"),
        ("tcp", "53"),
        ("tcp", "80"),
        ("tcp", "443"),
        ("tcp", "8443"),
        ("icmp", None),
    ]
    assert all(rule["destinationAddresses"] == ANYWHERE for rule in rules)


def test_alerts_go_to_whoever_is_named_and_cover_whatever_carries_the_tag(
    engine: "MockEngine",
) -> None:
    make(engine, POOL.model_copy(update={"alert_emails": ("ops@example.com",)}))
    assert engine.registered["pool-alert-memory"].inputs == {
        "type": "v1/insights/droplet/memory_utilization_percent",
        "description": f"{LABEL}: memory above 90 %",
        "compare": "GreaterThan",
        "value": 90,
        "window": "10m",
        "enabled": True,
        "tags": [LABEL],
        "alerts": {"emails": ["ops@example.com"]},
    }


@pytest.mark.parametrize("protect", [True, False])
def test_addresses_are_protected_and_droplets_never(engine: "MockEngine", protect: bool) -> None:
    make(engine, protect=protect)
    protected = {name for name, item in engine.registered.items() if item.protect}
    assert protected == ({"pool-fra1-1-address", "pool-ams3-1-address"} if protect else set())


# ---- the plan -----------------------------------------------------------------------------------


def by_id(**options: Any) -> dict[str, str]:
    pool = POOL.model_copy(update=options)
    return {node.id: node.user_data for node in plan(pool, LOAD_BALANCER, "network")}


@pytest.mark.parametrize(
    "grown",
    [
        pytest.param({"nodes_per_region": 3}, id="more nodes"),
        pytest.param({"regions": ("fra1", "ams3", "lon1")}, id="one region more"),
    ],
)
def test_a_pool_that_grows_replaces_nobody(grown: dict[str, Any]) -> None:
    before, after = by_id(), by_id(**grown)
    assert before.items() <= after.items()
    assert len(after) > len(before)


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"regions": ("ams3",)}, id="the first region removed"),
        pytest.param({"regions": ("ams3", "fra1")}, id="the regions in another order"),
        pytest.param({"regions": ("syd1", "fra1", "ams3")}, id="a region before the others"),
        pytest.param({"regions": ("fra1", "lon1")}, id="a region for another one"),
    ],
)
def test_what_a_proxy_is_depends_on_its_own_region_and_number_alone(
    changed: dict[str, Any],
) -> None:
    before, after = by_id(), by_id(**changed)
    stay = before.keys() & after.keys()
    assert stay
    assert {node: before[node] for node in stay} == {node: after[node] for node in stay}


def test_each_of_the_largest_pool_is_upgraded_at_a_time_of_its_own() -> None:
    user_data = by_id(regions=REGIONS, nodes_per_region=3)
    times = {
        line.strip()
        for text in user_data.values()
        for line in text.splitlines()
        if "OnCalendar=*" in line
    }
    assert len(times) == len(user_data) == 36


def test_a_load_balancer_s_name_is_followed_in_lower_case() -> None:
    (node,) = plan(Proxies(regions=("fra1",)), LOAD_BALANCER.upper(), "network")
    assert f"set $load_balancer {LOAD_BALANCER}:443;" in node.user_data


def test_user_data_over_the_limit_is_refused_before_anything_is_made() -> None:
    pool = Proxies(regions=("fra1",), ports=tuple(range(10_000, 10_400)))
    with pytest.raises(ProxyError, match=r"bytes; at most 65,536 bytes, which is DigitalOcean's"):
        plan(pool, LOAD_BALANCER, "network")
