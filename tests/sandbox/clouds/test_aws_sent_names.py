"""Names that CloudFront takes and refuses: of headers, cookies, query strings, policies."""

from typing import Any, Final

import pytest

from sandbox.clouds.aws.rules import cloudfront_policies, distribution_names, origin_requests
from sandbox.clouds.aws.rules.cloudfront_policies import PolicyRequest
from sandbox.clouds.aws.rules.distribution_request import DistributionRequest
from sandbox.clouds.aws.rules.distribution_rules import invalidation_can_be_made

Fields = dict[str, Any]

CAN_BE: Final = (
    # kind, refused, the nearest that is allowed
    ("Header", "", "X"),
    ("Header", "X A", "X_A"),
    ("Header", " X-A", "X-A"),
    ("Header", "X:A", "X.A"),
    ("Header", "X(A)", "X!A"),
    ("Header", "Größe", "Groesse"),
    ("Header", "x" * 257, "x" * 256),
    ("Cookie", "", "sid"),
    ("Cookie", "s id", "s-id"),
    ("Cookie", "sid=1", "sid*"),
    ("Cookie", "sid;", "s?d"),
    ("Cookie", "sid,", "__Host-sid"),
    ("QueryString", "", "q"),
    ("QueryString", "a b", "a%20b"),
    ("QueryString", "a=b", "a[]"),
    ("QueryString", "a&b", "a.b"),
    ("QueryString", "a#b", "a-b"),
    ("QueryString", "größe", "gr%C3%B6%C3%9Fe"),
)


def listed(*names: str) -> Fields:
    return {"Quantity": len(names), "Items": list(names)}


def legacy(kind: str, *names: str) -> DistributionRequest:
    """Return a request that lists these names in legacy cache settings."""
    forwarded: Fields = {
        "Header": {"Headers": listed(*names)},
        "Cookie": {"Cookies": {"Forward": "whitelist", "WhitelistedNames": listed(*names)}},
        "QueryString": {"QueryString": True, "QueryStringCacheKeys": listed(*names)},
    }[kind]
    return DistributionRequest({"DefaultCacheBehavior": {"ForwardedValues": forwarded}})


def policy(policy_kind: str, kind: str, *names: str, behavior: str = "whitelist") -> PolicyRequest:
    """Return a request for a policy that lists these names, and nothing else."""
    selections: Fields = {
        f"{kind}sConfig": {f"{kind}Behavior": behavior, f"{kind}s": listed(*names)}
    }
    if policy_kind == "CachePolicy":
        selections = {cloudfront_policies.KEY: selections}
    return PolicyRequest(policy_kind, {"Name": "ours", "MinTTL": 0, **selections}, frozenset())


def answered(rules: Any, request: Any) -> tuple[str, str] | None:
    """Return what the first rule that refuses says."""
    refusals = [refusal for rule in rules if (refusal := rule(request))]
    return (refusals[0].code, refusals[0].message) if refusals else None


@pytest.mark.parametrize(("kind", "refused", "allowed"), CAN_BE)
def test_a_name_that_cannot_be_one_is_refused_wherever_it_is_listed(
    kind: str, refused: str, allowed: str
) -> None:
    refusal = ("InvalidArgument", f"The parameter {kind}s contains '{refused}' that is not valid.")
    rules = origin_requests.ORIGIN_REQUEST_RULES
    assert answered(rules, legacy(kind, refused)) == refusal
    assert answered(rules, legacy(kind, allowed)) is None
    for policy_kind in ("CachePolicy", "OriginRequestPolicy"):
        rules = cloudfront_policies.POLICY_RULES
        assert answered(rules, policy(policy_kind, kind, refused)) == refusal
        assert answered(rules, policy(policy_kind, kind, allowed)) is None


@pytest.mark.parametrize(
    ("kind", "refused", "code", "allowed"),
    [
        ("Cookie", ["x" * 512], "InvalidArgument", ["x" * 511]),
        ("Cookie", ["x" * 255, "y" * 256], "InvalidArgument", ["x" * 255, "y" * 255]),
        ("QueryString", ["x" * 129], "InvalidQueryStringParameters", ["x" * 128]),
        (
            "QueryString",
            [letter * 103 for letter in "abcde"],
            "InvalidQueryStringParameters",
            [letter * 102 for letter in "abcde"],
        ),
    ],
)
def test_names_in_legacy_settings_have_so_many_characters_together(
    kind: str, refused: list[str], code: str, allowed: list[str]
) -> None:
    refusal = answered(origin_requests.ORIGIN_REQUEST_RULES, legacy(kind, *refused))
    assert refusal is not None
    assert refusal[0] == code
    assert answered(origin_requests.ORIGIN_REQUEST_RULES, legacy(kind, *allowed)) is None


def test_policy_names_can_be_sent() -> None:
    rule = cloudfront_policies.policy_names_can_be_sent
    for kind in ("CachePolicy", "OriginRequestPolicy"):
        refusal = rule(policy(kind, "QueryString", *(letter * 205 for letter in "abcde")))
        assert refusal is not None
        assert "more than 1024 characters" in refusal.message
        assert rule(policy(kind, "QueryString", *(letter * 204 for letter in "abcde"))) is None


