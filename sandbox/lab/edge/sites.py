"""Distributions as they are deployed, read into what an edge node does with requests.

Source of everything in here, where nothing else is named: CloudFront Developer Guide, 'Request and
response behavior for custom origins', 'Control the cache key with a policy', 'Control origin
requests with a policy', 'How CloudFront processes HTTP 4xx and 5xx status codes from your origin'.
"""

import hashlib
from collections.abc import Iterable
from typing import Any, Final, Literal, cast

from sandbox.lab.deployed import Deployed, DeployedDistribution, Fields, is_hostname
from sandbox.lab.edge.edge_behavior import (
    ALL,
    ERROR_SECONDS,
    NONE,
    Choice,
    EdgeBehavior,
    EdgeOrigin,
    EdgeSite,
    Selection,
)

LEGACY_REMOVED: Final = frozenset(
    {"accept", "accept-charset", "accept-language", "authorization", "host", "referer"}
    | {"user-agent", "x-http-method-override"}
)
"""What the older settings take out unless it is listed; every other header passes. Source: the
table in 'HTTP request headers and CloudFront behavior'."""

UNASKED: Final = frozenset(
    {"cache-control", "content-length", "content-md5", "content-type", "date", "from", "if-match"}
    | {"if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "max-forwards"}
    | {"pragma", "range", "request-range", "transfer-encoding", "via", "warning"}
    | {"x-forwarded-for"}
)
"""What passes to the origin under policies that list nothing. Source: the same table; not `Origin`,
which it names too: the managed policies for CORS exist because it does not pass by itself."""


_SCHEMES: Final[dict[str, Literal["http", "https"]]] = {"http-only": "http", "https-only": "https"}


def sites(deployed: Deployed) -> tuple[EdgeSite, ...]:
    """Return every distribution that is served: those that are enabled and not staging.

    Raises:
        ValueError: One has an id, an alias or an origin whose name is none.
    """
    return tuple(
        _site(distribution, deployed)
        for distribution in deployed.distributions
        if distribution.config.get("Enabled") and not distribution.config.get("Staging")
    )


def part(fields: Fields, name: str) -> dict[str, Any]:
    """Return a member that is a structure; empty where it is missing."""
    return cast("dict[str, Any]", fields.get(name) or {})


def items(fields: Fields, name: str) -> list[Any]:
    """Return the items of a member that is a list as AWS writes it; empty where it is missing."""
    return cast("list[Any]", part(fields, name).get("Items") or [])


def behaviors(config: Fields) -> list[dict[str, Any]]:
    """Return the cache behaviors of a distribution in order, the default one last."""
    return [*items(config, "CacheBehaviors"), part(config, "DefaultCacheBehavior")]


def _site(distribution: DeployedDistribution, deployed: Deployed) -> EdgeSite:
    config = distribution.config
    certificate = part(config, "ViewerCertificate")
    version = str(config.get("HttpVersion") or "http2").lower()
    return EdgeSite(
        id=distribution.id,
        name=_name(distribution.domain_name.lower(), distribution),
        aliases=tuple(_name(name, distribution) for name in _lower(items(config, "Aliases"))),
        certificate=certificate.get("ACMCertificateArn") or "",
        tls_protocols=_viewer_tls(certificate.get("MinimumProtocolVersion") or "TLSv1"),
        http2=version in ("http2", "http2and3"),
        ipv6=bool(config.get("IsIPV6Enabled")),
        behaviors=tuple(
            _behavior(behavior, distribution, deployed) for behavior in behaviors(config)
        ),
        error_pages=tuple(
            (
                int(response["ErrorCode"]),
                response["ResponsePagePath"],
                int(response.get("ResponseCode") or response["ErrorCode"]),
            )
            for response in items(config, "CustomErrorResponses")
            if response.get("ResponsePagePath")
        ),
    )


def _name(text: str, distribution: DeployedDistribution) -> str:
    """Return a name that goes into nginx's configuration, where others would say more than that."""
    if not is_hostname(text):
        raise ValueError(
            f"Distribution {distribution.id} has the name {text!r}; it is no DNS name. Change it."
        )
    return text


def _lower(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.lower() for name in names))


def _viewer_tls(least: str) -> tuple[str, ...]:
    """Return the versions from a security policy's name: `TLSv1`, `TLSv1.2_2021`, ….

    SSLv3, which one policy still allows, is in no OpenSSL that Debian ships.
    """
    every = ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
    first = least.partition("_")[0]
    return every[every.index(first) :] if first in every else every


def _behavior(
    behavior: Fields, distribution: DeployedDistribution, deployed: Deployed
) -> EdgeBehavior:
    config = distribution.config
    pattern = behavior.get("PathPattern")
    label = hashlib.sha256(pattern.encode()).hexdigest()[:8] if pattern else "default"
    allowed = items(behavior, "AllowedMethods") or ["GET", "HEAD"]
    common = {
        "name": _name(f"{distribution.id}-{label}".lower(), distribution),
        "distribution": distribution.id,
        "pattern": None if pattern is None else f"/{pattern.removeprefix('/')}",
        "origin": _origin(distribution, behavior.get("TargetOriginId") or ""),
        "viewer_protocol": behavior.get("ViewerProtocolPolicy") or "allow-all",
        "methods": frozenset(allowed),
        "error_ttls": {
            int(response["ErrorCode"]): int(response.get("ErrorCachingMinTTL", ERROR_SECONDS))
            for response in items(config, "CustomErrorResponses")
        },
        "root_object": config.get("DefaultRootObject") or "",
    }
    if behavior.get("ForwardedValues") is not None:
        return EdgeBehavior(**common, **_by_forwarded_values(behavior))
    return EdgeBehavior(**common, **_by_policies(behavior, deployed))


