"""Echo mode against an edge on loopback that is right, and against one for each wrong."""

import asyncio
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from time import monotonic

import pytest

from rollout.probe.http import HttpWire
from rollout.probe.model import (
    EdgeTarget,
    HttpAnswer,
    HttpRequest,
    Result,
    TroubleError,
    Way,
    Wire,
)
from rollout.requests.groups import GROUPS
from rollout.requests.request_kinds import KINDS, RequestKind
from rollout.verify.check import NOT_ASKED, CheckContext, VerifyOptions
from rollout.verify.checks.echo import echo
from rollout.verify.differences import NAMES
from rollout.verify.exchange import BASELINE
from support.fake_edge import NoDnsQueries
from support.lab_origin import LoopbackOrigin, origin_on_loopback
from support.loopback_edge import Edge, Header, Incoming, Outgoing, edge_on_loopback

NAME = "api.example.com"
NAMES_OF_CHECKS = {
    *(kind.name for kind in KINDS),
    "keep-alive",
    "websocket",
    *(group.name for group in GROUPS),
}
NOT_IDEMPOTENT = {"method-post", "method-patch"}


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackOrigin]:
    with origin_on_loopback(tmp_path_factory.mktemp("origin"), NAME) as served:
        yield served


def direct(origin: LoopbackOrigin) -> Way:
    return Way("direct", "IPv4", NAME, origin.address, origin.https)


def surroundings(
    wire: Wire, *ways: Way, path: str | None = "/echo", unsafe: bool = True
) -> CheckContext:
    options = VerifyOptions(path, unsafe, 1000, 16, 0, 0.1, account=False)
    return CheckContext(EdgeTarget((NAME,), "lb", "cf"), ways, options, wire, NoDnsQueries())


async def collected(around: CheckContext, kinds: Sequence[RequestKind] = KINDS) -> list[Result]:
    """Return what is found with kinds; groups of them are tried with the whole catalogue only."""
    groups = GROUPS if kinds is KINDS else ()
    return [each async for each in echo(around, kinds=kinds, groups=groups)]


def verified(
    origin: LoopbackOrigin,
    edge: Edge,
    *more: Way,
    unsafe: bool = True,
    kinds: Sequence[RequestKind] = KINDS,
) -> list[Result]:
    """Return what is found on direct over IPv4, on an edge over IPv4, and on other ways."""

    async def run() -> list[Result]:
        async with edge_on_loopback(origin, edge) as running:
            wire = HttpWire(rate=1000, concurrency=16, ca=origin.ca)
            cdn = Way("cdn", "IPv4", NAME, running.address, running.port)
            around = surroundings(wire, direct(origin), cdn, *more, unsafe=unsafe)
            return await collected(around, kinds)

    return asyncio.run(run())


def of(results: Sequence[Result], *verdicts: str) -> set[str]:
    return {f"{each.path} {each.check}" for each in results if each.verdict in verdicts}


def failed(results: Sequence[Result]) -> dict[str, str]:
    assert not [each for each in results if each.path == "direct" and each.verdict != "pass"]
    return {each.check: each.evidence for each in results if each.verdict == "fail"}


def test_a_right_edge_passes_everything_and_each_difference_is_documented(
    origin: LoopbackOrigin,
) -> None:
    results = verified(origin, Edge())
    assert [each for each in results if each.verdict != "pass"] == []
    for path in ("direct", "cdn"):
        there = [each for each in results if each.path == path]
        assert {each.check for each in there} == NAMES_OF_CHECKS
        assert len(there) == len(NAMES_OF_CHECKS)
    seen = {name for each in results if each.path == "cdn" for name in each.accepted}
    assert seen <= set(NAMES)
    assert {
        "via-added",
        "x-amz-cf-id-added",
        "x-cache-added",
        "te-removed",
        "http2-to-http1",
    } <= seen


def _waited_seconds(*pids: int) -> float:
    """Return how long processes waited for a processor that others used; 0 where that is unknown.

    Source: Linux, Documentation/scheduler/sched-stats.rst, `/proc/<pid>/schedstat`.
    """
    files = [Path(f"/proc/{pid}/schedstat") for pid in pids]
    return sum(int(file.read_text().split()[1]) for file in files if file.exists()) / 1e9


