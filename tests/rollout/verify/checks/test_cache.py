"""Cache detection against edges that keep answers, each in a way of its own."""

import asyncio
import functools
import json
from collections.abc import AsyncIterator, Callable, Hashable, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace

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
from rollout.verify.cache_proofs import LabelledAttempt, Proofs, proofs
from rollout.verify.check import CheckContext, VerifyOptions
from rollout.verify.checks import CHECKS, cache, cache_collapsing, cache_errors, cache_opaque
from rollout.verify.exchange import Attempt
from rollout.verify.received import ReceivedBody, ReceivedRequest
from support.fake_edge import NoDnsQueries
from support.lab_origin import LoopbackOrigin, origin_on_loopback
from support.loopback_edge import Edge, Outgoing, edge_on_loopback

NAME = "api.example.com"
WAIT_SECONDS = 0.8

Checking = Callable[[CheckContext], AsyncIterator[Result]]

LATER: Checking = functools.partial(cache_errors.errors_later, wait_seconds=WAIT_SECONDS)


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackOrigin]:
    with origin_on_loopback(tmp_path_factory.mktemp("origin"), NAME) as served:
        yield served


def surroundings(
    wire: Wire, *ways: Way, path: str | None = "/echo", concurrency: int = 16
) -> CheckContext:
    options = VerifyOptions(path, True, 1000, concurrency, 0, 0.1, account=False)
    return CheckContext(EdgeTarget((NAME,), "lb", "cf"), ways, options, wire, NoDnsQueries())


def checked(
    origin: LoopbackOrigin, check: Checking, *edges: Edge, concurrency: int = 16
) -> dict[str, tuple[str, str]]:
    """Return verdict and evidence on each path; several edges are several nodes of cdn."""

    async def run() -> list[Result]:
        async with AsyncExitStack() as stack:
            nodes = [await stack.enter_async_context(edge_on_loopback(origin, e)) for e in edges]
            ways = [Way("cdn", "IPv4", NAME, each.address, each.port) for each in nodes]
            ways.append(Way("direct", "IPv4", NAME, origin.address, origin.https))
            wire = HttpWire(rate=1000, concurrency=concurrency, ca=origin.ca)
            return [each async for each in check(surroundings(wire, *ways))]

    results = asyncio.run(run())
    assert len({each.check for each in results}) == 1
    assert len(results) == len({each.path for each in results})
    return {str(each.path): (each.verdict, each.evidence) for each in results}


@pytest.mark.parametrize(
    "check", [cache.answers, cache.methods, cache_errors.errors, LATER, cache_collapsing.collapsing]
)
def test_an_edge_that_keeps_nothing_passes(origin: LoopbackOrigin, check: Checking) -> None:
    results = checked(origin, check, Edge(), Edge())
    assert {path: verdict for path, (verdict, _) in results.items()} == {
        "cdn": "pass",
        "direct": "pass",
    }


def _path(request: Outgoing) -> bytes:
    return request.target.partition(b"?")[0]


def _error(request: Outgoing, status: int) -> Hashable | None:
    """Keep errors as CloudFront does: by the path alone, a few only if the origin says so."""
    has_max_age = b"max-age" in request.target
    always = status in (404, 414, 500, 501, 502, 503, 504)
    return (
        _path(request) if always or (has_max_age and status in (400, 403, 405, 412, 415)) else None
    )


def _only(status: int) -> Callable[[Outgoing, int], Hashable | None]:
    return lambda request, came: _path(request) if came == status else None


def _per_user(request: Outgoing, status: int) -> Hashable | None:
    whole = (request.target, request.value(b"authorization"), request.value(b"cookie"))
    return whole if status == 200 else None


def _fresh_only(request: Outgoing, status: int) -> Hashable | None:
    return request.target if status == 200 and b"max-age" in request.target else None


def _without_user(request: Outgoing, status: int) -> Hashable | None:
    kept = status == 200 and request.value(b"authorization") is None
    return _path(request) if kept else None


def _on_get(request: Outgoing, status: int) -> Hashable | None:
    return (request.target, request.value(b"user-agent")) if status == 200 else None


def _when(
    condition: Callable[[Outgoing], bool], status: int = 200
) -> Callable[[Outgoing, int], Hashable | None]:
    return lambda request, came: request.target if came == status and condition(request) else None


def _says(part: bytes) -> Callable[[Outgoing], bool]:
    return lambda request: part in request.target


def _asks(header: bytes) -> Callable[[Outgoing], bool]:
    return lambda request: request.value(header) is not None


