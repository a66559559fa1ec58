"""One exchange over HTTP/1.1 with what httpcore hides: informational answers, and trailers.

httpcore reads informational answers and throws them away, and neither sends trailers nor gives them
back. So this speaks to h11 itself, over the same connection to a way's address.
"""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import h11
import httpcore

from rollout.probe.model import (
    FramedAnswer,
    HttpAnswer,
    HttpRequest,
    InformationalAnswer,
    TroubleError,
    Way,
)
from rollout.probe.pinned import ConnectionProgress, PinnedBackend
from rollout.probe.trouble import trouble_of

MOST_HEAD_BYTES: Final = 100 * 1024
"""The largest head of an answer that is read: as much as httpcore reads."""

MOST_INFORMATIONAL: Final = 32
"""The most informational answers that are kept: more than any echo sends."""

READ_BYTES: Final = 64 * 1024

RawHeaders = Sequence[tuple[bytes, bytes]]

FAULTS: Final = (
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.TimeoutException,
    OSError,  # TimeoutError and ssl.SSLError are of its kind
)
"""What goes wrong on a connection."""


@dataclass(frozen=True)
class FramedLimits:
    """What an exchange may take."""

    connect_seconds: float
    """How long a connection and a handshake may take each."""
    body_bytes: int
    """The longest body of an answer that is read."""


async def exchange_framed(
    way: Way,
    request: HttpRequest,
    headers: RawHeaders,
    trailers: RawHeaders,
    *,
    tls: ssl.SSLContext,
    limits: FramedLimits,
) -> FramedAnswer:
    """Send a request on a connection of its own, and return all that comes back.

    Args:
        way: Where to.
        request: Its method, target, body and timeout.
        headers: Every header that is sent, with `Host` and the one that frames the body.
        trailers: What follows a body that is sent in pieces.
        tls: Whom to trust.
        limits: What it may take.

    Raises:
        TroubleError: There was no answer.
    """
    progress = ConnectionProgress("connect")
    wire = h11.Connection(h11.CLIENT, max_incomplete_event_size=MOST_HEAD_BYTES)
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        async with (
            asyncio.timeout(request.timeout_seconds),
            _opened(way, tls, limits.connect_seconds, progress) as stream,
        ):
            reading = _Reading(wire, stream, max(began, progress.opened), limits.body_bytes)
            for event in _events(request, headers, trailers):
                await stream.write(wire.send(event) or b"")
            return await reading.whole()
    except (h11.RemoteProtocolError, h11.LocalProtocolError) as fault:
        remote = isinstance(fault, h11.RemoteProtocolError)
        same = httpcore.RemoteProtocolError if remote else httpcore.LocalProtocolError
        raise trouble_of(same(str(fault)), progress, request) from fault
    except FAULTS as fault:
        raise trouble_of(fault, progress, request) from fault


@asynccontextmanager
async def _opened(
    way: Way, tls: ssl.SSLContext, seconds: float, progress: ConnectionProgress
) -> AsyncGenerator[httpcore.AsyncNetworkStream]:
    backend = PinnedBackend(way.address, progress, plain=way.scheme == "http")
    try:
        stream = await backend.connect_tcp(way.hostname, way.port, seconds)
        if way.scheme == "https":
            stream = await stream.start_tls(tls, way.hostname, seconds)
        try:
            yield stream
        finally:
            await stream.aclose()
    finally:
        await backend.close()


def _events(
    request: HttpRequest, headers: RawHeaders, trailers: RawHeaders
) -> Iterable[h11.Request | h11.Data | h11.EndOfMessage]:
    yield h11.Request(
        method=request.method.encode("latin-1"),
        target=request.target.encode("latin-1"),
        headers=list(headers),
    )
    pieces = (request.body,) if isinstance(request.body, bytes) else request.body or ()
    for piece in pieces:
        yield h11.Data(data=piece)
    yield h11.EndOfMessage(headers=list(trailers))


@dataclass
class _Reading:
    """An answer that is being read."""

    wire: h11.Connection
    stream: httpcore.AsyncNetworkStream
    start: float
    """When the request was sent, by the loop's clock."""
    left: int
    """Bytes of the body that may still come."""
    informational: list[InformationalAnswer] = field(default_factory=list[InformationalAnswer])
    body: list[bytes] = field(default_factory=list[bytes])
    pieces: list[tuple[float, int]] = field(default_factory=list[tuple[float, int]])

    async def whole(self) -> FramedAnswer:
        """Read the answer to its end."""
        head: h11.Response | None = None
        while True:
            event = self.wire.next_event()
            if event is h11.NEED_DATA:
                self.wire.receive_data(await self.stream.read(READ_BYTES))
            elif isinstance(event, h11.InformationalResponse):
                self._keep(event)
            elif isinstance(event, h11.Response):
                head = event
            elif isinstance(event, h11.Data):
                self._take(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage) and head is not None:
                return self._answer(head, event)
            else:
                raise httpcore.RemoteProtocolError("the connection was ended")

    def _seconds(self) -> float:
        return asyncio.get_running_loop().time() - self.start

    def _keep(self, event: h11.InformationalResponse) -> None:
        if len(self.informational) == MOST_INFORMATIONAL:
            raise TroubleError(
                "protocol", f"more than {MOST_INFORMATIONAL} informational answers came"
            )
        headers = _texts(event.headers.raw_items())
        self.informational.append(InformationalAnswer(event.status_code, headers, self._seconds()))

    def _take(self, piece: bytes) -> None:
        self.pieces.append((self._seconds(), len(piece)))
        self.body.append(piece)
        self.left -= len(piece)
        if self.left < 0:
            raise TroubleError("protocol", "the body is longer than what is read")

    def _answer(self, head: h11.Response, end: h11.EndOfMessage) -> FramedAnswer:
        answer = HttpAnswer(
            status=head.status_code,
            headers=_texts(head.headers.raw_items()),
            body=b"".join(self.body),
            protocol=f"HTTP/{head.http_version.decode('latin-1')}",
            seconds=self._seconds(),
            pieces=tuple(self.pieces),
        )
        trailers = _texts(end.headers.raw_items())
        return FramedAnswer(answer, tuple(self.informational), trailers)


def _texts(headers: Iterable[tuple[bytes, bytes]]) -> tuple[tuple[str, str], ...]:
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers)
