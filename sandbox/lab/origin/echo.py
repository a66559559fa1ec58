"""The API behind the lab's load balancer: it echoes what it received, answered as the path says.

docs/echo.md is the contract, for users' own origins too. What is decided (`body`, `directives`) is
apart from what is sent (`EchoApi`); `OriginExchange` puts it onto the wire.
"""

import asyncio
import hashlib
import json
import secrets
import zlib
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator, Sequence
from email.utils import formatdate
from ipaddress import IPv4Network, ip_address
from itertools import count
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage

from sandbox.lab.origin.body import accepts_gzip, pieces, range_of
from sandbox.lab.origin.directives import NO_BODY, Directives, DirectivesError, directives_of
from sandbox.lab.origin.exchange import Headers, OriginExchange, OriginRequest

_WEBSOCKET_MAGIC: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""Source: RFC 6455, 4.2.2."""


class _EchoPart(BaseModel):
    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class EchoedBody(_EchoPart):
    """The request's body, as it was received."""

    length: Annotated[int, Field(ge=0)]
    """Bytes, without what chunks or frames add; 0: there was none."""
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    """SHA-256 of those bytes, hexadecimal, lower case."""


class EchoedClient(_EchoPart):
    """Who sent it, for what the origin can tell."""

    address: str
    """The address at the other end of the connection, or the one in the PROXY protocol header."""
    port: Annotated[int, Field(ge=0, le=65535)]
    """The port there."""


class Echo(_EchoPart):
    """What an echo path answers: the request as the origin received it."""

    id: Annotated[str, Field(min_length=1)]
    """Different in each answer: one that comes twice was answered by a cache."""
    method: str
    """The method."""
    target: str
    """The request target exactly as received: nothing decoded, nothing normalised. `:path` of
    HTTP/2."""
    protocol: Literal["HTTP/1.0", "HTTP/1.1", "HTTP/2"]
    """The protocol that the origin was spoken to in."""
    scheme: Literal["http", "https"]
    """Whether TLS was used on the way to the origin, or to its load balancer."""
    headers: list[tuple[str, str]]
    """Names and values in order and in the case received, repeated ones as often as received; bytes
    above 127 as the characters of ISO 8859-1. HTTP/2's `:authority` comes first, as `host`; several
    `cookie` fields of HTTP/2 are joined by `; ` in the place of the first (RFC 9113, 8.2.3)."""
    body: EchoedBody
    """The request's body."""
    client: EchoedClient
    """Who sent it."""
    trailers: list[tuple[str, str]] = []
    """Names and values of the fields that followed a chunked body, as `headers`; optional: an
    origin that cannot tell leaves the member out."""


def schema() -> dict[str, Any]:
    """Return the JSON Schema of an echo."""
    whole = Echo.model_json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **whole}


