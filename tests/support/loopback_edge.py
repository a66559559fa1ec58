"""A small edge on loopback that can be told to misbehave, for tests of what finds it out.

    async with edge_on_loopback(origin, Edge(refused=frozenset({"PUT"}))) as edge:
        ...  # https://api.example.com at edge.address:edge.port, trusting origin.ca

As it is it does to a request what CloudFront documents and nothing else. Where it differs from
CloudFront: bodies of requests are read whole, nothing is kept unless it is told to, connections to
the origin are never kept, and there are no limits.
"""

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncGenerator, Callable, Hashable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Final

import h11

from sandbox.lab.origin.exchange import Line, OriginExchange, OriginRequest
from sandbox.lab.origin.serving import serve
from support.lab_origin import LoopbackOrigin, own_loopback_address
from support.ports import bound_at_one_port, port_of

NAME: Final = "api.example.com"

Header = tuple[bytes, bytes]

REMOVED: Final = frozenset(
    {b"expect", b"te", b"trailer", b"upgrade", b"x-forwarded-proto", b"x-real-ip"}
)
"""Source: CloudFront Developer Guide, HTTP request headers and CloudFront behavior."""

FRAMING: Final = frozenset({b"content-length", b"transfer-encoding", b"connection", b"keep-alive"})


@dataclass(frozen=True)
class Outgoing:
    """A request, as it goes to the origin."""

    method: bytes
    target: bytes
    headers: tuple[Header, ...]
    body: bytes

    def value(self, name: bytes) -> bytes | None:
        return next((value for own, value in self.headers if own.lower() == name), None)

    def without(self, *names: bytes) -> "Outgoing":
        kept = tuple(each for each in self.headers if each[0].lower() not in names)
        return replace(self, headers=kept)

    def with_headers(self, change: Callable[[Header], Header]) -> "Outgoing":
        return replace(self, headers=tuple(map(change, self.headers)))


@dataclass(frozen=True)
class Incoming:
    """An answer, as it goes to the viewer."""

    status: int
    headers: tuple[Header, ...]
    body: bytes

    def without(self, *names: bytes) -> "Incoming":
        kept = tuple(each for each in self.headers if each[0].lower() not in names)
        return replace(self, headers=kept)


def _nothing(_: Outgoing, __: int) -> Hashable | None:
    return None


def _same_request(request: Outgoing) -> Outgoing:
    return request


def _same_answer(answer: Incoming) -> Incoming:
    return answer


@dataclass
class Edge:
    """What an edge does."""

    refused: frozenset[str] = frozenset()
    """Methods that it answers itself, with 403."""
    request: Callable[[Outgoing], Outgoing] = _same_request
    """What it does to requests besides what is documented."""
    answer: Callable[[Incoming], Incoming] = _same_answer
    """What it does to answers; where it is given, they are read whole first."""
    key: Callable[[Outgoing, int], Hashable | None] = _nothing
    """The key that an answer of a status is kept under; None: it is not kept."""
    seconds: float = 10.0
    """How long answers are kept."""
    tells: bool = False
    """Whether it says of an answer that it was kept."""
    collapses: bool = False
    """Whether requests for a target that are under way at once get one answer."""
    websocket: bool = True
    """Whether WebSockets pass."""
    one_answer: bool = False
    """Whether it closes connections after one answer."""
    http2: bool = True
    """Whether HTTP/2 is offered."""
    resets: frozenset[str] = frozenset()
    """Methods at which it breaks the connection off."""

    kept: dict[Hashable, tuple[float, Incoming]] = field(
        default_factory=dict[Hashable, tuple[float, Incoming]]
    )
    under_way: dict[bytes, "asyncio.Future[Incoming]"] = field(
        default_factory=dict[bytes, "asyncio.Future[Incoming]"]
    )
    numbers: "count[int]" = field(default_factory=count)

    def documented(self, request: OriginRequest, body: bytes, *, upgrade: bool) -> Outgoing:
        """Return what CloudFront makes of a request."""
        headers: list[Header] = []
        forwarded = request.client[0].encode()
        framed = bool(body)
        for name, value in request.headers:
            low = name.lower()
            if low in (b"content-length", b"transfer-encoding"):
                framed = True
            elif low == b"x-forwarded-for":
                forwarded = value + b", " + forwarded
            elif low == b"via":
                headers.append((name, value + b", 2.0 lab.cloudfront.net (CloudFront)"))
            elif low == b"connection" or low.startswith(b"proxy-"):
                continue
            elif low not in REMOVED or (upgrade and low == b"upgrade"):
                headers.append((name, value))
        if all(name.lower() != b"via" for name, _ in headers):
            headers.append((b"Via", b"2.0 lab.cloudfront.net (CloudFront)"))
        headers += [
            (b"X-Forwarded-For", forwarded),
            (b"X-Amz-Cf-Id", b"id-%d==" % next(self.numbers)),
            (b"Connection", b"Upgrade" if upgrade else b"Keep-Alive"),
        ]
        if framed:
            headers.append((b"Content-Length", b"%d" % len(body)))
        return Outgoing(request.method, request.target, tuple(headers), body)


