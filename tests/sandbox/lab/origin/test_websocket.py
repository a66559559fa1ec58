"""The echo's WebSocket."""

import json
from collections.abc import Callable

import pytest
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as open_websocket

from support.raw_http import Raw

Connect = Callable[..., Raw]

HANDSHAKE = (
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
)


def opened(connect: Connect, load_balancer: str, headers: dict[str, str]) -> ClientConnection:
    # The socket has TLS already, so the address is that of plain WebSocket.
    address = "ws://api.example.com/echo/websocket?a=1"
    own = connect(load_balancer).socket
    return open_websocket(address, sock=own, compression=None, additional_headers=headers)


@pytest.mark.parametrize("load_balancer", ["application", "classic-tcp", "network"])
def test_the_handshake_is_echoed_and_then_each_message(
    connect: Connect, load_balancer: str
) -> None:
    with opened(connect, load_balancer, {"X-Odd-cASE": "1"}) as socket:
        echo = json.loads(socket.recv(10))
        assert (echo["method"], echo["target"]) == ("GET", "/echo/websocket?a=1")
        assert ["X-Odd-cASE", "1"] in echo["headers"]
        for message in ("text", "", "ü" * 100_000, b"", bytes(range(256)) * 1000):
            socket.send(message)
            assert socket.recv(10) == message
        assert socket.ping().wait(10)
        socket.send(["in ", "three ", "pieces"])
        assert socket.recv(10) == "in three pieces"
        socket.close(4321, "enough")
    assert (socket.close_code, socket.close_reason) == (4321, "enough")


def test_what_came_with_the_handshake_is_echoed_too(connect: Connect) -> None:
    with connect() as raw:
        raw.send(
            b"GET /echo/websocket HTTP/1.1\r\nHost: api.example.com\r\n"
            + b"".join(f"{name}: {value}\r\n".encode() for name, value in HANDSHAKE)
            + b"\r\n\x81\x82\x00\x00\x00\x00hi"
        )
        head = raw.head()
        assert head.status == 101
        # The answer to this key is RFC 6455's own example, 1.3.
        assert head.all("Sec-WebSocket-Accept") == ["s3pPLMBiTxaQ9kYGzzhZRbK+xOo="]
        assert raw.until(b"\x81\x02hi")


def test_broken_frames_end_it(connect: Connect) -> None:
    with connect() as raw:
        raw.request("/echo/websocket", *HANDSHAKE)
        assert raw.head().status == 101
        raw.send(b"\x81\x02hi")  # a client's frames have to be masked
        assert b"\x03\xea" in raw.rest()[-80:], "closed with 1002"


def test_a_client_that_goes_away_without_a_word_is_let_go(connect: Connect) -> None:
    with connect() as raw:
        raw.request("/echo/websocket", *HANDSHAKE)
        assert raw.head().status == 101
    with connect() as raw:
        assert raw.ask("/echo")["target"] == "/echo"


@pytest.mark.parametrize(
    ("left_out", "status"),
    [("Upgrade", 426), ("Sec-WebSocket-Key", 400), ("Sec-WebSocket-Version", 400)],
)
def test_what_is_no_handshake_is_refused(connect: Connect, left_out: str, status: int) -> None:
    headers = [each for each in HANDSHAKE if each[0] != left_out]
    with connect() as raw:
        raw.request("/echo/websocket", *headers)
        head, body = raw.answer()
        assert (head.status, head.all("Upgrade")) == (status, ["websocket"] * (status == 426))
        assert json.loads(body)["error"]
        assert raw.ask("/echo")["target"] == "/echo"
