"""HTTP/1.1 on one accepted connection, with nothing altered on the way in or out.

Written on h11 itself, as `http2` is on h2. A server for applications (ASGI, WSGI) hands them a
decoded path and a list of headers in lower case, merges repeated headers, and can neither send an
informational answer nor end a connection half-way; all of that is what the echo is about.
"""

from collections.abc import AsyncIterator
from typing import Final

import h11

from sandbox.lab.origin.exchange import Handler, Headers, Line, OriginRequest

LARGEST_HEAD_BYTES: Final = 2**16
"""The largest request head that an application load balancer takes, 64 K. Source: Elastic Load
Balancing, 'Quotas for your Application Load Balancers', HTTP headers."""


async def serve_http1(line: Line, handler: Handler) -> None:
    """Answer every request that comes on a connection, one after the other."""
    wire = h11.Connection(h11.SERVER, max_incomplete_event_size=LARGEST_HEAD_BYTES)
    try:
        while isinstance(event := await _next_event(wire, line), h11.Request):
            exchange = _Http1(wire, line)
            request = OriginRequest(
                method=event.method,
                target=event.target,
                protocol="HTTP/1.1" if event.http_version >= b"1.1" else "HTTP/1.0",
                scheme=line.scheme,
                headers=list(event.headers.raw_items()),
                client=line.client,
                body=exchange.body(),
                trailers=exchange.trailers,
            )
            await handler(request, exchange)
            if wire.our_state is not h11.DONE or wire.their_state is not h11.DONE:
                return
            wire.start_next_cycle()
    except h11.RemoteProtocolError as fault:
        if wire.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            answer = h11.Response(
                status_code=fault.error_status_hint,
                headers=[("Content-Length", "0"), ("Connection", "close")],
            )
            await line.write(wire.send(answer) or b"")
            await line.write(wire.send(h11.EndOfMessage()) or b"")


_Http1Event = h11.Event | type[h11.PAUSED]


async def _next_event(wire: h11.Connection, line: Line) -> _Http1Event:
    while (event := wire.next_event()) is h11.NEED_DATA:
        wire.receive_data(await line.read())
    return event  # pyright: ignore[reportReturnType] - NEED_DATA is gone, which is not seen


class _Http1:
    """One request and its answer over HTTP/1.1."""

    def __init__(self, wire: h11.Connection, line: Line) -> None:
        self._wire = wire
        self._line = line
        self.wait = line.wait
        self.write = line.write
        self._trailing = b""
        self._held = b""
        self.begun = False
        self.trailers: list[tuple[bytes, bytes]] = []

    async def body(self) -> AsyncIterator[bytes]:
        if self._wire.they_are_waiting_for_100_continue:
            await self.inform(100, [])
        while isinstance(event := await _next_event(self._wire, self._line), h11.Data):
            yield bytes(event.data)
        if isinstance(event, h11.EndOfMessage):
            self.trailers += event.headers.raw_items()

    async def inform(self, status: int, headers: Headers) -> None:
        if (self._wire.their_http_version or b"1.1") >= b"1.1":
            await self._send(h11.InformationalResponse(status_code=status, headers=list(headers)))

    async def begin(self, status: int, headers: Headers, length: int | None) -> None:
        self.begun = True
        own = list(headers)
        if length is not None:
            own.append((b"Content-Length", b"%d" % length))
        # Held until there is something to send with it: one packet, not two.
        self._held = self._wire.send(h11.Response(status_code=status, headers=own)) or b""

    async def send(self, piece: bytes) -> None:
        if piece:
            await self._send(h11.Data(data=piece))

    async def end(self, trailers: Headers = ()) -> None:
        await self._send(h11.EndOfMessage(headers=list(trailers)))

    async def break_off(self) -> None:
        # An answer that is not at its end is the last of its connection.
        await self._line.write(self._held)

    async def switch(self, headers: Headers) -> None:
        self.begun = True
        await self._send(h11.InformationalResponse(status_code=101, headers=list(headers)))
        self._trailing = self._wire.trailing_data[0]

    async def read(self) -> bytes:
        trailing, self._trailing = self._trailing, b""
        return trailing or await self._line.read()

    async def _send(self, event: h11.Event) -> None:
        held, self._held = self._held, b""
        await self._line.write(held + (self._wire.send(event) or b""))
