"""A network of the test's own: a droplet, and the Internet on the other end of its wire.

Two network namespaces that end with the test, also when it is killed. The Internet takes packets
without being asked for its link-layer address, as DigitalOcean's network does: both ends of the
wire have the same one.
"""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import psutil

from sandbox.debian import find_program
from sandbox.lab.deployed import DeployedDroplet
from sandbox.lab.droplet.program import DropletConfig, programs
from sandbox.lab.own_program import written
from support.namespaces import network_of
from support.upstream import LoadBalancerAddress, NameServer
from support.waiting import PATIENCE_SECONDS, wait_until

BOOT_SECONDS: Final = 120.0
"""How long a boot may take. An idle machine needs 5 seconds; one with ten busy loops, 40."""

IMAGES: Final = ("debian-12-x64", "debian-13-x64")
IPV4: Final = "198.51.100.2"
IPV6: Final = "2001:db8:d0:1::2"
GATEWAY: Final = "2001:db8:d0:1::1"
RESERVED: Final = "2001:db8:d1:1::5"
OTHER_RESERVED: Final = "2001:db8:d1:1::6"
CLIENT: Final = "2001:db8:c:1::1"
NAMES: Final = "198.18.3.1"
FIRST: Final = "198.18.0.1"
SECOND: Final = "198.18.0.2"
LOAD_BALANCER: Final = "api-1234567890.us-east-1.elb.amazonaws.com"
_MAC: Final = "02:00:00:00:00:01"


def metadata(reserved: str = "") -> dict[str, Any]:
    """Return what the metadata service tells."""
    ipv6: dict[str, Any] = {"active": bool(reserved)}
    if reserved:
        ipv6["ip_address"] = reserved
    return {
        "droplet_id": 7,
        "hostname": "proxy-0",
        "user_data": "",
        "public_keys": ["ssh-ed25519 AAAA"],
        "region": "fra1",
        "tags": [],
        "interfaces": {},
        "reserved_ip": {"ipv4": {"active": False}, "ipv6": ipv6},
        "features": {"dhcp_enabled": False},
    }


def droplet(user_data: str, reserved: str = "", image: str = IMAGES[0]) -> DeployedDroplet:
    """Return a droplet with this user data."""
    return DeployedDroplet(
        id=7,
        name="proxy-0",
        image=image,
        ipv4=IPV4,
        ipv6=IPV6,
        ipv6_gateway=GATEWAY,
        ipv6_prefix_length=64,
        reserved_ipv6=reserved,
        user_data=user_data,
        metadata=metadata(reserved),
        firewalls=(),
    )


class Network:
    """A network namespace that ends with this process."""

    def __init__(self) -> None:
        self._holder = subprocess.Popen(
            [
                *(find_program("setpriv"), "--pdeathsig", "KILL"),
                *(find_program("unshare"), "--net", find_program("sleep"), "infinity"),
            ]
        )
        self.pid = self._holder.pid
        ours = Path("/proc/self/ns/net").stat().st_ino
        wait_until(lambda: self._namespace().stat().st_ino != ours)

    def _namespace(self) -> Path:
        return Path(f"/proc/{self.pid}/ns/net")

    def close(self) -> None:
        self._holder.kill()
        self._holder.wait()

    def command(self, *words: Any) -> list[str]:
        """Return a command that runs another one in this network."""
        return [str(find_program("nsenter")), f"--net={self._namespace()}", *map(str, words)]

    def ip(self, arguments: str) -> Any:
        """Run `ip`."""
        words = self.command(find_program("ip"), "-json", *arguments.split())
        done = subprocess.run(words, check=True, capture_output=True, text=True)
        return json.loads(done.stdout or "[]")

    def setting(self, path: str) -> str:
        """Return a setting of the kernel for this network, by its path below `/proc/sys`."""
        words = self.command(find_program("cat"), f"/proc/sys/{path}")
        return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()

    def addresses(self, device: str) -> list[str]:
        """Return the global IPv6 addresses of a device."""
        shown = self.ip(f"-6 address show dev {device} scope global")
        return [each["local"] for entry in shown for each in entry.get("addr_info", ()) if each]

    def inside(self) -> AbstractContextManager[None]:
        """Make sockets of this thread in this network."""
        return network_of(self.pid)


