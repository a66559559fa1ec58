"""Elastic Load Balancing: load balancers looked up by name.

Source: hashicorp/terraform-provider-aws, `internal/service/elbv2/load_balancer_data_source.go`,
`internal/service/elb/load_balancer_data_source.go` and `hosted_zone_id_data_source.go`.
"""

from typing import Final

from botocore.exceptions import ClientError

from sandbox.plugins.aws.session import Session, code_of, from_list
from sandbox.plugins.resource import Function, PluginError
from sandbox.plugins.schema import ClassRef
from sandbox.plugins.values import Props, block_of, items_of

HOSTED_ZONES: Final = {
    "af-south-1": "Z268VQBMOI5EKX",
    "ap-east-1": "Z3DQVH9N71FHZ0",
    "ap-northeast-1": "Z14GRHDCWA56QT",
    "ap-northeast-2": "ZWKZPGTI48KDX",
    "ap-northeast-3": "Z5LXEXXYW11ES",
    "ap-south-1": "ZP97RAFLXTNZK",
    "ap-southeast-1": "Z1LMS91P8CMLE5",
    "ap-southeast-2": "Z1GM3OXH4ZPM65",
    "ca-central-1": "ZQSVJUPU6J1EY",
    "eu-central-1": "Z215JYRZR1TBD5",
    "eu-north-1": "Z23TAZ6LKFMNIO",
    "eu-south-1": "Z3ULH7SSC9OV64",
    "eu-west-1": "Z32O12XQLNTSW2",
    "eu-west-2": "ZHURV8PSTC4K8",
    "eu-west-3": "Z3Q77PNBQS71R4",
    "me-south-1": "ZS929ML54UICD",
    "sa-east-1": "Z2P70J7HTTTPLU",
    "us-east-1": "Z35SXDOTRQ7X7K",
    "us-east-2": "Z3AADJGX6KTTL2",
    "us-west-1": "Z368ELLRRE2KJ0",
    "us-west-2": "Z1H1FL5HABSF5",
}
"""The hosted zones of classic and application load balancers.

Source: AWS General Reference, 'Elastic Load Balancing endpoints and quotas'.
"""

_FLAGS = {
    "deletion_protection.enabled": "enableDeletionProtection",
    "load_balancing.cross_zone.enabled": "enableCrossZoneLoadBalancing",
    "routing.http2.enabled": "enableHttp2",
    "routing.http.drop_invalid_header_fields.enabled": "dropInvalidHeaderFields",
    "routing.http.preserve_host_header.enabled": "preserveHostHeader",
    "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": (
        "enableTlsVersionAndCipherSuiteHeaders"
    ),
    "routing.http.xff_client_port.enabled": "enableXffClientPort",
    "waf.fail_open.enabled": "enableWafFailOpen",
    "zonal_shift.config.enabled": "enableZonalShift",
}
_TEXTS = {
    "routing.http.desync_mitigation_mode": "desyncMitigationMode",
    "routing.http.xff_header_processing.mode": "xffHeaderProcessingMode",
    "dns_record.client_routing_policy": "dnsRecordClientRoutingPolicy",
}
_NUMBERS = {
    "idle_timeout.timeout_seconds": "idleTimeout",
    "client_keep_alive.seconds": "clientKeepAlive",
}


def _get_load_balancer(session: Session, args: Props) -> Props:
    """Look up an application, network or gateway load balancer by ARN, name or tags."""
    region = args.get("region")
    found = _find(session, args)
    if len(found) != 1:
        raise PluginError(
            f"Search returned {len(found)} results, please revise so only one is returned"
        )
    balancer = found[0]
    arn = balancer["LoadBalancerArn"]
    client = session.client("elbv2", region)
    attributes = {
        item["Key"]: item.get("Value", "")
        for item in client.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]
    }
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
        "subnetMappings": [_subnet_mapping(zone) for zone in zones],
        "customerOwnedIpv4Pool": balancer.get("CustomerOwnedIpv4Pool", ""),
        "enablePrefixForIpv6SourceNat": balancer.get("EnablePrefixForIpv6SourceNat", ""),
        "enforceSecurityGroupInboundRulesOnPrivateLinkTraffic": balancer.get(
            "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic", ""
        ),
        "ipamPools": [],
        "secondaryIpsAutoAssignedPerSubnet": 0,
        "accessLogs": _logs(attributes, "access_logs.s3"),
        "connectionLogs": [_logs(attributes, "connection_logs.s3")],
        "healthCheckLogs": [_logs(attributes, "health_check_logs.s3")],
        "tags": _tags(session, region, arn),
        **{name: attributes.get(key) == "true" for key, name in _FLAGS.items()},
        **{name: attributes.get(key, "") for key, name in _TEXTS.items()},
        **{name: int(attributes.get(key) or 0) for key, name in _NUMBERS.items()},
    }


