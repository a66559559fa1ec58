"""Early hints and trailers, against ways on loopback that each do something else to them."""

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any, Final
from urllib.parse import unquote

import h11
import pytest

from rollout.probe.http import HttpWire
from rollout.probe.model import EdgeTarget, FramedAnswer, HttpRequest, Path, Result, Way, Wire
from rollout.verify.check import CheckContext, VerifyOptions
from rollout.verify.checks.framing import framing
from rollout.verify.differences import AS_BASELINE, HINTS_REMOVED, TRAILERS_REMOVED
from rollout.verify.run import GroupResult
from rollout.verify.run_thread import split
from support.fake_edge import FakeWire, NoDnsQueries, answer
from support.lab_origin import LoopbackOrigin, origin_on_loopback

NAME: Final = "api.example.com"
EVERYTHING: Final = frozenset({"hint", "trailer", "trailers"})
NUMBERS = count()


@dataclass(frozen=True)
class Behavior:
    """What a way, and the API behind it, do. Hints and trailers are `passed`, `dropped` …."""

    hints: str = "passed"
    """Also `altered`, `late`, `502`, `reset`, `silent`, and as of a front end that takes the
    hint for the answer: `framed`, `moved`, `stalled`."""
    sent: str = "passed"
    """Also `altered`, `header`, `cut`."""
    answered: str = "passed"
    """Also `altered`, `header`, `cut`."""
    offers: frozenset[str] = EVERYTHING
    """What the echo offers: the directives `hint` and `trailer`, and to tell `trailers`."""


Fields = list[tuple[str, str]]


def fate(fields: Fields, what: str) -> Fields:
    """Return what a way makes of trailers."""
    if what == "altered":
        return [(name, value.upper() + "?") for name, value in fields]
    return [] if what in ("dropped", "header") else fields


