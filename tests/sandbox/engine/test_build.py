"""Building the engine, with a `go` that answers as Go does but compiles nothing.

The stand-in differs from Go in that it writes a script where Go links a program; the real build
runs wherever these tests run on a machine without Pulumi, as `make test` needs its result.
"""

import os
import re
import subprocess
from pathlib import Path

import pytest
from semver import Version

from sandbox.engine import build, find

GO = """#!/bin/sh
case "$1 $2" in
"list -deps") echo one; echo two; echo three ;;
"list -m") echo '{"Path": "sdk", "Dir": "%(sdk)s"}' ;;
"build -v")
  echo one >&2; echo two >&2
  %(compile)s
  while [ "$1" != -o ]; do shift; done
  echo "#!/bin/sh" > "$2" ;;
esac
"""


def go(folder: Path, compile_step: str = "true") -> dict[str, str]:
    runner = folder / "sdk" / "python" / "cmd" / build.PROGRAM_RUNNER
    runner.parent.mkdir(parents=True)
    runner.write_text("# runs programs\n")
    (folder / "bin").mkdir()
    command = folder / "bin" / "go"
    command.write_text(GO % {"sdk": folder / "sdk", "compile": compile_step})
    command.chmod(0o755)
    return {"PATH": f"{command.parent}:/usr/bin:/bin"}


def test_a_build_leaves_the_command_and_what_runs_python_programs(tmp_path: Path) -> None:
    messages: list[str] = []
    root = tmp_path / "cache" / "1.2.3"
    build.build(root, Version.parse("1.2.3"), messages.append, go(tmp_path))
    assert sorted(path.name for path in (root / "bin").iterdir()) == [
        "pulumi",
        "pulumi-language-python",
        build.PROGRAM_RUNNER,
    ]
    assert messages[0].startswith("Building Pulumi 1.2.3 from its Go module: about ")
    assert [path.name for path in root.parent.iterdir()] == ["1.2.3"]


def test_the_language_host_outside_the_sandbox_says_how_to_enter_it(tmp_path: Path) -> None:
    root = tmp_path / "cache" / "1.2.3"
    build.build(root, Version.parse("1.2.3"), print, go(tmp_path))
    host = root / "bin" / "pulumi-language-python"
    without = {"PATH": "/usr/bin:/bin"}
    done = subprocess.run([host], env=without, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert 'DUALSTACK_PYTHON: is not set; enter the sandbox: eval "$(dual' in done.stderr
    shown = {**without, "DUALSTACK_PYTHON": "/bin/echo"}
    done = subprocess.run(
        [host, "127.0.0.1:1"], env=shown, capture_output=True, text=True, check=False
    )
    assert done.stdout == "-P -m sandbox.engine.language_host 127.0.0.1:1\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(
            "#!/bin/sh\nexec python -m sandbox.engine.language_host\n",
            build.LANGUAGE_HOST,
            id="of an older version",
        ),
        pytest.param("the official host", "the official host", id="of an official release"),
    ],
)
def test_a_kept_engine_gets_the_launcher_of_today(tmp_path: Path, before: str, after: str) -> None:
    launcher = tmp_path / "pulumi-language-python"
    launcher.write_text(before)
    launcher.chmod(0o755)
    build.renew_launcher(tmp_path)
    assert launcher.read_text() == after
    assert os.access(launcher, os.X_OK)
    assert list(tmp_path.iterdir()) == [launcher]


def test_a_failed_build_leaves_nothing_and_says_what_go_said(tmp_path: Path) -> None:
    root = tmp_path / "cache" / "1.2.3"
    environment = go(tmp_path, "echo 'dial tcp: no such host' >&2; exit 1")
    with pytest.raises(build.BuildError) as failure:
        build.build(root, Version.parse("1.2.3"), print, environment)
    assert "dial tcp: no such host" in str(failure.value)
    assert str(failure.value).endswith("Mend that, or install Pulumi.")
    assert list(root.parent.iterdir()) == []


def test_a_killed_build_leaves_no_half_engine(tmp_path: Path) -> None:
    root = tmp_path / "cache" / "1.2.3"
    environment = go(tmp_path, "kill -9 $$")
    with pytest.raises(build.BuildError):
        build.build(root, Version.parse("1.2.3"), print, environment)
    assert not root.exists()


def test_without_go_the_message_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(build.BuildError) as failure:
        build.build(tmp_path / "x", Version.parse("1.2.3"), print, {"PATH": str(tmp_path)})
    assert str(failure.value) == (
        "Go is missing on PATH; 1.25 or newer can build the engine. Install Go, or Pulumi."
    )


def test_the_module_pins_the_version_that_is_installed() -> None:
    pinned = (build.MODULE / "go.mod").read_text()
    assert re.findall(r"github.com/pulumi/pulumi/(?:pkg|sdk)/v3 v(\S+)", pinned) == [
        str(find.VERSION),
        str(find.VERSION),
    ]
    assert build.PACKAGE.rsplit("/", 2)[0] in pinned


def test_every_module_of_the_build_has_its_checksum() -> None:
    """A module that `go.mod` names and `go.sum` does not would be taken on trust."""
    lines = (build.MODULE / "go.sum").read_text().splitlines()
    summed = {tuple(line.split()[:2]) for line in lines}
    required = re.findall(r"^\t(\S+) (v\S+)", (build.MODULE / "go.mod").read_text(), re.MULTILINE)
    assert required
    missing = [
        (name, version) for name, version in required if (name, f"{version}/go.mod") not in summed
    ]
    assert missing == []


def test_the_engine_in_use_says_its_version() -> None:
    """The real thing: found, installed or built by the very code under test."""
    engine = find.find(print)
    done = subprocess.run([engine.command, "version"], capture_output=True, text=True, check=True)
    assert find.parse_version(done.stdout) == engine.version
    assert engine.version >= find.MINIMUM
