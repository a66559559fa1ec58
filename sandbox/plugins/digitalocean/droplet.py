"""Droplets.

Source: digitalocean/terraform-provider-digitalocean, `digitalocean/droplet/resource_droplet.go` and
`digitalocean/tag/tags.go`.
"""

import hashlib
import re

from sandbox.plugins import schema
from sandbox.plugins.diff import diff, top
from sandbox.plugins.digitalocean.digitalocean_session import DigitalOceanSession, DigitalOceanTask
from sandbox.plugins.resource import PluginError, Present, Shape, StandIn
from sandbox.plugins.values import Props, items_of

_CHANGE_TIMEOUT_SECONDS = 60 * 60
_DELETE_TIMEOUT_SECONDS = 60
_DIGEST = re.compile(r"[0-9a-f]{40}")
_ON_CREATION = (
    *("dropletAgent", "ipv6", "monitoring", "name", "region", "size", "tags", "userData"),
    "vpcUuid",
)
"""What the API takes under the same name in snake case, except for the agent."""


class DropletStandIn(StandIn[DigitalOceanSession]):
    """A virtual machine: `digitalocean:index/droplet:Droplet`.

    Creation is waited for until the Droplet is active and has its addresses (`customTimeouts`, 60
    minutes), destruction until nobody finds it any more (60 seconds). Another image, region, VPC,
    user data, set of SSH keys, monitoring, agent or IPv6 needs a new Droplet.

    As with the official plugin, the state holds the SHA-1 of the user data, `image` is what the
    program said (a slug names another image every few weeks), and a Droplet whose `name` the
    program gives is deleted before it is replaced, unless the option `deleteBeforeReplace` says
    otherwise.

    Where it differs: nothing changes in place. The official plugin changes `name`, `size` and
    `tags` so; the update fails here, and the message says how to have it replaced. It also switches
    IPv6 on so; here it takes a new Droplet. What `shape.refused` names is refused.
    """

    type_name = "digitalocean:index/droplet:Droplet"
    auto_named = True
    shape = Shape(
        defaults={"ipv6": False, "monitoring": False},
        computed=frozenset({"ipv6Address", "region", "vpcUuid"}),
        sets={"sshKeys": "", "tags": ""},
        replaces=frozenset(
            {"dropletAgent", "image", "ipv6", "monitoring", "region", "sshKeys", "userData"}
            | {"vpcUuid"}
        ),
        same={"region": str.lower, "size": str.lower, "tags": str.lower},
        carried=frozenset({"dropletAgent", "image", "sshKeys"}),
        filled=frozenset({"image", "name", "region", "size", "userData", "vpcUuid"}),
        refused=frozenset(
            {"backupPolicy", "backups", "gpuPartitionMode", "gracefulShutdown"}
            | {"privateNetworking", "publicNetworking", "resizeDisk", "volumeIds"}
        ),
        official=frozenset({"privateNetworking", "publicNetworking", "resizeDisk"}),
    )

    def completed(self, inputs: Props) -> Props:
        """Return inputs with the digest that the state has for the user data."""
        if isinstance(inputs.get("userData"), str):
            return inputs | {"userData": digest(inputs["userData"])}
        return inputs

    def foresee(self, _session: DigitalOceanSession, inputs: Props) -> Props:
        """Return the digest of the user data, and that there is no address without IPv6."""
        foreseen = self.completed({"userData": inputs.get("userData")})
        if inputs.get("ipv6") is False:
            foreseen["ipv6Address"] = ""
        return foreseen

    def create(self, call: DigitalOceanTask, inputs: Props) -> str:
        """Ask for the Droplet; `settle` waits for it."""
        given = {name: inputs[name] for name in _ON_CREATION if inputs.get(name) is not None}
        body = {schema.snake_case(name): value for name, value in given.items()}
        if "droplet_agent" in body:
            body["with_droplet_agent"] = body.pop("droplet_agent")
        body["image"] = inputs["image"]
        body["ssh_keys"] = [_number_or_text(key) for key in items_of(inputs, "sshKeys")]
        needs = {"tags": "tag:create", "sshKeys": "ssh_key:read", "vpcUuid": "vpc:read"}
        more = [scope for name, scope in needs.items() if inputs.get(name)]
        return str(call.session.ask("droplets.create", body, more=more)["droplet"]["id"])

    def settle(self, call: DigitalOceanTask, resource_id: str, _props: Props) -> None:
        """Wait until the Droplet runs, or until an action is over."""

        def ready() -> bool:
            droplet = _must_find(call, resource_id)
            return droplet["status"] != "new" and not droplet["locked"]

        call.wait(f"Droplet ({resource_id}) to become ready", ready, _CHANGE_TIMEOUT_SECONDS)

    def read(self, call: DigitalOceanTask, resource_id: str, prior: Props) -> Present:
        """Return the Droplet; what the API does not show stays as it was."""
        droplet = _find(call, resource_id)
        if droplet is None:
            return None
        state = _state(droplet)
        if isinstance(prior.get("userData"), str):
            state["userData"] = digest(prior["userData"])
        return str(droplet["id"]), state

    def update(
        self, _call: DigitalOceanTask, resource_id: str, state: Props, inputs: Props
    ) -> None:
        """Go on with a Droplet that was not ready in time; refuse every change."""
        type_ = schema.of_class(self.args)
        changed = {top(path) for path in diff(type_, self.shape, state, self.completed(inputs))}
        if changed:
            raise PluginError(
                f"{' and '.join(sorted(changed))} of Droplet ({resource_id}) would change in "
                "place; the stand-in for the digitalocean plugin changes no Droplet. Have it "
                "replaced with the option `replaceOnChanges`, or install the official plugin."
            )

    def delete(self, call: DigitalOceanTask, resource_id: str, _state: Props) -> None:
        """Destroy the Droplet once it is unlocked, and wait until it is gone."""

        def unlocked() -> bool:
            droplet = _find(call, resource_id)
            return droplet is None or not droplet["locked"]

        call.wait(f"Droplet ({resource_id}) to be unlocked", unlocked, _DELETE_TIMEOUT_SECONDS)
        if call.session.find("droplets.destroy", _number(resource_id)) is not None:
            call.wait(
                f"Droplet ({resource_id}) to be destroyed",
                lambda: _find(call, resource_id) is None,
                _DELETE_TIMEOUT_SECONDS,
            )


