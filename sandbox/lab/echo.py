"""The API behind the lab's load balancer: it tells what it received and answers as it is told.

docs/echo.md is the contract, for users' own origins too. What is decided (`directives_of`,
`Directives`, `range_of`) is apart from what is sent (`Api`); how it gets onto the wire, over
HTTP/1.1 or HTTP/2, is `Exchange`'s business.
"""

import asyncio
import hashlib
import json
import re
import secrets
import zlib
from base64 import b64encode, urlsafe_b64encode
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from email.utils import formatdate
from ipaddress import IPv4Network, ip_address
from itertools import count
from typing import Annotated, Any, Final, Literal, Protocol
from urllib.parse import unquote_to_bytes

from pydantic import BaseModel, ConfigDict, Field
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage

Headers = Sequence[tuple[bytes, bytes]]
"""Headers in order: names and values as they are on the wire."""

GRPC_TARGET: Final = b"/dualstack.Echo/Echo"
"""The gRPC method that echoes its messages."""

MOST_DELAY_SECONDS: Final = 600.0
"""The longest `delay` and `interval`: longer than any timeout of a load balancer or of CloudFront
that is worth being tried."""

MOST_BYTES: Final = 2**30
"""The largest `size`."""

MOST_CHUNKS: Final = 10_000
"""The most `chunks`."""

PERIOD: Final = 251
"""Byte *i* of a body of a given size is `i % 251`. A prime, so that a piece that is lost, repeated
or out of place shows whatever power of two the buffers on the way have."""

PIECE_BYTES: Final = 2**16
"""How much is made and sent at once."""

