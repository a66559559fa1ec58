"""Single inbound rules of security groups.

Source: hashicorp/terraform-provider-aws, `internal/service/ec2/vpc_security_group_ingress_rule.go`.
"""

from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network
from typing import Any, Final

from botocore.exceptions import ClientError

from sandbox.plugins.aws.aws_session import AwsTask, code_of, from_list, to_list
from sandbox.plugins.aws.tagged import Tagged, tag_changes
from sandbox.plugins.resource import Failure, PluginError, Present, Shape
from sandbox.plugins.values import Props, block_of, items_of

_PERMISSIONS: Final = {
    "cidrIpv4": ("IpRanges", "CidrIp"),
    "cidrIpv6": ("Ipv6Ranges", "CidrIpv6"),
    "prefixListId": ("PrefixListIds", "PrefixListId"),
    "referencedSecurityGroupId": ("UserIdGroupPairs", "GroupId"),
}
"""Where a rule lets traffic in from, and how `AuthorizeSecurityGroupIngress` calls it."""

_PROTOCOLS: Final = {"all": "-1", "6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6"}
_WITHOUT_PORTS: Final = ("-1", "icmpv6")
_NONE = -1
_GONE: Final = frozenset({"InvalidGroup.NotFound", "InvalidSecurityGroupRuleId.NotFound"})


def _protocol(text: str) -> str:
    """Return a protocol by the name EC2 has for it."""
    return _PROTOCOLS.get(text.lower(), text.lower())


class SecurityGroupIngressRuleStandIn(Tagged):
    """One inbound rule: `aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule`.

    `securityGroupId`, `region` and the kind of source (addresses, prefix list, security group) need
    a new one. Tags are changed in place.

    Where it differs: the official plugin also changes the source itself, ports, protocol and
    description in place; here that update fails. A rule that exists already in the group is refused
    by EC2 only.
    """

    type_name = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
    shape = Shape(
        computed=frozenset({"region"}),
        replaces=frozenset({"region", "securityGroupId"}),
        switches=frozenset(_PERMISSIONS),
        same={"ipProtocol": _protocol},
        allowed={"fromPort": range(-1, 65536), "toPort": range(-1, 65536)},
    )

    def validate(self, inputs: Props) -> Iterator[Failure]:
        """Yield what is missing, too much, or no range of addresses."""
        sources = [name for name in _PERMISSIONS if inputs.get(name) is not None]
        if len(sources) != 1:
            none = f"none of {', '.join(_PERMISSIONS)} is"
            given = f"{' and '.join(sources)} are" if sources else none
            yield Failure(
                sources[1] if sources else "cidrIpv4",
                f"{given} given; exactly one is allowed. Let traffic in from one source a rule.",
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

    def create(self, call: AwsTask, inputs: Props) -> str:
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

    def settle(self, call: AwsTask, resource_id: str, props: Props) -> None:
        """Make the tags what the inputs say."""
        client = _client(call, props)
        rule = _find_rule(client, resource_id) or {}
        present = call.session.own_tags(from_list(items_of(rule, "Tags")))
        added, removed = tag_changes(present, block_of(props, "tags"))
        if removed:
            client.delete_tags(Resources=[resource_id], Tags=to_list(removed))
        if added:
            client.create_tags(Resources=[resource_id], Tags=to_list(added))

    def read(self, call: AwsTask, resource_id: str, prior: Props) -> Present:
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

    def update(self, _call: AwsTask, resource_id: str, state: Props, inputs: Props) -> None:
        """Leave the tags to `settle`, and refuse every other change."""
        names = ("description", "fromPort", "ipProtocol", "toPort", *_PERMISSIONS)
        changed = [name for name in names if state.get(name) != inputs.get(name)]
        if changed:
            raise PluginError(
                f"{' and '.join(changed)} of the rule {resource_id} would change in place; the "
                "stand-in for the aws plugin changes tags only. Give the rule another name in the "
                "program, or install the official plugin."
            )

    def delete(self, call: AwsTask, resource_id: str, state: Props) -> None:
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


def _client(call: AwsTask, props: Props) -> Any:
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
    return next(iter(answer["SecurityGroupRules"]), None)
