"""From a value that cannot be used to the sentence that says so.

A `Problem` knows its place and what mends it, but not who reads it. `as_setting` words it for the
user of a configuration, with the command that mends it; `as_argument` for the author of a program,
who has no configuration to set.
"""

import json
from dataclasses import dataclass
from typing import Any, Final

from pydantic_core import ErrorDetails

from components.faults import Fault, shown
from components.settings.all_settings import NAMESPACE
from components.settings.commands import SettingPlace
from components.settings.fields import NOTHING, SET, Remedy, Steps, allowed_values

NOT_SET: Final = "not set"
"""What is said of a value that is required and not there."""

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
    found: Any = NOTHING
    """What stands there now, as JSON holds it."""


def problem_of(path: Steps, error: ErrorDetails, *, masked: bool) -> Problem:
    """Turn one of pydantic's errors into a problem.

    Args:
        path: Where the value stands.
        error: The error.
        masked: Whether the value is secret.
    """
    if error["type"] == "missing":
        return missing(path)
    place = SettingPlace.of(path)
    value = shown(error["input"], masked=masked)
    allowed = allowed_values(place.field) if place.field else "no such setting exists"
    if error["type"] == "refusal":
        context = error.get("ctx", {})
        if not (masked and context["remedy"].values):  # they are made of what is secret
            return Problem(path, value, context["allowed"], context["remedy"])
    return Problem(path, value, allowed, SET)


def missing(path: Steps) -> Problem:
    """Say that a required value is not there."""
    field = SettingPlace.of(path).field
    return Problem(path, NOT_SET, allowed_values(field) if field else "", SET)


def as_setting(problem: Problem) -> Fault:
    """Return a problem as the user of a configuration reads it."""
    remedy, other = problem.remedy, _other(problem, NAMESPACE)
    words = [remedy.advice] if remedy.advice else []
    commands = [SettingPlace.of(place).remove_command() for place in remedy.removed]
    place = SettingPlace.of(remedy.at or problem.path)
    lead = "Set it with"
    if remedy.values:
        for path, value in remedy.values:
            commands += SettingPlace.of(path).set_commands(value)
    elif remedy.command == "set":
        found = NOTHING if remedy.at else problem.found
        commands += place.set_commands(remedy.value, found)
    elif remedy.command == "remove":
        lead = "Remove it with"
        commands += [] if remedy.removed else [place.remove_command()]
    if commands:
        lead = (remedy.lead or lead).replace(OTHER, other)
        words.append(f"{lead}: {' && '.join(commands)}")
    return Fault(
        SettingPlace.of(problem.path).name,
        problem.value,
        problem.allowed.replace(OTHER, other),
        " ".join(words),
    )


def as_argument(problem: Problem) -> Fault:
    """Return a problem as the author of a program reads it."""
    remedy = problem.remedy
    words = [remedy.advice] if remedy.advice else []
    verb = "Set" if problem.value == NOT_SET else "Change"
    if remedy.command == "write":  # what the advice says is how a file of a stack is written
        words = [f"Did you mean {remedy.value}? Rename it in the program."]
    elif remedy.values:
        pairs = [
            f"{SettingPlace.of(path, namespace='').name} to {json.dumps(value)}"
            for path, value in remedy.values
        ]
        words.append(f"Change {' and '.join(pairs)} in the program.")
    elif remedy.value is not NOTHING:
        what = SettingPlace.of(remedy.at, namespace="").name if remedy.at else "it"
        words.append(f"{verb} {what} to {json.dumps(remedy.value)} in the program.")
    elif remedy.command == "remove":
        words.append("Remove it from the program.")
    elif remedy.command == "set":
        words.append(f"{verb} it in the program.")
    return Fault(
        SettingPlace.of(problem.path, namespace="").name,
        problem.value,
        problem.allowed.replace(OTHER, _other(problem, namespace="")),
        " ".join(words),
    )


def _other(problem: Problem, namespace: str) -> str:
    return SettingPlace.of(problem.other, namespace).name if problem.other else ""
