"""Alarms, from check to destruction, against the cloud."""

from typing import Any

import pytest

from sandbox.plugins.values import UNKNOWN, Props

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
TOPIC = "arn:aws:sns:us-east-1:123456789012:edge"


def alarm(**other: Any) -> Props:
    return {
        "name": "api-errors",
        "namespace": "AWS/CloudFront",
        "metricName": "5xxErrorRate",
        "dimensions": {"DistributionId": "E1", "Region": "Global"},
        "statistic": "Average",
        "comparisonOperator": "GreaterThanThreshold",
        "threshold": 1.5,
        "period": 60,
        "evaluationPeriods": 5,
        "alarmActions": [TOPIC],
        **other,
    }


def alarms_of(cloud: Any, name: str = "api-errors") -> list[Props]:
    return cloud.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]


def test_an_alarm_goes_from_creation_to_destruction(plugin: Any, cloud: Any) -> None:
    state, inputs = plugin.made(ALARM, alarm(tags={"team": "api"}))
    assert state == inputs | {
        "id": "api-errors",
        "arn": "arn:aws:cloudwatch:us-east-1:123456789012:alarm:api-errors",
        "actionsEnabled": True,
        "insufficientDataActions": [],
        "okActions": [],
        "region": "us-east-1",
        "tagsAll": {"team": "api"},
        "treatMissingData": "missing",
    }

    changed = inputs | {"threshold": 0, "okActions": [TOPIC], "tags": {"owner": "edge"}}
    assert plugin.diff(ALARM, state, changed) == {
        "okActions[0]": "ADD",
        "tags.owner": "ADD",
        "tags.team": "DELETE",
        "threshold": "UPDATE",
    }
    state = plugin.update(ALARM, state, changed)
    assert (alarms_of(cloud)[0]["Threshold"], alarms_of(cloud)[0]["OKActions"]) == (0, [TOPIC])
    assert state["tags"] == {"owner": "edge"}
    assert plugin.diff(ALARM, state, changed) == {}

    plugin.delete(ALARM, state)
    assert alarms_of(cloud) == []
    plugin.delete(ALARM, state)  # again, because it is gone already


def test_a_refresh_after_creation_changes_nothing(plugin: Any) -> None:
    for desired in (
        alarm(okActions=["arn:aws:sns:us-east-1:123456789012:b", TOPIC]),
        alarm(name="latency", statistic="Maximum", actionsEnabled=False),
        alarm(name="health", threshold=0, treatMissingData="breaching", alarmDescription="down"),
    ):
        state, inputs = plugin.made(ALARM, desired)
        assert plugin.refresh(ALARM, state, inputs) == (state, inputs)
        assert plugin.diff(ALARM, state, inputs) == {}


def test_a_change_by_hand_shows_as_just_that(plugin: Any, cloud: Any) -> None:
    state, inputs = plugin.made(ALARM, alarm())
    cloud.client("cloudwatch").disable_alarm_actions(AlarmNames=["api-errors"])
    drifted, drifted_inputs = plugin.refresh(ALARM, state, inputs)
    off = {"actionsEnabled": False}
    assert (drifted, drifted_inputs) == (state | off, inputs | off)
    assert plugin.diff(ALARM, drifted, inputs) == {"actionsEnabled": "UPDATE"}


def test_an_alarm_deleted_by_hand_is_read_as_gone(plugin: Any, cloud: Any) -> None:
    state, inputs = plugin.made(ALARM, alarm())
    cloud.client("cloudwatch").delete_alarms(AlarmNames=["api-errors"])
    assert plugin.refresh(ALARM, state, inputs) == ({}, {})


def test_an_imported_alarm_gives_the_inputs_that_would_make_it(plugin: Any) -> None:
    state, inputs = plugin.made(ALARM, alarm(tags={"team": "api"}))
    imported, imported_inputs = plugin.read(ALARM, "api-errors", {}, {})
    assert imported == state
    assert imported_inputs == alarm(tags={"team": "api"}, region="us-east-1")
    assert plugin.diff(ALARM, imported, inputs) == {}


def test_an_alarm_of_the_same_name_is_not_taken_over(plugin: Any) -> None:
    _, inputs = plugin.made(ALARM, alarm())
    failed = plugin.failure(lambda: plugin.create(ALARM, inputs))
    assert failed.text == (
        f"creating {ALARM} it: CloudWatch metric alarm 'api-errors' already exists. Import it, or "
        "choose another name."
    )


def test_an_alarm_without_a_name_gets_one_of_its_own(plugin: Any, cloud: Any) -> None:
    state, inputs = plugin.made(ALARM, alarm(name=None))
    assert inputs["name"].startswith("it-")
    assert alarms_of(cloud, state["id"])[0]["AlarmName"] == inputs["name"]


def test_an_alarm_may_lie_in_another_region_than_the_provider(plugin: Any, cloud: Any) -> None:
    topic = TOPIC.replace("us-east-1", "eu-west-1")
    state, inputs = plugin.made(ALARM, alarm(region="eu-west-1", alarmActions=[topic]))
    assert (state["region"], alarms_of(cloud)) == ("eu-west-1", [])
    assert plugin.refresh(ALARM, state, inputs) == (state, inputs)
    plugin.delete(ALARM, state)
    assert plugin.refresh(ALARM, state, inputs) == ({}, {})


@pytest.mark.parametrize("changed", [{"name": "other"}, {"region": "eu-west-1"}])
def test_another_name_or_region_needs_a_new_one(plugin: Any, changed: Props) -> None:
    state, inputs = plugin.made(ALARM, alarm())
    assert plugin.diff(ALARM, state, inputs | changed) == dict.fromkeys(changed, "UPDATE_REPLACE")


def test_a_preview_leaves_unknown_what_cloudwatch_decides(plugin: Any) -> None:
    checked = plugin.checked(ALARM, alarm(dimensions={"DistributionId": UNKNOWN}))
    assert plugin.preview(ALARM, checked) == checked | {
        "id": UNKNOWN,
        "arn": UNKNOWN,
        "region": "us-east-1",
        "tagsAll": {},
    }


@pytest.mark.parametrize(
    ("desired", "failures"),
    [
        pytest.param(
            alarm(period=None, comparisonOperator=None),
            [
                (
                    "comparisonOperator",
                    "comparisonOperator is missing; an alarm needs one. Set it.",
                ),
                ("period", "period is missing; an alarm needs one. Set it."),
            ],
            id="what is missing",
        ),
        pytest.param(
            alarm(thresholdMetricId="e1"),
            [
                (
                    "thresholdMetricId",
                    (
                        "thresholdMetricId is given; the stand-in for the plugin does without it. "
                        "Leave it out, or install the official plugin."
                    ),
                )
            ],
            id="anomalies",
        ),
    ],
)
def test_what_cannot_be_is_refused_at_check(
    plugin: Any, desired: Props, failures: list[tuple[str, str]]
) -> None:
    assert plugin.check(ALARM, desired)[1] == failures


def test_a_topic_of_another_region_is_refused_by_cloudwatch(plugin: Any) -> None:
    topic = TOPIC.replace("us-east-1", "eu-west-1")
    checked = plugin.checked(ALARM, alarm(alarmActions=[topic]))
    failed = plugin.failure(lambda: plugin.create(ALARM, checked))
    assert failed.text == (
        f"creating {ALARM} it: PutMetricAlarm: ValidationError: "
        "Invalid region eu-west-1 specified. Only us-east-1 is supported."
    )
