"""The environment in which the plain `pulumi` command works on the sandbox.

Three things decide what a `pulumi` command does: which engine and plugins PATH finds, where it
keeps state, and which cloud it talks to. All three are environment variables, so a shell that has
them needs nothing else: no change of the program, no configuration of a provider.
"""

import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.engine import build
from sandbox.engine.find import Engine
from sandbox.engine.language_host import RUNNER_VARIABLE

PASSPHRASE = "sandbox"  # noqa: S105 - it locks nothing but a state that lives on loopback
"""The passphrase of the sandbox's secrets; `Pulumi.sandbox.yaml` carries its salt."""

STACK = "sandbox"

PLUGIN_STAND_INS = {"aws": "sandbox.plugins.aws"}
"""Cloud plugins we have a stand-in for, and the module that is one."""


class LanguageHostMissingError(Exception):
    """The engine has no Python language host and ours lacks Pulumi's program runner."""


@dataclass(frozen=True)
class Shell:
    """Where a sandbox keeps its things.

    Attributes:
        project: The folder of `Pulumi.yaml`.
        home: The folder of everything the sandbox writes: state, launchers, logs.
    """

    project: Path
    home: Path

    @property
    def launchers(self) -> Path:
        """The folder of the stand-ins' executables, last on PATH."""
        return self.home / "bin"

    @property
    def state(self) -> Path:
        """The folder of the stacks' state."""
        return self.home / "state"

    @property
    def pulumi_home(self) -> Path:
        """What Pulumi keeps of its own: the selected stack, and a link to the user's plugins."""
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
        bin_folder = str(engine.command.parent)
        path = [part for part in base.get("PATH", "").split(os.pathsep) if part]
        wanted = [part for part in path if part not in {bin_folder, str(self.launchers)}]
        return {
            "PATH": os.pathsep.join([bin_folder, *wanted, str(self.launchers)]),
            "PULUMI_HOME": str(self.pulumi_home),
            "PULUMI_BACKEND_URL": self.state.as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
            "PULUMI_STACK": STACK,
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            # Any command that takes packs (preview, up, analyze) gets ours without being asked.
            "PULUMI_OPTION_POLICY_PACK": ",".join(str(pack) for pack in self.policy_packs()),
            RUNNER_VARIABLE: str(engine.command.parent / build.PROGRAM_RUNNER),
            **cloud,
        }

    def policy_packs(self) -> list[Path]:
        """Return the folders of the project's policy packs, by name."""
        return sorted(found.parent for found in self.project.glob("policies/*/PulumiPolicy.yaml"))

    def prepare(self, engine: Engine, base: Mapping[str, str] = os.environ) -> list[str]:
        """Make the folders and the launchers of what is not installed here.

        Args:
            engine: The engine that will run.
            base: Where installed plugins are looked for (`PATH`, `PULUMI_HOME`, `HOME`).

        Returns:
            The names of the executables that stand-ins were put in place for.

        Raises:
            LanguageHostMissingError: if the engine has no language host, nor the runner that ours
                needs.
        """
        for folder in (self.launchers, self.state, self.pulumi_home):
            folder.mkdir(parents=True, exist_ok=True)
        home = base.get("PULUMI_HOME") or Path(base.get("HOME", "~")).expanduser() / ".pulumi"
        installed = Path(home) / "plugins"
        link = self.pulumi_home / "plugins"
        if installed.is_dir() and Path(home) != self.pulumi_home and not link.exists():
            link.symlink_to(installed)
        wanted: dict[str, str] = {}
        if not engine.has_language_host:
            if not (engine.command.parent / build.PROGRAM_RUNNER).exists():
                raise LanguageHostMissingError(
                    f"the Python language host of {engine.command} is missing; it lies beside the "
                    "command in Pulumi's releases. Reinstall Pulumi, or take it off PATH so that "
                    "one is built."
                )
            wanted["pulumi-language-python"] = "sandbox.engine.language_host"
        for plugin, module in PLUGIN_STAND_INS.items():
            executable = f"pulumi-resource-{plugin}"
            if not self._is_installed(executable, installed, base.get("PATH", "")):
                wanted[executable] = module
        for stale in self.launchers.iterdir():
            if stale.name not in wanted:
                stale.unlink()
        for executable, module in wanted.items():
            self._launch(executable, module)
        return list(wanted)

    def _is_installed(self, executable: str, plugins: Path, path: str) -> bool:
        """Say whether a plugin other than our own launcher is there."""
        others = [part for part in path.split(os.pathsep) if part and part != str(self.launchers)]
        if shutil.which(executable, path=os.pathsep.join(others)):
            return True
        kind = executable.removeprefix("pulumi-")
        return any(plugins.glob(f"{kind}-v*/{executable}"))

    def _launch(self, executable: str, module: str) -> None:
        """Write an executable that runs a module with this Python."""
        python = shlex.quote(sys.executable)
        # Renamed into place: a command that runs at this moment never meets half a file.
        fresh = self.launchers / f".{executable}.{os.getpid()}"
        fresh.write_text(f'#!/bin/sh\nexec {python} -m {module} "$@"\n')
        fresh.chmod(0o755)
        fresh.rename(self.launchers / executable)


def exports(variables: Mapping[str, str]) -> str:
    """Render variables as lines that a POSIX shell evaluates."""
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in variables.items())
