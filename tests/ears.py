"""Ears on the live bus: a reader at work, and what it heard."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from lics_actors.live.bus import Heard, LiveReader
from lics_actors.live.messages import EventLive, LiveMessage, TelemetryLive, decode
from tests.waiting import eventually


def seq_of(body: bytes) -> int:
    message = decode(body)
    assert isinstance(message, EventLive | TelemetryLive)
    return message.seq


class Ears:
    """A reader at work, and what it heard."""

    def __init__(self, url: str, prefix: str) -> None:
        self.reader, self.heard = LiveReader(url, prefix), list[Heard]()
        self._task = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        async for heard in self.reader:
            self.heard.append(heard)

    @property
    def numbers(self) -> list[int]:
        return [n for topic, n, _ in self.heard if topic]

    @property
    def seqs(self) -> list[int]:
        return [seq_of(body) for topic, _, body in self.heard if topic]

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self.reader.close()

    def of(self, topic: str) -> list[LiveMessage]:
        """Return what was heard on a topic."""
        return [decode(body) for where, _, body in self.heard if where == topic]


@asynccontextmanager
async def listening(url: str, *topics: str, prefix: str = "") -> AsyncIterator[Ears]:
    ears = Ears(url, prefix)
    await eventually(lambda: ears.reader.connected)
    for topic in topics:
        assert await ears.reader.subscribe(topic)
    yield ears
    await ears.close()
