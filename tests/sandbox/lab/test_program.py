"""A program tells which of its files' texts it serves."""

import os
import subprocess
from pathlib import Path

import pytest

from sandbox.lab.program import is_taken, take


def passes(config: Path) -> bool:
    """Return whether a program serves what a file says now."""
    done = subprocess.run(is_taken(config), capture_output=True, check=False)
    return done.returncode == 0


def test_what_was_taken_is_served_until_the_file_is_another(tmp_path: Path) -> None:
    config = tmp_path / "a config.json"
    config.write_text("one")
    assert not passes(config)
    take(config, b"one")
    assert passes(config)
    config.write_text("two")
    assert not passes(config)
    take(config, b"two")
    assert passes(config)


@pytest.mark.parametrize("text", ["", "nonsense", f"{'0' * 64} {os.getpid()}\n"])
def test_what_nobody_said_is_not_served(tmp_path: Path, text: str) -> None:
    config = tmp_path / "config.json"
    config.write_text("one")
    (tmp_path / "config.json.taken").write_text(text)
    assert not passes(config)


def test_what_a_program_that_is_gone_took_is_not_served(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text("one")
    take(config, b"one")
    taken = tmp_path / "config.json.taken"
    gone = subprocess.run(["/bin/sh", "-c", "echo $$"], capture_output=True, text=True, check=True)
    taken.write_text(taken.read_text().replace(str(os.getpid()), gone.stdout.strip()))
    assert not passes(config)
