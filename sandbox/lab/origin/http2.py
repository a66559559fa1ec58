"""HTTP/2 on one accepted connection, with nothing altered on the way in or out."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    DataReceived,
    Event,
    RemoteSettingsChanged,
    RequestReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
    WindowUpdated,
)
from h2.exceptions import ProtocolError

from sandbox.lab.origin.exchange import Handler, Headers, IdleError, Line, OriginRequest

_FORBIDDEN_IN_HTTP2: Final = (b"connection", b"keep-alive", b"upgrade", b"transfer-encoding")


@dataclass
class _Stream:
    """One request and its answer over HTTP/2."""

    of: "Http2Connection"
    number: int
    pieces: asyncio.Queue[tuple[bytes, int] | None] = field(
        default_factory=asyncio.Queue[tuple[bytes, int] | None]
    )
    """What came of the body, and how much of the window each piece takes; None: that was all."""
    window: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the other end takes more."""
    expects: bool = False
    """Whether the other end waits for 100 (Continue)."""
    begun: bool = False
    trailers: list[tuple[bytes, bytes]] = field(default_factory=list[tuple[bytes, bytes]])

    async def body(self) -> AsyncIterator[bytes]:
        if self.expects:
            await self.inform(100, [])
        while (piece := await self.pieces.get()) is not None:
            data, taken = piece
            self.of.wire.acknowledge_received_data(taken, self.number)
            await self.of.flush()
            yield data

    async def inform(self, status: int, headers: Headers) -> None:
        self.of.wire.send_headers(self.number, _head(status, headers))
        await self.of.flush()

    async def begin(self, status: int, headers: Headers, length: int | None) -> None:
        self.begun = True
        own = _head(status, headers)
        if length is not None:
            own.append((b"content-length", b"%d" % length))
        self.of.wire.send_headers(self.number, own)  # leaves with what comes next

    async def send(self, piece: bytes) -> None:
        view = memoryview(piece)
        while view:
            room = min(
                self.of.wire.local_flow_control_window(self.number),
                self.of.wire.max_outbound_frame_size,
            )
            if room <= 0:
                await self._wait_for_room()
                continue
            self.of.wire.send_data(self.number, bytes(view[:room]))
            await self.of.flush()
            view = view[room:]

    async def _wait_for_room(self) -> None:
        self.window.clear()
        try:
            async with asyncio.timeout(self.of.line.idle_seconds):
                await self.window.wait()
        except TimeoutError:
            raise IdleError from None

    async def end(self, trailers: Headers = ()) -> None:
        if trailers:
            lower = [(name.lower(), value) for name, value in trailers]
            self.of.wire.send_headers(self.number, lower, end_stream=True)
        else:
            self.of.wire.end_stream(self.number)
        await self.of.flush()

    async def break_off(self) -> None:
        self.of.wire.reset_stream(self.number, ErrorCodes.INTERNAL_ERROR)
        await self.of.flush()

    async def wait(self, seconds: float) -> None:
        await self.of.line.wait(seconds)

    async def switch(self, headers: Headers) -> None:
        raise NotImplementedError("HTTP/2 has no 101.")

    async def read(self) -> bytes:
        raise NotImplementedError("HTTP/2 has no 101.")

    async def write(self, data: bytes) -> None:
        raise NotImplementedError("HTTP/2 has no 101.")


def _head(status: int, headers: Headers) -> list[tuple[bytes, bytes]]:
    lower = [(name.lower(), value) for name, value in headers]
    kept = [each for each in lower if each[0] not in _FORBIDDEN_IN_HTTP2]
    return [(b":status", b"%d" % status), *kept]


