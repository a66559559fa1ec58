"""What the origin received compared with what was sent, and what came back with what was answered.

An edge may differ from no edge only in ways that its vendor or HTTP itself documents. Each of those
is a `Difference` with a name and a source; whatever none of them explains is a fault. Nothing is
learnt from what is seen: a list of headers that "proxies usually add" would let the one through
that breaks the API. There is one exception, told as such: where the same header reaches the origin
in the same wrong form on direct over IPv4, which is how the API lives today, another way may do
what that one does.

Pure: no clock, no socket.
"""

import base64
import binascii
import hashlib
import json
import re
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rollout.probe.model import SECRET_HEADERS, Answer, Path

Headers = Sequence[tuple[str, str]]
"""Headers in order, names in the case they had."""

LONGEST_SHOWN: Final = 160
"""Characters of a value that evidence shows."""

LONGEST_ECHO: Final = 2**22
"""Bytes that a compressed echo may grow to: many times what the largest of them takes."""

FACTS: Final = "CloudFront Developer Guide, Request and response behavior for custom origins"
MANAGED: Final = "CloudFront Developer Guide, managed origin request policies"
BALANCER: Final = "Elastic Load Balancing guides, HTTP headers and load balancers"
STICKY: Final = "Elastic Load Balancing guides, sticky sessions"


class EchoedBody(BaseModel):
    """The body, as the origin received it."""

    model_config = ConfigDict(frozen=True)

    length: int
    sha256: str


class Echo(BaseModel):
    """A request, as the origin received it; docs/echo.md describes it."""

    model_config = ConfigDict(frozen=True)

    id: Annotated[str, Field(min_length=1)]
    method: str
    target: str
    protocol: str
    scheme: str
    headers: Annotated[tuple[tuple[str, str], ...], Field(repr=False)]
    body: EchoedBody


@dataclass(frozen=True)
class Sent:
    """A request, as it went onto the wire."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    """All of them, `Host` and the body's own too."""
    body: bytes = field(default=b"", repr=False)
    protocol: str = "HTTP/1.1"
    """What was agreed on with the other side, `HTTP/1.1` or `HTTP/2`."""


@dataclass(frozen=True)
class Comparison:
    """What a comparison found."""

    faults: tuple[str, ...] = ()
    """What no documentation explains, each with the name and both values."""
    accepted: tuple[str, ...] = ()
    """Names of the documented differences that were seen, each once, in alphabetical order."""


@dataclass(frozen=True)
class Change:
    """The values of one header name, before and after."""

    name: str
    """In lower case."""
    sent: tuple[str, ...] = field(repr=False)
    came: tuple[str, ...] = field(repr=False)
    http2: bool = False
    """Whether the viewer spoke HTTP/2."""
    port: str = "443"
    """The port it was sent to."""
    measure: bool = False
    """Whether this is direct over IPv4, by which everything else is measured."""

    @property
    def added(self) -> tuple[str, ...] | None:
        """What was appended to the list that the values are; None where they do not start so."""
        before, after = _list(self.sent), _list(self.came)
        if len(after) <= len(before) or after[: len(before)] != before:
            return None
        return after[len(before) :]


@dataclass(frozen=True)
class Difference:
    """A documented difference."""

    name: str
    """Its name."""
    source: str
    """Where it is documented."""
    explains: Callable[[Change], bool]
    """Tells whether it explains a change of one header."""
    paths: tuple[Path, ...] = ("direct", "cdn")
    """The paths it is documented for. The cdn path ends at the load balancer too."""


