"""A connection of httpcore's to one address, whatever name it is for."""

import asyncio
import ssl
from collections.abc import Iterable
from typing import Any, cast

import httpcore


class ConnectionProgress:
    """How far a connection came: it explains a failure."""

    def __init__(self, stage: str) -> None:
        """Start at a stage."""
        self.stage = stage
        """`connect`, `handshake` or `exchange`; `opening` is all of them for a WebSocket."""
        self.opened = 0.0
        """When the handshake ended, or the connection stood where there is none, by the loop's
        clock."""
        self.received = 0
        """Bytes that came in after it."""
        self.ended = False
        """Whether the other side ended the connection."""

    def open(self) -> None:
        """Note that everything is ready for a request."""
        self.stage = "exchange"
        self.opened = asyncio.get_running_loop().time()


class PinnedBackend(httpcore.AsyncNetworkBackend):
    """Connects to one address, whatever name it is given."""

    def __init__(self, address: str, progress: ConnectionProgress, *, plain: bool = False) -> None:
        """Choose the address, what notes the progress, and whether there is no TLS."""
        # The class is typed as missing where anyio is; asyncio's loop is all that is used.
        self._inner = cast("httpcore.AsyncNetworkBackend", httpcore.AnyIOBackend())
        self._address = address
        self._progress = progress
        self._plain = plain
        self._stream: httpcore.AsyncNetworkStream | None = None

    async def connect_tcp(
        self,
        host: str,  # noqa: ARG002 - the point of this class
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the address."""
        stream = await self._inner.connect_tcp(
            self._address, port, timeout, local_address, socket_options
        )
        self._stream = stream
        if self._plain:
            self._progress.open()
        return _WatchedStream(stream, self._progress)

    async def close(self) -> None:
        """Close the connection where a handshake that was given up left it open."""
        if self._stream is not None:
            await self._stream.aclose()


class _WatchedStream(httpcore.AsyncNetworkStream):
    """A stream that notes how far it came."""

    def __init__(self, inner: httpcore.AsyncNetworkStream, progress: ConnectionProgress) -> None:
        self._inner = inner
        self._progress = progress

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        data = await self._inner.read(max_bytes, timeout)
        self._progress.received += len(data)
        self._progress.ended = self._progress.ended or not data
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
        self._progress.stage = "handshake"
        inner = await self._inner.start_tls(ssl_context, server_hostname, timeout)
        self._progress.open()
        return _WatchedStream(inner, self._progress)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
