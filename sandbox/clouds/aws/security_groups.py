"""The inbound rules of security groups, and the prefix lists they refer to.

moto counts a prefix list for nothing, and forgets the description of a rule that is not for
addresses. The layer adds and lists rules itself, on moto's groups.
"""

from collections.abc import Iterator
from typing import Final

from moto.ec2.models import EC2Backend, ec2_backends
from moto.ec2.models.security_groups import SecurityGroup, SecurityGroupRule

from sandbox.clouds.aws import ACCOUNT
from sandbox.clouds.aws.fields import Fields, ReadOnly, members
from sandbox.clouds.aws.refusal import raise_if
from sandbox.clouds.aws.rules import inbound_rules as rules
from sandbox.clouds.aws.rules.inbound_rules import InboundRule, PrefixList
from sandbox.clouds.aws.state import MotoAccount

SOURCES: Final = ("IpRanges", "Ipv6Ranges", "PrefixListIds", "UserIdGroupPairs")
"""Where traffic may come from, each with a description."""

IPV6_LIST: Final = "com.amazonaws.global.ipv6.cloudfront.origin-facing"


def add_prefix_list(region: str) -> None:
    """Add the prefix list of CloudFront's IPv6 addresses, which moto lacks, to a region.

    Its one entry is of CloudFront's network; the list of AWS has many.
    """
    added = ec2_backends[ACCOUNT][region].create_managed_prefix_list(
        address_family="IPv6",
        entry=[{"Cidr": "2600:9000:3000::/36", "Description": "default"}],
        prefix_list_name=IPV6_LIST,
        owner_id="AWS",
    )
    added.version = None


def authorize_ingress(account: MotoAccount, region: str, sent: Fields) -> Fields | None:
    """Add inbound rules, all or none."""
    ec2 = ec2_backends[ACCOUNT][region]
    group = ec2.get_security_group_by_name_or_id(sent.get("GroupId") or sent.get("GroupName", ""))
    if group is None or not sent.get("IpPermissions"):
        return None
    permissions: list[Fields] = sent["IpPermissions"]
    for permission in permissions:
        protocol = permission.get("IpProtocol", "")
        first, last = permission.get("FromPort"), permission.get("ToPort")
        raise_if(rules.port_protocol_has_ports(protocol, first, last))
        for entry in (entry for name in SOURCES for entry in members(permission, name)):
            raise_if(rules.description_can_be_one(entry.get("Description")))
    added = [rule for permission in permissions for rule in _sent_rules(ec2, permission)]
    raise_if(rules.rules_fit_the_quota(_present(ec2, group), added))
    made: list[SecurityGroupRule] = []
    for permission in permissions:
        made += _authorize(account, ec2, group, permission, _tags(sent))
    return {"Return": True, "SecurityGroupRules": [_described(account, rule) for rule in made]}


def describe_rules(account: MotoAccount, region: str, sent: Fields) -> Fields:
    """List the rules of security groups by id or by group."""
    filters = {one["Name"]: list(one["Values"]) for one in members(sent, "Filters")}
    ids: list[str] = members(sent, "SecurityGroupRuleIds")
    listed = ec2_backends[ACCOUNT][region].describe_security_group_rules(ids, filters)
    return {"SecurityGroupRules": [_described(account, rule) for rule in listed]}


def _authorize(
    account: MotoAccount,
    ec2: EC2Backend,
    group: SecurityGroup,
    permission: Fields,
    tags: dict[str, str],
) -> list[SecurityGroupRule]:
    lists: list[Fields] = members(permission, "PrefixListIds")
    pairs: list[Fields] = members(permission, "UserIdGroupPairs")
    made, _ = ec2.authorize_security_group_ingress(
        group.id,
        permission["IpProtocol"],
        permission.get("FromPort"),  # pyright: ignore[reportArgumentType]  # moto takes numbers
        permission.get("ToPort"),  # pyright: ignore[reportArgumentType]  # moto takes numbers
        [*members(permission, "IpRanges"), *members(permission, "Ipv6Ranges")],
        sgrule_tags=tags,
        source_groups=[_without(pair, "Description") for pair in pairs],
        prefix_list_ids=lists,
    )
    # moto makes the rules in this order: addresses, groups, lists.
    for rule, source in zip(reversed(made), reversed([*pairs, *lists]), strict=False):
        if source.get("Description"):
            account.rule_descriptions[rule.id] = source["Description"]
    return made


def _sent_rules(ec2: EC2Backend, permission: Fields) -> Iterator[InboundRule]:
    for entry in members(permission, "IpRanges"):
        yield InboundRule(cidr=entry["CidrIp"])
    for entry in members(permission, "Ipv6Ranges"):
        yield InboundRule(cidr=entry["CidrIpv6"])
    for entry in members(permission, "PrefixListIds"):
        yield InboundRule(prefix_list=_prefix_list(ec2, entry["PrefixListId"]))
    for _ in members(permission, "UserIdGroupPairs"):
        yield InboundRule()


def _present(ec2: EC2Backend, group: SecurityGroup) -> list[InboundRule]:
    return [
        InboundRule(
            rule.cidr_ipv4 or rule.cidr_ipv6,
            _prefix_list(ec2, rule.prefix_list_id) if rule.prefix_list_id else None,
        )
        for rule in group.ingress_rules
    ]


def _prefix_list(ec2: EC2Backend, list_id: str) -> PrefixList:
    entries = ec2.get_managed_prefix_list_entries(list_id)
    prefix_list = entries and PrefixList(
        str(entries.prefix_list_name),
        str(entries.address_family),
        None if entries.max_entries is None else int(entries.max_entries),
    )
    refusal = rules.prefix_list_exists(list_id, prefix_list)
    if prefix_list is None or refusal:
        raise refusal or AssertionError
    return prefix_list


def _described(account: MotoAccount, rule: SecurityGroupRule) -> Fields:
    unset = -1  # what AWS answers for a range of ports where there is none
    described: Fields = {
        "SecurityGroupRuleId": rule.id,
        "GroupId": rule.group_id,
        "GroupOwnerId": ACCOUNT,
        "IsEgress": rule.is_egress,
        "IpProtocol": rule.ip_protocol,
        "FromPort": unset if rule.from_port is None else int(rule.from_port),
        "ToPort": unset if rule.to_port is None else int(rule.to_port),
        "CidrIpv4": rule.cidr_ipv4,
        "CidrIpv6": rule.cidr_ipv6,
        "PrefixListId": rule.prefix_list_id,
        "Description": account.rule_descriptions.get(rule.id, rule.description),
        "Tags": [{"Key": tag["key"], "Value": tag["value"]} for tag in rule.get_tags()],
    }
    if rule.source_group:
        described["ReferencedGroupInfo"] = {
            "GroupId": rule.source_group["GroupId"],
            "UserId": rule.source_group.get("UserId", ACCOUNT),
        }
    return {name: value for name, value in described.items() if value is not None}


def _tags(sent: ReadOnly) -> dict[str, str]:
    return {
        tag["Key"]: tag["Value"]
        for specification in members(sent, "TagSpecifications")
        if specification.get("ResourceType") == "security-group-rule"
        for tag in members(specification, "Tags")
    }


def _without(fields: ReadOnly, name: str) -> Fields:
    return {key: value for key, value in fields.items() if key != name}
