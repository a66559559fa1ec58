"""VPCs.

Source: digitalocean/terraform-provider-digitalocean, `digitalocean/vpc/resource_vpc.go`.
"""

from collections.abc import Iterator
from datetime import datetime
from http import HTTPStatus
from threading import Lock

from sandbox.plugins.digitalocean.session import ApiError, DigitalOceanSession, DigitalOceanTask
from sandbox.plugins.resource import Failure, PluginError, Shape, StandIn, WaitError
from sandbox.plugins.values import Props

_DELETE_TIMEOUT_SECONDS = 2 * 60
_LONGEST_DESCRIPTION = 255


class VpcStandIn(StandIn[DigitalOceanSession]):
    """A private network of one region: `digitalocean:index/vpc:Vpc`.

    `name` and `description` change in place, `region` and `ipRange` need a new one. DigitalOcean
    refuses to delete a VPC that still has members, as it has for a while after they were
    destroyed, so deletion is tried again for two minutes (`customTimeouts`). VPCs are created one
    at a time, because ranges that are chosen at the same moment overlap.
    """

    type_name = "digitalocean:index/vpc:Vpc"
    auto_named = True
    shape = Shape(
        computed=frozenset({"ipRange"}),
        replaces=frozenset({"ipRange", "region"}),
    )

    def __init__(self) -> None:
        """Have nothing being created."""
        self._creating = Lock()

    def validate(self, inputs: Props) -> Iterator[Failure]:
        """Yield what the official plugin's schema refuses."""
        for name in ("name", "region"):
            if inputs.get(name) == "":
                yield Failure(name, f"{name} is empty; text is needed. Set it.")
        description = inputs.get("description")
        if isinstance(description, str) and len(description) > _LONGEST_DESCRIPTION:
            yield Failure(
                "description",
                f"description is {len(description)} characters long; up to "
                f"{_LONGEST_DESCRIPTION} are allowed. Shorten it.",
            )

    def create(self, call: DigitalOceanTask, inputs: Props) -> str:
        """Create the VPC."""
        body = {"name": inputs["name"], "region": inputs["region"]}
        body |= {"description": inputs["description"]} if inputs.get("description") else {}
        body |= {"ip_range": inputs["ipRange"]} if inputs.get("ipRange") else {}
        with self._creating:
            return str(call.session.ask("vpcs.create", body)["vpc"]["id"])

    def read(
        self, call: DigitalOceanTask, resource_id: str, prior: Props
    ) -> tuple[str, Props] | None:
        """Return the VPC."""
        del prior
        body = call.session.find("vpcs.get", resource_id)
        if body is None:
            return None
        return body["vpc"]["id"], state_of(body["vpc"])

    def update(self, call: DigitalOceanTask, resource_id: str, state: Props, inputs: Props) -> None:
        """Change name and description; whether it is the region's default stays."""
        body = {
            "name": inputs["name"],
            "description": inputs.get("description") or "",
            "default": bool(state.get("default")),
        }
        call.session.ask("vpcs.update", resource_id, body)

    def delete(self, call: DigitalOceanTask, resource_id: str, state: Props) -> None:
        """Delete the VPC as soon as nothing is in it.

        Raises:
            PluginError: something still is; the message ends with what DigitalOcean said.
        """
        del state
        last = ""

        def deleted() -> bool:
            nonlocal last
            try:
                call.session.find("vpcs.delete", resource_id)
            except ApiError as error:
                if error.status not in {HTTPStatus.FORBIDDEN, HTTPStatus.CONFLICT}:
                    raise
                last = str(error)
                return False
            return True

        try:
            call.wait(f"VPC ({resource_id}) to be deleted", deleted, _DELETE_TIMEOUT_SECONDS)
        except WaitError as error:
            raise PluginError(f"{error} The last answer was: {last}") from error


def state_of(vpc: Props) -> Props:
    """Return what the API says of a VPC."""
    return {
        "name": vpc["name"],
        "region": vpc["region"],
        "description": vpc["description"],
        "ipRange": vpc["ip_range"],
        "vpcUrn": vpc["urn"],
        "default": vpc["default"],
        "createdAt": go_time(vpc["created_at"]),
    }


def go_time(moment: str) -> str:
    """Return a moment as Go prints it, which is what the official plugin keeps of a VPC."""
    return datetime.fromisoformat(moment).strftime("%Y-%m-%d %H:%M:%S +0000 UTC")
