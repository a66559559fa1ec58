"""The IPv4-only load balancer of the lab with an API behind it that echoes.

Every load balancer that is deployed is served, of whatever kind, by one process that stands for it
and for the API: listeners on its IPv4 addresses, and what AWS documents that each kind does to what
passes.

Where it differs from AWS and from an API of one's own:

- The API is spoken to in the protocol that the client spoke: a target group of HTTP/2 for HTTP/2.
  AWS's default is HTTP/1.1 for both.
- A listener of TCP passes bytes on, so the API itself ends TLS there, with the certificate the load
  balancer is given in the lab; a connection that doesn't begin with TLS is plain HTTP.
- A classic load balancer passes WebSocket on behind HTTP listeners as well; AWS's does only behind
  TCP ones. HTTP/1.0 stays what it is.
- There are no listener rules, no access logs, no health checks of targets: the API is healthy.
- PROXY protocol is read by the API from the client's first bytes, version 1, where a listener of
  TCP, SSL or TLS passes it on. A connection without it is taken for one to which the load balancer
  has added it.
"""

import argparse
import asyncio
import contextlib
import resource
import secrets
import signal
import socket
import ssl
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, ip_address
from pathlib import Path
from typing import Annotated, Final, Literal

from cryptography import x509
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sandbox.lab.connections import LateError, Line, serve
from sandbox.lab.deployed import LoadBalancer
from sandbox.lab.echo import Api, Exchange, Request
from sandbox.lab.program import Program, is_taken, module, take

ECHO_PATH: Final = "/echo"
"""Where the API echoes."""

IDLE_SECONDS: Final = {"classic": 60.0, "application": 60.0, "network": 350.0}
"""How long a connection may be idle, for each kind.

Source: Elastic Load Balancing, 'Connection idle timeout' of each kind, the defaults."""

HANDSHAKE_SECONDS: Final = 10.0
"""How long a client may take to speak up: for TLS and for PROXY protocol."""

LONGEST_PROXY_LINE: Final = 107
"""Source: HAProxy, 'The PROXY protocol', 2.1."""

LARGEST_TRACED_BYTES: Final = 7 * 1024
"""A request with larger headers gets a trace id of its own.

Source: Elastic Load Balancing, 'Request tracing for your Application Load Balancer', limits."""

_FREEBIND: Final = 15
"""`IP_FREEBIND`, which Python does not name: an address may be listened on before the host has it.
Source: Linux, ip(7)."""

_BACKLOG: Final = 1024

_PEEK_SECONDS: Final = 0.01

_TLS_BEGINS: Final = b"\x16"
"""The record type of a handshake. Source: RFC 8446, 5.1."""

Mode = Literal["http", "bytes"]


@dataclass(frozen=True)
class Listening:
    """What a listener's protocol means."""

    mode: Mode
    """Whether the load balancer reads HTTP, or passes bytes on."""
    tls: bool
    """Whether it ends TLS; where it doesn't and passes bytes on, the API may."""


PROTOCOLS: Final = {
    "HTTP": Listening("http", tls=False),
    "HTTPS": Listening("http", tls=True),
    "TCP": Listening("bytes", tls=False),
    "SSL": Listening("bytes", tls=True),
    "TLS": Listening("bytes", tls=True),
}
"""What each protocol of a listener means; others (UDP) are not served."""


class ServedLoadBalancer(BaseModel):
    """A load balancer as it is served."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """Its DNS name."""
    kind: Literal["classic", "application", "network"]
    """Its kind."""
    addresses: tuple[IPv4Address, ...]
    """Where it listens."""
    listeners: tuple[tuple[Literal["HTTP", "HTTPS", "TCP", "SSL", "TLS"], int], ...]
    """Protocol and port of each listener."""
    certificates: tuple[tuple[Path, Path], ...] = ()
    """Chain and key (PEM) of each certificate; the first is for clients that ask for none."""
    proxy_protocol: bool = False
    """Whether the API reads PROXY protocol behind listeners that pass bytes on."""
    idle_timeout_seconds: Annotated[float, Field(gt=0)] = 60.0
    """How long a connection may be idle."""


class Settings(BaseModel):
    """What the program's file says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    load_balancers: tuple[ServedLoadBalancer, ...]
    """Load balancers to serve."""
    echo: Annotated[str, Field(pattern=r"^/[A-Za-z0-9._~/-]*[A-Za-z0-9._~-]$")] = ECHO_PATH
    """Path of the echo."""
    allow: tuple[IPv4Network, ...] | None = None
    """Networks whose clients the API serves, see `Api`; None: everybody."""

    @model_validator(mode="after")
    def _one_listener_each(self) -> "Settings":
        places = Counter(
            (str(address), port)
            for each in self.load_balancers
            for address in set(each.addresses)
            for port in {port for _, port in each.listeners}
        )
        if twice := [f"{a}:{p}" for (a, p), number in places.items() if number > 1]:
            raise ValueError(f"{', '.join(twice)} belong to two load balancers")
        return self