def wait_for_action(call: DigitalOceanTask, action_id: int, what: str) -> None:
    """Wait until an action is completed.

    Args:
        call: The surroundings.
        action_id: The action.
        what: What is waited for, for the message.

    Raises:
        PluginError: it ended with an error, or not in time.
    """

    def completed() -> bool:
        action = call.session.ask("actions.get", action_id)["action"]
        if action["status"] == "errored":
            raise PluginError(
                f"waited for {what}, but action {action_id} ({action['type']}) ended with an "
                "error. Run `pulumi up` again; if it ends so again, look at the control panel."
            )
        return bool(action["status"] == "completed")

    call.wait(what, completed, _CHANGE_TIMEOUT_SECONDS)


def digest(user_data: str) -> str:
    """Return the SHA-1 of user data; of what is one already, that."""
    if _DIGEST.fullmatch(user_data):
        return user_data
    return hashlib.sha1(user_data.encode(), usedforsecurity=False).hexdigest()


def _number(resource_id: str) -> int:
    try:
        return int(resource_id)
    except ValueError:
        raise PluginError(
            f"the id of the Droplet is {resource_id!r}; a number is one. Take it from "
            "`doctl compute droplet list`."
        ) from None


def _number_or_text(identifier: str) -> int | str:
    return int(identifier) if identifier.isdecimal() else identifier


def _find(call: DigitalOceanTask, resource_id: str) -> Props | None:
    body = call.session.find("droplets.get", _number(resource_id))
    return None if body is None else body["droplet"]


def _must_find(call: DigitalOceanTask, resource_id: str) -> Props:
    droplet = _find(call, resource_id)
    if droplet is None:
        raise PluginError(
            f"Droplet ({resource_id}) is gone while it was waited for. "
            "Run `pulumi refresh`, then `pulumi up`."
        )
    return droplet


def _address(droplet: Props, family: str, kind: str) -> str:
    networks = droplet["networks"][family]
    addresses = (network["ip_address"] for network in networks if network["type"] == kind)
    return str(next(addresses, "")).lower()


def _state(droplet: Props) -> Props:
    """Return what the API says of a Droplet."""
    size, image = droplet["size"], droplet["image"]
    return {
        "name": droplet["name"],
        "dropletUrn": f"do:droplet:{droplet['id']}",
        "image": image["slug"] or str(image["id"]),
        "region": droplet["region"]["slug"],
        "size": size["slug"],
        "priceHourly": size["price_hourly"],
        "priceMonthly": size["price_monthly"],
        "disk": droplet["disk"],
        "vcpus": droplet["vcpus"],
        "memory": droplet["memory"],
        "status": droplet["status"],
        "locked": droplet["locked"],
        "createdAt": droplet["created_at"],
        "vpcUuid": droplet.get("vpc_uuid"),
        "ipv4Address": _address(droplet, "v4", "public"),
        "ipv4AddressPrivate": _address(droplet, "v4", "private"),
        "ipv6Address": _address(droplet, "v6", "public"),
        "tags": droplet["tags"],
        "ipv6": "ipv6" in droplet["features"],
        "monitoring": "monitoring" in droplet["features"],
    }
