"""The wire: sends requests exactly as they are written, to the address they are for.

The naive way is an HTTP client and an entry in /etc/hosts, or a URL with the address in it. Both
send something else. A client resolves names itself and may take the other family. An address in the
URL changes SNI, certificate check and Host. And a client adds headers of its own (`Accept`,
`Accept-Encoding`, `User-Agent`), sends names in its own case and order, folds repeated ones,
normalises paths and decodes bodies. So this uses httpcore's connection, one layer below: it gets
the hostname, and its network backend connects to the way's address. Only `Host`, which h11 puts
first, and the header that frames the body are added.

Each request has a connection of its own: a kept one stays with one edge node and one backend
connection, and if it ends, that is another check's failure.

A limit of httpcore's: over HTTP/2 it reads no answer before the whole body is sent. So a server
that answers early to a body of more than its window (65,535 bytes) looks like a timeout.
"""

import asyncio
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Final, cast

import httpcore
from aiolimiter import AsyncLimiter
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from rollout.probe.framing import FAULTS, FramedLimits, exchange_framed
from rollout.probe.gate import Gate
from rollout.probe.model import (
    DEFAULT_PORTS,
    FramedAnswer,
    HttpAnswer,
    HttpRequest,
    TroubleError,
    Way,
    WebSocketTalk,
)
from rollout.probe.pinned import ConnectionProgress, PinnedBackend
from rollout.probe.read_answer import FramedRequest
from rollout.probe.trouble import trouble_of

MOST_MESSAGE_BYTES: Final = 2**22
"""The largest WebSocket message that is accepted: more than any check sends."""

MOST_BODY_BYTES: Final = 2**25
"""The longest body of an answer that is read, 32 MiB: much more than any check compares, and small
enough to hold all answers that are under way at once."""

CONNECT_SECONDS: Final = 15.0
"""How long a connection and a handshake may take each, however long the answer may."""

MOST_WAITING: Final = 32
"""Requests that may be under way at once of those that wait long and do nothing."""

CLOSE_SECONDS: Final = 1.0
"""How long a WebSocket may take to close; all messages have come by then."""

_PROTOCOLS: Final = {b"HTTP/1.0": "HTTP/1.0", b"HTTP/1.1": "HTTP/1.1", b"HTTP/2": "HTTP/2"}


class TrustError(Exception):
    """The file of trusted certificates cannot be used; the message says why."""


