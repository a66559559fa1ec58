"""What a lab is told inside is made, or said not to be."""

import asyncio
from pathlib import Path

from sandbox.lab.deployed import Deployed
from sandbox.lab.world import RETRY_SECONDS, LabWorld


class Unmade(LabWorld):
    """A world in which nothing can be made."""

    def __init__(self, folder: Path) -> None:
        """Have tried nothing."""
        super().__init__(folder)
        self.faults = ["no room", "no room", "no host", "no host"]
        """Why not, time after time."""
        self.over = asyncio.Event()
        """When all of them came up."""

    async def _apply(self, deployed: Deployed) -> float | None:
        assert deployed == Deployed()
        if not self.faults:
            self.over.set()
            return None
        raise ValueError(self.faults.pop(0))

    async def say_all(self) -> list[str]:
        """Return what it says until all faults came up."""
        self._take(Deployed())
        making = asyncio.create_task(self._make())
        await asyncio.wait_for(self.over.wait(), 20 * RETRY_SECONDS)
        making.cancel()
        return self._events


def test_what_cannot_be_made_is_tried_again_and_said_when_the_reason_is_another(
    tmp_path: Path,
) -> None:
    assert asyncio.run(Unmade(tmp_path).say_all()) == [
        "What is deployed cannot be made: no room",
        "What is deployed cannot be made: no host",
    ]