@dataclass(frozen=True)
class ServingEdge:
    """An edge that serves."""

    address: str
    port: int


class _Relay:
    def __init__(self, origin: LoopbackOrigin, edge: Edge) -> None:
        self._origin = origin
        self._edge = edge
        self._tls = ssl.create_default_context(cafile=origin.ca)

    async def answer(self, request: OriginRequest, exchange: OriginExchange) -> None:
        edge = self._edge
        method = request.method.decode()
        body = b"".join([piece async for piece in request.body])
        if method in edge.resets:
            await exchange.break_off()
            return
        if method in edge.refused:
            await self._send(exchange, request, Incoming(403, _added_headers(403), b"Bad request."))
            return
        upgrade = (request.header(b"upgrade") or b"").lower() == b"websocket"
        made = edge.documented(request, body, upgrade=upgrade and edge.websocket)
        outgoing = edge.request(made)
        kept = self._kept(outgoing)
        if kept is not None:
            await self._send(exchange, request, kept)
        elif upgrade and edge.websocket:
            await self._tunnel(outgoing, exchange)
        elif edge.collapses and method == "GET":
            await self._send(exchange, request, await self._collapsed(outgoing))
        else:
            await self._relay(outgoing, request, exchange)

    def _kept(self, outgoing: Outgoing) -> Incoming | None:
        for status in range(200, 600):
            key = self._edge.key(outgoing, status)
            kept = self._edge.kept.get((status, key)) if key is not None else None
            if kept and time.monotonic() - kept[0] < self._edge.seconds:
                age = (b"Age", b"%d" % (time.monotonic() - kept[0] + 1))
                own = (age, (b"X-Cache", b"Hit from cloudfront")) if self._edge.tells else ()
                return replace(kept[1], headers=(*kept[1].headers, *own))
        return None

    def _keep(self, outgoing: Outgoing, answer: Incoming) -> None:
        key = self._edge.key(outgoing, answer.status)
        if key is not None:
            self._edge.kept[answer.status, key] = (time.monotonic(), answer)

    async def _collapsed(self, outgoing: Outgoing) -> Incoming:
        waiting = self._edge.under_way.get(outgoing.target)
        if waiting is not None:
            return await waiting
        future = self._edge.under_way[outgoing.target] = asyncio.Future()
        try:
            async with self._upstream(outgoing) as upstream:
                answer = await upstream.whole()
        finally:
            del self._edge.under_way[outgoing.target]
        future.set_result(answer)
        return answer

    async def _relay(
        self, outgoing: Outgoing, request: OriginRequest, exchange: OriginExchange
    ) -> None:
        async with self._upstream(outgoing) as upstream:
            whole = self._edge.answer is not _same_answer or request.method == b"HEAD"
            status, headers = await upstream.head()
            keeps = self._edge.key(outgoing, status) is not None
            if whole or keeps or status in (204, 304):
                answer = self._edge.answer(Incoming(status, headers, await upstream.body()))
                self._keep(outgoing, answer)
                await self._send(exchange, request, answer)
                return
            length = _length(headers)
            await exchange.begin(status, _shown(headers) + _added_headers(status), length)
            async for piece in upstream.pieces():
                await exchange.send(piece)
            await exchange.end()

    async def _send(
        self, exchange: OriginExchange, request: OriginRequest, answer: Incoming
    ) -> None:
        headers = _shown(answer.headers)
        if all(name.lower() != b"x-cache" for name, _ in headers):
            headers += _added_headers(answer.status)
        length = None if answer.status in (204, 304) else len(answer.body)
        if request.method == b"HEAD":
            length = _length(answer.headers)
        if self._edge.one_answer:
            headers = (*headers, (b"Connection", b"close"))
        await exchange.begin(answer.status, headers, length)
        if answer.body and request.method != b"HEAD":
            await exchange.send(answer.body)
        await exchange.end()

    async def _tunnel(self, outgoing: Outgoing, exchange: OriginExchange) -> None:
        async with self._upstream(outgoing) as upstream:
            _, headers = await upstream.head()
            kept = (b"upgrade", b"connection", b"sec-websocket-accept")
            await exchange.switch([each for each in headers if each[0].lower() in kept])

            async def there() -> None:
                while data := await exchange.read():
                    upstream.writer.write(data)
                    await upstream.writer.drain()

            async def back() -> None:
                await exchange.write(upstream.trailing)
                while data := await upstream.reader.read(65536):
                    await exchange.write(data)

            tasks = [asyncio.create_task(there()), asyncio.create_task(back())]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    @asynccontextmanager
    async def _upstream(self, outgoing: Outgoing) -> AsyncGenerator["_Upstream"]:
        reader, writer = await asyncio.open_connection(
            self._origin.address, self._origin.https, ssl=self._tls, server_hostname=NAME
        )
        try:
            wire = h11.Connection(h11.CLIENT)
            head = h11.Request(
                method=outgoing.method, target=outgoing.target, headers=list(outgoing.headers)
            )
            writer.write(wire.send(head) or b"")
            if outgoing.body:
                writer.write(wire.send(h11.Data(data=outgoing.body)) or b"")
            writer.write(wire.send(h11.EndOfMessage()) or b"")
            await writer.drain()
            yield _Upstream(wire, reader, writer)
        finally:
            # Nothing is left to say, and a goodbye of TLS would be waited for.
            writer.transport.abort()
            with suppress(OSError):
                await writer.wait_closed()


