"""CloudWatch's alarms of the sandbox."""

from typing import Any, Final

import pytest
from botocore.exceptions import ClientError

from sandbox.clouds.aws.rules import metric_alarms as rules

TOPIC: Final = "arn:aws:sns:us-east-1:123456789012:edge"

Fields = dict[str, Any]


def alarm(**other: Any) -> Fields:
    return {
        "AlarmName": "errors",
        "Namespace": "AWS/CloudFront",
        "MetricName": "5xxErrorRate",
        "Dimensions": [{"Name": "Region", "Value": "Global"}],
        "Statistic": "Average",
        "Period": 60,
        "EvaluationPeriods": 5,
        "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanThreshold",
        **other,
    }


CASES: Final[dict[str, list[tuple[str, Fields, str, Fields]]]] = {
    "alarm_has_one_statistic": [
        (
            "both",
            alarm(ExtendedStatistic="p99"),
            "Exactly one of Statistic and ExtendedStatistic",
            alarm(Statistic=None, ExtendedStatistic="p99"),
        ),
        ("none", alarm(Statistic=None), "Exactly one of Statistic", alarm()),
    ],
    "alarm_period_is_allowed": [
        (
            "45 s",
            alarm(Period=45),
            "Period must be 10, 20, 30 or a multiple of 60",
            alarm(Period=30),
        ),
        (
            "longer than a day",
            alarm(Period=60, EvaluationPeriods=1441),
            "Metrics cannot be checked across more than 86400 seconds",
            alarm(Period=60, EvaluationPeriods=1440),
        ),
        (
            "longer than a week",
            alarm(Period=3600, EvaluationPeriods=169),
            "more than 604800 seconds",
            alarm(Period=3600, EvaluationPeriods=168),
        ),
    ],
    "alarm_datapoints_fit_the_periods": [
        (
            "more than periods",
            alarm(DatapointsToAlarm=6),
            "DatapointsToAlarm must be from 1 to 5, but was 6",
            alarm(DatapointsToAlarm=5),
        ),
    ],
    "alarm_actions_lie_in_its_region": [
        (
            "elsewhere",
            alarm(OKActions=[TOPIC.replace("us-east-1", "eu-west-1")]),
            "Invalid region eu-west-1 specified. Only us-east-1 is supported.",
            alarm(OKActions=[TOPIC]),
        ),
        ("no ARN", alarm(AlarmActions=["edge"]), "Invalid arn syntax: edge", alarm()),
    ],
}


@pytest.mark.parametrize(
    ("rule", "refused", "message", "allowed"),
    [
        pytest.param(rule, *case, id=f"{rule}: {variant}")
        for rule, cases in CASES.items()
        for variant, *case in cases
    ],
)
def test_an_alarm_is_refused_and_the_nearest_is_not(
    rule: str, refused: Fields, message: str, allowed: Fields
) -> None:
    refusal = getattr(rules, rule)(refused, "us-east-1")
    assert refusal is not None
    assert (refusal.code, message in refusal.message) == ("ValidationError", True)
    assert [one(allowed, "us-east-1") for one in rules.ALARM_RULES] == [None] * 4


def test_every_rule_has_a_case() -> None:
    assert set(CASES) == {rule.__name__ for rule in rules.ALARM_RULES}


def test_an_alarm_is_kept_as_it_was_sent(aws: Any) -> None:
    client = aws.client("cloudwatch")
    client.put_metric_alarm(**alarm(AlarmActions=[TOPIC], TreatMissingData="notBreaching"))
    (kept,) = client.describe_alarms(AlarmNames=["errors"])["MetricAlarms"]
    assert kept | alarm(AlarmActions=[TOPIC], TreatMissingData="notBreaching") == kept


def test_a_refused_alarm_is_not_made(aws: Any) -> None:
    client = aws.client("cloudwatch")
    with pytest.raises(ClientError, match="Only us-east-1 is supported") as caught:
        client.put_metric_alarm(**alarm(AlarmActions=[TOPIC.replace("us-east-1", "eu-west-1")]))
    error: Fields = dict(caught.value.response.get("Error", {}))
    assert error["Code"] == "ValidationError"
    assert client.describe_alarms()["MetricAlarms"] == []
