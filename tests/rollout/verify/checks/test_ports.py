"""Each port that direct serves has to be served alike on every way: on sockets of loopback."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from rollout.probe.http import HttpWire
from rollout.probe.model import EdgeTarget, HttpRequest, Result, Way
from rollout.probe.sockets import Sockets
from rollout.verify.check import CheckContext, VerifyOptions
from rollout.verify.checks.ports import Ports
from support.fake_edge import NoDnsQueries
from support.lab_origin import LoopbackOrigin, free_port, origin_on_loopback, own_loopback_address

NAME = "api.example.com"
Answer = Callable[[str, str], bytes]
"""What a server answers to a method and a target, as it goes onto the wire."""


def says(status: int, body: bytes = b"", **headers: str) -> bytes:
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    head = f"HTTP/1.1 {status} Status\r\nDate: now\r\n{lines}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def always(status: int, body: bytes = b"", **headers: str) -> Answer:
    return lambda _method, _target: says(status, body, **headers)


def without_body(method: str, answer: bytes) -> bytes:
    return answer.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if method == "HEAD" else answer


def serves(_method: str, _target: str) -> bytes:
    return says(200, b"the API")


def moved(status: int, location: str = "https://{host}{target}") -> Answer:
    """Return a server that redirects, as load balancers do."""
    return lambda _, target: says(status, Location=location.format(host=NAME, target=target))


def without_query(method: str, target: str) -> bytes:
    return moved(301)(method, target.partition("?")[0])


def by_method(get: int, other: int) -> Answer:
    return lambda method, target: moved(get if method in ("GET", "HEAD") else other)(method, target)


def at_random(_method: str, _target: str) -> bytes:
    return says(200, secrets.token_bytes(8), X_Request_Id=secrets.token_hex(4))


@asynccontextmanager
async def listening(address: str, port: int, answer: Answer) -> AsyncGenerator[None]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        method, target, _ = head.split(b"\r\n")[0].decode().split(" ")
        writer.write(without_body(method, answer(method, target)))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, address, port)
    try:
        yield
    finally:
        server.close()


@asynccontextmanager
async def forwarding(
    address: str, port: int, to: tuple[str, int], change: tuple[bytes, bytes] = (b"", b"")
) -> AsyncGenerator[None]:
    """Pass bytes on, as a proxy does, some of them changed."""

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data.replace(*change) if change[0] else data)
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(*to)
        await asyncio.gather(copy(reader, back), copy(there, writer))

    server = await asyncio.start_server(serve, address, port)
    try:
        yield
    finally:
        server.close()


LANES = ("direct", "proxy", "cdn")


def ways_at(addresses: Mapping[str, str], port: int = 443) -> tuple[Way, ...]:
    return (
        Way("direct", "IPv4", NAME, addresses["direct"], port),
        Way("direct", "IPv6", NAME, addresses["proxy"], port),
        Way("cdn", "IPv4", NAME, addresses["cdn"], port),
    )


OPTIONS = VerifyOptions(None, False, 1000, 32, 0, 0.1, account=False)


def verdicts(results: list[Result]) -> dict[str, str]:
    return {
        (
            "proxy" if (each.path, each.family) == ("direct", "IPv6") else str(each.path)
        ): each.verdict
        for each in results
    }


def on_servers(
    servers: Mapping[str, Answer | None],
    *,
    requests: tuple[HttpRequest, ...] = (),
    session: Any = None,
) -> list[Result]:
    """Return what is found where each way has a server of its own on the port, or none."""
    addresses = {lane: own_loopback_address() for lane in LANES}
    port, https = free_port(addresses["direct"]), free_port(addresses["direct"])

    async def run() -> list[Result]:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(listening(addresses["direct"], https, serves))
            for lane, answer in servers.items():
                if answer is not None:
                    await stack.enter_async_context(listening(addresses[lane], port, answer))
            wire = HttpWire(rate=1000, concurrency=32)
            ways = ways_at(addresses, https)
            options = replace(OPTIONS, account=session is not None)
            target = EdgeTarget((NAME,), "lb.eu-central-1.elb.amazonaws.com", "cf", port=https)
            context = CheckContext(target, ways, options, wire, NoDnsQueries(), requests)
            check = Ports(Sockets(1.0), session or (lambda: None), plain_port=port)
            return [each async for each in check.run(context)]

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("servers", "expected"),
    [
        pytest.param(dict.fromkeys(LANES, serves), "pass pass pass", id="all serve"),
        pytest.param(dict.fromkeys(LANES, moved(301)), "pass pass pass", id="all redirect"),
        pytest.param(dict.fromkeys(LANES, at_random), "pass pass pass", id="what changes itself"),
        pytest.param(dict.fromkeys(LANES), "pass pass pass", id="nobody serves"),
        pytest.param({"cdn": serves, "proxy": None}, "pass pass pass", id="only cdn serves"),
        pytest.param(
            {"direct": serves, "cdn": always(403), "proxy": None},
            "pass fail fail",
            id="direct 200, proxy refused, cdn 403",
        ),
        *(
            pytest.param({"direct": direct, "proxy": direct, "cdn": cdn}, "pass pass fail", id=name)
            for name, direct, cdn in (
                ("served instead of redirected", moved(301), serves),
                ("redirected instead of served", serves, moved(301)),
                ("301 becomes 302", moved(301), moved(302)),
                ("307 becomes 308", moved(307), moved(308)),
                ("303 becomes 302", moved(303), moved(302)),
                ("the query is lost", moved(301), without_query),
                ("the port is another", moved(301, "https://{host}:443{target}"), moved(301)),
                ("relative becomes absolute", moved(302, "/v2{target}"), moved(302)),
                ("another name", moved(302), moved(302, "https://www.{host}{target}")),
                ("another status of OPTIONS", moved(301), by_method(301, 307)),
                ("a refusal becomes another", always(426), always(403)),
                ("a cookie is lost", always(200, Set_Cookie="a=1"), always(200)),
                ("another body", serves, always(200, b"the edge")),
            )
        ),
    ],
)
def test_a_port_is_served_alike_or_that_is_found(
    servers: dict[str, Answer | None], expected: str
) -> None:
    results = on_servers(servers)
    assert verdicts(results) == dict(zip(LANES, expected.split(), strict=True)), results


def test_the_evidence_names_the_location_and_the_remedy_what_to_do() -> None:
    wrong = moved(301, "https://www.{host}{target}")
    results = on_servers({"direct": moved(301), "cdn": wrong})
    evidence = {str(each.path): each for each in results}
    assert "answers 301 (Location: https://api.example.com/?verify=" in results[0].evidence
    assert "header:location" in evidence["cdn"].evidence
    assert "https://www.api.example.com/" in evidence["cdn"].evidence
    assert "CloudFront serves 80 and 443 only" in evidence["cdn"].remedy
    assert any("proxy.ports" in each.remedy for each in results)


def test_a_port_that_only_others_serve_is_told() -> None:
    results = on_servers({"cdn": serves})
    (cdn,) = (each for each in results if each.path == "cdn")
    assert cdn.verdict == "pass"
    assert "only others serve it" in cdn.evidence


def test_where_direct_is_not_there_at_all_nothing_passes() -> None:
    addresses = {lane: own_loopback_address() for lane in LANES}

    async def run() -> list[Result]:
        wire = HttpWire(rate=1000, concurrency=8)
        target = EdgeTarget((NAME,), "lb", "cf")
        context = CheckContext(target, ways_at(addresses), OPTIONS, wire, NoDnsQueries())
        return [each async for each in Ports(Sockets(1.0), lambda: None).run(context)]

    assert set(verdicts(asyncio.run(run())).values()) == {"unknown"}


def test_of_own_requests_nothing_secret_is_sent_in_the_clear() -> None:
    seen: list[tuple[str, str]] = []

    def noted(method: str, target: str) -> bytes:
        seen.append((method, target))
        return serves(method, target)

    requests = (
        HttpRequest("GET", "/orders?token=secret", (("Authorization", "Bearer secret"),)),
        HttpRequest("DELETE", "/orders/7"),
    )
    on_servers(dict.fromkeys(LANES, noted), requests=requests)
    assert any(target.startswith("/orders?verify=") for _, target in seen)
    assert not [target for _, target in seen if "secret" in target or "/7" in target]
    assert {method for method, _ in seen} == {"GET", "HEAD", "OPTIONS"}


class Account:
    """A session of an account with a load balancer, which it has these listeners of."""

    def __init__(self, *listeners: tuple[str, int]) -> None:
        self.listeners = listeners

    def client(self, service: str, **_: object) -> "Account":
        assert service == "elbv2"
        return self

    def get_paginator(self, operation: str) -> "Account":
        self.operation = operation
        return self

    def paginate(self, **_: object) -> "Account":
        return self

    def search(self, _: str) -> Iterator[dict[str, Any]]:
        if self.operation == "describe_load_balancers":
            name = "lb.eu-central-1.elb.amazonaws.com"
            yield {"DNSName": name, "LoadBalancerArn": "arn", "Type": "application"}
        else:
            yield from ({"Protocol": kind, "Port": port} for kind, port in self.listeners)

    def describe_load_balancer_attributes(self, **_: object) -> dict[str, Any]:
        return {"Attributes": []}


def test_each_listener_of_the_account_is_tried() -> None:
    another = free_port("127.0.0.1")
    account = Account(("HTTP", another), ("UDP", 53))
    results = on_servers({}, session=lambda: account)
    by_check = {each.check: each for each in results}
    assert by_check["ports"].verdict == "unknown"
    assert "53/UDP" in by_check["ports"].evidence
    # It is there, and does not answer from here: that is no pass.
    assert by_check[f"port-{another}"].verdict == "unknown"
    assert "a listener for HTTP" in by_check[f"port-{another}"].evidence


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackOrigin]:
    with origin_on_loopback(tmp_path_factory.mktemp("origin"), NAME) as served:
        yield served


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param((b"", b""), "pass", id="passed on"),
        pytest.param((b"X-Version", b"X-Fassung"), "fail", id="a header is another"),
    ],
)
def test_where_direct_echoes_on_a_port_what_arrives_is_compared(
    origin: LoopbackOrigin, change: tuple[bytes, bytes], expected: str
) -> None:
    addresses = {
        "direct": origin.address,
        "proxy": own_loopback_address(),
        "cdn": own_loopback_address(),
    }

    async def run() -> list[Result]:
        to = (origin.address, origin.http)
        async with (
            forwarding(addresses["proxy"], origin.http, to),
            forwarding(addresses["cdn"], origin.http, to, change),
        ):
            wire = HttpWire(rate=1000, concurrency=16, ca=origin.ca)
            options = replace(OPTIONS, echo="/echo", unsafe=True)
            target = EdgeTarget((NAME,), "lb", "cf", port=origin.https)
            ways = ways_at(addresses, origin.https)
            context = CheckContext(target, ways, options, wire, NoDnsQueries())
            check = Ports(Sockets(1.0), lambda: None, plain_port=origin.http)
            return [each async for each in check.run(context)]

    results = asyncio.run(run())
    assert set(verdicts([each for each in results if each.check == f"port-{origin.http}"])) == {
        *LANES
    }
    echoed = verdicts([each for each in results if each.check.endswith("-echo")])
    assert echoed["direct"] == echoed["proxy"] == "pass", results
    assert echoed["cdn"] == expected
