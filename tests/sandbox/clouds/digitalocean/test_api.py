"""Pages, scopes, control and metadata: what is the same for every resource."""

import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.clouds import control
from sandbox.clouds.digitalocean import metadata
from sandbox.clouds.digitalocean.state import LocalAccount

KEY = "3b:16:bf:e4:8b:00:8b:b8:59:8c:a9:d3:f0:19:45:fa"
BODY = {"name": "proxy", "size": "s-1vcpu-1gb", "image": "debian-12-x64", "region": "nyc3"}


def follow(cloud: Any, path: str, relation: str = "next") -> list[Any]:
    """Return all pages from a path on."""
    pages: list[Any] = []
    while path:
        page = cloud.ok(f"GET {path}")
        pages.append(page)
        link = urlsplit(str(page["links"].get("pages", {}).get(relation, "")))
        path = f"{link.path}?{link.query}" if link.path else ""
    return pages


@given(number=st.integers(0, 60), per_page=st.integers(1, 200))
@settings(max_examples=25, deadline=None)
def test_following_the_links_shows_each_droplet_once(
    cloud_of: Any, number: int, per_page: int
) -> None:
    cloud, made = cloud_of(number)
    pages = follow(cloud, f"/v2/droplets?per_page={per_page}")
    assert [droplet["id"] for page in pages for droplet in page["droplets"]] == made
    assert {page["meta"]["total"] for page in pages} == {number}
    assert all(len(page["droplets"]) <= per_page for page in pages)
    last = f"/v2/droplets?per_page={per_page}&page={len(pages)}"
    backwards = follow(cloud, last, "prev")
    assert backwards == pages[::-1]
    assert "pages" not in pages[0]["links"] or "first" not in pages[0]["links"]["pages"]
    assert "next" not in pages[-1]["links"].get("pages", {})


@pytest.fixture(scope="module")
def cloud_of(new_cloud: Any) -> Any:
    """Return a function that gives a cloud with so many Droplets, and their ids."""

    def made(number: int) -> tuple[Any, list[int]]:
        cloud = new_cloud()
        cloud.settings(droplet_limit=100)
        return cloud, [cloud.new_droplet(tags=["pool"]) for _ in range(number)]

    return made


def test_a_page_has_20_items_unless_asked_otherwise(cloud: Any) -> None:
    cloud.settings(droplet_limit=30)
    for _ in range(21):
        cloud.new_droplet()
    first = cloud.ok("GET /v2/droplets")
    assert len(first["droplets"]) == 20
    assert first["links"]["pages"] == {
        "next": "http://localhost/v2/droplets?page=2&per_page=20",
        "last": "http://localhost/v2/droplets?page=2&per_page=20",
    }
    assert len(cloud.ok("GET /v2/droplets?per_page=200")["droplets"]) == 21
    beyond = cloud.ok("GET /v2/droplets?page=9")
    assert beyond["droplets"] == []


def test_every_answer_has_an_identifier(cloud: Any) -> None:
    for rule, status in (("GET /v2/regions", 200), ("GET /v2/nothing", 404)):
        reply = cloud.send(rule)
        assert reply.status == status
        assert reply.headers["x-request-id"]


def test_the_scopes_of_all_requests_are_told(cloud: Any) -> None:
    cloud.droplet(tags=["pool"], ssh_keys=[KEY])
    assert cloud.send(f"GET {control.PATH}scopes").json == [
        "droplet:create",
        "image:read",
        "ssh_key:read",
        "tag:create",
    ]


def test_the_scopes_that_were_told_are_enough(cloud: Any) -> None:
    def deploy() -> None:
        number = cloud.droplet(tags=["pool"], vpc_uuid=cloud.vpc()["id"])
        cloud.assign(cloud.reserve(), number)
        cloud.firewall(tags=["pool"])

    deploy()
    scopes = cloud.send(f"GET {control.PATH}scopes").json
    cloud.send(f"POST {control.PATH}reset")
    cloud.settings(token_scopes=scopes)
    deploy()


@pytest.mark.parametrize(
    "scope", ["droplet:create", "image:read", "tag:create", "ssh_key:read", "vpc:read"]
)
def test_each_scope_of_creating_a_droplet_is_needed(cloud: Any, scope: str) -> None:
    scopes = {"droplet:create", "image:read", "tag:create", "ssh_key:read", "vpc:read"}
    body = {
        **BODY,
        "tags": ["pool"],
        "ssh_keys": [KEY],
        "vpc_uuid": cloud.vpc()["id"],
    }
    cloud.settings(token_scopes=sorted(scopes - {scope}))
    refused = cloud.send("POST /v2/droplets", body)
    assert (refused.status, refused.json["id"]) == (403, "forbidden")
    assert scope in refused.json["message"]
    cloud.settings(token_scopes=sorted(scopes))
    assert cloud.send("POST /v2/droplets", body).status == 202


