"""Random passwords: what they are made of, and their life over the engine's protocol."""

import string
from collections.abc import Iterator

import pytest

from sandbox.plugins.random.password import SPECIAL, RandomPasswordStandIn
from sandbox.plugins.values import UNKNOWN, Props
from support.plugin import Plugin, start_plugin, stop_plugin

PASSWORD = RandomPasswordStandIn.type_name
DEFAULTS: Props = {"special": True}


@pytest.fixture(scope="module")
def plugin() -> Iterator[Plugin]:
    """Return a started and configured plugin."""
    process, port = start_plugin("random", {})
    plugin = Plugin(port)
    plugin.configure()
    yield plugin
    plugin.close()
    assert stop_plugin(process) == ""


@pytest.mark.parametrize("special", [True, False])
def test_a_password_is_of_letters_digits_and_special_characters(
    plugin: Plugin, *, special: bool
) -> None:
    made = plugin.made(PASSWORD, {"length": 2000, "special": special})[0]["result"]
    assert len(made) == 2000
    assert set(made) == {*string.ascii_letters, *string.digits, *(SPECIAL if special else "")}


def test_every_password_is_another(plugin: Plugin) -> None:
    results = {plugin.made(PASSWORD, {"length": 32})[0]["result"] for _ in range(20)}
    assert len(results) == 20


def test_a_password_lives_in_the_state_alone(plugin: Plugin) -> None:
    desired = {"length": 40, "special": False, "keepers": {"generation": "1"}}
    state, inputs = plugin.made(PASSWORD, desired)
    assert inputs == DEFAULTS | desired
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
            {"length": 0},
            [("length", "length is 0; 1 or more is allowed. Raise it.")],
            id="empty",
        ),
        pytest.param(
            {"length": 8, "minUpper": 1},
            [
                (
                    "minUpper",
                    (
                        "minUpper is given; the stand-in for the plugin does without it. "
                        "Leave it out, or install the official plugin."
                    ),
                )
            ],
            id="a choice of characters",
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
    assert plugin.check(PASSWORD, {"length": UNKNOWN})[1] == []
