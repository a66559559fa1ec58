"""What `dualstack status` prints of what it was told."""

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import jsonschema
import pytest
from rich.console import Console

from rollout.status import report
from rollout.status.report import StatusLine, StatusReport, StatusSection
from rollout.status.room import State


def section(name: str, state: State, /, *notes: str, **lines: Any) -> StatusSection:
    told = tuple(StatusLine(what=what, value=value) for what, value in lines.items())
    return StatusSection(name=name, state=state, lines=told, notes=notes, seconds=0.25)


def made(*sections: StatusSection) -> StatusReport:
    return report.make(sections, asked=datetime(2026, 1, 2, tzinfo=UTC), seconds=1.26)


SECTIONS = (
    section("stack", "ok", name="prod", locked=False, pending=0),
    section("weights", "attention", "It is 7; it should be 0.", api={"direct": 100, "cdn": 7}),
    section("certificate", "unknown", "No answer.", arn=None, names=[], both=["a", "b"]),
)


def printed(status: StatusReport, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width, emoji=False, markup=False, highlight=False)
    report.show(status, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_people_read_a_block_for_each_section_and_the_worst_at_the_end() -> None:
    assert (
        printed(made(*SECTIONS))
        == """\
ok         stack
  name     prod
  locked   no
  pending  0

attention  weights
  api  direct 100, cdn 7
  ! It is 7; it should be 0.

unknown    certificate
  arn    -
  names  none
  both   a, b
  ! No answer.

attention: 1 ok, 1 attention, 1 unknown, in 1.3 s
"""
    )


@pytest.mark.parametrize("width", [20, 60])
def test_what_may_be_copied_is_never_folded(width: int) -> None:
    arn = f"arn:aws:acm:us-east-1:123456789012:certificate/{'a' * 36}"
    status = made(section("certificate", "attention", f"{arn} is not there.", arn=arn))
    assert printed(status, width).splitlines()[1:3] == [f"  arn  {arn}", f"  ! {arn} is not there."]


def test_what_a_terminal_would_obey_is_replaced() -> None:
    text = printed(made(section("clouds", "ok", name="\x1b[2Jgone\r")))
    assert "\N{REPLACEMENT CHARACTER}[2Jgone\N{REPLACEMENT CHARACTER}\n" in text


@pytest.mark.parametrize(
    ("states", "whole", "code"),
    [
        pytest.param(["ok", "ok"], "ok", 0, id="all well"),
        pytest.param(["ok", "unknown"], "unknown", 3, id="one unknown"),
        pytest.param(["unknown", "attention", "ok"], "attention", 1, id="one wrong"),
        pytest.param([], "unknown", 3, id="nothing was told"),
    ],
)
def test_the_whole_is_as_the_worst_section(states: list[State], whole: State, code: int) -> None:
    status = made(*(section(str(number), state) for number, state in enumerate(states)))
    assert (status.state, status.exit_code) == (whole, code)


def test_programs_read_what_the_schema_says() -> None:
    document = json.loads(report.as_json(made(*SECTIONS)))
    jsonschema.validate(document, json.loads(report.schema()))
    assert (document["exitCode"], document["asked"]) == (1, "2026-01-02T00:00:00Z")
    assert document["sections"][1] == {
        "name": "weights",
        "state": "attention",
        "lines": [{"what": "api", "value": {"direct": 100, "cdn": 7}}],
        "notes": ["It is 7; it should be 0."],
        "seconds": 0.25,
    }


def test_the_schema_in_docs_is_that_of_the_code(check_page: Callable[[str, str], None]) -> None:
    check_page("schemas/status.json", report.schema())
