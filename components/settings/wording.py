"""From a value that cannot be used to the sentence that says so.

A `Problem` knows its place and what mends it, but not who reads it. `as_setting` words it for the
user of a configuration, with the command that mends it; `as_argument` for the author of a program,
who has no configuration to set.
"""

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final, NamedTuple, Self

from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from components.faults import Fault, shown
from components.settings.all_settings import KEYS, NAMESPACE
from components.settings.fields import (
    REMOVE,
    SET,
    Remedy,
    Steps,
    allowed_values,
    fields_below,
    item_of,
    words_of,
)

OTHER: Final = "{other}"
"""Stands in the words of a problem where the name of another place goes."""


@dataclass(frozen=True)
class Problem:
    """A value that cannot be used, before it is known who reads of it."""

    path: Steps
    """Where it stands."""
    value: str
    """What it is now, as text for a reader."""
    allowed: str
    """What it may be."""
    remedy: Remedy
    """What mends it."""
    other: Steps = ()
    """A place that `OTHER` names, in what is allowed or in what leads to the command."""


class SettingPlace(NamedTuple):
    """Where a value stands in the configuration or in the arguments."""

    name: str
    """Full key and path, as `pulumi config --path` takes it; an argument's has no namespace."""
    field: FieldInfo | None
    """The innermost field the path leads to, None where it leads to nothing known."""
    siblings: Mapping[str, FieldInfo]
    """The fields that are known beside the last step of the path."""
    nested: bool
    """Whether the path goes below a key."""

    @classmethod
    def of(cls, path: Steps, namespace: str = NAMESPACE) -> Self:
        """Follow a path of keys and indices from the top.

        Args:
            path: The steps, the key first.
            namespace: Namespace of the keys; empty for arguments, which have none.
        """
        key, *below = path
        name = f"{namespace}:{key}" if namespace else str(key)
        field, siblings = KEYS.get(str(key)), KEYS
        for step in below:
            if isinstance(step, int):
                name += f"[{step}]"
                field = item_of(field) if field else None
                continue
            plain = re.fullmatch("[A-Za-z_][A-Za-z0-9_-]*", step)
            name += f".{step}" if plain else f"[{json.dumps(step)}]"
            siblings = fields_below(field)
            field = siblings.get(step)
        return cls(name, field, siblings, bool(below))

    def set_command(self, example: str = "") -> str:
        """Return the command that sets the value, by default to the field's own example."""
        says = words_of(self.field)
        return self._command(
            "set", self.name + says.at, example or says.example, path=bool(says.at)
        )

    def remove_command(self) -> str:
        """Return the command that removes the value."""
        return self._command("rm", self.name)

    def _command(self, verb: str, *arguments: str, path: bool = False) -> str:
        option = ["--path"] if self.nested or path else []
        return shlex.join(["pulumi", "config", verb, *option, *arguments])


def problem_of(path: Steps, error: ErrorDetails, *, masked: bool) -> Problem:
    """Turn one of pydantic's errors into a problem.

    Args:
        path: Where the value stands.
        error: The error.
        masked: Whether the value is secret.
    """
    place = SettingPlace.of(path)
    if place.field is None:
        return unknown(path)
    if error["type"] == "missing":
        return missing(path)
    value = shown(error["input"], masked=masked)
    if error["type"] == "refusal":
        context = error.get("ctx", {})
        return Problem(path, value, context["allowed"], context["remedy"])
    return Problem(path, value, allowed_values(place.field), SET)


def missing(path: Steps) -> Problem:
    """Say that a required value is not there."""
    field = SettingPlace.of(path).field
    return Problem(path, "not set", allowed_values(field) if field else "", SET)


def unknown(path: Steps) -> Problem:
    """Say that a key is not known, and which one it is like.

    The value is not shown: it may be a secret that was put in a wrong place.
    """
    siblings = SettingPlace.of(path).siblings
    by_lower_case = {name.lower(): name for name in siblings}
    near = get_close_matches(str(path[-1]).lower(), by_lower_case, n=1)
    advice = f"Did you mean {by_lower_case[near[0]]}?" if near else ""
    allowed = f"no such setting exists, known here are {', '.join(siblings)}"
    return Problem(path, "set", allowed, Remedy(advice, "remove") if advice else REMOVE)


def as_setting(problem: Problem) -> Fault:
    """Return a problem as the user of a configuration reads it."""
    remedy, other = problem.remedy, _other(problem, NAMESPACE)
    words = [remedy.advice] if remedy.advice else []
    if remedy.values:
        commands = [SettingPlace.of(place).set_command(value) for place, value in remedy.values]
        words.append(f"{remedy.lead}: {' && '.join(commands)}")
    elif remedy.command:
        place = SettingPlace.of(remedy.at or problem.path)
        if remedy.command == "set":
            lead, command = "Set it with", place.set_command(remedy.example)
        else:
            lead, command = "Remove it with", place.remove_command()
        words.append(f"{(remedy.lead or lead).replace(OTHER, other)}: {command}")
    return Fault(
        SettingPlace.of(problem.path).name,
        problem.value,
        problem.allowed.replace(OTHER, other),
        " ".join(words),
    )


def as_argument(problem: Problem) -> Fault:
    """Return a problem as the author of a program reads it."""
    advice = [problem.remedy.advice] if problem.remedy.advice else []
    change = ["Change it in the program."] if problem.remedy.command else []
    return Fault(
        SettingPlace.of(problem.path, namespace="").name,
        problem.value,
        problem.allowed.replace(OTHER, _other(problem, namespace="")),
        " ".join(advice + change),
    )


def _other(problem: Problem, namespace: str) -> str:
    return SettingPlace.of(problem.other, namespace).name if problem.other else ""
