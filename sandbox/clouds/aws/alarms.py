"""CloudWatch's metric alarms: the layer refuses what CloudWatch refuses, moto keeps the rest."""

from sandbox.clouds.aws.fields import Fields
from sandbox.clouds.aws.refusal import raise_if
from sandbox.clouds.aws.rules.metric_alarms import ALARM_RULES
from sandbox.clouds.aws.state import MotoAccount


def put_metric_alarm(_account: MotoAccount, region: str, sent: Fields) -> None:
    """Refuse what no alarm can be; moto makes the others."""
    for rule in ALARM_RULES:
        raise_if(rule(sent, region))
