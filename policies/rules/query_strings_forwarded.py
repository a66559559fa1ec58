"""Every cache behaviour must forward the whole query string to the origin.

CloudFront removes query parameters that it is not told to forward: a search, a filter or a page
number never reaches the API, which answers as if they had not been sent. Of legacy settings
`queryString` alone decides; `queryStringCacheKeys` narrows the cache key, not what is forwarded.

Source: CloudFront Developer Guide, "Use managed origin request policies"; CloudFront API Reference,
"ForwardedValues", QueryString.
"""

from collections.abc import Iterator

from policies.cloudfront import (
    ADVISE_ALL_VIEWER,
    DISTRIBUTION,
    PolicyIds,
    each_behavior,
    forward_all,
    forwarding,
)
from policies.model import Change, Finding, Place, Rule

REMEDY = f"{ADVISE_ALL_VIEWER}: without it CloudFront removes query strings that the client sent."


def check(distribution: Place) -> Iterator[Finding]:
    """Yield a finding for each behaviour that removes query strings or may remove some."""
    yield from each_behavior(distribution, _behavior)


def _behavior(behavior: Place) -> Iterator[Finding]:
    yield from forwarding(behavior, "query strings", _legacy, REMEDY)


def _legacy(values: Place) -> Iterator[Finding]:
    yield from values.get("queryString").must_be(wanted=True, fix="Set it to true.")


def repair(distribution: Place) -> Iterator[Change]:
    """Yield what makes each behaviour forward that certainly does not."""
    yield from forward_all(distribution, _behavior, ("queryString", True))


RULE = Rule(
    name="query-strings-forwarded",
    text=__doc__,
    url="https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_ForwardedValues.html",
    severity="high",
    remedy=REMEDY,
    resource_types=DISTRIBUTION,
    check=check,
    options=PolicyIds,
    repair=repair,
)
