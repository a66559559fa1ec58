"""Lets a limited number of requests run at once."""

import asyncio
import heapq
import itertools
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager


class Gate:
    """Lets a number of requests in at once, in order, but the urgent ones first."""

    def __init__(self, places: int) -> None:
        """Open the gate.

        Args:
            places: How many may be in at once.
        """
        self._free = places
        self._waiting: list[tuple[bool, int, asyncio.Future[None]]] = []
        self._came = itertools.count()

    @asynccontextmanager
    async def place(self, *, urgent: bool) -> AsyncGenerator[None]:
        """Wait for a place, and have it until the end."""
        if self._free:
            self._free -= 1
        else:
            turn = asyncio.get_running_loop().create_future()
            heapq.heappush(self._waiting, (not urgent, next(self._came), turn))
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._leave()
                raise
        try:
            yield
        finally:
            self._leave()

    def _leave(self) -> None:
        """Give the place to the next in line."""
        while self._waiting:
            *_, turn = heapq.heappop(self._waiting)
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
