"""What an edge node keeps, for whom and for how long, with the real nginx.

Each answer of the origin has a body of its own, so that whether one was kept is seen without asking
the edge's own headers.
"""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from support.edge import (
    API,
    RunningEdge,
    behavior,
    deployed,
    distribution,
    edge,
    legacy,
    listed,
    no_error_caching,
    reply,
)

_CODES = (400, 403, 404, 405, 410, 412, 414, 415, 416, 429, 500, 501, 502, 503, 504)


def _policy(
    ttls: tuple[int, int, int] = (0, 0, 0),
    headers: tuple[str, ...] = (),
    cookies: tuple[str, ...] = (),
    queries: tuple[str, ...] = (),
    *,
    gzip: bool = False,
) -> dict[str, Any]:
    def chosen(kind: str, key: str, names: tuple[str, ...]) -> dict[str, Any]:
        return {f"{kind}Behavior": "whitelist" if names else "none", key: listed(names)}

    return {
        "MinTTL": ttls[0],
        "DefaultTTL": ttls[1],
        "MaxTTL": ttls[2],
        "ParametersInCacheKeyAndForwardedToOrigin": {
            "EnableAcceptEncodingGzip": gzip,
            "EnableAcceptEncodingBrotli": gzip,
            "HeadersConfig": chosen("Header", "Headers", headers),
            "CookiesConfig": chosen("Cookie", "Cookies", cookies),
            "QueryStringsConfig": chosen("QueryString", "QueryStrings", queries),
        },
    }


def _caching(
    folder: Path, policy: dict[str, Any], **changes: Any
) -> AbstractContextManager[RunningEdge]:
    """Run an edge whose behavior has a cache policy of its own."""
    changes.setdefault("DefaultCacheBehavior", behavior(CachePolicyId="mine"))
    return edge(folder, deployed(distribution(**changes), cache_policies={"mine": policy}))


def _answers(node: RunningEdge, *headers: str, status: str = "200 OK") -> None:
    node.origin.answer = lambda _: reply(
        str(len(node.origin.received)).encode(), *headers, status=status
    )


def _kept(node: RunningEdge, *headers: str, target: str = "/", method: str = "GET") -> bool:
    """Say whether the second of two requests gets the first one's answer."""
    before = len(node.origin.received)
    for _ in range(2):
        node.send(target, *headers, method=method)
    return len(node.origin.received) - before == 1


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEdge]:
    """Run one edge with a behavior and a cache policy for each case of `_TTLS` and `_KEYS`."""
    policies = {f"ttl-{number}": _policy(ttls) for number, (ttls, *_) in enumerate(_TTLS)}
    policies |= {
        f"key-{number}": _policy((0, 100, 100), **keyed) for number, (keyed, *_) in enumerate(_KEYS)
    }
    behaviors = [behavior(PathPattern=f"/{name}/*", CachePolicyId=name) for name in policies]
    everything = deployed(distribution(CacheBehaviors=listed(behaviors)), cache_policies=policies)
    with edge(tmp_path_factory.mktemp("cases"), everything) as node:
        yield node


# Objects ------------------------------------------------------------------------------------------


def test_with_caching_disabled_nothing_is_kept_whatever_the_origin_says(tmp_path: Path) -> None:
    with edge(tmp_path) as node:
        for header in ("Cache-Control: max-age=100", "Expires: Fri, 01 Jan 2100 00:00:00 GMT"):
            _answers(node, header)
            assert not _kept(node)


def test_a_kept_answer_tells_that_it_is_one(tmp_path: Path) -> None:
    with _caching(tmp_path, _policy((0, 100, 100))) as node:
        _answers(node, "Set-Cookie: a=1", "X-A: 1", "Cache-Control: public")
        began = time.monotonic()
        first = node.send()
        time.sleep(1.1)
        second = node.send()
        spent = time.monotonic() - began
        assert first.values("x-cache") == ["Miss from cloudfront"]
        assert first.values("age") == []
        assert second.values("x-cache") == ["Hit from cloudfront"]
        assert 1 <= int(second.values("age")[0]) <= spent + 1  # by a clock of whole seconds
        assert second.values("x-amz-cf-id") != first.values("x-amz-cf-id")
        for name in ("set-cookie", "x-a", "cache-control", "via"):
            assert second.values(name) == first.values(name)
        assert second.body == first.body == b"1"


