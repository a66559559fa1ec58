"""What probes share: the ways to an API, requests and answers, and results about them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol, runtime_checkable

Path = Literal["direct", "cdn"]
Family = Literal["IPv4", "IPv6"]
Scheme = Literal["https", "http"]
DEFAULT_PORTS: Final[Mapping[Scheme, int]] = {"https": 443, "http": 80}
"""The ports that URLs leave out. Source: RFC 9110, 4.2."""

Verdict = Literal["pass", "fail", "unknown"]
"""`unknown` is 'cannot tell': it never counts as a pass."""

SECRET_HEADERS: Final = frozenset(
    {
        "authorization",
        "cookie",
        "proxy-authorization",
        "set-cookie",
        "x-amz-security-token",
        "x-api-key",
        "x-auth-token",
        "x-csrf-token",
        "x-origin-secret",
    }
)
"""Headers, in lower case, whose values no evidence shows."""


@dataclass(frozen=True)
class Way:
    """One way to reach the API: the TCP connection goes to an address, TLS and HTTP to the name."""

    path: Path
    """Which path it is."""
    family: Family
    """Which family the address is of."""
    hostname: str
    """The API's name: SNI, the certificate's name, and the Host header."""
    address: str
    """The literal address to connect to."""
    port: int = 443
    """The port."""
    by_name: bool = False
    """Whether the address is what the resolver of this machine answered for the hostname, and not
    what it answers for the path's own target."""
    scheme: Scheme = "https"
    """Whether TLS is spoken there."""


@dataclass(frozen=True)
class Result:
    """What one check found on one way."""

    check: str
    """Name of the check, stable: `headers-custom`."""
    verdict: Verdict
    """Pass, fail, or cannot tell."""
    evidence: str
    """What was seen, in one line; for a failure what was expected and what came instead."""
    hostname: str = ""
    """The name it is about; empty where it is about all."""
    path: Path | None = None
    """The path it is about; None where it is about neither."""
    family: Family | None = None
    """The family it is about; None where it is about neither."""
    accepted: tuple[str, ...] = ()
    """The documented differences that were seen and let pass, each by its name."""
    remedy: str = ""
    """What to do about a failure, where that is known."""


@dataclass(frozen=True)
class EdgeTarget:
    """What is verified, as the stack's outputs and the user tell it."""

    hostnames: tuple[str, ...]
    """Names of the API."""
    direct: str
    """DNS name of the load balancer."""
    cdn: str
    """The distribution's own DNS name."""
    proxy_addresses: tuple[str, ...] = ()
    """IPv6 addresses of the proxies: the direct path over IPv6. None: that way does not exist."""
    weights: tuple[int, int] | None = None
    """Declared weights of direct and cdn; None where the user named the paths by hand."""
    distribution_id: str = ""
    """Id of the distribution; empty where it is not known."""
    port: int = 443
    """HTTPS port of both paths."""


@dataclass(frozen=True)
class HttpRequest:
    """One request, as it is to be sent. `Host` (or `:authority`) is added from the way."""

    method: str
    """The method."""
    target: str
    """Path and query string exactly as they go onto the wire, already encoded."""
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Headers in order, each name in the case it is sent in over HTTP/1.1; names may repeat.
    `Content-Length` or `Transfer-Encoding` is added from the body. Not in the `repr`: they may hold
    secrets."""
    body: bytes | tuple[bytes, ...] | None = field(default=None, repr=False)
    """The body; a tuple is sent chunked, piece by piece; None: none and no length."""
    http2: bool = False
    """Whether to speak HTTP/2."""
    timeout_seconds: float = 15.0
    """How long the whole answer may take."""
    urgent: bool = False
    """Whether it goes before those that wait for their turn: a check that has to wait long between
    its requests does so while the others send theirs."""
    pause_seconds: float = 0.0
    """How long to wait between the pieces of its body, before the next request on its connection,
    and before the first message of a WebSocket."""
    waits: bool = False
    """Whether it is under way for long and does nothing: such requests have places of their own, so
    that nobody else waits for them."""


@dataclass(frozen=True)
class HttpAnswer:
    """What came back."""

    status: int
    """The status code."""
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    """Headers in order, names as they were received. Not in the `repr`: they may hold secrets."""
    body: bytes = field(repr=False)
    """The body, with any content coding still on it."""
    protocol: str
    """`HTTP/1.1` or `HTTP/2`."""
    seconds: float
    """From the request's first byte to the answer's last."""
    pieces: tuple[tuple[float, int], ...] = ()
    """When each piece of the body arrived, in seconds from the start, and how long it was."""

    def header(self, name: str) -> str | None:
        """Return the value of a header, whatever its case; several joined by `, `."""
        values = [value for own, value in self.headers if own.lower() == name.lower()]
        return ", ".join(values) if values else None


TroubleKind = Literal[
    "refused", "unreachable", "timeout", "reset", "tls", "certificate", "protocol"
]


class TroubleError(Exception):
    """There was no answer."""

    def __init__(self, kind: TroubleKind, message: str) -> None:
        """Keep what kind of trouble it was.

        Args:
            kind: `refused` and `unreachable`: no connection. `timeout`: silence. `reset`: the
                connection ended early. `tls`, `certificate`: the handshake failed, the latter
                because of whom it names or when it expired. `protocol`: what came is not HTTP.
            message: The reason in one line.
        """
        super().__init__(message)
        self.kind = kind


class Wire(Protocol):
    """What sends requests; it holds the limits of rate and concurrency for all checks together."""

    async def send(self, way: Way, request: HttpRequest) -> HttpAnswer:
        """Send a request on a connection of its own.

        Raises:
            TroubleError: There was no answer.
        """
        ...


@dataclass(frozen=True)
class WebSocketTalk:
    """What was said over a WebSocket."""

    handshake: tuple[tuple[str, str], ...] = field(repr=False)
    """Headers of the handshake's request, in order."""
    messages: tuple[str | bytes, ...] = field(repr=False)
    """The messages that came in, in order."""


