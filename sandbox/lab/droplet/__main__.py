"""Boots a droplet and keeps it: `python -m sandbox.lab.droplet --config F`.

Runs as root in the droplet's network namespace. SIGTERM shuts the droplet down, which may take as
long as connections are given to finish; SIGHUP hands it changed metadata; SIGKILL is the power cut:
the kernel ends every process of the droplet with this one. A droplet that reboots is started again
from its own disk; one that turns itself off ends this program.
"""

import argparse
import asyncio
import os
import pty
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from sandbox.debian import find_program
from sandbox.lab.droplet import control_groups, machine, metadata, roots
from sandbox.lab.droplet.faults import BootError
from sandbox.lab.droplet.machine import Disk
from sandbox.lab.droplet.program import Config

_REFUSED: Final = 2
_FAILED: Final = 1

_POWER_OFF: Final = signal.SIGRTMIN + 4
"""Asks systemd to shut down. Source: systemd(1), 'Signals'."""

_LOOK_SECONDS: Final = 0.1
"""How often cloud-init is looked at."""

_ADDRESS_SECONDS: Final = 15.0
"""How long after cloud-init a droplet may take to configure its reserved address; one whose user
data does not is ready then."""

_ASK_SECONDS: Final = 0.5
"""How often systemd is asked to shut down: one that has just begun takes no signal."""


def main() -> int:
    """Read the command line, boot, and return 0 once the droplet was shut down."""
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.lab.droplet", description="Boot a droplet of the lab and keep it."
    )
    parser.add_argument("--config", type=Path, required=True, help="what to boot")
    path: Path = parser.parse_args().config
    # One that comes before the loop runs is answered then.
    signal.signal(signal.SIGHUP, lambda _number, _frame: None)
    config = Config.from_json(path.read_text())
    _forget(config)
    if fault := control_groups.fault():
        print(fault, file=sys.stderr)
        return _REFUSED
    try:
        tree = "bare" if config.bare else "ready"
        root = roots.find(config.droplet.image, trees=[tree])
        # Held until this process ends, so that nobody removes it meanwhile.
        roots.hold(root)
        disk = Disk(config, root.folder / tree)
    except BootError as error:
        print(error, file=sys.stderr)
        return _REFUSED
    except OSError as error:
        print(
            f"The droplet's disk cannot be mounted ({error}); Linux has to let root do it. "
            "Use a virtual machine, or a container that is privileged.",
            file=sys.stderr,
        )
        return _FAILED
    try:
        return asyncio.run(_Keeper(path, config, disk).run())
    finally:
        _forget(config)


def _forget(config: Config) -> None:
    for path in (config.ready, config.report, config.first_process):
        path.unlink(missing_ok=True)


class _Keeper:
    """Runs a droplet from its first boot until it is off."""

    def __init__(self, path: Path, config: Config, disk: Disk) -> None:
        self._path = path
        self._config = config
        self._disk = disk
        self._metadata = config.droplet.metadata
        self._pid = 0
        self._ended = asyncio.Event()
        self._status = 0
        self._off = asyncio.Event()

    async def run(self) -> int:
        """Boot as often as the droplet reboots, and return an exit code."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGCHLD, self._reap)
        loop.add_signal_handler(signal.SIGHUP, self._read_metadata)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._off.set)
        self._read_metadata()
        control, console = pty.openpty()
        loop.add_reader(control, _print, control)
        self._set_network()
        server = await metadata.serve(lambda: self._metadata)
        asking = asyncio.create_task(self._shut_down())
        while await self._boot(console):
            pass
        asking.cancel()
        server.close()
        control_groups.remove_empty()
        code = os.waitstatus_to_exitcode(self._status)
        # It turns itself off by a signal that this process sees. Source: reboot(2).
        return 0 if code == -signal.SIGINT else _FAILED

    async def _boot(self, console: int) -> bool:
        """Run the droplet from a boot until its end, and return whether it boots again."""
        _forget(self._config)
        self._disk.forget_result()
        control_groups.remove_empty()
        self._set_network()
        self._ended.clear()
        self._pid = machine.start(self._disk, self._config.droplet.name, console)
        self._config.first_process.write_text(str(self._pid))
        watching = asyncio.create_task(self._watch())
        await self._ended.wait()
        watching.cancel()
        reboots = os.waitstatus_to_exitcode(self._status) == -signal.SIGHUP
        return reboots and not self._off.is_set()

    async def _watch(self) -> None:
        """Say when cloud-init is done, and what failed."""
        while (failures := self._disk.result()) is None:  # noqa: ASYNC110 - a file
            await asyncio.sleep(_LOOK_SECONDS)
        if failures:
            lines = [f"cloud-init failed: {failure}" for failure in failures]
            print(*lines, sep="\n", file=sys.stderr, flush=True)
            self._config.report.write_text("".join(f"{line}\n" for line in lines))
        await self._reserved_address()
        # Ready all the same, as a droplet is: it runs, and serves what it can.
        self._config.ready.write_text(str(os.getpid()))

    async def _reserved_address(self) -> None:
        """Wait until the droplet has its reserved address, if it ever configures that."""
        reserved = self._metadata.get("reserved_ip", {}).get("ipv6", {}).get("ip_address")
        with suppress(TimeoutError):
            async with asyncio.timeout(_ADDRESS_SECONDS):
                while reserved and not _has(reserved):  # noqa: ASYNC110 - the kernel has no event
                    await asyncio.sleep(_LOOK_SECONDS)

    async def _shut_down(self) -> None:
        await self._off.wait()
        while True:
            with suppress(ProcessLookupError):
                os.kill(self._pid, _POWER_OFF)
            await asyncio.sleep(_ASK_SECONDS)

    def _reap(self) -> None:
        with suppress(ChildProcessError):
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            if pid:
                self._status = status
                self._ended.set()

    def _read_metadata(self) -> None:
        self._metadata = Config.from_json(self._path.read_text()).droplet.metadata

    def _set_network(self) -> None:
        """Set the network up as at a boot: what the droplet itself set is gone."""
        gateway = self._config.droplet.ipv6_gateway
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
    sys.exit(main())
