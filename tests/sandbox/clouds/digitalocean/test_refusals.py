"""Each reason to refuse is given when it applies, in DigitalOcean's shape, and changes nothing."""

from collections.abc import Callable
from itertools import chain
from typing import Any, Final

import pytest

from sandbox.clouds.digitalocean import (
    wire,
)
from sandbox.clouds.digitalocean.api import ROUTES
from sandbox.clouds.digitalocean.wire import REASONS, Reason

DROPLET: Final = {"name": "a", "region": "nyc3", "size": "s-1vcpu-1gb", "image": "debian-12-x64"}
ALERT: Final[dict[str, object]] = {
    "type": "v1/insights/droplet/cpu",
    "description": "busy",
    "compare": "GreaterThan",
    "value": 80,
    "window": "5m",
    "entities": [],
    "tags": [],
    "alerts": {"email": ["ops@example.com"], "slack": []},
    "enabled": True,
}
EMPTY: Final = "00000000-0000-4000-8000-000000000000"

Refused = tuple[str, object]
"""A request, `METHOD path`, and its body."""

Prepare = Callable[[Any], Refused]
"""Prepares the cloud and returns the request that is to be refused."""


def droplet(**fields: object) -> Prepare:
    return lambda _cloud: ("POST /v2/droplets", {**DROPLET, **fields})


def without(name: str) -> dict[str, object]:
    return {field: value for field, value in DROPLET.items() if field != name}


def assigning(
    *, region: str = "nyc3", ipv6: bool = True, number: int | None = None, ready: bool = True
) -> Prepare:
    """Assigning a reserved IPv6 of nyc3 to a Droplet."""

    def prepare(cloud: Any) -> Refused:
        made = cloud.new_droplet(region=region, ipv6=ipv6)
        cloud.wait(1 if ready else 0)
        body = {"type": "assign", "droplet_id": number or made}
        return f"POST /v2/reserved_ipv6/{cloud.reserve()}/actions", body

    return prepare


def second_address(*, wait: float) -> Prepare:
    def prepare(cloud: Any) -> Refused:
        number = cloud.droplet()
        cloud.assign(cloud.reserve(), number)
        cloud.wait(wait)
        body = {"type": "assign", "droplet_id": number}
        return f"POST /v2/reserved_ipv6/{cloud.reserve()}/actions", body

    return prepare


def address_in_motion(cloud: Any) -> Refused:
    ip = cloud.reserve()
    cloud.assign(ip, cloud.droplet())
    return f"POST /v2/reserved_ipv6/{ip}/actions", {"type": "unassign"}


def assigned_address(*, wait: float) -> Prepare:
    def prepare(cloud: Any) -> Refused:
        ip = cloud.reserve()
        cloud.assign(ip, cloud.droplet())
        cloud.wait(wait)
        return f"DELETE /v2/reserved_ipv6/{ip}", None

    return prepare


def fourth_address(cloud: Any) -> Refused:
    cloud.settings(reserved_ip_limit=3)
    for _ in range(3):
        cloud.reserve()
    return "POST /v2/reserved_ipv6", {"region_slug": "fra1"}


def rule(ports: str | None = "443", protocol: str = "tcp", **sources: object) -> dict[str, object]:
    named = {} if ports is None else {"ports": ports}
    return {"protocol": protocol, **named, "sources": sources or {"addresses": ["::/0"]}}


def firewall(*rules: dict[str, object], **fields: object) -> Prepare:
    body = {"name": "pool", "inbound_rules": list(rules or [rule()]), **fields}
    return lambda _cloud: ("POST /v2/firewalls", body)


def same_firewall(cloud: Any) -> Refused:
    cloud.firewall()
    return firewall()(cloud)


def vpc(**fields: object) -> Prepare:
    return lambda _cloud: ("POST /v2/vpcs", {"name": "pool", "region": "nyc3", **fields})


def same_vpc(cloud: Any) -> Refused:
    cloud.vpc()
    return vpc()(cloud)


def vpc_elsewhere(cloud: Any) -> Refused:
    return droplet(vpc_uuid=cloud.vpc(region="fra1")["id"])(cloud)


def default_vpc(cloud: Any) -> Refused:
    return f"DELETE /v2/vpcs/{cloud.account.default_vpc('nyc3').id}", None


