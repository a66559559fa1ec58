"""VPCs: private networks and the Droplets in them."""

import re
from typing import Final, Literal

from sandbox.clouds.digitalocean import routes
from sandbox.clouds.digitalocean.catalog import REGIONS
from sandbox.clouds.digitalocean.state import Json, LocalVpc, iso
from sandbox.clouds.digitalocean.wire import REASONS, reasons

ROUTES = routes.Table()

NAME: Final = re.compile(r"[a-zA-Z0-9\-.]+")


class NewVpc(routes.Body):
    """A VPC to create; what is not modelled is refused where it would have an effect."""

    name: str
    region: str
    description: Literal[""] = ""
    ip_range: None = None


@ROUTES.add(
    "POST /v2/vpcs",
    "vpcs_create",
    "vpc:create",
    refuses=[
        *reasons("INVALID_VPC_NAME", "VPC_NAME_IN_USE", "INVALID_VPC_REGION"),
    ],
)
def create_vpc(call: routes.ApiCall) -> routes.ApiAnswer:
    """Creates a VPC with a free /20; a region's first becomes its default.

    The account has a default VPC in every open region but `syd1`.
    """
    body = call.body(NewVpc)
    if not NAME.fullmatch(body.name):
        raise REASONS["INVALID_VPC_NAME"].refusal(value=body.name)
    if any(vpc.name == body.name for vpc in call.account.vpcs.values()):
        raise REASONS["VPC_NAME_IN_USE"].refusal(value=body.name)
    region = REGIONS.get(body.region)
    if region is None or not region.available:
        raise REASONS["INVALID_VPC_REGION"].refusal(value=body.region)
    return routes.created(vpc=view(call.account.add_vpc(body.name, region.slug)))


@ROUTES.add("GET /v2/vpcs", "vpcs_list", "vpc:read")
def list_vpcs(call: routes.ApiCall) -> routes.ApiAnswer:
    """Lists the VPCs, the default ones too."""
    return call.page("vpcs", list(call.account.vpcs.values()), view)


@ROUTES.add("GET /v2/vpcs/<vpc_id>", "vpcs_get", "vpc:read")
def get_vpc(call: routes.ApiCall) -> routes.ApiAnswer:
    """Shows a VPC."""
    return routes.ok(vpc=view(call.the(call.account.vpcs, "vpc_id")))


@ROUTES.add(
    "DELETE /v2/vpcs/<vpc_id>",
    "vpcs_delete",
    "vpc:delete",
    refuses=[REASONS["DEFAULT_VPC"], REASONS["HAS_MEMBERS"]],
)
def delete_vpc(call: routes.ApiCall) -> routes.ApiAnswer:
    """Deletes a VPC that is empty and no default."""
    vpc = call.the(call.account.vpcs, "vpc_id")
    if vpc.default:
        raise REASONS["DEFAULT_VPC"].refusal()
    if any(droplet.vpc is vpc for droplet in call.account.droplets.values()):
        raise REASONS["HAS_MEMBERS"].refusal()
    del call.account.vpcs[vpc.id]
    return routes.NO_CONTENT


def view(vpc: LocalVpc) -> Json:
    """Return a VPC as the API shows it."""
    return {
        "id": vpc.id,
        "urn": f"do:vpc:{vpc.id}",
        "name": vpc.name,
        "description": "",
        "region": vpc.region,
        "ip_range": str(vpc.network),
        "default": vpc.default,
        "created_at": iso(vpc.created),
    }