class HttpWire:
    """Sends requests; one of them serves all checks of a run, and belongs to one event loop."""

    def __init__(
        self,
        *,
        rate: float,
        concurrency: int,
        ca: Path | None = None,
        most_body_bytes: int = MOST_BODY_BYTES,
        connect_seconds: float = CONNECT_SECONDS,
    ) -> None:
        """Set the limits of all checks together.

        Args:
            rate: Requests that may be started per second, above 0; a second's worth may start at
                once.
            concurrency: Requests that may be under way at once, above 0.
            ca: A PEM file of the only authorities to trust; None: those of the system, or of the
                file that `SSL_CERT_FILE` names.
            most_body_bytes: Bytes of an answer's body above which the request fails.
            connect_seconds: How long a connection and a handshake may take each.

        Raises:
            TrustError: The file is missing or holds no certificate.
        """
        # httpcore sets this same ALPN on its context, so each protocol has one of its own.
        self._tls = {http2: _trusting(ca) for http2 in (False, True)}
        self._tls[False].set_alpn_protocols(["http/1.1"])
        self._tls[True].set_alpn_protocols(["http/1.1", "h2"])
        self._most_body_bytes = most_body_bytes
        self._connect_seconds = connect_seconds
        burst = max(rate, 1.0)
        self._limiter = AsyncLimiter(burst, burst / rate)
        self._gates = {False: Gate(concurrency), True: Gate(MOST_WAITING)}

    async def send(self, way: Way, request: HttpRequest) -> HttpAnswer:
        """Send a request on a connection of its own.

        Raises:
            TroubleError: There was no answer.
        """
        async with self._place(request), self._connection(way, request) as line:
            return await self._exchange(line, request)

    async def send_framed(
        self,
        way: Way,
        request: HttpRequest,
        trailers: Sequence[tuple[str, str]] = (),
        *,
        then: HttpRequest | None = None,
    ) -> FramedAnswer:
        """Send a request, and return what comes before and after its answer too.

        Raises:
            TroubleError: There was no answer to the first.
        """
        async with self._place(request):
            for _ in (request, then) if then is not None else (request,):
                await self._limiter.acquire()
            return await exchange_framed(
                way,
                FramedRequest(request, _wire_bytes(way, request), _raw_headers(trailers)),
                None if then is None else FramedRequest(then, _wire_bytes(way, then)),
                tls=self._tls[request.http2],
                limits=FramedLimits(self._connect_seconds, self._most_body_bytes),
            )

    async def send_in_turn(
        self, way: Way, requests: Sequence[HttpRequest]
    ) -> tuple[HttpAnswer, ...]:
        """Send requests one after the other on one connection, and close it.

        Returns:
            The answers; fewer than requests where the other side ended the connection after one.

        Raises:
            TroubleError: A request that was under way had no answer.
        """
        answers: list[HttpAnswer] = []
        async with (
            self._place(requests[0]),
            self._connection(way, requests[0]) as line,
        ):
            for number, request in enumerate(requests):
                if number:
                    await asyncio.sleep(requests[number - 1].pause_seconds)
                line.progress.received = 0
                try:
                    answers.append(await self._exchange(line, request))
                except httpcore.ConnectionNotAvailable:
                    break
                except TroubleError as trouble:
                    if answers and trouble.kind == "reset" and not line.progress.received:
                        break
                    raise
        return tuple(answers)

    async def talk(
        self, way: Way, request: HttpRequest, messages: Sequence[str | bytes]
    ) -> WebSocketTalk:
        """Open a WebSocket, take its first message, send each message and take one for it.

        Raises:
            TroubleError: The handshake is refused (`protocol`), or messages ended early.
        """
        received: list[str | bytes] = []
        progress = ConnectionProgress("opening")
        async with self._place(request):
            await self._limiter.acquire()
            try:
                async with (
                    asyncio.timeout(request.timeout_seconds),
                    _Straight(
                        f"wss://{_authority(way)}{request.target}",
                        host=way.address,
                        port=way.port,
                        server_hostname=way.hostname,
                        ssl=self._tls[False],
                        proxy=None,
                        compression=None,
                        user_agent_header=None,
                        additional_headers=list(request.headers),
                        open_timeout=None,
                        close_timeout=CLOSE_SECONDS,
                        ping_interval=None,
                        max_size=MOST_MESSAGE_BYTES,
                    ) as socket,
                ):
                    progress.stage = "exchange"
                    received.append(await socket.recv())
                    await asyncio.sleep(request.pause_seconds)
                    for message in messages:
                        await socket.send(message)
                        received.append(await socket.recv())
                    sent = cast("Any", socket.request).headers.raw_items()
            except InvalidStatus as refused:
                raise TroubleError(
                    "protocol",
                    f"the WebSocket handshake is answered {refused.response.status_code}",
                ) from refused
            except ConnectionClosed as closed:
                raise TroubleError(
                    "reset", f"the WebSocket ended after {len(received)} messages"
                ) from closed
            except InvalidHandshake as fault:
                raise TroubleError(
                    "protocol", f"the WebSocket handshake failed: {fault}"
                ) from fault
            except (OSError, EOFError) as fault:
                raise trouble_of(fault, progress, request) from fault
            finally:
                await asyncio.sleep(0)  # a connection that was broken off is closed one turn later
        return WebSocketTalk(tuple(sent), tuple(received))

    def _place(self, request: HttpRequest) -> AbstractAsyncContextManager[None]:
        return self._gates[request.waits].place(urgent=request.urgent)

    @asynccontextmanager
    async def _connection(
        self, way: Way, request: HttpRequest
    ) -> AsyncGenerator["_OpenConnection"]:
        progress = ConnectionProgress("connect")
        backend = PinnedBackend(way.address, progress, plain=way.scheme == "http")
        connection = httpcore.AsyncHTTPConnection(
            httpcore.Origin(way.scheme.encode("ascii"), way.hostname.encode("ascii"), way.port),
            ssl_context=self._tls[request.http2],
            http2=request.http2,
            network_backend=backend,
        )
        try:
            yield _OpenConnection(way, connection, progress)
        finally:
            await connection.aclose()
            await backend.close()

    async def _exchange(self, line: "_OpenConnection", request: HttpRequest) -> HttpAnswer:
        await self._limiter.acquire()
        loop = asyncio.get_running_loop()
        sent_at = loop.time()
        pieces: list[tuple[float, int]] = []
        body: list[bytes] = []
        left = self._most_body_bytes
        try:
            async with asyncio.timeout(request.timeout_seconds):
                response = await line.connection.handle_async_request(
                    _raw(line.way, request, self._connect_seconds)
                )
                start = max(sent_at, line.progress.opened)
                try:
                    async for piece in response.aiter_stream():
                        pieces.append((loop.time() - start, len(piece)))
                        body.append(piece)
                        left -= len(piece)
                        if left < 0:
                            raise _too_long(self._most_body_bytes)
                finally:
                    await response.aclose()
        except FAULTS as fault:
            raise trouble_of(fault, line.progress, request) from fault
        version: bytes = cast("Any", response).extensions["http_version"]
        return HttpAnswer(
            status=response.status,
            headers=tuple((n.decode("latin-1"), v.decode("latin-1")) for n, v in response.headers),
            body=b"".join(body),
            protocol=_PROTOCOLS.get(version, version.decode("latin-1")),
            seconds=loop.time() - start,
            pieces=tuple(pieces),
        )


