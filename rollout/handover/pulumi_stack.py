"""A stack's state, read and changed through the `pulumi` command."""

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from rollout.pulumi_command import PulumiCommand, PulumiError

READ_SECONDS: Final = 120.0
"""How long reading may take; a backend is on the network."""
WRITE_SECONDS: Final = 1_800.0
"""How long an import may take; it reads each record from Route 53."""


class StateError(Exception):
    """Pulumi did not do it; the message says why, in one line."""


class StackState(Protocol):
    """What reads and changes the state of one stack."""

    def export(self) -> str:
        """Return the state as JSON.

        Raises:
            StateError: There is none, or Pulumi cannot be run.
        """
        ...

    def take_over(self, resources: Mapping[str, Any], *, protect: bool) -> None:
        """Have the state hold resources that exist.

        Args:
            resources: What `pulumi import --file` reads.
            protect: Whether they are to be protected.

        Raises:
            StateError: Pulumi refuses.
        """
        ...

    def forget(self, urn: str) -> None:
        """Have the state no longer hold a resource, protected or not; the resource stays.

        Raises:
            StateError: Pulumi refuses.
        """
        ...


class PulumiStack:
    """A stack of the project in a folder."""

    def __init__(self, stack: str, folder: Path) -> None:
        """Take a stack.

        Args:
            stack: Its name.
            folder: The project's.
        """
        self._stack, self._folder = stack, folder

    def export(self) -> str:
        """Return the state as JSON."""
        return _run(("stack", "export", "--stack", self._stack), self._folder, READ_SECONDS)

    def take_over(self, resources: Mapping[str, Any], *, protect: bool) -> None:
        """Have the state hold resources that exist."""
        with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
            json.dump(resources, file)
            file.flush()
            command = (
                *("import", "--file", file.name, "--stack", self._stack, "--yes"),
                *("--skip-preview", "--generate-code=false", f"--protect={str(protect).lower()}"),
            )
            _run(command, self._folder, WRITE_SECONDS)

    def forget(self, urn: str) -> None:
        """Have the state no longer hold a resource."""
        command = ("state", "delete", urn, "--stack", self._stack, "--force", "--yes")
        _run(command, self._folder, READ_SECONDS)


def selected_stack(folder: Path) -> str:
    """Return the name of the stack that is selected in a folder.

    Raises:
        StateError: None is, or Pulumi cannot be run.
    """
    return _run(("stack", "--show-name"), folder, READ_SECONDS).strip()


def _run(command: Sequence[str], folder: Path, seconds: float) -> str:
    """Run `pulumi` and return what it printed.

    Raises:
        StateError: It is not there, is silent, or refuses.
    """
    try:
        return PulumiCommand(folder, seconds=seconds).answer(*command)
    except PulumiError as error:
        raise StateError(f"`pulumi {' '.join(command[:2])}` is {error}") from error
