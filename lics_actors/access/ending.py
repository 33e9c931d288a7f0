"""What was ended before its tokens expired, as every worker knows it: from the tables, told by Redis when to look.

Redis is a bell and no authority: whoever ends something writes it to the tables and rings, and who hears looks there, within
milliseconds. Without Redis each worker looks every LOOK_S. Without the tables nothing can be ended; what was is remembered,
and tokens end by themselves after their 15 minutes.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, Protocol, cast

from redis.exceptions import RedisError

from lics_actors.access.rules import Ended
from lics_actors.errors import LicsError
from lics_actors.live.torn import redis_at

log = logging.getLogger(__name__)

LOOK_S: Final = 2.0
ANSWER_S: Final = 0.5
MARGIN_S: Final = 120.0  # between the clocks of database and web, and until a worker has looked


class Table(Protocol):
    """What is needed of the repository."""

    async def ended_since(self, seconds: float) -> Ended:
        """Return what was ended in the last so many seconds."""


class Bell:
    """Says to all workers that something was ended. Who does not hear it looks by himself."""

    def __init__(self, redis_url: str | None, prefix: str) -> None:
        self.channel = f"{prefix}lics:ended"
        self._url = redis_url

    async def ring(self) -> None:
        """Ring."""
        if self._url is None:
            return
        redis = redis_at(self._url, socket_timeout=ANSWER_S, socket_connect_timeout=ANSWER_S)
        with suppress(RedisError, OSError):
            await redis.publish(self.channel, b"")
        with suppress(RedisError, OSError):
            await redis.aclose()

    async def heard(self, on_ring: Callable[[], None]) -> None:
        """Call `on_ring` for each, and whenever the connection is new, until cancelled."""
        if self._url is None:
            return
        while True:
            redis = redis_at(self._url, socket_timeout=None, socket_connect_timeout=ANSWER_S)
            try:
                async with redis.pubsub() as listening:
                    await listening.subscribe(self.channel)
                    on_ring()
                    async for _ in cast("Any", listening).listen():
                        on_ring()
            except (RedisError, OSError):
                await asyncio.sleep(LOOK_S)
            finally:
                with suppress(RedisError, OSError):
                    await redis.aclose()


class Endings:
    """A worker's knowledge. `run` while it serves."""

    def __init__(self, table: Table, bell: Bell, lifetime_s: float) -> None:
        self._table, self._bell, self._window_s = table, bell, lifetime_s + MARGIN_S
        self.ended = Ended()
        self.on_look: Callable[[Ended], None] = lambda _: None
        self.knows = asyncio.Event()
        self._wake = asyncio.Event()
        self._away = False
        self._alone = asyncio.Lock()
        self._looked: float | None = None

    async def run(self) -> None:
        """Keep it up to date, until cancelled."""
        listening = asyncio.create_task(self._bell.heard(self._wake.set))
        try:
            while True:
                await self.look()
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_S):
                        await self._wake.wait()
                self._wake.clear()
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    async def look(self) -> None:
        """Look once, after whoever looks now: he may have looked too early. While the tables are away, what is known stays."""
        async with self._alone:
            await self._look()

    async def _look(self) -> None:
        began = time.monotonic()
        gap_s = began - self._looked if self._looked is not None else 0.0
        try:
            self.ended = await self._table.ended_since(self._window_s + gap_s)
            self.on_look(self.ended)
        except LicsError as error:
            if not self._away:
                log.warning("what is ended is not known anew; tokens end by themselves", extra={"error": error.message})
            self._away = True
        except Exception:  # never the end of looking
            log.exception("what is ended could not be looked at")
        else:
            self._away, self._looked = False, began
            self.knows.set()

    async def told(self) -> None:
        """Something was just ended here: know it, and have the others look."""
        await self.look()
        await self._bell.ring()
