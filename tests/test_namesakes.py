"""Folders in which other people work have packages called like ours; nothing of ours meets them."""

import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from policies.rules import PACKS
from rollout.cli import VERBS
from sandbox.clouds import background
from sandbox.engine import build
from sandbox.engine.shell import STAND_INS, Shell
from support.namesakes import ROOMS, add_namesakes

CHECKOUT: Final = Path(__file__).resolve().parents[1]
DUALSTACK: Final = Path(sys.executable).with_name("dualstack")
ENGINE: Final = "127.0.0.1:1"
"""The address of an engine, which nobody needs before it calls."""


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    add_namesakes(folder)
    return folder


@contextmanager
def started(
    folder: Path, command: Sequence[str | Path], **variables: str
) -> Generator["subprocess.Popen[str]"]:
    """Start a program in a folder, and end it afterwards."""
    with subprocess.Popen(
        list(command),
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def first_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.mark.parametrize("room", ROOMS)
def test_what_would_meet_a_namesake_ends(elsewhere: Path, room: str) -> None:
    with started(elsewhere, [sys.executable, "-m", room]) as process:
        assert first_line(process) == f"this {room} is not ours"


@pytest.mark.parametrize("words", [[], *([verb.name] for verb in VERBS)], ids=" ".join)
def test_the_command_runs_there(elsewhere: Path, words: list[str]) -> None:
    with started(elsewhere, [DUALSTACK, *words, "--help"]) as process:
        text, _ = process.communicate()
    assert process.returncode == 0, text
    assert " ".join(["Usage: dualstack", *words]) in text


@pytest.mark.parametrize("pack", [pack.name for pack in PACKS])
def test_a_pack_serves_there(elsewhere: Path, pack: str) -> None:
    # As Pulumi starts it, in the folder of the program that it judges.
    folder = CHECKOUT / "policies" / pack.replace("-", "_")
    command = [sys.executable, "-u", "-m", "pulumi.policy", ENGINE, folder]
    with started(elsewhere, command) as process:
        assert int(first_line(process)) > 0


def test_the_plugin_serves_there(elsewhere: Path) -> None:
    with started(elsewhere, [sys.executable, "-u", CHECKOUT / "plugin", ENGINE]) as process:
        assert int(first_line(process)) > 0


@pytest.mark.parametrize("cloud", STAND_INS)
def test_a_stand_in_of_a_plugin_serves_there(elsewhere: Path, tmp_path: Path, cloud: str) -> None:
    shell = Shell(CHECKOUT, tmp_path / "home")
    shell.prepare({"PATH": "", "HOME": str(tmp_path)})
    (launcher,) = shell.pulumi_home.glob(f"plugins/*/pulumi-resource-{cloud}")
    with started(elsewhere, [launcher, ENGINE], PYTHONUNBUFFERED="1") as process:
        assert int(first_line(process)) > 0


def test_the_language_host_serves_there(elsewhere: Path, tmp_path: Path) -> None:
    build.write_launcher(tmp_path)
    (tmp_path / build.PROGRAM_RUNNER).touch()
    variables = {build.PYTHON_VARIABLE: sys.executable}
    command = [tmp_path / "pulumi-language-python", ENGINE]
    with started(elsewhere, command, **variables) as process:
        assert int(first_line(process)) > 0


def test_a_cloud_starts_there(
    elsewhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(elsewhere)
    try:
        assert background.start("digitalocean", tmp_path / "home").url.startswith("http://")
    finally:
        background.stop("digitalocean", tmp_path / "home")