def _too_long(most: int) -> TroubleError:
    return TroubleError(
        "protocol", f"the body is longer than {most} bytes, which is as much as is read"
    )


def _trusting(ca: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca)
    except OSError as fault:  # ssl.SSLError is one
        reason = fault.strerror or str(fault)
        raise TrustError(
            f"The file of trusted certificates is {ca}, which cannot be read: {reason}; a PEM file "
            "with at least one certificate is allowed. Name another."
        ) from fault


def _authority(way: Way) -> str:
    """Return the value of Host: the scheme's own port is left out."""
    default = DEFAULT_PORTS[way.scheme]
    return way.hostname if way.port == default else f"{way.hostname}:{way.port}"


def wire_headers(way: Way, request: HttpRequest) -> tuple[tuple[str, str], ...]:
    """Return every header that is sent for a request, in order, with those that are added."""
    framing: tuple[tuple[str, str], ...] = ()
    if isinstance(request.body, bytes):
        framing = (("Content-Length", str(len(request.body))),)
    elif request.body is not None:
        framing = (("Transfer-Encoding", "chunked"),)
    return (("Host", _authority(way)), *request.headers, *framing)


def _raw(way: Way, request: HttpRequest, connect_seconds: float) -> httpcore.Request:
    pieces = (request.body,) if isinstance(request.body, bytes) else request.body or ()

    async def stream() -> AsyncIterator[bytes]:
        for number, piece in enumerate(pieces):
            if number:
                await asyncio.sleep(request.pause_seconds)
            yield piece

    return httpcore.Request(
        _bytes(request.method),
        httpcore.URL(
            scheme=way.scheme.encode("ascii"),
            host=way.hostname.encode("ascii"),
            port=way.port,
            target=_bytes(request.target),
        ),
        headers=_raw_headers(wire_headers(way, request)),
        content=stream(),
        extensions={"timeout": {"connect": connect_seconds}},
    )


def _raw_headers(headers: Sequence[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(_bytes(name), _bytes(value)) for name, value in headers]


def _wire_bytes(way: Way, request: HttpRequest) -> list[tuple[bytes, bytes]]:
    return _raw_headers(wire_headers(way, request))


def _bytes(text: str) -> bytes:
    """Return the bytes of a text: one for each character where possible, else UTF-8."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode()


class _Straight(connect):
    """A WebSocket connection that follows no redirect."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Leave a redirect what it is: an answer that is no WebSocket."""
        return exc


class _OpenConnection:
    """A connection and how far it came."""

    def __init__(
        self, way: Way, connection: httpcore.AsyncHTTPConnection, progress: ConnectionProgress
    ) -> None:
        self.way = way
        self.connection = connection
        self.progress = progress
