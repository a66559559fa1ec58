"""What a distribution does with a request, as values; from its configuration and nothing else.

CloudFront has two ways to say the same thing: a cache policy with an origin request policy, or the
older `ForwardedValues`. Both become the same few values here, so that what runs an edge knows one.

Source of everything in here, where nothing else is named: CloudFront Developer Guide, 'Request and
response behavior for custom origins', 'Control the cache key with a policy', 'Control origin
requests with a policy', 'How CloudFront processes HTTP 4xx and 5xx status codes from your origin'.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

from sandbox.lab.deployed import Deployed, Distribution, Fields, is_hostname

ERROR_SECONDS: Final = 10
"""How long an error is kept where no custom error response says otherwise. Source: CloudFront
Developer Guide, 'Control how long CloudFront caches errors'."""

LEGACY_REMOVED: Final = (
    "accept",
    "accept-charset",
    "accept-language",
    "authorization",
    "host",
    "referer",
    "user-agent",
    "x-http-method-override",
)
"""What the older settings take out unless it is listed; every other header passes. Source: the
table in 'HTTP request headers and CloudFront behavior'."""

UNASKED: Final = (
    "cache-control",
    "content-length",
    "content-md5",
    "content-type",
    "date",
    "from",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "max-forwards",
    "pragma",
    "range",
    "request-range",
    "transfer-encoding",
    "via",
    "warning",
    "x-forwarded-for",
)
"""What passes to the origin under policies that list nothing. Source: the same table; not `Origin`,
which it names too: the managed policies for CORS exist because it does not pass by itself."""


@dataclass(frozen=True)
class Choice:
    """Which of a viewer's headers, cookies or query strings are meant."""

    kind: Literal["all", "listed", "unlisted"]
    """All, those in `names`, or all but those in `names`."""
    names: tuple[str, ...] = ()
    """Names; of headers in lower case."""


NONE: Final = Choice("listed")
ALL: Final = Choice("all")


@dataclass(frozen=True)
class Selection:
    """Headers, cookies and query strings that are meant together."""

    headers: Choice = NONE
    """Headers, without `Cookie`."""
    cookies: Choice = NONE
    """Cookies by name."""
    query_strings: Choice = NONE
    """Query strings by name."""


@dataclass(frozen=True)
class Origin:
    """Where requests go."""

    domain_name: str
    """Its name, asked for at run time."""
    path: str
    """What is put before the path of each request; empty or `/…`."""
    protocol: Literal["http-only", "https-only", "match-viewer"]
    """Which scheme it is spoken to in."""
    http_port: int
    """Port for HTTP."""
    https_port: int
    """Port for HTTPS."""
    tls_protocols: tuple[str, ...]
    """Versions of TLS it may be spoken to in, as nginx calls them."""
    headers: tuple[tuple[str, str], ...]
    """Headers that are added, or replace the viewer's."""
    connect_attempts: int
    """How often a request is tried that may be tried again."""
    connect_timeout_seconds: int
    """How long one connection may take."""
    read_timeout_seconds: int
    """How long the origin may be silent."""

    def port(self, scheme: str) -> int:
        """Return the port for a scheme."""
        return self.https_port if scheme == "https" else self.http_port

    @property
    def schemes(self) -> tuple[str, ...]:
        """Schemes it may be spoken to in."""
        return {"http-only": ("http",), "https-only": ("https",)}.get(
            self.protocol, ("http", "https")
        )


@dataclass(frozen=True)
class Behavior:
    """What happens to requests of one path pattern."""

    name: str
    """A name of its own on the edge, which stays when other behaviors come and go."""
    distribution: str
    """Id of its distribution."""
    pattern: str | None
    """The path pattern, beginning with a slash; None: every other request."""
    origin: Origin
    """Where its requests go."""
    viewer_protocol: Literal["allow-all", "https-only", "redirect-to-https"]
    """What becomes of plain HTTP."""
    methods: tuple[str, ...]
    """Methods that are let through."""
    key: Selection
    """What is in the cache key besides the distribution and the path."""
    forwarded: tuple[Selection, ...]
    """What reaches the origin: everything that any of them means."""
    added: tuple[str, ...]
    """`CloudFront-…` headers that are added, in lower case."""
    encodings: tuple[str, ...] | None
    """Codings that `Accept-Encoding` is reduced to, part of the key then; None: it is like any
    other header."""
    legacy: bool
    """Whether the older settings are used."""
    compress: bool
    """Whether the edge compresses what the origin did not."""
    grpc: bool
    """Whether gRPC passes."""
    min_ttl: int
    """The least time an answer is kept, in seconds, whatever the origin says."""
    default_ttl: int
    """How long it is kept where the origin says nothing, in seconds."""
    max_ttl: int
    """The longest the origin can ask for, in seconds."""
    error_ttls: Mapping[int, int]
    """How long errors are kept at least, in seconds by status; 10 for one that is not in here."""
    root_object: str
    """What is asked for in place of `/`; empty: `/` itself."""

    @property
    def cookies_pass(self) -> bool:
        """Whether any cookie reaches the origin; if none does, no `Set-Cookie` comes back."""
        return any(selection.cookies != NONE for selection in self.forwarded)

    @property
    def keeps_something(self) -> bool:
        """Whether there is an answer that would be kept."""
        codes = (404, 414, 500, 501, 502, 503, 504, 400, 403, 405, 412, 415)
        errors = (self.error_ttls.get(code, ERROR_SECONDS) for code in codes)
        return max(self.max_ttl, self.min_ttl, *errors) > 0


