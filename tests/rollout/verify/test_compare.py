"""What comparison accepts and what it finds, on values alone."""

import base64
import gzip
import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.probe.model import HttpAnswer, Path
from rollout.verify.compare import (
    CASE,
    HTTP2,
    ORDER,
    Comparison,
    compare_answer,
    compare_request,
    masked,
)
from rollout.verify.differences import ANSWER_DIFFERENCES, AS_BASELINE, NAMES, REQUEST_DIFFERENCES
from rollout.verify.received import (
    LONGEST_ECHO,
    ReceivedBody,
    ReceivedRequest,
    SentRequest,
    read_echo,
)

Headers = tuple[tuple[str, str], ...]

HEADERS: Headers = (
    ("Host", "api.example.com"),
    ("User-Agent", "test"),
    ("X-Item", "one"),
    ("X-Item", "two"),
    ("Cookie", "a=1; b=2"),
    ("Content-Length", "4"),
)
SENT = SentRequest("PUT", "/echo?a=1&b=2", HEADERS, b"body")


def echo_of(sent: SentRequest, **changes: Any) -> ReceivedRequest:
    whole = ReceivedRequest(
        id="1",
        method=sent.method,
        target=sent.target,
        protocol="HTTP/1.1",
        scheme="https",
        headers=sent.headers,
        body=ReceivedBody(length=len(sent.body), sha256=hashlib.sha256(sent.body).hexdigest()),
    )
    return whole.model_copy(update=changes)


def with_header(*added: tuple[str, str], drop: str = "") -> Headers:
    return (*(each for each in HEADERS if each[0].lower() != drop.lower()), *added)


def of_headers(came: Headers, path: Path = "cdn", *, sent: SentRequest = SENT) -> Comparison:
    return compare_request(sent, echo_of(sent, headers=came), path)


EDGE: Headers = (
    ("Via", "2.0 abc.cloudfront.net (CloudFront)"),
    ("X-Amz-Cf-Id", "Zx_-1=="),
    ("X-Forwarded-For", "192.0.2.1, 198.51.100.7"),
    ("Connection", "Keep-Alive"),
)
BALANCER: Headers = (
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-Port", "443"),
    ("X-Amzn-Trace-Id", "Root=1-67891233-abcdef012345678912345678"),
)


def test_what_arrives_as_it_was_sent_has_no_difference() -> None:
    assert of_headers(HEADERS, "direct") == Comparison()


def test_every_documented_difference_at_once_is_accepted_by_its_name() -> None:
    sent = replace(
        SENT,
        headers=(
            *HEADERS,
            ("Expect", "100-continue"),
            ("TE", "trailers"),
            ("Trailer", "X-End"),
            ("Upgrade", "example/1"),
            ("X-Real-IP", "192.0.2.9"),
            ("Proxy-Connection", "close"),
            ("X-Forwarded-For", "192.0.2.9"),
        ),
    )
    came = (
        *BALANCER,
        *HEADERS[:4],
        ("Cookie", "a=1; b=2"),
        ("Transfer-Encoding", "chunked"),
        *EDGE[:2],
        ("X-Forwarded-For", "192.0.2.9, 2001:db8::7, 198.51.100.7"),
        ("Connection", "Keep-Alive"),
        ("CloudFront-Forwarded-Proto", "https"),
        ("X-Origin-Secret", "s3cret"),
    )
    assert of_headers(came, sent=sent) == Comparison(
        accepted=(
            "cloudfront-headers-added",
            "connection-keep-alive",
            "expect-removed",
            "framing-changed",
            "origin-secret-added",
            "proxy-headers-removed",
            "te-removed",
            "trailer-removed",
            "upgrade-removed",
            "via-added",
            "x-amz-cf-id-added",
            "x-amzn-trace-id-set",
            "x-forwarded-for-appended",
            "x-forwarded-port-set",
            "x-forwarded-proto-set",
            "x-real-ip-removed",
        )
    )


