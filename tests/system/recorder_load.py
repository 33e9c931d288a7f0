"""A QoS 1 load writer that knows what the broker has acknowledged; its own few lines of MQTT, so that it checks the reader's."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

import asyncpg

from lics_actors.device.messages import BrokerSpec, DeviceSpec

Row = tuple[UUID, int]  # device, seq
START = datetime(2026, 3, 1, tzinfo=UTC)
LABORATORY = UUID(int=0xABCDEF)


def devices(count: int) -> tuple[DeviceSpec, ...]:
    """Return native devices, always the same."""
    return tuple(DeviceSpec(uuid5(LABORATORY, str(n)), f"sensor {n}", "sensor", "native", {}) for n in range(count))


def value_of(device: UUID, seq: int) -> float:
    """Return the value that a device's message holds, so that rows can be compared."""
    return float((device.int ^ seq * 2654435761) % 1_000_003)


def payload(device: UUID, seq: int) -> bytes:
    """Return telemetry as contracts.md has it."""
    ts = (START + timedelta(milliseconds=seq)).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return json.dumps({"epoch": 1, "seq": seq, "ts": ts, "metrics": {"value": value_of(device, seq)}}).encode()


@dataclass
class LoadWriter:
    """Publishes telemetry in turn for `targets`, at `rate` messages a second, and again whatever was not acknowledged."""

    broker: BrokerSpec
    targets: tuple[DeviceSpec, ...]
    rate: float
    acknowledged: set[Row] = field(default_factory=set)
    sent: int = 0
    reconnects: int = 0
    _open: dict[int, tuple[Row, bytes]] = field(default_factory=dict)
    _stopped: bool = False

    async def run(self) -> None:
        """Publish until `stop`, and then until everything is acknowledged."""
        turns = self._turns()
        while not (self._stopped and not self._open):
            with suppress(OSError, EOFError):
                await self._connected(turns)
            self.reconnects += 1
            await asyncio.sleep(0.05)

    def stop(self) -> None:
        """Send nothing new."""
        self._stopped = True

    def _turns(self) -> Iterator[Row]:
        return itertools.chain.from_iterable(((spec.device_id, seq) for spec in self.targets) for seq in itertools.count())

    async def _connected(self, turns: Iterator[Row]) -> None:
        reader, writer = await asyncio.open_connection(self.broker.host, self.broker.port)
        try:
            body = b"\0\4MQTT\4\2\0\x3c" + _text(f"load-{id(self)}")
            writer.write(bytes([0x10, len(body)]) + body)
            assert (await reader.readexactly(4))[3] == 0
            waiting, self._open = list(self._open.values()), {}
            ids = itertools.cycle(range(1, 65536))
            for row, data in waiting:
                self._publish(writer, next(ids), row, data)
            listening = asyncio.ensure_future(self._listen(reader))
            try:
                await self._send(writer, ids, turns, listening)
            finally:
                listening.cancel()
        finally:
            writer.close()

    async def _send(
        self, writer: asyncio.StreamWriter, ids: Iterator[int], turns: Iterator[Row], listening: asyncio.Future[None]
    ) -> None:
        loop = asyncio.get_running_loop()
        began, count = loop.time(), 0
        while not listening.done():
            due = int((loop.time() - began) * self.rate) - count
            for _ in range(0 if self._stopped else min(due, 200)):
                if len(self._open) < 5000:
                    row = next(turns)
                    self._publish(writer, next(ids), row, payload(*row))
                    self.sent += 1
                count += 1
            if self._stopped and not self._open:
                return
            await writer.drain()
            await asyncio.sleep(0.005)
        listening.result()

    def _publish(self, writer: asyncio.StreamWriter, packet_id: int, row: Row, data: bytes) -> None:
        body = _text(f"{self.broker.prefix}devices/{row[0]}/telemetry") + packet_id.to_bytes(2, "big") + data
        assert 128 <= len(body) < 16384
        writer.write(bytes([0x32, len(body) & 127 | 128, len(body) >> 7]) + body)
        self._open[packet_id] = row, data

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        while True:
            answer = await reader.readexactly(4)
            assert answer[:2] == b"\x40\x02", answer
            row, _ = self._open.pop(int.from_bytes(answer[2:], "big"))
            self.acknowledged.add(row)


async def everything_once(url: str, acknowledged: set[Row]) -> None:
    """Assert that the table holds each acknowledged message once, with its value, and nothing twice."""
    connection = await asyncpg.connect(url)
    try:
        found = await connection.fetch("SELECT device_id, seq, value, epoch, time FROM telemetry")
    finally:
        await connection.close()
    there = {(row["device_id"], row["seq"]) for row in found}
    assert len(found) == len(there), "a row is there twice"
    missing = acknowledged - there
    assert not missing, f"{len(missing)} of {len(acknowledged)} are missing, such as {sorted(missing)[:3]}"
    for row in found:
        assert row["value"] == value_of(row["device_id"], row["seq"])
        assert (row["epoch"], row["time"]) == (1, START + timedelta(milliseconds=row["seq"]))


def _text(value: str) -> bytes:
    return len(value).to_bytes(2, "big") + value.encode()
