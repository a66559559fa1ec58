"""Rules of how a distribution handles requests: caching, errors, and what is attached."""

import re
from typing import Final

from sandbox.clouds.aws.fields import ReadOnly, items, part
from sandbox.clouds.aws.refusal import Refusal
from sandbox.clouds.aws.rules.countries import country_codes
from sandbox.clouds.aws.rules.distribution_request import (
    DistributionRequest,
    Rule,
    invalid_argument,
)

SETTABLE_ERROR_CODES: Final = frozenset({400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504})
"""Source: CloudFront API Reference, 'CustomErrorResponse', ErrorCode."""

SETTABLE_RESPONSE_CODES: Final = frozenset(
    {"200", "400", "403", "404", "405", "414", "416", "500", "501", "502", "503", "504"}
)
"""Source: CloudFront Developer Guide, 'Changing response codes'."""

METHOD_SETS: Final = (
    frozenset({"GET", "HEAD"}),
    frozenset({"GET", "HEAD", "OPTIONS"}),
    frozenset({"GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"}),
)
"""Source: CloudFront API Reference, 'AllowedMethods'."""

CACHED_METHOD_SETS: Final = METHOD_SETS[:2]
"""Source: CloudFront API Reference, 'CachedMethods'."""

DEFAULT_TTL: Final = 86_400
MAX_TTL: Final = 31_536_000
"""What legacy cache settings have when nothing is said.
Source: CloudFront API Reference, 'DefaultCacheBehavior', DefaultTTL and MaxTTL."""

TTLS: Final = ("MinTTL", "DefaultTTL", "MaxTTL")
LONGEST_TTL: Final = 3_153_600_000
"""A hundred years. Source: CloudFront Developer Guide, 'Cache behavior settings', Minimum TTL."""

LONGEST_PREFIX: Final = 256

GLOBAL_WEB_ACL: Final = re.compile(
    r"arn:aws:wafv2:us-east-1:\d{12}:global/webacl/[\w-]+/[0-9a-f-]{36}|[0-9a-f-]{36}"
)
"""A web ACL of WAFv2 with scope CLOUDFRONT, or one of WAF classic.
Source: CloudFront API Reference, 'DistributionConfig', WebACLId."""

LAMBDA_VERSION: Final = re.compile(
    r"arn:aws[a-z-]*:lambda:us-east-1:\d{12}:function:[\w-]{1,64}:\d+"
)
VIEWER_EVENTS: Final = frozenset({"viewer-request", "viewer-response"})

S3_BUCKET_DOMAIN: Final = re.compile(r"(?P<name>[a-z0-9.-]+?)\.s3(\.[a-z0-9-]+)?\.amazonaws\.com")

PATH_PATTERN: Final = re.compile(r"[A-Za-z0-9_.*$/~\"'@:+&?-]{1,255}")


def policies_exist(request: DistributionRequest) -> Refusal | None:
    """Cache and origin request policies are there: AWS's own or one's own.

    Source: CloudFront API Reference, 'CreateDistribution', NoSuchCachePolicy and
    NoSuchOriginRequestPolicy.
    """
    for behavior in request.behaviors:
        cache_policy = behavior.get("CachePolicyId")
        if cache_policy and cache_policy not in request.cache_policies:
            return Refusal("NoSuchCachePolicy", "The specified cache policy does not exist.")
        policy = behavior.get("OriginRequestPolicyId")
        if policy and policy not in request.origin_request_policies:
            return Refusal(
                "NoSuchOriginRequestPolicy", "The specified origin request policy does not exist."
            )
    return None


def cache_policy_excludes_legacy_settings(request: DistributionRequest) -> Refusal | None:
    """A cache behavior has a cache policy or forwarded values with TTLs: one, and not both.

    Source: CloudFront API Reference, 'CacheBehavior', CachePolicyId and ForwardedValues; messages
    as reported in pulumi/pulumi-aws#1364 and cloudposse/terraform-aws-cloudfront-s3-cdn#252.
    """
    for behavior in request.behaviors:
        legacy = [
            name
            for name in ("ForwardedValues", "MinTTL", "DefaultTTL", "MaxTTL")
            if behavior.get(name) is not None
        ]
        if behavior.get("CachePolicyId") and legacy:
            return invalid_argument(
                f"The parameter {legacy[0]} cannot be used when a cache policy is associated to "
                "the cache behavior."
            )
        if not behavior.get("CachePolicyId") and "ForwardedValues" not in legacy:
            return invalid_argument("The parameter ForwardedValues is required.")
    return None


def origin_request_policy_needs_cache_policy(request: DistributionRequest) -> Refusal | None:
    """An origin request policy comes with a cache policy.

    Source: CloudFront Developer Guide, 'Control origin requests with a policy'.
    """
    for behavior in request.behaviors:
        if behavior.get("OriginRequestPolicyId") and not behavior.get("CachePolicyId"):
            return invalid_argument(
                "The parameter OriginRequestPolicyId cannot be used when no cache policy is "
                "associated to the cache behavior."
            )
    return None


