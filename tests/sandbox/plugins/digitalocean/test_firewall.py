"""Firewalls, from check to destruction, against the cloud."""

import time
from typing import Any

import pytest

from sandbox.plugins.values import UNKNOWN, Props

FIREWALL = "digitalocean:index/firewall:Firewall"
DROPLET = "digitalocean:index/droplet:Droplet"

EDGE: Props = {
    "name": "edge",
    "inboundRules": [
        {"protocol": "tcp", "portRange": "443", "sourceAddresses": ["0.0.0.0/0", "::/0"]},
        {"protocol": "tcp", "portRange": "80", "sourceAddresses": ["0.0.0.0/0", "::/0"]},
        {"protocol": "icmp", "sourceAddresses": ["::/0"]},
    ],
    "outboundRules": [
        {"protocol": "udp", "portRange": "all", "destinationAddresses": ["0.0.0.0/0", "::/0"]},
        {"protocol": "tcp", "portRange": "8000-8999", "destinationAddresses": ["192.0.2.0/24"]},
    ],
}


def test_a_firewall_goes_from_creation_to_destruction(plugin: Any, cloud: Any) -> None:
    state, inputs = plugin.made(FIREWALL, EDGE)
    [shown] = cloud.send("GET /v2/firewalls")["firewalls"]
    assert state == EDGE | {
        "id": shown["id"],
        "createdAt": shown["created_at"],
        "status": "succeeded",
        "dropletIds": [],
        "tags": [],
        "pendingChanges": [],
    }
    assert plugin.diff(FIREWALL, state, inputs) == {}
    assert plugin.refresh(FIREWALL, state, inputs) == (state, inputs)
    assert plugin.read(FIREWALL, state["id"], {}, {}) == (state, inputs)

    narrowed = inputs | {"inboundRules": inputs["inboundRules"][:1], "name": "narrow"}
    fresh = plugin.update(FIREWALL, state, narrowed)
    assert fresh == state | narrowed
    plugin.delete(FIREWALL, fresh)
    assert plugin.refresh(FIREWALL, fresh, narrowed) == ({}, {})
    plugin.delete(FIREWALL, fresh)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        pytest.param({"inboundRules": EDGE["inboundRules"][::-1]}, {}, id="rules in another order"),
        pytest.param(
            {
                "inboundRules": [
                    EDGE["inboundRules"][0] | {"sourceAddresses": ["::/0", "0.0.0.0/0"]},
                    *EDGE["inboundRules"][1:],
                ]
            },
            {},
            id="addresses in another order",
        ),
        pytest.param(
            {"inboundRules": [*EDGE["inboundRules"][:2], EDGE["inboundRules"][0]]},
            {
                "inboundRules[2].protocol": "UPDATE",
                "inboundRules[2].portRange": "ADD",
                "inboundRules[2].sourceAddresses[0]": "ADD",
            },
            id="another rule",
        ),
        pytest.param(
            {"inboundRules": EDGE["inboundRules"][:2]},
            {"inboundRules[2]": "DELETE"},
            id="a rule less",
        ),
        pytest.param({"dropletIds": [7]}, {"dropletIds[0]": "ADD"}, id="droplet"),
        pytest.param({"tags": [UNKNOWN]}, {"tags[0]": "ADD"}, id="unknown tag"),
        pytest.param({"name": "other"}, {"name": "UPDATE"}, id="name"),
    ],
)
def test_what_a_change_takes(plugin: Any, changed: Props, expected: Props) -> None:
    state, _ = plugin.made(FIREWALL, EDGE)
    assert plugin.diff(FIREWALL, state, plugin.checked(FIREWALL, EDGE | changed)) == expected


def test_a_rule_added_by_hand_shows_as_one_to_be_removed(plugin: Any, cloud: Any) -> None:
    state, inputs = plugin.made(FIREWALL, EDGE)
    rule = {"protocol": "tcp", "ports": "22", "sources": {"addresses": ["::/0"]}}
    path = f"/v2/firewalls/{state['id']}"
    firewall = cloud.send(f"GET {path}")["firewall"]
    rules = [*firewall["inbound_rules"], rule]
    cloud.send(f"PUT {path}", firewall | {"inbound_rules": rules})
    fresh, seen = plugin.refresh(FIREWALL, state, inputs)
    assert seen["inboundRules"][3]["portRange"] == "22"
    assert plugin.diff(FIREWALL, fresh, inputs) == {"inboundRules[3]": "DELETE"}


def test_droplets_and_tags_are_covered(plugin: Any, cloud: Any, proxy: Props) -> None:
    cloud.settings(action_seconds=0.3)
    droplet, _ = plugin.made(DROPLET, proxy | {"tags": ["pool"]})
    number = int(droplet["id"])
    desired = EDGE | {"dropletIds": [number], "tags": ["pool"]}
    state, inputs = plugin.made(FIREWALL, desired)
    assert state["status"] == "waiting"
    assert state["pendingChanges"] == [
        {"dropletId": number, "removing": False, "status": "waiting"}
    ]
    time.sleep(0.4)
    fresh, same = plugin.refresh(FIREWALL, state, inputs)
    assert fresh == state | {"status": "succeeded", "pendingChanges": []}
    assert same == inputs
    assert plugin.diff(FIREWALL, fresh, inputs) == {}


def test_a_preview_knows_the_rules(plugin: Any) -> None:
    seen = plugin.preview(FIREWALL, EDGE | {"tags": [UNKNOWN]})
    assert {name for name, value in seen.items() if value is UNKNOWN} == {
        *("id", "createdAt", "pendingChanges", "status"),
    }
    assert seen["tags"] == [UNKNOWN]


@pytest.mark.parametrize(
    ("changed", "failures"),
    [
        pytest.param(
            {"inboundRules": [{"protocol": "sctp", "port_range": "1"}]},
            {
                "inboundRules[0].protocol": (
                    "inboundRules[0].protocol is 'sctp'; one of tcp, udp, icmp is allowed."
                ),
                "inboundRules[0].port_range": (
                    f"inboundRules[0].port_range is not an input of {FIREWALL}. "
                    "Did you mean portRange?"
                ),
            },
            id="protocol and spelling",
        ),
        pytest.param(
            {"inboundRules": [{"protocol": "icmp", "action": "deny"}]},
            {
                "inboundRules[0].action": (
                    "inboundRules[0].action is given; the stand-in for the plugin does without it. "
                    "Leave it out, or install the official plugin."
                )
            },
            id="denying",
        ),
        pytest.param({"inboundRules": [UNKNOWN]}, {}, id="unknown"),
    ],
)
def test_wrong_inputs_are_refused(plugin: Any, changed: Props, failures: dict[str, str]) -> None:
    given = {name: value for name, value in (EDGE | changed).items() if value is not None}
    assert dict(plugin.check(FIREWALL, given)[1]) == failures


def test_what_digitalocean_refuses_is_told_in_its_words(plugin: Any) -> None:
    without_ports = EDGE | {"inboundRules": [{"protocol": "tcp", "sourceAddresses": ["::/0"]}]}
    failed = plugin.failure(lambda: plugin.made(FIREWALL, without_ports))
    assert failed.text.endswith("You must specify a positive value for ports.")


def test_a_name_that_is_taken_is_told(plugin: Any) -> None:
    plugin.made(FIREWALL, EDGE)
    failed = plugin.failure(lambda: plugin.made(FIREWALL, EDGE))
    assert "POST /v2/firewalls: 409 (request " in failed.text
    assert failed.text.endswith("duplicate name")
