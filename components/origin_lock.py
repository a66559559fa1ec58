"""What lets the load balancer tell CloudFront's requests from anybody else's."""

from collections.abc import Sequence
from typing import Final, TypedDict

import pulumi
import pulumi_aws as aws
import pulumi_random as random

from components.settings import OriginLock as Lock

_SECRET_LENGTH: Final = 64


class OriginLockComponentArgs(TypedDict):
    """What a lock is made of."""

    lock: Lock
    """Which secret is in use, and the security group."""
    ports: Sequence[int]
    """TCP ports of the load balancer that CloudFront connects to."""
    prefix_list_id: str | None
    """CloudFront's addresses; needed where there is a security group."""


class OriginLockComponent(pulumi.ComponentResource):
    """Secrets that CloudFront sends, and rules that admit its addresses.

    It creates the secrets of two generations, the one in use and the next, and, where there is a
    security group, one ingress rule for each port. It closes nothing: the load balancer refuses
    requests without a secret by a listener rule of yours, and its security group refuses others
    once you remove the rules that admit everybody. Both are yours because only you can know that
    nobody uses the old path any more.

    **Why the next and not the one before.** To rotate without a gap, the load balancer has to
    accept the new secret before CloudFront begins to send it, and the old one until every edge
    location has stopped. So the next secret exists, and is accepted, a whole generation before it
    is sent. When the generation goes up, CloudFront begins to send what is accepted already; the
    one after it takes the old one's place only when the distribution is deployed everywhere.

    The prefix list alone is no lock: it holds the addresses of all of CloudFront, and everybody can
    have a distribution that points at the load balancer.

    Source: CloudFront Developer Guide, 'Restrict access to Application Load Balancers'; Amazon VPC
    User Guide, 'AWS-managed prefix lists'.
    """

    current: pulumi.Output[str]
    """The secret that CloudFront sends. Secret."""
    accepted: pulumi.Output[list[str]]
    """The secrets to accept: the current one and the next. Secret."""

    def __init__(
        self, name: str, args: OriginLockComponentArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Generate the secrets, and add the rules."""
        super().__init__("dualstack:index:OriginLock", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        generation = args["lock"].generation
        current, following = (
            pulumi.Output.secret(
                random.RandomPassword(
                    # A secret keeps its name as the number in use goes up, and so keeps its value.
                    f"{name}-secret-{number}",
                    length=_SECRET_LENGTH,
                    special=False,
                    opts=child,
                ).result
            )
            for number in (generation, generation + 1)
        )
        self.current = current
        self.accepted = pulumi.Output.all(current, following)
        if security_group := args["lock"].security_group:
            for port in args["ports"]:
                aws.vpc.SecurityGroupIngressRule(
                    f"{name}-from-cloudfront-{port}",
                    security_group_id=security_group,
                    prefix_list_id=args["prefix_list_id"],
                    ip_protocol="tcp",
                    from_port=port,
                    to_port=port,
                    description="CloudFront",
                    opts=child,
                )
        self.register_outputs({"current": self.current, "accepted": self.accepted})
