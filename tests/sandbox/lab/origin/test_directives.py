"""What the directives of the echo say, before anything is sent."""

from dataclasses import fields
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.lab.origin.body import PERIOD, accepts_gzip, pattern, range_of
from sandbox.lab.origin.directives import (
    MOST_BYTES,
    Directives,
    DirectivesError,
    directives_of,
)


@pytest.mark.parametrize(
    ("segment", "expected"),
    [
        pytest.param("", Directives(), id="nothing"),
        pytest.param("status=404", Directives(status=404), id="status"),
        pytest.param(
            "header=X-A:1;header=x-a:2",
            Directives(headers=(("X-A", "1"), ("x-a", "2"))),
            id="a header that repeats",
        ),
        pytest.param(
            "header=Set-Cookie:a%3Db%3B%20Path%3D%2F",
            Directives(headers=(("Set-Cookie", "a=b; Path=/"),)),
            id="a header with what separates",
        ),
        pytest.param("header=X-Empty:", Directives(headers=(("X-Empty", ""),)), id="empty header"),
        pytest.param("delay=0.5", Directives(delay_seconds=0.5), id="delay"),
        pytest.param("size=1048576", Directives(size=1_048_576), id="size"),
        pytest.param("size=0", Directives(size=0), id="size of nothing"),
        pytest.param(
            "chunks=5;interval=0.2", Directives(chunks=5, interval_seconds=0.2), id="chunks"
        ),
        pytest.param(
            "chunks=2;trailer=X-A:1%202;trailer=x-a:",
            Directives(chunks=2, trailers=(("X-A", "1 2"), ("x-a", ""))),
            id="trailers",
        ),
        pytest.param("hint=103", Directives(hint=103), id="hint"),
        pytest.param("encoding=gzip", Directives(gzip=True), id="encoding"),
        pytest.param("range=on;size=9", Directives(ranges=True, size=9), id="range"),
        pytest.param("close=on", Directives(close=True), id="close"),
    ],
)
def test_directives_are_read(segment: str, expected: Directives) -> None:
    assert directives_of(segment) == expected


@pytest.mark.parametrize(
    ("segment", "message"),
    [
        pytest.param(
            "nope=1",
            'The directive is "nope=1"; allowed are status, header, delay, size, chunks, trailer, '
            "interval, hint, encoding, range, close.",
            id="unknown",
        ),
        pytest.param("status", 'status is ""; allowed is 200 to 599.', id="no value"),
        pytest.param("status=103", 'status is "103"; allowed is 200 to 599.', id="informational"),
        pytest.param("status=+200", 'status is "+200"; allowed is 200 to 599.', id="sign"),
        pytest.param("status=²00", 'status is "²00"; allowed is 200 to 599.', id="other digit"),
        pytest.param("delay=601", 'delay is "601"; allowed is 0 to 600 seconds.', id="too late"),
        pytest.param("delay=nan", 'delay is "nan"; allowed is 0 to 600 seconds.', id="no number"),
        pytest.param(
            f"size={MOST_BYTES + 1}",
            f'size is "{MOST_BYTES + 1}"; allowed is 0 to {MOST_BYTES} bytes.',
            id="too large",
        ),
        pytest.param("chunks=0", 'chunks is "0"; allowed is 1 to 10000.', id="no chunk"),
        pytest.param("hint=101", 'hint is "101"; allowed is 102 to 199.', id="switching"),
        pytest.param("encoding=br", 'encoding is "br"; allowed is gzip.', id="other encoding"),
        pytest.param("close=off", 'close is "off"; allowed is on.', id="off"),
        pytest.param(
            "header=A:%0d%0aB:1",
            'header is "A:%0d%0aB:1"; allowed is "Name:value", percent-encoded, with any name but '
            "connection, content-length, keep-alive, transfer-encoding, upgrade, x-echo.",
            id="a header that smuggles another",
        ),
        pytest.param(
            "header=Content-Length:3",
            'header is "Content-Length:3"; allowed is "Name:value", percent-encoded, with any name '
            "but connection, content-length, keep-alive, transfer-encoding, upgrade, x-echo.",
            id="a header of the framing",
        ),
        pytest.param("size=%3", 'size is "%3"; allowed is 0 to 1073741824 bytes.', id="half code"),
        pytest.param(
            "size=1;size=2", "size is there twice; only header and trailer may be.", id="size twice"
        ),
        pytest.param(
            "range=on",
            "range is there without size; a range needs a body that is always the same. Add size.",
            id="range of nothing",
        ),
        pytest.param(
            "range=on;size=1;encoding=gzip",
            "range and encoding are both there; only one of them can be followed.",
            id="range and encoding",
        ),
        pytest.param(
            "interval=1",
            "interval is there without chunks; it is the time between pieces. Add chunks.",
            id="interval of nothing",
        ),
        pytest.param(
            "trailer=A:b",
            "trailer is there without chunks; trailers follow a body in pieces. Add chunks.",
            id="a trailer of nothing",
        ),
        pytest.param(
            "trailer=Content-Length:3;chunks=1",
            'trailer is "Content-Length:3"; allowed is "Name:value", percent-encoded, with any '
            "name but connection, content-length, keep-alive, transfer-encoding, upgrade, x-echo.",
            id="a trailer of the framing",
        ),
        pytest.param(
            "status=204;size=1",
            "status is 204, which has no body to shape; "
            "allowed with it are header, delay and hint.",
            id="body of 204",
        ),
        pytest.param(
            "status=1;size=x",
            'status is "1"; allowed is 200 to 599. size is "x"; allowed is 0 to 1073741824 bytes.',
            id="every fault at once",
        ),
    ],
)
def test_what_cannot_be_followed_is_refused(segment: str, message: str) -> None:
    with pytest.raises(DirectivesError) as caught:
        directives_of(segment)
    assert str(caught.value) == message


