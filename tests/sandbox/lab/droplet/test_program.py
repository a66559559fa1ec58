"""What the lab runs for a droplet."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from pydantic import TypeAdapter

from sandbox.debian import find_program
from sandbox.lab.deployed import Deployed
from sandbox.lab.droplet import programs, unsupported
from sandbox.lab.droplet.machine import files, services
from sandbox.lab.droplet.program import DropletConfig
from sandbox.lab.own_program import module
from support.droplet import NAMES, RESERVED, droplet
from support.waiting import wait_until

_FOLDER: Final = Path("/lab/a b")
_DROPLET: Final = droplet("#cloud-config\n", RESERVED)


def test_a_droplet_is_one_program_that_reads_one_file() -> None:
    (program,) = programs(_DROPLET, "droplet-proxy-0", NAMES, _FOLDER, bare=True)
    ((path, text),) = program.files.items()

    assert (program.host, program.reload) == ("droplet-proxy-0", None)
    assert path == Path("/lab/a b/droplet-proxy-0-7.json")
    assert program.command == module("sandbox.lab.droplet", path)
    config = DropletConfig(_DROPLET, "droplet-proxy-0", NAMES, _FOLDER, bare=True)
    assert TypeAdapter(DropletConfig).validate_json(text) == config
    assert program.report == config.report


def test_a_droplet_of_another_image_runs_nothing_and_is_named() -> None:
    other = droplet("", image="ubuntu-24-04-x64")
    assert programs(other, "droplet-proxy-0", NAMES, _FOLDER) == []
    assert unsupported(Deployed(droplets=(other, droplet("")))) == [
        (
            "Droplet proxy-0: its image is ubuntu-24-04-x64, and the lab boots debian-12-x64 and "
            "debian-13-x64; it does not run."
        )
    ]


def test_a_reserved_address_that_is_assigned_changes_the_file_and_not_the_command() -> None:
    (before,) = programs(droplet(""), "droplet-proxy-0", NAMES, _FOLDER)
    (after,) = programs(droplet("", RESERVED), "droplet-proxy-0", NAMES, _FOLDER)

    assert before.command == after.command
    assert before.files.keys() == after.files.keys()
    assert before.files != after.files


def test_a_signal_that_comes_before_it_listens_does_not_end_it(tmp_path: Path) -> None:
    (program,) = programs(droplet(""), "droplet-proxy-0", NAMES, tmp_path)
    for path, text in program.files.items():
        path.write_text(text)
    nowhere = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    process = subprocess.Popen(program.command, stderr=subprocess.DEVNULL, env=nowhere)
    # Not before there is a Python, which takes half a second until it has handlers.
    command = Path(f"/proc/{process.pid}/cmdline")
    wait_until(lambda: command.read_text().startswith(sys.executable))
    process.send_signal(signal.SIGHUP)
    assert process.wait(30) == 2  # as without any signal: there is no root


def test_services_of_packages_that_are_there_already_start_when_the_packages_would() -> None:
    user_data = "#cloud-config\npackages: [nginx, curl, unbound]\n"
    assert services(user_data) == ["unbound", "nginx"]
    config = DropletConfig(droplet(user_data), "droplet-proxy-0", NAMES, _FOLDER)
    vendor_data = files(config)["var/lib/cloud/seed/nocloud/vendor-data"]
    assert vendor_data.splitlines()[2:] == [
        "ln -sf /lib/systemd/system/unbound.service /etc/systemd/system/multi-user.target.wants/",
        "ln -sf /lib/systemd/system/nginx.service /etc/systemd/system/multi-user.target.wants/",
        "systemctl start unbound",
        "systemctl start nginx",
    ]
    bare = files(replace(config, bare=True))["var/lib/cloud/seed/nocloud/vendor-data"]
    assert "systemctl" not in bare


@pytest.mark.parametrize("text", ["", "#!/bin/sh\n", "packages: 1", "[", "- nginx", "\0"])
def test_user_data_that_names_no_packages_starts_no_service(text: str) -> None:
    assert services(text) == []


@pytest.mark.root
def test_where_control_groups_are_refused_one_line_says_so(tmp_path: Path) -> None:
    (program,) = programs(droplet(""), "droplet-proxy-0", NAMES, tmp_path)
    for path, text in program.files.items():
        path.write_text(text)
    without = [find_program("setpriv"), "--bounding-set=-sys_admin", "--"]
    done = subprocess.run([*without, *program.command], check=False, capture_output=True, text=True)
    assert done.returncode == 2
    (path,) = program.files
    assert done.stderr == (
        f"{path} cannot be served: "
        "Control groups are refused to this process ([Errno 1] open cgroup2: Operation not "
        "permitted); each droplet of the lab needs one of version 2. Use a virtual machine, or a "
        "container that is privileged.\n"
    )
