"""Rules of what a distribution sends to its origins: paths, headers, cookies, query strings."""

import re
from typing import Final

from sandbox.clouds.aws.fields import items, part
from sandbox.clouds.aws.refusal import Refusal
from sandbox.clouds.aws.rules.distribution_request import (
    DistributionRequest,
    Rule,
    invalid_argument,
)
from sandbox.clouds.aws.rules.sent_names import (
    NOT_KEPT_BY,
    SentKind,
    forbidden,
    not_allowed,
    not_valid,
    unnameable,
)

LONGEST_PATH: Final = 255
MAX_CUSTOM_HEADERS: Final = 30
VALUE: Final = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")
"""What a header may say. Source: RFC 9110 section 5.5."""

LONGEST_VALUE: Final = 1_783
LONGEST_HEADERS: Final = 10_240
"""How many characters the names and values of an origin's custom headers have together."""

LONGEST_COOKIE_NAMES: Final = 512
LONGEST_QUERY_STRING: Final = 128
LONGEST_QUERY_STRINGS: Final = 512
"""All: CloudFront Developer Guide, 'Quotas', on headers, and on cookies and query strings in legacy
cache settings."""

MAX_FORWARDED: Final = 10
"""How many headers, cookie names or query strings a cache behavior may list.

Source: CloudFront Developer Guide, 'Quotas', legacy cache settings."""

