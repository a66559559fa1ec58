"""The guest: process 1 of the droplet's namespaces, from its first boot to its end.

It stands for the kernel, cloud-init and systemd of a droplet, and for DigitalOcean's metadata
service. Differences from a droplet:

- The metadata service is on the guest's own `lo`, where a droplet has a network that answers.
- No SSH server and none of Debian's own services run; only those of packages that user data names.
- unbound is told in one file more to ask the lab's name server for everything, and to give answers
  that are not signed, for the lab's root is not: `/etc/unbound/unbound.conf.d/zz-lab.conf`.
- Its processes have no capability that reaches beyond its files and network: `processes.py`.
- What systemd does is done by `systemd.py`, which says what it does not do.
"""

import asyncio
import json
import os
import shutil
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

from sandbox.clouds.digitalocean import metadata
from sandbox.lab.droplet import kernel, tree
from sandbox.lab.droplet.cloud_config import Command, Plan, WrittenFile
from sandbox.lab.droplet.faults import BootError
from sandbox.lab.droplet.journal import Journal
from sandbox.lab.droplet.processes import Processes
from sandbox.lab.droplet.program import Config
from sandbox.lab.droplet.systemd import Manager, load
from sandbox.lab.droplet.tree import Packages
from sandbox.lab.droplet.units import Timer

METADATA: Final = "169.254.169.254"
"""Where a droplet asks about itself. Source: DigitalOcean Metadata API Reference."""

READY: Final = b"r"
"""What the guest tells its keeper once its first boot is done."""

END: Final = b"null\n"
"""What the keeper tells the guest that is to end."""

_REFUSED: Final = 2
_FAILED: Final = 1
_METADATA_PORT: Final = 80
_REQUEST_SECONDS: Final = 10.0
_UNBOUND: Final = "unbound"


@dataclass(frozen=True)
class Boot:
    """All that a boot needs."""

    config: Config
    """What the program was told."""
    plan: Plan
    """What user data asks for."""
    packages: Packages
    """The packages it names."""


def be_the_guest(boot: Boot, keeper: socket.socket) -> int:
    """Boot, run until told to end, and return an exit code. To be called by process 1.

    Args:
        boot: What to boot.
        keeper: The one who made this process. It is told once the boot is done; from it come the
            droplet's metadata when they change, a JSON document a line, and at last `END`. When it
            is gone, so is the guest.
    """
    config = boot.config
    journal = Journal(config.journal)
    kernel.unshare(kernel.NEW_MOUNTS | kernel.NEW_NAMES | kernel.NEW_IPC)
    kernel.mount("", Path("/"), flags=kernel.PRIVATE | kernel.RECURSIVE)
    try:
        tree.build(config.mount_point, boot.packages, host=config.droplet.name)
        kernel.pivot_root(config.mount_point / "root")
    except OSError as error:
        print(
            f"The guest's files cannot be mounted ({error}); Linux has to let root do it.",
            file=sys.stderr,
        )
        return _FAILED
    socket.sethostname(config.droplet.name)
    try:
        return asyncio.run(_Guest(boot, journal, keeper).run())
    except BootError as error:
        print(error, file=sys.stderr)
        journal.say("lab", " ".join(str(error).split("\n")))
        return _REFUSED


