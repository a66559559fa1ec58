"""Droplets, from check to destruction, against the cloud."""

import hashlib
import threading
import time
from typing import Any

import pytest

from sandbox.plugins.values import UNKNOWN, Props

DROPLET = "digitalocean:index/droplet:Droplet"
REPLACE = "UPDATE_REPLACE"


def sha1(text: str) -> str:
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def test_a_droplet_goes_from_creation_to_destruction(plugin: Any, cloud: Any, proxy: Props) -> None:
    vpc = cloud.send("POST /v2/vpcs", {"name": "pool", "region": "fra1"})["vpc"]["id"]
    desired = proxy | {
        "monitoring": True,
        "tags": ["pool"],
        "dropletAgent": False,
        "sshKeys": ["512189"],
        "vpcUuid": vpc,
    }
    state, inputs = plugin.made(DROPLET, desired)
    shown = cloud.droplet(state["id"])
    public, private = shown["networks"]["v4"]
    assert state == desired | {
        "id": str(shown["id"]),
        "createdAt": shown["created_at"],
        "disk": 25,
        "dropletUrn": f"do:droplet:{shown['id']}",
        "ipv4Address": public["ip_address"],
        "ipv4AddressPrivate": private["ip_address"],
        "ipv6Address": shown["networks"]["v6"][0]["ip_address"],
        "locked": False,
        "memory": 1024,
        "priceHourly": 0.00893,
        "priceMonthly": 6,
        "status": "active",
        "userData": sha1("#cloud-config\n"),
        "vcpus": 1,
    }
    assert cloud.user_data(state["id"]) == "#cloud-config\n"
    assert plugin.diff(DROPLET, state, inputs) == {}
    assert plugin.refresh(DROPLET, state, inputs) == (state, inputs)

    plugin.delete(DROPLET, state)
    assert cloud.droplets() == []
    assert plugin.refresh(DROPLET, state, inputs) == ({}, {})
    plugin.delete(DROPLET, state)  # again, because it is gone already


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        pytest.param({"name": "other"}, {"name": "UPDATE"}, id="name"),
        pytest.param({"size": "s-1vcpu-2gb"}, {"size": "UPDATE"}, id="size"),
        pytest.param({"size": "S-1VCPU-1GB"}, {}, id="size in capitals"),
        pytest.param({"tags": ["pool"]}, {"tags[0]": "ADD"}, id="tags"),
        pytest.param({"image": "debian-13-x64"}, {"image": REPLACE}, id="image"),
        pytest.param({"region": "ams3"}, {"region": REPLACE}, id="region"),
        pytest.param({"region": "FRA1"}, {}, id="region in capitals"),
        pytest.param({"region": None}, {}, id="region left to the cloud"),
        pytest.param({"userData": "#!/bin/sh\n"}, {"userData": REPLACE}, id="user data"),
        pytest.param({"userData": UNKNOWN}, {"userData": REPLACE}, id="user data unknown"),
        pytest.param({"userData": None}, {"userData": "DELETE_REPLACE"}, id="no user data"),
        pytest.param({"sshKeys": ["1"]}, {"sshKeys": "ADD_REPLACE"}, id="ssh keys"),
        pytest.param({"monitoring": True}, {"monitoring": REPLACE}, id="monitoring"),
        pytest.param({"dropletAgent": True}, {"dropletAgent": "ADD_REPLACE"}, id="agent"),
        pytest.param({"vpcUuid": "another"}, {"vpcUuid": REPLACE}, id="vpc"),
        pytest.param({"ipv6": False}, {"ipv6": REPLACE}, id="ipv6 off"),
    ],
)
def test_what_a_change_takes(plugin: Any, proxy: Props, changed: Props, expected: Props) -> None:
    state, _ = plugin.made(DROPLET, proxy)
    given = {name: value for name, value in (proxy | changed).items() if value is not None}
    assert plugin.diff(DROPLET, state, plugin.checked(DROPLET, given)) == expected


