"""What passes an edge node while it is still being sent, with the real nginx."""

import base64
import hashlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import h2.connection
import h2.events
import pytest

from support.edge import (
    API,
    Received,
    RunningEdge,
    answer_on,
    behavior,
    deployed,
    distribution,
    edge,
    listed,
    origin,
    reply,
)

_PAUSE = 0.3


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEdge]:
    """Run a pass-through edge that keeps errors, so that nginx's cache is at work."""
    nothing_said = listed([])
    what = deployed(distribution(CustomErrorResponses=nothing_said))
    with edge(tmp_path_factory.mktemp("edge"), what) as made:
        yield made


def _read_until(connection: socket.socket, end: bytes) -> bytes:
    got = b""
    while end not in got:
        data = connection.recv(65_536)
        assert data, got
        got += data
    return got


# Bodies -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("framing", ["Transfer-Encoding: chunked", "Content-Length: 12", "none"])
def test_an_answer_streams(passing: RunningEdge, framing: str) -> None:
    chunked = framing.startswith("T")

    def answer(received: Received) -> None:
        head = "" if framing == "none" else f"{framing}\r\n"
        received.connection.sendall(f"HTTP/1.1 200 OK\r\n{head}\r\n".encode())
        for piece in (b"one.", b"two.", b"end."):
            data = b"4\r\n" + piece + b"\r\n" if chunked else piece
            received.connection.sendall(data)
            time.sleep(_PAUSE)
        received.connection.sendall(b"0\r\n\r\n" if chunked else b"")

    passing.origin.answer = answer
    viewer = passing.viewer()
    viewer.sendall(f"GET /{framing[0]} HTTP/1.1\r\nHost: {API}\r\n\r\n".encode())
    arrived: list[float] = []
    for piece in (b"one.", b"two.", b"end."):
        _read_until(viewer, piece)
        arrived.append(time.monotonic())
    gaps = [later - earlier for earlier, later in pairwise(arrived)]
    assert all(_PAUSE / 2 < gap < _PAUSE * 3 for gap in gaps)


@pytest.mark.parametrize("chunked", [True, False])
def test_a_request_streams(passing: RunningEdge, *, chunked: bool) -> None:
    arrived: list[bytes] = []
    seen = threading.Semaphore(0)

    def answer(received: Received) -> bytes:
        for _ in range(3):
            if chunked:
                size = int(received.stream.readline(), 16)
                arrived.append(received.stream.read(size))
                received.stream.readline()
            else:
                arrived.append(received.stream.read(4))
            seen.release()
        if chunked:
            received.stream.readline()
            received.stream.readline()
        return reply()

    passing.origin.answer, passing.origin.reads_bodies = answer, False
    viewer = passing.viewer()
    framing = "Transfer-Encoding: chunked" if chunked else "Content-Length: 12"
    viewer.sendall(f"POST / HTTP/1.1\r\nHost: {API}\r\n{framing}\r\n\r\n".encode())
    for piece in (b"one.", b"two.", b"end."):
        viewer.sendall(b"4\r\n" + piece + b"\r\n" if chunked else piece)
        # Only when it has arrived is the next one sent.
        assert seen.acquire(timeout=5)
    viewer.sendall(b"0\r\n\r\n" if chunked else b"")
    assert answer_on(viewer, "POST").body == b"ok"
    assert arrived == [b"one.", b"two.", b"end."]
    assert passing.origin.last.values("transfer-encoding") == (["chunked"] if chunked else [])


def test_large_bodies_pass_both_ways(passing: RunningEdge) -> None:
    body = os.urandom(12_000_000)
    passing.origin.answer = lambda received: reply(received.body)
    answer = passing.send("/", f"Content-Length: {len(body)}", method="POST", body=body)
    assert hashlib.sha256(answer.body).digest() == hashlib.sha256(body).digest()


def test_an_expectation_is_met_by_the_edge(passing: RunningEdge) -> None:
    passing.origin.answer = lambda received: reply(received.body)
    viewer = passing.viewer()
    head = f"PUT / HTTP/1.1\r\nHost: {API}\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    viewer.sendall(head.encode())
    assert _read_until(viewer, b"\r\n\r\n").startswith(b"HTTP/1.1 100 Continue")
    viewer.sendall(b"ab")
    assert answer_on(viewer, "PUT").body == b"ab"
    assert passing.origin.last.values("expect") == []


