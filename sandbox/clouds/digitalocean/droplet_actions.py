"""What is done to a Droplet: each thing is an action that takes a while."""

from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from typing import Final, Literal

from sandbox.clouds.digitalocean import addresses
from sandbox.clouds.digitalocean.new_droplet import (
    INVALID_NAME,
    INVALID_SIZE,
    SIZE_ELSEWHERE,
    check_name,
    size_in,
)
from sandbox.clouds.digitalocean.regions_and_actions import action_view
from sandbox.clouds.digitalocean.routes import ApiAnswer, ApiCall, Body, Table, created
from sandbox.clouds.digitalocean.state import Action, Effect, LocalAccount, LocalDroplet
from sandbox.clouds.digitalocean.wire import ASSUMED, Reason

ROUTES = Table()

PENDING_EVENT = Reason(
    "another action of the Droplet is under way, its creation included",
    "Droplet already has a pending event.",
    "report: hashicorp/packer#1814",
)
ALREADY_OFF = Reason(
    "`power_off` or `shutdown` of a Droplet that is off",
    "Droplet is already powered off.",
    "terraform-provider-digitalocean, `resource_droplet.go`",
)
ALREADY_ON = Reason("`power_on` of a Droplet that runs", "Droplet is already powered on.", ASSUMED)
STILL_ON = Reason(
    "`resize` of a Droplet that runs",
    "Droplet is currently on. Please power it off to run this event.",
    "terraform-provider-digitalocean, `resource_droplet.go`, which powers off first",
)
SMALLER_DISK = Reason(
    "`resize` to a size with a smaller disk",
    "Size can not decrease size of Droplet's disk image",
    "report: hashicorp/terraform#7094",
)
MISSING_ARGUMENT = Reason(
    "`resize` without `size`, `rename` without `name`",
    "{name} is required.",
    ASSUMED,
)
PRIVATE_DROPLET = Reason(
    "`enable_ipv6` of a Droplet without public networking",
    "ipv6 can not be enabled for a Droplet without public networking.",
)
ACTION_NOT_MODELLED = Reason(
    "the action exists at DigitalOcean but is not modelled",
    "The sandbox does not model the action {value}.",
    "the sandbox",
    status=HTTPStatus.NOT_IMPLEMENTED,
)


class NewDropletAction(Body):
    """An action to start."""

    type: Literal[
        "shutdown",
        "power_off",
        "power_on",
        "rename",
        "resize",
        "enable_ipv6",
        "reboot",
        "power_cycle",
        "enable_backups",
        "disable_backups",
        "change_backup_policy",
        "restore",
        "password_reset",
        "rebuild",
        "change_kernel",
        "snapshot",
    ]
    name: str | None = None
    size: str | None = None
    disk: bool = False


@ROUTES.add(
    "POST /v2/droplets/<int:droplet_id>/actions",
    "dropletActions_post",
    "droplet:update",
    more_scopes={"droplet:create": "the action is `resize`"},
    refuses=[
        PENDING_EVENT,
        ALREADY_OFF,
        ALREADY_ON,
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
def start_action(call: ApiCall) -> ApiAnswer:
    """Starts an action; the Droplet changes when it is over.

    Modelled are `power_on`, `power_off`, `shutdown`, `rename`, `resize` and `enable_ipv6`. IPv6
    cannot be switched off.
    """
    droplet = call.the(call.account.droplets, "droplet_id")
    body = call.body(NewDropletAction)
    if body.type == "resize":
        call.need("droplet:create")
    plan = PLANS.get(body.type)
    if plan is None:
        raise ACTION_NOT_MODELLED.refusal(value=body.type)
    effect = plan(droplet, body)
    if droplet.pending:
        raise PENDING_EVENT.refusal()
    return created(action=action_view(_begin(call.account, droplet, body.type, effect)))


def create(account: LocalAccount, droplet: LocalDroplet) -> Action:
    """Begin to create a Droplet."""
    return _begin(account, droplet, "create", partial(_booted, droplet))


def destroy(account: LocalAccount, droplet: LocalDroplet) -> None:
    """Begin to destroy a Droplet, unless that has begun."""
    if not any(action.type == "destroy" for action in droplet.actions):
        _begin(account, droplet, "destroy", partial(_gone, droplet))


def _begin(account: LocalAccount, droplet: LocalDroplet, kind: str, effect: Effect) -> Action:
    action = account.begin(
        kind, "droplet", droplet.id, droplet.region.slug, partial(_unless_gone, droplet, effect)
    )
    droplet.actions.append(action)
    return action


def _unless_gone(droplet: LocalDroplet, effect: Effect, account: LocalAccount) -> bool:
    return droplet.id in account.droplets and effect(account)


def _booted(droplet: LocalDroplet, account: LocalAccount) -> bool:
    if droplet.public:
        droplet.public_ipv4 = account.public_ipv4.take()
    droplet.status = "active"
    return "ipv6" not in droplet.features or _ipv6_enabled(droplet, account)


def _ipv6_enabled(droplet: LocalDroplet, account: LocalAccount) -> bool:
    droplet.features.add("ipv6")
    pool = account.pool(addresses.droplet_ipv6(droplet.region.number))
    droplet.ipv6 = droplet.ipv6 or pool.take()
    return True


def _gone(droplet: LocalDroplet, account: LocalAccount) -> bool:
    del account.droplets[droplet.id]
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


def _changed(droplet: LocalDroplet, fields: Mapping[str, object], _account: LocalAccount) -> bool:
    vars(droplet).update(fields)
    return True


def _power_off(droplet: LocalDroplet, _body: NewDropletAction) -> Effect:
    if droplet.status == "off":
        raise ALREADY_OFF.refusal()
    return partial(_changed, droplet, {"status": "off"})


def _power_on(droplet: LocalDroplet, _body: NewDropletAction) -> Effect:
    if droplet.status == "active":
        raise ALREADY_ON.refusal()
    return partial(_changed, droplet, {"status": "active"})


def _rename(droplet: LocalDroplet, body: NewDropletAction) -> Effect:
    if not body.name:
        raise MISSING_ARGUMENT.refusal(name="name")
    check_name(body.name)
    return partial(_changed, droplet, {"name": body.name})


def _resize(droplet: LocalDroplet, body: NewDropletAction) -> Effect:
    if not body.size:
        raise MISSING_ARGUMENT.refusal(name="size")
    size = size_in(droplet.region, body.size)
    if droplet.status != "off":
        raise STILL_ON.refusal()
    if size.disk < droplet.disk:
        raise SMALLER_DISK.refusal()
    disk = size.disk if body.disk else droplet.disk
    return partial(_changed, droplet, {"size": size, "disk": disk})


def _enable_ipv6(droplet: LocalDroplet, _body: NewDropletAction) -> Effect:
    if not droplet.public:
        raise PRIVATE_DROPLET.refusal()
    return partial(_ipv6_enabled, droplet)


PLANS: Final[Mapping[str, Callable[[LocalDroplet, NewDropletAction], Effect]]] = {
    "power_off": _power_off,
    "shutdown": _power_off,
    "power_on": _power_on,
    "rename": _rename,
    "resize": _resize,
    "enable_ipv6": _enable_ipv6,
}
"""By the action's type: what refuses it, or returns what it does when it is over."""