def test_a_droplet_is_not_changed_in_place(plugin: Any, cloud: Any, proxy: Props) -> None:
    state, inputs = plugin.made(DROPLET, proxy)
    other = inputs | {"size": "s-1vcpu-2gb", "name": "other", "tags": ["pool"]}
    failed = plugin.failure(lambda: plugin.update(DROPLET, state, other))
    assert f"name and size and tags of Droplet ({state['id']}) would change in place" in failed.text
    assert "Have it replaced with the option `replaceOnChanges`" in failed.text
    assert cloud.actions() == ["create"]
    assert plugin.update(DROPLET, state, inputs) == state


def test_the_explicitly_named_goes_before_its_replacement_comes(plugin: Any, proxy: Props) -> None:
    state, inputs = plugin.made(DROPLET, proxy)
    other = inputs | {"userData": "#!/bin/sh\n"}
    assert plugin.compare(DROPLET, state, other).deleteBeforeReplace
    assert not plugin.compare(DROPLET, state, inputs | {"name": "other"}).deleteBeforeReplace


def test_a_name_is_made_up_and_kept(plugin: Any, proxy: Props) -> None:
    del proxy["name"]
    first = plugin.checked(DROPLET, proxy)
    assert first["name"].removeprefix("it-").isalnum()
    assert plugin.check(DROPLET, proxy, olds=first)[0]["name"] == first["name"]
    # The engine sends no old inputs for a replacement, which is to have a name of its own.
    assert plugin.checked(DROPLET, proxy)["name"] != first["name"]
    assert plugin.check(DROPLET, proxy, olds=first | {"name": "given"})[0]["name"] != "given"
    state = plugin.create(DROPLET, first)
    other = first | {"userData": "#!/bin/sh\n"}
    assert not plugin.compare(DROPLET, state, other).deleteBeforeReplace


def test_a_droplet_is_imported_without_its_user_data(plugin: Any, proxy: Props) -> None:
    state, _ = plugin.made(DROPLET, proxy)
    imported, inputs = plugin.read(DROPLET, state["id"], {}, {})
    del state["userData"]
    assert imported == state
    assert {name: inputs.get(name) for name in proxy} == proxy | {"userData": None}
    assert plugin.checked(DROPLET, inputs)


def test_an_id_that_is_none_is_refused(plugin: Any) -> None:
    failed = plugin.failure(lambda: plugin.read(DROPLET, "proxy", {}, {}))
    assert "the id of the Droplet is 'proxy'; a number is one. Take it from" in failed.text


def test_a_preview_knows_what_is_known(plugin: Any, cloud: Any, proxy: Props) -> None:
    seen = plugin.preview(DROPLET, plugin.checked(DROPLET, proxy | {"vpcUuid": UNKNOWN}))
    assert {name for name, value in seen.items() if value is UNKNOWN} == {
        *("id", "createdAt", "disk", "dropletUrn", "ipv4Address", "ipv4AddressPrivate"),
        *("ipv6Address", "locked", "memory", "priceHourly", "priceMonthly", "status", "vcpus"),
        "vpcUuid",
    }
    assert seen["userData"] == sha1("#cloud-config\n")
    without = plugin.preview(DROPLET, plugin.checked(DROPLET, proxy | {"ipv6": False}))
    assert without["ipv6Address"] == ""
    assert cloud.droplets() == []


def test_a_droplet_that_is_not_active_in_time_is_kept_and_waited_for_again(
    plugin: Any, cloud: Any, proxy: Props
) -> None:
    cloud.settings(action_seconds=1.5)
    checked = plugin.checked(DROPLET, proxy)
    failed = plugin.failure(lambda: plugin.create(DROPLET, checked, timeout=0.2))
    number = failed.partial.id
    assert failed.partial.reasons[0].startswith(
        f"waited 0.2 s for Droplet ({number}) to become ready; it did not happen."
    )
    assert failed.partial.properties["status"] == "new"
    assert failed.partial.properties["userData"] == sha1("#cloud-config\n")
    kept = checked | {"id": number, "userData": sha1("#cloud-config\n")}
    fresh = plugin.update(DROPLET, kept, checked)
    assert (fresh["id"], fresh["status"]) == (number, "active")
    assert len(cloud.droplets()) == 1


