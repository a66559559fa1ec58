"""A distribution should have a web ACL.

CloudFront is the first to see a request, also one that arrives over IPv6, and the place where an
attack is turned away before it costs the origin anything. A web ACL on the load balancer alone sees
CloudFront's addresses instead of the clients'. Mind that IP sets and rate limits written for IPv4
do not match IPv6 clients.

Source: AWS WAF Developer Guide, "Using AWS WAF with Amazon CloudFront".
"""

from collections.abc import Iterator

from policies.cloudfront import DISTRIBUTION
from policies.model import Finding, Place, Rule

REMEDY = "Set webAclId to the ARN of a web ACL of scope CLOUDFRONT, made in us-east-1."


def check(distribution: Place) -> Iterator[Finding]:
    """Yield a finding unless `webAclId` names a web ACL."""
    acl = distribution.get("webAclId")
    if acl.unknown:
        kinds = {source.type.split(":")[1].split("/")[0] for source in acl.dependencies()}
        if not kinds & {"wafv2", "waf"}:
            yield acl.finding("the ARN of a web ACL", REMEDY)
    elif acl.absent or not isinstance(acl.value, str):
        yield acl.finding("the ARN of a web ACL", REMEDY)


RULE = Rule(
    name="waf-attached",
    text=__doc__,
    url="https://docs.aws.amazon.com/waf/latest/developerguide/cloudfront-features.html",
    severity="medium",
    remedy=REMEDY,
    resource_types=DISTRIBUTION,
    check=check,
    stack=True,
)
