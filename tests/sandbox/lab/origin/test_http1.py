"""The echo over HTTP/1.1, as bytes on the wire."""

import contextlib
import gzip
import hashlib
import itertools
import json
import socket
import time
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.lab.origin.body import PERIOD
from support.raw_http import Raw

Connect = Callable[..., Raw]

EMPTY = hashlib.sha256(b"").hexdigest()


def test_a_request_is_told_as_it_was_received(connect: Connect) -> None:
    with connect("network") as raw:
        raw.send(
            b"PURGE /echo?b=%2f&a=1&a=%20+&%zz HTTP/1.1\r\n"
            b"hOST: api.example.com\r\n"
            b"X-Odd-cASE: 1\r\n"
            b"Cookie: a=1\r\n"
            b"x-odd-case:   two \xe9  \r\n"
            b"Cookie: b=2\r\n"
            b"Content-Length: 3\r\n\r\nabc"
        )
        head, body = raw.answer()
        echo = json.loads(body)
        identity = echo.pop("id")
        assert echo == {
            "method": "PURGE",
            "target": "/echo?b=%2f&a=1&a=%20+&%zz",
            "protocol": "HTTP/1.1",
            "scheme": "https",
            "headers": [
                ["hOST", "api.example.com"],
                ["X-Odd-cASE", "1"],
                ["Cookie", "a=1"],
                ["x-odd-case", "two é"],
                ["Cookie", "b=2"],
                ["Content-Length", "3"],
            ],
            "body": {"length": 3, "sha256": hashlib.sha256(b"abc").hexdigest()},
            "client": {"address": raw.socket.getsockname()[0], "port": raw.port},
            "trailers": [],
        }
        assert identity
        assert [name for name, _ in head.headers] == ["Date", "Content-Type", "Content-Length"]
        assert head.all("Content-Type") == ["application/json"]


TOKEN = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
NAMES = st.text(TOKEN, min_size=1, max_size=20).map(lambda text: f"X-{text}")
VISIBLE = [chr(code) for code in [*range(0x21, 0x7F), *range(0x80, 0x100)]]
VALUES = st.text(st.sampled_from([*VISIBLE, " ", "\t"]), max_size=50).map(lambda t: t.strip(" \t"))
FORWARDED = ("x-forwarded-for", "x-forwarded-proto", "x-forwarded-port", "x-amzn-trace-id")


@settings(deadline=None, max_examples=60)
@given(
    headers=st.lists(st.tuples(NAMES, VALUES), max_size=12),
    query=st.text([chr(code) for code in range(0x21, 0x7F)], max_size=60),
    load_balancer=st.sampled_from(["application", "classic", "network"]),
)
def test_any_headers_and_any_target_come_back_unaltered(
    connect: Connect, headers: list[tuple[str, str]], query: str, load_balancer: str
) -> None:
    headers = [each for each in headers if each[0].lower() not in FORWARDED]
    with connect(load_balancer) as raw:
        echo = raw.ask(f"/echo?{query}", *headers)
    assert echo["target"] == f"/echo?{query}"
    sent = [["Host", "api.example.com"], *map(list, headers)]
    assert [each for each in echo["headers"] if each[0].lower() not in FORWARDED] == sent


@pytest.mark.parametrize("target", ["http://api.example.com/echo?x", "/echo/?x", "/echo"])
def test_the_target_is_told_in_the_form_it_came_in(connect: Connect, target: str) -> None:
    with connect() as raw:
        assert raw.ask(target)["target"] == target


