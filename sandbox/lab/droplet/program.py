"""What the lab runs for a droplet: a program that boots it and keeps it, and the file it reads."""

from dataclasses import dataclass, replace
from pathlib import Path

from sandbox.lab.deployed import Deployed, DeployedDroplet
from sandbox.lab.droplet.roots import SUITES
from sandbox.lab.own_program import own_program
from sandbox.lab.program import Program


@dataclass(frozen=True)
class DropletConfig:
    """What the program of a droplet reads."""

    droplet: DeployedDroplet
    """The droplet. What changes of its `metadata` is followed; nothing else does."""
    host: str
    """Name of its host, which its files are named after."""
    resolver: str
    """Address of the name server that is asked for every name."""
    folder: Path
    """The lab's folder."""
    bare: bool = False
    """Whether cloud-init installs the proxy's packages at boot, instead of finding them."""

    @property
    def path(self) -> Path:
        """The file that it is in."""
        return self.folder / f"{self.host}-{self.droplet.id}.json"

    @property
    def journal(self) -> Path:
        """A copy of the droplet's journal, a line for each entry, access log included."""
        return self.folder / f"{self.host}.journal"

    @property
    def first_process(self) -> Path:
        """A file with the number of the droplet's first process, as the program sees it."""
        return self.folder / f"{self.host}.pid"

    @property
    def report(self) -> Path:
        """A file with what failed at the boot, a line each; missing where nothing did."""
        return self.folder / f"{self.host}.failed"

    @property
    def mount_point(self) -> Path:
        """An empty folder that the droplet's disk is mounted on, seen by the program alone."""
        return self.folder / f"{self.host}.disk"


def programs(
    droplet: DeployedDroplet, host: str, resolver: str, folder: Path, *, bare: bool = False
) -> list[Program]:
    """Return what a droplet's host runs: one program, which needs root and the host's network.

    It expects `eth0` to be up with the droplet's own addresses and default routes. The other end of
    `eth0` has to take packets for every destination without being asked for its link-layer address,
    as DigitalOcean's network does: the droplet's script replaces its IPv6 default route by one
    without a gateway.

    It ends with 2 where the droplet cannot be booted, and says why. A droplet of an image that the
    lab has no root for runs nothing; `unsupported` names it.

    Args:
        droplet: The droplet. One with another id is another machine.
        host: Name of its host.
        resolver: Address of the name server that is asked for every name: a resolver, or one that
            is authoritative for all of them.
        folder: The lab's folder; `<host>.journal` in it is a copy of the droplet's journal.
        bare: Whether cloud-init installs the proxy's packages at boot, instead of finding them.
    """
    if droplet.image not in SUITES:
        return []
    config = DropletConfig(droplet, host, resolver, folder, bare)
    program = own_program("droplet", host, "sandbox.lab.droplet", config.path, config)
    return [replace(program, report=config.report)]


def unsupported(deployed: Deployed) -> list[str]:
    """Return which droplets the lab cannot boot, one sentence each."""
    return [
        f"Droplet {each.name}: its image is {each.image or 'a snapshot'}, and the lab boots "
        f"{' and '.join(SUITES)}; it does not run."
        for each in deployed.droplets
        if each.image not in SUITES
    ]