@runtime_checkable
class Connections(Wire, Protocol):
    """A wire that can also keep a connection; few checks need one."""

    async def send_in_turn(
        self, way: Way, requests: Sequence[HttpRequest]
    ) -> tuple[HttpAnswer, ...]:
        """Send requests one after the other on one connection, and close it.

        Returns:
            The answers; fewer than requests where the other side ended the connection after one.

        Raises:
            TroubleError: A request that was under way had no answer.
        """
        ...

    async def talk(
        self, way: Way, request: HttpRequest, messages: Sequence[str | bytes]
    ) -> WebSocketTalk:
        """Open a WebSocket, take its first message, send each message and take one for it.

        Args:
            way: The way.
            request: The handshake's target, headers besides its own, and timeout.
            messages: What to send.

        Raises:
            TroubleError: The handshake is refused (`protocol`), or messages ended early.
        """
        ...


@dataclass(frozen=True)
class InformationalAnswer:
    """An answer of 1xx, which comes before the answer."""

    status: int
    """The status code, 100 to 199."""
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    """Headers in order, names as they were received."""
    seconds: float
    """When it came, in seconds from the start."""


@dataclass(frozen=True)
class FramedAnswer:
    """What came back, with what frames it."""

    answer: HttpAnswer
    """The answer itself."""
    informational: tuple[InformationalAnswer, ...] = ()
    """What came before it, in order."""
    trailers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """The fields after its body, in order."""
    after: "HttpAnswer | TroubleError | None" = None
    """The answer to what was sent next on the same connection, or why there was none; None: nothing
    was sent, or the other side had ended the connection, as it may."""


@runtime_checkable
class FramedWire(Wire, Protocol):
    """A wire that also sends trailers, and gives back what comes before and after an answer."""

    async def send_framed(
        self,
        way: Way,
        request: HttpRequest,
        trailers: Sequence[tuple[str, str]] = (),
        *,
        then: HttpRequest | None = None,
    ) -> FramedAnswer:
        """Send a request on a connection of its own.

        Args:
            way: The way.
            request: The request; trailers need a body that is a tuple. Over HTTP/2, if it says so
                and the way offers that, its body has to fit into a window of 65,535 bytes.
            trailers: The fields to send after its body.
            then: What to send next on the same connection; None: nothing.

        Raises:
            TroubleError: There was no answer to the first.
        """
        ...


@dataclass(frozen=True)
class DnsAnswer:
    """An answer of a name server."""

    code: str
    """`NOERROR`, `NXDOMAIN`, `SERVFAIL` …"""
    values: tuple[str, ...]
    """Values of the type that was asked for, after any CNAMEs."""
    ttl_seconds: int | None
    """TTL of those values; of the negative answer (RFC 2308) where there are none; None where
    nothing tells it."""
    authoritative: bool
    """Whether the server is an authority for it."""
    signatures: tuple[str, ...] = ()
    """The `RRSIG` records over those values, as text; none where the server sent none."""


class DnsClient(Protocol):
    """What asks name servers."""

    async def ask(self, name: str, kind: str, server: str | None = None) -> DnsAnswer:
        """Ask for records of a type.

        Args:
            name: The name.
            kind: The type: `A`, `AAAA`, `NS`, `HTTPS`, `DNSKEY` …
            server: Literal address of the server; None: the resolver of this machine.

        Raises:
            TroubleError: Nobody answered: `timeout` or `unreachable`.
        """
        ...
