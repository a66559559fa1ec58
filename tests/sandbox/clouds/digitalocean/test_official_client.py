"""The official client `pydo` works with the served cloud, and agrees with it on every route."""

import importlib
import inspect
import re
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest

from sandbox.clouds.digitalocean import TOKEN, client_environment
from sandbox.clouds.digitalocean.api import MAP, ROUTES
from sandbox.clouds.digitalocean.routes import Route
from sandbox.plugins.digitalocean.scopes import SCOPES
from support.marks import inserted
from support.routes_page import AUTHOR, MARK, render
from support.waiting import wait_until

BODY = {"region": "nyc3", "size": "s-1vcpu-1gb", "image": "debian-12-x64", "ipv6": True}
DOCS = Path(__file__).parents[4] / "docs"


@cache
def builders() -> dict[str, Any]:
    """Return the official client's functions that make requests, by their bare names."""
    operations = importlib.import_module("pydo.operations._operations")
    return {name.replace("_", ""): member for name, member in vars(operations).items()}


def route_of(operation: str) -> Route:
    """Return the route of the request that the official client makes for an operation."""
    build = builders()[f"build{re.sub('[_.]', '', operation).lower()}request"]
    required = {
        name: 7 if "int" in str(parameter.annotation) else "seven"
        for name, parameter in inspect.signature(build).parameters.items()
        if parameter.default is parameter.empty and parameter.kind is not parameter.VAR_KEYWORD
    }
    request = build(**required)
    path = request.url.partition("?")[0]
    matched, _ = MAP.bind("localhost").match(path, request.method)
    return matched


@pytest.mark.parametrize("route", [pytest.param(route, id=route.rule) for route in ROUTES])
def test_method_and_path_are_those_of_the_official_client(route: Route) -> None:
    assert route_of(route.operation) is route


def test_each_route_is_one_that_the_stand_in_the_lab_or_the_program_calls() -> None:
    program = {"GET /v2/monitoring/alerts", "GET /v2/vpcs"}
    lab = {"GET /v2/droplets", "GET /v2/firewalls", "GET /v2/reserved_ipv6"}
    assert {route.rule for route in ROUTES} == lab | program | {
        route_of(name).rule for name in SCOPES
    }


def test_a_pool_lives_and_goes(served: Any) -> None:
    vpc = served.vpcs.create({"name": "pool", "region": "nyc3"})["vpc"]["id"]
    served.tags.create({"name": "pool"})
    bodies = [{**BODY, "name": name, "tags": ["pool"], "vpc_uuid": vpc} for name in ("a", "b")]
    numbers = [served.droplets.create(body)["droplet"]["id"] for body in bodies]

    def active() -> bool:
        statuses = [served.droplets.get(number)["droplet"]["status"] for number in numbers]
        return statuses == ["active", "active"]

    def completed(action: int) -> bool:
        return served.actions.get(action)["action"]["status"] == "completed"

    wait_until(active)
    ip = served.reserved_ipv6.create({"region_slug": "nyc3"})["reserved_ipv6"]["ip"]
    for number in numbers:
        body = {"type": "assign", "droplet_id": number}
        action = served.reserved_ipv6_actions.post(ip, body)["action"]["id"]
        wait_until(partial(completed, action))
        assert served.reserved_ipv6.get(ip)["reserved_ipv6"]["droplet"]["id"] == number
    rule = {"protocol": "tcp", "ports": "443", "sources": {"addresses": ["::/0"]}}
    firewall = served.firewalls.create({"name": "pool", "inbound_rules": [rule], "tags": ["pool"]})[
        "firewall"
    ]["id"]
    wait_until(lambda: served.firewalls.get(firewall)["firewall"]["status"] == "succeeded")
    served.firewalls.delete(firewall)
    for number in numbers:
        served.droplets.destroy(number)
    wait_until(lambda: not served.droplets.list()["droplets"])
    served.reserved_ipv6.delete(ip)
    served.vpcs.delete(vpc)
    assert served.reserved_ipv6.list()["reserved_ipv6s"] == []


def test_a_refusal_reaches_the_client(served: Any) -> None:
    exceptions: Any = importlib.import_module("pydo.exceptions")
    with pytest.raises(exceptions.HttpResponseError) as caught:
        served.droplets.create({**BODY, "name": "proxy", "size": "huge"})
    assert caught.value.status_code == 422
    assert "You specified an invalid size for Droplet creation." in str(caught.value)


def test_requests_at_the_same_time_never_share_anything(served: Any) -> None:
    served.control("PUT", "settings", {"droplet_limit": 40, "reserved_ip_limit": 5})

    def create(number: int) -> int:
        return served.droplets.create({**BODY, "name": f"proxy-{number}"})["droplet"]["id"]

    def reserve(_: int) -> str | None:
        answer = served.reserved_ipv6.create({"region_slug": "nyc3"})
        return answer["reserved_ipv6"]["ip"]

    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(create, range(40)))
        tries = [pool.submit(reserve, number) for number in range(10)]
    assert len(set(numbers)) == 40
    assert sum(attempt.exception() is None for attempt in tries) == 5

    def shown() -> list[Any]:
        return served.droplets.list(per_page=200)["droplets"]

    wait_until(lambda: all(droplet["status"] == "active" for droplet in shown()))
    given_out = [
        network["ip_address"]
        for droplet in shown()
        for family in droplet["networks"].values()
        for network in family
    ]
    assert len(set(given_out)) == len(given_out) == 120


def test_a_connection_is_kept_after_a_refused_body(served: Any) -> None:
    exceptions: Any = importlib.import_module("pydo.exceptions")
    droplets = served.droplets
    for _ in range(3):
        with pytest.raises(exceptions.HttpResponseError):
            droplets.create({"name": "x" * 5000})
        assert droplets.list()["meta"]["total"] == 0


def test_the_environment_names_address_and_token() -> None:
    variables = client_environment("http://127.0.0.1:8080")
    assert variables["DIGITALOCEAN_API_URL"] == "http://127.0.0.1:8080"
    assert variables["DIGITALOCEAN_TOKEN"] == TOKEN
    assert "127.0.0.1" in variables["NO_PROXY"].split(",")


def test_the_page_of_documentation_is_made_from_the_routes() -> None:
    document = (DOCS / "digitalocean-model.md").read_text()
    assert inserted(document, MARK, AUTHOR, render()) == document
