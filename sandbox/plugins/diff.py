"""Diff: what has to change so that a resource is as the program says?

The state of a resource, as last created, updated or refreshed, is compared with the inputs,
property by property, by the rules of Terraform's plugin SDK: zero and absent are the same, what
the cloud filled in for an input that is not given is no difference, and the order of a set says
nothing. Since the whole state is compared, and not only what the program gave, a setting that
somebody added by hand shows as one to be removed. Source: hashicorp/terraform-plugin-sdk,
`helper/schema/schema.go` (diff).
"""

import operator
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any, cast

from sandbox.plugins.resource import Shape
from sandbox.plugins.schema import Type, ValueKind, below
from sandbox.plugins.values import UNKNOWN, Props, is_zero


class PropertyChange(Enum):
    """What happens to a property."""

    ADD = "add"
    DELETE = "delete"
    UPDATE = "update"


@dataclass(frozen=True)
class PropertyDifference:
    """A property that differs.

    Attributes:
        change: What happens to it.
        replaces: Whether that takes a new resource.
    """

    change: PropertyChange
    replaces: bool


def diff(
    type_: Type, shape: Shape, state: Props, inputs: Props, ignored: Iterable[str] = ()
) -> dict[str, PropertyDifference]:
    """Return the properties in which inputs differ from the state, by their paths.

    Args:
        type_: The type of all inputs together.
        shape: What is computed, a set, and so on.
        state: The resource as it was last seen.
        inputs: What the program wants, checked; any value may be UNKNOWN.
        ignored: The paths in the program's `ignoreChanges`, `*` for any item.
    """
    differ = _Differ(shape)
    differ.compare(type_, state, inputs, "", "")
    patterns = [_pattern(path) for path in ignored]
    return {
        path: difference
        for path, difference in differ.differences.items()
        if not any(pattern.match(path) for pattern in patterns)
    }


def arrange(type_: Type, shape: Shape, fresh: Props, prior: Props) -> Props:
    """Return a fresh state with its sets in the order of the state before.

    The cloud returns sets in an order of its own; reading a resource that nobody touched is to
    change nothing in its state.
    """
    return _arrange(type_, shape, fresh, prior, "")


def imported(type_: Type, shape: Shape, state: Props) -> Props:
    """Return the inputs that would make a resource as its state is, without the defaults."""
    return _to_inputs(type_, shape, state, None, "")


def refreshed(
    type_: Type, shape: Shape, state: Props, prior: Props, differing: Iterable[str]
) -> Props:
    """Return inputs as they were, except for those in which the resource differs from them by now.

    Args:
        type_: The type of all inputs together.
        shape: What is computed and what the defaults are.
        state: The resource as it was read.
        prior: The inputs before.
        differing: The paths of the differences between the two, as `diff` finds them.
    """
    tops = {top(path) for path in differing}
    now = _arrange(type_, shape, _to_inputs(type_, shape, state, prior, ""), prior, "")
    kept = {name: value for name, value in prior.items() if name not in tops}
    return kept | {name: value for name, value in now.items() if name in tops}


def top(path: str) -> str:
    """Return the name of the property that a path begins with."""
    return re.split(r"[.\[]", path, maxsplit=1)[0]


class _Differ:
    """One walk over state and inputs, in which all differences come together."""

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self.differences: dict[str, PropertyDifference] = {}

    def compare(self, type_: Type, old: Any, new: Any, path: str, rule: str) -> None:
        if new is UNKNOWN:
            self._note(PropertyChange.ADD if old is None else PropertyChange.UPDATE, path, rule)
        elif is_zero(new) and is_zero(old) and type_.kind is not ValueKind.OBJECT:
            return
        elif new is None:
            if rule not in self._shape.computed | self._shape.official and not is_zero(old):
                self._note(PropertyChange.DELETE, path, rule)
        elif type_.kind is ValueKind.OBJECT:
            self._objects(type_, old or {}, new, path, rule)
        elif old is None:
            self._note(PropertyChange.ADD, path, rule)
        elif type_.kind is ValueKind.MAP:
            self._maps(old, new, path, rule)
        elif type_.kind is ValueKind.LIST:
            self._lists(type_, old, new, path, rule)
        elif not self._same(old, new, rule):
            self._note(PropertyChange.UPDATE, path, rule)

    def _objects(self, type_: Type, old: Props, new: Props, path: str, rule: str) -> None:
        for name, field in type_.fields.items():
            self.compare(
                field.type, old.get(name), new.get(name), below(path, name), below(rule, name)
            )

    def _maps(self, old: Props, new: Props, path: str, rule: str) -> None:
        for key in sorted(old.keys() | new.keys()):
            if key not in new:
                self._note(PropertyChange.DELETE, f"{path}.{key}", rule)
            elif key not in old:
                self._note(PropertyChange.ADD, f"{path}.{key}", rule)
            elif old[key] != new[key]:
                self._note(PropertyChange.UPDATE, f"{path}.{key}", rule)

    def _lists(self, type_: Type, old: list[Any], new: list[Any], path: str, rule: str) -> None:
        element = type_.element or Type(ValueKind.STRING)
        pairs = _pairs(element, self._shape, old, new, rule)
        for old_index, new_index in pairs:
            if new_index is None:
                self._note(PropertyChange.DELETE, f"{path}[{old_index}]", rule)
            elif old_index is None:
                self._note(PropertyChange.ADD, f"{path}[{new_index}]", rule)
            else:
                inner = f"{path}[{new_index}]"
                self.compare(element, old[old_index], new[new_index], inner, rule)

    def _same(self, old: Any, new: Any, rule: str) -> bool:
        spell = self._shape.same.get(rule)
        if spell and isinstance(old, str) and isinstance(new, str):
            return spell(old) == spell(new)
        return bool(old == new)

    def _note(self, change: PropertyChange, path: str, rule: str) -> None:
        replaces = any(rule == name or rule.startswith(f"{name}.") for name in self._shape.replaces)
        replaces |= change is not PropertyChange.UPDATE and rule in self._shape.switches
        self.differences[path] = PropertyDifference(change, replaces)


