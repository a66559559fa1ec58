"""SSH keys of the account.

Source: digitalocean/terraform-provider-digitalocean, `digitalocean/sshkey/resource_ssh_key.go`.
"""

from collections.abc import Iterator

from sandbox.plugins.digitalocean.session import DigitalOceanSession, DigitalOceanTask
from sandbox.plugins.resource import Failure, Shape, StandIn
from sandbox.plugins.values import Props


class SshKeyStandIn(StandIn[DigitalOceanSession]):
    """A public key: `digitalocean:index/sshKey:SshKey`.

    `name` changes in place, `publicKey` needs a new one. An account has a key only once.
    """

    type_name = "digitalocean:index/sshKey:SshKey"
    auto_named = True
    shape = Shape(replaces=frozenset({"publicKey"}), same={"publicKey": str.strip})

    def validate(self, inputs: Props) -> Iterator[Failure]:
        """Yield what the official plugin's schema refuses."""
        for name in ("name", "publicKey"):
            if inputs.get(name) == "":
                yield Failure(name, f"{name} is empty; text is needed. Set it.")

    def create(self, call: DigitalOceanTask, inputs: Props) -> str:
        """Add the key to the account."""
        body = {"name": inputs["name"], "public_key": inputs["publicKey"]}
        return str(call.session.ask("ssh_keys.create", body)["ssh_key"]["id"])

    def read(
        self, call: DigitalOceanTask, resource_id: str, prior: Props
    ) -> tuple[str, Props] | None:
        """Return the key."""
        del prior
        body = call.session.find("ssh_keys.get", resource_id)
        if body is None:
            return None
        key = body["ssh_key"]
        return str(key["id"]), {
            "name": key["name"],
            "publicKey": key["public_key"],
            "fingerprint": key["fingerprint"],
        }

    def update(self, call: DigitalOceanTask, resource_id: str, state: Props, inputs: Props) -> None:
        """Rename the key."""
        del state
        call.session.ask("ssh_keys.update", resource_id, {"name": inputs["name"]})

    def delete(self, call: DigitalOceanTask, resource_id: str, state: Props) -> None:
        """Remove the key from the account; Droplets that have it keep it."""
        del state
        call.session.find("ssh_keys.delete", resource_id)
