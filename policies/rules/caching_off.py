"""No cache behaviour may cache.

An API's answers belong to one caller at one moment; a cached one is served to whoever asks next
with the same cache key. Caching is off with the managed policy CachingDisabled; with legacy
settings it is off when all headers are forwarded, or when all three TTLs are 0. Beside a cache
policy TTLs decide nothing, and legacy `forwardedValues` may not stand at all. An absent legacy TTL
counts as CloudFront's default: minimum 0, default 86,400 seconds, maximum 31,536,000 seconds.

Source: CloudFront Developer Guide, "Use managed cache policies", "Cache content based on request
headers" and "Manage how long content stays in the cache".
"""

from collections.abc import Iterator

from policies.cloudfront import (
    CACHING_DISABLED,
    DISTRIBUTION,
    MANAGED_CACHE_POLICIES,
    each_behavior,
    forwards_all_headers,
)
from policies.model import Answer, Finding, Place, Rule, show

WANTED = f'"{CACHING_DISABLED}" (CachingDisabled)'
REMEDY = f"Set cachePolicyId to {WANTED} and leave forwardedValues and the TTLs out."


def check(distribution: Place) -> Iterator[Finding]:
    """Yield a finding for each behaviour that caches or may cache."""
    yield from each_behavior(distribution, _behavior)


def _behavior(behavior: Place) -> Iterator[Finding]:
    policy = behavior.get("cachePolicyId")
    values = behavior.get("forwardedValues")
    if policy.absent and not values.absent:
        yield from _legacy(behavior, values)
        return
    if policy.value != CACHING_DISABLED:
        yield _other_policy(policy)
    if not policy.unknown and not values.absent:
        yield values.finding(
            "absent beside a cache policy",
            "CloudFront takes a cache policy or forwardedValues, never both. Leave it out.",
        )


def _other_policy(policy: Place) -> Finding:
    if not isinstance(policy.value, str) or policy.absent:
        return policy.finding(WANTED, REMEDY)
    managed = MANAGED_CACHE_POLICIES.get(policy.value)
    if managed:
        return policy.finding(
            WANTED, REMEDY, found=f"{show(policy.value)} ({managed}), which caches"
        )
    found = f"{show(policy.value)}, which is not a managed policy of CloudFront"
    return policy.finding(WANTED, REMEDY, found=found, certain=False)


def _legacy(behavior: Place, values: Place) -> Iterator[Finding]:
    if not isinstance(values.value, dict):
        yield values.finding("an object, or absent beside a cache policy", REMEDY)
        return
    all_headers = forwards_all_headers(values)
    if all_headers is Answer.PASS:
        return
    ttls = [behavior.get(key) for key in ("minTtl", "defaultTtl", "maxTtl")]
    if ttls[0].value is None:  # absent, the minimum alone is 0 by default
        del ttls[0]
    findings = [finding for ttl in ttls for finding in ttl.must_be(0, REMEDY)]
    if findings and all_headers is Answer.CANNOT_TELL:
        yield values.get("headers").finding('["*"], or all TTLs 0', REMEDY, certain=False)
    else:
        yield from findings


RULE = Rule(
    name="caching-off",
    text=__doc__,
    url="https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html",
    severity="critical",
    remedy=REMEDY,
    resource_types=DISTRIBUTION,
    check=check,
)
