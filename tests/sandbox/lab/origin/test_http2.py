"""The echo over HTTP/2."""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    InformationalResponseReceived,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.lab.origin.body import PERIOD
from support.raw_http import Raw

Connect = Callable[..., Raw]
Fields = list[tuple[bytes, bytes]]


@dataclass
class Seen:
    """What came back on a stream."""

    informational: list[Fields] = field(default_factory=list[Fields])
    head: Fields = field(default_factory=list[tuple[bytes, bytes]])
    body: bytes = b""
    pieces: list[float] = field(default_factory=list[float])
    trailers: Fields | None = None
    reset: int | None = None
    over: bool = False

    @property
    def echo(self) -> dict[str, Any]:
        """The echo, of a body that is one."""
        return json.loads(self.body)

    def value(self, name: bytes) -> bytes:
        """Return the only value of a header."""
        (value,) = (value for own, value in self.head if own == name)
        return value


class Http2:
    """A connection of HTTP/2 that sends fields as they are given."""

    def __init__(self, raw: Raw) -> None:
        """Begin to speak."""
        self.raw = raw
        self.wire = H2Connection(
            H2Configuration(
                header_encoding=None,
                validate_outbound_headers=False,
                normalize_outbound_headers=False,
            )
        )
        self.wire.initiate_connection()
        self.seen: dict[int, Seen] = {}
        self.terminated: int | None = None

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.raw.socket.close()

    def begin(self, target: bytes, *headers: tuple[bytes, bytes], method: bytes = b"GET") -> int:
        """Send the head of a request."""
        stream = self.wire.get_next_available_stream_id()
        pseudo = [
            (b":method", method),
            (b":scheme", b"https"),
            (b":authority", b"api.example.com"),
            (b":path", target),
        ]
        self.wire.send_headers(stream, [*pseudo, *headers])
        self.seen[stream] = Seen()
        self.flush()
        return stream

    def flush(self) -> None:
        """Send what is to be sent."""
        self.raw.send(self.wire.data_to_send())

    def send(self, stream: int, body: bytes) -> None:
        """Send a body of any length and end the request."""
        while body:
            room = min(
                self.wire.local_flow_control_window(stream), self.wire.max_outbound_frame_size
            )
            if not room:
                self.receive()
                continue
            self.wire.send_data(stream, body[:room])
            body = body[room:]
            self.flush()
        self.wire.end_stream(stream)
        self.flush()

    def receive(self) -> None:
        """Take what comes."""
        data = self.raw.socket.recv(65536)
        assert data, "the connection ended"
        for event in self.wire.receive_data(data):
            seen = self.seen.get(getattr(event, "stream_id", None) or 0, Seen())
            if isinstance(event, InformationalResponseReceived):
                seen.informational.append(list(event.headers or []))
            elif isinstance(event, ResponseReceived):
                seen.head = list(event.headers or [])
            elif isinstance(event, DataReceived):
                seen.body += event.data or b""
                seen.pieces.append(time.monotonic())
                self.wire.acknowledge_received_data(
                    event.flow_controlled_length or 0, event.stream_id or 0
                )
            elif isinstance(event, TrailersReceived):
                seen.trailers = list(event.headers or [])
            elif isinstance(event, StreamReset):
                seen.reset, seen.over = int(event.error_code or 0), True
            elif isinstance(event, StreamEnded):
                seen.over = True
            elif isinstance(event, ConnectionTerminated):
                self.terminated = int(event.error_code or 0)
        self.flush()

    def finish(self, stream: int) -> Seen:
        """Return what came on a stream, once it is at its end."""
        while not self.seen[stream].over:
            self.receive()
        return self.seen[stream]

    def ask(
        self,
        target: bytes,
        *headers: tuple[bytes, bytes],
        method: bytes = b"GET",
        body: bytes = b"",
    ) -> Seen:
        """Send a request and return the whole answer."""
        stream = self.begin(target, *headers, method=method)
        self.send(stream, body)
        return self.finish(stream)


@pytest.fixture(scope="session")
def http2(connect: Connect) -> Callable[..., Http2]:
    def begin(load_balancer: str = "network") -> Http2:
        return Http2(connect(load_balancer, alpn=("h2", "http/1.1")))

    return begin


