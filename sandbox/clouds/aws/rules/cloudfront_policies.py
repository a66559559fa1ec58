"""Rules of cache and origin request policies of one's own."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sandbox.clouds.aws.fields import ReadOnly, items, part
from sandbox.clouds.aws.refusal import Refusal
from sandbox.clouds.aws.rules.distribution_request import invalid_argument
from sandbox.clouds.aws.rules.request_handling import DEFAULT_TTL, MAX_TTL, time_out_of_range
from sandbox.clouds.aws.rules.sent_names import (
    NOT_KEPT_BY,
    SentKind,
    forbidden,
    not_allowed,
    not_valid,
    unnameable,
)

MAX_LISTED: Final = 10
LONGEST_NAMES: Final = 1_024
LONGEST_COMMENT: Final = 128
POLICY_NAME: Final = re.compile(r"[\w-]{1,128}", re.ASCII)
NOT_SENT_ALONE: Final = frozenset({"accept-encoding", "authorization", "cookie", "*"})
CLOUDFRONT_HEADERS: Final = "cloudfront-"
KEY: Final = "ParametersInCacheKeyAndForwardedToOrigin"
LISTS: Final[tuple[SentKind, ...]] = ("Header", "Cookie", "QueryString")
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


def policy_is_named(request: PolicyRequest) -> Refusal | None:
    """A policy has a name of 1 to 128 letters, digits, `-` and `_`, and a comment of up to 128.

    Source: aws/aws-cdk, aws-cloudfront/lib/cache-policy.ts, which has it for CloudFront. Which
    error it gives is not documented.
    """
    if not POLICY_NAME.fullmatch(request.config["Name"]):
        return invalid_argument("The parameter Name contains characters that are not valid.")
    if len(request.config.get("Comment") or "") > LONGEST_COMMENT:
        return invalid_argument(
            f"The parameter Comment has more than {LONGEST_COMMENT} characters."
        )
    return None


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


def policy_names_can_be_sent(request: PolicyRequest) -> Refusal | None:
    """Headers, cookies and query strings have names, together of up to 1,024 characters.

    Source: CloudFront Developer Guide, 'Quotas' on policies. Which error it gives is not
    documented.
    """
    total = 0
    for kind in LISTS:
        names = items(part(request.selections, f"{kind}sConfig"), f"{kind}s")
        name = unnameable(kind, names)
        if name is not None:
            return not_valid(kind, name)
        total += sum(map(len, names))
    if total > LONGEST_NAMES:
        return invalid_argument(
            f"The names in the policy have together more than {LONGEST_NAMES} characters."
        )
    return None


def policy_headers_can_be_sent(request: PolicyRequest) -> Refusal | None:
    """A cache policy lists headers that answers can be kept by; the other kind not Authorization.

    Accept-Encoding is listed only by a cache policy that does not normalize it. Beside all of the
    viewer's headers only CloudFront's own are listed.

    Source: CloudFront Developer Guide, 'HTTP request headers and CloudFront behavior' and 'Add
    custom headers to origin requests', on the Authorization header, and 'Compression support';
    aws/aws-cdk#13408 and aws-cloudformation/cloudformation-coverage-roadmap#571.
    """
    config = part(request.selections, "HeadersConfig")
    behavior, names = config.get("HeaderBehavior"), items(config, "Headers")
    compressed = any(
        request.selections.get(f"EnableAcceptEncoding{coding}") for coding in ("Gzip", "Brotli")
    )
    header = None
    if behavior == "allViewerAndWhitelistCloudFront":
        others = (name for name in names if not name.lower().startswith(CLOUDFRONT_HEADERS))
        header = next(others, None)
    elif behavior == "whitelist" and request.kind == "OriginRequestPolicy":
        header = forbidden(names, NOT_SENT_ALONE)
    elif behavior == "whitelist":
        header = forbidden(names, NOT_KEPT_BY | ({"accept-encoding", "*"} if compressed else {"*"}))
    return None if header is None else not_allowed(header)


def policy_ttls_are_in_order(request: PolicyRequest) -> Refusal | None:
    """The minimum TTL is at most the default one, and that at most the maximum: 0 to 100 years.

    Source: CloudFront API Reference, 'CachePolicyConfig', MinTTL, DefaultTTL and MaxTTL; Developer
    Guide, 'Cache behavior settings', Minimum TTL.
    """
    if request.kind != "CachePolicy":
        return None
    name = time_out_of_range(request.config)
    if name:
        return invalid_argument(f"The parameter {name} is out of range.")
    least = request.config["MinTTL"]
    default = request.config.get("DefaultTTL", max(least, DEFAULT_TTL))
    most = request.config.get("MaxTTL", max(default, MAX_TTL))
    if least <= default <= most:
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
    policy_is_named,
    policy_name_is_new,
    policy_lists_what_it_means,
    policy_names_can_be_sent,
    policy_headers_can_be_sent,
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
