"""Every room asked, beside each other, for no longer than the user allows."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from threading import Thread
from typing import Any, Final

from pydantic import BaseModel, JsonValue, ValidationError

from rollout.faults import WrongUseError
from rollout.status.report import StatusLine, StatusSection
from rollout.status.room import ROOMS, Ask, SectionFields, State, StatusRequest

FOLDER: Final = Path(__file__).resolve().parents[2]
"""The folder of the project's packages: the checkout, or where the wheel is installed."""


class _Told(BaseModel):
    """`SectionFields`, as a room may have them wrong."""

    state: State
    lines: tuple[tuple[str, JsonValue], ...]
    notes: tuple[str, ...] = ()


def installed(group: str, rooms: Path = FOLDER) -> Iterator[EntryPoint]:
    """Yield the entry points of a group that this install has.

    The wheel says what a checkout has, and has no `sandbox`; whatever other package is called so
    is not ours.

    Args:
        group: Name of the group.
        rooms: The folder of the project's packages.
    """
    for point in entry_points(group=group):
        is_ours = point.dist is not None and point.dist.name == "dualstack-edge"
        if not is_ours or (rooms / point.module.partition(".")[0]).is_dir():
            yield point


@dataclass
class _Asked:
    """A section that is being asked for."""

    name: str
    ask: Ask
    began: float = field(default_factory=time.monotonic)
    section: StatusSection | None = None
    wrong_use: WrongUseError | None = None

    def run(self) -> None:
        """Ask, and keep the answer."""
        try:
            told = _Told.model_validate(self.ask())
            lines = tuple(StatusLine(what=what, value=value) for what, value in told.lines)
            self.section = self._made(state=told.state, lines=lines, notes=told.notes)
        except WrongUseError as error:
            self.wrong_use = error
        except ValidationError as error:
            # What a room means cannot be guessed.
            self.section = self._unknown(f"{self.name} tells what is no section: {error}")
        except Exception as error:  # noqa: BLE001 - one section that breaks is no error of the whole
            self.section = self._unknown(f"{type(error).__name__}: {error}")

    def answer(self, seconds: float) -> StatusSection:
        """Return what was told until now."""
        return self.section or self._unknown(f"{self.name} has no answer after {seconds:g} s")

    def _unknown(self, reason: str) -> StatusSection:
        return self._made(state="unknown", lines=(), notes=(" ".join(reason.split()),))

    def _made(self, **fields: Any) -> StatusSection:
        seconds = round(time.monotonic() - self.began, 3)
        return StatusSection(name=self.name, seconds=seconds, **fields)


def ask_all(asks: Mapping[str, Ask], seconds: float) -> Sequence[StatusSection]:
    """Ask for sections beside each other.

    A thread cannot be ended. Those that have no answer in time are left behind, and end with the
    process.

    Args:
        asks: What asks for each section, by name.
        seconds: How long all of them together may take.

    Raises:
        WrongUseError: One of them says that the user asks for what cannot be.
    """
    asked = [_Asked(name, ask) for name, ask in asks.items()]
    threads = [Thread(target=one.run, name=one.name, daemon=True) for one in asked]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    for one in asked:
        if one.wrong_use is not None:
            raise one.wrong_use
    return [one.answer(seconds) for one in asked]


def sections_of_rooms(
    request: StatusRequest, points: Callable[[str], Iterator[EntryPoint]] = installed
) -> Mapping[str, Ask]:
    """Return what asks for each section of every room.

    Args:
        request: What the user wants to know.
        points: Returns the entry points of a group.
    """
    asks: dict[str, Ask] = {}
    for point in points(ROOMS):
        try:
            asks |= point.load()(request)
        except Exception as error:  # noqa: BLE001 - a room that is broken hides no other
            asks[point.name] = _broken(point, error)
    return asks


def _broken(point: EntryPoint, error: Exception) -> Ask:
    reason = f"{point.value} cannot be asked: {type(error).__name__}: {error}"

    def ask() -> SectionFields:
        return {"state": "unknown", "lines": (), "notes": (reason,)}

    return ask
