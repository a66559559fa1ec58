"""`PathAlarms`: what is watched on both paths, and that all of it is in us-east-1."""

from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_aws as aws
import pytest

from components.alarms import PathAlarms
from components.proxy_pool import Address
from components.settings import Alarms

if TYPE_CHECKING:
    from support.recording import MockEngine

TOPIC = "arn:aws:sns:us-east-1:123456789012:edge-alarms"
TOLD = {"alarmActions": [TOPIC], "okActions": [TOPIC], "period": 60}


@pytest.fixture
def made(engine: "MockEngine") -> "MockEngine":
    def program() -> None:
        check = aws.route53.HealthCheck("check", type="TCP", ip_address="2001:db8::1", port=443)
        PathAlarms(
            "alarms",
            {
                "alarms": Alarms(topic_arn=TOPIC, error_percent=2),
                "distribution_id": "E2QWRUHAPOMQZL",
                "load_balancer": "lb.example.net",
                "port": 443,
                "proxies": [("fra1-1", check)],
                "addresses": [Address("fra1-1", pulumi.Output.from_input("2001:db8::1"), check)],
                "provider_arguments": {"profile": "deploy"},
            },
        )

    engine.run(program)
    return engine


def test_cloudfront_s_server_errors_are_watched(made: "MockEngine") -> None:
    assert made.registered["alarms-cdn-errors"].inputs == {
        **TOLD,
        "alarmDescription": "Share of CloudFront's answers that are server errors",
        "namespace": "AWS/CloudFront",
        "metricName": "5xxErrorRate",
        "dimensions": {"DistributionId": "E2QWRUHAPOMQZL", "Region": "Global"},
        "statistic": "Average",
        "comparisonOperator": "GreaterThanThreshold",
        "threshold": 2,
        "evaluationPeriods": 5,
        "treatMissingData": "notBreaching",
    }


@pytest.mark.parametrize(
    ("what", "check"), [("direct", "alarms-direct-health-id"), ("fra1-1", "check-id")]
)
def test_the_load_balancer_and_each_proxy_are_watched_by_their_health_checks(
    made: "MockEngine", what: str, check: str
) -> None:
    assert made.registered[f"alarms-{what}-unhealthy"].inputs == {
        **TOLD,
        "alarmDescription": f"Whether Route 53 can reach {what}",
        "namespace": "AWS/Route53",
        "metricName": "HealthCheckStatus",
        "dimensions": {"HealthCheckId": check},
        "statistic": "Minimum",
        "comparisonOperator": "LessThanThreshold",
        "threshold": 1,
        "evaluationPeriods": 1,
        "treatMissingData": "missing",
    }


def test_a_proxy_tells_before_it_is_full_and_stays_in_the_answers(made: "MockEngine") -> None:
    assert made.registered["alarms-fra1-1-room"].inputs == {
        "type": "HTTP",
        "ipAddress": "2001:db8::1",
        "port": 8101,
        "resourcePath": "/",
        "requestInterval": 30,
        "failureThreshold": 3,
        "tags": {"Name": "alarms fra1-1 has room"},
    }
    alarm = made.registered["alarms-fra1-1-full"].inputs
    assert alarm["alarmDescription"] == "Whether proxy fra1-1 has room for more connections"
    assert alarm["dimensions"] == {"HealthCheckId": "alarms-fra1-1-room-id"}
    assert alarm["alarmActions"] == [TOPIC]
    assert not made.of_type("aws:route53/record:Record")


def test_the_load_balancer_is_checked_by_name_for_a_connection(made: "MockEngine") -> None:
    expected: dict[str, Any] = {
        "type": "TCP",
        "fqdn": "lb.example.net",
        "port": 443,
        "requestInterval": 30,
        "failureThreshold": 3,
        "tags": {"Name": "alarms direct"},
    }
    assert made.registered["alarms-direct-health"].inputs == expected


def test_every_alarm_is_made_in_us_east_1_with_the_stack_s_own_credentials(
    made: "MockEngine",
) -> None:
    provider = made.registered["alarms-us-east-1"].inputs
    assert (provider["region"], provider["profile"]) == ("us-east-1", "deploy")
    alarms = made.of_type("aws:cloudwatch/metricAlarm:MetricAlarm")
    assert {alarm.provider for alarm in alarms} == {"alarms-us-east-1"}
    assert len(alarms) == 4
