"""What is odd in answers, of APIs whose answers are tables."""

import gzip
import json
import math
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.probe.model import HttpAnswer
from rollout.requests.catalogue import ignore_rule
from rollout.verify.own_requests.evidence import differences_text
from rollout.verify.own_requests.judgement import Outcome, chance_of, learned_of, oddities
from support.fake_edge import CDN4, DIRECT4, answer

JSON = "application/json"


def as_json(value: Any, status: int = 200, **headers: str) -> HttpAnswer:
    return answer(status, json.dumps(value).encode(), Content_Type=JSON, **headers)


def odd(direct: list[HttpAnswer], way: list[HttpAnswer], *ignore: str) -> str:
    """Return what is odd in some answers, beside those of direct."""
    usual = [Outcome(DIRECT4, each, 0.0) for each in direct]
    own = [Outcome(CDN4, each, 0.0) for each in way]
    learned = learned_of(usual, tuple(map(ignore_rule, ignore)))
    return differences_text(oddities(learned, usual, own, "cdn"), str)


def differs(first: HttpAnswer, second: HttpAnswer) -> str:
    return odd([first] * 6, [second] * 3)


def headers(*pairs: tuple[str, str]) -> HttpAnswer:
    return HttpAnswer(200, pairs, b"", "HTTP/1.1", 0.0)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        pytest.param(answer(), answer(), "", id="the same"),
        pytest.param(answer(200), answer(404), "status expected 200, came 404", id="status"),
        pytest.param(
            answer(Vary="a", X_A="1"),
            answer(vary="a"),
            'header:x-a expected "1", came nothing',
            id="a header that is lost, and one in another case",
        ),
        pytest.param(
            answer(Date="Mon", Age="3", Via="x", Content_Length="0", Upgrade="h2c"),
            answer(Date="Tue", X_Cache="Miss", X_Amz_Cf_Id="a", Transfer_Encoding="chunked"),
            "",
            id="headers that are never compared",
        ),
        pytest.param(
            headers(("Vary", "Origin"), ("Vary", "Accept")),
            headers(("Vary", "Origin, Accept")),
            "",
            id="headers of one name that were joined",
        ),
        pytest.param(
            headers(("Set-Cookie", "a=1; Path=/"), ("Set-Cookie", "b=2; HttpOnly")),
            headers(("Set-Cookie", "b=2; HttpOnly"), ("Set-Cookie", "a=1; Path=/")),
            "",
            id="cookies in another order",
        ),
        pytest.param(
            answer(Set_Cookie="session=secret1"),
            answer(Set_Cookie="session=secret22"),
            "header:set-cookie (cookie session) expected [secret, 7 characters], came [secret, 8 "
            "characters]",
            id="a cookie, of which nothing shows",
        ),
        pytest.param(
            answer(Set_Cookie="session=s; Path=/; SameSite=Lax; Secure"),
            answer(Set_Cookie="session=s; Path=/; SameSite=None; Secure"),
            "header:set-cookie (attributes of session) expected path=/; samesite=Lax; secure, came "
            "path=/; samesite=None; secure",
            id="an attribute of a cookie",
        ),
        pytest.param(
            as_json({"a": [1, {"b/c": 2.0}], "d": True}),
            as_json({"d": 1, "a": [1, {"b/c": 2}]}),
            "json:/a/1/b~1c expected 2.0, came 2; json:/d expected true, came 1",
            id="JSON in another order, a number and a boolean that were changed",
        ),
        pytest.param(
            as_json({"a": [1, 2], "b": None}),
            as_json({"a": [1], "c": None}),
            "json:/a expected 2 entries, came 1 entries; json:/b expected null, came nothing; "
            "json:/c expected nothing, came null",
            id="JSON with entries that came and went",
        ),
        pytest.param(
            as_json({"a": {"b": {"c": 1}}}),
            as_json({}),
            "json: expected an object, came an object, empty",
            id="of what is gone as a whole nothing more is shown",
        ),
        pytest.param(
            as_json(["a", "b"]),
            as_json(["b", "a"]),
            'json:/0 expected "a", came "b"; json:/1 expected "b", came "a"',
            id="the order of a list that has one",
        ),
        pytest.param(
            answer(200, b"a"),
            answer(200, b""),
            'body expected 1 bytes "a", came nothing',
            id="body",
        ),
        pytest.param(
            answer(200, b"{", Content_Type=JSON),
            answer(200, b"{}", Content_Type=JSON),
            "json: expected nothing, came an object, empty; "
            'body expected 1 bytes "{", came nothing',
            id="JSON that is none",
        ),
        pytest.param(
            answer(200, gzip.compress(b"same", mtime=1), Content_Encoding="gzip"),
            answer(200, gzip.compress(b"same", 1, mtime=2), Content_Encoding="gzip"),
            "",
            id="the same body, compressed twice",
        ),
    ],
)
def test_what_is_the_same_in_all_answers_of_direct_is_compared(
    first: HttpAnswer, second: HttpAnswer, expected: str
) -> None:
    assert differs(first, second) == expected


