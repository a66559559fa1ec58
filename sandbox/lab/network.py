"""The lab's network: hosts that are network namespaces, and a router that they all hang on.

Every host has one link, `eth0`, to the router `internet`; nothing is shared, so every packet
between two hosts is routed, filtered and counted in one place. A bridge would be simpler and would
lie: on one Ethernet, hosts reach each other without the router, so neither a cloud's firewall nor a
reserved address that is routed to a Droplet would be what it is.

Nobody asks for link-layer addresses either: both ends of a link have the same one, and ARP is off.
A cloud's network takes packets for every destination from a machine, whether or not that has a
gateway in its routes; a router of Linux answers for those only that it was told of one by one.

Hosts are values. `Network.apply` makes those that should be of those that are, by commands that two
pure functions render.
"""

import asyncio
import contextlib
import hashlib
import os
import re
import shlex
import signal
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_interface, ip_network
from pathlib import Path
from typing import Final

from sandbox.debian import find_program

ROUTER: Final = "internet"
"""The router that every host hangs on."""

GATEWAYS: Final = ("169.254.0.1", "fe80::1")
"""The router's addresses on every link. Source: RFC 3927 and RFC 4291, link-local addresses."""

ROUTER_ADDRESSES: Final = ("198.18.254.1/32", "2001:db8:fe::1/128")
"""The addresses from which the router tells of faults: packet too big, no route."""

MAC: Final = "02:00:00:00:00:01"
"""The link-layer address of both ends of every link; a locally administered one."""

IPV6: Final = 6

STANDARD_MTU: Final = 1500
"""Bytes of a packet on Ethernet. Source: RFC 894."""

