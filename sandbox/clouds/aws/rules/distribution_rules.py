"""The rules of CloudFront's distributions, in the order in which CloudFront checks them."""

import re
from collections.abc import Sequence
from typing import Final

from sandbox.clouds.aws.fields import ReadOnly
from sandbox.clouds.aws.refusal import Refusal, raise_if
from sandbox.clouds.aws.rules.distribution_names import NAME_RULES
from sandbox.clouds.aws.rules.distribution_request import (
    DistributionRequest,
    Rule,
    invalid_argument,
)
from sandbox.clouds.aws.rules.distribution_writing import WRITING_RULES
from sandbox.clouds.aws.rules.origin_requests import ORIGIN_REQUEST_RULES
from sandbox.clouds.aws.rules.origins import ORIGIN_RULES
from sandbox.clouds.aws.rules.request_handling import REQUEST_HANDLING_RULES

INVALIDATED: Final = re.compile(r"/[!-)+-~]{0,3998}[!-~]?")

DISTRIBUTION_RULES: Final[tuple[Rule, ...]] = (
    *WRITING_RULES,
    *NAME_RULES,
    *ORIGIN_RULES,
    *REQUEST_HANDLING_RULES,
    *ORIGIN_REQUEST_RULES,
)


def judge(request: DistributionRequest) -> None:
    """Raise the refusal of the first rule that forbids a request.

    Raises:
        Refusal: some rule forbids it.
    """
    for rule in DISTRIBUTION_RULES:
        raise_if(rule(request))


def etag_matches(sent: str | None, current: str) -> Refusal | None:
    """An update or deletion names the ETag of the version it is meant for.

    Source: CloudFront API Reference, 'UpdateDistribution' and 'DeleteDistribution', If-Match;
    message as reported in hashicorp/terraform-provider-aws#27147.
    """
    if not sent:
        return Refusal(
            "InvalidIfMatchVersion",
            "The If-Match version is missing or not valid for the resource.",
        )
    if sent != current:
        return Refusal(
            "PreconditionFailed",
            "The request failed because it didn't meet the preconditions in one or more "
            "request-header fields.",
        )
    return None


def deleted_distribution_is_off(*, enabled: bool, deployed: bool) -> Refusal | None:
    """A distribution is disabled, and that is deployed, before it is deleted.

    Source: CloudFront API Reference, 'DeleteDistribution'. The documentation demands that the
    status is Deployed; which error it gives is not documented; here it is the same.
    """
    if not enabled and deployed:
        return None
    return Refusal(
        "DistributionNotDisabled",
        "The distribution you are trying to delete has not been disabled.",
    )


def invalidation_can_be_made(paths: ReadOnly, earlier: Sequence[str] | None) -> Refusal | None:
    """An invalidation has paths that begin with a slash; a caller reference makes one of them.

    A path has up to 4,000 characters of ASCII and no space, and `*` only as the last of them.

    Source: CloudFront API Reference, 'CreateInvalidation' and 'InvalidationBatch', CallerReference;
    Developer Guide, 'Specify the files to invalidate'; message as reported in
    exercism/website#6119.

    Args:
        paths: `Paths` of the request.
        earlier: those of the invalidation that its caller reference made, if there is one.
    """
    listed: list[str] = paths.get("Items") or []
    if paths.get("Quantity", 0) != len(listed):
        return Refusal(
            "InconsistentQuantities", "The value of Quantity and the size of Items don't match."
        )
    if not listed or not all(INVALIDATED.fullmatch(path) for path in listed):
        return invalid_argument("Your request contains one or more invalid invalidation paths.")
    if earlier is not None and set(earlier) != set(listed):
        return invalid_argument(
            "Your request contains a caller reference that was used for a previous invalidation "
            "batch for the same distribution."
        )
    return None


def list_has_a_size(size: str | None) -> Refusal | None:
    """A list holds a positive number of items.

    Source: CloudFront API Reference, 'ListDistributions', MaxItems and InvalidArgument. The words
    are not documented.
    """
    if size is None or (size.isascii() and size.isdecimal() and int(size) > 0):
        return None
    return invalid_argument(f"The parameter MaxItems is not a positive number: {size}")


REQUEST_RULES: Final = (
    etag_matches,
    deleted_distribution_is_off,
    invalidation_can_be_made,
    list_has_a_size,
)
