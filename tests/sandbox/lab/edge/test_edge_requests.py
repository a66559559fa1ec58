"""What an edge node lets through to the origin, with the real nginx."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from ipaddress import IPv6Address
from pathlib import Path
from typing import Any

import pytest

from support.edge import (
    ALL_VIEWER_AND_CLOUDFRONT,
    ALL_VIEWER_EXCEPT_HOST,
    API,
    ORIGIN,
    RunningEdge,
    behavior,
    deployed,
    distribution,
    edge,
    legacy,
    listed,
    origin,
)

_NOISE = ("host", "connection", "x-amz-cf-id", "via", "x-forwarded-for")


def _run(folder: Path, **changes: Any) -> AbstractContextManager[RunningEdge]:
    return edge(folder, deployed(distribution(**changes)))


def _forwarded(node: RunningEdge) -> list[tuple[str, str]]:
    """Return what arrived, without what CloudFront always sends."""
    return [header for header in node.origin.last.headers if header[0].lower() not in _NOISE]


def test_a_pass_through_edge_forwards_headers_as_they_are(passing: RunningEdge) -> None:
    sent = (
        "X-Custom: 1",
        "x-CUSTOM: 2",
        "X-Custom: 3",
        "X_under: 4",
        "aCCept: */*",
        "Accept-Encoding: gzip;q=1.0, x-odd",
        "Authorization: Basic abc",
        "User-Agent: test/1",
        "Referer: https://example.org/",
        "X-Empty:",
        'If-None-Match: W/"1"',
        "Range: bytes=0-1",
        "Cookie: a=1; b=2",
        "X-HTTP-Method-Override: PUT",
    )
    passing.send("/", *sent)
    assert sorted(_forwarded(passing)) == sorted(
        (name, value.strip()) for name, _, value in (line.partition(":") for line in sent)
    )
    repeated = [header for header in _forwarded(passing) if header[0].lower() == "x-custom"]
    assert repeated == [("X-Custom", "1"), ("x-CUSTOM", "2"), ("X-Custom", "3")]


@pytest.mark.parametrize(
    "target",
    ["/", "/a%2Fb/%7E?x=1&x=2&&y", "//a//b", "/a/../b/./c", "/?", "/?a=%00%20+&b", "/é?ü=ö"],
)
def test_a_target_reaches_the_origin_as_it_was_sent(passing: RunningEdge, target: str) -> None:
    passing.send(target)
    assert passing.origin.last.target == target


@pytest.mark.parametrize(
    "header",
    [
        "Expect: 100-continue",
        "TE: trailers",
        "Trailer: X-Checksum",
        "Proxy-Authorization: Basic abc",
        "Proxy-Connection: keep-alive",
        "X-Forwarded-Proto: https",
        "X-Real-IP: 192.0.2.1",
        "Upgrade: h2c",
        "X-Edge-Host: elsewhere.example",
        "X-Edge-Anything: 1",
    ],
)
def test_a_header_that_cloudfront_removes_does_not_arrive(
    passing: RunningEdge, header: str
) -> None:
    passing.send("/", header)
    assert _forwarded(passing) == []
    assert passing.origin.last.values("host") == [API]


def test_what_cloudfront_adds_is_there(passing: RunningEdge) -> None:
    answer = passing.send("/", "X-Forwarded-For: 192.0.2.4,192.0.2.3", "Via: 1.1 mine")
    received = passing.origin.last
    assert received.values("x-forwarded-for") == ["192.0.2.4,192.0.2.3,127.0.0.1"]
    assert received.values("via") == ["1.1 mine, 1.1 edge1.cloudfront.net (CloudFront)"]
    assert received.values("connection") == ["Keep-Alive"]
    assert received.values("x-amz-cf-id") == answer.values("x-amz-cf-id")
    assert len(received.values("x-amz-cf-id")[0]) == 56
    assert answer.values("via") == ["1.1 edge1.cloudfront.net (CloudFront)"]
    assert answer.values("x-amz-cf-pop") == ["LAB1-P1"]
    assert answer.values("x-cache") == ["Miss from cloudfront"]


def test_every_request_has_an_id_of_its_own(passing: RunningEdge) -> None:
    ids = {passing.send().value("x-amz-cf-id") for _ in range(5)}
    assert len(ids) == 5


def test_an_ipv6_viewer_is_named_without_brackets(tmp_path: Path) -> None:
    chosen = behavior(OriginRequestPolicyId=ALL_VIEWER_AND_CLOUDFRONT)
    with _run(tmp_path, DefaultCacheBehavior=chosen) as node:
        viewer = node.viewer(address="::1")
        port = viewer.getsockname()[1]
        node.send(on=viewer)
        received = node.origin.last
        assert received.values("x-forwarded-for") == ["::1"]
        assert received.values("cloudfront-viewer-address") == [f"::1:{port}"]
        address, _, viewer_port = received.values("cloudfront-viewer-address")[0].rpartition(":")
        assert (IPv6Address(address), int(viewer_port)) == (IPv6Address("::1"), port)


def test_all_viewer_and_cloudfront_headers_tell_of_the_viewer(tmp_path: Path) -> None:
    chosen = behavior(OriginRequestPolicyId=ALL_VIEWER_AND_CLOUDFRONT)
    with _run(tmp_path, DefaultCacheBehavior=chosen) as node:
        node.send("/", "User-Agent: Mozilla (iPhone; Mobile)", "CloudFront-Viewer-Country: XX")
        headers = {
            name: value
            for name, value in node.origin.last.headers
            if name.startswith("CloudFront-") and name != "CloudFront-Viewer-Address"
        }
        tls = headers.pop("CloudFront-Viewer-TLS")
        assert tls.startswith("TLSv1.3:TLS_AES")
        assert tls.endswith(":fullHandshake")
        assert headers == {
            "CloudFront-Forwarded-Proto": "https",
            "CloudFront-Viewer-Http-Version": "1.1",
            "CloudFront-Is-Android-Viewer": "false",
            "CloudFront-Is-Desktop-Viewer": "false",
            "CloudFront-Is-IOS-Viewer": "true",
            "CloudFront-Is-Mobile-Viewer": "true",
            "CloudFront-Is-SmartTV-Viewer": "false",
            "CloudFront-Is-Tablet-Viewer": "false",
        }
        node.send("/", tls=False)
        assert node.origin.last.values("cloudfront-forwarded-proto") == ["http"]
        assert node.origin.last.values("cloudfront-viewer-tls") == []


_SENT = (
    "Accept: */*",
    "Accept-Encoding: br, gzip",
    "Accept-Language: de",
    "Authorization: Basic abc",
    "Cookie: a=1; b=2; c=3",
    "Origin: https://example.org",
    "Referer: https://example.org/",
    "User-Agent: test/1",
    "X-Custom: 1",
    "If-None-Match: 1",
)

_OWN_AGENT = ("User-Agent", "Amazon CloudFront")

_FORWARDING: dict[str, tuple[dict[str, Any], str, list[tuple[str, str]], str]] = {
    "nothing chosen": (
        behavior(OriginRequestPolicyId=""),
        ORIGIN,
        [("If-None-Match", "1"), _OWN_AGENT],
        "/p",
    ),
    "all but Host": (
        behavior(OriginRequestPolicyId=ALL_VIEWER_EXCEPT_HOST),
        ORIGIN,
        [(name, value) for name, _, value in (line.partition(": ") for line in _SENT)],
        "/p?a=1&b=2&a=3",
    ),
    "a list": (
        behavior(OriginRequestPolicyId="mine"),
        ORIGIN,
        [
            ("Authorization", "Basic abc"),
            ("Cookie", "a=1; c=3"),
            ("If-None-Match", "1"),
            _OWN_AGENT,
            ("X-Custom", "1"),
        ],
        "/p?a=1&a=3",
    ),
    "all but a list": (
        behavior(OriginRequestPolicyId="others"),
        API,
        [
            ("Accept", "*/*"),
            ("Accept-Encoding", "br, gzip"),
            ("Accept-Language", "de"),
            ("Cookie", "a=1; b=2"),
            ("If-None-Match", "1"),
            ("Origin", "https://example.org"),
            ("Referer", "https://example.org/"),
            ("User-Agent", "test/1"),
            ("X-Custom", "1"),
        ],
        "/p?b=2",
    ),
    "what is in the cache key": (
        behavior(CachePolicyId="keyed", OriginRequestPolicyId=""),
        ORIGIN,
        [
            ("Accept-Encoding", "br,gzip"),
            ("Cookie", "b=2"),
            ("If-None-Match", "1"),
            _OWN_AGENT,
            ("X-Custom", "1"),
        ],
        "/p?b=2",
    ),
    "older settings, nothing chosen": (
        legacy(),
        ORIGIN,
        [
            ("Accept-Encoding", "gzip"),
            ("If-None-Match", "1"),
            ("Origin", "https://example.org"),
            _OWN_AGENT,
            ("X-Custom", "1"),
        ],
        "/p",
    ),
    "older settings, a list": (
        legacy(
            Headers=listed(["Authorization", "Host", "User-Agent"]),
            Cookies={"Forward": "whitelist", "WhitelistedNames": listed(["b"])},
            QueryString=True,
        ),
        API,
        [
            ("Accept-Encoding", "gzip"),
            ("Authorization", "Basic abc"),
            ("Cookie", "b=2"),
            ("If-None-Match", "1"),
            ("Origin", "https://example.org"),
            ("User-Agent", "test/1"),
            ("X-Custom", "1"),
        ],
        "/p?a=1&b=2&a=3",
    ),
    "older settings, everything": (
        legacy(Headers=listed(["*"]), Cookies={"Forward": "all"}, QueryString=True),
        API,
        [(name, value) for name, _, value in (line.partition(": ") for line in _SENT)],
        "/p?a=1&b=2&a=3",
    ),
}

_REQUEST_POLICIES = {
    "mine": {
        "HeadersConfig": {
            "HeaderBehavior": "whitelist",
            "Headers": listed(["x-custom", "AUTHORIZATION"]),
        },
        "CookiesConfig": {"CookieBehavior": "whitelist", "Cookies": listed(["a", "c"])},
        "QueryStringsConfig": {
            "QueryStringBehavior": "whitelist",
            "QueryStrings": listed(["a"]),
        },
    },
    "others": {
        "HeadersConfig": {"HeaderBehavior": "allExcept", "Headers": listed(["Authorization"])},
        "CookiesConfig": {"CookieBehavior": "allExcept", "Cookies": listed(["c"])},
        "QueryStringsConfig": {"QueryStringBehavior": "allExcept", "QueryStrings": listed(["a"])},
    },
}

_CACHE_POLICIES = {
    "keyed": {
        "MinTTL": 0,
        "DefaultTTL": 0,
        "MaxTTL": 1,
        "ParametersInCacheKeyAndForwardedToOrigin": {
            "EnableAcceptEncodingGzip": True,
            "EnableAcceptEncodingBrotli": True,
            "HeadersConfig": {"HeaderBehavior": "whitelist", "Headers": listed(["X-Custom"])},
            "CookiesConfig": {"CookieBehavior": "whitelist", "Cookies": listed(["b"])},
            "QueryStringsConfig": {
                "QueryStringBehavior": "whitelist",
                "QueryStrings": listed(["b"]),
            },
        },
    }
}


@pytest.fixture(scope="module")
def choosing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEdge]:
    """Run one distribution for each way to choose what is forwarded."""
    ways = [
        distribution(f"E{number}", [f"w{number}.example.com"], DefaultCacheBehavior=chosen)
        for number, (chosen, *_) in enumerate(_FORWARDING.values())
    ]
    what = deployed(
        *ways, cache_policies=_CACHE_POLICIES, origin_request_policies=_REQUEST_POLICIES
    )
    with edge(tmp_path_factory.mktemp("edge"), what) as made:
        yield made


@pytest.mark.parametrize("way", _FORWARDING)
def test_only_what_is_chosen_is_forwarded(choosing: RunningEdge, way: str) -> None:
    _, host, expected, target = _FORWARDING[way]
    name = f"w{list(_FORWARDING).index(way)}.example.com"
    choosing.send("/p?a=1&b=2&a=3", *_SENT, host=name, tls=False)
    assert sorted(_forwarded(choosing)) == sorted(expected)
    assert choosing.origin.last.target == target
    assert choosing.origin.last.values("host") == [name if host == API else ORIGIN]


def test_older_settings_let_authorization_of_writes_through(choosing: RunningEdge) -> None:
    name = f"w{list(_FORWARDING).index('older settings, nothing chosen')}.example.com"
    choosing.send("/", "Authorization: Basic abc", method="DELETE", host=name, tls=False)
    assert choosing.origin.last.values("authorization") == ["Basic abc"]


def test_a_body_keeps_its_type_where_nothing_is_chosen(choosing: RunningEdge) -> None:
    sent = ("Content-Type: application/json", "Content-Length: 2")
    choosing.send("/", *sent, method="POST", host="w0.example.com", body=b"{}", tls=False)
    assert choosing.origin.last.values("content-type") == ["application/json"]
    assert choosing.origin.last.body == b"{}"


def test_custom_origin_headers_replace_the_viewers(tmp_path: Path) -> None:
    headers = [{"HeaderName": "X-Origin-Secret", "HeaderValue": 'a"b\\c$d é'}]
    with _run(tmp_path, Origins=listed([origin(CustomHeaders=listed(headers))])) as node:
        node.send("/", "x-origin-secret: guess", "X-ORIGIN-SECRET: again")
        received = [
            header for header in node.origin.last.headers if header[0].lower() == "x-origin-secret"
        ]
        assert received == [("X-Origin-Secret", 'a"b\\c$d é'.encode().decode("latin-1"))]


def test_an_origin_path_comes_before_the_target(tmp_path: Path) -> None:
    with _run(tmp_path, Origins=listed([origin(OriginPath="/v1")])) as node:
        node.send("/a?b=c")
        assert node.origin.last.target == "/v1/a?b=c"


def test_a_default_root_object_stands_for_the_root_alone(tmp_path: Path) -> None:
    with _run(tmp_path, DefaultRootObject="index.html") as node:
        for target in ("/", "/?a=b", "/a/"):
            node.send(target)
        targets = [received.target for received in node.origin.received]
        assert targets == ["/index.html", "/index.html?a=b", "/a/"]


def test_a_request_goes_by_the_first_pattern_that_matches(tmp_path: Path) -> None:
    def to(name: str, pattern: str) -> dict[str, Any]:
        return behavior(TargetOriginId=name, PathPattern=pattern)

    origins = [origin()] + [origin(Id=name, OriginPath=f"/{name}") for name in ("x", "y", "z")]
    ordered = [to("x", "images/*.jpg"), to("y", "/images/*"), to("z", "/a?c.(d)+")]
    changes: dict[str, Any] = {"Origins": listed(origins), "CacheBehaviors": listed(ordered)}
    with _run(tmp_path, **changes) as node:
        cases = {
            "/images/a/b.jpg?q": "/x/images/a/b.jpg?q",
            "/images/b.JPG": "/y/images/b.JPG",
            "/images": "/images",
            "/abc.(d)+": "/z/abc.(d)+",
            "/ac.(d)+": "/ac.(d)+",
            "/other/images/a.jpg": "/other/images/a.jpg",
        }
        forwarded = {}
        for target in cases:
            node.send(target)
            forwarded[target] = node.origin.last.target
        assert forwarded == cases


def test_a_large_body_arrives_whole(passing: RunningEdge) -> None:
    body = bytes(range(256)) * 20_000
    passing.send("/", f"Content-Length: {len(body)}", method="PUT", body=body)
    assert passing.origin.last.body == body


def test_a_chunked_body_arrives_whole(passing: RunningEdge) -> None:
    body = b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    passing.send("/", "Transfer-Encoding: chunked", method="POST", body=body)
    assert passing.origin.last.body == b"abcde"


@pytest.mark.parametrize("method", ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"])
def test_each_of_seven_methods_passes(passing: RunningEdge, method: str) -> None:
    assert passing.send("/m", method=method).status == 200
    assert passing.origin.last.line == f"{method} /m HTTP/1.1"
