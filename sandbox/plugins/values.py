"""Property values as they travel between the engine and a plugin.

The engine sends properties as a protobuf `Struct`, which is JSON with two additions: a value that
is not known yet during a preview is one of a few fixed strings, and a secret is an object with a
fixed signature. Source: pulumi/pulumi, `sdk/go/common/resource/plugin/rpc.go` and
`sdk/go/common/resource/sig`.

Inside a plugin properties are plain Python values with one addition, `UNKNOWN`. Secrets are
opened: a plugin that answers `acceptSecrets: false` is sent them in the clear and the engine marks
what comes back under the same names as secret again.
"""

import math
from collections.abc import Mapping
from typing import Any, Final, TypeAlias, cast

from google.protobuf import struct_pb2

Props: TypeAlias = dict[str, Any]


class UnknownValue:
    """The type of `UNKNOWN`: a value that only the deployment itself will tell."""

    def __repr__(self) -> str:
        """Name the constant rather than an address in memory."""
        return "UNKNOWN"


UNKNOWN: Final = UnknownValue()

_UNKNOWN_ON_THE_WIRE = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_UNKNOWNS_ON_THE_WIRE = frozenset(
    {
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # bool
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # number
        _UNKNOWN_ON_THE_WIRE,  # string, and what the language SDKs send for anything
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # array
        "030794c1-ac77-496b-92df-f27374a8bd58",  # asset
        "e48ece36-62e2-4504-bad9-02848725956a",  # archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # object
    }
)
_SIGNATURE = "4dabf18193072939515e22adb298388d"
_WRAPPERS = frozenset(
    {
        "1b47061264138c4ac30d75fd1eb44270",  # a secret
        "d0e6a833031e9bbcd3f4e8bde6ca49a4",  # an output, with what it depends on
    }
)


def decode(struct: struct_pb2.Struct) -> Props:
    """Return the properties in a message as plain values; whole numbers become `int`."""
    return {name: _decode(value) for name, value in struct.fields.items()}


def encode(props: Mapping[str, Any]) -> struct_pb2.Struct:
    """Return properties as a message; entries that are None are left out.

    Raises:
        TypeError: a value is of a type that JSON does not have.
    """
    return struct_pb2.Struct(
        fields={name: _encode(value) for name, value in props.items() if value is not None}
    )


def has_unknown(value: object) -> bool:
    """Tell whether a value is unknown or holds an unknown one at any depth."""
    if isinstance(value, dict):
        return any(has_unknown(item) for item in cast("Props", value).values())
    if isinstance(value, list):
        return any(has_unknown(item) for item in cast("list[object]", value))
    return value is UNKNOWN


def is_zero(value: object) -> bool:
    """Tell whether a value says no more than leaving it out would.

    Terraform's plugin SDK, which the official plugins are built on, does not tell an empty string,
    `false`, 0, an empty list or a block of nothing but such values from an absent one; so neither
    do we. A list with an item is never zero: `[{weight: 0}]` is a weight.
    """
    if isinstance(value, dict):
        return all(is_zero(item) for item in cast("Props", value).values())
    return value is None or (value is not UNKNOWN and not value)


def items_of(props: Mapping[str, Any], name: str) -> list[Any]:
    """Return the list of that name; an empty one where there is none."""
    value = props.get(name)
    return cast("list[Any]", value) if isinstance(value, list) else []


def block_of(props: Mapping[str, Any], name: str) -> Props:
    """Return the object of that name; an empty one where there is none."""
    value = props.get(name)
    return cast("Props", value) if isinstance(value, dict) else {}


def _decode(value: struct_pb2.Value) -> Any:
    kind = value.WhichOneof("kind")
    decoded: Any = getattr(value, kind) if kind else None
    match kind:
        case "string_value" if decoded in _UNKNOWNS_ON_THE_WIRE:
            decoded = UNKNOWN
        case "number_value" if math.isfinite(decoded) and decoded.is_integer():
            decoded = int(decoded)
        case "list_value":
            decoded = [_decode(item) for item in value.list_value.values]
        case "struct_value":
            fields = value.struct_value.fields
            if _SIGNATURE in fields and fields[_SIGNATURE].string_value in _WRAPPERS:
                # An output without a value is one that is not known yet.
                decoded = _decode(fields["value"]) if "value" in fields else UNKNOWN
            else:
                decoded = decode(value.struct_value)
        case "null_value":
            decoded = None
        case _:
            pass
    return decoded


def _encode(value: object) -> struct_pb2.Value:
    wire = struct_pb2.Value()
    match value:
        case None:
            wire.null_value = struct_pb2.NULL_VALUE
        case UnknownValue():
            wire.string_value = _UNKNOWN_ON_THE_WIRE
        case bool():
            wire.bool_value = value
        case int() | float():
            wire.number_value = value
        case str():
            wire.string_value = value
        case list():
            items = cast("list[object]", value)
            wire.list_value.values.extend(_encode(item) for item in items)
            wire.list_value.SetInParent()  # an empty list is one, too
        case dict():
            wire.struct_value.CopyFrom(encode(cast("Props", value)))
        case _:
            raise TypeError(f"a property is {value!r}; JSON values and UNKNOWN can be sent.")
    return wire
