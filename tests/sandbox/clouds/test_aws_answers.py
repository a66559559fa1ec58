"""What AWS always answers is answered: members, statuses that take time, what checkers see."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import botocore
import pytest
from botocore.exceptions import ClientError
from moto.core.model import Shape, StructureShape
from moto.core.utils import get_service_model

from sandbox.clouds.aws.constraints import walk

Fields = dict[str, Any]


def refused(call: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call()
    error: Any = caught.value.response
    return error["Error"]["Code"], error["Error"]["Message"]


def lacking(answer: Fields, shape: Shape) -> Iterator[str]:
    """Yield the members that the service's model says are always there, and are not."""
    for path, value, of in walk(answer, shape):
        if isinstance(of, StructureShape) and isinstance(value, dict):
            yield from (f"{path}: {name}" for name in of.required_members if name not in value)


READS: Final = [
    ("route53", "ListHostedZones"),
    ("route53", "ListHostedZonesByName"),
    ("route53", "ListHealthChecks"),
    ("cloudfront", "ListDistributions"),
    ("cloudfront", "ListCachePolicies"),
    ("cloudfront", "ListOriginRequestPolicies"),
]


@pytest.mark.parametrize(("service", "operation"), READS)
def test_lists_have_what_the_model_says_is_always_there(
    aws: Any, service: str, operation: str
) -> None:
    model = get_service_model(service).operation_model(operation)
    answer = getattr(aws.client(service), botocore.xform_name(operation))()
    assert list(lacking(answer, model.output_shape)) == []


def test_what_is_deployed_has_what_the_model_says_is_always_there(aws: Any, config_of: Any) -> None:
    route53, cloudfront = aws.client("route53"), aws.client("cloudfront")
    id_ = cloudfront.create_distribution(DistributionConfig=config_of("one"))["Distribution"]["Id"]
    check = route53.create_health_check(
        CallerReference="1",
        HealthCheckConfig={"Type": "TCP", "IPAddress": "192.0.2.1", "Port": 443},
    )["HealthCheck"]["Id"]
    zone, batch = aws.zone_id(), {"Paths": {"Quantity": 1, "Items": ["/*"]}, "CallerReference": "1"}
    made = cloudfront.create_invalidation(DistributionId=id_, InvalidationBatch=batch)
    arn = cloudfront.get_distribution(Id=id_)["Distribution"]["ARN"]
    answers = [
        ("cloudfront", "CreateInvalidation", made),
        ("cloudfront", "GetDistribution", cloudfront.get_distribution(Id=id_)),
        ("cloudfront", "GetDistributionConfig", cloudfront.get_distribution_config(Id=id_)),
        ("cloudfront", "ListDistributions", cloudfront.list_distributions()),
        ("cloudfront", "ListInvalidations", cloudfront.list_invalidations(DistributionId=id_)),
        (
            "cloudfront",
            "GetInvalidation",
            cloudfront.get_invalidation(DistributionId=id_, Id=made["Invalidation"]["Id"]),
        ),
        ("cloudfront", "ListTagsForResource", cloudfront.list_tags_for_resource(Resource=arn)),
        ("route53", "GetHostedZone", route53.get_hosted_zone(Id=zone)),
        (
            "route53",
            "ListResourceRecordSets",
            route53.list_resource_record_sets(HostedZoneId=zone),
        ),
        ("route53", "GetHealthCheck", route53.get_health_check(HealthCheckId=check)),
        ("route53", "GetHealthCheckStatus", route53.get_health_check_status(HealthCheckId=check)),
        (
            "route53",
            "TestDNSAnswer",
            route53.test_dns_answer(
                HostedZoneId=zone, RecordName="www.example.com", RecordType="A"
            ),
        ),
        (
            "route53",
            "ListTagsForResource",
            route53.list_tags_for_resource(ResourceType="healthcheck", ResourceId=check),
        ),
        ("route53", "DeleteHealthCheck", route53.delete_health_check(HealthCheckId=check)),
    ]
    for service, operation, answer in answers:
        shape = get_service_model(service).operation_model(operation).output_shape
        assert shape is None or list(lacking(answer, shape)) == [], operation


def example(service: str, version: str, operation: str) -> Fields:
    """Return the first answer that AWS documents for an operation, as botocore carries it."""
    path = Path(botocore.__file__).parent / "data" / service / version / "examples-1.json"
    examples: list[Fields] = json.loads(path.read_text())["examples"][operation]
    return next(each["output"] for each in examples if each.get("output"))


def test_a_classic_load_balancer_has_what_aws_shows(aws: Any) -> None:
    client = aws.client("elb")
    described = client.describe_load_balancers()["LoadBalancerDescriptions"][0]
    shown = example("elb", "2012-06-01", "DescribeLoadBalancers")["LoadBalancerDescriptions"][0]
    assert set(shown) - set(described) == set()
    assert described["HealthCheck"] == {
        "Target": "TCP:80",
        "Interval": 30,
        "Timeout": 5,
        "UnhealthyThreshold": 2,
        "HealthyThreshold": 10,
    }


