"""Properties from the wire: unknowns, secrets, assets; repairs that keep the rest as it came."""

from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct
from hypothesis import given
from hypothesis import strategies as st
from pulumi_policy.deserialize import (
    SPECIAL_ARCHIVE_SIG,
    SPECIAL_ASSET_SIG,
    SPECIAL_SECRET_SIG,
    SPECIAL_SIG_KEY,
)
from pulumi_policy.proxy import (
    UNKNOWN_ARCHIVE_VALUE,
    UNKNOWN_ARRAY_VALUE,
    UNKNOWN_ASSET_VALUE,
    UNKNOWN_BOOLEAN_VALUE,
    UNKNOWN_NUMBER_VALUE,
    UNKNOWN_OBJECT_VALUE,
    UNKNOWN_STRING_VALUE,
)

from policies.model import REMOVED, UNKNOWN, Repair, Value
from policies.wire import read, repaired


def struct(properties: dict[str, Any]) -> Struct:
    made = Struct()
    made.update(properties)
    return made


def secret(value: Any) -> dict[str, Any]:
    return {SPECIAL_SIG_KEY: SPECIAL_SECRET_SIG, "value": value}


@pytest.mark.parametrize(
    "sentinel",
    [
        pytest.param(UNKNOWN_BOOLEAN_VALUE, id="boolean"),
        pytest.param(UNKNOWN_NUMBER_VALUE, id="number"),
        pytest.param(UNKNOWN_STRING_VALUE, id="string"),
        pytest.param(UNKNOWN_ARRAY_VALUE, id="list"),
        pytest.param(UNKNOWN_OBJECT_VALUE, id="object"),
        pytest.param(UNKNOWN_ASSET_VALUE, id="asset"),
        pytest.param(UNKNOWN_ARCHIVE_VALUE, id="archive"),
    ],
)
def test_every_kind_of_unknown_is_found_at_its_own_leaf(sentinel: str) -> None:
    sent = {"a": sentinel, "b": ["x", sentinel, {"c": sentinel}], "d": secret(sentinel), "e": 1}
    assert read(struct(sent)) == {
        "a": UNKNOWN,
        "b": ["x", UNKNOWN, {"c": UNKNOWN}],
        "d": UNKNOWN,
        "e": 1,
    }


@pytest.mark.parametrize("value", [None, True, 1.5, "x", [None], {"b": ["y"]}])
def test_what_is_known_is_read_as_it_is(value: Value) -> None:
    assert read(struct({"a": value})) == {"a": value}


def test_secrets_are_read_as_what_they_hold() -> None:
    assert read(struct({"a": secret({"b": secret("c")})})) == {"a": {"b": "c"}}


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        pytest.param({SPECIAL_SIG_KEY: SPECIAL_ASSET_SIG, "text": "x"}, "<asset>", id="asset"),
        pytest.param({SPECIAL_SIG_KEY: SPECIAL_ARCHIVE_SIG}, "<archive>", id="archive"),
        pytest.param({SPECIAL_SIG_KEY: "nobody's"}, UNKNOWN, id="a signature nobody knows"),
        pytest.param({SPECIAL_SIG_KEY: SPECIAL_SECRET_SIG}, UNKNOWN, id="an empty secret"),
        pytest.param({SPECIAL_SIG_KEY: 7}, UNKNOWN, id="a signature that is no text"),
    ],
)
def test_an_object_with_a_signature_is_what_the_signature_says(sent: Any, expected: Value) -> None:
    assert read(struct({"a": sent})) == {"a": expected}


leaves = st.one_of(
    st.none(), st.booleans(), st.floats(allow_nan=False), st.text(max_size=8), st.just(UNKNOWN)
)
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=20,
)


def on_the_wire(value: Value) -> Any:
    if value is UNKNOWN:
        return UNKNOWN_STRING_VALUE
    if isinstance(value, list):
        return [on_the_wire(item) for item in value]
    if isinstance(value, dict):
        return {key: on_the_wire(item) for key, item in value.items()}
    return value


@given(properties=st.dictionaries(st.text(max_size=8), values, max_size=5))
def test_what_went_over_the_wire_comes_out_as_it_was(properties: dict[str, Value]) -> None:
    assert read(struct(on_the_wire(properties))) == properties


SENT: dict[str, Any] = {
    "list": [{"id": "x"}, UNKNOWN_OBJECT_VALUE, {"id": UNKNOWN_STRING_VALUE}],
    "hidden": secret([{"id": secret("x")}]),
    "other": None,
}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param(Repair(("new",), True), {**SENT, "new": True}, id="a new property"),
        pytest.param(Repair(("other",), 1), {**SENT, "other": 1.0}, id="a null"),
        pytest.param(
            Repair(("list",), REMOVED),
            {key: value for key, value in SENT.items() if key != "list"},
            id="a removed property",
        ),
        pytest.param(
            Repair(("list", 0, "id"), "y"),
            {**SENT, "list": [{"id": "y"}, *SENT["list"][1:]]},
            id="inside a list",
        ),
        pytest.param(
            Repair(("list", 3), {"id": 4}),
            {**SENT, "list": [*SENT["list"], {"id": 4.0}]},
            id="behind a list's end",
        ),
        pytest.param(
            Repair(("hidden", 0, "id"), "y"),
            {**SENT, "hidden": secret([{"id": "y"}])},
            id="inside a secret",
        ),
        pytest.param(Repair(("list", 1, "id"), "y"), SENT, id="inside something unknown"),
        pytest.param(Repair(("nowhere", "id"), "y"), SENT, id="nowhere"),
        pytest.param(Repair(("list", 9, "id"), "y"), SENT, id="far behind a list's end"),
    ],
)
def test_a_repair_changes_its_place_and_nothing_else(
    change: Repair, expected: dict[str, Any]
) -> None:
    sent = struct(SENT)
    assert MessageToDict(repaired(sent, [change])) == expected
    assert MessageToDict(sent) == SENT
