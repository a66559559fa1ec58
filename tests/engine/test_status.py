"""`dualstack status` of a stack that the real engine deployed."""

import json
import re
import subprocess
from typing import TYPE_CHECKING, Any, Final

from support.engine import CHECKOUT, COMMAND_SECONDS, DUALSTACK, Stack, control

if TYPE_CHECKING:
    from types_boto3_cloudfront import CloudFrontClient
    from types_boto3_route53 import Route53Client

    from sandbox.clouds import background


PAGE: Final = CHECKOUT / "docs" / "status.md"
POLICY: Final = re.compile(r"```json\n(\{.*?)```", re.DOTALL)


def status(stack: Stack) -> tuple[int, dict[str, dict[str, Any]]]:
    """Run the command where the stack is; return its exit code, and the sections by name."""
    done = subprocess.run(
        [DUALSTACK, "status", "--json", "--time-limit", "120"],
        cwd=stack.folder,
        env=stack.environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )
    assert done.stdout, done.stderr
    report = json.loads(done.stdout)
    assert report["exitCode"] == done.returncode
    return done.returncode, {section["name"]: section for section in report["sections"]}


def asked(cloud: "background.Cloud", before: int) -> set[str]:
    """Return what an AWS was asked, by the names of the permissions for it."""
    lines = cloud.log.read_bytes()[before:].decode().splitlines()
    return {":".join(line.split()[1:3]) for line in lines}


def lines(section: dict[str, Any]) -> dict[str, Any]:
    return {line["what"]: line["value"] for line in section["lines"]}


def test_all_is_told_of_a_stack_and_each_difference_is_named(
    deployed_whole: "Stack",
    route53: "Route53Client",
    cloudfront: "CloudFrontClient",
    account: "background.Cloud",
) -> None:
    checks = [check["Id"] for check in route53.list_health_checks()["HealthChecks"]]
    control(account, "PUT", "settings", {"health": dict.fromkeys(checks, True)})
    before = account.log.stat().st_size
    code, sections = status(deployed_whole)
    states = {name: section["state"] for name, section in sections.items()}
    assert (code, set(states.values())) == (0, {"ok"}), sections
    outputs = deployed_whole.outputs()
    assert lines(sections["clouds"])["account"] == "123456789012"
    stack = lines(sections["stack"])
    assert (stack["name"], stack["locked"], stack["pending operations"]) == ("sandbox", False, 0)
    assert stack["resources"] > 30
    weights = lines(sections["weights"])
    assert list(weights) == [
        "settings",
        "deployed",
        *(f"{name} {family}" for name in outputs["hostnames"] for family in ("A", "AAAA")),
    ]
    assert all(pair == {"direct": 100, "cdn": 0} for pair in weights.values())
    assert lines(sections["certificate"])["arn"] == outputs["certificateArn"]
    assert lines(sections["distribution"])["aliases"] == outputs["hostnames"]
    proxies = lines(sections["proxies"])
    for address in outputs["proxyAddresses"]:
        assert (proxies[address]["health"], proxies[address]["state"]) == ("healthy", "active")

    (statement,) = json.loads(POLICY.findall(PAGE.read_text())[0])["Statement"]
    # Everybody may ask who he is; how a health check is configured is asked of a kill switch.
    asked_for = {*statement["Action"], "sts:GetCallerIdentity"}
    assert asked(account, before) == asked_for - {"route53:GetHealthCheck"}

    by_hand(route53, cloudfront, outputs["distributionId"])
    deployed_whole.configure(traffic={"direct": 90, "cdn": 10})
    control(account, "PUT", "settings", {"health": {checks[0]: False, checks[1]: True}})
    code, sections = status(deployed_whole)
    wrong = {name: section["notes"] for name, section in sections.items() if section["notes"]}
    assert (code, list(wrong)) == (1, ["weights", "distribution", "proxies"])
    setting, record = wrong["weights"]
    assert setting.startswith("Setting traffic is direct 90, cdn 10; what is deployed is direct 1")
    assert record.startswith("Record api.example.com AAAA cdn in zone ")
    assert "is of weight 7; the stack declares weight 0." in record
    assert wrong["distribution"][0].endswith(
        "is disabled; it has to be enabled. Have it as the stack declares it: pulumi up --refresh"
    )
    (proxy,) = wrong["proxies"]
    assert "is unhealthy for 8 of 8 checkers" in proxy


def by_hand(route53: "Route53Client", cloudfront: "CloudFrontClient", distribution: str) -> None:
    """Change a weight, and switch the distribution off."""
    zone = route53.list_hosted_zones_by_name(DNSName="example.com")["HostedZones"][0]["Id"]
    pages = route53.get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone)
    (record,) = (
        record
        for page in pages
        for record in page["ResourceRecordSets"]
        if (record["Name"], record["Type"], record.get("SetIdentifier"))
        == ("api.example.com.", "AAAA", "cdn")
    )
    changed: Any = {**record, "Weight": 7}
    route53.change_resource_record_sets(
        HostedZoneId=zone,
        ChangeBatch={"Changes": [{"Action": "UPSERT", "ResourceRecordSet": changed}]},
    )
    answer = cloudfront.get_distribution_config(Id=distribution)
    config: Any = {**answer["DistributionConfig"], "Enabled": False}
    cloudfront.update_distribution(
        Id=distribution, IfMatch=answer["ETag"], DistributionConfig=config
    )
    cloudfront.get_waiter("distribution_deployed").wait(
        Id=distribution, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
