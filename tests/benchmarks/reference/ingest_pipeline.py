"""The reference of `lics bench ingest`: MQTT QoS 1 → decode → COPY → PUBACK after the commit, and nothing else.

No supervision, no spool, no reconnect, no back-pressure: what the shortest honest program reaches on this machine.
Run as `python -m tests.benchmarks.reference.ingest_pipeline SETTINGS`, SETTINGS being a JSON object with `dsn`, `host`, `port`,
`prefix`, `table`, `flush_s` and `rows`. Writes "ready" on stdout; SIGTERM commits what is there and ends it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import uvloop

from tests.benchmarks.reference.mqtt_client import Message, connect

COLUMNS = ("time", "device_id", "metric", "value", "tags", "epoch", "seq")
Row = tuple[datetime, UUID, str, float, None, int, int]


class Settings(msgspec.Struct):
    """Where it works. A batch is written after `flush_s` seconds or with `rows` rows, whichever comes first."""

    dsn: str
    host: str
    port: int
    prefix: str
    table: str
    flush_s: float
    rows: int


class Sample(msgspec.Struct):
    """One entry of `samples`."""

    ts: datetime
    metrics: dict[str, float]


class Telemetry(msgspec.Struct):
    """The native payload (contracts.md, section 1)."""

    epoch: int
    seq: int
    ts: datetime | None = None
    metrics: dict[str, float] = {}
    samples: list[Sample] = []


class Pipeline:
    """One subscriber, one writer."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._decode = msgspec.json.Decoder(Telemetry).decode
        self._devices: dict[bytes, UUID] = {}
        self._rows: list[Row] = []
        self._packet_ids: list[int] = []
        self._full, self._stopping = asyncio.Event(), False

    async def run(self) -> None:
        """Work until SIGTERM."""
        settings = self._settings
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        connection = await asyncpg.connect(settings.dsn)
        self._client = await connect(settings.host, settings.port, f"reference-{os.getpid()}", self._hear)
        await self._client.subscribe(f"{settings.prefix}devices/+/telemetry")
        writing = asyncio.ensure_future(self._write(connection))
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.wait({writing, asyncio.ensure_future(stop.wait())}, return_when=asyncio.FIRST_COMPLETED)
        self._stopping = True
        self._full.set()
        await writing
        self._client.close()
        await connection.close()

    def _hear(self, messages: list[Message]) -> None:
        rows, packet_ids, devices, decode = self._rows, self._packet_ids, self._devices, self._decode
        for topic, payload, packet_id in messages:
            device = devices.get(topic)
            if device is None:
                device = devices[topic] = UUID(topic.decode().split("/")[-2])
            said = decode(payload)
            if said.ts is not None:
                for metric, value in said.metrics.items():
                    rows.append((said.ts, device, metric, value, None, said.epoch, said.seq))
            for sample in said.samples:
                for metric, value in sample.metrics.items():
                    rows.append((sample.ts, device, metric, value, None, said.epoch, said.seq))
            packet_ids.append(packet_id)
        if len(rows) >= self._settings.rows:
            self._full.set()

    async def _write(self, connection: Any) -> None:
        while not (self._stopping and not self._rows):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._full.wait(), self._settings.flush_s)
            self._full.clear()
            if not self._rows:
                continue
            rows, packet_ids, self._rows, self._packet_ids = self._rows, self._packet_ids, [], []
            await connection.copy_records_to_table(
                self._settings.table, records=rows, columns=COLUMNS
            )  # returns after the commit
            self._client.acknowledge(packet_ids)


async def main(settings: Settings) -> None:
    """Run the pipeline."""
    await Pipeline(settings).run()


if __name__ == "__main__":
    uvloop.run(main(msgspec.json.decode(sys.argv[1], type=Settings)))
