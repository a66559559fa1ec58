"""VPCs, tags and alert policies, from check to destruction, against the cloud."""

import time
from typing import Any

import pytest

from sandbox.plugins.values import UNKNOWN, Props

VPC = "digitalocean:index/vpc:Vpc"
TAG = "digitalocean:index/tag:Tag"
ALERT = "digitalocean:index/monitorAlert:MonitorAlert"
DROPLET = "digitalocean:index/droplet:Droplet"

POOL = {"name": "pool", "region": "fra1"}
CPU = {
    "alerts": {
        "emails": ["ops@example.com"],
    },
    "compare": "GreaterThan",
    "description": "busy",
    "type": "v1/insights/droplet/cpu",
    "value": 80.5,
    "window": "5m",
    "tags": ["pool", "edge"],
}


def test_a_vpc_goes_from_creation_to_destruction(plugin: Any, cloud: Any) -> None:
    state, inputs = plugin.made(VPC, POOL)
    shown = cloud.send(f"GET /v2/vpcs/{state['id']}")["vpc"]
    day, _, moment = shown["created_at"].rstrip("Z").partition("T")
    assert state == POOL | {
        "id": shown["id"],
        "ipRange": shown["ip_range"],
        "vpcUrn": f"do:vpc:{shown['id']}",
        "default": False,
        "createdAt": f"{day} {moment} +0000 UTC",
    }
    assert plugin.diff(VPC, state, inputs) == {}
    assert plugin.refresh(VPC, state, inputs) == (state, inputs)
    elsewhere = {"name": "proxies", "region": "ams3"}
    assert plugin.diff(VPC, state, elsewhere) == dict.fromkeys(elsewhere, "UPDATE_REPLACE")

    plugin.delete(VPC, state)
    assert plugin.refresh(VPC, state, inputs) == ({}, {})
    plugin.delete(VPC, state)


def test_vpcs_that_ask_for_no_range_get_one_each(plugin: Any) -> None:
    preview = plugin.preview(VPC, {"name": "a", "region": "fra1"})
    assert (preview["ipRange"], preview["id"]) == (UNKNOWN, UNKNOWN)
    made = [plugin.made(VPC, {"name": name, "region": "fra1"}) for name in ("a", "b")]
    assert made[0][0]["ipRange"] != made[1][0]["ipRange"]
    assert plugin.diff(VPC, *made[0]) == {}


def test_a_vpc_that_still_has_members_is_deleted_when_they_are_gone(
    plugin: Any, cloud: Any, proxy: Props
) -> None:
    vpc, inputs = plugin.made(VPC, POOL)
    droplet, _ = plugin.made(DROPLET, proxy | {"vpcUuid": vpc["id"]})
    cloud.settings(action_seconds=0.5)
    cloud.send(f"DELETE /v2/droplets/{droplet['id']}")
    plugin.delete(VPC, vpc)
    assert plugin.refresh(VPC, vpc, inputs) == ({}, {})


def test_a_vpc_that_keeps_its_members_says_so(plugin: Any, proxy: Props) -> None:
    vpc, _ = plugin.made(VPC, POOL)
    plugin.made(DROPLET, proxy | {"vpcUuid": vpc["id"]})
    failed = plugin.failure(lambda: plugin.delete(VPC, vpc, timeout=0.3))
    assert f"waited 0.3 s for VPC ({vpc['id']}) to be deleted; it did not happen." in failed.text
    assert "The last answer was: DELETE /v2/vpcs/" in failed.text
    assert "Can not delete VPC with members" in failed.text


@pytest.mark.parametrize(
    ("changed", "failure"),
    [
        pytest.param(
            {"region": None},
            ("region", "region is missing; a string is required. Set it."),
            id="no region",
        ),
        pytest.param(
            {"name": ""},
            ("name", "name is empty; text is needed. Set it, or leave it out."),
            id="empty name",
        ),
        pytest.param(
            {"ipRange": "10.200.0.0/24"},
            (
                "ipRange",
                (
                    "ipRange is given; the stand-in for the plugin does without it. "
                    "Leave it out, or install the official plugin."
                ),
            ),
            id="range",
        ),
    ],
)
def test_wrong_inputs_of_a_vpc_are_refused(
    plugin: Any, changed: Props, failure: tuple[str, str]
) -> None:
    given = {name: value for name, value in (POOL | changed).items() if value is not None}
    assert plugin.check(VPC, given)[1] == [failure]