def test_every_answer_has_another_id(connect: Connect) -> None:
    ids: list[str] = []
    with connect() as raw:
        for target in ["/echo", "/echo", "/other", "/other", "/echo/nope=1"]:
            raw.request(target)
            ids.append(json.loads(raw.answer()[1])["id"])
        raw.request("/echo", method="HEAD")
        ids.append(raw.head().echo["id"])
    assert len(set(ids)) == 6


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_each_method_is_answered_with_a_body(connect: Connect, method: str) -> None:
    with connect() as raw:
        assert raw.ask("/echo", method=method, body=b"{}")["method"] == method


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("HEAD", "/echo"),
        ("HEAD", "/echo/size=5"),
        ("HEAD", "/echo/chunks=2"),
        ("GET", "/echo/status=204"),
        ("GET", "/echo/status=304"),
        ("POST", "/echo/status=204;header=ETag:%221%22"),
    ],
)
def test_where_there_is_no_body_a_header_tells(connect: Connect, method: str, target: str) -> None:
    with connect() as raw:
        raw.request(target, method=method)
        head = raw.head()
        assert (head.echo["method"], head.echo["target"]) == (method, target)
        assert raw.ask("/echo")["target"] == "/echo"  # nothing was left on the wire


def test_a_status_and_headers_are_answered_as_told(connect: Connect) -> None:
    with connect() as raw:
        raw.request(
            "/echo/status=418;header=X-A:1;header=x-a:2;header=Content-Type:text%2Fplain;"
            "header=Set-Cookie:a%3D1%3B%20Path%3D%2F;header=Set-Cookie:b%3D2"
        )
        head, body = raw.answer()
    assert head.status == 418
    assert head.headers[1:] == [
        ("X-A", "1"),
        ("x-a", "2"),
        ("Content-Type", "text/plain"),
        ("Set-Cookie", "a=1; Path=/"),
        ("Set-Cookie", "b=2"),
        ("Content-Length", str(len(body))),
    ]


def test_no_caching_is_spoken_of_unless_told(connect: Connect) -> None:
    with connect() as raw:
        raw.request("/echo/size=3;range=on")
        plain, _ = raw.answer()
        raw.request("/echo/header=Cache-Control:max-age%3D60")
        explicit, _ = raw.answer()
    assert [plain.all(name) for name in ("Cache-Control", "Expires", "Age")] == [[], [], []]
    assert explicit.all("Cache-Control") == ["max-age=60"]


def test_a_delay_is_waited_out(connect: Connect) -> None:
    with connect() as raw:
        begun = time.monotonic()
        raw.ask("/echo/delay=0.3")
        assert 0.3 <= time.monotonic() - begun < 5


