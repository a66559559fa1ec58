"""What a field of the settings says about itself, and what is read out of it.

Messages, `docs/settings.md` and `components/arguments.py` are made from this, so that none of them
can tell another story than the model.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from inspect import isclass
from types import UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

Steps = tuple[str | int, ...]
"""The way to a value in the configuration: its key, then keys and indices below it."""


class Group(BaseModel):
    """Settings that belong together: frozen, strict (no text for a number), nothing unknown."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        strict=True,
        validate_by_name=True,
    )


NOTHING: Final = object()
"""Stands for a value that is not there; None is one that is."""


@dataclass(frozen=True)
class Says:
    """What a field's messages say where its type and limits do not say it."""

    allowed: str = ""
    """What the value may be; derived from the type when empty."""
    example: str = ""
    """A value that it may have: as it is for text, as JSON for everything else."""
    default: str = ""
    """The default in words, when it depends on something else."""


@dataclass(frozen=True)
class Remedy:
    """What mends a value, whether it is the configuration's or a program's."""

    advice: str = ""
    """Sentences that hold for both."""
    command: Literal["set", "remove", "write"] | None = None
    """What to do with the value; `write`: what only an editor can do, which the advice says."""
    lead: str = ""
    """What the configuration's user reads before the command. Default: to set or remove it."""
    at: Steps = ()
    """Whom the command is for. Default: the value that is wrong."""
    value: Any = NOTHING
    """The value to set. Default: what was meant, or else the field's own example."""
    values: tuple[tuple[Steps, Any], ...] = ()
    """Several values to set, each with its place, where one alone does not mend it."""
    removed: tuple[Steps, ...] = ()
    """What is removed, before anything is set, where it is not the value that is wrong."""


SET: Final = Remedy(command="set")
"""Set the value to something else."""

REMOVE: Final = Remedy(command="remove")
"""Remove the value."""


def refusal(allowed: str, remedy: Remedy = SET) -> PydanticCustomError:
    """Return the error a validator raises when the field's own words would be too general."""
    return PydanticCustomError("refusal", "{allowed}", {"allowed": allowed, "remedy": remedy})


def fields_of(model: type[BaseModel]) -> Mapping[str, FieldInfo]:
    """Return a model's fields by the key they have in the configuration, without excluded ones."""
    return {
        to_camel(name): field for name, field in model.model_fields.items() if not field.exclude
    }


def fields_below(field: FieldInfo | None) -> Mapping[str, FieldInfo]:
    """Return the fields of the object that a field holds, none for a plain value."""
    for candidate in options_of(field) if field else ():
        if isclass(candidate) and issubclass(candidate, BaseModel):
            return fields_of(candidate)
    return {}


def is_text(field: FieldInfo) -> bool:
    """Say whether a field holds text, which the configuration does not write as JSON."""
    return str in options_of(field)


def words_of(field: FieldInfo | None) -> Says:
    """Return what a field says about itself."""
    metadata = field.metadata if field else ()
    return next((item for item in metadata if isinstance(item, Says)), Says())


def allowed_values(field: FieldInfo) -> str:
    """Return what a field's value may be: in its own words, or from its type and limits."""
    if words := words_of(field).allowed:
        return words
    if field.annotation is bool:
        return "true or false"
    if choices := choices_of(field):
        return f"one of {', '.join(choices)}"
    return "an integer from {} to {}".format(*bounds_of(field))


def bounds_of(field: FieldInfo) -> tuple[int | None, int | None]:
    """Return the least and the largest integer that a field takes, None where none is said."""
    inner = get_args(field.annotation) if _is_union(field) else ()
    limits = [*field.metadata, *(item for option in inner for item in get_args(option)[1:])]
    limits += [item for limit in limits for item in getattr(limit, "metadata", ())]
    lowest = next((item.ge for item in limits if hasattr(item, "ge")), None)
    highest = next((item.le for item in limits if hasattr(item, "le")), None)
    return lowest, highest


def choices_of(field: FieldInfo) -> Sequence[str]:
    """Return the words that a field takes, none where it takes others than a few."""
    return [
        choice
        for option in options_of(field)
        if get_origin(option) is Literal
        for choice in get_args(option)
    ]


def example_of(field: FieldInfo) -> Any:
    """Return the field's own example."""
    example = words_of(field).example
    return example if is_text(field) or choices_of(field) else json.loads(example)


def item_of(field: FieldInfo) -> FieldInfo | None:
    """Return what an entry of the list that a field holds may be, None where it is no list."""
    is_list = get_origin(field.annotation) is tuple
    return FieldInfo.from_annotation(get_args(field.annotation)[0]) if is_list else None


def _is_union(field: FieldInfo) -> bool:
    return get_origin(field.annotation) in (Union, UnionType)


def options_of(field: FieldInfo) -> Sequence[Any]:
    """Return the types a field may have, without what is annotated to them."""
    options = get_args(field.annotation) if _is_union(field) else (field.annotation,)
    return [get_args(item)[0] if get_origin(item) is Annotated else item for item in options]
