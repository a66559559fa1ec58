"""The same over HTTP/2: what h2 tells of one exchange on a stream of its own.

A front end that takes an informational answer for the whole one sends a body behind it, which
HTTP/1.1 may hide: there the bytes of the real answer follow, and look like it. Over HTTP/2 they are
data before any answer, and no client can read them.
"""

from collections.abc import Sequence
from typing import Final

import httpcore
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    InformationalResponseReceived,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)
from h2.exceptions import ProtocolError

from rollout.probe.model import TroubleError
from rollout.probe.read_answer import READ_BYTES, FramedRequest, RawHeaders, ReadAnswer

_OF_HTTP1: Final = frozenset({b"host", b"connection", b"keep-alive", b"transfer-encoding"})
"""What HTTP/2 says otherwise, or not at all. Source: RFC 9113, 8.2.2 and 8.3.1."""


class Http2Exchange:
    """A connection over HTTP/2 on which requests are sent one after the other."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        """Take a connection on which HTTP/2 was agreed on."""
        self._stream = stream
        self._wire = H2Connection(config=H2Configuration(header_encoding=None))
        self._begun = False

    def is_open(self) -> bool:
        """Say whether another request may be sent."""
        return True

    async def send(self, asked: FramedRequest, read: ReadAnswer) -> None:
        """Send a request, and read its answer to the end.

        The body goes out at once: it has to fit into the window of 65,535 bytes.

        Raises:
            TroubleError: What came is no answer.
        """
        if not self._begun:
            self._wire.initiate_connection()
            self._begun = True
        try:
            number = self._wire.get_next_available_stream_id()
            self._ask(number, asked)
            await self._flush()
            await self._read(number, read)
        except ProtocolError as fault:
            raise httpcore.RemoteProtocolError(str(fault)) from fault

    def _ask(self, number: int, asked: FramedRequest) -> None:
        request, headers, trailers = asked.request, asked.headers, asked.trailers
        host = next(value for name, value in headers if name.lower() == b"host")
        pseudo = [
            (b":method", request.method.encode("latin-1")),
            (b":scheme", b"https"),
            (b":authority", host),
            (b":path", request.target.encode("latin-1")),
        ]
        body = request.body if isinstance(request.body, bytes) else b"".join(request.body or ())
        more = bool(body or trailers)
        self._wire.send_headers(number, pseudo + _lower(headers), end_stream=not more)
        if more:
            self._wire.send_data(number, body, end_stream=not trailers)
        if trailers:
            self._wire.send_headers(number, _lower(trailers), end_stream=True)

    async def _flush(self) -> None:
        if data := self._wire.data_to_send():
            await self._stream.write(data)

    async def _read(self, number: int, read: ReadAnswer) -> None:
        while True:
            data = await self._stream.read(READ_BYTES)
            if not data:
                raise httpcore.RemoteProtocolError("the connection was ended")
            # After the end of the answer nothing matters, such as a GOAWAY.
            ended = any(
                self._take(event, read)
                for event in self._wire.receive_data(data)
                if getattr(event, "stream_id", number) == number
            )
            await self._flush()
            if ended:
                return

    def _take(self, event: Event, read: ReadAnswer) -> bool:
        """Take what an event says; return whether it was the last."""
        if isinstance(event, InformationalResponseReceived):
            status, headers = _split(event.headers)
            read.inform(status, headers)
        elif isinstance(event, ResponseReceived):
            status, headers = _split(event.headers)
            read.begin(status, headers, "HTTP/2")
        elif isinstance(event, DataReceived):
            if event.flow_controlled_length:
                self._wire.acknowledge_received_data(
                    event.flow_controlled_length, event.stream_id or 0
                )
            read.take(event.data or b"")
        elif isinstance(event, TrailersReceived):
            read.trailers = tuple(event.headers or ())
        elif isinstance(event, StreamReset | ConnectionTerminated):
            code = getattr(event.error_code, "name", event.error_code)
            raise TroubleError("reset", f"the HTTP/2 stream was ended with {code}")
        elif isinstance(event, StreamEnded):
            read.end()
            return True
        return False


def _lower(headers: RawHeaders) -> list[tuple[bytes, bytes]]:
    lower = [(name.lower(), value) for name, value in headers]
    return [each for each in lower if each[0] not in _OF_HTTP1]


def _split(headers: RawHeaders | None) -> tuple[int, Sequence[tuple[bytes, bytes]]]:
    """Return the status of an answer's head, and its headers."""
    all_of_them = headers or ()
    status = next(int(value) for name, value in all_of_them if name == b":status")
    return status, [each for each in all_of_them if not each[0].startswith(b":")]
