"""Weights, load balancer, certificate and lock change, and every name is served all the time.

The other rows of the table in docs/paths.md are in test_hostnames.py, test_proxies.py and
test_destroy.py.
"""

import json
import re
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from support.engine import client, control, holders
from support.moments import moment, watched
from support.waiting import wait_until

if TYPE_CHECKING:
    from sandbox.clouds import background
    from support.engine import Stack

GUIDE: Final = Path(__file__).resolve().parents[2] / "docs" / "paths.md"
NAMES: Final = ("api.example.com", "api2.example.com")


def test_the_page_has_a_row_for_each_change_that_is_shown_and_no_other() -> None:
    table = GUIDE.read_text().partition("\n## The order of every change\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ((?!Change |---)[^|]+) \|", table, re.MULTILINE)
    shown: list[str] = []
    for file in Path(__file__).parent.glob("test_*.py"):
        for marker in re.findall(r"mark\.row\((.*?)\)\n", file.read_text(), re.DOTALL):
            shown += re.findall(r'"([^"]+)"', marker)
    assert sorted(rows) == sorted(shown)


@pytest.mark.row("`traffic` up or down")
def test_shares_stay_between_the_old_weights_and_the_new_ones_in_both_families(
    deployed_whole: "Stack", account: "background.Cloud", droplets: "background.Cloud"
) -> None:
    before = 0.0
    for cdn in (50, 1):
        deployed_whole.configure(traffic={"direct": 100 - cdn, "cdn": cdn})
        with watched(deployed_whole, account, droplets) as seen:
            deployed_whole.up().must()
        assert seen.faults(NAMES) == []
        low, high = sorted((before, cdn / 100))
        for name in NAMES:
            shares = seen.shares(name)
            assert shares[0] == (before, before)
            assert shares[-1] == (cdn / 100, cdn / 100)
            assert all(low <= share <= high for pair in shares for share in pair), shares
        before = cdn / 100


@pytest.mark.row("`traffic` from 100/0 to 0/100 at once, or back")
def test_a_jump_passes_equal_shares_as_the_page_says(
    deployed: "Stack", account: "background.Cloud", droplets: "background.Cloud"
) -> None:
    for cdn in (100, 0):
        deployed.configure(traffic={"direct": 100 - cdn, "cdn": cdn})
        with watched(deployed, account, droplets) as seen:
            deployed.up().must()
        assert seen.faults(NAMES) == []
        for family in zip(*seen.shares(NAMES[0]), strict=True):
            assert [share for share, _ in groupby(family)] == [1 - cdn / 100, 0.5, cdn / 100]


@pytest.mark.row("`origin` set to another load balancer")
def test_both_paths_lead_to_another_load_balancer_and_no_answer_is_missing(
    half_on_cdn: "Stack", account: "background.Cloud", droplets: "background.Cloud"
) -> None:
    before = holders(droplets)
    half_on_cdn.configure(origin={"loadBalancer": "api-network", "kind": "network"})
    with watched(half_on_cdn, account, droplets) as seen:
        half_on_cdn.up().must()
    assert seen.faults(NAMES) == []
    assert seen.shares(NAMES[0]) == [(0.5, 0.5)]
    (direct,) = {
        record["target"]
        for record in half_on_cdn.outputs()["records"]
        if (record["setIdentifier"], record["type"]) == ("direct", "A")
    }
    assert direct.startswith("api-network")
    assert [each.origin for each in moment(account, droplets).distributions] == [direct]
    assert holders(droplets).keys() == before.keys()
    assert not set(holders(droplets).values()) & set(before.values())


@pytest.mark.row("`certificateArn` set or taken away")
def test_a_certificate_goes_when_the_distribution_has_the_other_one(
    deployed: "Stack", account: "background.Cloud", droplets: "background.Cloud"
) -> None:
    control(account, "PUT", "settings", {"deploy_seconds": 1})
    (own,) = {each.certificate for each in moment(account, droplets).distributions}
    for arn in (issued(account), None):
        deployed.configure(certificateArn=arn)
        with watched(deployed, account, droplets) as seen:
            deployed.up().must()
        assert seen.faults(NAMES) == []
        before, after = seen.moments[0], seen.moments[-1]
        assert {each.certificate for each in after.distributions} == (
            {arn} if arn else after.certificates - before.certificates
        )
        assert own not in after.certificates


def issued(account: "background.Cloud") -> str:
    """Have a certificate of the operator's own; the zone has what validates it already."""
    acm = client(account, "acm")
    arn: str = acm.request_certificate(
        DomainName=NAMES[0], SubjectAlternativeNames=list(NAMES), ValidationMethod="DNS"
    )["CertificateArn"]
    wait_until(
        lambda: acm.describe_certificate(CertificateArn=arn)["Certificate"]["Status"] == "ISSUED"
    )
    return arn


@pytest.mark.row(
    "`originLock` set", "`originLock.generation` counted up", "`originLock` taken away"
)
def test_the_secret_that_is_sent_is_one_that_the_load_balancer_was_told_before(
    deployed: "Stack", account: "background.Cloud", droplets: "background.Cloud"
) -> None:
    ec2 = client(account, "ec2")
    (group,) = ec2.describe_security_groups(GroupNames=["api-lb"])["SecurityGroups"]
    lock = {"securityGroup": group["GroupId"]}
    deployed.configure(traffic={"direct": 0, "cdn": 100})
    deployed.up().must()

    def change(setting: dict[str, Any] | None) -> list[str | None]:
        """Change the lock; return the secrets that were sent, one after the other."""
        deployed.configure(originLock=setting)
        with watched(deployed, account, droplets) as seen:
            deployed.up().must()
        assert seen.faults(NAMES) == []
        assert seen.shares(NAMES[0]) == [(1, 1)]
        sent = [each.secret for moment in seen.moments for each in moment.distributions]
        return [secret for secret, _ in groupby(sent)]

    def accepted() -> list[str]:
        said = deployed.pulumi("stack", "output", "originSecrets", "--show-secrets", "--json")
        return json.loads(said.must())

    def admits_cloudfront() -> bool:
        rules = ec2.describe_security_group_rules()["SecurityGroupRules"]
        return any(rule.get("PrefixListId") for rule in rules)

    sent = change({**lock, "generation": 1})
    first, following = accepted()
    assert (sent, admits_cloudfront()) == ([None, first], True)
    sent = change({**lock, "generation": 2})
    assert (sent, accepted()[0], admits_cloudfront()) == ([first, following], following, True)
    assert (change(None), admits_cloudfront()) == ([following, None], False)