_PATTERN: Final = bytes(range(PERIOD)) * (PIECE_BYTES // PERIOD + 2)

_NO_BODY: Final = (204, 304)
"""Answers that have no body whatever the method. Source: RFC 9110, 6.4.1."""

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A header's name. Source: RFC 9110, 5.6.2."""

_VALUE: Final = re.compile(r"([\x21-\x7e\x80-\xff]([\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?")
"""A header's value. Source: RFC 9110, 5.5."""

_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")

_RANGE: Final = re.compile(r"bytes=(\d*)-(\d*)", re.IGNORECASE)

_FRAMING: Final = frozenset(
    {"connection", "content-length", "keep-alive", "transfer-encoding", "upgrade", "x-echo"}
)
"""Headers that `header` may not set: those say how the answer travels, or are the echo itself."""

_WEBSOCKET_MAGIC: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""Source: RFC 6455, 4.2.2."""


class EchoedBody(BaseModel):
    """The request's body, as it was received."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    length: Annotated[int, Field(ge=0)]
    """Bytes, without what chunks or frames add; 0: there was none."""
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    """SHA-256 of those bytes, hexadecimal, lower case."""


class EchoedClient(BaseModel):
    """Who sent it, for what the origin can tell."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    address: str
    """The address at the other end of the connection, or the one that PROXY protocol told."""
    port: Annotated[int, Field(ge=0, le=65535)]
    """The port there."""


class Echo(BaseModel):
    """What an echo path answers: the request as the origin received it."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    id: Annotated[str, Field(min_length=1)]
    """Different in each answer: one that comes twice was answered by a cache."""
    method: str
    """The method."""
    target: str
    """The request target exactly as received: nothing decoded, nothing normalised. `:path` of
    HTTP/2."""
    protocol: Literal["HTTP/1.0", "HTTP/1.1", "HTTP/2"]
    """The protocol that the origin was spoken to in."""
    scheme: Literal["http", "https"]
    """Whether TLS was used on the way to the origin, or to its load balancer."""
    headers: list[tuple[str, str]]
    """Names and values in order and in the case received, repeated ones as often as received; bytes
    above 127 as the characters of ISO 8859-1. HTTP/2's `:authority` comes first, as `host`; several
    `cookie` fields of HTTP/2 are joined by `; ` in the place of the first (RFC 9113, 8.2.3)."""
    body: EchoedBody
    """The request's body."""
    client: EchoedClient
    """Who sent it."""


@dataclass(frozen=True)
class Directives:
    """How to answer."""

    status: int = 200
    """The status code, 200 to 599."""
    headers: tuple[tuple[str, str], ...] = ()
    """Headers to answer with besides; one of a name that would be sent anyway replaces it."""
    delay_seconds: float = 0.0
    """How long to wait before the answer, after a `hint`."""
    size: int | None = None
    """Length of a body of `i % 251`, in place of the echo; None: the echo is the body."""
    chunks: int | None = None
    """In how many pieces the body is sent, without a Content-Length; None: as it comes."""
    interval_seconds: float = 0.0
    """How long to wait between pieces."""
    hint: int | None = None
    """An informational answer to send first, 102 to 199; None: none."""
    gzip: bool = False
    """Whether the body is compressed if the request accepts that."""
    ranges: bool = False
    """Whether a Range of the body is served."""
    close: bool = False
    """Whether the connection is ended when half of the body is sent."""


class DirectivesError(ValueError):
    """The directives cannot be followed; the message lists every fault."""


def directives_of(segment: str) -> Directives:
    """Read what the path tells of how to answer.

    Args:
        segment: All that follows the echo path and a `/`: `status=404;header=Name:value`, values
            percent-encoded; empty: nothing is told.

    Raises:
        DirectivesError: One is unknown, repeated, or cannot be followed.
    """
    told: dict[str, Any] = {}
    headers: list[tuple[str, str]] = []
    faults: list[str] = []
    for part in segment.split(";") if segment else ():
        name, _, raw = part.partition("=")
        known = _DIRECTIVES.get(name)
        text = None if _PERCENT.search(raw) else unquote_to_bytes(raw).decode("latin-1")
        value = None if known is None or text is None else known.read(text)
        if known is None:
            faults.append(f'The directive is "{part}"; allowed are {", ".join(_DIRECTIVES)}.')
        elif value is None:
            faults.append(f'{name} is "{raw}"; allowed is {known.allowed}.')
        elif known.field == "headers":
            headers.append(value)
        elif known.field in told:
            faults.append(f"{name} is there twice; only header may be.")
        else:
            told[known.field] = value
    directives = Directives(headers=tuple(headers), **told)
    faults += _contradictions(directives)
    if faults:
        raise DirectivesError(" ".join(faults))
    return directives


def _whole(least: int, most: int) -> Callable[[str], int | None]:
    def read(text: str) -> int | None:
        plain = text.isascii() and text.isdigit() and len(text) <= len(str(most))
        return int(text) if plain and least <= int(text) <= most else None

    return read


def _seconds(text: str) -> float | None:
    plain = re.fullmatch(r"\d{1,3}(\.\d{1,6})?", text, re.ASCII)
    return float(text) if plain and float(text) <= MOST_DELAY_SECONDS else None


def _only(word: str) -> Callable[[str], bool | None]:
    return lambda text: True if text == word else None


def _header(text: str) -> tuple[str, str] | None:
    name, colon, value = text.partition(":")
    good = colon and _TOKEN.fullmatch(name) and _VALUE.fullmatch(value)
    return (name, value) if good and name.lower() not in _FRAMING else None


@dataclass(frozen=True)
class _Directive:
    """One directive."""

    field: str
    """Field of `Directives` that it sets."""
    read: Callable[[str], Any]
    """Reads its value; None where that is not allowed."""
    allowed: str
    """What is, for a person."""


_DURATION: Final = f"0 to {MOST_DELAY_SECONDS:g} seconds"

_DIRECTIVES: Final = {
    "status": _Directive("status", _whole(200, 599), "200 to 599"),
    "header": _Directive(
        "headers",
        _header,
        f'"Name:value", percent-encoded, with any name but {", ".join(sorted(_FRAMING))}',
    ),
    "delay": _Directive("delay_seconds", _seconds, _DURATION),
    "size": _Directive("size", _whole(0, MOST_BYTES), f"0 to {MOST_BYTES} bytes"),
    "chunks": _Directive("chunks", _whole(1, MOST_CHUNKS), f"1 to {MOST_CHUNKS}"),
    "interval": _Directive("interval_seconds", _seconds, _DURATION),
    "hint": _Directive("hint", _whole(102, 199), "102 to 199"),
    "encoding": _Directive("gzip", _only("gzip"), "gzip"),
    "range": _Directive("ranges", _only("on"), "on"),
    "close": _Directive("close", _only("on"), "on"),
}
"""Every directive by its name."""


def _contradictions(directives: Directives) -> Iterator[str]:
    if directives.ranges and directives.size is None:
        yield "range is there without size; a range needs a body that is always the same. Add size."
    if directives.ranges and directives.gzip:
        yield "range and encoding are both there; only one of them can be followed."
    if directives.interval_seconds and directives.chunks is None:
        yield "interval is there without chunks; it is the time between pieces. Add chunks."
    shaped = directives.size is not None or directives.chunks or directives.gzip or directives.close
    if directives.status in _NO_BODY and shaped:
        yield f"status is {directives.status}, which has no body to shape; allowed with it are \
header, delay and hint."


def schema() -> dict[str, Any]:
    """Return the JSON Schema of an echo."""
    whole = Echo.model_json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **whole}


