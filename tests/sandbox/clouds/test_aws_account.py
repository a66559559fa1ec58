"""The account of the sandbox: what is in it, how it is steered, and what is written about it."""

import json
import os
import re
import urllib.error
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from sandbox.clouds.aws import client_environment
from sandbox.clouds.aws.moto_settings import MotoSettings


class TestSeededAccount:
    def test_has_a_hosted_zone_with_todays_simple_record(self, aws: Any) -> None:
        zones = aws.client("route53").list_hosted_zones()["HostedZones"]
        assert [zone["Name"] for zone in zones] == ["example.com."]
        (record,) = aws.records()
        (balancer,) = aws.client("elbv2").describe_load_balancers(Names=["api"])["LoadBalancers"]
        assert record == {
            "Name": "www.example.com.",
            "Type": "A",
            "AliasTarget": {
                "HostedZoneId": balancer["CanonicalHostedZoneId"],
                "DNSName": f"{balancer['DNSName']}.",
                "EvaluateTargetHealth": True,
            },
        }

    @pytest.mark.parametrize(
        ("name", "kind", "dns_name", "zone_id"),
        [
            ("api", "application", r"api-\d{10}\.us-east-1\.elb\.amazonaws\.com", "Z35SXDOTRQ7X7K"),
            (
                "api-network",
                "network",
                r"api-network-[0-9a-f]{16}\.elb\.us-east-1\.amazonaws\.com",
                "Z26RNL4JYFTOTI",
            ),
        ],
    )
    def test_has_ipv4_only_load_balancers(
        self, aws: Any, name: str, kind: str, dns_name: str, zone_id: str
    ) -> None:
        (balancer,) = aws.client("elbv2").describe_load_balancers(Names=[name])["LoadBalancers"]
        assert (balancer["Type"], balancer["IpAddressType"]) == (kind, "ipv4")
        assert re.fullmatch(dns_name, balancer["DNSName"])
        assert balancer["CanonicalHostedZoneId"] == zone_id

    def test_has_a_classic_load_balancer(self, aws: Any) -> None:
        (balancer,) = aws.client("elb").describe_load_balancers()["LoadBalancerDescriptions"]
        assert balancer["LoadBalancerName"] == "api-classic"
        assert re.fullmatch(
            r"api-classic-\d{10}\.us-east-1\.elb\.amazonaws\.com", balancer["DNSName"]
        )
        assert balancer["CanonicalHostedZoneNameID"] == "Z35SXDOTRQ7X7K"


def test_a_new_load_balancer_is_told_with_its_right_name_at_once(aws: Any) -> None:
    subnets = aws.client("ec2", "eu-west-1").describe_subnets()["Subnets"]
    made = aws.client("elbv2", "eu-west-1").create_load_balancer(
        Name="second", Type="network", Subnets=[subnet["SubnetId"] for subnet in subnets]
    )["LoadBalancers"][0]
    assert re.fullmatch(r"second-[0-9a-f]{16}\.elb\.eu-west-1\.amazonaws\.com", made["DNSName"])
    assert made["CanonicalHostedZoneId"] == "Z2IFOLAFXWLO4F"
    listener = {"Protocol": "HTTP", "LoadBalancerPort": 80, "InstancePort": 80}
    classic = aws.client("elb", "eu-west-1").create_load_balancer(
        LoadBalancerName="old", Listeners=[listener], AvailabilityZones=["eu-west-1a"]
    )
    assert re.fullmatch(r"old-\d{10}\.eu-west-1\.elb\.amazonaws\.com", classic["DNSName"])


