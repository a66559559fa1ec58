"""Reserved addresses, and their way from Droplet to Droplet."""

import threading
import time
from typing import Any

import pytest

from sandbox.plugins.values import UNKNOWN, Props

ADDRESS = "digitalocean:index/reservedIpv6:ReservedIpv6"
ASSIGNMENT = "digitalocean:index/reservedIpv6Assignment:ReservedIpv6Assignment"
DROPLET = "digitalocean:index/droplet:Droplet"


@pytest.fixture
def address(plugin: Any) -> Props:
    """Return the state of an address."""
    return plugin.made(ADDRESS, {"regionSlug": "fra1"})[0]


@pytest.fixture
def droplets(plugin: Any, proxy: Props) -> list[int]:
    """Return the ids of two Droplets that run."""
    return [int(plugin.made(DROPLET, proxy)[0]["id"]) for _ in range(2)]


def test_an_address_goes_from_creation_to_destruction(plugin: Any, cloud: Any) -> None:
    state, inputs = plugin.made(ADDRESS, {"regionSlug": "fra1"})
    ip = cloud.send("GET /v2/reserved_ipv6")["reserved_ipv6s"][0]["ip"]
    urn = f"do:reservedipv6:{ip}"
    assert state == {"id": ip, "ip": ip, "regionSlug": "fra1", "reservedIpv6Urn": urn}
    assert plugin.diff(ADDRESS, state, inputs) == {}
    assert plugin.diff(ADDRESS, state, {"regionSlug": "FRA1"}) == {}
    assert plugin.diff(ADDRESS, state, {"regionSlug": "ams3"}) == {"regionSlug": "UPDATE_REPLACE"}
    assert plugin.refresh(ADDRESS, state, inputs) == (state, inputs)
    assert plugin.read(ADDRESS, ip, {}, {})[0] == state

    plugin.delete(ADDRESS, state)
    assert cloud.send("GET /v2/reserved_ipv6")["reserved_ipv6s"] == []
    assert plugin.refresh(ADDRESS, state, inputs) == ({}, {})
    plugin.delete(ADDRESS, state)


def test_a_preview_does_not_know_the_address(plugin: Any) -> None:
    seen = plugin.preview(ADDRESS, {"regionSlug": "fra1"})
    assert (seen["ip"], seen["id"], seen["reservedIpv6Urn"]) == (UNKNOWN, UNKNOWN, UNKNOWN)


def test_inputs_without_effect_are_refused(plugin: Any) -> None:
    desired = {"regionSlug": "fra1", "dropletId": 1, "ip": "2001:db8::1"}
    _, failures = plugin.check(ADDRESS, desired)
    assert [path for path, _ in failures] == ["dropletId", "ip"]
    assert failures[0][1].startswith("dropletId is given; the stand-in for the plugin does without")


def test_an_assigned_address_is_not_given_up(
    plugin: Any, address: Props, droplets: list[int]
) -> None:
    plugin.made(ASSIGNMENT, {"ip": address["ip"], "dropletId": droplets[0]})
    failed = plugin.failure(lambda: plugin.delete(ADDRESS, address))
    assert "422" in failed.text
    assert "assigned FLIP cannot be released" in failed.text


def test_a_region_without_them_and_the_accounts_limit_are_told(plugin: Any, cloud: Any) -> None:
    failed = plugin.failure(lambda: plugin.made(ADDRESS, {"regionSlug": "ams1"}))
    assert "region_slug is ams1; reserved IPv6 addresses are not available there." in failed.text
    cloud.settings(reserved_ip_limit=1)
    plugin.made(ADDRESS, {"regionSlug": "fra1"})
    failed = plugin.failure(lambda: plugin.made(ADDRESS, {"regionSlug": "fra1"}))
    assert "422" in failed.text
    assert "You have reached your limit of 1 reserved IPs." in failed.text


def test_an_address_moves_from_the_old_droplet_to_the_new_one(
    plugin: Any, cloud: Any, address: Props, droplets: list[int]
) -> None:
    ip, (old, new) = address["ip"], droplets
    first, inputs = plugin.made(ASSIGNMENT, {"ip": ip, "dropletId": old})
    assert first["id"].startswith(f"{old}-{ip}-")
    assert cloud.holder(ip) == old
    assert plugin.diff(ASSIGNMENT, first, inputs) == {}
    assert plugin.refresh(ASSIGNMENT, first, inputs) == (first, inputs)
    moved = inputs | {"dropletId": new}
    assert plugin.diff(ASSIGNMENT, first, moved) == {"dropletId": "UPDATE_REPLACE"}

    # The engine makes the replacement, then deletes what it replaces.
    second = plugin.create(ASSIGNMENT, moved)
    assert cloud.holder(ip) == new
    plugin.delete(ASSIGNMENT, first)
    assert cloud.holder(ip) == new
    plugin.delete(ASSIGNMENT, second)
    assert cloud.holder(ip) is None
    plugin.delete(ASSIGNMENT, second)
    assert cloud.actions() == ["unassign_ip", "assign_ip", "assign_ip", "create", "create"]


