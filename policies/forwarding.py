"""What the three rules about forwarding have in common; each is a row of `forwarding_rule`.

Source: CloudFront API Reference, "DefaultCacheBehavior", "ForwardedValues" and
"OriginRequestPolicyConfig"; CloudFront Developer Guide, "Use managed origin request policies".
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from policies.cloudfront import (
    ALL_VIEWER,
    CACHE_KEYS,
    CACHE_POLICY,
    DISTRIBUTION,
    MANAGED_CACHE_POLICIES,
    MANAGED_ORIGIN_REQUEST_POLICIES,
    ORIGIN_REQUEST_POLICY,
    Part,
    PolicyIds,
    behaviors,
    custom,
    each_behavior,
)
from policies.model import Finding, Judgement, Place, Repair, Rule, Value, show

ADVISE_ALL_VIEWER: Final = f'Set originRequestPolicyId to "{ALL_VIEWER}" (AllViewer)'
"""The beginning of most ways to mend forwarding."""


def forwarding_rule(
    name: str,
    text: str | None,
    url: str,
    part: Part,
    *,
    drops: str,
    legacy: Callable[[Place], Iterator[Finding]],
    legacy_repair: tuple[str, Value],
    fixes: Mapping[str, str] | None = None,
) -> Rule:
    """Return the rule that every cache behaviour has to forward the whole of a part.

    Args:
        name: The rule's name.
        text: The docstring of the rule's module.
        url: Where its source can be read.
        part: What has to be forwarded.
        drops: What CloudFront does otherwise, to end the sentence of how to mend it.
        legacy: Judges `forwardedValues` when it is there.
        legacy_repair: The property of `forwardedValues` to set, and to what.
        fixes: How to mend some policies, by id, where there is more to say of them.
    """
    remedy = f"{ADVISE_ALL_VIEWER}: without it CloudFront {drops}."

    def judge(behavior: Place) -> Iterator[Finding]:
        policy = behavior.get("originRequestPolicyId").value
        fix = (fixes or {}).get(policy, remedy) if isinstance(policy, str) else remedy
        yield from _judge(behavior, part, legacy, fix)

    def check(distribution: Place) -> Iterator[Finding]:
        yield from each_behavior(distribution, judge)

    def repair(distribution: Place) -> Iterator[Repair]:
        yield from _changes(distribution, judge, legacy_repair)

    return Rule(
        name=name,
        text=text,
        url=url,
        severity="high",
        remedy=remedy,
        resource_types=DISTRIBUTION,
        check=check,
        options=PolicyIds,
        repair=repair,
    )


def _judge(
    behavior: Place, part: Part, legacy: Callable[[Place], Iterator[Finding]], fix: str
) -> Iterator[Finding]:
    """Yield what keeps a behaviour from forwarding the whole of `part` to the origin.

    A behaviour forwards through an origin request policy, or through `forwardedValues` from before
    there were policies. CloudFront takes one of the two; where a program sets both, each has to
    forward, because which one would count is not documented. What a cache policy has in its key is
    forwarded as well. Without any of them nothing is forwarded.

    Args:
        behavior: The cache behaviour, an object.
        part: What has to be forwarded.
        legacy: Judges `forwardedValues` when it is there.
        fix: How to mend the origin request policy.
    """
    policy = behavior.get("originRequestPolicyId")
    values = behavior.get("forwardedValues")
    if not policy.absent or values.absent:
        in_key = _in_key(behavior.get("cachePolicyId"), part)
        for finding in _policy_forwards(policy, part, fix):
            if in_key is Judgement.FAIL:
                yield finding
            elif in_key is Judgement.CANNOT_TELL:
                yield replace(finding, answer=Judgement.CANNOT_TELL)
    if isinstance(values.value, dict):
        yield from legacy(values)
    elif not values.absent:
        yield values.finding("an object", f"{ADVISE_ALL_VIEWER} and leave forwardedValues out.")


def _changes(
    distribution: Place,
    check: Callable[[Place], Iterator[Finding]],
    legacy: tuple[str, Value],
) -> Iterator[Repair]:
    """Yield what makes each behaviour forward that certainly does not.

    Args:
        distribution: The distribution.
        check: Judges one behaviour.
        legacy: The property of `forwardedValues` to set, and to what.
    """
    for behavior, steps in behaviors(distribution):
        for finding in check(behavior):
            if finding.answer is not Judgement.FAIL:
                continue
            if finding.path == behavior.get("originRequestPolicyId").path:
                yield Repair((*steps, "originRequestPolicyId"), ALL_VIEWER)
            elif isinstance(behavior.get("forwardedValues").value, dict):
                yield Repair((*steps, "forwardedValues", legacy[0]), legacy[1])


def _policy_forwards(policy: Place, part: Part, fix: str) -> Iterator[Finding]:
    extra = policy.options(PolicyIds).accepted_policy_ids
    if isinstance(policy.value, str) and policy.value in extra:
        return
    accepted = [
        f'"{policy_id}" ({managed.name})'
        for policy_id, managed in MANAGED_ORIGIN_REQUEST_POLICIES.items()
        if part in managed.forwards
    ]
    accepted += [show(policy_id) for policy_id in extra]
    allowed = f"{', '.join(accepted[:-1])} or {accepted[-1]}"
    if policy.absent or not (policy.unknown or isinstance(policy.value, str)):
        yield policy.finding(allowed, fix)
        return
    managed = MANAGED_ORIGIN_REQUEST_POLICIES.get(str(policy.value))
    if managed is None:
        yield from custom(
            policy,
            ORIGIN_REQUEST_POLICY,
            lambda made: _custom_forwards(made, part),
            allowed,
            fix,
        )
    elif part not in managed.forwards:
        shown = f"{show(policy.value)} ({managed.name}), which does not forward all {part}"
        yield policy.finding(allowed, fix, shown=shown)


CUSTOM_FORWARDS: Final[dict[Part, tuple[str, str, tuple[str, ...]]]] = {
    "headers": (
        "headersConfig",
        "headerBehavior",
        ("allViewer", "allViewerAndWhitelistCloudFront"),
    ),
    "cookies": ("cookiesConfig", "cookieBehavior", ("all",)),
    "query strings": ("queryStringsConfig", "queryStringBehavior", ("all",)),
}
"""Where a custom origin request policy says what it forwards, and the words for "everything".

