"""The words for what is wrong in a configuration, made from the pydantic models it is read with.

Everything here is a function of fields and found values, so that a message, the settings page and
the models cannot tell different stories.
"""

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from inspect import isclass
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, Self, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticCustomError

from components.faults import Fault, fault_of


@dataclass(frozen=True)
class Says:
    """What a field's messages say where its type and limits do not say it."""

    allowed: str = ""
    """What the value may be; derived from the type when empty."""
    example: str = ""
    """A value that `pulumi config set` takes."""
    at: str = ""
    """Where below the field the example goes: `[0]` of a list, `.direct` of an object."""
    default: str = ""
    """The default in words, when it depends on something else."""


def refusal(allowed: str, remedy: str = "") -> PydanticCustomError:
    """Return the error a validator raises when the field's own words would be too general."""
    return PydanticCustomError("refusal", "{allowed}", {"allowed": allowed, "remedy": remedy})


def fields_of(model: type[BaseModel]) -> Mapping[str, FieldInfo]:
    """Return a model's fields by the key they have in the configuration, but for excluded ones."""
    return {
        to_camel(name): field for name, field in model.model_fields.items() if not field.exclude
    }


def fields_below(field: FieldInfo | None) -> Mapping[str, FieldInfo]:
    """Return the fields of the object that a field holds, none for a plain value."""
    for candidate in _options(field) if field else ():
        if isclass(candidate) and issubclass(candidate, BaseModel):
            return fields_of(candidate)
    return {}


def is_text(field: FieldInfo) -> bool:
    """Say whether a field holds text, which the configuration does not write as JSON."""
    return str in _options(field)


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
    choices = [
        choice
        for option in _options(field)
        if get_origin(option) is Literal
        for choice in get_args(option)
    ]
    if choices:
        return f"one of {', '.join(choices)}"
    lowest = next(item.ge for item in field.metadata if hasattr(item, "ge"))
    highest = next(item.le for item in field.metadata if hasattr(item, "le"))
    return f"an integer from {lowest} to {highest}"


def _item(field: FieldInfo) -> FieldInfo | None:
    """Return what an entry of the list that a field holds may be, None where it is no list."""
    is_list = get_origin(field.annotation) is tuple
    return FieldInfo.from_annotation(get_args(field.annotation)[0]) if is_list else None


def _options(field: FieldInfo) -> Sequence[Any]:
    """Return the types a field may have, without what is annotated to them."""
    union = get_origin(field.annotation) in (Union, UnionType)
    options = get_args(field.annotation) if union else (field.annotation,)
    return [get_args(item)[0] if get_origin(item) is Annotated else item for item in options]


class Place(NamedTuple):
    """Where a value stands in the configuration."""

    name: str
    """Full key and path, as `pulumi config --path` takes it."""
    field: FieldInfo | None
    """The innermost field the path leads to, None where it leads to nothing known."""
    siblings: Mapping[str, FieldInfo]
    """The fields that are known beside the last step of the path."""
    nested: bool
    """Whether the path goes below a key."""

    @classmethod
    def of(cls, namespace: str, fields: Mapping[str, FieldInfo], path: Sequence[str | int]) -> Self:
        """Follow a path of keys and indices from the top.

        Args:
            namespace: Namespace of the keys.
            fields: The fields of the top, by key.
            path: The steps, the key first.
        """
        key, *below = path
        name, field, siblings = f"{namespace}:{key}", fields.get(str(key)), fields
        for step in below:
            if isinstance(step, int):
                name += f"[{step}]"
                field = _item(field) if field else None
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


def explain(
    namespace: str,
    fields: Mapping[str, FieldInfo],
    path: Sequence[str | int],
    error: ErrorDetails,
    *,
    masked: bool,
) -> Fault:
    """Turn what pydantic found into a fault.

    Args:
        namespace: Namespace of the keys.
        fields: The fields of the top, by key.
        path: Where it was found.
        error: What was found.
        masked: Whether the value is secret.
    """
    place = Place.of(namespace, fields, path)
    if place.field is None:
        return unknown(place, path[-1])
    context: Mapping[str, str] = error.get("ctx", {}) if error["type"] == "refusal" else {}
    return fault_of(
        error,
        place.name,
        context.get("remedy") or f"Set it with: {place.set_command()}",
        allowed=context.get("allowed") or allowed_values(place.field),
        masked=masked,
    )


def not_set(place: Place) -> Fault:
    """Say that a required value is not there."""
    allowed = allowed_values(place.field) if place.field else ""
    return Fault(place.name, "not set", allowed, f"Set it with: {place.set_command()}")


def unknown(place: Place, key: str | int) -> Fault:
    """Say that a key is not known, and which one it is like.

    The value is not shown: it may be a secret that was put in a wrong place.
    """
    known = {name.lower(): name for name in place.siblings}
    near = get_close_matches(str(key).lower(), known, n=1)
    remedy = f"Remove it with: {place.remove_command()}"
    if near:
        remedy = f"Did you mean {known[near[0]]}? {remedy}"
    allowed = f"no such setting exists, known here are {', '.join(place.siblings)}"
    return Fault(place.name, "set", allowed, remedy)
