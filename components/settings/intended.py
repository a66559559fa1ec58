"""What was meant by a value that cannot be used.

A message that says `fra1` to somebody who wrote `FRA1, AMS3` sends them to the documentation. So a
remedy is made of what they wrote, wherever that tells what they meant: a text that is a number, a
name inside a URL, one value where a list belongs. Nothing of it is ever used as a setting: it is a
proposal, which a person reads and types.

Every proposal is one that the field takes; what nobody can guess is left to the field's example.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from typing import Annotated, Any, Final, cast

from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from components.load_balancer_names import zone_id_of
from components.settings.fields import (
    NOTHING,
    bounds_of,
    choices_of,
    example_of,
    fields_below,
    is_text,
    item_of,
)
from components.settings.numbers import number_of
from components.settings.texts import READINGS, plain

_TRUE: Final = frozenset({"true", "yes", "y", "on", "1", "enabled", "enable", "t"})
_FALSE: Final = frozenset({"false", "no", "n", "off", "0", "disabled", "disable", "f", "none"})

_SYNONYMS: Final[Mapping[str, str]] = {
    "alb": "application",
    "app": "application",
    "nlb": "network",
    "net": "network",
    "clb": "classic",
    "elb": "classic",
}
"""What load balancers are called in AWS's own documents and ARNs."""

LONGEST: Final = 300
"""Characters of a text that a proposal is made of."""


def takes(field: FieldInfo, value: Any) -> bool:
    """Say whether a field takes a value."""
    return _taken(field, value) is not NOTHING


def _taken(field: FieldInfo, value: Any) -> Any:
    """Return a value as a field holds it, but objects and lists as they are; else `NOTHING`."""
    adapter = _adapter(field.annotation, tuple(field.metadata))
    try:
        held = adapter.validate_python(frozen(value), strict=True, by_alias=True, by_name=False)
    except ValidationError:
        return NOTHING
    return held if isinstance(held, str) else value


@cache
def _adapter(annotation: Any, metadata: tuple[Any, ...]) -> TypeAdapter[Any]:
    annotated = cast("Any", Annotated)
    return TypeAdapter[Any](annotated[annotation, *metadata] if metadata else annotation)


def frozen(value: Any) -> Any:
    """Return a value with tuples for its lists, as the settings hold them."""
    match value:
        case dict():
            items = cast("dict[str, Any]", value).items()
            return {key: frozen(item) for key, item in items}
        case list() | tuple():
            return tuple(frozen(item) for item in cast("list[Any]", value))
        case _:
            return value


def intended(key: str, field: FieldInfo, value: Any) -> Any:
    """Return a value that a field takes and that was meant, or `NOTHING`.

    Args:
        key: The field's name in the configuration; of an item, the list's.
        field: The field.
        value: What was written, as JSON holds it.
    """
    if isinstance(value, str) and len(value) > LONGEST:
        return NOTHING
    if below := fields_below(field):
        candidates = _groups(key, below, field, value)
    elif item := item_of(field):
        candidates = (each for each in _lists(key, item, value) if each)
    else:
        candidates = _scalars(key, field, value)
    usable = (_taken(field, candidate) for candidate in candidates)
    return next((each for each in usable if each is not NOTHING), NOTHING)


# ---- objects and lists --------------------------------------------------------------------------


def _groups(
    key: str, below: Mapping[str, FieldInfo], field: FieldInfo, value: Any
) -> Iterator[Any]:
    """Yield objects: the one that a text holds, or one whose most telling setting is the value."""
    if (read := _from_json(value)) is not NOTHING:
        yield _mended(below, read)
        return
    if key == "traffic":
        yield from _pairs(value)
    if key == "origin" and isinstance(value, str):
        for name in ("domainName", "loadBalancer"):
            yield origin_of(intended(name, below[name], value))
    first = next(iter(example_of(field)))
    if value is not None and not isinstance(value, dict | bool):
        inner = value if takes(below[first], value) else intended(first, below[first], value)
        if inner is not NOTHING and inner is not None:
            yield {first: inner}


def _mended(below: Mapping[str, FieldInfo], read: Any) -> Any:
    if not isinstance(read, dict):
        return read
    items = cast("dict[str, Any]", read).items()
    return {
        key: item
        if key not in below or takes(below[key], item)
        else intended(key, below[key], item)
        for key, item in items
    }


def origin_of(name: Any) -> Any:
    """Return the load balancer that a name or a DNS name leads to, as far as that tells."""
    if not isinstance(name, str):
        return NOTHING
    if zone_id := zone_id_of(name):
        return {"domainName": name, "hostedZoneId": zone_id}
    return {"loadBalancer": name, "kind": "application"}


