"""How an edge node reaches its origin and what it says when it cannot, with the real nginx."""

import socket
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from support.edge import (
    ALL_VIEWER_EXCEPT_HOST,
    API,
    ORIGIN,
    RunningEdge,
    behavior,
    deployed,
    distribution,
    edge,
    listed,
    origin,
    reply,
)


def _https(**changes: Any) -> dict[str, Any]:
    custom = {"OriginProtocolPolicy": "https-only", **changes.pop("CustomOriginConfig", {})}
    return {"Origins": listed([origin(CustomOriginConfig=custom, **changes)])}


def _run(
    folder: Path, names: Sequence[str] = (ORIGIN,), **changes: Any
) -> AbstractContextManager[RunningEdge]:
    return edge(folder, deployed(distribution(**changes)), origin_names=names)


# Schemes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("protocol", "expected"),
    [("http-only", [False, False]), ("https-only", [True, True]), ("match-viewer", [True, False])],
)
def test_the_origin_is_spoken_to_in_the_scheme_that_was_chosen(
    tmp_path: Path, protocol: str, expected: list[bool]
) -> None:
    origins = _https(CustomOriginConfig={"OriginProtocolPolicy": protocol})
    with _run(tmp_path, **origins) as node:
        assert [node.send(tls=tls).status for tls in (True, False)] == [200, 200]
        assert [received.server_name is not None for received in node.origin.received] == expected


# Certificates -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "status"),
    [
        ((ORIGIN,), 200),
        ((API,), 200),
        (("*.example.com",), 200),
        ((API, ORIGIN), 200),
        (("elsewhere.example.org",), 502),
    ],
)
def test_the_certificate_names_the_origin_or_the_forwarded_host(
    tmp_path: Path, names: Sequence[str], status: int
) -> None:
    with _run(tmp_path, names, **_https()) as node:
        for method in ("GET", "POST"):
            sent = ("Content-Length: 1",) if method == "POST" else ()
            answer = node.send("/", *sent, method=method, body=b"x" if sent else b"")
            assert answer.status == status
        if status == 200:
            assert node.origin.last.values("host") == [API]


def test_without_the_host_only_the_origins_name_counts(tmp_path: Path) -> None:
    chosen = {"DefaultCacheBehavior": behavior(OriginRequestPolicyId=ALL_VIEWER_EXCEPT_HOST)}
    with _run(tmp_path, (API,), **_https(), **chosen) as node:
        assert node.send().status == 502
        assert set(node.origin.names) == {ORIGIN}


def test_the_forwarded_host_is_the_name_that_is_asked_for(tmp_path: Path) -> None:
    with _run(tmp_path, (API,), **_https()) as node:
        node.send()
        assert node.origin.last.server_name == API


def test_an_unknown_authority_is_not_trusted(tmp_path: Path) -> None:
    with _run(tmp_path, **_https()) as node:
        (tmp_path / "ca.pem").write_bytes(
            node.certificates[next(iter(node.certificates))][0].read_bytes()
        )
        node.deploy(deployed(distribution(**_https())))
        assert node.send().status == 502


# Names and addresses ------------------------------------------------------------------------------


def test_only_ipv4_addresses_are_asked_for_and_used(tmp_path: Path) -> None:
    with _run(tmp_path) as node:
        node.send()
        assert set(node.names.queries) == {(ORIGIN, "A")}


def test_a_changed_address_is_followed_when_its_time_is_over(tmp_path: Path) -> None:
    with _run(tmp_path) as node:
        node.send()
        node.names.addresses[ORIGIN] = ("127.0.0.2",)
        deadline = time.monotonic() + 5
        while (node.send(), node.origin.last.address)[1] != "127.0.0.2":
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_a_long_time_to_live_is_respected(tmp_path: Path) -> None:
    with _run(tmp_path) as node:
        node.names.ttl = 60
        node.send()
        node.names.addresses[ORIGIN] = ("127.0.0.2",)
        time.sleep(1.5)
        node.send()
        assert node.origin.last.address == "127.0.0.1"


def test_a_name_that_does_not_exist_is_a_bad_gateway(tmp_path: Path) -> None:
    with _run(tmp_path) as node:
        node.names.addresses.clear()
        answer = node.send()
        assert answer.status == 502
        assert answer.values("server") == ["CloudFront"]
        assert answer.values("x-cache") == ["Error from cloudfront"]
        assert b"502 ERROR" in answer.body


# Trouble ------------------------------------------------------------------------------------------