def test_a_compressed_body_that_was_cut_is_another() -> None:
    whole = answer(200, gzip.compress(b"same"), Content_Encoding="gzip")
    cut = answer(200, gzip.compress(b"same")[:-4], Content_Encoding="gzip")
    assert differs(whole, cut).startswith("body expected 4 bytes")


def test_json_that_is_nested_too_deeply_to_follow_is_compared_as_it_is() -> None:
    first, second = (
        answer(200, b'{"a":' * depth + b"1" + b"}" * depth, Content_Type=JSON)
        for depth in (90_000, 89_999)
    )
    assert differs(first, second).startswith("body expected 540001 bytes")
    assert differs(first, first) == ""


@pytest.mark.parametrize("depth", [300, 900])
def test_a_place_that_is_nested_deeply_is_shortened(depth: int) -> None:
    first, second = (
        answer(200, b'{"a":' * depth + value + b"}" * depth, Content_Type=JSON)
        for value in (b"1", b"2")
    )
    assert differs(first, second).endswith("… expected 1, came 2")


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)


@given(first=JSON_VALUES, second=JSON_VALUES)
def test_json_is_odd_exactly_where_it_is_not_the_same_text_in_one_order(
    first: Any, second: Any
) -> None:
    one, other = (json.dumps(value, sort_keys=True) for value in (first, second))
    assert (differs(as_json(first), as_json(second)) == "") == (one == other)


@given(st.lists(JSON_VALUES, min_size=2, max_size=6))
def test_no_answer_that_direct_gave_is_odd(values: list[Any]) -> None:
    answers = [as_json(value) for value in values]
    assert odd(answers, answers) == ""


COLOURS = ["red", "green", "blue", "grey"]
ORDERS = [COLOURS[turn:] + COLOURS[:turn] for turn in range(4)]


def rows(*names: str, **more: Any) -> list[dict[str, Any]]:
    return [{"name": name, "kind": "order", **more} for name in names]


