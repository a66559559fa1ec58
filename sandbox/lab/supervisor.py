"""Keeping the programs of the lab running, each as it should be now.

Every program is kept by a task of its own, which does one thing after the other: write its files,
start it, ask until it is ready, take a change over, start it anew when it died. Nothing is decided
in two places, so a change that comes while a program starts waits until it has started.
"""

import asyncio
import contextlib
import os
import shlex
import signal
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, Protocol

from sandbox.lab.door import pause_seconds
from sandbox.lab.program import Program

State = Literal["starting", "ready", "waiting", "ended"]
"""`waiting`: it died, and is started anew in a moment."""

STOP_SECONDS: Final = 5.0
"""How long a program may take to end after SIGTERM before it is killed."""

LEAST_WAIT_SECONDS, MOST_WAIT_SECONDS = 0.25, 5.0
"""How long a program that died waits to be started anew; twice as long with each time."""

STEADY_SECONDS: Final = 10.0
"""A program that ran for so long died by accident: it waits the least time again."""


class Hosts(Protocol):
    """Where programs run."""

    def inside(self, name: str, *command: str) -> tuple[str, ...]:
        """Return the command that runs another one on a host."""
        ...


@dataclass
class Kept:
    """A program that is kept running."""

    program: Program
    """What it should be."""
    state: State = "starting"
    pid: int = 0
    """0 while it does not run."""
    starts: int = 0
    """How often it was started."""
    changes: int = 0
    """How often another program took its place."""
    done: int = -1
    """After how many of these it was ready the last time."""
    ending: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    task: "asyncio.Task[None] | None" = None

    @property
    def settled(self) -> bool:
        """Whether it is what it should be, and ready."""
        return self.done == self.changes and self.state == "ready"