def _pairs(
    element: Type, shape: Shape, old: list[Any], new: list[Any], rule: str
) -> list[tuple[int | None, int | None]]:
    """Return which item of an old list became which of a new one, by their indices.

    In an ordered list the place decides. In a set the same item is the same item wherever it is,
    then one that does not differ, then the identifying field decides, and what is left is paired in
    order, so that `a, b` become `a, c` reads as one item changed.
    """
    if rule not in shape.sets:
        length = max(len(old), len(new))
        return [
            (index if index < len(old) else None, index if index < len(new) else None)
            for index in range(length)
        ]
    left_old, left_new = list(range(len(old))), list(range(len(new)))
    pairs: list[tuple[int | None, int | None]] = []
    key = shape.sets[rule]

    def equal(before: Any, after: Any) -> bool:
        differ = _Differ(shape)
        differ.compare(element, before, after, "", rule)
        return not differ.differences

    def identified(before: Any, after: Any) -> bool:
        return bool(key) and bool(before.get(key) == after.get(key))

    for alike in (operator.eq, equal, identified):
        for new_index in list(left_new):
            for old_index in left_old:
                if alike(old[old_index], new[new_index]):
                    pairs.append((old_index, new_index))
                    left_old.remove(old_index)
                    left_new.remove(new_index)
                    break
    together = min(len(left_old), len(left_new)) if not key else 0
    pairs += list(zip(left_old[:together], left_new[:together], strict=True))
    pairs += [(index, None) for index in left_old[together:]]
    pairs += [(None, index) for index in left_new[together:]]
    return pairs


def _arrange(type_: Type, shape: Shape, fresh: Any, prior: Any, rule: str) -> Any:
    if type_.kind is ValueKind.OBJECT and isinstance(fresh, dict) and isinstance(prior, dict):
        before = cast("Props", prior)
        return {
            name: _arrange(
                type_.fields[name].type, shape, value, before.get(name), below(rule, name)
            )
            if name in type_.fields
            else value
            for name, value in cast("Props", fresh).items()
        }
    if type_.element and isinstance(fresh, list) and isinstance(prior, list):
        items, before = cast("list[Any]", fresh), cast("list[Any]", prior)
        places = {
            new: old
            for old, new in _pairs(type_.element, shape, before, items, rule)
            if old is not None and new is not None
        }
        in_order = sorted(range(len(items)), key=lambda new: places.get(new, len(before) + new))
        return [
            _arrange(type_.element, shape, items[new], before[places[new]], rule)
            if new in places
            else items[new]
            for new in in_order
        ]
    return cast("object", fresh)


def _to_inputs(type_: Type, shape: Shape, state: Any, prior: Any, rule: str) -> Any:
    if type_.kind is ValueKind.OBJECT:
        before = cast("Props", prior) if isinstance(prior, dict) else Props()
        return {
            name: _to_inputs(field.type, shape, state[name], before.get(name), below(rule, name))
            for name, field in type_.fields.items()
            if state.get(name) is not None
            and (
                field.required
                or name in before
                or _says_something(shape, state[name], below(rule, name), prior)
            )
        }
    if type_.kind is ValueKind.LIST and type_.element:
        before = dict[int, Any]()
        if isinstance(prior, list):
            items = cast("list[Any]", prior)
            for old, new in _pairs(type_.element, shape, items, state, rule):
                if old is not None and new is not None:
                    before[new] = items[old]
        return [
            _to_inputs(type_.element, shape, item, before.get(index), rule)
            for index, item in enumerate(state)
        ]
    return state


def _says_something(shape: Shape, value: Any, rule: str, prior: Any) -> bool:
    """Tell whether an input that was not given before is one now."""
    chosen_by_cloud = rule in shape.computed and prior is not None
    return not (is_zero(value) or chosen_by_cloud or value == shape.defaults.get(rule))


def _pattern(path: str) -> re.Pattern[str]:
    """Return what matches a path of `ignoreChanges` and everything below it."""
    escaped = re.escape(path).replace(re.escape("*"), r"[^.\[\]]+")
    return re.compile(rf"{escaped}(?=$|[.\[])")
