"""The request catalogue: requests of an API's clients that an edge could alter.

Data only. Each kind is one request against a path that echoes, and what makes its answer right.
What is sent is chosen so that no documented difference can hide an undocumented one: every request
has a `User-Agent` (CloudFront names itself where there is none) and every body a `Content-Type`
(CloudFront adds one to a POST without), and no GET has a body (CloudFront refuses it; that is a
hazard, and checked as one).
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

from rollout.probe.model import HttpRequest
from rollout.requests.catalogue import IDEMPOTENT
from rollout.requests.registries import METHODS

ANSWER_SECONDS: Final = 10.0
"""How long an answer of the catalogue may take; the slowest needs about one."""

COMMON: Final = (("User-Agent", "dualstack-verify/1"), ("Accept", "*/*"))

RUN_HEADER: Final = "X-Run"
"""A header that the origin is told to answer with, and that nobody looks at: so each run has URLs
of its own, and no answer that a cache kept of an earlier one fits."""

JSON_BODY: Final = b'{"name": "caf\xc3\xa9", "amount": 12.5}'

LARGE_BYTES: Final = 2**18
"""Length of the large bodies: above every buffer that proxies keep in memory (nginx 16 KiB, ALB
and CloudFront stream), and cheap enough to be sent on every way."""

LARGE_BODY: Final = b"".join(
    hashlib.sha256(number.to_bytes(4)).digest() for number in range(LARGE_BYTES // 32)
)
"""Bytes that do not compress and do not repeat, the same in every run."""

LARGE_HEADER: Final = "".join(f"{number:07d}." for number in range(750))
"""6,000 characters; two of them and the rest stay below CloudFront's 20,480 bytes and below 8 KiB
for one line, which nginx and classic load balancers hold."""

LONGEST_HEADER: Final = LARGE_HEADER * 2
"""12,000 characters in one line, such as a token or many cookies: application load balancers hold
16 KiB and CloudFront 20,480 bytes of all, and nginx by default 8 KiB. What direct refuses is no
fault elsewhere."""

PIECES: Final = 5
INTERVAL_SECONDS: Final = 0.12

_REGISTERED_IDEMPOTENT: Final = frozenset(each.name for each in METHODS if each.idempotent)

STATUSES: Final = (
    *(204, 304, 400, 401, 403, 404, 405, 409, 410, 412, 416, 418, 422, 429),
    *(500, 501, 502, 503, 504),
)

REDIRECTS: Final = (301, 302, 303, 307, 308)


@dataclass(frozen=True)
class RequestKind:
    """One kind of request."""

    name: str
    """Its name, which is the check's: `headers-custom`."""
    method: str = "GET"
    """The method."""
    directives: tuple[tuple[str, str], ...] = ()
    """How the echo answers, names and values before they are encoded."""
    path: str | None = None
    """What follows the echo path, exactly as it goes onto the wire; None: the directives."""
    query: str = ""
    """The query string, exactly as it goes onto the wire, with its `?`."""
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Headers after the common ones; one of a common name replaces that."""
    body: bytes | tuple[bytes, ...] | None = field(default=None, repr=False)
    """The body, as in `Request`."""
    http2: bool = False
    """Whether HTTP/2 is offered."""
    status: int = 200
    """The status that the origin answers with."""
    exact_names: bool = False
    """Whether the case of header names is looked at: it means nothing to HTTP (RFC 9110, 5.1), and
    something to an API that was never behind anything."""
    streams: bool = False
    """Whether the pieces of the answer must arrive as they are sent."""
    batch: bool = False
    """Whether it tries many things at once, so that a refusal does not say which of them."""

    @property
    def idempotent(self) -> bool:
        """Whether it may be sent without the user's permission."""
        return self.method in IDEMPOTENT or self.method in _REGISTERED_IDEMPOTENT

    def request(
        self, echo: str, run: str = "", names: Mapping[str, str] | None = None
    ) -> HttpRequest:
        """Return the request.

        Args:
            echo: Path below which the origin echoes, without a `/` at its end.
            run: What makes its URL another one than that of any earlier run, whose answer a cache
                may have; empty: nothing does.
            names: Values of `{hostname}` and `{direct}` in what the origin is to answer.
        """
        own = {name.lower() for name, _ in self.headers}
        common = tuple(each for each in COMMON if each[0].lower() not in own)
        directives = tuple((name, _named(value, names or {})) for name, value in self.directives)
        return HttpRequest(
            self.method,
            f"{echo}{self._path_and_query(directives, run)}",
            (*common, *self.headers),
            self.body,
            self.http2,
            ANSWER_SECONDS,
        )

    def _path_and_query(self, directives: Sequence[tuple[str, str]], run: str) -> str:
        if self.path == "/":
            return f"/{self.query or '?'}run={run}" if run else f"/{self.query}"
        mark = (("header", f"{RUN_HEADER}:{run}"),) if run else ()
        if self.path is None:
            return f"{segment((*directives, *mark))}{self.query}"
        return f"{self.path}{segment(mark).replace('/', ';', 1)}{self.query}"


