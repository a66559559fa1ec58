"""The wire: requests as they are written down, to the address they are meant for.

The naive way is an HTTP client and an entry in /etc/hosts, or a URL with the address in it. Both
ask something else than is asked of the edge: a client resolves names itself and may take the other
family, an address in the URL changes SNI, certificate check and Host; and a client adds headers of
its own (`Accept`, `Accept-Encoding`, `User-Agent`), sends names in its own case and order, folds
repeated ones, normalises paths and decodes bodies, so that what the origin received would be
compared with what nobody sent. So this goes one layer down, to httpcore's connection: it is told
the hostname, and its network backend connects to the way's address whatever name it is given. What
is added are `Host`, which h11 puts first, and the header that frames the body.

Each request has a connection of its own: a kept one would stay with one edge node and one backend
connection, and one that ends would be another check's failure.

A limit of httpcore's: over HTTP/2 it reads no answer before the whole body is sent, so a server
that answers early to a body of more than its window (65,535 bytes) is told as a timeout.
"""

import asyncio
import errno
import heapq
import itertools
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, cast

import httpcore
from aiolimiter import AsyncLimiter
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from rollout.probe.model import Answer, Request, Talk, TroubleError, TroubleKind, Way

MOST_MESSAGE_BYTES: Final = 2**22
"""The largest WebSocket message that is taken: more than any check sends."""

MOST_BODY_BYTES: Final = 2**25
"""The longest body of an answer that is read, 32 MiB: so many times what is compared, and little
enough that all that are under way at once have room."""

CLOSE_SECONDS: Final = 1.0
"""How long a WebSocket may take to say goodbye; what was to be seen has been seen."""

_PROTOCOLS: Final = {b"HTTP/1.0": "HTTP/1.0", b"HTTP/1.1": "HTTP/1.1", b"HTTP/2": "HTTP/2"}

_CERTIFICATE_FAULTS: Final = {
    9: "the certificate is not valid yet",
    10: "the certificate has expired",
    18: "the certificate is signed by itself and not trusted",
    19: "the certificate's issuer is not trusted",
    20: "the certificate's issuer is not trusted",
    21: "the certificate's issuer is not trusted; the chain may be incomplete",
    62: "the certificate names something else",
    64: "the certificate names something else",
}
"""What verification found. Source: OpenSSL, X509_V_ERR_* in openssl/x509_vfy.h."""

_NO_ROUTE: Final = frozenset(
    {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.ENETDOWN, errno.EHOSTDOWN}
)

_NO_TLS_FAULT: Final = (
    ssl.SSLEOFError,  # the connection ended
    ssl.SSLZeroReturnError,  # it was closed
    ssl.SSLWantReadError,  # it was being waited for
    ssl.SSLWantWriteError,
)


class TrustError(Exception):
    """The file of trusted certificates cannot be used; the message says why."""


class Gate:
    """Lets so many in at once, in the order in which they came, but the urgent ones first."""

    def __init__(self, places: int) -> None:
        """Open it.

        Args:
            places: How many are in at once.
        """
        self._free = places
        self._waiting: list[tuple[bool, int, asyncio.Future[None]]] = []
        self._came = itertools.count()

    @asynccontextmanager
    async def place(self, *, urgent: bool) -> AsyncGenerator[None]:
        """Wait for a place, and have it until the end."""
        if self._free:
            self._free -= 1
        else:
            turn = asyncio.get_running_loop().create_future()
            heapq.heappush(self._waiting, (not urgent, next(self._came), turn))
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._leave()
                raise
        try:
            yield
        finally:
            self._leave()

    def _leave(self) -> None:
        """Hand the place to whoever is next."""
        while self._waiting:
            *_, turn = heapq.heappop(self._waiting)
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1


