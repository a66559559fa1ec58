"""Security groups of the sandbox: prefix lists weigh what they weigh, rules change in place."""

from collections.abc import Callable
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError

from sandbox.clouds.aws.rules import inbound_rules as rules
from sandbox.clouds.aws.rules.inbound_rules import InboundRule, PrefixList

IPV4_LIST: Final = "com.amazonaws.global.cloudfront.origin-facing"
IPV6_LIST: Final = "com.amazonaws.global.ipv6.cloudfront.origin-facing"

Fields = dict[str, Any]


def refused(request: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        request()
    error: Fields = dict(caught.value.response.get("Error", {}))
    return error["Code"], error["Message"]


def prefix_list(aws: Any, name: str = IPV4_LIST) -> str:
    filters = [{"Name": "prefix-list-name", "Values": [name]}]
    (described,) = aws.client("ec2").describe_managed_prefix_lists(Filters=filters)["PrefixLists"]
    return described["PrefixListId"]


def group(aws: Any) -> str:
    filters = [{"Name": "group-name", "Values": ["api-lb"]}]
    (described,) = aws.client("ec2").describe_security_groups(Filters=filters)["SecurityGroups"]
    return described["GroupId"]


def allow(aws: Any, group_id: str, *, port: int = 443, **sources: Any) -> list[Fields]:
    permission = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **sources}
    return aws.client("ec2").authorize_security_group_ingress(
        GroupId=group_id, IpPermissions=[permission]
    )["SecurityGroupRules"]


def inbound(aws: Any, group_id: str) -> list[Fields]:
    filters = [{"Name": "group-id", "Values": [group_id]}]
    described = aws.client("ec2").describe_security_group_rules(Filters=filters)[
        "SecurityGroupRules"
    ]
    return [rule for rule in described if not rule["IsEgress"]]


def cidrs(count: int) -> list[Fields]:
    return [{"CidrIp": f"192.0.2.{number}/32"} for number in range(count)]


class TestSeededGroups:
    def test_the_load_balancer_is_open_to_everybody(self, aws: Any) -> None:
        openings = [(rule["FromPort"], rule["CidrIpv4"]) for rule in inbound(aws, group(aws))]
        assert sorted(openings) == [(80, "0.0.0.0/0"), (443, "0.0.0.0/0")]
        (balancer,) = aws.client("elbv2").describe_load_balancers(Names=["api"])["LoadBalancers"]
        assert balancer["SecurityGroups"] == [group(aws)]

    @pytest.mark.parametrize(("name", "family"), [(IPV4_LIST, "IPv4"), (IPV6_LIST, "IPv6")])
    def test_there_are_cloudfronts_prefix_lists(self, aws: Any, name: str, family: str) -> None:
        described = aws.client("ec2").describe_managed_prefix_lists(
            PrefixListIds=[prefix_list(aws, name)]
        )["PrefixLists"][0]
        assert (described["AddressFamily"], described["OwnerId"]) == (family, "AWS")
        assert "MaxEntries" not in described


class TestQuota:
    def test_rules_fit_the_quota(self, aws: Any) -> None:
        api = group(aws)  # two rules so far
        listed: Fields = {"PrefixListIds": [{"PrefixListId": prefix_list(aws)}]}
        allow(aws, api, port=8443, IpRanges=cidrs(4))
        before = inbound(aws, api)
        assert refused(lambda: allow(aws, api, **listed)) == (
            "RulesPerSecurityGroupLimitExceeded",
            "The maximum number of rules per security group has been reached.",
        )
        assert inbound(aws, api) == before
        aws.client("ec2").revoke_security_group_ingress(
            GroupId=api, SecurityGroupRuleIds=[before[-1]["SecurityGroupRuleId"]]
        )
        allow(aws, api, **listed)

    @pytest.mark.parametrize(
        ("fits", "one_more"),
        [
            pytest.param(
                [InboundRule("192.0.2.1/32")] * 60, InboundRule("192.0.2.1/32"), id="addresses"
            ),
            pytest.param(
                [
                    InboundRule(prefix_list=PrefixList(IPV4_LIST, "IPv4", None)),
                    *[InboundRule()] * 5,
                ],
                InboundRule(),
                id="CloudFront's list weighs 55",
            ),
            pytest.param(
                [InboundRule(prefix_list=PrefixList("own", "IPv6", 60))],
                InboundRule("2001:db8::/32"),
                id="a customer's list counts for its greatest size",
            ),
            pytest.param(
                [InboundRule("192.0.2.1/32")] * 60 + [InboundRule("2001:db8::/32")] * 60,
                InboundRule(prefix_list=PrefixList("com.amazonaws.us-east-1.s3", "IPv4", None)),
                id="families count apart",
            ),
        ],
    )
    def test_is_sixty_for_each_family(self, fits: list[InboundRule], one_more: InboundRule) -> None:
        assert rules.rules_fit_the_quota([], fits) is None
        assert rules.rules_fit_the_quota(fits, [one_more]) is not None

    def test_counts_both_lists_of_cloudfront_apart(self, aws: Any) -> None:
        api = group(aws)
        lists = [{"PrefixListId": prefix_list(aws, name)} for name in (IPV4_LIST, IPV6_LIST)]
        assert len(allow(aws, api, PrefixListIds=lists)) == 2


