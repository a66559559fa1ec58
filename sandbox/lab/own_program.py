"""The lab's own programs: each has a typed configuration in a JSON file, and reads it on SIGHUP.

`own_program` renders the file and the command; in the module that the command runs, `main` reads
the file and hands its content to the program's `Service`, at the start and after each SIGHUP.

**When a program is ready.** A program that takes changes on SIGHUP answers all the time, so an
answer does not show which configuration it comes from. The program says so itself: once it serves a
configuration, it writes the file's checksum and its process id beside the file. The command that
the lab asks with compares the two, so a program that is gone, or has not yet taken the last change,
is not ready.
"""

import argparse
import asyncio
import os
import signal
import sys
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from pydantic import TypeAdapter

from sandbox.debian import find_program
from sandbox.lab.program import Program

NOT_STARTED: Final = 2
"""Exit code where the first configuration cannot be served."""

FAILED: Final = 1
"""Exit code where the service cannot go on."""

Config = TypeVar("Config")
Result = TypeVar("Result")


class ServiceError(RuntimeError):
    """A configuration cannot be served, or a service cannot go on; the message says why."""


class Service(ABC, Generic[Config]):
    """What a program does with its configuration."""

    @abstractmethod
    async def apply(self, config: Config) -> None:
        """Serve a configuration, and return once it is in force.

        Raises:
            OSError: It cannot be served; the one before stays in force.
            ServiceError: The same.
        """

    async def watch(self) -> None:
        """Run as long as the service does; cancelled when the configuration changes.

        Raises:
            ServiceError: The service cannot go on.
        """
        await asyncio.Event().wait()

    async def close(self) -> None:
        """End the service; called once, also where `apply` failed."""


def own_program(name: str, host: str, module_name: str, path: Path, config: object) -> Program:
    """Return a program of the lab's own.

    Args:
        name: What it is called in the lab.
        host: Host it runs on.
        module_name: Module that calls `main`, its name in full.
        path: File of its configuration.
        config: Its configuration: a dataclass or a pydantic model.
    """
    return Program(
        name=name,
        host=host,
        command=module(module_name, path),
        files={path: written(config)},
        ready=is_in_force(path),
    )


def module(name: str, config: Path) -> tuple[str, ...]:
    """Return the command that runs a module of the lab's, which reads its file again on SIGHUP.

    SIGHUP ends a process that has not said yet what it does about it. So it starts with the signal
    ignored; whatever is missed that way is in the file, which is read later. The folder in which a
    lab is opened may have a `sandbox` of its own, and `-P` keeps that out of sight.

    Args:
        name: The module's name in full.
        config: The file that it reads.
    """
    ignoring = (str(find_program("env")), "--ignore-signal=HUP")
    return (*ignoring, sys.executable, "-P", "-m", name, "--config", str(config))


def written(config: object) -> str:
    """Return a configuration as the text of its file."""
    return TypeAdapter[object](type(config)).dump_json(config, indent=1).decode() + "\n"


def is_in_force(path: Path) -> tuple[str, ...]:
    """Return a command that ends with 0 where a process runs that serves a file as it is now."""
    script = (
        '{ read -r sum pid; } < "$0.taken" && kill -0 "$pid" && '
        'test "$sum  -" = "$(sha256sum < "$0")"'
    )
    return ("/bin/sh", "-c", script, str(path))


def say_in_force(path: Path, content: bytes) -> None:
    """Say that this process serves a file.

    Args:
        path: The file.
        content: What was in it when it was read.
    """
    taken = path.with_name(f"{path.name}.taken")
    unfinished = taken.with_name(f".{taken.name}.unfinished")
    unfinished.write_text(f"{sha256(content).hexdigest()} {os.getpid()}\n")
    unfinished.replace(taken)


def main(config_type: type[Config], service: Service[Config]) -> None:
    """Be the program: serve the file that `--config` names until SIGTERM, then exit.

    Args:
        config_type: Type of the configuration.
        service: What is done with it.
    """
    parser = argparse.ArgumentParser(description=type(service).__doc__)
    parser.add_argument("--config", type=Path, required=True, help="configuration, JSON")
    path: Path = parser.parse_args().config
    sys.exit(asyncio.run(_serve(path, TypeAdapter(config_type), service)))


async def _serve(path: Path, adapter: TypeAdapter[Config], service: Service[Config]) -> int:
    reload, stop = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, reload.set)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    async def load() -> str:
        """Read the file and serve it; return why that failed, empty where it did not."""
        try:
            content = path.read_bytes()  # noqa: ASYNC240 - a small file on this machine
            await service.apply(adapter.validate_json(content))
        except (OSError, ValueError, ServiceError) as error:
            return f"{path} cannot be served: {error}"
        say_in_force(path, content)
        return ""

    async def follow() -> int:
        if fault := await load():
            _say(fault)
            return NOT_STARTED
        while True:
            await _until(reload, service.watch())
            reload.clear()
            if fault := await load():
                _say(f"The configuration before stays in force. {fault}")

    try:
        return await _until(stop, follow()) or 0
    except ServiceError as error:
        _say(f"The program cannot go on: {error}")
        return FAILED
    finally:
        await service.close()


async def _until(event: asyncio.Event, work: Coroutine[Any, Any, Result]) -> Result | None:
    """Do some work and return its result, or cancel it once an event is set and return None."""
    tasks = asyncio.create_task(work), asyncio.create_task(event.wait())
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return tasks[0].result() if tasks[0].done() else None
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
