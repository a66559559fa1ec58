"""Droplets and what is done to them."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field

from sandbox.clouds.digitalocean import addresses, ssh_keys
from sandbox.clouds.digitalocean.catalog import (
    REGIONS,
    SIZES,
    Image,
    Region,
    Size,
    disk_info,
    image,
)
from sandbox.clouds.digitalocean.lookups import action_view, find_action
from sandbox.clouds.digitalocean.routes import (
    NO_CONTENT,
    Answer,
    Body,
    Call,
    Table,
    accepted,
    created,
    listed,
    ok,
)
from sandbox.clouds.digitalocean.state import (
    Account,
    Action,
    Droplet,
    Effect,
    Json,
    SshKey,
    Vpc,
    iso,
)
from sandbox.clouds.digitalocean.tags import INVALID_TAG, valid_tag
from sandbox.clouds.digitalocean.wire import ASSUMED, NOT_FOUND, Reason

ROUTES = Table()

MAX_NAMES: Final = 10
"""Droplets that one request may create. Source: API reference, 'Create a New Droplet'."""

MAX_USER_DATA: Final = 64 * 1024
"""Bytes of user data. Source: API reference, `user_data`."""

NAME: Final = re.compile(r"[a-zA-Z0-9]?[a-z0-9A-Z.\-]*[a-z0-9A-Z]")
MAX_NAME: Final = 255
"""Source: API reference, `name`."""

UNPROCESSABLE = HTTPStatus.UNPROCESSABLE_ENTITY

ONE_NAME = Reason(
    UNPROCESSABLE,
    "there is neither `name` nor `names`, or both",
    "You must specify either name or names.",
)
TOO_MANY_NAMES = Reason(
    UNPROCESSABLE,
    "`names` are not 1 to 10",
    "You specified {found} names; from 1 to 10 Droplets may be created at once.",
)
INVALID_NAME = Reason(
    UNPROCESSABLE,
    "a name is not a host name of at most 255 characters",
    "Only valid hostname characters are allowed. (a-z, A-Z, 0-9, . and -)",
    "report: OutlineFoundation/outline-apps#1856",
)
INVALID_REGION = Reason(
    UNPROCESSABLE,
    "the region is unknown",
    "You specified an invalid region for Droplet creation.",
    "report: jeevatkm/digitalocean-api-java#64",
)
CLOSED_REGION = Reason(
    UNPROCESSABLE,
    "the region is closed to new Droplets",
    "Region is not available",
    "report: digitalocean/api-v2#41",
)
INVALID_SIZE = Reason(
    UNPROCESSABLE,
    "the size is unknown",
    "You specified an invalid size for Droplet creation.",
    "report: scrapoxy/scrapoxy#89",
)
SIZE_ELSEWHERE = Reason(
    UNPROCESSABLE,
    "the size is not offered in the region",
    "Size is not available in this region.",
    "API reference, `size.regions`",
)
INVALID_IMAGE = Reason(
    UNPROCESSABLE,
    "the image is unknown",
    "You specified an invalid image for Droplet creation.",
    "report: digitalocean/terraform-provider-digitalocean#1035",
)
INVALID_KEYS = Reason(
    UNPROCESSABLE,
    "an SSH key is not one of the account",
    "{found} are invalid key identifiers for Droplet creation.",
    "report: poseidon/typhoon#106",
)
USER_DATA_TOO_LONG = Reason(
    UNPROCESSABLE,
    "the user data is longer than 64 KiB",
    "user_data is {found} bytes; it may not exceed 65536 bytes (64 KiB).",
)
INVALID_VPC = Reason(
    UNPROCESSABLE,
    "the VPC is unknown, or of another region",
    "vpc_uuid is {found}; it must be a VPC of the region {region}.",
    ASSUMED,
)
VPC_FULL = Reason(
    UNPROCESSABLE,
    "the VPC has too few free addresses",
    "The VPC {found} has no free addresses.",
    ASSUMED,
)
NO_VOLUMES = Reason(
    UNPROCESSABLE,
    "a volume is named; the account has none",
    "volumes are {found}; the account has no such volumes.",
    ASSUMED,
)
PRIVATE_WITH_IPV6 = Reason(
    UNPROCESSABLE,
    "`ipv6` is true though `public_networking` is false",
    "ipv6 must be false when public_networking is false.",
)
DROPLET_LIMIT = Reason(
    UNPROCESSABLE,
    "the account would have more Droplets than its limit (setting `droplet_limit`)",
    "creating this/these droplet(s) will exceed your droplet limit",
    "report: pry0cc/axiom#422",
)
FILTERS = Reason(
    UNPROCESSABLE,
    "`tag_name` comes together with `name` or `type`",
    "tag_name can not be combined with name or type.",
)
NO_TAG_NAME = Reason(UNPROCESSABLE, "`tag_name` is missing", "tag_name is required.")
PENDING_EVENT = Reason(
    UNPROCESSABLE,
    "another action of the Droplet is under way, its creation included",
    "Droplet already has a pending event.",
    "report: hashicorp/packer#1814",
)
ALREADY_OFF = Reason(
    UNPROCESSABLE,
    "`power_off` or `shutdown` of a Droplet that is off",
    "Droplet is already powered off.",
    "terraform-provider-digitalocean, `resource_droplet.go`",
)
ALREADY_ON = Reason(
    UNPROCESSABLE, "`power_on` of a Droplet that runs", "Droplet is already powered on.", ASSUMED
)
POWERED_OFF = Reason(
    UNPROCESSABLE,
    "`reboot` of a Droplet that is off",
    "Droplet is currently off. Please power it on to run this event.",
    ASSUMED,
)
STILL_ON = Reason(
    UNPROCESSABLE,
    "`resize` of a Droplet that runs",
    "Droplet is currently on. Please power it off to run this event.",
    "terraform-provider-digitalocean, `resource_droplet.go`, which powers off first",
)
SMALLER_DISK = Reason(
    UNPROCESSABLE,
    "`resize` to a size with a smaller disk",
    "Size can not decrease size of Droplet's disk image",
    "report: hashicorp/terraform#7094",
)
MISSING_ARGUMENT = Reason(
    UNPROCESSABLE,
    "`resize` without `size`, `rename` without `name`",
    "{name} is required.",
    ASSUMED,
)
PRIVATE_DROPLET = Reason(
    UNPROCESSABLE,
    "`enable_ipv6` of a Droplet without public networking",
    "ipv6 can not be enabled for a Droplet without public networking.",
)
ACTION_NOT_MODELLED = Reason(
    HTTPStatus.NOT_IMPLEMENTED,
    "the action exists at DigitalOcean but is not modelled",
    "The sandbox does not model the action {found}.",
    "the sandbox",
)


Strings = Annotated[list[str], BeforeValidator(listed)]


class NewDroplets(Body):
    """Droplets to create. Fields without effect in the sandbox are left out."""

    name: str | None = None
    names: list[str] | None = None
    region: str | None = None
    size: str
    image: int | str
    ssh_keys: Annotated[list[int | str], BeforeValidator(listed)] = Field(
        default_factory=list[int | str]
    )
    backups: bool = False
    ipv6: bool = False
    monitoring: bool = False
    tags: Strings = Field(default_factory=list[str])
    user_data: str | None = None
    volumes: Annotated[list[Any], BeforeValidator(listed)] = Field(default_factory=list[Any])
    vpc_uuid: str | None = None
    with_droplet_agent: bool | None = None
    public_networking: bool = True


Kind = Literal[
    "reboot",
    "power_cycle",
    "shutdown",
    "power_off",
    "power_on",
    "rename",
    "resize",
    "enable_ipv6",
    "enable_backups",
    "disable_backups",
    "change_backup_policy",
    "restore",
    "password_reset",
    "rebuild",
    "change_kernel",
    "snapshot",
]


class NewAction(Body):
    """An action to start."""

    type: Kind
    name: str | None = None
    size: str | None = None
    disk: bool = False


@ROUTES.add(
    "GET /v2/droplets",
    "droplets_list",
    "droplet:read",
    more_scopes={"tag:read": "`tag_name` is given"},
    refuses=[FILTERS],
)
def list_droplets(call: Call) -> Answer:
    """Lists Droplets; with `tag_name` those that carry the tag, with `name` those called so."""
    found = list(call.account.droplets.values())
    tag_name, name = call.query.get("tag_name"), call.query.get("name")
    if tag_name is not None:
        call.need("tag:read")
        if name is not None or "type" in call.query:
            raise FILTERS.refusal()
        found = tagged(call.account, tag_name)
    if name is not None:
        found = [droplet for droplet in found if droplet.name.lower() == name.lower()]
    if call.query.get("type") == "gpus":
        found = []
    return call.page("droplets", found, lambda droplet: view(call.account, droplet))


@ROUTES.add(
    "POST /v2/droplets",
    "droplets_create",
    "droplet:create",
    "image:read",
    more_scopes={
        "tag:create": "`tags` are given",
        "ssh_key:read": "`ssh_keys` are given",
        "vpc:read": "`vpc_uuid` is given",
    },
    refuses=[
        ONE_NAME,
        TOO_MANY_NAMES,
        INVALID_NAME,
        INVALID_REGION,
        CLOSED_REGION,
        INVALID_SIZE,
        SIZE_ELSEWHERE,
        INVALID_IMAGE,
        INVALID_KEYS,
        USER_DATA_TOO_LONG,
        INVALID_TAG,
        INVALID_VPC,
        VPC_FULL,
        NO_VOLUMES,
        PRIVATE_WITH_IPV6,
        DROPLET_LIMIT,
    ],
)
def create_droplets(call: Call) -> Answer:
    """Accepts one Droplet (`name`) or up to ten (`names`).

    Each is `new` and without addresses until its `create` action is over, then `active`. Without
    `vpc_uuid` it joins the region's default VPC, without `region` (or with its beginning, `nyc`)
    it comes to any region that fits. User data is kept as it is.
    """
    body = call.body(NewDroplets)
    if body.tags:
        call.need("tag:create")
    if body.ssh_keys:
        call.need("ssh_key:read")
    if body.vpc_uuid:
        call.need("vpc:read")
    names = _names(body)
    size, chosen = _size(body), _image(body)
    region = _region(body, size)
    keys = _keys(call.account, body)
    _check_rest(call.account, body, len(names))
    vpc = _vpc(call.account, body, region)
    private = _private_addresses(vpc, len(names))
    made = [
        _create(
            call.account,
            body,
            name=name,
            region=region,
            size=size,
            chosen=chosen,
            keys=keys,
            vpc=vpc,
            private_ipv4=address,
        )
        for name, address in zip(names, private, strict=True)
    ]
    base = call.request.host_url
    links = {
        "actions": [
            {
                "id": droplet.actions[0].id,
                "rel": "create",
                "href": f"{base}v2/actions/{droplet.actions[0].id}",
            }
            for droplet in made
        ]
    }
    views = [view(call.account, droplet) for droplet in made]
    if body.names is None:
        return accepted(droplet=views[0], links=links)
    return accepted(droplets=views, links=links)


@ROUTES.add(
    "DELETE /v2/droplets",
    "droplets_destroy_byTag",
    "droplet:delete",
    "tag:read",
    refuses=[NO_TAG_NAME],
)
def destroy_tagged(call: Call) -> Answer:
    """Destroys all Droplets that carry the tag `tag_name`."""
    tag_name = call.query.get("tag_name")
    if not tag_name:
        raise NO_TAG_NAME.refusal()
    for droplet in tagged(call.account, tag_name):
        _destroy(call.account, droplet)
    return NO_CONTENT


@ROUTES.add(
    "GET /v2/droplets/<int:droplet_id>", "droplets_get", "droplet:read", refuses=[NOT_FOUND]
)
def get_droplet(call: Call) -> Answer:
    """Shows a Droplet."""
    return ok(droplet=view(call.account, find(call.account, call.path_values["droplet_id"])))


@ROUTES.add(
    "DELETE /v2/droplets/<int:droplet_id>",
    "droplets_destroy",
    "droplet:delete",
    refuses=[NOT_FOUND],
)
def destroy_droplet(call: Call) -> Answer:
    """Destroys a Droplet.

    It is locked, still shown and still a member of its VPC until a `destroy` action is over; then
    its reserved IPv6 is free, and its tags, firewalls and project have forgotten it.
    """
    _destroy(call.account, find(call.account, call.path_values["droplet_id"]))
    return NO_CONTENT


@ROUTES.add(
    "GET /v2/droplets/<int:droplet_id>/actions",
    "dropletActions_list",
    "droplet:read",
    refuses=[NOT_FOUND],
)
def list_droplet_actions(call: Call) -> Answer:
    """Lists a Droplet's actions, the latest first."""
    droplet = find(call.account, call.path_values["droplet_id"])
    return call.page("actions", droplet.actions[::-1], action_view)


