"""What `adopt` refuses of records that the local AWS holds, and how it gets through its throttles.

The zones in memory of `test_adopt.py` hold whatever they are told to. These do not.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import boto3.session
import pytest
from botocore.exceptions import ClientError

from rollout.adopt.account_checks import alias_conflicts
from rollout.aws import AccountReader
from rollout.faults import WrongUseError
from rollout.handover.edge_state import of_export
from rollout.shift.abort import Moved, abort_direct
from sandbox.clouds import aws, background
from support.clouds import start_cloud
from support.engine import control
from support.permissions import ABORT, ADOPT, RELEASE
from support.small_edge import NAMES, Fields, SmallEdge
from support.small_state import BALANCER, DISTRIBUTION, SmallState, edge

API: Final = "api.example.com"
COLLECTION: Final = "0f0f0f0f-0000-0000-0000-000000000000"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[background.Cloud]:
    home = tmp_path_factory.mktemp("cloud")
    yield start_cloud("aws", home)
    background.stop("aws", home)


class LocalEdge(SmallEdge):
    """A small stack whose records and distribution are in the local AWS."""

    def __init__(self, folder: Path, session: Any) -> None:
        super().__init__(folder, [])
        self.session = session
        self.api: Any = session.client("route53")
        zone = self.api.list_hosted_zones()["HostedZones"][0]["Id"]
        self.zone_id = zone.rpartition("/")[2]
        balancers = session.client("elbv2").describe_load_balancers(Names=["api"])
        (balancer,) = balancers["LoadBalancers"]
        self.target = {
            "HostedZoneId": balancer["CanonicalHostedZoneId"],
            "DNSName": balancer["DNSName"],
            "EvaluateTargetHealth": False,
        }
        self.distribution = self._distribution()
        text = json.dumps(edge(NAMES)).replace(BALANCER, balancer["DNSName"])
        text = text.replace(DISTRIBUTION, self.distribution["DomainName"])
        self.state = LocalState(json.loads(text.replace('"E1"', f'"{self.distribution["Id"]}"')))
        written = self.file.read_text().replace(BALANCER, balancer["DNSName"])
        self.file.write_text(written.replace("ZLB", balancer["CanonicalHostedZoneId"]))

    def _distribution(self) -> Any:
        acm = self.session.client("acm")
        arn = acm.request_certificate(DomainName=API, ValidationMethod="DNS")["CertificateArn"]
        described = acm.describe_certificate(CertificateArn=arn)["Certificate"]
        record = described["DomainValidationOptions"][0]["ResourceRecord"]
        value = {"TTL": 60, "ResourceRecords": [{"Value": record["Value"]}]}
        self.change(("CREATE", {"Name": record["Name"], "Type": record["Type"], **value}))
        origin = {
            "Id": "api",
            "DomainName": self.target["DNSName"],
            "CustomOriginConfig": {
                "HTTPPort": 80,
                "HTTPSPort": 443,
                "OriginProtocolPolicy": "https-only",
            },
        }
        config = {
            "CallerReference": "edge",
            "Aliases": {"Quantity": 1, "Items": [API]},
            "Comment": "",
            "Enabled": True,
            "Origins": {"Quantity": 1, "Items": [origin]},
            "DefaultCacheBehavior": {
                "TargetOriginId": "api",
                "ViewerProtocolPolicy": "https-only",
                "CachePolicyId": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
            },
            "ViewerCertificate": {"ACMCertificateArn": arn, "SSLSupportMethod": "sni-only"},
        }
        cloudfront = self.session.client("cloudfront")
        return cloudfront.create_distribution(DistributionConfig=config)["Distribution"]

    def change(self, *changes: tuple[str, Fields]) -> None:
        """Change records in one batch."""
        batch = [{"Action": action, "ResourceRecordSet": record} for action, record in changes]
        self.api.change_resource_record_sets(
            HostedZoneId=self.zone_id, ChangeBatch={"Changes": batch}
        )

    def held(self) -> list[Any]:
        """Return the records of the zone."""
        pages = self.api.get_paginator("list_resource_record_sets")
        return list(pages.paginate(HostedZoneId=self.zone_id).search("ResourceRecordSets[]"))


class LocalState(SmallState):
    """A state that knows nothing of the zone's id."""

    def take_over(self, resources: Any, *, protect: bool) -> None:
        listed = [
            {**each, "id": f"Z1_{each['id'].partition('_')[2]}"} for each in resources["resources"]
        ]
        super().take_over({**resources, "resources": listed}, protect=protect)


@pytest.fixture
def local(tmp_path: Path, cloud: background.Cloud, monkeypatch: pytest.MonkeyPatch) -> LocalEdge:
    control(cloud, "POST", "reset")
    for name, value in aws.client_environment(cloud.url).items():
        monkeypatch.setenv(name, value)
    return LocalEdge(tmp_path, boto3.session.Session())


