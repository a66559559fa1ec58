"""`dualstack sandbox lab`: the lab opened, entered and changed from a terminal."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Annotated, Final, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from sandbox.lab.lab import OUTPUTS, Door, HostSeen, Lab, LabError, NotSettledError, faults
from sandbox.lab.plan import CLIENTS, changed, leads
from sandbox.lab.read import ReadError

FAILED, WRONG_USE = 1, 2

QUIET_SECONDS: Final = 1.5
"""How long nothing must change until the stack's outputs are read again: a deployment has many
changes, and its outputs are there when it is over."""

OUTPUT_SECONDS: Final = 60.0


@dataclass(frozen=True)
class Surroundings:
    """The sandbox that a lab is of."""

    home: Path
    """The folder of everything it writes."""
    urls: Mapping[str, str]
    """Where its clouds listen, by name; one that does not run is missing."""
    outputs: Callable[[], subprocess.CompletedProcess[str] | None]
    """Prints the stack's outputs as JSON; None where there is no engine."""


def build(surroundings: Callable[[], Surroundings]) -> typer.Typer:
    """Return the command.

    Args:
        surroundings: Finds the sandbox; called when a verb runs.
    """
    app = typer.Typer(
        help="The deployed edge with packets in it: hosts, clients, DNS, and you among them.",
        no_args_is_help=True,
    )

    @app.command("open")
    def open_lab() -> None:  # pyright: ignore[reportUnusedFunction] - typer keeps it
        """Open the lab of what is deployed, tell who is where and what changes, until Ctrl-C."""
        _open(surroundings())

    @app.command(
        "enter", context_settings={"allow_interspersed_args": False, "ignore_unknown_options": True}
    )
    def enter(  # pyright: ignore[reportUnusedFunction]
        host: Annotated[str, typer.Argument(help="A client, or any other host.", metavar="CLIENT")],
        command: Annotated[
            list[str] | None, typer.Argument(help="What to run there; default: a shell.")
        ] = None,
    ) -> None:
        """Run a shell or a command on a client, or on any other host, of the lab that is open."""
        _enter(_folder(surroundings()), host, command or [])

    @app.command("set", context_settings={"ignore_unknown_options": True})
    def set_value(  # pyright: ignore[reportUnusedFunction]
        name: Annotated[str, typer.Argument(help="Which setting, e.g. edge-nodes or mtu.edge-1.")],
        value: Annotated[str, typer.Argument(help="Its value; empty for the default.")],
    ) -> None:
        """Change something that is not deployed anywhere: edge-nodes, propagation-seconds, ….

        least-ttl-seconds, load-balancer-addresses.NAME, mtu.HOST, down (hosts off the network),
        expired-certificates, proxy-protocol, allow; lists are separated by commas.
        """
        _set(_folder(surroundings()), name, value)

    return app


def _folder(found: Surroundings) -> Path:
    return found.home / "lab"


def _stop(message: str, code: int) -> NoReturn:
    print(message, file=sys.stderr, flush=True)
    raise typer.Exit(code)


def _open(found: Surroundings) -> None:
    if missing := {"aws", "digitalocean"} - set(found.urls):
        _stop(
            f"Not running: {' and '.join(sorted(missing))} of the sandbox; the lab is of what is "
            "deployed there. Deploy first: make up",
            WRONG_USE,
        )
    if reasons := faults():
        _stop("\n".join(reasons), WRONG_USE)
    told: SimpleQueue[str] = SimpleQueue()
    # SIGTERM closes the lab as Ctrl-C does; nothing else needs to.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    began = time.monotonic()
    try:
        with Lab.open(
            found.urls["aws"], found.urls["digitalocean"], _folder(found), say=told.put
        ) as lab:
            fault = _settle(lab)
            _write_outputs(found, lab)
            names = leads(lab.deployed, lab.settings)
            show(lab.hosts.values(), names, lab.unsupported(), lab.folder)
            spent = time.monotonic() - began
            print(fault or f"The lab is open, after {spent:.1f} s. Ctrl-C ends it.", flush=True)
            _follow(found, lab, told)
    except KeyboardInterrupt:
        print("\nThe lab is closed; nothing of it is left.")
    except (LabError, ReadError) as fault:
        _stop(str(fault), FAILED)


def _settle(lab: Lab) -> str:
    """Wait for the lab; one of which a part does not run is open all the same."""
    try:
        lab.settle()
    except LabError as fault:
        return str(fault)
    return ""


def _follow(found: Surroundings, lab: Lab, told: "SimpleQueue[str]") -> None:
    fresh = False
    while True:
        try:
            line = told.get(timeout=QUIET_SECONDS)
        except Empty:
            lab.status()  # a lab that has ended says so
            if fresh:
                _write_outputs(found, lab)
            fresh = False
        else:
            fresh = True
            print(f"{time.strftime('%H:%M:%S')} {line}", flush=True)


def _write_outputs(found: Surroundings, lab: Lab) -> None:
    """Write the stack's outputs into the lab's folder, where `dualstack verify` finds them."""
    done = found.outputs()
    if done is not None and done.returncode == 0:
        unfinished = lab.folder / f".{OUTPUTS}"
        unfinished.write_text(done.stdout)
        unfinished.replace(lab.folder / OUTPUTS)


def show(
    hosts: Iterable[HostSeen],
    names: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]],
    unsupported: Iterable[str],
    folder: Path,
) -> None:
    """Print who is where, what the lab cannot stand in for, and how to go in.

    Args:
        hosts: The hosts.
        names: IPv4 and IPv6 addresses of load balancers and distributions, by DNS name.
        unsupported: What the lab cannot stand in for.
        folder: The lab's folder.
    """
    console = Console(
        width=None if sys.stdout.isatty() else 200, emoji=False, markup=False, highlight=False
    )
    _print_table(
        console,
        ("host", "what it is", "addresses"),
        ((host.name, host.role, " ".join(host.addresses)) for host in hosts),
    )
    console.print()
    _print_table(
        console,
        ("load balancer or distribution", "addresses"),
        ((name, " ".join((*ipv4, *ipv6))) for name, (ipv4, ipv6) in names.items()),
    )
    lines = list(unsupported)
    console.print("\nNot in the lab:" if lines else "\nEverything deployed is in the lab.")
    for line in lines:
        console.print(f"  {line}", soft_wrap=True)
    console.print("\nEnter a client from another terminal:")
    for client in CLIENTS:
        console.print(f"  .venv/bin/dualstack sandbox lab enter {client.name}", soft_wrap=True)
    console.print(
        "There, `curl https://api.example.com/echo` trusts the lab, and this tries everything:\n"
        f"  dualstack verify --outputs {folder / OUTPUTS} --echo /echo --allow-unsafe\n"
        f"Logs of every program: {folder / 'hosts'}\n",
        soft_wrap=True,
    )


def _print_table(console: Console, columns: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*row)
    console.print(table)


def _enter(folder: Path, host: str, command: list[str]) -> None:
    if command[:1] == ["--"]:  # where others, such as ssh and nsenter, want it
        command = command[1:]
    try:
        line = Door.find(folder).command(
            host,
            *(command or [os.environ.get("SHELL", "/bin/sh")]),
            env={"debian_chroot": host},  # what Debian's shells show in front of their prompt
        )
    except LabError as fault:
        _stop(str(fault), WRONG_USE)
    os.execv(line[0], line)  # noqa: S606 - the terminal becomes the host's


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
        _stop(str(fault), FAILED)
    except (ValueError, LabError) as fault:
        _stop(str(fault), WRONG_USE)
    print(json.dumps({name: value}))
