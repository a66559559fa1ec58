"""What the lab is told to run for a droplet."""

import sys
from pathlib import Path
from typing import Final

from sandbox.lab.droplet import programs
from sandbox.lab.droplet.program import Config
from support.droplet import NAMES, RESERVED, droplet

_FOLDER: Final = Path("/lab/a b")
_DROPLET: Final = droplet("#cloud-config\n", RESERVED)


def test_a_droplet_is_one_program_that_reads_one_file() -> None:
    (program,) = programs(_DROPLET, "droplet-proxy-0", NAMES, _FOLDER, speed=2.0)
    ((path, text),) = program.files.items()

    assert (program.host, program.reload) == ("droplet-proxy-0", None)
    assert program.command == (
        *(sys.executable, "-m", "sandbox.lab.droplet"),
        *("--config", "/lab/a b/droplet-proxy-0-7.json"),
    )
    assert path == Path(program.command[-1])
    assert Config.from_json(text) == Config(_DROPLET, "droplet-proxy-0", NAMES, _FOLDER, 2.0)


def test_a_reserved_address_that_is_assigned_changes_the_file_and_not_the_command() -> None:
    (before,) = programs(droplet(""), "droplet-proxy-0", NAMES, _FOLDER)
    (after,) = programs(droplet("", RESERVED), "droplet-proxy-0", NAMES, _FOLDER)

    assert before.command == after.command
    assert before.files.keys() == after.files.keys()
    assert before.files != after.files
