"""Check: are the inputs of the types the SDK declares, and what does the plugin fill in?

Like the official plugins' bridge, and unlike a strict type checker, text that reads as a number or
as `true` or `false` is taken for one, and a number or truth value where text is needed is written
out; the checked inputs carry the converted value. Source: pulumi/pulumi-terraform-bridge,
`pkg/tfbridge/schema.go` (how inputs are made).

Where it differs from the bridge: an input the SDK does not know is refused rather than warned of,
and no `__defaults` list of what was filled in is kept beside the inputs.
"""

import difflib
import re
from collections.abc import Collection, Iterator
from typing import Any, cast

from sandbox.plugins.resource import Failure, Shape
from sandbox.plugins.schema import Type, ValueKind, below
from sandbox.plugins.values import UNKNOWN, Props

_WHOLE = re.compile(r"[+-]?\d+")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")
_LONGEST_VALUE = 60


def check(what: str, type_: Type, shape: Shape, inputs: Props) -> tuple[Props, list[Failure]]:
    """Return the inputs as the plugin takes them, and everything that is wrong with them.

    Args:
        what: Whose inputs they are, for the messages.
        type_: The type of all inputs together.
        shape: Defaults and allowed values.
        inputs: What the program gives; any value may be UNKNOWN.
    """
    checker = _Checker(what, shape)
    checked: Props = checker.value(type_, inputs, "", "")
    return checked, checker.failures


class _Checker:
    """One walk over the inputs, in which all failures come together."""

    def __init__(self, what: str, shape: Shape) -> None:
        self._what = what
        self._shape = shape
        self.failures: list[Failure] = []

    def value(self, type_: Type, value: Any, path: str, rule: str) -> Any:
        """Return a value as the plugin takes it; what cannot be taken stays as it is."""
        if value is UNKNOWN:
            return value
        if type_.kind is ValueKind.OBJECT and isinstance(value, dict):
            return self._object(type_, cast("Props", value), path, rule)
        if type_.kind is ValueKind.LIST and isinstance(value, list) and type_.element:
            return [
                self.value(type_.element, item, f"{path}[{index}]", rule)
                for index, item in enumerate(cast("list[Any]", value))
            ]
        if type_.kind is ValueKind.MAP and isinstance(value, dict) and type_.element:
            return {
                key: self.value(type_.element, item, below(path, key), rule)
                for key, item in cast("Props", value).items()
            }
        if rule in self._shape.filled and value == "":
            self._fail(path, f"{path} is empty; text is needed. Set it, or leave it out.")
        converted = _convert(type_.kind, cast("object", value))
        if converted is None:
            self._fail(
                path,
                f"{path} is {_value_text(cast('object', value))}; {type_.kind.value} is needed.",
            )
            return cast("object", value)
        allowed = self._shape.allowed.get(rule)
        if allowed is not None and converted not in allowed:
            self._fail(path, f"{path} is {_value_text(converted)}; {_listed(allowed)}.")
        return converted

    def _object(self, type_: Type, given: Props, path: str, rule: str) -> Props:
        checked: Props = {}
        for name, field in type_.fields.items():
            inner, inner_rule = below(path, name), below(rule, name)
            default = self._shape.defaults.get(inner_rule)
            if given.get(name) is not None and inner_rule in self._shape.refused:
                self._fail(
                    inner,
                    f"{inner} is given; the stand-in for the plugin does without it. "
                    "Leave it out, or install the official plugin.",
                )
            elif given.get(name) is not None:
                checked[name] = self.value(field.type, given[name], inner, inner_rule)
            elif default is not None:
                checked[name] = default
            elif field.required:
                kind = field.type.kind.value
                self._fail(inner, f"{inner} is missing; {kind} is required. Set it.")
        for name in sorted(given.keys() - type_.fields.keys()):
            inner = below(path, name)
            self._fail(inner, _unknown_name(self._what, inner, name, type_.fields))
        return checked

    def _fail(self, path: str, reason: str) -> None:
        self.failures.append(Failure(path, reason))


def _convert(kind: ValueKind, value: object) -> Any:
    """Return a plain value as one of a kind; None when it cannot be one."""
    if kind is ValueKind.STRING and isinstance(value, str | int | float):
        return str(value).lower() if isinstance(value, bool) else str(value)
    if kind is ValueKind.BOOLEAN:
        return value == "true" if value in ("true", "false") else _if(bool, value)
    if kind is ValueKind.INTEGER:
        return int(str(value)) if _reads_as(_WHOLE, value) else _if(int, value)
    if kind is ValueKind.NUMBER:
        return float(str(value)) if _reads_as(_NUMBER, value) else _if((int, float), value)
    return None


def _reads_as(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _if(types: type | tuple[type, ...], value: object) -> Any:
    """Return a value of one of the types, where a truth value is no number; else None."""
    right = isinstance(value, types) and (isinstance(value, bool) == (types is bool))
    return value if right else None


def _value_text(value: object) -> str:
    match value:
        case dict():
            return "an object"
        case list():
            return "a list"
        case bool():
            return str(value).lower()
        case _:
            text = repr(value)
            return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"


def _listed(allowed: Collection[Any]) -> str:
    if isinstance(allowed, range):
        return f"a whole number from {allowed.start} to {allowed.stop - 1} is allowed"
    return f"one of {', '.join(str(item) for item in allowed)} is allowed"


def _unknown_name(what: str, path: str, name: str, names: Collection[str]) -> str:
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"Did you mean {close[0]}?" if close else f"It has {', '.join(sorted(names))}."
    return f"{path} is not an input of {what}. {hint}"


def missing_or_both(inputs: Props, first: str, second: str) -> Iterator[Failure]:
    """Yield a failure unless exactly one of two inputs is given."""
    given = [name for name in (first, second) if inputs.get(name) is not None]
    if not given:
        yield Failure(first, f"neither {first} nor {second} is given; one of them is. Set one.")
    elif len(given) > 1:
        yield Failure(first, f"{first} and {second} are both given; they exclude each other.")
