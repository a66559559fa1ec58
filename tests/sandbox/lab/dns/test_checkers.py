"""Health checks: what passes, and when the health changes."""

import asyncio
import json
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from sandbox.lab.dns.checkers import Checkers, host, passes
from sandbox.lab.dns.health import CheckersConfig, Streak, statuses

NOBODY = "127.0.0.1"
"""A resolver that does not answer."""


@given(st.lists(st.booleans(), max_size=30), st.integers(1, 10))
def test_a_status_changes_after_so_many_results_in_a_row(
    results: Sequence[bool], threshold: int
) -> None:
    streak, healthy = Streak(), True
    for number, passed in enumerate(results, 1):
        streak = streak.after(passed, threshold)
        last = results[max(0, number - threshold) : number]
        if len(last) == threshold and set(last) == {not healthy}:
            healthy = not healthy
        assert streak.healthy == healthy


FAILED = Streak(healthy=False)
STATUSES: dict[str, tuple[dict[str, Any], dict[str, Streak], bool]] = {
    "a new check is healthy": ({"Type": "TCP"}, {}, True),
    "one that has failed often enough is not": ({"Type": "TCP"}, {"it": FAILED}, False),
    "an inverted one is the opposite": ({"Type": "TCP", "Inverted": True}, {"it": FAILED}, True),
    "a disabled one is healthy": ({"Type": "TCP", "Disabled": True}, {"it": FAILED}, True),
    "a disabled inverted one is not": (
        {"Type": "TCP", "Disabled": True, "Inverted": True},
        {},
        False,
    ),
    "an alarm is healthy": ({"Type": "CLOUDWATCH_METRIC"}, {}, True),
    "enough healthy children": (
        {"Type": "CALCULATED", "ChildHealthChecks": ["a", "b"], "HealthThreshold": 1},
        {"a": FAILED},
        True,
    ),
    "too few healthy children": (
        {"Type": "CALCULATED", "ChildHealthChecks": ["a", "b"], "HealthThreshold": 2},
        {"a": FAILED},
        False,
    ),
    "no healthy child needed": (
        {"Type": "CALCULATED", "ChildHealthChecks": ["a", "b"], "HealthThreshold": 0},
        {"a": FAILED, "b": FAILED},
        True,
    ),
}


@pytest.mark.parametrize(("config", "streaks", "healthy"), STATUSES.values(), ids=STATUSES.keys())
def test_the_health_of_a_check(
    config: Mapping[str, Any], streaks: Mapping[str, Streak], *, healthy: bool
) -> None:
    checks = {"it": config, "a": {"Type": "TCP"}, "b": {"Type": "TCP"}}
    assert statuses(checks, streaks)["it"] is healthy


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (
            {"Type": "HTTPS", "FullyQualifiedDomainName": "a.example", "IPAddress": "::1"},
            "a.example",
        ),
        ({"Type": "HTTP", "IPAddress": "192.0.2.1"}, "192.0.2.1"),
        ({"Type": "HTTP", "IPAddress": "2001:db8::1"}, "[2001:db8::1]"),
        ({"Type": "HTTP", "FullyQualifiedDomainName": "a.example", "Port": 80}, "a.example"),
        ({"Type": "HTTP", "FullyQualifiedDomainName": "a.example", "Port": 443}, "a.example:443"),
        ({"Type": "HTTPS", "FullyQualifiedDomainName": "a.example", "Port": 80}, "a.example:80"),
    ],
)
def test_what_an_endpoint_is_told_as_host(config: Mapping[str, Any], expected: str) -> None:
    assert host(config) == expected