def _by_policies(behavior: Fields, deployed: Deployed) -> dict[str, Any]:
    """Return what a cache policy and an origin request policy say together.

    A policy that is not known says nothing: nothing is kept, nothing passes, and `unsupported`
    names it.
    """
    cache = deployed.cache_policies.get(behavior.get("CachePolicyId") or "", {})
    request = deployed.origin_request_policies.get(behavior.get("OriginRequestPolicyId") or "", {})
    keyed = part(cache, "ParametersInCacheKeyAndForwardedToOrigin")
    key, more = _selection(keyed), _selection(request)
    encodings = tuple(
        coding
        for coding, member in (
            ("br", "EnableAcceptEncodingBrotli"),
            ("gzip", "EnableAcceptEncodingGzip"),
        )
        if keyed.get(member)
    )
    listed = [
        *items(part(keyed, "HeadersConfig"), "Headers"),
        *items(part(request, "HeadersConfig"), "Headers"),
    ]
    excepted = part(request, "HeadersConfig").get("HeaderBehavior") == "allExcept"
    return {
        "key": key,
        "forwarded": (key, more, Selection(headers=Choice("listed", UNASKED))),
        "added": () if excepted else _cloudfront_headers(listed),
        "encodings": encodings or None,
        "legacy": False,
        "compress": bool(behavior.get("Compress")) and "gzip" in encodings,
        "min_ttl": int(cache.get("MinTTL") or 0),
        "default_ttl": int(cache.get("DefaultTTL", 0)),
        "max_ttl": int(cache.get("MaxTTL", 0)),
    }


def _selection(policy: Fields) -> Selection:
    headers = part(policy, "HeadersConfig")
    cookies = part(policy, "CookiesConfig")
    query_strings = part(policy, "QueryStringsConfig")
    return Selection(
        headers=_choice(headers.get("HeaderBehavior"), _lower(items(headers, "Headers"))),
        cookies=_choice(cookies.get("CookieBehavior"), items(cookies, "Cookies")),
        query_strings=_choice(
            query_strings.get("QueryStringBehavior"), items(query_strings, "QueryStrings")
        ),
    )


def _choice(kind: str | None, names: Iterable[str]) -> Choice:
    if kind in ("all", "allViewer", "allViewerAndWhitelistCloudFront"):
        return ALL
    if kind == "whitelist":
        return Choice("listed", frozenset(names))
    if kind == "allExcept":
        return Choice("unlisted", frozenset(names))
    return NONE


def _cloudfront_headers(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(name for name in _lower(names) if name.startswith("cloudfront-"))


def _by_forwarded_values(behavior: Fields) -> dict[str, Any]:
    values = part(behavior, "ForwardedValues")
    listed = _lower(items(values, "Headers"))
    headers = ALL if "*" in listed else Choice("listed", frozenset(listed))
    cookies = part(values, "Cookies")
    cookie = _choice(cookies.get("Forward"), items(cookies, "WhitelistedNames"))
    query = ALL if values.get("QueryString") else NONE
    keys = items(values, "QueryStringCacheKeys")
    key = Selection(headers, cookie, Choice("listed", frozenset(keys)) if keys else query)
    rest = Selection(Choice("unlisted", LEGACY_REMOVED), NONE, query)
    # With every header in the key nothing is ever kept.
    cached = headers != ALL
    default = behavior.get("DefaultTTL")
    most = behavior.get("MaxTTL")
    return {
        "key": key,
        "forwarded": (key, rest),
        "added": _cloudfront_headers(listed),
        "encodings": None if headers == ALL or "accept-encoding" in listed else ("gzip",),
        "legacy": True,
        "compress": bool(behavior.get("Compress")),
        "min_ttl": int(behavior.get("MinTTL") or 0) if cached else 0,
        "default_ttl": int(86_400 if default is None else default) if cached else 0,
        "max_ttl": int(31_536_000 if most is None else most) if cached else 0,
    }


def _origin(distribution: DeployedDistribution, target: str) -> EdgeOrigin:
    """Return the origin of an id; of an origin group its first member."""
    config = distribution.config
    for group in items(config, "OriginGroups"):
        if group.get("Id") == target:
            members: list[Fields] = items(group, "Members")
            target = str(members[0].get("OriginId")) if members else target
    origins: list[Fields] = items(config, "Origins")
    nothing: Fields = {}
    origin = next((origin for origin in origins if origin.get("Id") == target), nothing)
    custom = part(origin, "CustomOriginConfig")
    spoken = {"TLSv1", "TLSv1.1", "TLSv1.2"}
    tls = [name for name in items(custom, "OriginSslProtocols") if name in spoken]
    return EdgeOrigin(
        domain_name=_name(str(origin.get("DomainName") or "no-such-origin.invalid"), distribution),
        path=str(origin.get("OriginPath") or ""),
        scheme=_SCHEMES.get(custom.get("OriginProtocolPolicy") or "https-only", "match-viewer"),
        http_port=int(custom.get("HTTPPort") or 80),
        https_port=int(custom.get("HTTPSPort") or 443),
        tls_protocols=tuple(tls) or ("TLSv1.2",),
        headers=tuple(
            (header["HeaderName"], header.get("HeaderValue") or "")
            for header in items(origin, "CustomHeaders")
        ),
        connect_attempts=int(origin.get("ConnectionAttempts") or 3),
        connect_timeout_seconds=int(origin.get("ConnectionTimeout") or 10),
        read_timeout_seconds=int(custom.get("OriginReadTimeout") or 30),
    )