@pytest.mark.parametrize(
    ("check", "edge", "evidence"),
    [
        (cache.answers, Edge(key=_when(_says(b"?"))), "with that query string again"),
        (cache.answers, Edge(key=_when(lambda r: _path(r).endswith(b".css"))), "GET /echo/size="),
        (cache.answers, Edge(key=_when(_says(b"size="))), "GET /echo/size="),
        (cache.answers, Edge(key=_when(_says(b"ETag"))), "GET /echo/size="),
        (cache.answers, Edge(key=_when(_asks(b"accept-encoding"))), "GET /echo/size="),
        (cache.answers, Edge(key=_when(_asks(b"range"), 206)), "range=on"),
        (cache.answers, Edge(key=_only(301)), "status=301"),
        (cache.methods, Edge(key=_when(lambda r: r.method == b"OPTIONS")), "OPTIONS /echo"),
        (cache.answers, Edge(key=lambda r, s: r.target if s == 200 else None), "time 2 there"),
        (cache.answers, Edge(key=_per_user), "time 2 there"),
        (cache.answers, Edge(key=_fresh_only), "max-age%3D60"),
        (cache.answers, Edge(key=_without_user), "with a query string"),
        (cache.answers, Edge(key=_per_user, tells=True), "time 2 there"),
        (cache.methods, Edge(key=_on_get), "HEAD /echo"),
        (cache_errors.errors, Edge(key=_error), "status=404"),
        (cache_errors.errors, Edge(key=_only(403)), "status=403;header=Cache-Control"),
        (cache_errors.errors, Edge(key=_only(503)), "as a user"),
        (LATER, Edge(key=_only(404)), "later"),
        (cache_collapsing.collapsing, Edge(collapses=True), "at the same time"),
    ],
)
def test_each_way_of_keeping_answers_is_found_and_tells_which_two_shared_one(
    origin: LoopbackOrigin, check: Checking, edge: Edge, evidence: str
) -> None:
    results = checked(origin, check, edge)
    assert results["direct"][0] == "pass"
    verdict, sentence = results["cdn"]
    assert verdict == "fail"
    assert evidence in sentence
    assert "was given the answer that" in sentence
    assert " s before" in sentence


def test_an_error_that_is_kept_for_its_time_only_is_found_at_once_and_not_later(
    origin: LoopbackOrigin,
) -> None:
    # At once is as soon as a busy machine gets to it.
    kept_for_a_minute = Edge(key=_error, seconds=60)
    assert checked(origin, cache_errors.errors, kept_for_a_minute)["cdn"][0] == "fail"
    kept_for_a_moment = Edge(key=_error, seconds=WAIT_SECONDS / 2)
    assert checked(origin, LATER, kept_for_a_moment)["cdn"][0] == "pass"


@pytest.mark.parametrize("status", [412, 415])
def test_an_error_that_cloudfront_keeps_whatever_is_set_is_told_and_not_failed(
    origin: LoopbackOrigin, status: int
) -> None:
    def timed(request: Outgoing, came: int) -> Hashable | None:
        return _path(request) if came == status and b"max-age" in request.target else None

    accepted: list[tuple[str, ...]] = []

    async def noted(around: CheckContext) -> AsyncIterator[Result]:
        async for each in cache_errors.errors(around):
            accepted.append(each.accepted)
            yield each

    results = checked(origin, noted, Edge(key=timed))
    assert {verdict for verdict, _ in results.values()} == {"pass"}
    assert sorted(accepted) == [(), ("timed-error-kept",)]
    assert checked(origin, cache_errors.errors, Edge(key=_only(status)))["cdn"][0] == "fail"


def test_nodes_that_share_a_cache_are_found(origin: LoopbackOrigin) -> None:
    first = Edge(key=lambda request, status: request.target if status == 200 else None)
    other = replace(first, kept=first.kept)
    verdict, evidence = checked(origin, cache.answers, first, other)["cdn"]
    assert verdict == "fail"
    assert "time 1 there (at " in evidence


def test_one_node_of_many_that_keeps_errors_is_found(origin: LoopbackOrigin) -> None:
    nodes = (Edge(), Edge(key=_error), Edge())
    assert checked(origin, cache_errors.errors, *nodes)["cdn"][0] == "fail"


def test_requests_that_were_never_under_way_at_once_tell_nothing(origin: LoopbackOrigin) -> None:
    results = checked(origin, cache_collapsing.collapsing, Edge(collapses=True), concurrency=1)
    assert results["cdn"] == ("unknown", "Two requests were never under way at the same time.")


WAY = Way("cdn", "IPv4", NAME, "192.0.2.2")
TODAY = Way("direct", "IPv4", NAME, "192.0.2.1")
REQUEST = HttpRequest("GET", "/echo")


def attempt(
    label: str, identity: str | None, at: float, *headers: tuple[str, str]
) -> LabelledAttempt:
    echo = identity and ReceivedRequest(
        id=identity,
        method="GET",
        target="/echo",
        protocol="HTTP/1.1",
        scheme="https",
        headers=(),
        body=ReceivedBody(length=0, sha256=""),
    )
    answer = HttpAnswer(200, headers, b"", "HTTP/1.1", 0.1)
    return LabelledAttempt(label, Attempt(WAY, REQUEST, answer, echo or None), at)


