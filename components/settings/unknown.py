"""Keys that no setting has: what they were meant for, and the configuration as it was meant.

A misspelt key is one fault, not two: what is below it is read as the setting's own, so that nobody
is told as well that the setting is missing, or has to mend twice.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from copy import deepcopy
from itertools import pairwise
from typing import Any, Final, NamedTuple, cast

from pydantic.fields import FieldInfo

from components.settings.all_settings import KEYS
from components.settings.commands import SettingPlace, coerced
from components.settings.fields import REMOVE, Remedy, Steps, fields_below, item_of
from components.settings.wording import Problem

_ENDINGS: Final = ("", "s", "es", "name", "names", "id", "arn", "list")
"""What people put at the end of a key, or leave out."""
_SHORT: Final = 4
"""Letters of a key in which one slip is as much as can be told from another key."""


class Spelled(NamedTuple):
    """A configuration as it was meant."""

    given: dict[str, Any]
    """It, with known keys only."""
    masked: frozenset[str]
    """The keys whose values are secret."""
    problems: list[Problem]
    """What is wrong with keys."""


def spelled(given: Mapping[str, Any], masked: Collection[str]) -> Spelled:
    """Return a configuration with its keys as they were meant, and a problem for each other one.

    Args:
        given: What was set, by key.
        masked: The keys whose values are secret.
    """
    problems: list[Problem] = []
    known, secret = dict(given), set(masked)
    for key in [each for each in given if each not in KEYS]:
        path = path_of(key)
        text = given[key]
        whole = _with(known, path, coerced(text)) if path and isinstance(text, str) else None
        if whole is not None:
            problems.append(_path_as_key(key, path, text, hidden=key in masked))
            secret |= {str(path[0])} if key in masked else set()
            known = whole
            del known[key]
    below = _below((), known, KEYS, problems)
    for problem in problems:
        if isinstance(problem.remedy.value, str) and problem.path[0] in masked:
            secret.add(problem.remedy.value)
    return Spelled(below, frozenset(secret), problems)


def _below(
    path: Steps, given: Mapping[str, Any], fields: Mapping[str, FieldInfo], problems: list[Problem]
) -> dict[str, Any]:
    known: dict[str, Any] = {}
    taken = {key for key in given if key in fields}
    for key, value in given.items():
        right = key in fields
        name = key if right else nearest(key, fields)
        renamed = not right and bool(name) and name not in taken
        if right or renamed:
            # What is below first: it stands below the old name until that is changed.
            known[name] = _inner((*path, key), value, fields[name], problems)
            taken.add(name)
        if not right:
            problems.append(_unknown((*path, key), fields, _Meant(name if renamed else "", name)))
    return known


def _inner(path: Steps, value: Any, field: FieldInfo, problems: list[Problem]) -> Any:
    match value:
        case dict() if inner := fields_below(field):
            return _below(path, cast("dict[str, Any]", value), inner, problems)
        case _:
            return value


def nearest(key: str, names: Collection[str]) -> str:
    """Return the name that a key was meant for; empty: it is like none."""
    word = _letters(key)
    by_letters = {_letters(name): name for name in names}
    if path_of(key):
        return ""
    if word in by_letters:
        return by_letters[word]
    ended = [
        name
        for letters, name in by_letters.items()
        if any(word == letters + end or letters == word + end for end in _ENDINGS)
        or (len(word) > _SHORT and letters.startswith(word))
    ]
    if len(ended) == 1:
        return ended[0]
    slips = {name: _slips(word, letters) for letters, name in by_letters.items()}
    name = min(slips, key=lambda each: slips[each], default="")
    return name if name and slips[name] <= _allowed_slips(word) else ""


def _allowed_slips(word: str) -> int:
    return 1 if len(word) <= _SHORT else 2 if len(word) <= 3 * _SHORT else 3


def _letters(text: str) -> str:
    return re.sub("[^a-z0-9]", "", text.lower())


def _slips(one: str, other: str) -> int:
    """Return how many slips of a finger lie between two words.

    A letter too many, one that lacks, another one, or two that changed places.

    Source: Damerau, 'A technique for computer detection and correction of spelling errors', 1964.
    """
    rows = [list(range(len(other) + 1))]
    for row, letter in enumerate(one, 1):
        line = [row]
        for column, against in enumerate(other, 1):
            least = min(
                rows[-1][column] + 1,
                line[-1] + 1,
                rows[-1][column - 1] + (letter != against),
            )
            swapped = row > 1 and column > 1 and one[row - 2 : row] == against + other[column - 2]
            line.append(min(least, rows[-2][column - 2] + 1) if swapped else least)
        rows.append(line)
    return rows[-1][-1]


class _Meant(NamedTuple):
    """What a key was meant for."""

    name: str
    """What it is to be renamed to; empty: it is to be removed."""
    near: str
    """What it is like, though that is set as well; empty: nothing."""


def _unknown(path: Steps, fields: Mapping[str, FieldInfo], meant: _Meant) -> Problem:
    """Say that a key is not known, and which one it was meant for.

    The value is not shown: it may be a secret that was put in a wrong place.

    Args:
        path: Where it stands, as it is written.
        fields: The fields that are known there.
        meant: What it was meant for.
    """
    none = "no such setting exists"
    if meant.name:
        places = (SettingPlace.of(path).name, SettingPlace.of((meant.name,)).name)
        old, new = places if len(path) == 1 else (path[-1], meant.name)
        advice = f"Did you mean {meant.name}? Write `{new}:` instead of `{old}:`."
        return Problem(path, "set", none, Remedy(advice, "write", value=meant.name))
    if meant.near:
        advice = f"Did you mean {meant.near}? That is set as well."
        return Problem(path, "set", none, Remedy(advice, "remove"))
    allowed = f"{none}, known here are {', '.join(fields)}"
    if homes := _homes(str(path[-1])):
        lead = f"It is a setting of {' and of '.join(homes)}: set it there, and remove it here with"
        return Problem(path, "set", allowed, Remedy(command="remove", lead=lead))
    return Problem(path, "set", allowed, REMOVE)


def _homes(key: str) -> list[str]:
    """Return the places that have a setting of a name."""
    word = _letters(key)
    return [
        ".".join(map(str, path[:-1])) or "the stack itself"
        for path in _every_path(KEYS)
        if _letters(str(path[-1])) == word
    ]


def _every_path(fields: Mapping[str, FieldInfo], above: Steps = ()) -> Iterator[Steps]:
    for key, field in fields.items():
        yield (*above, key)
        yield from _every_path(fields_below(field), (*above, key))


# ---- a path that was set as a key ---------------------------------------------------------------


def path_of(key: str) -> Steps:
    """Return the path that a key says, such as `traffic.direct`; empty: it says none."""
    parts = re.findall(r"\[([0-9]{1,3})\]|([^.\[\]]+)", key)
    path = tuple(int(index) if index else name for index, name in parts)
    if len(path) < 2 or not isinstance(path[0], str):  # noqa: PLR2004 - a key and a step
        return ()
    field: FieldInfo | None = KEYS.get(path[0])
    for step in path[1:]:
        if field is None:
            return ()
        field = item_of(field) if isinstance(step, int) else fields_below(field).get(step)
    return path if field is not None and not fields_below(field) and not item_of(field) else ()


def _with(given: Mapping[str, Any], path: Steps, value: Any) -> dict[str, Any] | None:
    """Return what was given with a value where a path leads; None: something is in its way."""
    whole = deepcopy(dict(given))
    at: Any = whole
    for step, following in pairwise((*path, None)):
        fresh: Any = value if following is None else [] if isinstance(following, int) else {}
        match at, step:
            case dict(), str():
                fields = cast("dict[str, Any]", at)
                fields[step] = at = fresh if following is None else fields.get(step, fresh)
            case list(), int() if step <= len(cast("list[Any]", at)):
                entries = cast("list[Any]", at)
                there = entries[step : step + 1] if following is not None else []
                entries[step : step + 1] = [at := next(iter(there), fresh)]
            case _:
                return None
    return whole


def _path_as_key(key: str, path: Steps, value: str, *, hidden: bool) -> Problem:
    allowed = f"a key has no path in its name: this one is below {SettingPlace.of(path[:1]).name}"
    if hidden:
        return Problem((key,), "set", allowed, Remedy("Set it again with --path.", "remove"))
    return Problem(
        (key,),
        "set",
        allowed,
        Remedy(lead="Set it with --path", values=((path, coerced(value)),), removed=((key,),)),
    )
