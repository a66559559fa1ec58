"""The Makefile's goals, in a folder that has no more of a checkout than they use."""

import shutil
import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]

SETUP = """\
mkdir -p "$1/bin"
echo 'echo "dualstack $*"' >"$1/bin/dualstack"
chmod +x "$1/bin/dualstack"
echo "environment made"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder whose environment, once it is made, has a command that says how it was called."""
    shutil.copy(CHECKOUT / "Makefile", tmp_path)
    for name in ("requirements.lock", "pyproject.toml"):
        (tmp_path / name).touch()
    (tmp_path / "sandbox").mkdir()
    (tmp_path / "sandbox" / "setup.sh").write_text(SETUP)
    return tmp_path


def make(folder: Path, goal: str) -> list[str]:
    done = subprocess.run(
        ["make", "-C", folder, "--no-print-directory", goal],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_without_a_sandbox_down_makes_nothing(folder: Path) -> None:
    assert make(folder, "down") == ["Nothing was up."]
    assert not (folder / ".venv").exists()


@pytest.mark.parametrize(
    "environment",
    [
        pytest.param({}, id="gone"),
        pytest.param({".ready": "", "bin/python": ""}, id="another in its place"),
        pytest.param({".ready": "", "bin/dualstack": "exit 2"}, id="a command that does not run"),
    ],
)
def test_down_ends_what_is_up_whatever_became_of_the_environment(
    folder: Path, environment: dict[str, str]
) -> None:
    (folder / ".sandbox").mkdir()
    for name, text in environment.items():
        path = folder / ".venv" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    assert make(folder, "down") == ["environment made", "dualstack sandbox down"]
    assert make(folder, "down") == ["dualstack sandbox down"]
