"""Elastic Load Balancing: load balancers looked up by name.

Source: hashicorp/terraform-provider-aws, `internal/service/elbv2/load_balancer_data_source.go`,
`internal/service/elb/load_balancer_data_source.go`.

Where they differ: settings of a load balancer (attributes, listeners, health checks, logs) are left
out of the answer. They are read all the same: the official plugin needs the permission to.
"""

from botocore.exceptions import ClientError

from sandbox.plugins.aws.session import AwsSession, code_of, from_list
from sandbox.plugins.resource import Function, PluginError
from sandbox.plugins.values import Props, block_of, items_of


def _get_load_balancer(session: AwsSession, args: Props) -> Props:
    """Look up an application, network or gateway load balancer by ARN, name or tags."""
    region = args.get("region")
    balancers = _find(session, args)
    if len(balancers) != 1:
        raise PluginError(
            f"Search returned {len(balancers)} results, please revise so only one is returned"
        )
    balancer = balancers[0]
    arn = balancer["LoadBalancerArn"]
    client = session.client("elbv2", region)
    client.describe_load_balancer_attributes(LoadBalancerArn=arn)
    zones: list[Props] = items_of(balancer, "AvailabilityZones")
    return {
        "id": arn,
        "arn": arn,
        "arnSuffix": arn.split(":loadbalancer/")[-1],
        "name": balancer["LoadBalancerName"],
        "dnsName": balancer["DNSName"],
        "zoneId": balancer["CanonicalHostedZoneId"],
        "loadBalancerType": balancer.get("Type", ""),
        "ipAddressType": balancer.get("IpAddressType", ""),
        "internal": balancer.get("Scheme") == "internal",
        "region": region or session.region,
        "vpcId": balancer.get("VpcId", ""),
        "securityGroups": items_of(balancer, "SecurityGroups"),
        "subnets": [zone["SubnetId"] for zone in zones if zone.get("SubnetId")],
        "tags": _tags(session, region, arn),
    }


def _find(session: AwsSession, args: Props) -> list[Props]:
    arguments: Props = {}
    if args.get("arn"):
        arguments["LoadBalancerArns"] = [args["arn"]]
    elif args.get("name"):
        arguments["Names"] = [args["name"]]
    region, tags = args.get("region"), block_of(args, "tags")
    pages = session.client("elbv2", region).get_paginator("describe_load_balancers")
    try:
        balancers = [item for page in pages.paginate(**arguments) for item in page["LoadBalancers"]]
    except ClientError as error:
        # The official plugin takes it for an empty result.
        if code_of(error) in {"LoadBalancerNotFound", "LoadBalancerNotFoundException"}:
            return []
        raise
    if args.get("name"):
        balancers = [item for item in balancers if item["LoadBalancerName"] == args["name"]]
    return [
        item
        for item in balancers
        if not tags or not tags.items() - _tags(session, region, item["LoadBalancerArn"]).items()
    ]


def _tags(session: AwsSession, region: str | None, arn: str) -> dict[str, str]:
    answer = session.client("elbv2", region).describe_tags(ResourceArns=[arn])
    descriptions: list[Props] = answer["TagDescriptions"]
    return session.own_tags(from_list(descriptions[0]["Tags"]) if descriptions else {})


def _get_classic(session: AwsSession, args: Props) -> Props:
    """Look up a classic load balancer by name."""
    name, region = args.get("name"), args.get("region") or session.region
    client = session.client("elb", region)
    if not name:
        raise PluginError("name is missing; a classic load balancer is looked up by it. Give it.")
    try:
        balancers: list[Props] = client.describe_load_balancers(LoadBalancerNames=[name])[
            "LoadBalancerDescriptions"
        ]
    except ClientError as error:
        if code_of(error) not in {"LoadBalancerNotFound", "AccessPointNotFound"}:
            raise
        balancers = []
    if len(balancers) != 1:
        raise PluginError(
            f"reading ELB Classic Load Balancer ({name}): couldn't find resource. "
            f"There are {len(balancers)} of that name in {region}; is it an application or network "
            "load balancer? Those are found by aws.lb.get_load_balancer."
        )
    balancer = balancers[0]
    client.describe_load_balancer_attributes(LoadBalancerName=name)
    listed: list[Props] = client.describe_tags(LoadBalancerNames=[name])["TagDescriptions"]
    group: Props = block_of(balancer, "SourceSecurityGroup")
    return {
        "id": name,
        "name": name,
        "arn": (
            f"arn:{session.partition(region)}:elasticloadbalancing:{region}:"
            f"{session.identity['Account']}:loadbalancer/{name}"
        ),
        "dnsName": balancer["DNSName"],
        "zoneId": balancer.get("CanonicalHostedZoneNameID"),
        "region": region,
        "internal": balancer.get("Scheme") == "internal",
        "availabilityZones": items_of(balancer, "AvailabilityZones"),
        "subnets": items_of(balancer, "Subnets"),
        "securityGroups": items_of(balancer, "SecurityGroups"),
        "sourceSecurityGroup": "/".join(
            part for part in (group.get("OwnerAlias"), group.get("GroupName")) if part
        ),
        "sourceSecurityGroupId": _group_id(session, region, balancer),
        "instances": [item["InstanceId"] for item in items_of(balancer, "Instances")],
        "tags": session.own_tags(from_list(listed[0]["Tags"]) if listed else {}),
    }


def _group_id(session: AwsSession, region: str, balancer: Props) -> str:
    group: Props = block_of(balancer, "SourceSecurityGroup")
    if not group.get("GroupName") or not balancer.get("VPCId"):
        return ""
    groups: list[Props] = session.client("ec2", region).describe_security_groups(
        Filters=[
            {"Name": "group-name", "Values": [group["GroupName"]]},
            {"Name": "vpc-id", "Values": [balancer["VPCId"]]},
        ]
    )["SecurityGroups"]
    return str(groups[0]["GroupId"]) if groups else ""


def functions() -> list[Function[AwsSession]]:
    """Return the functions of the service."""
    return [
        Function("aws:lb/getLoadBalancer:getLoadBalancer", _get_load_balancer),
        Function("aws:elb/getLoadBalancer:getLoadBalancer", _get_classic),
    ]
