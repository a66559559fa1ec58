"""What there is to choose from, the account itself, and its actions."""

from sandbox.clouds.digitalocean.catalog import IMAGES, REGIONS, SIZES, Image, Region, Size, image
from sandbox.clouds.digitalocean.routes import ApiAnswer, ApiCall, Table, ok
from sandbox.clouds.digitalocean.state import Action, Json, iso
from sandbox.clouds.digitalocean.wire import NOT_FOUND, Reason

ROUTES = Table()

INVALID_IMAGE_TYPE = Reason(
    "`type` is neither `distribution` nor `application`",
    "type is {value}; it must be distribution or application.",
)


@ROUTES.add("GET /v2/account", "account_get", "account:read")
def get_account(call: ApiCall) -> ApiAnswer:
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
def list_regions(call: ApiCall) -> ApiAnswer:
    """Lists the regions, closed ones with `available` false, each with features and sizes."""
    return call.page("regions", list(REGIONS.values()), Region.view)


@ROUTES.add("GET /v2/sizes", "sizes_list", "sizes:read", "regions:read")
def list_sizes(call: ApiCall) -> ApiAnswer:
    """Lists the basic sizes with regular processors, each with the regions that offer it."""
    return call.page("sizes", list(SIZES.values()), Size.view)


@ROUTES.add("GET /v2/images", "images_list", "image:read", refuses=[INVALID_IMAGE_TYPE])
def list_images(call: ApiCall) -> ApiAnswer:
    """Lists Debian and Ubuntu images. `type=application`, `private` and `tag_name` find none."""
    kind = call.query.get("type", "distribution")
    if kind not in {"distribution", "application"}:
        raise INVALID_IMAGE_TYPE.refusal(value=kind)
    unfiltered = (
        kind == "distribution"
        and call.query.get("private", "false") == "false"
        and "tag_name" not in call.query
    )
    return call.page("images", list(IMAGES.values()) if unfiltered else [], Image.view)


@ROUTES.add("GET /v2/images/<image_id>", "images_get", "image:read", refuses=[NOT_FOUND])
def get_image(call: ApiCall) -> ApiAnswer:
    """Shows an image by id or slug."""
    chosen = image(call.path_values["image_id"])
    if chosen is None:
        raise NOT_FOUND.refusal()
    return ok(image=chosen.view())


@ROUTES.add("GET /v2/actions/<int:action_id>", "actions_get", "actions:read", refuses=[NOT_FOUND])
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
