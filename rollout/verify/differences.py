"""The differences that documentation explains, and how each is recognised. Pure.

An edge may change a request or an answer only in ways that its vendor or HTTP itself documents.
Each is a `DocumentedDifference` with a name and a source. The list does not grow by observation:
headers that "proxies usually add" would let through the one that breaks the API.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final

from rollout.probe.model import Path, Scheme

FACTS: Final = "CloudFront Developer Guide, Request and response behavior for custom origins"
MANAGED: Final = "CloudFront Developer Guide, managed origin request policies"
BALANCER: Final = "Elastic Load Balancing guides, HTTP headers and load balancers"
STICKY: Final = "Elastic Load Balancing guides, sticky sessions"


@dataclass(frozen=True)
class HeaderChange:
    """The values of one header name, before and after."""

    name: str
    """In lower case."""
    sent: tuple[str, ...] = field(repr=False)
    received: tuple[str, ...] = field(repr=False)
    http2: bool = False
    """Whether the client spoke HTTP/2."""
    port: str = "443"
    """The port it was sent to."""
    scheme: Scheme = "https"
    """Whether TLS was spoken there."""
    is_baseline: bool = False
    """Whether this is direct over IPv4, with which everything else is compared."""

    @property
    def added(self) -> tuple[str, ...] | None:
        """The items appended to the list of values; None where the list does not start as sent."""
        before, after = _list(self.sent), _list(self.received)
        if len(after) <= len(before) or after[: len(before)] != before:
            return None
        return after[len(before) :]


@dataclass(frozen=True)
class DocumentedDifference:
    """A documented difference."""

    name: str
    """Its name."""
    source: str
    """Where it is documented."""
    explains: Callable[[HeaderChange], bool]
    """Says whether it explains a change of one header."""
    paths: tuple[Path, ...] = ("direct", "cdn")
    """The paths it is documented for. The cdn path ends at the load balancer too."""


def _list(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(item.strip() for value in values for item in value.split(",") if item.strip())


def _is_address(text: str) -> bool:
    """Say whether an item of X-Forwarded-For is an address, with a port or without."""
    plain = text.strip("[]")
    try:
        ip_address(plain)
    except ValueError:
        host, colon, port = text.rpartition(":")
        try:
            ip_address(host.strip("[]"))
        except ValueError:
            return False
        return bool(colon) and port.isdigit()
    return True


def _gone(*names: str) -> Callable[[HeaderChange], bool]:
    return lambda change: change.name in names and bool(change.sent) and not change.received


def _one(name: str, pattern: str) -> Callable[[HeaderChange], bool]:
    """Return a predicate: a header has one value of a form, whatever was sent."""
    form = re.compile(pattern, re.IGNORECASE)
    return lambda change: (
        change.name == name
        and len(change.received) == 1
        and form.fullmatch(change.received[0]) is not None
    )


def _new(name: str, pattern: str) -> Callable[[HeaderChange], bool]:
    """Return a predicate: a header was added, with one value of a form."""
    one = _one(name, pattern)
    return lambda change: one(change) and not change.sent


def _forwarded(
    name: str, pattern: str, truth: Callable[[HeaderChange], str]
) -> Callable[[HeaderChange], bool]:
    """Return a predicate: the load balancer set a header about the client's connection.

    On the baseline any value is right, because the API gets it today. Elsewhere the value has to be
    the truth: an API that reads `http` there redirects its users in a circle.
    """
    one = _one(name, pattern)
    return lambda change: (
        one(change) and (change.is_baseline or change.received == (truth(change),))
    )


def _appended(name: str, item: Callable[[str], bool]) -> Callable[[HeaderChange], bool]:
    return lambda change: (
        change.name == name and change.added is not None and all(map(item, change.added))
    )


def _joined(change: HeaderChange) -> bool:
    return change.name not in ("cookie", "set-cookie") and (
        len(change.sent) > 1
        and len(change.received) == 1
        and _list(change.sent) == _list(change.received)
    )


def _cookies_joined(change: HeaderChange) -> bool:
    return change.name == "cookie" and change.received == ("; ".join(change.sent),)


def _lengths(change: HeaderChange) -> bool:
    """Say whether a header is one of those that say how a body travels.

    The hash shows whether the body is the same. A received Content-Length must be one number.
    """
    if change.name == "transfer-encoding":
        return all(value.lower() == "chunked" for value in change.received)
    return change.name == "content-length" and len(change.received) <= 1


VIA: Final = re.compile(r"(https?/)?\d(\.\d)?\s+\S+(\s+\([^()]*\))?", re.IGNORECASE)
"""One item of Via. Source: RFC 9110, 7.6.3."""


def _is_via(item: str) -> bool:
    return VIA.fullmatch(item) is not None


def _is_cloudfront_via(item: str) -> bool:
    return _is_via(item) and "cloudfront" in item.lower()


_CDN: Final[tuple[Path, ...]] = ("cdn",)

REQUEST_DIFFERENCES: Final = (
    DocumentedDifference(
        "x-forwarded-for-appended",
        f"{FACTS}; {BALANCER}",
        _appended("x-forwarded-for", _is_address),
    ),
    DocumentedDifference("via-added", FACTS, _appended("via", _is_cloudfront_via), _CDN),
    DocumentedDifference("x-amz-cf-id-added", FACTS, _new("x-amz-cf-id", r"[\w=+/-]+"), _CDN),
    DocumentedDifference("connection-keep-alive", FACTS, _one("connection", "keep-alive"), _CDN),
    DocumentedDifference("expect-removed", FACTS, _gone("expect"), _CDN),
    DocumentedDifference("te-removed", FACTS, _gone("te"), _CDN),
    DocumentedDifference("trailer-removed", FACTS, _gone("trailer"), _CDN),
    DocumentedDifference("upgrade-removed", FACTS, _gone("upgrade"), _CDN),
    DocumentedDifference("x-real-ip-removed", FACTS, _gone("x-real-ip"), _CDN),
    DocumentedDifference("x-forwarded-proto-removed", FACTS, _gone("x-forwarded-proto"), _CDN),
    DocumentedDifference(
        "x-http-method-override-removed", FACTS, _gone("x-http-method-override"), _CDN
    ),
    DocumentedDifference(
        "x-edge-headers-removed",
        FACTS,
        lambda change: change.name.startswith("x-edge-") and not change.received,
        _CDN,
    ),
    DocumentedDifference(
        "proxy-headers-removed",
        FACTS,
        lambda change: change.name.startswith("proxy-") and not change.received,
        _CDN,
    ),
    DocumentedDifference(
        "cloudfront-headers-added",
        MANAGED,
        lambda change: change.name.startswith("cloudfront-") and not change.sent,
        _CDN,
    ),
    DocumentedDifference(
        "origin-secret-added",
        "CloudFront Developer Guide, Restrict access to Application Load Balancers",
        _new("x-origin-secret", ".+"),
        _CDN,
    ),
    DocumentedDifference(
        "x-forwarded-proto-set",
        BALANCER,
        _forwarded("x-forwarded-proto", "https?", lambda change: change.scheme),
    ),
    DocumentedDifference(
        "x-forwarded-port-set",
        BALANCER,
        _forwarded("x-forwarded-port", r"\d{1,5}", lambda change: change.port),
    ),
    DocumentedDifference(
        "x-amzn-trace-id-set", BALANCER, _one("x-amzn-trace-id", "(root|self)=[^,]+")
    ),
    # Where the attribute is set: TLS of the connection to the load balancer, CloudFront's on cdn.
    DocumentedDifference(
        "x-amzn-tls-version-set", BALANCER, _one("x-amzn-tls-version", r"tlsv1(\.[0-3])?")
    ),
    DocumentedDifference(
        "x-amzn-tls-cipher-suite-set", BALANCER, _one("x-amzn-tls-cipher-suite", r"[\w-]+")
    ),
    DocumentedDifference(
        "connection-per-hop",
        "RFC 9110, 7.6.1",
        lambda change: (
            change.name == "connection"
            and {item.lower() for item in _list(change.received)}
            <= {"keep-alive", "close", *(item.lower() for item in _list(change.sent))}
        ),
    ),
    DocumentedDifference(
        "hop-by-hop-removed",
        "RFC 9110, 7.6.1",
        _gone("te", "keep-alive", "proxy-connection", "upgrade"),
        ("direct",),
    ),
    DocumentedDifference(
        "expect-answered",
        "RFC 9110, 10.1.1; the load balancer answers 100",
        _gone("expect"),
        ("direct",),
    ),
    DocumentedDifference("framing-changed", "RFC 9112, 6; RFC 9113, 8.1", _lengths),
    DocumentedDifference(
        "http2-to-http1",
        "RFC 9113, 8.2.3; CloudFront speaks HTTP/1.1 to origins",
        lambda change: change.http2 and _cookies_joined(change),
    ),
    DocumentedDifference("cookies-joined", "RFC 6265, 5.4: one Cookie header", _cookies_joined),
    DocumentedDifference("repeated-joined", "RFC 9110, 5.3", _joined),
)
"""Differences of requests. The first that explains a change names it."""

_STICKY: Final = re.compile(r"(AWSALB(APP-\d)?(TG)?(CORS)?|AWSELB(CORS)?)=")


def _only_sticky(change: HeaderChange) -> bool:
    kept, received = (
        [value for value in values if not _STICKY.match(value)]
        for values in (change.sent, change.received)
    )
    return change.name == "set-cookie" and kept == received


ANSWER_DIFFERENCES: Final = (
    DocumentedDifference("answer-via-added", FACTS, _appended("via", _is_cloudfront_via), _CDN),
    DocumentedDifference(
        "x-cache-added", FACTS, _new("x-cache", "(miss|error|lambda[a-z]*) from cloudfront"), _CDN
    ),
    DocumentedDifference("x-amz-cf-pop-added", FACTS, _new("x-amz-cf-pop", r"[\w-]+"), _CDN),
    DocumentedDifference(
        "answer-x-amz-cf-id-added", FACTS, _new("x-amz-cf-id", r"[\w=+/-]+"), _CDN
    ),
    # Seen of CloudFront; documented only for answers of its own.
    DocumentedDifference(
        "server-named", "an origin that has no Server; [open]", _new("server", "cloudfront"), _CDN
    ),
    # An offer of HTTP/3, which CloudFront makes for itself where the distribution allows it.
    DocumentedDifference(
        "alt-svc-added",
        "CloudFront Developer Guide, Supported HTTP versions",
        _new("alt-svc", r'h3=":\d{1,5}"(; *(ma=\d+|persist=1))*'),
        _CDN,
    ),
    DocumentedDifference("load-balancer-cookie", STICKY, _only_sticky),
    DocumentedDifference("answer-framing-changed", "RFC 9112, 6; RFC 9113, 8.1", _lengths),
    DocumentedDifference(
        "answer-connection-per-hop",
        "RFC 9110, 7.6.1",
        lambda change: (
            change.name in ("connection", "keep-alive")
            or (change.name in ("upgrade", "proxy-connection") and not change.received)
        ),
    ),
    DocumentedDifference(
        "date-of-each-answer",
        "RFC 9110, 6.6.1",
        lambda change: change.name == "date" and len(change.received) <= 1,
    ),
    DocumentedDifference("answer-repeated-joined", "RFC 9110, 5.3", _joined),
)
"""Differences of answers, compared with the answer on direct over IPv4."""

ORDER: Final = "order-changed"
"""Headers of different names change places. Source: RFC 9110, 5.3."""
CASE: Final = "name-case-changed"
"""A header's name changes its case. Source: RFC 9110, 5.1."""
HTTP2: Final = "http2-to-http1"
"""A viewer's HTTP/2 becomes HTTP/1.1: the protocol, and names that HTTP/2 has in lower case.
Source: RFC 9113, 8.2; CloudFront speaks HTTP/1.1 to origins."""
AS_BASELINE: Final = "as-on-direct-ipv4"
"""The same happens on direct over IPv4."""
METHOD_REFUSED: Final = "method-refused-by-cloudfront"
"""CloudFront answers for itself what is none of the seven methods that a distribution can allow.
Source: CloudFront API Reference, AllowedMethods."""
CONNECTION_ENDED: Final = "idle-connection-ended"
"""A connection on which nothing is said is ended; a client opens another one.
Source: RFC 9112, 9.5."""
TIMED_ERROR: Final = "timed-error-kept"
"""CloudFront keeps a 412 or 415 for the time that the origin names, and has no setting against it.
Source: CloudFront Developer Guide, How CloudFront processes HTTP 4xx and 5xx status codes; these
two are not among those that a custom error response can be made for."""
TRAILERS_REMOVED: Final = "trailers-removed"
"""CloudFront drops the fields after a body. It documents that it takes `TE` and `Trailer` out of
requests and `Trailer` out of answers, by which trailers are agreed on and announced; HTTP lets
whoever passes a message on discard them. Source: CloudFront Developer Guide, Request and response
behavior for custom origins; RFC 9110, 6.5; RFC 9112, 7.1.2."""
HINTS_REMOVED: Final = "early-hints-removed"
"""An early hint (103) is dropped, or comes no earlier than the answer. AWS documents nothing about
it; users report that CloudFront drops hints. A client that gets none only knows later what it will
need, and whoever stands between may drop them. Source: RFC 8297, 2."""
UNREPORTED: Final = frozenset({"date-of-each-answer"})
"""Differences of any two answers, which no report needs."""

NAMES: Final[Mapping[str, str]] = {
    **{each.name: each.source for each in (*REQUEST_DIFFERENCES, *ANSWER_DIFFERENCES)},
    ORDER: "RFC 9110, 5.3",
    CASE: "RFC 9110, 5.1",
    HTTP2: "RFC 9113, 8.2; CloudFront speaks HTTP/1.1 to origins",
    METHOD_REFUSED: "CloudFront API Reference, AllowedMethods",
    CONNECTION_ENDED: "RFC 9112, 9.5",
    TRAILERS_REMOVED: f"{FACTS}: TE and Trailer are removed; RFC 9112, 7.1.2",
    HINTS_REMOVED: "RFC 8297, 2: an intermediary may drop hints; AWS documents nothing",
    TIMED_ERROR: "CloudFront Developer Guide, HTTP 4xx and 5xx status codes",
    AS_BASELINE: "what was sent on the way that the API is reached by today",
}
"""Source of each difference that can be accepted, by its name."""
