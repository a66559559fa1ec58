"""The scopes that each operation of the API needs, as its documentation lists them.

Some requests need more, such as `tag:create` for a Droplet that is created with tags; the sender of
such a request says so. Source: digitalocean/openapi, `security` of each operation.
"""

from collections.abc import Mapping
from typing import Final

SCOPES: Final[Mapping[str, tuple[str, ...]]] = {
    "actions.get": ("actions:read",),
    "droplets.create": ("droplet:create", "image:read"),
    "droplets.destroy": ("droplet:delete",),
    "droplets.get": ("droplet:read",),
    "firewalls.create": ("firewall:create",),
    "firewalls.delete": ("firewall:delete",),
    "firewalls.get": ("firewall:read",),
    "firewalls.update": ("firewall:update",),
    "monitoring.create_alert_policy": ("monitoring:create",),
    "monitoring.delete_alert_policy": ("monitoring:delete",),
    "monitoring.get_alert_policy": ("monitoring:read",),
    "monitoring.update_alert_policy": ("monitoring:update",),
    "regions.list": ("regions:read",),
    "reserved_ipv6.create": ("reserved_ip:create",),
    "reserved_ipv6.delete": ("reserved_ip:delete",),
    "reserved_ipv6.get": ("reserved_ip:read",),
    "reserved_ipv6_actions.post": ("reserved_ip:update",),
    "tags.create": ("tag:create",),
    "tags.delete": ("tag:delete",),
    "tags.get": ("tag:read",),
    "vpcs.create": ("vpc:create",),
    "vpcs.delete": ("vpc:delete",),
    "vpcs.get": ("vpc:read",),
}
"""By the operation's name in pydo."""
