"""What the lab runs for a droplet: a program that boots it and keeps it, and the file it reads."""

import json
import shlex
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from sandbox.debian import find_program
from sandbox.lab.deployed import DeployedDroplet
from sandbox.lab.program import Program, module

SPEED: Final = 10.0
"""How many times faster timers tick than on a droplet: the reserved address is asked for every
second instead of every ten, for nobody who waits for a lab learns from the difference."""


@dataclass(frozen=True)
class Config:
    """All that the program is told."""

    droplet: DeployedDroplet
    """The droplet. What changes of its `metadata` is followed when SIGHUP comes."""
    host: str
    """Name of its host, which its files are named after."""
    resolver: str
    """Address of the name server that is asked for every name."""
    folder: Path
    """The lab's folder."""
    speed: float = SPEED
    """How many times faster timers tick."""

    @property
    def journal(self) -> Path:
        """Where what the guest logs is written, one line each, access log included."""
        return self.folder / f"{self.host}.journal"

    @property
    def ready(self) -> Path:
        """A file with the program's process id, once the guest's first boot is done."""
        return self.folder / f"{self.host}.ready"

    @property
    def mount_point(self) -> Path:
        """An empty folder that the guest's tree is mounted on, seen by the guest alone."""
        return self.folder / f"{self.host}.root"

    def to_json(self) -> str:
        """Return it as the text of a file."""
        return json.dumps({**asdict(self), "folder": str(self.folder)}, indent=1)

    @classmethod
    def from_json(cls, text: str) -> "Config":
        """Read what `to_json` wrote."""
        fields: dict[str, Any] = json.loads(text)
        droplet: dict[str, Any] = fields.pop("droplet")
        droplet["firewalls"] = tuple(droplet["firewalls"])
        folder = Path(fields.pop("folder"))
        return cls(droplet=DeployedDroplet(**droplet), folder=folder, **fields)


def programs(
    droplet: DeployedDroplet, host: str, resolver: str, folder: Path, *, speed: float = SPEED
) -> list[Program]:
    """Return what a droplet's host runs: one program, which needs root and the host's network.

    It expects `eth0` to be up with the droplet's own addresses and default routes. Whoever is on
    the other end of `eth0` has to take packets for every destination without being asked for its
    link-layer address, as DigitalOcean's network does: the droplet's script replaces its IPv6
    default route by one without a gateway.

    It ends with 2 where the user data cannot be booted, and says why.

    Args:
        droplet: The droplet. One with another id is another guest.
        host: Name of its host.
        resolver: Address of the name server that is asked for every name: a resolver, or one that
            is authoritative for all of them.
        folder: The lab's folder; `<host>.journal` in it is all that the guest logs.
        speed: How many times faster timers tick than on a droplet.
    """
    config = Config(droplet, host, resolver, folder, speed)
    path = folder / f"{host}-{droplet.id}.json"
    alive = f'kill -0 "$(cat {shlex.quote(str(config.ready))})"'
    return [
        Program(
            name="droplet",
            host=host,
            command=module("sandbox.lab.droplet", path),
            files={path: config.to_json()},
            ready=(str(find_program("sh")), "-c", f"{{ {alive}; }} 2>/dev/null"),
        )
    ]
