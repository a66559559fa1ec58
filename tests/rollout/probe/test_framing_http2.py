"""Answers over HTTP/2 on a connection that is a list of what comes."""

import asyncio
import struct
from collections.abc import Sequence
from typing import Any, cast

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection

from rollout.probe.framing_http2 import Http2Exchange
from rollout.probe.model import FramedAnswer, HttpRequest, TroubleError
from rollout.probe.read_answer import FramedRequest, ReadAnswer

HINT = [(":status", "103"), ("link", "</a>")]
ANSWER = [(":status", "200"), ("via", "1.1 front")]


def farewell(last_stream: int, error: int) -> bytes:
    """Return a frame GOAWAY. Source: RFC 9113, 6.8."""
    return b"\x00\x00\x08\x07\x00" + struct.pack(">III", 0, last_stream, error)


class Came:
    """A stream on which everything comes at once."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    async def read(self, _: int) -> bytes:
        data, self.data = self.data, b""
        return data

    async def write(self, _: bytes) -> None:
        pass


def served(*parts: Sequence[tuple[str, str]] | bytes, goaway: bool = False) -> bytes:
    """Return what a server sends: heads, and pieces of a body."""
    client = H2Connection(H2Configuration(client_side=True))
    client.initiate_connection()
    own = [(":method", "GET"), (":path", "/"), (":scheme", "https"), (":authority", "a")]
    client.send_headers(1, own, end_stream=True)
    server = H2Connection(H2Configuration(client_side=False))
    server.initiate_connection()
    server.receive_data(client.data_to_send())
    for part in parts:
        if isinstance(part, bytes):
            server.send_data(1, part)
        else:
            server.send_headers(1, list(part))
    server.end_stream(1)
    return server.data_to_send() + (farewell(1, 0) if goaway else b"")


def exchanged(data: bytes) -> FramedAnswer:
    async def run() -> FramedAnswer:
        exchange = Http2Exchange(cast("Any", Came(data)))
        read = ReadAnswer(asyncio.get_running_loop().time(), 1000)
        await exchange.send(FramedRequest(HttpRequest("GET", "/"), [(b"Host", b"a")]), read)
        return read.whole()

    return asyncio.run(run())


def test_a_hint_comes_before_the_answer() -> None:
    framed = exchanged(served(HINT, ANSWER, b"ok"))
    assert [(each.status, each.headers) for each in framed.informational] == [
        (103, (("link", "</a>"),))
    ]
    assert (framed.answer.status, framed.answer.body, framed.answer.protocol) == (
        200,
        b"ok",
        "HTTP/2",
    )


def test_a_farewell_after_the_answer_is_no_trouble() -> None:
    assert exchanged(served(ANSWER, b"ok", goaway=True)).answer.body == b"ok"


def test_a_connection_that_ends_before_the_answer_is_trouble() -> None:
    greeting = H2Connection(H2Configuration(client_side=False))
    greeting.initiate_connection()
    with pytest.raises(TroubleError, match="the HTTP/2 stream was ended with"):
        exchanged(greeting.data_to_send() + farewell(0, 2))
