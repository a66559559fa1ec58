"""The lab's network: hosts that are network namespaces, and a router that they all hang on.

Every host has one link, `eth0`, to the router `internet`; nothing is shared, so every packet
between two hosts is routed, filtered and counted in one place. A bridge would be simpler and would
lie: on one Ethernet, hosts reach each other without the router, so neither a cloud's firewall nor a
reserved address that is routed to a Droplet would be what it is.

Hosts are values (`sandbox.lab.lab_host`). `Network.apply` makes the given ones of those that are
there.
"""

import asyncio
import contextlib
import os
import shlex
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from sandbox.debian import find_program
from sandbox.lab.lab_host import (
    MAC,
    ROUTER,
    ROUTER_ADDRESSES,
    ROUTER_HOST,
    LabHost,
    host_script,
    interface,
    joined,
    router_lines,
)

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
addresses, no addresses of its own making, and every fault reported."""

_FILES: Final = {
    "hosts": "127.0.0.1 localhost\n::1 localhost\n",
    # No resolver but the lab's: not systemd's, which lives outside of it.
    "nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n"
    "networks: files\nprotocols: files\nservices: files\n",
}
"""The files in `/etc` that are the same on every host."""


class NetworkError(RuntimeError):
    """A command that changes the network failed; the message says which, and what it printed."""


class LabNetwork:
    """The hosts that there are, in namespaces of the calling process's own."""

    def __init__(self, folder: Path) -> None:
        """Have no hosts yet.

        Args:
            folder: Gets a folder for each host, with its files of `/etc`.
        """
        self.hosts: dict[str, LabHost] = {}
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

    async def apply(self, hosts: Sequence[LabHost], firewall: str) -> None:
        """Make these hosts of those that there are.

        Args:
            hosts: All that there should be.
            firewall: What the router filters, as `nft` reads it; it replaces all that it did.

        Raises:
            NetworkError: A command failed; what was done before it stays done, and the next call
                begins with what it left.
        """
        by_name = {host.name: host for host in hosts}
        if ROUTER not in self._holders:
            await self._make_router()
        for name in [name for name in self.hosts if name not in by_name]:
            await self._remove(name)
        if firewall != self._firewall:
            await _run(self.inside(ROUTER, str(find_program("nft")), "-f", "-"), firewall)
            self._firewall = firewall
        try:
            await self._change(by_name)
        except NetworkError:
            # Nobody knows how far it came: what was to change is made anew with the next call.
            for name, host in by_name.items():
                if self.hosts.get(name) != host and name in self._holders:
                    await self._remove(name)
            raise
        self.hosts = by_name

    async def _change(self, by_name: Mapping[str, LabHost]) -> None:
        fresh = [host for name, host in by_name.items() if name not in self.hosts]
        await asyncio.gather(*(self._make(host) for host in fresh))
        await self._batch(
            [
                f"link add {interface(host.name)} address {MAC} arp off type veth "
                f"peer name eth0 address {MAC} arp off netns {self._holders[host.name].pid}"
                for host in fresh
            ]
        )
        await asyncio.gather(*(self._configure(host) for host in by_name.values()))
        await self._batch(router_lines(self.hosts, by_name))

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
        await _run(self.inside(ROUTER, "/bin/sh", "-eu"), joined(script))

    async def _make(self, host: LabHost) -> None:
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
            error_text = (await holder.stderr.read()).decode(errors="replace").strip()
            raise NetworkError(f"Host {host.name} cannot be made: {error_text}.")
        self._holders[host.name] = holder

    def _write_resolvers(self, host: LabHost) -> None:
        # In place: a bind mount stays with the file that it was made of.
        lines = [f"nameserver {address}" for address in host.resolvers]
        (self._folder / host.name / "etc" / "resolv.conf").write_text(
            joined([*lines, "options timeout:2 attempts:3"])
        )

    async def _configure(self, host: LabHost) -> None:
        before = self.hosts.get(host.name)
        if before and before.resolvers != host.resolvers:
            self._write_resolvers(host)
        if script := host_script(before, host):
            await _run(self.inside(host.name, "/bin/sh", "-eu"), script)

    async def _batch(self, lines: Sequence[str]) -> None:
        if lines:
            await _run(self.inside(ROUTER, str(find_program("ip")), "-batch", "-"), joined(lines))

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
    pids: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                if (entry / "ns/net").readlink() == namespace:
                    pids.append(int(entry.name))
    return pids


async def _run(command: Sequence[str], script: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate(script.encode())
    if process.returncode != 0:
        raise NetworkError(
            f"{shlex.join(command)} ended with {process.returncode} and said: "
            f"{output.decode(errors='replace').strip()}\nIt was given:\n{script}"
        )
