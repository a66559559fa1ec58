"""States that an earlier version exported, in an account that has their records.

A state names what was in the account before the stack, and what its records lead to. Each account
of the sandbox gives such names anew, so they are exchanged in the state.

Where it differs from the account that the state is of: the distribution is a plain one, and the
health checks, the alarms and everything of DigitalOcean are missing. A preview looks at none of
them, nor does a change of weights.
"""

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

from sandbox.engine.shell import STACK
from sandbox.plugins.digitalocean.droplet import digest
from support.engine import CHECKOUT, Stack, client

if TYPE_CHECKING:
    from sandbox.clouds import background

STATES: Final = Path(__file__).parents[1] / "engine" / "states"
"""README.md there says how they were made."""

OF_THE_SANDBOX: Final[Mapping[str, Mapping[str, Any]]] = {
    "sandbox": {},
    "alarms": {
        "proxy": {
            "regions": ["fra1", "ams3"],
            "readySeconds": 0,
            "ports": [80, 8443],
            "healthCheckPath": "/healthz",
            "alertEmails": ["edge@example.com"],
        },
        "alarms": {"topicArn": "arn:aws:sns:us-east-1:123456789012:edge"},
        "dns": {"negativeTtlSeconds": 60},
        "protect": "true",
    },
}
"""States of the program itself, with the settings in which each differs from the sandbox's. The
others are of the examples that have their names."""

Properties = Mapping[str, Any]


def stand(name: str, stack: Stack, account: "background.Cloud") -> None:
    """Make a stack one that an earlier version deployed, with today's program.

    Args:
        name: Name of the state.
        stack: The sandbox's stack, not yet deployed.
        account: The AWS account, as seeded.
    """
    if name in OF_THE_SANDBOX:
        stack.configure(**OF_THE_SANDBOX[name])
    else:
        _become_example(name, stack)
    state = stack.folder / "state.json"
    state.write_text(_at_home(account, (STATES / f"{name}.json").read_text()))
    stack.pulumi("stack", "import", "--file", str(state)).must()


def _become_example(name: str, stack: Stack) -> None:
    """Replace the stack's program and settings by an example's, with the hostname of the state."""
    for file in ("__main__.py", "Pulumi.yaml"):
        shutil.copy(CHECKOUT / "examples" / name / file, stack.folder)
    program = stack.folder / "__main__.py"
    hostnames = re.compile(r'"hostnames": \["[a-z]+\.example\.com"\]')
    text, count = hostnames.subn('"hostnames": ["api.example.com"]', program.read_text())
    assert count == 1, text
    program.write_text(text)
    project = stack.folder / "Pulumi.yaml"
    project.write_text(project.read_text().replace("../../.venv", ".venv"))
    settings = stack.folder / f"Pulumi.{STACK}.yaml"
    settings.unlink()
    stack.pulumi("stack", "init", STACK).must()
    config = {"aws:region": "us-east-1", f"edge-{name}:readySeconds": "0"}
    settings.write_text(yaml.safe_dump({**yaml.safe_load(settings.read_text()), "config": config}))


def _at_home(account: "background.Cloud", text: str) -> str:
    """Return a state with the names that an account has, and make its records there."""
    (zone,) = client(account, "route53").list_hosted_zones()["HostedZones"]
    zone_id = Path(zone["Id"]).name
    (balancer,) = client(account, "elbv2").describe_load_balancers(Names=["api"])["LoadBalancers"]
    records = _outputs(text, "aws:route53/record:Record")
    direct = next(each for each in records if each.get("setIdentifier") == "direct")
    (distribution,) = _outputs(text, "aws:cloudfront/distribution:Distribution")
    names = {
        direct["zoneId"]: zone_id,
        direct["aliases"][0]["name"]: balancer["DNSName"],
        direct["aliases"][0]["zoneId"]: balancer["CanonicalHostedZoneId"],
        distribution["domainName"]: _distribution(account, zone_id, distribution["aliases"]),
    }
    for before, after in names.items():
        text = text.replace(before, after)
    records = _outputs(text, "aws:route53/record:Record")
    weighted = [_weighted(each) for each in records if each.get("weightedRoutingPolicies")]
    _put(account, zone_id, weighted)
    state = json.loads(text)
    for resource in state["deployment"]["resources"]:
        if resource["type"] == "digitalocean:index/droplet:Droplet":
            # The plugin keeps a digest, of a text that has the load balancer's name in it.
            resource["outputs"]["userData"] = digest(resource["inputs"]["userData"])
    return json.dumps(state)


def _outputs(text: str, kind: str) -> list[Properties]:
    """Return the outputs of a state's resources of a type."""
    resources = json.loads(text)["deployment"]["resources"]
    return [resource["outputs"] for resource in resources if resource["type"] == kind]


def _distribution(account: "background.Cloud", zone_id: str, hostnames: Sequence[str]) -> str:
    """Make a distribution with a certificate, and return its own name."""
    acm = client(account, "acm")
    certificate = acm.request_certificate(
        DomainName=hostnames[0], SubjectAlternativeNames=hostnames, ValidationMethod="DNS"
    )["CertificateArn"]
    described = acm.describe_certificate(CertificateArn=certificate)["Certificate"]
    proofs = [option["ResourceRecord"] for option in described["DomainValidationOptions"]]
    _put(
        account,
        zone_id,
        [
            {"Name": proof["Name"], "Type": proof["Type"], **_values(300, [proof["Value"]])}
            for proof in proofs
        ],
    )
    ports = {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only"}
    origin = {"Id": "api", "DomainName": "api.example.net", "CustomOriginConfig": ports}
    config = {
        "CallerReference": "stands",
        "Comment": "",
        "Enabled": True,
        "Aliases": {"Quantity": len(hostnames), "Items": hostnames},
        "ViewerCertificate": {
            "ACMCertificateArn": certificate,
            "SSLSupportMethod": "sni-only",
            "MinimumProtocolVersion": "TLSv1.2_2021",
        },
        "Origins": {"Quantity": 1, "Items": [origin]},
        "DefaultCacheBehavior": {
            "TargetOriginId": "api",
            "ViewerProtocolPolicy": "https-only",
            "CachePolicyId": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
        },
    }
    made = client(account, "cloudfront").create_distribution(DistributionConfig=config)
    return made["Distribution"]["DomainName"]


def _put(account: "background.Cloud", zone_id: str, records: Sequence[Properties]) -> None:
    client(account, "route53").change_resource_record_sets(
        HostedZoneId=zone_id,
        ChangeBatch={
            "Changes": [{"Action": "CREATE", "ResourceRecordSet": record} for record in records]
        },
    )


def _weighted(record: Properties) -> Properties:
    """Return a weighted record of a state as Route 53 takes it, without its health check."""
    member = {
        "Name": record["name"],
        "Type": record["type"],
        "SetIdentifier": record["setIdentifier"],
        "Weight": record["weightedRoutingPolicies"][0]["weight"],
    }
    if not record.get("aliases"):
        return member | _values(record["ttl"], record["records"])
    (alias,) = record["aliases"]
    return member | {
        "AliasTarget": {
            "HostedZoneId": alias["zoneId"],
            "DNSName": alias["name"],
            "EvaluateTargetHealth": alias["evaluateTargetHealth"],
        }
    }


def _values(ttl_seconds: int, values: Sequence[str]) -> dict[str, Any]:
    return {"TTL": ttl_seconds, "ResourceRecords": [{"Value": value} for value in values]}
