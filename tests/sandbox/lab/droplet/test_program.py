"""What the lab is told to run for a droplet."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

from sandbox.lab.droplet import programs
from sandbox.lab.droplet.program import Config
from sandbox.lab.program import module
from support.droplet import NAMES, RESERVED, droplet
from support.waiting import wait_until

_FOLDER: Final = Path("/lab/a b")
_DROPLET: Final = droplet("#cloud-config\n", RESERVED)


def test_a_droplet_is_one_program_that_reads_one_file() -> None:
    (program,) = programs(_DROPLET, "droplet-proxy-0", NAMES, _FOLDER, speed=2.0)
    ((path, text),) = program.files.items()

    assert (program.host, program.reload) == ("droplet-proxy-0", None)
    assert path == Path("/lab/a b/droplet-proxy-0-7.json")
    assert program.command == module("sandbox.lab.droplet", path)
    assert Config.from_json(text) == Config(_DROPLET, "droplet-proxy-0", NAMES, _FOLDER, 2.0)


def test_a_reserved_address_that_is_assigned_changes_the_file_and_not_the_command() -> None:
    (before,) = programs(droplet(""), "droplet-proxy-0", NAMES, _FOLDER)
    (after,) = programs(droplet("", RESERVED), "droplet-proxy-0", NAMES, _FOLDER)

    assert before.command == after.command
    assert before.files.keys() == after.files.keys()
    assert before.files != after.files


def test_a_signal_that_comes_before_it_listens_does_not_end_it(tmp_path: Path) -> None:
    (program,) = programs(droplet("no cloud-config"), "droplet-proxy-0", NAMES, tmp_path)
    for path, text in program.files.items():
        path.write_text(text)
    process = subprocess.Popen(program.command, stderr=subprocess.DEVNULL)
    # Not before there is a Python, which takes half a second until it has handlers.
    command = Path(f"/proc/{process.pid}/cmdline")
    wait_until(lambda: command.read_text().startswith(sys.executable))
    process.send_signal(signal.SIGHUP)
    assert process.wait(30) == 2  # as without any signal: such user data cannot be booted