def test_an_assignment_of_an_address_that_is_gone_is_deleted(
    plugin: Any, cloud: Any, address: Props, droplets: list[int]
) -> None:
    state, _ = plugin.made(ASSIGNMENT, {"ip": address["ip"], "dropletId": droplets[0]})
    cloud.send(f"POST /v2/reserved_ipv6/{address['ip']}/actions", {"type": "unassign"})
    time.sleep(0.1)
    plugin.delete(ADDRESS, address)
    plugin.delete(ASSIGNMENT, state)


def test_an_address_that_was_moved_by_hand_fails_the_refresh(
    plugin: Any, cloud: Any, address: Props, droplets: list[int]
) -> None:
    ip, (old, new) = address["ip"], droplets
    state, inputs = plugin.made(ASSIGNMENT, {"ip": ip, "dropletId": old})
    body = {"type": "assign", "droplet_id": new}
    cloud.send(f"POST /v2/reserved_ipv6/{ip}/actions", body)
    time.sleep(0.1)
    failed = plugin.failure(lambda: plugin.refresh(ASSIGNMENT, state, inputs))
    assert f"reserved IPv6 {ip} is assigned to Droplet {new}; the state says" in failed.text
    assert f"`doctl compute reserved-ipv6-action assign {ip} {old}`" in failed.text


def test_an_assignment_is_imported_by_address_and_droplet(
    plugin: Any, address: Props, droplets: list[int]
) -> None:
    inputs = {"ip": address["ip"], "dropletId": droplets[0]}
    plugin.made(ASSIGNMENT, inputs)
    state, imported = plugin.read(ASSIGNMENT, f"{address['ip']},{droplets[0]}", {}, {})
    assert imported == inputs
    assert state["id"].startswith(f"{droplets[0]}-{address['ip']}-")


@pytest.mark.parametrize("wrong", ["2001:db8::1", "192.0.2.1,5", "2001:db8::1,proxy"])
def test_an_id_that_is_none_is_refused(plugin: Any, wrong: str) -> None:
    failed = plugin.failure(lambda: plugin.read(ASSIGNMENT, wrong, {}, {}))
    assert f"the id to import is {wrong!r}; the reserved IPv6 and the Droplet's id" in failed.text


def test_an_assignment_that_did_not_come_true_in_time_is_kept_and_sent_again(
    plugin: Any, cloud: Any, address: Props, droplets: list[int]
) -> None:
    ip, number = address["ip"], droplets[0]
    inputs = {"ip": ip, "dropletId": number}
    cloud.settings(action_seconds=1)
    failed = plugin.failure(lambda: plugin.create(ASSIGNMENT, inputs, timeout=0.2))
    assert failed.partial.id.startswith(f"{number}-{ip}-")
    assert failed.partial.reasons[0].startswith(
        f"waited 0.2 s for reserved IPv6 ({ip}) to be assigned to Droplet ({number}); it did not "
    )
    time.sleep(1)
    kept = inputs | {"id": failed.partial.id}
    assert plugin.update(ASSIGNMENT, kept, inputs) == kept
    assert cloud.holder(ip) == number


def test_an_action_that_fails_is_told(
    plugin: Any, cloud: Any, address: Props, droplets: list[int]
) -> None:
    inputs = {"ip": address["ip"], "dropletId": droplets[0]}
    cloud.settings(action_seconds=0.6)

    def destroy() -> None:
        while "assign_ip" not in cloud.actions():
            time.sleep(0.01)
        cloud.settings(action_seconds=0)
        cloud.send(f"DELETE /v2/droplets/{droplets[0]}")

    thread = threading.Thread(target=destroy)
    thread.start()
    failed = plugin.failure(lambda: plugin.create(ASSIGNMENT, inputs))
    thread.join()
    assert failed.partial.id
    assert "(assign_ip) ended with an error. Run `pulumi up` again;" in failed.text


@pytest.mark.parametrize(
    ("inputs", "failures"),
    [
        pytest.param(
            {"ip": "192.0.2.1", "dropletId": 1},
            [("ip", "ip is '192.0.2.1'; an IPv6 address is needed. Set a reserved one.")],
            id="an IPv4 address",
        ),
        pytest.param(
            {"ip": UNKNOWN, "dropletId": "proxy"},
            [("dropletId", "dropletId is 'proxy'; a whole number is needed.")],
            id="a Droplet's name",
        ),
        pytest.param({"ip": UNKNOWN, "dropletId": UNKNOWN}, [], id="nothing is known"),
        pytest.param({"ip": "2001:db8::1", "dropletId": "7"}, [], id="digits"),
    ],
)
def test_inputs_of_an_assignment_are_checked(
    plugin: Any, inputs: Props, failures: list[tuple[str, str]]
) -> None:
    assert plugin.check(ASSIGNMENT, inputs)[1] == failures


def test_a_droplet_without_ipv6_gets_no_address(plugin: Any, address: Props, proxy: Props) -> None:
    droplet, _ = plugin.made(DROPLET, proxy | {"ipv6": False})
    inputs = {"ip": address["ip"], "dropletId": int(droplet["id"])}
    failed = plugin.failure(lambda: plugin.create(ASSIGNMENT, inputs))
    assert failed.partial is None
    assert "IPv6 is not enabled for the Droplet." in failed.text
