"""Alert policies.

Source: digitalocean/terraform-provider-digitalocean, `digitalocean/monitoring`, and
digitalocean/godo, `monitoring.go`, for the types.
"""

from typing import Final

from sandbox.plugins.digitalocean.digitalocean_session import DigitalOceanSession, DigitalOceanTask
from sandbox.plugins.resource import Present, Shape, StandIn
from sandbox.plugins.values import Props, block_of, items_of

TYPES: Final = tuple(
    f"v1/insights/droplet/{measure}"
    for measure in (
        *("load_1", "load_5", "load_15"),
        *("memory_utilization_percent", "disk_utilization_percent", "cpu"),
        *("disk_read", "disk_write", "public_outbound_bandwidth", "public_inbound_bandwidth"),
        *("private_outbound_bandwidth", "private_inbound_bandwidth"),
    )
)
"""What can be watched of a Droplet."""


class MonitorAlertStandIn(StandIn[DigitalOceanSession]):
    """A threshold that is watched: `digitalocean:index/monitorAlert:MonitorAlert`.

    Everything changes in place, all at once. `uuid` stays empty, as with the official plugin; the
    id is the UUID.

    Where it differs: load balancers and databases are not watched, and nobody is told in Slack.
    """

    type_name = "digitalocean:index/monitorAlert:MonitorAlert"
    shape = Shape(
        defaults={"enabled": True},
        sets={"entities": "", "tags": ""},
        same={"tags": str.lower},
        allowed={
            "compare": ("GreaterThan", "LessThan"),
            "type": TYPES,
            "window": ("5m", "10m", "30m", "1h"),
        },
        refused=frozenset({"alerts.slacks"}),
    )

    def create(self, call: DigitalOceanTask, inputs: Props) -> str:
        """Create the policy."""
        answer = call.session.ask("monitoring.create_alert_policy", _to_api(inputs))
        return str(answer["policy"]["uuid"])

    def read(self, call: DigitalOceanTask, resource_id: str, _prior: Props) -> Present:
        """Return the policy."""
        body = call.session.find("monitoring.get_alert_policy", resource_id)
        if body is None:
            return None
        policy = body["policy"]
        same = ("compare", "description", "enabled", "entities", "tags", "type", "value", "window")
        alerts = policy["alerts"]
        return policy["uuid"], {
            **{name: policy[name] for name in same},
            "alerts": {"emails": alerts["email"]} if alerts["email"] else {},
        }

    def update(
        self, call: DigitalOceanTask, resource_id: str, _state: Props, inputs: Props
    ) -> None:
        """Replace all of the policy."""
        call.session.ask("monitoring.update_alert_policy", resource_id, _to_api(inputs))

    def delete(self, call: DigitalOceanTask, resource_id: str, _state: Props) -> None:
        """Delete the policy."""
        call.session.find("monitoring.delete_alert_policy", resource_id)


def _to_api(inputs: Props) -> Props:
    """Return a policy as the API takes it."""
    alerts = block_of(inputs, "alerts")
    same = ("compare", "description", "type", "value", "window")
    return {
        **{name: inputs[name] for name in same},
        "enabled": bool(inputs.get("enabled")),
        "entities": items_of(inputs, "entities"),
        "tags": items_of(inputs, "tags"),
        "alerts": {"email": items_of(alerts, "emails"), "slack": []},
    }
