"""EC2: security groups and prefix lists, looked up.

Source: hashicorp/terraform-provider-aws, `internal/service/ec2/vpc_security_group_data_source.go`
and `vpc_managed_prefix_list_data_source.go`.
"""

from typing import Any

from botocore.exceptions import ClientError

from sandbox.plugins.aws.session import AwsSession, code_of, from_list
from sandbox.plugins.resource import Function, PluginError
from sandbox.plugins.values import Props, block_of, items_of


def _filters(args: Props, named: dict[str, Any]) -> Props:
    """Return the filters of a look-up as the API takes them; none at all where there are none."""
    filters: list[Props] = [
        {"Name": name, "Values": [value]} for name, value in named.items() if value
    ]
    given: list[Props] = items_of(args, "filters")
    filters += [{"Name": item["name"], "Values": item["values"]} for item in given]
    return {"Filters": filters} if filters else {}


def _only(what: str, items: list[Props]) -> Props:
    if not items:
        raise PluginError(f"no matching {what} found")
    if len(items) > 1:
        raise PluginError(
            f"multiple {what}s matched; use additional constraints to reduce matches to a single "
            f"{what}"
        )
    return items[0]


def _get_managed_prefix_list(session: AwsSession, args: Props) -> Props:
    """Look a prefix list up by id, name or filters, with its entries.

    Where it differs: `tags` are not looked for; the official plugin does not either.
    """
    region = args.get("region") or session.region
    client = session.client("ec2", region)
    ids = {"PrefixListIds": [args["id"]]} if args.get("id") else {}
    filters = _filters(args, {"prefix-list-name": args.get("name")})
    pages = client.get_paginator("describe_managed_prefix_lists").paginate(**ids, **filters)
    lists: list[Props] = [item for page in pages for item in page["PrefixLists"]]
    prefixes = _only("EC2 Managed Prefix List", lists)
    list_id: str = prefixes["PrefixListId"]
    pages = client.get_paginator("get_managed_prefix_list_entries").paginate(PrefixListId=list_id)
    entries: list[Props] = [item for page in pages for item in page["Entries"]]
    return {
        "id": list_id,
        "addressFamily": prefixes["AddressFamily"],
        "arn": prefixes["PrefixListArn"],
        "entries": [
            {"cidr": entry["Cidr"], "description": entry.get("Description", "")}
            for entry in entries
        ],
        "filters": args.get("filters"),
        "maxEntries": prefixes.get("MaxEntries", 0),
        "name": prefixes["PrefixListName"],
        "ownerId": prefixes["OwnerId"],
        "region": region,
        "tags": session.own_tags(from_list(items_of(prefixes, "Tags"))),
        "version": prefixes.get("Version", 0),
    }


def _get_security_group(session: AwsSession, args: Props) -> Props:
    """Look a security group up by id, name, VPC, tags or filters."""
    region = args.get("region") or session.region
    client = session.client("ec2", region)
    ids = {"GroupIds": [args["id"]]} if args.get("id") else {}
    tags: dict[str, str] = block_of(args, "tags")
    named = {"group-name": args.get("name"), "vpc-id": args.get("vpcId")}
    filters = _filters(args, named | {f"tag:{key}": value for key, value in tags.items()})
    try:
        pages = client.get_paginator("describe_security_groups").paginate(**ids, **filters)
        groups: list[Props] = [item for page in pages for item in page["SecurityGroups"]]
    except ClientError as error:
        if code_of(error) != "InvalidGroup.NotFound":
            raise
        groups = []
    group = _only("EC2 Security Group", groups)
    group_id, owner = group["GroupId"], group["OwnerId"]
    return {
        "id": group_id,
        "arn": f"arn:{session.partition(region)}:ec2:{region}:{owner}:security-group/{group_id}",
        "description": group["Description"],
        "filters": args.get("filters"),
        "name": group["GroupName"],
        "region": region,
        "tags": session.own_tags(from_list(items_of(group, "Tags"))),
        "vpcId": group.get("VpcId", ""),
    }


def functions() -> list[Function[AwsSession]]:
    """Return the functions of the service."""
    return [
        Function("aws:ec2/getSecurityGroup:getSecurityGroup", _get_security_group),
        Function("aws:ec2/getManagedPrefixList:getManagedPrefixList", _get_managed_prefix_list),
    ]