@given(st.text(st.characters(max_codepoint=255)))
def test_any_segment_is_followed_or_refused(segment: str) -> None:
    try:
        directives = directives_of(segment)
    except DirectivesError:
        return
    assert 200 <= directives.status <= 599


TOKEN = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
NAMES = st.text(TOKEN, min_size=1, max_size=20).map(lambda text: f"x{text}")
VISIBLE = [chr(code) for code in [*range(0x21, 0x7F), *range(0x80, 0x100)]]
VALUES = st.text(st.sampled_from([*VISIBLE, " ", "\t"]), max_size=30).map(lambda t: t.strip(" \t"))


@st.composite
def told_directives(draw: st.DrawFn) -> tuple[str, Directives]:
    """Return directives and a segment that tells them."""
    headers = draw(st.lists(st.tuples(NAMES, VALUES), max_size=4))
    directives = Directives(
        status=draw(st.sampled_from([200, 201, 404, 500, 599])),
        headers=tuple(each for each in headers if each[0].lower() != "x-echo"),
        delay_seconds=float(draw(st.integers(0, 600))),
        size=draw(st.none() | st.integers(0, MOST_BYTES)),
        chunks=draw(st.none() | st.integers(1, 10_000)),
        hint=draw(st.none() | st.integers(102, 199)),
        close=draw(st.booleans()),
    )
    pieces = [f"status={directives.status}", f"delay={directives.delay_seconds:g}"]
    pieces += [
        f"header={quote(f'{n}:{v}', safe='', encoding='latin-1')}" for n, v in directives.headers
    ]
    optional = {"size": directives.size, "chunks": directives.chunks, "hint": directives.hint}
    pieces += [f"{name}={value}" for name, value in optional.items() if value is not None]
    pieces += ["close=on"] if directives.close else []
    return ";".join(draw(st.permutations(pieces[:2])) + pieces[2:]), directives


@given(told_directives())
def test_whatever_is_told_is_what_is_followed(drawn: tuple[str, Directives]) -> None:
    segment, directives = drawn
    assert directives_of(segment) == directives


def test_every_field_of_the_directives_has_a_directive() -> None:
    everything = (
        "status=201;header=A:b;delay=1;size=9;chunks=2;interval=1;hint=103;close=on;range=on"
        ";trailer=A:b"
    )
    read, plain = directives_of(everything), Directives()
    same = {
        each.name for each in fields(read) if getattr(read, each.name) == getattr(plain, each.name)
    }
    assert same == {"gzip"}  # which range excludes
    assert directives_of("encoding=gzip").gzip


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=0-99", (0, 10)),
        ("bytes=3-", (3, 10)),
        ("bytes=-3", (7, 10)),
        ("bytes=-99", (0, 10)),
        ("Bytes=9-9", (9, 10)),
        ("bytes=10-", "beyond"),
        ("bytes=-0", "beyond"),
        ("bytes=5-4", "whole"),
        ("bytes=-", "whole"),
        ("bytes=0-1,3-4", "whole"),
        ("lines=0-1", "whole"),
        ("", "whole"),
    ],
)
def test_ranges_of_ten_bytes_are_read(header: str, expected: object) -> None:
    assert range_of(header, 10) == expected


@given(start=st.integers(0, 400_000), length=st.integers(0, 200_000))
def test_a_part_of_the_pattern_is_what_the_whole_has_there(start: int, length: int) -> None:
    made = b"".join(pattern(start, start + length))
    assert len(made) == length
    places = {0, length // 3, length // 2, length - 1} if length else set[int]()
    assert all(made[place] == (start + place) % PERIOD for place in places)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, False),
        (b"", False),
        (b"gzip", True),
        (b"br, GZIP;q=0.5", True),
        (b"gzip;q=0", False),
        (b"gzip; q=0.000", False),
        (b"deflate, br", False),
    ],
)
def test_gzip_is_sent_to_those_who_accept_it(value: bytes | None, expected: bool) -> None:
    headers = [] if value is None else [(b"accept-Encoding", value)]
    assert accepts_gzip(headers) is expected
