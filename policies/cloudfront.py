"""What several rules know about a CloudFront distribution.

Source: CloudFront API Reference, "DefaultCacheBehavior" and "ForwardedValues"; CloudFront Developer
Guide, "Use managed cache policies" and "Use managed origin request policies".
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field

from policies.model import (
    UNKNOWN,
    Around,
    Finding,
    JudgedStack,
    Judgement,
    Place,
    Resource,
    RuleOptions,
    Step,
    show,
)

DISTRIBUTION: Final = frozenset({"aws:cloudfront/distribution:Distribution"})
"""The resource types that the rules about a distribution read."""

CONNECTION_GROUP: Final = frozenset(
    {
        "aws:cloudfront/connectionGroup:ConnectionGroup",
        "aws-native:cloudfront:ConnectionGroup",
    }
)
"""What tenants of a distribution are reached through; both providers call its switch alike."""

CACHING_DISABLED: Final = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
"""The managed cache policy with all TTLs 0."""

CACHE_POLICY: Final = frozenset({"aws:cloudfront/cachePolicy:CachePolicy"})
ORIGIN_REQUEST_POLICY: Final = frozenset({"aws:cloudfront/originRequestPolicy:OriginRequestPolicy"})
POLICIES: Final = CACHE_POLICY | ORIGIN_REQUEST_POLICY
"""What a behaviour names by an id, and a program may make itself."""

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


CACHE_KEYS: Final[Mapping[str, frozenset[Part]]] = {
    "2e54312d-136d-493c-8eb9-b001f22f67d2": frozenset({"cookies", "query strings"}),
    "83da9c7e-98b4-4e11-a168-04f0df8e2c65": frozenset({"cookies"}),
    "4cc15a8a-d715-48a4-82b8-cc0b614638fe": frozenset({"cookies", "query strings"}),
}
"""The parts that a managed cache policy has in its key as a whole, and so forwards.

Source: CloudFront Developer Guide, "Use managed cache policies"; CloudFront API Reference,
"ParametersInCacheKeyAndForwardedToOrigin".
"""

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


class PolicyIds(RuleOptions):
    """What a user may set about a rule that reads policy ids."""

    accepted_policy_ids: Annotated[
        tuple[str, ...],
        Field(
            strict=False,
            alias="acceptedPolicyIds",
            description="Ids of policies that pass as well: custom ones that somebody has read.",
        ),
    ] = ()


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


def behaviors(distribution: Place) -> Iterator[tuple[Place, tuple[Step, ...]]]:
    """Yield the behaviours that can be read, with the steps that lead to each."""
    default, ordered = "defaultCacheBehavior", "orderedCacheBehaviors"
    places: list[tuple[Place, tuple[Step, ...]]] = [(distribution.get(default), (default,))]
    if isinstance(distribution.get(ordered).value, list):
        items = distribution.get(ordered).items()
        places += [(item, (ordered, index)) for index, item in enumerate(items)]
    yield from ((place, steps) for place, steps in places if isinstance(place.value, dict))


def custom(
    place: Place,
    types: frozenset[str],
    judge: Callable[[Place], Iterator[Finding]],
    allowed: str,
    fix: str,
) -> Iterator[Finding]:
    """Yield what is wrong with the custom policy whose id is at a place.

    A policy made in the same stack is judged by what it says. It is looked up by its id, or, while
    that is not known, by what the engine knows of where the property's value comes from. That
    knowledge is of the property as a whole, so of several policies all have to pass, and only if
    all fail is one of them certainly wrong. A value from outside AWS, as another stack's output,
    may be any id.

    Args:
        place: Where the id is; it is no managed one, or not known.
        types: The types of the policy.
        judge: Yields what is wrong with a policy.
        allowed: Completes "it must be …".
        fix: What to do.
    """
    if place.unknown:
        sources = place.dependencies()
        policies = [source for source in sources if source.type in types]
        if any(not source.type.startswith("aws:") for source in sources):
            policies = []
    else:
        policies = _by_id(place.around.stack).get(str(place.value), [])
        policies = [policy for policy in policies if policy.type in types]
    verdicts = [
        (policy, list(judge(Around(policy, place.around.stack).place()))) for policy in policies
    ]
    wrong = [(policy, faults) for policy, faults in verdicts if faults]
    if verdicts and not wrong:
        return
    if not wrong:
        shown = f"{show(place.value)}, which is not a managed policy of CloudFront"
        yield place.finding(allowed, fix, shown=None if place.unknown else shown, certain=False)
        return
    # A fault of the policy is certain however unknown its id still is.
    certain = len(wrong) == len(verdicts) and all(
        any(fault.answer is Judgement.FAIL for fault in faults) for _, faults in wrong
    )
    policy, faults = wrong[0]
    shown = f"that of {show(policy.name)} in this stack, whose " + " and ".join(
        f"{fault.path} is {fault.value}" for fault in faults
    )
    answer = Judgement.FAIL if certain else Judgement.CANNOT_TELL
    yield replace(place.finding(allowed, fix, shown=shown), answer=answer)


@lru_cache(maxsize=1)
def _by_id(stack: JudgedStack) -> dict[str, list[Resource]]:
    policies: dict[str, list[Resource]] = {}
    for resource in stack.of(POLICIES):
        policy_id = Around(resource, stack).place().get("id").value
        if isinstance(policy_id, str):
            policies.setdefault(policy_id, []).append(resource)
    return policies


def forwards_all_headers(values: Place) -> Judgement:
    """Say whether legacy `forwardedValues` forward all headers, which also turns caching off.

    The API's form for "all headers" is a list of exactly one name, the asterisk.

    Source: CloudFront API Reference, "Headers": with one header named `*` "CloudFront doesn't cache
    the objects associated with this cache behavior".
    """
    headers = values.get("headers").value
    if headers == ["*"]:
        return Judgement.PASS
    if headers is UNKNOWN or headers == [UNKNOWN]:
        return Judgement.CANNOT_TELL
    return Judgement.FAIL