@dataclass
class Site:
    """The droplet's network, the Internet, and what is in it."""

    wire: Network
    internet: Network
    names: NameServer
    folder: Path
    clients: ExitStack = field(default_factory=ExitStack)

    def connect(self, address: str = RESERVED, port: int = 443) -> socket.socket:
        """Connect from the Internet over IPv6."""
        with self.internet.inside():
            client = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
        self.clients.enter_context(client)
        client.settimeout(PATIENCE_SECONDS)
        client.connect((address, port))
        return client

    def reached(self) -> str:
        """Return which address of the load balancer a new client reaches, nothing if none."""
        with suppress(OSError), self.connect() as client:
            client.settimeout(3)
            return client.recv(64).decode()
        return ""

    @contextmanager
    def booted(
        self,
        user_data: str,
        reserved: str = "",
        *,
        image: str = IMAGES[0],
        bare: bool = False,
        until_ready: bool = True,
    ) -> Generator["Guest"]:
        """Boot a droplet; it ends with the block.

        Args:
            user_data: Its user data.
            reserved: The reserved address that is assigned to it, none if empty.
            image: The image that it boots.
            bare: Whether cloud-init installs the proxy's packages.
            until_ready: Whether to wait for its first boot.
        """
        booted = droplet(user_data, reserved, image)
        config = DropletConfig(booted, "droplet-proxy-0", NAMES, self.folder, bare)
        (program,) = programs(config.droplet, config.host, NAMES, self.folder, bare=bare)
        for path, text in program.files.items():
            path.write_text(text)
        command = [find_program("setpriv"), "--pdeathsig", "KILL"]
        with (
            (self.folder / "errors").open("wb") as errors,
            (self.folder / "console").open("wb") as console,
            subprocess.Popen(
                [*command, *self.wire.command(*program.command)],
                stdout=console,
                stderr=errors,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            ) as process,
        ):
            guest = Guest(process, config, program.ready)
            try:
                if until_ready:
                    ended = process.poll
                    wait_until(lambda: guest.is_ready() or ended() is not None, BOOT_SECONDS)
                yield guest
            finally:
                process.kill()


@dataclass
class Guest:
    """A droplet that runs."""

    process: "subprocess.Popen[bytes]"
    config: DropletConfig
    ready: Sequence[str]

    def is_ready(self) -> bool:
        return subprocess.run(self.ready, check=False).returncode == 0

    def journal(self) -> str:
        with suppress(FileNotFoundError):
            return self.config.journal.read_text()
        return ""

    def errors(self) -> str:
        return (self.config.folder / "errors").read_text()

    @property
    def first_process(self) -> int:
        """The droplet's first process, as this machine numbers it."""
        return int(self.config.first_process.read_text())

    @property
    def root(self) -> Path:
        """The droplet's files."""
        return Path(f"/proc/{self.first_process}/root")

    def run(self, *words: str, check: bool = True) -> str:
        """Run a command in the droplet and return what it printed."""
        command = [find_program("nsenter"), f"--target={self.first_process}", "--all", *words]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        assert done.returncode == 0 or not check, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout

    def show(self, unit: str, name: str) -> str:
        """Return a property of a unit, as systemd has it."""
        return self.run("systemctl", "show", "--value", f"--property={name}", unit).strip()

    def tell(self, reserved: str) -> None:
        """Assign a reserved address to the droplet, or none."""
        changed = replace(
            self.config, droplet=replace(self.config.droplet, metadata=metadata(reserved))
        )
        path = self.config.folder / f"{self.config.host}-{self.config.droplet.id}.json"
        path.write_text(written(changed))
        self.process.send_signal(signal.SIGHUP)

    def processes(self, name: str = "") -> list[int]:
        """Return the guest's processes of this name, all of them without one."""
        return [pid for pid in _below(self.process.pid) if not name or _name(pid) == name]

    def master(self, name: str) -> int:
        """Return the guest's process of this name that the others of it came from."""
        pids = self.processes(name)
        (master,) = (pid for pid in pids if psutil.Process(pid).ppid() not in pids)
        return master


def _name(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return ""


def _below(pid: int) -> list[int]:
    with suppress(OSError):
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [each for child in children for each in (int(child), *_below(int(child)))]
    return []


@contextmanager
def laid_out(folder: Path, load_balancer: str = LOAD_BALANCER) -> Generator[Site]:
    """Lay the networks out; they end with the block.

    Args:
        folder: The lab's folder.
        load_balancer: The load balancer's name.
    """
    with ExitStack() as stack:
        internet, wire = Network(), Network()
        stack.callback(internet.close)
        stack.callback(wire.close)
        wire.ip(f"link add eth0 address {_MAC} type veth peer name eth0 netns {internet.pid}")
        for network in (wire, internet):
            network.ip("link set lo up")
            network.ip(f"link set eth0 address {_MAC} arp off up")
        for address in (f"{GATEWAY}/64 dev eth0", f"{CLIENT}/128 dev lo"):
            internet.ip(f"-6 address add {address} nodad")
        for address in (
            "198.51.100.1/24 dev eth0",
            *(f"{at_lo}/32 dev lo" for at_lo in (NAMES, FIRST, SECOND)),
        ):
            internet.ip(f"address add {address}")
        for address in (RESERVED, OTHER_RESERVED):
            internet.ip(f"-6 route add {address}/128 dev eth0 src {CLIENT}")
        wire.ip(f"-6 address add {IPV6}/64 dev eth0 nodad")
        wire.ip(f"-6 route add default via {GATEWAY} dev eth0")
        wire.ip(f"address add {IPV4}/24 dev eth0")
        wire.ip("route add default via 198.51.100.1 dev eth0")
        with internet.inside():
            names = NameServer(NAMES, load_balancer, [FIRST], 53)
            stack.callback(names.close)
            for address in (FIRST, SECOND):
                stack.callback(LoadBalancerAddress(address).close)
        site = Site(wire, internet, names, folder)
        stack.enter_context(site.clients)
        yield site
