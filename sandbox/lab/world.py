"""The world inside a lab: `python -m sandbox.lab.world FOLDER`, in namespaces of its own.

It is started by `lab.Lab`, which reads the clouds outside and hands over what it read. When it
ends, for any reason, the kernel ends every process in its PID namespace, and with the last of
them all namespaces. So nothing needs to be cleaned up, and nothing can be forgotten: that it ends
is all that must be made sure of. It ends when its standard input does, which is a pipe that nobody
but the opener holds, so also when the opener is killed.

It answers on a Unix socket in the folder, one JSON object a line:

- `{"do": "apply", "deployed": …}`: this is deployed now. Answers `{"serial": n}`.
- `{"do": "set", "settings": …}`: these are the settings now. The same answer.
- `{"do": "status"}`: hosts, programs, what has been applied, what happened since `"since"`.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from threading import Thread
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from sandbox.lab.deployed import Deployed
from sandbox.lab.differences import things
from sandbox.lab.door import SOCKET
from sandbox.lab.droplet import control_groups
from sandbox.lab.lab_host import ROUTER_HOST
from sandbox.lab.lab_settings import SETTINGS, LabSettings
from sandbox.lab.network import LabNetwork
from sandbox.lab.plan import PlanInputs, plan
from sandbox.lab.plan.hosts import CHECKERS, droplet_hosts
from sandbox.lab.plan.names_covered import certificates_needed
from sandbox.lab.plan.propagation import edge_delays, edge_part, edge_view
from sandbox.lab.supervisor import Supervisor
from sandbox.lab.trust import Trust

HOSTS: Final = "hosts"
"""The folder, in the lab's, with a folder for each host."""

LINE_BYTES: Final = 64 * 1024 * 1024
"""The longest line: everything that is deployed, user data included."""

HEALTH_POLL_SECONDS: Final = 0.2

RETRY_SECONDS: Final = 1.0
"""After how long what could not be applied is tried again."""

DEPLOYED: Final = TypeAdapter(Deployed)
HEALTH: Final = TypeAdapter(dict[str, bool])


