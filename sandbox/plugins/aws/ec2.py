"""EC2: security groups and prefix lists looked up, and single inbound rules.

Source: hashicorp/terraform-provider-aws, `internal/service/ec2/vpc_security_group_ingress_rule.go`,
`vpc_security_group_data_source.go` and `vpc_managed_prefix_list_data_source.go`.
"""

from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network
from typing import Any, Final

from botocore.exceptions import ClientError

from sandbox.plugins.aws.session import Session, code_of, from_list, to_list
from sandbox.plugins.aws.tagged import Tagged
from sandbox.plugins.resource import Call, Failure, Function, PluginError, Resource, Shape
from sandbox.plugins.schema import ClassRef
from sandbox.plugins.values import Props, block_of, items_of

_SOURCES: Final = {
    "cidrIpv4": "CidrIpv4",
    "cidrIpv6": "CidrIpv6",
    "prefixListId": "PrefixListId",
    "referencedSecurityGroupId": "ReferencedGroupId",
}
"""Where a rule lets traffic in from, and how `ModifySecurityGroupRules` calls it."""

_PERMISSIONS: Final = {
    "cidrIpv4": ("IpRanges", "CidrIp"),
    "cidrIpv6": ("Ipv6Ranges", "CidrIpv6"),
    "prefixListId": ("PrefixListIds", "PrefixListId"),
    "referencedSecurityGroupId": ("UserIdGroupPairs", "GroupId"),
}
"""The same for `AuthorizeSecurityGroupIngress`."""

_PROTOCOLS: Final = {"all": "-1", "6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6"}
_WITHOUT_PORTS: Final = ("-1", "icmpv6")
_NONE = -1
_GONE: Final = frozenset({"InvalidGroup.NotFound", "InvalidSecurityGroupRuleId.NotFound"})


def _protocol(text: str) -> str:
    """Return a protocol by the name EC2 has for it."""
    return _PROTOCOLS.get(text.lower(), text.lower())


