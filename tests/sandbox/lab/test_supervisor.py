"""Programs are kept running, each as it should be now."""

import asyncio
import sys
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil

from sandbox.lab.program import Program
from sandbox.lab.supervisor import Kept, Supervisor, write_files
from support.waiting import PATIENCE_SECONDS

DAEMON = """
import pathlib, signal, sys, time
file, notes = map(pathlib.Path, sys.argv[1:])
def note(line):
    with notes.open("a") as out:
        out.write(line + "\\n")
signal.signal(signal.SIGHUP, lambda *_: note("hup " + file.read_text()))
signal.signal(signal.SIGTERM, lambda *_: (note("term"), sys.exit(0)))
note("start " + file.read_text())
while True:
    time.sleep(0.01)
"""
"""Notes when it starts, is told to read its file again, or to end."""


class Here:
    """Hosts that are all this one."""

    def __init__(self) -> None:
        """Be there."""
        self.lost: tuple[str, ...] = ()
        """The command that finds its host gone; none: no host is ever gone."""

    def inside(self, name: str, *command: str) -> tuple[str, ...]:
        """Return the command itself."""
        assert name == "here"
        if command == self.lost:
            raise KeyError(name)
        return command


@dataclass
class Yard:
    """A supervisor, and a daemon for it."""

    folder: Path
    messages: list[str] = field(default_factory=list[str])
    hosts: Here = field(default_factory=Here)
    supervisor: Supervisor = field(init=False)

    def __post_init__(self) -> None:
        self.supervisor = Supervisor(self.hosts, self.folder, self.messages.append)

    def daemon(self, text: str, **fields: object) -> Program:
        """Return a daemon whose file has some text."""
        notes, file = self.folder / "told", self.folder / "file"
        made = Program(
            name="daemon",
            host="here",
            command=(sys.executable, "-c", DAEMON, str(file), str(notes)),
            files={file: text},
            ready=("/usr/bin/test", "-s", str(notes)),
        )
        return replace(made, **fields)  # pyright: ignore[reportArgumentType]

    @property
    def notes(self) -> list[str]:
        """What the daemon noted."""
        return (self.folder / "told").read_text().splitlines()

    @property
    def kept(self) -> Kept:
        """The daemon as it is kept."""
        return self.supervisor.kept["here", "daemon"]

    async def until(self, reached: Callable[[], bool]) -> None:
        """Wait until something is true."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not reached():
            assert time.monotonic() < deadline, (self.messages, self.kept)
            await asyncio.sleep(0.01)

    async def make(self, *programs: Program) -> None:
        """Have these programs, and wait until they are ready."""
        await self.supervisor.apply(programs)
        await self.until(lambda: all(kept.settled for kept in self.supervisor.kept.values()))


@asynccontextmanager
async def yard(folder: Path) -> AsyncGenerator[Yard]:
    """Have a yard of which nothing is left."""
    made = Yard(folder)
    try:
        yield made
    finally:
        await made.supervisor.end(list(made.supervisor.kept))


def test_a_program_starts_with_its_files_and_is_told_to_end(tmp_path: Path) -> None:
    async def scene() -> None:
        async with yard(tmp_path) as here:
            await here.make(here.daemon("one"))
            assert here.notes == ["start one"]
            await here.make()
            assert here.notes == ["start one", "term"]
            assert here.messages == []

    asyncio.run(scene())


def test_what_a_program_reports_when_it_is_ready_is_said(tmp_path: Path) -> None:
    report = tmp_path / "report"
    report.write_text("one thing failed\nanother failed\n")

    async def scene() -> None:
        async with yard(tmp_path) as here:
            await here.make(here.daemon("one", report=report))
            assert here.messages == [
                "daemon on here: one thing failed",
                "daemon on here: another failed",
            ]
            await here.make(here.daemon("one", report=tmp_path / "nothing"))
            assert len(here.messages) == 2

    asyncio.run(scene())


def test_a_program_that_is_as_it_should_be_is_left_alone(tmp_path: Path) -> None:
    async def scene() -> None:
        async with yard(tmp_path) as here:
            await here.make(here.daemon("one"))
            await here.make(here.daemon("one"))
            await asyncio.sleep(0.1)
            assert here.notes == ["start one"]

    asyncio.run(scene())


def test_changed_files_are_taken_over_by_sighup(tmp_path: Path) -> None:
    async def scene() -> None:
        async with yard(tmp_path) as here:
            await here.make(here.daemon("one"))
            await here.make(here.daemon("two"))
            await here.until(lambda: len(here.notes) == 2)
            assert here.notes == ["start one", "hup two"]
            assert here.kept.starts == 1

    asyncio.run(scene())


def test_a_text_that_no_file_can_hold_is_told_and_mended_by_the_next(tmp_path: Path) -> None:
    async def scene() -> None:
        async with yard(tmp_path) as here:
            await here.supervisor.apply([here.daemon("\ud800")])
            await here.until(lambda: bool(here.messages))
            assert here.messages[0].startswith("daemon on here does not start: 'utf-8' codec can't")
            await here.make(here.daemon("one"))
            assert here.notes == ["start one"]

    asyncio.run(scene())


def test_changed_files_are_taken_over_by_a_command_that_does_it(tmp_path: Path) -> None:
    async def scene() -> None:
        async with yard(tmp_path) as here:
            command = ("/bin/sh", "-c", f"echo reloaded >> {tmp_path / 'told'}")
            await here.make(here.daemon("one", reload=command))
            await here.make(here.daemon("two", reload=command))
            assert here.notes == ["start one", "reloaded"]

    asyncio.run(scene())


def test_a_program_that_does_not_take_its_files_is_started_anew(tmp_path: Path) -> None:
    async def scene() -> None:
        async with yard(tmp_path) as here:
            await here.make(here.daemon("one", reload=("/bin/false",)))
            await here.make(here.daemon("two", reload=("/bin/false",)))
            await here.until(lambda: len(here.notes) == 3)
            assert here.notes == ["start one", "term", "start two"]
            (message,) = here.messages
            assert message == (
                "daemon on here does not take its changed files: /bin/false ended with 1; it is "
                f"started anew. Its log is {tmp_path / 'here/daemon.log'}."
            )

    asyncio.run(scene())


def test_another_command_is_another_program(tmp_path: Path) -> None:
    async def scene() -> None:
        async with yard(tmp_path) as here:
            first = here.daemon("one")
            await here.make(first)
            await here.make(replace(first, command=(sys.executable, "-u", *first.command[1:])))
            await here.until(lambda: len(here.notes) == 3)
            assert here.notes == ["start one", "term", "start one"]

    asyncio.run(scene())


def test_a_program_that_died_is_started_again_and_told_of(tmp_path: Path) -> None:
    async def scene() -> None:
        async with yard(tmp_path) as here:
            await here.make(here.daemon("one"))
            psutil.Process(here.kept.pid).kill()
            await here.until(lambda: here.kept.starts == 2 and here.kept.settled)
            (message,) = here.messages
            assert message == (
                "daemon on here ended with -9; it is started again in 0.25 s. "
                f"Its log is {tmp_path / 'here/daemon.log'}."
            )

    asyncio.run(scene())


def test_a_change_whose_files_cannot_be_written_is_told_of_and_tried_again(tmp_path: Path) -> None:
    async def scene() -> None:
        async with yard(tmp_path) as here:
            await here.make(here.daemon("one"))
            blocked = tmp_path / "blocked"
            blocked.write_text("no folder")
            changed = here.daemon("two")
            files = {**changed.files, blocked / "more": "more"}
            await here.supervisor.apply([replace(changed, files=files)])
            await here.until(lambda: len(here.messages) >= 2)
            assert not here.kept.settled
            assert here.messages[0].startswith("daemon on here was ended: [Errno ")
            assert "it is started again in 0.25 s. Its log is " in here.messages[0]
            assert here.messages[1].startswith("daemon on here does not start: [Errno ")
            blocked.unlink()
            await here.until(lambda: here.kept.settled and here.notes[-1] == "start two")
            await here.make()

    asyncio.run(scene())


def test_a_program_whose_host_goes_while_it_starts_is_told_of_and_tried_again(
    tmp_path: Path,
) -> None:
    async def scene() -> None:
        async with yard(tmp_path) as here:
            daemon = here.daemon("one")
            here.hosts.lost = daemon.ready
            await here.supervisor.apply([daemon])
            await here.until(lambda: bool(here.messages))
            assert here.messages[0].startswith(
                "daemon on here was ended: 'here'; it is started again"
            )
            assert not here.kept.settled
            here.hosts.lost = ()
            await here.until(lambda: here.kept.settled)
            await here.make()

    asyncio.run(scene())


def test_a_program_that_keeps_dying_is_not_settled_and_waits_longer_each_time(
    tmp_path: Path,
) -> None:
    async def scene() -> None:
        async with yard(tmp_path) as here:
            await here.supervisor.apply([here.daemon("one", command=("/bin/false",))])
            await here.until(lambda: len(here.messages) == 3)
            waits = [line.partition("again in ")[2].split()[0] for line in here.messages]
            assert waits == ["0.25", "0.5", "1"]
            assert not here.kept.settled
            # A change does not wait for the end of the pause.
            await here.make(here.daemon("one"))

    asyncio.run(scene())


def test_a_program_that_is_not_there_is_told_of_and_does_not_stop_the_others(
    tmp_path: Path,
) -> None:
    async def scene() -> None:
        async with yard(tmp_path) as here:
            missing = Program("missing", "here", (str(tmp_path / "missing"),))
            await here.supervisor.apply([missing, here.daemon("one")])
            await here.until(lambda: here.kept.settled)
            assert "missing on here does not start" in here.messages[0]

    asyncio.run(scene())


def test_whatever_a_program_started_ends_with_it(tmp_path: Path) -> None:
    async def scene() -> None:
        async with yard(tmp_path) as here:
            script = f"sleep 1000 & echo $! > {tmp_path / 'told'}; wait"
            await here.make(here.daemon("", command=("/bin/sh", "-c", script)))
            child = psutil.Process(int(here.notes[0]))
            await here.make()
            await here.until(
                lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
            )

    asyncio.run(scene())


def test_a_program_that_is_not_ready_yet_can_be_ended(tmp_path: Path) -> None:
    async def scene() -> None:
        async with yard(tmp_path) as here:
            await here.supervisor.apply([here.daemon("one", ready=("/bin/false",))])
            await here.until(lambda: here.kept.pid > 0)
            assert not here.kept.settled
            await here.make()

    asyncio.run(scene())


def test_a_file_that_says_the_same_is_not_written_again(tmp_path: Path) -> None:
    file = tmp_path / "folder" / "file"
    write_files({file: "text"})
    before = file.stat().st_ino
    write_files({file: "text"})
    assert file.stat().st_ino == before
    write_files({file: "other"})
    assert file.read_text() == "other"
    assert [entry.name for entry in file.parent.iterdir()] == ["file"]
