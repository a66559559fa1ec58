"""Proxies, lock, alarms and examples with the real engine: order, failure, recovery, secrets."""

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import urllib3

from support.engine import client, holders, zone_records

if TYPE_CHECKING:
    from types_boto3_route53 import Route53Client

    from sandbox.clouds import background
    from support.engine import Stack

CHECKOUT = Path(__file__).resolve().parents[2]
ASSIGNMENT = "digitalocean:index/reservedIpv6Assignment:ReservedIpv6Assignment"
GROUP = "_proxy.api.example.com"
POOL = {"regions": ["fra1", "ams3"], "readySeconds": 0}


@pytest.fixture
def stack(whole: "Stack") -> "Stack":
    """The stack with its proxies."""
    return whole


OF_PROXIES = ("digitalocean:index/droplet:Droplet", ASSIGNMENT)


def steps(printed: str) -> list[tuple[str, str]]:
    """Return the steps of the droplets and assignments, in the order the engine plans them."""
    planned = json.loads(printed)["steps"]
    return [
        (step["urn"].rpartition("::edge-proxy-")[2], step["op"])
        for step in planned
        if step["urn"].split("::")[2].rpartition("$")[2] in OF_PROXIES
    ]


def test_up_makes_a_pool_of_two_regions_that_ipv6_is_led_to(
    deployed_whole: "Stack", droplets: "background.Cloud", route53: "Route53Client"
) -> None:
    stack = deployed_whole
    addresses = stack.outputs()["proxyAddresses"]
    assert set(holders(droplets)) == set(addresses)
    group = {
        record.get("SetIdentifier"): record
        for record in zone_records(route53)
        if record["Name"] == f"{GROUP}."
    }
    assert group.keys() == {"fra1-1", "ams3-1", "none"}
    assert [
        record["Value"]
        for node in ("fra1-1", "ams3-1")
        for record in group[node].get("ResourceRecords", [])
    ] == addresses
    assert group["fra1-1"].get("HealthCheckId") != group["ams3-1"].get("HealthCheckId")
    assert group["none"].get("Weight") == 0
    leads = [
        record["AliasTarget"]["DNSName"]
        for record in zone_records(route53)
        if record["Type"] == "AAAA"
        and record.get("SetIdentifier") == "direct"
        and "AliasTarget" in record
    ]
    assert leads == [f"{GROUP}."] * 2
    assert "36 unchanged" in stack.up().must()


def test_a_changed_proxy_is_replaced_in_the_order_that_keeps_the_pool_serving(
    deployed_whole: "Stack", droplets: "background.Cloud"
) -> None:
    stack = deployed_whole
    before = holders(droplets)
    stack.configure(proxy={**POOL, "connections": 4000})
    planned = steps(stack.pulumi("preview", "--json", "--show-replacement-steps").must())
    for node in ("fra1-1", "ams3-1"):
        order = [
            (node, "create-replacement"),
            (f"{node}-assignment", "create-replacement"),
            (f"{node}-assignment", "delete-replaced"),
            (node, "delete-replaced"),
        ]
        assert [step for step in planned if step in order] == order
    stack.up().must()
    after = holders(droplets)
    assert after.keys() == before.keys()
    assert not set(after.values()) & set(before.values())


def test_a_token_that_is_refused_is_told_in_the_project_s_words_and_nothing_is_made(
    stack: "Stack",
) -> None:
    stack.variables["DIGITALOCEAN_TOKEN"] = "dop_v1_wrong"
    printed = stack.up().refused()
    assert "DigitalOcean's token is one that DigitalOcean refuses;" in printed
    assert "pulumi config set --secret digitalocean:token" in printed
    made = {resource["type"] for resource in stack.resources()}
    assert not [kind for kind in made if kind.startswith(("aws:", "digitalocean:", "dualstack:"))]


