"""The wire, byte by byte, against servers that answer or fail as they are told."""

import asyncio
import errno
import gzip
import socket
import ssl
import struct
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from rollout.probe.gate import Gate
from rollout.probe.http import HttpWire, TrustError
from rollout.probe.model import HttpAnswer, HttpRequest, TroubleError, Way
from rollout.verify.received import read_echo
from sandbox.lab.trust import Trust
from support.lab_origin import LoopbackOrigin, origin_on_loopback
from support.loopback_edge import Edge, edge_on_loopback

NAME = "api.example.com"

Serving = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackOrigin]:
    with origin_on_loopback(tmp_path_factory.mktemp("origin"), NAME) as served:
        yield served


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    return Trust(tmp_path_factory.mktemp("trust"))


def to(origin: LoopbackOrigin) -> Way:
    return Way("direct", "IPv4", NAME, origin.address, origin.https)


def wire(ca: Path, *, rate: float = 1000, concurrency: int = 8) -> HttpWire:
    return HttpWire(rate=rate, concurrency=concurrency, ca=ca)


def tls_of(trust: Trust, *names: str, expired: bool = False) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*trust.issue(names or (NAME,), expired=expired))
    return context


@asynccontextmanager
async def serving(answer: Serving, tls: ssl.SSLContext | None) -> AsyncGenerator[Way]:
    async def closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await answer(reader, writer)
        finally:
            writer.close()

    tasks: set[asyncio.Task[None]] = set()

    def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.create_task(closing(reader, writer)))

    server = await asyncio.start_server(accepted, "127.0.0.1", 0, ssl=tls)
    try:
        yield Way("cdn", "IPv4", NAME, "127.0.0.1", server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def trouble(sender: HttpWire, way: Way, seconds: float = 5.0) -> tuple[str, str]:
    with pytest.raises(TroubleError) as raised:
        await sender.send(way, HttpRequest("GET", "/", timeout_seconds=seconds))
    assert "\n" not in str(raised.value)
    return raised.value.kind, str(raised.value)


def test_what_is_sent_is_what_was_written_and_no_more(trust: Trust) -> None:
    came: list[bytes] = []
    names: list[str | None] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.append(await reader.readuntil(b"0\r\n\r\n"))
        writer.write(OK)
        await writer.drain()

    async def run() -> int:
        tls = tls_of(trust)
        tls.sni_callback = lambda _, name, __: names.append(name)
        async with serving(answer, tls) as way:
            request = HttpRequest(
                "PUT",
                "//a/./b/../%2f%2F%c3%a9?b=1&a=2&b=1&",
                (("x-lower", "1"), ("X-UPPER", "2"), ("x-lower", "0"), ("Cookie", "a=1")),
                (b"abc", b"de"),
            )
            await wire(trust.ca).send(way, request)
            return way.port

    port = asyncio.run(run())
    assert names == [NAME]
    assert came == [
        b"PUT //a/./b/../%2f%2F%c3%a9?b=1&a=2&b=1& HTTP/1.1\r\n"
        b"Host: api.example.com:" + str(port).encode() + b"\r\n"
        b"x-lower: 1\r\nX-UPPER: 2\r\nx-lower: 0\r\nCookie: a=1\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n"
        b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    ]


def test_a_redirect_is_an_answer_and_its_coding_stays_on(origin: LoopbackOrigin) -> None:
    path = "/echo/status=302;header=Location:%2Felsewhere;encoding=gzip"
    request = HttpRequest("GET", path, (("Accept-Encoding", "gzip"),))
    answer = asyncio.run(wire(origin.ca).send(to(origin), request))
    assert (answer.status, answer.header("location")) == (302, "/elsewhere")
    assert b'"target"' in gzip.decompress(answer.body)


def test_pieces_carry_the_time_they_came_at(origin: LoopbackOrigin) -> None:
    request = HttpRequest("GET", "/echo/size=30;chunks=3;interval=0.2")
    answer = asyncio.run(wire(origin.ca).send(to(origin), request))
    assert [length for _, length in answer.pieces] == [10, 10, 10]
    assert answer.pieces[-1][0] - answer.pieces[0][0] >= 0.3
    assert answer.seconds >= answer.pieces[-1][0]


def test_http2_is_spoken_where_it_is_wanted_and_offered(origin: LoopbackOrigin) -> None:
    body = bytes(200_000)

    async def run() -> list[HttpAnswer]:
        sender = wire(origin.ca)
        async with edge_on_loopback(origin, Edge(http2=False)) as edge:
            elsewhere = Way("cdn", "IPv4", NAME, edge.address, edge.port)
            request = HttpRequest("PUT", "/echo", (("X-Custom", "1"),), body, http2=True)
            return [
                await sender.send(to(origin), request),
                await sender.send(elsewhere, request),
                await sender.send(to(origin), HttpRequest("GET", "/echo")),
            ]

    answers = asyncio.run(run())
    assert [answer.protocol for answer in answers] == ["HTTP/2", "HTTP/1.1", "HTTP/1.1"]
    echoes = [read_echo(answer) for answer in answers]
    assert [echo and echo.body.length for echo in echoes] == [200_000, 200_000, 0]
    assert echoes[0] is not None
    assert ("x-custom", "1") in echoes[0].headers


def test_each_request_has_a_connection_of_its_own_unless_they_are_sent_in_turn(
    origin: LoopbackOrigin,
) -> None:
    request = HttpRequest("GET", "/echo")

    async def run() -> tuple[list[HttpAnswer], tuple[HttpAnswer, ...], tuple[HttpAnswer, ...]]:
        sender = wire(origin.ca)
        apart = [await sender.send(to(origin), request) for _ in range(2)]
        kept = await sender.send_in_turn(to(origin), (request, request))
        async with edge_on_loopback(origin, Edge(one_answer=True, answer=lambda a: a)) as edge:
            way = Way("cdn", "IPv4", NAME, edge.address, edge.port)
            closed = await sender.send_in_turn(way, (request, request))
        return apart, kept, closed

    def ports(answers: tuple[HttpAnswer, ...] | list[HttpAnswer]) -> int:
        return len({answer.body[answer.body.rindex(b'"port"') :] for answer in answers})

    apart, kept, closed = asyncio.run(run())
    assert (ports(apart), ports(kept)) == (2, 1)
    assert (len(kept), len(closed)) == (2, 1)


def test_a_websocket_is_spoken_to_the_address_by_the_name(origin: LoopbackOrigin) -> None:
    messages = ("text é", b"\x00\xff", "")
    request = HttpRequest("GET", "/echo/websocket?a=1", (("X-Custom", "1"),))
    talk = asyncio.run(wire(origin.ca).talk(to(origin), request, messages))
    assert talk.messages[1:] == messages
    names = [name for name, _ in talk.handshake]
    assert names[0] == "Host"
    assert "X-Custom" in names
    assert not {"User-Agent", "Sec-WebSocket-Extensions"} & set(names)


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("/echo", "the WebSocket handshake is answered 200"),
        ("/echo/status=302;header=Location:%2Fecho%2Fwebsocket", "is answered 302"),
    ],
)
def test_a_websocket_that_is_refused_says_how(
    origin: LoopbackOrigin, target: str, reason: str
) -> None:
    with pytest.raises(TroubleError, match=reason) as raised:
        asyncio.run(wire(origin.ca).talk(to(origin), HttpRequest("GET", target), ()))
    assert raised.value.kind == "protocol"