def test_a_classic_load_balancer_made_here_has_a_health_check_and_keeps_its_own(aws: Any) -> None:
    client = aws.client("elb")
    listener = {"Protocol": "TCP", "LoadBalancerPort": 443, "InstancePort": 8443}
    client.create_load_balancer(
        LoadBalancerName="other", Listeners=[listener], AvailabilityZones=["us-east-1a"]
    )

    def check() -> Fields:
        described = client.describe_load_balancers(LoadBalancerNames=["other"])
        return described["LoadBalancerDescriptions"][0]["HealthCheck"]

    assert check()["Target"] == "TCP:8443"
    own = {**check(), "Target": "HTTP:80/health", "Interval": 10}
    client.configure_health_check(LoadBalancerName="other", HealthCheck=own)
    assert check() == own


def test_other_load_balancers_have_what_aws_shows(aws: Any) -> None:
    described = aws.client("elbv2").describe_load_balancers()["LoadBalancers"]
    shown = example("elbv2", "2015-12-01", "DescribeLoadBalancers")["LoadBalancers"][0]
    for balancer in described:
        lacks = set(shown) - set(balancer)
        assert lacks <= ({"SecurityGroups"} if balancer["Type"] == "network" else set())


class TestInvalidations:
    @pytest.fixture
    def cloudfront(self, aws: Any) -> Any:
        return aws.client("cloudfront")

    @pytest.fixture
    def distribution(self, cloudfront: Any, config_of: Any) -> str:
        made = cloudfront.create_distribution(DistributionConfig=config_of("one"))
        return made["Distribution"]["Id"]

    def make(self, cloudfront: Any, id_: str, reference: str, *paths: str) -> Fields:
        batch = {
            "Paths": {"Quantity": len(paths), "Items": list(paths)},
            "CallerReference": reference,
        }
        made = cloudfront.create_invalidation(DistributionId=id_, InvalidationBatch=batch)
        return made["Invalidation"]

    def test_are_in_progress_before_they_are_completed(
        self, aws: Any, cloudfront: Any, distribution: str
    ) -> None:
        aws.settings(deploy_seconds=0.4)
        made = self.make(cloudfront, distribution, "1", "/*", "/v1/*")
        assert made["Status"] == "InProgress"
        assert made["InvalidationBatch"]["Paths"]["Items"] == ["/*", "/v1/*"]
        read = cloudfront.get_distribution(Id=distribution)["Distribution"]
        assert read["InProgressInvalidationBatches"] == 1
        time.sleep(0.5)
        one = {"DistributionId": distribution, "Id": made["Id"]}
        assert cloudfront.get_invalidation(**one)["Invalidation"]["Status"] == "Completed"
        listed = cloudfront.list_invalidations(DistributionId=distribution)["InvalidationList"]
        assert [(item["Id"], item["Status"]) for item in listed["Items"]] == [
            (made["Id"], "Completed")
        ]
        read = cloudfront.get_distribution(Id=distribution)["Distribution"]
        assert read["InProgressInvalidationBatches"] == 0
        cloudfront.get_waiter("invalidation_completed").wait(**one, WaiterConfig={"MaxAttempts": 1})

    def test_invalidation_can_be_made(self, cloudfront: Any, distribution: str) -> None:
        made = self.make(cloudfront, distribution, "1", "/*")
        assert self.make(cloudfront, distribution, "1", "/*")["Id"] == made["Id"]
        code, message = refused(lambda: self.make(cloudfront, distribution, "1", "/v1/*"))
        assert (code, "was used for a previous" in message) == ("InvalidArgument", True)
        code, message = refused(lambda: self.make(cloudfront, distribution, "2", "v1/*"))
        assert (code, "invalid invalidation paths" in message) == ("InvalidArgument", True)
        code, _ = refused(lambda: self.make(cloudfront, distribution, "2"))
        assert code == "InvalidArgument"
        assert self.make(cloudfront, distribution, "2", "/v1/*")["Id"] != made["Id"]
        code, _ = refused(lambda: self.make(cloudfront, "E0000000000000", "3", "/*"))
        assert code == "NoSuchDistribution"


def test_a_certificate_can_be_renewed_once_it_is_issued_and_used(aws: Any, config_of: Any) -> None:
    acm, cloudfront = aws.client("acm"), aws.client("cloudfront")

    def eligible(arn: str) -> str:
        return acm.describe_certificate(CertificateArn=arn)["Certificate"]["RenewalEligibility"]

    pending = acm.request_certificate(DomainName="b.example.com", ValidationMethod="DNS")
    assert eligible(pending["CertificateArn"]) == "INELIGIBLE"
    arn = aws.certificate("api.example.com")
    assert eligible(arn) == "INELIGIBLE"
    config = config_of("one", "api.example.com", certificate=arn)
    cloudfront.create_distribution(DistributionConfig=config)
    assert eligible(arn) == "ELIGIBLE"