def _find(session: Session, args: Props) -> list[Props]:
    arguments: Props = {}
    if args.get("arn"):
        arguments["LoadBalancerArns"] = [args["arn"]]
    elif args.get("name"):
        arguments["Names"] = [args["name"]]
    region, wanted = args.get("region"), block_of(args, "tags")
    pages = session.client("elbv2", region).get_paginator("describe_load_balancers")
    try:
        found = [item for page in pages.paginate(**arguments) for item in page["LoadBalancers"]]
    except ClientError as error:
        # The official plugin takes it for an empty result.
        if code_of(error) in {"LoadBalancerNotFound", "LoadBalancerNotFoundException"}:
            return []
        raise
    if args.get("name"):
        found = [item for item in found if item["LoadBalancerName"] == args["name"]]
    return [
        item
        for item in found
        if not wanted
        or not wanted.items() - _tags(session, region, item["LoadBalancerArn"]).items()
    ]


def _tags(session: Session, region: str | None, arn: str) -> dict[str, str]:
    answer = session.client("elbv2", region).describe_tags(ResourceArns=[arn])
    descriptions: list[Props] = answer["TagDescriptions"]
    return session.own_tags(from_list(descriptions[0]["Tags"]) if descriptions else {})


def _subnet_mapping(zone: Props) -> Props:
    addresses: list[Props] = items_of(zone, "LoadBalancerAddresses")
    address = addresses[0] if addresses else Props()
    return {
        "subnetId": zone.get("SubnetId", ""),
        "outpostId": zone.get("OutpostId", ""),
        "allocationId": address.get("AllocationId", ""),
        "privateIpv4Address": address.get("PrivateIPv4Address", ""),
        "ipv6Address": address.get("IPv6Address", ""),
    }


def _logs(attributes: dict[str, str], prefix: str) -> Props:
    return {
        "bucket": attributes.get(f"{prefix}.bucket", ""),
        "enabled": attributes.get(f"{prefix}.enabled") == "true",
        "prefix": attributes.get(f"{prefix}.prefix", ""),
    }


