"""Connections below HTTP: what TCP, TLS and the kernel say of an address.

The wire of `model` sends requests. This module measures what it hides: how long a connection takes,
which versions of TLS are accepted, whose certificate it is, how large a packet may be.
"""

import asyncio
import contextlib
import errno
import socket
import ssl
import struct
import sys
import time
import warnings
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Final, Literal, Protocol

from rollout.probe.model import Family, TroubleError, TroubleKind

TlsVersion = Literal["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"]

VERSIONS: Final[dict[TlsVersion, ssl.TLSVersion]] = {
    "TLSv1": ssl.TLSVersion.TLSv1,
    "TLSv1.1": ssl.TLSVersion.TLSv1_1,
    "TLSv1.2": ssl.TLSVersion.TLSv1_2,
    "TLSv1.3": ssl.TLSVersion.TLSv1_3,
}
"""The versions that are still in use, oldest first."""

TIMEOUT_SECONDS: Final = 5.0
"""How long a connection, a handshake or an exchange may take. A lost packet costs TCP one second,
so this allows for the loss of two in a row. Source: RFC 6298 section 2."""

_MOST_READ: Final = 256 * 1024

_UNREACHABLE: Final = frozenset(
    {
        errno.ENETUNREACH,
        errno.EHOSTUNREACH,
        errno.EADDRNOTAVAIL,
        errno.EAFNOSUPPORT,
        errno.EACCES,
        errno.EPERM,
    }
)

_LOCAL_ONLY: Final = (ip_network("fc00::/7"), ip_network("fe80::/10"))
"""Addresses that lead nowhere beyond a site. Source: RFC 4193; RFC 4291 section 2.5.6."""

_IPV6_MTU: Final = 24
"""`IPV6_MTU` of Linux's `ipv6(7)`; the module `socket` does not have it."""

_TCP_INFO_BYTES: Final = 104
_TCP_INFO: Final = struct.Struct("=8B24I")
_SEND_SEGMENT, _PATH_MTU, _RETRANSMITTED = 8 + 2, 8 + 13, 8 + 23
"""Members of `struct tcp_info`: eight bytes, then 32-bit numbers. Source: `linux/tcp.h`."""


@dataclass(frozen=True)
class Handshake:
    """A TLS connection that was made, and ended."""

    version: str
    """The version that was agreed on: `TLSv1.3`."""
    certificate: bytes
    """The server's certificate, DER."""
    connect_seconds: float
    """How long TCP took to connect."""


@dataclass(frozen=True)
class TlsExchange:
    """A request that was answered."""

    received: int
    """Bytes of the answer, headers and all; reading ends at 256 KiB."""
    path_mtu: int | None
    """The path's MTU in bytes, as the kernel has learned it; None where it does not tell."""
    segment: int | None
    """Bytes in the largest segment that is sent; None as above."""
    retransmitted: int | None
    """Segments that had to be sent again; None as above."""


class Connector(Protocol):
    """What opens connections."""

    def source(self, address: str) -> str | None:
        """Return the address this machine would send from; None: it has no way there."""
        ...

    async def connect(self, address: str, port: int) -> float:
        """Open a TCP connection, end it, and return how many seconds it took to open.

        Raises:
            TroubleError: There was no connection.
        """
        ...

    async def shake(
        self,
        address: str,
        port: int,
        name: str,
        version: TlsVersion | None = None,
        *,
        verify: bool = False,
        ca: str | None = None,
    ) -> Handshake:
        """Open a TLS connection and end it.

        Args:
            address: The literal address.
            port: The port.
            name: The name to ask for (SNI).
            version: The only version to offer; None: whatever this machine offers.
            verify: Whether the certificate must be trusted and be the name's.
            ca: PEM file of the only authorities to trust; None: those of the system.

        Raises:
            TroubleError: There was no connection. `protocol`: this machine cannot offer that.
        """
        ...

    async def exchange(self, address: str, port: int, name: str, request: bytes) -> TlsExchange:
        """Send a request over TLS without checking the certificate, and read the answer to its end.

        Raises:
            TroubleError: There was no answer, or no end of it.
        """
        ...


