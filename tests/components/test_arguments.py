"""components/arguments.py is made from the settings; `make docs` writes it."""

import textwrap
from collections.abc import Callable, Iterator, Mapping
from inspect import isclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from components.settings import Settings
from components.settings.fields import allowed_values, words_of
from support.meanings import tell_meanings

tell_meanings()

HEADER = '''\
"""The arguments of `DualStackEdge`, plain enough for a program in any language to give them.

Made from components/settings/ by `make docs`; a test compares the two. What the values may be is
checked by the settings' own rules.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict
'''

PROVIDER_ARGUMENTS = '''\
    provider_arguments: NotRequired[Mapping[str, Any]]
    """Arguments of the AWS provider for us-east-1, except the region: what the certificate and the
    alarms are made with, because a provider that is passed to the edge has another region. Default:
    what the environment says."""
'''

NAMES = {"Settings": "DualStackEdgeArgs"}


def name_of(model: type[BaseModel]) -> str:
    return NAMES.get(model.__name__, f"{model.__name__}Args")


def options(annotation: Any) -> list[Any]:
    """Return the types an annotation allows, without None."""
    if get_origin(annotation) is Annotated:
        return options(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return [kind for part in get_args(annotation) for kind in options(part)]
    return [] if annotation is NoneType else [annotation]


def spelled(annotation: Any) -> str:
    """Return the plain type for a setting's type."""
    (kind,) = options(annotation)
    if get_origin(kind) is Literal:
        return "str"
    if get_origin(kind) is tuple:
        return f"Sequence[{spelled(get_args(kind)[0])}]"
    return name_of(kind) if issubclass(kind, BaseModel) else kind.__name__


def default_of(field: FieldInfo) -> str:
    if words := words_of(field).default:
        return words
    match cast("object", field.default):
        case None | BaseModel() | () | "":
            return ""
        case tuple():
            return ", ".join(map(str, cast("tuple[object, ...]", field.default)))
        case bool() as default:
            return str(default).lower()
        case default:
            return str(default)


def docstring(field: FieldInfo) -> str:
    """Return what a field means, may be and defaults to."""
    words = " ".join((field.description or "").split())
    words += f" Allowed: {allowed_values(field)}."
    if not field.is_required() and (default := default_of(field)):
        words += f" Default: {default}."
    text = textwrap.fill(
        f'"""{words}',
        100,
        initial_indent="    ",
        subsequent_indent="    ",
        break_on_hyphens=False,
        break_long_words=False,
    )
    last = text.rpartition("\n")[2]
    return f'{text}"""' if len(last) <= 97 else f'{text}\n    """'


def fields(model: type[BaseModel]) -> Mapping[str, FieldInfo]:
    return {name: field for name, field in model.model_fields.items() if not field.exclude}


def below(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """Yield the models of a model's fields, those they need first."""
    for field in fields(model).values():
        for kind in options(field.annotation):
            if isclass(kind) and issubclass(kind, BaseModel):
                yield from below(kind)
                yield kind


def definition(model: type[BaseModel]) -> str:
    summary = textwrap.dedent(model.__doc__ or "").partition("\n")[0]
    if model is Settings:
        summary = "What an edge is made of. All of it is plain: nothing waits for another resource."
    lines = [f"class {name_of(model)}(TypedDict):", f'    """{summary}"""', ""]
    for name, field in fields(model).items():
        kind = spelled(field.annotation)
        lines.append(
            f"    {name}: {kind if field.is_required() else f'NotRequired[{kind}]'}",
        )
        lines.append(docstring(field))
    return "\n".join(lines) + "\n" + (PROVIDER_ARGUMENTS if model is Settings else "")


def test_the_docs_of_the_arguments_say_what_the_settings_say(
    check_page: Callable[[str, str], None],
) -> None:
    models = dict.fromkeys([*below(Settings), Settings])
    check_page("../components/arguments.py", "\n\n".join([HEADER, *map(definition, models)]))