class LabWorld:
    """Everything inside one lab."""

    def __init__(self, folder: Path) -> None:
        """Have nothing yet.

        Args:
            folder: The lab's folder.
        """
        self._folder = folder
        self._hosts_folder = folder / HOSTS
        self._trust = Trust(folder / "trust")
        self._network = LabNetwork(self._hosts_folder)
        self._supervisor = Supervisor(self._network, self._hosts_folder, self.say)
        self._settings = LabSettings()
        self._history: list[tuple[float, Deployed]] = []
        self._deployed: Deployed | None = None
        self._certificates: dict[str, str] = {}
        self._health: dict[str, bool] = {}
        self._droplets: dict[int, str] = {}
        self._requested = 0
        self._applied = 0
        self._pending = False
        """Whether an edge node has still to hear of a change."""
        self._fault = ""
        self._dirty = asyncio.Event()
        self._events: list[str] = []

    def say(self, line: str) -> None:
        """Keep a line of what happened, for `status`."""
        self._events.append(line)
        print(line, flush=True)

    async def run(self) -> None:
        """Serve the socket and make what is asked for, until cancelled."""
        server = await asyncio.start_unix_server(self._serve, SOCKET, limit=LINE_BYTES)
        async with server, asyncio.TaskGroup() as tasks:
            tasks.create_task(self._make())
            tasks.create_task(self._watch_health())

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError), contextlib.closing(writer):
            while line := await _line(reader):
                try:
                    answer = self._answer(json.loads(line))
                except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError) as no:
                    answer = {"error": f"This is no question: {no}"}
                writer.write(json.dumps(answer).encode() + b"\n")
                await writer.drain()

    def _answer(self, question: Mapping[str, Any]) -> dict[str, Any]:
        match question["do"]:
            case "apply":
                self._take(DEPLOYED.validate_python(question["deployed"]))
                return {"serial": self._requested}
            case "set":
                settings = SETTINGS.validate_python(question["settings"])
                if faults := settings.faults():
                    return {"error": "\n".join(faults)}
                self._settings = settings
                self._ask()
                return {"serial": self._requested}
            case "status":
                return self._status(int(question.get("since", 0)))
            case other:
                return {"error": f"do is {other!r}; it is apply, set or status."}

    def _take(self, deployed: Deployed) -> None:
        self._deployed = deployed
        last = self._history[-1][1] if self._history else None
        if last is None or edge_part(last) != edge_part(deployed):
            self._history.append((time.monotonic(), deployed))
        self._ask()

    def _ask(self) -> None:
        self._requested += 1
        self._dirty.set()

    def _status(self, since: int) -> dict[str, Any]:
        pids = self._network.pids
        kept = self._supervisor.kept
        return {
            "serial": self._applied,
            "settled": self._applied == self._requested
            and not self._pending
            and all(one.settled for one in kept.values()),
            "fault": self._fault,
            "pending": self._pending,
            "settings": SETTINGS.dump_python(self._settings, mode="json"),
            "deployed": list(things(self._deployed, records=False)) if self._deployed else [],
            "certificates": self._certificates,
            "droplets": {str(number): name for number, name in self._droplets.items()},
            "hosts": [
                {
                    "name": host.name,
                    "role": host.role,
                    "addresses": list(host.addresses),
                    "routed": list(host.routed),
                    "pid": pids[host.name],
                }
                for host in (ROUTER_HOST, *self._network.hosts.values())
                if host.name in pids
            ],
            "programs": [
                {
                    "host": host,
                    "name": name,
                    "state": one.state,
                    "settled": one.settled,
                    "pid": one.pid,
                    "starts": one.starts,
                }
                for (host, name), one in sorted(kept.items())
            ],
            "events": self._events[since:],
        }

    async def _make(self) -> None:
        """Make what is wanted, whenever it is another thing."""
        while True:
            await self._dirty.wait()
            self._dirty.clear()
            serial = self._requested
            if self._deployed is None:
                continue
            retry: float | None
            try:
                retry = await self._apply(self._deployed)
            except Exception as fault:  # noqa: BLE001 - one change must not end the lab
                # Said once; tried again until it works.
                message = f"What is deployed cannot be made: {fault}"
                if message != self._fault:
                    traceback.print_exc()
                    self.say(message)
                self._fault = message
                retry = RETRY_SECONDS
            else:
                self._fault = ""
                self._applied = serial
            if retry is not None:
                asyncio.get_running_loop().call_later(retry, self._dirty.set)

    async def _apply(self, deployed: Deployed) -> float | None:
        """Make the lab that belongs to what is deployed.

        Returns:
            After how many seconds the next edge node hears of a change; None: all have.
        """
        settings, now = self._settings, time.monotonic()
        self._droplets = droplet_hosts(deployed, self._droplets)
        delays = edge_delays(settings)
        views = [edge_view(self._history, now, delay) for delay in delays]
        needed = set[frozenset[str]]().union(*map(certificates_needed, [deployed, *views]))
        expired = needed if settings.expired_certificates else ()
        planned = plan(
            deployed,
            settings,
            PlanInputs(
                folder=self._hosts_folder,
                ca=self._trust.ca,
                certificates={names: self._trust.issue(names) for names in needed},
                expired={names: self._trust.issue(names, expired=True) for names in expired},
                edge_views=views,
                health=self._health,
                droplets=self._droplets,
            ),
        )
        how = "expired" if expired else "valid"
        self._certificates = {", ".join(sorted(names)): how for names in needed}
        hosts = {host.name for host in planned.hosts}
        await self._supervisor.end([key for key in self._supervisor.kept if key[0] not in hosts])
        await self._network.apply(planned.hosts, planned.router_rules)
        await self._supervisor.apply(planned.programs)
        due = [
            since + delay - now
            for since, _ in self._history[1:]
            for delay in delays
            if since + delay > now
        ]
        self._pending = bool(due)
        if not due:
            self._history = self._history[-1:]
        return min(due, default=None)

    async def _watch_health(self) -> None:
        """Plan anew when the health checkers found something else."""
        file = self._hosts_folder / CHECKERS / "health.json"
        while True:
            await asyncio.sleep(HEALTH_POLL_SECONDS)
            try:
                health = HEALTH.validate_json(file.read_bytes())
            except (FileNotFoundError, ValidationError):
                continue
            if health != self._health:
                for check, healthy in health.items():
                    if healthy != self._health.get(check, True):
                        self.say(
                            f"Health check {check} is {'healthy' if healthy else 'unhealthy'}."
                        )
                self._health = health
                self._ask()


async def _line(reader: asyncio.StreamReader) -> bytes:
    """Return the next line; nothing where there is none, or one longer than any question."""
    try:
        return await reader.readline()
    except ValueError:
        return b""


def main() -> None:
    """Be the lab's init, and run the world in a child of it until standard input ends."""
    os.umask(0o022)
    child = os.fork()
    if child:
        # The first process of a PID namespace is given every orphan, and must bury it.
        while True:
            pid, status = os.wait()
            if pid == child:
                _remove_control_groups()
                os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
    asyncio.run(_main(Path(sys.argv[1])))


def _remove_control_groups() -> None:
    """End all that runs in the lab, and remove the droplets' control groups, which outlive it."""
    with contextlib.suppress(OSError):
        os.kill(-1, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while True:
                os.wait()
        control_groups.remove_empty()


async def _main(folder: Path) -> None:
    # A stuck world must end, too: so it is a thread that waits, and it does not ask the loop.
    Thread(target=_end_with_opener, daemon=True).start()
    # The path of a socket has 107 bytes at most; a folder's may be longer.
    os.chdir(folder)
    await LabWorld(folder).run()


def _end_with_opener() -> None:
    while os.read(0, 1):
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