@pytest.mark.parametrize(
    ("came", "path", "fault"),
    [
        (with_header(drop="User-Agent"), "cdn", 'user-agent is missing, "test" was sent'),
        (
            with_header(("X-Item", "two"), ("X-Item", "one"), drop="X-Item"),
            "cdn",
            'x-item has its values in another order: "two" and "one" instead of "one" and "two"',
        ),
        (
            with_header(("X-Item", "two"), drop="X-Item"),
            "cdn",
            'x-item is "two" instead of "one" and "two"',
        ),
        (
            with_header(("Cookie", "a=1"), drop="Cookie"),
            "cdn",
            'cookie is "*** (3 characters)" instead of "*** (8 characters)"; its value is altered',
        ),
        (with_header(("X-Cache-Key", "1")), "cdn", 'x-cache-key is "1", none was sent'),
        (with_header(EDGE[0]), "direct", f'via is "{EDGE[0][1]}", none was sent'),
        (with_header(("Via", "1.1 squid")), "cdn", 'via is "1.1 squid", none was sent'),
        (
            with_header(("X-Forwarded-For", "unknown")),
            "cdn",
            'x-forwarded-for is "unknown", none was sent',
        ),
        (
            with_header(("Host", "origin.example.com"), drop="Host"),
            "cdn",
            'host is "origin.example.com" instead of "api.example.com"',
        ),
        (
            with_header(("Connection", "X-Item")),
            "cdn",
            'connection is "X-Item", none was sent',
        ),
    ],
)
def test_anything_else_is_a_fault_that_names_the_header_and_both_values(
    came: Headers, path: Path, fault: str
) -> None:
    assert of_headers(came, path).faults == (fault,)


def test_method_target_scheme_protocol_and_body_must_be_the_same() -> None:
    today = echo_of(SENT)
    came = echo_of(
        SENT,
        method="POST",
        target="/echo?b=2&a=1",
        scheme="http",
        protocol="HTTP/1.0",
        body=ReceivedBody(length=0, sha256=hashlib.sha256().hexdigest()),
    )
    assert compare_request(SENT, came, "cdn", baseline=today).faults == (
        'the method is "POST" instead of "PUT"',
        'the target is "/echo?b=2&a=1" instead of "/echo?a=1&b=2"',
        'the scheme is "http" instead of "https"',
        "the protocol is HTTP/1.0 instead of HTTP/1.1",
        "the body is 0 bytes (e3b0c44298fc) instead of 4 (230d8358dc8e)",
    )


def test_what_the_way_of_today_does_as_well_is_accepted_as_that() -> None:
    came = echo_of(SENT, headers=with_header(("X-Tenant", "7"), drop="User-Agent"))
    assert compare_request(SENT, came, "direct").faults
    assert compare_request(SENT, came, "cdn", baseline=came) == Comparison((), (AS_BASELINE,))
    other = echo_of(SENT, headers=with_header(("X-Tenant", "8"), drop="User-Agent"))
    assert compare_request(SENT, other, "cdn", baseline=came).faults == (
        'x-tenant is "8", none was sent',
    )


@pytest.mark.parametrize(
    ("header", "right", "wrong"),
    [("X-Forwarded-Proto", "https", "http"), ("X-Forwarded-Port", "443", "80")],
)
def test_how_a_client_came_is_told_truly_or_as_today(header: str, right: str, wrong: str) -> None:
    def of(value: str) -> ReceivedRequest:
        return echo_of(SENT, headers=with_header((header, value)))

    name = header.lower()
    faults = (f'{name} is "{wrong}", none was sent',)
    for path in ("direct", "cdn"):
        comparison = compare_request(SENT, of(right), path, baseline=of(right))
        assert comparison == Comparison((), (f"{name}-set",))
        assert compare_request(SENT, of(wrong), path, baseline=of(right)).faults == faults
        comparison = compare_request(SENT, of(wrong), path, baseline=of(wrong))
        assert comparison == Comparison((), (AS_BASELINE,))
    assert of_headers(of(wrong).headers, "direct").faults == ()
    assert of_headers(of(wrong).headers, "cdn").faults == faults


def test_the_port_that_is_told_is_the_one_that_was_asked() -> None:
    sent = replace(SENT, headers=(("Host", "api.example.com:8443"), *HEADERS[1:]))
    forwarded = (("X-Forwarded-Port", "8443"),)
    assert of_headers((*sent.headers, *forwarded), sent=sent).faults == ()
    assert of_headers((*sent.headers, ("X-Forwarded-Port", "443")), sent=sent).faults