@ROUTES.add(
    "GET /v2/droplets/<int:droplet_id>/actions/<int:action_id>",
    "dropletActions_get",
    "droplet:read",
    refuses=[NOT_FOUND],
)
def get_droplet_action(call: Call) -> Answer:
    """Shows an action of a Droplet."""
    droplet = find(call.account, call.path_values["droplet_id"])
    action = find_action(call.account, call.path_values["action_id"])
    if action not in droplet.actions:
        raise NOT_FOUND.refusal()
    return ok(action=action_view(action))


@ROUTES.add(
    "POST /v2/droplets/<int:droplet_id>/actions",
    "dropletActions_post",
    "droplet:update",
    more_scopes={"droplet:create": "the action is `resize`"},
    refuses=[
        NOT_FOUND,
        PENDING_EVENT,
        ALREADY_OFF,
        ALREADY_ON,
        POWERED_OFF,
        STILL_ON,
        SMALLER_DISK,
        MISSING_ARGUMENT,
        INVALID_NAME,
        INVALID_SIZE,
        SIZE_ELSEWHERE,
        PRIVATE_DROPLET,
        ACTION_NOT_MODELLED,
    ],
)
def start_action(call: Call) -> Answer:
    """Starts an action; the Droplet changes when it is over.

    Modelled are `power_on`, `power_off`, `shutdown`, `reboot`, `power_cycle`, `rename`, `resize`
    and `enable_ipv6`. IPv6 cannot be switched off.
    """
    droplet = find(call.account, call.path_values["droplet_id"])
    body = call.body(NewAction)
    if body.type == "resize":
        call.need("droplet:create")
    plan = PLANS.get(body.type)
    if plan is None:
        raise ACTION_NOT_MODELLED.refusal(found=body.type)
    effect = plan(call.account, droplet, body)
    if droplet.pending:
        raise PENDING_EVENT.refusal()
    return created(action=action_view(_begin(call.account, droplet, body.type, effect)))


