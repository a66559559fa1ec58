"""A lab that can be made to have bad luck."""

from collections.abc import Mapping
from typing import Any

from sandbox.lab.door import LabError
from sandbox.lab.lab import Lab


class UnluckyLab(Lab):
    """A lab that can be made to have bad luck."""

    messages: list[str]
    """The lines that it told, once they are kept here."""
    refused = False
    """Whether its world takes nothing."""
    broken = False
    """Whether looking at the clouds ends in a fault that nobody expects."""

    def look(self) -> None:
        """Look, unless it is broken."""
        if self.broken:
            raise KeyError("surprise")
        super().look()

    def _ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        if self.refused and question["do"] == "apply":
            raise LabError("It takes nothing.")
        return super()._ask(question)
