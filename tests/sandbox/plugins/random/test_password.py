"""Random passwords: what they are made of, and their life over the engine's protocol."""

import os
import string
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from sandbox.plugins.random.password import SPECIAL, RandomPassword, password
from sandbox.plugins.values import UNKNOWN, Props, decode, encode

PASSWORD = RandomPassword.type_name
URN = f"urn:pulumi:dev::edge::dualstack:index:DualStackEdge${PASSWORD}::originSecret"
DEFAULTS = {
    **dict.fromkeys(("upper", "lower", "numeric", "special"), True),
    **dict.fromkeys(("minUpper", "minLower", "minNumeric", "minSpecial"), 0),
}


@pytest.fixture(scope="module")
def stub() -> Iterator[Any]:
    """Return the protocol of a started and configured plugin."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox.plugins.random"],
        env=dict(os.environ),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    with grpc.insecure_channel(f"127.0.0.1:{process.stdout.readline().strip()}") as channel:
        stub: Any = provider_pb2_grpc.ResourceProviderStub(channel)
        stub.Configure(provider_pb2.ConfigureRequest(args=encode({})))
        yield stub
    process.terminate()
    assert process.communicate(timeout=30)[0] == ""


def check(stub: Any, inputs: Props) -> tuple[Props, list[tuple[str, str]]]:
    answer = stub.Check(provider_pb2.CheckRequest(urn=URN, news=encode(inputs)))
    return decode(answer.inputs), [(item.property, item.reason) for item in answer.failures]


def made(stub: Any, inputs: Props) -> tuple[Props, Props]:
    """Return the state and the checked inputs of a new password."""
    checked, failures = check(stub, inputs)
    assert failures == []
    answer = stub.Create(provider_pb2.CreateRequest(urn=URN, properties=encode(checked)))
    assert answer.id == "none"
    return decode(answer.properties), checked


def differences(stub: Any, state: Props, inputs: Props) -> dict[str, str]:
    request = provider_pb2.DiffRequest(
        urn=URN, id="none", olds=encode(state), news=encode(inputs), ignoreChanges=[]
    )
    answer = stub.Diff(request)
    kinds = provider_pb2.PropertyDiff.Kind
    assert not answer.deleteBeforeReplace
    return {path: kinds.Name(item.kind) for path, item in answer.detailedDiff.items()}


def read(stub: Any, resource_id: str, state: Props, inputs: Props) -> tuple[Props, Props]:
    request = provider_pb2.ReadRequest(
        urn=URN, id=resource_id, properties=encode(state), inputs=encode(inputs)
    )
    answer = stub.Read(request)
    return decode(answer.properties), decode(answer.inputs)


@given(
    classes=st.sets(st.sampled_from(["upper", "lower", "numeric", "special"]), min_size=1),
    spare=st.integers(0, 40),
    data=st.data(),
)
def test_a_password_is_as_long_and_as_varied_as_asked(
    classes: set[str], spare: int, data: st.DataObject
) -> None:
    alphabets = {
        "upper": string.ascii_uppercase,
        "lower": string.ascii_lowercase,
        "numeric": string.digits,
        "special": SPECIAL,
    }
    leasts = {name: data.draw(st.integers(0, 5)) if name in classes else 0 for name in alphabets}
    length = sum(leasts.values()) + spare
    inputs: Props = {name: name in classes for name in alphabets}
    inputs |= {f"min{name.title()}": count for name, count in leasts.items()}
    made = password(inputs | {"length": length})
    assert len(made) == length
    for name, alphabet in alphabets.items():
        count = sum(character in alphabet for character in made)
        assert count >= leasts[name]
        assert name in classes or count == 0


def test_own_special_characters_take_the_place_of_the_usual_ones() -> None:
    only = dict.fromkeys(("upper", "lower", "numeric"), False) | {"special": True, "length": 200}
    assert set(password(DEFAULTS | only | {"overrideSpecial": "-_"})) == {"-", "_"}


def test_every_password_is_another(stub: Any) -> None:
    results = {made(stub, {"length": 32})[0]["result"] for _ in range(20)}
    assert len(results) == 20


def test_a_password_lives_in_the_state_alone(stub: Any) -> None:
    wanted = {"length": 40, "special": False, "keepers": {"generation": "1"}}
    state, inputs = made(stub, wanted)
    assert inputs == DEFAULTS | wanted
    assert state == inputs | {"id": "none", "result": state["result"]}
    assert len(state["result"]) == 40
    assert state["result"].isalnum()
    assert read(stub, "none", state, inputs) == (state, inputs)
    assert differences(stub, state, inputs) == {}
    stub.Delete(provider_pb2.DeleteRequest(urn=URN, id="none", properties=encode(state)))


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        pytest.param(
            {"keepers": {"generation": "2"}},
            {"keepers.generation": "UPDATE_REPLACE"},
            id="another keeper",
        ),
        pytest.param(
            {"keepers": {"generation": UNKNOWN}},
            {"keepers.generation": "UPDATE_REPLACE"},
            id="a keeper not known yet",
        ),
        pytest.param({"length": 41}, {"length": "UPDATE_REPLACE"}, id="another length"),
        pytest.param({"special": False}, {"special": "UPDATE_REPLACE"}, id="other characters"),
    ],
)
def test_every_change_needs_a_new_password_made_before_the_old_is_forgotten(
    stub: Any, changed: Props, expected: dict[str, str]
) -> None:
    state, inputs = made(stub, {"length": 40, "keepers": {"generation": "1"}})
    assert differences(stub, state, inputs | changed) == expected


def test_a_preview_does_not_know_the_password(stub: Any) -> None:
    checked, _ = check(stub, {"length": 40, "keepers": {"generation": UNKNOWN}})
    request = provider_pb2.CreateRequest(urn=URN, properties=encode(checked), preview=True)
    foreseen = decode(stub.Create(request).properties)
    assert foreseen == checked | dict.fromkeys(("id", "result", "bcryptHash"), UNKNOWN)


def test_a_password_is_imported_by_its_text(stub: Any) -> None:
    state, inputs = read(stub, "S3cret-text", {}, {})
    assert state == DEFAULTS | {"id": "none", "length": 11, "result": "S3cret-text"}
    assert inputs == {"length": 11}
    assert differences(stub, state, check(stub, inputs)[0]) == {}


@pytest.mark.parametrize(
    ("inputs", "failures"),
    [
        pytest.param(
            {"length": 3, "minUpper": 2, "minNumeric": 2},
            [
                (
                    "length",
                    (
                        "length is 3; 4 or more is allowed, for all that minUpper, minLower, "
                        "minNumeric and minSpecial ask for. Raise it."
                    ),
                )
            ],
            id="too short for what it must hold",
        ),
        pytest.param(
            {"length": 0},
            [
                (
                    "length",
                    (
                        "length is 0; 1 or more is allowed, for all that minUpper, minLower, "
                        "minNumeric and minSpecial ask for. Raise it."
                    ),
                )
            ],
            id="empty",
        ),
        pytest.param(
            {"length": 8, **dict.fromkeys(("upper", "lower", "numeric", "special"), False)},
            [
                (
                    "upper",
                    "upper, lower, numeric and special are all false; one is needed. Set one.",
                )
            ],
            id="of nothing",
        ),
        pytest.param(
            {"length": 8, "special": False, "minSpecial": 1, "minUpper": -1},
            [
                ("minUpper", "minUpper is -1; 0 or more is allowed."),
                ("minSpecial", "minSpecial is 1, but special is false. Drop one of them."),
            ],
            id="at least one of what there is none",
        ),
        pytest.param(
            {"length": 8, "number": False},
            [("number", "number is set; it was renamed. Set numeric instead.")],
            id="the old name",
        ),
        pytest.param(
            {},
            [("length", "length is missing; a whole number is required. Set it.")],
            id="no length",
        ),
    ],
)
def test_what_no_password_can_be_is_refused(
    stub: Any, inputs: Props, failures: list[tuple[str, str]]
) -> None:
    assert check(stub, inputs)[1] == failures


def test_a_length_that_is_not_known_yet_is_not_judged(stub: Any) -> None:
    assert check(stub, {"length": UNKNOWN, "minUpper": 5})[1] == []
