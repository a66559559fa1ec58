"""The cache and origin request policies that AWS manages, with their settings.

Source: CloudFront Developer Guide, 'Use managed cache policies' and 'Use managed origin request
policies'. Those of AWS Elemental and Amplify are left out.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from sandbox.clouds.aws.fields import Fields

DAY: Final = 86_400
YEAR: Final = 31_536_000


def _listed(kind: str, key: str, behavior: str, names: Sequence[str] = ()) -> Fields:
    """Return a HeadersConfig, CookiesConfig or QueryStringsConfig."""
    listed = {key: {"Quantity": len(names), "Items": list(names)}} if names else {}
    return {f"{kind}Behavior": behavior, **listed}


def _headers(behavior: str, *names: str) -> Fields:
    return _listed("Header", "Headers", behavior, names)


def _cookies(behavior: str) -> Fields:
    return _listed("Cookie", "Cookies", behavior)


def _query_strings(behavior: str) -> Fields:
    return _listed("QueryString", "QueryStrings", behavior)


def _cache_policy(
    name: str,
    ttls: tuple[int, int, int],
    headers: Fields,
    cookies: str = "none",
    query_strings: str = "none",
    *,
    compressed: bool,
) -> Fields:
    least, usual, most = ttls
    return {
        "Name": name,
        "MinTTL": least,
        "DefaultTTL": usual,
        "MaxTTL": most,
        "ParametersInCacheKeyAndForwardedToOrigin": {
            "EnableAcceptEncodingGzip": compressed,
            "EnableAcceptEncodingBrotli": compressed,
            "HeadersConfig": headers,
            "CookiesConfig": _cookies(cookies),
            "QueryStringsConfig": _query_strings(query_strings),
        },
    }


def _origin_request_policy(
    name: str, headers: Fields, cookies: str = "none", query_strings: str = "none"
) -> Fields:
    return {
        "Name": name,
        "HeadersConfig": headers,
        "CookiesConfig": _cookies(cookies),
        "QueryStringsConfig": _query_strings(query_strings),
    }


_OVERRIDES: Final = (
    "Host",
    "Origin",
    "X-HTTP-Method-Override",
    "X-HTTP-Method",
    "X-Method-Override",
)

CACHE_POLICIES: Final[Mapping[str, Fields]] = {
    "4135ea2d-6df8-44a3-9df3-4b5a84be39ad": _cache_policy(
        "Managed-CachingDisabled", (0, 0, 0), _headers("none"), compressed=False
    ),
    "658327ea-f89d-4fab-a63d-7e88639e58f6": _cache_policy(
        "Managed-CachingOptimized", (1, DAY, YEAR), _headers("none"), compressed=True
    ),
    "b2884449-e4de-46a7-ac36-70bc7f1ddd6d": _cache_policy(
        "Managed-CachingOptimizedForUncompressedObjects",
        (1, DAY, YEAR),
        _headers("none"),
        compressed=False,
    ),
    "83da9c7e-98b4-4e11-a168-04f0df8e2c65": _cache_policy(
        "UseOriginCacheControlHeaders",
        (0, 0, YEAR),
        _headers("whitelist", *_OVERRIDES),
        "all",
        compressed=True,
    ),
    "4cc15a8a-d715-48a4-82b8-cc0b614638fe": _cache_policy(
        "UseOriginCacheControlHeaders-QueryStrings",
        (0, 0, YEAR),
        _headers("whitelist", *_OVERRIDES),
        "all",
        "all",
        compressed=True,
    ),
}
"""`CachePolicyConfig` by policy id."""

_VIEWER_FACTS: Final = tuple(
    f"CloudFront-{fact}"
    for fact in (
        *("Forwarded-Proto", "Is-Android-Viewer", "Is-Desktop-Viewer", "Is-IOS-Viewer"),
        *("Is-Mobile-Viewer", "Is-SmartTV-Viewer", "Is-Tablet-Viewer", "Viewer-Address"),
        *("Viewer-ASN", "Viewer-City", "Viewer-Country", "Viewer-Country-Name"),
        *("Viewer-Country-Region", "Viewer-Country-Region-Name", "Viewer-Http-Version"),
        *("Viewer-Latitude", "Viewer-Longitude", "Viewer-Metro-Code", "Viewer-Postal-Code"),
        *("Viewer-Time-Zone", "Viewer-TLS"),
    )
)

ORIGIN_REQUEST_POLICIES: Final[Mapping[str, Fields]] = {
    "216adef6-5c7f-47e4-b989-5492eafa07d3": _origin_request_policy(
        "Managed-AllViewer", _headers("allViewer"), "all", "all"
    ),
    "33f36d7e-f396-46d9-90e0-52428a34d9dc": _origin_request_policy(
        "Managed-AllViewerAndCloudFrontHeaders-2022-06",
        _headers("allViewerAndWhitelistCloudFront", *_VIEWER_FACTS),
        "all",
        "all",
    ),
    "b689b0a8-53d0-40ab-baf2-68738e2966ac": _origin_request_policy(
        "Managed-AllViewerExceptHostHeader", _headers("allExcept", "Host"), "all", "all"
    ),
    "59781a5b-3903-41f3-afcb-af62929ccde1": _origin_request_policy(
        "Managed-CORS-CustomOrigin", _headers("whitelist", "Origin")
    ),
    "88a5eaf4-2fd4-4709-b370-b4c650ea3fcf": _origin_request_policy(
        "Managed-CORS-S3Origin",
        _headers(
            "whitelist", "Origin", "Access-Control-Request-Headers", "Access-Control-Request-Method"
        ),
    ),
    "acba4595-bd28-49b8-b9fe-13317c0390fa": _origin_request_policy(
        "Managed-UserAgentRefererHeaders", _headers("whitelist", "User-Agent", "Referer")
    ),
}
"""`OriginRequestPolicyConfig` by policy id."""
