"""The types of a resource's properties, read from the classes of its Python SDK.

The SDKs are generated from the official plugins' own schemas: `RecordArgs.__init__` names each
input of `aws:route53/record:Record`, its type, and (by having no default) whether it is required.
So the stand-in checks what the official plugin's schema declares, at the SDK's version, and
nothing here is typed in by hand. Sources: pulumi/pulumi, `sdk/python/lib/pulumi/_types.py` on how
input classes are generated.
"""

import importlib
import inspect
import re
import types
import typing
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from typing import Any, TypeVar

import pulumi

_T = TypeVar("_T")
# The name that `pulumi.getter` notes on a property's getter: what the engine calls it.
_WIRE_NAME = "_pulumi_name"
# What `pulumi.input_type` marks the classes of nested inputs with.
_INPUT_CLASS = "_pulumi_input_type"
# `pulumi.Input[...]` refers to these by name and they are not importable where it is used.
_NAMES = {"Output": pulumi.Output, "T": _T}


class ValueKind(Enum):
    """What sort of value a property holds; the value is how a message calls it."""

    STRING = "a string"
    INTEGER = "a whole number"
    NUMBER = "a number"
    BOOLEAN = "true or false"
    LIST = "a list"
    MAP = "a map"
    OBJECT = "an object"


@dataclass(frozen=True)
class Type:
    """The type of a value: of a list or map also that of an element, of an object its fields."""

    kind: ValueKind
    element: "Type | None" = None
    fields: Mapping[str, "Field"] = field(default_factory=dict[str, "Field"])


@dataclass(frozen=True)
class Field:
    """A named property of an object."""

    type: Type
    required: bool


@dataclass(frozen=True)
class ClassRef:
    """A class or function of an SDK, not imported before it is needed.

    Importing an SDK is most of what starting a plugin costs, and a plugin is started several times
    in one `pulumi up`.
    """

    module: str
    name: str

    @classmethod
    def of(cls, token: str, name: str) -> "ClassRef":
        """Return what the SDK has in the module of a resource type or function.

        Args:
            token: The engine's name of it: `aws:route53/record:Record`.
            name: The name there, in which `{}` stands for the token's: `{}Args`.
        """
        package, place, own_name = token.split(":")
        folder, _, module = place.partition("/")
        folders = [] if folder == "index" else [folder]
        path = ".".join([f"pulumi_{package}", *folders, snake_case(module)])
        return cls(path, name.format(own_name))

    def load(self) -> Any:
        """Return the class or function, from the SDK's package if that has it.

        A package of pulumi_aws runs when it is first looked into. A module of it that is imported
        before is imported twice, and takes the place of its function in the package: then
        `aws.lb.get_load_balancer` is a module for the whole process. So the package comes first. A
        module is imported only for what its package does not have: `_RecordState`, or everything
        where the package never runs, as in the processes of the plugins.
        """
        package = importlib.import_module(self.module.rpartition(".")[0])
        exported = getattr(package, self.name, None)
        if exported is None or inspect.ismodule(exported):
            return getattr(importlib.import_module(self.module), self.name)
        return exported


@cache
def of_class(ref: ClassRef) -> Type:
    """Return the type that an SDK's input class (`RecordArgs`, `_RecordState`) declares."""
    return _object(ref.load())


@cache
def of_function(ref: ClassRef) -> Type:
    """Return the type of the arguments that an SDK's function (`get_zone`) takes."""
    function = ref.load()
    hints = typing.get_type_hints(function, localns=_NAMES)
    return Type(
        ValueKind.OBJECT,
        fields={
            camel_case(name): Field(_type(hints[name]), parameter.default is parameter.empty)
            for name, parameter in inspect.signature(function).parameters.items()
            if name != "opts"
        },
    )


@cache
def result_names(ref: ClassRef) -> tuple[str, ...]:
    """Return the engine's names for what an SDK's result class (`GetZoneResult`) holds."""
    parameters = list(inspect.signature(ref.load().__init__).parameters)
    return tuple(camel_case(name) for name in parameters[1:])


def camel_case(name: str) -> str:
    """Return the engine's spelling of a Python name: `zone_id` is `zoneId`."""
    return re.sub(r"_(\w)", lambda match: match[1].upper(), name)


def snake_case(name: str) -> str:
    """Return the Python spelling of an engine's name: `zoneId` is `zone_id`."""
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


def pascal_case(name: str) -> str:
    """Return the spelling of most APIs of AWS: `zoneId` is `ZoneId`."""
    return f"{name[:1].upper()}{name[1:]}"


def below(path: str, name: str) -> str:
    """Return the path of a property of an object."""
    return f"{path}.{name}" if path else name


def _object(cls: type) -> Type:
    initialiser: Callable[..., None] = cls.__init__
    hints = typing.get_type_hints(initialiser, localns=_NAMES)
    parameters = list(inspect.signature(initialiser).parameters.items())[1:]
    return Type(
        ValueKind.OBJECT,
        fields={
            _wire_name(cls, name): Field(_type(hints[name]), parameter.default is parameter.empty)
            for name, parameter in parameters
        },
    )


def _wire_name(cls: type, name: str) -> str:
    getter: object = vars(cls)[name].fget
    return str(getattr(getter, _WIRE_NAME))


def _type(hint: Any) -> Type:
    """Return the type behind an annotation such as `pulumi.Input[Sequence[pulumi.Input[str]]]`.

    Raises:
        TypeError: the annotation is of a form the generated SDKs do not use; nothing is guessed.
    """
    origin = typing.get_origin(hint)
    if origin is typing.Union or origin is types.UnionType:
        return _type(_member(typing.get_args(hint)))
    if origin in (Sequence, list):
        return Type(ValueKind.LIST, element=_type(typing.get_args(hint)[0]))
    if origin in (Mapping, dict):
        return Type(ValueKind.MAP, element=_type(typing.get_args(hint)[1]))
    simple = {
        str: ValueKind.STRING,
        bool: ValueKind.BOOLEAN,
        int: ValueKind.INTEGER,
        float: ValueKind.NUMBER,
    }
    if hint in simple:
        return Type(simple[hint])
    if inspect.isclass(hint) and hasattr(hint, _INPUT_CLASS):
        return _object(hint)
    raise TypeError(f"an input of the SDK has the type {hint}; none of a generated SDK's forms.")


def _member(members: tuple[Any, ...]) -> Any:
    """Return what a union is about, apart from the ways in which it may be given or left out."""
    about = [
        member
        for member in members
        if member is not type(None)
        and typing.get_origin(member) not in (Awaitable, pulumi.Output)
        # `Union[str, RecordType]`: the enumeration only lists well-known strings.
        and not (inspect.isclass(member) and issubclass(member, Enum))
    ]
    # A function's nested argument may be given in the class, as a dictionary or as an output.
    about = [member for member in about if hasattr(member, _INPUT_CLASS)] or about
    if len(about) != 1:
        raise TypeError(f"an input of the SDK is one of {about}; exactly one type was expected.")
    return about[0]
