"""The stack: when it was deployed last, what is left half done, who works on it."""

import contextlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock, Thread
from typing import Any, Final, Generic, TypeVar, cast
from urllib.parse import urlsplit

from components.faults import Fault
from rollout.aws import AccountError, ImpatientSession
from rollout.edge import StackOutputs, outputs_text, stack_outputs
from rollout.faults import WrongUseError
from rollout.pulumi_command import PulumiCommand, PulumiError
from rollout.status import locks
from rollout.status.reasons import NotToldError
from rollout.status.room import OwnStack, SectionFields, SectionNotes, StatusRequest

T = TypeVar("T")

CLOUD_SECONDS: Final = 5.0
"""How long a cloud may take for one answer, so that a dead one is named in time."""

_SERVICE: Final = ("http", "https")
"""Schemes of backends that are a service, which says itself who works on a stack."""


class Once(Generic[T]):
    """Something that several threads need, and the first of them gets."""

    def __init__(self, work: Callable[[], T]) -> None:
        """Take what gets it."""
        self._work = work
        self._lock = Lock()
        self._result: list[T] = []
        self._error: Exception | None = None

    def start(self) -> None:
        """Get it in a thread of its own, which ends with the process at the latest."""

        def work() -> None:
            with contextlib.suppress(Exception):
                self.get()

        Thread(target=work, daemon=True).start()

    def get(self) -> T:
        """Return it, or raise what getting it raised."""
        with self._lock:
            if not self._result and self._error is None:
                try:
                    self._result.append(self._work())
                except Exception as error:  # noqa: BLE001 - each of them gets it
                    self._error = error
        if self._error is not None:
            raise self._error
        return self._result[0]


@dataclass(frozen=True)
class StackPlace:
    """Where a stack is."""

    pulumi: PulumiCommand
    """How Pulumi is run for it."""
    name: str | None
    """Its name; None: nothing but its outputs is known."""
    variables: Mapping[str, str]
    """What leads to it beside the variables of this process."""


