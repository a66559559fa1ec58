"""What the functions answer, against the cloud."""

from typing import Any

import pytest

from sandbox.plugins.values import Props


def ask(plugin: Any, name: str, /, **args: Any) -> Props:
    return plugin.invoke(f"digitalocean:index/{name}:{name}", args)


def refused(plugin: Any, name: str, /, **args: Any) -> str:
    return plugin.failure(lambda: ask(plugin, name, **args)).text


def test_the_account_tells_its_limits(plugin: Any, cloud: Any) -> None:
    cloud.settings(droplet_limit=7)
    account = ask(plugin, "getAccount")
    assert (account["dropletLimit"], account["status"]) == (7, "active")
    assert account["id"] == account["uuid"]


def test_a_region_tells_what_it_offers(plugin: Any) -> None:
    region = ask(plugin, "getRegion", slug="fra1")
    assert (region["id"], region["name"], region["available"]) == ("fra1", "Frankfurt 1", True)
    assert "ipv6" in region["features"]
    assert "s-1vcpu-1gb" in region["sizes"]


def test_a_region_that_does_not_exist_is_told_with_those_that_do(plugin: Any) -> None:
    assert refused(plugin, "getRegion", slug="moon1").endswith(
        "slug is 'moon1'; it is that of no region, and of exactly one it must be. There are: ams1, "
        "ams2, ams3, blr1, fra1, lon1, nyc1, nyc2, nyc3, sfo1, sfo2, sfo3, sgp1, syd1, tor1."
    )


def test_regions_and_sizes_are_listed(plugin: Any) -> None:
    regions = ask(plugin, "getRegions")["regions"]
    assert {region["slug"]: region["available"] for region in regions}["ams1"] is False
    sizes = {size["slug"]: size for size in ask(plugin, "getSizes")["sizes"]}
    assert sizes["s-1vcpu-1gb"]["priceMonthly"] == 6
    assert sizes["s-1vcpu-1gb"]["transfer"] == 1


def test_a_filter_is_refused(plugin: Any) -> None:
    filters = [{"key": "available", "values": ["true"]}]
    assert "filters is given; the stand-in" in refused(plugin, "getRegions", filters=filters)


def test_an_image_is_found_by_slug_by_id_and_by_name(plugin: Any) -> None:
    by_slug = ask(plugin, "getImage", slug="debian-12-x64")
    assert (by_slug["distribution"], by_slug["image"]) == ("Debian", "133426485")
    assert ask(plugin, "getImage", id=133426485) == by_slug
    by_name = ask(plugin, "getImage", name="12 x64", source="distributions")
    assert by_name == by_slug | {"source": "distributions"}


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        pytest.param({}, "nothing of id, name and slug is given; exactly one", id="nothing"),
        pytest.param({"id": 1, "slug": "a"}, "id and slug of id, name and slug", id="two"),
        pytest.param({"slug": "beos"}, "slug is 'beos'; there is no such image.", id="unknown"),
        pytest.param({"name": "12 x64"}, "name is '12 x64'; it is that of no image", id="others'"),
        pytest.param(
            {"name": "12 x64", "source": "nowhere"},
            "source is 'nowhere'; one of all, applications, distributions, user is allowed.",
            id="source",
        ),
    ],
)
def test_an_image_that_cannot_be_found_is_told(plugin: Any, args: Props, reason: str) -> None:
    assert reason in refused(plugin, "getImage", **args)


def test_a_key_is_found_by_name(plugin: Any, cloud: Any, key: str) -> None:
    body = {"name": "ops", "public_key": key}
    added = cloud.send("POST /v2/account/keys", body)["ssh_key"]
    expected = {
        "id": added["id"],
        "name": "ops",
        "publicKey": key,
        "fingerprint": added["fingerprint"],
    }
    assert ask(plugin, "getSshKey", name="ops") == expected
    assert ask(plugin, "getSshKeys")["sshKeys"] == [expected]
    assert refused(plugin, "getSshKey", name="nobody").endswith("There are: ops.")


def test_a_vpc_is_found_by_id_by_region_and_by_name(plugin: Any, cloud: Any) -> None:
    made = cloud.send("POST /v2/vpcs", {"name": "pool", "region": "fra1"})["vpc"]
    found = ask(plugin, "getVpc", name="pool")
    assert (found["id"], found["urn"], found["ipRange"]) == (
        made["id"],
        made["urn"],
        made["ip_range"],
    )
    assert ask(plugin, "getVpc", id=made["id"]) == found
    default = ask(plugin, "getVpc", region="fra1")
    assert (default["name"], default["default"]) == ("default-fra1", True)
    assert "id is 'none'; there is no such VPC." in refused(plugin, "getVpc", id="none")


def test_a_collection_of_many_pages_is_read_to_its_end(plugin: Any, cloud: Any) -> None:
    for number in range(205):
        body = {"name": f"v{number}", "region": "fra1", "ip_range": f"192.168.{number}.0/28"}
        cloud.send("POST /v2/vpcs", body)
    assert ask(plugin, "getVpc", name="v204")["ipRange"] == "192.168.204.0/28"
