"""Distributions that every rule passes, for tests that break them."""

from collections.abc import Callable
from copy import deepcopy

import pytest

from policies.cloudfront import ALL_VIEWER, CACHING_DISABLED
from policies.model import Value
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
            "orderedCacheBehaviors": [deepcopy(LEGACY), deepcopy(WITH_POLICIES)],
            "priceClass": "PriceClass_100",
        }

    return make
