"""The report of `dualstack status`, for people and for programs."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, cast

from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic.alias_generators import to_camel
from rich.console import Console
from rich.text import Text

from rollout.status.room import State

OK, ATTENTION, UNKNOWN = 0, 1, 3
CODES: Final[Mapping[State, int]] = {"ok": OK, "attention": ATTENTION, "unknown": UNKNOWN}
STYLES: Final[Mapping[State, str]] = {
    "ok": "green",
    "attention": "bold red",
    "unknown": "yellow",
}
WORST_FIRST: Final[tuple[State, ...]] = ("attention", "unknown", "ok")
_STATE_WIDTH: Final = max(map(len, CODES))


class _StatusModel(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, use_attribute_docstrings=True, frozen=True
    )


class StatusLine(_StatusModel):
    """One thing that is told."""

    what: str
    """What it is: `status`, or a name such as `api.example.com AAAA`."""
    value: JsonValue
    """How it is: text, a number, true or false, null, or a list or object of those."""


class StatusSection(_StatusModel):
    """What one part of a room tells."""

    name: str
    """Its name, stable: `weights`."""
    state: State
    """`ok`; `attention`: something is wrong, or differs from what is declared; `unknown`: something
    could not be told, and nothing that could is wrong."""
    lines: tuple[StatusLine, ...]
    """What is told, in order."""
    notes: tuple[str, ...]
    """What is wrong and what to do about it, and why something could not be told."""
    seconds: float
    """How long it took."""


class StatusReport(_StatusModel):
    """What `dualstack status --json` prints."""

    state: State
    """Of the whole: the worst of the sections, `attention` before `unknown`."""
    exit_code: Annotated[int, Field(ge=0, le=3)]
    """0 ok, 1 attention, 3 unknown."""
    asked: datetime
    """When it was asked, UTC."""
    seconds: float
    """How long it took."""
    sections: tuple[StatusSection, ...]
    """The sections, in the order in which they are shown."""


def make(sections: Sequence[StatusSection], *, asked: datetime, seconds: float) -> StatusReport:
    """Return the report on what was told.

    Args:
        sections: The sections; none: nothing could be asked, which is `unknown`.
        asked: When it was asked.
        seconds: How long it took.
    """
    states: list[State] = [section.state for section in sections] or ["unknown"]
    worst = min(states, key=WORST_FIRST.index)
    return StatusReport(
        state=worst,
        exit_code=CODES[worst],
        asked=asked,
        seconds=round(seconds, 3),
        sections=tuple(sections),
    )


def as_json(report: StatusReport) -> str:
    """Return a report as its schema describes it."""
    return report.model_dump_json(by_alias=True, indent=2)


def schema() -> str:
    """Return the JSON schema of a report, `docs/schemas/status.json`."""
    return json.dumps(StatusReport.model_json_schema(mode="serialization"), indent=2) + "\n"


def show(report: StatusReport, console: Console) -> None:
    """Print a report: a line is never folded, so that what is to be copied stays whole."""
    for section in report.sections:
        style = STYLES[section.state]
        head = Text(section.state.ljust(_STATE_WIDTH), style)
        _print(console, head.append(f"  {section.name}", "bold"))
        width = max((len(line.what) for line in section.lines), default=0)
        for line in section.lines:
            _print(console, Text(f"  {line.what:{width}}  {shown(line.value)}".rstrip()))
        for note in section.notes:
            _print(console, Text(f"  ! {note}", style))
        _print(console, Text())
    counts = Counter[State](section.state for section in report.sections)
    numbers = ", ".join(f"{counts[state]} {state}" for state in CODES)
    _print(console, Text(f"{report.state}: {numbers}, in {report.seconds:.1f} s"))


def shown(value: Any) -> str:
    """Return a value as people read it."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        members = cast("Mapping[str, Any]", value).items()
        return ", ".join(f"{name} {shown(member)}" for name, member in members) or "none"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(shown, cast("Sequence[Any]", value))) or "none"
    # Others' servers answer with whatever they like, and a terminal obeys some of it.
    return "".join(
        each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in str(value)
    )


def _print(console: Console, text: Text) -> None:
    console.print(text, soft_wrap=True)