def find(account: Account, droplet_id: int) -> Droplet:
    """Return a Droplet of the account, or refuse."""
    droplet = account.droplets.get(droplet_id)
    if droplet is None:
        raise NOT_FOUND.refusal()
    return droplet


def tagged(account: Account, name: str) -> list[Droplet]:
    """Return the Droplets that carry a tag."""
    tag = account.tags.get(name)
    return [account.droplets[number] for number in tag.droplets] if tag else []


def view(account: Account, droplet: Droplet) -> Json:
    """Return a Droplet as the API shows it."""
    return {
        "id": droplet.id,
        "name": droplet.name,
        "memory": droplet.size.memory,
        "vcpus": droplet.size.vcpus,
        "disk": droplet.disk,
        "disk_info": disk_info(droplet.disk),
        "locked": droplet.pending and droplet.status != "new",
        "status": droplet.status,
        "kernel": None,
        "created_at": iso(droplet.created),
        "features": sorted(droplet.features),
        "backup_ids": [],
        "next_backup_window": None,
        "snapshot_ids": [],
        "image": droplet.image.view(),
        "volume_ids": [],
        "size": droplet.size.view(),
        "size_slug": droplet.size.slug,
        "networks": _networks(droplet),
        "region": droplet.region.view(),
        "tags": account.tags_of(droplet),
        "vpc_uuid": droplet.vpc.id,
    }