# WebSocket ----------------------------------------------------------------------------------------


def _accept(received: Received) -> None:
    key = received.values("sec-websocket-key")[0]
    accepted = hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode())  # noqa: S324 - RFC 6455
    head = (
        "HTTP/1.1 101 Switching Protocols",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Accept: {base64.b64encode(accepted.digest()).decode()}",
        "",
        "",
    )
    received.connection.sendall("\r\n".join(head).encode())
    while data := received.stream.read1():
        received.connection.sendall(data)


_HANDSHAKE = (
    "Upgrade: websocket",
    "Connection: keep-alive, Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Protocol: chat",
)


@pytest.mark.parametrize("policy", ["216adef6-5c7f-47e4-b989-5492eafa07d3", ""])
def test_a_websocket_passes(tmp_path: Path, policy: str) -> None:
    # Idle for longer than an ordinary answer may be.
    quick = origin(CustomOriginConfig={"OriginReadTimeout": 1})
    chosen = behavior(OriginRequestPolicyId=policy)
    made = distribution(Origins=listed([quick]), DefaultCacheBehavior=chosen)
    with edge(tmp_path, deployed(made)) as node:
        node.origin.answer = _accept
        viewer = node.viewer()
        head = (f"GET /chat HTTP/1.1\r\nHost: {API}", *_HANDSHAKE, "", "")
        viewer.sendall("\r\n".join(head).encode())
        answer = _read_until(viewer, b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 101 ")
        assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in answer
        for pause, message in ((0, b"hello"), (1.5, b"again")):
            time.sleep(pause)
            viewer.sendall(message)
            assert _read_until(viewer, message) == message
        received = node.origin.last
        assert received.values("upgrade") == ["websocket"]
        assert received.values("connection") == ["Upgrade"]
        assert received.values("sec-websocket-protocol") == ["chat"]


def test_a_refused_handshake_is_an_answer(passing: RunningEdge) -> None:
    passing.origin.answer = lambda _: reply(b"no", status="403 Forbidden")
    answer = passing.send("/chat", *_HANDSHAKE)
    assert (answer.status, answer.body) == (403, b"no")


# HTTP/2 -------------------------------------------------------------------------------------------


@dataclass
class _Http2Answer:
    """What came back over HTTP/2."""

    headers: dict[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""
    trailers: dict[str, str] = field(default_factory=dict[str, str])


def _exchange(
    node: RunningEdge,
    headers: list[tuple[str, str]],
    body: bytes | None = None,
    *,
    method: str = "GET",
) -> _Http2Answer:
    """Send one request over HTTP/2; a body has no length."""
    secured = node.secure(node.connect(), alpn=["h2"])
    assert secured.selected_alpn_protocol() == "h2"
    state = h2.connection.H2Connection()
    state.initiate_connection()
    pseudo = [(":method", method), (":scheme", "https"), (":authority", API), (":path", "/two?a=b")]
    state.send_headers(1, [*pseudo, *headers], end_stream=body is None)
    if body is not None:
        state.send_data(1, body, end_stream=True)
    secured.sendall(state.data_to_send())
    answer = _Http2Answer()
    while True:
        for event in state.receive_data(secured.recv(65_536)):
            if isinstance(event, h2.events.ResponseReceived):
                answer.headers = _texts(event.headers)
            elif isinstance(event, h2.events.TrailersReceived):
                answer.trailers = _texts(event.headers)
            elif isinstance(event, h2.events.DataReceived):
                answer.body += event.data
            elif isinstance(event, h2.events.StreamEnded | h2.events.StreamReset):
                return answer
        secured.sendall(state.data_to_send())


def _texts(headers: Any) -> dict[str, str]:
    def text(value: bytes | str) -> str:
        return value.decode() if isinstance(value, bytes) else value

    return {text(name): text(value) for name, value in headers}


def test_http2_reaches_the_origin_as_http1(passing: RunningEdge) -> None:
    passing.origin.answer = lambda _: reply(b"ok", "X-A: 1")
    answer = _exchange(passing, [("x-custom", "1"), ("cookie", "a=1"), ("cookie", "b=2")])
    assert (answer.headers[":status"], answer.headers["x-a"], answer.body) == ("200", "1", b"ok")
    received = passing.origin.last
    assert received.line == "GET /two?a=b HTTP/1.1"
    assert received.values("host") == [API]
    assert received.values("x-custom") == ["1"]
    assert "; ".join(received.values("cookie")) == "a=1; b=2"
    assert received.values("via")[0].startswith("2.0 ")


def test_a_get_with_a_body_is_forbidden_over_http2_too(passing: RunningEdge) -> None:
    before = len(passing.origin.received)
    assert _exchange(passing, [], b"body").headers[":status"] == "403"
    assert len(passing.origin.received) == before


def test_a_body_without_a_length_arrives(passing: RunningEdge) -> None:
    passing.origin.answer = lambda received: reply(received.body)
    assert _exchange(passing, [], b"body", method="POST").body == b"body"


@pytest.mark.parametrize(("name", "value"), [("x-large", "x" * 21_000), ("x-larger", "x" * 70_000)])
def test_too_large_a_header_is_refused_over_http2_too(
    passing: RunningEdge, name: str, value: str
) -> None:
    # In frames of the size that every server takes.
    assert len(value) > 20_480
    status = _large(passing, name, value)
    assert status == "413"


def _large(node: RunningEdge, name: str, value: str) -> str:
    secured = node.secure(node.connect(), alpn=["h2"])
    state = h2.connection.H2Connection()
    state.initiate_connection()
    headers = [(":method", "GET"), (":scheme", "https"), (":authority", API), (":path", "/")]
    state.send_headers(1, [*headers, (name, value)], end_stream=True)
    secured.sendall(state.data_to_send())
    while True:
        data = secured.recv(65_536)
        if not data:
            return "closed"
        for event in state.receive_data(data):
            if isinstance(event, h2.events.ResponseReceived):
                return _texts(event.headers)[":status"]
            if isinstance(event, h2.events.StreamReset | h2.events.ConnectionTerminated):
                return type(event).__name__
        secured.sendall(state.data_to_send())


# Reload -------------------------------------------------------------------------------------------


def test_a_change_interrupts_no_answer(tmp_path: Path) -> None:
    with edge(tmp_path) as node:
        go_on = threading.Event()

        def answer(received: Received) -> bytes | None:
            if received.target != "/slow":
                return reply(b"new")
            received.connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nold.")
            go_on.wait(10)
            return b"end."

        node.origin.answer = answer
        viewer = node.viewer()
        viewer.sendall(f"GET /slow HTTP/1.1\r\nHost: {API}\r\n\r\n".encode())
        _read_until(viewer, b"old.")
        nothing_forwarded = behavior(OriginRequestPolicyId="")
        node.deploy(deployed(distribution(DefaultCacheBehavior=nothing_forwarded)))
        assert node.send("/", "X-Custom: 1").body == b"new"
        assert node.origin.last.values("x-custom") == []
        go_on.set()
        _read_until(viewer, b"end.")


def test_a_change_loses_no_request_under_load(tmp_path: Path) -> None:
    with edge(tmp_path) as node:
        node.origin.answer = lambda _: reply(b"ok")
        outcomes: list[object] = []
        stop = threading.Event()

        def ask() -> None:
            while not stop.is_set():
                try:
                    outcomes.append(node.send("/", tls=False).status)
                except OSError as error:
                    outcomes.append(error)

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        for number in range(4):
            node.deploy(deployed(distribution(Comment=str(number), IsIPV6Enabled=number % 2 == 0)))
        stop.set()
        for thread in threads:
            thread.join()
        assert len(outcomes) > 20
        assert set(outcomes) == {200}


def test_what_is_kept_survives_a_change(tmp_path: Path) -> None:
    nothing_said = listed([])
    what = deployed(distribution(CustomErrorResponses=nothing_said))
    with edge(tmp_path, what) as node:
        node.origin.answer = lambda _: reply(b"gone", status="404 Gone")
        node.send()
        node.origin.answer = lambda _: reply(b"back")
        node.deploy(what)
        assert node.send().body == b"gone"
