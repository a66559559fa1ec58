"""What differs in two answers."""

import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.probe.model import HttpAnswer
from rollout.verify.answer_differences import AnswerDifference, differences
from support.fake_edge import answer

JSON = "application/json"


def as_json(value: Any, status: int = 200, **headers: str) -> HttpAnswer:
    return answer(status, json.dumps(value).encode(), Content_Type=JSON, **headers)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        pytest.param(answer(), answer(), [], id="the same"),
        pytest.param(
            answer(200),
            answer(404),
            [AnswerDifference("status", "", "200", "404")],
            id="another status",
        ),
        pytest.param(
            answer(Vary="a", X_A="1"),
            answer(vary="a"),
            [AnswerDifference("header", "x-a", '"1"', "nothing")],
            id="a header that is lost, and one in another case",
        ),
        pytest.param(
            answer(Date="Mon", Age="3", Via="x", Content_Length="0", Upgrade="h2c"),
            answer(Date="Tue", X_Cache="Miss", X_Amz_Cf_Id="a", Transfer_Encoding="chunked"),
            [],
            id="headers that are never compared",
        ),
        pytest.param(
            answer(Set_Cookie="session=secret1"),
            answer(Set_Cookie="session=secret22"),
            [
                AnswerDifference(
                    "header", "set-cookie", "[secret, 15 characters]", "[secret, 16 characters]"
                )
            ],
            id="a cookie, of which nothing shows",
        ),
        pytest.param(
            as_json({"a": [1, {"b/c": 2.0}], "d": True}),
            as_json({"d": 1, "a": [1, {"b/c": 2}]}),
            [
                AnswerDifference("json", "/a/1/b~1c", "2.0", "2"),
                AnswerDifference("json", "/d", "true", "1"),
            ],
            id="JSON in another order, a number and a boolean that were changed",
        ),
        pytest.param(
            as_json({"a": [1, 2], "b": None}),
            as_json({"a": [1], "c": None}),
            [
                AnswerDifference("json", "/a", "2 entries", "1 entries"),
                AnswerDifference("json", "/b", "null", "nothing"),
                AnswerDifference("json", "/c", "nothing", "null"),
            ],
            id="JSON with entries that came and went",
        ),
        pytest.param(
            answer(200, b"a"),
            answer(200, b""),
            [AnswerDifference("body", "", '1 bytes "a"', "nothing")],
            id="a body that is gone",
        ),
        pytest.param(
            answer(200, b"{", Content_Type=JSON),
            answer(200, b"{}", Content_Type=JSON),
            [AnswerDifference("body", "", '1 bytes "{"', '2 bytes "{}"')],
            id="JSON that is none is compared as it is",
        ),
        pytest.param(
            answer(200, gzip.compress(b"same", mtime=1), Content_Encoding="gzip"),
            answer(200, gzip.compress(b"same", 1, mtime=2), Content_Encoding="gzip"),
            [],
            id="the same body, compressed twice",
        ),
        pytest.param(
            answer(200, gzip.compress(b"same")[:-4], Content_Encoding="gzip"),
            answer(200, gzip.compress(b"same"), Content_Encoding="gzip"),
            ["body"],
            id="a compressed body that was cut",
        ),
    ],
)
def test_two_answers_differ_in(first: HttpAnswer, second: HttpAnswer, expected: list[Any]) -> None:
    seen = differences(first, second)
    assert ([item.kind for item in seen] if expected == ["body"] else seen) == expected


def test_json_that_is_nested_too_deeply_to_follow_is_compared_as_it_is() -> None:
    first, second = (
        answer(200, b'{"a":' * depth + b"1" + b"}" * depth, Content_Type=JSON)
        for depth in (900, 899)
    )
    assert [item.kind for item in differences(first, second)] == ["body"]


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)


@given(first=JSON_VALUES, second=JSON_VALUES)
def test_json_differs_exactly_where_it_is_not_the_same_text_in_one_order(
    first: Any, second: Any
) -> None:
    forwards = differences(as_json(first), as_json(second))
    one, other = (json.dumps(value, sort_keys=True) for value in (first, second))
    assert (forwards == []) == (one == other)
    backwards = differences(as_json(second), as_json(first))
    assert {item.where for item in backwards} == {item.where for item in forwards}
