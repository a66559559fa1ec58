"""Rules of CloudFront's distributions.

All but the last few look at a `DistributionConfig` as it was sent, before defaults are filled in:
CloudFront complains about what it was told, not about what it would have assumed.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, cast

from moto.core.model import ListShape, Shape, StructureShape
from moto.core.utils import get_service_model

from sandbox.clouds.aws.fields import ReadOnly, items, part
from sandbox.clouds.aws.refusal import Refusal

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

CERTIFICATE_ARN: Final = re.compile(r"arn:aws:acm:(?P<region>[a-z0-9-]+):\d{12}:certificate/.+")

GLOBAL_WEB_ACL: Final = re.compile(
    r"arn:aws:wafv2:us-east-1:\d{12}:global/webacl/[\w-]+/[0-9a-f-]{36}|[0-9a-f-]{36}"
)
"""A web ACL of WAFv2 with scope CLOUDFRONT, or one of WAF classic.
Source: CloudFront API Reference, 'DistributionConfig', WebACLId."""

S3_BUCKET_DOMAIN: Final = re.compile(r"[a-z0-9.-]+\.s3(\.[a-z0-9-]+)?\.amazonaws\.com")

HTTP_PORT: Final = 80
HTTPS_PORT: Final = 443
UNPRIVILEGED_PORTS: Final = range(1024, 65536)

ALIASES_PAGE: Final = (
    "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/CNAMEs.html"
    "#alternate-domain-names-requirements"
)


@dataclass(frozen=True)
class Certificate:
    """A certificate of ACM in us-east-1."""

    names: frozenset[str]
    issued: bool


@dataclass(frozen=True)
class Existing:
    """A distribution that there is already."""

    id: str
    caller_reference: str
    aliases: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Asked:
    """A request to create or update a distribution, and what it is judged by."""

    config: ReadOnly
    """The `DistributionConfig` as boto3 knows it, as it was sent."""

    id: str | None = None
    """Which distribution to update; None: create one."""

    existing: tuple[Existing, ...] = ()

    certificates: Mapping[str, Certificate] = field(default_factory=dict[str, Certificate])
    """ACM's in us-east-1, by ARN."""

    cache_policies: frozenset[str] = frozenset()
    """The ids there are."""

    origin_request_policies: frozenset[str] = frozenset()
    """The ids there are."""

    @property
    def others(self) -> tuple[Existing, ...]:
        """All distributions but the one to update."""
        return tuple(other for other in self.existing if other.id != self.id)

    @property
    def origins(self) -> tuple[ReadOnly, ...]:
        """The origins."""
        return tuple(items(self.config, "Origins"))

    @property
    def behaviors(self) -> tuple[ReadOnly, ...]:
        """The cache behaviors, the default one first."""
        default = part(self.config, "DefaultCacheBehavior")
        return (default, *items(self.config, "CacheBehaviors"))

    @property
    def aliases(self) -> tuple[str, ...]:
        """The alternate domain names, in lower case."""
        return tuple(name.lower() for name in items(self.config, "Aliases"))

    @property
    def viewer_certificate(self) -> ReadOnly:
        """How viewers are met over TLS."""
        return part(self.config, "ViewerCertificate")


Rule = Callable[[Asked], Refusal | None]


def judge(asked: Asked) -> None:
    """Raise the refusal of the first rule that forbids a request.

    Raises:
        Refusal: some rule forbids it.
    """
    for rule in DISTRIBUTION_RULES:
        refusal = rule(asked)
        if refusal:
            raise refusal


def covers(pattern: str, name: str) -> bool:
    """Tell whether a name of a certificate covers a host name; `*` stands for one label."""
    if pattern.startswith("*."):
        return name.partition(".")[2] == pattern[2:]
    return name == pattern


def _argument(message: str) -> Refusal:
    return Refusal("InvalidArgument", message)


