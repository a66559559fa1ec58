"""What a room tells of how things stand, and how `dualstack status` finds it.

A room names a function in the entry-point group `dualstack.status` of `pyproject.toml`. The
function gets a `StatusRequest` and returns the sections that it can tell, by name, each with what
asks for it. Nothing has been asked then: `dualstack status` asks for all of them beside each other,
each in a thread, and waits no longer than the user allows. What asks changes nothing and may raise
whatever it likes: its section is `unknown` then, with the reason.

A section is a mapping with the members of `SectionFields`, so that a room needs nothing of ours:
`sandbox` does not import `rollout`.

The second group, `dualstack.stacks`, names functions that return the stacks which a room keeps
itself, by name, as `OwnStack`s: what leads Pulumi and the clouds' clients there.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NotRequired, Protocol, TypedDict

State = Literal["ok", "attention", "unknown"]
"""`ok`: as it should be. `attention`: something is wrong, or differs from what is declared.
`unknown`: it could not be told, which never counts as `ok`."""

ROOMS: Final = "dualstack.status"
"""Entry points whose functions return sections."""

STACKS: Final = "dualstack.stacks"
"""Entry points whose functions return stacks."""


@dataclass(frozen=True)
class StatusRequest:
    """What the user wants to know."""

    stack: str | None = None
    """Name of the stack; None: the one selected in the current folder."""
    outputs: str | None = None
    """File with the stack's outputs, in place of a stack; `-` is standard input."""
    seconds: float = 20.0
    """How long a section may take."""


class SectionFields(TypedDict):
    """A section: what is so, and what about it needs somebody."""

    state: State
    """How it stands."""
    lines: Sequence[tuple[str, Any]]
    """What is told, in order, each with its value: text, a number, true or false, null, or a list
    or mapping of those."""
    notes: NotRequired[Sequence[str]]
    """What is wrong and what to do about it, or why something is not known. Default: nothing."""


Ask = Callable[[], Mapping[str, Any]]
"""Asks for a section and returns its `SectionFields`."""


class StatusRoom(Protocol):
    """What an entry point of `dualstack.status` is."""

    def __call__(self, request: StatusRequest, /) -> Mapping[str, Ask]:
        """Return what asks for each section, by name, in the order in which they are shown."""
        ...


class OwnStack(TypedDict):
    """A stack that a room keeps itself."""

    folder: str
    """The folder of its program."""
    variables: Mapping[str, str]
    """What leads `pulumi` and the clouds' clients to it."""


class SectionNotes:
    """Collects what a section tells; the worst that is noted is its state."""

    def __init__(self) -> None:
        """Begin with nothing, which is `ok`."""
        self._lines: list[tuple[str, Any]] = []
        self._notes: list[str] = []
        self._state: State = "ok"

    def line(self, what: str, value: Any) -> None:
        """Tell something."""
        self._lines.append((what, value))

    def attend(self, note: object) -> None:
        """Note what is wrong, and what to do."""
        self._notes.append(str(note))
        self._state = "attention"

    def cannot_tell(self, reason: object) -> None:
        """Note why something is not known."""
        self._notes.append(str(reason))
        if self._state == "ok":
            self._state = "unknown"

    def section(self) -> SectionFields:
        """Return the section."""
        return {"state": self._state, "lines": self._lines, "notes": self._notes}