def test_a_droplet_that_vanishes_while_it_is_waited_for_is_told(
    plugin: Any, cloud: Any, proxy: Props
) -> None:
    cloud.settings(action_seconds=5)
    checked = plugin.checked(DROPLET, proxy)

    def destroy() -> None:
        while not cloud.droplets():
            time.sleep(0.01)
        cloud.settings(action_seconds=0)
        cloud.send(f"DELETE /v2/droplets/{cloud.droplets()[0]['id']}")

    thread = threading.Thread(target=destroy)
    thread.start()
    failed = plugin.failure(lambda: plugin.create(DROPLET, checked))
    thread.join()
    assert "is gone while it was waited for. Run `pulumi refresh`, then `pulumi up`." in failed.text


def test_waiting_stops_when_the_engine_asks(started_plugin: Any, cloud: Any, proxy: Props) -> None:
    cloud.settings(action_seconds=60)
    _, plugin = started_plugin()
    plugin.configure()
    checked = plugin.checked(DROPLET, proxy)
    timer = threading.Timer(0.3, plugin.cancel)
    timer.start()
    failed = plugin.failure(lambda: plugin.create(DROPLET, checked))
    timer.join()
    assert failed.partial.id
    assert "stopped waiting for Droplet" in failed.text


@pytest.mark.parametrize(
    ("changed", "failures"),
    [
        pytest.param(
            {"image": None, "size": None},
            [
                ("image", "image is missing; a string is required. Set it."),
                ("size", "size is missing; a string is required. Set it."),
            ],
            id="missing",
        ),
        pytest.param(
            {"userdata": "x"},
            [("userdata", f"userdata is not an input of {DROPLET}. Did you mean userData?")],
            id="unknown",
        ),
        pytest.param(
            {"ipv6": "perhaps"},
            [("ipv6", "ipv6 is 'perhaps'; true or false is needed.")],
            id="of another type",
        ),
        pytest.param(
            {"region": ""},
            [("region", "region is empty; text is needed. Set it, or leave it out.")],
            id="empty",
        ),
        pytest.param(
            {"volumeIds": ["v"], "backups": False},
            [
                (
                    name,
                    (
                        f"{name} is given; the stand-in for the plugin does without it. "
                        "Leave it out, or install the official plugin."
                    ),
                )
                for name in ("backups", "volumeIds")
            ],
            id="volumes",
        ),
    ],
)
def test_wrong_inputs_are_refused_before_anything_is_made(
    plugin: Any, proxy: Props, changed: Props, failures: list[tuple[str, str]]
) -> None:
    given = {name: value for name, value in (proxy | changed).items() if value is not None}
    assert sorted(plugin.check(DROPLET, given)[1]) == failures


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        pytest.param(
            {"size": "huge"}, "You specified an invalid size for Droplet creation.", id="size"
        ),
        pytest.param(
            {"region": "nyc2"}, "Region is not available", id="region closed to new Droplets"
        ),
        pytest.param(
            {"userData": "#" * 65537}, "user_data is 65537 bytes; it may not", id="user data"
        ),
        pytest.param({"sshKeys": ["ops"]}, "ops are invalid key identifiers", id="ssh key"),
        pytest.param({"tags": ["my pool"]}, "contains invalid characters", id="tag"),
        pytest.param({"name": "no host"}, "Only valid hostname characters are allowed.", id="name"),
    ],
)
def test_what_digitalocean_refuses_is_told_in_its_words(
    plugin: Any, cloud: Any, proxy: Props, changed: Props, reason: str
) -> None:
    failed = plugin.failure(lambda: plugin.made(DROPLET, proxy | changed))
    assert failed.partial is None
    assert failed.text.startswith(f"creating {DROPLET} it: POST /v2/droplets: 422 (request ")
    assert reason in failed.text
    assert cloud.droplets() == []


def test_the_accounts_limit_is_told(plugin: Any, cloud: Any, proxy: Props) -> None:
    cloud.settings(droplet_limit=1)
    plugin.made(DROPLET, proxy)
    failed = plugin.failure(lambda: plugin.made(DROPLET, proxy))
    assert "creating this/these droplet(s) will exceed your droplet limit" in failed.text