Source: CloudFront API Reference, "OriginRequestPolicyConfig".
"""


IN_KEY: Final[dict[Part, tuple[str, str]]] = {
    "cookies": ("cookiesConfig", "cookieBehavior"),
    "query strings": ("queryStringsConfig", "queryStringBehavior"),
}
"""Where a custom cache policy says what of a part is in its key; of headers it takes names only.

Source: CloudFront API Reference, "ParametersInCacheKeyAndForwardedToOrigin".
"""


def _in_key(policy: Place, part: Part) -> Judgement:
    """Say whether a cache policy has the whole of a part in its key, and so forwards it."""
    if part not in IN_KEY or policy.absent:
        return Judgement.FAIL
    if isinstance(policy.value, str) and policy.value in MANAGED_CACHE_POLICIES:
        whole = part in CACHE_KEYS.get(policy.value, frozenset())
        return Judgement.PASS if whole else Judgement.FAIL
    config, key = IN_KEY[part]

    def judge(made: Place) -> Iterator[Finding]:
        parameters = made.get("parametersInCacheKeyAndForwardedToOrigin")
        yield from parameters.get(config).get(key).must_be("all", "Set it so.")

    if policy.unknown or isinstance(policy.value, str):
        for finding in custom(policy, CACHE_POLICY, judge, "", ""):
            return finding.answer
        return Judgement.PASS
    return Judgement.FAIL


def _custom_forwards(policy: Place, part: Part) -> Iterator[Finding]:
    config, key, everything = CUSTOM_FORWARDS[part]
    behavior = policy.get(config).get(key)
    if not (isinstance(behavior.value, str) and behavior.value in everything):
        yield behavior.finding(" or ".join(show(word) for word in everything), "Set it so.")