def range_of(header: str, size: int) -> tuple[int, int] | Literal["whole", "beyond"]:
    """Read a Range header.

    Returns:
        Start and end (exclusive) of one range; `whole` where everything is to be sent: other units,
        several ranges, no sense; `beyond` where nothing of it is in the body.

    Source: RFC 9110, 14.
    """
    match = _RANGE.fullmatch(header.replace(" ", ""))
    if match is None or match.groups() == ("", ""):
        return "whole"
    first, last = match.groups()
    if not first:
        start, end = max(size - int(last), 0), size
        return (start, end) if start < end else "beyond"
    start, end = int(first), min(int(last) + 1, size) if last else size
    if last and int(last) < start:
        return "whole"
    return (start, end) if start < size else "beyond"


def pattern(start: int, end: int) -> Iterator[bytes]:
    """Yield the bytes of a body of a given size, from `start` to `end` (exclusive)."""
    while start < end:
        length = min(end - start, PIECE_BYTES)
        offset = start % PERIOD
        yield _PATTERN[offset : offset + length]
        start += length


def accepts_gzip(headers: Headers) -> bool:
    """Tell whether a request accepts a body that is compressed with gzip."""
    text = b",".join(value for name, value in headers if name.lower() == b"accept-encoding")
    for part in text.decode("latin-1").lower().split(","):
        coding, *parameters = (word.strip() for word in part.split(";"))
        if coding in ("gzip", "x-gzip"):
            return not any(re.fullmatch(r"q=0(\.0*)?", parameter) for parameter in parameters)
    return False


@dataclass
class Request:
    """A request as it came in."""

    method: bytes
    target: bytes
    protocol: Literal["HTTP/1.0", "HTTP/1.1", "HTTP/2"]
    scheme: Literal["http", "https"]
    headers: list[tuple[bytes, bytes]]
    client: tuple[str, int]
    body: AsyncIterator[bytes]

    def header(self, name: bytes) -> bytes | None:
        """Return a header's value, several joined by `, `; None where there is none."""
        found = [value for own, value in self.headers if own.lower() == name]
        return b", ".join(found) if found else None

    @property
    def path(self) -> bytes:
        """The target's path: without scheme and authority of the absolute form, and the query."""
        target = re.sub(rb"^https?://[^/?#]*", b"", self.target, flags=re.IGNORECASE)
        return target.partition(b"?")[0]


class Exchange(Protocol):
    """What carries the answer to one request."""

    begun: bool
    """Whether the head of the answer was sent."""

    async def inform(self, status: int, headers: Headers) -> None:
        """Send an informational answer."""
        ...

    async def begin(self, status: int, headers: Headers, length: int | None) -> None:
        """Send the head of the answer; no length: it ends where it ends."""
        ...

    async def send(self, piece: bytes) -> None:
        """Send a piece of the body."""
        ...

    async def end(self, trailers: Headers = ()) -> None:
        """End the answer."""
        ...

    async def break_off(self) -> None:
        """End the connection (of HTTP/2 the stream) where it is."""
        ...

    async def wait(self, seconds: float) -> None:
        """Let time pass in which nothing is sent."""
        ...

    async def switch(self, headers: Headers) -> None:
        """Leave HTTP (101); after that `read` and `write` carry what is spoken instead."""
        ...

    async def read(self) -> bytes:
        """Return what came in; empty: the other end has closed."""
        ...

    async def write(self, data: bytes) -> None:
        """Send bytes as they are."""
        ...