def test_more_proxies_than_the_account_has_addresses_for_are_made_once_it_has_them(
    deployed: "Stack", droplets: "background.Cloud"
) -> None:
    stack = deployed
    stack.configure(proxy=POOL)
    urllib3.request(
        "PUT", f"{droplets.url}/dualstack-sandbox/settings", json={"reserved_ip_limit": 1}
    )
    stack.up().refused()
    urllib3.request(
        "PUT", f"{droplets.url}/dualstack-sandbox/settings", json={"reserved_ip_limit": 3}
    )
    stack.up().must()
    assert len(holders(droplets)) == 2


LOCKED: dict[str, Any] = {"traffic": {"direct": 0, "cdn": 100}, "originLock": {"generation": 1}}


def test_a_secret_is_accepted_for_a_whole_generation_before_it_is_sent_and_never_shown(
    deployed: "Stack", account: "background.Cloud"
) -> None:
    stack = deployed

    def accepted() -> list[str]:
        printed = stack.pulumi("stack", "output", "originSecrets", "--show-secrets", "--json")
        return json.loads(printed.must())

    def sent() -> str:
        cloudfront = client(account, "cloudfront")
        (summary,) = cloudfront.list_distributions()["DistributionList"]["Items"]
        (origin,) = summary["Origins"]["Items"]
        (header,) = origin["CustomHeaders"]["Items"]
        return header["HeaderValue"]

    stack.configure(**LOCKED)
    printed = stack.up().must()
    first = accepted()
    assert [len(secret) for secret in first] == [64, 64]
    assert sent() == first[0]
    stack.configure(originLock={"generation": 2})
    printed += stack.pulumi("preview", "--diff").must()
    printed += stack.up().must()
    second = accepted()
    assert second[0] == first[1]
    assert sent() == second[0]
    assert second[1] not in first
    printed += stack.pulumi("stack", "export").must()
    for secret in (*first, *second):
        assert secret not in printed


def test_another_port_under_a_lock_is_refused_before_anything_changes(
    deployed: "Stack", account: "background.Cloud"
) -> None:
    ec2, cloudfront = client(account, "ec2"), client(account, "cloudfront")

    def in_the_account() -> list[Any]:
        rules = ec2.describe_security_group_rules()["SecurityGroupRules"]
        return [rules, cloudfront.list_distributions()["DistributionList"]["Items"]]

    groups = ec2.describe_security_groups(GroupNames=["api-lb"])
    lock = {"generation": 1, "securityGroup": groups["SecurityGroups"][0]["GroupId"]}
    deployed.configure(**{**LOCKED, "originLock": lock})
    deployed.up().must()
    before = in_the_account()
    deployed.configure(origin={"loadBalancer": "api", "kind": "application", "httpsPort": 8443})
    for printed in (deployed.pulumi("preview").refused(), deployed.up().refused()):
        assert "is 60, while the rules for port 443 and for 8443 are beside each other;" in printed
    assert in_the_account() == before


def test_alarms_are_in_us_east_1(deployed_whole: "Stack", account: "background.Cloud") -> None:
    stack = deployed_whole
    topic = "arn:aws:sns:us-east-1:123456789012:edge-alarms"
    stack.configure(alarms={"topicArn": topic})
    stack.up().must()
    alarms = client(account, "cloudwatch").describe_alarms()["MetricAlarms"]
    assert len(alarms) == 6
    assert {alarm["AlarmArn"].split(":")[3] for alarm in alarms} == {"us-east-1"}
    assert {tuple(alarm["AlarmActions"]) for alarm in alarms} == {(topic,)}


@pytest.mark.parametrize("example", ["no-proxy", "proxy", "cloudfront-only"])
def test_each_example_deploys_as_it_stands(stack: "Stack", example: str) -> None:
    for file in (CHECKOUT / "examples" / example).iterdir():
        if file.is_file():
            shutil.copy(file, stack.folder)
    project = stack.folder / "Pulumi.yaml"
    project.write_text(project.read_text().replace("../../.venv", ".venv"))
    (stack.folder / f"Pulumi.{stack.variables['PULUMI_STACK']}.yaml").unlink()
    stack.pulumi("stack", "init", stack.variables["PULUMI_STACK"]).must()
    stack.pulumi("config", "set", "readySeconds", "0").must()
    stack.up().must()
    assert len(stack.outputs()["records"]) == 4
