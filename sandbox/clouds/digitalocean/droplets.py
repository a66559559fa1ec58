"""Droplets: created, shown and destroyed."""

from sandbox.clouds.digitalocean import addresses, droplet_actions
from sandbox.clouds.digitalocean.catalog import disk_info
from sandbox.clouds.digitalocean.new_droplet import CREATION_REASONS, NewDroplet, checked_droplet
from sandbox.clouds.digitalocean.routes import NO_CONTENT, ApiAnswer, ApiCall, Table, accepted, ok
from sandbox.clouds.digitalocean.state import Json, LocalAccount, LocalDroplet, iso

ROUTES = Table()


@ROUTES.add("GET /v2/droplets", "droplets_list", "droplet:read")
def list_droplets(call: ApiCall) -> ApiAnswer:
    """Lists the Droplets; filters of the query are ignored."""
    droplets = list(call.account.droplets.values())
    return call.page("droplets", droplets, lambda droplet: view(call.account, droplet))


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
    refuses=CREATION_REASONS,
)
def create_droplet(call: ApiCall) -> ApiAnswer:
    """Accepts one Droplet.

    It is `new` and without addresses until its `create` action is over, then `active`. Without
    `vpc_uuid` it joins the region's default VPC. User data is kept as it is.
    """
    body = call.body(NewDroplet)
    if body.tags:
        call.need("tag:create")
    if body.ssh_keys:
        call.need("ssh_key:read")
    if body.vpc_uuid:
        call.need("vpc:read")
    droplet = checked_droplet(call.account, body)
    call.account.droplets[droplet.id] = droplet
    for label in body.tags:
        tag = call.account.tag(label)
        if droplet.id not in tag.droplets:
            tag.droplets.append(droplet.id)
    action = droplet_actions.create(call.account, droplet)
    link = f"{call.request.host_url}v2/actions/{action.id}"
    links = {"actions": [{"id": action.id, "rel": "create", "href": link}]}
    return accepted(droplet=view(call.account, droplet), links=links)


@ROUTES.add("GET /v2/droplets/<int:droplet_id>", "droplets_get", "droplet:read")
def get_droplet(call: ApiCall) -> ApiAnswer:
    """Shows a Droplet."""
    return ok(droplet=view(call.account, call.the(call.account.droplets, "droplet_id")))


@ROUTES.add("DELETE /v2/droplets/<int:droplet_id>", "droplets_destroy", "droplet:delete")
def destroy_droplet(call: ApiCall) -> ApiAnswer:
    """Destroys a Droplet.

    It is locked, still shown and still a member of its VPC until a `destroy` action is over; then
    its reserved IPv6 is free, and no tag or firewall names it.
    """
    droplet_actions.destroy(call.account, call.the(call.account.droplets, "droplet_id"))
    return NO_CONTENT


def view(account: LocalAccount, droplet: LocalDroplet) -> Json:
    """Return a Droplet as the API shows it."""
    return {
        "id": droplet.id,
        "name": droplet.name,
        "memory": droplet.size.memory,
        "vcpus": droplet.size.vcpus,
        "disk": droplet.size.disk,
        "disk_info": disk_info(droplet.size.disk),
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


def _networks(droplet: LocalDroplet) -> Json:
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
        "gateway": f"{droplet.public_ipv4.rpartition('.')[0]}.1",
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
        "v4": [public, private],
        "v6": [ipv6] if droplet.ipv6 else [],
    }
