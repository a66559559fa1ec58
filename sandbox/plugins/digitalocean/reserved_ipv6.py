"""Reserved IPv6 addresses, and which Droplet has one.

Source: digitalocean/terraform-provider-digitalocean, `digitalocean/reservedipv6`.
"""

import secrets
from collections.abc import Iterator
from ipaddress import AddressValueError, IPv6Address

from sandbox.plugins.digitalocean.digitalocean_session import DigitalOceanSession, DigitalOceanTask
from sandbox.plugins.digitalocean.droplet import wait_for_action
from sandbox.plugins.resource import Failure, PluginError, Present, Shape, StandIn
from sandbox.plugins.values import Props, block_of


class ReservedIpv6StandIn(StandIn[DigitalOceanSession]):
    """An address of one region: `digitalocean:index/reservedIpv6:ReservedIpv6`.

    Another region needs another address; nothing changes in place. The id is the address.

    Where it differs: `ip` and `dropletId` are refused, where the official plugin takes them and
    does nothing (use a ReservedIpv6Assignment); an address that DigitalOcean will not give up is an
    error, where the official plugin forgets it and leaves it behind.
    """

    type_name = "digitalocean:index/reservedIpv6:ReservedIpv6"
    shape = Shape(
        computed=frozenset({"dropletId", "ip"}),
        replaces=frozenset({"regionSlug"}),
        same={"regionSlug": str.lower},
        refused=frozenset({"dropletId", "ip"}),
    )

    def create(self, call: DigitalOceanTask, inputs: Props) -> str:
        """Reserve an address."""
        body = {"region_slug": inputs["regionSlug"].lower()}
        return str(call.session.ask("reserved_ipv6.create", body)["reserved_ipv6"]["ip"])

    def read(self, call: DigitalOceanTask, resource_id: str, _prior: Props) -> Present:
        """Return the address; the Droplet that has it only if the state says so, as there."""
        address = _find(call, resource_id)
        if address is None:
            return None
        ip = address["ip"]
        return ip, {
            "ip": ip,
            "regionSlug": address["region_slug"],
            "reservedIpv6Urn": f"do:reservedipv6:{ip}",
        }

    def delete(self, call: DigitalOceanTask, resource_id: str, _state: Props) -> None:
        """Give the address up."""
        call.session.find("reserved_ipv6.delete", resource_id)


class ReservedIpv6AssignmentStandIn(StandIn[DigitalOceanSession]):
    """Which Droplet has an address: `digitalocean:index/reservedIpv6Assignment:…`.

    Assigning an address that another Droplet has moves it, so a replacement moves it from the old
    Droplet to the new one in one step; deleting the old assignment afterwards leaves it alone. Both
    are waited for until their action is completed (`customTimeouts`, 60 minutes). The Droplet must
    have IPv6 switched on, and be of the address's region. Imported as `ip,droplet_id`.

    As with the official plugin, an assignment that is no more as the state says (the address moved
    by hand, or is gone) fails a refresh rather than being dropped from the state.

    Where it differs: one that was sent but did not come true in time stays in the state and is sent
    again, where the official plugin forgets it.
    """

    type_name = "digitalocean:index/reservedIpv6Assignment:ReservedIpv6Assignment"
    shape = Shape(replaces=frozenset({"dropletId", "ip"}))

    def validate(self, inputs: Props) -> Iterator[Failure]:
        """Yield an address that is no IPv6 address."""
        ip = inputs.get("ip")
        if isinstance(ip, str) and not _is_ipv6(ip):
            yield Failure("ip", f"ip is {ip!r}; an IPv6 address is needed. Set a reserved one.")

    def create(self, call: DigitalOceanTask, inputs: Props) -> str:
        """Begin to move the address; `settle` waits until it has."""
        self._assign(call, inputs)
        return _assignment_id(inputs)

    def settle(self, call: DigitalOceanTask, _resource_id: str, props: Props) -> None:
        """Wait until the address is where it is to be."""
        if "action" in call.notes:
            wait_for_action(
                call,
                call.notes["action"],
                f"reserved IPv6 ({props['ip']}) to be assigned to Droplet ({props['dropletId']})",
            )

    def read(self, call: DigitalOceanTask, resource_id: str, prior: Props) -> Present:
        """Make sure that the assignment is as it was."""
        imported = "ip" not in prior
        pair = _parse_import(resource_id) if imported else prior
        ip, droplet = pair["ip"], pair["dropletId"]
        holder = self._holder(call, ip)
        if holder != droplet:
            whose = "no Droplet" if holder is None else f"Droplet {holder}"
            raise PluginError(
                f"reserved IPv6 {ip} is assigned to {whose}; the state says Droplet {droplet}. "
                f"Assign it by hand (`doctl compute reserved-ipv6-action assign {ip} {droplet}`), "
                "or take this resource out of the state with `pulumi state delete` and run "
                "`pulumi up`."
            )
        state = {"ip": ip, "dropletId": droplet}
        return _assignment_id(state) if imported else resource_id, state

    def update(
        self, call: DigitalOceanTask, _resource_id: str, _state: Props, inputs: Props
    ) -> None:
        """Complete an assignment that did not come true; nothing else changes in place."""
        if self._holder(call, inputs["ip"]) != inputs["dropletId"]:
            self._assign(call, inputs)

    def delete(self, call: DigitalOceanTask, _resource_id: str, state: Props) -> None:
        """Take the address from the Droplet, unless it is elsewhere by now."""
        ip, droplet = state["ip"], state["dropletId"]
        address = _find(call, ip)
        if address is None or block_of(address, "droplet").get("id") != droplet:
            return
        answer = call.session.ask("reserved_ipv6_actions.post", ip, {"type": "unassign"})
        wait_for_action(
            call,
            answer["action"]["id"],
            f"reserved IPv6 ({ip}) to be unassigned from Droplet ({droplet})",
        )

    def _assign(self, call: DigitalOceanTask, inputs: Props) -> None:
        body = {"type": "assign", "droplet_id": inputs["dropletId"]}
        answer = call.session.ask("reserved_ipv6_actions.post", inputs["ip"], body)
        call.notes["action"] = answer["action"]["id"]

    def _holder(self, call: DigitalOceanTask, ip: str) -> int | None:
        """Return the id of the Droplet that has an address."""
        droplet = call.session.ask("reserved_ipv6.get", ip)["reserved_ipv6"]["droplet"]
        return None if droplet is None else int(droplet["id"])


def _find(call: DigitalOceanTask, ip: str) -> Props | None:
    body = call.session.find("reserved_ipv6.get", ip)
    return None if body is None else body["reserved_ipv6"]


def _assignment_id(props: Props) -> str:
    """Return an id as the official plugin makes them: nothing but unique."""
    return f"{props['dropletId']}-{props['ip']}-{secrets.token_hex(13)}"


def _parse_import(resource_id: str) -> Props:
    ip, comma, droplet = resource_id.partition(",")
    if not comma or not _is_ipv6(ip) or not droplet.isdecimal():
        raise PluginError(
            f"the id to import is {resource_id!r}; the reserved IPv6 and the Droplet's id joined "
            "with a comma are one (2001:db8::1,123456). Give that."
        )
    return {"ip": ip, "dropletId": int(droplet)}


def _is_ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except AddressValueError:
        return False
    return True
