"""`cache-opaque`: the root and an error of an API that does not echo."""

import functools
from dataclasses import replace

import pytest

from rollout.probe.model import HttpAnswer, HttpRequest, Result, Way
from rollout.verify.check import CheckContext
from rollout.verify.checks import cache_opaque
from support.fake_edge import CDN4, DIRECT4, OPTIONS, TARGET, NoDnsQueries
from support.own_apis import (
    Cache,
    Serving,
    ServingWire,
    as_json,
    dice,
    everywhere,
    on_cdn,
    plain_api,
    run_on_jumping_clock,
    silence,
    still_api,
)


def checked(serving: Serving) -> dict[str, Result]:
    ways = (DIRECT4, CDN4)
    context = CheckContext(TARGET, ways, OPTIONS, ServingWire(serving), NoDnsQueries())

    async def whole() -> list[Result]:
        return [each async for each in cache_opaque.opaque(context)]

    results = run_on_jumping_clock(whole())
    assert {each.check for each in results} == {"cache-opaque"}
    return {str(each.path): each for each in results}


def test_without_a_sign_it_passes_and_says_what_that_proves() -> None:
    results = checked(everywhere(still_api()))
    assert {each.verdict for each in results.values()} == {"pass"}
    assert "so a cache that says nothing would not show" in results["cdn"].evidence


def test_values_that_are_new_each_time_are_proof_of_no_cache() -> None:
    results = checked(everywhere(plain_api(dice(1))))
    assert results["cdn"].verdict == "pass"
    assert "GET /: header:x-request-id" in results["cdn"].evidence
    assert "each was made anew" in results["cdn"].evidence


def is_root(request: HttpRequest) -> bool:
    return request.target.partition("?")[0] == "/"


def not_there(request: HttpRequest, at: float) -> HttpAnswer:
    status = 200 if is_root(request) else 404
    return as_json({}, at, status, X_Request_Id=f"{at:.6f}")


def test_an_error_that_is_kept_fails() -> None:
    cache = Cache(
        not_there, 10, key=lambda _, request: None if is_root(request) else request.target
    )
    results = checked(on_cdn(not_there, cache))
    assert results["direct"].verdict == "pass"
    assert results["cdn"].verdict == "fail"
    assert results["cdn"].evidence.startswith("GET a path that is not there: header:x-request-id")
    assert "GET /:" not in results["cdn"].evidence
    assert results["cdn"].remedy


@pytest.mark.parametrize(
    ("header", "value"),
    [("Age", "3"), ("X-Cache", "Hit from cloudfront"), ("Cache-Status", "edge; hit")],
)
def test_what_an_answer_says_of_itself_fails_unless_direct_says_it_too(
    header: str, value: str
) -> None:
    def speak(way: Way, request: HttpRequest, at: float, *, everywhere_: bool) -> HttpAnswer:
        answer = still_api()(request, at)
        if everywhere_ or way.path == "cdn":
            return replace(answer, headers=(*answer.headers, (header, value)))
        return answer

    there = checked(functools.partial(speak, everywhere_=False))["cdn"]
    assert (there.verdict, there.evidence.startswith(f"GET /: {header}: {value}")) == ("fail", True)
    own = checked(functools.partial(speak, everywhere_=True))["cdn"]
    assert own.verdict == "pass"
    assert "that is the API's own" in own.evidence


def test_silence_cannot_tell() -> None:
    on_one = checked(on_cdn(still_api(), silence("timeout", "no connection within 10 s")))
    assert (on_one["direct"].verdict, on_one["cdn"].verdict) == ("pass", "unknown")
    assert "there is no answer" in on_one["cdn"].evidence
    everything = checked(silence("refused", "nobody listens"))
    assert {each.verdict for each in everything.values()} == {"unknown"}
