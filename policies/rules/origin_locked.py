"""The origin should be able to tell the distribution's requests from everybody else's.

A load balancer that faces the internet can be reached around the distribution, and CloudFront's
addresses admit any customer's distribution. A secret header on each custom origin lets the load
balancer refuse the rest; a VPC origin or an S3 origin needs none. Send the header early, but do not
refuse requests without it while the direct path still serves: those clients have no such header.

Source: CloudFront Developer Guide, "Restrict access to Application Load Balancers" and "Restrict
access with VPC origins".
"""

from collections.abc import Iterator

from policies.cloudfront import DISTRIBUTION
from policies.model import Finding, Place, Rule

REMEDY = (
    "Add a header with a secret value to customHeaders, and have the load balancer ask for it once "
    "nobody uses the direct path any more."
)


def check(distribution: Place) -> Iterator[Finding]:
    """Yield a finding for each custom origin that gets no header of its own."""
    origins = distribution.get("origins")
    if origins.unknown or not isinstance(origins.value, list):
        yield origins.finding("a list of origins", "Write the origins out in the program.")
        return
    for origin in origins.items():
        if not origin.get("customOriginConfig").absent or origin.unknown:
            yield from _custom(origin)


def _custom(origin: Place) -> Iterator[Finding]:
    headers = origin.get("customHeaders")
    items = headers.items() if isinstance(headers.value, list) else []
    # A secret made in the same update is not known yet; that there is one is enough.
    if any(
        isinstance(header.value, dict)
        and not header.get("name").absent
        and not header.get("value").absent
        for header in items
    ):
        return
    unsure = next((header for header in items if header.unknown), headers)
    yield unsure.finding("a list with a header that only the origin knows", REMEDY)


RULE = Rule(
    name="origin-locked",
    text=__doc__,
    url="https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/restrict-access-to-load-balancer.html",
    severity="medium",
    remedy=REMEDY,
    resource_types=DISTRIBUTION,
    check=check,
)
