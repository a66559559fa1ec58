"""`PassThroughDistribution`: every property that makes it pass everything through."""

from typing import TYPE_CHECKING, Any

import pytest

from components.distribution import PassThroughDistribution, PassThroughDistributionArgs
from components.facts import ERROR_CODES
from components.settings import Distribution, Logs, Origin

if TYPE_CHECKING:
    from support.recording import MockEngine, Registered

CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/0a1b2c3d"
WEB_ACL = "arn:aws:wafv2:us-east-1:123456789012:global/webacl/edge/0a1b2c3d"
ARGS: PassThroughDistributionArgs = {
    "hostnames": ["api.example.com", "api2.example.com"],
    "certificate_arn": CERTIFICATE,
    "origin_domain_name": "lb.example.net",
    "origin": Origin(load_balancer="api", kind="application"),
    "options": Distribution(),
}
DEFAULT: dict[str, Any] = {
    "enabled": True,
    "comment": "cdn: passes everything through, caches nothing",
    "aliases": ["api.example.com", "api2.example.com"],
    "isIpv6Enabled": True,
    "httpVersion": "http2",
    "priceClass": "PriceClass_All",
    "staging": False,
    "origins": [
        {
            "originId": "load-balancer",
            "domainName": "lb.example.net",
            "connectionAttempts": 3,
            "connectionTimeout": 10,
            "customOriginConfig": {
                "httpPort": 80,
                "httpsPort": 443,
                "originProtocolPolicy": "https-only",
                "originSslProtocols": ["TLSv1.2"],
                "ipAddressType": "ipv4",
                "originReadTimeout": 60,
                "originKeepaliveTimeout": 5,
            },
        }
    ],
    "defaultCacheBehavior": {
        "targetOriginId": "load-balancer",
        "allowedMethods": ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"],
        "cachedMethods": ["GET", "HEAD"],
        "cachePolicyId": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
        "originRequestPolicyId": "216adef6-5c7f-47e4-b989-5492eafa07d3",
        "viewerProtocolPolicy": "https-only",
        "compress": False,
        "smoothStreaming": False,
    },
    "orderedCacheBehaviors": [],
    "customErrorResponses": [
        {"errorCode": code, "errorCachingMinTtl": 0}
        for code in (400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504)
    ],
    "restrictions": {"geoRestriction": {"restrictionType": "none", "locations": []}},
    "viewerCertificate": {
        "acmCertificateArn": CERTIFICATE,
        "minimumProtocolVersion": "TLSv1.2_2021",
        "sslSupportMethod": "sni-only",
    },
    "waitForDeployment": True,
    "retainOnDelete": False,
}


def made(engine: "MockEngine", args: PassThroughDistributionArgs = ARGS) -> "Registered":
    engine.run(lambda: PassThroughDistribution("cdn", args))
    return engine.registered["cdn-distribution"]


def test_a_distribution_passes_everything_through(engine: "MockEngine") -> None:
    assert made(engine).inputs == DEFAULT


def test_its_id_and_name_are_its_outputs(engine: "MockEngine") -> None:
    made(engine)
    assert engine.outputs["cdn"] == {
        "id": "E2QWRUHAPOMQZL",
        "domainName": "d111111abcdef8.cloudfront.net",
    }


@pytest.mark.parametrize(
    ("options", "changed"),
    [
        pytest.param(
            Distribution(origin_request_policy="AllViewerAndCloudFrontHeaders"),
            {
                "defaultCacheBehavior": {
                    **DEFAULT["defaultCacheBehavior"],
                    "originRequestPolicyId": "33f36d7e-f396-46d9-90e0-52428a34d9dc",
                }
            },
            id="CloudFront's own headers",
        ),
        pytest.param(
            Distribution(viewer_protocol="redirect-to-https"),
            {
                "defaultCacheBehavior": {
                    **DEFAULT["defaultCacheBehavior"],
                    "viewerProtocolPolicy": "redirect-to-https",
                }
            },
            id="viewer protocol",
        ),
        pytest.param(
            Distribution(tls_policy="TLSv1.3_2025"),
            {
                "viewerCertificate": {
                    **DEFAULT["viewerCertificate"],
                    "minimumProtocolVersion": "TLSv1.3_2025",
                }
            },
            id="TLS floor",
        ),
        pytest.param(
            Distribution(price_class="PriceClass_100", http_version="http2and3"),
            {"priceClass": "PriceClass_100", "httpVersion": "http2and3"},
            id="price class and HTTP version",
        ),
        pytest.param(Distribution(web_acl_arn=WEB_ACL), {"webAclId": WEB_ACL}, id="web ACL"),
        pytest.param(
            Distribution(logs=Logs(bucket="edge-logs", prefix="api/", include_cookies=True)),
            {
                "loggingConfig": {
                    "bucket": "edge-logs.s3.amazonaws.com",
                    "prefix": "api/",
                    "includeCookies": True,
                }
            },
            id="logs",
        ),
    ],
)
def test_an_option_changes_what_it_is_about_and_nothing_else(
    engine: "MockEngine", options: Distribution, changed: dict[str, Any]
) -> None:
    assert made(engine, {**ARGS, "options": options}).inputs == {**DEFAULT, **changed}


def test_the_way_to_the_origin_is_as_configured(engine: "MockEngine") -> None:
    origin = Origin(
        load_balancer="api",
        kind="classic",
        protocol="match-viewer",
        http_port=8080,
        https_port=8443,
        connect_attempts=1,
        connect_timeout_seconds=2,
        read_timeout_seconds=120,
        keepalive_timeout_seconds=30,
    )
    assert made(engine, {**ARGS, "origin": origin}).inputs["origins"] == [
        {
            "originId": "load-balancer",
            "domainName": "lb.example.net",
            "connectionAttempts": 1,
            "connectionTimeout": 2,
            "customOriginConfig": {
                "httpPort": 8080,
                "httpsPort": 8443,
                "originProtocolPolicy": "match-viewer",
                "originSslProtocols": ["TLSv1.2"],
                "ipAddressType": "ipv4",
                "originReadTimeout": 120,
                "originKeepaliveTimeout": 30,
            },
        }
    ]


@pytest.mark.parametrize(
    ("protocol", "viewer"),
    [("https-only", "https-only"), ("http-only", "allow-all"), ("match-viewer", "allow-all")],
)
def test_viewers_may_speak_what_the_api_can_tell_apart(
    engine: "MockEngine", protocol: Any, viewer: str
) -> None:
    origin = Origin(load_balancer="api", kind="application", protocol=protocol)
    behaviour = made(engine, {**ARGS, "origin": origin}).inputs["defaultCacheBehavior"]
    assert behaviour["viewerProtocolPolicy"] == viewer


@pytest.mark.parametrize("retain", [True, False])
def test_a_retained_distribution_goes_on_running(engine: "MockEngine", retain: bool) -> None:
    made_one = made(engine, {**ARGS, "options": Distribution(retain_on_delete=retain)})
    assert made_one.retain_on_delete is retain
    # The property of the same name would disable it, and cut off those who still come.
    assert made_one.inputs["retainOnDelete"] is False


def test_a_long_name_fits_the_comment(engine: "MockEngine") -> None:
    engine.run(lambda: PassThroughDistribution("c" * 200, ARGS))
    assert len(engine.registered[f"{'c' * 200}-distribution"].inputs["comment"]) == 128


def test_no_error_code_is_listed_twice() -> None:
    assert len(set(ERROR_CODES)) == len(ERROR_CODES) == 11