def _list(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(item.strip() for value in values for item in value.split(",") if item.strip())


def _is_address(text: str) -> bool:
    """Tell whether an item of X-Forwarded-For is an address, with a port or without."""
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


def _gone(*names: str) -> Callable[[Change], bool]:
    return lambda change: change.name in names and bool(change.sent) and not change.came


def _one(name: str, pattern: str) -> Callable[[Change], bool]:
    """Return what tells whether a header has one value of a form, whatever was sent."""
    form = re.compile(pattern, re.IGNORECASE)
    return lambda change: (
        change.name == name and len(change.came) == 1 and form.fullmatch(change.came[0]) is not None
    )


def _new(name: str, pattern: str) -> Callable[[Change], bool]:
    """Return what tells whether a header was added, or replaced by one value of a form."""
    one = _one(name, pattern)
    return lambda change: one(change) and not change.sent


def _forwarded(name: str, pattern: str, truth: Callable[[Change], str]) -> Callable[[Change], bool]:
    """Return what tells whether a load balancer said how a client came.

    On the way of today it may say what it likes, for that is what the API gets. Elsewhere it has to
    be the truth: an API that hears `http` there redirects its users in a circle.
    """
    one = _one(name, pattern)
    return lambda change: one(change) and (change.measure or change.came == (truth(change),))


def _appended(name: str, item: Callable[[str], bool]) -> Callable[[Change], bool]:
    return lambda change: (
        change.name == name and change.added is not None and all(map(item, change.added))
    )


def _joined(change: Change) -> bool:
    return change.name not in ("cookie", "set-cookie") and (
        len(change.sent) > 1 and len(change.came) == 1 and _list(change.sent) == _list(change.came)
    )


def _cookies_joined(change: Change) -> bool:
    return change.name == "cookie" and change.came == ("; ".join(change.sent),)


def _lengths(change: Change) -> bool:
    """Tell whether a header is one of those that say how a body travels.

    Whether the body is the same is seen in its hash; a Content-Length that came must be one number.
    """
    if change.name == "transfer-encoding":
        return all(value.lower() == "chunked" for value in change.came)
    return change.name == "content-length" and len(change.came) <= 1


VIA: Final = re.compile(r"(https?/)?\d(\.\d)?\s+\S+(\s+\([^()]*\))?", re.IGNORECASE)
"""One item of Via. Source: RFC 9110, 7.6.3."""


def _is_via(item: str) -> bool:
    return VIA.fullmatch(item) is not None


def _is_cloudfront_via(item: str) -> bool:
    return _is_via(item) and "cloudfront" in item.lower()


_CDN: Final[tuple[Path, ...]] = ("cdn",)

REQUEST_DIFFERENCES: Final = (
    Difference(
        "x-forwarded-for-appended",
        f"{FACTS}; {BALANCER}",
        _appended("x-forwarded-for", _is_address),
    ),
    Difference("via-added", FACTS, _appended("via", _is_cloudfront_via), _CDN),
    Difference("x-amz-cf-id-added", FACTS, _new("x-amz-cf-id", r"[\w=+/-]+"), _CDN),
    Difference("connection-keep-alive", FACTS, _one("connection", "keep-alive"), _CDN),
    Difference("expect-removed", FACTS, _gone("expect"), _CDN),
    Difference("te-removed", FACTS, _gone("te"), _CDN),
    Difference("trailer-removed", FACTS, _gone("trailer"), _CDN),
    Difference("upgrade-removed", FACTS, _gone("upgrade"), _CDN),
    Difference("x-real-ip-removed", FACTS, _gone("x-real-ip"), _CDN),
    Difference("x-forwarded-proto-removed", FACTS, _gone("x-forwarded-proto"), _CDN),
    Difference(
        "proxy-headers-removed",
        FACTS,
        lambda change: change.name.startswith("proxy-") and not change.came,
        _CDN,
    ),
    Difference(
        "cloudfront-headers-added",
        MANAGED,
        lambda change: change.name.startswith("cloudfront-") and not change.sent,
        _CDN,
    ),
    Difference(
        "origin-secret-added",
        "CloudFront Developer Guide, Restrict access to Application Load Balancers",
        _new("x-origin-secret", ".+"),
        _CDN,
    ),
    Difference(
        "x-forwarded-proto-set",
        BALANCER,
        _forwarded("x-forwarded-proto", "https?", lambda _: "https"),
    ),
    Difference(
        "x-forwarded-port-set",
        BALANCER,
        _forwarded("x-forwarded-port", r"\d{1,5}", lambda change: change.port),
    ),
    Difference("x-amzn-trace-id-set", BALANCER, _one("x-amzn-trace-id", "(root|self)=[^,]+")),
    # Where its attribute is set: what was agreed on with whoever connected, CloudFront on cdn.
    Difference("x-amzn-tls-version-set", BALANCER, _one("x-amzn-tls-version", r"tlsv1(\.[0-3])?")),
    Difference("x-amzn-tls-cipher-suite-set", BALANCER, _one("x-amzn-tls-cipher-suite", r"[\w-]+")),
    Difference(
        "connection-per-hop",
        "RFC 9110, 7.6.1",
        lambda change: (
            change.name == "connection"
            and {item.lower() for item in _list(change.came)}
            <= {"keep-alive", "close", *(item.lower() for item in _list(change.sent))}
        ),
    ),
    Difference(
        "hop-by-hop-removed",
        "RFC 9110, 7.6.1",
        _gone("te", "keep-alive", "proxy-connection", "upgrade"),
        ("direct",),
    ),
    Difference(
        "expect-answered",
        "RFC 9110, 10.1.1; the load balancer answers 100",
        _gone("expect"),
        ("direct",),
    ),
    Difference("framing-changed", "RFC 9112, 6; RFC 9113, 8.1", _lengths),
    Difference(
        "http2-to-http1",
        "RFC 9113, 8.2.3; CloudFront speaks HTTP/1.1 to origins",
        lambda change: change.http2 and _cookies_joined(change),
    ),
    Difference("cookies-joined", "RFC 6265, 5.4: one Cookie header", _cookies_joined),
    Difference("repeated-joined", "RFC 9110, 5.3", _joined),
)
"""What may happen to a request. The first that explains a change gives it its name."""

_STICKY: Final = re.compile(r"(AWSALB(APP-\d)?(TG)?(CORS)?|AWSELB(CORS)?)=")


def _only_sticky(change: Change) -> bool:
    kept, came = (
        [value for value in values if not _STICKY.match(value)]
        for values in (change.sent, change.came)
    )
    return change.name == "set-cookie" and kept == came


ANSWER_DIFFERENCES: Final = (
    Difference("answer-via-added", FACTS, _appended("via", _is_cloudfront_via), _CDN),
    Difference(
        "x-cache-added", FACTS, _new("x-cache", "(miss|error|lambda[a-z]*) from cloudfront"), _CDN
    ),
    Difference("x-amz-cf-pop-added", FACTS, _new("x-amz-cf-pop", r"[\w-]+"), _CDN),
    Difference("answer-x-amz-cf-id-added", FACTS, _new("x-amz-cf-id", r"[\w=+/-]+"), _CDN),
    # Seen of CloudFront, and documented only for what it answers itself.
    Difference(
        "server-named", "an origin that has no Server; [open]", _new("server", "cloudfront"), _CDN
    ),
    # An offer of HTTP/3, which CloudFront makes for itself where the distribution allows it.
    Difference(
        "alt-svc-added",
        "CloudFront Developer Guide, Supported HTTP versions",
        _new("alt-svc", r'h3=":\d{1,5}"(; *(ma=\d+|persist=1))*'),
        _CDN,
    ),
    Difference("load-balancer-cookie", STICKY, _only_sticky),
    Difference("answer-framing-changed", "RFC 9112, 6; RFC 9113, 8.1", _lengths),
    Difference(
        "answer-connection-per-hop",
        "RFC 9110, 7.6.1",
        lambda change: (
            change.name in ("connection", "keep-alive")
            or (change.name in ("upgrade", "proxy-connection") and not change.came)
        ),
    ),
    Difference(
        "date-of-each-answer",
        "RFC 9110, 6.6.1",
        lambda change: change.name == "date" and len(change.came) <= 1,
    ),
    Difference("answer-repeated-joined", "RFC 9110, 5.3", _joined),
)
"""What may happen to an answer, told against the answer on direct over IPv4."""

ORDER: Final = "order-changed"
"""Headers of different names change places. Source: RFC 9110, 5.3."""
CASE: Final = "name-case-changed"
"""A header's name changes its case. Source: RFC 9110, 5.1."""
HTTP2: Final = "http2-to-http1"
"""A viewer's HTTP/2 becomes HTTP/1.1: the protocol, and names that HTTP/2 has in lower case.
Source: RFC 9113, 8.2; CloudFront speaks HTTP/1.1 to origins."""
AS_TODAY: Final = "as-on-direct-ipv4"
"""Whatever it is, it happens on direct over IPv4 as well."""
TIMED_ERROR: Final = "timed-error-kept"
"""CloudFront keeps a 412 or 415 for the time that the origin names, and has no setting against it.
Source: CloudFront Developer Guide, How CloudFront processes HTTP 4xx and 5xx status codes; these
two are not among those that a custom error response can be made for."""
NOT_WORTH_A_LINE: Final = frozenset({"date-of-each-answer"})
"""What is so of every two answers is not worth a line."""

NAMES: Final[Mapping[str, str]] = {
    **{each.name: each.source for each in (*REQUEST_DIFFERENCES, *ANSWER_DIFFERENCES)},
    ORDER: "RFC 9110, 5.3",
    CASE: "RFC 9110, 5.1",
    HTTP2: "RFC 9113, 8.2; CloudFront speaks HTTP/1.1 to origins",
    TIMED_ERROR: "CloudFront Developer Guide, HTTP 4xx and 5xx status codes",
    AS_TODAY: "what was sent on the way that the API is reached by today",
}
"""Source of each difference that can be accepted, by its name."""


def read_echo(answer: Answer) -> Echo | None:
    """Return the echo that an answer holds, in its header `X-Echo` or its body; None: none."""
    text = answer.header("X-Echo")
    try:
        if text is not None:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        else:
            raw = _decoded(answer)
        return Echo.model_validate(json.loads(raw))
    except (ValueError, binascii.Error, zlib.error, ValidationError, RecursionError):
        return None


def _decoded(answer: Answer) -> bytes:
    coding = (answer.header("Content-Encoding") or "").lower()
    if coding in ("gzip", "x-gzip"):
        unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)
        body = unpacker.decompress(answer.body, LONGEST_ECHO)
        if not unpacker.eof:
            raise ValueError("it is cut, or grows past what an echo takes")
        return body
    return answer.body


