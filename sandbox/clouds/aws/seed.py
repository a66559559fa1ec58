"""The account as a user finds it: an IPv4-only API behind load balancers, with a name in DNS."""

from typing import Final

from moto.ec2.models import ec2_backends
from moto.elb.models import elb_backends
from moto.elbv2.models import elbv2_backends

from sandbox.clouds.aws import ACCOUNT, REGION, load_balancers, security_groups
from sandbox.clouds.aws.state import route53

ZONE: Final = "example.com"
APPLICATION: Final = "api"
CLASSIC: Final = "api-classic"
NETWORK: Final = "api-network"
SECURITY_GROUP: Final = "api-lb"
"""The security group of the application load balancer; it lets HTTP and HTTPS in from anywhere."""
SIMPLE_RECORD: Final = "www.example.com"
"""Today's simple A alias record, out of the way of the sandbox stack's names."""


def seed() -> None:
    """Fill an empty account.

    A hosted zone; three IPv4-only load balancers, one of each kind, in the default VPC, the
    application one with a security group of its own; and a simple A alias record from
    `www.example.com` to the application load balancer.
    """
    elbv2, ec2 = elbv2_backends[ACCOUNT][REGION], ec2_backends[ACCOUNT][REGION]
    security_groups.add_prefix_list(REGION)
    group = ec2.create_security_group(SECURITY_GROUP, "The API's load balancer")
    for port in ("80", "443"):
        ec2.authorize_security_group_ingress(group.id, "tcp", port, port, [{"CidrIp": "0.0.0.0/0"}])
    subnets = [subnet.id for subnet in ec2.get_default_subnets().values()]
    for name, kind, groups in ((APPLICATION, "application", [group.id]), (NETWORK, "network", [])):
        elbv2.create_load_balancer(
            name=name, security_groups=groups, subnet_ids=subnets, loadbalancer_type=kind
        )
    elb_backends[ACCOUNT][REGION].create_load_balancer(
        name=CLASSIC,
        zones=[f"{REGION}a", f"{REGION}b"],
        ports=[
            {"Protocol": protocol, "LoadBalancerPort": port, "InstancePort": port}
            for protocol, port in (("HTTP", 80), ("TCP", 443))
        ],
    )
    load_balancers.repair()
    target = next(each for each in load_balancers.every() if each.name == APPLICATION)
    zone = route53().create_hosted_zone(name=f"{ZONE}.", private_zone=False)
    zone.add_rrset(
        {
            "Name": f"{SIMPLE_RECORD}.",
            "Type": "A",
            "AliasTarget": {
                "HostedZoneId": target.zone_id,
                "DNSName": f"{target.dns_name}.",
                "EvaluateTargetHealth": True,
            },
        }
    )