class TestSettings:
    def test_are_the_documented_defaults_after_a_reset(self, aws: Any) -> None:
        assert aws.control("GET", "settings") == json.loads(MotoSettings().model_dump_json())

    def test_change_one_by_one(self, aws: Any) -> None:
        aws.settings(deploy_seconds=7)
        aws.settings(change_seconds=3, throttle_per_second=5)
        current = aws.control("GET", "settings")
        assert (current["deploy_seconds"], current["change_seconds"]) == (7, 3)
        assert current["throttle_per_second"] == 5
        assert aws.control("POST", "reset")["deploy_seconds"] == 1

    @pytest.mark.parametrize(
        ("body", "fault"),
        [
            pytest.param({"deploy_second": 1}, "deploy_second", id="unknown"),
            pytest.param({"deploy_seconds": -1}, "greater than or equal to 0", id="negative"),
            pytest.param({"deploy_seconds": "soon"}, "valid number", id="text"),
            pytest.param({"throttle_per_second": 0}, "greater than or equal to 1", id="nothing"),
        ],
    )
    def test_that_make_no_sense_are_refused(
        self, aws: Any, body: dict[str, object], fault: str
    ) -> None:
        with pytest.raises(urllib.error.HTTPError) as caught:
            aws.control("PUT", "settings", body)
        with caught.value as answer:
            assert answer.code == 400
            assert fault in answer.read().decode()
        assert aws.control("GET", "settings")["deploy_seconds"] == 1

    def test_at_another_path_are_not_found(self, aws: Any) -> None:
        with pytest.raises(urllib.error.HTTPError) as caught:
            aws.control("GET", "nothing")
        with caught.value as answer:
            assert answer.code == 404
            assert "PUT settings" in answer.read().decode()


def test_reset_leaves_nothing_of_before(aws: Any) -> None:
    aws.certificate("api.example.com")
    aws.client("s3").create_bucket(Bucket="logs")
    zone = aws.zone_id()
    aws.reset()
    assert len(aws.records()) == 1
    assert aws.client("acm").list_certificates()["CertificateSummaryList"] == []
    assert aws.client("s3").list_buckets()["Buckets"] == []
    assert aws.zone_id() != zone


def test_every_request_is_logged_with_its_operation_and_answer(aws: Any) -> None:
    record = {
        "Name": "api.example.org",
        "Type": "A",
        "TTL": 60,
        "ResourceRecords": [{"Value": "192.0.2.1"}],
    }
    aws.client("sts").get_caller_identity()
    with pytest.raises(aws.client("route53").exceptions.InvalidChangeBatch):
        aws.change(("CREATE", record))
    lines = aws.log.read_text().splitlines()
    assert lines[-3:] == [
        "POST sts GetCallerIdentity 200",
        "GET route53 ListHostedZones 200",
        "POST route53 ChangeResourceRecordSets 400 InvalidChangeBatch",
    ]


@pytest.mark.parametrize(
    ("service", "path", "method", "code"),
    [
        ("route53", "/2013-04-01/hostedzone/Z1/rrset", "POST", "InvalidInput"),
        ("cloudfront", "/2020-05-31/distribution", "POST", "MalformedXML"),
    ],
)
def test_a_body_that_is_no_xml_is_refused(
    aws: Any, service: str, path: str, method: str, code: str
) -> None:
    scope = f"AWS4-HMAC-SHA256 Credential=test/20300101/us-east-1/{service}/aws4_request, x"
    headers = {"Authorization": scope, "Content-Type": "application/xml"}
    request = Request(aws.url + path, b"<not xml", headers, method=method)  # noqa: S310 loopback
    with pytest.raises(urllib.error.HTTPError) as caught:
        urlopen(request)  # noqa: S310 loopback
    with caught.value as answer:
        assert answer.code == 400
        assert f"<Code>{code}</Code>" in answer.read().decode()


def test_the_environment_points_every_client_at_the_cloud(aws: Any) -> None:
    environment = client_environment(aws.url)
    assert environment["AWS_ENDPOINT_URL"] == aws.url
    assert {environment["AWS_REGION"], environment["AWS_DEFAULT_REGION"]} == {"us-east-1"}
    assert {environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"]} == {"test"}
    assert "127.0.0.1" in environment["NO_PROXY"].split(",")
    assert Path(environment["AWS_CONFIG_FILE"]) == Path(os.devnull)
