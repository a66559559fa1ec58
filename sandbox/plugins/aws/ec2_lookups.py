"""EC2: security groups by their id and prefix lists by their name, looked up.

Source: hashicorp/terraform-provider-aws, `internal/service/ec2/vpc_security_group_data_source.go`
and `vpc_managed_prefix_list_data_source.go`.
"""

from botocore.exceptions import ClientError

from sandbox.plugins.aws.aws_session import AwsSession, code_of, from_list
from sandbox.plugins.resource import Function, PluginError
from sandbox.plugins.values import Props, items_of


def _get_managed_prefix_list(session: AwsSession, args: Props) -> Props:
    """Look a prefix list up by its name.

    Where it differs: its entries are read, as the official plugin needs the permission to, and left
    out of the answer.
    """
    client = session.client("ec2")
    name = {"Name": "prefix-list-name", "Values": [args.get("name", "")]}
    pages = client.get_paginator("describe_managed_prefix_lists").paginate(Filters=[name])
    lists: list[Props] = [item for page in pages for item in page["PrefixLists"]]
    if not lists:
        raise PluginError("no matching EC2 Managed Prefix List found")
    prefixes = lists[0]
    client.get_managed_prefix_list_entries(PrefixListId=prefixes["PrefixListId"])
    return {
        "id": prefixes["PrefixListId"],
        "addressFamily": prefixes["AddressFamily"],
        "arn": prefixes["PrefixListArn"],
        "entries": [],
        "maxEntries": prefixes.get("MaxEntries", 0),
        "name": prefixes["PrefixListName"],
        "ownerId": prefixes["OwnerId"],
        "region": session.region,
        "tags": {},
        "version": prefixes.get("Version", 0),
    }


def _get_security_group(session: AwsSession, args: Props) -> Props:
    """Look a security group up by its id."""
    client = session.client("ec2")
    try:
        groups = client.describe_security_groups(GroupIds=[args.get("id", "")])["SecurityGroups"]
    except ClientError as error:
        if not code_of(error).startswith("InvalidGroup"):
            raise
        raise PluginError("no matching EC2 Security Group found") from error
    group: Props = groups[0]
    owner, group_id = group["OwnerId"], group["GroupId"]
    return {
        "id": group_id,
        "arn": f"arn:{session.partition()}:ec2:{session.region}:{owner}:security-group/{group_id}",
        "description": group["Description"],
        "name": group["GroupName"],
        "region": session.region,
        "tags": session.own_tags(from_list(items_of(group, "Tags"))),
        "vpcId": group.get("VpcId", ""),
    }


def functions() -> list[Function[AwsSession]]:
    """Return the functions of the service."""
    return [
        Function(
            "aws:ec2/getSecurityGroup:getSecurityGroup", _get_security_group, frozenset({"id"})
        ),
        Function(
            "aws:ec2/getManagedPrefixList:getManagedPrefixList",
            _get_managed_prefix_list,
            frozenset({"name"}),
        ),
    ]
