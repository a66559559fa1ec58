"""Places, findings, and what a rule's docstring must hold."""

import pytest

from policies.model import UNKNOWN, Finding, Judgement, Place, Rule, Value, show

RESOURCE = Place(
    "",
    {"name": "edge", "origins": [{"port": 443.0}, UNKNOWN], "settings": UNKNOWN, "gone": None},
)


@pytest.mark.parametrize(
    ("place", "path", "value"),
    [
        pytest.param(RESOURCE.get("name"), "name", "edge", id="a property"),
        pytest.param(RESOURCE.get("nothing"), "nothing", None, id="an absent property"),
        pytest.param(RESOURCE.get("gone"), "gone", None, id="a property that is null"),
        pytest.param(RESOURCE.get("name").get("x"), "name.x", None, id="a part of a text"),
        pytest.param(
            RESOURCE.get("settings").get("a").get("b"), "settings", UNKNOWN, id="inside unknown"
        ),
        pytest.param(
            RESOURCE.get("origins").items()[0].get("port"), "origins[0].port", 443, id="an element"
        ),
        pytest.param(
            RESOURCE.get("origins").items()[1].get("port"), "origins[1]", UNKNOWN, id="unknown one"
        ),
    ],
)
def test_a_part_of_a_place_knows_its_path_and_never_raises(
    place: Place, path: str, value: Value
) -> None:
    assert (place.path, place.value) == (path, value)


@pytest.mark.parametrize(
    ("value", "count"),
    [
        pytest.param(None, 0, id="absent"),
        pytest.param([], 0, id="empty"),
        pytest.param([None, "a"], 2, id="two"),
        pytest.param(UNKNOWN, 1, id="unknown"),
        pytest.param("text", 1, id="not a list"),
        pytest.param({"a": 1}, 1, id="an object"),
    ],
)
def test_what_is_no_list_is_its_own_only_item(value: Value, count: int) -> None:
    assert len(Place("things", value).items()) == count


@pytest.mark.parametrize(
    ("value", "allowed", "passes"),
    [
        pytest.param(0, 0, True, id="zero"),
        pytest.param(0.0, 0, True, id="zero as the wire writes it"),
        pytest.param(-0.0, 0, True, id="minus zero"),
        pytest.param(False, 0, False, id="false is not zero"),
        pytest.param("0", 0, False, id="text is not zero"),
        pytest.param(None, 0, False, id="absent is not zero"),
        pytest.param(True, True, True, id="true"),
        pytest.param(1, True, False, id="one is not true"),
        pytest.param("true", True, False, id="text is not true"),
        pytest.param(float("nan"), 0, False, id="not a number"),
        pytest.param("all", "all", True, id="text"),
        pytest.param(["all"], "all", False, id="a list of the text"),
        pytest.param(UNKNOWN, "all", False, id="unknown"),
    ],
)
def test_a_value_must_be_of_the_wanted_kind(
    value: Value,
    allowed: bool | int | str,
    passes: bool,
) -> None:
    findings = list(Place("p", value).must_be(allowed, "Mend it."))
    assert (findings == []) is passes


def test_an_unknown_value_never_makes_a_certain_finding() -> None:
    finding = Place("p", UNKNOWN).finding("true", "Mend it.", certain=True)
    assert finding.answer is Judgement.CANNOT_TELL


def test_a_message_says_rule_place_found_wanted_and_fix() -> None:
    finding = Finding(Judgement.FAIL, "a[0].b", '"x"', '"y"', 'Set it to "y".')
    assert (
        finding.message("some-rule") == 'some-rule: a[0].b is "x"; it must be "y". Set it to "y".'
    )


def test_a_message_says_when_a_rule_cannot_tell() -> None:
    finding = Place("a", UNKNOWN).finding("true", "Set it to true.")
    assert finding.message("some-rule") == (
        "some-rule cannot tell: a is not known before deployment; it must be true. Set it to true."
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(None, "absent", id="absent"),
        pytest.param("é", '"é"', id="text"),
        pytest.param(10.0, "10", id="a whole float"),
        pytest.param(0.5, "0.5", id="a fraction"),
        pytest.param(True, "true", id="a boolean"),
        pytest.param({"a": 1}, "an object", id="an object"),
        pytest.param(["GET", UNKNOWN, None], '["GET", not known, absent]', id="a list"),
        pytest.param("x" * 500, '"' + "x" * 118 + "…", id="too long"),
    ],
)
def test_values_are_shown_as_a_reader_writes_them(value: Value, text: str) -> None:
    assert show(value) == text


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(None, id="no docstring"),
        pytest.param("A demand.", id="a demand alone"),
        pytest.param("A demand.\n\nSource: somebody.", id="no reason"),
        pytest.param("A demand.\n\nA reason.", id="no source"),
    ],
)
def test_a_rule_without_demand_reason_and_source_is_refused(text: str | None) -> None:
    with pytest.raises(
        ValueError, match=r"docstring of rule nameless .* must be a demand, reasons"
    ):
        Rule(
            name="nameless",
            text=text,
            url="https://example.com",
            severity="low",
            remedy="",
            resource_types=frozenset(),
            check=lambda _: iter(()),
        )
