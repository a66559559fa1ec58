"""Runs the guest's services and timers, in place of systemd.

`units.py` says what is read of a unit and what is not. What is kept of systemd's ways here:

- A service that was started is started again when it ends, as `Restart=` says, until it was
  started more often than `StartLimitBurst=` within `StartLimitIntervalSec=`.
- What is left of a service when its main process ended is ended too, so that the next one finds
  its ports free.
- `ExecStop=` runs before a service is ended, and also when it ended by itself.

Source: systemd.service(5), systemd.kill(5), systemd.timer(5), sd_notify(3) of systemd 252.
"""

import asyncio
import os
import signal
import socket
import stat
import struct
import time
import uuid
from collections import deque
from collections.abc import Awaitable, Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal

from sandbox.lab.droplet.faults import BootError, fault
from sandbox.lab.droplet.journal import Journal
from sandbox.lab.droplet.processes import UNKNOWN, Limits, Processes, members, send
from sandbox.lab.droplet.units import Command, Fragment, Service, Timer, Unit, filled, read

NOTIFY: Final = Path("/run/systemd/notify")
"""Where services tell that they are ready. Source: systemd(1), 'Environment'."""

FOLDERS: Final = (
    Path("/etc/systemd/system"),
    Path("/run/systemd/system"),
    Path("/usr/local/lib/systemd/system"),
    Path("/usr/lib/systemd/system"),
)
"""Where units are, the first one wins. Source: systemd.unit(5), 'Unit File Search Path'."""

PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"
"""Source: systemd.exec(5), 'Environment Variables in Spawned Processes'."""

_OURS: Final = FOLDERS[0]
"""The folder that only user data writes to: the one of this machine is hidden."""

_POLL_SECONDS: Final = 0.02

State = Literal["inactive", "activating", "active", "deactivating", "failed"]
"""What a service is, in systemd's words."""


class _Failed(Exception):  # noqa: N818 - the state is called so
    """A service did not come up."""


def load(name: str) -> Unit:
    """Read a unit of the tree this process sees.

    Raises:
        BootError: There is no such unit, or it cannot be run as on a droplet.
    """
    paths = [folder / name for folder in FOLDERS if (folder / name).is_file()]
    if not paths:
        allowed = "neither a package nor the user data brings it"
        raise BootError(
            f"{name} cannot be run",
            [fault(f"The unit {name}", "missing", allowed, "Write it with write_files")],
        )
    drop_ins = {
        path.name: path
        for folder in reversed(FOLDERS)
        for path in sorted((folder / f"{name}.d").glob("*.conf"))
    }
    files = [paths[0], *(drop_ins[file] for file in sorted(drop_ins))]
    return read(name, [_fragment(path) for path in files])


def _fragment(path: Path) -> Fragment:
    return Fragment(str(path), path.read_text(errors="replace"), path.is_relative_to(_OURS))


