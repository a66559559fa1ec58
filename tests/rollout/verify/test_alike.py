"""Whether a way answers as direct does, of which nothing is known beforehand."""

import asyncio
import gzip
import json
from collections.abc import Iterator
from itertools import count, cycle
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.probe.model import HttpAnswer, HttpRequest, TroubleError, Way
from rollout.verify.alike import AnswerMeasure, Likeness
from support.fake_edge import FakeWire, answer

JSON: Final = "application/json"
DIRECT: Final = Way("direct", "IPv4", "api.example.com", "192.0.2.1")
CDN: Final = Way("cdn", "IPv4", "api.example.com", "192.0.2.2")


def as_json(value: Any, status: int = 200, **headers: str) -> HttpAnswer:
    return answer(status, json.dumps(value).encode(), Content_Type=JSON, **headers)


def compared(
    direct: Iterator[HttpAnswer | TroubleError], cdn: Iterator[HttpAnswer | TroubleError]
) -> Likeness:
    def answered(way: Way, _: HttpRequest) -> HttpAnswer:
        came = next(direct if way is DIRECT else cdn)
        if isinstance(came, TroubleError):
            raise came
        return came

    measure = AnswerMeasure(FakeWire(answered), DIRECT, HttpRequest("GET", "/"))
    return asyncio.run(measure.against(CDN))


def of_two(first: HttpAnswer, second: HttpAnswer) -> Likeness:
    return compared(cycle([first]), cycle([second]))


@pytest.mark.parametrize(
    ("first", "second", "evidence"),
    [
        pytest.param(answer(), answer(), "", id="the same"),
        pytest.param(
            answer(200), answer(404), "status expected 200, came 404", id="another status"
        ),
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
            answer(Set_Cookie="session=secret1"),
            answer(Set_Cookie="session=secret22"),
            "[secret, ",
            id="a cookie, of which nothing shows",
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
            "json:/b expected null, came nothing; json:/c expected nothing, came null",
            id="JSON with entries that came and went",
        ),
        pytest.param(answer(200, b"a"), answer(200), "body", id="a body that is gone"),
        pytest.param(
            answer(200, b"{", Content_Type=JSON),
            answer(200, b"{}", Content_Type=JSON),
            "body",
            id="JSON that is none is compared as it is",
        ),
        pytest.param(
            answer(200, gzip.compress(b"same", mtime=1), Content_Encoding="gzip"),
            answer(200, gzip.compress(b"same", 1, mtime=2), Content_Encoding="gzip"),
            "",
            id="the same body, compressed twice",
        ),
        pytest.param(
            answer(200, gzip.compress(b"same")[:-4], Content_Encoding="gzip"),
            answer(200, gzip.compress(b"same"), Content_Encoding="gzip"),
            "body",
            id="a compressed body that was cut",
        ),
        pytest.param(answer(), answer(Server="CloudFront"), "", id="a server that has no name"),
        pytest.param(
            answer(301, b"<p>", Location="/a", Server="lb"),
            answer(301, b"<h1>", Location="/a", Server="CloudFront"),
            "",
            id="the page of a redirect",
        ),
        pytest.param(
            answer(301, Location="/a"),
            answer(301, Location="/b"),
            'header:location expected "/a", came "/b"',
            id="where a redirect leads",
        ),
    ],
)
def test_what_differs_each_time_fails_with_its_place(
    first: HttpAnswer, second: HttpAnswer, evidence: str
) -> None:
    likeness = of_two(first, second)
    assert likeness.verdict == ("fail" if evidence else "pass")
    assert evidence in likeness.evidence


def entries(number: int) -> HttpAnswer:
    items = [{"id": place, "at": number * 10 + place} for place in range(3)]
    return as_json({"items": items, "next": number})


def test_what_direct_itself_changes_is_not_compared_and_what_is_beside_it_is() -> None:
    clock = count()
    assert compared(map(entries, clock), map(entries, clock)).verdict == "pass"
    likeness = compared(
        map(entries, clock),
        (
            as_json({"items": [{"id": 0, "at": at}, {"id": 7, "at": at}] * 2, "next": at})
            for at in clock
        ),
    )
    assert likeness.verdict == "fail"
    assert "json:/items" in likeness.evidence


def test_one_entry_beside_a_clock_is_compared() -> None:
    clock = count()

    def altered(number: int) -> HttpAnswer:
        items = [{"id": 9 if place == 1 else place, "at": number + place} for place in range(3)]
        return as_json({"items": items, "next": number})

    likeness = compared(map(entries, clock), map(altered, clock))
    assert (likeness.verdict, "json:/items/1/id" in likeness.evidence) == ("fail", True), likeness


def test_what_differs_once_cannot_be_told() -> None:
    likeness = compared(cycle([answer(X="1")]), iter([answer(X="2"), answer(X="1")]))
    assert likeness.verdict == "unknown"
    assert likeness.evidence == 'differed once and not again: header:x expected "1", came "2"'


def test_silence_counts_where_direct_always_answers() -> None:
    silence = TroubleError("timeout", "nothing came")
    likeness = compared(cycle([answer()]), cycle([silence]))
    assert likeness.verdict == "fail"
    assert "status expected 200, came no answer (timeout: nothing came)" in likeness.evidence
    assert compared(cycle([answer(), silence]), cycle([silence])).verdict == "pass"
    assert compared(cycle([silence]), cycle([answer()])).evidence == (
        "200, where direct over IPv4 gives no answer (timeout: nothing came)"
    )


def test_json_that_is_nested_deeply_is_compared_all_the_same() -> None:
    first, second = (
        answer(200, b'{"a":' * depth + b"1" + b"}" * depth, Content_Type=JSON)
        for depth in (900, 899)
    )
    assert of_two(first, second).verdict == "fail"


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)


@given(first=JSON_VALUES, second=JSON_VALUES)
def test_json_differs_exactly_where_it_is_not_the_same_text_in_one_order(
    first: Any, second: Any
) -> None:
    one, other = (json.dumps(value, sort_keys=True) for value in (first, second))
    assert (of_two(as_json(first), as_json(second)).verdict == "pass") == (one == other)