class Http2Connection:
    """HTTP/2 on one connection: a task for each stream."""

    def __init__(self, line: Line, handler: Handler) -> None:
        """Take a connection and what answers."""
        self.line = line
        # Normalising would move cookies to the end; the echo shows the request as it came.
        settled = H2Configuration(
            client_side=False, header_encoding=None, normalize_inbound_headers=False
        )
        self.wire = H2Connection(config=settled)
        self._handler = handler
        self._streams: dict[int, _Stream] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}

    async def flush(self) -> None:
        """Send what the state machine has to say."""
        await self.line.write(self.wire.data_to_send())

    async def serve(self) -> None:
        """Answer every request that comes, until the connection ends."""
        self.wire.initiate_connection()
        await self.flush()
        try:
            while data := await self._read():
                for event in self.wire.receive_data(data):
                    self._take(event)
                await self.flush()
        except ProtocolError:
            await self.flush()  # says what was wrong
        finally:
            for task in self._tasks.values():
                task.cancel()

    async def _read(self) -> bytes:
        while True:
            try:
                return await self.line.read()
            except IdleError:
                if not self._streams:
                    self.wire.close_connection()
                    await self.flush()
                    return b""

    def _take(self, event: Event) -> None:
        if isinstance(event, RequestReceived):
            self._start(event)
        elif isinstance(event, DataReceived):
            self._receive(event.stream_id or 0, event.data or b"", event.flow_controlled_length)
        elif isinstance(event, TrailersReceived | StreamEnded):
            self._end(event)
        elif isinstance(event, StreamReset):
            if task := self._tasks.get(event.stream_id or 0):
                task.cancel()
        elif isinstance(event, WindowUpdated | RemoteSettingsChanged):
            for stream in self._streams.values():
                stream.window.set()

    def _end(self, event: TrailersReceived | StreamEnded) -> None:
        if stream := self._streams.get(event.stream_id or 0):
            if isinstance(event, TrailersReceived):
                stream.trailers += [(bytes(n), bytes(v)) for n, v in event.headers or []]
            else:
                stream.pieces.put_nowait(None)

    def _receive(self, number: int, data: bytes, taken: int | None) -> None:
        if stream := self._streams.get(number):
            stream.pieces.put_nowait((data, taken or 0))
        else:
            self._give_back(number, taken or 0)

    def _give_back(self, number: int, taken: int) -> None:
        """Count what is never read as read: all streams share the connection's window."""
        if taken:
            self.wire.acknowledge_received_data(taken, number)

    def _start(self, event: RequestReceived) -> None:
        number = event.stream_id or 0
        pseudo: dict[bytes, bytes] = {}
        headers: list[tuple[bytes, bytes]] = []
        for name, value in event.headers or []:
            if name.startswith(b":"):
                pseudo[bytes(name)] = bytes(value)
            else:
                headers.append((bytes(name), bytes(value)))
        if (authority := pseudo.get(b":authority")) and all(n != b"host" for n, _ in headers):
            headers.insert(0, (b"host", authority))
        expects = any(n == b"expect" and v.lower() == b"100-continue" for n, v in headers)
        stream = _Stream(self, number, expects=expects and event.stream_ended is None)
        request = OriginRequest(
            method=pseudo.get(b":method", b""),
            target=pseudo.get(b":path", b""),
            protocol="HTTP/2",
            scheme=self.line.scheme,
            headers=_with_one_cookie(headers),
            client=self.line.client,
            body=stream.body(),
            trailers=stream.trailers,
        )
        self._streams[number] = stream
        self._tasks[number] = task = asyncio.create_task(self._answer(request, stream))
        task.add_done_callback(lambda _: self._forget(stream))

    async def _answer(self, request: OriginRequest, stream: _Stream) -> None:
        with contextlib.suppress(ProtocolError, ConnectionError):  # the other end gave it up
            await self._handler(request, stream)

    def _forget(self, stream: _Stream) -> None:
        """Clear up after a stream; called even where its task was ended before it began."""
        del self._streams[stream.number], self._tasks[stream.number]
        while not stream.pieces.empty():
            _, taken = stream.pieces.get_nowait() or (b"", 0)
            self._give_back(stream.number, taken)
        if not self.line.writer.transport.is_closing():
            self.line.writer.write(self.wire.data_to_send())


def _with_one_cookie(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Join cookies in the place of the first, as a gateway from HTTP/2 has to.

    Source: RFC 9113, 8.2.3.
    """
    cookies = [value for name, value in headers if name == b"cookie"]
    if len(cookies) < 2:  # noqa: PLR2004 - nothing to join
        return headers
    first = next(place for place, (name, _) in enumerate(headers) if name == b"cookie")
    rest = [each for each in headers if each[0] != b"cookie"]
    return [*rest[:first], (b"cookie", b"; ".join(cookies)), *rest[first:]]
