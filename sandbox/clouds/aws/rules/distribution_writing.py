"""Rules of what a distribution's configuration says at all, and of who it is."""

from collections.abc import Iterator
from functools import cache
from typing import Any, Final, cast

from moto.core.model import ListShape, Shape, StructureShape
from moto.core.utils import get_service_model

from sandbox.clouds.aws.refusal import Refusal
from sandbox.clouds.aws.rules.distribution_request import (
    DistributionRequest,
    Rule,
    invalid_argument,
)


def _walk(value: object, shape: Shape, name: str) -> Iterator[tuple[str, object, Shape]]:
    """Yield every member of a structure that has a value: its name, itself, its shape.

    What is in a list has the name of what holds the list: `Aliases`, not `Items`.
    """
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        for key, member in cast("dict[str, object]", value).items():
            if key in shape.members and member is not None:
                yield key, member, shape.members[key]
                yield from _walk(member, shape.members[key], name if key == "Items" else key)
    elif isinstance(shape, ListShape) and isinstance(value, list):
        member_shape = cast("Shape", shape.member)
        for item in cast("list[object]", value):
            yield name, item, member_shape
            yield from _walk(item, member_shape, name)


@cache
def _config_shape() -> StructureShape:
    shape = get_service_model("cloudfront").shape_for("DistributionConfig")
    return cast("StructureShape", shape)


def required_members_are_given(request: DistributionRequest) -> Refusal | None:
    """A structure has the members it must have.

    Source: CloudFront API Reference, 'DistributionConfig' and the types in it, "Required: Yes".
    """
    config = dict(request.config)
    structures = [("DistributionConfig", config, _config_shape())]
    structures += [
        (name, cast("dict[str, Any]", value), shape)
        for name, value, shape in _walk(config, _config_shape(), "DistributionConfig")
        if isinstance(shape, StructureShape) and isinstance(value, dict)
    ]
    for name, value, shape in structures:
        # boto3 sends an empty list as no list at all, so a missing one is an empty one.
        missing = [
            member
            for member in shape.required_members
            if value.get(member) is None and not isinstance(shape.members[member], ListShape)
        ]
        if missing:
            return invalid_argument(f"The parameter {missing[0]} of {name} is required.")
    return None


def values_are_known(request: DistributionRequest) -> Refusal | None:
    """A value of a closed set is one of the set: price class, HTTP version, TLS version, ….

    Source: CloudFront API Reference, "Valid Values" of each member, read from botocore's model.
    """
    for name, value, shape in _walk(dict(request.config), _config_shape(), "DistributionConfig"):
        allowed = cast("list[str]", getattr(shape, "enum", None) or [])
        if not allowed or value in allowed:
            continue
        code = "InvalidMinimumProtocolVersion" if name == "MinimumProtocolVersion" else None
        return Refusal(
            code or "InvalidArgument",
            f"The parameter {name} is {value}; it must be one of {', '.join(allowed)}.",
        )
    return None


def quantities_match(request: DistributionRequest) -> Refusal | None:
    """Quantity is the number of Items.

    Source: CloudFront API Reference, 'CreateDistribution', InconsistentQuantities.
    """
    for _, value, shape in _walk(dict(request.config), _config_shape(), "DistributionConfig"):
        if not isinstance(shape, StructureShape) or "Quantity" not in shape.members:
            continue
        counted = cast("dict[str, Any]", value)
        if counted.get("Quantity", 0) != len(counted.get("Items") or ()):
            return Refusal(
                "InconsistentQuantities",
                "The value of Quantity and the size of Items don't match.",
            )
    return None


def default_root_object_is_relative(request: DistributionRequest) -> Refusal | None:
    """The default root object is a file name that does not begin with a slash.

    Source: CloudFront API Reference, 'DistributionConfig', DefaultRootObject.
    """
    if not (request.config.get("DefaultRootObject") or "").startswith("/"):
        return None
    return Refusal(
        "InvalidDefaultRootObject",
        "The default root object file name is too big or contains an invalid character.",
    )


def caller_reference_is_new(request: DistributionRequest) -> Refusal | None:
    """A caller reference makes one distribution.

    Source: CloudFront API Reference, 'DistributionConfig', CallerReference.
    """
    for other in request.existing:
        if request.id is None and other.caller_reference == request.config.get("CallerReference"):
            return Refusal(
                "DistributionAlreadyExists",
                "The caller reference that you are using to create a distribution is associated "
                f"with another distribution. Already exists: {other.id}",
            )
    return None


def caller_reference_stays(request: DistributionRequest) -> Refusal | None:
    """An update keeps the caller reference.

    Source: CloudFront API Reference, 'UpdateDistribution', IllegalUpdate.
    """
    for other in request.existing:
        if other.id == request.id and other.caller_reference != request.config.get(
            "CallerReference"
        ):
            return Refusal(
                "IllegalUpdate", "The update contains modifications that are not allowed."
            )
    return None


WRITING_RULES: Final[tuple[Rule, ...]] = (
    required_members_are_given,
    values_are_known,
    quantities_match,
    default_root_object_is_relative,
    caller_reference_is_new,
    caller_reference_stays,
)
