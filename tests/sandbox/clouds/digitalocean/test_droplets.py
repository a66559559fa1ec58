"""Droplets come and go as actions say."""

from typing import Any

BODY = {"region": "nyc3", "size": "s-1vcpu-1gb", "image": "debian-12-x64"}


def test_a_droplet_is_new_and_has_no_address_until_its_action_is_over(cloud: Any) -> None:
    reply = cloud.send("POST /v2/droplets", {**BODY, "name": "proxy-1", "ipv6": True})
    droplet, links = reply.json["droplet"], reply.json["links"]
    assert reply.status == 202
    assert (droplet["status"], droplet["networks"]) == ("new", {"v4": [], "v6": []})
    assert [link["rel"] for link in links["actions"]] == ["create"]
    path = links["actions"][0]["href"].removeprefix("http://localhost")
    assert cloud.ok(f"GET {path}")["action"]["status"] == "in-progress"
    cloud.wait(0.4)
    assert cloud.show(droplet["id"])["status"] == "new"
    cloud.wait(0.1)
    assert cloud.show(droplet["id"])["status"] == "active"
    action = cloud.ok(f"GET {path}")["action"]
    assert (action["status"], action["resource_id"]) == ("completed", droplet["id"])
    assert (action["started_at"], action["completed_at"]) == (
        "2023-11-14T22:13:20Z",
        "2023-11-14T22:13:20Z",
    )


def test_a_droplet_has_public_and_private_addresses(cloud: Any) -> None:
    networks = cloud.show(cloud.droplet())["networks"]
    ip_range = str(cloud.account.default_vpc("nyc3").network)
    assert networks == {
        "v4": [
            {
                "ip_address": "198.51.100.2",
                "netmask": "255.255.255.0",
                "gateway": "198.51.100.1",
                "type": "public",
            },
            {
                "ip_address": f"{ip_range.rpartition('.')[0]}.2",
                "netmask": "255.255.240.0",
                "gateway": f"{ip_range.rpartition('.')[0]}.1",
                "type": "private",
            },
        ],
        "v6": [
            {
                "ip_address": "2001:db8:d0:8::2",
                "netmask": 64,
                "gateway": "2001:db8:d0:8::1",
                "type": "public",
            }
        ],
    }


def test_a_droplet_without_ipv6_has_no_ipv6_address(cloud: Any) -> None:
    droplet = cloud.show(cloud.droplet(ipv6=False))
    assert droplet["networks"]["v6"] == []
    assert "ipv6" not in droplet["features"]


def test_the_answer_never_has_the_user_data(cloud: Any) -> None:
    text = cloud.send(f"GET /v2/droplets/{cloud.droplet(user_data='#cloud-config')}").text
    assert "cloud-config" not in text
    assert "user_data" not in text


def test_user_data_of_64_kib_is_taken(cloud: Any) -> None:
    assert cloud.droplet(user_data="x" * 65536)


def test_keys_may_be_named_by_number_or_fingerprint(cloud: Any) -> None:
    assert cloud.droplet(ssh_keys=[512189])
    assert cloud.droplet(ssh_keys=["3b:16:bf:e4:8b:00:8b:b8:59:8c:a9:d3:f0:19:45:fa", "512189"])


def test_null_is_an_empty_list_and_unknown_fields_are_ignored(cloud: Any) -> None:
    assert cloud.droplet(tags=None, ssh_keys=None, volumes=None, private_networking=True, x=1)


def test_features_follow_what_was_asked_for(cloud: Any) -> None:
    number = cloud.droplet(monitoring=True, with_droplet_agent=False)
    assert cloud.show(number)["features"] == ["ipv6", "monitoring", "private_networking"]


def test_a_destroyed_droplet_is_locked_and_shown_until_it_is_gone(cloud: Any) -> None:
    number = cloud.droplet(tags=["pool"])
    firewall = cloud.firewall(droplet_ids=[number])["id"]
    assert cloud.send(f"DELETE /v2/droplets/{number}").status == 204
    assert (cloud.show(number)["status"], cloud.show(number)["locked"]) == ("active", True)
    assert cloud.send(f"DELETE /v2/droplets/{number}").status == 204
    cloud.wait()
    assert cloud.send(f"GET /v2/droplets/{number}").status == 404
    assert cloud.send(f"DELETE /v2/droplets/{number}").status == 404
    assert cloud.ok("GET /v2/tags/pool")["tag"]["resources"]["droplets"] == {"count": 0}
    assert cloud.ok(f"GET /v2/firewalls/{firewall}")["firewall"]["droplet_ids"] == []
    *_, latest = cloud.account.actions.values()
    assert (latest.type, latest.status) == ("destroy", "completed")


def test_an_address_is_not_given_out_again_at_once(cloud: Any) -> None:
    cloud.settings(droplet_limit=2)
    seen: set[str] = set()
    for _ in range(20):
        number = cloud.droplet()
        networks = cloud.show(number)["networks"]
        addresses = {network["ip_address"] for family in networks.values() for network in family}
        assert not addresses & seen
        seen |= addresses
        cloud.ok(f"DELETE /v2/droplets/{number}")
        cloud.wait()


def test_a_droplet_that_is_destroyed_first_never_boots(cloud: Any) -> None:
    cloud.settings(action_seconds=10)
    number = cloud.new_droplet()
    cloud.settings(action_seconds=1)
    cloud.ok(f"DELETE /v2/droplets/{number}")
    cloud.wait(20)
    assert cloud.send(f"GET /v2/droplets/{number}").status == 404
    statuses = {action.type: action.status for action in cloud.account.actions.values()}
    assert statuses == {"create": "errored", "destroy": "completed"}
