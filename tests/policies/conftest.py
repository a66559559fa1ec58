"""Resources that every rule passes, for tests that break them, and a way to judge some."""

from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy

import pytest

from policies.cloudfront import ALL_VIEWER, CACHING_DISABLED
from policies.model import Around, Finding, JudgedStack, Resource, Rule, RuleOptions, Value
from policies.rules.error_caching_off import CODES
from policies.rules.methods_allowed import METHODS

WITH_POLICIES: Value = {
    "allowedMethods": list(METHODS),
    "cachedMethods": ["GET", "HEAD"],
    "cachePolicyId": CACHING_DISABLED,
    "defaultTtl": 3600,  # decides nothing beside a cache policy
    "originRequestPolicyId": ALL_VIEWER,
    "targetOriginId": "api",
    "viewerProtocolPolicy": "allow-all",
}
LEGACY: Value = {
    "allowedMethods": list(METHODS),
    "cachedMethods": ["GET", "HEAD"],
    "cachePolicyId": "",
    "forwardedValues": {
        "cookies": {"forward": "all"},
        "headers": ["*"],
        "queryString": True,
        "queryStringCacheKeys": ["page"],
    },
    "pathPattern": "/old/*",
    "targetOriginId": "api",
    "viewerProtocolPolicy": "allow-all",
}


@pytest.fixture(scope="session")
def compliant() -> Callable[[], dict[str, Value]]:
    """Make a fresh distribution that passes: one behaviour with policies, two ordered ones."""

    def make() -> dict[str, Value]:
        return {
            "comment": "the edge of api.example.com",
            "customErrorResponses": [
                {"errorCode": float(code), "errorCachingMinTtl": 0.0} for code in CODES
            ],
            "defaultCacheBehavior": deepcopy(WITH_POLICIES),
            "enabled": True,
            "isIpv6Enabled": True,
            "aliases": ["api.example.com"],
            "domainName": "d111.cloudfront.net",
            "httpVersion": "http2",
            "loggingConfig": {"bucket": "logs.s3.amazonaws.com"},
            "origins": [
                {
                    "originId": "api",
                    "domainName": "api-1.us-east-1.elb.amazonaws.com",
                    "customHeaders": [{"name": "x-origin-secret", "value": "s3cret"}],
                    "customOriginConfig": {
                        "originProtocolPolicy": "https-only",
                        "originSslProtocols": ["TLSv1.2"],
                    },
                }
            ],
            "viewerCertificate": {
                "acmCertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/1",
                "minimumProtocolVersion": "TLSv1.2_2021",
            },
            "webAclId": "arn:aws:wafv2:us-east-1:123456789012:global/webacl/a/1",
            "orderedCacheBehaviors": [deepcopy(LEGACY), deepcopy(WITH_POLICIES)],
            "priceClass": "PriceClass_100",
        }

    return make


Make = Callable[..., Resource]
Judge = Callable[..., list[Finding]]


@pytest.fixture(scope="session")
def make() -> Make:
    """Make a resource of a type; its URN ends in its name."""

    def resource(
        kind: str,
        name: str,
        properties: Value,
        dependencies: Mapping[str, Iterable[Resource]] | None = None,
        *,
        protected: bool = True,
    ) -> Resource:
        urns = {key: [one.urn for one in of] for key, of in (dependencies or {}).items()}
        urn = f"urn:pulumi:dev::p::{kind}::{name}"
        return Resource(urn, kind, name, lambda: properties, protected, urns)

    return resource


@pytest.fixture(scope="session")
def judge() -> Judge:
    """Return what a rule finds in a resource of a stack."""

    def findings(
        rule: Rule, resource: Resource, *others: Resource, options: RuleOptions | None = None
    ) -> list[Finding]:
        around = Around(resource, JudgedStack([resource, *others]), options or rule.options())
        return list(rule.check(around.place()))

    return findings
