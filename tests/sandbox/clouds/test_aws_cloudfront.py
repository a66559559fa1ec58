"""CloudFront of the sandbox refuses what CloudFront refuses, and gives back what it was given."""

import time
from collections.abc import Callable
from copy import deepcopy
from typing import Any, Final, cast

import pytest
from botocore.exceptions import ClientError

from sandbox.clouds.aws import policies
from sandbox.clouds.aws.rules import distribution_rules as rules
from sandbox.clouds.aws.rules.distribution_names import covers
from sandbox.clouds.aws.rules.distribution_request import DistributionRequest, ExistingDistribution
from sandbox.clouds.aws.rules.distribution_writing import (
    caller_reference_is_new,
    required_members_are_given,
)
from sandbox.clouds.aws.rules.request_handling import SETTABLE_ERROR_CODES

Fields = dict[str, Any]
Edit = Callable[[Fields], object]

ALIAS: Final = "api.example.com"


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


SEVEN: Final = ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"]
WEB_ACL: Final = (
    "arn:aws:wafv2:us-east-1:123456789012:global/webacl/api/a1b2c3d4-5678-90ab-cdef-111111111111"
)

# rule: [(variant, refused edit, code, message, nearest allowed edit), …]
CASES: Final[dict[str, list[tuple[str, Edit, str, str, Edit]]]] = {
    "values_are_known": [
        (
            "TLS version",
            viewer(MinimumProtocolVersion="TLSv1.2_2035"),
            "InvalidMinimumProtocolVersion",
            "MinimumProtocolVersion is TLSv1.2_2035",
            viewer(MinimumProtocolVersion="TLSv1.2_2025"),
        ),
        (
            "HTTP version",
            top(HttpVersion="http4"),
            "InvalidArgument",
            "HttpVersion is http4; it must be one of http1.1, http2,",
            top(HttpVersion="http2and3"),
        ),
        (
            "price class",
            top(PriceClass="PriceClass_300"),
            "InvalidArgument",
            "PriceClass is PriceClass_300",
            top(PriceClass="PriceClass_200"),
        ),
        (
            "origin protocol",
            custom(OriginProtocolPolicy="gopher"),
            "InvalidArgument",
            "OriginProtocolPolicy is gopher",
            custom(OriginProtocolPolicy="match-viewer"),
        ),
        (
            "an item of a list",
            custom(OriginSslProtocols=listed("TLSv1.2", "TLSv9")),
            "InvalidArgument",
            "OriginSslProtocols",
            custom(OriginSslProtocols=listed("TLSv1.2", "TLSv1.1")),
        ),
    ],
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
            legacy(MinTTL=2, DefaultTTL=1, MaxTTL=3),
            "InvalidTTLOrder",
            "MinTTL less than or equal to DefaultTTL",
            legacy(MinTTL=1, DefaultTTL=1, MaxTTL=1),
        ),
        (
            "most below the default of usual",
            legacy(MaxTTL=0),
            "InvalidTTLOrder",
            "MinTTL, MaxTTL and DefaultTTL should follow order",
            legacy(MaxTTL=0, DefaultTTL=0),
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
    "logs_go_to_a_bucket": [
        (
            "a bucket's name",
            top(Logging={"Enabled": True, "IncludeCookies": False, "Bucket": "l", "Prefix": ""}),
            "InvalidArgument",
            "Logging Bucket does not refer to a valid S3 bucket",
            top(
                Logging={
                    "Enabled": True,
                    "IncludeCookies": False,
                    "Bucket": "logs.s3.amazonaws.com",
                    "Prefix": "edge/",
                }
            ),
        ),
    ],
}

TESTED_ALONE: Final = {
    "required_members_are_given",
    "caller_reference_is_new",
    "caller_reference_stays",
    "alias_is_on_one_distribution",
    "certificate_is_usable",
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


def test_required_members_are_given(make: Any) -> None:
    config = make()
    assert required_members_are_given(DistributionRequest(config)) is None
    for missing in ("CallerReference", "Origins", "DefaultCacheBehavior", "Enabled", "Comment"):
        left = {name: value for name, value in config.items() if name != missing}
        refusal = required_members_are_given(DistributionRequest(left))
        assert refusal is not None
        assert refusal.message == f"The parameter {missing} of DistributionConfig is required."
    del origin(config)["CustomOriginConfig"]["HTTPPort"]
    refusal = required_members_are_given(DistributionRequest(config))
    assert refusal is not None
    assert refusal.message == "The parameter HTTPPort of CustomOriginConfig is required."


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

    def test_gives_all_that_was_sent(self, cloudfront: Any, make: Any) -> None:
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

    def test_can_be_sent_back_unchanged(self, cloudfront: Any, make: Any) -> None:
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


class TestManagedPolicies:
    def test_are_shown_one_by_one(self, cloudfront: Any) -> None:
        for id_, config in policies.CACHE_POLICIES.items():
            read = cloudfront.get_cache_policy(Id=id_)
            assert pruned(read["CachePolicy"]["CachePolicyConfig"], config) == config
        for id_, config in policies.ORIGIN_REQUEST_POLICIES.items():
            read = cloudfront.get_origin_request_policy(Id=id_)
            assert read["OriginRequestPolicy"]["OriginRequestPolicyConfig"] == config

    def test_that_do_not_exist_are_not_found(self, cloudfront: Any) -> None:
        code, _ = refused(lambda: cloudfront.get_cache_policy(Id=MISSING_POLICY))
        assert code == "NoSuchCachePolicy"
        code, _ = refused(lambda: cloudfront.get_origin_request_policy(Id=MISSING_POLICY))
        assert code == "NoSuchOriginRequestPolicy"
