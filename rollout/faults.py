"""How a verb says that it was used wrongly: every fault, each with its cure, in one error.

A verb that raises `WrongUseError` has done nothing yet. The command prints the message and ends
with exit code 2.
"""

from collections.abc import Sequence

from components.faults import Fault


class WrongUseError(Exception):
    """One or more faults, all in one message."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        """Keep the faults and put all of them into the message.

        Args:
            faults: At least one, in the order the user should read them.
        """
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))
