"""VPCs: private networks and the Droplets in them."""

import re
from http import HTTPStatus
from ipaddress import AddressValueError, IPv4Network, NetmaskValueError
from typing import Annotated, Final

from pydantic import Field

from sandbox.clouds.digitalocean.catalog import REGIONS
from sandbox.clouds.digitalocean.routes import NO_CONTENT, Answer, Body, Call, Table, created, ok
from sandbox.clouds.digitalocean.state import Droplet, Json, Vpc, iso
from sandbox.clouds.digitalocean.wire import ASSUMED, NOT_FOUND, Reason

ROUTES = Table()

NAME: Final = re.compile(r"[a-zA-Z0-9\-.]+")
PRIVATE: Final = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
"""Source: RFC 1918."""

LARGEST, SMALLEST = 16, 28
"""Prefix lengths of the largest and the smallest range. Source: API reference, `ip_range`."""

UNPROCESSABLE = HTTPStatus.UNPROCESSABLE_ENTITY

INVALID_VPC_NAME = Reason(
    UNPROCESSABLE,
    "the name has characters other than letters, digits, `-` and `.`",
    "name is {found}; it may only contain alphanumeric characters, dashes, and periods.",
)
VPC_NAME_IN_USE = Reason(
    UNPROCESSABLE, "another VPC has the name", "name is {found}; it must be unique."
)
INVALID_VPC_REGION = Reason(
    UNPROCESSABLE,
    "the region is unknown or closed",
    "region is {found}; it is not available.",
    ASSUMED,
)
INVALID_RANGE = Reason(
    UNPROCESSABLE,
    "the range is not a private network (RFC 1918) from /16 to /28",
    "ip_range is {found}; it must be a private network from /16 to /28.",
)
OVERLAPPING_RANGE = Reason(
    UNPROCESSABLE,
    "the range overlaps with another VPC's",
    "ip_range is {found}; it overlaps with another VPC network in your account.",
)
STAYS_DEFAULT = Reason(
    UNPROCESSABLE,
    "`default` is false for the default VPC",
    "default can not be unset; make another VPC of the region the default.",
)
DEFAULT_VPC = Reason(
    HTTPStatus.FORBIDDEN, "the VPC is its region's default", "Can not delete default VPCs"
)
HAS_MEMBERS = Reason(
    HTTPStatus.FORBIDDEN,
    "the VPC has members; one that is being destroyed is one until it is gone",
    "Can not delete VPC with members",
    "specification; a report saw 409 instead: pulumi/pulumi-digitalocean#753",
)

Description = Annotated[str, Field(max_length=255)]


class NewVpc(Body):
    """A VPC to create."""

    name: str
    region: str
    description: Description = ""
    ip_range: str | None = None


class WholeVpc(Body):
    """What a VPC shall be."""

    name: str
    description: Description = ""
    default: bool | None = None


class PartOfVpc(Body):
    """What of a VPC shall change."""

    name: str | None = None
    description: Description | None = None
    default: bool | None = None


@ROUTES.add("GET /v2/vpcs", "vpcs_list", "vpc:read")
def list_vpcs(call: Call) -> Answer:
    """Lists the VPCs. The account has a default VPC in every open region but `syd1`."""
    return call.page("vpcs", list(call.account.vpcs.values()), view)


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
def create_vpc(call: Call) -> Answer:
    """Creates a VPC, with a free /20 if no range is given; a region's first becomes its default."""
    body = call.body(NewVpc)
    _check_name(call, body.name, None)
    region = REGIONS.get(body.region)
    if region is None or not region.available:
        raise INVALID_VPC_REGION.refusal(found=body.region)
    network = _network(body.ip_range) if body.ip_range else None
    if network and call.account.overlapping(network):
        raise OVERLAPPING_RANGE.refusal(found=network)
    vpc = call.account.add_vpc(body.name, body.description, region.slug, network)
    return created(vpc=view(vpc))


@ROUTES.add("GET /v2/vpcs/<vpc_id>", "vpcs_get", "vpc:read", refuses=[NOT_FOUND])
def get_vpc(call: Call) -> Answer:
    """Shows a VPC."""
    return ok(vpc=view(_named(call)))