class TestHealthCheckStatus:
    def make(self, aws: Any, **config: Any) -> str:
        made = aws.client("route53").create_health_check(
            CallerReference=str(sorted(config))[:64], HealthCheckConfig=config
        )
        return made["HealthCheck"]["Id"]

    def statuses(self, aws: Any, id_: str) -> list[str]:
        answer = aws.client("route53").get_health_check_status(HealthCheckId=id_)
        return [each["StatusReport"]["Status"] for each in answer["HealthCheckObservations"]]

    def test_of_what_nobody_has_seen_is_nothing_and_of_what_fails_is_why(self, aws: Any) -> None:
        id_ = self.make(aws, Type="TCP", IPAddress="2001:db8::1", Port=443)
        assert self.statuses(aws, id_) == []
        aws.settings(health={id_: False})
        statuses = self.statuses(aws, id_)
        assert len(statuses) == 8
        assert all(status.startswith("Failure: 2001:db8::1 does not") for status in statuses)

    def test_is_what_checkers_see(self, aws: Any) -> None:
        id_ = self.make(aws, Type="HTTPS", FullyQualifiedDomainName="api.example.com")
        regions = ["us-east-1", "eu-west-1", "us-west-2"]
        inverted = self.make(
            aws, Type="TCP", IPAddress="192.0.2.1", Port=1, Inverted=True, Regions=regions
        )
        aws.settings(health={id_: True, inverted: True})
        assert set(self.statuses(aws, id_)) == {"Success: HTTP Status Code 200, OK"}
        assert len(self.statuses(aws, inverted)) == 3
        assert {status[:7] for status in self.statuses(aws, inverted)} == {"Failure"}
        aws.settings(health={id_: False, inverted: False})
        assert {status[:7] for status in self.statuses(aws, id_)} == {"Failure"}
        assert set(self.statuses(aws, inverted)) == {"Success: TCP connection established"}

    def test_of_a_calculated_one_is_nobodys_to_see(self, aws: Any) -> None:
        assert self.statuses(aws, self.make(aws, Type="CALCULATED", HealthThreshold=1)) == []


class TestTestDnsAnswer:
    def ask(self, aws: Any, name: str, kind: str = "A") -> tuple[str, list[str]]:
        answer = aws.client("route53").test_dns_answer(
            HostedZoneId=aws.zone_id(), RecordName=name, RecordType=kind
        )
        assert (answer["RecordName"], answer["RecordType"]) == (name, kind)
        return answer["ResponseCode"], answer["RecordData"]

    def put(self, aws: Any, name: str, kind: str, value: str, **more: Any) -> None:
        record = {
            "Name": name,
            "Type": kind,
            "TTL": 60,
            "ResourceRecords": [{"Value": value}],
            **more,
        }
        aws.change(("UPSERT", record))

    def test_is_what_a_record_holds(self, aws: Any) -> None:
        self.put(aws, "a.example.com", "A", "192.0.2.1")
        self.put(aws, "*.w.example.com", "AAAA", "2001:db8::1")
        self.put(aws, "c.example.com", "CNAME", "other.example.org")
        assert self.ask(aws, "A.example.com.") == ("NOERROR", ["192.0.2.1"])
        assert self.ask(aws, "a.example.com", "AAAA") == ("NOERROR", [])
        assert self.ask(aws, "x.y.w.example.com", "AAAA") == ("NOERROR", ["2001:db8::1"])
        assert self.ask(aws, "c.example.com") == ("NOERROR", ["other.example.org."])
        assert self.ask(aws, "nothing.example.com") == ("NXDOMAIN", [])
        assert self.ask(aws, "w.example.com") == ("NOERROR", [])

    def test_of_an_alias_is_what_it_leads_to(self, aws: Any) -> None:
        code, addresses = self.ask(aws, "www.example.com")
        assert (code, len(addresses)) == ("NOERROR", 2)
        assert all(address.startswith("198.18.0.") for address in addresses)

    def test_has_the_shares_of_the_weights_and_of_health(self, aws: Any) -> None:
        check = aws.client("route53").create_health_check(
            CallerReference="1",
            HealthCheckConfig={"Type": "TCP", "IPAddress": "192.0.2.1", "Port": 443},
        )["HealthCheck"]["Id"]
        own = {"SetIdentifier": "one", "Weight": 3, "HealthCheckId": check}
        self.put(aws, "w.example.com", "A", "192.0.2.1", **own)
        self.put(aws, "w.example.com", "A", "192.0.2.2", SetIdentifier="two", Weight=1)
        counted = Counter(self.ask(aws, "w.example.com")[1][0] for _ in range(80))
        assert set(counted) == {"192.0.2.1", "192.0.2.2"}
        assert counted["192.0.2.1"] > counted["192.0.2.2"]
        aws.settings(health={check: False})
        assert {self.ask(aws, "w.example.com")[1][0] for _ in range(20)} == {"192.0.2.2"}