_NEVER = "Thu, 01 Jan 1970 00:00:00 GMT"
_SOON = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)


_TTLS: list[tuple[tuple[int, int, int], list[str], bool]] = [
    ((0, 100, 100), [], True),
    ((0, 0, 100), [], False),
    ((100, 0, 100), [], True),
    ((0, 100, 100), ["Cache-Control: max-age=0"], False),
    ((0, 0, 100), ["Cache-Control: max-age=100"], True),
    ((0, 0, 0), ["Cache-Control: max-age=100"], False),
    ((0, 0, 100), ["Cache-Control: max-age=0, s-maxage=100"], True),
    ((0, 0, 100), ["Cache-Control: max-age=100, s-maxage=0"], False),
    ((0, 100, 100), ["Cache-Control: no-store"], False),
    ((0, 100, 100), ["Cache-Control: no-cache"], False),
    ((0, 100, 100), ["Cache-Control: private"], False),
    ((100, 100, 100), ["Cache-Control: no-store, private"], True),
    ((0, 0, 100), [f"Expires: {_SOON}"], True),
    ((0, 100, 100), [f"Expires: {_NEVER}"], False),
    ((0, 100, 100), ["Expires: 0"], False),
    ((0, 0, 100), ["Cache-Control: max-age=100", f"Expires: {_NEVER}"], True),
    ((0, 100, 100), ["Vary: *"], False),
    ((0, 100, 100), ["Vary: X-Mine"], True),
]
"""Times of a policy, headers of the origin's answer, and whether it is kept."""


@pytest.mark.parametrize("number", range(len(_TTLS)))
def test_how_long_an_object_is_kept(cases: RunningEdge, number: int) -> None:
    _, headers, kept = _TTLS[number]
    _answers(cases, *headers)
    assert _kept(cases, target=f"/ttl-{number}/") == kept


def test_an_object_is_asked_for_anew_when_its_time_is_over(tmp_path: Path) -> None:
    with _caching(tmp_path, _policy((0, 100, 100))) as node:
        _answers(node, "Cache-Control: max-age=1")
        first = node.send()
        time.sleep(2.1)
        assert node.send().body != first.body


def test_a_stale_object_is_confirmed_by_its_etag(tmp_path: Path) -> None:
    with _caching(tmp_path, _policy((0, 100, 100))) as node:
        etag = 'ETag: "1"'
        _answers(node, "Cache-Control: max-age=1", etag)
        first = node.send()
        time.sleep(2.1)
        unchanged = f"HTTP/1.1 304 Not Modified\r\nCache-Control: max-age=1\r\n{etag}\r\n\r\n"
        node.origin.answer = lambda _: unchanged.encode()
        second = node.send()
        assert node.origin.last.values("if-none-match") == ['"1"']
        assert (second.status, second.body) == (200, first.body)
        assert second.values("x-cache") == ["RefreshHit from cloudfront"]


def test_a_stale_object_is_better_than_an_error(tmp_path: Path) -> None:
    with _caching(tmp_path, _policy((0, 100, 100))) as node:
        _answers(node, "Cache-Control: max-age=1")
        first = node.send()
        time.sleep(2.1)
        _answers(node, status="503 Down")
        assert node.send().body == first.body


def test_what_changes_anything_is_never_kept(tmp_path: Path) -> None:
    with _caching(tmp_path, _policy((100, 100, 100))) as node:
        for status in ("200 OK", "404 Not Found"):
            _answers(node, status=status)
            for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
                assert not _kept(node, method=method)
        _answers(node)
        assert _kept(node, method="HEAD")