def ttls_are_in_order(request: DistributionRequest) -> Refusal | None:
    """The minimum TTL is at most the default one, and that at most the maximum: 0 to 100 years.

    Source: CloudFront API Reference, 'CreateDistribution', InvalidTTLOrder; message as reported in
    hashicorp/terraform-provider-aws#17878; Developer Guide, 'Cache behavior settings', Minimum TTL.
    """
    for behavior in request.behaviors:
        if behavior.get("ForwardedValues") is None:
            continue
        name = time_out_of_range(behavior)
        if name:
            return invalid_argument(f"The parameter {name} is out of range.")
        default = behavior.get("DefaultTTL", DEFAULT_TTL)
        if not (behavior.get("MinTTL", 0) <= default <= behavior.get("MaxTTL", MAX_TTL)):
            return Refusal(
                "InvalidTTLOrder",
                "MinTTL, MaxTTL and DefaultTTL should follow order MinTTL less than or equal to "
                "DefaultTTL less than or equal to MaxTTL",
            )
    return None


def time_out_of_range(times: ReadOnly) -> str | None:
    """Return which time to live is below 0 or beyond 100 years; None where none is."""
    return next((name for name in TTLS if not 0 <= (times.get(name) or 0) <= LONGEST_TTL), None)


def methods_are_a_known_set(request: DistributionRequest) -> Refusal | None:
    """Methods are GET and HEAD; these and OPTIONS; or all seven. Only the first three are cached.

    Source: CloudFront API Reference, 'AllowedMethods' and 'CachedMethods'.
    """
    for behavior in request.behaviors:
        allowed = behavior.get("AllowedMethods")
        if allowed is None:
            continue
        methods = frozenset(items(behavior, "AllowedMethods"))
        if methods not in METHOD_SETS:
            return invalid_argument(
                "The parameter AllowedMethods contains an invalid set of methods."
            )
        if allowed.get("CachedMethods") is None:
            continue
        cached = frozenset(items(allowed, "CachedMethods"))
        if cached not in CACHED_METHOD_SETS or not cached <= methods:
            return invalid_argument(
                "The parameter CachedMethods contains an invalid set of methods."
            )
    return None


def error_codes_may_be_set(request: DistributionRequest) -> Refusal | None:
    """Error caching is set for 400, 403, 404, 405, 414, 416 and 500 to 504 only, once for each.

    Source: CloudFront API Reference, 'CustomErrorResponse', ErrorCode.
    """
    codes = [
        response.get("ErrorCode") for response in items(request.config, "CustomErrorResponses")
    ]
    if set(codes) <= SETTABLE_ERROR_CODES and len(codes) == len(set(codes)):
        return None
    return Refusal("InvalidErrorCode", "An invalid error code was specified.")


def error_page_is_complete(request: DistributionRequest) -> Refusal | None:
    """An error page has a path that begins with a slash, and a response code; or there is none.

    Source: CloudFront API Reference, 'CustomErrorResponse', ResponsePagePath and ResponseCode.
    """
    for response in items(request.config, "CustomErrorResponses"):
        path, code = response.get("ResponsePagePath") or "", response.get("ResponseCode") or ""
        if bool(path) != bool(code):
            return invalid_argument(
                "The parameters ResponsePagePath and ResponseCode must be specified together."
            )
        if code and code not in SETTABLE_RESPONSE_CODES:
            return Refusal("InvalidResponseCode", "A response code is not valid.")
        if path and not path.startswith("/"):
            return invalid_argument("The parameter ResponsePagePath must begin with a slash.")
        if (response.get("ErrorCachingMinTTL") or 0) < 0:
            return invalid_argument("The parameter ErrorCachingMinTTL is out of range.")
    return None


def web_acl_is_global(request: DistributionRequest) -> Refusal | None:
    """A web ACL is one of scope CLOUDFRONT, by ARN, or one of WAF classic, by id.

    Source: CloudFront API Reference, 'DistributionConfig', WebACLId. Whether it exists is not
    checked here.
    """
    web_acl = request.config.get("WebACLId")
    if not web_acl or GLOBAL_WEB_ACL.fullmatch(web_acl):
        return None
    return Refusal(
        "InvalidWebACLId",
        f"A web ACL ID specified is not valid: {web_acl}. To specify a web ACL created using the "
        "latest version of AWS WAF, use the ACL ARN of a web ACL of scope CLOUDFRONT.",
    )


