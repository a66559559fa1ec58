"""Root who was called by sudo, with a user who is on every Debian."""

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import invoker

NOBODY = pwd.getpwnam("nobody")
AS_ROOT_CALLED = {"SUDO_UID": str(NOBODY.pw_uid), "SUDO_GID": str(NOBODY.pw_gid)}
CHECKOUT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.root


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    for name, value in AS_ROOT_CALLED.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder of nobody's: pytest's own are closed to everybody but root."""
    path = Path(tempfile.mkdtemp(prefix="dualstack-invoker-"))
    os.chown(path, NOBODY.pw_uid, NOBODY.pw_gid)
    yield path
    shutil.rmtree(path)


@pytest.mark.parametrize("number", ["", "0", "many"])
def test_root_whom_nobody_called_is_root(monkeypatch: pytest.MonkeyPatch, number: str) -> None:
    monkeypatch.setenv("SUDO_UID", number)
    assert invoker.invoker() is None


@pytest.mark.usefixtures("called")
def test_the_cache_is_the_caller_s_but_for_what_only_root_can_use(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert invoker.cache("engine") == Path(NOBODY.pw_dir, ".cache/dualstack-edge/engine")
    assert invoker.cache("roots", of_root=True) == Path("/root/.cache/dualstack-edge/roots")
    monkeypatch.setenv("XDG_CACHE_HOME", "/elsewhere")
    assert invoker.cache("engine") == Path("/elsewhere/dualstack-edge/engine")
    assert invoker.cache("roots", of_root=True) == Path("/root/.cache/dualstack-edge/roots")


def test_the_caller_s_part_is_done_as_the_caller() -> None:
    code = (
        "import os; from sandbox.invoker import become_invoker; become_invoker()\n"
        "print(os.getuid(), os.geteuid(), os.getgid(), os.getgroups(), os.environ['HOME'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **AS_ROOT_CALLED},
        capture_output=True,
        text=True,
        check=True,
    )
    uid, gid = NOBODY.pw_uid, NOBODY.pw_gid
    assert done.stdout == f"{uid} {uid} {gid} [{gid}] {NOBODY.pw_dir}\n"


@pytest.mark.usefixtures("called")
def test_what_root_wrote_is_given_to_the_caller(folder: Path) -> None:
    (folder / "lab" / "hosts").mkdir(parents=True)
    (folder / "lab" / "hosts" / "log").touch()
    (folder / "lab" / "link").symlink_to("/etc/passwd")
    invoker.give_to_invoker(folder / "lab")
    owners = {path.lstat().st_uid for path in folder.rglob("*")}
    assert owners == {NOBODY.pw_uid}
    assert Path("/etc/passwd").stat().st_uid == 0


def test_the_environment_is_made_as_the_caller(folder: Path) -> None:
    shutil.copy(CHECKOUT / "Makefile", folder)
    for name in ("requirements.lock", "pyproject.toml"):
        (folder / name).touch()
    (folder / "sandbox").mkdir()
    (folder / "sandbox" / "setup.sh").write_text('mkdir "$1"; echo "$HOME" >"$1/home"\n')
    subprocess.run(
        ["make", "-C", folder, "--silent", ".venv/.ready"],
        env={**os.environ, **AS_ROOT_CALLED},
        check=True,
    )
    made = folder / ".venv"
    assert (made / "home").read_text() == f"{NOBODY.pw_dir}\n"
    assert {path.stat().st_uid for path in (made, *made.iterdir())} == {NOBODY.pw_uid}