def _named(value: str, names: Mapping[str, str]) -> str:
    for name, own in names.items():
        value = value.replace(f"{{{name}}}", own)
    return value


def segment(directives: Sequence[tuple[str, str]]) -> str:
    """Return the path segment that sets how an echo answers, with the `/` before it."""
    if not directives:
        return ""
    return "/" + ";".join(f"{name}={quote(value, safe='')}" for name, value in directives)


def answer_header(name: str, value: str) -> tuple[str, str]:
    """Return the directive that has the origin answer with a header."""
    return ("header", f"{name}:{value}")


_JSON: Final = (("Content-Type", "application/json"),)
_BYTES: Final = (("Content-Type", "application/octet-stream"),)

_SEVEN_METHODS: Final = (
    RequestKind("method-get"),
    RequestKind("method-head", "HEAD"),
    RequestKind("method-options", "OPTIONS", headers=(("Origin", "https://app.example.com"),)),
    RequestKind("method-post", "POST", headers=_JSON, body=JSON_BODY),
    RequestKind("method-put", "PUT", headers=_JSON, body=JSON_BODY),
    RequestKind("method-patch", "PATCH", headers=_JSON, body=JSON_BODY),
    RequestKind("method-delete", "DELETE"),
)

_HEADERS: Final = (
    RequestKind(
        "headers-ordinary",
        headers=(
            ("Accept", "application/json;q=0.9, */*;q=0.1"),
            ("Accept-Language", "de-CH, en;q=0.5"),
            ("Accept-Encoding", "gzip, deflate, br, zstd"),
            ("Cache-Control", "no-cache"),
            ("Pragma", "no-cache"),
            ("Origin", "https://app.example.com"),
            ("Referer", "https://app.example.com/page?a=1&b=2"),
            ("DNT", "1"),
            ("From", "tester@example.com"),
            ("Priority", "u=1, i"),
            ("Sec-Fetch-Mode", "cors"),
            ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        ),
    ),
    RequestKind(
        "headers-repeated",
        directives=(answer_header("X-Answer", "one"), answer_header("X-Answer", "two")),
        headers=(
            ("X-Item", "one"),
            ("X-Between", "1"),
            ("X-Item", "two, three"),
            ("X-Item", "one"),
        ),
    ),
    RequestKind(
        "headers-custom",
        directives=(answer_header("X-Request-Cost", "12"),),
        headers=(
            ("X-Platform", "ios/17.4"),
            ("X-Version", "3.2.1"),
            ("X-Device-Id", "6f0c1f0e-9d5a-4a52-8c4e-0a4a4c8a9f3d"),
            ("X-Api-Key", "not-a-real-key"),
            ("X-Requested-With", "XMLHttpRequest"),
            ("X-Quoted", '"a \\"b\\"", c=d; e'),
            ("Idempotency-Key", "8e03978e-40d5-43dd-bc93-6894a57f9324"),
        ),
    ),
    RequestKind(
        "headers-odd-case",
        directives=(answer_header("x-AnSwEr-cAsE", "kept"),),
        headers=(("x-lower", "1"), ("X-UPPER", "2"), ("x-MiXeD-cAsE", "3"), ("XSingle", "4")),
        exact_names=True,
    ),
    RequestKind(
        "headers-large", headers=(("X-Large", LARGE_HEADER), ("X-Larger", LARGE_HEADER[::-1]))
    ),
    RequestKind("headers-longest", headers=(("X-Longest", LONGEST_HEADER),)),
    RequestKind("headers-many", headers=tuple((f"X-Many-{n}", f"value {n}") for n in range(40))),
    RequestKind(
        "headers-authorization", headers=(("Authorization", "Bearer bm90LWEtcmVhbC10b2tlbg=="),)
    ),
    RequestKind(
        "headers-authorization-basic",
        headers=(("Authorization", "Basic dXNlcjpwYXNzOndvcmQ="),),
    ),
    RequestKind(
        "headers-conditional",
        headers=(
            ("If-None-Match", '"a", W/"b"'),
            ("If-Modified-Since", "Wed, 21 Oct 2015 07:28:00 GMT"),
        ),
    ),
    RequestKind(
        "headers-forwarding",
        headers=(
            ("X-Forwarded-For", "192.0.2.7, 2001:db8::7"),
            ("X-Forwarded-Proto", "http"),
            ("X-Real-IP", "192.0.2.7"),
            ("X-Forwarded-Host", "other.example.com"),
            ("Forwarded", 'for=192.0.2.7;proto=http;by="[2001:db8::7]"'),
            ("Via", "1.1 first.example.com"),
        ),
    ),
    RequestKind(
        "headers-hop-by-hop",
        headers=(("TE", "trailers"), ("X-End-To-End", "kept"), ("Connection", "keep-alive")),
    ),
)

