"""A distribution should log its requests.

While users move from the old path to the new one, the logs of both say who has moved and what went
wrong for them; afterwards they are the only record of the requests that never reached the origin.
Standard logs to a bucket, a log delivery to CloudWatch, S3 or Firehose, and real-time logs of the
default behaviour all do.

Source: CloudFront Developer Guide, "Access logs (standard logs)" and "Use real-time access logs".
"""

from collections.abc import Iterator
from functools import lru_cache

from policies.cloudfront import DISTRIBUTION
from policies.model import Around, Finding, JudgedStack, Place, Rule

REMEDY = (
    "Set loggingConfig.bucket to a bucket's domain name, or make a LogDeliverySource whose "
    "resourceArn is the distribution's ARN."
)
DELIVERY = frozenset({"aws:cloudwatch/logDeliverySource:LogDeliverySource"})


def check(distribution: Place) -> Iterator[Finding]:
    """Yield a finding for a distribution with no kind of log."""
    config = distribution.get("loggingConfig")
    realtime = distribution.get("defaultCacheBehavior").get("realtimeLogConfigArn")
    bucket = config.get("bucket")
    if _named(realtime) or _named(bucket) or _delivered(distribution):
        return
    unclear = next((place for place in (bucket, realtime) if place.unknown), config)
    yield unclear.finding("an object with a bucket, or another kind of log", REMEDY)


def _named(place: Place) -> bool:
    """Say whether a place names something: by a text, or by a resource made in the same stack."""
    if place.unknown:
        return any(not source.type.startswith("pulumi:") for source in place.dependencies())
    return isinstance(place.value, str) and not place.absent


def _delivered(distribution: Place) -> bool:
    """Say whether a log delivery of the stack is of this distribution."""
    arn, urn = distribution.get("arn").value, distribution.around.resource.urn
    delivered = _sources(distribution.around.stack)
    return urn in delivered or (isinstance(arn, str) and arn in delivered)


@lru_cache(maxsize=1)
def _sources(stack: JudgedStack) -> frozenset[str]:
    """Return the ARNs that logs are delivered of; the URNs of resources whose ARN is not known."""
    arns = [Around(resource, stack).place().get("resourceArn") for resource in stack.of(DELIVERY)]
    named = [arn.value for arn in arns if isinstance(arn.value, str)]
    made = [source.urn for arn in arns if arn.unknown for source in arn.dependencies()]
    return frozenset([*named, *made])


RULE = Rule(
    name="access-logs",
    text=__doc__,
    url="https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/AccessLogs.html",
    severity="low",
    remedy=REMEDY,
    resource_types=DISTRIBUTION,
    check=check,
    stack=True,
)
