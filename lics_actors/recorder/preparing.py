"""From messages to what can be written: a batch, with the rows they come to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from lics_actors.device.messages import DeviceSpec
from lics_actors.recorder import batch
from lics_actors.recorder.arrival import Arrival
from lics_actors.recorder.database import Database
from lics_actors.recorder.deadletters import DeadLetters
from lics_actors.recorder.decoding import Decoded, Numbered, decode, unknown_devices
from lics_actors.recorder.packing import Packer
from lics_actors.recorder.routing import Routes
from lics_actors.recorder.tally import Tally
from lics_actors.store.packed import PackedTelemetry

ASK_AGAIN_S = 5.0  # how long the database's word stands that it knows a device not


class Atlas(Protocol):
    """Where the laboratory's devices are known; `learn` replaces them all."""

    @property
    def routes(self) -> Routes:
        """Return the routes to the devices known now."""

    def learn(self, devices: Sequence[DeviceSpec]) -> None:
        """Take over what the database says there is."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages, one at least, and what they come to."""

    messages: Sequence[Numbered]
    decoded: Decoded

    @property
    def last(self) -> int:
        """Return the position of the last message."""
        return self.messages[-1][0]

    @property
    def oldest_us(self) -> int:
        """Return when the first message arrived (microseconds since the Unix epoch)."""
        return self.messages[0][1].received_us


class Preparation:
    """Reads messages. What is refused is counted, and what no driver can read is kept, once: when it is prepared."""

    def __init__(self, database: Database, letters: DeadLetters, atlas: Atlas, tally: Tally) -> None:
        self._database, self._letters, self._atlas, self._tally = database, letters, atlas, tally
        self._limit = batch.RejectionLimit()
        self._packer = Packer(atlas.routes)
        self._asked: dict[UUID, float] = {}

    async def of(self, messages: Sequence[Numbered]) -> Batch:
        """Return what `messages` come to.

        Raises:
            DatabaseUnavailableError: there is a device that it has to be asked about.
        """
        decoded = await self._read(messages)
        self._tally.rejected += decoded.refused
        for arrival, reason in decoded.unreadable:
            await self.bury(arrival, reason)
        return Batch(messages, decoded)

    async def again(self, messages: Sequence[Numbered]) -> Decoded:
        """Return what messages of a refused batch come to, a row for each; their rejections were taken with the whole batch."""
        decoded = await asyncio.to_thread(decode, messages, self._atlas.routes, batch.RejectionLimit())
        decoded.rejected.clear()
        return decoded

    async def bury(self, arrival: Arrival, reason: str) -> None:
        """Keep a message that no table takes for a person to look at."""
        self._tally.dead_letters += 1
        await self._letters.keep_message(arrival, reason)

    async def _read(self, messages: Sequence[Numbered]) -> Decoded:
        """Read the ordinary here, by slices: a thread and the loop would take turns at it, some milliseconds each. What a driver
        has to look at is read in a thread: nobody knows how long that takes."""
        if self._packer.routes is not self._atlas.routes:
            self._packer = Packer(self._atlas.routes)
        packer, rows, others = self._packer, PackedTelemetry(), list[Numbered]()
        for part in batch.slices(messages):
            others += packer.pack(part, rows)
            await asyncio.sleep(0)
        if not others:
            return Decoded(rows)
        await self._meet(others)
        decoded = await asyncio.to_thread(decode, others, self._atlas.routes, self._limit)
        decoded.packed = rows
        return decoded

    async def _meet(self, messages: Sequence[Numbered]) -> None:
        """Ask the database about devices that only it may know yet."""
        now = time.monotonic()
        unknown = unknown_devices(messages, self._atlas.routes)
        if any(now - self._asked.get(device_id, -ASK_AGAIN_S) >= ASK_AGAIN_S for device_id in unknown):
            self._atlas.learn(await self._database.call(lambda repository: repository.device_specs()))
            self._asked = dict.fromkeys(unknown_devices(messages, self._atlas.routes), now)