def test_a_request_is_told_as_it_was_received(http2: Callable[..., Http2]) -> None:
    with http2() as client:
        seen = client.ask(
            b"/echo?b=%2f&a=1&a=%20+",
            (b"x-b", b"1"),
            (b"cookie", b"a=1"),
            (b"x-a", b"two \xe9"),
            (b"cookie", b"b=2"),
            (b"x-b", b"2"),
            method=b"PURGE",
            body=b"abc",
        )
        echo = seen.echo
        address, port = client.raw.socket.getsockname()
    assert echo.pop("id")
    assert echo == {
        "method": "PURGE",
        "target": "/echo?b=%2f&a=1&a=%20+",
        "protocol": "HTTP/2",
        "scheme": "https",
        "headers": [
            ["host", "api.example.com"],
            ["x-b", "1"],
            ["cookie", "a=1; b=2"],
            ["x-a", "two é"],
            ["x-b", "2"],
        ],
        "body": {"length": 3, "sha256": hashlib.sha256(b"abc").hexdigest()},
        "client": {"address": address, "port": port},
        "trailers": [],
    }
    assert [name for name, _ in seen.head] == [
        b":status",
        b"date",
        b"content-type",
        b"content-length",
    ]


NAMES = st.text("abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~", min_size=1, max_size=20).map(
    lambda text: f"x-{text}"
)
VISIBLE = [chr(code) for code in [*range(0x21, 0x7F), *range(0x80, 0x100)]]
VALUES = st.text(st.sampled_from([*VISIBLE, " ", "\t"]), max_size=50).map(lambda t: t.strip(" \t"))
FORWARDED = ("x-forwarded-for", "x-forwarded-proto", "x-forwarded-port", "x-amzn-trace-id")


@settings(deadline=None, max_examples=60)
@given(
    headers=st.lists(st.tuples(NAMES, VALUES), max_size=12),
    query=st.text([chr(code) for code in range(0x21, 0x7F)], max_size=60),
    load_balancer=st.sampled_from(["application", "network"]),
)
def test_any_headers_and_any_target_come_back_unaltered(
    http2: Callable[..., Http2],
    headers: list[tuple[str, str]],
    query: str,
    load_balancer: str,
) -> None:
    headers = [each for each in headers if each[0] not in FORWARDED]
    own = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    with http2(load_balancer) as client:
        echo = client.ask(f"/echo?{query}".encode(), *own).echo
    assert echo["target"] == f"/echo?{query}"
    sent = [["host", "api.example.com"], *map(list, headers)]
    assert [each for each in echo["headers"] if each[0] not in FORWARDED] == sent


def test_streams_are_answered_at_the_same_time(http2: Callable[..., Http2]) -> None:
    with http2() as client:
        begun = time.monotonic()
        slow = [client.begin(b"/echo/delay=1.5") for _ in range(10)]
        for stream in slow:
            client.send(stream, b"")
        assert client.ask(b"/echo").echo["target"] == "/echo"
        assert time.monotonic() - begun < 1.5
        assert all(client.finish(stream).body for stream in slow)
        assert 1.5 <= time.monotonic() - begun < 8


def test_large_bodies_pass_in_both_directions(http2: Callable[..., Http2]) -> None:
    body = bytes(range(256)) * 4_000
    with http2() as client:
        seen = client.ask(b"/echo", method=b"PUT", body=body)
        assert seen.echo["body"] == {
            "length": len(body),
            "sha256": hashlib.sha256(body).hexdigest(),
        }
        seen = client.ask(b"/echo/size=1000000")
    assert seen.value(b"content-length") == b"1000000"
    assert seen.body == (bytes(range(PERIOD)) * 4000)[:1_000_000]


def test_pieces_come_one_by_one_without_a_length(http2: Callable[..., Http2]) -> None:
    with http2() as client:
        seen = client.ask(b"/echo/size=9;chunks=3;interval=0.4")
    assert len(seen.pieces) >= 3
    assert seen.pieces[-1] - seen.pieces[0] > 0.3
    assert b"content-length" not in dict(seen.head)
    assert b"transfer-encoding" not in dict(seen.head)


