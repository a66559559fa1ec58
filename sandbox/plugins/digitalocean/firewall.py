"""Cloud firewalls.

Source: digitalocean/terraform-provider-digitalocean, `digitalocean/firewall`.
"""

from typing import Final

from sandbox.plugins.digitalocean.digitalocean_session import DigitalOceanSession, DigitalOceanTask
from sandbox.plugins.resource import Present, Shape, StandIn
from sandbox.plugins.values import Props, items_of

_DIRECTIONS: Final = (
    # The SDK's list of rules and prefix of its fields, the API's list and object.
    ("inboundRules", "source", "inbound_rules", "sources"),
    ("outboundRules", "destination", "outbound_rules", "destinations"),
)
_ALL = "all"
_ALL_IN_API = "0"


class FirewallStandIn(StandIn[DigitalOceanSession]):
    """Rules, and the Droplets and tags they hold for: `digitalocean:index/firewall:Firewall`.

    Everything changes in place, all at once. Neither creation nor change is waited for until the
    Droplets have it: `status` is `waiting` until then, and `pendingChanges` names them, as of the
    last refresh. Ports are `443`, `8000-8999` or `all`.

    Where it differs: `action` of a rule, which newer APIs know, and rules for Droplets, tags, load
    balancers and clusters instead of addresses are refused.
    """

    type_name = "digitalocean:index/firewall:Firewall"
    auto_named = True
    shape = Shape(
        sets={
            "dropletIds": "",
            "tags": "",
            **{rules: "" for rules, *_ in _DIRECTIONS},
            **{f"{rules}.{prefix}Addresses": "" for rules, prefix, *_ in _DIRECTIONS},
        },
        same={"tags": str.lower},
        allowed={f"{rules}.protocol": ("tcp", "udp", "icmp") for rules, *_ in _DIRECTIONS},
        filled=frozenset({"name"}),
        refused=frozenset(f"{rules}.action" for rules, *_ in _DIRECTIONS)
        | frozenset(
            f"{rules}.{prefix}{target}"
            for rules, prefix, *_ in _DIRECTIONS
            for target in ("DropletIds", "KubernetesIds", "LoadBalancerUids", "Tags")
        ),
    )

    def create(self, call: DigitalOceanTask, inputs: Props) -> str:
        """Create the firewall."""
        return str(call.session.ask("firewalls.create", _to_api(inputs))["firewall"]["id"])

    def read(self, call: DigitalOceanTask, resource_id: str, _prior: Props) -> Present:
        """Return the firewall."""
        body = call.session.find("firewalls.get", resource_id)
        if body is None:
            return None
        return body["firewall"]["id"], _from_api(body["firewall"])

    def update(
        self, call: DigitalOceanTask, resource_id: str, _state: Props, inputs: Props
    ) -> None:
        """Replace all of the firewall."""
        call.session.ask("firewalls.update", resource_id, _to_api(inputs))

    def delete(self, call: DigitalOceanTask, resource_id: str, _state: Props) -> None:
        """Delete the firewall."""
        call.session.find("firewalls.delete", resource_id)


def _to_api(inputs: Props) -> Props:
    """Return a firewall as the API takes it."""
    api: Props = {
        "name": inputs["name"],
        "droplet_ids": items_of(inputs, "dropletIds"),
        "tags": items_of(inputs, "tags"),
    }
    for rules, prefix, api_rules, api_targets in _DIRECTIONS:
        api[api_rules] = [
            {
                "protocol": rule["protocol"],
                "ports": rule.get("portRange", ""),
                api_targets: {"addresses": items_of(rule, f"{prefix}Addresses")},
            }
            for rule in items_of(inputs, rules)
        ]
    return api


def _from_api(api: Props) -> Props:
    """Return what the API says of a firewall."""
    state: Props = {
        "name": api["name"],
        "status": api["status"],
        "createdAt": api["created_at"],
        "dropletIds": items_of(api, "droplet_ids"),
        "tags": items_of(api, "tags"),
        "pendingChanges": [
            {
                "dropletId": change["droplet_id"],
                "removing": change["removing"],
                "status": change["status"],
            }
            for change in items_of(api, "pending_changes")
        ],
    }
    for rules, prefix, api_rules, api_targets in _DIRECTIONS:
        state[rules] = [
            {"protocol": rule["protocol"]} | _ports(rule) | _addresses(prefix, rule[api_targets])
            for rule in items_of(api, api_rules)
        ]
    return state


def _ports(rule: Props) -> Props:
    """Return the ports of a rule; the API calls all of them 0, and icmp has none."""
    ports = rule.get("ports")
    if ports == _ALL_IN_API:
        return {} if rule["protocol"] == "icmp" else {"portRange": _ALL}
    return {"portRange": ports} if ports else {}


def _addresses(prefix: str, targets: Props) -> Props:
    addresses = items_of(targets, "addresses")
    return {f"{prefix}Addresses": addresses} if addresses else {}
