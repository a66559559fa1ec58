"""Messages of the engine's protocol, made of what the work returns."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

import grpc
from google.protobuf import any_pb2
from pulumi.runtime.proto import provider_pb2, status_pb2

from sandbox.plugins.diff import PropertyChange, PropertyDifference, top
from sandbox.plugins.resource import Failure
from sandbox.plugins.schema import Type, ValueKind
from sandbox.plugins.values import Props

_KINDS = {
    (PropertyChange.ADD, False): provider_pb2.PropertyDiff.ADD,
    (PropertyChange.ADD, True): provider_pb2.PropertyDiff.ADD_REPLACE,
    (PropertyChange.DELETE, False): provider_pb2.PropertyDiff.DELETE,
    (PropertyChange.DELETE, True): provider_pb2.PropertyDiff.DELETE_REPLACE,
    (PropertyChange.UPDATE, False): provider_pb2.PropertyDiff.UPDATE,
    (PropertyChange.UPDATE, True): provider_pb2.PropertyDiff.UPDATE_REPLACE,
}


def abort(context: Any, text: str, detail: provider_pb2.ErrorResourceInitFailed | None) -> NoReturn:
    """End a request with an error, and with the state of a resource that is not ready."""
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=text)
    if detail is not None:
        packed = any_pb2.Any()
        packed.Pack(detail)
        status.details.append(packed)
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(grpc.StatusCode.UNKNOWN, text)
    raise AssertionError("abort raises")


def name_of(urn: str) -> str:
    """Return how the user knows a resource: its type and name, `aws:…:Record www`."""
    parts = urn.split("::")
    return f"{parts[2].rpartition('$')[2]} {parts[3]}"


def check_failures(failures: Iterable[Failure]) -> list[provider_pb2.CheckFailure]:
    """Return failures as the protocol has them."""
    return [provider_pb2.CheckFailure(property=item.path, reason=item.reason) for item in failures]


def some_changes(items: Iterable[object]) -> Any:
    """Return whether there are any."""
    some = any(True for _ in items)
    return provider_pb2.DiffResponse.DIFF_SOME if some else provider_pb2.DiffResponse.DIFF_NONE


def diff_response(differences: Mapping[str, PropertyDifference]) -> provider_pb2.DiffResponse:
    """Return the differences of a resource, by the paths of its properties."""
    return provider_pb2.DiffResponse(
        changes=some_changes(differences),
        replaces=sorted({top(path) for path, item in differences.items() if item.replaces}),
        diffs=sorted({top(path) for path in differences}),
        detailedDiff={
            path: provider_pb2.PropertyDiff(
                kind=_KINDS[difference.change, difference.replaces], inputDiff=False
            )
            for path, difference in differences.items()
        },
        hasDetailedDiff=True,
    )


def from_json(type_: Type, config: Props) -> Props:
    """Return a provider's configuration with its compound values decoded.

    The SDKs send every value of a provider that is not text as JSON in text.
    """
    decoded: Props = {}
    for name, value in config.items():
        field = type_.fields.get(name)
        if field and field.type.kind is not ValueKind.STRING and isinstance(value, str):
            try:
                decoded[name] = json.loads(value)
            except ValueError:
                decoded[name] = value  # the check says what is wrong with it
        else:
            decoded[name] = value
    return decoded
