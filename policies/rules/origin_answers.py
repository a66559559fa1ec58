"""The origin must answer, not the distribution.

A pass-through edge has no answers of its own and changes none. A default root object replaces the
API's answer to `/`; an error page replaces the body, and often the status, that the API's clients
parse; the redirect of `redirect-to-https` turns a POST over plain HTTP into a GET in most clients;
a country list and signed URLs refuse clients; an origin path, a function, a response headers policy
and a custom header of a name that clients use rewrite what goes through; a read timeout under 30
seconds gives up on the API; a bucket is no API. Every property that a distribution can have is
either known to be harmless, or found, or named as not judged, which is advice: `compress`, for one,
decides nothing where caching is off. What a web ACL refuses is a company's choice, and not judged.

Source: CloudFront API Reference, "DistributionConfig"; CloudFront Developer Guide, "Request and
response behavior for custom origins", "Specify a default root object", "Generate custom error
responses" and "Require HTTPS for communication between viewers and CloudFront".
"""

from collections.abc import Iterator

from policies.cloudfront import DISTRIBUTION, each_behavior
from policies.model import Finding, Place, Rule
from policies.pass_through import BEHAVIOR, DISTRIBUTION_PROPERTIES, judged

REMEDY = (
    "Leave out what answers, refuses, redirects or rewrites, as defaultRootObject, "
    "responsePagePath, responseCode, originPath and functions; set viewerProtocolPolicy to "
    '"allow-all" or "https-only", restrictionType to "none" and read timeouts to 30 seconds or '
    "more."
)


def check(distribution: Place) -> Iterator[Finding]:
    """Yield a finding for each property by which the distribution would not pass through."""
    yield from judged(distribution, DISTRIBUTION_PROPERTIES)
    yield from each_behavior(distribution, _behavior)


def _behavior(behavior: Place) -> Iterator[Finding]:
    yield from judged(behavior, BEHAVIOR)
    if behavior.get("viewerProtocolPolicy").value is None:
        judge = BEHAVIOR["viewerProtocolPolicy"].judge
        yield from judge(behavior.get("viewerProtocolPolicy")) if judge else ()


RULE = Rule(
    name="origin-answers",
    text=__doc__,
    url="https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/GeneratingCustomErrorResponses.html",
    severity="high",
    remedy=REMEDY,
    resource_types=DISTRIBUTION,
    check=check,
)
