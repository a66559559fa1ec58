"""How rooms are found and asked: none of them is an error of the whole."""

import time
from collections.abc import Iterator, Mapping
from importlib.metadata import EntryPoint
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from components.faults import Fault
from rollout.faults import WrongUseError
from rollout.status.asking import ask_all, installed, sections_of_rooms
from rollout.status.room import ROOMS, STACKS, Ask, SectionNotes, StatusRequest


def told(state: str = "ok", **more: Any) -> Ask:
    return lambda: {"state": state, "lines": [("a", 1)], **more}


def broken() -> Mapping[str, Any]:
    raise OSError("no\nsuch file")


def test_sections_come_in_their_order_with_what_was_told() -> None:
    first, second = ask_all({"one": told(), "two": told("attention", notes=["b"])}, 5)
    assert (first.name, first.state, first.lines[0].value, first.notes) == ("one", "ok", 1, ())
    assert (second.name, second.state, second.notes) == ("two", "attention", ("b",))


@pytest.mark.parametrize(
    ("ask", "reason"),
    [
        pytest.param(broken, "OSError: no such file", id="it raises"),
        pytest.param(told("fine"), "what is no section", id="no such state"),
        pytest.param(lambda: {"lines": ()}, "what is no section", id="no state at all"),
        pytest.param(lambda: None, "what is no section", id="nothing"),
        pytest.param(
            lambda: {"state": "ok", "lines": [("a", object())]}, "what is no section", id="no JSON"
        ),
    ],
)
def test_what_breaks_is_unknown_and_hides_no_other(ask: Ask, reason: str) -> None:
    bad, good = ask_all({"bad": ask, "good": told()}, 5)
    assert (bad.state, bad.lines, good.state) == ("unknown", (), "ok")
    assert reason in bad.notes[0]


def test_all_are_asked_beside_each_other_and_none_is_waited_for_longer_than_allowed() -> None:
    met, never = Event(), Event()

    def first() -> Mapping[str, Any]:
        assert met.wait(30)
        return told()()

    def second() -> Mapping[str, Any]:
        met.set()
        return told()()

    def silent() -> Mapping[str, Any]:
        never.wait(60)
        return told()()

    began = time.monotonic()
    try:
        sections = ask_all({"silent": silent, "first": first, "second": second}, 3)
    finally:
        never.set()
    assert time.monotonic() - began < 30
    assert [each.state for each in sections] == ["unknown", "ok", "ok"]
    assert sections[0].notes == ("silent has no answer after 3 s",)


def test_wrong_use_is_the_user_s_to_mend() -> None:
    def ask() -> Mapping[str, Any]:
        raise WrongUseError([Fault("--outputs x", "empty", "it has to be a file", "Name one.")])

    with pytest.raises(WrongUseError, match="--outputs x is empty"):
        ask_all({"one": told(), "two": ask}, 5)


def entry(value: str) -> EntryPoint:
    return EntryPoint("room", value, ROOMS)


def test_a_room_that_cannot_be_imported_is_unknown() -> None:
    def points(group: str) -> Iterator[EntryPoint]:
        assert group == ROOMS
        yield entry("rollout.nowhere:sections")
        yield entry("rollout.status.edge_room:sections")

    asks = sections_of_rooms(StatusRequest(), points)
    assert list(asks)[:3] == ["room", "clouds", "stack"]
    (section,) = ask_all({"room": asks["room"]}, 5)
    assert section.state == "unknown"
    assert section.notes[0].startswith(
        "rollout.nowhere:sections cannot be asked: ModuleNotFoundError:"
    )


def test_this_checkout_has_both_rooms_and_a_wheel_has_its_own(tmp_path: Path) -> None:
    assert {point.module for point in installed(ROOMS)} == {
        "rollout.status.edge_room",
        "sandbox.status",
    }
    assert [point.module for point in installed(STACKS)] == ["sandbox.status"]
    (tmp_path / "rollout").mkdir()
    assert [point.module for point in installed(ROOMS, tmp_path)] == ["rollout.status.edge_room"]
    assert list(installed(STACKS, tmp_path)) == []


def test_the_worst_note_is_the_state() -> None:
    notes = SectionNotes()
    assert notes.section()["state"] == "ok"
    notes.cannot_tell("silence")
    assert notes.section()["state"] == "unknown"
    notes.attend("gone")
    notes.cannot_tell("more silence")
    assert notes.section() == {
        "state": "attention",
        "lines": [],
        "notes": ["silence", "gone", "more silence"],
    }
