"""Each behavior of a distribution has its own proof, or it is said that there is none."""

import asyncio
import base64
import gzip
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import pytest

from rollout.probe.http import HttpWire
from rollout.probe.model import EdgeTarget, HttpAnswer, HttpRequest, Result, Way
from rollout.verify.check import CheckContext, VerifyOptions
from rollout.verify.checks.paths import Paths
from support.fake_edge import (
    CDN4,
    DIRECT4,
    OPTIONS,
    FakeWire,
    NoDnsQueries,
    answer,
    surroundings,
)
from support.lab_origin import LoopbackOrigin, origin_on_loopback
from support.loopback_edge import Edge, edge_on_loopback

NAME = "api.example.com"


@dataclass(frozen=True)
class Account:
    """A session of an account whose distribution has behaviors with these patterns."""

    patterns: tuple[str, ...]

    def client(self, _service: str, **_: object) -> "Account":
        return self

    def get_distribution_config(self, **_: object) -> dict[str, Any]:
        return {
            "DistributionConfig": {
                "DefaultCacheBehavior": {"TargetOriginId": "o"},
                "Origins": {"Items": [{"Id": "o"}]},
                "CacheBehaviors": {"Items": [{"PathPattern": each} for each in self.patterns]},
            }
        }


def found(
    answers: Callable[[Way, HttpRequest], HttpAnswer],
    *patterns: str,
    account: bool = True,
    requests: tuple[HttpRequest, ...] = (),
    echo: str | None = None,
) -> dict[tuple[str, str], Result]:
    """Return the results by path and line."""
    around = surroundings(FakeWire(answers), ways=(DIRECT4, CDN4))
    around = replace(
        around, options=replace(OPTIONS, account=account, echo=echo), requests=requests
    )

    async def run() -> list[Result]:
        return [each async for each in Paths(lambda: Account(patterns)).run(around)]

    return {(str(each.path), each.check): each for each in asyncio.run(run())}


def alike(_way: Way, request: HttpRequest) -> HttpAnswer:
    return answer(404, request.target.encode())


def test_without_the_account_it_is_said_which_paths_nothing_was_said_of() -> None:
    requests = (HttpRequest("GET", "/orders?limit=2"), HttpRequest("GET", "/users/7"))
    (result,) = found(alike, account=False, requests=requests, echo="/echo").values()
    assert result.verdict == "unknown"
    assert result.evidence.startswith(
        "Not asked: the paths that were asked for are /echo…, /orders, /users/7; nothing was said "
        "of any other."
    )


def test_a_behavior_of_which_only_answers_were_compared_is_no_pass() -> None:
    results = found(alike, "/api/*", "*.jpg")
    assert {each.verdict for each in results.values()} == {"unknown"}
    assert set(results) == {
        (path, f"path {name}")
        for path in ("direct", "cdn")
        for name in ("/api/*", "*.jpg", "default")
    }
    assert "Name a request of yours" in results["cdn", "path *.jpg"].evidence


def test_own_requests_that_go_through_a_behavior_are_its_proof() -> None:
    requests = (HttpRequest("GET", "/api/a"), HttpRequest("GET", "/api/b?x"))
    results = found(alike, "/api/*", requests=requests)
    assert results["cdn", "path /api/*"].verdict == "pass"
    assert results["cdn", "path /api/*"].evidence.startswith("2 of your own requests go through")
    assert results["cdn", "path default"].verdict == "unknown"


def test_the_echo_proves_the_behavior_that_it_lies_in_and_no_other() -> None:
    results = found(alike, "/images/*", echo="/echo")
    assert results["cdn", "path default"].verdict == "pass"
    assert results["cdn", "path /images/*"].verdict == "unknown"


def test_a_behavior_that_nothing_reaches_is_none() -> None:
    results = found(alike, "/api/*", "/api/v1/*")
    assert results["cdn", "path /api/v1/*"].verdict == "pass"
    assert "nothing reaches it" in results["cdn", "path /api/v1/*"].evidence


WRONGS: dict[str, Callable[[HttpRequest], HttpAnswer]] = {
    "another origin": lambda _: answer(403, b"AccessDenied"),
    "a redirect": lambda _: answer(302, Location="https://www.example.com/"),
    "the query is gone": lambda request: answer(404, request.target.partition("?")[0].encode()),
    "OPTIONS is refused": lambda request: (
        answer(403) if request.method == "OPTIONS" else alike(CDN4, request)
    ),
    "a header is added": lambda request: answer(
        404, request.target.encode(), X_Frame_Options="DENY"
    ),
    "kept": lambda request: answer(404, request.target.encode(), Age="7"),
}


