"""CloudWatch's metric alarms: the layer refuses what CloudWatch refuses, moto keeps the rest."""

from sandbox.clouds.aws.fields import Fields
from sandbox.clouds.aws.rules.cloudwatch import ALARM_RULES
from sandbox.clouds.aws.state import Account


def put_metric_alarm(_account: Account, region: str, asked: Fields) -> None:
    """Refuse what no alarm can be; moto makes the others."""
    for rule in ALARM_RULES:
        refusal = rule(asked, region)
        if refusal:
            raise refusal
