"""Properties as the engine sends them, read into plain values and repaired in place.

An unknown value comes as one of seven texts, a secret as an object with a signature around its
value, an asset or archive as such an object too. Reading makes `UNKNOWN` of the first, the plain
value of the second, the name of its kind of the third. Repairing changes the places it gets
and keeps everything else as it came, secrets as secrets and unknown values as they were.

Source: `sdk/go/common/resource/properties.go` and `plugin/rpc.go` of pulumi, whose constants the
Python package pulumi-policy repeats.
"""

from collections.abc import Iterable
from typing import Any, Final

from google.protobuf.struct_pb2 import Struct
from google.protobuf.struct_pb2 import Value as WireValue
from pulumi_policy import deserialize, proxy

from policies.model import REMOVED, UNKNOWN, Repair, Step, Value

_UNKNOWN: Final = frozenset(
    {
        proxy.UNKNOWN_BOOLEAN_VALUE,
        proxy.UNKNOWN_NUMBER_VALUE,
        proxy.UNKNOWN_STRING_VALUE,
        proxy.UNKNOWN_ARRAY_VALUE,
        proxy.UNKNOWN_ASSET_VALUE,
        proxy.UNKNOWN_ARCHIVE_VALUE,
        proxy.UNKNOWN_OBJECT_VALUE,
    }
)
_KINDS: Final = {
    deserialize.SPECIAL_ASSET_SIG: "<asset>",
    deserialize.SPECIAL_ARCHIVE_SIG: "<archive>",
}


def read(struct: Struct) -> Value:
    """Return properties as a plain value; a signature that nobody knows reads as `UNKNOWN`."""
    fields = struct.fields
    if deserialize.SPECIAL_SIG_KEY in fields:
        signature = fields[deserialize.SPECIAL_SIG_KEY].string_value
        if signature == deserialize.SPECIAL_SECRET_SIG and "value" in fields:
            return _read(fields["value"])
        return _KINDS.get(signature, UNKNOWN)
    return {key: _read(value) for key, value in fields.items()}


def _read(value: WireValue) -> Value:
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        text = value.string_value
        return UNKNOWN if text in _UNKNOWN else text
    if kind == "struct_value":
        return read(value.struct_value)
    if kind == "list_value":
        return [_read(item) for item in value.list_value.values]
    if kind == "number_value":
        return value.number_value
    if kind == "bool_value":
        return value.bool_value
    return None


def repaired(struct: Struct, changes: Iterable[Repair]) -> Struct:
    """Return a copy with some places changed.

    A step to an element just behind a list's end adds it. A step that leads nowhere is left out:
    what it would have repaired is a finding of its rule again.
    """
    copy = Struct()
    copy.CopyFrom(struct)
    for change in changes:
        first, *rest = change.path
        if not rest:
            _set(copy, str(first), change)
            continue
        at = copy.fields[str(first)] if first in copy.fields else None
        for step in rest[:-1]:
            at = _step(at, step)
        if at is not None:
            _put(_bare(at), rest[-1], change)
    return copy


def _bare(value: WireValue) -> WireValue:
    """Return the value inside a secret; any other value itself."""
    if value.WhichOneof("kind") == "struct_value":
        fields = value.struct_value.fields
        if deserialize.SPECIAL_SIG_KEY in fields and "value" in fields:
            return _bare(fields["value"])
    return value


def _step(value: WireValue | None, step: Step) -> WireValue | None:
    if value is None:
        return None
    bare = _bare(value)
    if isinstance(step, str):
        return bare.struct_value.fields.get(step)
    items = bare.list_value.values
    return items[step] if step < len(items) else None


def _put(parent: WireValue, step: Step, change: Repair) -> None:
    kind = parent.WhichOneof("kind")
    if isinstance(step, str) and kind == "struct_value":
        _set(parent.struct_value, step, change)
    elif isinstance(step, int) and kind == "list_value":
        items = parent.list_value.values
        if step == len(items):
            items.append(_write(change.value))
        elif step < len(items):
            items[step].CopyFrom(_write(change.value))


def _set(struct: Struct, key: str, change: Repair) -> None:
    if change.value is REMOVED:
        struct.fields.pop(key, None)
    else:
        struct.fields[key].CopyFrom(_write(change.value))


def _write(value: Any) -> WireValue:
    written = Struct()
    written.update({"value": value})
    return written.fields["value"]