class Sockets:
    """The network itself."""

    def __init__(self, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        """Choose how long each step may take."""
        self._timeout = timeout_seconds

    def source(self, address: str) -> str | None:
        """Return the address this machine would send from; no packet is sent."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        try:
            with closing(socket.socket(family, socket.SOCK_DGRAM)) as probe:
                probe.connect((address, 9))
                return str(probe.getsockname()[0])
        except OSError:
            return None

    async def connect(self, address: str, port: int) -> float:
        """Open a TCP connection and end it."""
        begin = time.perf_counter()
        async with self._open(address, port):
            return time.perf_counter() - begin

    async def shake(
        self,
        address: str,
        port: int,
        name: str,
        version: TlsVersion | None = None,
        *,
        verify: bool = False,
        ca: str | None = None,
    ) -> Handshake:
        """Open a TLS connection and end it."""
        context = _context(version, ca, verify=verify)
        begin = time.perf_counter()
        async with self._open(address, port) as (_, writer):
            seconds = time.perf_counter() - begin
            await self._start_tls(writer, context, name)
            tls = writer.get_extra_info("ssl_object")
            certificate = tls.getpeercert(binary_form=True) or b""
            return Handshake(str(tls.version()), certificate, seconds)

    async def exchange(self, address: str, port: int, name: str, request: bytes) -> TlsExchange:
        """Send a request over TLS and read the answer to its end."""
        context = _context(None, None, verify=False)
        context.set_alpn_protocols(["http/1.1"])
        async with self._open(address, port) as (reader, writer):
            await self._start_tls(writer, context, name)
            with _troubles_of("HTTP"):
                async with asyncio.timeout(self._timeout):
                    writer.write(request)
                    await writer.drain()
                    received = 0
                    while received < _MOST_READ and (data := await reader.read(65536)):
                        received += len(data)
            if not received:
                raise TroubleError("reset", "HTTP: the connection ended without an answer")
            return TlsExchange(received, *_kernel_says(writer.get_extra_info("socket")))

    @asynccontextmanager
    async def _open(
        self, address: str, port: int
    ) -> AsyncGenerator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        with _troubles_of("TCP"):
            async with asyncio.timeout(self._timeout):
                reader, writer = await asyncio.open_connection(address, port)
        plain = writer.transport
        try:
            yield reader, writer
        finally:
            # Everything has come, so the connection may be aborted. Nothing waits for its end:
            # after a failed handshake asyncio of Python 3.11 never reports it.
            writer.transport.abort()
            plain.abort()
            await asyncio.sleep(0)

    async def _start_tls(
        self, writer: asyncio.StreamWriter, context: ssl.SSLContext, name: str
    ) -> None:
        with _troubles_of("TLS"):
            async with asyncio.timeout(self._timeout):
                await writer.start_tls(context, server_hostname=name)


def lacks(network: Connector, address: str) -> bool:
    """Say whether this machine has no way to an address at all."""
    return network.source(address) is None


def is_doubtful(network: Connector, address: str) -> bool:
    """Say whether a failure may be this machine's own: its address leads nowhere beyond a site."""
    source = network.source(address)
    if source is None:
        return True
    if ip_address(source).version == 4 or source == address:  # noqa: PLR2004 - IP version 4
        return False
    return any(ip_address(source.partition("%")[0]) in local for local in _LOCAL_ONLY)


def family_of(address: str) -> Family:
    """Return an address's family."""
    return "IPv6" if ":" in address else "IPv4"


def _context(version: TlsVersion | None, ca: str | None, *, verify: bool) -> ssl.SSLContext:
    if verify:
        context = ssl.create_default_context(cafile=ca)
    else:
        # Not the default one: reading the system's authorities takes longer than a handshake.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if version is None:
        return context
    try:
        with warnings.catch_warnings():
            # That versions are old is why they are asked about.
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
            context.maximum_version = VERSIONS[version]
            context.minimum_version = VERSIONS[version]
        # Debian's OpenSSL takes the old versions at this level only.
        context.set_ciphers("ALL:@SECLEVEL=0")
    except (ValueError, ssl.SSLError) as error:
        raise TroubleError("protocol", f"this machine cannot offer {version}: {error}") from error
    return context


@contextlib.contextmanager
def _troubles_of(step: str) -> Generator[None]:
    """Turn the errors of a step into `TroubleError`."""
    try:
        yield
    except TimeoutError as error:
        raise TroubleError("timeout", f"{step}: silence") from error
    except (OSError, EOFError) as error:
        kind, reason = _why(error)
        raise TroubleError(kind, f"{step}: {reason}") from error


def _why(error: OSError | EOFError) -> tuple[TroubleKind, str]:
    match error:
        case ssl.SSLCertVerificationError():
            return "certificate", str(error.verify_message)
        case ssl.SSLEOFError() | ConnectionResetError() | BrokenPipeError() | EOFError():
            return "reset", "the connection was ended"
        case ssl.SSLError():
            mine = error.reason in ("NO_PROTOCOLS_AVAILABLE", "NO_CIPHERS_AVAILABLE")
            reason = (error.reason or str(error)).lower().replace("_", " ")
            return ("protocol" if mine else "tls"), reason
        case ConnectionRefusedError():
            return "refused", "refused"
        case _:
            kind: TroubleKind = "unreachable" if error.errno in _UNREACHABLE else "protocol"
            return kind, (error.strerror or str(error)).lower()


def _kernel_says(connection: socket.socket) -> tuple[int | None, int | None, int | None]:
    """Return path MTU, largest segment and retransmissions of a connection, where Linux tells."""
    if sys.platform != "linux":
        return None, None, None
    raw = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
    if len(raw) < _TCP_INFO.size:
        return None, None, None
    fields = _TCP_INFO.unpack_from(raw)
    mtu = fields[_PATH_MTU]
    if connection.family == socket.AF_INET6:
        mtu = connection.getsockopt(socket.IPPROTO_IPV6, _IPV6_MTU)
    return mtu, fields[_SEND_SEGMENT], fields[_RETRANSMITTED]
