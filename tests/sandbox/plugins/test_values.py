"""Properties survive the way over the wire."""

from typing import Any

import pytest
from google.protobuf import struct_pb2
from hypothesis import given
from hypothesis import strategies as st
from pulumi.runtime import rpc

from sandbox.plugins.values import UNKNOWN, decode, encode, has_unknown, is_zero

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False).filter(lambda number: number % 1 != 0)
    | st.text()
    | st.just(UNKNOWN)
)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        entries: dict[str, Any] = value  # pyright: ignore[reportUnknownVariableType] - any JSON
        return {key: without_nulls(item) for key, item in entries.items() if item is not None}
    if isinstance(value, list):
        items: list[Any] = value  # pyright: ignore[reportUnknownVariableType] - any JSON
        return [without_nulls(item) for item in items]
    return value


@given(st.dictionaries(st.text(), VALUES))
def test_what_is_encoded_is_decoded_again_but_for_entries_that_are_null(
    props: dict[str, Any],
) -> None:
    assert decode(encode(props)) == without_nulls(props)


def test_the_sdk_and_we_mean_the_same_by_unknown() -> None:
    assert encode({"arn": UNKNOWN}).fields["arn"].string_value == rpc.UNKNOWN


def wrapped(signature: str, **fields: Any) -> struct_pb2.Struct:
    props = struct_pb2.Struct()
    props.update({"key": {"4dabf18193072939515e22adb298388d": signature, **fields}})
    return props


@pytest.mark.parametrize(
    ("message", "value"),
    [
        pytest.param(
            wrapped("1b47061264138c4ac30d75fd1eb44270", value="hush"), "hush", id="a secret"
        ),
        pytest.param(
            wrapped("d0e6a833031e9bbcd3f4e8bde6ca49a4", value=[1]), [1], id="an output with a value"
        ),
        pytest.param(
            wrapped("d0e6a833031e9bbcd3f4e8bde6ca49a4"), UNKNOWN, id="an output without a value"
        ),
    ],
)
def test_wrapped_values_are_opened(message: struct_pb2.Struct, value: object) -> None:
    assert decode(message) == {"key": value}


def test_a_value_that_json_does_not_have_is_refused() -> None:
    with pytest.raises(TypeError, match=r"a property is \{1\}; JSON values and UNKNOWN"):
        encode({"set": {1}})


@pytest.mark.parametrize(
    ("value", "zero"),
    [
        (None, True),
        ("", True),
        (0, True),
        (False, True),
        ([], True),
        ({"enabled": False, "items": []}, True),
        (UNKNOWN, False),
        ([{"weight": 0}], False),
        ("none", False),
        ({"forward": "none"}, False),
    ],
)
def test_zero_is_what_leaving_it_out_would_mean(value: object, zero: bool) -> None:
    assert is_zero(value) is zero


def test_an_unknown_is_found_at_any_depth() -> None:
    assert has_unknown({"origins": [{"domainName": UNKNOWN}]})
    assert not has_unknown({"origins": [{"domainName": "api"}]})
