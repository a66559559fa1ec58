"""The error that stops a deployment, with every fault and what mends it."""

from collections.abc import Sequence

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
