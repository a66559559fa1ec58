"""The commands that change a configuration, as `pulumi config` takes them."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple, Self, cast

from pydantic.fields import FieldInfo

from components.settings.all_settings import KEYS, NAMESPACE
from components.settings.fields import NOTHING, Steps, example_of, fields_below, item_of

_STEP: Final = re.compile("[A-Za-z_][A-Za-z0-9_-]*")
_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9._/@-]*")
_WORDS: Final = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})
"""What YAML 1.1 takes for something else than text."""


class SettingPlace(NamedTuple):
    """Where a value stands in the configuration or in the arguments."""

    path: Steps
    """The steps to it."""
    name: str
    """Full key and path, as `pulumi config --path` takes it; an argument's has no namespace."""
    field: FieldInfo | None
    """The innermost field the path leads to, None where it leads to nothing known."""
    siblings: Mapping[str, FieldInfo]
    """The fields that are known beside the last step of the path."""

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
            name += f".{step}" if _STEP.fullmatch(step) else f"[{json.dumps(step)}]"
            siblings = fields_below(field)
            field = siblings.get(step)
        return cls(path, name, field, siblings)

    @property
    def key(self) -> str:
        """The name of the setting; of an entry, that of its list."""
        return next(str(step) for step in reversed(self.path) if isinstance(step, str))

    def set_commands(self, value: Any = NOTHING, found: Any = NOTHING) -> list[str]:
        """Return the commands that set the value.

        Args:
            value: The value; by default the field's own example.
            found: What stands there now. Pulumi sets nothing below a value of another shape, except
                below a key itself, so that one is removed first.

        So is a text that becomes a number, because it may have quotes, which stay.

        Source: pulumi, `sdk/go/common/resource/config/object.go`, `object.Set`, and
        `sdk/go/common/util/yamlutil/edit.go`, `editNodes`.
        """
        if value is NOTHING:
            value = example_of(self.field) if self.field else ""
        nested = isinstance(value, dict | list)
        kept = isinstance(found, dict) and isinstance(value, dict)
        empty = found is NOTHING or found is None or (found in ([], ()) and isinstance(value, list))
        at_top = len(self.path) == 1 and not isinstance(found, dict | list | tuple)
        clear = nested and not (kept or empty or at_top)
        commands = [self.remove_command()] if clear else []
        if stays_text(found, value) and len(self.path) > 1:
            commands = [self.remove_command()]
        for path, leaf in _leaves(self.path, value):
            commands.append(set_command(SettingPlace.of(path).name, leaf, nested=len(path) > 1))
        return commands

    def remove_command(self) -> str:
        """Return the command that removes the value."""
        path = ["--path"] if len(self.path) > 1 else []
        return shlex.join(["pulumi", "config", "rm", *path, self.name])

    def yaml(self, value: Any) -> str:
        """Return the value as it is written in the stack's file, with its key where it has one."""
        last = self.path[-1]
        if isinstance(last, int):
            return yaml_of(value)
        return f"{self.name if len(self.path) == 1 else last}: {yaml_of(value)}"


def stays_text(found: Any, value: Any) -> bool:
    """Say whether Pulumi would write a number, true or false between the quotes of a text."""
    return isinstance(found, str) and isinstance(value, bool | int)


def _leaves(path: Steps, value: Any) -> Iterator[tuple[Steps, Any]]:
    match value:
        case dict():
            for key, item in cast("dict[str, Any]", value).items():
                yield from _leaves((*path, key), item)
        case list():
            for index, item in enumerate(cast("list[Any]", value)):
                yield from _leaves((*path, index), item)
        case _:
            yield path, value


def set_command(name: str, value: Any, *, nested: bool) -> str:
    """Return the command that sets one value.

    Below a key `pulumi config set` makes a number of a text that is one, and likewise true or
    false, unless the type is given.

    Source: pulumi, `sdk/go/common/resource/config/object.go`, `coerce`.
    """
    text = _text(value)
    options = ["--path"] if nested else []
    if nested and isinstance(value, str) and coerced(value) != value:
        options += ["--type", "string"]
    if text.startswith("-"):
        options.append("--")
    return shlex.join(["pulumi", "config", "set", *options, name, text])


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def coerced(text: str) -> Any:
    """Return what `pulumi config set --path` makes of a text: true or false, a number, or text."""
    if text in {"true", "false"}:
        return text == "true"
    number = re.fullmatch(r"[+-]?[0-9]+", text, re.ASCII) and not re.match("0.", text)
    if number and -(2**63) <= int(text) < 2**64:
        return int(text)
    return text


def yaml_of(value: Any) -> str:
    """Return a value as YAML has it in one line."""
    match value:
        case list():
            return f"[{', '.join(map(yaml_of, cast('list[Any]', value)))}]"
        case dict():
            items = cast("dict[str, Any]", value).items()
            return f"{{{', '.join(f'{key}: {yaml_of(item)}' for key, item in items)}}}"
        case str() if _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
            return value
        case _:
            return json.dumps(value, ensure_ascii=False)