async def _silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    while await reader.read(65536):
        pass


async def _half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
    await writer.drain()
    await _silent(reader, writer)


async def _ended(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")


async def _closed(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")


async def _garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
    await writer.drain()
    await _silent(reader, writer)


async def _plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")


async def _hung_up(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
    return


async def _cut(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


def test_a_connection_has_a_limit_of_its_own_however_long_an_answer_may_take(trust: Trust) -> None:
    async def run() -> tuple[str, str]:
        hurried = HttpWire(rate=1000, concurrency=1, ca=trust.ca, connect_seconds=0.2)
        async with serving(_silent, None) as way:
            return await trouble(hurried, way, 60.0)

    assert asyncio.run(run()) == ("timeout", "connected, and no TLS handshake in time")


@pytest.mark.parametrize(
    ("answer", "tls", "kind", "reason"),
    [
        (_silent, True, "timeout", "connected, and no answer within 0.6 s"),
        (_silent, False, "timeout", "connected, and no TLS handshake within 0.6 s"),
        (_half, True, "timeout", "no whole answer within 0.6 s; 43 bytes came"),
        (_ended, True, "reset", "the connection ended 43 bytes into the answer"),
        (_closed, True, "reset", "the connection ended without an answer"),
        (_garbage, True, "protocol", "what came is not HTTP: "),
        (_plain, False, "tls", "TLS failed: "),
        (_hung_up, False, "reset", "connected, and the connection ended in the TLS handshake"),
        (_cut, False, "reset", "connected, and the connection ended in the TLS handshake"),
    ],
)
def test_trouble_is_told_by_its_kind_and_in_one_line(
    trust: Trust, answer: Serving, tls: bool, kind: str, reason: str
) -> None:
    async def run() -> tuple[str, str]:
        async with serving(answer, tls_of(trust) if tls else None) as way:
            return await trouble(wire(trust.ca), way, 0.6)

    failure = asyncio.run(run())
    assert failure[0] == kind
    assert failure[1].startswith(reason)


@pytest.mark.parametrize(
    ("names", "expired", "reason"),
    [
        ((NAME,), True, "the certificate has expired"),
        (("other.example.com",), False, "the certificate names something else"),
    ],
)
def test_a_certificate_is_refused_with_the_reason(
    trust: Trust, names: tuple[str, ...], expired: bool, reason: str
) -> None:
    async def run() -> tuple[str, str]:
        async with serving(_silent, tls_of(trust, *names, expired=expired)) as way:
            return await trouble(wire(trust.ca), way)

    failure = asyncio.run(run())
    assert failure[0] == "certificate"
    assert failure[1].startswith(reason)


def test_a_certificate_of_an_unknown_authority_is_refused(trust: Trust, tmp_path: Path) -> None:
    async def run() -> tuple[str, str]:
        async with serving(_silent, tls_of(trust)) as way:
            return await trouble(wire(Trust(tmp_path).ca), way)

    failure = asyncio.run(run())
    assert failure[0] == "certificate"
    assert "is not trusted" in failure[1]


def test_the_system_store_can_be_another_file(
    trust: Trust, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(trust.ca))

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await writer.drain()

    async def run() -> int:
        async with serving(answer, tls_of(trust)) as way:
            return (
                await HttpWire(rate=10, concurrency=1).send(way, HttpRequest("GET", "/"))
            ).status

    assert asyncio.run(run()) == 200


def test_nobody_there_is_refused_and_no_way_is_unreachable(trust: Trust) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        refused = asyncio.run(trouble(wire(trust.ca), Way("cdn", "IPv4", NAME, "127.0.0.1", port)))
    assert refused == ("refused", "the connection is refused")
    # Nothing can be connected to a broadcast address, whatever routes a machine has.
    nowhere = Way("cdn", "IPv4", NAME, "255.255.255.255")
    kind, reason = asyncio.run(trouble(wire(trust.ca), nowhere))
    assert kind == "unreachable"
    assert errno.errorcode[errno.ENETUNREACH] == "ENETUNREACH"
    assert reason == "no way there: network is unreachable"


@pytest.mark.parametrize(
    "request_",
    [
        HttpRequest("GET", "/a b"),
        HttpRequest("GET", "/", (("X-Broken", "a\r\nX-Other: b"),)),
        HttpRequest("GET", "/", (("Bad Name", "1"),)),
        HttpRequest("G T", "/"),
        HttpRequest("GET", "/日"),
    ],
    ids=lambda request: f"{request.method} {request.target}",
)
def test_what_cannot_be_sent_is_told_and_never_repaired(
    origin: LoopbackOrigin, request_: HttpRequest
) -> None:
    with pytest.raises(TroubleError, match=r"^it cannot be sent: ") as raised:
        asyncio.run(wire(origin.ca).send(to(origin), request_))
    assert raised.value.kind == "protocol"


def test_half_an_answer_over_http2_is_a_reset(origin: LoopbackOrigin) -> None:
    request = HttpRequest("GET", "/echo/size=1000;close=on", http2=True)
    with pytest.raises(TroubleError, match="HTTP/2 stream was ended") as raised:
        asyncio.run(wire(origin.ca).send(to(origin), request))
    assert raised.value.kind == "reset"


def test_rate_and_concurrency_hold_for_all_requests_together(origin: LoopbackOrigin) -> None:
    under_way, most, begun = 0, 0, list[float]()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        begun.append(asyncio.get_running_loop().time())
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.02)
        under_way -= 1
        writer.write(OK)
        await writer.drain()

    async def run() -> None:
        async with serving(answer, tls_of(origin.trust)) as way:
            sender = wire(origin.ca, rate=20, concurrency=3)
            await asyncio.gather(*(sender.send(way, HttpRequest("GET", "/")) for _ in range(30)))

    asyncio.run(run())
    assert most <= 3
    # 20 may start at once, and each of the 10 others 50 ms after the one before it.
    assert begun[-1] - begun[0] >= 0.4


@pytest.mark.parametrize("text", [None, "no certificate"])
def test_a_file_of_authorities_that_is_none_is_refused(tmp_path: Path, text: str | None) -> None:
    ca = tmp_path / "ca.pem"
    if text is not None:
        ca.write_text(text)
    with pytest.raises(TrustError) as raised:
        HttpWire(rate=1, concurrency=1, ca=ca)
    message = str(raised.value)
    assert message.startswith(f"The file of trusted certificates is {ca}, which cannot be read: ")
    assert message.endswith("at least one certificate is allowed. Name another.")


def test_no_repr_shows_a_secret() -> None:
    secret = (("Authorization", "Bearer hidden"), ("Cookie", "session=hidden"))
    values = (
        HttpRequest("GET", "/", secret, b"hidden"),
        HttpAnswer(200, secret, b"hidden", "HTTP/2", 1.0),
    )
    assert not [value for value in values if "hidden" in repr(value)]


def test_what_is_urgent_goes_before_what_waits_and_leaves_no_place_behind(
    origin: LoopbackOrigin,
) -> None:
    served: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = await reader.readuntil(b"\r\n\r\n")
        served.append(line.split()[1].decode())
        await asyncio.sleep(0.02)
        writer.write(OK)
        await writer.drain()

    async def run() -> None:
        async with serving(answer, tls_of(origin.trust)) as way:
            sender = wire(origin.ca, concurrency=1)
            requests = [
                ("/1", False),
                ("/2", False),
                ("/given-up", True),
                ("/3", True),
                ("/4", True),
            ]
            sent = [
                asyncio.create_task(sender.send(way, HttpRequest("GET", target, urgent=urgent)))
                for target, urgent in requests
            ]
            await asyncio.sleep(0)
            sent[2].cancel()
            await asyncio.gather(*sent, return_exceptions=True)
            await sender.send(way, HttpRequest("GET", "/5"))

    asyncio.run(asyncio.wait_for(run(), 10))
    assert served == ["/1", "/3", "/4", "/2", "/5"]


def test_a_place_that_is_given_to_someone_who_gives_up_is_passed_on() -> None:
    async def run() -> None:
        gate = Gate(1)

        async def enter() -> None:
            async with gate.place(urgent=False):
                raise AssertionError("it was cancelled before it could be there")

        async with gate.place(urgent=False):
            second = asyncio.create_task(enter())
            await asyncio.sleep(0)
        second.cancel()
        await asyncio.wait([second])
        assert second.cancelled()
        async with gate.place(urgent=False):
            pass

    asyncio.run(asyncio.wait_for(run(), 10))


@pytest.mark.parametrize("http2", [False, True])
def test_a_body_without_end_is_given_up(origin: LoopbackOrigin, http2: bool) -> None:
    async def scenario() -> None:
        sender = HttpWire(rate=1000, concurrency=1, ca=origin.ca, most_body_bytes=1000)
        whole = await sender.send(to(origin), HttpRequest("GET", "/echo/size=1000", http2=http2))
        assert len(whole.body) == 1000
        with pytest.raises(TroubleError) as caught:
            await sender.send(to(origin), HttpRequest("GET", "/echo/size=1001", http2=http2))
        assert (caught.value.kind, str(caught.value)) == (
            "protocol",
            "the body is longer than 1000 bytes, which is as much as is read",
        )

    asyncio.run(scenario())
