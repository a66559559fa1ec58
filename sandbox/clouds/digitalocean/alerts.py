"""Alert policies of Monitoring: kept and shown, never triggered, because nothing is measured."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from sandbox.clouds.digitalocean import routes
from sandbox.clouds.digitalocean.state import AlertPolicy, Json

ROUTES = routes.Table()

Strings = Annotated[list[str], BeforeValidator(routes.listed)]


class Alerts(routes.Body):
    """Whom to tell, by mail alone."""

    email: Strings
    slack: Annotated[list[str], BeforeValidator(routes.listed), Field(max_length=0)]


class NewAlertPolicy(routes.Body):
    """A threshold of Droplets to watch. Source: API reference, 'Create Alert Policy'."""

    type: Annotated[
        str,
        Field(
            pattern=r"^v1/insights/droplet/(load_(1|5|15)|(memory|disk)_utilization_percent|cpu"
            r"|disk_(read|write)|(public|private)_(out|in)bound_bandwidth)$"
        ),
    ]
    description: str
    compare: Literal["GreaterThan", "LessThan"]
    value: float
    window: Literal["5m", "10m", "30m", "1h"]
    entities: Strings
    tags: Strings
    alerts: Alerts
    enabled: bool


@ROUTES.add("POST /v2/monitoring/alerts", "monitoring_create_alertPolicy", "monitoring:create")
def create_policy(call: routes.ApiCall) -> routes.ApiAnswer:
    """Creates an alert policy; entities, tags and addresses are not looked up."""
    policy = AlertPolicy(call.account.new_uuid(), _fields(call))
    call.account.alerts[policy.uuid] = policy
    return routes.ok(policy=view(policy))


@ROUTES.add("GET /v2/monitoring/alerts", "monitoring_list_alertPolicy", "monitoring:read")
def list_policies(call: routes.ApiCall) -> routes.ApiAnswer:
    """Lists the alert policies."""
    return call.page("policies", list(call.account.alerts.values()), view)


@ROUTES.add(
    "GET /v2/monitoring/alerts/<alert_uuid>", "monitoring_get_alertPolicy", "monitoring:read"
)
def get_policy(call: routes.ApiCall) -> routes.ApiAnswer:
    """Shows an alert policy."""
    return routes.ok(policy=view(call.the(call.account.alerts, "alert_uuid")))


@ROUTES.add(
    "PUT /v2/monitoring/alerts/<alert_uuid>", "monitoring_update_alertPolicy", "monitoring:update"
)
def update_policy(call: routes.ApiCall) -> routes.ApiAnswer:
    """Replaces an alert policy."""
    policy = call.the(call.account.alerts, "alert_uuid")
    policy.policy = _fields(call)
    return routes.ok(policy=view(policy))


@ROUTES.add(
    "DELETE /v2/monitoring/alerts/<alert_uuid>",
    "monitoring_delete_alertPolicy",
    "monitoring:delete",
)
def delete_policy(call: routes.ApiCall) -> routes.ApiAnswer:
    """Deletes an alert policy."""
    del call.account.alerts[call.the(call.account.alerts, "alert_uuid").uuid]
    return routes.NO_CONTENT


def view(policy: AlertPolicy) -> Json:
    """Return an alert policy as the API shows it."""
    return {"uuid": policy.uuid, **policy.policy}


def _fields(call: routes.ApiCall) -> dict[str, Any]:
    return call.body(NewAlertPolicy).model_dump()