class _Guest:
    def __init__(self, boot: Boot, journal: Journal, keeper: socket.socket) -> None:
        self._boot = boot
        self._journal = journal
        self._keeper = keeper
        self._metadata: Mapping[str, Any] = boot.config.droplet.metadata
        self._told_to_end = asyncio.Event()

    async def run(self) -> int:
        self._keeper.setblocking(False)
        heard = asyncio.create_task(self._hear())
        processes = Processes()
        self._journal.listen()
        manager = Manager(processes, self._journal, self._boot.config.speed)
        manager.listen()
        await self._network(manager)
        server = await asyncio.start_server(self._answer, METADATA, _METADATA_PORT)
        booting = asyncio.create_task(self._first_boot(manager))
        told = asyncio.create_task(self._told_to_end.wait())
        await asyncio.wait((booting, told), return_when=asyncio.FIRST_COMPLETED)
        if booting.done():
            booting.result()
            await told
        booting.cancel()
        await manager.stop_all()
        server.close()
        heard.cancel()
        return 0

    async def _hear(self) -> None:
        """Take what the keeper tells; end with it."""
        reader, _ = await asyncio.open_unix_connection(sock=self._keeper, limit=1 << 24)
        while line := await reader.readline():
            if line == END:
                self._told_to_end.set()
            else:
                self._metadata = json.loads(line)
        # Process 1's end is the end of all.
        os._exit(_FAILED)

    async def _network(self, manager: Manager) -> None:
        """Set the network up as at a boot: what an earlier guest set is gone."""
        droplet = self._boot.config.droplet
        commands = [
            "link set lo up",
            "-6 address flush dev lo scope global",
            f"address replace {METADATA}/32 dev lo",
        ]
        if droplet.ipv6_gateway:
            commands.append(f"-6 route replace default via {droplet.ipv6_gateway} dev eth0")
        for command in commands:
            await manager.run("network", ["/usr/sbin/ip", *command.split()])

    async def _first_boot(self, manager: Manager) -> None:
        """Do what cloud-init does at a first boot, in its order.

        Raises:
            BootError: A unit cannot be run as on a droplet.
        """
        plan = self._boot.plan
        for note in plan.notes:
            self._journal.say("lab", note)
        _write_files(plan, defer=False)
        if _UNBOUND in plan.packages:
            _write(_unbound_file(self._boot.config.resolver))
        _check_units(plan)
        well = True
        for service in self._boot.packages.services:
            # As Debian's package scripts do, which pass over a service that does not start.
            if load(service).wanted_by:
                await manager.start(service)
        _write_files(plan, defer=True)
        for command in plan.commands:
            if not await self._run(manager, command):
                self._journal.say("cloud-init", f"{' '.join(_words(command))} failed.")
                well = False
        # As a droplet is, whose cloud-init failed: it runs, and serves what it can.
        self._keeper.send(READY)
        self._journal.say("cloud-init", f"finished, {'all well' if well else 'with failures'}.")

    async def _run(self, manager: Manager, command: Command) -> bool:
        match command.verb:
            case "sysctl":
                # Settings that are not the network's own are this machine's, and stay.
                await manager.run("sysctl", ["/usr/sbin/sysctl", "--system"])
                return True
            case "daemon-reload":
                return True
            case "enable":
                return all(load(unit).wanted_by for unit in command.units)
            case "start":
                return all([await manager.start(unit) for unit in command.units])
            case "restart":
                # What stands in for the journal keeps nothing, so it has nothing to read again.
                units = [unit for unit in command.units if unit != "systemd-journald.service"]
                return all([await manager.restart(unit) for unit in units])

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request to the metadata service."""
        try:
            async with asyncio.timeout(_REQUEST_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
                status, body = answer(self._metadata, head.split(b"\r\n")[0].decode("latin-1"))
                writer.write(
                    f"HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\n"
                    f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
                    + body
                )
                await writer.drain()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()


def answer(document: Mapping[str, Any], request: str) -> tuple[str, bytes]:
    """Return status and body of the metadata service's answer to the first line of a request."""
    method, _, rest = request.partition(" ")
    path = rest.partition(" ")[0].partition("?")[0]
    if method != "GET":
        return "405 Method Not Allowed", b"method not allowed"
    if path == "/metadata/v1.json":
        return "200 OK", json.dumps(document).encode()
    if path == "/metadata/v1":
        path = "/metadata/v1/"
    if path.startswith("/metadata/v1/"):
        leaves = metadata.texts(dict(document))
        found = metadata.text(leaves, path.removeprefix("/metadata/v1/"))
        if found is not None:
            return "200 OK", found.encode()
    return "404 Not Found", b"not found"


def _check_units(plan: Plan) -> None:
    """Refuse all that cannot be run before anything of it is.

    Raises:
        BootError: A unit cannot be run as on a droplet.
    """
    faults: list[str] = []
    for name in dict.fromkeys(unit for command in plan.commands for unit in command.units):
        try:
            unit = load(name).value
            if isinstance(unit, Timer) and unit.after_start:
                load(unit.unit)
        except BootError as error:
            faults += error.faults
    if faults:
        raise BootError("The units cannot be run", faults)


def _words(command: Command) -> tuple[str, ...]:
    return (command.verb, *command.units)


def _write_files(plan: Plan, *, defer: bool) -> None:
    for file in plan.files:
        if file.defer == defer:
            _write(file)


def _write(file: WrittenFile) -> None:
    path = Path(file.path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab" if file.append else "wb") as opened:
        opened.write(file.content)
    path.chmod(file.permissions)
    user, _, group = file.owner.partition(":")
    shutil.chown(path, user, group or None)


def _unbound_file(resolver: str) -> WrittenFile:
    text = f"""\
# The lab's: this server knows everything, and nothing of it is signed.
server:
    val-permissive-mode: yes
    trust-anchor-signaling: no
forward-zone:
    name: "."
    forward-addr: {ip_address(resolver)}
"""
    return WrittenFile("/etc/unbound/unbound.conf.d/zz-lab.conf", text.encode())