def _walk(value: object, shape: Shape, name: str) -> Iterator[tuple[str, object, Shape]]:
    """Yield every member of a structure that has a value: its name, itself, its shape.

    What is in a list bears the name of what holds the list: `Aliases`, not `Items`.
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


# What is written ----------------------------------------------------------------------------------


def required_members_are_given(asked: Asked) -> Refusal | None:
    """A structure has the members it must have.

    Source: CloudFront API Reference, 'DistributionConfig' and the types in it, "Required: Yes".
    """
    config = dict(asked.config)
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
            return _argument(f"The parameter {missing[0]} of {name} is required.")
    return None


def values_are_known(asked: Asked) -> Refusal | None:
    """A value of a closed set is one of the set: price class, HTTP version, TLS version, ….

    Source: CloudFront API Reference, "Valid Values" of each member, read from botocore's model.
    """
    for name, value, shape in _walk(dict(asked.config), _config_shape(), "DistributionConfig"):
        known = cast("list[str]", getattr(shape, "enum", None) or [])
        if not known or value in known:
            continue
        code = "InvalidMinimumProtocolVersion" if name == "MinimumProtocolVersion" else None
        return Refusal(
            code or "InvalidArgument",
            f"The parameter {name} is {value}; it must be one of {', '.join(known)}.",
        )
    return None


def quantities_match(asked: Asked) -> Refusal | None:
    """Quantity is the number of Items.

    Source: CloudFront API Reference, 'CreateDistribution', InconsistentQuantities.
    """
    for _, value, shape in _walk(dict(asked.config), _config_shape(), "DistributionConfig"):
        if not isinstance(shape, StructureShape) or "Quantity" not in shape.members:
            continue
        counted = cast("dict[str, Any]", value)
        if counted.get("Quantity", 0) != len(counted.get("Items") or ()):
            return Refusal(
                "InconsistentQuantities",
                "The value of Quantity and the size of Items don't match.",
            )
    return None


def default_root_object_is_relative(asked: Asked) -> Refusal | None:
    """The default root object is a file name that does not begin with a slash.

    Source: CloudFront API Reference, 'DistributionConfig', DefaultRootObject.
    """
    if not (asked.config.get("DefaultRootObject") or "").startswith("/"):
        return None
    return Refusal(
        "InvalidDefaultRootObject",
        "The default root object file name is too big or contains an invalid character.",
    )


# Who it is ----------------------------------------------------------------------------------------


def caller_reference_is_new(asked: Asked) -> Refusal | None:
    """A caller reference makes one distribution.

    Source: CloudFront API Reference, 'DistributionConfig', CallerReference.
    """
    for other in asked.existing:
        if asked.id is None and other.caller_reference == asked.config.get("CallerReference"):
            return Refusal(
                "DistributionAlreadyExists",
                "The caller reference that you are using to create a distribution is associated "
                f"with another distribution. Already exists: {other.id}",
            )
    return None


def caller_reference_stays(asked: Asked) -> Refusal | None:
    """An update keeps the caller reference.

    Source: CloudFront API Reference, 'UpdateDistribution', IllegalUpdate.
    """
    for other in asked.existing:
        if other.id == asked.id and other.caller_reference != asked.config.get("CallerReference"):
            return Refusal(
                "IllegalUpdate", "The update contains modifications that are not allowed."
            )
    return None


def alias_is_on_one_distribution(asked: Asked) -> Refusal | None:
    """An alternate domain name is on one distribution only.

    Source: CloudFront Developer Guide, 'Restrictions on using alternate domain names'; message as
    reported in klaemo/s3-website#25.
    """
    taken = {alias for other in asked.others for alias in other.aliases}
    if taken.isdisjoint(asked.aliases):
        return None
    return Refusal(
        "CNAMEAlreadyExists",
        "One or more of the CNAMEs you provided are already associated with a different resource.",
    )


def certificate_is_named_once(asked: Asked) -> Refusal | None:
    """A certificate comes from ACM, from IAM, or is CloudFront's own; aliases exclude the latter.

    Source: CloudFront API Reference, 'ViewerCertificate'; message as reported in
    cloudposse/terraform-aws-cloudfront-s3-cdn#72.
    """
    certificate = asked.viewer_certificate
    own = certificate.get("ACMCertificateArn") or certificate.get("IAMCertificateId")
    if asked.aliases and (certificate.get("CloudFrontDefaultCertificate") or not own):
        return Refusal(
            "InvalidViewerCertificate",
            "To add an alternate domain name (CNAME) to a CloudFront distribution, you must attach "
            "a trusted certificate that validates your authorization to use the domain name. "
            f"For more details, see: {ALIASES_PAGE}",
        )
    both = certificate.get("ACMCertificateArn") and certificate.get("IAMCertificateId")
    if both or (own and certificate.get("CloudFrontDefaultCertificate")):
        return Refusal(
            "InvalidViewerCertificate",
            "Exactly one of [ACMCertificateArn, CloudFrontDefaultCertificate, IAMCertificateId] "
            "needs to be specified",
        )
    if own and not certificate.get("SSLSupportMethod"):
        return Refusal("InvalidViewerCertificate", "The parameter SSLSupportMethod is required.")
    return None


def certificate_is_usable(asked: Asked) -> Refusal | None:
    """A certificate of ACM exists, lies in us-east-1 and is issued.

    Source: CloudFront Developer Guide, 'Requirements for using SSL/TLS certificates with
    CloudFront'; message as reported in hashicorp/terraform-provider-aws#13489.
    """
    arn = asked.viewer_certificate.get("ACMCertificateArn")
    if not arn:
        return None
    found = asked.certificates.get(arn) if CERTIFICATE_ARN.fullmatch(arn) else None
    if found is not None and found.issued:
        return None
    return Refusal(
        "InvalidViewerCertificate",
        "The specified SSL certificate doesn't exist, isn't in us-east-1 region, isn't valid, or "
        "doesn't include a valid certificate chain.",
    )


def aliases_are_covered(asked: Asked) -> Refusal | None:
    """The certificate names every alternate domain name; `*` stands for one label.

    Source: CloudFront Developer Guide, 'Requirements for using alternate domain names'; message as
    reported in hashicorp/terraform-provider-aws#13828.
    """
    certificate = asked.certificates.get(asked.viewer_certificate.get("ACMCertificateArn") or "")
    if certificate is None or all(
        any(covers(name, alias) for name in certificate.names) for alias in asked.aliases
    ):
        return None
    return Refusal(
        "InvalidViewerCertificate",
        "The certificate that is attached to your distribution doesn't cover the alternate domain "
        f"name (CNAME) that you're trying to add. For more details, see: {ALIASES_PAGE}",
    )


# Where requests go --------------------------------------------------------------------------------


def target_origins_exist(asked: Asked) -> Refusal | None:
    """A cache behavior targets an origin or an origin group of the distribution.

    Source: CloudFront API Reference, 'CacheBehavior', TargetOriginId.
    """
    groups = items(asked.config, "OriginGroups")
    known = {origin.get("Id") for origin in (*asked.origins, *groups)}
    if all(behavior.get("TargetOriginId") in known for behavior in asked.behaviors):
        return None
    return Refusal("NoSuchOrigin", "One or more of your origins or origin groups do not exist.")


def origin_ids_differ(asked: Asked) -> Refusal | None:
    """Origins have ids of their own.

    Source: CloudFront API Reference, 'Origin', Id: "A unique identifier for the origin."
    """
    ids = [origin.get("Id") for origin in asked.origins]
    if len(ids) == len(set(ids)):
        return None
    return _argument("The parameter Origin Id is used by more than one origin.")


def origin_is_of_one_kind(asked: Asked) -> Refusal | None:
    """An origin is a custom one, an S3 bucket or a VPC origin.

    Source: CloudFront API Reference, 'Origin'.
    """
    kinds = ("CustomOriginConfig", "S3OriginConfig", "VpcOriginConfig")
    for origin in asked.origins:
        named = [kind for kind in kinds if origin.get(kind) is not None]
        if len(named) != 1:
            return Refusal(
                "InvalidOrigin",
                f"Exactly one of [{', '.join(kinds)}] needs to be specified for origin "
                f"{origin.get('Id')}.",
            )
    return None


def origin_name_is_a_host_name(asked: Asked) -> Refusal | None:
    """An origin is named by a host name: no scheme, port or path, and no address.

    Source: CloudFront Developer Guide, 'Origin settings', Origin domain.
    """
    for origin in asked.origins:
        name = origin.get("DomainName") or ""
        if not re.fullmatch(r"(?=.*[a-zA-Z])[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+", name):
            return _argument("The parameter Origin DomainName does not refer to a valid host name.")
    return None


def origin_ports_are_allowed(asked: Asked) -> Refusal | None:
    """An origin listens on port 80, 443 or one from 1024 to 65535.

    Source: CloudFront Developer Guide, 'Origin settings', HTTP port and HTTPS port.
    """
    for name in ("HTTPPort", "HTTPSPort"):
        for origin in asked.origins:
            port = part(origin, "CustomOriginConfig").get(name, HTTPS_PORT)
            if port not in (HTTP_PORT, HTTPS_PORT) and port not in UNPRIVILEGED_PORTS:
                return _argument(f"The parameter {name} is out of range.")
    return None


def origin_timeouts_are_in_range(asked: Asked) -> Refusal | None:
    """Connecting: 1 to 3 attempts of 1 to 10 s. Answering and keeping alive: 1 to 120 s.

    Source: CloudFront Developer Guide, 'Origin settings'; API Reference, 'CustomOriginConfig'.
    Beyond 60 s AWS wants a higher quota; an account here has it.
    """
    ranges = (
        ("ConnectionAttempts", 3, "InvalidArgument"),
        ("ConnectionTimeout", 10, "InvalidArgument"),
        ("OriginReadTimeout", 120, "InvalidOriginReadTimeout"),
        ("OriginKeepaliveTimeout", 120, "InvalidOriginKeepaliveTimeout"),
    )
    for origin in asked.origins:
        said = {**origin, **part(origin, "CustomOriginConfig")}
        for name, most, code in ranges:
            value = said.get(name)
            if value is not None and not 1 <= value <= most:
                return Refusal(code, f"The parameter {name} is out of range; it is {value}.")
    return None


# How requests are cached --------------------------------------------------------------------------


def policies_exist(asked: Asked) -> Refusal | None:
    """Cache and origin request policies are known ones; here, those that AWS manages.

    Source: CloudFront API Reference, 'CreateDistribution', NoSuchCachePolicy and
    NoSuchOriginRequestPolicy.
    """
    for behavior in asked.behaviors:
        cache_policy = behavior.get("CachePolicyId")
        if cache_policy and cache_policy not in asked.cache_policies:
            return Refusal("NoSuchCachePolicy", "The specified cache policy does not exist.")
        policy = behavior.get("OriginRequestPolicyId")
        if policy and policy not in asked.origin_request_policies:
            return Refusal(
                "NoSuchOriginRequestPolicy", "The specified origin request policy does not exist."
            )
    return None


def cache_policy_excludes_legacy_settings(asked: Asked) -> Refusal | None:
    """A cache behavior has a cache policy or forwarded values with TTLs: one, and not both.

    Source: CloudFront API Reference, 'CacheBehavior', CachePolicyId and ForwardedValues; messages
    as reported in pulumi/pulumi-aws#1364 and cloudposse/terraform-aws-cloudfront-s3-cdn#252.
    """
    for behavior in asked.behaviors:
        legacy = [
            name
            for name in ("ForwardedValues", "MinTTL", "DefaultTTL", "MaxTTL")
            if behavior.get(name) is not None
        ]
        if behavior.get("CachePolicyId") and legacy:
            return _argument(
                f"The parameter {legacy[0]} cannot be used when a cache policy is associated to "
                "the cache behavior."
            )
        if not behavior.get("CachePolicyId") and "ForwardedValues" not in legacy:
            return _argument("The parameter ForwardedValues is required.")
    return None


def origin_request_policy_needs_cache_policy(asked: Asked) -> Refusal | None:
    """An origin request policy comes with a cache policy.

    Source: CloudFront Developer Guide, 'Control origin requests with a policy'.
    """
    for behavior in asked.behaviors:
        if behavior.get("OriginRequestPolicyId") and not behavior.get("CachePolicyId"):
            return _argument(
                "The parameter OriginRequestPolicyId cannot be used when no cache policy is "
                "associated to the cache behavior."
            )
    return None


def ttls_are_in_order(asked: Asked) -> Refusal | None:
    """The minimum TTL is at most the default one, and that at most the maximum.

    Source: CloudFront API Reference, 'CreateDistribution', InvalidTTLOrder; message as reported in
    hashicorp/terraform-provider-aws#17878.
    """
    for behavior in asked.behaviors:
        if behavior.get("ForwardedValues") is None:
            continue
        default = behavior.get("DefaultTTL", DEFAULT_TTL)
        if not (behavior.get("MinTTL", 0) <= default <= behavior.get("MaxTTL", MAX_TTL)):
            return Refusal(
                "InvalidTTLOrder",
                "MinTTL, MaxTTL and DefaultTTL should follow order MinTTL less than or equal to "
                "DefaultTTL less than or equal to MaxTTL",
            )
    return None


def methods_are_a_known_set(asked: Asked) -> Refusal | None:
    """Methods are GET and HEAD; these and OPTIONS; or all seven. Only the first three are cached.

    Source: CloudFront API Reference, 'AllowedMethods' and 'CachedMethods'.
    """
    for behavior in asked.behaviors:
        allowed = behavior.get("AllowedMethods")
        if allowed is None:
            continue
        methods = frozenset(items(behavior, "AllowedMethods"))
        if methods not in METHOD_SETS:
            return _argument("The parameter AllowedMethods contains an invalid set of methods.")
        if allowed.get("CachedMethods") is None:
            continue
        cached = frozenset(items(allowed, "CachedMethods"))
        if cached not in CACHED_METHOD_SETS or not cached <= methods:
            return _argument("The parameter CachedMethods contains an invalid set of methods.")
    return None


# How errors are answered --------------------------------------------------------------------------


def error_codes_may_be_set(asked: Asked) -> Refusal | None:
    """Error caching is set for 400, 403, 404, 405, 414, 416 and 500 to 504 only, once for each.

    Source: CloudFront API Reference, 'CustomErrorResponse', ErrorCode.
    """
    codes = [response.get("ErrorCode") for response in items(asked.config, "CustomErrorResponses")]
    if set(codes) <= SETTABLE_ERROR_CODES and len(codes) == len(set(codes)):
        return None
    return Refusal("InvalidErrorCode", "An invalid error code was specified.")


def error_page_is_complete(asked: Asked) -> Refusal | None:
    """An error page has a path that begins with a slash, and a response code; or there is none.

    Source: CloudFront API Reference, 'CustomErrorResponse', ResponsePagePath and ResponseCode.
    """
    for response in items(asked.config, "CustomErrorResponses"):
        path, code = response.get("ResponsePagePath") or "", response.get("ResponseCode") or ""
        if bool(path) != bool(code):
            return _argument(
                "The parameters ResponsePagePath and ResponseCode must be specified together."
            )
        if code and code not in SETTABLE_RESPONSE_CODES:
            return Refusal("InvalidResponseCode", "A response code is not valid.")
        if path and not path.startswith("/"):
            return _argument("The parameter ResponsePagePath must begin with a slash.")
        if (response.get("ErrorCachingMinTTL") or 0) < 0:
            return _argument("The parameter ErrorCachingMinTTL is out of range.")
    return None


# What is attached ---------------------------------------------------------------------------------


def web_acl_is_global(asked: Asked) -> Refusal | None:
    """A web ACL is one of scope CLOUDFRONT, by ARN, or one of WAF classic, by id.

    Source: CloudFront API Reference, 'DistributionConfig', WebACLId. Whether it exists is not
    checked here.
    """
    web_acl = asked.config.get("WebACLId")
    if not web_acl or GLOBAL_WEB_ACL.fullmatch(web_acl):
        return None
    return Refusal(
        "InvalidWebACLId",
        f"A web ACL ID specified is not valid: {web_acl}. To specify a web ACL created using the "
        "latest version of AWS WAF, use the ACL ARN of a web ACL of scope CLOUDFRONT.",
    )


def logs_go_to_a_bucket(asked: Asked) -> Refusal | None:
    """Logs go to the domain name of an S3 bucket.

    Source: CloudFront API Reference, 'LoggingConfig', Bucket. Whether the bucket exists and takes
    ACLs is not checked here.
    """
    logging = part(asked.config, "Logging")
    bucket = logging.get("Bucket") or ""
    if not logging.get("Enabled") or S3_BUCKET_DOMAIN.fullmatch(bucket):
        return None
    return _argument("The parameter Logging Bucket does not refer to a valid S3 bucket.")


DISTRIBUTION_RULES: Final[tuple[Rule, ...]] = (
    required_members_are_given,
    values_are_known,
    quantities_match,
    default_root_object_is_relative,
    caller_reference_is_new,
    caller_reference_stays,
    alias_is_on_one_distribution,
    certificate_is_named_once,
    certificate_is_usable,
    aliases_are_covered,
    origin_ids_differ,
    origin_is_of_one_kind,
    origin_name_is_a_host_name,
    origin_ports_are_allowed,
    origin_timeouts_are_in_range,
    target_origins_exist,
    policies_exist,
    origin_request_policy_needs_cache_policy,
    cache_policy_excludes_legacy_settings,
    ttls_are_in_order,
    methods_are_a_known_set,
    error_codes_may_be_set,
    error_page_is_complete,
    web_acl_is_global,
    logs_go_to_a_bucket,
)

# Changing and deleting ----------------------------------------------------------------------------


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
    status is Deployed; which error tells so is not documented, here it is the same.
    """
    if not enabled and deployed:
        return None
    return Refusal(
        "DistributionNotDisabled",
        "The distribution you are trying to delete has not been disabled.",
    )


REQUEST_RULES: Final = (etag_matches, deleted_distribution_is_off)