def _pairs(value: Any) -> Iterator[Any]:
    """Yield weights of a text or a list of two: `99/1`."""
    parts = re.findall(r"[0-9]+", value) if isinstance(value, str) else value
    match parts:
        case [direct, cdn]:
            pair = [number_of(each) for each in (direct, cdn)]
            if all(isinstance(each, int) for each in pair):
                yield {"direct": pair[0], "cdn": pair[1]}
        case _:
            return


def _lists(key: str, item: FieldInfo, value: Any) -> Iterator[Any]:
    """Yield lists: of what a text names, of the one value that is there, of each entry once."""
    read = _from_json(value)
    match value if read is NOTHING else read:
        case list() | tuple():
            entries = value if read is NOTHING else read
            yield _each_once(key, item, cast("Sequence[Any]", entries))
        case str() as text:
            # Apart, then whole, since an entry may hold a space; then what can be read of it.
            parts = [part for part in re.split(r"[\s,;]+", text.strip("[] ,;")) if part]
            apart = _each_once(key, item, parts)
            if len(apart) == len(set(parts)):
                yield apart
            yield _each_once(key, item, [text])
            yield apart
        case None | bool() | dict():
            return
        case single:
            yield _each_once(key, item, [single])


def _each_once(key: str, item: FieldInfo, entries: Sequence[Any]) -> list[Any]:
    """Return what entries mean, each once, without those that mean nothing."""
    if len(entries) > LONGEST:
        return []
    means = (
        intended(key, item, each) if (held := _taken(item, each)) is NOTHING else held
        for each in entries
    )
    return list({json.dumps(each): each for each in means if each is not NOTHING}.values())


def _from_json(value: Any) -> Any:
    """Return the list or object that a text holds as JSON, else `NOTHING`."""
    if not isinstance(value, str) or not value.strip().startswith(("[", "{")):
        return NOTHING
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return NOTHING


# ---- single values ------------------------------------------------------------------------------


def _scalars(key: str, field: FieldInfo, value: Any) -> Iterator[Any]:
    match value:
        case [single] if single is not None:  # a list where one value belongs
            value = single
            yield value
        case _:
            pass
    if isinstance(value, dict | list | tuple):
        return
    if field.annotation is bool:
        yield from _booleans(value)
    elif choices := choices_of(field):
        yield from _choices(field, choices, value)
    elif is_text(field):
        yield from _texts(key, value)
    else:
        yield from _numbers(key, field, value)


def _booleans(value: Any) -> Iterator[bool]:
    word = plain(str(value)).lower()
    if word in _TRUE:
        yield True
    elif word in _FALSE:
        yield False
    else:
        yield from (near == "true" for near in get_close_matches(word, ("true", "false"), n=1))


def _choices(field: FieldInfo, choices: Sequence[str], value: Any) -> Iterator[str]:
    """Yield the choice that is the same but for case and signs, then those that are like it."""
    by_letters = {_letters(choice): choice for choice in choices}
    word = _letters(str(value))
    if not word or value is None:
        return
    default = example_of(field)
    if word in by_letters:
        yield by_letters[word]
    if word in _SYNONYMS:
        yield _SYNONYMS[word]
    # The default first where several are as near: it is the one that needs no thought.
    ordered = sorted(by_letters, key=lambda letters: by_letters[letters] != default)
    yield from (by_letters[each] for each in ordered if each.startswith(word))
    yield from (by_letters[each] for each in ordered if each.endswith(word) or word in each)
    yield from (by_letters[each] for each in get_close_matches(word, ordered, n=1))


def _letters(text: str) -> str:
    """Return a text's letters and digits, without the v of a version."""
    return re.sub("[^a-z0-9]|v(?=[0-9])", "", text.lower())


def _numbers(key: str, field: FieldInfo, value: Any) -> Iterator[int]:
    number = number_of(value, seconds=key.endswith("Seconds"))
    if number is None:
        return
    lowest, highest = bounds_of(field)
    whole = int(number) if float(number).is_integer() else round(number)
    yield whole
    if lowest is not None and highest is not None:
        yield min(max(whole, lowest), highest)


def _texts(key: str, value: Any) -> Iterator[str]:
    match _from_json(value):
        case [str() as single]:  # a list, as the text that a key without a path has it
            value = single
        case _:
            pass
    if value is None or isinstance(value, bool):
        return
    text = plain(str(value))
    if text:
        yield text
        yield text.lower()
        read: Callable[[str], Iterator[str]] | None = READINGS.get(key)
        yield from read(text) if read else ()