def test_http2_is_told_where_it_ends() -> None:
    sent = replace(
        SENT,
        headers=(*HEADERS[:4], ("Cookie", "a=1"), ("Cookie", "b=2"), HEADERS[5]),
        protocol="HTTP/2",
    )
    came = tuple((name.lower(), value) for name, value in HEADERS)
    assert of_headers(came, sent=sent) == Comparison((), (HTTP2,))


def test_order_and_case_of_names_are_told_and_case_is_a_fault_where_it_is_looked_at() -> None:
    came = tuple((name.lower(), value) for name, value in reversed(HEADERS) if name != "X-Item")
    came += (("x-item", "one"), ("x-item", "two"))
    echo = echo_of(SENT, headers=came)
    assert compare_request(SENT, echo, "cdn") == Comparison((), (CASE, ORDER))
    exact = compare_request(SENT, echo, "cdn", exact_names=True)
    assert exact.faults[0] == 'the name of host is written "host" instead of "Host"'
    assert compare_request(SENT, echo, "cdn", baseline=echo, exact_names=True).faults == ()


ANSWER = HttpAnswer(
    200,
    (
        ("Date", "Wed, 21 Oct 2015 07:28:00 GMT"),
        ("Content-Type", "application/json"),
        ("Set-Cookie", "a=1"),
        ("Set-Cookie", "b=2"),
    ),
    b"body",
    "HTTP/1.1",
    0.1,
)


def answer_with(*added: tuple[str, str], drop: str = "", **changes: Any) -> HttpAnswer:
    kept = tuple(each for each in ANSWER.headers if each[0] != drop)
    return replace(ANSWER, headers=(*kept, *added), **changes)


def test_what_cloudfront_adds_to_an_answer_is_accepted() -> None:
    answer = answer_with(
        ("Via", "1.1 abc.cloudfront.net (CloudFront)"),
        ("X-Cache", "Miss from cloudfront"),
        ("X-Amz-Cf-Pop", "FRA56-P8"),
        ("X-Amz-Cf-Id", "abc=="),
        ("Server", "CloudFront"),
        ("Transfer-Encoding", "chunked"),
        ("Connection", "keep-alive"),
        ("Set-Cookie", "AWSALB=x; Path=/"),
        ("Date", "Wed, 21 Oct 2015 07:28:01 GMT"),
        drop="Date",
    )
    assert compare_answer(answer, ANSWER, "cdn", same_body=True) == Comparison(
        accepted=(
            "answer-connection-per-hop",
            "answer-framing-changed",
            "answer-via-added",
            "answer-x-amz-cf-id-added",
            "load-balancer-cookie",
            "order-changed",
            "server-named",
            "x-amz-cf-pop-added",
            "x-cache-added",
        )
    )


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (answer_with(status=502), "answer: the status is 502 instead of 200"),
        (
            answer_with(("X-Cache", "Hit from cloudfront")),
            'answer: x-cache is "Hit from cloudfront"',
        ),
        (answer_with(("Age", "3")), 'answer: age is "3", none was sent'),
        (answer_with(("Alt-Svc", 'h2="other.example.com:443"')), "answer: alt-svc is"),
        (answer_with(("Upgrade", "h2,h2c")), "answer: upgrade is"),
        (answer_with(("Set-Cookie", "b=2"), drop="Set-Cookie"), "answer: set-cookie is"),
        (
            answer_with(("Set-Cookie", "a=1, b=2"), drop="Set-Cookie"),
            "answer: 2 Set-Cookie headers came as 1, of which a client reads one cookie each",
        ),
        (answer_with(drop="Content-Type"), "answer: content-type is missing"),
        (answer_with(body=b"bodY"), "answer: the body is 4 bytes"),
    ],
)
def test_an_answer_that_was_altered_is_found(answer: HttpAnswer, fault: str) -> None:
    faults = compare_answer(answer, ANSWER, "cdn", same_body=True).faults
    assert [each[: len(fault)] for each in faults] == [fault]


def test_an_offer_of_http3_is_cloudfronts_only_on_cdn_and_where_the_api_makes_none() -> None:
    offering = answer_with(("Alt-Svc", 'h3=":443"; ma=86400'))
    comparison = compare_answer(offering, ANSWER, "cdn")
    assert comparison == Comparison((), ("alt-svc-added",))
    assert compare_answer(offering, ANSWER, "direct").faults
    other = answer_with(("Alt-Svc", 'h3=":8443"; ma=60'))
    assert compare_answer(offering, other, "cdn").faults