RESTLESS: dict[str, tuple[list[HttpAnswer], HttpAnswer | None, str]] = {
    "a list in an order of its own": (
        [as_json({"a": order}) for order in ORDERS],
        as_json({"a": ["green", "red", "grey", "blue"]}),
        "",
    ),
    "an entry of such a list is another": (
        [as_json({"a": order}) for order in ORDERS],
        as_json({"a": ["green", "red", "grey", "black"]}),
        "json:/a has other entries than on direct",
    ),
    "such a list has lost one": (
        [as_json({"a": order}) for order in ORDERS],
        as_json({"a": COLOURS[:3]}),
        "json:/a expected 4 entries, came 3 entries",
    ),
    "objects in an order of their own, with clocks, have lost a member": (
        [as_json(rows(*order, at=turn)) for turn, order in enumerate(ORDERS)],
        as_json([{"name": name, "at": 9} for name in COLOURS]),
        "json:/*/kind expected a string, came nothing",
    ),
    "objects in an order of their own, with clocks, are others": (
        [as_json(rows(*order, at=turn)) for turn, order in enumerate(ORDERS)],
        as_json(rows("red", "green", "blue", "black", at=9)),
        'json:/*/name (in any order) expected "blue"; "green"; "grey"; "red", came "black"; ',
    ),
    "a list of any length": (
        [as_json(rows(*COLOURS[:count])) for count in (1, 2, 3, 4)],
        as_json(rows("red", "green", "blue", "grey", "black")),
        "",
    ),
    "a list of any length has entries of another kind": (
        [as_json(rows(*COLOURS[:count])) for count in (1, 2, 3, 4)],
        as_json([{"name": 1, "kind": "order"}] * 2),
        "json:/*/name expected a string, came a number",
    ),
    "a list of any length has entries without a member": (
        [as_json(rows(*COLOURS[:count])) for count in (1, 2, 3, 4)],
        as_json([{"name": "red"}] * 2),
        "json:/*/kind expected a string, came nothing",
    ),
    "a list of any length is empty": (
        [as_json(rows(*COLOURS[:count])) for count in (1, 2, 3, 4)],
        as_json([]),
        "json: expected a list, came a list, empty",
    ),
    "an object with keys of its own": (
        [as_json({f"k{turn}": {"n": turn}, "total": 1}) for turn in range(4)],
        as_json({"k9": {"n": 9}, "total": 1}),
        "",
    ),
    "an object with keys of its own has lost one that it always has": (
        [as_json({f"k{turn}": {"n": turn}, "total": 1}) for turn in range(4)],
        as_json({"k9": {"n": 9}, "k10": {"n": 1}}),
        "json:/total expected 1, came nothing",
    ),
    "an object with keys of its own has a member of another kind": (
        [as_json({f"k{turn}": {"n": turn}, "total": 1}) for turn in range(4)],
        as_json({"k9": {"n": "9"}, "total": 1}),
        "json:/*/n expected a number, came a string",
    ),
    "a value that changes is of another kind": (
        [as_json({"a": f"t{turn}"}) for turn in range(4)],
        as_json({"a": 1}),
        "json:/a expected a string, came a number",
    ),
    "an entity tag became weak": (
        [answer(ETag=f'"{turn}a"') for turn in range(4)],
        answer(ETag='W/"9a"'),
        'the beginning of header:etag expected ", came W/"9a"',
    ),
    "a redirect leads to another host": (
        [answer(302, Location=f"https://api.example.com/a/{turn}?x") for turn in range(4)],
        answer(302, Location="https://d1.cloudfront.net/a/9?x"),
        "the beginning of header:location expected https://api.example.com/a/, came https://d1.",
    ),
    "a page with a clock": (
        [answer(200, f"<p>Hello</p><p>{turn} o'clock</p>".encode()) for turn in range(8)],
        None,
        "",
    ),
    "a page with a clock has lost a part": (
        [answer(200, f"<p>Hello</p><p>{turn} o'clock</p>".encode()) for turn in range(4)],
        answer(200, b"<p>9 o'clock</p>"),
        "body comes without",
    ),
    "a page with a clock has something added": (
        [answer(200, f"<h1>Hi</h1><p>{turn} o'clock</p>".encode()) for turn in range(4)],
        answer(200, b"<h1>Hi</h1><p>9 o'clock</p><script>"),
        "body comes without",
    ),
    "another page": (
        [answer(200, f"<p>Hello</p><p>{turn} o'clock</p>".encode()) for turn in range(4)],
        answer(200, b"<h1>Request blocked</h1>"),
        "body comes without",
    ),
    "bytes that change are others": (
        [answer(200, b"\x89PNG\r\n\x1a\n" + bytes([255, turn]) * 40) for turn in range(4)],
        answer(200, b"GIF89a" + bytes([255, 9]) * 40),
        "body holds 474946383961ff09ff09",
    ),
    "lines of JSON": (
        [
            answer(200, b'{"a":1}\n{"b":%d}\n' % turn, Content_Type="application/x-ndjson")
            for turn in range(4)
        ],
        answer(200, b'{"a":2}\n{"b":9}\n', Content_Type="application/x-ndjson"),
        "json:/0/a expected 1, came 2",
    ),
    "one server of three, and another one": (
        [answer(X_Node="abc"[turn % 3]) for turn in range(9)],
        answer(X_Node="z"),
        'header:x-node expected "a", came "z"',
    ),
    "one server of three": (
        [answer(X_Node="abc"[turn % 3]) for turn in range(9)],
        answer(X_Node="b"),
        "",
    ),
    "a cookie of a new session is lost": (
        [answer(Set_Cookie=f"s=n{turn}; Path=/; Expires=day {turn}") for turn in range(4)],
        answer(),
        "header:set-cookie expected 1 cookies, came nothing; header:set-cookie (attributes of s) ",
    ),
    "another cookie is set": (
        [answer(Set_Cookie=f"s=n{turn}; HttpOnly") for turn in range(4)],
        answer(Set_Cookie="other=n9; HttpOnly"),
        "header:set-cookie (cookie s) expected",
    ),
    "the value of a cookie is lost": (
        [answer(Set_Cookie=f"s=n{turn}; HttpOnly") for turn in range(4)],
        answer(Set_Cookie="s=; HttpOnly"),
        "header:set-cookie (attributes of s) expected httponly, came (empty); httponly",
    ),
    "errors of its own": (
        [as_json({"error": turn}, 503) for turn in range(2)] + [as_json({"a": 1})] * 6,
        as_json({"error": 9}, 503),
        "",
    ),
}


