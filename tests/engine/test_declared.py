"""What the stack says that it declares (`dns.records`), with the real engine and both packs."""

from typing import TYPE_CHECKING, Any, Final

import pytest

from support.engine import weights, zone_records
from support.moments import watched

if TYPE_CHECKING:
    from types_boto3_route53 import Route53Client

    from sandbox.clouds import background
    from support.engine import Stack

NAMES: Final = ("api.example.com", "api2.example.com")
PACKS: Final = ("policies/dual_stack", "policies/hardening")
BOTH_PACKS: Final = [option for pack in PACKS for option in ("--policy-pack", pack)]


def served(route53: "Route53Client") -> list[dict[str, Any]]:
    """Return the records of the hostnames."""
    return [
        dict(record)
        for record in zone_records(route53)
        if record["Name"].rstrip(".") in NAMES and record["Type"] in {"A", "AAAA", "CNAME"}
    ]


def simple(route53: "Route53Client") -> dict[tuple[str, str], str]:
    """Return where the simple records of the hostnames lead."""
    return {
        (record["Name"].rstrip("."), record["Type"]): record["AliasTarget"]["DNSName"].rstrip(".")
        for record in served(route53)
        if "SetIdentifier" not in record
    }


def give_record(route53: "Route53Client") -> None:
    """Give the first hostname a record that serves it today."""
    zone = route53.list_hosted_zones_by_name(DNSName="example.com")["HostedZones"][0]["Id"]
    www: Any = next(record for record in zone_records(route53) if record["Name"].startswith("www"))
    change: Any = {"Action": "CREATE", "ResourceRecordSet": {**www, "Name": f"{NAMES[0]}."}}
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [change]})


@pytest.mark.row("a first deployment with `dns.records` `none`", "`pulumi destroy` with `none`")
def test_a_name_that_serves_is_left_alone_where_none_is_declared(
    stack: "Stack", route53: "Route53Client"
) -> None:
    give_record(route53)
    before = served(route53)
    refused = stack.pulumi("preview").refused()
    assert "which has records already: A;" in refused
    assert "pulumi config set --path dualstack-edge:dns.records none && pulumi up" in refused
    stack.configure(dns={"records": "none"})
    stack.pulumi("up", "--yes", "--skip-preview", *BOTH_PACKS).must()
    outputs = stack.outputs()
    assert (outputs["records"], outputs["hostnames"]) == ([], list(NAMES))
    assert outputs["loadBalancer"].endswith(".elb.amazonaws.com")
    assert served(route53) == before
    stack.pulumi("destroy", "--yes", "--skip-preview").must()
    assert served(route53) == before


@pytest.mark.row(
    "`traffic` from 100/0 to 0/100 with `simple` records, or back", "`pulumi destroy` with `simple`"
)
def test_simple_records_lead_everybody_to_one_path_and_are_not_changed_into_others(
    stack: "Stack",
    route53: "Route53Client",
    account: "background.Cloud",
    droplets: "background.Cloud",
) -> None:
    stack.configure(dns={"records": "simple"})
    stack.pulumi("up", "--yes", "--skip-preview", *BOTH_PACKS).must()
    outputs = stack.outputs()
    places = [(name, family) for name in NAMES for family in ("A", "AAAA")]
    assert simple(route53) == dict.fromkeys(places, outputs["loadBalancer"].lower())
    assert weights(route53) == {}
    stack.configure(traffic={"direct": 50, "cdn": 50})
    assert 'dns.records is "simple", and traffic is 50 and 50;' in stack.up().refused()
    stack.configure(traffic={"direct": 0, "cdn": 100})
    with watched(stack, account, droplets) as seen:
        stack.pulumi("up", "--yes", "--skip-preview", *BOTH_PACKS).must()
    assert seen.faults(NAMES) == []
    assert (seen.shares(NAMES[0])[0], seen.shares(NAMES[0])[-1]) == ((0, 0), (1, 1))
    assert simple(route53) == dict.fromkeys(places, outputs["distributionDomainName"])
    before = served(route53)
    for declared, way in (("weighted", "&& dualstack adopt"), ("none", "pulumi state delete")):
        stack.configure(dns={"records": declared})
        printed = stack.up().refused()
        assert f'"{declared}", while the stack has simple records of {", ".join(NAMES)};' in printed
        assert way in printed
    assert served(route53) == before
    with watched(stack, account, droplets) as seen:
        stack.pulumi("destroy", "--yes", "--skip-preview").must()
    assert seen.faults(()) == []
    assert served(route53) == []


@pytest.mark.row("`dns.records` set to another kind than the state has")
def test_weighted_records_stay_as_they_are_until_the_stack_has_others(
    deployed: "Stack", route53: "Route53Client"
) -> None:
    before = served(route53)
    for declared in ("none", "simple"):
        deployed.configure(dns={"records": declared})
        printed = deployed.up().refused()
        names = ", ".join(NAMES)
        assert f'"{declared}", while the stack has weighted records of {names};' in printed
        assert "dualstack release" in printed
    assert served(route53) == before
    deployed.configure(dns={"records": "weighted"})
    assert "Update" not in deployed.pulumi("preview", "--expect-no-changes").must()