LEAST_MTU, LARGEST_MTU = 1280, 9000
"""Below the least, a link carries no IPv6 at all. Source: RFC 8200, section 5."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,199}")
"""Names of folders and files begin with it; 255 bytes is the most that those may have."""


def literal(address: str) -> str:
    """Return a literal address or network as it is.

    Python takes anything at all for an IPv6 address's zone, line ends and semicolons included; and
    none of the lab's addresses has one.

    Raises:
        ValueError: It has a zone.
    """
    if "%" in address:
        raise ValueError(f"The address {address!r} has a zone; no address here has one. Drop it.")
    return address


@dataclass(frozen=True)
class Host:
    """One host, as it should be."""

    name: str
    """Its name in the lab."""
    role: str
    """What it stands for, in a few words."""
    addresses: tuple[str, ...]
    """Its addresses on `eth0`, each with the length of its prefix. Without one of a family it does
    not speak that family."""
    gateways: tuple[str, ...] = GATEWAYS
    """Addresses of its default routes, at most one of each family."""
    resolvers: tuple[str, ...] = ()
    """Name servers of its `/etc/resolv.conf`."""
    routed: tuple[str, ...] = ()
    """Further networks that the router sends to it; its own addresses come by themselves."""
    prepare: tuple[tuple[str, ...], ...] = ()
    """Commands that it needs once, when it was made."""
    forwards: bool = False
    """Whether it forwards packets, as a router does."""
    mtu: int = STANDARD_MTU
    """The largest packet of its link, in bytes, in both directions."""

    def __post_init__(self) -> None:
        """Refuse what would be more than a name or an address where it is written.

        Raises:
            ValueError: It is.
        """
        if not _NAME.fullmatch(self.name):
            raise ValueError(
                f"The name of a host is {self.name!r}; it has letters, digits, dots and hyphens. "
                "Give it another."
            )
        for text in (*self.addresses, *self.gateways, *self.resolvers, *self.routed):
            ip_interface(literal(text))

    @property
    def families(self) -> frozenset[int]:
        """The versions of IP that it speaks."""
        return frozenset(ip_interface(address).version for address in self.addresses)

    def address(self, version: int) -> str:
        """Return its first address of a version of IP; empty where it has none."""
        own = (ip_interface(address) for address in self.addresses)
        return next((str(one.ip) for one in own if one.version == version), "")


ROUTER_HOST: Final = Host(ROUTER, "router between all hosts", ROUTER_ADDRESSES)
"""The router, as the others are told of it; it has an end of every link."""


class NetworkError(RuntimeError):
    """A command that changes the network failed; the message tells which and what it said."""


def interface(host: str) -> str:
    """Return the router's interface to a host: a name that follows from the host's, in 15 bytes."""
    return f"lab{hashlib.sha256(host.encode()).hexdigest()[:12]}"


def host_script(before: Host | None, after: Host) -> str:
    """Return the shell script that makes one host of another, run inside it; empty: nothing to do.

    Args:
        before: What it is; None where it was just made.
        after: What it should be.
    """
    lines: list[str] = []
    if before is None or before.families != after.families:
        off = int(IPV6 not in after.families)
        lines += [f"echo {off} > /proc/sys/net/ipv6/conf/{where}/disable_ipv6" for where in _ALL]
    if before is None or before.forwards != after.forwards:
        lines += [
            f"echo {int(after.forwards)} > /proc/sys/net/{where}"
            for where in ("ipv4/ip_forward", "ipv6/conf/all/forwarding")
        ]
    # An MTU below IPv6's least would take the addresses away; settings do not allow one.
    batch = [] if before and before.mtu == after.mtu else [f"link set eth0 mtu {after.mtu}"]
    batch += [] if before else ["link set eth0 up"]
    old = _host_lines(before) if before and before.families == after.families else {}
    new = _host_lines(after)
    gone = [key for key in old if key not in new]
    batch += [old[key].replace("replace", "del", 1) for key in reversed(gone)]
    batch += [line for key, line in new.items() if old.get(key) != line]
    if batch:
        lines += [f"ip -batch - <<'END'\n{_joined(batch)}END"]
    lines += [] if before else map(shlex.join, after.prepare)
    return _joined(lines)


_ALL: Final = ("all", "default", "eth0", "lo")


def _host_lines(host: Host) -> dict[str, str]:
    """Return what a host has, each by what it is: addresses first, then what needs them."""
    lines: dict[str, str] = {}
    for address in host.addresses:
        if ip_interface(address).version == IPV6:
            lines[address] = f"addr replace {address} dev eth0 nodad noprefixroute"
        else:
            lines[address] = f"addr replace {address} dev eth0 noprefixroute"
    for gateway in host.gateways:
        version = ip_address(gateway).version
        if version not in host.families:
            continue
        anywhere = "::/0" if version == IPV6 else "0.0.0.0/0"
        whole = ip_network(gateway).with_prefixlen
        if not ip_address(gateway).is_link_local or version != IPV6:
            lines[f"route {whole}"] = f"route replace {whole} dev eth0"
        lines[f"route {anywhere}"] = f"route replace {anywhere} via {gateway} dev eth0"
    return lines


def router_lines(before: Mapping[str, Host], after: Mapping[str, Host]) -> list[str]:
    """Return the commands of `ip` that make the router serve other hosts, in order.

    Links of new hosts exist already; those of hosts that are gone are gone with all their routes.

    Args:
        before: Hosts that there were, by name.
        after: Hosts that there are.
    """
    lines: list[str] = []
    for name, host in after.items():
        old, link = before.get(name), interface(name)
        if old is None:
            lines += [f"link set {link} up"]
        if old is None or old.mtu != host.mtu:
            lines += [f"link set {link} mtu {host.mtu}"]
        have = list(_gateway_addresses(old)) if old else []
        want = list(_gateway_addresses(host))
        lines += [f"addr del {address} dev {link}" for address in have if address not in want]
        lines += [
            f"addr replace {address} dev {link} {'nodad' if ':' in address else 'scope host'}"
            for address in want
            if address not in have
        ]
    old_routes, routes = _routes(before), _routes(after)
    lines += [
        f"route replace {network} dev {interface(name)}"
        for network, name in routes.items()
        if name not in before or old_routes.get(network) != name
    ]
    lines += [
        f"route del {network} dev {interface(name)}"
        for network, name in old_routes.items()
        if network not in routes and name in after
    ]
    return lines


def _gateway_addresses(host: Host) -> Iterator[str]:
    """Return the router's addresses on the link of a host."""
    for gateway in (*GATEWAYS, *host.gateways):
        address = ip_address(gateway)
        if address.version in host.families:
            length = 64 if gateway == GATEWAYS[1] else address.max_prefixlen
            yield f"{gateway}/{length}"


