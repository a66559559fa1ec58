"""Reserved addresses move, firewalls are applied, VPCs keep Droplets apart."""

from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.clouds.digitalocean import firewalls
from sandbox.clouds.digitalocean.wire import RefusalError

HTTPS = {"protocol": "tcp", "ports": "443", "sources": {"addresses": ["::/0"]}}


def test_an_address_is_reserved_at_once(cloud: Any) -> None:
    reply = cloud.send("POST /v2/reserved_ipv6", {"region_slug": "fra1"})
    made = reply.json["reserved_ipv6"]
    assert (reply.status, made) == (
        201,
        {
            "ip": "2001:db8:d1:a::2",
            "region_slug": "fra1",
            "reserved_at": "2023-11-14T22:13:20Z",
        },
    )
    assert cloud.ok("GET /v2/reserved_ipv6")["reserved_ipv6s"] == [{**made, "droplet": None}]


def test_an_address_is_found_in_any_notation(cloud: Any) -> None:
    ip = cloud.reserve()
    assert ip == "2001:db8:d1:8::2"
    assert cloud.holder("2001:0DB8:00d1:8:0:0:0:2") is None
    assert cloud.send("GET /v2/reserved_ipv6/2001%3Adb8%3Ad1%3A8%3A%3A2").status == 200


def test_an_address_is_assigned_when_the_action_is_over(cloud: Any) -> None:
    number, ip = cloud.droplet(), cloud.reserve()
    action = cloud.assign(ip, number)
    assert (action["type"], action["status"]) == ("assign_ip", "in-progress")
    assert (action["resource_type"], action["region_slug"]) == ("reserved_ipv6", "nyc3")
    assert cloud.holder(ip) is None
    cloud.wait()
    assert cloud.holder(ip) == number
    assert cloud.ok(f"GET /v2/actions/{action['id']}")["action"]["status"] == "completed"


def test_an_assigned_address_moves_without_being_unassigned(cloud: Any) -> None:
    old, new, ip = cloud.droplet(), cloud.droplet(), cloud.reserve()
    cloud.assign(ip, old)
    cloud.wait()
    cloud.assign(ip, new)
    assert cloud.holder(ip) == old
    cloud.wait()
    assert cloud.holder(ip) == new
    cloud.assign(cloud.reserve(), old)


def test_an_unassigned_address_can_be_given_up(cloud: Any) -> None:
    number, ip = cloud.droplet(), cloud.reserve()
    cloud.assign(ip, number)
    cloud.wait()
    action = cloud.ok(f"POST /v2/reserved_ipv6/{ip}/actions", {"type": "unassign"})["action"]
    assert (action["type"], action["resource_id"]) == ("unassign_ip", number)
    assert cloud.holder(ip) == number
    cloud.wait()
    assert cloud.send(f"DELETE /v2/reserved_ipv6/{ip}").status == 204
    assert cloud.send(f"GET /v2/reserved_ipv6/{ip}").status == 404
    assert cloud.reserve() != ip


def test_an_address_outlives_its_droplet(cloud: Any) -> None:
    number, ip = cloud.droplet(), cloud.reserve()
    cloud.assign(ip, number)
    cloud.wait()
    cloud.ok(f"DELETE /v2/droplets/{number}")
    assert cloud.holder(ip) == number
    cloud.wait()
    assert cloud.holder(ip) is None


def test_assigning_to_a_droplet_that_goes_first_ends_in_error(cloud: Any) -> None:
    number, ip = cloud.droplet(), cloud.reserve()
    cloud.settings(action_seconds=10)
    action = cloud.assign(ip, number)
    cloud.settings(action_seconds=1)
    cloud.ok(f"DELETE /v2/droplets/{number}")
    cloud.wait(20)
    assert cloud.ok(f"GET /v2/actions/{action['id']}")["action"]["status"] == "errored"
    assert cloud.holder(ip) is None


def test_the_limit_of_reserved_addresses_can_be_raised(cloud: Any) -> None:
    cloud.settings(reserved_ip_limit=5)
    assert len({cloud.reserve() for _ in range(5)}) == 5


def test_a_firewall_waits_until_it_is_applied(cloud: Any) -> None:
    number = cloud.droplet()
    firewall = cloud.firewall(droplet_ids=[number])
    assert firewall["status"] == "waiting"
    assert firewall["pending_changes"] == [
        {"droplet_id": number, "removing": False, "status": "waiting"}
    ]
    cloud.wait()
    assert cloud.ok(f"GET /v2/firewalls/{firewall['id']}")["firewall"] == {
        **firewall,
        "status": "succeeded",
        "pending_changes": [],
    }