@pytest.mark.parametrize("name", WRONGS)
def test_a_behavior_that_answers_otherwise_is_a_fail_also_with_own_requests(name: str) -> None:
    def answers(way: Way, request: HttpRequest) -> HttpAnswer:
        wrong = way.path == "cdn" and request.target.startswith("/api/")
        return WRONGS[name](request) if wrong else alike(way, request)

    own = (HttpRequest("GET", "/api/orders"), HttpRequest("GET", "/"))
    results = found(answers, "/api/*", requests=own)
    assert results["cdn", "path /api/*"].verdict == "fail", results
    assert "rules caching-off" in results["cdn", "path /api/*"].remedy
    assert results["cdn", "path default"].verdict == "pass"


def test_what_changes_by_itself_is_no_fault() -> None:
    numbers = count()

    def answers(_way: Way, _request: HttpRequest) -> HttpAnswer:
        return answer(404, b"", X_Request_Id=str(next(numbers)))

    results = found(answers, "/api/*")
    assert {each.verdict for each in results.values()} == {"unknown"}
    assert "answered alike" in results["cdn", "path /api/*"].evidence


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackOrigin]:
    with origin_on_loopback(tmp_path_factory.mktemp("origin"), NAME) as served:
        yield served


class Api(HttpWire):
    """An API that has another echo below /api: the origin's own, under another name."""

    async def send(self, way: Way, request: HttpRequest) -> HttpAnswer:
        if not request.target.startswith("/api/echo"):
            return await super().send(way, request)
        plain = replace(request, target=request.target.removeprefix("/api"))
        got = await super().send(way, plain)
        headers = tuple(
            (name, _renamed_header(value) if name.lower() == "x-echo" else value)
            for name, value in got.headers
        )
        return replace(got, headers=headers, body=_renamed(got.body))

    async def send_in_turn(
        self, way: Way, requests: Sequence[HttpRequest]
    ) -> tuple[HttpAnswer, ...]:
        return tuple([await self.send(way, each) for each in requests])


def _renamed(text: bytes) -> bytes:
    if text.startswith(b"\x1f\x8b"):
        return gzip.compress(_renamed(gzip.decompress(text)))
    return text.replace(b'"target":"/echo', b'"target":"/api/echo')


def _renamed_header(value: str) -> str:
    text = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
    return base64.urlsafe_b64encode(_renamed(text)).decode().rstrip("=")


@pytest.mark.parametrize(
    ("edge", "evidence"),
    [
        pytest.param(Edge(), "", id="right"),
        pytest.param(
            Edge(request=lambda request: request.without(b"cookie")),
            "cookie is missing",
            id="cookies",
        ),
        pytest.param(
            Edge(key=lambda request, status: request.target if status == 200 else None),
            "the same answer twice",
            id="kept",
        ),
    ],
)
def test_an_echo_below_a_behavior_is_compared(
    origin: LoopbackOrigin, edge: Edge, evidence: str
) -> None:
    async def run() -> list[Result]:
        async with edge_on_loopback(origin, edge) as cdn:
            wire = Api(rate=1000, concurrency=16, ca=origin.ca)
            ways = (
                Way("direct", "IPv4", NAME, origin.address, origin.https),
                Way("cdn", "IPv4", NAME, cdn.address, cdn.port),
            )
            options = VerifyOptions("/echo", True, 1000, 16, 0, 0.1, account=True)
            target = EdgeTarget((NAME,), "lb", "cf", distribution_id="E1")
            context = CheckContext(target, ways, options, wire, NoDnsQueries())
            account = Account(("/api/*",))
            return [each async for each in Paths(lambda: account).run(context)]

    results = {(str(each.path), each.check): each for each in asyncio.run(run())}
    assert results["cdn", "path default"].verdict == "pass"
    assert results["direct", "path /api/*"].verdict == "pass", results
    on_cdn = results["cdn", "path /api/*"]
    assert on_cdn.verdict == ("fail" if evidence else "pass"), on_cdn
    assert evidence in on_cdn.evidence
    assert evidence or "at /api/echo" in on_cdn.evidence
