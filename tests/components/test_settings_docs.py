"""docs/settings.md is made from the settings; `make docs` writes it."""

import json
import shlex
from collections.abc import Callable, Iterator, Mapping
from textwrap import dedent

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from components.settings import KEYS, NAMESPACE
from components.settings.commands import SettingPlace
from components.settings.fields import allowed_values, example_of, fields_below, words_of
from components.settings.intended import takes
from support.meanings import tell_meanings

tell_meanings()

INTRODUCTION = f"""\
# Settings

<!-- Made from components/settings/ by `make docs`; a test compares the two. -->

The stack's configuration, `Pulumi.<stack>.yaml`, has these keys in the namespace `{NAMESPACE}`.
Nested ones are set with `--path`:

```
pulumi config set --path {NAMESPACE}:traffic.direct 90
pulumi config set --path {NAMESPACE}:traffic.cdn 10
```

Everything is checked before anything is created, and all faults are told at once, each with what
to write or type. That is made of what you wrote: `FRA1, ams3` becomes `[fra1, ams3]`, a misspelt
key is renamed, the second weight follows from the first. Numbers have to be numbers (`100`, not
`"100"`), and a key that is not listed here is a fault. Only a key whose
whole value is of another shape, such as text where a list belongs, is turned down by Pulumi itself,
from the types in `Pulumi.yaml`, before the program is asked.

The stack's `aws:` settings are those of [Pulumi's AWS provider](https://www.pulumi.com/registry/packages/aws/installation-configuration/).
The edge uses them for its certificate in us-east-1 too, except for `aws:region`: profile, roles,
allowed accounts and default tags are the same everywhere.
"""


def default_of(field: FieldInfo) -> str:
    """Return a default as a table shows it."""
    if words := words_of(field).default:
        return words
    if field.is_required():
        return "required"
    default = field.default
    if default is None:
        return "not set"
    if isinstance(default, BaseModel):
        set_by_default = default.model_dump(by_alias=True, exclude_unset=True)
        return f"`{json.dumps(set_by_default)}`" if set_by_default else "see below"
    if default == "":
        return "empty"
    return f"`{default if isinstance(default, str) else json.dumps(default)}`"


def cell(text: str | None) -> str:
    """Return text as one cell of a table."""
    return " ".join(dedent(text or "").split()).replace("|", "\\|")


def allowed_cell(field: FieldInfo) -> str:
    words = allowed_values(field)
    if words.startswith("one of "):
        choices = words.removeprefix("one of ").split(", ")
        return ", ".join(f"`{choice}`" for choice in choices)
    return cell(words)


def table(fields: Mapping[str, FieldInfo], prefix: str) -> Iterator[str]:
    yield "| key | allowed | default | meaning |"
    yield "| --- | --- | --- | --- |"
    for key, field in fields.items():
        cells = (allowed_cell(field), default_of(field), cell(field.description))
        yield f"| `{prefix}{key}` | {' | '.join(cells)} |"


def sections(fields: Mapping[str, FieldInfo], prefix: str = "") -> Iterator[str]:
    """Yield the tables of a level, then those of the levels below it."""
    yield from table(fields, prefix)
    for key, field in fields.items():
        if below := fields_below(field):
            yield f"\n## {prefix}{key}\n"
            yield f"{cell(field.description)}\n"
            yield from sections(below, f"{prefix}{key}.")


def every_field(
    fields: Mapping[str, FieldInfo] = KEYS, path: tuple[str, ...] = ()
) -> Iterator[tuple[str, ...]]:
    for key, field in fields.items():
        yield (*path, key)
        yield from every_field(fields_below(field), (*path, key))


def test_the_docs_page_says_what_the_settings_say(check_page: Callable[[str, str], None]) -> None:
    check_page("settings.md", "\n".join([INTRODUCTION, *sections(KEYS)]) + "\n")


@pytest.mark.parametrize("path", list(every_field()), ids=".".join)
def test_every_setting_has_a_meaning_and_an_example_to_mend_it_with(path: tuple[str, ...]) -> None:
    place = SettingPlace.of(path)
    assert place.field is not None
    assert place.field.description
    assert allowed_values(place.field)
    commands = place.set_commands()
    assert commands
    for line in commands:
        *command, target, example = shlex.split(line)
        assert command[:3] == ["pulumi", "config", "set"]
        assert target.startswith(f"{NAMESPACE}:{'.'.join(path)}")
        assert example
    assert takes(place.field, example_of(place.field))