def test_an_offer_to_upgrade_a_connection_goes_with_the_connection() -> None:
    offering = answer_with(("Upgrade", "h2,h2c"))
    comparison = compare_answer(ANSWER, offering, "cdn")
    assert comparison == Comparison((), ("answer-connection-per-hop",))


def test_a_load_balancer_may_tell_how_it_was_connected_to() -> None:
    tls_headers = (
        ("X-Amzn-Tls-Version", "TLSv1.3"),
        ("X-Amzn-Tls-Cipher-Suite", "TLS_AES_128_GCM_SHA256"),
    )
    today, cdn = (
        echo_of(SENT, headers=with_header(*each))
        for each in (
            tls_headers,
            ((tls_headers[0][0], "TLSv1.2"), (tls_headers[1][0], "ECDHE-RSA-AES128-GCM-SHA256")),
        )
    )
    expected = Comparison((), ("x-amzn-tls-cipher-suite-set", "x-amzn-tls-version-set"))
    assert compare_request(SENT, today, "direct") == expected
    assert compare_request(SENT, cdn, "cdn", baseline=today) == expected
    odd = echo_of(SENT, headers=with_header((tls_headers[0][0], "SSLv3")))
    assert compare_request(SENT, odd, "cdn", baseline=today).faults


def test_an_echo_is_read_from_header_and_body_and_from_nothing_else() -> None:
    text = json.dumps({**echo_of(SENT).model_dump(), "client": {"address": "::1", "port": 1}})
    packed = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    zipped = (("Content-Encoding", "gzip"),)
    answers = (
        replace(ANSWER, body=text.encode()),
        replace(ANSWER, body=b"", headers=(("X-Echo", packed),)),
        replace(ANSWER, body=gzip.compress(text.encode()), headers=zipped),
    )
    assert [read_echo(answer) for answer in answers] == [echo_of(SENT)] * 3
    others = (
        replace(ANSWER, body=b'{"id": "1"}'),
        replace(ANSWER, body=b"<html>"),
        replace(ANSWER, body=b"\xff\xfe"),
        replace(ANSWER, body=b"[" * 100_000),
        replace(ANSWER, body=text.encode(), headers=(("X-Echo", "!"),)),
        replace(ANSWER, body=text.encode(), headers=zipped),
        replace(ANSWER, body=gzip.compress(text.encode())[:-1], headers=zipped),
        # A few kilobytes that would become as much as the memory holds.
        replace(ANSWER, body=gzip.compress(text.encode() + b" " * LONGEST_ECHO), headers=zipped),
    )
    assert [read_echo(answer) for answer in others] == [None] * 8


@given(st.binary(), st.text())
def test_reading_an_echo_never_raises(body: bytes, header: str) -> None:
    assert read_echo(replace(ANSWER, body=body)) is None
    read_echo(replace(ANSWER, headers=(("X-Echo", header),)))
    read_echo(replace(ANSWER, body=body, headers=(("Content-Encoding", "gzip"),)))


def test_secrets_are_never_shown_and_long_values_are_cut() -> None:
    assert masked("authorization", "Bearer x") == "*** (8 characters)"
    assert masked("X-Long", "a" * 500) == "a" * 160 + "… (500)"
    faults = of_headers(with_header(("Authorization", "Bearer hidden"))).faults
    assert faults == ('authorization is "*** (13 characters)", none was sent',)


def test_every_difference_has_a_name_of_its_own_and_a_source() -> None:
    names = [each.name for each in (*REQUEST_DIFFERENCES, *ANSWER_DIFFERENCES)]
    assert len(names) == len({*names, HTTP2}), "http2-to-http1 is both a rule and what compares"
    assert all(NAMES.values())


