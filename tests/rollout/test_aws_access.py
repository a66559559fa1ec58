"""Web ACLs and security groups are read as AWS tells them; botocore's models check every shape."""

import re
from collections.abc import Sequence
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Final

from rollout import aws, aws_access
from rollout.aws import AccountDistribution, AccountLoadBalancer, AccountOrigin
from rollout.aws_access import (
    AccessReader,
    AccountWebAcls,
    AddressSet,
    InboundRule,
    WafRule,
    WebAcl,
)
from support.stubbed_account import AnsweringAccount

SHOWN: Final = {
    "SampledRequestsEnabled": False,
    "CloudWatchMetricsEnabled": False,
    "MetricName": "m",
}
ARN: Final = "arn:aws:wafv2:us-east-1:123456789012"
EDGE_ARN: Final = f"{ARN}:global/webacl/edge/1"
GROUP_ARN: Final = f"{ARN}:regional/rulegroup/group/2"
SET_ARN: Final = f"{ARN}:regional/ipset/office/3"
LB_ARN: Final = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/api/50"
BALANCER: Final = AccountLoadBalancer("application", "us-east-1", LB_ARN, ("sg-1",), 60)
OFFICE: Final = {"IPSetReferenceStatement": {"ARN": SET_ARN}}
SWEDEN: Final = {"GeoMatchStatement": {"CountryCodes": ["SE"]}}


def own(web_acl: str = "") -> AccountDistribution:
    return AccountDistribution("E1", (), web_acl, AccountOrigin(443, 60, None))


def rule(name: str, priority: int, statement: Any, **more: Any) -> dict[str, Any]:
    return {
        "Name": name,
        "Priority": priority,
        "Statement": statement,
        "VisibilityConfig": SHOWN,
        **more,
    }


def acl(name: str, rules: Sequence[Any], **more: Any) -> dict[str, Any]:
    return {
        "WebACL": {
            "Name": name,
            "Id": "1",
            "ARN": EDGE_ARN,
            "DefaultAction": {"Allow": {}},
            "VisibilityConfig": SHOWN,
            "Rules": list(rules),
            **more,
        }
    }


MANAGED: Final = {"ManagedRuleGroupStatement": {"VendorName": "AWS", "Name": "CommonRuleSet"}}
OTHERS: Final = {"ManagedRuleGroupStatement": {"VendorName": "Other", "Name": "Rules"}}


def read(account: AnsweringAccount, distribution: AccountDistribution) -> AccountWebAcls:
    return AccessReader(account).web_acls(distribution, BALANCER)


def test_rules_are_read_in_order_with_groups_overrides_and_sets() -> None:
    account = AnsweringAccount("wafv2", "ec2")
    reference: dict[str, Any] = {
        "RuleGroupReferenceStatement": {
            "ARN": GROUP_ARN,
            "RuleActionOverrides": [{"Name": "second", "ActionToUse": {"Challenge": {}}}],
            "ExcludedRules": [{"Name": "third"}],
        }
    }
    firewall_manager: dict[str, Any] = {
        "Name": "before",
        "Priority": 0,
        "FirewallManagerStatement": MANAGED,
        "OverrideAction": {"Count": {}},
        "VisibilityConfig": SHOWN,
    }
    waf = account.stubs["wafv2"]
    waf.add_response(
        "get_web_acl_for_resource",
        acl(
            "guard",
            [
                rule("last", 9, SWEDEN, Action={"Block": {}}),
                rule("managed", 3, MANAGED, OverrideAction={"None": {}}),
                rule("others", 4, OTHERS, OverrideAction={"None": {}}),
                rule("group", 2, reference, OverrideAction={"None": {}}),
                rule("first", 1, {"NotStatement": {"Statement": OFFICE}}, Action={"Allow": {}}),
            ],
            PreProcessFirewallManagerRuleGroups=[firewall_manager],
        ),
        {"ResourceArn": LB_ARN},
    )
    waf.add_response(
        "get_rule_group",
        {
            "RuleGroup": {
                "Name": "group",
                "Id": "2",
                "Capacity": 3,
                "ARN": GROUP_ARN,
                "VisibilityConfig": SHOWN,
                "Rules": [
                    rule("third", 3, SWEDEN, Action={"Block": {}}),
                    rule("second", 2, SWEDEN, Action={"Block": {}}),
                    rule("one", 1, OFFICE, Action={"Block": {}}),
                ],
            }
        },
        {"Name": "group", "Id": "2", "Scope": "REGIONAL"},
    )
    waf.add_response(
        "get_ip_set",
        {
            "IPSet": {
                "Name": "office",
                "Id": "3",
                "ARN": SET_ARN,
                "IPAddressVersion": "IPV4",
                "Addresses": ["203.0.113.0/24"],
            }
        },
        {"Name": "office", "Id": "3", "Scope": "REGIONAL"},
    )
    acls = read(account, own())
    account.close()
    unread = "the rules of managed rule group {} cannot be read"
    assert acls.distribution is None
    assert acls.load_balancer == WebAcl(
        "guard",
        "the load balancer",
        "Allow",
        (
            WafRule("before", "Count"),
            WafRule("first", "Allow", {"NotStatement": {"Statement": OFFICE}}),
            WafRule("group/one", "Block", OFFICE),
            WafRule("group/second", "Challenge", SWEDEN),
            WafRule("group/third", "Count", SWEDEN),
            WafRule("managed", "Block", unread=unread.format("AWS CommonRuleSet")),
            WafRule("others", "Allow", unread=unread.format("Other Rules")),
            WafRule("last", "Block", SWEDEN),
        ),
        {SET_ARN: AddressSet("office", 4, (ip_network("203.0.113.0/24"),))},
    )


