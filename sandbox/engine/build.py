"""Build the Pulumi engine from its public Go module.

`go.mod` beside this file names the command as a tool at one version and `go.sum` pins every module
it is made of, so the build is the same code everywhere or it fails. It compiles some 1,700
packages: about four minutes of two cores, once per machine and version.

The Python language host is not part of the module, but the script that starts a Python program is
(`python/cmd/pulumi-language-python-exec` of the SDK module). It is put beside the command, and with
it a launcher of `sandbox.engine.language_host`, where an engine looks for its own language hosts.
"""

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from semver import Version

from sandbox.engine import RUNNER_VARIABLE

MODULE = Path(__file__).parent
PACKAGE = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
SDK = "github.com/pulumi/pulumi/sdk/v3"
PROGRAM_RUNNER = "pulumi-language-python-exec"
"""The script with which Pulumi starts a Python program."""

PYTHON_VARIABLE = "DUALSTACK_PYTHON"
"""Environment variable with the Python that has `sandbox` installed; the cache outlives checkouts,
so the launcher cannot name one."""

LANGUAGE_HOST = f"""\
#!/bin/sh
: "${{{PYTHON_VARIABLE}:?is not set; enter the sandbox: eval \\"\\$(dualstack sandbox env)\\"}}"
here=$(dirname "$(readlink -f "$0")")
export {RUNNER_VARIABLE}="$here/{PROGRAM_RUNNER}"
exec "${PYTHON_VARIABLE}" -P -m sandbox.engine.language_host "$@"
"""

QUIET_SECONDS = 15.0
"""How often the progress is told."""


class BuildError(Exception):
    """The engine could not be built; the message says what is missing and what to do."""


def build(
    root: Path, version: Version, say: Callable[[str], None], environment: Mapping[str, str]
) -> None:
    """Build `pulumi` into `root/bin`; nothing is left there if it fails.

    Args:
        root: Where the installation goes; made by one rename at the end.
        version: What the command will say of itself; `go.mod` decides what is built.
        say: Gets a line for each step.
        environment: What Go is run with.

    Raises:
        BuildError: if Go is missing or the build fails.
    """
    go = shutil.which("go", path=environment.get("PATH", ""))
    if go is None:
        raise BuildError(
            "Go is missing on PATH; 1.25 or newer can build the engine. Install Go, or Pulumi."
        )
    say(f"Building Pulumi {version} from its Go module: about 4 minutes on 2 cores, once …")
    root.parent.mkdir(parents=True, exist_ok=True)
    # Beside the goal, so that the last step is a rename and a killed build leaves no half engine.
    with tempfile.TemporaryDirectory(prefix=f"{version}.", dir=root.parent) as scratch:
        goal = Path(scratch) / "bin"
        goal.mkdir()
        total = len(_go(go, environment, "list", "-deps", PACKAGE).splitlines())
        flags = f"-s -w -X {SDK}/go/common/version.Version={version}"
        command = [go, "build", "-v", "-mod=readonly", "-ldflags", flags]
        _show(_compile([*command, "-o", str(goal / "pulumi"), PACKAGE], environment), total, say)
        sdk = json.loads(_go(go, environment, "list", "-m", "-json", SDK))
        shutil.copyfile(Path(sdk["Dir"]) / "python" / "cmd" / PROGRAM_RUNNER, goal / PROGRAM_RUNNER)
        write_launcher(goal)
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir()
        goal.rename(root / "bin")


def write_launcher(folder: Path) -> None:
    """Put the language host's launcher beside an engine that was built here.

    The engine starts it in the folder of a program, which may have a `sandbox` of its own: `-P`
    keeps that out of sight.

    Args:
        folder: The folder of the engine's command.
    """
    launcher = folder / "pulumi-language-python"
    # Renamed into place: an engine that starts at this moment never meets half a file.
    fresh = launcher.with_name(f".{launcher.name}.{os.getpid()}")
    fresh.write_text(LANGUAGE_HOST)
    fresh.chmod(0o755)
    fresh.rename(launcher)


def renew_launcher(folder: Path) -> None:
    """Replace the launcher of a kept engine if an older version of this module wrote it.

    Args:
        folder: The folder of the engine's command. An official release has a host of its own
            there, which stays.
    """
    launcher = folder / "pulumi-language-python"
    present = launcher.read_bytes() if launcher.exists() else b""
    if b"sandbox.engine.language_host" in present and present != LANGUAGE_HOST.encode():
        write_launcher(folder)


def _go(go: str, environment: Mapping[str, str], *arguments: str) -> str:
    """Run one short `go` command in the module's folder and return what it prints."""
    done = subprocess.run(
        [go, *arguments],
        cwd=MODULE,
        env=dict(environment),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise BuildError(_failure(done.stderr))
    return done.stdout


def _compile(command: list[str], environment: Mapping[str, str]) -> Iterator[str]:
    """Run `go build -v` and yield each package as it is compiled."""
    with subprocess.Popen(
        command,
        cwd=MODULE,
        env=dict(environment),
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
    ) as process:
        last: list[str] = []
        for line in process.stderr or ():
            last = [*last[-20:], line]
            yield line.strip()
    if process.returncode != 0:
        raise BuildError(_failure("".join(last)))


def _failure(output: str) -> str:
    tail = " | ".join(line for line in output.strip().splitlines()[-5:])
    return (
        f"the build of the engine's Go module failed: {tail}; Go 1.25 or newer, a module proxy and "
        "about 3 GB of disk. Mend that, or install Pulumi."
    )


def _show(packages: Iterator[str], total: int, say: Callable[[str], None]) -> None:
    """Tell now and then how many packages went by."""
    began = spoke = time.monotonic()
    for done, _ in enumerate(packages, 1):
        now = time.monotonic()
        if now - spoke >= QUIET_SECONDS:
            spoke = now
            left = (now - began) / done * max(total - done, 0)
            say(f"  compiled {done} of {total} packages, about {left:.0f} s left")
