"""A distribution must have IPv6 on.

With it off CloudFront answers AAAA questions with no address, so an AAAA record that points to the
distribution is empty and clients without IPv4 cannot connect. The default of Pulumi's and
Terraform's AWS provider is off, unlike the console's, so leaving the property out turns IPv6 off.
A distribution for many tenants has no switch of its own: its connection groups have it, under the
name `ipv6Enabled`.

Source: CloudFront API Reference, "DistributionConfig", IsIPV6Enabled; terraform-provider-aws,
documentation of `is_ipv6_enabled`.
"""

from collections.abc import Iterator

from policies.cloudfront import CONNECTION_GROUP, DISTRIBUTION
from policies.model import Finding, Place, Repair, Rule

REMEDY = "Set isIpv6Enabled to true."


def check(distribution: Place) -> Iterator[Finding]:
    """Yield a finding unless `isIpv6Enabled` is true; `ipv6Enabled` of a connection group."""
    if distribution.around.resource.type in CONNECTION_GROUP:
        yield from distribution.get("ipv6Enabled").must_be(value=True, fix="Set it to true.")
    else:
        yield from distribution.get("isIpv6Enabled").must_be(value=True, fix=REMEDY)


def repair(distribution: Place) -> Iterator[Repair]:
    """Yield IPv6 on, unless it is known to be or not known."""
    group = distribution.around.resource.type in CONNECTION_GROUP
    key = "ipv6Enabled" if group else "isIpv6Enabled"
    ipv6 = distribution.get(key)
    if not (ipv6.unknown or ipv6.value is True):
        yield Repair((key,), value=True)


RULE = Rule(
    name="ipv6-enabled",
    text=__doc__,
    url="https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_DistributionConfig.html",
    severity="high",
    remedy=REMEDY,
    resource_types=DISTRIBUTION | CONNECTION_GROUP,
    check=check,
    repair=repair,
)
