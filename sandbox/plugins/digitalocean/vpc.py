"""VPCs.

Source: digitalocean/terraform-provider-digitalocean, `digitalocean/vpc/resource_vpc.go`.
"""

from datetime import datetime
from http import HTTPStatus
from threading import Lock

from sandbox.plugins.digitalocean.digitalocean_session import (
    ApiError,
    DigitalOceanSession,
    DigitalOceanTask,
)
from sandbox.plugins.resource import PluginError, Present, Shape, StandIn, WaitError
from sandbox.plugins.values import Props

_DELETE_TIMEOUT_SECONDS = 2 * 60


class VpcStandIn(StandIn[DigitalOceanSession]):
    """A private network of one region: `digitalocean:index/vpc:Vpc`.

    DigitalOcean refuses to delete a VPC that still has members, as it has for a while after they
    were destroyed, so deletion is tried again for two minutes (`customTimeouts`). VPCs are created
    one at a time, because ranges that are chosen at the same moment overlap.

    Where it differs: another `name` needs a new one, too; `description` and `ipRange` are refused.
    """

    type_name = "digitalocean:index/vpc:Vpc"
    auto_named = True
    shape = Shape(
        computed=frozenset({"ipRange"}),
        replaces=frozenset({"name", "region"}),
        filled=frozenset({"name", "region"}),
        refused=frozenset({"description", "ipRange"}),
    )

    def __init__(self) -> None:
        """Have nothing being created."""
        self._creating = Lock()

    def create(self, call: DigitalOceanTask, inputs: Props) -> str:
        """Create the VPC."""
        body = {"name": inputs["name"], "region": inputs["region"]}
        with self._creating:
            return str(call.session.ask("vpcs.create", body)["vpc"]["id"])

    def read(self, call: DigitalOceanTask, resource_id: str, _prior: Props) -> Present:
        """Return the VPC."""
        body = call.session.find("vpcs.get", resource_id)
        if body is None:
            return None
        vpc = body["vpc"]
        # The official plugin keeps the moment as Go prints it.
        created = datetime.fromisoformat(vpc["created_at"]).strftime("%Y-%m-%d %H:%M:%S +0000 UTC")
        return vpc["id"], {
            "name": vpc["name"],
            "region": vpc["region"],
            "ipRange": vpc["ip_range"],
            "vpcUrn": vpc["urn"],
            "default": vpc["default"],
            "createdAt": created,
        }

    def delete(self, call: DigitalOceanTask, resource_id: str, _state: Props) -> None:
        """Delete the VPC as soon as nothing is in it.

        Raises:
            PluginError: something still is; the message ends with what DigitalOcean said.
        """
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