def logs_go_to_a_bucket(request: DistributionRequest) -> Refusal | None:
    """Logs go to the domain name of an S3 bucket of the account that takes ACLs.

    A bucket takes none unless it was made to, or changed. A prefix has up to 256 characters, the
    first of which is no slash.

    Source: CloudFront API Reference, 'LoggingConfig', Bucket; Developer Guide, 'Distribution
    settings', Log prefix; message as reported in
    aws-samples/baseline-environment-on-aws#363.
    """
    logging = part(request.config, "Logging")
    bucket = logging.get("Bucket") or ""
    if not logging.get("Enabled"):
        return None
    prefix = logging.get("Prefix") or ""
    if prefix.startswith("/") or len(prefix) > LONGEST_PREFIX:
        return invalid_argument("The parameter Logging Prefix is not valid.")
    match = S3_BUCKET_DOMAIN.fullmatch(bucket)
    takes_acls = request.buckets.get(match["name"]) if match else None
    if takes_acls is None:
        return invalid_argument("The parameter Logging Bucket does not refer to a valid S3 bucket.")
    if takes_acls:
        return None
    return invalid_argument(
        f"The S3 bucket that you specified for CloudFront logs does not enable ACL access: {bucket}"
    )


def functions_stand_at_their_events(request: DistributionRequest) -> Refusal | None:
    """A behavior has one function at an event, and those of CloudFront at viewers' events only.

    A function of Lambda@Edge is a version, by its number, of one in us-east-1; at viewers' events
    it does not stand beside one of CloudFront. Whether a function exists is not checked here.

    Source: CloudFront Developer Guide, 'Restrictions on edge functions'; API Reference,
    'CreateDistribution', InvalidFunctionAssociation and InvalidLambdaFunctionAssociation. The words
    are not documented.
    """
    for behavior in request.behaviors:
        functions = [one["EventType"] for one in items(behavior, "FunctionAssociations")]
        lambdas = items(behavior, "LambdaFunctionAssociations")
        for one in lambdas:
            if not LAMBDA_VERSION.fullmatch(one["LambdaFunctionARN"]):
                return Refusal(
                    "InvalidLambdaFunctionAssociation",
                    "The function ARN must reference a specific function version in us-east-1. "
                    f"(The ARN must end with the version number.) ARN: {one['LambdaFunctionARN']}",
                )
        events = [one["EventType"] for one in lambdas]
        if len(events) > len(set(events)):
            return Refusal(
                "InvalidLambdaFunctionAssociation",
                "There is more than one Lambda function association for an event.",
            )
        beside = VIEWER_EVENTS.intersection(events) and functions
        if (
            len(functions) > len(set(functions))
            or not VIEWER_EVENTS.issuperset(functions)
            or beside
        ):
            return Refusal(
                "InvalidFunctionAssociation",
                "A CloudFront function is associated once with a viewer event, and not beside a "
                "Lambda function at viewer events.",
            )
    return None


def path_patterns_differ(request: DistributionRequest) -> Refusal | None:
    """Every path pattern is there once, of up to 255 characters that a path may have.

    Source: CloudFront Developer Guide, 'Cache behavior settings', Path pattern.
    """
    patterns = [behavior.get("PathPattern") or "" for behavior in request.behaviors[1:]]
    for pattern in patterns:
        if not PATH_PATTERN.fullmatch(pattern):
            return invalid_argument(f"The parameter PathPattern is invalid: {pattern}.")
        if patterns.count(pattern) > 1:
            return invalid_argument(f"The parameter PathPattern has {pattern} more than once.")
    return None


def countries_are_named(request: DistributionRequest) -> Refusal | None:
    """A list of countries has countries, by their ISO 3166-1 codes; without a list there are none.

    Source: CloudFront API Reference, 'GeoRestriction', and 'CreateDistribution',
    InvalidGeoRestrictionParameter.
    """
    restriction = part(part(request.config, "Restrictions"), "GeoRestriction")
    countries = items(part(request.config, "Restrictions"), "GeoRestriction")
    listed = restriction.get("RestrictionType", "none") != "none"
    if listed == bool(countries) and set(countries) <= country_codes():
        return None
    return Refusal(
        "InvalidGeoRestrictionParameter", "The specified geo restriction parameter is not valid."
    )


def counts_fit_the_quotas(request: DistributionRequest) -> Refusal | None:
    """A distribution has up to 100 aliases, 100 origins and 75 cache behaviors beside the default.

    Source: CloudFront Developer Guide, 'Quotas', and API Reference, 'CreateDistribution'.
    """
    counts = (
        (len(request.aliases), 100, "TooManyDistributionCNAMEs", "more CNAMEs"),
        (len(request.origins), 100, "TooManyOrigins", "more origins"),
        (len(request.behaviors) - 1, 75, "TooManyCacheBehaviors", "more cache behaviors"),
    )
    for count, most, code, what in counts:
        if count > most:
            return Refusal(code, f"Your request contains {what} than are allowed: {count}.")
    return None


REQUEST_HANDLING_RULES: Final[tuple[Rule, ...]] = (
    policies_exist,
    origin_request_policy_needs_cache_policy,
    cache_policy_excludes_legacy_settings,
    ttls_are_in_order,
    methods_are_a_known_set,
    error_codes_may_be_set,
    error_page_is_complete,
    web_acl_is_global,
    logs_go_to_a_bucket,
    functions_stand_at_their_events,
    path_patterns_differ,
    countries_are_named,
    counts_fit_the_quotas,
)