def vpc_of_droplet(*, destroying: bool) -> Prepare:
    def prepare(cloud: Any) -> Refused:
        made = cloud.vpc()["id"]
        number = cloud.droplet(vpc_uuid=made)
        if destroying:
            cloud.ok(f"DELETE /v2/droplets/{number}")
        return f"DELETE /v2/vpcs/{made}", None

    return prepare


def too_many_droplets(cloud: Any) -> Refused:
    cloud.settings(droplet_limit=1)
    cloud.droplet()
    return "POST /v2/droplets", DROPLET


def without_scope_for_tags(cloud: Any) -> Refused:
    cloud.settings(token_scopes=["droplet:create", "image:read"])
    return droplet(tags=["web"])(cloud)


def without_scope(cloud: Any) -> Refused:
    cloud.settings(token_scopes=["droplet:read"])
    return "GET /v2/firewalls", None


def request(rule: str, body: object = None) -> Prepare:
    return lambda _cloud: (rule, body)


CASES: Final[dict[Reason, dict[str, Prepare]]] = {
    REASONS["NO_ROUTE"]: {
        "another resource": request("GET /v2/volumes"),
        "another method": request("PATCH /v2/regions"),
        "outside the API": request("GET /"),
    },
    REASONS["INVALID_BODY"]: {
        "no size": lambda _cloud: ("POST /v2/droplets", without("size")),
        "a number for a name": droplet(name=1),
        "a word for a number": lambda cloud: (
            f"POST /v2/reserved_ipv6/{cloud.reserve()}/actions",
            {"type": "assign", "droplet_id": "1"},
        ),
        "a number for a truth": droplet(ipv6=1),
        "an unknown protocol": firewall(rule(protocol="gre")),
        "a rule without sources": firewall({"protocol": "tcp", "ports": "443"}),
        "no region": lambda _cloud: ("POST /v2/droplets", without("region")),
        "a volume": droplet(volumes=[EMPTY]),
        "no public addresses": droplet(public_networking=False),
        "backups": droplet(backups=True),
        "a range of a VPC": vpc(ip_range="10.10.10.0/24"),
        "a description of a VPC": vpc(description="pool"),
        "a Droplet in a rule": firewall(rule(droplet_ids=[7])),
        "a tag in a rule": firewall(rule(tags=["web"])),
        "an alert of an unknown type": request(
            "POST /v2/monitoring/alerts", {**ALERT, "type": "v1/insights/droplet/mood"}
        ),
        "an alert in Slack": request(
            "POST /v2/monitoring/alerts", {**ALERT, "alerts": {"email": [], "slack": ["ops"]}}
        ),
        "an alert without receivers": request(
            "POST /v2/monitoring/alerts", {**ALERT, "alerts": {}}
        ),
    },
    REASONS["INVALID_QUERY"]: {
        "page 0": request("GET /v2/droplets?page=0"),
        "201 a page": request("GET /v2/droplets?per_page=201"),
        "no number": request("GET /v2/regions?per_page=all"),
        "a digit that is not ASCII": request("GET /v2/regions?page=²"),
    },
    REASONS["MISSING_SCOPE"]: {
        "of the route": without_scope,
        "of the tags": without_scope_for_tags,
    },
    REASONS["INVALID_NAME"]: {
        "an underscore": droplet(name="my_droplet"),
        "empty": droplet(name=""),
        "a last dash": droplet(name="a-"),
        "256 characters": droplet(name="a" * 256),
        "a line end": droplet(name="a\n"),
    },
    REASONS["INVALID_REGION"]: {
        "unknown": droplet(region="moon1"),
        "a beginning": droplet(region="nyc"),
    },
    REASONS["CLOSED_REGION"]: {
        "closed": droplet(region="ams2"),
        "without IPv6": droplet(region="ams1", ipv6=True),
    },
    REASONS["INVALID_SIZE"]: {"unknown": droplet(size="huge")},
    REASONS["SIZE_ELSEWHERE"]: {"create": droplet(size="s-1vcpu-512mb-10gb")},
    REASONS["INVALID_IMAGE"]: {
        "slug": droplet(image="debian-1-x64"),
        "id": droplet(image="133426485"),
    },
    REASONS["INVALID_KEYS"]: {
        "a name": droplet(ssh_keys=["ops"]),
        "half a fingerprint": droplet(ssh_keys=["3b:16"]),
    },
    REASONS["USER_DATA_TOO_LONG"]: {
        "one byte": droplet(user_data="x" * 65537),
        "in bytes, not characters": droplet(user_data="é" * 32769),
    },
    REASONS["INVALID_VPC"]: {
        "unknown": droplet(vpc_uuid=EMPTY),
        "another region's": vpc_elsewhere,
    },
    REASONS["DROPLET_LIMIT"]: {"the second": too_many_droplets},
    REASONS["PENDING_EVENT"]: {"assigning while it is created": assigning(ready=False)},
    REASONS["INVALID_RESERVED_REGION"]: {
        "unknown": request("POST /v2/reserved_ipv6", {"region_slug": "moon1"}),
        "closed": request("POST /v2/reserved_ipv6", {"region_slug": "ams1"}),
    },
    REASONS["RESERVED_LIMIT"]: {"the fourth": fourth_address},
    REASONS["STILL_ASSIGNED"]: {
        "assigned": assigned_address(wait=1),
        "about to be": assigned_address(wait=0),
    },
    REASONS["NO_DROPLET_ID"]: {
        "assign": lambda cloud: (
            f"POST /v2/reserved_ipv6/{cloud.reserve()}/actions",
            {"type": "assign"},
        )
    },
    REASONS["NO_SUCH_DROPLET"]: {"assign": assigning(number=7)},
    REASONS["OTHER_REGION"]: {"assign": assigning(region="fra1")},
    REASONS["WITHOUT_IPV6"]: {"assign": assigning(ipv6=False)},
    REASONS["DROPLET_HAS_ONE"]: {
        "has one": second_address(wait=1),
        "is about to": second_address(wait=0),
    },
    REASONS["RESERVED_PENDING"]: {"unassign too early": address_in_motion},
    REASONS["NOT_ASSIGNED"]: {
        "unassign": lambda cloud: (
            f"POST /v2/reserved_ipv6/{cloud.reserve()}/actions",
            {"type": "unassign"},
        )
    },
    REASONS["INVALID_FIREWALL_NAME"]: {
        "a space": firewall(name="a b"),
        "a first dash": firewall(name="-a"),
        "one character": firewall(name="a"),
    },
    REASONS["FIREWALL_NAME_IN_USE"]: {"create": same_firewall},
    REASONS["NO_RULES"]: {
        "none": request("POST /v2/firewalls", {"name": "pool"}),
        "null": request(
            "POST /v2/firewalls", {"name": "pool", "inbound_rules": None, "outbound_rules": None}
        ),
    },
    REASONS["NO_PORTS"]: {
        "tcp": firewall(rule(None)),
        "udp": firewall(rule(None, "udp")),
    },
    REASONS["INVALID_PORTS"]: {
        ports: firewall(rule(ports))
        for ports in ("443,80", "65536", "9000-8000", "00000", "1-", "http", "443-")
    },
    REASONS["INVALID_ADDRESS"]: {
        "a name": firewall(rule(addresses=["example.com"])),
        "a wrong prefix": firewall(rule(addresses=["::/129"])),
    },
    REASONS["UNKNOWN_TARGET"]: {
        "a Droplet": firewall(droplet_ids=[7]),
        "a tag": firewall(tags=["web"]),
    },
    REASONS["TOO_MANY_RULES"]: {
        "create": firewall(*(rule(str(port)) for port in range(1, 52))),
    },
    REASONS["TOO_MANY_TARGETS"]: {
        "addresses": firewall(rule(addresses=[f"2001:db8::{n:x}" for n in range(1001)]))
    },
    REASONS["INVALID_VPC_NAME"]: {"a space": vpc(name="a b"), "empty": vpc(name="")},
    REASONS["VPC_NAME_IN_USE"]: {"create": same_vpc},
    REASONS["INVALID_VPC_REGION"]: {
        "unknown": vpc(region="moon1"),
        "closed": vpc(region="nyc2"),
    },
    REASONS["DEFAULT_VPC"]: {"delete": default_vpc},
    REASONS["HAS_MEMBERS"]: {
        "a Droplet": vpc_of_droplet(destroying=False),
        "one that is being destroyed": vpc_of_droplet(destroying=True),
    },
    REASONS["INVALID_TAG"]: {
        "a space": droplet(tags=["a b"]),
        "256 characters": droplet(tags=["a" * 256]),
    },
    REASONS["INVALID_NEW_TAG"]: {"a space": request("POST /v2/tags", {"name": "a b"})},
}


