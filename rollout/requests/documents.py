"""The user's own files, with the place of every value, so that a fault can name its line.

The libraries that read YAML and JSON keep no places. PyYAML's tree of nodes does, and `JsonPlaces`
finds them in JSON; both only once there is a fault: a HAR file may have many megabytes. YAML is
read by libyaml where PyYAML was built with it, which takes a sixth of the time.
"""

import gc
import json
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import yaml
from pydantic import ValidationError

from components.faults import Fault, fault_of, path_of
from rollout.faults import WrongUseError
from rollout.requests.json_places import JsonPlaces

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""What reads YAML."""

REMEDY = "Mend that place, or look at docs/verify.md for an example."


@dataclass(frozen=True)
class Document:
    """A file that could be read."""

    name: str
    """Its name, as the user gave it."""
    text: str
    """All of it."""
    value: Any
    """Its value: objects, arrays, text, numbers, booleans and nulls."""
    is_json: bool = False
    """Whether it is JSON, and not YAML only."""

    @cached_property
    def _json_places(self) -> JsonPlaces:
        return JsonPlaces(self.text)

    @cached_property
    def _root(self) -> yaml.Node | None:
        loader: Any = LOADER(self.text)
        try:
            with without_collector():
                node: yaml.Node | None = loader.get_single_node()
        finally:
            loader.dispose()
        return node

    @cached_property
    def _members(self) -> dict[int, dict[Any, tuple[yaml.Node, yaml.Node]]]:
        """Key and value of each member of the objects that were looked into, by object."""
        return {}

    def place(self, steps: Sequence[str | int]) -> str:
        """Return where a value stands: `requests.yaml:3:5`.

        Args:
            steps: Keys and indices from the top. Those that lead nowhere are skipped, so a missing
                key has the place of its object.
        """
        if self.is_json:
            line, column = self._json_places.place(steps)
            return f"{self.name}:{line}:{column}"
        node = mark = self._root
        for step in steps:
            if isinstance(node, yaml.MappingNode):
                if member := self._members_of(node).get(step):
                    mark, node = member
            elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
                items = cast("list[yaml.Node]", node.value)
                if step < len(items):
                    mark = node = items[step]
        if mark is None:
            return self.name
        start = mark.start_mark
        return f"{self.name}:{start.line + 1}:{start.column + 1}"

    def _members_of(self, node: yaml.MappingNode) -> dict[Any, tuple[yaml.Node, yaml.Node]]:
        if id(node) not in self._members:
            pairs = cast("list[tuple[yaml.Node, yaml.Node]]", node.value)
            self._members[id(node)] = {key.value: (key, value) for key, value in reversed(pairs)}
        return self._members[id(node)]

    def what(self, steps: Sequence[str | int]) -> str:
        """Return how a message names a value: its place, and its path in the document."""
        path = path_of(steps)
        return f"{self.place(steps)} {path}" if path else self.place(steps)

    def faults(
        self, error: ValidationError, *, without: str = "", below: Sequence[str | int] = ()
    ) -> list[Fault]:
        """Return what pydantic reports, each with its place, each place once.

        Args:
            error: What pydantic reports.
            without: A kind of value whose errors are left out where there are others.
            below: Where the value stands that pydantic was given.
        """
        faults: dict[str, Fault] = {}
        items = [item for item in error.errors() if without not in item["loc"]]
        for item in items or error.errors():
            steps = self._steps((*below, *item["loc"]))
            if item["type"] == "missing":
                steps = [*steps, item["loc"][-1]]
            what = self.what(steps)
            faults.setdefault(what, fault_of(item, what, REMEDY, missing="not there"))
        return list(faults.values())

    def _steps(self, location: Sequence[str | int]) -> list[str | int]:
        """Return those of pydantic's steps that lead somewhere in this document.

        Where a value may be of several kinds, pydantic puts the kind's name among the steps, and
        behind a key that is wrong itself it puts `[key]`.
        """
        steps: list[str | int] = []
        value = self.value
        for step in location:
            if isinstance(value, dict) and step in value:
                value = cast("dict[str | int, Any]", value)[step]
            elif isinstance(value, list) and isinstance(step, int):
                value = cast("list[Any]", value)[step]
            else:
                continue
            steps.append(step)
        return steps


@contextmanager
def without_collector() -> Generator[None]:
    """Build many objects without searches for garbage, which take most of the time otherwise."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def load(name: str) -> Document:
    """Read a file of YAML or JSON.

    Raises:
        WrongUseError: It cannot be read, or it is neither.
    """
    try:
        text = Path(name).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise WrongUseError(
            [
                Fault(
                    name,
                    f"not readable ({error})",
                    "it should be a file of YAML or JSON in UTF-8",
                    "Give the path of one that is.",
                )
            ]
        ) from error
    return parse(name, text)


def parse(name: str, text: str) -> Document:
    """Return what a file of YAML or JSON holds.

    Raises:
        WrongUseError: It is neither; with the place of the first fault.
    """
    with without_collector():
        return _parsed(name, text)


def _parsed(name: str, text: str) -> Document:
    if text.lstrip()[:1] in {"{", "["}:
        try:
            return Document(name, text, json.loads(text), is_json=True)
        except (ValueError, RecursionError) as error:
            # Flow-style YAML begins like that too.
            if name.endswith((".json", ".har")):
                raise WrongUseError([_not_json(name, error)]) from error
    try:
        # It is a safe loader, with either name.
        return Document(name, text, yaml.load(text, LOADER))  # noqa: S506
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise WrongUseError([_not_yaml(name, error)]) from error


def _not_json(name: str, error: Exception) -> Fault:
    if isinstance(error, json.JSONDecodeError):
        return Fault(
            f"{name}:{error.lineno}:{error.colno}",
            f"not JSON ({error.msg})",
            "the whole file should be one JSON object",
            REMEDY,
        )
    return Fault(name, f"not usable ({error})", "the whole file should be one JSON object", REMEDY)


def _not_yaml(name: str, error: Exception) -> Fault:
    place, problem = name, str(error)
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        problem = error.problem or error.context or problem
        if mark is not None:
            place = f"{name}:{mark.line + 1}:{mark.column + 1}"
    elif isinstance(error, yaml.reader.ReaderError):
        problem = f"character {error.position} is not allowed"
    problem = " ".join(problem.split())
    return Fault(place, f"not YAML ({problem})", "the whole file should be YAML or JSON", REMEDY)
