"""How many requests may begin at once: past what the processors can do, more only make each other slow and some very slow.

Fifty commands at a time on four processors: begun all at once p99 is 110 ms at p50 26, sixteen at a time 63 ms at p50 36, and
as many a second (measured). Whose answer takes longer than HOLD_S waits for its device, not for a processor, and makes room.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

HOLD_S: Final = 0.025  # some times what a quick command takes on a busy machine
PER_PROCESSOR: Final = 4  # 8 at once on four processors cost a tenth of the throughput, 5 a quarter (measured)

Answer = TypeVar("Answer")


def beginnings(processes: int) -> int:
    """Return how many requests one of so many processes may begin at once."""
    return max(PER_PROCESSOR, PER_PROCESSOR * (os.cpu_count() or 1) // processes)


class Pacing:
    """Lets `limit` requests begin, in their order; each makes room for the next when it is answered, or after HOLD_S."""

    def __init__(self, limit: int) -> None:
        self._room = asyncio.Semaphore(limit)

    async def run(self, begin: Callable[[], Awaitable[Answer]]) -> Answer:
        """Begin when there is room; return what comes of it."""
        await self._room.acquire()
        place = _Place(self._room)
        try:
            return await begin()
        finally:
            place.leave()


class _Place:
    """Room for one; left once, however often it is said."""

    def __init__(self, room: asyncio.Semaphore) -> None:
        self._room: asyncio.Semaphore | None = room
        self._held = asyncio.get_running_loop().call_later(HOLD_S, self.leave)

    def leave(self) -> None:
        """Make room for the next."""
        if self._room is not None:
            self._room.release()
            self._room = None
            self._held.cancel()
