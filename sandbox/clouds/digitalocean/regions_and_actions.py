"""The regions, and the actions that were started."""

from sandbox.clouds.digitalocean.catalog import REGIONS, Region
from sandbox.clouds.digitalocean.routes import ApiAnswer, ApiCall, Table, ok
from sandbox.clouds.digitalocean.state import Action, Json, iso

ROUTES = Table()


@ROUTES.add("GET /v2/regions", "regions_list", "regions:read")
def list_regions(call: ApiCall) -> ApiAnswer:
    """Lists the regions, closed ones with `available` false, each with features and sizes."""
    return call.page("regions", list(REGIONS.values()), Region.view)


@ROUTES.add("GET /v2/actions/<int:action_id>", "actions_get", "actions:read")
def get_action(call: ApiCall) -> ApiAnswer:
    """Shows an action: `in-progress`, then `completed` or `errored`."""
    return ok(action=action_view(call.the(call.account.actions, "action_id")))


def action_view(action: Action) -> Json:
    """Return an action as the API shows it."""
    return {
        "id": action.id,
        "status": action.status,
        "type": action.type,
        "started_at": iso(action.started),
        "completed_at": None if action.pending else iso(action.ends),
        "resource_id": action.resource_id,
        "resource_type": action.resource_type,
        "region": REGIONS[action.region].view(),
        "region_slug": action.region,
    }
