"""The plain `pulumi` command, as a verb runs it for a stack.

Secrets stay secret: no question here asks for them.
"""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

PULUMI_SECONDS: Final = 60.0
"""How long a question may take; Pulumi reads the state from a backend on the network."""


class PulumiError(Exception):
    """Pulumi did not answer; the message ends a sentence that begins with the command."""


@dataclass(frozen=True)
class PulumiCommand:
    """How `pulumi` is run."""

    folder: Path | None = None
    """Where; None: in the current folder."""
    variables: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """Variables beside those of this process. Not in the `repr`: there may be secrets in them."""
    seconds: float = PULUMI_SECONDS
    """How long it may take; an import asks a provider for each record."""

    def answer(self, *words: str, stack: str | None = None) -> str:
        """Return what a command prints.

        Args:
            words: The command, without `pulumi`.
            stack: The stack it is about; None: the one selected in the folder.

        Raises:
            PulumiError: There is no `pulumi`, it refuses, or it is silent for too long.
        """
        command = ["pulumi", *words, "--non-interactive"]
        if stack is not None:
            command += ["--stack", stack]
        try:
            done = subprocess.run(
                command,
                cwd=self.folder,
                env={**os.environ, **self.variables},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=self.seconds,
                check=True,
            )
        except FileNotFoundError as error:
            raise PulumiError("not on PATH") from error
        except subprocess.TimeoutExpired as error:
            raise PulumiError(f"silent for {self.seconds:.0f} seconds") from error
        except subprocess.CalledProcessError as error:
            text = " ".join(f"{error.stdout} {error.stderr}".split())
            # What was done before it, and warnings, stand in front of it.
            raise PulumiError(f"refused: {text.rpartition('error: ')[2]}") from error
        return done.stdout