def test_proofs_are_shared_answers_and_what_answers_say_of_themselves() -> None:
    proved = proofs(
        [
            attempt("first", "1", 0.0, ("X-Cache", "Error from cloudfront"), ("Age", "0")),
            attempt("again", "1", 0.25, ("X-Cache", "Error from cloudfront")),
            attempt("as another user", "2", 0.5, ("Age", "7")),
            attempt("elsewhere", "3", 0.75, ("X-Cache", "RefreshHit from cloudfront")),
            attempt("at last", None, 1.0),
        ]
    )
    assert proved == Proofs(
        (
            (
                "GET /echo again (at 192.0.2.2) was given the answer that first (at 192.0.2.2) got "
                "0.2 s before"
            ),
            "GET /echo as another user (at 192.0.2.2) was given an answer with Age: 7",
            (
                "GET /echo elsewhere (at 192.0.2.2) was given an answer with X-Cache: RefreshHit "
                "from cloudfront"
            ),
        ),
        ("GET /echo at last: GET /echo is answered 200",),
    )


def test_an_error_that_the_origin_does_not_make_tells_nothing_of_errors() -> None:
    answered = [attempt("first", "1", 0.0), attempt("again", "2", 0.1)]
    assert proofs(answered, 404) == Proofs(
        (),
        (
            "GET /echo first: it was answered 200 instead of 404",
            "GET /echo again: it was answered 200 instead of 404",
        ),
    )
    shared = [attempt("first", "1", 0.0), attempt("again", "1", 0.1)]
    assert len(proofs(shared, 404).kept) == 1


def _echoed(way: Way, request: HttpRequest, time: int) -> HttpAnswer:
    """Answer 200 with an echo whatever is asked for, as an echo does that knows no directives."""
    echo: dict[str, object] = {
        "id": f"{way.path} {request.target} {time}",
        "method": request.method,
        "target": request.target,
        "protocol": "HTTP/1.1",
        "scheme": "https",
        "headers": [],
        "body": {"length": 0, "sha256": ""},
    }
    return HttpAnswer(200, (), json.dumps(echo).encode(), "HTTP/1.1", 0.1)


@pytest.mark.parametrize(
    "check", [cache_errors.errors, functools.partial(cache_errors.errors_later, wait_seconds=0)]
)
def test_an_echo_that_makes_no_errors_cannot_tell_of_them(check: Checking) -> None:
    results = asyncio.run(_opaque(WireByTurn(_echoed), check, path="/echo"))
    assert {each.verdict for each in results} == {"unknown"}
    assert all("it was answered 200 instead of 404" in each.evidence for each in results)


def test_an_answer_without_an_echo_is_unknown_and_never_a_pass() -> None:
    nothing = HttpAnswer(404, (), b"{}", "HTTP/1.1", 0.1)
    results = asyncio.run(_opaque(WireByTurn(_always(nothing)), cache.answers, path="/echo"))
    assert {(each.path, each.verdict) for each in results} == {
        ("cdn", "unknown"),
        ("direct", "unknown"),
    }
    assert next(e for e in results if e.path == "direct").evidence.startswith("Wrong use: the echo")


class WireByTurn:
    """A wire that answers by what is asked and how often."""

    def __init__(
        self, answer: Callable[[Way, HttpRequest, int], HttpAnswer | TroubleError]
    ) -> None:
        self._answer = answer
        self._times: dict[tuple[Way, str], int] = {}

    async def send(self, way: Way, request: HttpRequest) -> HttpAnswer:
        time = self._times[way, request.target] = self._times.get((way, request.target), 0) + 1
        outcome = self._answer(way, request, time)
        if isinstance(outcome, TroubleError):
            raise outcome
        return outcome


def _always(answer: HttpAnswer) -> Callable[[Way, HttpRequest, int], HttpAnswer]:
    def one(way: Way, request: HttpRequest, time: int) -> HttpAnswer:
        assert way
        assert request
        assert time
        return answer

    return one


async def _opaque(wire: Wire, check: Checking, path: str | None = None) -> list[Result]:
    return [each async for each in check(surroundings(wire, WAY, TODAY, path=path))]


def test_each_check_is_for_one_mode() -> None:
    wire = WireByTurn(_always(HttpAnswer(200, (), b"", "HTTP/1.1", 0.1)))
    modes = {check.name: check.needs for check in CHECKS if check.name.startswith("cache-")}
    assert modes.pop("cache-opaque") == "no echo"
    assert set(modes.values()) == {"echo"}
    for check in CHECKS:
        if check.name in modes:
            assert asyncio.run(_opaque(wire, check.run)) == []
    assert asyncio.run(_opaque(wire, cache_opaque.opaque, path="/echo")) == []
