"""Each rule of the mandatory pack stops a stack that breaks it, at preview.

The fault comes in the way it would in life: a transform, in front of the program, that somebody
wrote for the whole organisation.
"""

import re
from typing import TYPE_CHECKING

import pytest

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

CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"

CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"

LEGACY = (
    "behavior.pop('cachePolicyId'); behavior.pop('originRequestPolicyId'); "
    "behavior['forwardedValues'] = {values}"
)

FAULTS = [
    pytest.param(
        "props['isIpv6Enabled'] = False",
        {"ipv6-enabled: isIpv6Enabled is false; it must be true. Set isIpv6Enabled to true."},
        id="ipv6-enabled",
    ),
    pytest.param(
        f"behavior['cachePolicyId'] = '{CACHING_OPTIMIZED}'",
        {
            (
                f'caching-off: defaultCacheBehavior.cachePolicyId is "{CACHING_OPTIMIZED}" '
                f'(CachingOptimized), which caches; it must be "{CACHING_DISABLED}" '
                f'(CachingDisabled). Set cachePolicyId to "{CACHING_DISABLED}" '
                "(CachingDisabled) and "
                "leave forwardedValues and the TTLs out."
            )
        },
        id="caching-off",
    ),
    pytest.param(
        "props['customErrorResponses'] = [e for e in props['customErrorResponses']"
        " if int(e['errorCode']) != 404]",
        {"error-caching-off: customErrorResponses"},
        id="error-caching-off",
    ),
    pytest.param(
        "behavior['originRequestPolicyId'] = 'b689b0a8-53d0-40ab-baf2-68738e2966ac'",
        {"headers-forwarded: defaultCacheBehavior.originRequestPolicyId is "},
        id="headers-forwarded",
    ),
    pytest.param(
        LEGACY.format(
            values="{'headers': ['*'], 'queryString': True, 'cookies': {'forward': 'none'}}"
        ),
        {
            (
                "cookies-forwarded: defaultCacheBehavior.forwardedValues.cookies.forward is "
                '"none"; it must be "all".'
            )
        },
        id="cookies-forwarded",
    ),
    pytest.param(
        LEGACY.format(
            values="{'headers': ['*'], 'queryString': False, 'cookies': {'forward': 'all'}}"
        ),
        {
            (
                "query-strings-forwarded: defaultCacheBehavior.forwardedValues.queryString is "
                "false; it must be true."
            )
        },
        id="query-strings-forwarded",
    ),
    pytest.param(
        "behavior['allowedMethods'] = ['GET', 'HEAD']",
        {"methods-allowed: defaultCacheBehavior.allowedMethods is "},
        id="methods-allowed",
    ),
    pytest.param(
        "props['orderedCacheBehaviors'] = [{**behavior, 'pathPattern': '/static/*',"
        f" 'cachePolicyId': '{CACHING_OPTIMIZED}'}}]",
        {"caching-off: orderedCacheBehaviors[0].cachePolicyId is "},
        id="an ordered behaviour",
    ),
]


@pytest.mark.parametrize(("change", "messages"), FAULTS)
def test_a_stack_that_breaks_a_rule_is_stopped_at_preview(
    stack: Stack, change: str, messages: set[str]
) -> None:
    stack.wrap(TRANSFORM.format(change=change))
    said = stack.pulumi("preview").refused()
    assert "[mandatory]" in said
    for message in messages:
        assert message in said
    assert set(re.findall(r"\[mandatory\] \[severity: \w+\] +(\S+)", said)) == {
        message.split(":")[0] for message in messages
    }


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
    said = stack.pulumi("preview").refused()
    assert "caching-off cannot tell: defaultCacheBehavior.cachePolicyId is not known" in said


def test_the_sandbox_s_own_stack_passes_at_preview_at_up_and_as_state(stack: Stack) -> None:
    assert "[mandatory]" not in stack.pulumi("preview").must()
    assert "[mandatory]" not in stack.up().must()
    exported = stack.folder / "export.json"
    exported.write_text(stack.pulumi("stack", "export").must())
    said = stack.pulumi("policy", "analyze", "--file", str(exported)).must()
    assert "dual-stack" in said
