"""Random passwords: what they are made of, and their life over the engine's protocol."""

import string
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.plugins.random.password import SPECIAL, RandomPasswordStandIn, password
from sandbox.plugins.values import UNKNOWN, Props
from support.plugin import Plugin, start_plugin, stop_plugin

PASSWORD = RandomPasswordStandIn.type_name
DEFAULTS = {
    **dict.fromkeys(("upper", "lower", "numeric", "special"), True),
    **dict.fromkeys(("minUpper", "minLower", "minNumeric", "minSpecial"), 0),
}


@pytest.fixture(scope="module")
def plugin() -> Iterator[Plugin]:
    """Return a started and configured plugin."""
    process, port = start_plugin("random", {})
    plugin = Plugin(port)
    plugin.configure()
    yield plugin
    plugin.close()
    assert stop_plugin(process) == ""


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


def test_every_password_is_another(plugin: Plugin) -> None:
    results = {plugin.made(PASSWORD, {"length": 32})[0]["result"] for _ in range(20)}
    assert len(results) == 20


def test_a_password_lives_in_the_state_alone(plugin: Plugin) -> None:
    wanted = {"length": 40, "special": False, "keepers": {"generation": "1"}}
    state, inputs = plugin.made(PASSWORD, wanted)
    assert inputs == DEFAULTS | wanted
    assert state == inputs | {"id": "none", "result": state["result"]}
    assert len(state["result"]) == 40
    assert state["result"].isalnum()
    assert plugin.read(PASSWORD, "none", state, inputs) == (state, inputs)
    assert plugin.diff(PASSWORD, state, inputs) == {}
    plugin.delete(PASSWORD, state)


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
    plugin: Plugin, changed: Props, expected: dict[str, str]
) -> None:
    state, inputs = plugin.made(PASSWORD, {"length": 40, "keepers": {"generation": "1"}})
    assert plugin.diff(PASSWORD, state, inputs | changed) == expected


def test_a_preview_does_not_know_the_password(plugin: Plugin) -> None:
    checked = plugin.checked(PASSWORD, {"length": 40, "keepers": {"generation": UNKNOWN}})
    assert plugin.preview(PASSWORD, checked) == checked | dict.fromkeys(
        ("id", "result", "bcryptHash"), UNKNOWN
    )


def test_a_password_is_imported_by_its_text(plugin: Plugin) -> None:
    state, inputs = plugin.read(PASSWORD, "S3cret-text", {}, {})
    assert state == DEFAULTS | {"id": "none", "length": 11, "result": "S3cret-text"}
    assert inputs == {"length": 11}
    assert plugin.diff(PASSWORD, state, plugin.check(PASSWORD, inputs)[0]) == {}


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
    plugin: Plugin, inputs: Props, failures: list[tuple[str, str]]
) -> None:
    assert plugin.check(PASSWORD, inputs)[1] == failures


def test_a_length_that_is_not_known_yet_is_not_judged(plugin: Plugin) -> None:
    assert plugin.check(PASSWORD, {"length": UNKNOWN, "minUpper": 5})[1] == []