class SecurityGroupIngressRule(Tagged):
    """One inbound rule: `aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule`.

    `securityGroupId`, `region` and the kind of source (addresses, prefix list, security group) need
    a new one; the source itself, ports, protocol, description and tags are changed in place.

    Where it differs: an address range must be given by its first address at check, as there, but a
    rule that exists already in the group is found out by EC2 only.
    """

    type_name = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
    args = ClassRef("pulumi_aws.vpc.security_group_ingress_rule", "SecurityGroupIngressRuleArgs")
    outputs = ClassRef(
        "pulumi_aws.vpc.security_group_ingress_rule", "_SecurityGroupIngressRuleState"
    )
    shape = Shape(
        computed=frozenset({"region"}),
        replaces=frozenset({"region", "securityGroupId"}),
        switches=frozenset(_SOURCES),
        same={"ipProtocol": _protocol},
        allowed={"fromPort": range(-1, 65536), "toPort": range(-1, 65536)},
    )

    def validate(self, inputs: Props) -> Iterator[Failure]:
        """Yield what is missing, too much, or no range of addresses."""
        sources = [name for name in _SOURCES if inputs.get(name) is not None]
        if len(sources) != 1:
            found = (
                f"{' and '.join(sources)} are" if sources else f"none of {', '.join(_SOURCES)} is"
            )
            yield Failure(
                sources[1] if sources else "cidrIpv4",
                f"{found} given; exactly one is allowed. Let traffic in from one source a rule.",
            )
        for name, network in (("cidrIpv4", IPv4Network), ("cidrIpv6", IPv6Network)):
            text = inputs.get(name)
            if isinstance(text, str):
                try:
                    network(text)
                except ValueError as error:
                    yield Failure(name, f"{name} is {text!r}: {error}. Give a range of addresses.")
        protocol = inputs.get("ipProtocol")
        if isinstance(protocol, str) and _protocol(protocol) not in _WITHOUT_PORTS:
            for name in ("fromPort", "toPort"):
                if inputs.get(name) is None:
                    yield Failure(name, f"{name} is missing; {protocol} needs a range. Set it.")

    def foresee(self, session: Session, inputs: Props) -> Props:
        """Return its region."""
        region = inputs.get("region") or session.region
        return super().foresee(session, inputs) | {"region": region}

    def create(self, call: Call[Session], inputs: Props) -> str:
        """Authorize the rule; `settle` adds the tags."""
        permission: Props = {"IpProtocol": inputs["ipProtocol"]} | _ports(inputs)
        for name, (many, one) in _PERMISSIONS.items():
            if inputs.get(name):
                entry = {one: inputs[name]}
                if inputs.get("description"):
                    entry["Description"] = inputs["description"]
                permission[many] = [entry]
        answer = _client(call, inputs).authorize_security_group_ingress(
            GroupId=inputs["securityGroupId"], IpPermissions=[permission]
        )
        return str(answer["SecurityGroupRules"][0]["SecurityGroupRuleId"])

    def settle(self, call: Call[Session], resource_id: str, props: Props) -> None:
        """Make the tags what the inputs say."""
        client = _client(call, props)
        found = _find_rule(client, resource_id) or {}
        present = call.session.own_tags(from_list(items_of(found, "Tags")))
        wanted: dict[str, str] = block_of(props, "tags")
        removed = {key: present[key] for key in present.keys() - wanted.keys()}
        added = {key: value for key, value in wanted.items() if present.get(key) != value}
        if removed:
            client.delete_tags(Resources=[resource_id], Tags=to_list(removed))
        if added:
            client.create_tags(Resources=[resource_id], Tags=to_list(added))

    def read(self, call: Call[Session], resource_id: str, prior: Props) -> tuple[str, Props] | None:
        """Read the rule and its tags."""
        rule = _find_rule(_client(call, prior), resource_id)
        if rule is None or rule["IsEgress"]:
            return None
        region = prior.get("region") or call.session.region
        tags = call.session.own_tags(from_list(items_of(rule, "Tags")))
        owner, partition = rule["GroupOwnerId"], call.session.partition(region)
        return resource_id, {
            "arn": f"arn:{partition}:ec2:{region}:{owner}:security-group-rule/{resource_id}",
            "cidrIpv4": rule.get("CidrIpv4"),
            "cidrIpv6": rule.get("CidrIpv6"),
            "description": rule.get("Description"),
            "fromPort": _port(rule, "FromPort", prior.get("fromPort")),
            "ipProtocol": rule["IpProtocol"],
            "prefixListId": rule.get("PrefixListId"),
            "referencedSecurityGroupId": block_of(rule, "ReferencedGroupInfo").get("GroupId"),
            "region": region,
            "securityGroupId": rule["GroupId"],
            "securityGroupRuleId": resource_id,
            "tags": tags,
            "tagsAll": tags,
            "toPort": _port(rule, "ToPort", prior.get("toPort")),
        }

    def update(self, call: Call[Session], resource_id: str, state: Props, inputs: Props) -> None:
        """Change the rule; `settle` changes the tags."""
        names = ("description", "fromPort", "ipProtocol", "toPort", *_SOURCES)
        if all(state.get(name) == inputs.get(name) for name in names):
            return
        rule: Props = {"IpProtocol": inputs["ipProtocol"]} | _ports(inputs)
        rule |= {there: inputs[here] for here, there in _SOURCES.items() if inputs.get(here)}
        if inputs.get("description"):
            rule["Description"] = inputs["description"]
        _client(call, state).modify_security_group_rules(
            GroupId=inputs["securityGroupId"],
            SecurityGroupRules=[{"SecurityGroupRuleId": resource_id, "SecurityGroupRule": rule}],
        )

    def delete(self, call: Call[Session], resource_id: str, state: Props) -> None:
        """Revoke the rule."""
        client = _client(call, state)
        try:
            if _find_rule(client, resource_id) is not None:
                client.revoke_security_group_ingress(
                    GroupId=state["securityGroupId"], SecurityGroupRuleIds=[resource_id]
                )
        except ClientError as error:
            if code_of(error) not in _GONE:
                raise


def _client(call: Call[Session], props: Props) -> Any:
    return call.session.client("ec2", props.get("region"))


def _ports(inputs: Props) -> Props:
    names = {"fromPort": "FromPort", "toPort": "ToPort"}
    return {there: inputs[here] for here, there in names.items() if inputs.get(here) is not None}