def test_the_whole_catalogue_takes_few_seconds_on_four_lanes(origin: LoopbackOrigin) -> None:
    others = [replace(direct(origin), family="IPv6")]
    processes = (os.getpid(), origin.pid)
    begun, waited = monotonic(), _waited_seconds(*processes)

    async def run() -> list[Result]:
        async with edge_on_loopback(origin, Edge()) as edge:
            wire = HttpWire(rate=1000, concurrency=16, ca=origin.ca)
            cdn = [Way("cdn", family, NAME, edge.address, edge.port) for family in ("IPv4", "IPv6")]
            return await collected(surroundings(wire, direct(origin), *others, *cdn))

    results = asyncio.run(run())
    assert of(results, "fail", "unknown") == set()
    assert len(results) == 4 * len(NAMES_OF_CHECKS)
    # What other programs take from a busy machine does not count.
    assert monotonic() - begun - (_waited_seconds(*processes) - waited) < 15


def _named(name: bytes, change: Callable[[bytes], bytes]) -> Callable[[Outgoing], Outgoing]:
    def one(header: Header) -> Header:
        return (header[0], change(header[1])) if header[0].lower() == name else header

    return lambda request: request.with_headers(one)


def _without_query(request: Outgoing) -> Outgoing:
    return replace(request, target=request.target.partition(b"?")[0])


def _lowered(request: Outgoing) -> Outgoing:
    return request.with_headers(lambda header: (header[0].lower(), header[1]))


def _one_of_each(request: Outgoing) -> Outgoing:
    kept = {name.lower(): (name, value) for name, value in request.headers}
    return replace(request, headers=tuple(kept.values()))


def _merged_slashes(request: Outgoing) -> Outgoing:
    path, mark, query = request.target.partition(b"?")
    while b"//" in path:
        path = path.replace(b"//", b"/")
    return replace(request, target=path + mark + query)


def _get_for_head(request: Outgoing) -> Outgoing:
    return replace(request, method=b"GET") if request.method == b"HEAD" else request


def _sorted_query(request: Outgoing) -> Outgoing:
    path, mark, query = request.target.partition(b"?")
    return replace(request, target=path + mark + b"&".join(sorted(query.split(b"&"))))


def _unquoted(request: Outgoing) -> Outgoing:
    return replace(request, target=request.target.replace(b"%2F", b"/").replace(b"%2f", b"/"))


def _cut(request: Outgoing) -> Outgoing:
    whole = request.without(b"content-length")
    body = request.body[:100_000]
    framed = (b"Content-Length", b"%d" % len(body))
    return replace(whole, body=body, headers=(*whole.headers, framed)) if request.body else request


def _other_status(answer: Incoming) -> Incoming:
    return replace(answer, status=200) if answer.status == 503 else answer


def _own_error_page(answer: Incoming) -> Incoming:
    if answer.status != 404:
        return answer
    return Incoming(404, ((b"Content-Type", b"text/html"),), b"<h1>Not here</h1>")


def _location(answer: Incoming) -> Incoming:
    headers = tuple(
        (name, value.replace(b"elsewhere.example", NAME.encode())) for name, value in answer.headers
    )
    return replace(answer, headers=headers)


CONTROLS = {
    *("method-get", "method-options", "headers-custom", "headers-odd-case", "headers-repeated"),
    *("cookies-one-header", "query-repeated", "path-double-slash", "body-chunked", "status-404"),
    *("redirect-307", "range", "encoding-identity", "streaming", "http2-get"),
}
"""One kind of each sort: what an edge does wrong to one is not told of the others."""


