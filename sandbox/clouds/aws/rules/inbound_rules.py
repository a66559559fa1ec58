"""Rules of the inbound rules of security groups."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sandbox.clouds.aws.refusal import Refusal

PORT_PROTOCOLS: Final = frozenset({"tcp", "udp", "6", "17"})
MAX_PORT: Final = 65_535
DESCRIPTION: Final = re.compile(r"[a-zA-Z0-9. _:/()#,@\[\]+=&;{}!$*-]{0,255}")

QUOTA: Final = 60
"""Inbound rules of a security group, for each address family.

Source: Amazon VPC User Guide, 'Amazon VPC quotas', security groups.
"""

WEIGHTS: Final = {
    "com.amazonaws.global.cloudfront.origin-facing": 55,
    "com.amazonaws.global.ipv6.cloudfront.origin-facing": 55,
    "com.amazonaws.global.groundstation": 5,
}
"""Source: Amazon VPC User Guide, 'AWS-managed prefix list weight'."""

REGIONAL_WEIGHTS: Final = {"s3": 1, "dynamodb": 1, "vpc-lattice": 10}
"""Those of lists named after a region, by the end of the name. Source: the same."""


@dataclass(frozen=True)
class PrefixList:
    """A managed prefix list."""

    name: str
    family: str
    """`IPv4` or `IPv6`."""
    max_entries: int | None
    """How many entries it may have; AWS does not tell it of its own lists."""

    @property
    def weight(self) -> int:
        """How many rules a reference to it counts for."""
        if self.max_entries is not None:
            return self.max_entries
        return WEIGHTS.get(self.name) or REGIONAL_WEIGHTS.get(self.name.rpartition(".")[2], 1)


@dataclass(frozen=True)
class InboundRule:
    """An inbound rule, as far as it counts: where it lets traffic in from."""

    cidr: str | None = None
    prefix_list: PrefixList | None = None
    """Neither of the two: a security group."""

    def counts(self, family: str) -> int:
        """Return for how many rules of a family, `IPv4` or `IPv6`, it counts."""
        if self.prefix_list is not None:
            return self.prefix_list.weight if self.prefix_list.family == family else 0
        if self.cidr is not None:
            return int((":" in self.cidr) == (family == "IPv6"))
        return 1


def rules_fit_the_quota(
    present: Iterable[InboundRule], added: Iterable[InboundRule]
) -> Refusal | None:
    """A security group has at most 60 inbound rules for IPv4 and 60 for IPv6.

    A customer's prefix list counts for as many as it may have entries, one of AWS's for its weight:
    55 for CloudFront's. A security group counts for one in each family.

    Source: Amazon VPC User Guide, 'Amazon VPC quotas' and 'AWS-managed prefix list weight'; message
    as reported in aws-samples/aws-cloudfront-samples#53.

    Args:
        present: the group's inbound rules that stay.
        added: those to be added.
    """
    every = [*present, *added]
    if all(sum(rule.counts(family) for rule in every) <= QUOTA for family in ("IPv4", "IPv6")):
        return None
    return Refusal(
        "RulesPerSecurityGroupLimitExceeded",
        "The maximum number of rules per security group has been reached.",
    )


def prefix_list_exists(prefix_list_id: str, prefix_list: PrefixList | None) -> Refusal | None:
    """A rule refers to a prefix list that there is.

    Source: Amazon EC2 API Reference, 'Error codes', InvalidPrefixListID.NotFound.
    """
    if prefix_list is not None:
        return None
    return Refusal(
        "InvalidPrefixListID.NotFound", f"The prefix list ID '{prefix_list_id}' does not exist"
    )


def port_protocol_has_ports(protocol: str, first: int | None, last: int | None) -> Refusal | None:
    """A rule for TCP or UDP has a range of ports, in order.

    Source: Amazon EC2 API Reference, 'IpPermission', FromPort and ToPort; message as moto gives it.
    """
    if protocol not in PORT_PROTOCOLS:
        return None
    if first is None or last is None:
        fault = "Must specify both from and to ports with TCP/UDP."
    elif not 0 <= first <= last <= MAX_PORT:
        fault = f"It goes from {first} to {last}."
    else:
        return None
    return Refusal("InvalidParameterValue", f"Invalid value for portRange. {fault}")


def description_can_be_one(description: str | None) -> Refusal | None:
    """A description of a rule has up to 255 characters of those that are allowed.

    Source: Amazon EC2 API Reference, 'IpRange', Description; the message is as users quote it.
    """
    if description is None or DESCRIPTION.fullmatch(description):
        return None
    return Refusal(
        "InvalidParameterValue",
        "Invalid rule description. Valid descriptions are strings less than 256 characters from "
        "the following set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*",
    )


REQUEST_RULES: Final = (
    rules_fit_the_quota,
    prefix_list_exists,
    port_protocol_has_ports,
    description_can_be_one,
)