def _port(rule: Props, name: str, prior: int | None) -> int | None:
    """Return a port; EC2's -1 for none is one only where the program said so."""
    port: int | None = rule.get(name)
    return None if port == _NONE and prior is None else port


def _find_rule(client: Any, rule_id: str) -> Props | None:
    try:
        answer = client.describe_security_group_rules(SecurityGroupRuleIds=[rule_id])
    except ClientError as error:
        if code_of(error) in _GONE:
            return None
        raise
    found: list[Props] = answer["SecurityGroupRules"]
    return found[0] if found else None


def _filters(args: Props, named: dict[str, Any]) -> Props:
    """Return the filters of a look-up as the API takes them; none at all where there are none."""
    filters: list[Props] = [
        {"Name": name, "Values": [value]} for name, value in named.items() if value
    ]
    given: list[Props] = items_of(args, "filters")
    filters += [{"Name": item["name"], "Values": item["values"]} for item in given]
    return {"Filters": filters} if filters else {}


def _only(what: str, found: list[Props]) -> Props:
    if not found:
        raise PluginError(f"no matching {what} found")
    if len(found) > 1:
        raise PluginError(
            f"multiple {what}s matched; use additional constraints to reduce matches to a single "
            f"{what}"
        )
    return found[0]


def _get_managed_prefix_list(session: Session, args: Props) -> Props:
    """Look a prefix list up by id, name or filters, with its entries.

    Where it differs: `tags` are not looked for; the official plugin does not either.
    """
    region = args.get("region") or session.region
    client = session.client("ec2", region)
    ids = {"PrefixListIds": [args["id"]]} if args.get("id") else {}
    filters = _filters(args, {"prefix-list-name": args.get("name")})
    pages = client.get_paginator("describe_managed_prefix_lists").paginate(**ids, **filters)
    lists: list[Props] = [item for page in pages for item in page["PrefixLists"]]
    found = _only("EC2 Managed Prefix List", lists)
    list_id: str = found["PrefixListId"]
    pages = client.get_paginator("get_managed_prefix_list_entries").paginate(PrefixListId=list_id)
    entries: list[Props] = [item for page in pages for item in page["Entries"]]
    return {
        "id": list_id,
        "addressFamily": found["AddressFamily"],
        "arn": found["PrefixListArn"],
        "entries": [
            {"cidr": entry["Cidr"], "description": entry.get("Description", "")}
            for entry in entries
        ],
        "filters": args.get("filters"),
        "maxEntries": found.get("MaxEntries", 0),
        "name": found["PrefixListName"],
        "ownerId": found["OwnerId"],
        "region": region,
        "tags": session.own_tags(from_list(items_of(found, "Tags"))),
        "version": found.get("Version", 0),
    }


def _get_security_group(session: Session, args: Props) -> Props:
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
        if code_of(error) not in _GONE:
            raise
        groups = []
    found = _only("EC2 Security Group", groups)
    group_id, owner = found["GroupId"], found["OwnerId"]
    return {
        "id": group_id,
        "arn": f"arn:{session.partition(region)}:ec2:{region}:{owner}:security-group/{group_id}",
        "description": found["Description"],
        "filters": args.get("filters"),
        "name": found["GroupName"],
        "region": region,
        "tags": session.own_tags(from_list(items_of(found, "Tags"))),
        "vpcId": found.get("VpcId", ""),
    }


def resources() -> list[Resource[Session]]:
    """Return the resource types of the service."""
    return [SecurityGroupIngressRule()]


def functions() -> list[Function[Session]]:
    """Return the functions of the service."""
    group, prefixes = "pulumi_aws.ec2.get_security_group", "pulumi_aws.ec2.get_managed_prefix_list"
    return [
        Function(
            "aws:ec2/getSecurityGroup:getSecurityGroup",
            ClassRef(group, "get_security_group"),
            ClassRef(group, "GetSecurityGroupResult"),
            _get_security_group,
        ),
        Function(
            "aws:ec2/getManagedPrefixList:getManagedPrefixList",
            ClassRef(prefixes, "get_managed_prefix_list"),
            ClassRef(prefixes, "GetManagedPrefixListResult"),
            _get_managed_prefix_list,
        ),
    ]
