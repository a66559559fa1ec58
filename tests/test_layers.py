"""Who may import whom, as docs/design.md says.

`pyproject.toml` states it to import-linter, which `make check` runs; here it is held, and each
contract is seen to catch what it forbids.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]
ROOMS = ("components", "policies", "rollout", "sandbox")
LINTER = Path(sys.executable).with_name("lint-imports")


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [LINTER, "--config", CHECKOUT / "pyproject.toml", "--no-cache"],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_layers_hold() -> None:
    done = lint(CHECKOUT)
    assert done.returncode == 0, done.stdout


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for room in ROOMS:
        shutil.copytree(CHECKOUT / room, tmp_path / room)
    return tmp_path


@pytest.mark.parametrize(
    ("file", "line"),
    [
        pytest.param(
            "components/settings/loading.py", "import sandbox.cli", id="components sandbox"
        ),
        pytest.param("components/edge.py", "import policies.model", id="components policies"),
        pytest.param("policies/model.py", "import components.faults", id="policies components"),
        pytest.param("policies/server.py", "import rollout.cli", id="policies rollout"),
        pytest.param("rollout/cli.py", "import sandbox.cli", id="rollout sandbox"),
        pytest.param("rollout/cli.py", "import components.edge", id="rollout components"),
        pytest.param("rollout/edge.py", "import rollout.verify.check", id="shared verb"),
        pytest.param("rollout/probe/ways.py", "import rollout.edge", id="probe edge"),
        pytest.param(
            "rollout/verify/checks/echo.py", "import rollout.verify.checks.dns", id="check check"
        ),
        pytest.param("components/facts.py", "import pulumi", id="facts pulumi"),
        pytest.param("components/faults.py", "import components.errors", id="faults pulumi"),
        pytest.param("sandbox/cli.py", "import components.settings", id="sandbox components"),
        pytest.param("sandbox/cli.py", "import policies.model", id="sandbox policies"),
    ],
)
def test_a_forbidden_import_is_caught(copy: Path, file: str, line: str) -> None:
    path = copy / file
    path.write_text(f"{path.read_text()}\n{line}\n")
    done = lint(copy)
    assert done.returncode == 1
    assert "BROKEN" in done.stdout


@pytest.mark.parametrize("module", ["settings", "facts", "faults"])
def test_the_rollout_may_use_what_says_nothing_of_deploying(copy: Path, module: str) -> None:
    path = copy / "rollout" / "cli.py"
    path.write_text(f"{path.read_text()}\nimport components.{module}\n")
    done = lint(copy)
    assert done.returncode == 0, done.stdout