def _networks(droplet: Droplet) -> Json:
    if droplet.status == "new":
        return {"v4": [], "v6": []}
    private = {
        "ip_address": droplet.private_ipv4,
        "netmask": str(droplet.vpc.network.netmask),
        "gateway": addresses.gateway(droplet.vpc.network),
        "type": "private",
    }
    public = {
        "ip_address": droplet.public_ipv4,
        "netmask": "255.255.255.0",
        "gateway": f"{(droplet.public_ipv4 or '').rpartition('.')[0]}.1",
        "type": "public",
    }
    network = addresses.droplet_ipv6(droplet.region.number)
    ipv6 = {
        "ip_address": droplet.ipv6,
        "netmask": network.prefixlen,
        "gateway": addresses.gateway(network),
        "type": "public",
    }
    return {
        "v4": [public, private] if droplet.public_ipv4 else [private],
        "v6": [ipv6] if droplet.ipv6 else [],
    }


def _names(body: NewDroplets) -> list[str]:
    if (body.name is None) == (body.names is None):
        raise ONE_NAME.refusal()
    names = [body.name] if body.name is not None else body.names or []
    if not 1 <= len(names) <= MAX_NAMES:
        raise TOO_MANY_NAMES.refusal(found=len(names))
    for name in names:
        check_name(name)
    return names


