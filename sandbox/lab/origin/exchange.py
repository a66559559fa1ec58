"""A request and what carries the answer to it, for every version of HTTP."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

Headers = Sequence[tuple[bytes, bytes]]
"""Headers in order: names and values as they are on the wire."""

BUFFER_BYTES: Final = 2**16
"""How much is read at once, and may wait to be sent before more is."""


@dataclass
class OriginRequest:
    """A request as it came in."""

    method: bytes
    target: bytes
    protocol: Literal["HTTP/1.0", "HTTP/1.1", "HTTP/2"]
    scheme: Literal["http", "https"]
    headers: list[tuple[bytes, bytes]]
    client: tuple[str, int]
    body: AsyncIterator[bytes]
    trailers: list[tuple[bytes, bytes]] = field(default_factory=list[tuple[bytes, bytes]])
    """What followed the body, once that was read."""
    hints: bool = True
    """Whether informational answers of the API's own get to the client."""

    def header(self, name: bytes) -> bytes | None:
        """Return a header's value, several joined by `, `; None where there is none."""
        values = [value for own, value in self.headers if own.lower() == name]
        return b", ".join(values) if values else None

    @property
    def path(self) -> bytes:
        """The target's path: without scheme and authority of the absolute form, and the query."""
        target = re.sub(rb"^https?://[^/?#]*", b"", self.target, flags=re.IGNORECASE)
        return target.partition(b"?")[0]


class OriginExchange(Protocol):
    """What carries the answer to one request."""

    begun: bool
    """Whether the head of the answer was sent."""

    async def inform(self, status: int, headers: Headers) -> None:
        """Send an informational answer."""

    async def begin(self, status: int, headers: Headers, length: int | None) -> None:
        """Send the head of the answer; no length: it ends where it ends."""

    async def send(self, piece: bytes) -> None:
        """Send a piece of the body."""

    async def end(self, trailers: Headers = ()) -> None:
        """End the answer."""

    async def break_off(self) -> None:
        """End the connection (of HTTP/2 the stream) where it is."""

    async def wait(self, seconds: float) -> None:
        """Let time pass in which nothing is sent."""

    async def switch(self, headers: Headers) -> None:
        """Leave HTTP (101); after that `read` and `write` carry what is spoken instead."""

    async def read(self) -> bytes:
        """Return what came in; empty: the other end has closed."""
        ...

    async def write(self, data: bytes) -> None:
        """Send bytes as they are."""


Handler = Callable[[OriginRequest, OriginExchange], Awaitable[None]]
"""What answers a request."""


class IdleError(ConnectionError):
    """The other end sent nothing, or took nothing, for as long as a connection may be idle."""


class LateError(Exception):
    """The answer kept the connection idle for as long as it may be."""


@dataclass
class Line:
    """An accepted connection, after TLS."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    scheme: Literal["http", "https"]
    client: tuple[str, int]
    """Address and port of whom requests on it come from."""
    idle_seconds: float
    """How long nothing may pass."""

    async def read(self) -> bytes:
        """Return what came in; empty: the other end has closed.

        Raises:
            IdleError: Nothing came.
        """
        try:
            async with asyncio.timeout(self.idle_seconds):
                return await self.reader.read(BUFFER_BYTES)
        except TimeoutError:
            raise IdleError from None

    async def write(self, data: bytes) -> None:
        """Send; wait while the other end takes nothing.

        Raises:
            IdleError: It took nothing.
            ConnectionResetError: It is gone.
        """
        if self.writer.transport.is_closing():
            raise ConnectionResetError
        self.writer.write(data)
        if self.writer.transport.get_write_buffer_size() < BUFFER_BYTES:
            return
        try:
            async with asyncio.timeout(self.idle_seconds):
                await self.writer.drain()
        except TimeoutError:
            raise IdleError from None

    async def wait(self, seconds: float) -> None:
        """Let time pass in which nothing is sent.

        Raises:
            LateError: It is longer than a connection may be idle; that time has passed.
        """
        await asyncio.sleep(min(seconds, self.idle_seconds))
        if seconds >= self.idle_seconds:
            raise LateError

    async def close(self) -> None:
        """End the connection once what was written has left."""
        self.writer.close()
        try:
            async with asyncio.timeout(self.idle_seconds):
                await self.writer.wait_closed()
        except (TimeoutError, OSError):
            self.writer.transport.abort()
