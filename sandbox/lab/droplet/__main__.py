"""Boots a droplet and keeps it: `python -m sandbox.lab.droplet --config F`.

Runs as root in the droplet's network namespace. SIGTERM ends the guest as its units say, which may
take as long as connections are given to finish; SIGHUP hands it changed metadata; SIGKILL is the
power cut: the kernel ends every process of the guest with this one.

The process that does this is not the guest: it sees the lab's files, which the guest does not.
"""

import argparse
import asyncio
import json
import os
import signal
import socket
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Final

from sandbox.lab.droplet import kernel, tree
from sandbox.lab.droplet.cloud_config import parse
from sandbox.lab.droplet.faults import BootError
from sandbox.lab.droplet.guest import END, READY, Boot, be_the_guest
from sandbox.lab.droplet.program import Config

_REFUSED: Final = 2


def main() -> int:
    """Read the command line, boot, and return the guest's exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.lab.droplet", description="Boot a droplet of the lab and keep it."
    )
    parser.add_argument("--config", type=Path, required=True, help="what to boot")
    path: Path = parser.parse_args().config
    config = Config.from_json(path.read_text())
    config.ready.unlink(missing_ok=True)
    # One that comes before anybody listens is answered once somebody does.
    signal.signal(signal.SIGHUP, lambda _number, _frame: None)
    try:
        plan = parse(config.droplet.user_data, tree.this_machine())
        packages = tree.packages(plan.packages, plan.files)
    except BootError as error:
        print(error, file=sys.stderr)
        return _REFUSED
    config.mount_point.mkdir(parents=True, exist_ok=True)
    ours, theirs = socket.socketpair()
    # From here on every child of this process is in the guest's PID namespace.
    kernel.unshare(kernel.NEW_PIDS)
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            kernel.die_with_parent()
            ours.close()
            code = be_the_guest(Boot(config, plan, packages), theirs)
        except BaseException:  # noqa: BLE001 - nothing may run on as a second keeper
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    theirs.close()
    try:
        return asyncio.run(_keep(pid, path, config, ours))
    finally:
        config.ready.unlink(missing_ok=True)
        with suppress(OSError):
            config.mount_point.rmdir()


async def _keep(pid: int, path: Path, config: Config, guest: socket.socket) -> int:
    """Pass on what the guest and the lab tell each other, until the guest has ended."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[int] = loop.create_future()
    guest.setblocking(False)
    reader, writer = await asyncio.open_unix_connection(sock=guest)

    def reap() -> None:
        if ended.done():
            return
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            ended.set_result(os.waitstatus_to_exitcode(status))

    def tell() -> None:
        # Not by a signal to the guest, which is lost if the guest does not listen yet.
        changed = Config.from_json(path.read_text())
        writer.write(json.dumps(changed.droplet.metadata).encode() + b"\n")

    async def hear() -> None:
        if await reader.read(len(READY)) == READY:
            config.ready.write_text(str(os.getpid()))

    loop.add_signal_handler(signal.SIGCHLD, reap)
    loop.add_signal_handler(signal.SIGHUP, tell)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, writer.write, END)
    reap()
    tell()
    hearing = asyncio.create_task(hear())
    code = await ended
    hearing.cancel()
    return code if code >= 0 else 1


if __name__ == "__main__":
    sys.exit(main())
