"""How a component says no: every fault it found, each with its cure, in one error."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong, with what was found and what mends it."""

    what: str
    """The thing itself, as its owner would name it: `dualstack-edge:traffic.direct`."""
    found: str
    """What it is now: a value, or `not set`."""
    allowed: str
    """What it may be."""
    remedy: str
    """What to do about it. No period after a command, for it would be copied with it."""

    def __str__(self) -> str:
        """Return `<what> is <found>; <allowed>. <what to do>`, the shape all our messages have."""
        return f"{self.what} is {self.found}; {self.allowed}. {self.remedy}"


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
