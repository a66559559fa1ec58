"""What several rules know about a CloudFront distribution.

Source: CloudFront API Reference, "DefaultCacheBehavior" and "ForwardedValues"; CloudFront Developer
Guide, "Use managed cache policies" and "Use managed origin request policies".
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from policies.model import UNKNOWN, Answer, Finding, Place, show

DISTRIBUTION: Final = frozenset({"aws:cloudfront/distribution:Distribution"})
"""The resource types that the rules about a distribution read."""

CACHING_DISABLED: Final = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
"""The managed cache policy with all TTLs 0."""

MANAGED_CACHE_POLICIES: Final = {
    CACHING_DISABLED: "CachingDisabled",
    "2e54312d-136d-493c-8eb9-b001f22f67d2": "Amplify",
    "658327ea-f89d-4fab-a63d-7e88639e58f6": "CachingOptimized",
    "b2884449-e4de-46a7-ac36-70bc7f1ddd6d": "CachingOptimizedForUncompressedObjects",
    "08627262-05a9-4f76-9ded-b50ca2e3a84f": "Elemental-MediaPackage",
    "83da9c7e-98b4-4e11-a168-04f0df8e2c65": "UseOriginCacheControlHeaders",
    "4cc15a8a-d715-48a4-82b8-cc0b614638fe": "UseOriginCacheControlHeaders-QueryStrings",
}
"""The names of the managed cache policies; all but the first cache."""

Part: TypeAlias = Literal["headers", "cookies", "query strings"]
"""A part of the viewer's request that is forwarded to the origin or is not."""


@dataclass(frozen=True)
class OriginRequestPolicy:
    """A managed origin request policy: its name, and the parts of which it forwards everything."""

    name: str
    forwards: frozenset[Part] = frozenset()


ALL_VIEWER: Final = "216adef6-5c7f-47e4-b989-5492eafa07d3"
"""Forwards everything the viewer sent."""

ALL_VIEWER_AND_CLOUDFRONT_HEADERS: Final = "33f36d7e-f396-46d9-90e0-52428a34d9dc"
"""Forwards everything the viewer sent, and the headers that CloudFront adds."""

ALL_VIEWER_EXCEPT_HOST_HEADER: Final = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
"""Forwards everything but `Host`, which becomes the origin's own name."""

MANAGED_ORIGIN_REQUEST_POLICIES: Final = {
    ALL_VIEWER: OriginRequestPolicy(
        "AllViewer", frozenset({"headers", "cookies", "query strings"})
    ),
    ALL_VIEWER_AND_CLOUDFRONT_HEADERS: OriginRequestPolicy(
        "AllViewerAndCloudFrontHeaders-2022-06", frozenset({"headers", "cookies", "query strings"})
    ),
    ALL_VIEWER_EXCEPT_HOST_HEADER: OriginRequestPolicy(
        "AllViewerExceptHostHeader", frozenset({"cookies", "query strings"})
    ),
    "59781a5b-3903-41f3-afcb-af62929ccde1": OriginRequestPolicy("CORS-CustomOrigin"),
    "88a5eaf4-2fd4-4709-b370-b4c650ea3fcf": OriginRequestPolicy("CORS-S3Origin"),
    "775133bc-15f2-49f9-abea-afb2e0bf67d2": OriginRequestPolicy(
        "Elemental-MediaTailor-PersonalizedManifests", frozenset({"query strings"})
    ),
    "bf0718e1-ba1e-49d1-88b1-f726733018ae": OriginRequestPolicy("HostHeaderOnly"),
    "acba4595-bd28-49b8-b9fe-13317c0390fa": OriginRequestPolicy("UserAgentRefererHeaders"),
}

ADVISE_ALL_VIEWER: Final = f'Set originRequestPolicyId to "{ALL_VIEWER}" (AllViewer)'
"""The beginning of most ways to mend forwarding."""


def each_behavior(
    distribution: Place, judge: Callable[[Place], Iterator[Finding]]
) -> Iterator[Finding]:
    """Yield what `judge` finds in the default behaviour and in every ordered one.

    A behaviour that cannot be read is one finding, not one for each property looked for in it.
    """
    fix = "Write out the behaviours and their properties in the program."
    default = distribution.get("defaultCacheBehavior")
    ordered = distribution.get("orderedCacheBehaviors")
    for behavior in [default, *ordered.items()]:
        if behavior is ordered:  # no list, so its own only item
            yield ordered.finding("a list of cache behaviours", fix)
        elif isinstance(behavior.value, dict):
            yield from judge(behavior)
        else:
            yield behavior.finding("a cache behaviour (an object)", fix)


def forwarding(
    behavior: Place, part: Part, legacy: Callable[[Place], Iterator[Finding]], fix: str
) -> Iterator[Finding]:
    """Yield what keeps a behaviour from forwarding the whole of `part` to the origin.

    A behaviour forwards through an origin request policy, or through `forwardedValues` from before
    there were policies. CloudFront takes one of the two; where a program sets both, each has to
    forward, because which one would count is not documented. With neither nothing is forwarded.

    Args:
        behavior: The cache behaviour, an object.
        part: What has to be forwarded.
        legacy: Judges `forwardedValues` when it is there.
        fix: How to mend the origin request policy.
    """
    policy = behavior.get("originRequestPolicyId")
    values = behavior.get("forwardedValues")
    if not policy.absent or values.absent:
        yield from _policy_forwards(policy, part, fix)
    if isinstance(values.value, dict):
        yield from legacy(values)
    elif not values.absent:
        yield values.finding("an object", f"{ADVISE_ALL_VIEWER} and leave forwardedValues out.")


def _policy_forwards(policy: Place, part: Part, fix: str) -> Iterator[Finding]:
    accepted = [
        f'"{policy_id}" ({managed.name})'
        for policy_id, managed in MANAGED_ORIGIN_REQUEST_POLICIES.items()
        if part in managed.forwards
    ]
    wanted = f"{', '.join(accepted[:-1])} or {accepted[-1]}"
    if not isinstance(policy.value, str) or policy.absent:
        yield policy.finding(wanted, fix)
        return
    managed = MANAGED_ORIGIN_REQUEST_POLICIES.get(policy.value)
    if managed is None:
        found = f"{show(policy.value)}, which is not a managed policy of CloudFront"
        yield policy.finding(wanted, fix, found=found, certain=False)
    elif part not in managed.forwards:
        found = f"{show(policy.value)} ({managed.name}), which does not forward all {part}"
        yield policy.finding(wanted, fix, found=found)


def forwards_all_headers(values: Place) -> Answer:
    """Say whether legacy `forwardedValues` forward all headers, which also turns caching off.

    The API's form for "all headers" is a list of exactly one name, the asterisk.

    Source: CloudFront API Reference, "Headers": with one header named `*` "CloudFront doesn't cache
    the objects associated with this cache behavior".
    """
    headers = values.get("headers").value
    if headers == ["*"]:
        return Answer.PASS
    if headers is UNKNOWN or headers == [UNKNOWN]:
        return Answer.CANNOT_TELL
    return Answer.FAIL