class TestAuthorizing:
    def test_keeps_the_description_whatever_the_source(self, aws: Any) -> None:
        api = group(aws)
        sources = {
            "IpRanges": [{"CidrIp": "192.0.2.0/24", "Description": "office"}],
            "PrefixListIds": [{"PrefixListId": prefix_list(aws), "Description": "CloudFront"}],
            "UserIdGroupPairs": [{"GroupId": api, "Description": "itself"}],
        }
        answered = allow(aws, api, port=8443, **sources)
        assert [rule["Description"] for rule in answered] == ["office", "itself", "CloudFront"]
        ids = [rule["SecurityGroupRuleId"] for rule in answered]
        client = aws.client("ec2")
        described = client.describe_security_group_rules(SecurityGroupRuleIds=ids)[
            "SecurityGroupRules"
        ]
        assert described == answered
        assert described[1]["ReferencedGroupInfo"]["GroupId"] == api
        assert described[2]["PrefixListId"] == prefix_list(aws)

    def test_the_same_again_is_a_duplicate(self, aws: Any) -> None:
        listed: Fields = {"PrefixListIds": [{"PrefixListId": prefix_list(aws)}]}
        customers = {"IpRanges": cidrs(1)}
        for sources in (listed, customers):
            allow(aws, group(aws), port=1, **sources)
            code, _ = refused(lambda sources=sources: allow(aws, group(aws), port=1, **sources))
            expected = (
                "RulesPerSecurityGroupLimitExceeded"  # which is found first
                if sources is listed
                else "InvalidPermission.Duplicate"
            )
            assert code == expected

    def test_prefix_list_exists(self, aws: Any) -> None:
        listed: Fields = {"PrefixListIds": [{"PrefixListId": "pl-0123456789abcdef0"}]}
        assert refused(lambda: allow(aws, group(aws), **listed)) == (
            "InvalidPrefixListID.NotFound",
            "The prefix list ID 'pl-0123456789abcdef0' does not exist",
        )

    def test_a_group_that_is_not_there_is_told(self, aws: Any) -> None:
        request = lambda: allow(aws, "sg-0123456789abcdef0", IpRanges=cidrs(1))  # noqa: E731 - to be refused
        assert refused(request)[0] == "InvalidGroup.NotFound"

    @pytest.mark.parametrize(
        ("protocol", "ports", "passes"),
        [
            pytest.param("tcp", (443, 443), True, id="tcp"),
            pytest.param("tcp", (None, 443), False, id="half a range"),
            pytest.param("udp", (5, 4), False, id="a range backwards"),
            pytest.param("6", (0, 65_536), False, id="too high a port"),
            pytest.param("-1", (None, None), True, id="everything"),
        ],
    )
    def test_port_protocol_has_ports(
        self, protocol: str, ports: tuple[int | None, int | None], *, passes: bool
    ) -> None:
        refusal = rules.port_protocol_has_ports(protocol, *ports)
        assert (refusal is None) == passes

    def test_a_protocol_with_ports_without_them_is_refused(self, aws: Any) -> None:
        permission = {"IpProtocol": "tcp", "IpRanges": cidrs(1)}
        code, message = refused(
            lambda: aws.client("ec2").authorize_security_group_ingress(
                GroupId=group(aws), IpPermissions=[permission]
            )
        )
        assert (code, "Must specify both" in message) == ("InvalidParameterValue", True)

    @pytest.mark.parametrize(
        ("wrong", "allowed"),
        [
            ("CloudFront's", "CloudFronts"),
            ("größe", "a-Z 0.9_:/()#,@[]+=&;{}!$*"),
            ("a\nb", ""),
            ("x" * 256, "x" * 255),
        ],
    )
    def test_description_can_be_one(self, wrong: str, allowed: str) -> None:
        refusal = rules.description_can_be_one(wrong)
        assert refusal is not None
        assert "Valid descriptions are strings less than 256 characters" in refusal.message
        assert rules.description_can_be_one(allowed) is None

    def test_a_rule_is_described_in_plain_characters(self, aws: Any) -> None:
        for source in (
            {"IpRanges": [{"CidrIp": "192.0.2.0/24", "Description": "it's"}]},
            {"Ipv6Ranges": [{"CidrIpv6": "2001:db8::/32", "Description": "it's"}]},
        ):
            permission = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, **source}
            code, _ = refused(
                lambda permission=permission: aws.client("ec2").authorize_security_group_ingress(
                    GroupId=group(aws), IpPermissions=[permission]
                )
            )
            assert code == "InvalidParameterValue"