def test_what_a_get_left_answers_head_and_the_other_way_round_nothing(tmp_path: Path) -> None:
    with _caching(tmp_path, _policy((100, 100, 100))) as node:
        _answers(node)
        for target in ("/a", "/b?c=d"):
            before = len(node.origin.received)
            assert node.send(target, method="HEAD").values("x-cache") == ["Miss from cloudfront"]
            first = node.send(target)
            assert (first.values("x-cache"), bool(first.body)) == (["Miss from cloudfront"], True)
            head = node.send(target, "If-None-Match: none", method="HEAD")
            assert (head.values("x-cache"), head.body) == (["Hit from cloudfront"], b"")
            assert head.values("content-length") == first.values("content-length")
            assert not head.values("x-edge-kept")
            assert node.send(target).body == first.body
            assert len(node.origin.received) - before == 2


# Keys ---------------------------------------------------------------------------------------------


_KEYS: list[tuple[dict[str, Any], tuple[str, ...], tuple[str, ...], bool]] = [
    ({}, ("/?a=1",), ("/?a=2",), True),
    ({}, ("/a",), ("/b",), False),
    ({}, ("/a",), ("/A",), False),
    ({"queries": ("a",)}, ("/?a=1",), ("/?a=2",), False),
    ({"queries": ("a",)}, ("/?b=1&a=1",), ("/?a=1&b=2",), True),
    ({}, ("/", "Cookie: a=1"), ("/", "Cookie: a=2"), True),
    ({"cookies": ("a",)}, ("/", "Cookie: a=1"), ("/", "Cookie: a=2"), False),
    ({"cookies": ("a",)}, ("/", "Cookie: a=1; b=1"), ("/", "Cookie: b=2; a=1"), True),
    ({}, ("/", "X-A: 1"), ("/", "X-A: 2"), True),
    ({"headers": ("X-A",)}, ("/", "X-A: 1"), ("/", "X-A: 2"), False),
    ({"headers": ("X-A",)}, ("/", "x-a: 1", "X-B: 1"), ("/", "X-A: 1"), True),
    ({"headers": ("X-A",)}, ("/",), ("/", "X-A: 1"), False),
    ({}, ("/", "Authorization: a"), ("/", "Authorization: b"), True),
    ({"gzip": True}, ("/", "Accept-Encoding: gzip"), ("/",), False),
    ({"gzip": True}, ("/", "Accept-Encoding: gzip"), ("/", "Accept-Encoding: x,gzip"), True),
    ({"gzip": True}, ("/", "Accept-Encoding: gzip;q=0"), ("/",), True),
    ({}, ("/", "Accept-Encoding: gzip"), ("/",), True),
]
"""What a policy puts into the key, two requests, and whether they share an answer."""


@pytest.mark.parametrize("number", range(len(_KEYS)))
def test_who_shares_an_answer(cases: RunningEdge, number: int) -> None:
    _, *requests, shared = _KEYS[number]
    _answers(cases)
    one, other = (
        cases.send(f"/key-{number}{target}", *headers).body for target, *headers in requests
    )
    assert (one == other) == shared


def test_http_and_https_and_every_alias_share_an_answer(tmp_path: Path) -> None:
    with _caching(tmp_path, _policy((0, 100, 100)), Aliases=listed([API, "b.example.com"])) as node:
        _answers(node)
        bodies = {
            node.send().body,
            node.send(tls=False).body,
            node.send(host="b.example.com", tls=False).body,
        }
        assert bodies == {b"1"}