@pytest.mark.parametrize(("direct", "came", "expected"), RESTLESS.values(), ids=RESTLESS)
def test_of_what_changes_by_itself_what_stands_still_is_compared(
    direct: list[HttpAnswer], came: HttpAnswer | None, expected: str
) -> None:
    """Where nothing is given the way answers as direct does, at other moments."""
    usual, own = (direct[:3], direct[3:]) if came is None else (direct, [came] * 3)
    evidence = odd(usual, own)
    assert evidence.startswith(expected)
    assert bool(evidence) == bool(expected)


@pytest.mark.parametrize(
    ("rule", "is_ignored"),
    [
        ("json:/items/*/at", True),
        ("json:/items/1/at", True),
        ("json:/items", True),
        ("json:/items/*/name", False),
        ("json:/items/*", True),
    ],
)
def test_a_star_in_an_ignore_rule_is_every_entry(rule: str, is_ignored: bool) -> None:
    direct = as_json({"items": [{"name": "a", "at": 1}, {"name": "b", "at": 2}]})
    came = as_json({"items": [{"name": "a", "at": 1}, {"name": "b", "at": 3}]})
    assert (odd([direct] * 6, [came] * 3, rule) == "") == is_ignored


def test_the_chance_of_an_order_is_that_of_all_orders() -> None:
    """Five answers, two of them odd: how often are at least so many of them on the way's three?"""
    orders = list(combinations(range(5), 2))
    for odd_there in range(3):
        fitting = [order for order in orders if sum(place < 3 for place in order) >= odd_there]
        assert math.isclose(chance_of(odd_there, 3, 2 - odd_there, 2), len(fitting) / len(orders))


@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))
def test_a_chance_is_none_below_nothing_and_none_above_all(
    odd_there: int, others: int, usual_odd: int, usual_others: int
) -> None:
    if odd_there + others + usual_odd + usual_others:
        chance = chance_of(odd_there, odd_there + others, usual_odd, usual_odd + usual_others)
        assert 0 < chance <= 1