def check_name(name: str) -> None:
    """Refuse a name that is no host name."""
    if len(name) > MAX_NAME or not NAME.fullmatch(name):
        raise INVALID_NAME.refusal()


def _size(body: NewDroplets) -> Size:
    if body.size not in SIZES:
        raise INVALID_SIZE.refusal()
    return SIZES[body.size]


def _image(body: NewDroplets) -> Image:
    found = image(body.image)
    if found is None:
        raise INVALID_IMAGE.refusal()
    return found


def _region(body: NewDroplets, size: Size) -> Region:
    """Return the region asked for, or the first that fits what was asked for."""
    asked = body.region or ""
    fitting = [
        region
        for region in REGIONS.values()
        if not asked or asked in {region.slug, region.slug.rstrip("0123456789")}
    ]
    if not fitting:
        raise INVALID_REGION.refusal()
    opened = [region for region in fitting if region.available]
    if not opened:
        raise CLOSED_REGION.refusal()
    offering = [region for region in opened if region.slug in size.regions]
    if not offering:
        raise SIZE_ELSEWHERE.refusal()
    return offering[0]


def _keys(account: Account, body: NewDroplets) -> list[SshKey]:
    found = {identifier: ssh_keys.find(account, identifier) for identifier in body.ssh_keys}
    wrong = [str(identifier) for identifier, key in found.items() if key is None]
    if wrong:
        raise INVALID_KEYS.refusal(found=", ".join(wrong))
    return [key for key in found.values() if key is not None]


def _check_rest(account: Account, body: NewDroplets, number: int) -> None:
    for name in body.tags:
        valid_tag(name)
    size = len((body.user_data or "").encode())
    if size > MAX_USER_DATA:
        raise USER_DATA_TOO_LONG.refusal(found=size)
    if body.volumes:
        raise NO_VOLUMES.refusal(found=body.volumes)
    if body.ipv6 and not body.public_networking:
        raise PRIVATE_WITH_IPV6.refusal()
    if len(account.droplets) + number > account.settings.droplet_limit:
        raise DROPLET_LIMIT.refusal()


def _vpc(account: Account, body: NewDroplets, region: Region) -> Vpc:
    if not body.vpc_uuid:
        return account.default_vpc(region.slug) or account.add_default_vpc(region.slug)
    vpc = account.vpcs.get(body.vpc_uuid)
    if vpc is None or vpc.region != region.slug:
        raise INVALID_VPC.refusal(found=body.vpc_uuid, region=region.slug)
    return vpc


def _private_addresses(vpc: Vpc, number: int) -> list[str]:
    """Take an address for each Droplet, or none at all."""
    taken: list[str] = []
    for _ in range(number):
        address = vpc.pool.take()
        if address is None:
            for returned in taken:
                vpc.pool.give_back(returned)
            raise VPC_FULL.refusal(found=vpc.name)
        taken.append(address)
    return taken


def _create(
    account: Account,
    body: NewDroplets,
    *,
    name: str,
    region: Region,
    size: Size,
    chosen: Image,
    keys: Sequence[SshKey],
    vpc: Vpc,
    private_ipv4: str,
) -> Droplet:
    wanted = {
        "backups": body.backups,
        "ipv6": body.ipv6,
        "monitoring": body.monitoring,
        "droplet_agent": body.with_droplet_agent is not False,
        "private_networking": True,
    }
    droplet = Droplet(
        id=account.new_id(),
        name=name,
        region=region,
        size=size,
        disk=size.disk,
        image=chosen,
        vpc=vpc,
        created=account.clock(),
        private_ipv4=private_ipv4,
        features={feature for feature, wants in wanted.items() if wants},
        public=body.public_networking,
        ssh_keys=list(keys),
        user_data=body.user_data or "",
    )
    account.droplets[droplet.id] = droplet
    account.default_project().resources[droplet.urn] = droplet.created
    for label in body.tags:
        tag = account.tag(label)
        if droplet.id not in tag.droplets:
            tag.droplets.append(droplet.id)

    _begin(account, droplet, "create", partial(_booted, droplet))
    return droplet