class EchoApi:
    """The API: the echo below a path, and 404 for everything else."""

    def __init__(self, path: str, allow: Sequence[IPv4Network] | None = None) -> None:
        """Say where the echo is and whom it serves.

        Args:
            path: Path of the echo: `/echo`.
            allow: Networks whose clients are served, the others get 403, all of IPv6 among them;
                None: everybody. It stands in for the old API that has such a list and reads it as
                they do: the client is the first of X-Forwarded-For, which anybody can write, so it
                is a fault to be found and no protection.
        """
        self._path = path.encode()
        self._allow = allow
        self._prefix = secrets.token_hex(8)
        self._numbers = count(1)

    async def answer(self, request: OriginRequest, exchange: OriginExchange) -> None:
        """Answer one request."""
        path = request.path
        if not self._allowed(request):
            await self._refuse(request, exchange, 403, "The client's address is not on the list.")
        elif request.method == b"CONNECT":
            await self._refuse(request, exchange, 405, "This is no proxy.")
        elif path == self._path + b"/websocket":
            await self._answer_websocket(request, exchange)
        elif path == self._path or path.startswith(self._path + b"/"):
            segment = path[len(self._path) + 1 :].decode("latin-1")
            await self._answer_echo(request, exchange, segment)
        else:
            reason = f"Nothing is here; the echo is at {self._path.decode()}."
            await self._refuse(request, exchange, 404, reason)

    def _allowed(self, request: OriginRequest) -> bool:
        if self._allow is None:
            return True
        forwarded = (request.header(b"x-forwarded-for") or b"").decode("latin-1")
        try:
            client = ip_address(forwarded.partition(",")[0].strip() or request.client[0])
        except ValueError:
            return False
        return any(client in each for each in self._allow)  # of IPv6, none is

    def _next_id(self) -> str:
        return f"{self._prefix}-{next(self._numbers)}"

    async def _refuse(
        self,
        request: OriginRequest,
        exchange: OriginExchange,
        status: int,
        reason: str,
        *more: bytes,
    ) -> None:
        async for _ in request.body:
            pass
        target = request.target.decode("latin-1")
        body = json.dumps({"id": self._next_id(), "target": target, "error": reason}).encode()
        headers = [_date(), (b"Content-Type", b"application/json")]
        headers += [(b"Upgrade", each) for each in more]
        await exchange.begin(status, headers, len(body))
        if request.method != b"HEAD":
            await exchange.send(body)
        await exchange.end()

    async def _echo(self, request: OriginRequest) -> bytes:
        digest, length = hashlib.sha256(), 0
        async for piece in request.body:
            digest.update(piece)
            length += len(piece)
        echo = Echo(
            id=self._next_id(),
            method=request.method.decode("latin-1"),
            target=request.target.decode("latin-1"),
            protocol=request.protocol,
            scheme=request.scheme,
            headers=_texts(request.headers),
            body=EchoedBody(length=length, sha256=digest.hexdigest()),
            client=EchoedClient(address=request.client[0], port=request.client[1]),
            trailers=_texts(request.trailers),
        )
        return echo.model_dump_json().encode()

    async def _answer_echo(
        self, request: OriginRequest, exchange: OriginExchange, segment: str
    ) -> None:
        try:
            directives = directives_of(segment)
        except DirectivesError as fault:
            await self._refuse(request, exchange, 400, str(fault))
            return
        echo = await self._echo(request)
        if directives.hint is not None and request.hints:
            link = b"<" + self._path + b">; rel=preload"
            await exchange.inform(directives.hint, [(b"Link", link)])
        if directives.delay_seconds:
            await exchange.wait(directives.delay_seconds)
        await _send(request, exchange, directives, echo)

    async def _answer_websocket(self, request: OriginRequest, exchange: OriginExchange) -> None:
        key = request.header(b"sec-websocket-key")
        is_websocket = (request.header(b"upgrade") or b"").lower() == b"websocket"
        version = request.header(b"sec-websocket-version")
        if not is_websocket or request.method != b"GET" or request.protocol != "HTTP/1.1":
            reason = "This is a WebSocket; it is opened with GET and Upgrade over HTTP/1.1."
            await self._refuse(request, exchange, 426, reason, b"websocket")
            return
        if not key or version != b"13":
            reason = "Sec-WebSocket-Key is missing or Sec-WebSocket-Version is not 13."
            await self._refuse(request, exchange, 400, reason)
            return
        echo = await self._echo(request)
        accept = hashlib.sha1(key + _WEBSOCKET_MAGIC, usedforsecurity=False).digest()
        await exchange.switch(
            [
                (b"Upgrade", b"websocket"),
                (b"Connection", b"Upgrade"),
                (b"Sec-WebSocket-Accept", b64encode(accept)),
            ]
        )
        await _echo_messages(exchange, echo)


