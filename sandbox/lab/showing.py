"""What an open lab is at this moment, for `lab show` and `dualstack status`."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from sandbox.lab.door import Door, LabError
from sandbox.lab.lab_settings import SETTINGS, LabSettings


def shown(folder: Path) -> dict[str, Any] | None:
    """Return the lab that is open in a folder, as docs/lab.md says; None: none is.

    Raises:
        LabError: It does not answer.
    """
    try:
        door = Door.find(folder)
    except LabError:
        return None
    status, hosts = door.status(), door.hosts.values()
    door.disconnect()
    default = SETTINGS.dump_python(LabSettings(), mode="json")
    changed = {name: own for name, own in status["settings"].items() if own != default[name]}
    since = datetime.fromtimestamp(psutil.Process(door.pid).create_time(), UTC)
    faults = {host.name: _faults(host.name, status) for host in hosts}
    return {
        "folder": str(folder),
        "since": f"{since:%Y-%m-%dT%H:%M:%SZ}",
        "settled": status["settled"],
        "fault": status["fault"],
        "settings": {name.replace("_", "-"): own for name, own in changed.items()},
        "hosts": [
            {
                "name": host.name,
                "role": host.role,
                "addresses": list(host.addresses),
                "up": not faults[host.name],
                "faults": faults[host.name],
            }
            for host in hosts
        ],
        "certificates": status["certificates"],
        "deployed": status["deployed"],
        "logs": str(folder / "hosts"),
    }


def _faults(name: str, status: Mapping[str, Any]) -> list[str]:
    off = ["off the network"] if name in status["settings"]["down"] else []
    return off + [
        f"{each['name']} is {each['state']}"
        for each in status["programs"]
        if each["host"] == name and not each["settled"]
    ]


def show(folder: Path, *, as_json: bool) -> None:
    """Print the lab that is open in a folder, or in one line that none is."""
    lab = shown(folder)
    if as_json:
        print(json.dumps({"open": lab is not None, **(lab or {})}, indent=2))
    elif lab is None:
        print(f"No lab is open in {folder}. Open one: make lab")
    else:
        settled = "all that is deployed runs" if lab["settled"] else "a change is under way"
        print(f"Open since {lab['since']} in {folder}; {lab['fault'] or settled}.\n")
        width = max(len(host["name"]) for host in lab["hosts"])
        for host in lab["hosts"]:
            state = "up" if host["up"] else f"down ({', '.join(host['faults'])})"
            print(f"{host['name']:{width}}  {state}  {' '.join(host['addresses'])}  {host['role']}")
        print()
        for name, value in lab["settings"].items():
            print(f"Set: {name} {json.dumps(value)}")
        for names, how in lab["certificates"].items():
            print(f"Certificate, {how}: {names}")
        for thing in lab["deployed"]:
            print(f"Deployed: {thing}")
        print(f"Logs of every program: {lab['logs']}")