def _nobody(**changes: Any) -> dict[str, Any]:
    """Return an origin whose port nobody listens on."""
    custom = {"HTTPPort": 8999, **changes.pop("CustomOriginConfig", {})}
    return {"Origins": listed([origin(CustomOriginConfig=custom, **changes)])}


def test_a_refused_connection_is_a_bad_gateway(tmp_path: Path) -> None:
    with _run(tmp_path, **_nobody()) as node:
        assert node.send().status == 502
        assert node.send(method="HEAD").status == 502
        assert node.send("/", "Content-Length: 1", method="POST", body=b"x").status == 502


@pytest.mark.parametrize(
    ("method", "attempts", "tried"),
    [("GET", 3, 3), ("GET", 1, 1), ("HEAD", 2, 2), ("POST", 3, 1), ("PUT", 3, 1), ("DELETE", 3, 1)],
)
def test_only_reads_are_tried_again(tmp_path: Path, method: str, attempts: int, tried: int) -> None:
    with _run(tmp_path, Origins=listed([origin(ConnectionAttempts=attempts)])) as node:
        node.origin.answer = lambda _: None  # closes
        assert node.send(method=method).status == 502
        assert len(node.origin.received) == tried


def test_a_second_attempt_may_succeed(tmp_path: Path) -> None:
    with _run(tmp_path) as node:
        node.origin.answer = lambda _: reply() if len(node.origin.received) > 1 else None
        answer = node.send("/a?b")
        assert (answer.status, answer.body) == (200, b"ok")
        first, second = node.origin.received
        assert (first.line, first.headers) == (second.line, second.headers)


def test_a_dead_address_is_passed_over(tmp_path: Path) -> None:
    with _run(tmp_path) as node:
        # There is no way to the first in this namespace.
        node.names.addresses[ORIGIN] = ("198.51.100.1", "127.0.0.1")
        statuses = [node.send().status for _ in range(10)]
        statuses += [
            node.send("/", "Content-Length: 1", method="POST", body=b"x").status for _ in range(10)
        ]
        assert statuses == [200] * 20
        assert node.origin.last.body == b"x"


def test_a_silent_origin_is_a_gateway_timeout(tmp_path: Path) -> None:
    changes = _https(
        CustomOriginConfig={"OriginReadTimeout": 1, "OriginProtocolPolicy": "http-only"},
        ConnectionAttempts=2,
    )
    with _run(tmp_path, **changes) as node:
        node.origin.answer = lambda _: _silent()
        begin = time.monotonic()
        answer = node.send()
        assert answer.status == 504  # 502, had the edge waited for as long as the origin
        assert time.monotonic() - begin > 1.8
        assert len(node.origin.received) == 2
        begin = time.monotonic()
        assert node.send(method="PUT").status == 504
        assert time.monotonic() - begin > 0.8
        assert len(node.origin.received) == 3


def _silent() -> bytes | None:
    time.sleep(5)
    return b""


def test_a_connection_that_does_not_come_about_is_a_gateway_timeout(tmp_path: Path) -> None:
    changes = _nobody(ConnectionAttempts=2, ConnectionTimeout=1)
    with _run(tmp_path, **changes) as node:
        full = node.namespace.inside(lambda: _full_listener(8999))
        begin = time.monotonic()
        assert node.send().status == 504
        assert 1.8 < time.monotonic() - begin < 10  # CloudFront's default, for one attempt
        for each in full:
            each.close()


def _full_listener(port: int) -> list[socket.socket]:
    """Return a listener whose queue is full, so that it takes nobody more, and who fills it."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", port))
    listener.listen(0)
    made = [listener]
    for _ in range(3):
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(("127.0.0.1", port))
        made.append(client)
    return made


def test_an_answer_that_breaks_off_is_not_made_whole(tmp_path: Path) -> None:
    with _run(tmp_path) as node:
        node.origin.answer = lambda received: _half(node, received.connection)
        viewer = node.viewer(tls=False)
        viewer.sendall(f"GET / HTTP/1.1\r\nHost: {API}\r\n\r\n".encode())
        got = b""
        while data := viewer.recv(65_536):
            got += data
        assert got.endswith(b"abc")
        assert b"Content-Length: 10" in got


def _half(node: RunningEdge, connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
    assert node.origin.received


def test_an_interim_answer_ends_in_an_error_and_not_in_silence(tmp_path: Path) -> None:
    with _run(tmp_path) as node:
        node.origin.answer = lambda _: b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + reply()
        answer = node.send()
        assert (answer.status, answer.body) == (502, b"")
        assert answer.values("x-cache") == ["Error from cloudfront"]
