"""Every registered field, in requests and in answers, dozens in each.

What is left out is named with the reason. A registered field that is neither sent nor left out
cannot be: what is sent is the registry without what is left out.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from rollout.requests.kind_group import KindGroup
from rollout.requests.registries import FIELD_NAMES
from rollout.requests.request_kinds import RequestKind, answer_header

AT_ONCE: Final = 55
"""Fields of one request: HAProxy takes 101 headers and Apache 100, and as many names and values of
an answer have to fit a URL of half of CloudFront's 8,192 bytes."""

VALUE: Final = "verify"
"""The value of a field whose form nobody between client and API looks at."""

_MOMENT: Final = "Wed, 21 Oct 2015 07:28:00 GMT"

VALUES: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        (
            *("Accept-Datetime", "Cert-Not-After", "Cert-Not-Before", "Date", "Expires"),
            *("Last-Modified", "Memento-Datetime", "Repeatability-First-Sent", "Sunset"),
        ),
        _MOMENT,
    ),
    **dict.fromkeys(("Access-Control-Max-Age", "Depth", "Max-Forwards", "Retry-After", "TTL"), "1"),
    **dict.fromkeys(("Origin", "Access-Control-Allow-Origin", "Timing-Allow-Origin"), "*"),
    "Accept-Charset": "utf-8",
    "Accept-Language": "en",
    "Access-Control-Allow-Credentials": "true",
    "Access-Control-Allow-Methods": "GET, PUT",
    "Access-Control-Request-Method": "PUT",
    "Allow": "GET, HEAD",
    "Alt-Svc": "clear",
    "Cache-Control": "no-cache",
    "Clear-Site-Data": '"cache"',
    "Content-Language": "de",
    "Content-Location": "/elsewhere",
    "DPoP": "eyJ0eXAi.eyJqdGki.c2ln",
    "ETag": '"verify"',
    "Early-Data": "1",
    "From": "tester@example.com",
    "Link": "<https://api.example.com/next>; rel=next",
    "Location": "https://elsewhere.example/a?b=c",
    "MIME-Version": "1.0",
    "Origin": "https://app.example.com",
    "Pragma": "no-cache",
    "Priority": "u=1",
    "Proxy-Authenticate": 'Basic realm="verify"',
    "Referer": "https://app.example.com/page",
    "Refresh": "3600",
    "Sec-GPC": "1",
    "SoapAction": '"urn:verify"',
    "Strict-Transport-Security": "max-age=300",
    "Traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "Tracestate": "vendor=1",
    "Vary": "X-Verify",
    "WWW-Authenticate": 'Basic realm="verify"',
    "Warning": '199 - "verify"',
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Values of fields that a server or proxy may read, or refuse where they have no such form."""

_CONNECTION: Final = "about one connection, not about the message (RFC 9110, 7.6.1)"
_FRAME: Final = "says how the message travels; bodies have kinds of their own"
_OWN: Final = "has kinds of its own"
_WEBSOCKET: Final = "of a WebSocket's handshake, which has a line of its own"

IN_NEITHER: Final[Mapping[str, str]] = {
    "Close": "reserved, not to be sent (RFC 9112, 9.6)",
    "Connection": _CONNECTION,
    "Content-Encoding": _OWN,
    "Content-Length": _FRAME,
    "Content-Range": _OWN,
    "Content-Type": _OWN,
    "HTTP2-Settings": _CONNECTION,
    "Keep-Alive": _CONNECTION,
    "Sec-WebSocket-Accept": _WEBSOCKET,
    "Sec-WebSocket-Extensions": _WEBSOCKET,
    "Sec-WebSocket-Key": _WEBSOCKET,
    "Sec-WebSocket-Protocol": _WEBSOCKET,
    "Sec-WebSocket-Version": _WEBSOCKET,
    "TE": _CONNECTION,
    "Trailer": _FRAME,
    "Transfer-Encoding": _FRAME,
    "Upgrade": _CONNECTION,
}
"""Fields that are neither sent nor answered here, each with the reason."""

NOT_SENT: Final[Mapping[str, str]] = {
    **IN_NEITHER,
    **dict.fromkeys(
        (
            *("Accept", "Accept-Encoding", "Authorization", "Cookie", "Expect", "Forwarded"),
            *("If-Match", "If-Modified-Since", "If-None-Match", "If-Range", "If-Unmodified-Since"),
            *("Range", "User-Agent", "Via"),
        ),
        _OWN,
    ),
    "Host": "the name that is verified",
}
"""Fields that are not sent here, each with the reason."""

NOT_ANSWERED: Final[Mapping[str, str]] = {
    **IN_NEITHER,
    "Age": "about caches; the cache checks read it",
    "Date": "the moment of each answer",
    "Server": "CloudFront names itself where there is none, and servers write their own",
    "Set-Cookie": _OWN,
    "Via": "each proxy adds itself; what arrives of the request's shows it",
}
"""Fields that the origin is not told to answer, each with the reason."""

SENT: Final = tuple(name for name in FIELD_NAMES if name not in NOT_SENT)
ANSWERED: Final = tuple(name for name in FIELD_NAMES if name not in NOT_ANSWERED)


UNREGISTERED: Final = (
    *("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X-Edge-Verify"),
    *("X-Original-URL", "X-Rewrite-URL", "X-Original-Host", "X-Client-IP", "True-Client-IP"),
    *("X-Request-ID", "X-Correlation-ID", "X-B3-TraceId", "X-B3-Sampled", "X-Cloud-Trace-Context"),
    *("X-Csrf-Token", "X-XSRF-TOKEN", "X-Auth-Token", "X-Access-Token", "X-Amz-Date"),
    *("X-Amz-Security-Token", "X-Amz-Content-Sha256", "X-Amz-Meta-Verify", "X-Goog-Api-Key"),
    *("X-Powered-By", "X-Robots-Tag", "X-UA-Compatible", "X-XSS-Protection", "X-DNS-Prefetch"),
    *("X-RateLimit-Limit", "X-RateLimit-Remaining", "RateLimit", "RateLimit-Policy"),
    *("X-Total-Count", "X-Pagination", "X-Content-Duration", "X-Download-Options"),
    *("Idempotency-Key", "Request-Range", "Purpose", "Save-Data", "Device-Memory", "DPR", "ECT"),
    *("Sec-CH-UA", "Sec-CH-UA-Mobile", "Sec-CH-UA-Platform", "Sec-Fetch-Dest", "Sec-Fetch-User"),
    *("Upgrade-Insecure-Requests", "Grpc-Timeout", "Surrogate-Key", "X-Varnish", "X-Served-By"),
    *("NEL-Verify", "Speculation-Rules", "No-Vary-Search", "SourceMap", "Server-Verify"),
)
"""Fields that nobody registered and that clients, frameworks, proxies or firewalls use."""


def _batches(names: Sequence[str]) -> list[tuple[tuple[str, str], ...]]:
    return [
        tuple((name, VALUES.get(name, VALUE)) for name in names[start : start + AT_ONCE])
        for start in range(0, len(names), AT_ONCE)
    ]


def _kinds() -> tuple[RequestKind, ...]:
    sent, answered = _batches(SENT), _batches(ANSWERED)
    count = max(len(sent), len(answered))
    sent += [()] * (count - len(sent))
    return tuple(
        RequestKind(
            f"fields-{number + 1}",
            directives=tuple(
                answer_header(*each) for each in answered[number : number + 1] for each in each
            ),
            headers=sent[number],
            batch=True,
        )
        for number in range(count)
    )


GROUP: Final = KindGroup(
    "fields-registered",
    _kinds(),
    f"{len(SENT)} registered fields sent, {len(ANSWERED)} answered",
)


UNREGISTERED_GROUP: Final = KindGroup(
    "fields-unregistered",
    tuple(
        RequestKind(
            f"fields-unregistered-{number + 1}",
            directives=tuple(answer_header(*each) for each in batch),
            headers=batch,
            batch=True,
        )
        for number, batch in enumerate(_batches(UNREGISTERED))
    ),
    f"{len(UNREGISTERED)} fields that nobody registered, sent and answered",
)
