"""Rules of cache and origin request policies of one's own."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sandbox.clouds.aws.fields import ReadOnly, items, part
from sandbox.clouds.aws.refusal import Refusal
from sandbox.clouds.aws.rules.distribution_request import invalid_argument
from sandbox.clouds.aws.rules.request_handling import DEFAULT_TTL, MAX_TTL

MAX_LISTED: Final = 10
KEY: Final = "ParametersInCacheKeyAndForwardedToOrigin"
LISTS: Final = ("Header", "Cookie", "QueryString")
UNCOUNTED: Final = frozenset({"allViewerAndWhitelistCloudFront"})
WITHOUT_LIST: Final = frozenset({"none", "all", "allViewer"})


@dataclass(frozen=True)
class PolicyRequest:
    """A request to make or change a policy."""

    kind: str
    """`CachePolicy` or `OriginRequestPolicy`."""

    config: ReadOnly
    """Its configuration, as boto3 knows it."""

    names: frozenset[str]
    """The names of the other policies of the kind."""

    @property
    def selections(self) -> ReadOnly:
        """What it says of headers, cookies and query strings."""
        return part(self.config, KEY) if self.kind == "CachePolicy" else self.config


def policy_name_is_new(request: PolicyRequest) -> Refusal | None:
    """No two policies of a kind have one name.

    Source: CloudFront API Reference, 'CreateCachePolicy', CachePolicyAlreadyExists.
    """
    if request.config["Name"] not in request.names:
        return None
    return Refusal(
        f"{request.kind}AlreadyExists",
        f"A policy with this name already exists: {request.config['Name']}.",
    )


def policy_lists_what_it_means(request: PolicyRequest) -> Refusal | None:
    """A list of headers, cookies or query strings has up to 10, each counted; else there is none.

    Source: CloudFront API Reference, 'CreateCachePolicy', InconsistentQuantities and
    TooManyHeadersInCachePolicy, and the types in it; Developer Guide, 'Quotas' on policies.
    """
    for kind in LISTS:
        config = part(request.selections, f"{kind}sConfig")
        counted = part(config, f"{kind}s")
        listed = items(config, f"{kind}s")
        if counted.get("Quantity", 0) != len(listed):
            return Refusal(
                "InconsistentQuantities",
                "The value of Quantity and the size of Items don't match.",
            )
        if bool(listed) == (config.get(f"{kind}Behavior", "none") in WITHOUT_LIST):
            return invalid_argument(f"The parameter {kind}s does not match {kind}Behavior.")
        if len(listed) > MAX_LISTED and config[f"{kind}Behavior"] not in UNCOUNTED:
            return Refusal(
                f"TooMany{kind}sIn{request.kind}",
                f"The number of {kind.lower()}s in the policy exceeds the maximum.",
            )
    return None


def policy_ttls_are_in_order(request: PolicyRequest) -> Refusal | None:
    """The minimum TTL is at most the default one, and that at most the maximum.

    Source: CloudFront API Reference, 'CachePolicyConfig', MinTTL, DefaultTTL and MaxTTL.
    """
    if request.kind != "CachePolicy":
        return None
    least = request.config["MinTTL"]
    default = request.config.get("DefaultTTL", max(least, DEFAULT_TTL))
    most = request.config.get("MaxTTL", max(default, MAX_TTL))
    if 0 <= least <= default <= most:
        return None
    return invalid_argument("The parameters MinTTL, DefaultTTL and MaxTTL are not in order.")


def policy_without_caching_has_no_key(request: PolicyRequest) -> Refusal | None:
    """A policy whose maximum TTL is 0 names no headers, cookies or query strings.

    Source: aws/aws-cdk#16977, which reports the message.
    """
    if request.kind != "CachePolicy" or request.config.get("MaxTTL") != 0:
        return None
    for kind in LISTS:
        if part(request.selections, f"{kind}sConfig").get(f"{kind}Behavior", "none") != "none":
            return invalid_argument(
                f"The parameter {kind}Behavior is invalid for policy with caching disabled."
            )
    return None


POLICY_RULES: Final[tuple[Callable[[PolicyRequest], Refusal | None], ...]] = (
    policy_name_is_new,
    policy_lists_what_it_means,
    policy_ttls_are_in_order,
    policy_without_caching_has_no_key,
)


def changed_policy_is_ones_own(operation: str, *, managed: bool) -> Refusal | None:
    """A policy that AWS manages is neither changed nor deleted.

    Source: CloudFront API Reference, 'UpdateCachePolicy' and 'DeleteCachePolicy', IllegalUpdate
    and IllegalDelete.
    """
    if not managed:
        return None
    return Refusal(f"Illegal{operation}", "The policy is managed by AWS, and can't be changed.")


def deleted_policy_is_unused(kind: str, *, used: bool) -> Refusal | None:
    """A policy that a cache behavior names is not deleted.

    Source: CloudFront API Reference, 'DeleteCachePolicy', CachePolicyInUse.
    """
    if not used:
        return None
    return Refusal(
        f"{kind}InUse",
        "Cannot delete the policy because it is attached to one or more cache behaviors.",
    )


REQUEST_RULES: Final = (changed_policy_is_ones_own, deleted_policy_is_unused)
