"""Functions answer what the SDK can read, and refuse in the official plugin's words."""

import re
from pathlib import Path
from typing import Any

import pytest
from pulumi.runtime import rpc
from pulumi_aws.route53 import GetRecordsResult

from sandbox.plugins.aws.aws_package import aws_package
from sandbox.plugins.values import Props

GET_ZONE = "aws:route53/getZone:getZone"
GET_RECORDS = "aws:route53/getRecords:getRecords"
GET_GROUP = "aws:ec2/getSecurityGroup:getSecurityGroup"
GET_PREFIX_LIST = "aws:ec2/getManagedPrefixList:getManagedPrefixList"
GET_LOAD_BALANCER = "aws:lb/getLoadBalancer:getLoadBalancer"
GET_CLASSIC = "aws:elb/getLoadBalancer:getLoadBalancer"


@pytest.mark.parametrize(
    ("token", "args"),
    [
        (GET_ZONE, {"name": "example.com"}),
        (GET_PREFIX_LIST, {"name": "com.amazonaws.global.cloudfront.origin-facing"}),
        (GET_LOAD_BALANCER, {"name": "api"}),
        (GET_LOAD_BALANCER, {"name": "api-network"}),
        (GET_CLASSIC, {"name": "api-classic"}),
    ],
)
def test_the_sdk_reads_the_answer_by_its_own_types(plugin: Any, token: str, args: Props) -> None:
    answer = plugin.invoke(token, args)
    cls = aws_package().functions[token].result.load()
    read = rpc.translate_output_properties(answer, lambda name: name, cls)
    assert isinstance(read, cls)


def test_a_zone_is_looked_up_by_its_name(plugin: Any, cloud: Any) -> None:
    zone = plugin.invoke(GET_ZONE, {"name": "Example.com."})
    assert zone["zoneId"] == zone["id"] == cloud.zone_id
    assert (zone["name"], zone["privateZone"]) == ("example.com", False)
    assert zone["arn"] == f"arn:aws:route53:::hostedzone/{cloud.zone_id}"
    assert zone["primaryNameServer"] == zone["nameServers"][0]
    arguments = {"name": "example.com", "privateZone": True}
    private = plugin.failure(lambda: plugin.invoke(GET_ZONE, arguments))
    assert "no matching Route 53 Hosted Zone found" in private.text


def test_zones_of_one_name_are_not_told_apart(plugin: Any, cloud: Any) -> None:
    cloud.client("route53").create_hosted_zone(Name="example.com", CallerReference="other")
    failed = plugin.failure(lambda: plugin.invoke(GET_ZONE, {"name": "example.com"}))
    assert failed.text == (
        f"invoking {GET_ZONE}: multiple Route 53 Hosted Zones matched; "
        "use additional constraints to reduce matches to a single Route 53 Hosted Zone"
    )


def test_an_argument_that_the_program_does_not_give_is_refused(plugin: Any) -> None:
    with pytest.raises(AssertionError, match="zoneId is given; the stand-in for the plugin does"):
        plugin.invoke(GET_ZONE, {"zoneId": "Z1"})


def test_records_are_listed_by_what_their_names_match(plugin: Any, cloud: Any) -> None:
    args = {"zoneId": cloud.zone_id, "nameRegex": "^example"}
    kinds = {
        record["type"]: record for record in plugin.invoke(GET_RECORDS, args)["resourceRecordSets"]
    }
    assert sorted(kinds) == ["NS", "SOA"]
    assert (kinds["SOA"]["name"], kinds["SOA"]["ttl"]) == ("example.com.", 900)
    assert kinds["SOA"]["resourceRecords"][0]["value"].endswith(" 86400")
    (alias,) = plugin.invoke(GET_RECORDS, args | {"nameRegex": "^www"})["resourceRecordSets"]
    assert alias["aliasTarget"]["dnsName"] == f"{cloud.load_balancer()['name']}."
    read = rpc.translate_output_properties(
        plugin.invoke(GET_RECORDS, args), lambda name: name, GetRecordsResult
    )
    assert read.resource_record_sets[0].type == "NS"


def test_load_balancers_are_found_by_name(plugin: Any, cloud: Any) -> None:
    application = plugin.invoke(GET_LOAD_BALANCER, {"name": "api"})
    assert application["loadBalancerType"] == "application"
    assert application["ipAddressType"] == "ipv4"
    alias = cloud.load_balancer()
    assert (application["dnsName"], application["zoneId"]) == (alias["name"], alias["zoneId"])
    network = plugin.invoke(GET_LOAD_BALANCER, {"name": "api-network"})
    assert network["loadBalancerType"] == "network"
    assert network["zoneId"] != application["zoneId"]
    classic = plugin.invoke(GET_CLASSIC, {"name": "api-classic"})
    assert classic["zoneId"] == "Z35SXDOTRQ7X7K"
    assert classic["dnsName"].startswith("api-classic")


@pytest.mark.parametrize(
    ("token", "args", "reason"),
    [
        pytest.param(
            GET_ZONE, {"name": "none.test"}, "no matching Route 53 Hosted Zone found", id="no zone"
        ),
        pytest.param(
            GET_RECORDS, {}, "zoneId is missing; records are of a hosted zone. Set it.", id="no id"
        ),
        pytest.param(
            GET_RECORDS,
            {"zoneId": "Z1", "nameRegex": "("},
            "nameRegex is '(', no regular expression: missing ), unterminated subpattern at "
            "position 0.",
            id="half a regular expression",
        ),
        pytest.param(
            GET_LOAD_BALANCER,
            {"name": "none"},
            "Search returned 0 results, please revise so only one is returned",
            id="no load balancer",
        ),
        pytest.param(
            GET_CLASSIC,
            {"name": "api"},
            "reading ELB Classic Load Balancer (api): couldn't find resource. There is none of "
            "that name in us-east-1; is it an application or network load balancer? Those are "
            "found by aws.lb.get_load_balancer.",
            id="an application load balancer among the classic ones",
        ),
    ],
)
def test_what_is_not_one_thing_is_an_error(
    plugin: Any, token: str, args: Props, reason: str
) -> None:
    failed = plugin.failure(lambda: plugin.invoke(token, args))
    assert failed.text == f"invoking {token}: {reason}"


def test_the_documentation_names_what_there_is_and_nothing_else() -> None:
    text = (Path(__file__).parents[3] / "docs" / "plugins.md").read_text(encoding="utf-8")
    named = re.findall(r"^\| `(aws:\S+)` \|", text, flags=re.MULTILINE)
    assert sorted(named) == sorted([*aws_package().resources, *aws_package().functions])