class StackReader:
    """Reads a stack; every question is asked once."""

    def __init__(
        self,
        request: StatusRequest,
        own: Callable[[], Mapping[str, OwnStack]],
        environment: Mapping[str, str],
    ) -> None:
        """Have nothing yet.

        Args:
            request: What the user wants to know.
            own: Returns the stacks that rooms keep themselves, by name.
            environment: The variables of this process.
        """
        self._request = request
        self._own = own
        self._environment = environment
        self.place: Final = Once(self._find)
        self.outputs: Final = Once(self._outputs)
        self.settings: Final = Once(self._settings)
        self.set_records: Final = Once(self._set_records)
        self.switch_url: Final = Once(self._switch_url)
        self._config: Final = Once(lambda: self.ask("config", "--json"))

    def _find(self) -> StackPlace:
        """Return where the stack is.

        The user's own comes first. One that a room keeps is meant where it is named, or where
        there is no other. In a shell that says where Pulumi keeps its state, that is meant.

        Raises:
            PulumiError: No stack is named, selected or kept.
        """
        name = self._request.stack
        mine = PulumiCommand(seconds=self._request.seconds)
        if self._request.outputs is not None:
            return StackPlace(mine, None, {})
        own: Mapping[str, OwnStack] = {}
        if "PULUMI_BACKEND_URL" not in self._environment:
            own = self._own()
        if name is None:
            try:
                name = mine.answer("stack", "--show-name").strip()
            except PulumiError:
                if len(own) != 1:
                    raise
                (name,) = own
            else:
                own = {}
        if name not in own:
            return StackPlace(mine, name, {})
        kept = own[name]
        command = PulumiCommand(Path(kept["folder"]), kept["variables"], self._request.seconds)
        return StackPlace(command, name, kept["variables"])

    def ask(self, *words: str) -> Any:
        """Return what a command about the stack prints as JSON.

        Raises:
            PulumiError: It does not answer, or not so.
        """
        return self.pulumi(*words, stack=self.place.get().name)

    def pulumi(self, *words: str, stack: str | None = None) -> Any:
        """Return what a command prints as JSON, run where the stack is.

        Raises:
            PulumiError: It does not answer, or not so.
        """
        text = self.place.get().pulumi.answer(*words, stack=stack)
        try:
            return json.loads(text)
        except ValueError as error:
            raise PulumiError(f"answering what is no JSON ({error})") from error

    def edge(self) -> StackOutputs:
        """Return the stack's outputs.

        Raises:
            NotToldError: They cannot be read.
        """
        try:
            return self.outputs.get()
        except (PulumiError, WrongUseError) as error:
            raise NotToldError("It needs the stack's outputs: see section stack.") from error

    def _outputs(self) -> StackOutputs:
        if (file := self._request.outputs) is not None:
            return stack_outputs(outputs_text(file), f"--outputs {file}")
        outputs = self.ask("stack", "output", "--json")
        return stack_outputs(json.dumps(outputs), "pulumi stack output --json")

    def _settings(self) -> Mapping[str, int] | None:
        """Return the weights in the stack's settings; None: they are not set there.

        Raises:
            PulumiError: The settings cannot be read.
        """
        read = self._setting("traffic")
        try:
            return {path: int(read[path]) for path in ("direct", "cdn")} if read else None
        except (KeyError, TypeError, ValueError):
            return None

    def _set_records(self) -> str | None:
        """Return what `dns.records` is in the stack's settings: `weighted`, `none` or `simple`.

        None: nothing but the stack's outputs is known.

        Raises:
            PulumiError: The settings cannot be read.
        """
        if self.place.get().name is None:
            return None
        read = self._setting("dns")
        if not isinstance(read, dict):
            return "weighted"
        return str(cast("dict[str, Any]", read).get("records") or "weighted")

    def _switch_url(self) -> str | None:
        """Return the address of the kill switch's object in the settings; empty: there is none.

        None: nothing but the stack's outputs is known.

        Raises:
            PulumiError: The settings cannot be read.
        """
        if self.place.get().name is None:
            return None
        read = self._setting("killSwitch")
        return str(cast("Mapping[str, Any]", read).get("url", "")) if read else ""

    def _setting(self, key: str) -> Any:
        """Return a setting that is an object; None: it is not set, or not to be read."""
        if self.place.get().name is None:
            return None
        for name, setting in self._config.get().items():
            if name.endswith(f":{key}"):
                with contextlib.suppress(KeyError, TypeError, ValueError):
                    return json.loads(setting["value"])
        return None


def stack_section(reader: StackReader, now: Callable[[], datetime]) -> SectionFields:
    """Tell of the stack.

    Raises:
        WrongUseError: `--outputs` is no file with the outputs of an edge.
    """
    notes = SectionNotes()
    try:
        place = reader.place.get()
    except PulumiError as error:
        remedy = (
            "Run it where a stack is selected, or give --stack NAME or --outputs FILE. "
            "To make one on this machine: make up"
        )
        notes.cannot_tell(Fault("pulumi stack", str(error), "a stack is needed", remedy))
        return notes.section()
    if place.name is None:
        reader.outputs.get()
        notes.line("name", None)
        notes.line("outputs", "from a file: what Pulumi knows of the stack is not asked")
        return notes.section()
    notes.line("name", place.name)
    exported = Once(lambda: reader.ask("stack", "export"))
    backend = Once(lambda: reader.pulumi("whoami", "--verbose", "--json")["url"])
    for question in (exported, backend, reader.outputs):
        question.start()
    url = project = ""
    try:
        url = str(backend.get())
    except PulumiError as error:
        notes.cannot_tell(f"pulumi whoami is {error}.")
    notes.line("state", url or None)
    try:
        project = _tell_deployment(notes, exported.get(), now())
    except PulumiError as error:
        notes.cannot_tell(f"pulumi stack export is {error}.")
    if project:
        _tell_lock(notes, reader, place.name, project, url)
    _tell_outputs(notes, reader)
    return notes.section()