_COOKIES: Final = (
    RequestKind(
        "cookies-one-header",
        directives=(
            answer_header("Set-Cookie", "session=abc; Path=/; HttpOnly; Secure"),
            answer_header("Set-Cookie", "theme=dark; Expires=Wed, 21 Oct 2099 07:28:00 GMT"),
        ),
        headers=(("Cookie", 'session=abc123; theme="dark mode"; empty=; zz=1; a=2; a=3'),),
    ),
    RequestKind("cookies-two-headers", headers=(("Cookie", "one=1; two=2"), ("Cookie", "three=3"))),
)

_TARGETS: Final = (
    RequestKind(
        "query-encoded", query="?text=caf%C3%A9+%2B%20%26%3D&path=a%2Fb&lower=%c3%a9&pct=100%25"
    ),
    RequestKind("query-repeated", query="?id=3&id=1&x=2&id=2&x=1"),
    RequestKind(
        "query-odd", query="?flag&empty=&=nameless&&a;b=c&list[]=1&u=https://x.example/?y=z"
    ),
    RequestKind("query-large", query="?q=" + "0123456789" * 300),
    RequestKind("path-trailing-slash", path="/"),
    RequestKind("path-double-slash", path="/header=X-Path:a//b///c"),
    RequestKind("path-dot-segments", path="/header=X-Path:a/./b/../c"),
    RequestKind("path-encoded-slash", path="/header=X-Path:a%2Fb%2f..%2Fc"),
    RequestKind("path-encoded-letters", path="/header=X-Path:%61%7E%2D%5F%2e%2A%3B%40"),
    RequestKind("path-unicode", path="/header=X-Path:%C3%A9t%C3%A9-%E6%97%A5"),
    RequestKind("path-odd-case", path="/header=X-Path:MiXeD-%e2%82%AC"),
)

_BODIES: Final = (
    RequestKind("body-empty", "PUT", headers=_BYTES, body=b""),
    RequestKind("body-binary", "PUT", headers=_BYTES, body=bytes(range(256))),
    RequestKind("body-large", "PUT", headers=_BYTES, body=LARGE_BODY),
    RequestKind(
        "body-chunked", "PUT", headers=_BYTES, body=(b"a", b"bc" * 500, b"\r\n0\r\n\r\n", b"d")
    ),
    RequestKind(
        "body-encoded", "PUT", headers=(*_JSON, ("Content-Encoding", "gzip")), body=b"\x1f\x8b"
    ),
    RequestKind("body-on-delete", "DELETE", headers=_JSON, body=JSON_BODY),
    RequestKind(
        "expect-continue",
        "PUT",
        headers=(*_BYTES, ("Expect", "100-continue")),
        body=b"sent at once, as RFC 9110, 10.1.1 allows",
    ),
)

