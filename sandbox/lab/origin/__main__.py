"""Serves the lab's load balancers and the API behind them: `python -m sandbox.lab.origin`."""

import asyncio
import contextlib
import resource
import socket
import ssl
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509

from sandbox.lab.origin.echo import EchoApi
from sandbox.lab.origin.exchange import LateError, Line, OriginExchange, OriginRequest
from sandbox.lab.origin.load_balancer import (
    LONGEST_PROXY_LINE,
    PROTOCOLS,
    Listening,
    LoadBalancersConfig,
    ServedLoadBalancer,
    forwarded,
    proxy_line,
)
from sandbox.lab.origin.serving import serve
from sandbox.lab.own_program import Service, main

HANDSHAKE_SECONDS: Final = 10.0
"""How long a client may take to speak up: for TLS and for PROXY protocol."""

_FREEBIND: Final = 15
"""`IP_FREEBIND`, which Python does not name: an address may be listened on before the host has it.
Source: Linux, ip(7)."""

_BACKLOG: Final = 1024

_PEEK_SECONDS: Final = 0.01

_TLS_BEGINS: Final = b"\x16"
"""The record type of a handshake. Source: RFC 8446, 5.1."""


class Certificates:
    """TLS with the certificates of a load balancer, the one that fits chosen by SNI."""

    def __init__(self, files: Sequence[tuple[Path, Path]], protocols: Sequence[str]) -> None:
        """Read them.

        Args:
            files: Chain and key (PEM) of each, at least one.
            protocols: What to offer by ALPN.
        """
        self._contexts = [(_names(chain), _context(chain, key, protocols)) for chain, key in files]
        self.context = self._contexts[0][1]
        self.context.sni_callback = self._choose

    def _choose(self, connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        lower = (name or "").lower()
        wild = "*." + lower.partition(".")[2]
        for candidate in (lower, wild):
            for names, context in self._contexts:
                if candidate in names:
                    connection.context = context
                    return


def _names(chain: Path) -> frozenset[str]:
    certificate = x509.load_pem_x509_certificate(chain.read_bytes())
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return frozenset()
    return frozenset(name.lower() for name in extension.value.get_values_for_type(x509.DNSName))


def _context(chain: Path, key: Path, protocols: Sequence[str]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(chain, key)
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return context


def _protocols(kind: str, listening: Listening) -> tuple[str, ...]:
    """Return what is offered by ALPN.

    A classic load balancer knows no HTTP/2; one that ends TLS and passes bytes on offers nothing.
    Where it passes TLS on, the API offers both.
    """
    if listening.mode == "bytes":
        return () if listening.tls else ("h2", "http/1.1")
    return ("h2", "http/1.1") if kind == "application" else ("http/1.1",)


@dataclass(frozen=True)
class Listener:
    """One listener of one load balancer, on each of its addresses."""

    kind: str
    listening: Listening
    port: int
    proxy_protocol: bool
    idle_seconds: float
    tls: ssl.SSLContext | None
    """None: there is no certificate."""
    api: EchoApi

    async def answer(self, request: OriginRequest, exchange: OriginExchange) -> None:
        """Hand a request on to the API; 504 where the answer does not begin in time.

        Source: Elastic Load Balancing, 'Troubleshoot your Application Load Balancers', HTTP 504.
        """
        if self.listening.mode == "http":
            request.headers = forwarded(request, self.kind, self.port)
        request.hints = self.listening.mode == "bytes" and not request.header(b"x-amz-cf-id")
        try:
            await self.api.answer(request, exchange)
        except LateError:
            if exchange.begun or self.listening.mode == "bytes":
                await exchange.break_off()
                return
            await exchange.begin(504, [(b"Server", b"awselb/2.0")], 0)
            await exchange.end()

    async def serve(self, connection: socket.socket) -> None:
        """Serve one accepted connection, to its end."""
        with contextlib.closing(connection):
            client = connection.getpeername()[:2]
            secure = self.listening.tls
            if self.listening.mode == "bytes":
                if self.proxy_protocol:
                    client = await _read_proxy_lines(connection) or client
                if not secure:
                    secure = await _peek(connection, 1) == _TLS_BEGINS
            if secure and self.tls is None:
                return
            loop = asyncio.get_running_loop()
            reader = asyncio.StreamReader()
            protocol = asyncio.StreamReaderProtocol(reader)
            transport, _ = await loop.connect_accepted_socket(
                lambda: protocol,
                connection,
                ssl=self.tls if secure else None,
                ssl_handshake_timeout=HANDSHAKE_SECONDS if secure else None,
            )
            line = Line(
                reader=reader,
                writer=asyncio.StreamWriter(transport, protocol, reader, loop),
                scheme="https" if secure else "http",
                client=client,
                idle_seconds=self.idle_seconds,
            )
            spoken = transport.get_extra_info("ssl_object")
            http2 = spoken is not None and spoken.selected_alpn_protocol() == "h2"
            await serve(line, self.answer, http2=http2)


async def _read_proxy_lines(connection: socket.socket) -> tuple[str, int] | None:
    """Take PROXY protocol headers off a connection; return the client in the innermost one.

    There may be two, of a proxy and of the load balancer in front of it, which names the proxy.
    """
    innermost = None
    while (line := proxy_line(await _peek(connection, LONGEST_PROXY_LINE))) is not None:
        length, client = line
        connection.recv(length)
        innermost = client or innermost
    return innermost


async def _peek(connection: socket.socket, most: int) -> bytes:
    """Return what a connection begins with, and leave it there.

    As much as says whether it is a PROXY protocol header and where that ends, or the first byte.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + HANDSHAKE_SECONDS
    while loop.time() < deadline:
        with contextlib.suppress(BlockingIOError):
            begin = connection.recv(most, socket.MSG_PEEK)
            part = b"PROXY ".startswith(begin[:6]) and b"\r\n" not in begin
            if not begin or most == 1 or not part or len(begin) == most:
                return begin
        await asyncio.sleep(_PEEK_SECONDS)
    raise TimeoutError


class LoadBalancersService(Service[LoadBalancersConfig]):
    """The lab's load balancers, and the API behind them."""

    def __init__(self) -> None:
        """Listen nowhere yet."""
        self._listeners: dict[tuple[str, int], Listener] = {}
        self._sockets: dict[tuple[str, int], tuple[socket.socket, asyncio.Task[None]]] = {}
        self._connections: set[asyncio.Task[None]] = set()

    async def apply(self, config: LoadBalancersConfig) -> None:
        """Listen where the configuration says, and nowhere else; connections go on.

        Raises:
            OSError: A certificate cannot be read, or an address not be listened on.
        """
        api = EchoApi(config.echo, config.allow)
        listeners = {
            (str(address), listener.port): listener
            for each in config.load_balancers
            for listener in _listeners(each, api)
            for address in each.addresses
        }
        with contextlib.ExitStack() as opened:
            sockets = {
                place: opened.enter_context(_listen(*place))
                for place in listeners.keys() - self._sockets.keys()
            }
            opened.pop_all()
        self._listeners = listeners
        for place in self._sockets.keys() - listeners.keys():
            listening, task = self._sockets.pop(place)
            task.cancel()
            listening.close()
        for place, listening in sockets.items():
            self._sockets[place] = (
                listening,
                asyncio.create_task(self._accept(place, listening)),
            )

    async def _accept(self, place: tuple[str, int], listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, _ = await loop.sock_accept(listening)
            except OSError as fault:  # too many open files, or it was gone before it was here
                _tell(f"accepting at {place[0]}:{place[1]}: {fault}")
                await asyncio.sleep(_PEEK_SECONDS)
                continue
            task = asyncio.create_task(_survive(self._listeners[place].serve, connection))
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)


def _listeners(load_balancer: ServedLoadBalancer, api: EchoApi) -> Iterator[Listener]:
    for protocol, port in load_balancer.listeners:
        listening = PROTOCOLS[protocol]
        files = load_balancer.certificates
        offered = _protocols(load_balancer.kind, listening)
        plain = protocol == "HTTP" or not files
        yield Listener(
            kind=load_balancer.kind,
            listening=listening,
            port=port,
            proxy_protocol=load_balancer.proxy_protocol,
            idle_seconds=load_balancer.idle_timeout_seconds,
            tls=None if plain else Certificates(files, offered).context,
            api=api,
        )


def _listen(address: str, port: int) -> socket.socket:
    # Without the protocol's number asyncio does not turn Nagle's algorithm off.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setblocking(False)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setsockopt(socket.IPPROTO_IP, _FREEBIND, 1)
        listening.bind((address, port))
        listening.listen(_BACKLOG)
    except BaseException:
        listening.close()
        raise
    return listening


async def _survive(
    serving: Callable[[socket.socket], Awaitable[None]], connection: socket.socket
) -> None:
    """Serve a connection; what is wrong with it harms no other."""
    try:
        await serving(connection)
    except (OSError, TimeoutError, ValueError) as fault:  # TLS that failed, silence, no PROXY
        _tell(f"a connection ended: {type(fault).__name__}: {fault}")


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    main(LoadBalancersConfig, LoadBalancersService())