@pytest.mark.parametrize(
    ("edge", "check", "evidence", "only"),
    [
        (
            Edge(request=lambda r: r.without(b"x-platform")),
            "headers-custom",
            'x-platform is missing, "ios/17.4" was sent',
            {"headers-custom", "websocket"},
        ),
        (
            Edge(request=lambda r: r.without(b"authorization")),
            "headers-authorization",
            'authorization is missing, "*** (31 characters)" was sent',
            {"headers-authorization", "headers-authorization-basic"},
        ),
        (
            Edge(request=lambda r: r.without(b"cookie")),
            "cookies-one-header",
            'cookie is missing, "*** (57 characters)" was sent',
            {"cookies-one-header", "cookies-two-headers", "http2-get", "websocket"},
        ),
        (
            Edge(request=_named(b"cookie", lambda value: value.replace(b"; a=2", b""))),
            "cookies-one-header",
            "cookie is",
            {"cookies-one-header"},
        ),
        (
            Edge(request=_without_query),
            "query-repeated",
            '?id=3&id=1&x=2&id=2&x=1"',
            {
                "query-encoded",
                "query-repeated",
                "query-odd",
                "query-large",
                "http2-get",
                "websocket",
            },
        ),
        (
            Edge(request=_sorted_query),
            "query-repeated",
            "the target is",
            {"query-encoded", "query-repeated", "query-odd"},
        ),
        (
            Edge(refused=frozenset({"PUT"})),
            "method-put",
            (
                "PUT is answered 403 (Via: 1.1 lab.cloudfront.net (CloudFront), X-Cache: Error "
                "from cloudfront) without the echo: it is not the origin's answer, or its body "
                "was altered"
            ),
            None,
        ),
        (
            Edge(refused=frozenset({"OPTIONS"})),
            "method-options",
            "OPTIONS is answered 403",
            {"method-options"},
        ),
        (
            Edge(request=_lowered),
            "headers-odd-case",
            'the name of host is written "host" instead of "Host"',
            {"headers-odd-case"},
        ),
        (
            Edge(request=_one_of_each),
            "headers-repeated",
            'x-item is "one" instead of "one" and "two, three" and "one"',
            {"headers-repeated", "cookies-two-headers"},
        ),
        (
            Edge(request=_merged_slashes),
            "path-double-slash",
            "the target is",
            {"path-double-slash"},
        ),
        (
            Edge(request=_unquoted),
            "path-encoded-slash",
            "the target is",
            None,
        ),
        (
            Edge(request=_cut),
            "body-large",
            "the body is 100000 bytes",
            {"body-large"},
        ),
        (
            Edge(request=lambda r: replace(r, headers=(*r.headers, (b"X-Edge", b"1")))),
            "method-get",
            'x-edge is "1", none was sent',
            None,
        ),
        (
            Edge(request=_named(b"host", lambda _: b"origin.example.com")),
            "method-get",
            'host is "origin.example.com" instead of "api.example.com',
            None,
        ),
        (
            Edge(request=_named(b"accept-encoding", lambda _: b"gzip")),
            "encoding-br",
            'accept-encoding is "gzip" instead of "br"',
            {"encoding-br", "encoding-identity", "headers-ordinary"},
        ),
        (
            Edge(request=lambda r: r.without(b"range")),
            "range",
            "the status is 200",
            {"range", "range-suffix", "range-if-range", "range-unsatisfiable"},
        ),
        (
            Edge(answer=_other_status),
            "status-503",
            "the status is 200",
            {"status-503", "streaming"},
        ),
        (
            Edge(answer=_own_error_page),
            "status-404",
            "GET is answered 404",
            {"status-404", "streaming"},
        ),
        (
            Edge(answer=_location),
            "redirect-307",
            "answer: location is",
            {f"redirect-{n}" for n in (301, 302, 303, 307, 308)} | {"streaming"},
        ),
        (
            Edge(request=_get_for_head),
            "method-head",
            (
                "without the echo, a header X-Echo: the origin got GET, something else answered, "
                "or the header was removed"
            ),
            None,
        ),
        (
            Edge(answer=lambda a: a.without(b"set-cookie")),
            "cookies-one-header",
            "answer: set-cookie is missing",
            {"cookies-one-header", "streaming"},
        ),
        (
            Edge(answer=lambda a: a),
            "streaming",
            "5 pieces that were sent over time arrived at once",
            {"streaming"},
        ),
        (
            Edge(key=lambda r, status: r.target if status == 404 else None),
            "status-404",
            "",
            set[str](),
        ),
        (
            Edge(websocket=False),
            "websocket",
            "protocol: the WebSocket handshake is answered 426; direct over IPv4 it works",
            {"websocket"},
        ),
        (
            Edge(one_answer=True, answer=lambda a: a),
            "keep-alive",
            "the connection is closed after an answer; direct over IPv4 it is kept",
            {"keep-alive", "streaming"},
        ),
        (
            Edge(http2=False),
            "http2-get",
            "HTTP/2 is not offered; direct over IPv4 it is",
            {"http2-get", "http2-body"},
        ),
        (
            Edge(resets=frozenset({"DELETE"})),
            "method-delete",
            "reset: the connection ended without an answer; a plain request is answered there",
            {"method-delete", "body-on-delete"},
        ),
    ],
)
def test_each_wrong_of_an_edge_is_found_by_name(
    origin: LoopbackOrigin, edge: Edge, check: str, evidence: str, only: set[str] | None
) -> None:
    kinds = [kind for kind in KINDS if kind.name in CONTROLS | {check} | (only or set())]
    failures = failed(verified(origin, edge, kinds=kinds))
    if only is not None:
        assert set(failures) == only
    if only != set():
        assert evidence in failures[check]