def test_trailers_are_told_and_sent(http2: Callable[..., Http2]) -> None:
    with http2() as client:
        stream = client.begin(b"/echo/chunks=2;trailer=X-Sum:a%20b", method=b"PUT")
        client.wire.send_data(stream, b"abc")
        client.wire.send_headers(stream, [(b"x-sum", b"1")], end_stream=True)
        client.flush()
        seen = client.finish(stream)
    assert seen.echo["trailers"] == [["x-sum", "1"]]
    assert seen.echo["body"]["length"] == 3
    assert seen.trailers == [(b"x-sum", b"a b")]
    assert seen.value(b"trailer") == b"X-Sum"


def test_an_informational_answer_comes_first(http2: Callable[..., Http2]) -> None:
    with http2() as client:
        seen = client.ask(b"/echo/hint=103;status=404")
    assert seen.informational == [[(b":status", b"103"), (b"link", b"</echo>; rel=preload")]]
    assert seen.value(b":status") == b"404"


def test_a_client_that_waits_to_go_on_is_told_to(http2: Callable[..., Http2]) -> None:
    with http2() as client:
        stream = client.begin(b"/echo", (b"expect", b"100-continue"), method=b"PUT")
        while not client.seen[stream].informational:
            client.receive()
        client.send(stream, b"body")
        seen = client.finish(stream)
    assert seen.informational == [[(b":status", b"100")]]
    assert seen.echo["body"]["length"] == 4


@pytest.mark.parametrize(("method", "target"), [(b"HEAD", b"/echo"), (b"GET", b"/echo/status=204")])
def test_where_there_is_no_body_a_header_tells(
    http2: Callable[..., Http2], method: bytes, target: bytes
) -> None:
    with http2() as client:
        seen = client.ask(target, method=method)
    assert seen.body == b""
    assert seen.value(b"x-echo")


def test_a_stream_ends_half_way_and_the_others_go_on(http2: Callable[..., Http2]) -> None:
    with http2() as client:
        seen = client.ask(b"/echo/size=1000;close=on")
        assert (len(seen.body), seen.reset) == (500, ErrorCodes.INTERNAL_ERROR)
        assert client.ask(b"/echo").value(b":status") == b"200"


def test_a_stream_that_the_client_gives_up_harms_no_other(http2: Callable[..., Http2]) -> None:
    with http2() as client:
        given_up = client.begin(b"/echo/size=100000000", method=b"POST")
        client.wire.end_stream(given_up)
        client.flush()
        client.receive()
        client.wire.reset_stream(given_up, ErrorCodes.CANCEL)
        client.flush()
        for _ in range(20):  # more than the connection's window altogether
            half_sent = client.begin(b"/echo", method=b"POST")
            client.wire.send_data(half_sent, b"x" * 5000)
            client.wire.reset_stream(half_sent, ErrorCodes.CANCEL)
            client.flush()
            while client.wire.outbound_flow_control_window < 20_000:
                client.receive()
        for number in range(5):
            body = b"x" * 60_000
            assert (
                client.ask(b"/echo?%d" % number, method=b"POST", body=body).value(b":status")
                == b"200"
            )


def test_what_is_no_http2_is_not_answered(connect: Connect) -> None:
    with connect("network", alpn=("h2",)) as raw:
        raw.send(b"GET /echo HTTP/1.1\r\nHost: api.example.com\r\n\r\n")
        assert b"200" not in raw.rest()


def test_a_fault_in_the_protocol_is_told_before_the_end(http2: Callable[..., Http2]) -> None:
    with http2() as client:
        client.flush()
        client.raw.send(b"\x00\x00\x08\x06\x00\x00\x00\x00\x01pingpong")  # belongs on stream 0
        while client.terminated is None:
            client.receive()
        assert client.terminated == ErrorCodes.PROTOCOL_ERROR


@pytest.mark.parametrize(
    ("load_balancer", "listener", "spoken"),
    [
        pytest.param("application", 0, "h2", id="application"),
        pytest.param("classic", 0, "http/1.1", id="a classic one knows no HTTP/2"),
        pytest.param("network", 0, "h2", id="the API behind TCP"),
        pytest.param("network", 1, None, id="TLS ended without ALPN"),
    ],
)
def test_who_speaks_http2(
    connect: Connect, load_balancer: str, listener: int, spoken: str | None
) -> None:
    with connect(load_balancer, listener=listener, alpn=("h2", "http/1.1")) as raw:
        assert raw.socket.selected_alpn_protocol() == spoken  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] - TLS
