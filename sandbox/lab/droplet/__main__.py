"""Boots a droplet and keeps it: `python -m sandbox.lab.droplet --config F`.

Runs as root in the droplet's network namespace. SIGTERM shuts the droplet down, which may take as
long as connections are given to finish; SIGKILL is the power cut: the kernel ends every process of
the droplet with this one. Metadata are what the file says when the droplet asks; a change is in
force once the droplet has the reserved address that they tell it. A droplet that reboots is started
again from its own disk; one that turns itself off ends this program.
"""

import asyncio
import os
import pty
import signal
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from pydantic import TypeAdapter

from sandbox.debian import find_program
from sandbox.lab.droplet import control_groups, machine, metadata, roots
from sandbox.lab.droplet.program import DropletConfig
from sandbox.lab.own_program import Service, ServiceError, main

if TYPE_CHECKING:
    from sandbox.lab.deployed import Fields

_POWER_OFF: Final = signal.SIGRTMIN + 4
"""Asks systemd to shut down. Source: systemd(1), 'Signals'."""

_LOOK_SECONDS: Final = 0.1
"""How often cloud-init is looked at."""

_ADDRESS_SECONDS: Final = 15.0
"""How long after cloud-init a droplet may take to configure its reserved address; one whose user
data does not is ready then."""

_ASK_SECONDS: Final = 0.5
"""How often systemd is asked to shut down: one that has just begun takes no signal."""


class DropletKeeper(Service[DropletConfig]):
    """Runs a droplet from its first boot until it is off."""

    def __init__(self) -> None:
        """Keep none yet."""
        self._keeping: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._pid = 0
        self._off = False

    async def apply(self, config: DropletConfig) -> None:
        """Boot the droplet, or go on with it, and return once it is as metadata say."""
        if self._keeping is not None:
            await _wait_for_address(config)
        else:
            _forget(config)
            self._keeping = asyncio.create_task(self._keep(config, _mount(config)))
            ready = asyncio.create_task(self._ready.wait())
            await asyncio.wait((self._keeping, ready), return_when=asyncio.FIRST_COMPLETED)
            ready.cancel()

    async def watch(self) -> None:
        """Run until the droplet has turned itself off."""
        assert self._keeping is not None  # noqa: S101 - `apply` comes first
        await asyncio.shield(self._keeping)

    async def close(self) -> None:
        """Shut the droplet down, and wait until it is off."""
        self._off = True
        while self._keeping is not None and not self._keeping.done():
            with suppress(ProcessLookupError):
                os.kill(self._pid, _POWER_OFF)
            await asyncio.wait((self._keeping,), timeout=_ASK_SECONDS)

    async def _keep(self, config: DropletConfig, disk: machine.Disk) -> None:
        """Boot as often as the droplet reboots.

        Raises:
            ServiceError: It is off, and nobody asked for that.
        """
        control, console = pty.openpty()
        asyncio.get_running_loop().add_reader(control, _print, control)
        _set_network(config)
        async with await metadata.serve(lambda: _metadata_of(config)):
            code = -signal.SIGHUP
            # It reboots, and turns itself off, by a signal that this process sees.
            # Source: reboot(2).
            while code == -signal.SIGHUP and not self._off:
                config.report.unlink(missing_ok=True)
                disk.forget_result()
                control_groups.remove_empty()
                _set_network(config)
                self._pid = machine.start(disk, config.droplet.name, console)
                config.first_process.write_text(str(self._pid))
                watching = asyncio.create_task(self._watch_boot(config, disk))
                code = await _end_of(self._pid)
                watching.cancel()
        control_groups.remove_empty()
        _forget(config)
        if not self._off:
            how = "turned itself off" if code == -signal.SIGINT else f"ended with {code}"
            raise ServiceError(f"the droplet {how}")

    async def _watch_boot(self, config: DropletConfig, disk: machine.Disk) -> None:
        """Say when cloud-init is done, and what failed."""
        while (failures := disk.result()) is None:  # noqa: ASYNC110 - a file
            await asyncio.sleep(_LOOK_SECONDS)
        if failures:
            lines = [f"cloud-init failed: {failure}" for failure in failures]
            print(*lines, sep="\n", file=sys.stderr, flush=True)
            config.report.write_text("".join(f"{line}\n" for line in lines))
        await _wait_for_address(config)
        # Ready all the same, as a droplet is: it runs, and serves what it can.
        self._ready.set()


def _metadata_of(config: DropletConfig) -> "Fields":
    """Return what metadata say now."""
    now = TypeAdapter(DropletConfig).validate_json(config.path.read_bytes())
    return now.droplet.metadata


async def _wait_for_address(config: DropletConfig) -> None:
    """Wait until the droplet has its metadata's reserved address, if it ever configures that."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_ADDRESS_SECONDS):
            while True:
                reserved = _metadata_of(config).get("reserved_ip", {}).get("ipv6", {})
                if not reserved.get("active") or _has(reserved["ip_address"]):
                    return
                await asyncio.sleep(_LOOK_SECONDS)


def _mount(config: DropletConfig) -> machine.Disk:
    """Mount a droplet's disk.

    Raises:
        ServiceError: It cannot be booted on this machine.
    """
    if fault := control_groups.fault():
        raise ServiceError(fault)
    try:
        tree = "bare" if config.bare else "ready"
        root = roots.find(config.droplet.image, trees=[tree])
        # Held until this process ends, so that nobody removes it meanwhile.
        roots.hold(root)
        return machine.Disk(config, root / tree)
    except roots.BootError as error:
        raise ServiceError(str(error)) from error
    except OSError as error:
        raise ServiceError(
            f"The droplet's disk cannot be mounted ({error}); Linux has to let root do it. "
            "Use a virtual machine, or a container that is privileged."
        ) from error


def _forget(config: DropletConfig) -> None:
    for path in (config.report, config.first_process):
        path.unlink(missing_ok=True)


async def _end_of(pid: int) -> int:
    """Wait for a child, and return its exit code, or the number of its signal below zero."""
    descriptor, ended = os.pidfd_open(pid), asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(descriptor, ended.set)
    await ended.wait()
    loop.remove_reader(descriptor)
    os.close(descriptor)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])  # noqa: ASYNC222 - it has ended


def _set_network(config: DropletConfig) -> None:
    """Set the network up as at a boot: what the droplet itself set is gone."""
    gateway = config.droplet.ipv6_gateway
    commands = [
        "link set lo up",
        "-6 address flush dev lo scope global",
        f"address replace {metadata.ADDRESS}/32 dev lo",
        *([f"-6 route replace default via {gateway} dev eth0"] if gateway else []),
    ]
    for command in commands:
        subprocess.run([find_program("ip"), *command.split()], check=False)


def _has(address: str) -> bool:
    """Say whether the droplet's `lo` has an address."""
    show = ("ip", "-6", "-oneline", "address", "show", "dev", "lo", "to", f"{address}/128")
    command = [str(find_program(show[0])), *show[1:]]
    return bool(subprocess.run(command, capture_output=True, check=False).stdout)


def _print(control: int) -> None:
    """Print what the droplet's console says."""
    with suppress(OSError):
        sys.stdout.buffer.write(os.read(control, 65_536).replace(b"\r\n", b"\n"))
        sys.stdout.flush()


if __name__ == "__main__":
    main(DropletConfig, DropletKeeper())