def test_an_answer_that_two_lanes_share_is_a_caches(origin: LoopbackOrigin) -> None:
    # So slow that the second lane asks while the first is waiting.
    slow = (("status", "404"), ("delay", "0.5"))
    kinds = [RequestKind("status-404", directives=slow, status=404)]

    async def run() -> list[Result]:
        async with edge_on_loopback(origin, Edge(collapses=True)) as edge:
            wire = HttpWire(rate=1000, concurrency=16, ca=origin.ca)
            cdn = [Way("cdn", family, NAME, edge.address, edge.port) for family in ("IPv4", "IPv6")]
            return await collected(surroundings(wire, direct(origin), *cdn), kinds)

    results = [each for each in asyncio.run(run()) if each.check == "status-404"]
    evidence = [each.evidence for each in results if each.verdict == "fail"]
    assert len(evidence) == 1
    assert evidence[0].startswith("it is the answer that status-404 on cdn over IPv")
    assert "a cache gave it" in evidence[0]


def test_a_fault_on_cdn_says_which_rule_mends_it(origin: LoopbackOrigin) -> None:
    kinds = [kind for kind in KINDS if kind.name == "cookies-one-header"]
    edge = Edge(request=lambda request: request.without(b"cookie"))
    results = verified(origin, edge, kinds=kinds)
    on_cdn = [each for each in results if each.check == "cookies-one-header" and each.path == "cdn"]
    assert [each.remedy for each in on_cdn] == [
        "Forward all cookies, with AllViewer: rule cookies-forwarded."
    ]


def test_no_two_runs_ask_for_the_same_url(origin: LoopbackOrigin) -> None:
    targets: list[list[bytes]] = []

    def noted(request: Outgoing) -> Outgoing:
        targets[-1].append(request.target)
        return request

    for _ in range(2):
        targets.append([])
        verified(origin, Edge(request=noted))
    first, second = (set(each) for each in targets)
    assert len(first) > len(KINDS)
    assert not first & second


def test_what_is_not_idempotent_is_not_asked_without_leave_and_never_passes(
    origin: LoopbackOrigin,
) -> None:
    edge = Edge(refused=frozenset({"POST", "PATCH"}))
    kinds = [kind for kind in KINDS if kind.name.startswith("method-")]
    results = verified(origin, edge, unsafe=False, kinds=kinds)
    assert {each.check for each in results if each.verdict == "unknown"} == NOT_IDEMPOTENT
    assert of(results, "fail") == set()
    evidence = [each.evidence for each in results if each.check in NOT_IDEMPOTENT]
    assert all(each.startswith(NOT_ASKED) for each in evidence)


def test_a_lane_that_cannot_be_reached_is_unknown_and_the_others_pass(
    origin: LoopbackOrigin,
) -> None:
    dead = Way("cdn", "IPv6", NAME, "127.255.255.254", 9)
    results = verified(origin, Edge(), dead, kinds=KINDS[:5])
    lanes = {
        (each.path, each.family): {
            other.verdict
            for other in results
            if other.path == each.path and other.family == each.family
        }
        for each in results
    }
    assert lanes == {BASELINE: {"pass"}, ("cdn", "IPv4"): {"pass"}, ("cdn", "IPv6"): {"unknown"}}
    evidence = {each.evidence for each in results if each.family == "IPv6"}
    assert evidence == {"127.255.255.254: refused: the connection is refused"}


def websockets(origin: LoopbackOrigin, today: Edge, edge: Edge) -> dict[str | None, Result]:
    """Return what is found of WebSockets on direct over IPv4 and on cdn, by the path."""

    async def run() -> list[Result]:
        async with edge_on_loopback(origin, today) as one, edge_on_loopback(origin, edge) as other:
            wire = HttpWire(rate=1000, concurrency=16, ca=origin.ca)
            ways = (
                Way("direct", "IPv4", NAME, one.address, one.port),
                Way("cdn", "IPv4", NAME, other.address, other.port),
            )
            return await collected(surroundings(wire, *ways), ())

    return {each.path: each for each in asyncio.run(run()) if each.check == "websocket"}


