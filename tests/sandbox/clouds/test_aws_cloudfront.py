"""CloudFront of the sandbox refuses what CloudFront refuses, and gives back what it was given."""

import time
from collections.abc import Callable
from copy import deepcopy
from typing import Any, Final, cast

import pytest
from botocore.exceptions import ClientError

from sandbox.clouds.aws.cloudfront_policies import MANAGED
from sandbox.clouds.aws.rules import cloudfront_policies as policy_rules
from sandbox.clouds.aws.rules import distribution_rules as rules
from sandbox.clouds.aws.rules.distribution_names import covers
from sandbox.clouds.aws.rules.distribution_request import DistributionRequest, ExistingDistribution
from sandbox.clouds.aws.rules.distribution_writing import caller_reference_is_new
from sandbox.clouds.aws.rules.request_handling import SETTABLE_ERROR_CODES

Fields = dict[str, Any]
Edit = Callable[[Fields], object]

ALIAS: Final = "api.example.com"
SAFE: Final = ["GET", "HEAD", "OPTIONS"]


def nothing(_config: Fields) -> None:
    """Leave a configuration as it is."""


MISSING_POLICY: Final = "00000000-1111-2222-3333-444444444444"


def refused(call: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call()
    response: Any = caught.value.response
    return response["Error"]["Code"], response["Error"]["Message"]


def origin(config: Fields) -> Fields:
    return config["Origins"]["Items"][0]


def custom(**values: Any) -> Edit:
    return lambda config: origin(config)["CustomOriginConfig"].update(values)


def of_origin(**values: Any) -> Edit:
    return lambda config: origin(config).update(values)


def top(**values: Any) -> Edit:
    return lambda config: config.update(values)


def behavior(**values: Any) -> Edit:
    return lambda config: config["DefaultCacheBehavior"].update(values)


def drop(name: str) -> Edit:
    return lambda config: config["DefaultCacheBehavior"].pop(name, None)


def viewer(**values: Any) -> Edit:
    return lambda config: config.setdefault("ViewerCertificate", {}).update(values)


def both(*edits: Edit) -> Edit:
    return lambda config: [edit(config) for edit in edits]


def listed(*items: Any) -> Fields:
    return {"Quantity": len(items), "Items": list(items)}


def legacy(**ttls: int) -> Edit:
    forwarded = {"QueryString": True, "Cookies": {"Forward": "all"}, "Headers": listed("*")}
    return both(
        drop("CachePolicyId"),
        drop("OriginRequestPolicyId"),
        behavior(ForwardedValues=forwarded, **ttls),
    )


def methods(allowed: list[str], cached: list[str]) -> Edit:
    return behavior(AllowedMethods={**listed(*allowed), "CachedMethods": listed(*cached)})


def errors(*responses: Fields) -> Edit:
    return top(CustomErrorResponses=listed(*responses))


def error(code: int, **more: Any) -> Fields:
    return {"ErrorCode": code, "ErrorCachingMinTTL": 0, **more}


def forwarding(**values: Any) -> Edit:
    def edit(config: Fields) -> None:
        if "ForwardedValues" not in config["DefaultCacheBehavior"]:
            legacy()(config)
        config["DefaultCacheBehavior"]["ForwardedValues"].update(values)

    return edit


def added(*names: str) -> Edit:
    headers = [{"HeaderName": name, "HeaderValue": "x"} for name in names]
    return of_origin(CustomHeaders=listed(*headers))


def valued(value: str) -> Edit:
    return of_origin(CustomHeaders=listed({"HeaderName": "X-Secret", "HeaderValue": value}))


def grouped(
    members: tuple[str, ...] = ("api", "spare"),
    codes: tuple[int, ...] = (500, 502),
    id_: str = "group",
) -> Edit:
    def edit(config: Fields) -> None:
        config["Origins"] = listed(origin(config), {**origin(config), "Id": "spare"})
        group = {
            "Id": id_,
            "FailoverCriteria": {"StatusCodes": listed(*codes)},
            "Members": listed(*({"OriginId": member} for member in members)),
        }
        config["OriginGroups"] = listed(group)

    return edit


def functions(*events: str) -> Edit:
    arn = "arn:aws:cloudfront::123456789012:function/one"
    return behavior(
        FunctionAssociations=listed(*({"FunctionARN": arn, "EventType": each} for each in events))
    )


def lambdas(*events: str, version: str = "7") -> Edit:
    arn = f"arn:aws:lambda:us-east-1:123456789012:function:one:{version}"
    return behavior(
        LambdaFunctionAssociations=listed(
            *({"LambdaFunctionARN": arn, "EventType": each} for each in events)
        )
    )


def patterns(*patterns: str) -> Edit:
    return lambda config: config.update(
        CacheBehaviors=listed(
            *({**config["DefaultCacheBehavior"], "PathPattern": pattern} for pattern in patterns)
        )
    )


def origins(count: int) -> Edit:
    return lambda config: config.update(
        Origins=listed(
            origin(config), *({**origin(config), "Id": str(number)} for number in range(1, count))
        )
    )


def countries(kind: str, *codes: str) -> Edit:
    restriction = {"RestrictionType": kind, "Quantity": len(codes)}
    restriction |= {"Items": list(codes)} if codes else {}
    return top(Restrictions={"GeoRestriction": restriction})


def logs(bucket: str) -> Edit:
    logging = {"Enabled": True, "IncludeCookies": False, "Bucket": bucket, "Prefix": "edge/"}
    return top(Logging=logging)


SEVEN: Final = ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"]
WEB_ACL: Final = (
    "arn:aws:wafv2:us-east-1:123456789012:global/webacl/api/a1b2c3d4-5678-90ab-cdef-111111111111"
)

# rule: [(variant, refused edit, code, message, nearest allowed edit), …]
CASES: Final[dict[str, list[tuple[str, Edit, str, str, Edit]]]] = {
    "quantities_match": [
        (
            "aliases",
            lambda config: config["Aliases"].update(Quantity=2),
            "InconsistentQuantities",
            "The value of Quantity and the size of Items don't match.",
            nothing,
        ),
    ],
    "default_root_object_is_relative": [
        (
            "a slash",
            top(DefaultRootObject="/index.html"),
            "InvalidDefaultRootObject",
            "contains an invalid character",
            top(DefaultRootObject="index.html"),
        ),
        (
            "a space",
            top(DefaultRootObject="an index.html"),
            "InvalidDefaultRootObject",
            "contains an invalid character",
            top(DefaultRootObject="an/index.html"),
        ),
    ],
    "certificate_is_named_once": [
        (
            "aliases without certificate",
            top(ViewerCertificate={"CloudFrontDefaultCertificate": True}),
            "InvalidViewerCertificate",
            "To add an alternate domain name (CNAME) to a CloudFront distribution, you must attach",
            both(
                top(ViewerCertificate={"CloudFrontDefaultCertificate": True}),
                top(Aliases={"Quantity": 0}),
            ),
        ),
        (
            "two certificates",
            viewer(IAMCertificateId="ASCACKCEVSQ6C2EXAMPLE"),
            "InvalidViewerCertificate",
            "Exactly one of [ACMCertificateArn,",
            nothing,
        ),
        (
            "no support method",
            lambda config: config["ViewerCertificate"].pop("SSLSupportMethod"),
            "InvalidViewerCertificate",
            "SSLSupportMethod is required",
            viewer(SSLSupportMethod="vip"),
        ),
    ],
    "aliases_are_covered": [
        (
            "another name",
            top(Aliases=listed("other.example.com")),
            "InvalidViewerCertificate",
            "doesn't cover the alternate domain name (CNAME) that you're trying to add",
            top(Aliases=listed("API.example.com")),
        ),
        (
            "a wildcard stands for one label",
            top(Aliases=listed("a.b.wild.example.com")),
            "InvalidViewerCertificate",
            "doesn't cover the alternate domain name",
            top(Aliases=listed("b.wild.example.com")),
        ),
    ],
    "origin_ids_differ": [
        (
            "two alike",
            lambda config: config.update(Origins=listed(origin(config), origin(config))),
            "InvalidArgument",
            "Origin Id is used by more than one origin",
            lambda config: config.update(
                Origins=listed(origin(config), {**origin(config), "Id": "second"})
            ),
        ),
    ],
    "origin_is_of_one_kind": [
        (
            "two kinds",
            of_origin(S3OriginConfig={"OriginAccessIdentity": ""}),
            "InvalidOrigin",
            "Exactly one of [CustomOriginConfig,",
            nothing,
        ),
        (
            "none",
            lambda config: origin(config).pop("CustomOriginConfig"),
            "InvalidOrigin",
            "needs to be specified for origin api",
            nothing,
        ),
    ],
    "origin_name_is_a_host_name": [
        (
            "an address of the web",
            of_origin(DomainName="https://api.example.com"),
            "InvalidArgument",
            "Origin DomainName does not refer to a valid host name",
            of_origin(DomainName="origin.example.com"),
        ),
        (
            "an IPv4 address",
            of_origin(DomainName="192.0.2.1"),
            "InvalidArgument",
            "Origin DomainName",
            of_origin(DomainName="192-0-2-1.example.com"),
        ),
    ],
    "origin_ports_are_allowed": [
        (
            "81",
            custom(HTTPPort=81),
            "InvalidArgument",
            "HTTPPort is out of range",
            custom(HTTPPort=8080),
        ),
        (
            "1023",
            custom(HTTPSPort=1023),
            "InvalidArgument",
            "HTTPSPort is out of range",
            custom(HTTPSPort=1024),
        ),
    ],
    "origin_timeouts_are_in_range": [
        (
            "answer in 121 s",
            custom(OriginReadTimeout=121),
            "InvalidOriginReadTimeout",
            "OriginReadTimeout is out of range; it is 121.",
            custom(OriginReadTimeout=120),
        ),
        (
            "keep alive for 0 s",
            custom(OriginKeepaliveTimeout=0),
            "InvalidOriginKeepaliveTimeout",
            "it is 0",
            custom(OriginKeepaliveTimeout=1),
        ),
        (
            "a whole answer in less than a part",
            of_origin(ResponseCompletionTimeout=59),
            "InvalidArgument",
            "ResponseCompletionTimeout must not be less than OriginReadTimeout",
            of_origin(ResponseCompletionTimeout=60),
        ),
        (
            "4 attempts",
            of_origin(ConnectionAttempts=4),
            "InvalidArgument",
            "ConnectionAttempts is out of range",
            of_origin(ConnectionAttempts=3),
        ),
        (
            "11 s to connect",
            of_origin(ConnectionTimeout=11),
            "InvalidArgument",
            "ConnectionTimeout is out of range",
            of_origin(ConnectionTimeout=10),
        ),
    ],
    "target_origins_exist": [
        (
            "default behavior",
            behavior(TargetOriginId="other"),
            "NoSuchOrigin",
            "One or more of your origins or origin groups do not exist.",
            both(behavior(TargetOriginId="other"), of_origin(Id="other")),
        ),
        (
            "another behavior",
            lambda config: config.update(
                CacheBehaviors=listed(
                    {
                        **config["DefaultCacheBehavior"],
                        "PathPattern": "/v2/*",
                        "TargetOriginId": "v2",
                    }
                )
            ),
            "NoSuchOrigin",
            "do not exist",
            lambda config: config.update(
                CacheBehaviors=listed({**config["DefaultCacheBehavior"], "PathPattern": "/v2/*"})
            ),
        ),
    ],
    "policies_exist": [
        (
            "cache policy",
            behavior(CachePolicyId=MISSING_POLICY),
            "NoSuchCachePolicy",
            "The specified cache policy does not exist.",
            behavior(CachePolicyId="658327ea-f89d-4fab-a63d-7e88639e58f6"),
        ),
        (
            "origin request policy",
            behavior(OriginRequestPolicyId=MISSING_POLICY),
            "NoSuchOriginRequestPolicy",
            "The specified origin request policy does not exist.",
            behavior(OriginRequestPolicyId="33f36d7e-f396-46d9-90e0-52428a34d9dc"),
        ),
    ],
    "origin_request_policy_needs_cache_policy": [
        (
            "legacy settings",
            both(
                legacy(),
                behavior(OriginRequestPolicyId="216adef6-5c7f-47e4-b989-5492eafa07d3"),
            ),
            "InvalidArgument",
            "OriginRequestPolicyId cannot be used",
            legacy(),
        ),
    ],
    "cache_policy_excludes_legacy_settings": [
        (
            "forwarded values",
            behavior(ForwardedValues={"QueryString": True, "Cookies": {"Forward": "all"}}),
            "InvalidArgument",
            (
                "The parameter ForwardedValues cannot be used when a cache "
                "policy is associated to the "
                "cache behavior."
            ),
            legacy(),
        ),
        (
            "TTLs",
            behavior(MinTTL=0),
            "InvalidArgument",
            "The parameter MinTTL cannot be used",
            legacy(MinTTL=0),
        ),
        (
            "neither",
            both(drop("CachePolicyId"), drop("OriginRequestPolicyId")),
            "InvalidArgument",
            "The parameter ForwardedValues is required.",
            drop("OriginRequestPolicyId"),
        ),
    ],
    "ttls_are_in_order": [
        (
            "least above usual",
            both(legacy(MinTTL=2, DefaultTTL=1, MaxTTL=3), forwarding(Headers=listed("Origin"))),
            "InvalidTTLOrder",
            "MinTTL less than or equal to DefaultTTL",
            both(legacy(MinTTL=1, DefaultTTL=1, MaxTTL=1), forwarding(Headers=listed("Origin"))),
        ),
        (
            "most below the default of usual",
            legacy(MaxTTL=0),
            "InvalidTTLOrder",
            "MinTTL, MaxTTL and DefaultTTL should follow order",
            legacy(MaxTTL=0, DefaultTTL=0),
        ),
        (
            "more than a hundred years",
            legacy(MaxTTL=3_153_600_001),
            "InvalidArgument",
            "The parameter MaxTTL is out of range.",
            legacy(MaxTTL=3_153_600_000),
        ),
    ],
    "methods_are_a_known_set": [
        (
            "GET alone",
            methods(["GET"], ["GET"]),
            "InvalidArgument",
            "AllowedMethods contains an invalid set",
            methods(["HEAD", "GET"], ["GET", "HEAD"]),
        ),
        (
            "POST without the others",
            methods(["GET", "HEAD", "OPTIONS", "POST"], ["GET", "HEAD"]),
            "InvalidArgument",
            "AllowedMethods contains an invalid set",
            methods(["GET", "HEAD", "OPTIONS"], ["GET", "HEAD"]),
        ),
        (
            "POST cached",
            methods(SEVEN, ["GET", "HEAD", "POST"]),
            "InvalidArgument",
            "CachedMethods contains an invalid set",
            methods(SEVEN, ["GET", "HEAD", "OPTIONS"]),
        ),
        (
            "OPTIONS cached and not allowed",
            methods(["GET", "HEAD"], ["GET", "HEAD", "OPTIONS"]),
            "InvalidArgument",
            "CachedMethods contains an invalid set",
            methods(["GET", "HEAD", "OPTIONS"], ["GET", "HEAD", "OPTIONS"]),
        ),
    ],
    "error_codes_may_be_set": [
        (
            "408",
            errors(error(408)),
            "InvalidErrorCode",
            "An invalid error code was specified.",
            errors(*map(error, sorted(SETTABLE_ERROR_CODES))),
        ),
        (
            "one twice",
            errors(error(500), error(500)),
            "InvalidErrorCode",
            "An invalid error code",
            errors(error(500), error(501)),
        ),
    ],
    "error_page_is_complete": [
        (
            "no code",
            errors(error(404, ResponsePagePath="/404.html")),
            "InvalidArgument",
            "ResponsePagePath and ResponseCode must be specified together",
            errors(error(404, ResponsePagePath="/404.html", ResponseCode="404")),
        ),
        (
            "no page",
            errors(error(404, ResponseCode="200")),
            "InvalidArgument",
            "must be specified together",
            errors(error(404, ResponseCode="", ResponsePagePath="")),
        ),
        (
            "an unknown code",
            errors(error(404, ResponsePagePath="/404.html", ResponseCode="299")),
            "InvalidResponseCode",
            "A response code is not valid.",
            errors(error(404, ResponsePagePath="/404.html", ResponseCode="200")),
        ),
    ],
    "web_acl_is_global": [
        (
            "a regional one",
            top(WebACLId=WEB_ACL.replace("global", "regional")),
            "InvalidWebACLId",
            "A web ACL ID specified is not valid",
            top(WebACLId=WEB_ACL),
        ),
        (
            "of another region",
            top(WebACLId=WEB_ACL.replace("us-east-1", "eu-west-1")),
            "InvalidWebACLId",
            "A web ACL ID specified is not valid",
            top(WebACLId="a1b2c3d4-5678-90ab-cdef-111111111111"),
        ),
    ],
    "origin_path_is_relative": [
        (
            "no slash",
            of_origin(OriginPath="v1"),
            "InvalidArgument",
            "Origin Path must begin with a slash",
            of_origin(OriginPath="/v1"),
        ),
        (
            "a slash at the end",
            of_origin(OriginPath="/v1/"),
            "InvalidArgument",
            "must not end with one",
            of_origin(OriginPath="/v1/x"),
        ),
        (
            "a slash alone",
            of_origin(OriginPath="/"),
            "InvalidArgument",
            "must not end with one",
            of_origin(OriginPath=""),
        ),
        (
            "too long",
            of_origin(OriginPath="/" + "x" * 255),
            "InvalidArgument",
            "at most 255",
            of_origin(OriginPath="/" + "x" * 254),
        ),
        (
            "a query string",
            of_origin(OriginPath="/v1?a=b"),
            "InvalidArgument",
            "an invalid character",
            of_origin(OriginPath="/v1-a_b"),
        ),
    ],
    "origin_headers_can_be_added": [
        (
            "no name of a header",
            added("X Secret"),
            "InvalidArgument",
            "HeaderName or HeaderValue is not valid",
            added("X-Secret"),
        ),
        (
            "a value too long",
            valued("x" * 1784),
            "InvalidArgument",
            "HeaderName or HeaderValue is not valid",
            valued("x" * 1783),
        ),
        (
            "one of the connection",
            added("Connection"),
            "InvalidArgument",
            "HeaderName with value connection is not allowed",
            added("X-Connection"),
        ),
        (
            "Host",
            added("host"),
            "InvalidArgument",
            "is not allowed",
            added("X-Forwarded-Host"),
        ),
        (
            "one of AWS's own",
            added("X-Amz-Cf-Id"),
            "InvalidArgument",
            "is not allowed",
            added("X-Am-Cf-Id"),
        ),
        (
            "a header of nothing",
            added(""),
            "InvalidArgument",
            "HeaderName or HeaderValue is not valid",
            added("X"),
        ),
        (
            "a line that ends",
            valued("x\ty\nz"),
            "InvalidArgument",
            "HeaderName or HeaderValue is not valid",
            valued("x\ty z"),
        ),
        (
            "one of the edge's own",
            added("x-edge-location"),
            "InvalidArgument",
            "is not allowed",
            added("x-edges"),
        ),
        (
            "X-Real-IP",
            added("X-Real-IP"),
            "InvalidArgument",
            "is not allowed",
            added("X-Reality"),
        ),
        (
            "one twice",
            added("X-Secret", "x-secret"),
            "InvalidArgument",
            "x-secret more than once",
            added("X-Secret", "X-Secret-2"),
        ),
        (
            "31",
            added(*(f"X-{number}" for number in range(31))),
            "TooManyOriginCustomHeaders",
            "too many origin custom headers",
            added(*(f"X-{number}" for number in range(30))),
        ),
    ],
    "forwarded_headers_fit": [
        (
            "* beside another",
            forwarding(Headers=listed("*", "Origin")),
            "InvalidArgument",
            "* beside other headers",
            forwarding(Headers=listed("*")),
        ),
        (
            "11",
            forwarding(Headers=listed(*(f"X-{number}" for number in range(11)))),
            "TooManyHeadersInForwardedValues",
            "too many headers in forwarded values",
            forwarding(Headers=listed(*(f"X-{number}" for number in range(10)))),
        ),
        (
            "one that is no key",
            forwarding(Headers=listed("Upgrade")),
            "InvalidArgument",
            "upgrade that is not allowed",
            forwarding(Headers=listed("Upgrade-Insecure-Requests")),
        ),
        (
            "Cookie",
            forwarding(Headers=listed("Cookie")),
            "InvalidArgument",
            "cookie that is not allowed",
            forwarding(Headers=listed("Authorization")),
        ),
    ],
    "all_headers_are_not_kept": [
        (
            "one second",
            legacy(MinTTL=1),
            "InvalidArgument",
            "MinTTL must be 0 when all headers",
            legacy(MinTTL=0),
        ),
        (
            "of some headers",
            legacy(MinTTL=1),
            "InvalidArgument",
            "MinTTL must be 0",
            both(legacy(MinTTL=1), forwarding(Headers=listed("Origin"))),
        ),
    ],
    "forwarded_cookies_are_named": [
        (
            "a list without names",
            forwarding(Cookies={"Forward": "whitelist"}),
            "InvalidForwardCookies",
            "list of cookie names is missing when expected",
            forwarding(Cookies={"Forward": "whitelist", "WhitelistedNames": listed("session")}),
        ),
        (
            "an empty list",
            forwarding(Cookies={"Forward": "whitelist", "WhitelistedNames": {"Quantity": 0}}),
            "InvalidForwardCookies",
            "missing when expected",
            forwarding(Cookies={"Forward": "none"}),
        ),
        (
            "names for all",
            forwarding(Cookies={"Forward": "all", "WhitelistedNames": listed("session")}),
            "InvalidForwardCookies",
            "specified when not allowed",
            forwarding(Cookies={"Forward": "all"}),
        ),
        (
            "11 names",
            forwarding(
                Cookies={"Forward": "whitelist", "WhitelistedNames": listed(*"abcdefghijk")}
            ),
            "TooManyCookieNamesInWhiteList",
            "more cookie names",
            forwarding(Cookies={"Forward": "whitelist", "WhitelistedNames": listed(*"abcdefghij")}),
        ),
    ],
    "query_string_keys_are_forwarded": [
        (
            "not forwarded",
            forwarding(QueryString=False, QueryStringCacheKeys=listed("page")),
            "InvalidQueryStringParameters",
            "query string parameters are not valid",
            forwarding(QueryString=True, QueryStringCacheKeys=listed("page")),
        ),
        (
            "11",
            forwarding(QueryStringCacheKeys=listed(*"abcdefghijk")),
            "TooManyQueryStringParameters",
            "too many query string parameters",
            forwarding(QueryStringCacheKeys=listed(*"abcdefghij")),
        ),
    ],
    "path_patterns_differ": [
        (
            "one twice",
            patterns("/v2/*", "/v2/*"),
            "InvalidArgument",
            "PathPattern has /v2/* more than once",
            patterns("/v2/*", "/V2/*"),
        ),
        (
            "a space",
            patterns("/a b"),
            "InvalidArgument",
            "PathPattern is invalid: /a b",
            patterns("/a+b"),
        ),
        (
            "too long",
            patterns("/" + "x" * 255),
            "InvalidArgument",
            "PathPattern is invalid",
            patterns("/" + "x" * 254),
        ),
        (
            "nothing",
            patterns(""),
            "InvalidArgument",
            "PathPattern is invalid",
            patterns("*"),
        ),
    ],
    "countries_are_named": [
        (
            "none",
            countries("whitelist"),
            "InvalidGeoRestrictionParameter",
            "geo restriction parameter is not valid",
            countries("whitelist", "DE"),
        ),
        (
            "no code",
            countries("blacklist", "XX"),
            "InvalidGeoRestrictionParameter",
            "is not valid",
            countries("blacklist", "UM"),
        ),
        (
            "a name",
            countries("blacklist", "Germany"),
            "InvalidGeoRestrictionParameter",
            "is not valid",
            countries("blacklist", "DE", "FR"),
        ),
        (
            "a small code",
            countries("blacklist", "de"),
            "InvalidGeoRestrictionParameter",
            "is not valid",
            countries("blacklist", "DE"),
        ),
        (
            "countries without a list",
            countries("none", "DE"),
            "InvalidGeoRestrictionParameter",
            "is not valid",
            countries("none"),
        ),
    ],
    "alias_is_a_host_name": [
        (
            "a space behind it",
            top(Aliases=listed("api.example.com ")),
            "InvalidArgument",
            "The parameter CNAME contains one or more parameters that are not valid.",
            top(Aliases=listed("*.wild.example.com")),
        ),
    ],
    "tls_version_fits_the_method": [
        (
            "SSL by SNI",
            viewer(MinimumProtocolVersion="SSLv3"),
            "InvalidMinimumProtocolVersion",
            "minimum protocol version is not valid",
            viewer(MinimumProtocolVersion="SSLv3", SSLSupportMethod="vip"),
        ),
    ],
    "comment_is_short": [
        (
            "129 characters",
            top(Comment="x" * 129),
            "InvalidArgument",
            "The parameter Comment has more than 128 characters.",
            top(Comment="x" * 128),
        ),
    ],
    "origin_groups_can_fail_over": [
        (
            "an origin that is not there",
            grouped(members=("api", "gone")),
            "NoSuchOrigin",
            "do not exist",
            grouped(),
        ),
        (
            "one origin twice",
            grouped(members=("api", "api")),
            "InvalidArgument",
            "OriginGroup is not valid",
            grouped(),
        ),
        (
            "an answer that is none of a fault",
            grouped(codes=(200,)),
            "InvalidArgument",
            "OriginGroup is not valid",
            grouped(codes=(404, 500)),
        ),
        (
            "the id of an origin",
            grouped(id_="api"),
            "InvalidArgument",
            "used by more than one origin",
            grouped(id_="both"),
        ),
        (
            "methods that are sent once",
            both(grouped(), behavior(TargetOriginId="group")),
            "InvalidArgument",
            "AllowedMethods cannot include POST, PUT, PATCH, or DELETE for a cached behavior",
            both(grouped(), behavior(TargetOriginId="group"), methods(SAFE, SAFE)),
        ),
    ],
    "shield_has_a_region": [
        (
            "none",
            of_origin(OriginShield={"Enabled": True}),
            "InvalidArgument",
            "The parameter OriginShieldRegion is required.",
            of_origin(OriginShield={"Enabled": True, "OriginShieldRegion": "us-east-1"}),
        ),
    ],
    "functions_stand_at_their_events": [
        (
            "one of CloudFront at the origin",
            functions("origin-request"),
            "InvalidFunctionAssociation",
            "is associated once with a viewer event",
            functions("viewer-request", "viewer-response"),
        ),
        (
            "two at one event",
            functions("viewer-request", "viewer-request"),
            "InvalidFunctionAssociation",
            "is associated once with a viewer event",
            functions("viewer-request"),
        ),
        (
            "no version of Lambda",
            lambdas("origin-request", version="$LATEST"),
            "InvalidLambdaFunctionAssociation",
            "The ARN must end with the version number.) ARN: arn:aws:lambda:us-east-1:",
            lambdas("origin-request"),
        ),
        (
            "two of Lambda at one event",
            lambdas("viewer-request", "viewer-request"),
            "InvalidLambdaFunctionAssociation",
            "more than one Lambda function association",
            lambdas("viewer-request", "origin-response"),
        ),
        (
            "both at viewers' events",
            both(functions("viewer-request"), lambdas("viewer-response")),
            "InvalidFunctionAssociation",
            "not beside a Lambda function",
            both(functions("viewer-request"), lambdas("origin-response")),
        ),
    ],
    "forwarded_names_can_be_names": [
        (
            "a header of nothing",
            forwarding(Headers=listed("")),
            "InvalidArgument",
            "The parameter Headers contains '' that is not valid.",
            forwarding(Headers=listed("X")),
        ),
    ],
    "counts_fit_the_quotas": [
        (
            "101 aliases",
            top(Aliases=listed(*(f"a{number}.wild.example.com" for number in range(101)))),
            "TooManyDistributionCNAMEs",
            "more CNAMEs than are allowed: 101",
            top(Aliases=listed(*(f"a{number}.wild.example.com" for number in range(100)))),
        ),
        (
            "101 origins",
            origins(101),
            "TooManyOrigins",
            "more origins",
            origins(100),
        ),
        (
            "76 behaviors",
            patterns(*(f"/{number}/*" for number in range(76))),
            "TooManyCacheBehaviors",
            "more cache behaviors",
            patterns(*(f"/{number}/*" for number in range(75))),
        ),
    ],
}

TESTED_ALONE: Final = {
    "caller_reference_is_new",
    "caller_reference_stays",
    "alias_is_on_one_distribution",
    "certificate_is_usable",
    "logs_go_to_a_bucket",
}


@pytest.fixture
def make(aws: Any, config_of: Any) -> Callable[..., Fields]:
    """Return a maker of configurations that name an issued certificate."""
    arn = aws.certificate(ALIAS, "*.wild.example.com")

    def maker(reference: str = "one", *edits: Edit) -> Fields:
        config = config_of(reference, ALIAS, certificate=arn)
        for edit in edits:
            edit(config)
        return config

    return maker


@pytest.fixture
def cloudfront(aws: Any) -> Any:
    return aws.client("cloudfront")


@pytest.mark.parametrize(
    ("edit", "refusal", "allowed"),
    [
        pytest.param(case[1], (case[2], case[3]), case[4], id=f"{rule}: {case[0]}")
        for rule, cases in CASES.items()
        for case in cases
    ],
)
def test_a_distribution_that_breaks_a_rule_is_refused(
    cloudfront: Any, make: Any, edit: Edit, refusal: tuple[str, str], allowed: Edit
) -> None:
    code, message = refusal
    refused_code, refusal_text = refused(
        lambda: cloudfront.create_distribution(DistributionConfig=make("one", edit))
    )
    assert (refused_code, message in refusal_text) == (code, True), refusal_text
    assert cloudfront.list_distributions()["DistributionList"]["Quantity"] == 0

    made = cloudfront.create_distribution(DistributionConfig=make("one", allowed))
    id_, etag = made["Distribution"]["Id"], made["ETag"]
    kept = cloudfront.get_distribution_config(Id=id_)
    refused_code, _ = refused(
        lambda: cloudfront.update_distribution(
            Id=id_, IfMatch=etag, DistributionConfig=make("one", edit)
        )
    )
    assert refused_code == code
    after = cloudfront.get_distribution_config(Id=id_)
    assert after["DistributionConfig"] == kept["DistributionConfig"]
    assert after["ETag"] == etag


def test_every_rule_of_a_distribution_has_a_case() -> None:
    named = {rule.__name__ for rule in rules.DISTRIBUTION_RULES}
    assert {*CASES, *TESTED_ALONE} == named


def test_a_caller_reference_makes_one_distribution(cloudfront: Any, make: Any) -> None:
    made = cloudfront.create_distribution(DistributionConfig=make())
    again = make("one", top(Aliases={"Quantity": 0}))
    code, message = refused(lambda: cloudfront.create_distribution(DistributionConfig=again))
    assert code == "DistributionAlreadyExists"
    assert message.endswith(f"Already exists: {made['Distribution']['Id']}")
    again["CallerReference"] = "two"
    cloudfront.create_distribution(DistributionConfig=again)


def test_an_update_keeps_the_caller_reference(cloudfront: Any, make: Any) -> None:
    made = cloudfront.create_distribution(DistributionConfig=make())
    id_, etag = made["Distribution"]["Id"], made["ETag"]

    def update(config: Fields) -> Any:
        return cloudfront.update_distribution(Id=id_, IfMatch=etag, DistributionConfig=config)

    assert refused(lambda: update(make("two")))[0] == "IllegalUpdate"
    update(make("one", top(Comment="changed")))


def test_an_alias_is_on_one_distribution(cloudfront: Any, make: Any) -> None:
    cloudfront.create_distribution(DistributionConfig=make())
    second = make("two", top(Aliases=listed("x.wild.example.com", "API.example.com")))
    code, message = refused(lambda: cloudfront.create_distribution(DistributionConfig=second))
    assert code == "CNAMEAlreadyExists"
    assert message.startswith("One or more of the CNAMEs you provided are already associated")
    second["Aliases"] = listed("x.wild.example.com")
    made = cloudfront.create_distribution(DistributionConfig=second)
    taken = make("two")
    code, _ = refused(
        lambda: cloudfront.update_distribution(
            Id=made["Distribution"]["Id"], IfMatch=made["ETag"], DistributionConfig=taken
        )
    )
    assert code == "CNAMEAlreadyExists"


class TestCertificates:
    def create(self, cloudfront: Any, config_of: Any, arn: str) -> Any:
        config = config_of("one", ALIAS, certificate=arn)
        return cloudfront.create_distribution(DistributionConfig=config)

    def test_of_another_region_are_refused(self, aws: Any, cloudfront: Any, config_of: Any) -> None:
        arn = aws.certificate(ALIAS, region="eu-west-1")
        code, message = refused(lambda: self.create(cloudfront, config_of, arn))
        assert code == "InvalidViewerCertificate"
        assert "isn't in us-east-1 region" in message

    def test_that_do_not_exist_are_refused(self, aws: Any, cloudfront: Any, config_of: Any) -> None:
        arn = aws.certificate(ALIAS)
        code, _ = refused(lambda: self.create(cloudfront, config_of, arn[:-1] + "x"))
        assert code == "InvalidViewerCertificate"

    def test_that_are_not_issued_are_refused(
        self, aws: Any, cloudfront: Any, config_of: Any
    ) -> None:
        arn = aws.client("acm").request_certificate(DomainName=ALIAS, ValidationMethod="DNS")[
            "CertificateArn"
        ]
        code, _ = refused(lambda: self.create(cloudfront, config_of, arn))
        assert code == "InvalidViewerCertificate"
        aws.change(*(("UPSERT", record) for record in aws.validation_records(arn)))
        self.create(cloudfront, config_of, arn)


class TestLogs:
    """`logs_go_to_a_bucket`."""

    def refusal(self, cloudfront: Any, make: Any, bucket: str) -> tuple[str, str]:
        config = make("one", logs(bucket))
        return refused(lambda: cloudfront.create_distribution(DistributionConfig=config))

    @pytest.mark.parametrize("bucket", ["logs", "gone.s3.amazonaws.com", "logs.example.com"])
    def test_go_to_a_bucket_that_is_there(self, aws: Any, make: Any, bucket: str) -> None:
        aws.client("s3").create_bucket(Bucket="logs", ObjectOwnership="ObjectWriter")
        code, message = self.refusal(aws.client("cloudfront"), make, bucket)
        assert (code, "Logging Bucket does not refer" in message) == ("InvalidArgument", True)

    @pytest.mark.parametrize(
        "host", ["edge-logs.s3.amazonaws.com", "edge-logs.s3.us-east-1.amazonaws.com"]
    )
    def test_need_access_lists_which_a_new_bucket_has_not(
        self, aws: Any, make: Any, host: str
    ) -> None:
        s3, cloudfront = aws.client("s3"), aws.client("cloudfront")
        s3.create_bucket(Bucket="edge-logs")
        code, message = self.refusal(cloudfront, make, host)
        assert code == "InvalidArgument"
        assert message.endswith(f"does not enable ACL access: {host}")
        for ownership in ("BucketOwnerEnforced", "BucketOwnerPreferred"):
            controls = {"Rules": [{"ObjectOwnership": ownership}]}
            s3.put_bucket_ownership_controls(Bucket="edge-logs", OwnershipControls=controls)
        cloudfront.create_distribution(DistributionConfig=make("one", logs(host)))

    def test_that_are_off_need_no_bucket(self, cloudfront: Any, make: Any) -> None:
        logging = {"Enabled": False, "IncludeCookies": False, "Bucket": "", "Prefix": ""}
        config = make("one", top(Logging=logging))
        cloudfront.create_distribution(DistributionConfig=config)


def test_caller_reference_is_new_or_that_of_the_distribution_to_update(make: Any) -> None:
    there = (ExistingDistribution("E1", "one"),)
    refusal = caller_reference_is_new(DistributionRequest(make("one"), None, there))
    assert refusal is not None
    assert refusal.code == "DistributionAlreadyExists"
    assert caller_reference_is_new(DistributionRequest(make("two"), None, there)) is None
    assert caller_reference_is_new(DistributionRequest(make("one"), "E1", there)) is None


@pytest.mark.parametrize(
    ("pattern", "name", "covered"),
    [
        ("api.example.com", "api.example.com", True),
        ("api.example.com", "api2.example.com", False),
        ("*.example.com", "api.example.com", True),
        ("*.example.com", "a.api.example.com", False),
        ("*.example.com", "example.com", False),
        ("*.example.com", "*.example.com", True),
    ],
)
def test_a_wildcard_covers_one_label(pattern: str, name: str, covered: bool) -> None:
    assert covers(pattern, name) == covered


def pruned(value: Any, pattern: Any) -> Any:
    """Return the part of a value that the pattern is about."""
    if isinstance(pattern, dict):
        named = cast("Fields", pattern)
        return {key: pruned(value.get(key), inner) for key, inner in named.items()}
    if isinstance(pattern, list):
        counted = cast("list[Any]", pattern)
        return [pruned(one, other) for one, other in zip(value, counted, strict=True)]
    return value


class TestReadingBack:
    FULL: Final[tuple[Edit, ...]] = (
        of_origin(
            OriginPath="/v1",
            ConnectionAttempts=1,
            ConnectionTimeout=4,
            ResponseCompletionTimeout=70,
            OriginShield={"Enabled": True, "OriginShieldRegion": "us-east-1"},
            CustomHeaders=listed({"HeaderName": "X-Origin-Secret", "HeaderValue": "s"}),
        ),
        custom(IpAddressType="dualstack"),
        top(
            HttpVersion="http2and3",
            IsIPV6Enabled=False,
            PriceClass="PriceClass_100",
            WebACLId=WEB_ACL,
            DefaultRootObject="",
            Logging={
                "Enabled": True,
                "IncludeCookies": True,
                "Bucket": "logs.s3.amazonaws.com",
                "Prefix": "p/",
            },
            Restrictions={
                "GeoRestriction": {"RestrictionType": "whitelist", "Quantity": 1, "Items": ["DE"]}
            },
        ),
        errors(*map(error, sorted(SETTABLE_ERROR_CODES))),
        behavior(
            Compress=True,
            GrpcConfig={"Enabled": True},
            ResponseHeadersPolicyId="60669652-455b-4ae9-85a4-c4c02393f86c",
            FunctionAssociations=listed(
                {
                    "FunctionARN": "arn:aws:cloudfront::123456789012:function/f",
                    "EventType": "viewer-request",
                }
            ),
        ),
        lambda config: config.update(
            CacheBehaviors=listed(
                {**deepcopy(config["DefaultCacheBehavior"]), "PathPattern": "/v2/*"}
            )
        ),
    )

    def test_gives_all_that_was_sent(self, aws: Any, cloudfront: Any, make: Any) -> None:
        aws.client("s3").create_bucket(Bucket="logs", ObjectOwnership="ObjectWriter")
        config = make("one", *self.FULL)
        made = cloudfront.create_distribution(DistributionConfig=config)
        id_ = made["Distribution"]["Id"]
        read = cloudfront.get_distribution(Id=id_)
        again = cloudfront.get_distribution_config(Id=id_)
        assert pruned(read["Distribution"]["DistributionConfig"], config) == config
        assert again["DistributionConfig"] == read["Distribution"]["DistributionConfig"]
        assert made["Distribution"]["DistributionConfig"] == again["DistributionConfig"]
        assert made["ETag"] == read["ETag"] == again["ETag"]
        assert made["Location"].endswith(f"/2020-05-31/distribution/{id_}")

    def test_can_be_sent_back_unchanged(self, aws: Any, cloudfront: Any, make: Any) -> None:
        aws.client("s3").create_bucket(Bucket="logs", ObjectOwnership="ObjectWriter")
        made = cloudfront.create_distribution(DistributionConfig=make("one", *self.FULL))
        id_ = made["Distribution"]["Id"]
        config = cloudfront.get_distribution_config(Id=id_)
        cloudfront.update_distribution(
            Id=id_, IfMatch=config["ETag"], DistributionConfig=config["DistributionConfig"]
        )
        after = cloudfront.get_distribution_config(Id=id_)
        assert after["DistributionConfig"] == config["DistributionConfig"]

    def test_of_legacy_settings_can_be_sent_back_unchanged(
        self, cloudfront: Any, make: Any
    ) -> None:
        made = cloudfront.create_distribution(DistributionConfig=make("one", legacy()))
        config = made["Distribution"]["DistributionConfig"]
        assert config["DefaultCacheBehavior"]["DefaultTTL"] == 86_400
        updated = cloudfront.update_distribution(
            Id=made["Distribution"]["Id"], IfMatch=made["ETag"], DistributionConfig=config
        )
        assert updated["Distribution"]["DistributionConfig"] == config

    def test_shows_the_documented_defaults(self, cloudfront: Any) -> None:
        config = {
            "CallerReference": "least",
            "Comment": "",
            "Enabled": False,
            "Origins": listed(
                {
                    "Id": "o",
                    "DomainName": "o.example.com",
                    "CustomOriginConfig": {
                        "HTTPPort": 80,
                        "HTTPSPort": 443,
                        "OriginProtocolPolicy": "match-viewer",
                    },
                }
            ),
            "DefaultCacheBehavior": {
                "TargetOriginId": "o",
                "ViewerProtocolPolicy": "allow-all",
                "CachePolicyId": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
            },
            "CustomErrorResponses": listed({"ErrorCode": 500}),
        }
        made = cloudfront.create_distribution(DistributionConfig=config)
        read = made["Distribution"]["DistributionConfig"]
        shown = {name: read[name] for name in ("HttpVersion", "IsIPV6Enabled", "PriceClass")}
        assert shown == {
            "HttpVersion": "http2",
            "IsIPV6Enabled": False,
            "PriceClass": "PriceClass_All",
        }
        assert read["ViewerCertificate"]["MinimumProtocolVersion"] == "TLSv1"
        assert read["ViewerCertificate"]["CloudFrontDefaultCertificate"] is True
        assert read["CustomErrorResponses"]["Items"][0]["ErrorCachingMinTTL"] == 10
        assert origin(read)["CustomOriginConfig"]["OriginReadTimeout"] == 30
        assert "ForwardedValues" not in read["DefaultCacheBehavior"]
        assert "MinTTL" not in read["DefaultCacheBehavior"]


class TestVersions:
    def test_an_update_needs_the_etag_and_gives_a_new_one(self, cloudfront: Any, make: Any) -> None:
        made = cloudfront.create_distribution(DistributionConfig=make())
        id_, etag = made["Distribution"]["Id"], made["ETag"]
        changed = make("one", top(Comment="changed"))

        def update(**condition: str) -> Any:
            return cloudfront.update_distribution(Id=id_, DistributionConfig=changed, **condition)

        assert refused(update)[0] == "InvalidIfMatchVersion"
        assert refused(lambda: update(IfMatch="E0000000000000"))[0] == "PreconditionFailed"
        updated = update(IfMatch=etag)
        assert updated["ETag"] != etag
        assert updated["Distribution"]["DistributionConfig"]["Comment"] == "changed"
        assert refused(lambda: update(IfMatch=etag))[0] == "PreconditionFailed"

    def test_of_two_updates_from_one_version_one_succeeds(self, cloudfront: Any, make: Any) -> None:
        made = cloudfront.create_distribution(DistributionConfig=make())
        first, second = (make("one", top(Comment=name)) for name in ("first", "second"))
        condition = {"Id": made["Distribution"]["Id"], "IfMatch": made["ETag"]}
        cloudfront.update_distribution(DistributionConfig=first, **condition)
        code, message = refused(
            lambda: cloudfront.update_distribution(DistributionConfig=second, **condition)
        )
        assert code == "PreconditionFailed"
        assert message.startswith("The request failed because it didn't meet the preconditions")

    @pytest.mark.parametrize(
        ("sent", "code"),
        [
            (None, "InvalidIfMatchVersion"),
            ("", "InvalidIfMatchVersion"),
            ("B", "PreconditionFailed"),
            ("A", None),
        ],
    )
    def test_etag_matches(self, sent: str | None, code: str | None) -> None:
        refusal = rules.etag_matches(sent, "A")
        assert (refusal.code if refusal else None) == code


class TestDeploying:
    def status(self, cloudfront: Any, id_: str) -> str:
        return cloudfront.get_distribution(Id=id_)["Distribution"]["Status"]

    def test_takes_its_time_after_creation_and_after_an_update(
        self, aws: Any, cloudfront: Any, make: Any
    ) -> None:
        aws.settings(deploy_seconds=0.4)
        made = cloudfront.create_distribution(DistributionConfig=make())
        id_ = made["Distribution"]["Id"]
        assert made["Distribution"]["Status"] == "InProgress"
        assert self.status(cloudfront, id_) == "InProgress"
        time.sleep(0.5)
        assert self.status(cloudfront, id_) == "Deployed"
        updated = cloudfront.update_distribution(
            Id=id_, IfMatch=made["ETag"], DistributionConfig=make()
        )
        assert updated["Distribution"]["Status"] == "InProgress"
        cloudfront.get_waiter("distribution_deployed").wait(Id=id_, WaiterConfig={"Delay": 0.1})

    def test_and_disabling_come_before_deleting(self, aws: Any, cloudfront: Any, make: Any) -> None:
        aws.settings(deploy_seconds=0)
        made = cloudfront.create_distribution(DistributionConfig=make())
        id_, etag = made["Distribution"]["Id"], made["ETag"]

        def delete() -> Any:
            return cloudfront.delete_distribution(Id=id_, IfMatch=etag)

        assert refused(delete)[0] == "DistributionNotDisabled"
        aws.settings(deploy_seconds=60)
        off = make("one", top(Enabled=False))
        etag = cloudfront.update_distribution(Id=id_, IfMatch=etag, DistributionConfig=off)["ETag"]
        assert refused(delete)[0] == "DistributionNotDisabled"
        aws.settings(deploy_seconds=0)
        code, _ = refused(lambda: cloudfront.delete_distribution(Id=id_, IfMatch="E0"))
        assert code == "PreconditionFailed"
        delete()
        assert refused(lambda: self.status(cloudfront, id_))[0] == "NoSuchDistribution"
        cloudfront.create_distribution(DistributionConfig=make("two"))

    @pytest.mark.parametrize(
        ("enabled", "deployed", "refuses"),
        [(True, True, True), (True, False, True), (False, False, True), (False, True, False)],
    )
    def test_deleted_distribution_is_off(
        self, enabled: bool, deployed: bool, refuses: bool
    ) -> None:
        refusal = rules.deleted_distribution_is_off(enabled=enabled, deployed=deployed)
        assert (refusal is not None) == refuses


def test_distributions_are_listed_page_by_page(cloudfront: Any, make: Any) -> None:
    made = [
        cloudfront.create_distribution(
            DistributionConfig=make(str(number), top(Aliases=listed(f"{number}.wild.example.com")))
        )["Distribution"]["Id"]
        for number in range(5)
    ]
    pages = cloudfront.get_paginator("list_distributions")
    distributions = pages.paginate(PaginationConfig={"PageSize": 2}).search(
        "DistributionList.Items[]"
    )
    assert [(one["Id"], one["Aliases"]["Items"][0]) for one in distributions] == [
        (id_, f"{number}.wild.example.com") for number, id_ in enumerate(made)
    ]


@pytest.mark.parametrize("size", ["0", "-1", "ten", ""])
def test_list_has_a_size(cloudfront: Any, size: str) -> None:
    for call in (cloudfront.list_distributions, cloudfront.list_cache_policies):
        if size:
            assert refused(lambda call=call: call(MaxItems=size))[0] == "InvalidArgument"
    assert rules.list_has_a_size(size) is not None
    assert rules.list_has_a_size("1") is None


def test_tags_and_invalidations_work_on_a_distribution(cloudfront: Any, make: Any) -> None:
    tags = {"Items": [{"Key": "stack", "Value": "sandbox"}]}
    made = cloudfront.create_distribution_with_tags(
        DistributionConfigWithTags={"DistributionConfig": make(), "Tags": tags}
    )["Distribution"]
    assert cloudfront.list_tags_for_resource(Resource=made["ARN"])["Tags"] == tags
    cloudfront.untag_resource(Resource=made["ARN"], TagKeys={"Items": ["stack"]})
    assert cloudfront.list_tags_for_resource(Resource=made["ARN"])["Tags"] == {"Items": []}
    batch = {"Paths": listed("/*"), "CallerReference": "1"}
    done = cloudfront.create_invalidation(DistributionId=made["Id"], InvalidationBatch=batch)
    assert done["Invalidation"]["InvalidationBatch"]["Paths"]["Items"] == ["/*"]


class TestOwnPolicies:
    """Rules about policies of one's own.

    `policy_name_is_new`, `policy_lists_what_it_means`, `policy_ttls_are_in_order`,
    `policy_without_caching_has_no_key`, `deleted_policy_is_unused`.
    """

    CACHE: Final[Fields] = {
        "Name": "ours",
        "MinTTL": 0,
        "DefaultTTL": 10,
        "MaxTTL": 60,
        "ParametersInCacheKeyAndForwardedToOrigin": {
            "EnableAcceptEncodingGzip": True,
            "HeadersConfig": {"HeaderBehavior": "whitelist", "Headers": listed("Accept")},
            "CookiesConfig": {"CookieBehavior": "none"},
            "QueryStringsConfig": {"QueryStringBehavior": "all"},
        },
    }
    FORWARDED: Final[Fields] = {
        "Name": "ours",
        "HeadersConfig": {"HeaderBehavior": "allExcept", "Headers": listed("Host")},
        "CookiesConfig": {"CookieBehavior": "all"},
        "QueryStringsConfig": {"QueryStringBehavior": "none"},
    }

    @pytest.mark.parametrize(
        ("kind", "config"), [("cache_policy", CACHE), ("origin_request_policy", FORWARDED)]
    )
    def test_are_made_read_changed_listed_and_deleted(
        self, cloudfront: Any, kind: str, config: Fields
    ) -> None:
        shape = "".join(word.title() for word in kind.split("_"))

        def call(verb: str, **arguments: Any) -> Any:
            return getattr(cloudfront, f"{verb}_{kind}")(**arguments)

        made = call("create", **{f"{shape}Config": config})
        id_ = made[shape]["Id"]
        assert made[shape][f"{shape}Config"] == config
        again = {f"{shape}Config": config}
        assert refused(lambda: call("create", **again))[0] == f"{shape}AlreadyExists"
        changed = {"Id": id_, f"{shape}Config": {**config, "Comment": "changed"}}
        assert refused(lambda: call("update", **changed, IfMatch="E0"))[0] == "PreconditionFailed"
        etag = call("update", **changed, IfMatch=made["ETag"])["ETag"]
        read = getattr(cloudfront, f"get_{kind}_config")(Id=id_)
        assert (read[f"{shape}Config"]["Comment"], read["ETag"]) == ("changed", etag)
        plural = f"list_{kind.replace('policy', 'policies')}"
        own = getattr(cloudfront, plural)(Type="custom")[f"{shape}List"]
        assert [item[shape]["Id"] for item in own["Items"]] == [id_]
        managed = getattr(cloudfront, plural)(Type="managed")[f"{shape}List"]
        assert {item[shape]["Id"] for item in managed["Items"]} == {*MANAGED[shape]}
        call("delete", Id=id_, IfMatch=etag)
        assert refused(lambda: call("get", Id=id_))[0] == f"NoSuch{shape}"

    def test_serve_a_distribution_and_are_kept_while_they_do(
        self, cloudfront: Any, make: Any
    ) -> None:
        made = cloudfront.create_cache_policy(CachePolicyConfig=self.CACHE)
        id_ = made["CachePolicy"]["Id"]
        cloudfront.create_distribution(DistributionConfig=make("one", behavior(CachePolicyId=id_)))
        code, _ = refused(lambda: cloudfront.delete_cache_policy(Id=id_, IfMatch=made["ETag"]))
        assert code == "CachePolicyInUse"

    def test_of_aws_are_neither_changed_nor_deleted(self, cloudfront: Any) -> None:
        id_ = next(iter(MANAGED["CachePolicy"]))
        code, _ = refused(lambda: cloudfront.delete_cache_policy(Id=id_, IfMatch=id_))
        assert code == "IllegalDelete"
        code, _ = refused(
            lambda: cloudfront.update_cache_policy(
                Id=id_, IfMatch=id_, CachePolicyConfig=self.CACHE
            )
        )
        assert code == "IllegalUpdate"

    @pytest.mark.parametrize(
        ("values", "selections", "code", "message"),
        [
            ({"MinTTL": 11}, {}, "InvalidArgument", "not in order"),
            ({"MaxTTL": 9}, {}, "InvalidArgument", "not in order"),
            (
                {"DefaultTTL": 0, "MaxTTL": 0},
                {},
                "InvalidArgument",
                "HeaderBehavior is invalid for policy with caching disabled",
            ),
            (
                {},
                {"HeadersConfig": {"HeaderBehavior": "whitelist"}},
                "InvalidArgument",
                "Headers does not match HeaderBehavior",
            ),
            (
                {},
                {"CookiesConfig": {"CookieBehavior": "none", "Cookies": listed("a")}},
                "InvalidArgument",
                "Cookies does not match CookieBehavior",
            ),
            (
                {},
                {
                    "QueryStringsConfig": {
                        "QueryStringBehavior": "whitelist",
                        "QueryStrings": listed(*"abcdefghijk"),
                    }
                },
                "TooManyQueryStringsInCachePolicy",
                "exceeds the maximum",
            ),
            (
                {},
                {
                    "HeadersConfig": {
                        "HeaderBehavior": "whitelist",
                        "Headers": {"Quantity": 2, "Items": ["A"]},
                    }
                },
                "InconsistentQuantities",
                "don't match",
            ),
        ],
    )
    def test_that_cannot_be_are_refused(
        self, cloudfront: Any, values: Fields, selections: Fields, code: str, message: str
    ) -> None:
        config = deepcopy(self.CACHE) | values
        config["ParametersInCacheKeyAndForwardedToOrigin"] |= selections
        refused_code, text = refused(
            lambda: cloudfront.create_cache_policy(CachePolicyConfig=config)
        )
        assert (refused_code, message in text) == (code, True), text
        cloudfront.create_cache_policy(CachePolicyConfig=self.CACHE)


@pytest.mark.parametrize("check", policy_rules.POLICY_RULES)
def test_the_policies_of_aws_break_no_rule(check: Callable[..., object]) -> None:
    for kind, configs in MANAGED.items():
        for config in configs.values():
            assert check(policy_rules.PolicyRequest(kind, config, frozenset())) is None


@pytest.mark.parametrize("managed", [True, False])
def test_changed_policy_is_ones_own(managed: bool) -> None:
    refusal = policy_rules.changed_policy_is_ones_own("Update", managed=managed)
    assert (refusal is not None) == managed


class TestManagedPolicies:
    def test_are_shown_one_by_one(self, cloudfront: Any) -> None:
        for id_, config in MANAGED["CachePolicy"].items():
            read = cloudfront.get_cache_policy(Id=id_)
            assert pruned(read["CachePolicy"]["CachePolicyConfig"], config) == config
        for id_, config in MANAGED["OriginRequestPolicy"].items():
            read = cloudfront.get_origin_request_policy(Id=id_)
            assert read["OriginRequestPolicy"]["OriginRequestPolicyConfig"] == config

    def test_that_do_not_exist_are_not_found(self, cloudfront: Any) -> None:
        code, _ = refused(lambda: cloudfront.get_cache_policy(Id=MISSING_POLICY))
        assert code == "NoSuchCachePolicy"
        code, _ = refused(lambda: cloudfront.get_origin_request_policy(Id=MISSING_POLICY))
        assert code == "NoSuchOriginRequestPolicy"
