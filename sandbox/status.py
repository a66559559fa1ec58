"""What the sandbox tells `dualstack status`: its clouds, its lab, and the stack that it keeps.

The shapes are those of `rollout/status/room.py`, which is not imported here.
"""

import os
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.cli import CLOUDS, clouds_of, here, variables_of
from sandbox.engine import find
from sandbox.engine.shell import STACK
from sandbox.lab.showing import shown

Section = dict[str, Any]


def sections(_request: object) -> Mapping[str, Callable[[], Section]]:
    """Return what asks for each section."""
    return {"sandbox": _sandbox, "lab": _lab}


def stacks() -> Mapping[str, Section]:
    """Return the stack of a sandbox that is up, with what leads there."""
    shell = here()
    clouds = clouds_of(shell)
    if len(clouds) < len(CLOUDS):
        return {}
    variables = shell.environment(find.present(os.environ), variables_of(clouds))
    return {STACK: {"folder": str(shell.project), "variables": variables}}


def _sandbox() -> Section:
    shell = here()
    clouds = clouds_of(shell)
    if not clouds:
        return {"state": "ok", "lines": [("up", False), ("to start it", "make up")]}
    lines: list[tuple[str, Any]] = [("up", True), ("folder", str(shell.home))]
    for cloud in clouds:
        lines += [(cloud.name, cloud.url), (f"{cloud.name} log", str(cloud.log))]
    missing = ", ".join(set(CLOUDS) - {cloud.name for cloud in clouds})
    note = f"Cloud {missing} is not running; both have to. Start it again: make up"
    state, notes = ("attention", [note]) if missing else ("ok", [])
    return {"state": state, "lines": lines, "notes": notes}


def _lab() -> Section:
    lab = shown(here().home / "lab")
    if lab is None:
        return {"state": "ok", "lines": [("open", False), ("to open it", "make lab")]}
    lines = [("open", True), *((what, lab[what]) for what in ("since", "settings", "logs"))]
    lines.insert(2, ("hosts", [host["name"] for host in lab["hosts"]]))
    see = "See: dualstack sandbox lab show"
    notes = [
        f"Host {host['name']} is {', '.join(host['faults'])}; it should be up. {see}"
        for host in lab["hosts"]
        if not host["up"]
    ]
    if lab["fault"]:
        notes.append(f"The lab is not what is deployed; it should be. {lab['fault']}")
    return {"state": "attention" if notes else "ok", "lines": lines, "notes": notes}
