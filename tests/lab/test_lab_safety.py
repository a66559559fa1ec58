"""A lab touches nothing outside of it, is nobody else's to look into, and bears with nonsense."""

import json
import os
import signal
import socket
import stat
import subprocess
from pathlib import Path
from typing import Any

import psutil
import pytest

from sandbox.clouds.background import Cloud
from sandbox.lab.door import SOCKET, LabError
from sandbox.lab.lab import Lab
from sandbox.lab.lab_settings import LabSettings
from sandbox.lab.world import DEPLOYED
from support.engine import Stack
from support.lab import left_of, namespaces
from support.namespaces import own_network
from support.scene import opened, prepared
from support.waiting import wait_until

NONSENSE = (
    b"\n",
    b"{\n",
    b"\xff\xfe\0\n",
    b"null\n",
    b"[]\n",
    b'"do"\n',
    b"{}\n",
    b'{"do": "dance"}\n',
    b'{"do": ["apply"]}\n',
    b'{"do": "apply"}\n',
    b'{"do": "apply", "deployed": 1}\n',
    b'{"do": "apply", "deployed": {"zones": [{}]}}\n',
    b'{"do": "set", "settings": {"edge_nodes": "many"}}\n',
    b'{"do": "set", "settings": {"propagation_seconds": NaN}}\n',
    b'{"do": "status", "since": null}\n',
    b'{"do": "status", "since": 1e999}\n',
    b"[" * 100_000 + b"\n",
)


def talk(folder: Path, line: bytes) -> bytes:
    """Return the answer to a line; nothing where the world hangs up."""
    descriptor = os.open(folder, os.O_PATH)
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(30)
            connection.connect(f"/proc/self/fd/{descriptor}/{SOCKET}")
            connection.sendall(line)
            with connection.makefile("rb") as answers:
                return answers.readline()
    finally:
        os.close(descriptor)


def test_what_is_no_question_is_answered_so_and_changes_nothing(lab: Lab) -> None:
    before = lab.status()
    for line in NONSENSE:
        assert list(json.loads(talk(lab.folder, line))) == ["error"], line
    after = lab.status()
    assert (after["serial"], after["settled"]) == (before["serial"], True)
    assert lab.settings == LabSettings()


def test_what_cannot_be_made_is_told_and_what_runs_stays(lab: Lab) -> None:
    hosts = lab.hosts
    odd = {"name": "a/../b", "id": 7, "ipv4": "", "ipv6": "", "ipv6_gateway": ""}
    more: dict[str, Any] = {"ipv6_prefix_length": 0, "metadata": {}, "firewalls": []}
    deployed = {"droplets": [{**odd, **more, "reserved_ipv6": "", "user_data": "", "image": ""}]}
    running = DEPLOYED.dump_python(lab.deployed, mode="json")
    try:
        hand_over(lab.folder, deployed)
        wait_until(lambda: bool(lab.status()["fault"]))
        assert "The name of a host is 'droplet-a/../b'" in lab.status()["fault"]
        assert lab.hosts == hosts
    finally:
        hand_over(lab.folder, running)
    lab.settle()
    assert lab.status()["fault"] == ""


def hand_over(folder: Path, deployed: Any) -> None:
    """Tell the world that something is deployed."""
    question = {"do": "apply", "deployed": deployed}
    assert "serial" in json.loads(talk(folder, json.dumps(question).encode() + b"\n"))


def test_nobody_else_may_look_into_a_lab(lab: Lab) -> None:
    for path in (lab.folder, lab.folder / "trust"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    for path in [lab.folder / SOCKET, *lab.folder.glob("trust/**/*key*")]:
        assert path.stat().st_uid == os.geteuid()
        assert not stat.S_IMODE(path.stat().st_mode) & 0o022, path
    keys = [*lab.folder.glob("trust/*.key"), *lab.folder.glob("trust/issued/*/key.pem")]
    assert len(keys) > 1
    assert {stat.S_IMODE(key.stat().st_mode) for key in keys} == {0o600}


def network() -> list[str]:
    """Return all that there is to a network that somebody could have changed."""
    commands = (
        ["ip", "-oneline", "link"],
        *(["ip", family, *what] for family in ("-4", "-6") for what in (["address"], ["rule"])),
        *(["ip", family, "route", "show", "table", "all"] for family in ("-4", "-6")),
        ["nft", "list", "ruleset"],
    )
    shown = [subprocess.check_output(command, text=True) for command in commands]
    kept = [
        Path("/proc/sys/net", name).read_text()
        for name in (
            "ipv4/ip_forward",
            "ipv4/conf/all/rp_filter",
            "ipv6/conf/all/forwarding",
            "ipv6/conf/all/disable_ipv6",
            "ipv6/conf/all/accept_dad",
        )
    ]
    return shown + kept


def test_the_network_and_the_mounts_outside_stay_as_they_are(tmp_path: Path) -> None:
    # In a network of its own, so that nobody else changes it meanwhile.
    with own_network():
        before = network()
        with prepared(tmp_path) as stack_and_clouds, opened(stack_and_clouds, tmp_path) as scene:
            scene.lab.settle()
            assert network() == before
            assert str(tmp_path) not in Path("/proc/self/mountinfo").read_text()
        assert network() == before


def test_a_world_that_is_killed_while_it_makes_the_lab_leaves_nothing(
    stack: Stack, clouds: tuple[Cloud, Cloud], tmp_path: Path
) -> None:
    assert stack.outputs()
    inside: set[str] = set()
    with Lab.open(clouds[0].url, clouds[1].url, tmp_path) as lab:
        first = psutil.Process(lab.pid)

        def some_hosts_are_there() -> bool:
            pids = [first.pid, *(child.pid for child in first.children(recursive=True))]
            inside.update(namespaces(pids))
            return len([one for one in inside if one.startswith("net:")]) > 3

        wait_until(some_hosts_are_there)
        os.kill(lab.pid, signal.SIGKILL)
        assert left_of(inside) == set()
        with pytest.raises(LabError, match=r"does not answer; it has ended"):
            lab.status()
    with Lab.open(clouds[0].url, clouds[1].url, tmp_path) as lab:
        lab.settle()