def _get_classic(session: Session, args: Props) -> Props:
    """Look up a classic load balancer by name."""
    name, region = args.get("name"), args.get("region") or session.region
    client = session.client("elb", region)
    if not name:
        raise PluginError("name is missing; a classic load balancer is looked up by it. Give it.")
    try:
        found: list[Props] = client.describe_load_balancers(LoadBalancerNames=[name])[
            "LoadBalancerDescriptions"
        ]
    except ClientError as error:
        if code_of(error) not in {"LoadBalancerNotFound", "AccessPointNotFound"}:
            raise
        found = []
    if len(found) != 1:
        raise PluginError(
            f"reading ELB Classic Load Balancer ({name}): couldn't find resource. "
            f"There are {len(found)} of that name in {region}; is it an application or network "
            "load balancer? Those are found by aws.lb.get_load_balancer."
        )
    balancer = found[0]
    attributes: Props = client.describe_load_balancer_attributes(LoadBalancerName=name)[
        "LoadBalancerAttributes"
    ]
    listed: list[Props] = client.describe_tags(LoadBalancerNames=[name])["TagDescriptions"]
    group: Props = block_of(balancer, "SourceSecurityGroup")
    draining: Props = block_of(attributes, "ConnectionDraining")
    logs: Props = block_of(attributes, "AccessLog")
    health: Props = block_of(balancer, "HealthCheck")
    additional: list[Props] = items_of(attributes, "AdditionalAttributes")
    return {
        "id": name,
        "name": name,
        "arn": (
            f"arn:{session.partition(region)}:elasticloadbalancing:{region}:"
            f"{session.identity['Account']}:loadbalancer/{name}"
        ),
        "dnsName": balancer["DNSName"],
        "zoneId": balancer.get("CanonicalHostedZoneNameID") or HOSTED_ZONES.get(region),
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
        "listeners": [_listener(item) for item in items_of(balancer, "ListenerDescriptions")],
        "healthCheck": {
            "healthyThreshold": health.get("HealthyThreshold", 0),
            "interval": health.get("Interval", 0),
            "target": health.get("Target", ""),
            "timeout": health.get("Timeout", 0),
            "unhealthyThreshold": health.get("UnhealthyThreshold", 0),
        },
        "accessLogs": {
            "bucket": logs.get("S3BucketName", ""),
            "bucketPrefix": logs.get("S3BucketPrefix", ""),
            "enabled": logs.get("Enabled", False),
            "interval": logs.get("EmitInterval", 0),
        },
        "connectionDraining": draining.get("Enabled", False),
        "connectionDrainingTimeout": draining.get("Timeout", 0),
        "crossZoneLoadBalancing": block_of(attributes, "CrossZoneLoadBalancing").get(
            "Enabled", False
        ),
        "idleTimeout": block_of(attributes, "ConnectionSettings").get("IdleTimeout", 0),
        "desyncMitigationMode": next(
            (
                item["Value"]
                for item in additional
                if item["Key"] == "elb.http.desyncmitigationmode"
            ),
            "",
        ),
        "tags": session.own_tags(from_list(listed[0]["Tags"]) if listed else {}),
    }


def _listener(description: Props) -> Props:
    listener: Props = description["Listener"]
    return {
        "instancePort": listener["InstancePort"],
        "instanceProtocol": listener.get("InstanceProtocol", "").lower(),
        "lbPort": listener["LoadBalancerPort"],
        "lbProtocol": listener["Protocol"].lower(),
        "sslCertificateId": listener.get("SSLCertificateId", ""),
    }


def _group_id(session: Session, region: str, balancer: Props) -> str:
    group: Props = block_of(balancer, "SourceSecurityGroup")
    if not group.get("GroupName") or not balancer.get("VPCId"):
        return ""
    found: list[Props] = session.client("ec2", region).describe_security_groups(
        Filters=[
            {"Name": "group-name", "Values": [group["GroupName"]]},
            {"Name": "vpc-id", "Values": [balancer["VPCId"]]},
        ]
    )["SecurityGroups"]
    return str(found[0]["GroupId"]) if found else ""


def _get_hosted_zone_id(session: Session, args: Props) -> Props:
    """Return the hosted zone of the classic load balancers in a region."""
    region = args.get("region") or session.region
    if region not in HOSTED_ZONES:
        raise PluginError(f"unsupported AWS Region: {region}")
    return {"id": HOSTED_ZONES[region], "region": region}


def functions() -> list[Function[Session]]:
    """Return the functions of the service."""
    modern, classic, zone = (
        "pulumi_aws.lb.get_load_balancer",
        "pulumi_aws.elb.get_load_balancer",
        "pulumi_aws.elb.get_hosted_zone_id",
    )
    return [
        Function(
            "aws:lb/getLoadBalancer:getLoadBalancer",
            ClassRef(modern, "get_load_balancer"),
            ClassRef(modern, "GetLoadBalancerResult"),
            _get_load_balancer,
        ),
        Function(
            "aws:elb/getLoadBalancer:getLoadBalancer",
            ClassRef(classic, "get_load_balancer"),
            ClassRef(classic, "GetLoadBalancerResult"),
            _get_classic,
        ),
        Function(
            "aws:elb/getHostedZoneId:getHostedZoneId",
            ClassRef(zone, "get_hosted_zone_id"),
            ClassRef(zone, "GetHostedZoneIdResult"),
            _get_hosted_zone_id,
        ),
    ]
