"""Each rule of the mandatory pack stops a stack that breaks it, at preview.

The fault comes in the way it would in life: a transform, in front of the program, that somebody
wrote for the whole organisation.
"""

import json
from typing import TYPE_CHECKING, Final

from support.engine import Stack, weights

if TYPE_CHECKING:
    from types_boto3_cloudfront import CloudFrontClient
    from types_boto3_route53 import Route53Client

TRANSFORM = """
import pulumi

def change(args):
    if args.type_ == "aws:cloudfront/distribution:Distribution":
        props = dict(args.props)
        behavior = dict(props["defaultCacheBehavior"])
        {change}
        props["defaultCacheBehavior"] = behavior
        return pulumi.ResourceTransformResult(props=props, opts=args.opts)
    return None

pulumi.runtime.register_resource_transform(change)
"""

EDGE = """
DualStackEdge("{name}", {{**stack.arguments(), "hostnames": ["{name}.example.com"]}})
"""

CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"

CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"

LEGACY = (
    "behavior.pop('cachePolicyId'); behavior.pop('originRequestPolicyId'); "
    "behavior['forwardedValues'] = {values}"
)

FAULTS: Final[dict[str, tuple[str, dict[str, str]]]] = {
    "ipv6": (
        "props['isIpv6Enabled'] = False",
        {
            "ipv6-enabled": "isIpv6Enabled is false; it must be true. Set isIpv6Enabled to true.",
            "alias-targets-valid": 'type is "AAAA" for "ipv6-cdn-distribution", whose '
            "isIpv6Enabled",
        },
    ),
    "caching": (
        f"behavior['cachePolicyId'] = '{CACHING_OPTIMIZED}'",
        {
            "caching-off": f'defaultCacheBehavior.cachePolicyId is "{CACHING_OPTIMIZED}" '
            f'(CachingOptimized), which caches; it must be "{CACHING_DISABLED}" '
            f'(CachingDisabled). Set cachePolicyId to "{CACHING_DISABLED}" (CachingDisabled) and '
            "leave forwardedValues and the TTLs out."
        },
    ),
    "error-caching": (
        (
            "props['customErrorResponses'] = [e for e in props['customErrorResponses']"
            " if int(e['errorCode']) != 404]"
        ),
        {"error-caching-off": "customErrorResponses"},
    ),
    "headers": (
        "behavior['originRequestPolicyId'] = 'b689b0a8-53d0-40ab-baf2-68738e2966ac'",
        {"headers-forwarded": "defaultCacheBehavior.originRequestPolicyId is "},
    ),
    "cookies": (
        LEGACY.format(
            values="{'headers': ['*'], 'queryString': True, 'cookies': {'forward': 'none'}}"
        ),
        {
            "cookies-forwarded": "defaultCacheBehavior.forwardedValues.cookies.forward is "
            '"none"; it must be "all".'
        },
    ),
    "query-strings": (
        LEGACY.format(
            values="{'headers': ['*'], 'queryString': False, 'cookies': {'forward': 'all'}}"
        ),
        {
            "query-strings-forwarded": "defaultCacheBehavior.forwardedValues.queryString is "
            "false; it must be true."
        },
    ),
    "methods": (
        "behavior['allowedMethods'] = ['GET', 'HEAD']",
        {"methods-allowed": "defaultCacheBehavior.allowedMethods is "},
    ),
    "ordered": (
        (
            "props['orderedCacheBehaviors'] = [{**behavior, 'pathPattern': '/static/*',"
            f" 'cachePolicyId': '{CACHING_OPTIMIZED}'}}]"
        ),
        {"caching-off": "orderedCacheBehaviors[0].cachePolicyId is "},
    ),
}
"""An edge for each fault: what its distribution is changed to, and what is said of it by rule."""


def test_an_edge_that_breaks_a_rule_stops_its_stack_at_preview(stack: Stack) -> None:
    """All edges are in one program, because starting the engine takes longer than judging one."""
    change = "".join(
        f"if args.name == '{name}-cdn-distribution':\n            {change}\n        "
        for name, (change, _) in FAULTS.items()
    )
    stack.wrap(TRANSFORM.format(change=change))
    with (stack.folder / "__main__.py").open("a") as program:
        program.write("".join(EDGE.format(name=name) for name in FAULTS))
    log = stack.folder / "events.jsonl"
    printed = stack.pulumi(
        "preview", "--event-log", str(log), PULUMI_DEBUG_COMMANDS="true"
    ).refused()
    violations: dict[str, dict[str, str]] = {name: {} for name in FAULTS}
    for event in map(json.loads, log.read_text().splitlines()):
        violation = event.get("policyEvent")
        if violation and violation["enforcementLevel"] == "mandatory":
            name = violation["resourceUrn"].rpartition("::")[2]
            edges = [edge for edge in FAULTS if name.startswith(f"{edge}-")]
            assert edges, violation
            # One change can be seen at several resources, such as the records of two families.
            before = violations[edges[0]].get(violation["policyName"], "")
            violations[edges[0]][violation["policyName"]] = before + violation["message"]
    for name, (_, messages) in FAULTS.items():
        assert violations[name].keys() == messages.keys()
        for rule, message in messages.items():
            assert f"{rule}: {message}" in violations[name][rule]
            assert f"{rule}: {message}" in printed
    assert "[mandatory]" in printed


def test_up_is_refused_before_the_distribution_is_made(
    stack: Stack, route53: "Route53Client", cloudfront: "CloudFrontClient"
) -> None:
    stack.wrap(TRANSFORM.format(change="props['isIpv6Enabled'] = False"))
    assert "ipv6-enabled: isIpv6Enabled is false; it must be true." in stack.up().refused()
    assert not cloudfront.list_distributions()["DistributionList"].get("Items")
    assert {identifier for _, _, identifier in weights(route53)} <= {"direct"}


def test_a_value_that_is_not_known_yet_does_not_pass(stack: Stack) -> None:
    """The id of a policy made in the same stack is unknown at preview; unknown never passes."""
    change = (
        "behavior['cachePolicyId'] = pulumi.Output.from_input('x').apply("
        "lambda _: pulumi.UNKNOWN) if pulumi.runtime.is_dry_run() else 'x'"
    )
    stack.wrap(TRANSFORM.format(change=change))
    printed = stack.pulumi("preview").refused()
    assert "caching-off cannot tell: defaultCacheBehavior.cachePolicyId is not known" in printed


def test_the_sandbox_s_own_stack_passes_at_preview_at_up_and_as_state(stack: Stack) -> None:
    assert "[mandatory]" not in stack.pulumi("preview").must()
    assert "[mandatory]" not in stack.up().must()
    exported = stack.folder / "export.json"
    exported.write_text(stack.pulumi("stack", "export").must())
    printed = stack.pulumi("policy", "analyze", "--file", str(exported)).must()
    assert "dual-stack" in printed
