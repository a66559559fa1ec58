"""The origin must answer, not the distribution.

A pass-through edge has no answers of its own. A default root object replaces the API's answer to
`/`; an error page replaces the body, and often the status, that the API's clients parse; the
redirect of `redirect-to-https` turns a POST over plain HTTP into a GET in most clients. What a
function at the edge answers cannot be read from a distribution and is not judged.

Source: CloudFront Developer Guide, "Specify a default root object", "Generate custom error
responses" and "Require HTTPS for communication between viewers and CloudFront".
"""

from collections.abc import Iterator

from policies.cloudfront import DISTRIBUTION, each_behavior
from policies.model import Finding, Place, Rule

REMEDY = (
    "Leave out defaultRootObject, responsePagePath and responseCode, and set viewerProtocolPolicy "
    'to "allow-all" or "https-only".'
)
PROTOCOLS = ("allow-all", "https-only")
"""The viewer protocol policies that do not redirect."""


def check(distribution: Place) -> Iterator[Finding]:
    """Yield a finding for each answer that the distribution would give by itself."""
    root = distribution.get("defaultRootObject")
    if not root.absent:
        yield root.finding("absent", "Leave it out, so that a request for / reaches the API.")
    for response in distribution.get("customErrorResponses").items():
        if not isinstance(response.value, dict):
            continue  # `error-caching-off` says what is wrong with the list
        page, code = response.get("responsePagePath"), response.get("responseCode")
        if not page.absent:
            yield page.finding("absent", "Leave it out, so that clients get the API's own body.")
        # The provider's state writes 0 for "no other status".
        if not code.absent and code.value != 0:
            yield code.finding("absent", "Leave it out, so that clients get the API's own status.")
    yield from each_behavior(distribution, _behavior)


def _behavior(behavior: Place) -> Iterator[Finding]:
    protocol = behavior.get("viewerProtocolPolicy")
    if not (isinstance(protocol.value, str) and protocol.value in PROTOCOLS):
        yield protocol.finding(
            '"allow-all" or "https-only"',
            'Set it to "allow-all" to pass plain HTTP on, or to "https-only" to refuse it.',
        )


RULE = Rule(
    name="origin-answers",
    text=__doc__,
    url="https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/GeneratingCustomErrorResponses.html",
    severity="high",
    remedy=REMEDY,
    resource_types=DISTRIBUTION,
    check=check,
)