class Api:
    """The API: the echo below a path, the gRPC method, and 404 for everything else."""

    def __init__(self, path: str, allow: Sequence[IPv4Network] | None = None) -> None:
        """Say where the echo is and whom it serves.

        Args:
            path: Path of the echo: `/echo`.
            allow: Networks whose clients are served, the others get 403, all of IPv6 among them;
                None: everybody. It stands in for the old API that has such a list and reads it as
                they do: the client is the first of X-Forwarded-For, which anybody can write, so it
                is a fault to be found and no protection.
        """
        self._path = path.encode()
        self._allow = allow
        self._prefix = secrets.token_hex(8)
        self._numbers = count(1)

    async def answer(self, request: Request, exchange: Exchange) -> None:
        """Answer one request."""
        path = request.path
        if not self._allowed(request):
            await self._refuse(request, exchange, 403, "The client's address is not on the list.")
        elif request.method == b"CONNECT":
            await self._refuse(request, exchange, 405, "This is no proxy.")
        elif path == GRPC_TARGET and _is_grpc(request):
            await _answer_grpc(request, exchange)
        elif path == self._path + b"/websocket":
            await self._answer_websocket(request, exchange)
        elif path == self._path:
            await self._answer_echo(request, exchange, "")
        elif path.startswith(self._path + b"/"):
            segment = path[len(self._path) + 1 :].decode("latin-1")
            await self._answer_echo(request, exchange, segment)
        else:
            told = f"Nothing is here; the echo is at {self._path.decode()}."
            await self._refuse(request, exchange, 404, told)

    def _allowed(self, request: Request) -> bool:
        if self._allow is None:
            return True
        forwarded = (request.header(b"x-forwarded-for") or b"").decode("latin-1")
        try:
            client = ip_address(forwarded.partition(",")[0].strip() or request.client[0])
        except ValueError:
            return False
        return any(client in each for each in self._allow)  # of IPv6, none is

    def _next_id(self) -> str:
        return f"{self._prefix}-{next(self._numbers)}"

    async def _refuse(
        self, request: Request, exchange: Exchange, status: int, reason: str, *more: bytes
    ) -> None:
        async for _ in request.body:
            pass
        target = request.target.decode("latin-1")
        body = json.dumps({"id": self._next_id(), "target": target, "error": reason}).encode()
        headers = [_date(), (b"Content-Type", b"application/json")]
        headers += [(b"Upgrade", each) for each in more]
        await exchange.begin(status, headers, len(body))
        if request.method != b"HEAD":
            await exchange.send(body)
        await exchange.end()

    async def _echo(self, request: Request) -> bytes:
        digest, length = hashlib.sha256(), 0
        async for piece in request.body:
            digest.update(piece)
            length += len(piece)
        return (
            Echo(
                id=self._next_id(),
                method=request.method.decode("latin-1"),
                target=request.target.decode("latin-1"),
                protocol=request.protocol,
                scheme=request.scheme,
                headers=[(n.decode("latin-1"), v.decode("latin-1")) for n, v in request.headers],
                body=EchoedBody(length=length, sha256=digest.hexdigest()),
                client=EchoedClient(address=request.client[0], port=request.client[1]),
            )
            .model_dump_json()
            .encode()
        )

    async def _answer_echo(self, request: Request, exchange: Exchange, segment: str) -> None:
        try:
            directives = directives_of(segment)
        except DirectivesError as fault:
            await self._refuse(request, exchange, 400, str(fault))
            return
        echo = await self._echo(request)
        if directives.hint is not None:
            link = b"<" + self._path + b">; rel=preload"
            await exchange.inform(directives.hint, [(b"Link", link)])
        if directives.delay_seconds:
            await exchange.wait(directives.delay_seconds)
        await _send(request, exchange, directives, echo)

    async def _answer_websocket(self, request: Request, exchange: Exchange) -> None:
        key = request.header(b"sec-websocket-key")
        wanted = (request.header(b"upgrade") or b"").lower() == b"websocket"
        version = request.header(b"sec-websocket-version")
        if not wanted or request.method != b"GET" or request.protocol != "HTTP/1.1":
            told = "This is a WebSocket; it is opened with GET and Upgrade over HTTP/1.1."
            await self._refuse(request, exchange, 426, told, b"websocket")
            return
        if not key or version != b"13":
            told = "Sec-WebSocket-Key is missing or Sec-WebSocket-Version is not 13."
            await self._refuse(request, exchange, 400, told)
            return
        echo = await self._echo(request)
        accept = hashlib.sha1(key + _WEBSOCKET_MAGIC, usedforsecurity=False).digest()
        await exchange.switch(
            [
                (b"Upgrade", b"websocket"),
                (b"Connection", b"Upgrade"),
                (b"Sec-WebSocket-Accept", b64encode(accept)),
            ]
        )
        await _echo_messages(exchange, echo)


async def _send(request: Request, exchange: Exchange, directives: Directives, echo: bytes) -> None:
    """Send the answer's head and body."""
    status, size = directives.status, directives.size
    kind = b"application/json" if size is None else b"application/octet-stream"
    headers = [_date(), (b"Content-Type", kind)]
    start, end = 0, len(echo) if size is None else size
    if directives.ranges and status == 200:  # noqa: PLR2004 - what a range is a part of
        status, start, end = _ranged(request, end, headers)
    gzip = directives.gzip and accepts_gzip(request.headers)
    if directives.gzip:
        headers.append((b"Vary", b"Accept-Encoding"))
    if gzip:
        headers.append((b"Content-Encoding", b"gzip"))
    empty = request.method == b"HEAD" or status in _NO_BODY
    if status in _NO_BODY:
        headers = headers[:1]
    if empty or size is not None:
        headers.append((b"X-Echo", urlsafe_b64encode(echo).rstrip(b"=")))
    own = [(n.encode("latin-1"), v.encode("latin-1")) for n, v in directives.headers]
    replaced = {name.lower() for name, _ in own}
    headers = [each for each in headers if each[0].lower() not in replaced] + own
    open_ended = gzip or directives.chunks is not None or status in _NO_BODY
    await exchange.begin(status, headers, None if open_ended else end - start)
    if empty:
        await exchange.end()
        return
    stop = start + (end - start) // 2 if directives.close else end
    pieces = _pieces(echo if size is None else None, start, stop, directives.chunks)
    await _send_pieces(exchange, pieces, directives, gzip=gzip)
    await (exchange.break_off() if directives.close else exchange.end())