def test_a_websocket_that_is_refused_on_direct_too_is_not_taken_away(
    origin: LoopbackOrigin,
) -> None:
    results = websockets(origin, Edge(websocket=False), Edge(websocket=False))
    expected = (
        "pass",
        "not offered, as direct over IPv4: the WebSocket handshake is answered 426",
        ("as-on-direct-ipv4",),
    )
    for path in ("direct", "cdn"):
        result = results[path]
        assert (result.verdict, result.evidence, result.accepted) == expected
    results = websockets(origin, Edge(websocket=False), Edge())
    assert results["cdn"].verdict == "unknown"


def test_a_websocket_s_handshake_is_compared_with_the_one_of_today(origin: LoopbackOrigin) -> None:
    adding = Edge(request=lambda r: replace(r, headers=(*r.headers, (b"X-Tenant", b"7"))))
    result = websockets(origin, Edge(), adding)["cdn"]
    assert (result.verdict, result.evidence.partition(" (at")[0]) == (
        "fail",
        'x-tenant is "7", none was sent',
    )
    result = websockets(origin, adding, adding)["cdn"]
    assert (result.verdict, "as-on-direct-ipv4" in result.accepted) == ("pass", True)


def test_kinds_take_turns_on_the_addresses_of_a_lane(origin: LoopbackOrigin) -> None:
    async def run() -> list[Result]:
        async with (
            edge_on_loopback(origin, Edge()) as right,
            edge_on_loopback(origin, Edge(request=lambda r: r.without(b"user-agent"))) as wrong,
        ):
            wire = HttpWire(rate=1000, concurrency=16, ca=origin.ca)
            cdn = [Way("cdn", "IPv4", NAME, each.address, each.port) for each in (right, wrong)]
            results = await collected(surroundings(wire, direct(origin), *cdn), KINDS[:20])
            assert all(
                f"(at {wrong.address})" in each.evidence
                for each in results
                if each.verdict == "fail"
            )
            return results

    failures = of(asyncio.run(run()), "fail")
    # Every other one of the twenty; WebSocket and keep-alive go to the first address.
    assert len(failures) == 10


class WireByWay:
    """A wire whose every answer is told by the way."""

    def __init__(self, answers: dict[str, HttpAnswer | TroubleError]) -> None:
        self._answers = answers
        self.sent = 0

    async def send(self, way: Way, request: HttpRequest) -> HttpAnswer:
        assert request.timeout_seconds > 0
        self.sent += 1
        outcome = self._answers[way.path]
        if isinstance(outcome, TroubleError):
            raise outcome
        return outcome


NOTHING = HttpAnswer(404, (("Server", "nginx"),), b'{"message": "no"}', "HTTP/1.1", 0.1)


@pytest.mark.parametrize(
    ("today", "evidence"),
    [
        (
            NOTHING,
            (
                "Wrong use: the echo path is /echo, which direct over IPv4 is answered 404 "
                "(Server: nginx) without an echo; a path below which the origin echoes is allowed "
                "(docs/echo.md). Name that one, or verify without an echo."
            ),
        ),
        (
            TroubleError("timeout", "no connection within 10 s"),
            (
                "There is nothing to compare with, direct over IPv4 does not answer: 192.0.2.1: "
                "timeout: no connection within 10 s."
            ),
        ),
    ],
)
def test_without_an_echo_today_nothing_passes_and_nothing_more_is_asked(
    today: HttpAnswer | TroubleError, evidence: str
) -> None:
    ways = (Way("direct", "IPv4", NAME, "192.0.2.1"), Way("cdn", "IPv4", NAME, "192.0.2.2"))
    wire = WireByWay({"direct": today, "cdn": NOTHING})
    results = asyncio.run(collected(surroundings(wire, *ways)))
    assert {(each.verdict, each.evidence) for each in results} == {("unknown", evidence)}
    assert {each.check for each in results} == NAMES_OF_CHECKS
    assert wire.sent == len(ways)


def test_without_a_way_of_today_or_an_echo_path_nothing_is_claimed() -> None:
    cdn = Way("cdn", "IPv4", NAME, "192.0.2.2")
    results = asyncio.run(collected(surroundings(WireByWay({"cdn": NOTHING}), cdn)))
    assert {each.evidence for each in results} == {
        "There is no way direct over IPv4 to compare with."
    }
    assert {each.verdict for each in results} == {"unknown"}
    wire = WireByWay({"cdn": NOTHING})
    assert asyncio.run(collected(surroundings(wire, cdn, path=None))) == []
    assert wire.sent == 0
