"""Rules of what a distribution's configuration says at all, and of who it is."""

import re
from functools import cache
from typing import Any, Final, cast

from moto.core.model import StructureShape
from moto.core.utils import get_service_model

from sandbox.clouds.aws.constraints import walk
from sandbox.clouds.aws.refusal import Refusal
from sandbox.clouds.aws.rules.distribution_request import (
    DistributionRequest,
    Rule,
    invalid_argument,
)

ROOT_OBJECT: Final = re.compile(r"([A-Za-z0-9_.*$~\"'&-][A-Za-z0-9_.*$/~\"'&-]{0,254})?")
LONGEST_COMMENT: Final = 128


@cache
def config_shape() -> StructureShape:
    """Return what the service's model says of a configuration."""
    shape = get_service_model("cloudfront").shape_for("DistributionConfig")
    return cast("StructureShape", shape)


def quantities_match(request: DistributionRequest) -> Refusal | None:
    """Quantity is the number of Items.

    Source: CloudFront API Reference, 'CreateDistribution', InconsistentQuantities.
    """
    for _, value, shape in walk(dict(request.config), config_shape()):
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

    Source: CloudFront API Reference, 'DistributionConfig', DefaultRootObject; Developer Guide,
    'Distribution settings', Default root object, for the characters it may have.
    """
    if ROOT_OBJECT.fullmatch(request.config.get("DefaultRootObject") or ""):
        return None
    return Refusal(
        "InvalidDefaultRootObject",
        "The default root object file name is too big or contains an invalid character.",
    )


def comment_is_short(request: DistributionRequest) -> Refusal | None:
    """A comment has up to 128 characters.

    Source: CloudFront API Reference, 'DistributionConfig', Comment. The words are not documented.
    """
    if len(request.config.get("Comment") or "") <= LONGEST_COMMENT:
        return None
    return invalid_argument(f"The parameter Comment has more than {LONGEST_COMMENT} characters.")


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
    quantities_match,
    default_root_object_is_relative,
    comment_is_short,
    caller_reference_is_new,
    caller_reference_stays,
)
