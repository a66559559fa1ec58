"""CloudWatch: alarms on a metric.

Source: hashicorp/terraform-provider-aws, `internal/service/cloudwatch/metric_alarm.go`.
"""

from collections.abc import Iterator
from typing import Any, Final

from sandbox.plugins.aws.aws_session import AwsTask, from_list, to_list
from sandbox.plugins.aws.tagged import Tagged, changed_tags
from sandbox.plugins.resource import Failure, PluginError, Present, Shape
from sandbox.plugins.schema import pascal_case
from sandbox.plugins.values import Props, block_of, is_zero, items_of

_MEMBERS: Final = {
    **{
        name: pascal_case(name)
        for name in (
            *("actionsEnabled", "alarmActions", "alarmDescription", "comparisonOperator"),
            *("evaluationPeriods", "insufficientDataActions", "metricName", "namespace"),
            *("period", "statistic", "threshold", "treatMissingData"),
        )
    },
    "name": "AlarmName",
    "okActions": "OKActions",
}
_SENT_ALWAYS: Final = frozenset({"actionsEnabled", "threshold"})
"""What says something when it is false or 0."""

_ACTIONS: Final = ("alarmActions", "insufficientDataActions", "okActions")
_REQUIRED: Final = (
    *("comparisonOperator", "evaluationPeriods"),
    *("metricName", "namespace", "period", "statistic", "threshold"),
)


class MetricAlarmStandIn(Tagged):
    """An alarm on one metric: `aws:cloudwatch/metricAlarm:MetricAlarm`.

    `name` and `region` need a new one; everything else is changed in place. An alarm of the same
    name that exists already is not taken over: creating it fails.

    Where it differs: it is an alarm on one metric with a fixed threshold, a plain statistic, and as
    many datapoints as periods; what `shape.refused` names is refused.
    """

    auto_named = True

    type_name = "aws:cloudwatch/metricAlarm:MetricAlarm"
    shape = Shape(
        defaults={"actionsEnabled": True, "treatMissingData": "missing"},
        computed=frozenset({"region"}),
        sets=dict.fromkeys(_ACTIONS, ""),
        replaces=frozenset({"name", "region"}),
        allowed={
            "comparisonOperator": (
                *("GreaterThanOrEqualToThreshold", "GreaterThanThreshold"),
                *("LessThanThreshold", "LessThanOrEqualToThreshold"),
            ),
            "statistic": ("SampleCount", "Average", "Sum", "Minimum", "Maximum"),
            "treatMissingData": ("breaching", "notBreaching", "ignore", "missing"),
        },
        refused=frozenset(
            {"datapointsToAlarm", "evaluateLowSampleCountPercentiles", "evaluationCriteria"}
            | {"evaluationInterval", "evaluationWindow", "extendedStatistic", "metricQueries"}
            | {"thresholdMetricId", "unit", "warmUpConfiguration"}
        ),
    )

    def validate(self, inputs: Props) -> Iterator[Failure]:
        """Yield what is missing."""
        for name in _REQUIRED:
            if inputs.get(name) is None:
                yield Failure(name, f"{name} is missing; an alarm needs one. Set it.")

    def create(self, call: AwsTask, inputs: Props) -> str:
        """Put the alarm, unless there is one of the name."""
        name, client = str(inputs["name"]), self._client(call, inputs)
        if _find(client, name) is not None:
            raise PluginError(
                f"CloudWatch metric alarm {name!r} already exists. Import it, or choose another "
                "name."
            )
        tags = inputs.get("tags")
        client.put_metric_alarm(**_to_api(inputs), **({"Tags": to_list(tags)} if tags else {}))
        return name

    def read(self, call: AwsTask, resource_id: str, prior: Props) -> Present:
        """Read the alarm and its tags."""
        client = self._client(call, prior)
        alarm = _find(client, resource_id)
        if alarm is None:
            return None
        listed = client.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])
        tags = call.session.own_tags(from_list(listed["Tags"]))
        dimensions: list[Props] = items_of(alarm, "Dimensions")
        state = {here: alarm.get(there) for here, there in _MEMBERS.items()}
        return resource_id, state | {
            "arn": alarm["AlarmArn"],
            "dimensions": {item["Name"]: item["Value"] for item in dimensions},
            "region": prior.get("region") or call.session.region,
            "tags": tags,
            "tagsAll": tags,
            "treatMissingData": alarm.get("TreatMissingData") or "missing",
        }

    def update(self, call: AwsTask, resource_id: str, state: Props, inputs: Props) -> None:
        """Put the alarm again, and change its tags."""
        client = self._client(call, state)
        if any(
            state.get(name) != inputs.get(name)
            for name in (*_MEMBERS, "dimensions")
            if name in inputs or not is_zero(state.get(name))
        ):
            client.put_metric_alarm(**_to_api(inputs | {"name": resource_id}))
        added, removed = changed_tags(state, inputs)
        if removed:
            client.untag_resource(ResourceARN=state["arn"], TagKeys=sorted(removed))
        if added:
            client.tag_resource(ResourceARN=state["arn"], Tags=to_list(added))

    def delete(self, call: AwsTask, resource_id: str, state: Props) -> None:
        """Delete the alarm."""
        client = self._client(call, state)
        if _find(client, resource_id) is not None:
            client.delete_alarms(AlarmNames=[resource_id])

    def _client(self, call: AwsTask, props: Props) -> Any:
        return call.session.client("cloudwatch", props.get("region"))


def _to_api(inputs: Props) -> Props:
    api: Props = {
        there: inputs[here]
        for here, there in _MEMBERS.items()
        if here in inputs and (here in _SENT_ALWAYS or not is_zero(inputs[here]))
    }
    dimensions: dict[str, str] = block_of(inputs, "dimensions")
    if dimensions:
        api["Dimensions"] = [
            {"Name": name, "Value": value} for name, value in sorted(dimensions.items())
        ]
    return api


def _find(client: Any, name: str) -> Props | None:
    answer = client.describe_alarms(AlarmNames=[name], AlarmTypes=["MetricAlarm"])
    return next(iter(answer["MetricAlarms"]), None)