class HttpWire:
    """Sends requests; one of them serves all checks of a run, and belongs to one event loop."""

    def __init__(
        self,
        *,
        rate: float,
        concurrency: int,
        ca: Path | None = None,
        most_body_bytes: int = MOST_BODY_BYTES,
    ) -> None:
        """Set the limits of all checks together.

        Args:
            rate: Requests that may be started per second, above 0; a second's worth may start at
                once.
            concurrency: Requests that may be under way at once, above 0.
            ca: A PEM file of the only authorities to trust; None: those of the system, or of the
                file that `SSL_CERT_FILE` names.
            most_body_bytes: Bytes of an answer's body above which it is given up.

        Raises:
            TrustError: The file is missing or holds no certificate.
        """
        # httpcore sets ALPN on the context it is given, so each protocol has its own.
        self._tls = {http2: _trusting(ca) for http2 in (False, True)}
        self._most_body_bytes = most_body_bytes
        burst = max(rate, 1.0)
        self._limiter = AsyncLimiter(burst, burst / rate)
        self._gate = Gate(concurrency)

    async def send(self, way: Way, request: Request) -> Answer:
        """Send a request on a connection of its own.

        Raises:
            TroubleError: There was no answer.
        """
        async with self._gate.place(urgent=request.urgent), self._connection(way, request) as line:
            return await self._exchange(line, request)

    async def send_in_turn(self, way: Way, requests: Sequence[Request]) -> tuple[Answer, ...]:
        """Send requests one after the other on one connection, and close it.

        Returns:
            The answers; fewer than requests where the other side ended the connection after one.

        Raises:
            TroubleError: A request that was under way had no answer.
        """
        answers: list[Answer] = []
        async with (
            self._gate.place(urgent=requests[0].urgent),
            self._connection(way, requests[0]) as line,
        ):
            for request in requests:
                line.watch.received = 0
                try:
                    answers.append(await self._exchange(line, request))
                except httpcore.ConnectionNotAvailable:
                    break
                except TroubleError as trouble:
                    if answers and trouble.kind == "reset" and not line.watch.received:
                        break
                    raise
        return tuple(answers)

    async def talk(self, way: Way, request: Request, messages: Sequence[str | bytes]) -> Talk:
        """Open a WebSocket, take its first message, send each message and take one for it.

        Raises:
            TroubleError: The handshake is refused (`protocol`), or messages ended early.
        """
        came: list[str | bytes] = []
        watch = _Watch("opening")
        async with self._gate.place(urgent=request.urgent):
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
                    watch.stage = "exchange"
                    came.append(await socket.recv())
                    for message in messages:
                        await socket.send(message)
                        came.append(await socket.recv())
                    sent = cast("Any", socket.request).headers.raw_items()
            except InvalidStatus as refused:
                raise TroubleError(
                    "protocol",
                    f"the WebSocket handshake is answered {refused.response.status_code}",
                ) from refused
            except ConnectionClosed as closed:
                raise TroubleError(
                    "reset", f"the WebSocket ended after {len(came)} messages"
                ) from closed
            except InvalidHandshake as fault:
                raise TroubleError(
                    "protocol", f"the WebSocket handshake failed: {fault}"
                ) from fault
            except (OSError, EOFError) as fault:
                raise _trouble(fault, watch, request) from fault
            finally:
                await asyncio.sleep(0)  # a connection that was broken off is closed one turn later
        return Talk(tuple(sent), tuple(came))

    @asynccontextmanager
    async def _connection(self, way: Way, request: Request) -> AsyncGenerator["_Line"]:
        watch = _Watch("connect")
        backend = _Pinned(way.address, watch)
        connection = httpcore.AsyncHTTPConnection(
            httpcore.Origin(b"https", way.hostname.encode("ascii"), way.port),
            ssl_context=self._tls[request.http2],
            http2=request.http2,
            network_backend=backend,
        )
        try:
            yield _Line(way, connection, watch)
        finally:
            await connection.aclose()
            await backend.close()

    async def _exchange(self, line: "_Line", request: Request) -> Answer:
        await self._limiter.acquire()
        loop = asyncio.get_running_loop()
        asked = loop.time()
        pieces: list[tuple[float, int]] = []
        body: list[bytes] = []
        left = self._most_body_bytes
        try:
            async with asyncio.timeout(request.timeout_seconds):
                response = await line.connection.handle_async_request(_raw(line.way, request))
                start = max(asked, line.watch.opened)
                try:
                    async for piece in response.aiter_stream():
                        pieces.append((loop.time() - start, len(piece)))
                        body.append(piece)
                        left -= len(piece)
                        if left < 0:
                            raise _too_long(self._most_body_bytes)
                finally:
                    await response.aclose()
        except _FAULTS as fault:
            raise _trouble(fault, line.watch, request) from fault
        version: bytes = cast("Any", response).extensions["http_version"]
        return Answer(
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


_FAULTS: Final = (
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.TimeoutException,
    OSError,  # TimeoutError and ssl.SSLError are of its kind
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
    """Return what Host says: the port is left out where it is the scheme's own."""
    return way.hostname if way.port == 443 else f"{way.hostname}:{way.port}"  # noqa: PLR2004


def wire_headers(way: Way, request: Request) -> tuple[tuple[str, str], ...]:
    """Return every header that is sent for a request, in order, with those that are added."""
    framing: tuple[tuple[str, str], ...] = ()
    if isinstance(request.body, bytes):
        framing = (("Content-Length", str(len(request.body))),)
    elif request.body is not None:
        framing = (("Transfer-Encoding", "chunked"),)
    return (("Host", _authority(way)), *request.headers, *framing)


def _raw(way: Way, request: Request) -> httpcore.Request:
    pieces = (request.body,) if isinstance(request.body, bytes) else request.body or ()

    async def stream() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    return httpcore.Request(
        _bytes(request.method),
        httpcore.URL(
            scheme=b"https",
            host=way.hostname.encode("ascii"),
            port=way.port,
            target=_bytes(request.target),
        ),
        headers=[(_bytes(name), _bytes(value)) for name, value in wire_headers(way, request)],
        content=stream(),
    )


def _bytes(text: str) -> bytes:
    """Return what goes onto the wire: each character a byte where that can be, else UTF-8."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode()


class _Straight(connect):
    """A WebSocket connection that follows no redirect."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Leave a redirect what it is: an answer that is no WebSocket."""
        return exc


class _Watch:
    """How far a connection came, for the reason it may fail with."""

    def __init__(self, stage: str) -> None:
        self.stage = stage
        """`connect`, `handshake` or `exchange`; `opening` is all of them for a WebSocket."""
        self.opened = 0.0
        """When the handshake ended, by the loop's clock."""
        self.received = 0
        """Bytes that came in after it."""
        self.ended = False
        """Whether the other side ended the connection."""


class _Line:
    """A connection and what is known of it."""

    def __init__(self, way: Way, connection: httpcore.AsyncHTTPConnection, watch: _Watch) -> None:
        self.way = way
        self.connection = connection
        self.watch = watch


class _Pinned(httpcore.AsyncNetworkBackend):
    """Connects to one address, whatever name it is given."""

    def __init__(self, address: str, watch: _Watch) -> None:
        # The class is typed as missing where anyio is; asyncio's loop is all that is used.
        self._inner = cast("httpcore.AsyncNetworkBackend", httpcore.AnyIOBackend())
        self._address = address
        self._watch = watch
        self._stream: httpcore.AsyncNetworkStream | None = None

    async def connect_tcp(
        self,
        host: str,  # noqa: ARG002 - the point of this class
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        stream = await self._inner.connect_tcp(
            self._address, port, timeout, local_address, socket_options
        )
        self._stream = stream
        return _Watched(stream, self._watch)

    async def close(self) -> None:
        """Close the connection where a handshake that was given up left it open."""
        if self._stream is not None:
            await self._stream.aclose()


class _Watched(httpcore.AsyncNetworkStream):
    """A stream that notes how far it came."""

    def __init__(self, inner: httpcore.AsyncNetworkStream, watch: _Watch) -> None:
        self._inner = inner
        self._watch = watch

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        data = await self._inner.read(max_bytes, timeout)
        self._watch.received += len(data)
        self._watch.ended = self._watch.ended or not data
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> httpcore.AsyncNetworkStream:
        self._watch.stage = "handshake"
        inner = await self._inner.start_tls(ssl_context, server_hostname, timeout)
        self._watch.stage = "exchange"
        self._watch.opened = asyncio.get_running_loop().time()
        return _Watched(inner, self._watch)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and all that caused it, those in groups too."""
    seen: set[int] = set()
    waiting: list[BaseException] = [error]
    while waiting:
        each = waiting.pop(0)
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        if isinstance(each, BaseExceptionGroup):
            waiting += cast("BaseExceptionGroup[BaseException]", each).exceptions
        waiting += [found for found in (each.__cause__, each.__context__) if found is not None]


def _trouble(error: BaseException, watch: _Watch, request: Request) -> TroubleError:
    """Return what kind of trouble an error is, and the reason in one line."""
    kind, reason = _told(list(_causes(error)), watch, request.timeout_seconds)
    return TroubleError(kind, " ".join(reason.split()))


def _told(
    causes: Sequence[BaseException], watch: _Watch, timeout_seconds: float
) -> tuple[TroubleKind, str]:
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            fault = _CERTIFICATE_FAULTS.get(cause.verify_code, "the certificate is not valid")
            return "certificate", f"{fault} ({cause.verify_message})"
    if isinstance(causes[0], TimeoutError):
        return "timeout", _silence(watch, timeout_seconds)
    for cause in causes:
        found = _system(cause, watch)
        if found:
            return found
    return _spoken(causes[0], watch)


def _silence(watch: _Watch, timeout_seconds: float) -> str:
    waited = f"within {timeout_seconds:g} s"
    if watch.stage == "connect":
        return f"no connection {waited}"
    if watch.stage == "opening":
        return f"no WebSocket {waited}"
    if watch.stage == "handshake":
        return f"connected, and no TLS handshake {waited}"
    if watch.received:
        return f"no whole answer {waited}; {watch.received} bytes came"
    return f"connected, and no answer {waited}"


def _system(cause: BaseException, watch: _Watch) -> tuple[TroubleKind, str] | None:
    """Tell what the system says of a connection."""
    if isinstance(cause, ConnectionRefusedError):
        return "refused", "the connection is refused"
    if isinstance(cause, ssl.SSLError) and not isinstance(cause, _NO_TLS_FAULT):
        alert: str | None = cause.reason
        return "tls", f"TLS failed: {(alert or str(cause)).lower().replace('_', ' ')}"
    if isinstance(cause, OSError) and cause.errno in _NO_ROUTE:
        return "unreachable", f"no way there: {(cause.strerror or str(cause)).lower()}"
    if isinstance(cause, OSError) and cause.errno == errno.ETIMEDOUT:
        return "timeout", "no connection until the system gave up"
    if isinstance(cause, OSError) and watch.stage == "connect" and cause.errno:
        return "unreachable", f"no connection: {(cause.strerror or str(cause)).lower()}"
    return None


def _spoken(error: BaseException, watch: _Watch) -> tuple[TroubleKind, str]:
    """Tell what was wrong with what came, or that nothing more came."""
    event = error.args[0] if error.args else None
    if type(event).__name__ in ("StreamReset", "ConnectionTerminated"):
        code: object = getattr(event, "error_code", None)
        return "reset", f"the HTTP/2 stream was ended with {getattr(code, 'name', code)}"
    if isinstance(error, httpcore.LocalProtocolError):
        return "protocol", f"it cannot be sent: {error}"
    if isinstance(error, httpcore.ProtocolError) and not watch.ended:
        return "protocol", f"what came is not HTTP: {error}"
    if watch.stage == "connect":
        return "unreachable", f"no connection: {error}"
    if watch.stage == "handshake":
        reason = "connected, and the connection ended in the TLS handshake"
    elif watch.received:
        reason = f"the connection ended {watch.received} bytes into the answer"
    else:
        reason = "the connection ended without an answer"
    return "reset", reason
