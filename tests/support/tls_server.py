"""An HTTPS server on loopback, over IPv4 and IPv6, as good or as broken as a test needs it."""

import asyncio
import socket
import ssl
import warnings
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import trustme

from support.ports import bound_at_one_port, port_of

ADDRESSES = {"IPv4": "127.0.0.1", "IPv6": "::1"}


@dataclass
class Behavior:
    """What a server does."""

    names: tuple[str, ...] = ("api.example.com",)
    """Names of its certificate."""
    ends: datetime | None = None
    """When its certificate expires; None: later."""
    oldest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
    """Oldest version of TLS it takes."""
    largest_request: int | None = None
    """Requests above so many bytes get no answer, as in a black hole; None: all do."""
    speaks: bool = True
    """Whether it says anything; False: it takes connections and is silent."""
    tls: bool = True
    """Whether it speaks TLS; False: it ends the connection at the first byte."""


async def _respond(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, own: Behavior
) -> None:
    with suppress(OSError, EOFError, ssl.SSLError, asyncio.LimitOverrunError):
        head = await reader.readuntil(b"\r\n\r\n")
        if own.largest_request is None or len(head) <= own.largest_request:
            body = b"ok\n"
            length = f"Content-Length: {len(body)}\r\n"
            writer.write(f"HTTP/1.1 200 OK\r\n{length}Connection: close\r\n\r\n".encode() + body)
            await writer.drain()
            writer.close()
            return
        await asyncio.sleep(3600)


@asynccontextmanager
async def serving(
    ca: trustme.CA,
    behavior: Behavior,
    family: str = "IPv4",
    listener: socket.socket | None = None,
) -> AsyncGenerator[int]:
    """Serve until the block ends, on a socket that is bound if there is one; give the port."""
    under_way: set[Any] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        under_way.add(asyncio.current_task())
        try:
            if not behavior.speaks:
                await asyncio.sleep(3600)
            elif behavior.tls:
                await _respond(reader, writer, behavior)
            else:
                await reader.read(1)
        except asyncio.CancelledError:
            pass
        finally:
            under_way.discard(asyncio.current_task())
            writer.transport.abort()

    context = None
    if behavior.tls and behavior.speaks:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = behavior.oldest
        if behavior.oldest < ssl.TLSVersion.TLSv1_2:
            context.set_ciphers("ALL:@SECLEVEL=0")
        leaf: Any = ca.issue_cert(*behavior.names, not_after=behavior.ends)
        leaf.configure_cert(context)
    if listener is None:
        (listener,) = bound_at_one_port(ADDRESSES[family])
    port = port_of(listener)
    server = await asyncio.start_server(handle, sock=listener, ssl=context, limit=2**20)
    try:
        yield port
    finally:
        server.close()
        for task in tuple(under_way):
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
        await server.wait_closed()
