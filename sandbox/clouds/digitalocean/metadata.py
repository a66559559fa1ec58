"""The metadata service: what a Droplet may learn about itself.

Shaped as documented: `v1.json` is everything at once, and below `v1/` are plain texts. A Droplet
asks 169.254.169.254, and its address says which one it is; here each has a path of its own, which
anyone may read.
Left out: keys, MAC addresses, anchor addresses, DNS, vendor data, the authentication token, and of
the plain texts all but those of reserved addresses.

Source: DigitalOcean Metadata API Reference; digitalocean/go-metadata, `all_json.go`.
"""

from typing import Any, cast

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
        "public_keys": [],
        "region": droplet.region.slug,
        "tags": account.tags_of(droplet),
        "interfaces": _interfaces(droplet),
        "reserved_ip": {"ipv4": {"active": False}, "ipv6": ipv6},
        "features": {"dhcp_enabled": False},
    }


def text(document: Json, path: str) -> str | None:
    """Return the plain text at a path below `v1/reserved_ip/`, which is all that a proxy reads."""
    value: Any = document["reserved_ip"]
    for name in path.split("/"):
        value = cast("Json", value).get(name) if isinstance(value, dict) else None
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else None


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
    public: Json = {
        "type": "public",
        "ipv4": {
            "ip_address": droplet.public_ipv4,
            "netmask": "255.255.255.0",
            "gateway": f"{droplet.public_ipv4.rpartition('.')[0]}.1",
        },
    }
    if droplet.ipv6:
        ipv6 = addresses.droplet_ipv6(droplet.region.number)
        public["ipv6"] = {
            "ip_address": droplet.ipv6,
            "cidr": ipv6.prefixlen,
            "gateway": addresses.gateway(ipv6),
        }
    return {"public": [public], "private": [private]}