def snapshot(cloud: Any) -> object:
    """Return everything that the account holds and a client can see."""
    paths = (
        "droplets",
        "reserved_ipv6",
        "firewalls",
        *(f"vpcs/{uuid}" for uuid in cloud.account.vpcs),
        *(f"tags/{name}" for name in cloud.account.tags),
        *(f"monitoring/alerts/{uuid}" for uuid in cloud.account.alerts),
        *(f"actions/{number}" for number in cloud.account.actions),
    )
    return {path: cloud.ok(f"GET /v2/{path}?per_page=200") for path in paths}


@pytest.mark.parametrize(
    ("reason", "prepare"),
    [
        pytest.param(reason, prepare, id=f"{reason.when[:40]}: {name}")
        for reason, cases in CASES.items()
        for name, prepare in cases.items()
    ],
)
def test_a_request_is_refused(cloud: Any, reason: Reason, prepare: Prepare) -> None:
    rule, body = prepare(cloud)
    reply = cloud.send(rule, body)
    assert reply.status == reason.status
    if reason is REASONS["INVALID_NEW_TAG"]:
        assert set(reply.json) == {"error", "messages", "root_causes"}
    else:
        assert reply.json["id"] == reason.id
        assert reply.json["request_id"] == reply.headers["x-request-id"]
        start = reason.message.split("{")[0]
        assert reply.json["message"].startswith(start)


