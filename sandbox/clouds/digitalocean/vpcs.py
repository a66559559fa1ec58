"""VPCs: private networks and the Droplets in them."""

import re
from http import HTTPStatus
from ipaddress import AddressValueError, IPv4Network, NetmaskValueError
from typing import Annotated, Final

from pydantic import Field

from sandbox.clouds.digitalocean.catalog import REGIONS
from sandbox.clouds.digitalocean.routes import (
    NO_CONTENT,
    ApiAnswer,
    ApiCall,
    Body,
    Table,
    created,
    ok,
)
from sandbox.clouds.digitalocean.state import Json, LocalVpc, iso
from sandbox.clouds.digitalocean.wire import ASSUMED, Reason

ROUTES = Table()

NAME: Final = re.compile(r"[a-zA-Z0-9\-.]+")
PRIVATE: Final = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
"""Source: RFC 1918."""

LARGEST, SMALLEST = 16, 28
"""Prefix lengths of the largest and the smallest range. Source: API reference, `ip_range`."""

INVALID_VPC_NAME = Reason(
    "the name has characters other than letters, digits, `-` and `.`",
    "name is {value}; it may only contain alphanumeric characters, dashes, and periods.",
)
VPC_NAME_IN_USE = Reason("another VPC has the name", "name is {value}; it must be unique.")
INVALID_VPC_REGION = Reason(
    "the region is unknown or closed",
    "region is {value}; it is not available.",
    ASSUMED,
)
INVALID_RANGE = Reason(
    "the range is not a private network (RFC 1918) from /16 to /28",
    "ip_range is {value}; it must be a private network from /16 to /28.",
)
OVERLAPPING_RANGE = Reason(
    "the range overlaps with another VPC's",
    "ip_range is {value}; it overlaps with another VPC network in your account.",
)
STAYS_DEFAULT = Reason(
    "`default` is false for the default VPC",
    "default can not be unset; make another VPC of the region the default.",
)
DEFAULT_VPC = Reason(
    "the VPC is its region's default", "Can not delete default VPCs", status=HTTPStatus.FORBIDDEN
)
HAS_MEMBERS = Reason(
    "the VPC has members; one that is being destroyed is one until it is gone",
    "Can not delete VPC with members",
    "specification; a report saw 409 instead: pulumi/pulumi-digitalocean#753",
    status=HTTPStatus.FORBIDDEN,
)

Description = Annotated[str, Field(max_length=255)]


class NewVpc(Body):
    """A VPC to create."""

    name: str
    region: str
    description: Description = ""
    ip_range: str | None = None


class WholeVpc(Body):
    """A VPC as it becomes."""

    name: str
    description: Description = ""
    default: bool | None = None


@ROUTES.add(
    "POST /v2/vpcs",
    "vpcs_create",
    "vpc:create",
    refuses=[
        INVALID_VPC_NAME,
        VPC_NAME_IN_USE,
        INVALID_VPC_REGION,
        INVALID_RANGE,
        OVERLAPPING_RANGE,
    ],
)
def create_vpc(call: ApiCall) -> ApiAnswer:
    """Creates a VPC, with a free /20 if no range is given; a region's first becomes its default.

    The account has a default VPC in every open region but `syd1`.
    """
    body = call.body(NewVpc)
    _check_name(call, body.name, None)
    region = REGIONS.get(body.region)
    if region is None or not region.available:
        raise INVALID_VPC_REGION.refusal(value=body.region)
    network = _network(body.ip_range) if body.ip_range else None
    if network and call.account.overlapping(network):
        raise OVERLAPPING_RANGE.refusal(value=network)
    vpc = call.account.add_vpc(body.name, body.description, region.slug, network)
    return created(vpc=view(vpc))


@ROUTES.add("GET /v2/vpcs/<vpc_id>", "vpcs_get", "vpc:read")
def get_vpc(call: ApiCall) -> ApiAnswer:
    """Shows a VPC."""
    return ok(vpc=view(call.the(call.account.vpcs, "vpc_id")))


@ROUTES.add(
    "PUT /v2/vpcs/<vpc_id>",
    "vpcs_update",
    "vpc:update",
    refuses=[INVALID_VPC_NAME, VPC_NAME_IN_USE, STAYS_DEFAULT],
)
def update_vpc(call: ApiCall) -> ApiAnswer:
    """Changes name and description; `default` true takes the place of the region's default."""
    vpc, body = call.the(call.account.vpcs, "vpc_id"), call.body(WholeVpc)
    _check_name(call, body.name, vpc)
    if vpc.default and body.default is False:
        raise STAYS_DEFAULT.refusal()
    vpc.name, vpc.description = body.name, body.description
    if body.default:
        for other in call.account.vpcs.values():
            if other.region == vpc.region:
                other.default = other is vpc
    return ok(vpc=view(vpc))


@ROUTES.add(
    "DELETE /v2/vpcs/<vpc_id>",
    "vpcs_delete",
    "vpc:delete",
    refuses=[DEFAULT_VPC, HAS_MEMBERS],
)
def delete_vpc(call: ApiCall) -> ApiAnswer:
    """Deletes a VPC that is empty and no default."""
    vpc = call.the(call.account.vpcs, "vpc_id")
    if vpc.default:
        raise DEFAULT_VPC.refusal()
    if any(droplet.vpc is vpc for droplet in call.account.droplets.values()):
        raise HAS_MEMBERS.refusal()
    del call.account.vpcs[vpc.id]
    return NO_CONTENT


def view(vpc: LocalVpc) -> Json:
    """Return a VPC as the API shows it."""
    return {
        "id": vpc.id,
        "urn": f"do:vpc:{vpc.id}",
        "name": vpc.name,
        "description": vpc.description,
        "region": vpc.region,
        "ip_range": str(vpc.network),
        "default": vpc.default,
        "created_at": iso(vpc.created),
    }


def _check_name(call: ApiCall, name: str, mine: LocalVpc | None) -> None:
    if not NAME.fullmatch(name):
        raise INVALID_VPC_NAME.refusal(value=name)
    if any(vpc.name == name and vpc is not mine for vpc in call.account.vpcs.values()):
        raise VPC_NAME_IN_USE.refusal(value=name)


def _network(text: str) -> IPv4Network:
    try:
        network = IPv4Network(text)
    except (AddressValueError, NetmaskValueError, ValueError) as fault:
        raise INVALID_RANGE.refusal(value=text) from fault
    private = any(network.subnet_of(range_) for range_ in PRIVATE)
    if not private or not LARGEST <= network.prefixlen <= SMALLEST:
        raise INVALID_RANGE.refusal(value=text)
    return network