def test_a_body_of_a_size_is_the_pattern(connect: Connect) -> None:
    size = 3_000_001
    with connect() as raw:
        raw.request(f"/echo/size={size}")
        head, body = raw.answer()
    assert head.all("Content-Length") == [str(size)]
    assert head.echo["target"] == f"/echo/size={size}"
    assert body == (bytes(range(PERIOD)) * (size // PERIOD + 1))[:size]


def test_pieces_come_one_by_one(connect: Connect) -> None:
    with connect() as raw:
        begun = time.monotonic()
        raw.request("/echo/size=10;chunks=4;interval=0.15")
        head = raw.head()
        pieces = raw.chunks()
    assert head.all("Transfer-Encoding") == ["chunked"]
    assert head.all("Content-Length") == []
    assert [len(data) for _, data in pieces] == [2, 3, 2, 3]
    assert pieces[-1][0] - begun >= 0.45
    assert max(later - earlier for (earlier, _), (later, _) in itertools.pairwise(pieces)) > 0.1


def test_there_are_no_more_pieces_than_bytes(connect: Connect) -> None:
    with connect() as raw:
        raw.request("/echo/size=2;chunks=9")
        raw.head()
        assert [data for _, data in raw.chunks()] == [b"\x00", b"\x01"]
        raw.request("/echo/size=0;chunks=9")
        raw.head()
        assert raw.chunks() == []


def test_the_echo_comes_in_pieces_too(connect: Connect) -> None:
    with connect() as raw:
        raw.request("/echo/chunks=3")
        raw.head()
        pieces = [data for _, data in raw.chunks()]
    assert len(pieces) == 3
    assert json.loads(b"".join(pieces))["target"] == "/echo/chunks=3"


@pytest.mark.parametrize("load_balancer", ["application", "classic"])
def test_a_load_balancer_that_reads_http_drops_informational_answers(
    connect: Connect, load_balancer: str
) -> None:
    with connect(load_balancer) as raw:
        raw.request("/echo/hint=103;status=201")
        assert raw.head().status == 201


@pytest.mark.parametrize("load_balancer", ["application", "network"])
def test_trailers_are_told_and_sent(connect: Connect, load_balancer: str) -> None:
    chunked = ("Transfer-Encoding", "chunked")
    with connect(load_balancer) as raw:
        raw.request("/echo/chunks=2;trailer=X-Sum:a%20b;trailer=x-n:", chunked, method="PUT")
        raw.send(b"3\r\nabc\r\n0\r\nX-Sum: 1\r\nx-sum: 2\r\n\r\n")
        head = raw.head()
        body = raw.until(b"\r\n0\r\n")
        after = raw.until(b"\r\n\r\n")
    assert b'"trailers":[["X-Sum","1"],["x-sum","2"]]' in body
    assert head.all("Trailer") == ["X-Sum, x-n"]
    assert after == b"X-Sum: a b\r\nx-n: \r\n\r\n"


def test_an_informational_answer_comes_first_and_at_once(connect: Connect) -> None:
    with connect("network") as raw:
        begun = time.monotonic()
        raw.request("/echo/hint=103;delay=1;status=201")
        early = raw.head()
        waited = time.monotonic() - begun
        late = raw.head()
    assert (early.status, early.headers) == (103, [("Link", "</echo>; rel=preload")])
    assert waited < 1
    assert late.status == 201


def test_a_node_of_cloudfront_is_sent_no_informational_answer(connect: Connect) -> None:
    with connect("network") as raw:
        raw.request("/echo/hint=103;status=201", ("X-Amz-Cf-Id", "abc"))
        assert raw.head().status == 201


def test_a_client_that_waits_to_go_on_is_told_to(connect: Connect) -> None:
    with connect("network") as raw:
        raw.request("/echo", ("Expect", "100-continue"), ("Content-Length", "4"), method="PUT")
        assert raw.head().status == 100
        raw.send(b"body")
        _, body = raw.answer()
    echo = json.loads(body)
    assert echo["body"] == {"length": 4, "sha256": hashlib.sha256(b"body").hexdigest()}
    assert ["Expect", "100-continue"] in echo["headers"]


@pytest.mark.parametrize(
    ("accepted", "encoded"), [(None, False), ("gzip", True), ("br;q=1, gzip;q=0", False)]
)
@pytest.mark.parametrize("shape", ["", ";chunks=4", ";size=100000", ";size=100000;chunks=3"])
def test_a_body_is_compressed_where_that_is_accepted(
    connect: Connect, accepted: str | None, encoded: bool, shape: str
) -> None:
    headers = [] if accepted is None else [("Accept-Encoding", accepted)]
    with connect() as raw:
        raw.request(f"/echo/encoding=gzip{shape}", *headers)
        head, body = raw.answer()
    assert head.all("Vary") == ["Accept-Encoding"]
    assert head.all("Content-Encoding") == (["gzip"] if encoded else [])
    plain = gzip.decompress(body) if encoded else body
    if "size" in shape:
        assert plain == (bytes(range(PERIOD)) * 400)[:100_000]
    else:
        assert json.loads(plain)["target"] == f"/echo/encoding=gzip{shape}"


def test_each_compressed_piece_can_be_read_when_it_comes(connect: Connect) -> None:
    unpack = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    with connect() as raw:
        raw.request("/echo/size=9;chunks=3;encoding=gzip", ("Accept-Encoding", "gzip"))
        raw.head()
        plain = [unpack.decompress(data) for _, data in raw.chunks()]
    assert [piece for piece in plain if piece] == [b"\0\1\2", b"\3\4\5", b"\6\7\10"]


WHOLE = bytes(range(100))


@pytest.mark.parametrize(
    ("headers", "status", "body", "content_range"),
    [
        pytest.param([], 200, WHOLE, [], id="none"),
        pytest.param([("Range", "bytes=10-19")], 206, WHOLE[10:20], ["bytes 10-19/100"], id="part"),
        pytest.param([("Range", "bytes=-5")], 206, WHOLE[95:], ["bytes 95-99/100"], id="end"),
        pytest.param([("Range", "bytes=100-")], 416, b"", ["bytes */100"], id="beyond"),
        pytest.param([("Range", "bytes=0-1,5-6")], 200, WHOLE, [], id="several"),
        pytest.param(
            [("Range", "bytes=0-1"), ("If-Range", '"100"')],
            206,
            WHOLE[:2],
            ["bytes 0-1/100"],
            id="same as before",
        ),
        pytest.param(
            [("Range", "bytes=0-1"), ("If-Range", '"99"')], 200, WHOLE, [], id="changed since"
        ),
    ],
)
def test_ranges_are_served(
    connect: Connect,
    headers: list[tuple[str, str]],
    status: int,
    body: bytes,
    content_range: list[str],
) -> None:
    with connect() as raw:
        raw.request("/echo/size=100;range=on", *headers)
        head, content = raw.answer()
    assert (head.status, content, head.all("Content-Range")) == (status, body, content_range)
    assert (head.all("ETag"), head.all("Accept-Ranges")) == (['"100"'], ["bytes"])


def test_a_range_is_not_looked_at_unless_told(connect: Connect) -> None:
    with connect() as raw:
        raw.request("/echo/size=100", ("Range", "bytes=0-1"))
        head, body = raw.answer()
    assert (head.status, body, head.all("Accept-Ranges")) == (200, WHOLE, [])


@pytest.mark.parametrize("tls", [True, False])
@pytest.mark.parametrize("size", [1, 1000, 2_000_000])
def test_a_connection_ends_half_way(connect: Connect, tls: bool, size: int) -> None:
    with connect(tls=tls) as raw:
        raw.request(f"/echo/size={size};close=on")
        assert raw.head().all("Content-Length") == [str(size)]
        assert len(raw.rest()) == size // 2


def test_a_chunked_body_ends_half_way_without_its_end(connect: Connect) -> None:
    with connect() as raw:
        raw.request("/echo/size=1000;chunks=2;close=on")
        raw.head()
        rest = raw.rest()
    assert len(rest) > 500
    assert not rest.endswith(b"0\r\n\r\n")


def test_a_chunked_request_is_put_together(connect: Connect) -> None:
    pieces = [bytes([number]) * 70_000 for number in range(5)]
    with connect() as raw:
        raw.request("/echo", ("Transfer-Encoding", "chunked"), method="POST")
        for piece in pieces:
            raw.send(b"%x\r\n%b\r\n" % (len(piece), piece))
        raw.send(b"0\r\nTrailing: yes\r\n\r\n")
        _, body = raw.answer()
    whole = b"".join(pieces)
    assert json.loads(body)["body"] == {
        "length": len(whole),
        "sha256": hashlib.sha256(whole).hexdigest(),
    }


def test_a_large_request_is_hashed(connect: Connect) -> None:
    body = bytes(range(256)) * 40_000
    with connect() as raw:
        echo = raw.ask("/echo", method="PUT", body=body)
    assert echo["body"] == {"length": len(body), "sha256": hashlib.sha256(body).hexdigest()}


def test_a_get_may_have_a_body(connect: Connect) -> None:
    with connect() as raw:
        assert raw.ask("/echo", body=b"?")["body"]["length"] == 1


def test_a_connection_serves_many_requests_even_sent_at_once(connect: Connect) -> None:
    with connect() as raw:
        for number in range(20):
            raw.request(f"/echo?{number}", body=b"x" * number)
        targets = [json.loads(raw.answer()[1])["target"] for _ in range(20)]
    assert targets == [f"/echo?{number}" for number in range(20)]


def test_a_connection_is_closed_where_that_is_asked(connect: Connect) -> None:
    with connect() as raw:
        raw.request("/echo", ("Connection", "close"))
        head, _ = raw.answer()
        assert head.all("Connection") == ["close"]
        assert raw.rest() == b""


def test_http_1_0_is_answered_without_chunks_and_hints(connect: Connect) -> None:
    with connect() as raw:
        raw.send(b"GET /echo/chunks=3;hint=103 HTTP/1.0\r\n\r\n")
        head = raw.head()
        echo = json.loads(raw.rest())
    assert (head.status, head.all("Transfer-Encoding")) == (200, [])
    assert echo["protocol"] == "HTTP/1.0"


@pytest.mark.parametrize("target", ["/", "/other", "/echoes", "*"])
def test_nothing_else_is_there(connect: Connect, target: str) -> None:
    with connect() as raw:
        raw.request(target, method="POST", body=b"abc")
        head, body = raw.answer()
    assert (head.status, head.all("Content-Type")) == (404, ["application/json"])
    assert json.loads(body)["error"] == "Nothing is here; the echo is at /echo."


@pytest.mark.parametrize("target", ["/echo", "internal.example:22"])
def test_it_is_no_proxy(connect: Connect, target: str) -> None:
    with connect() as raw:
        raw.request(target, method="CONNECT")
        head, body = raw.answer()
    assert (head.status, json.loads(body)["error"]) == (405, "This is no proxy.")


def test_an_upgrade_to_something_else_is_not_taken(connect: Connect) -> None:
    with connect() as raw:
        for _ in range(2):
            echo = raw.ask("/echo", ("Connection", "Upgrade"), ("Upgrade", "h2c"))
            assert ["Upgrade", "h2c"] in echo["headers"]


def test_unknown_directives_are_refused_with_the_reason(connect: Connect) -> None:
    with connect() as raw:
        raw.request("/echo/sleep=1", method="POST", body=b"abc")
        head, body = raw.answer()
        assert head.status == 400
        assert json.loads(body)["error"].startswith('The directive is "sleep=1"; allowed are ')
        assert raw.ask("/echo")["target"] == "/echo"


@pytest.mark.parametrize(
    "begin",
    [
        pytest.param(b"\x16\x03\x01 TLS to plain HTTP\r\n\r\n", id="TLS"),
        pytest.param(b"GET /echo HTTP/1.1\r\n\r\n", id="no Host"),
        pytest.param(b"GET /echo HTTP/1.1\r\nHost: a\r\nBad Name: b\r\n\r\n", id="bad name"),
        pytest.param(b"GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", id="bad target"),
        pytest.param(b"GET /echo HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 70_000, id="too large"),
    ],
)
def test_what_is_no_request_is_refused(connect: Connect, begin: bytes) -> None:
    with connect(tls=False) as raw:
        raw.send(begin)
        head = raw.head()
        assert head.status in (400, 431)
        assert head.all("Connection") == ["close"]


REQUEST = b"POST /echo/size=9;chunks=2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
5\r\nhello\r\n0\r\n\r\nHEAD /echo HTTP/1.1\r\nHost: a\r\n\r\n"


@settings(deadline=None, max_examples=80)
@given(
    changes=st.lists(
        st.tuples(st.integers(0, len(REQUEST) - 1), st.binary(max_size=3)), min_size=1, max_size=4
    )
)
def test_whatever_comes_others_are_served(
    connect: Connect, changes: list[tuple[int, bytes]]
) -> None:
    sent = bytearray(REQUEST)
    for place, new in changes:
        sent[place : place + 1] = new
    with connect(tls=False) as raw:
        raw.send(bytes(sent))
        raw.socket.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionResetError):
            raw.rest()
    with connect(tls=False) as raw:
        assert raw.ask("/echo")["target"] == "/echo"
