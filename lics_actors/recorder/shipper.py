"""From the spool to the tables: read, decode, one transaction, and only then trim."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from typing import Protocol
from uuid import UUID

from lics_actors.device.messages import DeviceSpec
from lics_actors.errors import DatabaseUnavailableError, StorageFullError
from lics_actors.recorder import batch
from lics_actors.recorder.arrival import Arrival
from lics_actors.recorder.database import Database
from lics_actors.recorder.deadletters import DeadLetters
from lics_actors.recorder.decoding import Decoded, Numbered, decode, rejection, unknown_devices
from lics_actors.recorder.disk import Disk
from lics_actors.recorder.packing import Packer
from lics_actors.recorder.routing import Route, Routes
from lics_actors.recorder.tally import Tally
from lics_actors.store.errors import RowRefusedError
from lics_actors.store.packed import PackedTelemetry
from lics_actors.store.records import PayloadRejected
from lics_actors.store.repository import Repository
from lics_actors.store.shipping import Shipped, ship_samples

log = logging.getLogger(__name__)

ASK_AGAIN_S = 5.0  # how long the database's word stands that it knows a device not


class Atlas(Protocol):
    """Where the laboratory's devices are known; `learn` replaces them all."""

    @property
    def routes(self) -> Routes:
        """Return the routes to the devices known now."""

    def learn(self, devices: Sequence[DeviceSpec]) -> None:
        """Take over what the database says there is."""


class Shipper:
    """The one reader of the spool."""

    def __init__(self, disk: Disk, database: Database, letters: DeadLetters, atlas: Atlas, tally: Tally) -> None:
        self._disk, self._database, self._letters, self._atlas, self._tally = disk, database, letters, atlas, tally
        self._limit = batch.RejectionLimit()
        self._packer = Packer(atlas.routes)
        self._after = disk.trimmed
        self._asked: dict[UUID, float] = {}
        self._batch: tuple[Sequence[Numbered], Decoded] | None = None
        self._oldest_us: int | None = None
        self.failing: str | None = None

    def lag_s(self, now_us: int) -> float:
        """Return how long the oldest message that is not in the tables has waited."""
        return 0.0 if self._oldest_us is None else max(0.0, (now_us - self._oldest_us) / 1e6)

    @property
    def waiting(self) -> int:
        """Return how many messages are not in the tables yet."""
        return max(0, self._disk.last - self._after)

    async def run(self) -> None:
        """Ship, for ever; what fails is tried again, with patience."""
        failures, last = 0, 0.0
        while True:
            await self._due(last)
            last = time.monotonic()
            try:
                await self.turn()
                failures, self.failing = 0, None
            except DatabaseUnavailableError:
                failures += 1
            except Exception as error:
                failures += 1
                self._tally.faults += 1
                self.failing = f"{type(error).__name__}: {error}"
                log.exception("shipping failed, to be tried again")
            if failures:
                await asyncio.sleep(batch.retry_in(failures, random.random()))  # noqa: S311 - jitter is no secret

    async def turn(self) -> int:
        """Ship one batch, if there is one; return how many messages it had.

        Raises:
            DatabaseUnavailableError: it stays where it is.
        """
        self._disk.arrived.clear()
        if self._batch is None:
            self._batch = await self._next()
        if self._batch is None:
            return 0
        messages, decoded = self._batch
        await self._write_or_divide(messages, decoded)
        self._after, self._batch = messages[-1][0], None
        self._tally.shipped += len(messages)
        if not self.waiting:
            self._oldest_us = None
        with suppress(StorageFullError):  # told by the disk itself; the next trim takes these too
            await self._disk.trim(self._after)
        return len(messages)

    async def _due(self, last: float) -> None:
        if not self.waiting:
            await self._disk.arrived.wait()
        due = batch.ship_due_in(self.waiting, time.monotonic() - last)
        if due:
            await asyncio.sleep(due)

    async def _read(self, messages: Sequence[Numbered]) -> Decoded:
        """Return what `messages` come to. The ordinary is read here, by slices; a thread and the loop would take turns at it, at
        some milliseconds a turn. What a driver has to look at is read in a thread: nobody knows how long that takes."""
        if self._packer.routes is not self._atlas.routes:
            self._packer = Packer(self._atlas.routes)
        rows, others = PackedTelemetry(), list[Numbered]()
        for part in batch.slices(messages):
            others += self._packer.pack(part, rows)
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

    async def _next(self) -> tuple[Sequence[Numbered], Decoded] | None:
        messages = await self._disk.read(self._after, batch.SHIP_MESSAGES, batch.SHIP_BYTES)
        if not messages:
            self._after, self._oldest_us = max(self._after, self._disk.trimmed), None  # a spool begun anew starts higher
            return None
        self._oldest_us = messages[0][1].received_us
        decoded = await self._read(messages)
        self._tally.rejected += decoded.refused
        for arrival, reason in decoded.unreadable:
            await self._bury(arrival, reason)
        return messages, decoded

    async def _write_or_divide(self, messages: Sequence[Numbered], decoded: Decoded) -> None:
        try:
            await self._write(decoded)
        except RowRefusedError as error:
            log.warning("the database refuses a row: dividing the batch", extra={"messages": len(messages), **error.facts})
            await self._write_rejected(decoded.rejected)
            await self._divide(messages, error)

    async def _divide(self, messages: Sequence[Numbered], error: RowRefusedError) -> None:
        """Write all but the messages that the database refuses; those it is told of, and they are kept whole."""
        if len(messages) == 1:
            await self._refused(messages[0][1], error)
            return
        for half in batch.halves(messages):
            decoded = await asyncio.to_thread(decode, half, self._atlas.routes, batch.RejectionLimit())
            decoded.rejected.clear()  # written before, and limited with the whole batch
            try:
                await self._write(decoded)
            except RowRefusedError as again:
                await self._divide(half, again)

    async def _refused(self, arrival: Arrival, error: RowRefusedError) -> None:
        reason = f"the database refuses it: {error.facts.get('reason', error.message)}"
        route = self._atlas.routes.find(arrival.topic, arrival.received_us)
        device_id = route.device.device_id if isinstance(route, Route) else route.device_id
        self._tally.rejected += 1
        await self._bury(arrival, reason)
        await self._write_rejected([rejection(arrival, device_id, reason)])

    async def _write_rejected(self, rejected: Sequence[PayloadRejected]) -> None:
        """Write rejections; one that is refused itself is given up, since its message is counted and it may never end."""
        try:
            await self._write(Decoded(rejected=list(rejected)))
        except RowRefusedError as error:
            if len(rejected) > 1:
                for half in batch.halves(rejected):
                    await self._write_rejected(half)
            else:
                log.error("the database refuses a rejection", extra={"topic": rejected[0].topic, **error.facts})

    async def _write(self, decoded: Decoded) -> None:
        def work(repository: Repository) -> Awaitable[Shipped]:
            return ship_samples(repository, decoded.telemetry, decoded.events, decoded.rejected, decoded.packed)

        shipped = await self._database.call(work)
        self._tally.rows += shipped.telemetry + shipped.events
        self._tally.duplicates += shipped.duplicate

    async def _bury(self, arrival: Arrival, reason: str) -> None:
        self._tally.dead_letters += 1
        await self._letters.keep_message(arrival, reason)