def test_a_firewall_without_droplets_has_nothing_to_wait_for(cloud: Any) -> None:
    assert cloud.firewall()["status"] == "succeeded"


@pytest.mark.parametrize("ports", ["0", "all"])
def test_all_ports_are_shown_as_0(cloud: Any, ports: str) -> None:
    shown = cloud.firewall(inbound_rules=[{**HTTPS, "ports": ports}])["inbound_rules"]
    assert shown == [{**HTTPS, "ports": "0"}]


def test_icmp_needs_no_ports(cloud: Any) -> None:
    rule = {"protocol": "icmp", "destinations": {"addresses": ["0.0.0.0/0"]}}
    shown = cloud.firewall(inbound_rules=None, outbound_rules=[rule])["outbound_rules"]
    assert shown == [{**rule, "ports": "0"}]


@given(st.integers(-5, 70000), st.integers(-5, 70000))
def test_a_range_of_ports_goes_from_low_to_high(low: int, high: int) -> None:
    text = f"{low}-{high}"
    if 1 <= low <= high <= 65535:
        assert firewalls.ports(text) == text
    else:
        with pytest.raises(RefusalError):
            firewalls.ports(text)


def test_updating_a_firewall_empties_what_is_left_out(cloud: Any) -> None:
    number = cloud.droplet(tags=["pool"])
    firewall = cloud.firewall(droplet_ids=[number], tags=["pool"])
    rule: dict[str, object] = {"protocol": "icmp", "destinations": {}}
    body = {"name": "pool", "outbound_rules": [rule]}
    updated = cloud.ok(f"PUT /v2/firewalls/{firewall['id']}", body)["firewall"]
    assert (updated["inbound_rules"], updated["droplet_ids"], updated["tags"]) == ([], [], [])
    assert updated["pending_changes"] == [
        {"droplet_id": number, "removing": True, "status": "waiting"}
    ]
    assert cloud.send(f"DELETE /v2/firewalls/{firewall['id']}").status == 204
    assert cloud.send(f"GET /v2/firewalls/{firewall['id']}").status == 404


def test_a_vpc_gets_a_range_that_overlaps_no_other(cloud: Any) -> None:
    for number in range(5):
        cloud.vpc(name=f"pool-{number}")
    networks = [vpc.network for vpc in cloud.account.vpcs.values()]
    assert all(network.prefixlen == 20 and network.is_private for network in networks)
    assert not any(a.overlaps(b) for a in networks for b in networks if a is not b)


def test_droplets_get_addresses_of_their_vpc(cloud: Any) -> None:
    vpc = cloud.vpc()
    droplet = cloud.show(cloud.droplet(vpc_uuid=vpc["id"]))
    assert droplet["vpc_uuid"] == vpc["id"]
    private = droplet["networks"]["v4"][1]["ip_address"]
    assert IPv4Address(private) in IPv4Network(vpc["ip_range"])


def test_an_empty_vpc_is_deleted(cloud: Any) -> None:
    vpc = cloud.vpc()
    number = cloud.droplet(vpc_uuid=vpc["id"])
    cloud.ok(f"DELETE /v2/droplets/{number}")
    cloud.wait()
    assert cloud.send(f"DELETE /v2/vpcs/{vpc['id']}").status == 204
    assert cloud.send(f"GET /v2/vpcs/{vpc['id']}").status == 404


def test_the_first_vpc_of_a_region_is_its_default_and_stays(cloud: Any) -> None:
    first, second = cloud.vpc(region="syd1"), cloud.vpc(name="second", region="syd1")
    assert (first["default"], second["default"]) == (True, False)
    refused = cloud.send(f"DELETE /v2/vpcs/{first['id']}")
    assert (refused.status, refused.json["message"]) == (403, "Can not delete default VPCs")
    assert cloud.send(f"DELETE /v2/vpcs/{second['id']}").status == 204


def test_a_droplet_in_an_unused_region_brings_its_default_vpc(cloud: Any) -> None:
    droplet = cloud.show(cloud.droplet(region="syd1"))
    vpc = cloud.ok(f"GET /v2/vpcs/{droplet['vpc_uuid']}")["vpc"]
    assert (vpc["name"], vpc["default"], vpc["region"]) == ("default-syd1", True, "syd1")
