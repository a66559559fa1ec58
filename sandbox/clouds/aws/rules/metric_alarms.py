"""Rules of CloudWatch's metric alarms.

Each gets the input of `PutMetricAlarm` as boto3 knows it. What CloudWatch does not refuse passes
here too, above all an alarm on a metric that its region never sees: CloudFront's and Route 53's
metrics exist in us-east-1 only, and an alarm elsewhere waits for data forever.
"""

from collections.abc import Callable
from typing import Final

from sandbox.clouds.aws.fields import ReadOnly, members
from sandbox.clouds.aws.refusal import Refusal, raise_if

HOUR: Final = 3_600
DAY: Final = 86_400
WEEK: Final = 604_800
ACTIONS: Final = ("AlarmActions", "OKActions", "InsufficientDataActions")
REGION_IN_ARN: Final = 3


def alarm_has_one_statistic(alarm: ReadOnly, _region: str) -> Refusal | None:
    """An alarm on a metric has a statistic or an extended one, and not both.

    Source: CloudWatch API Reference, 'PutMetricAlarm', Statistic.
    """
    statistic = alarm.get("Statistic")
    if alarm.get("MetricName") is None:
        return None
    if bool(statistic) == bool(alarm.get("ExtendedStatistic")):
        return _invalid("Exactly one of Statistic and ExtendedStatistic must be specified")
    return None


def alarm_period_is_allowed(alarm: ReadOnly, _region: str) -> Refusal | None:
    """A period is 10, 20 or 30 seconds or whole minutes; all periods together are a day at most.

    With periods of an hour and more, together a week.

    Source: CloudWatch API Reference, 'PutMetricAlarm', Period.
    """
    period, periods = alarm.get("Period"), alarm.get("EvaluationPeriods") or 1
    if period is None:
        return None
    if period not in (10, 20, 30) and (period < 1 or period % 60):
        return _invalid(f"Period must be 10, 20, 30 or a multiple of 60, but was {period}")
    longest = DAY if period < HOUR else WEEK
    if period * periods > longest:
        return _invalid(
            f"Metrics cannot be checked across more than {longest} seconds (EvaluationPeriods * "
            f"Period), but were across {period * periods}"
        )
    return None


def alarm_datapoints_fit_the_periods(alarm: ReadOnly, _region: str) -> Refusal | None:
    """As many data points as there are periods can breach a threshold, and no more.

    Source: CloudWatch API Reference, 'PutMetricAlarm', DatapointsToAlarm.
    """
    points, periods = alarm.get("DatapointsToAlarm"), alarm.get("EvaluationPeriods") or 1
    if points is None or 1 <= points <= periods:
        return None
    return _invalid(f"DatapointsToAlarm must be from 1 to {periods}, but was {points}")


def alarm_actions_lie_in_its_region(alarm: ReadOnly, region: str) -> Refusal | None:
    """An alarm tells topics of its own region.

    Source: CloudWatch API Reference, 'PutMetricAlarm', AlarmActions; message as reported in
    cds-snc/notification-terraform#128. Whether a topic exists is not checked here.
    """
    for name in ACTIONS:
        for action in members(alarm, name):
            parts = action.split(":")
            if len(parts) <= REGION_IN_ARN or parts[0] != "arn":
                return _invalid(f"Invalid arn syntax: {action}")
            if parts[REGION_IN_ARN] not in ("", region):
                return _invalid(
                    f"Invalid region {parts[REGION_IN_ARN]} specified. Only {region} is supported."
                )
    return None


ALARM_RULES: Final[tuple[Callable[[ReadOnly, str], Refusal | None], ...]] = (
    alarm_has_one_statistic,
    alarm_period_is_allowed,
    alarm_datapoints_fit_the_periods,
    alarm_actions_lie_in_its_region,
)


def judge(alarm: ReadOnly, region: str) -> None:
    """Refuse what no alarm can be; moto makes the others."""
    for rule in ALARM_RULES:
        raise_if(rule(alarm, region))


def _invalid(message: str) -> Refusal:
    return Refusal("ValidationError", message)