def test_what_may_not_be_read_is_a_reason_at_its_place() -> None:
    account = AnsweringAccount("wafv2", "ec2")
    waf = account.stubs["wafv2"]
    reference = {"RuleGroupReferenceStatement": {"ARN": GROUP_ARN}}
    waf.add_response(
        "get_web_acl",
        acl(
            "edge",
            [
                rule("group", 1, reference, OverrideAction={"None": {}}),
                rule("office", 2, OFFICE, Action={"Block": {}}),
            ],
        ),
        {"Name": "edge", "Id": "1", "Scope": "CLOUDFRONT"},
    )
    for operation in ("get_rule_group", "get_ip_set", "get_web_acl_for_resource"):
        waf.add_client_error(operation, "AccessDeniedException", "not you")
    acls = read(account, own(EDGE_ARN))
    account.close()
    assert acls.distribution is not None
    group, office = acls.distribution.rules
    assert group.unread.startswith(f"rule group {GROUP_ARN} cannot be read: An error occurred")
    assert (office.action, office.unread) == ("Block", "")
    assert "not you" in acls.distribution.sets[SET_ARN].unread
    assert acls.load_balancer is not None
    (whole,) = acls.load_balancer.rules
    assert whole.unread.startswith("the web ACL of the load balancer cannot be read: An error")


def test_a_web_acl_of_waf_classic_is_no_pass() -> None:
    account = AnsweringAccount("wafv2", "ec2")
    account.stubs["wafv2"].add_response("get_web_acl_for_resource", {})
    acls = read(account, own("473e64fd-f30b-4765-81a0-62ad96dd167a"))
    account.close()
    assert acls.load_balancer is None
    assert acls.distribution is not None
    (whole,) = acls.distribution.rules
    assert whole.unread.endswith("is one of AWS WAF Classic, which is not read")


def test_inbound_rules_are_read_with_the_addresses_of_prefix_lists() -> None:
    account = AnsweringAccount("wafv2", "ec2")
    ec2 = account.stubs["ec2"]
    tcp = {"IsEgress": False, "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
    ec2.add_response(
        "describe_security_group_rules",
        {
            "SecurityGroupRules": [
                {**tcp, "CidrIpv4": "203.0.113.0/24"},
                {**tcp, "CidrIpv6": "2001:db8::/32"},
                {**tcp, "PrefixListId": "pl-1"},
                {**tcp, "PrefixListId": "pl-2"},
                {**tcp, "ReferencedGroupInfo": {"GroupId": "sg-2"}},
                {**tcp, "IpProtocol": "udp", "CidrIpv4": "0.0.0.0/0"},
                {**tcp, "IsEgress": True, "CidrIpv4": "0.0.0.0/0"},
                {"IsEgress": False, "IpProtocol": "-1", "CidrIpv4": "192.0.2.1/32"},
            ]
        },
        {"Filters": [{"Name": "group-id", "Values": ["sg-1"]}]},
    )
    lists = [
        ("pl-1", "com.amazonaws.global.cloudfront.origin-facing", "AWS"),
        ("pl-9", "my-cloudfront.origin-facing", "123456789012"),
    ]
    ec2.add_response(
        "describe_managed_prefix_lists",
        {
            "PrefixLists": [
                {"PrefixListId": id_, "PrefixListName": name, "OwnerId": owner}
                for id_, name, owner in lists
            ]
        },
    )
    entries = {"Entries": [{"Cidr": "130.176.0.0/18"}]}
    ec2.add_response("get_managed_prefix_list_entries", entries, {"PrefixListId": "pl-1"})
    ec2.add_client_error("get_managed_prefix_list_entries", "UnauthorizedOperation", "not you")
    rules = AccessReader(account).inbound(BALANCER)
    account.close()
    edges = (ip_network("130.176.0.0/18"),)
    assert rules[:3] == (
        InboundRule(443, 443, "203.0.113.0/24", (ip_network("203.0.113.0/24"),)),
        InboundRule(443, 443, "2001:db8::/32", (ip_network("2001:db8::/32"),)),
        InboundRule(443, 443, "pl-1", edges, is_cloudfront=True),
    )
    assert "not you" in rules[3].unread
    assert rules[4:] == (
        InboundRule(443, 443, "sg-2"),
        InboundRule(-1, -1, "192.0.2.1/32", (ip_network("192.0.2.1/32"),)),
    )


def test_the_permissions_of_the_docs_are_those_of_the_modules() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "verify.md"
    section = page.read_text().partition("\n## What `--account` reads\n")[2].partition("\n## ")[0]
    action = re.compile(r"\b(?:cloudfront|ec2|elasticloadbalancing|wafv2):[A-Z]\w+")
    modules = f"{aws.__doc__} {aws_access.__doc__}"
    assert action.findall(section) == sorted(set(action.findall(modules)))