def masked(name: str, value: str) -> str:
    """Return a header's value as evidence may show it: shortened, and a secret one not at all."""
    if name.lower() in SECRET_HEADERS:
        return f"*** ({len(value)} characters)"
    return value if len(value) <= LONGEST_SHOWN else f"{value[:LONGEST_SHOWN]}… ({len(value)})"


def compare_request(
    sent: Sent,
    echo: Echo,
    path: Path,
    *,
    today: Echo | None = None,
    exact_names: bool = False,
) -> Comparison:
    """Compare what the origin received with what was sent.

    Args:
        sent: What was sent.
        echo: What the origin received.
        path: The path it took.
        today: What the origin received of the same on direct over IPv4; None: that is this one.
        exact_names: Whether a name's case must be kept over HTTP/1.1.
    """
    found = _Found()
    plain = (
        ("the method", sent.method, echo.method, today and today.method),
        ("the target", sent.target, echo.target, today and today.target),
        ("the scheme", "https", echo.scheme, today and today.scheme),
    )
    for what, was, came, as_today in plain:
        # Where TLS ends at the load balancer the API itself may be spoken to in HTTP.
        if was == came or (what == "the scheme" and today is None):
            continue
        if came == as_today:
            found.accepted.add(AS_TODAY)
        else:
            found.faults.append(f"{what} is {_show(came)} instead of {_show(was)}")
    if echo.protocol != sent.protocol:
        _protocol(found, sent, echo, today)
    _body(found, sent, echo, today)
    http2 = sent.protocol == "HTTP/2"
    side = _Side(sent.headers, echo.headers, today.headers if today else None)
    authority = next((value for name, value in sent.headers if name.lower() == "host"), "")
    port = authority.rpartition(":")[2]
    about = Change(
        "",
        (),
        (),
        http2,
        port if port.isdigit() else "443",
        measure=path == "direct" and today is None,
    )
    _headers(found, side, REQUEST_DIFFERENCES, path, about)
    _order_and_case(found, side, "lower" if http2 else "exact" if exact_names else "any")
    return Comparison(tuple(found.faults), tuple(sorted(found.accepted)))