class Supervisor:
    """The programs of all hosts."""

    def __init__(self, hosts: Hosts, folder: Path, say: Callable[[str], None]) -> None:
        """Keep none yet.

        Args:
            hosts: Where programs run.
            folder: Gets a log of each program: `<host>/<program>.log`.
            say: Gets a line for what happens by itself.
        """
        self.kept: dict[tuple[str, str], Kept] = {}
        """Programs by host and name."""
        self._hosts = hosts
        self._folder = folder
        self._say = say

    async def apply(self, programs: Iterable[Program]) -> None:
        """Make these programs of those that run; those that start go on starting afterwards."""
        by_key = {(program.host, program.name): program for program in programs}
        await self.end(key for key in list(self.kept) if key not in by_key)
        for key, program in by_key.items():
            kept = self.kept.get(key)
            if kept is None:
                kept = self.kept[key] = Kept(program)
                kept.task = asyncio.create_task(self._keep(kept))
            elif kept.program != program:
                kept.program = program
                kept.changes += 1
                kept.changed.set()

    async def end(self, keys: Iterable[tuple[str, str]]) -> None:
        """End programs and wait until they have."""
        ending = [self.kept.pop(key) for key in keys]
        for kept in ending:
            kept.ending = True
            kept.changed.set()
        await asyncio.gather(*(kept.task for kept in ending if kept.task))

    async def _keep(self, kept: Kept) -> None:
        wait = LEAST_WAIT_SECONDS
        while not kept.ending:
            kept.changed.clear()
            program, change = kept.program, kept.changes
            began = time.monotonic()
            process = None
            try:
                process = await self._start(kept, program)
                died = await self._attend(kept, program, process, change)
            # KeyError: its host is not there; ValueError: no file or process can have such a text
            except (KeyError, OSError, ValueError) as fault:
                what = f"does not start: {fault}" if process is None else f"was ended: {fault}"
            else:
                kept.pid = 0
                if not died:
                    continue
                what = f"ended with {process.returncode}"
            kept.pid = 0
            if time.monotonic() - began > STEADY_SECONDS:
                wait = LEAST_WAIT_SECONDS
            self._say(
                f"{program.name} on {program.host} {what}; it is started again in {wait:g} s. "
                f"Its log is {self._log(program)}."
            )
            kept.state = "waiting"
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(kept.changed.wait(), wait)
            wait = min(2 * wait, MOST_WAIT_SECONDS)
        kept.state = "ended"

    async def _start(self, kept: Kept, program: Program) -> asyncio.subprocess.Process:
        kept.state = "starting"
        write_files(program.files)
        log = self._log(program)
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                *self._hosts.inside(program.host, *program.command),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        kept.pid = process.pid
        kept.starts += 1
        return process

    async def _attend(
        self, kept: Kept, program: Program, process: asyncio.subprocess.Process, change: int
    ) -> bool:
        """Follow a program that was started until it ends or must; return whether it died."""
        gone = asyncio.create_task(process.wait())
        try:
            while True:
                if not await self._ready(kept, program, gone):
                    if gone.done():
                        return True
                else:
                    kept.state, kept.done = "ready", change
                    self._say_report(program)
                    await _first(gone, kept.changed.wait())
                if gone.done():
                    return not kept.ending
                kept.changed.clear()
                if kept.ending or kept.program.command != program.command:
                    await _stop(process, gone)
                    return False
                before, program, change = program, kept.program, kept.changes
                kept.state = "starting"
                if not await self._take_over(before, program, process):
                    await _stop(process, gone)
                    return False
        finally:
            gone.cancel()
            _kill_group(process.pid)

    def _say_report(self, program: Program) -> None:
        if program.report and program.report.exists():
            for line in program.report.read_text(errors="replace").splitlines():
                self._say(f"{program.name} on {program.host}: {line}")

    async def _ready(self, kept: Kept, program: Program, gone: "asyncio.Task[int]") -> bool:
        """Wait until a program is ready; False when it ended or changed before."""
        began = time.monotonic()
        while program.ready:
            asking = await asyncio.create_subprocess_exec(
                *self._hosts.inside(program.host, *program.ready),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
            )
            if await asking.wait() == 0:
                break
            # Each question is a process or two, and a droplet boots for many seconds.
            await _first(gone, kept.changed.wait(), seconds=pause_seconds(began))
            if gone.done() or kept.changed.is_set():
                return False
        return not gone.done()

    async def _take_over(
        self, before: Program, after: Program, process: asyncio.subprocess.Process
    ) -> bool:
        """Make a running program take its changed files; False: it must be started anew."""
        if before.files == after.files:
            return True
        write_files(after.files)
        for path in before.files:
            if path not in after.files:
                path.unlink(missing_ok=True)
        if after.reload is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGHUP)
            return True
        with self._log(after).open("ab") as output:
            reloading = await asyncio.create_subprocess_exec(
                *self._hosts.inside(after.host, *after.reload),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        code = await reloading.wait()
        if code != 0:
            self._say(
                f"{after.name} on {after.host} does not take its changed files: "
                f"{shlex.join(after.reload)} ended with {code}; it is started anew. "
                f"Its log is {self._log(after)}."
            )
        return code == 0

    def _log(self, program: Program) -> Path:
        return self._folder / program.host / f"{program.name}.log"


def write_files(files: Mapping[Path, str]) -> None:
    """Write files, each whole or not at all, with the folders that they need."""
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            if path.read_text() == text:
                continue
        unfinished = path.with_name(f".{path.name}.unfinished")
        unfinished.write_text(text)
        unfinished.replace(path)


async def _first(
    gone: "asyncio.Task[int]", other: Coroutine[Any, Any, Any], seconds: float | None = None
) -> None:
    """Return when a process is gone, or the other thing happened, or the time is over."""
    task = asyncio.create_task(other)
    try:
        await asyncio.wait({gone, task}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        task.cancel()


async def _stop(process: asyncio.subprocess.Process, gone: "asyncio.Task[int]") -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    await asyncio.wait({gone}, timeout=STOP_SECONDS)
    if not gone.done():
        _kill_group(process.pid)
        await gone


def _kill_group(pid: int) -> None:
    """Kill what a program started and left behind."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