NOT_ADDED: Final = frozenset(
    {"cache-control", "connection", "content-length", "cookie", "host", "if-match", "te", "trailer"}
    | {"if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "max-forwards"}
    | {"pragma", "proxy-authenticate", "proxy-authorization", "proxy-connection", "range"}
    | {"request-range", "transfer-encoding", "upgrade", "via", "x-real-ip"}
)
NOT_ADDED_PREFIXES: Final = ("x-amz-", "x-edge-")
"""Both: CloudFront Developer Guide, 'Custom headers that CloudFront can't add to origin
requests'."""

COOKIES: Final = (
    "Your request contains forward cookies option which doesn't match with the expectation for the "
    "whitelisted list of cookie names. Either list of cookie names has been specified when not "
    "allowed or list of cookie names is missing when expected."
)
"""Source: CloudFront API Reference, 'CreateDistribution', InvalidForwardCookies."""


def origin_path_is_relative(request: DistributionRequest) -> Refusal | None:
    """An origin path begins with a slash, does not end with one, and has up to 255 characters.

    Source: CloudFront Developer Guide, 'Origin settings', Origin path.
    """
    for origin in request.origins:
        path = origin.get("OriginPath") or ""
        if path and (not path.startswith("/") or path.endswith("/") or len(path) > LONGEST_PATH):
            return invalid_argument(
                "The parameter Origin Path must begin with a slash, must not end with one, and has "
                f"at most {LONGEST_PATH} characters; it is {path}."
            )
        if set(path) & set("?# "):
            return invalid_argument(f"The parameter Origin Path has an invalid character: {path}.")
    return None


def origin_headers_can_be_added(request: DistributionRequest) -> Refusal | None:
    """A custom header of an origin is one that CloudFront adds; up to 30, each name once.

    A name is a token of up to 256 characters, a value has up to 1,783, and all together 10,240.

    Source: CloudFront Developer Guide, 'Add custom headers to origin requests' and 'Quotas'; API
    Reference, 'CreateDistribution', TooManyOriginCustomHeaders.
    """
    for origin in request.origins:
        names = [header["HeaderName"].lower() for header in items(origin, "CustomHeaders")]
        if len(names) > MAX_CUSTOM_HEADERS:
            return Refusal(
                "TooManyOriginCustomHeaders",
                "Your request contains too many origin custom headers.",
            )
        values = [header.get("HeaderValue") or "" for header in items(origin, "CustomHeaders")]
        if (
            unnameable("Header", names) is not None
            or not all(len(value) <= LONGEST_VALUE and VALUE.fullmatch(value) for value in values)
            or sum(map(len, (*names, *values))) > LONGEST_HEADERS
        ):
            return invalid_argument("The parameter HeaderName or HeaderValue is not valid.")
        for name in names:
            if name in NOT_ADDED or name.startswith(NOT_ADDED_PREFIXES):
                return invalid_argument(
                    f"The parameter HeaderName with value {name} is not allowed."
                )
            if names.count(name) > 1:
                return invalid_argument(f"The parameter HeaderName has {name} more than once.")
    return None


def forwarded_names_can_be_names(request: DistributionRequest) -> Refusal | None:
    """Headers and cookies are named by tokens, query strings by what a URL can have there.

    Source: RFC 9110 section 5.1, RFC 6265 section 4.1.1, RFC 3986 section 3.4. Which error it gives
    is not documented.
    """
    for behavior in request.behaviors:
        forwarded = part(behavior, "ForwardedValues")
        lists: tuple[tuple[SentKind, list[str]], ...] = (
            ("Header", items(forwarded, "Headers")),
            ("Cookie", items(part(forwarded, "Cookies"), "WhitelistedNames")),
            ("QueryString", items(forwarded, "QueryStringCacheKeys")),
        )
        for kind, names in lists:
            name = unnameable(kind, names)
            if name is not None:
                return not_valid(kind, name)
    return None


def forwarded_headers_fit(request: DistributionRequest) -> Refusal | None:
    """Forwarded are all headers, by `*` alone, or up to 10 that caching can be based on.

    Source: CloudFront API Reference, 'ForwardedValues', Headers, and 'CreateDistribution',
    TooManyHeadersInForwardedValues; Developer Guide, 'Cache content based on request headers'.
    """
    for behavior in request.behaviors:
        names = [name.lower() for name in items(part(behavior, "ForwardedValues"), "Headers")]
        if "*" in names and len(names) > 1:
            return invalid_argument("The parameter Headers contains * beside other headers.")
        if len(names) > MAX_FORWARDED:
            return Refusal(
                "TooManyHeadersInForwardedValues",
                "Your request contains too many headers in forwarded values.",
            )
        header = forbidden(names, NOT_KEPT_BY)
        if header is not None:
            return not_allowed(header)
    return None


def all_headers_are_not_kept(request: DistributionRequest) -> Refusal | None:
    """With all headers forwarded, the minimum TTL is 0.

    Source: CloudFront API Reference, 'DefaultCacheBehavior', MinTTL: "You must specify 0 for
    MinTTL if you configure CloudFront to forward all headers to your origin"; reported in
    opensupplyhub/open-supply-hub#963.
    """
    for behavior in request.behaviors:
        if "*" in items(part(behavior, "ForwardedValues"), "Headers") and behavior.get("MinTTL"):
            return invalid_argument(
                "The parameter MinTTL must be 0 when all headers are forwarded to the origin."
            )
    return None


def forwarded_cookies_are_named(request: DistributionRequest) -> Refusal | None:
    """A list of cookies has names, up to 10; where all or none are forwarded, there is no list.

    The names have as many characters together as are left of 512 after one for each.

    Source: CloudFront API Reference, 'CookiePreference' and 'CreateDistribution',
    InvalidForwardCookies and TooManyCookieNamesInWhiteList; Developer Guide, 'Quotas', on cookies.
    """
    for behavior in request.behaviors:
        cookies = part(part(behavior, "ForwardedValues"), "Cookies")
        names = items(cookies, "WhitelistedNames")
        if cookies and (cookies.get("Forward") == "whitelist") != bool(names):
            return Refusal("InvalidForwardCookies", COOKIES)
        if len(names) > MAX_FORWARDED:
            return Refusal(
                "TooManyCookieNamesInWhiteList",
                "Your request contains more cookie names in the whitelist than are allowed per "
                "cache behavior.",
            )
        if sum(map(len, names)) > LONGEST_COOKIE_NAMES - len(names):
            return invalid_argument("The parameter WhitelistedNames is too long.")
    return None


def query_string_keys_are_forwarded(request: DistributionRequest) -> Refusal | None:
    """Query strings that are part of the key are forwarded, up to 10 of them.

    Each has up to 128 characters, and all together 512.

    Source: CloudFront API Reference, 'ForwardedValues', QueryString and QueryStringCacheKeys, and
    'CreateDistribution', InvalidQueryStringParameters and TooManyQueryStringParameters; Developer
    Guide, 'Quotas', on query strings.
    """
    for behavior in request.behaviors:
        forwarded = part(behavior, "ForwardedValues")
        keys = items(forwarded, "QueryStringCacheKeys")
        longest, total = max(map(len, keys), default=0), sum(map(len, keys))
        if (
            (keys and not forwarded.get("QueryString"))
            or longest > LONGEST_QUERY_STRING
            or total > LONGEST_QUERY_STRINGS
        ):
            return Refusal(
                "InvalidQueryStringParameters", "The query string parameters are not valid."
            )
        if len(keys) > MAX_FORWARDED:
            return Refusal(
                "TooManyQueryStringParameters",
                "Your request contains too many query string parameters.",
            )
    return None


ORIGIN_REQUEST_RULES: Final[tuple[Rule, ...]] = (
    origin_path_is_relative,
    origin_headers_can_be_added,
    forwarded_names_can_be_names,
    forwarded_headers_fit,
    all_headers_are_not_kept,
    forwarded_cookies_are_named,
    query_string_keys_are_forwarded,
)
