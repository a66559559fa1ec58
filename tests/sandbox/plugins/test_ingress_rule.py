"""Inbound rules, from check to destruction, and what they are made of, looked up."""

from typing import Any

import pytest

from sandbox.plugins.values import UNKNOWN, Props

RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
GET_GROUP = "aws:ec2/getSecurityGroup:getSecurityGroup"
GET_PREFIX_LIST = "aws:ec2/getManagedPrefixList:getManagedPrefixList"
CLOUDFRONT = "com.amazonaws.global.cloudfront.origin-facing"


@pytest.fixture
def group_id(cloud: Any) -> str:
    name = {"Name": "group-name", "Values": ["api-lb"]}
    (group,) = cloud.client("ec2").describe_security_groups(Filters=[name])["SecurityGroups"]
    return group["GroupId"]


@pytest.fixture
def from_cloudfront(plugin: Any, group_id: str) -> Props:
    """Return the inputs of a rule that lets CloudFront in."""
    return {
        "securityGroupId": group_id,
        "prefixListId": plugin.invoke(GET_PREFIX_LIST, {"name": CLOUDFRONT})["id"],
        "ipProtocol": "tcp",
        "fromPort": 443,
        "toPort": 443,
        "description": "CloudFront",
    }


def from_anywhere(group_id: str, **other: Any) -> Props:
    return {
        "securityGroupId": group_id,
        "cidrIpv4": "192.0.2.0/24",
        "ipProtocol": "tcp",
        "fromPort": 8443,
        "toPort": 8443,
        **other,
    }


def test_a_rule_goes_from_creation_to_destruction(
    plugin: Any, cloud: Any, from_cloudfront: Props
) -> None:
    state, inputs = plugin.made(RULE, from_cloudfront | {"tags": {"team": "api"}})
    assert state == inputs | {
        "id": state["id"],
        "arn": f"arn:aws:ec2:us-east-1:123456789012:security-group-rule/{state['id']}",
        "region": "us-east-1",
        "securityGroupRuleId": state["id"],
        "tagsAll": {"team": "api"},
    }

    without = inputs | {"tags": {}}
    assert plugin.diff(RULE, state, without) == {"tags.team": "DELETE"}
    state = plugin.update(RULE, state, without)
    listed = cloud.client("ec2").describe_security_group_rules(SecurityGroupRuleIds=[state["id"]])
    assert listed["SecurityGroupRules"][0]["Tags"] == []
    assert plugin.diff(RULE, state, without) == {}

    changed = without | {"toPort": 444, "description": "the edge"}
    assert plugin.diff(RULE, state, changed) == {"description": "UPDATE", "toPort": "UPDATE"}
    failed = plugin.failure(lambda: plugin.update(RULE, state, changed))
    assert f"description and toPort of the rule {state['id']} would change in place" in failed.text

    plugin.delete(RULE, state)
    assert plugin.refresh(RULE, state, inputs) == ({}, {})
    plugin.delete(RULE, state)  # again, because it is gone already


def test_a_refresh_after_creation_changes_nothing(
    plugin: Any, group_id: str, from_cloudfront: Props
) -> None:
    for desired in (
        from_cloudfront,
        from_anywhere(group_id, ipProtocol="6", tags={"a": "b"}),
        from_anywhere(group_id, cidrIpv4=None, cidrIpv6="2001:db8::/32"),
        from_anywhere(group_id, cidrIpv4=None, referencedSecurityGroupId=group_id),
        from_anywhere(group_id, ipProtocol="-1", fromPort=None, toPort=None),
    ):
        state, inputs = plugin.made(RULE, desired)
        assert plugin.refresh(RULE, state, inputs) == (state, inputs)
        assert plugin.diff(RULE, state, inputs) == {}
        plugin.delete(RULE, state)


def test_a_change_by_hand_shows_as_just_that(plugin: Any, cloud: Any, group_id: str) -> None:
    state, inputs = plugin.made(RULE, from_anywhere(group_id))
    rule = {"IpProtocol": "tcp", "FromPort": 8443, "ToPort": 9000, "CidrIpv4": "192.0.2.0/24"}
    cloud.client("ec2").modify_security_group_rules(
        GroupId=group_id,
        SecurityGroupRules=[{"SecurityGroupRuleId": state["id"], "SecurityGroupRule": rule}],
    )
    drifted = plugin.refresh(RULE, state, inputs)
    assert drifted == (state | {"toPort": 9000}, inputs | {"toPort": 9000})
    assert plugin.diff(RULE, drifted[0], inputs) == {"toPort": "UPDATE"}


def test_a_rule_revoked_by_hand_is_read_as_gone(plugin: Any, cloud: Any, group_id: str) -> None:
    state, inputs = plugin.made(RULE, from_anywhere(group_id))
    cloud.client("ec2").revoke_security_group_ingress(
        GroupId=group_id, SecurityGroupRuleIds=[state["id"]]
    )
    assert plugin.refresh(RULE, state, inputs) == ({}, {})