class Double:
    """One connection's server: the echo, and the way that leads to it."""

    def __init__(
        self, behavior: Behavior, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.behavior, self.reader, self.writer = behavior, reader, writer
        self.wire = h11.Connection(h11.SERVER)
        self.stalled = False
        """Whether nothing is answered any more."""
        self.own = [("Via", "1.1 front")]
        """What the way adds to answers."""

    def send(self, event: h11.Event) -> None:
        self.writer.write(self.wire.send(event) or b"")

    async def next(self) -> Any:
        while (event := self.wire.next_event()) is h11.NEED_DATA:
            self.wire.receive_data(await self.reader.read(65536))
        return event

    async def serve(self) -> None:
        while isinstance(head := await self.next(), h11.Request):
            await self.take(head)
            if self.wire.states != {h11.CLIENT: h11.DONE, h11.SERVER: h11.DONE}:
                return
            self.wire.start_next_cycle()

    async def take(self, head: h11.Request) -> None:
        body = b""
        while isinstance(event := await self.next(), h11.Data):
            body += bytes(event.data)
        trailers = texts(event.headers) if isinstance(event, h11.EndOfMessage) else []
        target = head.target.decode().partition("?")[0]
        parts = [part.partition("=") for part in target.removeprefix("/echo").strip("/").split(";")]
        directives = {name: value for name, _, value in parts}
        unknown = {"hint", "trailer"} & directives.keys() - self.behavior.offers
        if unknown:
            self.answer(400, json.dumps({"id": unique(), "error": str(unknown)}).encode())
            return
        if self.stalled:
            await asyncio.sleep(3600)
        headers = texts(head.headers)
        if self.behavior.sent == "header":
            headers += trailers
        if self.behavior.sent == "cut" and trailers:
            body = body[:-1]
        echo: dict[str, Any] = {
            "id": unique(),
            "method": head.method.decode(),
            "target": head.target.decode(),
            "protocol": "HTTP/1.1",
            "scheme": "http",
            "headers": headers,
            "body": {"length": len(body), "sha256": hashlib.sha256(body).hexdigest()},
        }
        if "trailers" in self.behavior.offers:
            echo["trailers"] = fate(trailers, self.behavior.sent)
        if "hint" in directives and not await self.hint(float(directives["delay"])):
            return
        fields = [unquote(value).partition(":") for name, _, value in parts if name == "trailer"]
        own = [(name, value) for name, _, value in fields]
        if own:
            self.answer_with_trailers(echo, own)
        else:
            self.answer(200, json.dumps(echo).encode())

    async def hint(self, seconds: float) -> bool:
        """Send the hint, and wait; say whether the answer follows."""
        what = self.behavior.hints
        link = "</other>" if what == "altered" else "</echo>; rel=preload"
        added = {"framed": [("Connection", "keep-alive")], "moved": self.own}.get(what, [])
        hint = h11.InformationalResponse(status_code=103, headers=[("Link", link), *added])
        if what in ("502", "reset"):
            if what == "502":
                self.answer(502, b"Bad Gateway")
            self.writer.close()
            return False
        if what not in ("dropped", "late", "silent", "502", "reset"):
            self.send(hint)
        await asyncio.sleep(3600 if what == "silent" else seconds)
        if what == "late":
            self.send(hint)
        self.stalled = what == "stalled"
        self.own = [] if what == "moved" else self.own
        return True

    def answer(self, status: int, body: bytes) -> None:
        length = ("Content-Length", str(len(body)))
        self.send(h11.Response(status_code=status, headers=[length, *self.own]))
        self.send(h11.Data(data=body))
        self.send(h11.EndOfMessage())

    def answer_with_trailers(self, echo: Mapping[str, Any], own: Fields) -> None:
        what = self.behavior.answered
        coded = base64.urlsafe_b64encode(json.dumps(echo).encode()).decode()
        headers = [("X-Echo", coded), ("Transfer-Encoding", "chunked")]
        headers += own if what == "header" else []
        self.send(h11.Response(status_code=200, headers=headers))
        body = bytes(place % 251 for place in range(1000))
        self.send(h11.Data(data=body[: 999 if what == "cut" else 1000]))
        self.send(h11.EndOfMessage(headers=fate(own, what)))


def texts(headers: Any) -> Fields:
    return [(name.decode(), value.decode()) for name, value in headers.raw_items()]


def unique() -> str:
    return f"double-{next(NUMBERS)}"


@asynccontextmanager
async def way_on_loopback(
    behavior: Behavior, path: Path, family: Any = "IPv4"
) -> AsyncGenerator[Way]:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await Double(behavior, reader, writer).serve()
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        port = server.sockets[0].getsockname()[1]
        yield Way(path, family, NAME, "127.0.0.1", port, scheme="http")
    finally:
        server.close()


async def checked(wire: Wire, *ways: Way) -> list[Result]:
    options = VerifyOptions("/echo", False, 1000, 16, 0, 0.1, account=False)
    target = EdgeTarget((NAME,), "lb", "cf")
    around = CheckContext(target, ways, options, wire, NoDnsQueries())
    return [each async for each in framing(around)]


@dataclass(frozen=True)
class Case:
    """A way beside direct over IPv4, and what is said of it."""

    way: Behavior
    expected: tuple[str, str, str]
    """Verdicts of early-hints, trailers-sent and trailers-answered; `-`: not asked. The doubles do
    not speak HTTP/2."""
    evidence: str = ""
    """Part of what the odd one says."""
    direct: Behavior = Behavior()
    path: Path = "cdn"
    accepted: tuple[str, ...] = ()


PASS, FAIL, UNKNOWN = "pass", "fail", "unknown"
ALL_PASS = (PASS, PASS, PASS)

CASES: Final = {
    "everything is passed on": Case(Behavior(), ALL_PASS),
    "a hint is dropped on cdn": Case(
        Behavior(hints="dropped"), ALL_PASS, accepted=(HINTS_REMOVED,)
    ),
    "a hint is dropped by a proxy": Case(
        Behavior(hints="dropped"),
        (FAIL, PASS, PASS),
        "an early hint: here nothing comes; direct over IPv4 there is "
        "103 with Link: </echo>; rel=preload (at 127.0.0.1)",
        path="direct",
    ),
    "a hint has what only answers have": Case(
        Behavior(hints="framed"),
        (FAIL, PASS, PASS),
        "103 comes with connection, as an answer does, and the answer follows as if it were its",
    ),
    "a hint has what the way adds to answers": Case(
        Behavior(hints="moved"), (FAIL, PASS, PASS), "103 comes with via, as an answer does"
    ),
    "direct itself takes a hint for the answer": Case(
        Behavior(hints="moved"),
        ALL_PASS,
        direct=Behavior(hints="framed"),
        accepted=(AS_BASELINE,),
    ),
    "a hint makes it 502": Case(
        Behavior(hints="502"),
        (FAIL, PASS, PASS),
        "is answered 502 (Via: 1.1 front) without an echo",
    ),
    "a hint makes it 502 and direct drops hints": Case(
        Behavior(hints="502"),
        (FAIL, PASS, PASS),
        "answered 502 (Via: 1.1 front) without an echo; direct over IPv4 it is answered",
        direct=Behavior(hints="dropped"),
    ),
    "a hint ends the connection": Case(Behavior(hints="reset"), (FAIL, PASS, PASS), "reset: "),
    "a hint is altered": Case(Behavior(hints="altered"), (FAIL, PASS, PASS), "Link: </other>"),
    "a hint comes with the answer on cdn": Case(
        Behavior(hints="late"), ALL_PASS, accepted=(HINTS_REMOVED,)
    ),
    "a hint comes with the answer of a proxy": Case(
        Behavior(hints="late"), (FAIL, PASS, PASS), "no earlier than the answer", path="direct"
    ),
    "direct drops hints, the way passes them on": Case(
        Behavior(), ALL_PASS, direct=Behavior(hints="dropped"), accepted=(AS_BASELINE,)
    ),
    "direct itself makes 502 of it": Case(
        Behavior(), ALL_PASS, direct=Behavior(hints="502"), accepted=(AS_BASELINE,)
    ),
    "trailers are dropped on cdn": Case(
        Behavior(sent="dropped", answered="dropped"), ALL_PASS, accepted=(TRAILERS_REMOVED,)
    ),
    "trailers are dropped by a proxy": Case(
        Behavior(sent="dropped", answered="dropped"),
        (PASS, FAIL, FAIL),
        "direct over IPv4 there is x-verify-checksum",
        path="direct",
    ),
    "trailers are altered": Case(
        Behavior(sent="altered", answered="altered"), (PASS, FAIL, FAIL), "-0?"
    ),
    "trailers become headers": Case(
        Behavior(sent="header", answered="header"), (PASS, FAIL, FAIL), "among the headers"
    ),
    "bodies with trailers are cut": Case(
        Behavior(sent="cut", answered="cut"), (PASS, FAIL, FAIL), "altered"
    ),
    "direct drops trailers": Case(
        Behavior(sent="altered"),
        ALL_PASS,
        direct=Behavior(sent="dropped", answered="dropped"),
        accepted=(AS_BASELINE,),
    ),
    "an echo that offers none of it": Case(
        Behavior(hints="502", offers=frozenset()),
        ("-", "-", "-"),
        direct=Behavior(offers=frozenset()),
    ),
    "an echo that offers hints alone": Case(
        Behavior(offers=frozenset({"hint"})),
        (PASS, "-", "-"),
        direct=Behavior(offers=frozenset({"hint"})),
    ),
    "one of several echoes offers none of it": Case(
        Behavior(offers=frozenset()), (UNKNOWN, UNKNOWN, UNKNOWN), "(docs/echo.md)"
    ),
}


async def results_of_case(case: Case) -> list[Result]:
    async with (
        way_on_loopback(case.direct, "direct") as direct,
        way_on_loopback(case.way, case.path, "IPv6") as other,
    ):
        return await checked(HttpWire(rate=1000, concurrency=16), direct, other)


@pytest.fixture(scope="module")
def results() -> dict[str, list[Result]]:
    """Return the results of every case, outcomes at once: most of it is waiting."""

    async def every() -> list[list[Result]]:
        return await asyncio.gather(*map(results_of_case, CASES.values()))

    return dict(zip(CASES, asyncio.run(every()), strict=True))


@pytest.mark.parametrize("name", CASES)
def test_what_a_way_does_to_hints_and_trailers_is_told(
    results: Mapping[str, list[Result]], name: str
) -> None:
    case = CASES[name]
    there = {each.check: each for each in results[name] if each.family == "IPv6"}
    for place, name_of_form in enumerate(("early-hints", "trailers-sent", "trailers-answered")):
        over_http2 = there.pop(f"{name_of_form}-http2", None)
        assert over_http2 is None or over_http2.verdict in (PASS, UNKNOWN, case.expected[place])
    assert (
        tuple(
            "-" if each.evidence.startswith("Not asked: ") else each.verdict
            for each in there.values()
        )
        == case.expected
    )
    assert list(there) == ["early-hints", "trailers-sent", "trailers-answered"]
    odd = [each for each in there.values() if each.verdict != "pass"]
    assert all(case.evidence in each.evidence for each in odd), odd
    assert all(each.remedy for each in odd if each.verdict == "fail")
    assert {name for each in there.values() for name in each.accepted} == set(case.accepted)


@pytest.mark.parametrize("name", CASES)
def test_direct_over_ipv4_is_never_at_fault(results: Mapping[str, list[Result]], name: str) -> None:
    here = [each for each in results[name] if each.family == "IPv4"]
    assert len(here) == 6
    for each in here:
        assert each.verdict == "pass" or each.evidence.startswith("Not asked: "), each


def test_trailers_of_a_request_over_http2_are_sent_on_direct_alone(
    results: Mapping[str, list[Result]],
) -> None:
    tried = {
        each.path
        for name in ("trailers are dropped on cdn", "trailers are dropped by a proxy")
        for each in results[name]
        if each.check == "trailers-sent-http2"
    }
    assert tried == {"direct"}


def test_an_older_echo_leaves_a_clean_run_clean(results: Mapping[str, list[Result]]) -> None:
    outcomes = results["an echo that offers none of it"]
    kept, left_out = split([GroupResult("framing", each) for each in outcomes])
    assert kept == []
    assert dict(left_out) == {
        "early-hints": "the echo does not know hint (docs/echo.md).",
        "early-hints-http2": "the echo does not know hint (docs/echo.md).",
        "trailers-sent": "the echo does not tell trailers (docs/echo.md).",
        "trailers-sent-http2": "the echo does not tell trailers (docs/echo.md).",
        "trailers-answered": "the echo does not know trailer (docs/echo.md).",
        "trailers-answered-http2": "the echo does not know trailer (docs/echo.md).",
    }


def test_silence_on_direct_leaves_nothing_to_compare_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rollout.verify.checks.framing.ANSWER_SECONDS", -0.7)
    case = Case(Behavior(), ALL_PASS, direct=Behavior(hints="silent"))
    outcomes = asyncio.run(results_of_case(case))
    for each in outcomes:
        if each.check == "early-hints":
            assert each.verdict == "unknown"
            assert "There is nothing to compare with" in each.evidence


def test_a_connection_that_is_of_no_use_after_a_hint_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rollout.verify.checks.framing.ANSWER_SECONDS", 0.7)
    outcomes = asyncio.run(results_of_case(Case(Behavior(hints="stalled"), ALL_PASS)))
    (there,) = (each for each in outcomes if each.check == "early-hints" and each.path == "cdn")
    assert there.verdict == "fail"
    assert "the next request on the connection is not answered after 103 and 200" in there.evidence


def test_one_of_several_addresses_that_breaks_on_hints_is_named() -> None:
    async def run() -> list[Result]:
        async with (
            way_on_loopback(Behavior(), "direct") as direct,
            way_on_loopback(Behavior(), "cdn") as right,
            way_on_loopback(Behavior(hints="502"), "cdn") as wrong,
        ):
            return await checked(HttpWire(rate=1000, concurrency=16), direct, right, wrong)

    outcomes = {(each.path, each.check): each.verdict for each in asyncio.run(run())}
    assert outcomes["cdn", "early-hints"] == "fail"
    assert set(outcomes.values()) == {"pass", "fail"}
    assert list(outcomes.values()).count("fail") == 1


def test_a_wire_that_cannot_is_not_asked() -> None:
    echo: dict[str, Any] = {
        "id": "1",
        "method": "GET",
        "target": "/echo",
        "protocol": "HTTP/1.1",
        "scheme": "https",
        "headers": [],
        "body": {"length": 0, "sha256": "0" * 64},
    }
    wire = FakeWire(lambda _, __: answer(200, json.dumps(echo).encode()))
    outcomes = asyncio.run(checked(wire, Way("direct", "IPv4", NAME, "127.0.0.1")))
    assert {each.evidence for each in outcomes} == {
        "Not asked: this wire does not show what frames an answer."
    }


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, LoopbackOrigin]]:
    """Return the lab's load balancers that read HTTP and that pass bytes on, over TLS."""
    folder = tmp_path_factory.mktemp("origin")
    with (
        origin_on_loopback(folder / "network", NAME, kind="network") as network,
        origin_on_loopback(folder / "application", NAME) as application,
    ):
        yield {"network": network, "application": application}