def program(
    host: str,
    load_balancers: Sequence[LoadBalancer],
    addresses: Mapping[str, tuple[str, ...]],
    certificates: Mapping[str, tuple[tuple[Path, Path], ...]],
    folder: Path,
    *,
    echo: str = ECHO_PATH,
    proxy_protocol: Collection[str] = (),
    allow: Sequence[str] | None = None,
) -> Program:
    """Return the program that serves load balancers and the API behind them.

    Changed addresses and certificates are taken on SIGHUP; connections go on, and so does listening
    where it still is to be listened.

    Args:
        host: Host to run on.
        load_balancers: All of them.
        addresses: IPv4 addresses of each, by DNS name; one that has none is not served.
        certificates: Chain and key (PEM) of each one's certificates, by DNS name; those that pass
            TLS on need the API's own here.
        folder: For the program's file, and what it says of it.
        echo: Path of the echo.
        proxy_protocol: DNS names of those whose API reads PROXY protocol.
        allow: IPv4 networks whose clients the API serves, others get 403; None: everybody.
    """
    settings = Settings(
        load_balancers=tuple(
            ServedLoadBalancer(
                name=each.dns_name,
                kind=each.kind,  # pyright: ignore[reportArgumentType] - checked by the model
                addresses=tuple(IPv4Address(one) for one in addresses[each.dns_name]),
                listeners=tuple(one for one in each.listeners if one[0] in PROTOCOLS),  # pyright: ignore[reportArgumentType] - as above
                certificates=certificates.get(each.dns_name, ()),
                proxy_protocol=each.dns_name in proxy_protocol,
                idle_timeout_seconds=IDLE_SECONDS[each.kind],
            )
            for each in load_balancers
            if addresses.get(each.dns_name)
        ),
        echo=echo,
        allow=None if allow is None else tuple(IPv4Network(each) for each in allow),
    )
    file = folder / "origin.json"
    return Program(
        name="origin",
        host=host,
        command=module("sandbox.lab.origin", file),
        files={file: settings.model_dump_json(indent=2)},
        ready=is_taken(file),
    )


def trace_header(value: bytes | None, head_bytes: int, now: float, unique: str) -> bytes:
    """Return X-Amzn-Trace-Id as an application load balancer hands it on.

    Args:
        value: As it came; None: it did not.
        head_bytes: How large the request's headers are.
        now: Seconds since 1970.
        unique: 24 hexadecimal digits that are used once.

    Source: Elastic Load Balancing, 'Request tracing for your Application Load Balancer'.
    """
    own = f"1-{int(now):08x}-{unique}".encode()
    if value is None or head_bytes > LARGEST_TRACED_BYTES:
        return b"Root=" + own
    fields = [field.strip() for field in value.split(b";") if field.strip()]
    kept = [field for field in fields if not field.startswith(b"Self=")]
    if not any(field.startswith(b"Root=") for field in kept):
        return b";".join([b"Root=" + own, *kept])
    return b";".join([b"Self=" + own, *kept])


def forwarded(request: Request, kind: str, port: int) -> list[tuple[bytes, bytes]]:
    """Return the headers of a request as a load balancer that reads HTTP hands them on.

    What it adds or changes comes first, in the names' usual case (HTTP/2: in lower case); the rest
    stays as it is. `Expect` is the load balancer's own matter. AWS does not say in what order.

    Source: Elastic Load Balancing, 'How Elastic Load Balancing works', HTTP headers; 'HTTP headers
    and Application Load Balancers'.
    """
    client = request.client[0].encode()
    earlier = request.header(b"x-forwarded-for")
    added = {
        b"X-Forwarded-For": earlier + b", " + client if earlier else client,
        b"X-Forwarded-Proto": request.scheme.encode(),
        b"X-Forwarded-Port": b"%d" % port,
    }
    if kind == "application":
        size = sum(len(name) + len(value) + 4 for name, value in request.headers)
        trace = request.header(b"x-amzn-trace-id")
        added[b"X-Amzn-Trace-Id"] = trace_header(trace, size, time.time(), secrets.token_hex(12))
    gone = {name.lower() for name in added} | {b"expect"}
    rest = [each for each in request.headers if each[0].lower() not in gone]
    if request.protocol == "HTTP/2":
        return [(name.lower(), value) for name, value in added.items()] + rest
    return [*added.items(), *rest]


