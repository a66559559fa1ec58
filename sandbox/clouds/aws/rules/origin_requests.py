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

LONGEST_PATH: Final = 255
MAX_CUSTOM_HEADERS: Final = 30
HEADER: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}")
LONGEST_VALUE: Final = 1_783
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

NOT_KEYS: Final = frozenset({"connection", "cookie", "proxy-authorization", "te", "upgrade"})
"""Source: CloudFront Developer Guide, 'Selecting the headers to base caching on'."""

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

    A name has up to 256 characters, and a value up to 1,783.

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
        for header in items(origin, "CustomHeaders"):
            whole = HEADER.fullmatch(header["HeaderName"])
            if not whole or len(header.get("HeaderValue") or "") > LONGEST_VALUE:
                return invalid_argument("The parameter HeaderName or HeaderValue is not valid.")
        for name in names:
            if name in NOT_ADDED or name.startswith(NOT_ADDED_PREFIXES):
                return invalid_argument(
                    f"The parameter HeaderName with value {name} is not allowed."
                )
            if names.count(name) > 1:
                return invalid_argument(f"The parameter HeaderName has {name} more than once.")
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
        for name in names:
            if name in NOT_KEYS or name.startswith(NOT_ADDED_PREFIXES):
                return invalid_argument(
                    f"The parameter Headers contains {name} that is not allowed."
                )
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

    Source: CloudFront API Reference, 'CookiePreference' and 'CreateDistribution',
    InvalidForwardCookies and TooManyCookieNamesInWhiteList.
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
    return None


def query_string_keys_are_forwarded(request: DistributionRequest) -> Refusal | None:
    """Query strings that are part of the key are forwarded, up to 10 of them.

    Source: CloudFront API Reference, 'ForwardedValues', QueryString and QueryStringCacheKeys, and
    'CreateDistribution', InvalidQueryStringParameters and TooManyQueryStringParameters.
    """
    for behavior in request.behaviors:
        forwarded = part(behavior, "ForwardedValues")
        keys = items(forwarded, "QueryStringCacheKeys")
        if keys and not forwarded.get("QueryString"):
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
    forwarded_headers_fit,
    all_headers_are_not_kept,
    forwarded_cookies_are_named,
    query_string_keys_are_forwarded,
)