class Manager:
    """Starts and ends units by name."""

    def __init__(self, processes: Processes, journal: Journal, speed: float) -> None:
        """Begin with nothing started.

        Args:
            processes: Makes processes.
            journal: Where units log.
            speed: How many times faster than they say timers tick.
        """
        self._processes = processes
        self._journal = journal
        self._speed = speed
        self._booted = time.monotonic()
        self._services: dict[str, _Running] = {}
        self._timers: dict[str, asyncio.Task[None]] = {}
        self._noted: set[str] = set()

    def listen(self) -> None:
        """Hear from services that they are ready."""
        NOTIFY.parent.mkdir(parents=True, exist_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        listener.bind(str(NOTIFY))
        NOTIFY.chmod(stat.S_IRWXU | stat.S_IRWXG | stat.S_IRWXO)

        def take() -> None:
            said, ancillary, _, _ = listener.recvmsg(4096, socket.CMSG_SPACE(_CREDENTIALS.size))
            for level, kind, data in ancillary:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
                    pid, _, _ = _CREDENTIALS.unpack(data)
                    for running in self._services.values():
                        running.hear(pid, said.decode(errors="replace").splitlines())

        asyncio.get_running_loop().add_reader(listener, take)

    async def start(self, name: str) -> bool:
        """Start a unit that is not started; say whether it is up, or done if it is a oneshot.

        Raises:
            BootError: It cannot be run as on a droplet.
        """
        unit = self._load(name)
        if isinstance(unit.value, Timer):
            if name not in self._timers:
                self._timers[name] = asyncio.create_task(self._tick(unit.value))
            return True
        running = self._services.get(name)
        if running is None or running.state in ("inactive", "failed"):
            running = _Running(unit.value, self._processes, self._journal)
            self._services[name] = running
        return await running.start()

    async def stop(self, name: str) -> None:
        """End a unit as it says; return when it has ended."""
        if (timer := self._timers.pop(name, None)) is not None:
            timer.cancel()
            with suppress(asyncio.CancelledError):
                await timer
        if (running := self._services.get(name)) is not None:
            await running.stop()

    async def restart(self, name: str) -> bool:
        """End a unit if it is started, and start it.

        Raises:
            BootError: It cannot be run as on a droplet.
        """
        self._load(name)
        await self.stop(name)
        return await self.start(name)

    async def stop_all(self) -> None:
        """End all units, timers first."""
        for name in tuple(self._timers):
            await self.stop(name)
        await asyncio.gather(*(self.stop(name) for name in self._services))

    async def run(self, tag: str, words: Sequence[str]) -> int:
        """Run a command to its end and return its exit code; what it prints is logged."""
        return await _Running(Service(tag), self._processes, self._journal).once(words)

    def _load(self, name: str) -> Unit:
        unit = load(name)
        for note in unit.notes:
            if note not in self._noted:
                self._noted.add(note)
                self._journal.say("lab", note)
        return unit

    async def _tick(self, timer: Timer) -> None:
        """Start a timer's service when it is time, for ever."""
        delays = [delay / self._speed for delay in timer.after_start]
        if not delays:
            if timer.after_active is None and timer.after_inactive is None:
                return
            # Both count from what has not happened yet.
            await asyncio.Event().wait()
        await asyncio.sleep(min(delays))
        while True:
            started = time.monotonic()
            await self.start(timer.unit)
            if (service := self._services[timer.unit]).state != "inactive":
                await service.ended()
            ended = time.monotonic()
            nexts = [
                since + delay / self._speed
                for since, delay in (
                    (started, timer.after_active),
                    (ended, timer.after_inactive),
                )
                if delay is not None
            ]
            if not nexts:
                return
            await asyncio.sleep(max(min(nexts) - time.monotonic(), 0))


_CREDENTIALS: Final = struct.Struct("3i")
"""Process, user and group. Source: unix(7), `SCM_CREDENTIALS`."""


class _Running:
    """One service, from its start to its end."""

    def __init__(self, service: Service, processes: Processes, journal: Journal) -> None:
        self.service = service
        self.state: State = "inactive"
        self._processes = processes
        self._journal = journal
        self._namespaces: set[int] = set()
        self._main: int | None = None
        self._ready = asyncio.Event()
        self._told_to_stop = asyncio.Event()
        self._kept: asyncio.Task[None] | None = None
        self._first: asyncio.Future[bool] | None = None
        self._starts: deque[float] = deque()
        self._limits = Limits(
            service.open_files,
            service.capabilities,
            service.no_new_privileges,
            service.read_only,
            service.writable,
        )

    async def start(self) -> bool:
        """Start it, and say whether its first start came up."""
        missing = [path for path in self.service.executables if not os.access(path, os.X_OK)]
        if missing:
            self._say(f"passed over, for {missing[0]} cannot be executed.")
            return True
        if self._kept is None:
            self._first = asyncio.get_running_loop().create_future()
            self._kept = asyncio.create_task(self._keep())
        assert self._first is not None  # noqa: S101 - made with the task
        return await asyncio.shield(self._first)

    async def stop(self) -> None:
        """End it as it says."""
        self._told_to_stop.set()
        await self.ended()

    async def ended(self) -> None:
        """Return when it has ended and is not started again."""
        if self._kept is not None:
            await asyncio.shield(self._kept)

    def hear(self, pid: int, said: Sequence[str]) -> None:
        """Take what a process told through the notification socket."""
        if pid == self._main and "READY=1" in said:
            self._ready.set()

    async def run(self, command: Command) -> int:
        """Run one of its commands to its end and return the exit code."""
        pid = self._make(command)
        return UNKNOWN if pid is None else await self._processes.end_of(pid)

    async def once(self, words: Sequence[str]) -> int:
        """Run any command to its end, and end all that it left."""
        code = await self.run(Command((*words,)))
        await self._clear()
        return code

    def _say(self, text: str) -> None:
        self._journal.say("systemd", f"{self.service.name}: {text}")

    def _make(self, command: Command) -> int | None:
        environment = self._environment()
        words = filled(command.words, environment)
        limits = Limits() if command.privileged else self._limits
        try:
            process = self._processes.make(words, environment, limits)
        except OSError as error:
            self._say(f"cannot run {error}.")
            return None
        self._namespaces.add(process.namespace)
        self._journal.follow(
            process.output,
            Path(words[0]).name,
            self.service.output_level,
            self.service.least_urgent,
        )
        return process.pid

    def _environment(self) -> Mapping[str, str]:
        pairs = list(self.service.environment)
        for file in self.service.environment_files:
            path = Path(file.removeprefix("-"))
            if path.is_file():
                lines = [line.strip() for line in path.read_text().splitlines()]
                pairs += [line for line in lines if "=" in line and not line.startswith("#")]
            elif not file.startswith("-"):
                self._say(f"{file} is missing.")
        environment = {"PATH": PATH, "LANG": "C.UTF-8", "INVOCATION_ID": uuid.uuid4().hex}
        for pair in pairs:
            name, _, value = pair.partition("=")
            environment[name] = value.strip("\"'")
        if self.service.kind == "notify":
            environment["NOTIFY_SOCKET"] = str(NOTIFY)
        if self._main is not None:
            environment["MAINPID"] = str(self._main)
        return environment

    async def _keep(self) -> None:
        """Keep it running as it says it wants to be."""
        service = self.service
        while True:
            self._starts.append(time.monotonic())
            clean = await self._live()
            again = service.restart in ("always", "on-success" if clean else "on-failure")
            if self._told_to_stop.is_set() or not again:
                self.state = "inactive" if clean or self._told_to_stop.is_set() else "failed"
                return
            if self._is_too_often():
                self._say("ended too often; it is not started again.")
                self.state = "failed"
                return
            self._say(f"is started again in {service.restart_seconds:g} s.")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._told_to_stop.wait(), service.restart_seconds)
                self.state = "inactive"
                return

    def _is_too_often(self) -> bool:
        service = self.service
        earliest = time.monotonic() - service.start_limit_seconds
        while self._starts and self._starts[0] < earliest:
            self._starts.popleft()
        return service.start_limit_seconds > 0 and len(self._starts) >= service.start_limit

    async def _live(self) -> bool:
        """Live once, from start to end; say whether the end was a clean one."""
        clean = False
        self._ready.clear()
        self._main = None
        self.state = "activating"
        starting = asyncio.ensure_future(self._come_up())
        try:
            end = await self._unless_told_to_stop(starting, self.service.start_seconds)
        except _Failed as error:
            self._say(f"did not start: {error}.")
            self._tell_first(up=False)
        else:
            self.state = "active"
            self._tell_first(up=True)
            code = await self._end(end)
            clean = code in (0, -signal.SIGTERM, -signal.SIGINT, -signal.SIGHUP, -signal.SIGPIPE)
            if self.service.kind != "oneshot" and not self._told_to_stop.is_set():
                self._say(f"ended with {_outcome(code)}.")
        self.state = "deactivating"
        await self._clear()
        _remove(self.service.pid_file)
        for command in self.service.stop_post:
            await self._within_stop_time(self.run(command))
        await self._clear()
        return clean

    async def _unless_told_to_stop(
        self, starting: "asyncio.Future[asyncio.Future[int]]", seconds: float
    ) -> "asyncio.Future[int]":
        told = asyncio.create_task(self._told_to_stop.wait())
        await asyncio.wait(
            (starting, told), timeout=_finite(seconds), return_when=asyncio.FIRST_COMPLETED
        )
        told.cancel()
        if starting.done():
            return starting.result()
        starting.cancel()
        raise _Failed("it was stopped" if self._told_to_stop.is_set() else "it took too long")

    def _tell_first(self, *, up: bool) -> None:
        if self._first is not None and not self._first.done():
            self._first.set_result(up)

    async def _come_up(self) -> "asyncio.Future[int]":
        """Start it and return what tells the end of its main process once it is up."""
        for command in self.service.start_pre:
            await self._must(command)
        match self.service.kind:
            case "simple" | "exec":
                end = self._simple()
            case "notify":
                end = await self._notifying()
            case "forking":
                end = await self._forking()
            case "oneshot":
                end = await self._oneshot()
        for command in self.service.start_post:
            await self._must(command)
        return end

    async def _must(self, command: Command) -> None:
        code = await self.run(command)
        if code != 0 and not command.may_fail:
            raise _Failed(f"{command.words[0]} ended with {_outcome(code)}")

    def _simple(self) -> "asyncio.Future[int]":
        (command,) = self.service.start
        self._main = self._make(command)
        if self._main is None:
            raise _Failed(f"{command.words[0]} cannot be run")
        return self._processes.end_of(self._main)

    async def _notifying(self) -> "asyncio.Future[int]":
        end = self._simple()
        ready = asyncio.create_task(self._ready.wait())
        await asyncio.wait((end, ready), return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if not self._ready.is_set():
            raise _Failed(f"it ended with {_outcome(end.result())} before it was ready")
        return end

    async def _forking(self) -> "asyncio.Future[int]":
        (command,) = self.service.start
        await self._must(command)
        while self._main is None:
            self._main = _pid_of(self.service.pid_file, self._namespaces)
            if self._main is None:
                await asyncio.sleep(_POLL_SECONDS)
        return self._processes.end_of(self._main)

    async def _oneshot(self) -> "asyncio.Future[int]":
        for command in self.service.start:
            await self._must(command)
        end: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        if not self.service.stays:
            end.set_result(0)
        return end

    async def _end(self, end: "asyncio.Future[int]") -> int:
        """Wait until the main process ended, or end it when that is wanted; return its code."""
        told = asyncio.create_task(self._told_to_stop.wait())
        await asyncio.wait((end, told), return_when=asyncio.FIRST_COMPLETED)
        told.cancel()
        for command in self.service.stop:
            await self._within_stop_time(self.run(command))
        if not end.done() and self._main is not None:
            whole = self.service.kill_mode == "control-group"
            send(signal.SIGTERM, members(self._namespaces) if whole else [self._main])
            await self._within_stop_time(end)
        if not end.done() and self._main is not None:
            self._say("does not end and is killed.")
            send(signal.SIGKILL, [self._main])
            await end
        return end.result() if end.done() else 0

    async def _within_stop_time(self, ending: Awaitable[int]) -> None:
        with suppress(TimeoutError):
            future = asyncio.ensure_future(ending)
            await asyncio.wait_for(asyncio.shield(future), _finite(self.service.stop_seconds))

    async def _clear(self) -> None:
        """End what is left of it: politely where all processes count the same, else at once."""
        if self.service.kill_mode == "control-group":
            send(signal.SIGTERM, members(self._namespaces))
            deadline = time.monotonic() + self.service.stop_seconds
            while members(self._namespaces) and time.monotonic() < deadline:  # noqa: ASYNC110 - Linux tells of no process that is not ours
                await asyncio.sleep(_POLL_SECONDS)
        while self.service.kill_mode != "process" and (left := members(self._namespaces)):
            send(signal.SIGKILL, left)
            await asyncio.sleep(_POLL_SECONDS)
        for namespace in tuple(self._namespaces):
            self._let_go(namespace)

    def _let_go(self, namespace: int) -> None:
        self._namespaces.discard(namespace)
        os.close(namespace)


def _pid_of(file: str, namespaces: Collection[int]) -> int | None:
    """Return the process that a PID file names, None unless it is in one of the namespaces.

    The file may be missing still, or be left from one that was killed.
    """
    try:
        pid = int(Path(file).read_text())
    except (OSError, ValueError):
        return None
    return pid if pid in members(namespaces) else None


def _remove(file: str) -> None:
    if file:
        Path(file).unlink(missing_ok=True)


def _finite(seconds: float) -> float | None:
    return None if seconds == float("inf") else seconds


def _outcome(code: int) -> str:
    if code == UNKNOWN:
        return "an unknown exit code"
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