def _routes(hosts: Mapping[str, Host]) -> dict[str, str]:
    """Return which host the router sends each network to."""
    return {
        network.with_prefixlen: host.name
        for host in hosts.values()
        for network in (
            *(ip_network(ip_interface(address).ip) for address in host.addresses),
            *map(ip_network, host.routed),
        )
        if network.version in host.families
    }


def _joined(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


_FORWARDING: Final = ("ipv4/ip_forward", "ipv6/conf/all/forwarding", "ipv6/conf/default/forwarding")

_HOLDER: Final = """\
set -eu
mount -t sysfs sysfs /sys
for file in resolv.conf hosts nsswitch.conf; do
  mount --bind "$1/$file" "$(readlink -f /etc/$file)"
done
for where in all default lo; do
  echo 0 > /proc/sys/net/ipv4/conf/$where/rp_filter
  echo 0 > /proc/sys/net/ipv6/conf/$where/accept_dad
  echo 0 > /proc/sys/net/ipv6/conf/$where/accept_ra
  echo 0 > /proc/sys/net/ipv6/conf/$where/autoconf
done
echo 1 > /proc/sys/net/ipv6/conf/default/addr_gen_mode
echo 0 > /proc/sys/net/ipv4/icmp_ratelimit
echo 0 > /proc/sys/net/ipv6/icmp/ratelimit
ip link set lo up
echo
exec sleep infinity
"""
"""What makes a host: `/sys`, the files that name resolution reads, no waiting for duplicate
addresses, no addresses of its own making, and faults told as often as there are any."""

_FILES: Final = {
    "hosts": "127.0.0.1 localhost\n::1 localhost\n",
    # No resolver but the lab's: not systemd's, which lives outside of it.
    "nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n"
    "networks: files\nprotocols: files\nservices: files\n",
}
"""The files in `/etc` that are the same on every host."""


class Network:
    """The hosts that there are, in namespaces of the calling process's own."""

    def __init__(self, folder: Path) -> None:
        """Have no hosts yet.

        Args:
            folder: Gets a folder for each host, with its files of `/etc`.
        """
        self.hosts: dict[str, Host] = {}
        """Hosts as they are, by name; without the router."""
        self._folder = folder
        self._holders: dict[str, asyncio.subprocess.Process] = {}
        self._firewall = ""

    @property
    def pids(self) -> dict[str, int]:
        """The process that holds each host's namespaces, the router's too."""
        return {name: holder.pid for name, holder in self._holders.items()}

    def inside(self, name: str, *command: str) -> tuple[str, ...]:
        """Return the command that runs another one on a host."""
        target = str(self._holders[name].pid)
        return (
            str(find_program("nsenter")),
            "--target",
            target,
            "--net",
            "--mount",
            "--",
            *command,
        )

    async def apply(self, hosts: Sequence[Host], firewall: str) -> None:
        """Make these hosts of those that there are.

        Args:
            hosts: All that there should be.
            firewall: What the router filters, as `nft` reads it; it replaces all that it did.

        Raises:
            NetworkError: A command failed; what was done before it stays done, and the next call
                begins with what it left.
        """
        wanted = {host.name: host for host in hosts}
        if ROUTER not in self._holders:
            await self._make_router()
        for name in [name for name in self.hosts if name not in wanted]:
            await self._remove(name)
        if firewall != self._firewall:
            await _run(self.inside(ROUTER, str(find_program("nft")), "-f", "-"), firewall)
            self._firewall = firewall
        try:
            await self._change(wanted)
        except NetworkError:
            # Nobody knows how far it came: what was to change is made anew with the next call.
            for name, host in wanted.items():
                if self.hosts.get(name) != host and name in self._holders:
                    await self._remove(name)
            raise
        self.hosts = wanted

    async def _change(self, wanted: Mapping[str, Host]) -> None:
        fresh = [host for name, host in wanted.items() if name not in self.hosts]
        await asyncio.gather(*(self._make(host) for host in fresh))
        await self._batch(
            [
                f"link add {interface(host.name)} address {MAC} arp off type veth "
                f"peer name eth0 address {MAC} arp off netns {self._holders[host.name].pid}"
                for host in fresh
            ]
        )
        await asyncio.gather(*(self._configure(host) for host in wanted.values()))
        await self._batch(router_lines(self.hosts, wanted))

    async def close(self) -> None:
        """End everything on every host."""
        for name in list(self._holders):
            await self._remove(name)

    async def _make_router(self) -> None:
        await self._make(ROUTER_HOST)
        script = [
            *(f"echo 1 > /proc/sys/net/{where}" for where in _FORWARDING),
            *(f"ip addr add {address} dev lo" for address in ROUTER_ADDRESSES),
        ]
        await _run(self.inside(ROUTER, "/bin/sh", "-eu"), _joined(script))

    async def _make(self, host: Host) -> None:
        """Start what holds a host's namespaces."""
        if host.name in self._holders:
            return
        etc = self._folder / host.name / "etc"
        etc.mkdir(parents=True, exist_ok=True)
        self._write_resolvers(host)
        for name, text in _FILES.items():
            (etc / name).write_text(text)
        holder = await asyncio.create_subprocess_exec(
            *(
                str(find_program("unshare")),
                "--net",
                "--mount",
                "/bin/sh",
                "-c",
                _HOLDER,
                "sh",
                etc,
            ),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        assert holder.stdout is not None  # noqa: S101 - it was asked for
        assert holder.stderr is not None  # noqa: S101
        if not await holder.stdout.readline():
            said = (await holder.stderr.read()).decode(errors="replace").strip()
            raise NetworkError(f"Host {host.name} cannot be made: {said}.")
        self._holders[host.name] = holder

    def _write_resolvers(self, host: Host) -> None:
        # In place: a bind mount stays with the file that it was made of.
        lines = [f"nameserver {address}" for address in host.resolvers]
        (self._folder / host.name / "etc" / "resolv.conf").write_text(
            _joined([*lines, "options timeout:2 attempts:3"])
        )

    async def _configure(self, host: Host) -> None:
        before = self.hosts.get(host.name)
        if before and before.resolvers != host.resolvers:
            self._write_resolvers(host)
        if script := host_script(before, host):
            await _run(self.inside(host.name, "/bin/sh", "-eu"), script)

    async def _batch(self, lines: Sequence[str]) -> None:
        if lines:
            await _run(self.inside(ROUTER, str(find_program("ip")), "-batch", "-"), _joined(lines))

    async def _remove(self, name: str) -> None:
        holder = self._holders.pop(name)
        for pid in sharing_network(holder.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await holder.wait()
        if self.hosts.pop(name, None) and ROUTER in self._holders:
            # The namespace takes the link with it when the kernel comes to it; not always at once.
            with contextlib.suppress(NetworkError):
                await self._batch([f"link del {interface(name)}"])


def sharing_network(pid: int) -> list[int]:
    """Return every process in the network namespace of a process, itself included."""
    try:
        namespace = Path(f"/proc/{pid}/ns/net").readlink()
    except OSError:
        return []
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                if (entry / "ns/net").readlink() == namespace:
                    found.append(int(entry.name))
    return found


async def _run(command: Sequence[str], script: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate(script.encode())
    if process.returncode != 0:
        raise NetworkError(
            f"{shlex.join(command)} ended with {process.returncode} and said: "
            f"{said.decode(errors='replace').strip()}\nIt was given:\n{script}"
        )