@pytest.mark.parametrize(
    ("kind", "hint"),
    [
        ("network", "passed on: 103 with Link: </echo>; rel=preload"),
        (
            "application",
            "an early hint: no harm is done; direct over IPv4 itself passes none on",
        ),
    ],
)
def test_the_labs_load_balancers_pass_what_theirs_do(
    served: Mapping[str, LoopbackOrigin], kind: str, hint: str
) -> None:
    origin = served[kind]
    way = Way("direct", "IPv4", NAME, origin.address, origin.https)
    wire = HttpWire(rate=1000, concurrency=16, ca=origin.ca)
    outcomes = asyncio.run(checked(wire, way))
    assert {each.verdict for each in outcomes} == {"pass"}
    assert outcomes[0].evidence == hint
    assert outcomes[1].evidence == hint.replace("early hint:", "early hint over HTTP/2:")
    for each in outcomes[2:]:
        assert each.evidence.startswith("passed on: x-verify-checksum: ")


def test_trailers_go_both_ways_over_http2(served: Mapping[str, LoopbackOrigin]) -> None:
    origin = served["network"]
    way = Way("direct", "IPv4", NAME, origin.address, origin.https)
    wire = HttpWire(rate=1000, concurrency=16, ca=origin.ca)

    async def run() -> tuple[FramedAnswer, FramedAnswer]:
        sent = HttpRequest("PUT", "/echo", body=(b"piece",), http2=True)
        asked = HttpRequest("GET", "/echo/size=10;chunks=2;trailer=Grpc-Status:0", http2=True)
        return (
            await wire.send_framed(way, sent, [("X-Checksum", "ba7816bf")]),
            await wire.send_framed(way, asked),
        )

    sent, answered = asyncio.run(run())
    assert (sent.answer.protocol, answered.answer.protocol) == ("HTTP/2", "HTTP/2")
    assert json.loads(sent.answer.body)["trailers"] == [["x-checksum", "ba7816bf"]]
    assert list(answered.trailers) == [("grpc-status", "0")]


def test_what_is_no_http_or_ends_early_is_trouble() -> None:
    async def run(reply: bytes) -> str:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(reply)
            writer.close()

        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        way = Way("direct", "IPv4", NAME, "127.0.0.1", port, scheme="http")
        wire = HttpWire(rate=1000, concurrency=1, most_body_bytes=10)
        try:
            await wire.send_framed(way, HttpRequest("GET", "/"))
        except Exception as trouble:  # noqa: BLE001 - whatever it is, it is shown
            return f"{getattr(trouble, 'kind', type(trouble).__name__)}: {trouble}"
        finally:
            server.close()
        return "answered"

    replies = {
        b"SSH-2.0-OpenSSH\r\n\r\n": "protocol: what came is not HTTP",
        b"HTTP/1.1 103 Early Hints\r\n\r\n": "reset: the connection ended 28 bytes into the answer",
        b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n"
        + b"x" * 20: "protocol: the body is longer",
        b"HTTP/1.1 103 Early Hints\r\n\r\n" * 33: "protocol: more than 32 informational answers",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok": "answered",
    }
    for reply, expected in replies.items():
        assert asyncio.run(run(reply)).startswith(expected), reply
