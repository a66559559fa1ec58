"""The error that stops a deployment, with every fault and what mends it."""

import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Final

import pulumi

from components.faults import Fault


class FaultsError(pulumi.RunError):
    """One or more faults, all reported at once.

    A `pulumi.RunError` is shown to the user as its message alone; any other exception would bury
    the message under a stack trace of the program.
    """

    def __init__(self, summary: str, faults: Sequence[Fault]) -> None:
        """Keep the faults and put all of them into the message.

        Args:
            summary: What cannot be done because of them, without a final colon.
            faults: At least one fault, in the order the user should read them.
        """
        self.faults = tuple(faults)
        super().__init__("\n".join([f"{summary}:", *(f"  - {fault}" for fault in self.faults)]))


_TOLD: Final = 32
"""The exit code of a program that has told the user what is wrong.

Source: pulumi, `sdk/python/cmd/pulumi-language-python-exec`.
"""


@contextmanager
def told() -> Generator[None]:
    """Tell of faults and end the program, which Pulumi then calls no unhandled error."""
    try:
        yield
    except FaultsError as error:
        pulumi.log.error(str(error))
        sys.exit(_TOLD)