_ANSWERS: Final = (
    *(
        RequestKind(
            f"status-{status}",
            directives=(("status", str(status)),),
            # 304 answers a condition; the origin gives it whatever the condition says.
            headers=(("If-None-Match", '"mine"'),) if status == 304 else (),  # noqa: PLR2004
            status=status,
        )
        for status in STATUSES
    ),
    *(
        RequestKind(
            f"redirect-{status}",
            directives=(
                ("status", str(status)),
                answer_header("Location", "https://elsewhere.example/a%2Fb?c=d#e"),
            ),
            status=status,
        )
        for status in REDIRECTS
    ),
    RequestKind(
        "redirect-relative",
        directives=(("status", "302"), answer_header("Location", "../x?y")),
        status=302,
    ),
    RequestKind(
        "answer-headers",
        directives=(
            answer_header("Cache-Control", "private, max-age=0"),
            answer_header("ETag", 'W/"answer"'),
            answer_header("Last-Modified", "Wed, 21 Oct 2015 07:28:00 GMT"),
            answer_header("Vary", "Origin"),
            answer_header("Access-Control-Allow-Origin", "*"),
            answer_header("Content-Disposition", 'attachment; filename="a b.txt"'),
            answer_header("Link", "<https://api.example.com/next>; rel=next"),
            answer_header("WWW-Authenticate", 'Basic realm="x"'),
            answer_header("X-Custom", "answer"),
        ),
    ),
    RequestKind("answer-large", directives=(("size", str(LARGE_BYTES)),)),
    RequestKind("answer-empty", directives=(("size", "0"),)),
    RequestKind("answer-chunked", directives=(("size", "50000"), ("chunks", str(PIECES)))),
    RequestKind(
        "range",
        directives=(("size", "1000"), ("range", "on")),
        headers=(("Range", "bytes=10-19"),),
        status=206,
    ),
    RequestKind(
        "range-suffix",
        directives=(("size", "1000"), ("range", "on")),
        headers=(("Range", "bytes=-7"),),
        status=206,
    ),
    RequestKind(
        "range-if-range",
        directives=(("size", "1000"), ("range", "on")),
        headers=(("Range", "bytes=10-19"), ("If-Range", '"something else"')),
    ),
    RequestKind(
        "range-unsatisfiable",
        directives=(("size", "1000"), ("range", "on")),
        headers=(("Range", "bytes=5000-"),),
        status=416,
    ),
    RequestKind(
        "encoding-gzip", directives=(("encoding", "gzip"),), headers=(("Accept-Encoding", "gzip"),)
    ),
    RequestKind(
        "encoding-br", directives=(("encoding", "gzip"),), headers=(("Accept-Encoding", "br"),)
    ),
    RequestKind(
        "encoding-identity",
        directives=(("encoding", "gzip"),),
        headers=(("Accept-Encoding", "identity"),),
    ),
    RequestKind(
        "encoding-none", directives=(("size", "20000"), answer_header("Content-Type", "text/html"))
    ),
    RequestKind(
        "streaming",
        directives=(
            ("size", "50"),
            ("chunks", str(PIECES)),
            ("interval", f"{INTERVAL_SECONDS:g}"),
        ),
        streams=True,
    ),
)

_HTTP2: Final = (
    RequestKind(
        "http2-get",
        headers=(("x-custom", "1"), ("cookie", "a=1"), ("cookie", "b=2"), ("te", "trailers")),
        query="?a=1&a=2",
        http2=True,
    ),
    # Within one window of HTTP/2 (65,535 bytes): a server that refuses at once opens no other, and
    # httpcore would wait for it instead of reading the answer.
    RequestKind("http2-body", "PUT", headers=_BYTES, body=LARGE_BODY[:60_000], http2=True),
)

KINDS: Final = (*_SEVEN_METHODS, *_HEADERS, *_COOKIES, *_TARGETS, *_BODIES, *_ANSWERS, *_HTTP2)
"""Every kind that is one request; keep-alive and WebSocket take more than one and are apart."""

WEBSOCKET_MESSAGES: Final = ("text é", b"\x00\xff" * 100, "x" * 70_000, "")
"""Text, binary, one that needs a 64-bit length, and an empty one."""
