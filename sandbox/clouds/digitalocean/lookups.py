"""What there is to choose from, and what is known about the account and its actions."""

from http import HTTPStatus

from sandbox.clouds.digitalocean.catalog import IMAGES, REGIONS, SIZES, Image, Region, Size, image
from sandbox.clouds.digitalocean.routes import Answer, Call, Table, ok
from sandbox.clouds.digitalocean.state import Account, Action, Json, iso
from sandbox.clouds.digitalocean.wire import NOT_FOUND, Reason

ROUTES = Table()

INVALID_IMAGE_TYPE = Reason(
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "`type` is neither `distribution` nor `application`",
    "type is {found}; it must be distribution or application.",
)


@ROUTES.add("GET /v2/account", "account_get", "account:read")
def get_account(call: Call) -> Answer:
    """Shows the account and its limits."""
    settings = call.account.settings
    return ok(
        account={
            "droplet_limit": settings.droplet_limit,
            "floating_ip_limit": settings.reserved_ip_limit,
            "reserved_ip_limit": settings.reserved_ip_limit,
            "volume_limit": 0,
            "email": "sammy@example.com",
            "name": "Sammy the Shark",
            "uuid": "b6fc8fdbf6d9456cace5f3c78dc9851d957381ef",
            "email_verified": True,
            "status": "active",
            "status_message": "",
        }
    )


@ROUTES.add("GET /v2/regions", "regions_list", "regions:read")
def list_regions(call: Call) -> Answer:
    """Lists the regions, closed ones with `available` false, each with features and sizes."""
    return call.page("regions", list(REGIONS.values()), Region.view)


@ROUTES.add("GET /v2/sizes", "sizes_list", "sizes:read", "regions:read")
def list_sizes(call: Call) -> Answer:
    """Lists the basic sizes with regular processors, each with the regions that offer it."""
    return call.page("sizes", list(SIZES.values()), Size.view)


@ROUTES.add("GET /v2/images", "images_list", "image:read", refuses=[INVALID_IMAGE_TYPE])
def list_images(call: Call) -> Answer:
    """Lists Debian and Ubuntu images. `type=application`, `private` and `tag_name` find none."""
    kind = call.query.get("type", "distribution")
    if kind not in {"distribution", "application"}:
        raise INVALID_IMAGE_TYPE.refusal(found=kind)
    unfiltered = (
        kind == "distribution"
        and call.query.get("private", "false") == "false"
        and "tag_name" not in call.query
    )
    return call.page("images", list(IMAGES.values()) if unfiltered else [], Image.view)


@ROUTES.add("GET /v2/images/<image_id>", "images_get", "image:read", refuses=[NOT_FOUND])
def get_image(call: Call) -> Answer:
    """Shows an image by id or slug."""
    found = image(call.path_values["image_id"])
    if found is None:
        raise NOT_FOUND.refusal()
    return ok(image=found.view())


@ROUTES.add("GET /v2/actions", "actions_list", "actions:read")
def list_actions(call: Call) -> Answer:
    """Lists all actions of the account, the latest first."""
    return call.page("actions", list(reversed(call.account.actions.values())), action_view)


@ROUTES.add("GET /v2/actions/<int:action_id>", "actions_get", "actions:read", refuses=[NOT_FOUND])
def get_action(call: Call) -> Answer:
    """Shows an action: `in-progress`, then `completed` or `errored`."""
    return ok(action=action_view(find_action(call.account, call.path_values["action_id"])))


def find_action(account: Account, action_id: int) -> Action:
    """Return an action of the account, or refuse."""
    action = account.actions.get(action_id)
    if action is None:
        raise NOT_FOUND.refusal()
    return action


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
