"""Reserved IPv6 addresses, and moving them between Droplets.

Assigning is an action. Meanwhile the address stays where it is, so a pool that moves it from an old
Droplet to a new one is served by the old one until then. What the guest must do to use the address
(carry it on an interface, route it) is its own affair, here as there.
"""

from functools import partial
from ipaddress import AddressValueError, IPv6Address
from typing import Literal

from sandbox.clouds.digitalocean import addresses, droplets, routes
from sandbox.clouds.digitalocean.catalog import REGIONS
from sandbox.clouds.digitalocean.regions_and_actions import action_view
from sandbox.clouds.digitalocean.state import (
    Effect,
    Json,
    LocalAccount,
    LocalDroplet,
    LocalReservedIpv6,
    iso,
)
from sandbox.clouds.digitalocean.wire import REASONS, reasons

ROUTES = routes.Table()

LIMITS = "'Reserved IP Limits'"


class NewReservedIpv6(routes.Body):
    """An address to reserve."""

    region_slug: str


class NewAddressAction(routes.Body):
    """An action to start."""

    type: Literal["assign", "unassign"]
    droplet_id: int | None = None


@ROUTES.add("GET /v2/reserved_ipv6", "reservedIPv6_list", "reserved_ip:read")
def list_reserved(call: routes.ApiCall) -> routes.ApiAnswer:
    """Lists the account's reserved IPv6 addresses."""
    reserved_addresses = list(call.account.reserved.values())
    return call.page("reserved_ipv6s", reserved_addresses, lambda reserved: view(call, reserved))


@ROUTES.add(
    "POST /v2/reserved_ipv6",
    "reservedIPv6_create",
    "reserved_ip:create",
    refuses=[REASONS["INVALID_RESERVED_REGION"], REASONS["RESERVED_LIMIT"]],
)
def create_reserved(call: routes.ApiCall) -> routes.ApiAnswer:
    """Reserves an address in a region, at once."""
    slug = call.body(NewReservedIpv6).region_slug
    region = REGIONS.get(slug)
    if region is None or not region.available:
        raise REASONS["INVALID_RESERVED_REGION"].refusal(value=slug)
    limit = call.account.settings.reserved_ip_limit
    if len(call.account.reserved) >= limit:
        raise REASONS["RESERVED_LIMIT"].refusal(value=limit)
    ip = call.account.pool(addresses.reserved_ipv6(region.number)).take()
    reserved = LocalReservedIpv6(ip=ip, region=region, reserved=call.account.clock())
    call.account.reserved[ip] = reserved
    return routes.created(
        reserved_ipv6={"ip": ip, "region_slug": slug, "reserved_at": iso(reserved.reserved)}
    )


@ROUTES.add("GET /v2/reserved_ipv6/<ip>", "reservedIPv6_get", "reserved_ip:read")
def get_reserved(call: routes.ApiCall) -> routes.ApiAnswer:
    """Shows an address and the Droplet that has it, or null."""
    return routes.ok(reserved_ipv6=view(call, _named(call)))


@ROUTES.add(
    "DELETE /v2/reserved_ipv6/<ip>",
    "reservedIPv6_delete",
    "reserved_ip:delete",
    refuses=[REASONS["STILL_ASSIGNED"]],
)
def delete_reserved(call: routes.ApiCall) -> routes.ApiAnswer:
    """Gives an address up that no Droplet has."""
    reserved = _named(call)
    if reserved.droplet is not None or reserved.pending:
        raise REASONS["STILL_ASSIGNED"].refusal()
    del call.account.reserved[reserved.ip]
    call.account.pool(addresses.reserved_ipv6(reserved.region.number)).give_back(reserved.ip)
    return routes.NO_CONTENT


@ROUTES.add(
    "POST /v2/reserved_ipv6/<ip>/actions",
    "reservedIPv6Actions_post",
    "reserved_ip:update",
    refuses=[
        *reasons("NO_DROPLET_ID", "NO_SUCH_DROPLET", "OTHER_REGION", "WITHOUT_IPV6"),
        *reasons("DROPLET_HAS_ONE", "RESERVED_PENDING", "NOT_ASSIGNED", "PENDING_EVENT"),
    ],
)
def start_action(call: routes.ApiCall) -> routes.ApiAnswer:
    """Starts `assign` (an assigned address moves to the new Droplet) or `unassign`.

    The action is called `assign_ip` or `unassign_ip`, and its `resource_id` is the Droplet's. It is
    `errored` when the Droplet is gone before it is over.
    """
    reserved, body = _named(call), call.body(NewAddressAction)
    if reserved.pending:
        raise REASONS["RESERVED_PENDING"].refusal()
    if body.type == "assign":
        target, effect = _assign(call, reserved, body.droplet_id)
    else:
        target, effect = _unassign(reserved)
    reserved.action = call.account.begin(
        f"{body.type}_ip", "reserved_ipv6", target.id, reserved.region.slug, effect
    )
    return routes.created(action=action_view(reserved.action))


def view(call: routes.ApiCall, reserved: LocalReservedIpv6) -> Json:
    """Return an address as the API shows it."""
    droplet = reserved.droplet
    return {
        "ip": reserved.ip,
        "region_slug": reserved.region.slug,
        "reserved_at": iso(reserved.reserved),
        "droplet": None if droplet is None else droplets.view(call.account, droplet),
    }


def _named(call: routes.ApiCall) -> LocalReservedIpv6:
    """Return the address that the path names, in whatever notation."""
    try:
        ip = str(IPv6Address(call.path_values["ip"]))
    except AddressValueError as fault:
        raise REASONS["NOT_FOUND"].refusal() from fault
    reserved = call.account.reserved.get(ip)
    if reserved is None:
        raise REASONS["NOT_FOUND"].refusal()
    return reserved


def _assign(
    call: routes.ApiCall, reserved: LocalReservedIpv6, droplet_id: int | None
) -> tuple[LocalDroplet, Effect]:
    if droplet_id is None:
        raise REASONS["NO_DROPLET_ID"].refusal()
    droplet = call.account.droplets.get(droplet_id)
    if droplet is None:
        raise REASONS["NO_SUCH_DROPLET"].refusal(value=droplet_id)
    if droplet.region != reserved.region:
        raise REASONS["OTHER_REGION"].refusal(
            value=droplet.region.slug, region=reserved.region.slug
        )
    if "ipv6" not in droplet.features:
        raise REASONS["WITHOUT_IPV6"].refusal()
    for other in call.account.reserved.values():
        if other is not reserved and droplet.id in other.holders:
            raise REASONS["DROPLET_HAS_ONE"].refusal(value=other.ip)
    if droplet.pending:
        raise REASONS["PENDING_EVENT"].refusal()
    return droplet, partial(_assigned, reserved, droplet)


def _assigned(reserved: LocalReservedIpv6, droplet: LocalDroplet, account: LocalAccount) -> bool:
    if droplet.id not in account.droplets:
        return False
    reserved.droplet = droplet
    return True


def _unassign(reserved: LocalReservedIpv6) -> tuple[LocalDroplet, Effect]:
    droplet = reserved.droplet
    if droplet is None:
        raise REASONS["NOT_ASSIGNED"].refusal()
    return droplet, partial(_unassigned, reserved)


def _unassigned(reserved: LocalReservedIpv6, _account: LocalAccount) -> bool:
    reserved.droplet = None
    return True
