"""Elastic Load Balancing: load balancers looked up by name.

Source: hashicorp/terraform-provider-aws, `internal/service/elbv2/load_balancer_data_source.go`,
`internal/service/elb/load_balancer_data_source.go`.

Where they differ: the answer has what the program reads. Settings of a load balancer (attributes,
tags, groups) are read all the same: the official plugin needs the permission to.
"""

from botocore.exceptions import ClientError

from sandbox.plugins.aws.aws_session import AwsSession, code_of
from sandbox.plugins.resource import Function, PluginError
from sandbox.plugins.values import Props

_ABSENT = frozenset(
    {"AccessPointNotFound", "LoadBalancerNotFound", "LoadBalancerNotFoundException"}
)


def _get_load_balancer(session: AwsSession, args: Props) -> Props:
    """Look up an application, network or gateway load balancer."""
    name, client = args.get("name", ""), session.client("elbv2")
    balancers: list[Props] = []
    try:
        balancers = client.describe_load_balancers(Names=[name])["LoadBalancers"]
    except ClientError as error:
        # The official plugin takes it for an empty result.
        if code_of(error) not in _ABSENT:
            raise
    if len(balancers) != 1:
        raise PluginError(
            f"Search returned {len(balancers)} results, please revise so only one is returned"
        )
    balancer = balancers[0]
    arn = balancer["LoadBalancerArn"]
    client.describe_load_balancer_attributes(LoadBalancerArn=arn)
    client.describe_tags(ResourceArns=[arn])
    return {
        "id": arn,
        "arn": arn,
        "name": balancer["LoadBalancerName"],
        "dnsName": balancer["DNSName"],
        "zoneId": balancer["CanonicalHostedZoneId"],
        "loadBalancerType": balancer.get("Type", ""),
        "ipAddressType": balancer.get("IpAddressType", ""),
        "internal": balancer.get("Scheme") == "internal",
        "region": session.region,
    }


def _get_classic(session: AwsSession, args: Props) -> Props:
    """Look up a classic load balancer."""
    name, client = args.get("name", ""), session.client("elb")
    try:
        answer = client.describe_load_balancers(LoadBalancerNames=[name])
    except ClientError as error:
        if code_of(error) not in _ABSENT:
            raise
        raise PluginError(
            f"reading ELB Classic Load Balancer ({name}): couldn't find resource. "
            f"There is none of that name in {session.region}; is it an application or network load "
            "balancer? Those are found by aws.lb.get_load_balancer."
        ) from error
    balancer: Props = answer["LoadBalancerDescriptions"][0]
    client.describe_load_balancer_attributes(LoadBalancerName=name)
    client.describe_tags(LoadBalancerNames=[name])
    session.client("ec2").describe_security_groups(
        Filters=[{"Name": "vpc-id", "Values": [balancer.get("VPCId", "")]}]
    )
    account = session.identity["Account"]
    return {
        "id": name,
        "arn": (
            f"arn:{session.partition()}:elasticloadbalancing:{session.region}:{account}:"
            f"loadbalancer/{name}"
        ),
        "name": name,
        "dnsName": balancer["DNSName"],
        "zoneId": balancer.get("CanonicalHostedZoneNameID"),
        "region": session.region,
        "internal": balancer.get("Scheme") == "internal",
    }


def functions() -> list[Function[AwsSession]]:
    """Return the functions of the service."""
    name = frozenset({"name"})
    return [
        Function("aws:lb/getLoadBalancer:getLoadBalancer", _get_load_balancer, name),
        Function("aws:elb/getLoadBalancer:getLoadBalancer", _get_classic, name),
    ]
