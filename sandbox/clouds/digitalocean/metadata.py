"""The metadata service: what a Droplet may learn about itself.

Shaped as documented: `v1.json` is everything at once, `v1/` an index of plain texts. A Droplet asks
169.254.169.254, and its address says which one it is; here each has a path of its own, which anyone
may read.
Left out: MAC addresses, anchor addresses, DNS, vendor data, the authentication token.

Source: DigitalOcean Metadata API Reference; digitalocean/go-metadata, `all_json.go`.
"""

from collections.abc import Mapping

from sandbox.clouds.digitalocean import addresses
from sandbox.clouds.digitalocean.state import Json, LocalAccount, LocalDroplet


def document(account: LocalAccount, droplet: LocalDroplet) -> Json:
    """Return everything as `v1.json` tells it; addresses are missing until the Droplet has them."""
    reserved = next(
        (address.ip for address in account.reserved.values() if address.droplet is droplet), None
    )
    ipv6: Json = {"active": reserved is not None}
    if reserved is not None:
        ipv6["ip_address"] = reserved
    return {
        "droplet_id": droplet.id,
        "hostname": droplet.name,
        "user_data": droplet.user_data,
        "public_keys": [key.public_key for key in droplet.ssh_keys],
        "region": droplet.region.slug,
        "tags": account.tags_of(droplet),
        "interfaces": _interfaces(droplet),
        "reserved_ip": {"ipv4": {"active": False}, "ipv6": ipv6},
        "features": {"dhcp_enabled": False},
    }


def texts(document: Json) -> Mapping[str, str]:
    """Return the plain texts below `v1/` by their path, made of the document.

    Names differ from the document's: `user-data`, `public-keys`, `id` and the `address` of an
    interface.
    """
    leaves: dict[str, str] = {
        "id": str(document["droplet_id"]),
        "hostname": document["hostname"],
        "user-data": document["user_data"],
        "public-keys": "\n".join(document["public_keys"]),
        "region": document["region"],
        "tags/": "\n".join(document["tags"]),
    }
    for kind, interfaces in document["interfaces"].items():
        for number, interface in enumerate(interfaces):
            base = f"interfaces/{kind}/{number}"
            leaves[f"{base}/type"] = interface["type"]
            for family in ("ipv4", "ipv6"):
                for name, value in interface.get(family, {}).items():
                    leaf = "address" if name == "ip_address" else name
                    leaves[f"{base}/{family}/{leaf}"] = str(value)
    for family, state in document["reserved_ip"].items():
        leaves[f"reserved_ip/{family}/active"] = str(state["active"]).lower()
        if "ip_address" in state:
            leaves[f"reserved_ip/{family}/ip_address"] = state["ip_address"]
    return leaves


def text(leaves: Mapping[str, str], path: str) -> str | None:
    """Return what a path below `v1/` tells: a text, an index for one that ends with a slash."""
    if path in leaves:
        return leaves[path]
    if path and not path.endswith("/"):
        return None
    below = [leaf.removeprefix(path) for leaf in leaves if leaf.startswith(path)]
    entries = dict.fromkeys(
        f"{name.split('/')[0]}/" if "/" in name else name for name in below if name
    )
    return "\n".join(entries) if entries else None


def _interfaces(droplet: LocalDroplet) -> Json:
    if droplet.status == "new":
        return {}
    network = droplet.vpc.network
    private = {
        "type": "private",
        "ipv4": {
            "ip_address": droplet.private_ipv4,
            "netmask": str(network.netmask),
            "gateway": addresses.gateway(network),
        },
    }
    if droplet.public_ipv4 is None:
        return {"private": [private]}
    public: Json = {
        "type": "public",
        "ipv4": {
            "ip_address": droplet.public_ipv4,
            "netmask": "255.255.255.0",
            "gateway": f"{droplet.public_ipv4.rpartition('.')[0]}.1",
        },
    }
    if droplet.ipv6 is not None:
        ipv6 = addresses.droplet_ipv6(droplet.region.number)
        public["ipv6"] = {
            "ip_address": droplet.ipv6,
            "cidr": ipv6.prefixlen,
            "gateway": addresses.gateway(ipv6),
        }
    return {"public": [public], "private": [private]}