def _date() -> tuple[bytes, bytes]:
    """Return the header that an origin with a clock has to send. Source: RFC 9110, 6.6.1."""
    return b"Date", formatdate(usegmt=True).encode()


def _ranged(
    request: Request, size: int, headers: list[tuple[bytes, bytes]]
) -> tuple[int, int, int]:
    """Add the headers of a body that has ranges; return status, start and end of what is sent."""
    tag = b'"%d"' % size
    headers += [(b"Accept-Ranges", b"bytes"), (b"ETag", tag)]
    wanted = request.header(b"range")
    if request.method != b"GET" or wanted is None or request.header(b"if-range") not in (None, tag):
        return 200, 0, size
    found = range_of(wanted.decode("latin-1"), size)
    if found == "whole":
        return 200, 0, size
    if found == "beyond":
        headers.append((b"Content-Range", b"bytes */%d" % size))
        return 416, 0, 0
    start, end = found
    headers.append((b"Content-Range", b"bytes %d-%d/%d" % (start, end - 1, size)))
    return 206, start, end


def _pieces(
    content: bytes | None, start: int, end: int, chunks: int | None
) -> Iterator[Iterator[bytes]]:
    """Yield each piece of a body as the parts that it is sent in.

    Args:
        content: The body; None: the pattern.
        start: Where to start in it.
        end: Where to stop in it, exclusive.
        chunks: How many pieces; fewer where there are not so many bytes.
    """
    number = min(chunks or 1, end - start)
    for each in range(number):
        first = start + (end - start) * each // number
        last = start + (end - start) * (each + 1) // number
        yield pattern(first, last) if content is None else iter([content[first:last]])


async def _send_pieces(
    exchange: Exchange, pieces: Iterator[Iterator[bytes]], directives: Directives, *, gzip: bool
) -> None:
    press = zlib.compressobj(wbits=16 + zlib.MAX_WBITS) if gzip else None
    for number, piece in enumerate(pieces):
        if number and directives.interval_seconds:
            await exchange.wait(directives.interval_seconds)
        for part in piece:
            await exchange.send(press.compress(part) if press else part)
            await asyncio.sleep(0)  # a large body is no reason to keep others waiting
        if press and directives.chunks:
            await exchange.send(press.flush(zlib.Z_SYNC_FLUSH))
    if press and not directives.close:
        await exchange.send(press.flush())


async def _echo_messages(exchange: Exchange, first: bytes) -> None:
    """Speak WebSocket: the echo of the handshake, then each message back."""
    wire = Connection(ConnectionType.SERVER)
    await exchange.write(wire.send(TextMessage(data=first.decode())))
    while data := await exchange.read():
        wire.receive_data(data)
        for event in wire.events():
            if isinstance(event, TextMessage):
                back = TextMessage(event.data, event.frame_finished, event.message_finished)
                await exchange.write(wire.send(back))
            elif isinstance(event, BytesMessage):
                back = BytesMessage(event.data, event.frame_finished, event.message_finished)
                await exchange.write(wire.send(back))
            elif isinstance(event, Ping):
                await exchange.write(wire.send(event.response()))
            elif isinstance(event, CloseConnection):
                await exchange.write(wire.send(event.response()))
                return


def _is_grpc(request: Request) -> bool:
    kind = request.header(b"content-type") or b""
    return (
        request.method == b"POST"
        and request.protocol == "HTTP/2"
        and kind.startswith(b"application/grpc")
    )


async def _answer_grpc(request: Request, exchange: Exchange) -> None:
    """Send each message back as it comes, and the trailers that a gRPC call ends with."""
    kept = (b"content-type", b"grpc-encoding")
    headers = [_date(), *(each for each in request.headers if each[0] in kept)]
    await exchange.begin(200, headers, None)
    async for piece in request.body:
        await exchange.send(piece)
    await exchange.end([(b"grpc-status", b"0")])
