"""Something deployed, as the lab reads it from the clouds."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from sandbox.lab.deployed import (
    Deployed,
    DeployedDistribution,
    DeployedDroplet,
    DeployedLoadBalancer,
    DeployedZone,
)
from sandbox.lab.lab_settings import LabSettings
from sandbox.lab.plan import LabPlan, PlanInputs, plan
from sandbox.lab.plan.hosts import droplet_hosts
from sandbox.lab.plan.names_covered import certificates_needed

BALANCER = DeployedLoadBalancer("api-1.us-east-1.elb.amazonaws.com", "application", (), ())
ORIGIN = {"Items": [{"DomainName": BALANCER.dns_name, "Id": "api"}], "Quantity": 1}


def alias(name: str, target: str, kind: str = "A", **more: Any) -> dict[str, Any]:
    """Return an alias record."""
    return {
        "Name": f"{name}.",
        "Type": kind,
        "AliasTarget": {
            "DNSName": f"{target}.",
            "HostedZoneId": "Z",
            "EvaluateTargetHealth": False,
        },
        **more,
    }


def rule(protocol: str, ports: str, side: str = "sources", **peers: Any) -> dict[str, Any]:
    """Return a rule of a cloud firewall."""
    return {"protocol": protocol, "ports": ports, side: peers}


def droplet(number: int, name: str = "proxy", **fields: Any) -> DeployedDroplet:
    """Return a droplet with addresses that follow from its number."""
    public = {
        "ipv4": {"netmask": "255.255.255.0", "gateway": "198.51.100.1"},
        "ipv6": {"cidr": 64},
    }
    made = DeployedDroplet(
        id=number,
        name=name,
        image="debian-12-x64",
        ipv4=f"198.51.100.{number}",
        ipv6=f"2001:db8:d0:a::{number:x}",
        ipv6_gateway="2001:db8:d0:a::1",
        ipv6_prefix_length=64,
        reserved_ipv6=f"2001:db8:d1:a::{number:x}",
        user_data="#cloud-config\n",
        metadata={"interfaces": {"public": [public]}, "tags": ["pool"], "user_data": ""},
        firewalls=(),
    )
    return replace(made, **fields)


DEPLOYED = Deployed(
    zones=(
        DeployedZone(
            "Z1",
            "example.com",
            (
                alias("api.example.com", "inner.example.com", SetIdentifier="direct", Weight=1),
                alias("inner.example.com", BALANCER.dns_name),
                {
                    "Name": "old.example.com.",
                    "Type": "CNAME",
                    "TTL": 60,
                    "ResourceRecords": [{"Value": "Inner.Example.com"}],
                },
                alias("else.example.com", "else.elb.amazonaws.com"),
                alias("_proxy.example.com", BALANCER.dns_name, "AAAA"),
            ),
        ),
    ),
    load_balancers=(BALANCER,),
    droplets=(droplet(2),),
)


def distribution(**config: Any) -> DeployedDistribution:
    """Return a distribution in front of the load balancer."""
    return DeployedDistribution(
        "E1",
        "e1.cloudfront.net",
        {"Origins": ORIGIN, "Aliases": {"Quantity": 1, "Items": ["cdn.example.com"]}, **config},
    )


def planned(tmp_path: Path, clouds: Deployed, settings: LabSettings | None = None) -> LabPlan:
    """Return the lab of what is deployed."""
    settings = settings or LabSettings()
    certificates = dict.fromkeys(certificates_needed(clouds), (tmp_path / "c", tmp_path / "k"))
    return plan(
        clouds,
        settings,
        PlanInputs(
            folder=tmp_path,
            ca=tmp_path / "ca.pem",
            certificates=certificates,
            expired=certificates,
            edge_views=[clouds] * settings.edge_nodes,
            droplets=droplet_hosts(clouds, {}),
        ),
    )
