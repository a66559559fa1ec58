"""`pulumi config` on the values of a stack's file, and what a remedy has done to them.

It differs from Pulumi's own in that it knows no secrets, and no text that looks like one, which
Pulumi refuses. `tests/engine/test_remedies.py` compares the two.

Source: pulumi, `sdk/go/common/resource/config/map.go` and `object.go`, 3.259.0.
"""

import copy
import json
import re
import shlex
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeGuard

Values = dict[str, Any]
Path = tuple[str | int, ...]

RENAME = re.compile(r"Write `(?P<new>[^`]+):` instead of `(?P<old>[^`]+):`\.")
COMMANDS = re.compile(r"(?:^|: )(pulumi config (?:set|rm) .*)$", re.DOTALL)


class ConfigError(Exception):
    """Pulumi refuses the command."""


def raw_of(values: Mapping[str, Any]) -> dict[str, str]:
    """Return values as the engine hands them out: text as it is, everything else as JSON."""
    return {
        key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()
    }


def path_of(name: str) -> Path:
    """Return the steps of a path, as Pulumi parses it."""
    namespace, _, rest = name.partition(":")
    steps: list[str | int] = []
    for plain, index, quoted in re.findall(
        r'([^.\[\]]+)|\[([0-9]+)\]|\[("(?:[^"\\]|\\.)*")\]', rest
    ):
        steps.append(int(index) if index else json.loads(quoted) if quoted else plain)
    return (f"{namespace}:{steps[0]}", *steps[1:])


def remedied(values: Values, what: str, remedy: str) -> Values:
    """Return values after somebody did what a remedy says.

    Args:
        values: What the stack's file has.
        what: The thing that is wrong, as the fault names it.
        remedy: The fault's remedy.

    Raises:
        ConfigError: Pulumi refuses a command.
        AssertionError: The remedy says nothing that could be done.
    """
    changed = copy.deepcopy(values)
    if match := RENAME.search(remedy):
        _rename(changed, what, match["old"], match["new"])
        return changed
    match = COMMANDS.search(remedy)
    assert match, remedy
    for command in _commands(match[1]):
        run(changed, command)
    return changed


def _rename(values: Values, what: str, old: str, new: str) -> None:
    above: Any = values
    for step in () if old in values else path_of(what)[:-1]:
        if isinstance(above[step], str):  # an object that was set as the text of one
            above[step] = json.loads(above[step])
        above = above[step]
    items = list(above.items())
    above.clear()
    above.update({new if key == old else key: value for key, value in items})


def _commands(text: str) -> list[list[str]]:
    commands: list[list[str]] = [[]]
    for word in shlex.split(text):
        if word == "&&":
            commands.append([])
        else:
            commands[-1].append(word)
    return commands


def run(values: Values, command: Sequence[str]) -> None:
    """Do what `pulumi config set` or `pulumi config rm` does."""
    match list(command):
        case ["pulumi", "config", "rm", "--path", name]:
            _remove(values, path_of(name))
        case ["pulumi", "config", "rm", name]:
            values.pop(name, None)
        case ["pulumi", "config", "set", "--path", "--type", "string", name, value]:
            _set(values, path_of(name), value)
        case ["pulumi", "config", "set", "--path", "--", name, value]:
            _set(values, path_of(name), coerced(value))
        case ["pulumi", "config", "set", "--path", name, value] if not value.startswith("-"):
            _set(values, path_of(name), coerced(value))
        case ["pulumi", "config", "set", name, value] if not value.startswith("-"):
            values[name] = value
        case other:
            raise ConfigError(other)


def coerced(text: str) -> Any:
    """Return what a text becomes below a key."""
    if text in {"true", "false"}:
        return text == "true"
    if re.fullmatch("-?(0|[1-9][0-9]{0,17})", text, re.ASCII):
        return int(text)
    return text


def is_list(value: Any) -> TypeGuard[list[Any]]:
    """Say whether a value is a list, of whatever."""
    return isinstance(value, list)


def is_object(value: Any) -> TypeGuard[dict[Any, Any]]:
    """Say whether a value is an object, of whatever."""
    return isinstance(value, dict)


def _remove(values: Any, path: Path) -> None:
    *above, last = path
    for step in above:
        values = inner(values, step)
    if is_object(values):
        values.pop(last, None)
    elif is_list(values) and isinstance(last, int) and last < len(values):
        del values[last]


def inner(value: Any, step: str | int) -> Any:
    """Return what stands in an object or a list, None where nothing does."""
    if is_object(value):
        return value.get(step)
    if is_list(value) and isinstance(step, int) and step < len(value):
        return value[step]
    return None


def _set(values: Values, path: Path, value: Any) -> None:
    key, *steps = path
    above: Any = values.get(str(key))
    if not isinstance(above, dict | list):
        above = values[str(key)] = _container(steps[0])
    for step, following in pairwise((*steps, None)):
        if step is not None:
            above = _put(above, step, following, value)


def _put(above: Any, step: str | int, following: str | int | None, value: Any) -> Any:
    """Set a value where a path ends, or make what the next step goes into; return it."""
    there = inner(above, step)
    if following is None:
        # A text may have quotes, between which another value becomes a text as well.
        quoted = isinstance(there, str) and not isinstance(value, str)
        there = json.dumps(value) if quoted else value
    elif there is None:
        there = _container(following)
    if is_object(above) and isinstance(step, str):
        above[step] = there
    elif is_list(above) and isinstance(step, int) and step <= len(above):
        above[step : step + 1] = [there]
    else:
        raise ConfigError(above, step)
    return there


def _container(step: str | int) -> Any:
    return [None] * (step + 1) if isinstance(step, int) else {}