def proxy_line(begin: bytes) -> tuple[int, tuple[str, int] | None] | None:
    """Read a header of PROXY protocol version 1.

    Args:
        begin: What a connection begins with.

    Returns:
        How long it is, and address and port that it tells (None: `UNKNOWN`); None: there is none.

    Raises:
        ValueError: There is one that is broken.

    Source: HAProxy, 'The PROXY protocol', 2.1.
    """
    if not begin.startswith(b"PROXY "):
        return None
    line, end, _ = begin[:LONGEST_PROXY_LINE].partition(b"\r\n")
    words = line.decode("ascii", "replace").split(" ")
    if end and words[1] == "UNKNOWN":
        return len(line) + 2, None
    if not end or len(words) != 6 or words[1] not in ("TCP4", "TCP6"):  # noqa: PLR2004 - PROXY, family, two addresses, two ports
        raise ValueError(f"The PROXY protocol header is {line!r}.")
    return len(line) + 2, (str(ip_address(words[2])), int(words[4]))


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
        wanted = (name or "").lower()
        wild = "*." + wanted.partition(".")[2]
        for candidate in (wanted, wild):
            for names, context in self._contexts:
                if candidate in names:
                    connection.context = context
                    return


def _names(chain: Path) -> frozenset[str]:
    certificate = x509.load_pem_x509_certificate(chain.read_bytes())
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return frozenset()
    return frozenset(name.lower() for name in found.value.get_values_for_type(x509.DNSName))


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
    api: Api

    async def answer(self, request: Request, exchange: Exchange) -> None:
        """Hand a request on to the API; 504 where the answer does not begin in time.

        Source: Elastic Load Balancing, 'Troubleshoot your Application Load Balancers', HTTP 504.
        """
        if self.listening.mode == "http":
            request.headers = forwarded(request, self.kind, self.port)
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
    """Take PROXY protocol headers off a connection; return whom the innermost one tells.

    There may be two, of a proxy and of the load balancer in front of it, which tells the proxy.
    """
    told = None
    while (found := proxy_line(await _peek(connection, LONGEST_PROXY_LINE))) is not None:
        length, client = found
        connection.recv(length)
        told = client or told
    return told


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


class Origin:
    """What listens."""

    def __init__(self) -> None:
        """Listen nowhere yet."""
        self._listeners: dict[tuple[str, int], Listener] = {}
        self._sockets: dict[tuple[str, int], tuple[socket.socket, asyncio.Task[None]]] = {}
        self._connections: set[asyncio.Task[None]] = set()

    def apply(self, settings: Settings) -> None:
        """Listen where the settings say, and nowhere else; connections go on.

        Raises:
            OSError: A certificate cannot be read, or an address not be listened on.
        """
        api = Api(settings.echo, settings.allow)
        wanted = {
            (str(address), listener.port): listener
            for each in settings.load_balancers
            for listener in _listeners(each, api)
            for address in each.addresses
        }
        with contextlib.ExitStack() as opened:
            sockets = {
                place: opened.enter_context(_listen(*place))
                for place in wanted.keys() - self._sockets.keys()
            }
            opened.pop_all()
        self._listeners = wanted
        for place in self._sockets.keys() - wanted.keys():
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


def _listeners(load_balancer: ServedLoadBalancer, api: Api) -> list[Listener]:
    made: list[Listener] = []
    for protocol, port in load_balancer.listeners:
        listening = PROTOCOLS[protocol]
        files = load_balancer.certificates
        offered = _protocols(load_balancer.kind, listening)
        plain = protocol == "HTTP" or not files
        made.append(
            Listener(
                kind=load_balancer.kind,
                listening=listening,
                port=port,
                proxy_protocol=load_balancer.proxy_protocol,
                idle_seconds=load_balancer.idle_timeout_seconds,
                tls=None if plain else Certificates(files, offered).context,
                api=api,
            )
        )
    return made


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


async def _run(file: Path) -> int:
    origin = Origin()
    loop = asyncio.get_running_loop()
    ended = loop.create_future()

    def load() -> None:
        content = file.read_bytes()
        origin.apply(Settings.model_validate_json(content))
        take(file, content)

    def again() -> None:
        try:
            load()
        except (OSError, ValidationError) as fault:
            _tell(f"{file} is not taken, what was before stays: {fault}")

    def end() -> None:
        if not ended.done():
            ended.set_result(None)

    loop.add_signal_handler(signal.SIGHUP, again)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    try:
        load()
    except (OSError, ValidationError) as fault:
        _tell(f"{file} cannot be served: {fault}")
        return 2
    await ended
    return 0


def main() -> int:
    """Serve until SIGTERM; take the file anew on SIGHUP."""
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.lab.origin",
        description="Serve the lab's load balancers and the API behind them.",
    )
    parser.add_argument("--config", type=Path, required=True, help="file of `Settings`, JSON")
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return asyncio.run(_run(parser.parse_args().config))


if __name__ == "__main__":
    sys.exit(main())
