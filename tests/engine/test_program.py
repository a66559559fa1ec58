"""The program through the real engine: up, again, changed, drifted, gone."""

import re
from typing import TYPE_CHECKING, Any

import pytest

from support.engine import Stack, weights, zone_records

if TYPE_CHECKING:
    from types_boto3_cloudfront import CloudFrontClient
    from types_boto3_route53 import Route53Client

HOSTNAMES = ("api.example.com", "api2.example.com")
CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
ALL_VIEWER = "216adef6-5c7f-47e4-b989-5492eafa07d3"
ERRORS = {400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504}
METHODS = {"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}


def twins(direct: int, cdn: int) -> dict[tuple[str, str, str], int]:
    return {
        (hostname, kind, identifier): weight
        for hostname in HOSTNAMES
        for kind in ("A", "AAAA")
        for identifier, weight in (("direct", direct), ("cdn", cdn))
    }


def of_type(resources: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [resource for resource in resources if resource["type"] == kind]


def test_up_makes_the_edge_and_moves_no_user(
    stack: Stack, route53: "Route53Client", cloudfront: "CloudFrontClient"
) -> None:
    before = zone_records(route53)
    stack.up().must()

    assert weights(route53) == twins(direct=100, cdn=0)
    after = zone_records(route53)
    assert [record for record in before if record not in after] == []

    (summary,) = cloudfront.list_distributions()["DistributionList"].get("Items", [])
    config = cloudfront.get_distribution_config(Id=summary["Id"])["DistributionConfig"]
    behaviour = config["DefaultCacheBehavior"]
    assert summary["Status"] == "Deployed"
    assert config.get("IsIPV6Enabled") is True
    assert behaviour.get("CachePolicyId") == CACHING_DISABLED
    assert behaviour.get("OriginRequestPolicyId") == ALL_VIEWER
    assert set(behaviour.get("AllowedMethods", {}).get("Items", [])) == METHODS
    errors = config.get("CustomErrorResponses", {}).get("Items", [])
    assert {error["ErrorCode"]: error.get("ErrorCachingMinTTL") for error in errors} == (
        dict.fromkeys(ERRORS, 0)
    )
    assert not any(error.get("ResponsePagePath") for error in errors)
    assert set(config.get("Aliases", {}).get("Items", [])) == set(HOSTNAMES)
    assert not config.get("DefaultRootObject")


def test_the_outputs_are_those_of_the_contract(deployed: Stack) -> None:
    outputs = deployed.outputs()
    assert set(outputs) == {
        *("hostnames", "distributionId", "distributionDomainName", "certificateArn"),
        *("proxyAddresses", "traffic", "records"),
    }
    assert outputs["hostnames"] == list(HOSTNAMES)
    assert outputs["traffic"] == {"direct": 100, "cdn": 0}
    assert outputs["proxyAddresses"] == []
    assert outputs["certificateArn"].startswith("arn:aws:acm:us-east-1:123456789012:certificate/")
    assert {
        (record["name"], record["type"], record["setIdentifier"]): record["weight"]
        for record in outputs["records"]
    } == twins(direct=100, cdn=0)
    targets = {record["target"] for record in outputs["records"]}
    assert outputs["distributionDomainName"] in targets
    assert len(targets) == 2


def test_the_state_shows_every_part_under_the_edge(deployed: Stack) -> None:
    resources = deployed.resources()
    (edge,) = of_type(resources, "dualstack:index:DualStackEdge")
    parts = [resource for resource in resources if resource.get("parent") == edge["urn"]]
    assert {
        "dualstack:index:PassThroughDistribution",
        "dualstack:index:Certificate",
        "dualstack:index:WeightedDns",
    } <= {part["type"] for part in parts}
    (distribution,) = of_type(resources, "aws:cloudfront/distribution:Distribution")
    assert not distribution.get("protect")
    records = [
        record["inputs"]
        for record in of_type(resources, "aws:route53/record:Record")
        if "setIdentifier" in record["inputs"]
    ]
    assert len(records) == 8


def test_a_second_up_changes_nothing(deployed: Stack) -> None:
    printed = deployed.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes").must()
    assert "unchanged" in printed


def test_new_weights_change_the_records_in_place_and_nothing_else(
    deployed: Stack, route53: "Route53Client"
) -> None:
    deployed.configure(traffic={"direct": 99, "cdn": 1})
    printed = deployed.pulumi("preview", "--diff").must()
    assert "~ 8 to update" in printed
    assert "replace" not in printed
    printed = deployed.up().must()
    assert "~ 8 updated" in printed
    assert weights(route53) == twins(direct=99, cdn=1)


def test_weights_of_another_sum_change_in_one_batch_and_the_stack_learns_them(
    deployed: Stack, route53: "Route53Client"
) -> None:
    """As docs/paths.md says: all records at once, then `pulumi up --refresh`."""
    zone = route53.list_hosted_zones_by_name(DNSName="example.com")["HostedZones"][0]["Id"]

    def change(**pair: int) -> None:
        batch: Any = [
            {
                "Action": "UPSERT",
                "ResourceRecordSet": {**record, "Weight": pair[record["SetIdentifier"]]},
            }
            for record in zone_records(route53)
            if "SetIdentifier" in record
        ]
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": batch})

    change(direct=1, cdn=9)
    deployed.configure(traffic={"direct": 10, "cdn": 90})
    change(direct=10, cdn=90)
    printed = deployed.pulumi("up", "--yes", "--skip-preview", "--refresh").must()
    assert weights(route53) == twins(direct=10, cdn=90)
    assert not re.search(r"aws:route53:Record .*updated", printed), printed


def test_drift_is_seen_by_refresh_and_mended_by_up(
    deployed: Stack, route53: "Route53Client", cloudfront: "CloudFrontClient"
) -> None:
    assert (
        "changes" not in deployed.pulumi("refresh", "--yes", "--expect-no-changes").must().lower()
    )

    zone = route53.list_hosted_zones_by_name(DNSName="example.com")["HostedZones"][0]["Id"]
    drifted = next(
        record
        for record in zone_records(route53)
        if record.get("SetIdentifier") == "cdn" and record["Type"] == "AAAA"
    )
    drifted["Weight"] = 200
    route53.change_resource_record_sets(
        HostedZoneId=zone,
        ChangeBatch={"Changes": [{"Action": "UPSERT", "ResourceRecordSet": drifted}]},  # pyright: ignore[reportArgumentType] - the stubs tell what is read from what is written
    )
    (summary,) = cloudfront.list_distributions()["DistributionList"].get("Items", [])
    distribution = cloudfront.get_distribution_config(Id=summary["Id"])
    distribution["DistributionConfig"]["IsIPV6Enabled"] = False
    cloudfront.update_distribution(
        Id=summary["Id"],
        IfMatch=distribution["ETag"],
        DistributionConfig=distribution["DistributionConfig"],  # pyright: ignore[reportArgumentType] - the same
    )

    printed = deployed.pulumi("refresh", "--yes", "--diff").must()
    assert "weight: 0 => 200" in printed or "weight          : 0 => 200" in printed, printed
    assert "isIpv6Enabled" in printed
    deployed.up().must()
    assert weights(route53) == twins(direct=100, cdn=0)
    healed = cloudfront.get_distribution_config(Id=summary["Id"])["DistributionConfig"]
    assert healed.get("IsIPV6Enabled") is True


def test_a_record_deleted_by_hand_is_made_again(deployed: Stack, route53: "Route53Client") -> None:
    zone = route53.list_hosted_zones_by_name(DNSName="example.com")["HostedZones"][0]["Id"]
    lost = next(record for record in zone_records(route53) if record.get("Weight") == 0)
    route53.change_resource_record_sets(
        HostedZoneId=zone,
        ChangeBatch={"Changes": [{"Action": "DELETE", "ResourceRecordSet": lost}]},  # pyright: ignore[reportArgumentType] - the stubs tell what is read from what is written
    )
    assert len(weights(route53)) == 7
    deployed.pulumi("up", "--yes", "--skip-preview", "--refresh").must()
    assert weights(route53) == twins(direct=100, cdn=0)


def test_destroy_leaves_the_zone_as_it_was_but_for_the_shared_validation_records(
    stack: Stack, route53: "Route53Client", cloudfront: "CloudFrontClient"
) -> None:
    before = zone_records(route53)
    stack.up().must()
    stack.pulumi("destroy", "--yes", "--skip-preview").must()
    records_left = [record for record in zone_records(route53) if record not in before]
    assert {record["Type"] for record in records_left} == {"CNAME"}
    assert len(records_left) == len(HOSTNAMES)
    assert not cloudfront.list_distributions()["DistributionList"].get("Items")
    # Again from nothing: what was left is taken over, not tripped over.
    stack.up().must()
    assert weights(route53) == twins(direct=100, cdn=0)


def test_two_edges_live_in_one_program(stack: Stack, cloudfront: "CloudFrontClient") -> None:
    stack.configure(hostnames=["api.example.com"])
    path = stack.folder / "__main__.py"
    path.write_text(
        f"{path.read_text()}\n"
        "DualStackEdge('second', {**stack.arguments(), 'hostnames': ['api3.example.com']})\n"
    )
    stack.up().must()
    distributions = cloudfront.list_distributions()["DistributionList"].get("Items", [])
    assert sorted(
        alias for each in distributions for alias in each.get("Aliases", {}).get("Items", [])
    ) == ["api.example.com", "api3.example.com"]


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        pytest.param("classic", "api-classic", id="classic"),
        pytest.param("network", "api-network", id="network"),
    ],
)
def test_the_other_kinds_of_load_balancer_are_looked_up_too(
    stack: Stack, kind: str, name: str
) -> None:
    stack.configure(origin={"loadBalancer": name, "kind": kind})
    stack.up().must()
    targets = {
        record["target"]
        for record in stack.outputs()["records"]
        if record["setIdentifier"] == "direct"
    }
    assert len(targets) == 1
    assert targets.pop().startswith(name)
