"""`dualstack sandbox lab`: the lab opened, entered and changed from a terminal."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, NoReturn

import typer

from sandbox.lab import cloud_reach
from sandbox.lab.door import Door, LabError, NotSettledError
from sandbox.lab.droplet import kernel
from sandbox.lab.lab_settings import changed

FAILED, WRONG_USE = 1, 2

OUTPUT_SECONDS: Final = 60.0

PASSED_ON: Final = {signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM}
"""Signals for the command that is run on a host."""

SENT_BY_KERNEL: Final = 0x80
"""Source: Linux, include/uapi/asm-generic/siginfo.h, SI_KERNEL."""


@dataclass(frozen=True)
class LabSandbox:
    """The sandbox that a lab is of."""

    home: Path
    """The folder of everything it writes."""
    urls: Mapping[str, str]
    """Where its clouds listen, by name; one that does not run is missing."""
    outputs: Callable[[], subprocess.CompletedProcess[str] | None]
    """Prints the stack's outputs as JSON; None where there is no engine."""


def build(surroundings: Callable[[], LabSandbox]) -> typer.Typer:
    """Return the command.

    Args:
        surroundings: Finds the sandbox; called when a verb runs.
    """
    app = typer.Typer(
        help="The deployed edge with packets in it: hosts, clients, DNS, and you among them.",
        no_args_is_help=True,
    )

    @app.command("open")
    def open_lab(  # pyright: ignore[reportUnusedFunction] - typer keeps it
        *,
        as_json: Annotated[
            bool,
            typer.Option(
                "--json", help="Print JSON to standard output, an object a line, the lab first."
            ),
        ] = False,
    ) -> None:
        """Open the lab of what is deployed, tell who is where and what changes, until Ctrl-C."""
        from sandbox.lab.opening import open_and_follow  # noqa: PLC0415 - slower than the door

        open_and_follow(surroundings(), as_json=as_json)

    @app.command(
        "enter", context_settings={"allow_interspersed_args": False, "ignore_unknown_options": True}
    )
    def enter(  # pyright: ignore[reportUnusedFunction]
        host: Annotated[str, typer.Argument(help="A client, or any other host.", metavar="CLIENT")],
        command: Annotated[
            list[str] | None,
            typer.Argument(help="What to run there; default: a shell.", metavar="COMMAND"),
        ] = None,
    ) -> None:
        """Run a shell or a command on a client, or on any other host, of the lab that is open."""
        sandbox = surroundings()
        _enter(folder_of(sandbox), host, command or [], sandbox.urls)

    @app.command("show")
    def show_lab(  # pyright: ignore[reportUnusedFunction]
        *,
        as_json: Annotated[
            bool, typer.Option("--json", help="Print one JSON object to standard output.")
        ] = False,
    ) -> None:
        """Print the lab that is open: hosts, what was set, certificates, what is deployed, logs."""
        from sandbox.lab.showing import show  # noqa: PLC0415 - `enter` is quicker without it

        try:
            show(folder_of(surroundings()), as_json=as_json)
        except LabError as fault:
            stop(str(fault), FAILED)

    @app.command("set", context_settings={"ignore_unknown_options": True})
    def set_value(  # pyright: ignore[reportUnusedFunction]
        name: Annotated[
            str,
            typer.Argument(help="Which setting, e.g. edge-nodes or mtu.edge-1.", metavar="NAME"),
        ],
        value: Annotated[
            str, typer.Argument(help="Its value; empty for the default.", metavar="VALUE")
        ],
    ) -> None:
        """Change something that is not deployed anywhere: edge-nodes, propagation-seconds, ….

        least-ttl-seconds, load-balancer-addresses.NAME, mtu.HOST, down (hosts off the network),
        expired-certificates, proxy-protocol, allow; lists are separated by commas.
        """
        _set(folder_of(surroundings()), name, value)

    return app


def folder_of(sandbox: LabSandbox) -> Path:
    """Return the folder of a sandbox's lab."""
    return sandbox.home / "lab"


def stop(message: str, code: int) -> NoReturn:
    """Say what is wrong and end with an exit code."""
    print(message, file=sys.stderr, flush=True)
    raise typer.Exit(code)


def _enter(folder: Path, host: str, command: list[str], urls: Mapping[str, str]) -> None:
    if command[:1] == ["--"]:  # where others, such as ssh and nsenter, want it
        command = command[1:]
    try:
        door = Door.find(folder)
        line = door.command(
            host,
            *(command or [os.environ.get("SHELL", "/bin/sh")]),
            # Debian's shells show the first in front of their prompt.
            env={"debian_chroot": host, **cloud_reach.variables(urls)},
            pids=False,
        )
        inside = door.hosts[host].pid
    except LabError as fault:
        stop(str(fault), WRONG_USE)
    # Before what is run is born into another PID namespace: this process then has no more threads.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD, *PASSED_ON})
    cloud_reach.reach(urls.values(), inside)
    kernel.children_in_pids_of(str(door.pid))
    raise typer.Exit(_carried_out(line))


def _carried_out(line: list[str]) -> int:
    """Run a command, pass signals on to it, and return its exit code.

    `nsenter --pid` would stay between, and end of a signal without passing it on. What the terminal
    sends, as Ctrl-C, the command has already.
    """
    child = os.posix_spawn(line[0], line, os.environ, setsigmask=())
    while not (ended := os.waitpid(child, os.WNOHANG))[0]:
        info = signal.sigwaitinfo({signal.SIGCHLD, *PASSED_ON})
        if info.si_signo in PASSED_ON and info.si_code != SENT_BY_KERNEL:
            os.kill(child, info.si_signo)
    code = os.waitstatus_to_exitcode(ended[1])
    return code if code >= 0 else 128 - code


def _set(folder: Path, name: str, value: str) -> None:
    try:
        door = Door.find(folder)
        before = door.settings
        settings = changed(before, name, value)
        for host in {*settings.mtu, *settings.down} - {*before.mtu, *before.down}:
            door.command(host)  # says which there are if there is none of that name
        door.set(settings)
        door.wait()
    except NotSettledError as fault:
        stop(str(fault), FAILED)
    except (ValueError, LabError) as fault:
        stop(str(fault), WRONG_USE)
    print(json.dumps({name: value}))
