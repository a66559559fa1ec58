"""A name that serves gets an edge, and plain records again, as docs/adopt.md says."""

import json
import subprocess
from typing import TYPE_CHECKING, Any

import yaml

from sandbox.engine.shell import STACK
from support.engine import COMMAND_SECONDS, DUALSTACK, zone_records

if TYPE_CHECKING:
    from pathlib import Path

    from types_boto3_route53 import Route53Client

    from support.engine import Stack

NAMES = ("api.example.com", "api2.example.com")


def dualstack(stack: "Stack", *words: str) -> dict[str, Any]:
    """Run a verb on the stack, and return what it printed."""
    done = subprocess.run(
        [DUALSTACK, *words, "--stack", STACK, "--json"],
        cwd=stack.folder,
        env=stack.environment(),
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def of_names(route53: "Route53Client") -> list[Any]:
    """Return the records of the hostnames."""
    return [record for record in zone_records(route53) if record["Name"].removesuffix(".") in NAMES]


def declared(stack: "Stack") -> str:
    written = yaml.safe_load((stack.folder / f"Pulumi.{STACK}.yaml").read_text())
    return written["config"]["dualstack-edge:dns"]["records"]


def nothing_changes(stack: "Stack") -> None:
    """Have `pulumi up` change nothing."""
    stack.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes").must()


def test_names_that_serve_are_adopted_released_and_put_back(
    stack: "Stack", route53: "Route53Client", tmp_path: "Path"
) -> None:
    zone = route53.list_hosted_zones_by_name(DNSName="example.com")["HostedZones"][0]["Id"]
    www: Any = next(record for record in zone_records(route53) if record["Name"].startswith("www"))
    balancer = www["AliasTarget"]["DNSName"]
    serving: list[Any] = [
        {**www, "Name": f"{NAMES[0]}."},
        {
            "Name": f"{NAMES[1]}.",
            "Type": "CNAME",
            "TTL": 60,
            "ResourceRecords": [{"Value": balancer}],
        },
    ]
    route53.change_resource_record_sets(
        HostedZoneId=zone,
        ChangeBatch={
            "Changes": [{"Action": "CREATE", "ResourceRecordSet": each} for each in serving]
        },
    )
    before = of_names(route53)
    stack.configure(dns={"records": "none"}, protect="true")
    stack.up().must()
    assert of_names(route53) == before

    adopt, release = ("adopt", "--yes", "--skip-certificate"), ("release", "--yes")
    kept = [str(tmp_path / name) for name in ("adopted.json", "released.json")]
    report = dualstack(stack, *adopt, "--backup", kept[0])
    assert (report["insync"], len(report["takeOver"]), declared(stack)) == (True, 8, "weighted")
    adopted = of_names(route53)
    assert [(each["SetIdentifier"], each["Weight"]) for each in adopted].count(("direct", 100)) == 4
    nothing_changes(stack)
    records = [each for each in stack.resources() if "::edge-dns-api" in each["urn"]]
    assert [each["protect"] for each in records] == [True] * 8

    report = dualstack(stack, *release, "--backup", kept[1])
    assert (len(report["forget"]), len(report["takeOver"]), declared(stack)) == (8, 4, "simple")
    simple = of_names(route53)
    assert {each["AliasTarget"]["DNSName"] for each in simple} == {balancer}
    assert len(simple) == 4
    nothing_changes(stack)

    dualstack(stack, *release, "--undo", kept[1])
    assert of_names(route53) == adopted
    nothing_changes(stack)
    dualstack(stack, *adopt, "--undo", kept[0])
    assert (of_names(route53), declared(stack)) == (before, "none")
    nothing_changes(stack)
