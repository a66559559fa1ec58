"""Hostnames come and go, with the real engine: no answer leads where its name is not served."""

import re
from typing import TYPE_CHECKING, Final

import pytest

from support.engine import SHORT_ANSWERS, TTL_SECONDS, control, zone_records
from support.moments import Moment, moment, watched

if TYPE_CHECKING:
    from types_boto3_route53 import Route53Client

    from sandbox.clouds import background
    from support.engine import Stack

API, API2, NEW = "api.example.com", "api2.example.com", "new.example.com"

RECORD: Final = "ChangeResourceRecordSets"
REPLACED: Final = ("RequestCertificate", "UpdateDistribution", "DeleteCertificate")
"""What another list of names changes, in the order in which nothing is without a certificate."""


def changes(account: "background.Cloud", stack: "Stack") -> tuple[list[str], str]:
    """Deploy; return which changes the account was asked for, in order, and what Pulumi said."""
    before = len(account.log.read_text().splitlines())
    said = stack.up().must()
    operations = [line.split()[2] for line in account.log.read_text().splitlines()[before:]]
    return [operation for operation in operations if operation in (RECORD, *REPLACED)], said


def aliases(seen: Moment) -> frozenset[str]:
    """Return the names that the distribution serves."""
    (distribution,) = seen.distributions
    return distribution.aliases


def groups(route53: "Route53Client") -> set[str]:
    """Return the names of all groups of proxies."""
    names = {record["Name"] for record in zone_records(route53)}
    return {name for name in names if name.startswith("_proxy.")}


@pytest.mark.row("a hostname removed", "a removed hostname set again before the second deployment")
def test_a_removed_hostname_loses_its_records_first_and_its_alias_one_deployment_later(
    deployed: "Stack", account: "background.Cloud", droplets: "background.Cloud"
) -> None:
    deployed.wrap(SHORT_ANSWERS)
    with watched(deployed, account, droplets) as seen:
        deployed.configure(hostnames=[API])
        first, said = changes(account, deployed)
        assert first == [RECORD] * 4
        assert f"Hostname {API2} leaves: this deployment deletes its records." in said
        assert deployed.outputs()["hostnames"] == [API]
        between = moment(account, droplets)
        assert (between.led_to_cdn(), aliases(between)) == ({API}, {API, API2})

        deployed.configure(hostnames=[API, API2])
        again, said = changes(account, deployed)
        assert again == [RECORD] * 4
        assert not re.search("leaves|Waiting", said)

        deployed.configure(hostnames=[API])
        assert changes(account, deployed)[0] == first
        second, said = changes(account, deployed)
        assert tuple(each for each in second if each != RECORD) == REPLACED
        assert "leaves" not in said
        assert f"{API2} to the distribution live for {TTL_SECONDS} s more. Waiting" in said
    assert seen.faults([API], TTL_SECONDS) == []
    assert aliases(moment(account, droplets)) == {API}
    assert changes(account, deployed)[0] == []


def test_a_hostname_whose_records_are_protected_goes_on_being_served(
    deployed: "Stack", account: "background.Cloud", droplets: "background.Cloud"
) -> None:
    deployed.configure(protect=True)
    deployed.up().must()
    before = moment(account, droplets)
    deployed.configure(hostnames=[API])
    assert "protected" in deployed.up().refused()
    after = moment(account, droplets)
    assert (after.records, after.distributions) == (before.records, before.distributions)
    assert aliases(after) == after.led_to_cdn() == {API, API2}


@pytest.mark.row("a hostname added", "a hostname renamed", "the first hostname renamed")
def test_the_first_hostname_is_renamed_while_half_of_the_users_are_on_each_path(
    half_on_cdn: "Stack",
    account: "background.Cloud",
    droplets: "background.Cloud",
    route53: "Route53Client",
) -> None:
    """With proxies, whose records are named after the first hostname."""
    control(account, "PUT", "settings", {"deploy_seconds": 2})
    half_on_cdn.configure(hostnames=[NEW, API2])
    with watched(half_on_cdn, account, droplets) as seen:
        _, said = changes(account, half_on_cdn)
        assert f"Hostname {API} leaves" in said
        between = moment(account, droplets)
        assert (between.led_to_cdn(), aliases(between)) == ({NEW, API2}, {NEW, API2, API})
        assert groups(route53) == {f"_proxy.{API}."}

        changes(account, half_on_cdn)
    assert seen.faults([API2], TTL_SECONDS) == []
    assert seen.shares(API2) == [(0.5, 0.5)]
    assert aliases(moment(account, droplets)) == {NEW, API2}
    assert groups(route53) == {f"_proxy.{NEW}."}
    assert changes(account, half_on_cdn)[0] == []
