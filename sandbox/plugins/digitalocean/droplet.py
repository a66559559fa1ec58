"""Droplets.

Source: digitalocean/terraform-provider-digitalocean, `digitalocean/droplet/resource_droplet.go` and
`digitalocean/tag/tags.go`.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from typing import Any

from sandbox.plugins.digitalocean.session import ApiError, DigitalOceanSession, DigitalOceanTask
from sandbox.plugins.resource import Failure, PluginError, Shape, StandIn
from sandbox.plugins.schema import snake_case
from sandbox.plugins.values import UNKNOWN, Props, items_of

_CHANGE_TIMEOUT_SECONDS = 60 * 60
_DELETE_TIMEOUT_SECONDS = 60
_DIGEST = re.compile(r"[0-9a-f]{40}")
_ALREADY_OFF = "Droplet is already powered off"
_TAG = re.compile(r"[a-zA-Z0-9:\-_]{1,255}")
_ON_CREATION = (
    *("backups", "backupPolicy", "dropletAgent", "gpuPartitionMode", "ipv6", "monitoring", "name"),
    *("privateNetworking", "publicNetworking", "region", "size", "tags", "userData", "vpcUuid"),
)
"""What the API takes under the same name in snake case, but for the agent."""

_FEATURES = {
    "backups": "backups",
    "ipv6": "ipv6",
    "monitoring": "monitoring",
    "privateNetworking": "private_networking",
}


class DropletStandIn(StandIn[DigitalOceanSession]):
    """A virtual machine: `digitalocean:index/droplet:Droplet`.

    Creation is waited for until the Droplet is active and has its addresses (`customTimeouts`, 60
    minutes), destruction until nobody finds it any more (60 seconds). `name`, `tags`, `backups`
    change in place, and so does `size`, for which the Droplet is powered off and on again; IPv6 can
    be switched on in place, but then takes configuration inside the guest. Without `ipv6` again,
    or with another image, region, VPC, user data, set of SSH keys, monitoring or agent, a new
    Droplet is needed.

    As with the official plugin, the state holds the SHA-1 of the user data, `image` is what the
    program said (a slug names another image every few weeks), and a Droplet whose `name` the
    program gives is deleted before it is replaced, unless the option `deleteBeforeReplace` says
    otherwise.

    Where it differs: volumes are not attached; a change of `privateNetworking` is not sent, the
    API takes it no more; on a Droplet that is off, creation does not wait for `active`.
    """

    type_name = "digitalocean:index/droplet:Droplet"
    auto_named = True
    shape = Shape(
        defaults={
            "backups": False,
            "gracefulShutdown": False,
            "ipv6": False,
            "monitoring": False,
            "resizeDisk": True,
        },
        computed=frozenset(
            {
                "ipv6Address",
                "privateNetworking",
                "publicNetworking",
                "region",
                "volumeIds",
                "vpcUuid",
            }
        ),
        sets={"sshKeys": "", "tags": "", "volumeIds": ""},
        replaces=frozenset(
            {"dropletAgent", "gpuPartitionMode", "image", "monitoring", "publicNetworking"}
            | {"region", "sshKeys", "userData", "vpcUuid"}
        ),
        one_way=frozenset({"ipv6"}),
        same={"region": str.lower, "size": str.lower, "tags": str.lower},
        allowed={
            "backupPolicy.plan": ("daily", "weekly"),
            "backupPolicy.weekday": ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"),
            "backupPolicy.hour": range(21),
        },
        carried=frozenset(
            {"backupPolicy", "dropletAgent", "gpuPartitionMode", "gracefulShutdown", "image"}
            | {"resizeDisk", "sshKeys"}
        ),
    )

    def validate(self, inputs: Props) -> Iterator[Failure]:
        """Yield what the official plugin refuses, and what only the official one can do."""
        for name in ("image", "name", "region", "size", "userData", "vpcUuid"):
            if inputs.get(name) == "":
                yield Failure(name, f"{name} is empty; text is needed. Set it, or leave it out.")
        if inputs.get("backupPolicy") is not None and inputs.get("backups") is False:
            yield Failure(
                "backupPolicy",
                "backupPolicy is given while backups are off; it needs them. Set backups to true.",
            )
        if inputs.get("volumeIds"):
            yield Failure(
                "volumeIds",
                "volumeIds is given; the stand-in for the digitalocean plugin attaches no volumes. "
                "Leave it out, or install the official plugin.",
            )
        yield from wrong_tags(inputs)

    def completed(self, inputs: Props) -> Props:
        """Return inputs with the digest that the state has for the user data."""
        if isinstance(inputs.get("userData"), str):
            return inputs | {"userData": digest(inputs["userData"])}
        return inputs

    def foresee(self, session: DigitalOceanSession, inputs: Props) -> Props:
        """Return the digest of the user data, and that there is no address without IPv6."""
        del session
        foreseen = self.completed({"userData": inputs.get("userData")})
        if inputs.get("ipv6") is False:
            foreseen["ipv6Address"] = ""
        return foreseen

    def create(self, call: DigitalOceanTask, inputs: Props) -> str:
        """Ask for the Droplet; `settle` waits for it."""
        given = {name: inputs[name] for name in _ON_CREATION if inputs.get(name) is not None}
        body = {snake_case(name): value for name, value in given.items()}
        if "droplet_agent" in body:
            body["with_droplet_agent"] = body.pop("droplet_agent")
        body["image"] = _number_or_text(inputs["image"])
        body["ssh_keys"] = [_number_or_text(key) for key in items_of(inputs, "sshKeys")]
        needs = {"tags": "tag:create", "sshKeys": "ssh_key:read", "vpcUuid": "vpc:read"}
        more = [scope for name, scope in needs.items() if inputs.get(name)]
        return str(call.session.ask("droplets.create", body, more=more)["droplet"]["id"])

    def settle(self, call: DigitalOceanTask, resource_id: str, props: Props) -> None:
        """Wait until the Droplet runs, or until an action is over."""
        del props

        def ready() -> bool:
            droplet = _must_find(call, resource_id)
            return droplet["status"] != "new" and not droplet["locked"]

        call.wait(f"Droplet ({resource_id}) to become ready", ready, _CHANGE_TIMEOUT_SECONDS)

    def read(
        self, call: DigitalOceanTask, resource_id: str, prior: Props
    ) -> tuple[str, Props] | None:
        """Return the Droplet; what the API does not show stays as it was."""
        droplet = _find(call, resource_id)
        if droplet is None:
            return None
        state = _state(droplet)
        if isinstance(prior.get("userData"), str):
            state["userData"] = digest(prior["userData"])
        return str(droplet["id"]), state

    def update(self, call: DigitalOceanTask, resource_id: str, state: Props, inputs: Props) -> None:
        """Change what can be changed, one action after the other."""
        if str(state.get("size")).lower() != str(inputs["size"]).lower():
            self._resize(call, resource_id, inputs)
        if state.get("name") != inputs["name"]:
            self._act(call, resource_id, type="rename", name=inputs["name"])
            self._until(
                call, resource_id, "renamed", lambda droplet: droplet["name"] == inputs["name"]
            )
        self._update_backups(call, resource_id, state, inputs)
        if inputs.get("ipv6") and not state.get("ipv6"):
            self._act(call, resource_id, type="enable_ipv6")
            self._until(
                call, resource_id, "given IPv6", lambda droplet: "ipv6" in droplet["features"]
            )
        _retag(call, resource_id, items_of(state, "tags"), items_of(inputs, "tags"))

    def delete(self, call: DigitalOceanTask, resource_id: str, state: Props) -> None:
        """Destroy the Droplet once it is unlocked, and wait until it is gone."""

        def unlocked() -> bool:
            droplet = _find(call, resource_id)
            return droplet is None or not droplet["locked"]

        call.wait(f"Droplet ({resource_id}) to be unlocked", unlocked, _DELETE_TIMEOUT_SECONDS)
        if state.get("gracefulShutdown") and _find(call, resource_id):
            self._power_off(call, resource_id, "shutdown")
        if call.session.find("droplets.destroy", _number(resource_id)) is not None:
            call.wait(
                f"Droplet ({resource_id}) to be destroyed",
                lambda: _find(call, resource_id) is None,
                _DELETE_TIMEOUT_SECONDS,
            )

    def _resize(self, call: DigitalOceanTask, resource_id: str, inputs: Props) -> None:
        self._power_off(call, resource_id, "power_off")
        try:
            action = self._act(
                call,
                resource_id,
                type="resize",
                size=inputs["size"],
                disk=bool(inputs.get("resizeDisk")),
            )
            wait_for_action(call, action, f"Droplet ({resource_id}) to be resized")
        finally:
            # One that could not be resized is to serve again as it is.
            self._act(call, resource_id, type="power_on")
            self._until(
                call, resource_id, "powered on", lambda droplet: droplet["status"] == "active"
            )

    def _power_off(self, call: DigitalOceanTask, resource_id: str, how: str) -> None:
        try:
            self._act(call, resource_id, type=how)
        except ApiError as error:
            if _ALREADY_OFF not in str(error):
                raise
        self._until(call, resource_id, "powered off", lambda droplet: droplet["status"] == "off")

    def _update_backups(
        self, call: DigitalOceanTask, resource_id: str, state: Props, inputs: Props
    ) -> None:
        policy = inputs.get("backupPolicy")
        sent = {"backup_policy": policy} if policy else {}
        if bool(state.get("backups")) != bool(inputs.get("backups")):
            kind = "enable_backups" if inputs.get("backups") else "disable_backups"
        elif policy and policy != state.get("backupPolicy"):
            kind = "change_backup_policy"
        else:
            return
        action = self._act(call, resource_id, type=kind, **sent)
        wait_for_action(call, action, f"backups of Droplet ({resource_id}) to change")

    def _act(self, call: DigitalOceanTask, resource_id: str, **body: Any) -> int:
        more = ["droplet:create"] if body["type"] == "resize" else []
        answer = call.session.ask("droplet_actions.post", _number(resource_id), body, more=more)
        return int(answer["action"]["id"])

    def _until(
        self,
        call: DigitalOceanTask,
        resource_id: str,
        what: str,
        done: Callable[[Props], bool],
    ) -> None:
        def free_and_done() -> bool:
            droplet = _must_find(call, resource_id)
            return not droplet["locked"] and done(droplet)

        call.wait(f"Droplet ({resource_id}) to be {what}", free_and_done, _CHANGE_TIMEOUT_SECONDS)


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


def wrong_tags(inputs: Props) -> Iterator[Failure]:
    """Yield the tags that cannot be any."""
    for index, tag in enumerate(items_of(inputs, "tags")):
        if tag is not UNKNOWN:
            yield from wrong_tag(f"tags[{index}]", str(tag))


def wrong_tag(path: str, tag: str) -> Iterator[Failure]:
    """Yield a failure if a tag cannot be one. Source: API reference, 'Tags'."""
    if not _TAG.fullmatch(tag):
        yield Failure(
            path,
            f"{path} is {tag!r}; up to 255 letters, digits, colons, dashes and underscores are "
            "allowed. Use those.",
        )


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
    public = _address(droplet, "v4", "public")
    state = {
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
        "ipv4Address": public,
        "ipv4AddressPrivate": _address(droplet, "v4", "private"),
        "ipv6Address": _address(droplet, "v6", "public"),
        "publicNetworking": public != "",
        "volumeIds": droplet["volume_ids"],
        "tags": droplet["tags"],
    }
    return state | {name: feature in droplet["features"] for name, feature in _FEATURES.items()}


def _retag(call: DigitalOceanTask, resource_id: str, before: list[str], after: list[str]) -> None:
    resources = {"resources": [{"resource_id": resource_id, "resource_type": "droplet"}]}
    for tag in before:
        if tag not in after:
            call.session.ask("tags.unassign_resources", tag, resources)
    for tag in after:
        if tag not in before:
            name = call.session.ask("tags.create", {"name": tag})["tag"]["name"]
            call.session.ask("tags.assign_resources", name, resources)
