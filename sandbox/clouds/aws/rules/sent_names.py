"""Names of headers, cookies and query strings that CloudFront sends to origins or keeps by."""

import re
from collections.abc import Sequence
from typing import Final, Literal

from sandbox.clouds.aws.refusal import Refusal
from sandbox.clouds.aws.rules.distribution_request import invalid_argument

SentKind = Literal["Header", "Cookie", "QueryString"]

NAMES: Final = {
    "Header": re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}"),
    "Cookie": re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z?-]+"),
    "QueryString": re.compile(r"[!\"$%'-<>-~]+"),
}
"""Source: RFC 9110 section 5.1 and RFC 6265 section 4.1.1 (tokens), and CloudFront Developer Guide,
'Quotas' on headers, and 'Cache content based on cookies' for the wildcards `*` and `?`; RFC 3986
section 3.4 and the WHATWG's URL Standard for the name of a query string."""

NOT_KEPT_BY: Final = frozenset(
    {"cache-control", "connection", "content-length", "cookie", "max-forwards", "pragma", "te"}
    | {"proxy-authenticate", "proxy-authorization", "proxy-connection", "request-range", "trailer"}
    | {"transfer-encoding", "upgrade", "x-amz-cf-id", "x-forwarded-proto", "x-real-ip"}
)
"""Headers that no answer is kept by.

Source: CloudFront Developer Guide, 'HTTP request headers and CloudFront behavior'."""

OF_CLOUDFRONT: Final = "x-edge-"
"""How headers begin that CloudFront removes from every request. Source: the same table."""


def unnameable(kind: SentKind, names: Sequence[str]) -> str | None:
    """Return the first name that no header, cookie or query string can have."""
    return next((name for name in names if not NAMES[kind].fullmatch(name)), None)


def forbidden(names: Sequence[str], lower: frozenset[str]) -> str | None:
    """Return the first header of these in lower case, or that CloudFront always removes."""
    return next(
        (name for name in names if name.lower() in lower or name.lower().startswith(OF_CLOUDFRONT)),
        None,
    )


def not_valid(kind: SentKind, name: str) -> Refusal:
    """Return the refusal of a name that can't be one."""
    return invalid_argument(f"The parameter {kind}s contains '{name}' that is not valid.")


def not_allowed(header: str) -> Refusal:
    """Return the refusal of a header that can't be listed."""
    return invalid_argument(f"The parameter Headers contains {header} that is not allowed.")
