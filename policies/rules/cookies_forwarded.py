"""Every cache behaviour must forward all cookies to the origin.

CloudFront removes cookies that it is not told to forward; with legacy settings it removes
`Set-Cookie` from answers too. Sessions then end at the edge: a caller who is logged in looks
anonymous to the API.

Source: CloudFront Developer Guide, "Use managed origin request policies" and "Cache content based
on cookies".
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

REMEDY = f"{ADVISE_ALL_VIEWER}: without it CloudFront removes cookies that the client sent."


def check(distribution: Place) -> Iterator[Finding]:
    """Yield a finding for each behaviour that removes cookies or may remove some."""
    yield from each_behavior(distribution, _behavior)


def _behavior(behavior: Place) -> Iterator[Finding]:
    yield from forwarding(behavior, "cookies", _legacy, REMEDY)


def _legacy(values: Place) -> Iterator[Finding]:
    yield from values.get("cookies").get("forward").must_be("all", 'Set it to "all".')


def repair(distribution: Place) -> Iterator[Change]:
    """Yield what makes each behaviour forward that certainly does not."""
    yield from forward_all(distribution, _behavior, ("cookies", {"forward": "all"}))


RULE = Rule(
    name="cookies-forwarded",
    text=__doc__,
    url="https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/Cookies.html",
    severity="high",
    remedy=REMEDY,
    resource_types=DISTRIBUTION,
    check=check,
    options=PolicyIds,
    repair=repair,
)