def _tell_outputs(notes: SectionNotes, reader: StackReader) -> None:
    try:
        reader.outputs.get()
    except PulumiError as error:
        notes.cannot_tell(f"pulumi stack output is {error}.")
    except WrongUseError as error:
        # What the stack is says this better than each output that is not there.
        notes.cannot_tell(str(error).splitlines()[0])


def _tell_deployment(notes: SectionNotes, exported: Mapping[str, Any], now: datetime) -> str:
    """Tell what the state says; return the name of the project, empty where nothing stands."""
    deployment: Mapping[str, Any] = exported.get("deployment") or {}
    resources: list[Mapping[str, Any]] = deployment.get("resources") or []
    manifest: Mapping[str, Any] = deployment.get("manifest") or {}
    last = _time(str(manifest.get("time", ""))) if resources else None
    notes.line("last update", moment(last) if last else None)
    if last:
        notes.line("since then", length((now - last).total_seconds()))
    notes.line("resources", len(resources))
    pending: list[Mapping[str, Any]] = deployment.get("pending_operations") or []
    notes.line("pending operations", len(pending))
    for operation in pending:
        urn = str(operation["resource"]["urn"]).rpartition("::")[2]
        notes.attend(
            Fault(
                f"Operation on {urn}",
                f"{operation['type']}, and was never finished",
                "nothing may be under way between two deployments",
                "Look at what became of it, then: pulumi refresh",
            )
        )
    if not resources:
        notes.attend(
            Fault("The stack", "empty", "it should have an edge", "Deploy it with: pulumi up")
        )
        return ""
    return str(resources[0]["urn"]).split("::")[1]


def _time(text: str) -> datetime | None:
    """Return a time of a state, which Go writes with up to nine digits of a second."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def moment(time: datetime) -> str:
    """Return a time as a section tells it: UTC, to the second."""
    return f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def length(seconds: float) -> str:
    """Return a length of time in its largest unit."""
    units = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))
    unit, size = next((each for each in units if seconds >= each[1]), units[-1])
    number = max(0, int(seconds // size))
    return f"{number} {unit}{'s' * (number != 1)}"


def _tell_lock(notes: SectionNotes, reader: StackReader, name: str, project: str, url: str) -> None:
    """Tell whether somebody works on the stack, where its backend says so."""
    holders: list[str] | None = None
    scheme = urlsplit(url).scheme
    reason = f"Pulumi tells of no locks in {scheme or 'its backend'}"
    try:
        if scheme in _SERVICE:
            stacks: list[Mapping[str, Any]] = reader.pulumi("stack", "ls", "--json")
            mine = [one for one in stacks if _is_same(str(one["name"]), name)]
            holders = ["by an update in progress" for one in mine if one.get("updateInProgress")]
        elif scheme in locks.SCHEMES:
            place = reader.place.get()
            seconds = min(CLOUD_SECONDS, place.pulumi.seconds)
            session = ImpatientSession(place.variables, seconds)
            holders = locks.holders(url, project, name, session)
    except PulumiError as error:
        reason = f"pulumi stack ls is {error}"
    except (AccountError, OSError) as error:
        reason = str(error)
    notes.line("locked", None if holders is None else bool(holders))
    if holders is None:
        notes.cannot_tell(f"Whether the stack is locked is not known: {reason}.")
    for holder in holders or ():
        remedy = "Wait for it. If nobody works on it any more: pulumi cancel"
        notes.attend(Fault("The stack", f"locked {holder}", "one update runs at a time", remedy))


def _is_same(one: str, other: str) -> bool:
    """Say whether two names are of one stack: they may have an organisation in front, or not."""
    return f"/{one}".endswith(f"/{other}") or f"/{other}".endswith(f"/{one}")
