"""A really started AWS cloud, emptied and seeded again for every test, and clients for it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import boto3.session
import pytest
from botocore.config import Config

from sandbox.clouds import background, control
from support.clouds import start_cloud


@dataclass
class Aws:
    """The cloud as a client sees it."""

    url: str
    log: Path
    region: str = "us-east-1"
    _zone: str = ""
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict[tuple[str, str], Any])

    def client(self, service: str, region: str | None = None) -> Any:
        """Return the boto3 client of a service; it does not retry."""
        key = service, region or self.region
        if key not in self._clients:
            session: Any = boto3.session.Session("test", "test", region_name=key[1])
            config = Config(retries={"total_max_attempts": 1})
            self._clients[key] = session.client(service, endpoint_url=self.url, config=config)
        return self._clients[key]

    def control(self, method: str, what: str, body: object = None) -> Any:
        """Speak to the layer itself."""
        data = None if body is None else json.dumps(body).encode()
        request = Request(self.url + control.PATH + what, data, method=method)  # noqa: S310 loopback
        with urlopen(request) as response:  # noqa: S310 loopback
            return json.load(response)

    def control_text(self, what: str) -> str:
        """Return a text that the layer itself answers with."""
        with urlopen(self.url + control.PATH + what) as response:  # noqa: S310 loopback
            return response.read().decode()

    def close(self) -> None:
        """Close the connections of the clients."""
        for client in self._clients.values():
            client.close()

    def settings(self, **changed: float | bool | None) -> None:
        """Change how slow and strict the cloud is, until the test ends."""
        self.control("PUT", "settings", changed)

    def reset(self) -> None:
        """Empty the account and seed it again."""
        self.control("POST", "reset")
        self._zone = ""

    def restore(self, name: str) -> None:
        """Bring the account back to a snapshot."""
        self.control("PUT", f"restore/{name}")
        self._zone = ""

    def zone_id(self) -> str:
        """Return the id of the seeded hosted zone."""
        zone = self._zone or self.client("route53").list_hosted_zones()["HostedZones"][0]["Id"]
        self._zone = zone
        return zone

    def change(self, *changes: tuple[str, dict[str, Any]]) -> Any:
        """Send one batch of changes to the seeded zone."""
        return self.client("route53").change_resource_record_sets(
            HostedZoneId=self.zone_id(),
            ChangeBatch={
                "Changes": [
                    {"Action": action, "ResourceRecordSet": record} for action, record in changes
                ]
            },
        )["ChangeInfo"]

    def records(self) -> list[dict[str, Any]]:
        """Return the records of the seeded zone but its SOA and NS."""
        pages = self.client("route53").get_paginator("list_resource_record_sets")
        records = pages.paginate(HostedZoneId=self.zone_id()).search("ResourceRecordSets[]")
        return [record for record in records if record["Type"] not in ("SOA", "NS")]

    def certificate(self, *names: str, region: str | None = None) -> str:
        """Request a certificate and put its validation records into DNS; return its ARN."""
        acm = self.client("acm", region)
        arn = acm.request_certificate(
            DomainName=names[0], SubjectAlternativeNames=list(names), ValidationMethod="DNS"
        )["CertificateArn"]
        self.change(*(("UPSERT", record) for record in self.validation_records(arn, region)))
        return arn

    def validation_records(self, arn: str, region: str | None = None) -> list[dict[str, Any]]:
        """Return the records that ACM wants to see, each once."""
        described = self.client("acm", region).describe_certificate(CertificateArn=arn)
        options = described["Certificate"]["DomainValidationOptions"]
        records_by_name = {
            option["ResourceRecord"]["Name"]: option["ResourceRecord"] for option in options
        }
        return [
            {
                "Name": record["Name"],
                "Type": record["Type"],
                "TTL": 60,
                "ResourceRecords": [{"Value": record["Value"]}],
            }
            for record in records_by_name.values()
        ]


@pytest.fixture(scope="session")
def aws_client() -> Callable[[background.Cloud], Aws]:
    """Return what speaks to a cloud that a test starts by itself."""
    return lambda cloud: Aws(cloud.url, cloud.log)


@pytest.fixture(scope="session")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    home = tmp_path_factory.mktemp("clouds")
    cloud = start_cloud("aws", home)
    aws = Aws(cloud.url, cloud.log)
    yield aws
    aws.close()
    background.stop("aws", home)


@pytest.fixture
def aws(started: Aws) -> Aws:
    started.reset()
    return started


@pytest.fixture(scope="session")
def config_of() -> Callable[..., dict[str, Any]]:
    """Return a maker of distribution configurations: a pass-through for these aliases."""

    def make(reference: str, *aliases: str, certificate: str | None = None) -> dict[str, Any]:
        config: dict[str, Any] = {
            "CallerReference": reference,
            "Aliases": {"Quantity": len(aliases), "Items": list(aliases)},
            "Comment": "edge",
            "Enabled": True,
            "Origins": {
                "Quantity": 1,
                "Items": [
                    {
                        "Id": "api",
                        "DomainName": "api-1.us-east-1.elb.amazonaws.com",
                        "CustomOriginConfig": {
                            "HTTPPort": 80,
                            "HTTPSPort": 443,
                            "OriginProtocolPolicy": "https-only",
                            "OriginSslProtocols": {"Quantity": 1, "Items": ["TLSv1.2"]},
                            "OriginReadTimeout": 60,
                            "OriginKeepaliveTimeout": 5,
                        },
                    }
                ],
            },
            "DefaultCacheBehavior": {
                "TargetOriginId": "api",
                "ViewerProtocolPolicy": "https-only",
                "CachePolicyId": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
                "OriginRequestPolicyId": "216adef6-5c7f-47e4-b989-5492eafa07d3",
                "AllowedMethods": {
                    "Quantity": 7,
                    "Items": ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"],
                    "CachedMethods": {"Quantity": 2, "Items": ["GET", "HEAD"]},
                },
            },
            "IsIPV6Enabled": True,
        }
        if certificate:
            config["ViewerCertificate"] = {
                "ACMCertificateArn": certificate,
                "SSLSupportMethod": "sni-only",
                "MinimumProtocolVersion": "TLSv1.2_2021",
            }
        return config

    return make
