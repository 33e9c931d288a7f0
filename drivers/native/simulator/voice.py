"""What a simulated device says: its messages on their way out, with the faults that befall them."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final
from uuid import UUID

from drivers.native import device_side
from drivers.native.codec import ACK, DESCRIBE, EVENTS, STATUS, TELEMETRY
from drivers.native.simulator.connection import Connection
from drivers.native.simulator.faults import Faults, garbage, happens
from drivers.native.simulator.model import Happening
from drivers.native.simulator.recent import Key, Recent
from drivers.native.simulator.rules import Entry
from drivers.protocol import AckState, Sample

log = logging.getLogger(__name__)

IN_FLIGHT: Final = 20  # messages without PUBACK; what mosquitto allows by default
WAITING: Final = 1_000  # messages a device holds; then new readings are lost, as in a small memory


def now_utc() -> datetime:
    """Return the device's clock."""
    return datetime.now(UTC)


@dataclass(slots=True)
class _Outgoing:
    leaf: str
    payload: bytes
    due: float
    kept: bool  # sent again after a lost connection
    key: Key | None = None


class Voice:
    """One boot's messages: numbered, queued, sent in order with up to `IN_FLIGHT` unacknowledged ones.

    `confirmed` collects the telemetry messages and events that the broker acknowledged, where it is given. `recent` holds
    those of them that are said again after a lost connection.
    """

    def __init__(
        self,
        connection: Connection,
        base: str,
        epoch: int,
        *,
        faults: Faults,
        dice: Random,
        thawed: asyncio.Event,
        recent: Recent,
        confirmed: set[Key] | None,
    ) -> None:
        self.epoch, self.faults, self.sent = epoch, faults, 0
        self._connection, self._base, self._dice, self._thawed = connection, base, dice, thawed
        self._recent, self._confirmed = recent, confirmed
        self._repeating: set[Key] = set()
        self._seq = {TELEMETRY: 0, EVENTS: 0}
        self._outbox: asyncio.Queue[_Outgoing] = asyncio.Queue(WAITING)
        self._in_flight = asyncio.Semaphore(IN_FLIGHT)

    async def run(self) -> None:
        """Send what waits, in order, without waiting for each PUBACK."""
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as sending:
            while True:
                message = await self._outbox.get()
                if message.due > loop.time():
                    await asyncio.sleep(message.due - loop.time())
                await self._thawed.wait()
                if message.kept:
                    await self._connection.connected.wait()
                await self._in_flight.acquire()
                sending.create_task(self._send(message))

    def report(self, samples: list[Sample]) -> None:
        """Send a telemetry message, and whatever garbage belongs beside it."""
        seq = self._next(TELEMETRY)
        self.sent += 1
        self._say(TELEMETRY, device_side.telemetry_payload(self.epoch, seq, samples), key=(TELEMETRY, self.epoch, seq))
        if happens(self.faults.garbage, self._dice):
            self._say(self._dice.choice((TELEMETRY, EVENTS, STATUS, DESCRIBE, ACK)), garbage(self._dice))

    def tell(self, start: datetime, happenings: tuple[Happening, ...]) -> None:
        """Send events that happened after `start`."""
        for each in happenings:
            time = start + timedelta(seconds=each.after_s)
            seq = self._next(EVENTS)
            payload = device_side.event_payload(self.epoch, seq, time, each.type, each.data)
            self._say(EVENTS, payload, key=(EVENTS, self.epoch, seq))

    def answer(self, command_id: UUID, entry: Entry) -> None:
        """Acknowledge a command as the ledger has it."""
        known = {"result": entry.result, "error": entry.error, "ledger_seq": entry.ledger_seq}
        self._ack(entry.state, device_side.ack_payload(command_id, entry.state, now_utc(), **known))

    def delivered(self, command_id: UUID) -> None:
        """Acknowledge that a command has arrived."""
        self._ack(AckState.DELIVERED, device_side.ack_payload(command_id, AckState.DELIVERED, now_utc()))

    def reject(self, command_id: UUID, error: str) -> None:
        """Acknowledge that a command is not taken."""
        self._ack(AckState.REJECTED, device_side.ack_payload(command_id, AckState.REJECTED, now_utc(), error=error))

    def repeat(self) -> None:
        """Say again what a broker that was killed may have forgotten; who hears it twice knows it by epoch and seq."""
        for key, payload in self._recent.again():
            if key not in self._repeating:
                self._repeating.add(key)
                self._say(key[0], payload, kept=True, key=key)

    def _ack(self, state: AckState, payload: bytes) -> None:
        if state in self.faults.drop_states and happens(self.faults.drop_acks, self._dice):
            return
        self._say(ACK, payload, kept=True)

    def _next(self, leaf: str) -> int:
        seq = self._seq[leaf]
        self._seq[leaf] = seq + 1
        return seq

    def _say(self, leaf: str, payload: bytes, *, kept: bool = False, key: Key | None = None) -> None:
        """Queue a message; a reading ends here when the device is not connected or its memory is full."""
        if not kept and not self._connection.connected.is_set():
            return
        due = asyncio.get_running_loop().time() + self.faults.delay if self.faults.delay > 0 else 0.0
        try:
            self._outbox.put_nowait(_Outgoing(leaf, payload, due, kept, key))
        except asyncio.QueueFull:
            if key is not None:
                self._repeating.discard(key)
            log.warning("a simulated device's memory is full", extra={"topic": self._base + leaf})

    async def _send(self, message: _Outgoing) -> None:
        topic = self._base + message.leaf
        try:
            arrived = await self._connection.publish(topic, message.payload)
            if happens(self.faults.duplicate, self._dice):
                await self._connection.publish(topic, message.payload)
        finally:
            self._in_flight.release()
        if arrived and message.key is not None:
            self._arrived(message.key, message.payload)
        if not arrived and message.kept:
            await self._outbox.put(message)

    def _arrived(self, key: Key, payload: bytes) -> None:
        self._repeating.discard(key)
        self._recent.acknowledged(key, payload, asyncio.get_running_loop().time())
        if self._confirmed is not None:
            self._confirmed.add(key)