def compare_answer(
    answer: Answer,
    today: Answer,
    path: Path,
    *,
    exact_names: bool = False,
    same_body: bool = False,
) -> Comparison:
    """Compare an answer with the one to the same request on direct over IPv4.

    Args:
        answer: The answer.
        today: The one to compare with.
        path: The path it took.
        exact_names: Whether a name's case must be kept over HTTP/1.1.
        same_body: Whether the bodies must be the same, and are no echo.
    """
    found = _Found()
    if answer.status != today.status:
        found.faults.append(f"the status is {answer.status} instead of {today.status}")
    came, was = (
        tuple(each for each in side.headers if each[0].lower() != "x-echo")
        for side in (answer, today)
    )
    side = _Side(was, came, None)
    _headers(found, side, ANSWER_DIFFERENCES, path, Change("", (), ()))
    http2 = "HTTP/2" in (answer.protocol, today.protocol)
    _order_and_case(found, side, "lower" if http2 else "exact" if exact_names else "any")
    if same_body and answer.body != today.body:
        found.faults.append(f"the body is {_digest(answer.body)} instead of {_digest(today.body)}")
    return Comparison(
        tuple(f"answer: {fault}" for fault in found.faults),
        tuple(sorted(found.accepted - NOT_WORTH_A_LINE)),
    )