@dataclass(frozen=True)
class Site:
    """A distribution that is served."""

    id: str
    """Its id."""
    name: str
    """Its own name, for which the certificate is always CloudFront's."""
    aliases: tuple[str, ...]
    """Its other names, in lower case."""
    certificate: str
    """ARN of the certificate for those; empty where ACM has none."""
    tls_protocols: tuple[str, ...]
    """Versions of TLS that viewers may speak, as nginx calls them."""
    http2: bool
    """Whether viewers may speak HTTP/2."""
    ipv6: bool
    """Whether it is served over IPv6."""
    behaviors: tuple[Behavior, ...]
    """Its behaviors in order; the last is the default one."""
    error_pages: tuple[tuple[int, str, int], ...]
    """Status of the origin, path of the page to show for it, status to show it with."""


def sites(deployed: Deployed) -> tuple[Site, ...]:
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


def _site(distribution: Distribution, deployed: Deployed) -> Site:
    config = distribution.config
    certificate = part(config, "ViewerCertificate")
    version = str(config.get("HttpVersion") or "http2").lower()
    return Site(
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


def _name(text: str, distribution: Distribution) -> str:
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


def _behavior(behavior: Fields, distribution: Distribution, deployed: Deployed) -> Behavior:
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
        "methods": tuple(sorted(allowed)),
        "grpc": bool(part(behavior, "GrpcConfig").get("Enabled")),
        "error_ttls": {
            int(response["ErrorCode"]): int(response.get("ErrorCachingMinTTL", ERROR_SECONDS))
            for response in items(config, "CustomErrorResponses")
        },
        "root_object": config.get("DefaultRootObject") or "",
    }
    if behavior.get("ForwardedValues") is not None:
        return Behavior(**common, **_by_forwarded_values(behavior))
    return Behavior(**common, **_by_policies(behavior, deployed))


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
        return Choice("listed", tuple(names))
    if kind == "allExcept":
        return Choice("unlisted", tuple(names))
    return NONE


def _cloudfront_headers(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(name for name in _lower(names) if name.startswith("cloudfront-"))


def _by_forwarded_values(behavior: Fields) -> dict[str, Any]:
    values = part(behavior, "ForwardedValues")
    listed = _lower(items(values, "Headers"))
    headers = ALL if "*" in listed else Choice("listed", listed)
    cookies = part(values, "Cookies")
    cookie = _choice(cookies.get("Forward"), items(cookies, "WhitelistedNames"))
    query = ALL if values.get("QueryString") else NONE
    keys = items(values, "QueryStringCacheKeys")
    key = Selection(headers, cookie, Choice("listed", tuple(keys)) if keys else query)
    rest = Selection(Choice("unlisted", LEGACY_REMOVED), NONE, query)
    # With every header in the key nothing is ever kept, whatever the times say.
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


def _origin(distribution: Distribution, target: str) -> Origin:
    """Return the origin of an id; of an origin group its first member."""
    config = distribution.config
    for group in items(config, "OriginGroups"):
        if group.get("Id") == target:
            members: list[Fields] = items(group, "Members")
            target = str(members[0].get("OriginId")) if members else target
    origins: list[Fields] = items(config, "Origins")
    nothing: Fields = {}
    found = next((origin for origin in origins if origin.get("Id") == target), nothing)
    custom = part(found, "CustomOriginConfig")
    known = {"TLSv1", "TLSv1.1", "TLSv1.2"}
    tls = [name for name in items(custom, "OriginSslProtocols") if name in known]
    return Origin(
        domain_name=_name(str(found.get("DomainName") or "no-such-origin.invalid"), distribution),
        path=str(found.get("OriginPath") or ""),
        protocol=custom.get("OriginProtocolPolicy") or "https-only",
        http_port=int(custom.get("HTTPPort") or 80),
        https_port=int(custom.get("HTTPSPort") or 443),
        tls_protocols=tuple(tls) or ("TLSv1.2",),
        headers=tuple(
            (header["HeaderName"], header.get("HeaderValue") or "")
            for header in items(found, "CustomHeaders")
        ),
        connect_attempts=int(found.get("ConnectionAttempts") or 3),
        connect_timeout_seconds=int(found.get("ConnectionTimeout") or 10),
        read_timeout_seconds=int(custom.get("OriginReadTimeout") or 30),
    )
