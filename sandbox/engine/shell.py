"""The environment in which the plain `pulumi` command works on the sandbox.

Three things decide what a `pulumi` command does: which engine and plugins PATH finds, where it
keeps state, and which cloud it talks to. All three are environment variables, so a shell that has
them needs nothing else: no change of the program, no configuration of a provider.
"""

import importlib.metadata
import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.engine import build
from sandbox.engine.find import Engine

PASSPHRASE = "sandbox"  # noqa: S105 - it locks nothing but a state that lives on loopback
"""The passphrase of the sandbox's secrets; `Pulumi.sandbox.yaml` carries its salt."""

STACK = "sandbox"

_NO_SIDECARS = "metadata=skip"
"""What keeps Pulumi from writing `FILE.attrs` beside each file of a state. It replaces the state
itself whole, but writes these in place: killed in between, it leaves one that is empty, and refuses
to read the file beside it from then on, with nothing but `EOF`. Nothing needs them. Source:
gocloud.dev, `blob/fileblob/attrs.go` (setAttrs, getAttrs) and `fileblob.go` (URLOpener)."""

STAND_INS = {name: f"sandbox.plugins.{name}" for name in ("aws", "digitalocean", "random")}
"""Clouds whose plugin we have a stand-in for, and the module that is one."""


@dataclass(frozen=True)
class Shell:
    """Where a sandbox keeps its things.

    Attributes:
        project: The folder of `Pulumi.yaml`.
        home: The folder of everything the sandbox writes: state, launchers, logs.
        python: The Python of the language host and the stand-ins: by default this one.
    """

    project: Path
    home: Path
    python: str = sys.executable

    @property
    def state(self) -> Path:
        """The folder of the stacks' state."""
        return self.home / "state"

    @property
    def pulumi_home(self) -> Path:
        """What Pulumi keeps of its own: credentials, the selected stack, plugins."""
        return self.home / "pulumi"

    def environment(
        self, engine: Engine, cloud: Mapping[str, str], base: Mapping[str, str] = os.environ
    ) -> dict[str, str]:
        """Return the variables to set so that `pulumi` works on this sandbox.

        Args:
            engine: The engine to put on PATH.
            cloud: The variables that name the local clouds.
            base: The environment they are added to; only its PATH is read.
        """
        path, own = base.get("PATH", ""), str(engine.command.parent)
        if shutil.which("pulumi", path=path) != str(engine.command):
            path = os.pathsep.join([own, *(part for part in path.split(os.pathsep) if part)])
        return {
            "PATH": path,
            "PULUMI_HOME": str(self.pulumi_home),
            "PULUMI_BACKEND_URL": f"{self.state.as_uri()}?{_NO_SIDECARS}",
            "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            # Any command that takes packs (preview, up, analyze) gets ours by itself.
            "PULUMI_OPTION_POLICY_PACK": ",".join(str(pack) for pack in self.policy_packs()),
            build.PYTHON_VARIABLE: self.python,
            **cloud,
        }

    def policy_packs(self) -> list[Path]:
        """Return the folders of the project's policy packs, by name."""
        return sorted(pack.parent for pack in self.project.glob("policies/*/PulumiPolicy.yaml"))

    def prepare(self, base: Mapping[str, str] = os.environ) -> list[str]:
        """Make the folders, and put a stand-in where a cloud's plugin is not installed.

        What an earlier version of this sandbox wrote beside the files of its state goes: it is read
        even though it is not written any more.

        Pulumi looks for plugins on PATH and in its own home. The sandbox's home is apart from the
        user's, so that neither credentials nor selected stacks mix. The plugins the user has
        installed are linked into it; a stand-in lies there as if it were installed.

        Args:
            base: Where installed plugins are looked for (`PATH`, `PULUMI_HOME`, `HOME`).

        Returns:
            The names of the clouds whose plugin is a stand-in.
        """
        for folder in (self.state, self.pulumi_home):
            folder.mkdir(parents=True, exist_ok=True)
        for sidecar in self.state.rglob("*.attrs"):
            sidecar.unlink(missing_ok=True)
        home = base.get("PULUMI_HOME") or Path(base.get("HOME", "~")).expanduser() / ".pulumi"
        own, users = self.pulumi_home / "plugins", Path(home) / "plugins"
        made: list[str] = []
        for cloud, module in STAND_INS.items():
            executable = f"pulumi-resource-{cloud}"
            if shutil.which(executable, path=base.get("PATH", "")):
                continue
            official = list(users.glob(f"resource-{cloud}-v*/{executable}")) if users != own else []
            for plugin in official:
                _link(plugin.parent, own / plugin.parent.name)
            if not official:
                version = importlib.metadata.version(f"pulumi-{cloud}")
                _launch(own / f"resource-{cloud}-v{version}" / executable, self.python, module)
                made.append(cloud)
        return made


def _link(official: Path, folder: Path) -> None:
    """Make a folder of links to an installed plugin; Pulumi passes over a link to a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in official.iterdir():
        link = folder / file.name
        if not link.is_symlink():
            link.symlink_to(file)


def _launch(launcher: Path, python: str, module: str) -> None:
    """Write an executable that runs a module with a Python.

    The engine starts it in the folder of a program, which may have a `sandbox` of its own: `-P`
    keeps that out of sight.
    """
    launcher.parent.mkdir(parents=True, exist_ok=True)
    # Renamed into place: a command that runs at this moment never meets half a file.
    fresh = launcher.with_name(f".{launcher.name}.{os.getpid()}")
    fresh.write_text(f'#!/bin/sh\nexec {shlex.quote(python)} -P -m {module} "$@"\n')
    fresh.chmod(0o755)
    fresh.rename(launcher)


def exports(variables: Mapping[str, str]) -> str:
    """Render variables as lines that a POSIX shell evaluates."""
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in variables.items())