@pytest.mark.parametrize(
    "prepare",
    [
        pytest.param(prepare, id=f"{reason.when[:40]}: {name}")
        for reason, cases in CASES.items()
        if reason is not REASONS["MISSING_SCOPE"]
        for name, prepare in cases.items()
    ],
)
def test_a_refused_request_changes_nothing(cloud: Any, prepare: Prepare) -> None:
    rule, body = prepare(cloud)
    before = snapshot(cloud)
    assert cloud.send(rule, body).status >= 400
    assert snapshot(cloud) == before


MISSING: Final = {
    "droplet_id": "7",
    "action_id": "7",
    "ip": "2001:db8:d1::7",
    "firewall_id": EMPTY,
    "vpc_id": EMPTY,
    "tag_id": "nobody",
    "alert_uuid": EMPTY,
}


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param(route.rule.format_map(MISSING), id=route.rule)
        for route in ROUTES
        if REASONS["NOT_FOUND"] in route.refuses
    ],
)
def test_what_does_not_exist_is_not_found(cloud: Any, rule: str) -> None:
    reply = cloud.send(rule, {})
    assert (reply.status, reply.json["id"]) == (404, "not_found")


def test_an_address_in_no_notation_is_not_found(cloud: Any) -> None:
    assert cloud.send("GET /v2/reserved_ipv6/everywhere").status == 404


@pytest.mark.parametrize("token", [None, "", "dop_v1_wrong"], ids=["none", "empty", "wrong"])
def test_without_the_token_nothing_is_answered(cloud: Any, token: str | None) -> None:
    reply = cloud.send("GET /v2/regions", token=token)
    assert (reply.status, reply.json["id"]) == (401, "unauthorized")
    assert reply.json["message"] == "Unable to authenticate you."


@pytest.mark.parametrize("data", [b"{", b"[]", b'"name"', b"\xff"])
def test_a_body_that_is_no_object_is_a_bad_request(cloud: Any, data: bytes) -> None:
    reply = cloud.send("POST /v2/vpcs", data=data)
    assert (reply.status, reply.json["message"]) == (400, "error parsing request body")


def test_a_refusal_names_all_faults_of_a_body(cloud: Any) -> None:
    message = cloud.send("POST /v2/droplets", {"name": 1, "ipv6": "yes"}).json["message"]
    assert all(f"{field}: " in message for field in ("name", "size", "image", "ipv6"))


def test_every_declared_reason_has_a_case() -> None:
    declared = set(chain.from_iterable(route.refuses for route in ROUTES)) | set(wire.EVERYWHERE)
    elsewhere = {REASONS["NOT_FOUND"], REASONS["UNAUTHORIZED"], REASONS["BAD_JSON"]}
    assert set(CASES) == declared - elsewhere
