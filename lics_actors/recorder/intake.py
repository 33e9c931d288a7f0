"""From the broker to the disk: read, spool, fsync, and only then PUBACK."""

from __future__ import annotations

import asyncio
import logging

from lics_actors.errors import StorageFullError
from lics_actors.recorder import batch
from lics_actors.recorder.arrival import Arrival
from lics_actors.recorder.batch import Pressure
from lics_actors.recorder.disk import Disk
from lics_actors.recorder.reader import Delivery, MqttReader
from lics_actors.recorder.tally import Tally

log = logging.getLogger(__name__)

FULL_AGAIN_S = 1.0  # how often a full disk is tried


class Intake:
    """Collects deliveries and commits them in groups. Reading pauses while more is in hand than the disk has taken."""

    def __init__(self, disk: Disk, tally: Tally) -> None:
        self._disk, self._tally = disk, tally
        self._loop = asyncio.get_running_loop()
        self._deliveries: list[Delivery] = []
        self._messages = 0
        self._bytes = 0
        self._since = 0.0
        self._arrived = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self.holding = False

    def deliver(self, delivery: Delivery) -> None:
        """Take what the broker sent; it is acknowledged there when it is durable."""
        if not self._deliveries:
            self._since = self._loop.time()
        self._deliveries.append(delivery)
        self._messages += len(delivery.arrivals)
        self._bytes += sum([len(arrival.payload) for arrival in delivery.arrivals])
        self._tally.received += len(delivery.arrivals)
        self._idle.clear()
        self._arrived.set()
        if self.holding or self._messages > batch.PENDING_MESSAGES or self._bytes > batch.PENDING_BYTES:
            self.holding = True
            delivery.source.pause()

    async def run(self) -> None:
        """Commit and acknowledge, for ever."""
        while True:
            await self._arrived.wait()
            due = batch.commit_due_in(self._messages, self._loop.time() - self._since)
            if due:
                await asyncio.sleep(due)
            self._arrived.clear()
            deliveries, self._deliveries = self._deliveries, []
            messages, self._messages, self._bytes = self._messages, 0, 0
            await self._commit(deliveries, messages)
            if not self._deliveries:
                self._idle.set()

    async def drained(self) -> None:
        """Wait until nothing is in hand."""
        await self._idle.wait()

    async def _commit(self, deliveries: list[Delivery], messages: int) -> None:
        arrivals: list[Arrival] = []
        for delivery in deliveries:
            arrivals.extend(delivery.arrivals)
        await self._durable(deliveries, arrivals)
        self._tally.spooled += messages
        self._tally.commits += 1
        self._acknowledge(deliveries)
        if self.holding and self._messages <= batch.PENDING_MESSAGES // 2:
            self._release(deliveries)

    def _acknowledge(self, deliveries: list[Delivery]) -> None:
        """Acknowledge in one write what came on one connection: a write for each delivery costs as much as reading does."""
        packet_ids: dict[MqttReader, list[int]] = {}
        for delivery in deliveries:
            packet_ids.setdefault(delivery.source, []).extend(delivery.packet_ids)
            self._tally.acknowledged += len(delivery.packet_ids)
        for source, ids in packet_ids.items():
            source.acknowledge(ids)

    async def _durable(self, deliveries: list[Delivery], arrivals: list[Arrival]) -> None:
        while True:
            if self._disk.pressure is Pressure.FULL:
                self._hold(deliveries)
                await self._disk.eased.wait()
            try:
                await self._disk.append(arrivals)
            except StorageFullError:
                self._hold(deliveries)
                await asyncio.sleep(FULL_AGAIN_S)
            else:
                return

    def _hold(self, deliveries: list[Delivery]) -> None:
        if not self.holding:
            log.warning("back-pressure: reading from the broker stops", extra={"pressure": self._disk.pressure.value})
        self.holding = True
        for delivery in (*deliveries, *self._deliveries):
            delivery.source.pause()

    def _release(self, deliveries: list[Delivery]) -> None:
        self.holding = False
        for delivery in (*deliveries, *self._deliveries):
            delivery.source.resume()