def test_older_settings_keep_for_a_day_unless_all_headers_are_forwarded(tmp_path: Path) -> None:
    every = listed(["*"])
    with edge(
        tmp_path,
        deployed(
            distribution("E1", ["one.example.com"], DefaultCacheBehavior=legacy()),
            distribution("E2", ["two.example.com"], DefaultCacheBehavior=legacy(Headers=every)),
        ),
    ) as node:
        _answers(node)
        bodies_by_host = {
            host: len({node.send(host=host, tls=False).body for _ in range(3)})
            for host in ("one.example.com", "two.example.com")
        }
        assert bodies_by_host == {"one.example.com": 1, "two.example.com": 3}


def test_older_settings_may_key_by_fewer_query_strings_than_they_forward(tmp_path: Path) -> None:
    chosen = legacy(QueryString=True, QueryStringCacheKeys=listed(["a"]))
    with edge(tmp_path, deployed(distribution(DefaultCacheBehavior=chosen))) as node:
        _answers(node)
        first = node.send("/?a=1&b=1").body
        assert node.origin.last.target == "/?a=1&b=1"
        assert node.send("/?a=1&b=2").body == first
        assert node.send("/?a=2&b=1").body != first


def test_each_node_keeps_its_own(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with (
        _caching(tmp_path / "a", _policy((0, 100, 100))) as one,
        _caching(tmp_path / "b", _policy((0, 100, 100))) as other,
    ):
        for node in (one, other):
            _answers(node, f"X-Node: {id(node)}")
            node.send()
            assert node.send().values("x-node") == [str(id(node))]


# Errors -------------------------------------------------------------------------------------------


def _kept_errors(node: RunningEdge, *headers: str) -> list[int]:
    kept: list[int] = []
    for code in _CODES:
        _answers(node, *headers, status=f"{code} Trouble")
        if _kept(node, target=f"/{code}/{len(headers)}"):
            kept.append(code)
    return kept


_ALWAYS = [404, 414, 500, 501, 502, 503, 504]


def test_errors_are_kept_even_where_caching_is_disabled(tmp_path: Path) -> None:
    nothing_said = listed([])
    with edge(tmp_path, deployed(distribution(CustomErrorResponses=nothing_said))) as node:
        assert _kept_errors(node) == _ALWAYS
        timed = _kept_errors(node, "Cache-Control: max-age=60")
        assert timed == sorted([*_ALWAYS, 400, 403, 405, 412, 415])
        unstored = _kept_errors(node, "Cache-Control: no-store", "X-Two: 2")
        assert unstored == [500, 502, 503, 504]
        expiring = _kept_errors(node, f"Expires: {_SOON}", "X-Two: 2", "X-Three: 3")
        assert expiring == _ALWAYS


def test_a_404_is_kept_for_ten_seconds(tmp_path: Path) -> None:
    with edge(tmp_path, deployed(distribution(CustomErrorResponses=listed([])))) as node:
        _answers(node, status="404 Not Found")
        begin = time.monotonic()
        first = node.send("/a?user=1", "Cookie: user=1")
        assert node.origin.last.target == "/a?user=1"
        _answers(node)
        second = node.send("/a?user=2", "Cookie: user=2")
        assert (second.status, second.body) == (404, first.body)
        assert second.values("x-cache") == ["Error from cloudfront"]
        assert second.values("age") != []
        while (last := node.send("/a")).status == 404:
            assert time.monotonic() - begin < 15
            time.sleep(0.1)
        assert 9 < time.monotonic() - begin < 12.5
        assert last.status == 200


def test_with_zero_for_every_error_none_is_kept(tmp_path: Path) -> None:
    with edge(tmp_path) as node:
        assert _kept_errors(node) == []
        # 412 and 415 are kept only if the origin says for how long, which CachingDisabled caps.
        assert _kept_errors(node, "Cache-Control: max-age=60") == [412, 415]


def test_one_error_code_can_be_left_out(tmp_path: Path) -> None:
    codes = no_error_caching(404, 500)
    with edge(tmp_path, deployed(distribution(CustomErrorResponses=codes))) as node:
        assert _kept_errors(node) == [414, 501, 502, 503, 504]


def test_an_origins_time_for_an_error_counts_up_to_the_maximum(tmp_path: Path) -> None:
    with _caching(tmp_path, _policy((0, 0, 100)), CustomErrorResponses=no_error_caching()) as node:
        assert 404 in _kept_errors(node, "Cache-Control: max-age=60")


def test_an_unreachable_origin_is_remembered_like_any_error(tmp_path: Path) -> None:
    with edge(tmp_path, deployed(distribution(CustomErrorResponses=listed([])))) as node:
        node.names.addresses.clear()
        first = node.send()
        node.names.addresses["lb.elb.example.net"] = ("127.0.0.1",)
        assert (first.status, node.send().status) == (502, 502)
        assert node.send("/other").status == 200


# Conditions, parts, pages, compression ------------------------------------------------------------


def test_conditions_and_ranges_pass_where_only_errors_are_kept(tmp_path: Path) -> None:
    sent = [
        'If-None-Match: W/"a"',
        "If-Modified-Since: Mon, 01 Jan 2024 00:00:00 GMT",
        "Range: bytes=1-2",
        'If-Range: "a"',
    ]
    with edge(tmp_path, deployed(distribution(CustomErrorResponses=listed([])))) as node:
        node.origin.answer = lambda _: reply(
            b"bc", "Content-Range: bytes 1-2/3", status="206 Partial Content"
        )
        answer = node.send("/", *sent)
        assert (answer.status, answer.body) == (206, b"bc")
        arrived = {f"{name}: {value}" for name, value in node.origin.last.headers}
        assert set(sent) <= arrived
        assert not _kept(node, *sent)
        node.origin.answer = lambda _: b"HTTP/1.1 304 Not Modified\r\n\r\n"
        assert node.send("/", *sent).status == 304


def test_a_custom_error_page_is_shown_with_its_own_status(tmp_path: Path) -> None:
    pages = [
        {
            "ErrorCode": 404,
            "ResponsePagePath": "/errors/none.html",
            "ResponseCode": "200",
            "ErrorCachingMinTTL": 0,
        }
    ]
    changes: dict[str, Any] = {"CustomErrorResponses": listed(pages)}
    with edge(tmp_path, deployed(distribution(**changes))) as node:
        node.origin.answer = lambda request: (
            reply(b"page")
            if request.target == "/errors/none.html"
            else reply(b"mine", status=f"{request.target[1:4]} Trouble")
        )
        page = node.send("/404?a=b")
        assert (page.status, page.body) == (200, b"page")
        other = node.send("/403")
        assert (other.status, other.body) == (403, b"mine")


def test_only_a_behavior_that_compresses_does(tmp_path: Path) -> None:
    body = b"text " * 1000
    chosen = behavior(CachePolicyId="mine", Compress=True, PathPattern="/yes/*")
    changes: dict[str, Any] = {"CacheBehaviors": listed([chosen])}
    policy = _policy((0, 100, 100), gzip=True)
    with edge(tmp_path, deployed(distribution(**changes), cache_policies={"mine": policy})) as node:
        node.origin.answer = lambda _: reply(body, "Content-Type: text/plain")
        compressed = node.send("/yes/", "Accept-Encoding: gzip")
        assert compressed.values("content-encoding") == ["gzip"]
        assert len(compressed.body) < len(body)
        assert node.send("/no", "Accept-Encoding: gzip").body == body
        assert node.send("/yes/").body == body


def test_the_caches_of_two_paths_are_told_apart_by_their_behaviors(tmp_path: Path) -> None:
    chosen = behavior(CachePolicyId="mine", PathPattern="/kept/*")
    changes: dict[str, Any] = {"CacheBehaviors": listed([chosen])}
    policies = {"mine": _policy((0, 100, 100))}
    with edge(tmp_path, deployed(distribution(**changes), cache_policies=policies)) as node:
        _answers(node)
        assert _kept(node, target="/kept/a")
        assert not _kept(node, target="/a")