@ROUTES.add(
    "PUT /v2/vpcs/<vpc_id>",
    "vpcs_update",
    "vpc:update",
    refuses=[NOT_FOUND, INVALID_VPC_NAME, VPC_NAME_IN_USE, STAYS_DEFAULT],
)
def update_vpc(call: Call) -> Answer:
    """Changes name and description; `default` true takes the place of the region's default."""
    vpc, body = _named(call), call.body(WholeVpc)
    return _change(call, vpc, body.name, body.description, body.default)


@ROUTES.add(
    "PATCH /v2/vpcs/<vpc_id>",
    "vpcs_patch",
    "vpc:update",
    refuses=[NOT_FOUND, INVALID_VPC_NAME, VPC_NAME_IN_USE, STAYS_DEFAULT],
)
def patch_vpc(call: Call) -> Answer:
    """Changes what is named, as PUT does."""
    vpc, body = _named(call), call.body(PartOfVpc)
    name = vpc.name if body.name is None else body.name
    description = vpc.description if body.description is None else body.description
    return _change(call, vpc, name, description, body.default)


@ROUTES.add(
    "DELETE /v2/vpcs/<vpc_id>",
    "vpcs_delete",
    "vpc:delete",
    refuses=[NOT_FOUND, DEFAULT_VPC, HAS_MEMBERS],
)
def delete_vpc(call: Call) -> Answer:
    """Deletes a VPC that is empty and no default."""
    vpc = _named(call)
    if vpc.default:
        raise DEFAULT_VPC.refusal()
    if _members(call, vpc):
        raise HAS_MEMBERS.refusal()
    del call.account.vpcs[vpc.id]
    return NO_CONTENT


@ROUTES.add(
    "GET /v2/vpcs/<vpc_id>/members",
    "vpcs_list_members",
    "vpc:read",
    "droplet:read",
    refuses=[NOT_FOUND],
)
def list_members(call: Call) -> Answer:
    """Lists the VPC's Droplets; any other `resource_type` finds none."""
    members = _members(call, _named(call))
    if call.query.get("resource_type", "droplet") != "droplet":
        members = []
    return call.page(
        "members",
        members,
        lambda droplet: {
            "name": droplet.name,
            "urn": droplet.urn,
            "created_at": iso(droplet.created),
        },
    )


def view(vpc: Vpc) -> Json:
    """Return a VPC as the API shows it."""
    return {
        "id": vpc.id,
        "urn": vpc.urn,
        "name": vpc.name,
        "description": vpc.description,
        "region": vpc.region,
        "ip_range": str(vpc.network),
        "default": vpc.default,
        "created_at": iso(vpc.created),
    }


def _named(call: Call) -> Vpc:
    vpc = call.account.vpcs.get(call.path_values["vpc_id"])
    if vpc is None:
        raise NOT_FOUND.refusal()
    return vpc


def _members(call: Call, vpc: Vpc) -> list[Droplet]:
    return [droplet for droplet in call.account.droplets.values() if droplet.vpc is vpc]


def _check_name(call: Call, name: str, mine: Vpc | None) -> None:
    if not NAME.fullmatch(name):
        raise INVALID_VPC_NAME.refusal(found=name)
    if any(vpc.name == name and vpc is not mine for vpc in call.account.vpcs.values()):
        raise VPC_NAME_IN_USE.refusal(found=name)


def _network(text: str) -> IPv4Network:
    try:
        network = IPv4Network(text)
    except (AddressValueError, NetmaskValueError, ValueError) as fault:
        raise INVALID_RANGE.refusal(found=text) from fault
    private = any(network.subnet_of(range_) for range_ in PRIVATE)
    if not private or not LARGEST <= network.prefixlen <= SMALLEST:
        raise INVALID_RANGE.refusal(found=text)
    return network


def _change(call: Call, vpc: Vpc, name: str, description: str, default: bool | None) -> Answer:
    _check_name(call, name, vpc)
    if vpc.default and default is False:
        raise STAYS_DEFAULT.refusal()
    vpc.name, vpc.description = name, description
    if default:
        for other in call.account.vpcs.values():
            if other.region == vpc.region:
                other.default = other is vpc
    return ok(vpc=view(vpc))
