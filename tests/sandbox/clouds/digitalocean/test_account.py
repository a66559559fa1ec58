"""Tags, alert policies and what there is to choose from."""

from typing import Any

import pytest

from sandbox.clouds.digitalocean.catalog import SIZES

ALERT = {
    "type": "v1/insights/droplet/cpu",
    "description": "busy",
    "compare": "GreaterThan",
    "value": 80.0,
    "window": "5m",
    "entities": [],
    "tags": ["pool"],
    "alerts": {"email": ["ops@example.com"], "slack": []},
    "enabled": True,
}


def test_a_tag_keeps_the_capitals_of_its_first_use(cloud: Any) -> None:
    number = cloud.droplet(tags=["PROD"])
    assert cloud.ok("POST /v2/tags", {"name": "prod"})["tag"]["name"] == "PROD"
    assert cloud.show(cloud.droplet(tags=["Prod", "prod"]))["tags"] == ["PROD"]
    assert cloud.send("GET /v2/tags/prod").status == 404
    resources = cloud.ok("GET /v2/tags/PROD")["tag"]["resources"]
    assert resources["count"] == 2
    assert resources["droplets"]["last_tagged_uri"].startswith("http://localhost/v2/droplets/")
    assert cloud.show(number)["tags"] == ["PROD"]


def test_a_deleted_tag_is_on_nothing(cloud: Any) -> None:
    number = cloud.droplet(tags=["pool"])
    firewall = cloud.firewall(tags=["pool"])["id"]
    assert cloud.send("DELETE /v2/tags/pool").status == 204
    assert cloud.show(number)["tags"] == []
    assert cloud.ok(f"GET /v2/firewalls/{firewall}")["firewall"]["tags"] == []
    assert cloud.send("GET /v2/tags/pool").status == 404


def test_an_alert_policy_is_kept_as_it_was_sent(cloud: Any) -> None:
    reply = cloud.send("POST /v2/monitoring/alerts", ALERT)
    policy = reply.json["policy"]
    path = f"/v2/monitoring/alerts/{policy['uuid']}"
    assert (reply.status, policy) == (200, {"uuid": policy["uuid"], **ALERT})
    assert cloud.ok(f"GET {path}")["policy"] == policy
    changed = cloud.ok(f"PUT {path}", {**ALERT, "value": 90})["policy"]
    assert changed == {**policy, "value": 90.0}
    assert cloud.ok(f"GET {path}")["policy"] == changed
    assert cloud.send(f"DELETE {path}").status == 204
    assert cloud.send(f"GET {path}").status == 404


def test_regions_tell_what_they_have(cloud: Any) -> None:
    regions = {region["slug"]: region for region in cloud.ok("GET /v2/regions")["regions"]}
    assert {"ipv6", "metadata"} <= set(regions["nyc3"]["features"])
    assert "s-1vcpu-512mb-10gb" not in regions["nyc3"]["sizes"]
    assert "s-1vcpu-512mb-10gb" in regions["fra1"]["sizes"]
    assert (regions["ams1"]["available"], regions["ams1"]["sizes"]) == (False, [])
    assert "ipv6" not in regions["ams1"]["features"]


def test_sizes_and_regions_agree(cloud: Any) -> None:
    regions = cloud.ok("GET /v2/regions")["regions"]
    for size in SIZES.values():
        offering = {region["slug"] for region in regions if size.slug in region["sizes"]}
        assert offering == set(size.regions)


@pytest.mark.parametrize("slug", ["debian-12-x64", "debian-13-x64"])
def test_the_debian_images_are_there(cloud: Any, slug: str) -> None:
    shown = cloud.show(cloud.droplet(image=slug))["image"]
    assert (shown["slug"], shown["distribution"], shown["public"]) == (slug, "Debian", True)
