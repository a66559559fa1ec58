"""The wheel, installed where there is nothing else: what works there, and what says why not."""

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from configparser import ConfigParser
from email import message_from_string
from pathlib import Path
from typing import Final

import pytest

from rollout.cli import VERBS, usage
from support.namesakes import add_namesakes

CHECKOUT: Final = Path(__file__).resolve().parents[1]
BIN: Final = Path(sys.executable).parent
INSTALL_SECONDS: Final = 300
"""The base is some 20 MB to download where uv's cache is empty, the extra 60 MB more."""

IMPORT_ALL: Final = """\
import importlib, pkgutil, sys
for room in sys.argv[1:]:
    package = importlib.import_module(room)
    for module in pkgutil.walk_packages(package.__path__, room + "."):
        if not module.name.endswith(".__main__"):
            importlib.import_module(module.name)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [BIN / "python", "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
        cwd=CHECKOUT,
        check=True,
        capture_output=True,
    )
    (wheel,) = folder.iterdir()
    return wheel


def install(folder: Path, what: str) -> Path:
    """Install the wheel, with the versions of the lock, into an environment that has nothing."""
    uv = [BIN / "uv", "--quiet"]
    lock = CHECKOUT / "requirements.lock"
    subprocess.run(
        [*uv, "venv", "--python", sys.executable, folder], check=True, timeout=INSTALL_SECONDS
    )
    subprocess.run(
        [*uv, "pip", "install", "--python", folder / "bin" / "python", "-c", lock, what],
        check=True,
        timeout=INSTALL_SECONDS,
    )
    return folder


@pytest.fixture(scope="module")
def base(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("base") / "venv"
    yield install(folder, str(wheel))
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def with_extra(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("extra") / "venv"
    yield install(folder, f"{wheel}[rollout]")
    shutil.rmtree(folder)


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    add_namesakes(folder)
    return folder


def run(
    folder: Path, environment: Path, program: str, *arguments: str | Path
) -> subprocess.CompletedProcess[str]:
    """Run a program of an environment in a folder that is not ours."""
    return subprocess.run(
        [environment / "bin" / program, *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_has_the_three_rooms_and_not_the_sandbox(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.partition("/")[0] for name in archive.namelist()}
        (metadata,) = (name for name in archive.namelist() if name.endswith("METADATA"))
        about = message_from_string(archive.read(metadata).decode())
        (points,) = (name for name in archive.namelist() if name.endswith("entry_points.txt"))
        groups = ConfigParser()
        groups.read_string(archive.read(points).decode())
    assert dict(groups["console_scripts"]) == {"dualstack": "rollout.cli:main"}
    # What a checkout's sandbox would add to `dualstack status` is passed over where it is not.
    assert set(groups.sections()) == {"console_scripts", "dualstack.stacks", "dualstack.status"}
    assert tops == {"components", "policies", "rollout", "dualstack_edge-0.1.0.dist-info"}
    assert about.get_all("Provides-Extra") == ["rollout"]


@pytest.mark.parametrize("environment", ["base", "with_extra"])
def test_the_help_lists_every_verb(
    environment: str, elsewhere: Path, request: pytest.FixtureRequest
) -> None:
    done = run(elsewhere, request.getfixturevalue(environment), "dualstack", "--help")
    assert (done.returncode, done.stdout, done.stderr) == (0, usage(), "")


@pytest.mark.parametrize("verb", [verb.name for verb in VERBS if verb.extra])
def test_a_verb_without_its_extra_says_which_it_needs(
    verb: str, base: Path, elsewhere: Path
) -> None:
    done = run(elsewhere, base, "dualstack", verb, "--help")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"dualstack {verb} needs the package `" in done.stderr
    assert "pip install 'dualstack-edge[rollout]'\n" in done.stderr


@pytest.mark.parametrize("verb", [verb.name for verb in VERBS if verb.extra])
def test_a_verb_with_its_extra_works(verb: str, with_extra: Path, elsewhere: Path) -> None:
    done = run(elsewhere, with_extra, "dualstack", verb, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"Usage: dualstack {verb} " in done.stdout


@pytest.mark.parametrize("verb", [verb.name for verb in VERBS if not verb.extra])
@pytest.mark.parametrize("environment", ["base", "with_extra"])
def test_a_verb_of_a_checkout_says_that_it_needs_one(
    verb: str, environment: str, elsewhere: Path, request: pytest.FixtureRequest
) -> None:
    done = run(elsewhere, request.getfixturevalue(environment), "dualstack", verb, "--help")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"dualstack {verb} needs a checkout of dualstack-edge")


@pytest.mark.parametrize(
    ("environment", "rooms"),
    [
        pytest.param("base", ("components", "policies"), id="base"),
        pytest.param("with_extra", ("rollout",), id="extra"),
    ],
)
def test_every_module_has_what_it_imports(
    environment: str, rooms: tuple[str, ...], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    where = request.getfixturevalue(environment)
    done = run(tmp_path, where, "python", "-W", "ignore", "-c", IMPORT_ALL, *rooms)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param((CHECKOUT / "plugin", "127.0.0.1:1"), id="plugin"),
        pytest.param(
            ("-m", "pulumi.policy", "127.0.0.1:1", CHECKOUT / "policies" / "dual_stack"), id="pack"
        ),
    ],
)
def test_the_base_is_enough_for_the_plugin_and_the_packs(
    arguments: tuple[str | Path, ...], base: Path, elsewhere: Path
) -> None:
    command = [base / "bin" / "python", "-u", *arguments]
    with subprocess.Popen(command, cwd=elsewhere, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert int(process.stdout.readline()) > 0
        finally:
            process.terminate()