class Endpoint:
    """A server that answers each connection with the same bytes, and keeps what it was asked."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.requests: list[bytes] = []
        self.port = 0
        self.tasks: set[asyncio.Task[None] | None] = set()

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.tasks.add(asyncio.current_task())
        try:
            self.requests.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(self.answer)
            await writer.drain()
        except (EOFError, OSError):
            pass
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


async def checked(
    endpoint: Endpoint,
    config: Mapping[str, Any],
    *,
    address: str = "127.0.0.1",
    tls: ssl.SSLContext | None = None,
) -> bool:
    server = await asyncio.start_server(endpoint.handle, address, 0, ssl=tls)
    endpoint.port = server.sockets[0].getsockname()[1]
    own = {"IPAddress": address, "Port": endpoint.port, **config}
    async with server:
        passed = await passes("it", own, NOBODY)
        await asyncio.gather(*(task for task in endpoint.tasks if task is not None))
        return passed


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"
LATE = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 5_118 + b"hello"
HTTP: dict[str, tuple[bytes, dict[str, Any], bool]] = {
    "200": (OK, {}, True),
    "204 after 103": (b"HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 204 No\r\n\r\n", {}, True),
    "399": (b"HTTP/1.1 399 Odd\r\nContent-Length: 0\r\n\r\n", {}, True),
    "404": (b"HTTP/1.1 404 Gone\r\nContent-Length: 0\r\n\r\n", {}, False),
    "503": (b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", {}, False),
    "nothing": (b"", {}, False),
    "no HTTP": (b"SSH-2.0-OpenSSH_9.2\r\n", {}, False),
    "the string": (OK, {"Type": "HTTP_STR_MATCH", "SearchString": "hello"}, True),
    "the string in chunks": (CHUNKED, {"Type": "HTTP_STR_MATCH", "SearchString": "hello"}, True),
    "another string": (OK, {"Type": "HTTP_STR_MATCH", "SearchString": "other"}, False),
    "too late a string": (LATE, {"Type": "HTTP_STR_MATCH", "SearchString": "hello"}, False),
    "the string of an error": (
        b"HTTP/1.1 500 No\r\nContent-Length: 5\r\n\r\nhello",
        {"Type": "HTTP_STR_MATCH", "SearchString": "hello"},
        False,
    ),
}


@pytest.mark.parametrize(("answer", "config", "passed"), HTTP.values(), ids=HTTP.keys())
def test_an_http_check_passes(answer: bytes, config: Mapping[str, Any], *, passed: bool) -> None:
    assert asyncio.run(checked(Endpoint(answer), {"Type": "HTTP", **config})) is passed


def test_an_http_check_asks_for_the_path_by_name() -> None:
    endpoint = Endpoint(OK)
    config = {"Type": "HTTP", "FullyQualifiedDomainName": "a.example", "ResourcePath": "health?a=1"}
    assert asyncio.run(checked(endpoint, config, address="::1"))
    assert endpoint.requests == [
        b"GET /health?a=1 HTTP/1.1\r\nHost: a.example:%d\r\nConnection: close\r\n"
        b"User-Agent: Amazon-Route53-Health-Check-Service (ref it; report "
        b"http://amzn.to/1vsZADi)\r\n\r\n" % endpoint.port
    ]


@pytest.mark.parametrize(
    ("config", "sent"),
    [
        ({"FullyQualifiedDomainName": "a.example"}, "a.example"),
        ({"FullyQualifiedDomainName": "a.example", "EnableSNI": True}, "a.example"),
        ({"FullyQualifiedDomainName": "a.example", "EnableSNI": False}, None),
        ({}, None),
    ],
)
def test_an_https_check_sends_the_name_and_takes_any_certificate(
    config: Mapping[str, Any], sent: str | None
) -> None:
    seen: list[str | None] = []
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    another: Any = trustme.CA().issue_cert("another.example")
    another.configure_cert(tls)
    tls.sni_callback = lambda _socket, name, _context: seen.append(name)
    assert asyncio.run(checked(Endpoint(OK), {"Type": "HTTPS", **config}, tls=tls))
    assert seen == [sent]


def test_an_https_check_of_plain_http_fails() -> None:
    assert not asyncio.run(checked(Endpoint(OK), {"Type": "HTTPS"}))


def test_a_tcp_check_connects_and_no_more() -> None:
    async def connect() -> tuple[bool, bool]:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            config = {"Type": "TCP", "IPAddress": "127.0.0.1", "Port": silent.getsockname()[1]}
            there = await passes("it", config, NOBODY)
        return there, await passes("it", config, NOBODY)

    assert asyncio.run(connect()) == (True, False)


def configured(folder: Path, checks: dict[str, Any], *, speed: float = 1000) -> CheckersConfig:
    return CheckersConfig(
        checks=checks, resolver=NOBODY, speed=speed, health=folder / "health.json"
    )


async def until(what: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not what():  # noqa: ASYNC110 - what it waits for is a file
            await asyncio.sleep(0.01)


def run(body: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(_awaited(body))


async def _awaited(body: Callable[[], Awaitable[None]]) -> None:
    await body()


def test_the_file_tells_the_health_from_the_start_and_after_each_change(tmp_path: Path) -> None:
    health = tmp_path / "health.json"

    async def body() -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            tcp = {"Type": "TCP", "IPAddress": "127.0.0.1", "Port": port, "RequestInterval": 10}
            both = {"a": tcp, "b": {"Type": "CALCULATED", "ChildHealthChecks": ["a"]}}
            checking = Checkers()
            await checking.apply(configured(tmp_path, both))
            assert json.loads(health.read_text()) == {"a": True, "b": True}
            server.close()
            await until(lambda: json.loads(health.read_text()) == {"a": False, "b": False})
        with socket.create_server(("127.0.0.1", port)):
            await until(lambda: json.loads(health.read_text()) == {"a": True, "b": True})
        await until(lambda: not json.loads(health.read_text())["a"])
        more = {"a": tcp, "c": {**tcp, "Inverted": True}}
        await checking.apply(configured(tmp_path, more))
        # What has not changed stands as it stood.
        assert json.loads(health.read_text()) == {"a": False, "c": False}
        await until(lambda: json.loads(health.read_text()) == {"a": False, "c": True})
        await checking.close()

    run(body)


def test_another_speed_holds_for_the_checks_that_wait_already(tmp_path: Path) -> None:
    health = tmp_path / "health.json"

    async def body() -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            tcp = {"Type": "TCP", "IPAddress": "127.0.0.1", "Port": port, "FailureThreshold": 1}
            checking = Checkers()
            await checking.apply(configured(tmp_path, {"a": tcp}, speed=0.001))
            connected, _ = await asyncio.to_thread(server.accept)
            connected.close()
        # The next one would come after 30,000 seconds.
        await asyncio.sleep(0.2)
        assert json.loads(health.read_text()) == {"a": True}
        await checking.apply(configured(tmp_path, {"a": tcp}, speed=1000))
        await until(lambda: json.loads(health.read_text()) == {"a": False})
        await checking.close()

    run(body)