def test_a_tag_goes_from_creation_to_destruction(plugin: Any, proxy: Props) -> None:
    state, inputs = plugin.made(TAG, {"name": "pool"})
    counts = dict.fromkeys(
        [
            *("totalResourceCount", "dropletsCount", "imagesCount"),
            *("volumesCount", "volumeSnapshotsCount", "databasesCount"),
        ],
        0,
    )
    assert state == {"id": "pool", "name": "pool"} | counts
    plugin.made(DROPLET, proxy | {"tags": ["pool"]})
    fresh = state | {"totalResourceCount": 1, "dropletsCount": 1}
    assert plugin.refresh(TAG, state, inputs) == (fresh, inputs)
    assert plugin.diff(TAG, fresh, inputs) == {}
    assert plugin.diff(TAG, fresh, {"name": "edge"}) == {"name": "UPDATE_REPLACE"}
    assert plugin.read(TAG, "pool", {}, {}) == (fresh, inputs)
    assert plugin.preview(TAG, inputs)["dropletsCount"] is UNKNOWN

    plugin.delete(TAG, fresh)
    assert plugin.refresh(TAG, fresh, inputs) == ({}, {})
    plugin.delete(TAG, fresh)


def test_a_policy_goes_from_creation_to_destruction(plugin: Any, cloud: Any) -> None:
    state, inputs = plugin.made(ALERT, CPU)
    assert inputs == CPU | {"enabled": True}
    # The UUID is the id; the official plugin leaves the property `uuid` empty.
    assert state == inputs | {"id": state["id"], "entities": []}
    shown = cloud.send(f"GET /v2/monitoring/alerts/{state['id']}")["policy"]
    assert shown["uuid"] == state["id"]
    reordered = inputs | {"tags": ["EDGE", "pool"]}
    assert plugin.diff(ALERT, state, reordered) == {}
    assert plugin.refresh(ALERT, state, inputs) == (state, inputs)
    assert plugin.read(ALERT, state["id"], {}, {})[1] == CPU

    changed = inputs | {"value": 90, "enabled": False, "alerts": {"emails": ["on@example.com"]}}
    assert plugin.diff(ALERT, state, changed) == {
        "alerts.emails[0]": "UPDATE",
        "enabled": "UPDATE",
        "value": "UPDATE",
    }
    fresh = plugin.update(ALERT, state, changed)
    assert fresh == changed | {"id": state["id"], "entities": []}
    plugin.delete(ALERT, fresh)
    assert plugin.refresh(ALERT, fresh, changed) == ({}, {})
    plugin.delete(ALERT, fresh)


@pytest.mark.parametrize(
    ("changed", "failure"),
    [
        pytest.param(
            {"window": "1m"},
            ("window", "window is '1m'; one of 5m, 10m, 30m, 1h is allowed."),
            id="window",
        ),
        pytest.param(
            {"alerts": {"slacks": [{"channel": "ops", "url": "https://hooks.example.com/1"}]}},
            ("alerts.slacks", "alerts.slacks is given; the stand-in for the plugin does without"),
            id="slack",
        ),
        pytest.param(
            {"type": "cpu"},
            ("type", "type is 'cpu'; one of v1/insights/droplet/load_1,"),
            id="type",
        ),
    ],
)
def test_wrong_inputs_of_a_policy_are_refused(
    plugin: Any, changed: Props, failure: tuple[str, str]
) -> None:
    [(path, reason)] = plugin.check(ALERT, CPU | changed)[1]
    assert path == failure[0]
    assert reason.startswith(failure[1])


def test_a_resource_deleted_by_hand_is_read_as_gone(plugin: Any, cloud: Any) -> None:
    vpc = plugin.made(VPC, POOL)
    alert = plugin.made(ALERT, CPU)
    cloud.send(f"DELETE /v2/vpcs/{vpc[0]['id']}")
    cloud.send(f"DELETE /v2/monitoring/alerts/{alert[0]['id']}")
    time.sleep(0.1)
    assert plugin.refresh(VPC, *vpc) == ({}, {})
    assert plugin.refresh(ALERT, *alert) == ({}, {})
