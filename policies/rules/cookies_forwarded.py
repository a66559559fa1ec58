"""Every cache behaviour must forward all cookies to the origin.

CloudFront removes cookies that it is not told to forward; with legacy settings it removes
`Set-Cookie` from answers too. Sessions then end at the edge: a caller who is logged in looks
anonymous to the API.

Source: CloudFront Developer Guide, "Use managed origin request policies" and "Cache content based
on cookies".
"""

from collections.abc import Iterator

from policies.cloudfront import ADVISE_ALL_VIEWER, DISTRIBUTION, each_behavior, forwarding
from policies.model import Finding, Place, Rule

REMEDY = f"{ADVISE_ALL_VIEWER}: without it CloudFront removes cookies that the client sent."


def check(distribution: Place) -> Iterator[Finding]:
    """Yield a finding for each behaviour that removes cookies or may remove some."""
    yield from each_behavior(
        distribution, lambda behavior: forwarding(behavior, "cookies", _legacy, REMEDY)
    )


def _legacy(values: Place) -> Iterator[Finding]:
    yield from values.get("cookies").get("forward").must_be("all", 'Set it to "all".')


RULE = Rule(
    name="cookies-forwarded",
    text=__doc__,
    url="https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/Cookies.html",
    severity="high",
    remedy=REMEDY,
    resource_types=DISTRIBUTION,
    check=check,
)