POLICIES: Final[dict[str, Fields]] = {
    "weighted": {"Weight": 1},
    "latency": {"Region": "eu-west-1"},
    "geolocation": {"GeoLocation": {"CountryCode": "*"}},
    "geoproximity": {"GeoProximityLocation": {"AWSRegion": "eu-west-1"}},
    "IP-based": {"CidrRoutingConfig": {"CollectionId": COLLECTION, "LocationName": "office"}},
    "failover": {"Failover": "SECONDARY"},
    "multivalue answer": {"MultiValueAnswer": True},
}
VALUES: Final = {"TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}


def refused(local: LocalEdge) -> str:
    """Return why an adoption is refused, which leaves everything as it was."""
    before, text = local.held(), local.file.read_text()
    with pytest.raises(WrongUseError) as raised:
        local.run("adopt", session=local.session)
    assert (local.held(), local.file.read_text()) == (before, text)
    return str(raised.value)


def test_records_of_every_routing_policy_are_refused(local: LocalEdge) -> None:
    for policy, fields in POLICIES.items():
        served = VALUES if policy == "multivalue answer" else {"AliasTarget": local.target}
        record = {"Name": f"{API}.", "Type": "A", "SetIdentifier": "one", **served, **fields}
        local.change(("CREATE", record))
        assert f"A of {API} is of policy {policy}" in refused(local)
        local.change(("DELETE", record))


def test_other_records_that_cannot_be_carried_are_refused_all_at_once(local: LocalEdge) -> None:
    check = local.api.create_health_check(
        CallerReference="one",
        HealthCheckConfig={"Type": "TCP", "IPAddress": "192.0.2.1", "Port": 443},
    )["HealthCheck"]["Id"]
    long = {**VALUES, "TTL": 3600, "HealthCheckId": check}
    https = {"TTL": 60, "ResourceRecords": [{"Value": "1 ."}]}
    local.change(
        ("CREATE", {"Name": f"{API}.", "Type": "AAAA", "AliasTarget": local.target}),
        ("CREATE", {"Name": f"{API}.", "Type": "HTTPS", **https}),
        ("CREATE", {"Name": f"{API}.", "Type": "A", **long}),
    )
    told = refused(local)
    for part in (
        f"HTTPS of {API} is beside its addresses",
        f"A of {API} is answered by health check {check}",
        f"The TTL of A {API} is 3600 seconds",
        f"A of {API} is 192.0.2.1",
    ):
        assert part in told


def test_a_protected_name_is_refused_until_the_command_of_the_message_lifts_it(
    local: LocalEdge,
) -> None:
    local.change(("CREATE", {"Name": f"{API}.", "Type": "A", "AliasTarget": local.target}))
    key = {"RecordName": API, "RecordType": "A"}
    local.api.create_resource_record_set_protections(HostedZoneId=local.zone_id, Protections=[key])
    told = refused(local)
    assert f"A of {API} is under a record set protection" in told
    lifted = f"--hosted-zone-id {local.zone_id} --protections RecordName={API},RecordType=A"
    assert lifted in told
    with pytest.raises(ClientError, match="InvalidChangeBatch"):
        local.change(("DELETE", {"Name": API, "Type": "A", "AliasTarget": local.target}))
    local.api.delete_resource_record_set_protections(HostedZoneId=local.zone_id, Protections=[key])
    assert local.run("adopt", session=local.session).exit_code == 0


def test_a_name_that_a_distribution_of_another_account_has_is_told_of(
    local: LocalEdge, cloud: background.Cloud
) -> None:
    state = of_export(local.state.export(), "prod")
    reader = AccountReader(local.session)
    assert list(alias_conflicts(reader, state, NAMES)) == []
    control(cloud, "PUT", "settings", {"aliases_elsewhere": {API: "111122223333"}})
    (fault,) = alias_conflicts(reader, state, NAMES)
    assert fault.value == "an alias of *******SEWHERE of account ******223333 too"


def test_both_throttles_and_slow_name_servers_only_take_time(
    local: LocalEdge, cloud: background.Cloud
) -> None:
    local.change(("CREATE", {"Name": f"{API}.", "Type": "A", "AliasTarget": local.target}))
    slow = {
        "throttle_per_second": 2,
        "throttle_burst": 1,
        "record_changes_per_second": 20,
        "record_changes_burst": 5,
        "change_seconds": 0.3,
    }
    control(cloud, "PUT", "settings", slow)
    for verb in ("adopt", "release", "adopt"):
        report = local.run(verb, session=local.session)
        assert (report.exit_code, report.insync) == (0, True)


def test_the_verbs_ask_what_their_policies_allow_and_nothing_else(
    local: LocalEdge, cloud: background.Cloud
) -> None:
    local.change(("CREATE", {"Name": f"{API}.", "Type": "A", "AliasTarget": local.target}))
    written = local.file.read_text()
    zone_id = local.target["HostedZoneId"]
    local.file.write_text(written.replace(f", hostedZoneId: {zone_id}", ""))

    def asked(of: Callable[[], object]) -> set[str]:
        before = len(cloud.log.read_text())
        of()
        lines = cloud.log.read_text()[before:].splitlines()
        return {":".join(line.split()[1:3]) for line in lines}

    def adopt() -> None:
        local.run("adopt", session=local.session)
        state = of_export(local.state.export(), "prod")
        list(alias_conflicts(AccountReader(local.session), state, NAMES))

    assert asked(adopt) == ADOPT
    assert asked(lambda: local.run("release", session=local.session)) == RELEASE
    local.run("adopt", session=local.session)
    moved = [
        {**record, "Weight": 50}
        for record in local.held()
        if record["Name"] == f"{API}." and "Weight" in record
    ]
    local.change(*(("UPSERT", record) for record in moved))
    back = Moved(NAMES, "example.com", None)
    assert asked(lambda: abort_direct(back, local.session, lambda _: None)) == ABORT
