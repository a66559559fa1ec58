"""The lab's own programs: the configuration in force, changes on SIGHUP, and the end."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sandbox.lab.dns.health import CheckersConfig
from sandbox.lab.own_program import is_in_force, own_program, say_in_force
from sandbox.lab.program import Program
from support.lab_origin import running
from support.waiting import wait_until


def passes(config: Path) -> bool:
    """Return whether a process serves a file as it is now."""
    done = subprocess.run(is_in_force(config), capture_output=True, check=False)
    return done.returncode == 0


def test_a_configuration_is_in_force_until_the_file_changes(tmp_path: Path) -> None:
    config = tmp_path / "a config.json"
    config.write_text("one")
    assert not passes(config)
    say_in_force(config, b"one")
    assert passes(config)
    config.write_text("two")
    assert not passes(config)
    say_in_force(config, b"two")
    assert passes(config)


@pytest.mark.parametrize("text", ["", "nonsense", f"{'0' * 64} {{pid}}\n"])
def test_what_no_process_said_is_not_in_force(tmp_path: Path, text: str) -> None:
    config = tmp_path / "config.json"
    config.write_text("one")
    (tmp_path / "config.json.taken").write_text(text.replace("{pid}", str(os.getpid())))
    assert not passes(config)


def test_what_a_process_said_is_in_force_as_long_as_it_runs(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text("one")
    say_in_force(config, b"one")
    taken = tmp_path / "config.json.taken"
    gone = subprocess.run(["/bin/sh", "-c", "echo $$"], capture_output=True, text=True, check=True)
    taken.write_text(taken.read_text().replace(str(os.getpid()), gone.stdout.strip()))
    assert not passes(config)


def checkers(folder: Path, speed: float) -> Program:
    """Return a program of the lab's own that has nothing to do."""
    health = folder / "health.json"
    config = CheckersConfig(checks={}, resolver="127.0.0.1", speed=speed, health=health)
    module = "sandbox.lab.dns.checkers"
    return own_program("checkers", "any", module, folder / "checkers.json", config)


@contextmanager
def started(program: Program, log: Path) -> Generator[tuple["subprocess.Popen[bytes]", Path]]:
    """Run a program until the end of the block; return its process and its file."""
    with running(program, log) as process:
        (file,) = program.files
        yield process, file


def test_sighup_puts_a_changed_file_in_force(tmp_path: Path) -> None:
    with started(checkers(tmp_path, 1), tmp_path / "log") as (process, file):
        (text,) = checkers(tmp_path, 2).files.values()
        file.write_text(text)
        assert not passes(file)
        process.send_signal(signal.SIGHUP)
        wait_until(lambda: passes(file))
        process.terminate()
        assert process.wait(10) == 0
    assert (tmp_path / "log").read_text() == ""


def test_a_file_that_cannot_be_served_leaves_the_one_before_in_force(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with started(checkers(tmp_path, 1), log) as (process, file):
        file.write_text(json.dumps({"speed": "high"}))
        process.send_signal(signal.SIGHUP)
        wait_until(lambda: "speed" in log.read_text())
        assert "The configuration before stays in force. " in log.read_text()
        assert not passes(file)
        assert process.poll() is None


def test_sighup_before_a_program_listens_for_it_does_not_end_it(tmp_path: Path) -> None:
    program = checkers(tmp_path, 1)
    for path, text in program.files.items():
        path.write_text(text)
    process = subprocess.Popen(program.command)
    # Not before there is a Python, which takes half a second until it has handlers.
    command = Path(f"/proc/{process.pid}/cmdline")
    wait_until(lambda: command.read_text().startswith(sys.executable))

    def serves() -> bool:
        process.send_signal(signal.SIGHUP)
        assert process.poll() is None
        return subprocess.run(program.ready, stderr=subprocess.DEVNULL, check=False).returncode == 0

    try:
        wait_until(serves)
    finally:
        process.terminate()
        assert process.wait(10) == 0


def test_without_a_file_that_can_be_served_a_program_does_not_start(tmp_path: Path) -> None:
    program = checkers(tmp_path, 1)
    done = subprocess.run(program.command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    path = tmp_path / "checkers.json"
    assert done.stderr == (
        f"{path} cannot be served: [Errno 2] No such file or directory: '{path}'\n"
    )
