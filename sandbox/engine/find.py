"""Where the Pulumi command comes from: PATH, our cache, the official installer, or its Go module.

The sandbox promises the real engine on a machine that may have neither Pulumi nor a way to
download it. An engine written for the purpose, or a mock of one, would prove nothing, so there are
three ways to the real one, tried in this order, cheapest first:

1. `pulumi` on PATH, if it is at least `MINIMUM`; it is never changed.
2. The official installer, through the Automation API's `PulumiCommand.install`.
3. A build of the engine's public Go module at `VERSION`, whose every byte is pinned by `go.sum`.

What 2 and 3 make is kept in the user's cache folder, one folder a version, and used there next
time. When all three fail, one message names all three and why each failed.
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from semver import Version

from sandbox import invoker
from sandbox.engine import build
from sandbox.locks import held

VERSION = Version.parse("3.259.0")
"""The engine that is installed or built: the newest whose Go module is published."""

MINIMUM = VERSION
"""The oldest `pulumi` on PATH that is used: nothing older was tried with this Python SDK."""

LANGUAGE_HOST = "pulumi-language-python"
"""What an engine runs programs in Python with."""

INSTALLER_URL = "https://get.pulumi.com/install.sh"
"""What the Automation API's installer downloads first. Asked before it is started, because that
download has no timeout of its own and would wait for minutes where a firewall drops packets."""

Say = Callable[[str], None]
"""Takes one line for the person who waits."""


class EngineNotFoundError(Exception):
    """No way led to a Pulumi engine; the message names each way and why it failed."""


@dataclass(frozen=True)
class Engine:
    """A Pulumi engine that runs here.

    Attributes:
        command: The `pulumi` executable, or what leads to it: a link, a script.
        version: What the command says of itself.
        origin: How it came here, in words: "found on PATH", "installed", "built".
    """

    command: Path
    version: Version
    origin: str


Way = Callable[[Path, Say, Mapping[str, str]], Engine]
"""Makes an engine in a folder, or raises `EngineNotFoundError` with the reason."""


def cache_root() -> Path:
    """The folder that keeps engines between checkouts: `<user cache>/dualstack-edge/engine`."""
    return invoker.cache("engine")


def find(
    say: Say,
    *,
    environment: Mapping[str, str] = os.environ,
    cache: Path | None = None,
    ways: Sequence[Way] | None = None,
) -> Engine:
    """Return a Pulumi engine, installing or building one if there is none yet.

    Args:
        say: Gets a line for each step that takes time, and each way that failed.
        environment: Where `PATH` is read, and what commands are run with.
        cache: Where engines are kept; default `cache_root()`.
        ways: What is tried when there is none; default `install`, then `build_from_source`.

    Raises:
        EngineNotFoundError: when no way leads to one.
    """
    cache = cache or cache_root()
    try:
        return present(environment, cache, say)
    except EngineNotFoundError as failure:
        failures = [str(failure)]
    root = cache / str(VERSION)
    cache.mkdir(parents=True, exist_ok=True)
    with held(cache / f"{VERSION}.lock", "makes the engine", say):
        if command_of(root).exists():
            return Engine(command_of(root), VERSION, "made by another run just now")
        for way in ways or (install, build_from_source):
            try:
                return way(root, say, environment)
            except EngineNotFoundError as failure:
                say(f"  {failure}")
                failures.append(str(failure))
    raise EngineNotFoundError(
        "\n".join(
            [
                "The Pulumi engine is missing; any one of three ways is enough, and each failed:",
                *(f"  {number}. {failure}" for number, failure in enumerate(failures, 1)),
                "Install Pulumi, or Go with access to a Go module proxy, and run this again.",
            ]
        )
    )


def command_of(root: Path) -> Path:
    """Return the command of an installation that the sandbox made."""
    return root / "bin" / "pulumi"


def present(
    environment: Mapping[str, str], cache: Path | None = None, say: Say = lambda _: None
) -> Engine:
    """Return the engine of PATH, or the one that is kept.

    Args:
        environment: Where `PATH` is read, and what commands are run with.
        cache: Where engines are kept; default `cache_root()`.
        say: Gets a line where that of PATH cannot be used.

    Raises:
        EngineNotFoundError: if neither is there.
    """
    try:
        return on_path(environment)
    except EngineNotFoundError as failure:
        root = (cache or cache_root()) / str(VERSION)
        if not command_of(root).exists():
            raise
        if _which(environment):
            say(str(failure))
    build.renew_launcher(root / "bin")
    return Engine(command_of(root), VERSION, "kept from an earlier run")


def on_path(environment: Mapping[str, str]) -> Engine:
    """Return the `pulumi` of PATH if it is new enough.

    Its maker's installer puts it into `~/.pulumi/bin`, which a shell that was started before, or
    sudo, does not have on PATH: that is looked at last.

    Raises:
        EngineNotFoundError: if there is none, it does not run, or it is too old.
    """
    path = _which(environment)
    if path is None:
        raise EngineNotFoundError(
            f"pulumi on PATH is missing; {MINIMUM} or newer. Install Pulumi from its maker."
        )
    try:
        version = parse_version(_run(path, "version"))
    except ValueError as error:
        raise EngineNotFoundError(
            f"pulumi on PATH ({path}) is not usable: {error}; {MINIMUM} or newer. "
            "Reinstall Pulumi, or take it off PATH."
        ) from error
    if version < MINIMUM:
        raise EngineNotFoundError(
            f"pulumi on PATH ({path}) is {version}; {MINIMUM} or newer. Upgrade Pulumi."
        )
    if not _has_language_host(Path(path), environment):
        raise EngineNotFoundError(
            f"pulumi on PATH ({path}) has no {LANGUAGE_HOST} beside it; the language host is part "
            "of Pulumi's releases. Reinstall Pulumi."
        )
    return Engine(Path(path).absolute(), version, "found on PATH")


def _which(environment: Mapping[str, str]) -> str | None:
    installed = Path(environment.get("HOME", "")) / ".pulumi" / "bin"
    return shutil.which("pulumi", path=f"{environment.get('PATH', '')}{os.pathsep}{installed}")


def _has_language_host(command: Path, environment: Mapping[str, str]) -> bool:
    """Whether an engine can run a program in Python.

    It looks on PATH, and beside its own executable, which the command may be, link to or run: only
    the engine itself can say what a script leads to.
    """
    folders = (str(command.parent), str(command.resolve().parent), environment.get("PATH", ""))
    if shutil.which(LANGUAGE_HOST, path=os.pathsep.join(folders)):
        return True
    with tempfile.TemporaryDirectory() as project, contextlib.suppress(ValueError):
        (Path(project) / "Pulumi.yaml").write_text("name: probe\nruntime: python\n")
        return "is written in python" in _run(str(command), "about", "--cwd", project)
    return False


def _run(command: str, *arguments: str) -> str:
    """Run a `pulumi` and return what it prints.

    Raises:
        ValueError: It does not run, or fails.
    """
    try:
        done = subprocess.run(
            [command, *arguments],
            # Where it leads to an engine that was built here.
            env={**os.environ, build.PYTHON_VARIABLE: sys.executable},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ValueError(error) from error
    if done.returncode != 0:
        why = next(iter(reversed(done.stderr.strip().splitlines())), "it says nothing")
        raise ValueError(f"'pulumi {arguments[0]}' ended with {done.returncode}: {why}")
    return done.stdout


def parse_version(version_text: str) -> Version:
    """Read what `pulumi version` prints, such as `v3.259.0` or `v3.260.0-dev.0`.

    Raises:
        ValueError: if there is no version in it.
    """
    match = re.search(r"^v?(\d+\.\d+\.\d+\S*)\s*$", version_text, re.MULTILINE)
    if match is None:
        raise ValueError(
            f"'pulumi version' said {version_text.strip()!r}; a version such as v{VERSION}"
        )
    return Version.parse(match[1])


def install(
    root: Path, say: Say, environment: Mapping[str, str], *, installer: str = INSTALLER_URL
) -> Engine:
    """Install the official release into `root` through the Automation API.

    Args:
        root: Where it goes.
        say: Gets a line before it starts.
        environment: Not used; the installer reads the process's own.
        installer: What must be reachable for it.

    Raises:
        EngineNotFoundError: if its maker's site cannot be reached or the installer fails.
    """
    from pulumi.automation import PulumiCommand  # noqa: PLC0415 - as long as all other imports

    del environment
    say(f"Installing Pulumi {VERSION} with the official installer …")
    try:
        urllib.request.urlopen(installer, timeout=10).close()  # noqa: S310 - ours, not a user's
        PulumiCommand.install(root=str(root), version=VERSION)
    except (OSError, subprocess.SubprocessError) as error:
        shutil.rmtree(root, ignore_errors=True)
        raise EngineNotFoundError(
            f"the official installer failed: {error}; a way to {installer}. "
            "Allow it, or install Pulumi by hand."
        ) from error
    return Engine(command_of(root), VERSION, "installed")


def build_from_source(root: Path, say: Say, environment: Mapping[str, str]) -> Engine:
    """Build the engine's Go module into `root`.

    Raises:
        EngineNotFoundError: if there is no Go, no module proxy, or the build fails.
    """
    try:
        build.build(root, VERSION, say, environment)
    except build.BuildError as error:
        raise EngineNotFoundError(str(error)) from error
    return Engine(command_of(root), VERSION, "built")
