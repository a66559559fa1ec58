"""One exchange with what httpcore hides: informational answers, and trailers.

httpcore reads informational answers and throws them away, and neither sends trailers nor gives them
back. So this speaks to h11 and h2 themselves, over the same connection to a way's address.
"""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final

import h11
import httpcore

from rollout.probe.framing_http2 import Http2Exchange
from rollout.probe.model import FramedAnswer, HttpAnswer, HttpRequest, TroubleError, Way
from rollout.probe.pinned import ConnectionProgress, PinnedBackend
from rollout.probe.read_answer import READ_BYTES, FramedRequest, ReadAnswer
from rollout.probe.trouble import trouble_of

MOST_HEAD_BYTES: Final = 100 * 1024
"""The largest head of an answer that is read: as much as httpcore reads."""

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
    asked: FramedRequest,
    then: FramedRequest | None,
    *,
    tls: ssl.SSLContext,
    limits: FramedLimits,
) -> FramedAnswer:
    """Send a request on a connection of its own, and return all that comes back.

    Args:
        way: Where to.
        asked: The request. HTTP/2 is spoken if it says so and the other side agrees.
        then: What to send on the same connection afterwards; None: nothing.
        tls: Whom to trust; if HTTP/2 is to be spoken, it offers that.
        limits: What it may take.

    Raises:
        TroubleError: There was no answer to the first.
    """
    progress = ConnectionProgress("connect")
    began = asyncio.get_running_loop().time()
    async with AsyncExitStack() as opened:
        async with _watched(progress, asked.request):
            stream = await opened.enter_async_context(
                _opened(way, tls, limits.connect_seconds, progress)
            )
            line = Http2Exchange(stream) if _agreed_on(stream) == "h2" else _Http1Exchange(stream)
            read = ReadAnswer(max(began, progress.opened), limits.body_bytes)
            await line.send(asked, read)
        after = None if then is None else await _after(line, then, progress, limits)
    return replace(read.whole(), after=after)


async def _after(
    line: "Http2Exchange | _Http1Exchange",
    then: FramedRequest,
    progress: ConnectionProgress,
    limits: FramedLimits,
) -> HttpAnswer | TroubleError | None:
    """Send the next request; None: the other side had ended the connection, as it may."""
    progress.received = 0
    read = ReadAnswer(asyncio.get_running_loop().time(), limits.body_bytes)
    try:
        async with _watched(progress, then.request):
            if not line.is_open():
                return None
            await line.send(then, read)
    except TroubleError as trouble:
        return None if trouble.kind == "reset" and not progress.received else trouble
    return read.whole().answer


@asynccontextmanager
async def _watched(progress: ConnectionProgress, request: HttpRequest) -> AsyncGenerator[None]:
    """Give it the request's time, and say what kind of trouble it is that goes wrong."""
    try:
        async with asyncio.timeout(request.timeout_seconds):
            yield
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


def _agreed_on(stream: httpcore.AsyncNetworkStream) -> str | None:
    """Return the protocol that was agreed on by ALPN; None: none."""
    spoken = stream.get_extra_info("ssl_object")
    return None if spoken is None else spoken.selected_alpn_protocol()


class _Http1Exchange:
    """A connection over HTTP/1.1 on which requests are sent one after the other."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream
        self._wire = h11.Connection(h11.CLIENT, max_incomplete_event_size=MOST_HEAD_BYTES)

    def is_open(self) -> bool:
        """Say whether another request may be sent."""
        return self._wire.our_state is h11.IDLE or (
            self._wire.our_state is h11.DONE and self._wire.their_state is h11.DONE
        )

    async def send(self, asked: FramedRequest, read: ReadAnswer) -> None:
        """Send a request, and read its answer to the end.

        Raises:
            TroubleError: What came is no answer.
        """
        if self._wire.our_state is h11.DONE:
            self._wire.start_next_cycle()
        for event in _events(asked):
            await self._stream.write(self._wire.send(event) or b"")
        while not self._take(await self._next(), read):
            pass

    async def _next(self) -> object:
        while (event := self._wire.next_event()) is h11.NEED_DATA:
            self._wire.receive_data(await self._stream.read(READ_BYTES))
        return event

    @staticmethod
    def _take(event: object, read: ReadAnswer) -> bool:
        """Take what an event says; return whether it was the last."""
        if isinstance(event, h11.InformationalResponse):
            read.inform(event.status_code, event.headers.raw_items())
        elif isinstance(event, h11.Response):
            protocol = f"HTTP/{event.http_version.decode('latin-1')}"
            read.begin(event.status_code, event.headers.raw_items(), protocol)
        elif isinstance(event, h11.Data):
            read.take(bytes(event.data))
        elif isinstance(event, h11.EndOfMessage):
            read.trailers = event.headers.raw_items()
            read.end()
            return True
        else:
            raise httpcore.RemoteProtocolError("the connection was ended")
        return False


def _events(asked: FramedRequest) -> Iterable[h11.Request | h11.Data | h11.EndOfMessage]:
    request = asked.request
    yield h11.Request(
        method=request.method.encode("latin-1"),
        target=request.target.encode("latin-1"),
        headers=list(asked.headers),
    )
    pieces = (request.body,) if isinstance(request.body, bytes) else request.body or ()
    for piece in pieces:
        yield h11.Data(data=piece)
    yield h11.EndOfMessage(headers=list(asked.trailers))
