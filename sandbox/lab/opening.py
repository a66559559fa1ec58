"""A lab opened from a terminal, and followed until Ctrl-C: `dualstack sandbox lab open`."""

import json
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Final

import httpx
from pydantic import TypeAdapter

from sandbox.clouds.control import PATH
from sandbox.invoker import give_to_invoker
from sandbox.lab.command import FAILED, WRONG_USE, LabSandbox, folder_of, stop
from sandbox.lab.door import LabError, OpenHost
from sandbox.lab.lab import OUTPUTS, Lab, faults
from sandbox.lab.plan.addresses import leads
from sandbox.lab.plan.hosts import CHECKERS, CLIENTS
from sandbox.lab.read import ReadError
from sandbox.lab.world import HOSTS
from sandbox.tables import table_lines

QUIET_SECONDS: Final = 1.5
"""How long nothing must change until the stack's outputs are read again: a deployment has many
changes, and its outputs are there when it is over."""


@dataclass(frozen=True)
class Opened:
    """A lab that was just opened."""

    folder: Path
    """Its folder."""
    seconds: float
    """How long it took."""
    fault: str
    """What does not run of what is deployed; empty: all does."""
    hosts: tuple[OpenHost, ...]
    """The hosts."""
    names: Mapping[str, tuple[str, ...]]
    """Addresses of load balancers and distributions, by DNS name."""
    unsupported: tuple[str, ...]
    """What the lab cannot stand in for."""
    example: str
    """A name that the edge answers."""


Tell = Callable[[Opened | str], None]
"""Tells that a lab was opened, and then, a line each, what changes."""

OPENED: Final = TypeAdapter(Opened)


def _tell_json(what: Opened | str) -> None:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    fields = {"event": what} if isinstance(what, str) else OPENED.dump_python(what, mode="json")
    print(json.dumps({"at": now, **fields}), flush=True)


def _tell(what: Opened | str) -> None:
    if isinstance(what, Opened):
        show(what)
    else:
        print(f"{time.strftime('%H:%M:%S')} {what}", flush=True)


def open_and_follow(sandbox: LabSandbox, *, as_json: bool = False) -> None:
    """Open the lab of what is deployed; tell who is where and what changes, until Ctrl-C."""
    tell = _tell_json if as_json else _tell
    if missing := {"aws", "digitalocean"} - set(sandbox.urls):
        stop(
            f"Not running: {' and '.join(sorted(missing))} of the sandbox; the lab is of what is "
            "deployed there. Deploy first: make up",
            WRONG_USE,
        )
    if reasons := faults():
        stop("\n".join(reasons), WRONG_USE)
    events: SimpleQueue[str] = SimpleQueue()
    # SIGTERM closes the lab as Ctrl-C does; nothing else needs to.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    began = time.monotonic()
    try:
        with Lab.open(
            sandbox.urls["aws"], sandbox.urls["digitalocean"], folder_of(sandbox), say=events.put
        ) as lab:
            fault = ""  # a lab of which a part does not run is open all the same
            try:
                lab.settle()
            except LabError as error:
                fault = str(error)
            hostnames = _write_outputs(sandbox, lab)
            _tell_cloud(sandbox, lab)
            names = leads(lab.deployed, lab.settings).items()
            tell(
                Opened(
                    lab.folder,
                    round(time.monotonic() - began, 1),
                    fault,
                    tuple(lab.hosts.values()),
                    {name: (*ipv4, *ipv6) for name, (ipv4, ipv6) in names},
                    tuple(lab.unsupported()),
                    *hostnames[:1] or ["NAME"],
                )
            )
            _follow(sandbox, lab, events, tell)
    except KeyboardInterrupt:
        print("\nThe lab is closed; nothing of it is left.", file=sys.stderr)
    except (LabError, ReadError) as fault:
        stop(str(fault), FAILED)
    finally:
        give_to_invoker(folder_of(sandbox))


def _follow(sandbox: LabSandbox, lab: Lab, events: "SimpleQueue[str]", tell: Tell) -> None:
    fresh = False
    while True:
        try:
            line = events.get(timeout=QUIET_SECONDS)
        except Empty:
            lab.status()  # a lab that has ended says so
            if fresh:
                _write_outputs(sandbox, lab)
                _tell_cloud(sandbox, lab)
            fresh = False
        else:
            fresh = True
            tell(line)


def _tell_cloud(sandbox: LabSandbox, lab: Lab) -> None:
    """Tell the local AWS what the checkers see, for `GetHealthCheckStatus`."""
    try:
        health = json.loads((lab.folder / HOSTS / CHECKERS / "health.json").read_bytes())
        httpx.put(f"{sandbox.urls['aws']}{PATH}settings", json={"health": health})
    except (FileNotFoundError, httpx.HTTPError):
        return  # no checks, or no cloud any more: the lab says so itself


def _write_outputs(sandbox: LabSandbox, lab: Lab) -> list[str]:
    """Write the stack's outputs into the lab's folder, where `dualstack verify` finds them.

    Returns:
        The hostnames in them; none where there are no outputs.
    """
    done = sandbox.outputs()
    if done is None or done.returncode != 0:
        return []
    unfinished = lab.folder / f".{OUTPUTS}"
    unfinished.write_text(done.stdout)
    unfinished.replace(lab.folder / OUTPUTS)
    return json.loads(done.stdout).get("hostnames", [])


def show(opened: Opened) -> None:
    """Print who is where, what the lab cannot stand in for, and how to go in."""
    hosts = [(host.name, host.role, " ".join(host.addresses)) for host in opened.hosts]
    names = [(name, " ".join(addresses)) for name, addresses in opened.names.items()]
    folder, lacks = opened.folder, opened.unsupported
    ready = f"The lab is open, after {opened.seconds:.1f} s. Ctrl-C ends it."
    print(
        *table_lines(("host", "what it is", "addresses"), hosts, ("what it is", "addresses")),
        "",
        *table_lines(("load balancer or distribution", "addresses"), names, ("addresses",)),
        "\nNot in the lab:" if lacks else "\nEverything deployed is in the lab.",
        *(f"  {line}" for line in lacks),
        "\nEnter a client from another terminal:",
        *(f"  .venv/bin/dualstack sandbox lab enter {client.name}" for client in CLIENTS),
        f"There, `curl https://{opened.example}/echo` trusts the lab, and this tries everything:\n"
        f"  dualstack verify --outputs {folder / OUTPUTS} --echo /echo --allow-unsafe\n"
        f"Logs of every program: {folder / 'hosts'}\n\n"
        f"{opened.fault or ready}",
        sep="\n",
        flush=True,
    )