def test_a_line_is_logged_for_each_request(cloud: Any) -> None:
    cloud.send("GET /v2/regions")
    cloud.send("GET /v2/regions", token=None)
    assert cloud.log == [
        "GET /v2/regions 200 regions:read",
        "GET /v2/regions 401 -",
    ]


def test_a_reset_forgets_everything(cloud: Any) -> None:
    cloud.settings(action_seconds=9)
    cloud.droplet(tags=["pool"])
    cloud.reserve()
    cloud.firewall()
    reply = cloud.send(f"POST {control.PATH}reset")
    assert json.loads(reply.text) == json.loads(LocalAccount().settings.model_dump_json())
    for path in ("droplets", "reserved_ipv6", "firewalls"):
        assert cloud.ok(f"GET /v2/{path}")["meta"]["total"] == 0
    account = cloud.account
    assert account.tags == account.actions == account.alerts == {}
    assert len(account.vpcs) == 10


@pytest.mark.parametrize(
    "body", [{"action_seconds": -1}, {"droplet_limit": 501}, {"speed": 1}, {"action_seconds": None}]
)
def test_an_impossible_setting_is_refused_and_nothing_changes(cloud: Any, body: object) -> None:
    before = cloud.send(f"GET {control.PATH}settings").text
    assert cloud.send(f"PUT {control.PATH}settings", body).status == 400
    assert cloud.send(f"GET {control.PATH}settings").text == before


def test_an_unknown_control_says_which_there_are(cloud: Any) -> None:
    reply = cloud.send(f"GET {control.PATH}everything")
    assert reply.status == 404
    assert "PUT settings" in reply.text


def test_a_droplet_reads_its_metadata(cloud: Any) -> None:
    ip = cloud.reserve()
    number = cloud.droplet(ssh_keys=[KEY], user_data="#cloud-config\n", tags=["pool"])
    cloud.assign(ip, number)
    cloud.wait()
    answered = cloud.send(f"GET {control.PATH}droplets/{number}/metadata/v1.json").json
    v4 = cloud.show(number)["networks"]["v4"]
    assert answered == {
        "droplet_id": number,
        "hostname": "proxy-1",
        "user_data": "#cloud-config\n",
        "public_keys": [],
        "region": "nyc3",
        "tags": ["pool"],
        "interfaces": {
            "public": [
                {
                    "type": "public",
                    "ipv4": {name: v4[0][name] for name in ("ip_address", "netmask", "gateway")},
                    "ipv6": {
                        "ip_address": "2001:db8:d0:8::2",
                        "cidr": 64,
                        "gateway": "2001:db8:d0:8::1",
                    },
                }
            ],
            "private": [
                {
                    "type": "private",
                    "ipv4": {name: v4[1][name] for name in ("ip_address", "netmask", "gateway")},
                }
            ],
        },
        "reserved_ip": {
            "ipv4": {"active": False},
            "ipv6": {"active": True, "ip_address": ip},
        },
        "features": {"dhcp_enabled": False},
    }


def test_a_droplet_reads_whether_it_has_a_reserved_address(cloud: Any) -> None:
    ip, number = cloud.reserve(), cloud.droplet()

    def read(path: str) -> str | None:
        document = metadata.document(cloud.account, cloud.account.droplets[number])
        return metadata.text(document, path)

    assert (read("ipv6/active"), read("ipv6/ip_address")) == ("false", None)
    cloud.assign(ip, number)
    cloud.wait()
    cloud.show(number)
    assert (read("ipv6/active"), read("ipv6/ip_address")) == ("true", ip)
    assert [read(path) for path in ("", "ipv6", "ipv6/", "ipv6/active/", "ipv4")] == [None] * 5


def test_metadata_of_no_droplet_is_not_found(cloud: Any) -> None:
    assert cloud.send(f"GET {control.PATH}droplets/7/metadata/v1.json").status == 404


def test_a_droplet_that_does_not_run_yet_has_no_interfaces(cloud: Any) -> None:
    number = cloud.new_droplet()
    answered = cloud.send(f"GET {control.PATH}droplets/{number}/metadata/v1.json").json
    assert (answered["interfaces"], answered["reserved_ip"]["ipv6"]) == ({}, {"active": False})