@pytest.mark.parametrize(
    ("kind", "behavior", "refused", "allowed"),
    [
        ("OriginRequestPolicy", "whitelist", "Authorization", "X-Wp-Access-Authorization"),
        ("OriginRequestPolicy", "whitelist", "accept-encoding", "Accept"),
        ("OriginRequestPolicy", "whitelist", "Cookie", "X-Cookie"),
        ("OriginRequestPolicy", "whitelist", "X-Edge-Location", "X-Edges"),
        ("OriginRequestPolicy", "whitelist", "*", "X-Amz-Date"),
        ("OriginRequestPolicy", "allViewerAndWhitelistCloudFront", "X-A", "cloudfront-viewer-asn"),
        ("CachePolicy", "whitelist", "Connection", "Authorization"),
        ("CachePolicy", "whitelist", "x-forwarded-proto", "X-Forwarded-For"),
        ("CachePolicy", "whitelist", "Cache-Control", "Accept-Encoding"),
        ("CachePolicy", "whitelist", "X-Amz-Cf-Id", "X-Amz-Date"),
        ("CachePolicy", "whitelist", "*", "Host"),
    ],
)
def test_policy_headers_can_be_sent(kind: str, behavior: str, refused: str, allowed: str) -> None:
    rules = cloudfront_policies.POLICY_RULES
    assert answered(rules, policy(kind, "Header", refused, behavior=behavior)) == (
        "InvalidArgument",
        f"The parameter Headers contains {refused} that is not allowed.",
    )
    assert answered(rules, policy(kind, "Header", allowed, behavior=behavior)) is None


def test_all_but_some_headers_are_sent_whatever_they_are() -> None:
    excepted = policy("OriginRequestPolicy", "Header", "Host", "Cookie", behavior="allExcept")
    assert answered(cloudfront_policies.POLICY_RULES, excepted) is None


@pytest.mark.parametrize("coding", ["Gzip", "Brotli"])
def test_a_policy_that_normalizes_codings_does_not_list_their_header(coding: str) -> None:
    request = policy("CachePolicy", "Header", "Accept-Encoding")
    request.config[cloudfront_policies.KEY][f"EnableAcceptEncoding{coding}"] = True
    refusal = cloudfront_policies.policy_headers_can_be_sent(request)
    assert refusal is not None
    assert refusal.message == "The parameter Headers contains Accept-Encoding that is not allowed."


@pytest.mark.parametrize(
    ("refused", "message", "allowed"),
    [
        ({"Name": ""}, "Name contains characters", {"Name": "a"}),
        ({"Name": "our policy"}, "Name contains characters", {"Name": "our-policy_1"}),
        ({"Name": "größe"}, "Name contains characters", {"Name": "Groesse"}),
        ({"Name": "x" * 129}, "Name contains characters", {"Name": "x" * 128}),
        ({"Comment": "x" * 129}, "Comment has more than 128", {"Comment": "x" * 128}),
        ({"MinTTL": -1}, "MinTTL is out of range", {"MinTTL": 0}),
        (
            {"MaxTTL": 3_153_600_001},
            "MaxTTL is out of range",
            {"MaxTTL": 3_153_600_000},
        ),
    ],
)
def test_policy_is_named(refused: Fields, message: str, allowed: Fields) -> None:
    def check(**values: Any) -> tuple[str, str] | None:
        config = {"Name": "ours", "MinTTL": 0, **values}
        request = PolicyRequest("CachePolicy", config, frozenset())
        return answered(cloudfront_policies.POLICY_RULES, request)

    refusal = check(**refused)
    assert refusal is not None
    assert (refusal[0], message in refusal[1]) == ("InvalidArgument", True), refusal
    assert check(**allowed) is None


@pytest.mark.parametrize(
    ("refused", "allowed"),
    [
        ("", "a.b"),
        ("localhost", "local.host"),
        ("api.example.com ", "api.example.com"),
        ("api..example.com", "API.example.com"),
        ("a*.example.com", "*.example.com"),
        ("a.*.example.com", "a_b.example.com"),
        ("-a.example.com", "a-b.example.com"),
        (f"{'x' * 64}.example.com", f"{'x' * 63}.example.com"),
        ("api.example.com/v1", "xn--bcher-kva.example"),
    ],
)
def test_alias_is_a_host_name(refused: str, allowed: str) -> None:
    def check(alias: str) -> object:
        request = DistributionRequest({"Aliases": listed(alias)})
        return distribution_names.alias_is_a_host_name(request)

    assert check(refused) is not None
    assert check(allowed) is None


@pytest.mark.parametrize(
    ("refused", "allowed"),
    [
        ("images/a.jpg", "/images/a.jpg"),
        ("/images/*.jpg", "/images/*"),
        ("/an image.jpg", "/an%20image.jpg?size=1*"),
        ("/größe", "/gr%C3%B6%C3%9Fe"),
        ("/" + "x" * 4000, "/" + "x" * 3999),
    ],
)
def test_invalidation_can_be_made(refused: str, allowed: str) -> None:
    refusal = invalidation_can_be_made(listed(refused), None)
    assert refusal is not None
    assert refusal.message == "Your request contains one or more invalid invalidation paths."
    assert invalidation_can_be_made(listed(allowed), None) is None