def test_an_imported_rule_gives_the_inputs_that_would_make_it(
    plugin: Any, from_cloudfront: Props
) -> None:
    state, inputs = plugin.made(RULE, from_cloudfront)
    imported, imported_inputs = plugin.read(RULE, state["id"], {}, {})
    assert imported == state
    assert imported_inputs == from_cloudfront | {"region": "us-east-1"}
    assert plugin.diff(RULE, imported, inputs) == {}


@pytest.mark.parametrize(
    ("changed", "differences"),
    [
        pytest.param({"cidrIpv4": "192.0.2.0/25"}, {"cidrIpv4": "UPDATE"}, id="other addresses"),
        pytest.param(
            {"cidrIpv4": None, "prefixListId": "pl-1"},
            {"cidrIpv4": "DELETE_REPLACE", "prefixListId": "ADD_REPLACE"},
            id="another kind of source",
        ),
        pytest.param(
            {"cidrIpv4": None, "prefixListId": UNKNOWN},
            {"cidrIpv4": "DELETE_REPLACE", "prefixListId": "ADD_REPLACE"},
            id="another kind of source, not known yet",
        ),
        pytest.param(
            {"securityGroupId": "sg-1"}, {"securityGroupId": "UPDATE_REPLACE"}, id="another group"
        ),
    ],
)
def test_a_new_rule_is_needed_for_another_group_or_kind_of_source(
    plugin: Any, group_id: str, changed: Props, differences: dict[str, str]
) -> None:
    state, inputs = plugin.made(RULE, from_anywhere(group_id))
    assert plugin.diff(RULE, state, inputs | changed) == differences


def test_a_preview_leaves_unknown_what_ec2_decides(plugin: Any, group_id: str) -> None:
    checked = plugin.checked(RULE, from_anywhere(group_id, securityGroupId=UNKNOWN))
    assert plugin.preview(RULE, checked) == checked | {
        "id": UNKNOWN,
        "arn": UNKNOWN,
        "region": "us-east-1",
        "securityGroupRuleId": UNKNOWN,
        "tagsAll": {},
    }


@pytest.mark.parametrize(
    ("changed", "failures"),
    [
        pytest.param(
            {"cidrIpv4": None},
            [
                (
                    "cidrIpv4",
                    (
                        "none of cidrIpv4, cidrIpv6, prefixListId, referencedSecurityGroupId is "
                        "given; exactly one is allowed. Let traffic in from one source a rule."
                    ),
                )
            ],
            id="no source",
        ),
        pytest.param(
            {"prefixListId": "pl-1"},
            [
                (
                    "prefixListId",
                    (
                        "cidrIpv4 and prefixListId are given; exactly one is allowed. "
                        "Let traffic in from one source a rule."
                    ),
                )
            ],
            id="two sources",
        ),
        pytest.param(
            {"cidrIpv4": "192.0.2.1/24", "toPort": None},
            [
                (
                    "cidrIpv4",
                    (
                        "cidrIpv4 is '192.0.2.1/24': 192.0.2.1/24 has host bits set. "
                        "Give a range of addresses."
                    ),
                ),
                ("toPort", "toPort is missing; tcp needs a range. Set it."),
            ],
            id="a host for a network, and half a range of ports",
        ),
    ],
)
def test_what_cannot_be_is_refused_at_check(
    plugin: Any, changed: Props, failures: list[tuple[str, str]]
) -> None:
    assert plugin.check(RULE, from_anywhere("sg-1") | changed)[1] == failures


def test_a_second_rule_for_cloudfront_is_too_many(plugin: Any, from_cloudfront: Props) -> None:
    plugin.made(RULE, from_cloudfront)
    http = from_cloudfront | {"fromPort": 80, "toPort": 80}
    failed = plugin.failure(lambda: plugin.made(RULE, http))
    assert failed.text == (
        f"creating {RULE} it: AuthorizeSecurityGroupIngress: RulesPerSecurityGroupLimitExceeded: "
        "The maximum number of rules per security group has been reached."
    )


def test_a_security_group_is_found_by_its_id(plugin: Any, group_id: str) -> None:
    group = plugin.invoke(GET_GROUP, {"id": group_id})
    assert group["arn"] == f"arn:aws:ec2:us-east-1:123456789012:security-group/{group['id']}"
    assert group["description"] == "The API's load balancer"


def test_a_prefix_list_is_found_by_its_name(plugin: Any) -> None:
    prefixes = plugin.invoke(GET_PREFIX_LIST, {"name": CLOUDFRONT})
    assert (prefixes["addressFamily"], prefixes["ownerId"]) == ("IPv4", "AWS")
    assert (prefixes["maxEntries"], prefixes["name"]) == (0, CLOUDFRONT)


@pytest.mark.parametrize(
    ("token", "args", "reason"),
    [
        (GET_GROUP, {"id": "sg-0123456789abcdef0"}, "no matching EC2 Security Group found"),
        (GET_PREFIX_LIST, {"name": "none"}, "no matching EC2 Managed Prefix List found"),
    ],
)
def test_what_is_not_one_thing_is_an_error(
    plugin: Any, token: str, args: Props, reason: str
) -> None:
    failed = plugin.failure(lambda: plugin.invoke(token, args))
    assert failed.text == f"invoking {token}: {reason}"
