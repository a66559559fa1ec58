"""Hostnames come and go, with the real engine: no answer leads where its name is not served."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from support.engine import client, control, zone_records
from support.waiting import repeated

if TYPE_CHECKING:
    from types_boto3_cloudfront import CloudFrontClient
    from types_boto3_route53 import Route53Client

    from sandbox.clouds import background
    from support.engine import Stack

API, API2, NEW = "api.example.com", "api2.example.com", "new.example.com"
HALF: Final = {"direct": 50, "cdn": 50}

RECORD: Final = "ChangeResourceRecordSets"
REPLACED: Final = ("RequestCertificate", "UpdateDistribution", "DeleteCertificate")
"""What another list of names changes, in the order in which nothing is without a certificate."""


@dataclass(frozen=True)
class Moment:
    """The account at one time: first the zone, then the distribution."""

    led_to_cdn: frozenset[str]
    """Names with a record that leads to the distribution."""
    led_to_nothing: frozenset[str]
    """Names with a record that leads to a group of proxies without records."""
    aliases: frozenset[str]
    """Names that the distribution answers."""
    deployed: bool
    """Whether all of CloudFront has it as it is."""


@contextmanager
def watched(account: "background.Cloud") -> Generator[list[Moment]]:
    """Look at the account again and again until the end."""
    moments: list[Moment] = []
    route53, cloudfront = client(account, "route53"), client(account, "cloudfront")
    with repeated(lambda: moments.append(moment(route53, cloudfront))):
        yield moments


def moment(route53: "Route53Client", cloudfront: "CloudFrontClient") -> Moment:
    records = zone_records(route53)
    (summary,) = cloudfront.list_distributions()["DistributionList"].get("Items", [])
    leads = [
        (record["Name"].rstrip("."), record["AliasTarget"]["DNSName"])
        for record in records
        if "AliasTarget" in record
    ]
    names = {record["Name"] for record in records}
    return Moment(
        frozenset(name for name, target in leads if target == f"{summary['DomainName']}."),
        frozenset(
            name for name, target in leads if target.startswith("_proxy.") and target not in names
        ),
        frozenset(summary["Aliases"].get("Items", [])),
        summary["Status"] == "Deployed",
    )


def changes(account: "background.Cloud", stack: "Stack") -> tuple[list[str], str]:
    """Deploy; return which changes the account was asked for, in order, and what Pulumi said."""
    before = len(account.log.read_text().splitlines())
    said = stack.up().must()
    operations = [line.split()[2] for line in account.log.read_text().splitlines()[before:]]
    return [operation for operation in operations if operation in (RECORD, *REPLACED)], said


def faults(moments: list[Moment]) -> list[Moment]:
    """Return the moments at which an answer leads to nobody who serves its name."""
    assert moments
    return [each for each in moments if each.led_to_cdn - each.aliases or each.led_to_nothing]


def test_a_removed_hostname_loses_its_records_first_and_its_alias_one_deployment_later(
    deployed: "Stack", account: "background.Cloud", route53: "Route53Client"
) -> None:
    cloudfront = client(account, "cloudfront")
    deployed.configure(hostnames=[API])
    with watched(account) as moments:
        first, said = changes(account, deployed)
        assert first == [RECORD] * 4
        assert f"Hostname {API2} leaves: this deployment deletes its records." in said
        assert deployed.outputs()["hostnames"] == [API]
        between = moment(route53, cloudfront)
        assert (between.led_to_cdn, between.aliases) == ({API}, {API, API2})

        second, said = changes(account, deployed)
        assert tuple(each for each in second if each != RECORD) == REPLACED
        assert "leaves" not in said
    assert faults(moments) == []
    assert moment(route53, cloudfront).aliases == {API}
    assert changes(account, deployed)[0] == []


def test_a_hostname_whose_records_are_protected_goes_on_being_served(
    deployed: "Stack", route53: "Route53Client", cloudfront: "CloudFrontClient"
) -> None:
    deployed.configure(protect=True)
    deployed.up().must()
    before = moment(route53, cloudfront)
    deployed.configure(hostnames=[API])
    assert "protected" in deployed.up().refused()
    assert moment(route53, cloudfront) == before
    assert before.aliases == before.led_to_cdn == {API, API2}


def test_the_first_hostname_is_renamed_while_half_of_the_users_are_on_each_path(
    deployed_whole: "Stack", account: "background.Cloud", route53: "Route53Client"
) -> None:
    """With proxies, whose records are named after the first hostname."""
    cloudfront = client(account, "cloudfront")
    control(account, "PUT", "settings", {"deploy_seconds": 2})
    deployed_whole.configure(hostnames=[NEW, API2], traffic=HALF)
    with watched(account) as moments:
        _, said = changes(account, deployed_whole)
        assert f"Hostname {API} leaves" in said
        assert [each for each in moments if NEW in each.led_to_cdn and not each.deployed] == []
        between = moment(route53, cloudfront)
        assert (between.led_to_cdn, between.aliases) == ({NEW, API2}, {NEW, API2, API})
        assert {record["Name"] for record in groups(route53)} == {f"_proxy.{API}."}

        changes(account, deployed_whole)
    assert faults(moments) == []
    assert moment(route53, cloudfront).aliases == {NEW, API2}
    assert {record["Name"] for record in groups(route53)} == {f"_proxy.{NEW}."}
    assert changes(account, deployed_whole)[0] == []


def groups(route53: "Route53Client") -> list[dict[str, object]]:
    """Return the records of all groups of proxies."""
    return [{**each} for each in zone_records(route53) if each["Name"].startswith("_proxy.")]
