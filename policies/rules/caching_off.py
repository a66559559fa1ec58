"""No cache behaviour may cache.

An API's answers belong to one caller at one moment; a cached one is served to the next client
with the same cache key. Caching is off with the managed policy CachingDisabled; with legacy
settings it is off when all headers are forwarded, beside which CloudFront takes no minimum TTL
above 0, or when all three TTLs are 0. A custom cache
policy made in the same stack is judged by its own three TTLs. Beside a cache policy the behaviour's
TTLs decide nothing, and legacy `forwardedValues` may not stand at all. An absent TTL counts as
CloudFront's default: minimum 0, default 86,400 seconds, maximum 31,536,000 seconds.

Source: CloudFront Developer Guide, "Use managed cache policies", "Cache content based on request
headers" and "Manage how long content stays in the cache".
"""

from collections.abc import Iterator

from policies.cloudfront import (
    ALL_VIEWER,
    CACHE_POLICY,
    CACHING_DISABLED,
    DISTRIBUTION,
    MANAGED_CACHE_POLICIES,
    PolicyIds,
    behaviors,
    custom,
    each_behavior,
    forwards_all_headers,
)
from policies.model import REMOVED, UNKNOWN, Finding, Judgement, Place, Repair, Rule, show

ALLOWED = f'"{CACHING_DISABLED}" (CachingDisabled)'
WANTED_OF_CUSTOM = f"{ALLOWED} or that of a policy of this stack with all TTLs 0"
REMEDY = f"Set cachePolicyId to {ALLOWED} and leave forwardedValues and the TTLs out."

TTLS = {"minTtl": 0, "defaultTtl": 86_400, "maxTtl": 31_536_000}
"""The TTLs, and what CloudFront takes for an absent one, in seconds."""


def check(distribution: Place) -> Iterator[Finding]:
    """Yield a finding for each behaviour that caches or may cache."""
    yield from each_behavior(distribution, _behavior)


def _behavior(behavior: Place) -> Iterator[Finding]:
    policy = behavior.get("cachePolicyId")
    values = behavior.get("forwardedValues")
    if policy.absent and not values.absent:
        yield from _legacy(behavior, values)
        return
    accepted = (CACHING_DISABLED, *policy.options(PolicyIds).accepted_policy_ids)
    if not (isinstance(policy.value, str) and policy.value in accepted):
        yield from _other_policy(policy)
    if not policy.unknown and not values.absent:
        yield values.finding(
            "absent beside a cache policy",
            "CloudFront takes a cache policy or forwardedValues, never both. Leave it out.",
        )


def _other_policy(policy: Place) -> Iterator[Finding]:
    managed = MANAGED_CACHE_POLICIES.get(policy.value) if isinstance(policy.value, str) else None
    if managed:
        shown = f"{show(policy.value)} ({managed}), which caches"
        yield policy.finding(ALLOWED, REMEDY, shown=shown)
    elif policy.absent or not (policy.unknown or isinstance(policy.value, str)):
        yield policy.finding(ALLOWED, REMEDY)
    else:
        yield from custom(policy, CACHE_POLICY, _custom_caches, WANTED_OF_CUSTOM, REMEDY)


def _custom_caches(policy: Place) -> Iterator[Finding]:
    """Yield a finding for each TTL of a custom cache policy that is not 0."""
    for key, default in TTLS.items():
        ttl = policy.get(key)
        if ttl.value is not None:
            yield from ttl.must_be(0, "Set it to 0.")
        elif default:
            shown = f"absent, which means {default:,} seconds"
            yield ttl.finding("0", "Set it to 0.", shown=shown)


def _legacy(behavior: Place, values: Place) -> Iterator[Finding]:
    if not isinstance(values.value, dict):
        yield values.finding("an object, or absent beside a cache policy", REMEDY)
        return
    all_headers = forwards_all_headers(values)
    minimum = behavior.get("minTtl")
    if all_headers is Judgement.PASS:
        if minimum.value is not None:
            yield from minimum.must_be(
                0, "Set it to 0: CloudFront refuses more beside all headers."
            )
        return
    ttls = [behavior.get(key) for key in TTLS]
    if ttls[0].value is None:  # absent, the minimum alone is 0 by default
        del ttls[0]
    findings = [finding for ttl in ttls for finding in ttl.must_be(0, REMEDY)]
    if any(minimum.must_be(0, REMEDY)) and minimum.value not in (None, UNKNOWN):
        yield from findings  # wrong whatever the headers are
    elif findings and all_headers is Judgement.CANNOT_TELL:
        yield values.get("headers").finding('["*"], or all TTLs 0', REMEDY, certain=False)
    else:
        yield from findings


def repair(distribution: Place) -> Iterator[Repair]:
    """Yield CachingDisabled, alone, for each behaviour that certainly caches.

    With `forwardedValues` goes what it forwarded, so AllViewer comes in its place.
    """
    for behavior, steps in behaviors(distribution):
        if not any(finding.answer is Judgement.FAIL for finding in _behavior(behavior)):
            continue
        if behavior.get("cachePolicyId").unknown or behavior.get("forwardedValues").unknown:
            continue
        yield Repair((*steps, "cachePolicyId"), CACHING_DISABLED)
        if behavior.get("forwardedValues").value is not None:
            yield Repair((*steps, "forwardedValues"), REMOVED)
            if behavior.get("originRequestPolicyId").absent:
                yield Repair((*steps, "originRequestPolicyId"), ALL_VIEWER)


RULE = Rule(
    name="caching-off",
    text=__doc__,
    url="https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html",
    severity="critical",
    remedy=REMEDY,
    resource_types=DISTRIBUTION,
    check=check,
    options=PolicyIds,
    repair=repair,
)