def _booted(droplet: Droplet, account: Account) -> bool:
    if droplet.public:
        droplet.public_ipv4 = account.public_ipv4.take()
    droplet.status = "active"
    return "ipv6" not in droplet.features or _ipv6_enabled(droplet, account)


def _ipv6_enabled(droplet: Droplet, account: Account) -> bool:
    droplet.features.add("ipv6")
    pool = account.pool(addresses.droplet_ipv6(droplet.region.number))
    droplet.ipv6 = droplet.ipv6 or pool.take()
    return True


def _begin(account: Account, droplet: Droplet, kind: str, effect: Effect) -> Action:
    action = account.begin(
        kind, "droplet", droplet.id, droplet.region.slug, partial(_unless_gone, droplet, effect)
    )
    droplet.actions.append(action)
    return action


def _unless_gone(droplet: Droplet, effect: Effect, account: Account) -> bool:
    return droplet.id in account.droplets and effect(account)


def _destroy(account: Account, droplet: Droplet) -> None:
    """Begin to destroy a Droplet, unless that has begun."""
    if any(action.type == "destroy" for action in droplet.actions):
        return
    _begin(account, droplet, "destroy", partial(_gone, droplet))


def _gone(droplet: Droplet, account: Account) -> bool:
    del account.droplets[droplet.id]
    account.forget(droplet.urn)
    for tag in account.tags.values():
        tag.droplets = [number for number in tag.droplets if number != droplet.id]
    for firewall in account.firewalls.values():
        firewall.droplets = [number for number in firewall.droplets if number != droplet.id]
    for reserved in account.reserved.values():
        if reserved.droplet is droplet:
            reserved.droplet = None
    droplet.vpc.pool.give_back(droplet.private_ipv4)
    if droplet.public_ipv4:
        account.public_ipv4.give_back(droplet.public_ipv4)
    if droplet.ipv6:
        network = addresses.droplet_ipv6(droplet.region.number)
        account.pool(network).give_back(droplet.ipv6)
    return True


def _switch(
    status: Literal["active", "off"], already: Reason | None
) -> Callable[[Account, Droplet, NewAction], Effect]:
    """Return what plans to switch a Droplet on or off."""

    def planned(_account: Account, droplet: Droplet, _body: NewAction) -> Effect:
        if already is not None and droplet.status == status:
            raise already.refusal()
        return partial(_changed, droplet, {"status": status})

    return planned


def _changed(droplet: Droplet, fields: Mapping[str, object], _account: Account) -> bool:
    vars(droplet).update(fields)
    return True


def _reboot(_account: Account, droplet: Droplet, _body: NewAction) -> Effect:
    if droplet.status == "off":
        raise POWERED_OFF.refusal()
    return partial(_changed, droplet, {})


def _rename(_account: Account, droplet: Droplet, body: NewAction) -> Effect:
    name = body.name
    if not name:
        raise MISSING_ARGUMENT.refusal(name="name")
    check_name(name)
    return partial(_changed, droplet, {"name": name})


def _resize(_account: Account, droplet: Droplet, body: NewAction) -> Effect:
    if not body.size:
        raise MISSING_ARGUMENT.refusal(name="size")
    if body.size not in SIZES:
        raise INVALID_SIZE.refusal()
    size = SIZES[body.size]
    if droplet.region.slug not in size.regions:
        raise SIZE_ELSEWHERE.refusal()
    if droplet.status != "off":
        raise STILL_ON.refusal()
    if size.disk < droplet.disk:
        raise SMALLER_DISK.refusal()
    disk = size.disk if body.disk else droplet.disk
    return partial(_changed, droplet, {"size": size, "disk": disk})


def _enable_ipv6(_account: Account, droplet: Droplet, _body: NewAction) -> Effect:
    if not droplet.public:
        raise PRIVATE_DROPLET.refusal()
    return partial(_ipv6_enabled, droplet)


PLANS: Final[Mapping[str, Callable[[Account, Droplet, NewAction], Effect]]] = {
    "power_off": _switch("off", ALREADY_OFF),
    "shutdown": _switch("off", ALREADY_OFF),
    "power_on": _switch("active", ALREADY_ON),
    "power_cycle": _switch("active", None),
    "reboot": _reboot,
    "rename": _rename,
    "resize": _resize,
    "enable_ipv6": _enable_ipv6,
}
"""By the action's type: what refuses it, or returns what it does when it is over."""