@dataclass
class _Found:
    """What is being found."""

    faults: list[str] = field(default_factory=list[str])
    accepted: set[str] = field(default_factory=set[str])


@dataclass(frozen=True)
class _Side:
    """Headers of both ends, and those of the same request on direct over IPv4; None: no such."""

    sent: Headers
    came: Headers
    today: Headers | None


def _show(text: str) -> str:
    return f'"{masked("", text)}"'


def _digest(body: bytes) -> str:
    return f"{len(body)} bytes ({hashlib.sha256(body).hexdigest()[:12]})"


def _protocol(found: _Found, sent: Sent, echo: Echo, today: Echo | None) -> None:
    if sent.protocol == "HTTP/2" and echo.protocol == "HTTP/1.1":
        found.accepted.add(HTTP2)
    elif today is not None and today.protocol == echo.protocol:
        found.accepted.add(AS_TODAY)
    else:
        found.faults.append(f"the protocol is {echo.protocol} instead of {sent.protocol}")


def _body(found: _Found, sent: Sent, echo: Echo, today: Echo | None) -> None:
    digest = hashlib.sha256(sent.body).hexdigest()
    if (echo.body.length, echo.body.sha256) == (len(sent.body), digest):
        return
    also = " (on direct over IPv4 as well)" if today and today.body == echo.body else ""
    found.faults.append(
        f"the body is {echo.body.length} bytes ({echo.body.sha256[:12]}) instead of "
        f"{len(sent.body)} ({digest[:12]}){also}"
    )


def _by_name(headers: Headers) -> dict[str, tuple[str, ...]]:
    values: dict[str, tuple[str, ...]] = {}
    for name, value in headers:
        values[name.lower()] = (*values.get(name.lower(), ()), value)
    return values


def _headers(
    found: _Found, side: _Side, differences: Sequence[Difference], path: Path, about: Change
) -> None:
    """Look for changes of headers; `about` says what is the same of all of them."""
    sent, came = _by_name(side.sent), _by_name(side.came)
    today = None if side.today is None else _by_name(side.today)
    for name in dict.fromkeys((*sent, *came)):
        change = replace(about, name=name, sent=sent.get(name, ()), came=came.get(name, ()))
        if change.sent == change.came:
            continue
        explained = next(
            (each.name for each in differences if path in each.paths and each.explains(change)),
            None,
        )
        if explained is not None:
            found.accepted.add(explained)
        elif today is not None and today.get(name, ()) == change.came:
            found.accepted.add(AS_TODAY)
        else:
            found.faults.append(_fault(change))


def _fault(change: Change) -> str:
    name = change.name
    was = " and ".join(f'"{masked(name, value)}"' for value in change.sent)
    came = " and ".join(f'"{masked(name, value)}"' for value in change.came)
    if not change.came:
        return f"{name} is missing, {was} was sent"
    if not change.sent:
        return f"{name} is {came}, none was sent"
    if name in SECRET_HEADERS:
        return f"{name} is {came} instead of {was}; its value is altered"
    if sorted(change.sent) == sorted(change.came):
        return f"{name} has its values in another order: {came} instead of {was}"
    return f"{name} is {came} instead of {was}"


def _names(headers: Headers) -> dict[str, tuple[str, ...]]:
    names: dict[str, tuple[str, ...]] = {}
    for name, _ in headers:
        names[name.lower()] = (*names.get(name.lower(), ()), name)
    return names


def _order_and_case(found: _Found, side: _Side, case: str) -> None:
    """Look at what HTTP gives no meaning to: names' order, and their case.

    Args:
        found: Takes what is found.
        side: What was sent, what came, and what came on direct over IPv4.
        case: `exact`, it must be kept; `lower`, HTTP/2 lowered it; `any`, it is only told.
    """
    before, after, usual = _names(side.sent), _names(side.came), _names(side.today or ())
    if [name for name in before if name in after] != [name for name in after if name in before]:
        found.accepted.add(ORDER)
    for name, written in before.items():
        arrived = after.get(name, ())
        # Where values were joined or appended to there is another number of names to look at.
        if not arrived or set(arrived) <= set(written):
            continue
        if case == "lower":
            found.accepted.add(HTTP2)
        elif case == "any":
            found.accepted.add(CASE)
        elif usual.get(name) == arrived:
            found.accepted.add(AS_TODAY)
        else:
            found.faults.append(
                f'the name of {name} is written "{arrived[0]}" instead of "{written[0]}"'
            )