class _Upstream:
    def __init__(
        self, wire: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._wire = wire
        self.reader = reader
        self.writer = writer

    async def _next(self) -> object:
        while (event := self._wire.next_event()) is h11.NEED_DATA:
            self._wire.receive_data(await self.reader.read(65536))
        return event

    @property
    def trailing(self) -> bytes:
        return self._wire.trailing_data[0]

    async def head(self) -> tuple[int, tuple[Header, ...]]:
        while True:
            event = await self._next()
            if isinstance(event, h11.Response) or (
                isinstance(event, h11.InformationalResponse) and event.status_code == 101
            ):
                return event.status_code, tuple(
                    (bytes(name), bytes(value)) for name, value in event.headers.raw_items()
                )

    async def pieces(self) -> AsyncGenerator[bytes]:
        while isinstance(event := await self._next(), h11.Data):
            yield bytes(event.data)

    async def body(self) -> bytes:
        return b"".join([piece async for piece in self.pieces()])

    async def whole(self) -> Incoming:
        status, headers = await self.head()
        return Incoming(status, headers, await self.body())


def _length(headers: Sequence[Header]) -> int | None:
    return next((int(value) for name, value in headers if name.lower() == b"content-length"), None)


def _shown(headers: Sequence[Header]) -> tuple[Header, ...]:
    return tuple(each for each in headers if each[0].lower() not in FRAMING)


def _added_headers(status: int) -> tuple[Header, ...]:
    """Return what CloudFront adds to an answer."""
    cache = b"Error from cloudfront" if status >= 400 else b"Miss from cloudfront"
    return (
        (b"X-Cache", cache),
        (b"Via", b"1.1 lab.cloudfront.net (CloudFront)"),
        (b"X-Amz-Cf-Pop", b"LAB1-P1"),
        (b"X-Amz-Cf-Id", b"answer=="),
    )


@asynccontextmanager
async def edge_on_loopback(
    origin: LoopbackOrigin, edge: Edge, listeners: Sequence[socket.socket] = ()
) -> AsyncGenerator[ServingEdge]:
    """Serve an edge in front of an origin; end it afterwards, with every connection.

    Args:
        origin: The origin.
        edge: How it behaves.
        listeners: What it listens on: sockets that are bound, all to one port; none: it has an
            address of its own.
    """
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(*origin.trust.issue([NAME]))
    tls.set_alpn_protocols(["h2", "http/1.1"] if edge.http2 else ["http/1.1"])
    relay = _Relay(origin, edge)
    tasks: set[asyncio.Task[None]] = set()

    async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = writer.get_extra_info("peername")
        spoken = writer.get_extra_info("ssl_object").selected_alpn_protocol()
        line = Line(reader, writer, "https", (client[0], client[1]), 30.0)
        await serve(line, relay.answer, http2=spoken == "h2")

    def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.create_task(answered(reader, writer)))

    listeners = listeners or bound_at_one_port(own_loopback_address())
    node = ServingEdge(listeners[0].getsockname()[0], port_of(listeners[0]))
    servers = [await asyncio.start_server(accepted, sock=one, ssl=tls) for one in listeners]
    try:
        yield node
    finally:
        for server in servers:
            server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for server in servers:
            await server.wait_closed()