async def _send(
    request: OriginRequest, exchange: OriginExchange, directives: Directives, echo: bytes
) -> None:
    """Send the answer's head and body."""
    status, size = directives.status, directives.size
    kind = b"application/json" if size is None else b"application/octet-stream"
    headers = [_date(), (b"Content-Type", kind)]
    start, end = 0, len(echo) if size is None else size
    if directives.ranges and status == 200:  # noqa: PLR2004 - what a range is a part of
        status, start, end = _ranged(request, end, headers)
    gzip = directives.gzip and accepts_gzip(request.headers)
    if directives.gzip:
        headers.append((b"Vary", b"Accept-Encoding"))
    if gzip:
        headers.append((b"Content-Encoding", b"gzip"))
    empty = request.method == b"HEAD" or status in NO_BODY
    if status in NO_BODY:
        headers = headers[:1]
    if empty or size is not None:
        headers.append((b"X-Echo", urlsafe_b64encode(echo).rstrip(b"=")))
    own, trailers = _bytes(directives.headers), _bytes(directives.trailers)
    replaced = {name.lower() for name, _ in own}
    headers = [each for each in headers if each[0].lower() not in replaced] + own
    if trailers:
        headers.append((b"Trailer", b", ".join(name for name, _ in trailers)))
    open_ended = gzip or directives.chunks is not None or status in NO_BODY
    await exchange.begin(status, headers, None if open_ended else end - start)
    if empty:
        await exchange.end()
        return
    stop = start + (end - start) // 2 if directives.close else end
    parts = pieces(echo if size is None else None, start, stop, directives.chunks)
    await _send_pieces(exchange, parts, directives, gzip=gzip)
    await (exchange.break_off() if directives.close else exchange.end(trailers))


def _texts(fields: Headers) -> list[tuple[str, str]]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in fields]


def _bytes(fields: Sequence[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in fields]


def _date() -> tuple[bytes, bytes]:
    """Return the header that an origin with a clock has to send. Source: RFC 9110, 6.6.1."""
    return b"Date", formatdate(usegmt=True).encode()


def _ranged(
    request: OriginRequest, size: int, headers: list[tuple[bytes, bytes]]
) -> tuple[int, int, int]:
    """Add the headers of a body that has ranges; return status, start and end of what is sent."""
    tag = b'"%d"' % size
    headers += [(b"Accept-Ranges", b"bytes"), (b"ETag", tag)]
    range_header = request.header(b"range")
    if (
        request.method != b"GET"
        or range_header is None
        or request.header(b"if-range") not in (None, tag)
    ):
        return 200, 0, size
    part = range_of(range_header.decode("latin-1"), size)
    if part == "whole":
        return 200, 0, size
    if part == "beyond":
        headers.append((b"Content-Range", b"bytes */%d" % size))
        return 416, 0, 0
    start, end = part
    headers.append((b"Content-Range", b"bytes %d-%d/%d" % (start, end - 1, size)))
    return 206, start, end


async def _send_pieces(
    exchange: OriginExchange,
    pieces: Iterator[Iterator[bytes]],
    directives: Directives,
    *,
    gzip: bool,
) -> None:
    press = zlib.compressobj(wbits=16 + zlib.MAX_WBITS) if gzip else None
    for number, piece in enumerate(pieces):
        if number and directives.interval_seconds:
            await exchange.wait(directives.interval_seconds)
        for part in piece:
            await exchange.send(press.compress(part) if press else part)
            await asyncio.sleep(0)  # a large body is no reason to keep others waiting
        if press and directives.chunks:
            await exchange.send(press.flush(zlib.Z_SYNC_FLUSH))
    if press and not directives.close:
        await exchange.send(press.flush())


async def _echo_messages(exchange: OriginExchange, first: bytes) -> None:
    """Speak WebSocket: the echo of the handshake, then each message back."""
    wire = Connection(ConnectionType.SERVER)
    await exchange.write(wire.send(TextMessage(data=first.decode())))
    while data := await exchange.read():
        wire.receive_data(data)
        for event in wire.events():
            if isinstance(event, TextMessage | BytesMessage):
                await exchange.write(wire.send(event))
            elif isinstance(event, Ping | CloseConnection):
                await exchange.write(wire.send(event.response()))
            if isinstance(event, CloseConnection):
                return