_TOKENS = st.from_regex(r"X-[A-Za-z][A-Za-z0-9-]{0,10}", fullmatch=True).filter(
    lambda name: not name.lower().startswith(("x-amz", "x-forwarded", "x-real", "x-origin"))
)
_VALUES = st.from_regex(r"[a-z0-9;=/\"]{1,12}( [a-z0-9]{1,4})?", fullmatch=True)
_OWN = st.lists(st.tuples(_TOKENS, _VALUES), max_size=6)
_COOKIES = st.lists(
    st.from_regex(r"[a-z]{1,4}=[a-z0-9]{0,4}", fullmatch=True), min_size=1, max_size=4
)


@st.composite
def requests(draw: st.DrawFn) -> SentRequest:
    body = draw(st.binary(max_size=20))
    query = "&".join(draw(st.lists(st.from_regex(r"[a-c]=[0-9]", fullmatch=True), max_size=4)))
    own = draw(_OWN)
    headers = (
        ("Host", "api.example.com"),
        *own,
        ("Cookie", "; ".join(draw(_COOKIES))),
        ("Content-Length", str(len(body))),
    )
    return SentRequest("PUT", f"/echo?{query}", headers, body)


def through_edge(sent: SentRequest, order: Sequence[int]) -> ReceivedRequest:
    """Return what the origin receives through an edge that does only what is documented."""
    came = [*sent.headers, *EDGE, *BALANCER]
    places = sorted(range(len(came)), key=lambda place: order[place % len(order)])
    # Names change places; what has the same name keeps its order.
    mixed = [came[place] for place in places]
    queues = {name.lower(): [e for e in came if e[0].lower() == name.lower()] for name, _ in came}
    return echo_of(sent, headers=tuple(queues[name.lower()].pop(0) for name, _ in mixed))


_ORDERS = st.lists(st.integers(0, 9), min_size=1, max_size=20)


@given(requests(), _ORDERS)
def test_documented_differences_alone_never_fail(sent: SentRequest, order: list[int]) -> None:
    assert compare_request(sent, through_edge(sent, order), "cdn").faults == ()


@given(requests(), _ORDERS, st.data())
def test_a_header_that_is_dropped_or_changed_is_always_found(
    sent: SentRequest, order: list[int], data: st.DataObject
) -> None:
    echo = through_edge(sent, order)
    mine = {name.lower() for name, _ in sent.headers} - {"content-length"}
    places = [n for n, (name, _) in enumerate(echo.headers) if name.lower() in mine]
    place = data.draw(st.sampled_from(places))
    name, value = echo.headers[place]
    changed = data.draw(st.sampled_from([(), ((name, f"{value}x"),), ((f"X-Not-{name}", value),)]))
    headers = (*echo.headers[:place], *changed, *echo.headers[place + 1 :])
    faults = compare_request(sent, echo.model_copy(update={"headers": headers}), "cdn").faults
    assert [fault for fault in faults if name.lower() in fault]


@given(requests(), _ORDERS, st.data())
def test_a_cookie_a_query_or_a_body_that_is_changed_is_always_found(
    sent: SentRequest, order: list[int], data: st.DataObject
) -> None:
    echo = through_edge(sent, order)
    what = data.draw(st.sampled_from(["cookie", "target", "body"]))
    if what == "cookie":
        cookies = dict(sent.headers)["Cookie"].split("; ")
        place = data.draw(st.integers(0, len(cookies) - 1))
        left = "; ".join([*cookies[:place], *cookies[place + 1 :]])
        headers = tuple((n, left if n == "Cookie" else v) for n, v in echo.headers)
        altered = echo.model_copy(update={"headers": headers})
    elif what == "target":
        target = data.draw(st.text().filter(lambda text: text != sent.target))
        altered = echo.model_copy(update={"target": target})
    else:
        body = data.draw(st.binary(max_size=20).filter(lambda body: body != sent.body))
        digest = ReceivedBody(length=len(body), sha256=hashlib.sha256(body).hexdigest())
        altered = echo.model_copy(update={"body": digest})
    faults = compare_request(sent, altered, "cdn").faults
    assert [fault for fault in faults if what in fault]


@given(requests(), _OWN.filter(bool))
def test_a_header_that_nobody_sent_is_always_found(
    sent: SentRequest, more: list[tuple[str, str]]
) -> None:
    added = tuple((f"X-Stray-{name}", value) for name, value in more)
    faults = compare_request(sent, echo_of(sent, headers=(*sent.headers, *added)), "direct").faults
    assert len(faults) == len({name.lower() for name, _ in added})
