"""From the spool to the tables: prepare, write in one transaction, and only then trim."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Sequence
from contextlib import suppress

from lics_actors.errors import DatabaseUnavailableError, StorageFullError
from lics_actors.recorder import batch
from lics_actors.recorder.arrival import Arrival
from lics_actors.recorder.database import Database
from lics_actors.recorder.deadletters import DeadLetters
from lics_actors.recorder.decoding import Decoded, Numbered, rejection
from lics_actors.recorder.disk import Disk
from lics_actors.recorder.preparing import Atlas, Batch, Preparation
from lics_actors.recorder.routing import Route
from lics_actors.recorder.tally import Tally
from lics_actors.store.errors import RowRefusedError
from lics_actors.store.records import PayloadRejected
from lics_actors.store.repository import Repository
from lics_actors.store.shipping import Shipped, ship_samples

log = logging.getLogger(__name__)

LOOK_S = 0.01


class Shipper:
    """The one reader of the spool."""

    def __init__(self, disk: Disk, database: Database, letters: DeadLetters, atlas: Atlas, tally: Tally) -> None:
        self._disk, self._database, self._atlas, self._tally = disk, database, atlas, tally
        self._preparation = Preparation(database, letters, atlas, tally)
        self._after = disk.trimmed
        self._batch: Batch | None = None
        self._following: Batch | None = None
        self._oldest_us: int | None = None
        self._rows_each = 1.0  # of a message, as the last batch had them
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
        shipped = self._batch = self._batch or await self._next(self._after)
        if shipped is None:
            self._after, self._oldest_us = max(self._after, self._disk.trimmed), None  # a spool begun anew starts higher
            return 0
        self._oldest_us = shipped.oldest_us
        self._rows_each = max(1.0, shipped.decoded.rows / len(shipped.messages))
        done = await asyncio.gather(self._write_or_divide(shipped), self._prepare_behind(shipped), return_exceptions=True)
        if isinstance(done[0], BaseException):
            raise done[0]
        self._after, self._batch, self._following = shipped.last, self._following, None
        self._tally.shipped += len(shipped.messages)
        if not self.waiting:
            self._oldest_us = None
        with suppress(StorageFullError):  # told by the disk itself; the next trim takes these too
            await self._disk.trim(self._after)
        return len(shipped.messages)

    async def _prepare_behind(self, shipped: Batch) -> None:
        """Where there is much, prepare the following batch while one is written; what fails is tried again in its turn."""
        if self._following is None and (self._disk.last - shipped.last) * self._rows_each >= batch.SHIP_FROM_ROWS:
            self._following = await self._next(shipped.last)

    async def _next(self, after: int) -> Batch | None:
        messages = await self._disk.read(after, batch.SHIP_MESSAGES, batch.SHIP_BYTES)
        if not messages:
            return None
        if self._oldest_us is None:
            self._oldest_us = messages[0][1].received_us
        return await self._preparation.of(messages)

    async def _due(self, last: float) -> None:
        if not self.waiting:
            await self._disk.arrived.wait()
        while due := batch.ship_due_in(self.waiting * self._rows_each, time.monotonic() - last):  # noqa: ASYNC110
            await asyncio.sleep(min(due, LOOK_S))  # it may become enough meanwhile

    async def _write_or_divide(self, shipped: Batch) -> None:
        try:
            await self._write(shipped.decoded)
        except RowRefusedError as error:
            messages = shipped.messages
            log.warning("the database refuses a row: dividing the batch", extra={"messages": len(messages), **error.facts})
            await self._write_rejected(shipped.decoded.rejected)
            await self._divide(messages, error)

    async def _divide(self, messages: Sequence[Numbered], error: RowRefusedError) -> None:
        """Write all but the messages that the database refuses; those it is told of, and they are kept whole."""
        if len(messages) == 1:
            await self._refused(messages[0][1], error)
            return
        for half in batch.halves(messages):
            try:
                await self._write(await self._preparation.again(half))
            except RowRefusedError as again:
                await self._divide(half, again)

    async def _refused(self, arrival: Arrival, error: RowRefusedError) -> None:
        reason = f"the database refuses it: {error.facts.get('reason', error.message)}"
        route = self._atlas.routes.find(arrival.topic, arrival.received_us)
        device_id = route.device.device_id if isinstance(route, Route) else route.device_id
        self._tally.rejected += 1
        await self._preparation.bury(arrival, reason)
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
