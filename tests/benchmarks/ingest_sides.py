"""The two contenders of `bench ingest`, asked the same way: where to send, where the rows arrive, what it cost."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

from lics_actors.device.messages import BrokerSpec
from tests.benchmarks import processes, telemetry_load
from tests.benchmarks.errors import BenchError
from tests.benchmarks.reference import ingest_pipeline
from tests.benchmarks.servers import Servers
from tests.benchmarks.telemetry_audit import Latency, Rows, Table
from tests.benchmarks.telemetry_load import Sent, device_id
from tests.benchmarks.whole_lics import BenchLaboratory, say_online

MOST_LATENCY_S = 1.0  # of p99, in a run that counts as sustained
OFFERED_AT_LEAST = 0.98  # of the rate that was meant; below it the load, not the contender, would be measured
HOPELESS_S = 1.5  # behind by so much: half a second's worth of samples is late already, more than one in a hundred of 15 s
LOOK_S = 0.25
SETTLE_S = 1.0  # in the half second after such a crowd of boots a commit took up to 0.46 s instead of 0.12
STILL_S = 5.0  # without a new row: nothing more will come
LEFT_BEHIND_S = 120.0


@dataclass(frozen=True, slots=True)
class Work:
    """What is offered. `rate` in messages a second; `rate_to`: a ramp up to it."""

    rate: float
    seconds: float
    samples: int = 1
    rate_to: float = 0.0


@dataclass(frozen=True, slots=True)
class Run:
    """What became of it. `behind_s`: from the end of the load to the last row. `cpu_us`: of a message. `hopeless`: cut short."""

    work: Work
    sent: Sent
    rows: Rows
    latency: Latency | None
    behind_s: float
    cpu_us: float
    best_rate: float
    hopeless: bool = False

    @property
    def rate(self) -> float:
        """Return the messages a second that were really offered and acknowledged."""
        return self.sent.acked / self.sent.seconds

    @property
    def load_share(self) -> float:
        """Return the share of a core that the load itself used."""
        return self.sent.cpu_s / self.sent.seconds

    @property
    def offered(self) -> bool:
        """Return whether the load kept to the schedule."""
        return self.rate >= OFFERED_AT_LEAST * self.work.rate

    @property
    def sustained(self) -> bool:
        """Return whether the rate was kept up: offered in full, committed in time, nothing left behind."""
        late = self.latency.p99_s if self.latency else self.behind_s
        return (
            not self.hopeless
            and self.offered
            and self.rows.lost == 0
            and late < MOST_LATENCY_S
            and self.behind_s < MOST_LATENCY_S
        )


class Side(Protocol):
    """A contender that is running."""

    name: str
    broker: BrokerSpec
    table: Table

    async def pids(self) -> frozenset[int]:
        """Return the processes whose work is the record."""

    async def prepare(self, epoch: int) -> None:
        """Get ready for devices of another boot."""


class Lics:
    """LICS, whole; its recorders are what is compared."""

    name = "LICS"

    def __init__(self, laboratory: BenchLaboratory, table: Table, devices: list[UUID]) -> None:
        self.laboratory, self.table, self.broker, self.devices = laboratory, table, laboratory.broker, devices

    async def pids(self) -> frozenset[int]:
        """Return the recorders."""
        return await self.laboratory.recorders()

    async def prepare(self, epoch: int) -> None:
        """Have the devices boot, and let a hundred boots at once be over: they are not what is measured."""
        await say_online(self.broker, self.devices, epoch)
        await asyncio.sleep(SETTLE_S)


class Reference:
    """The lean pipeline. It hears topics of its own, so LICS, which goes on running, does not record its load."""

    name = "reference"

    def __init__(self, broker: BrokerSpec, table: Table, pid: int) -> None:
        self.broker, self.table, self._pid = broker, table, pid

    async def pids(self) -> frozenset[int]:
        """Return the one process it is."""
        return frozenset({self._pid})

    async def prepare(self, epoch: int) -> None:
        """Nothing to do."""


@asynccontextmanager
async def reference(servers: Servers, table: Table, flush_s: float, rows: int) -> AsyncIterator[Reference]:
    """Run the reference."""
    broker = dataclasses.replace(servers.broker, prefix=servers.broker.prefix + "reference/")
    settings = ingest_pipeline.Settings(servers.database_url, broker.host, broker.port, broker.prefix, table.name, flush_s, rows)
    async with processes.serving("tests.benchmarks.reference.ingest_pipeline", settings) as process:
        yield Reference(broker, table, process.pid)


async def measure(side: Side, work: Work, devices: int, epoch: int, *, timed: bool = True) -> Run:
    """Offer the work to a contender and wait for its rows. `timed`: the server knows when transactions were committed.

    Raises:
        BenchError: the load failed.
    """
    await side.table.clear()
    await side.prepare(epoch)
    before = await side.pids()
    used = processes.cpu_s(before)
    sent, hopeless = await _offer(side, work, devices, epoch)
    began = time.monotonic()
    await _all_there(side.table, sent.acked * work.samples)
    behind_s = time.monotonic() - began
    after = await side.pids()
    if before != after:
        raise BenchError(f"{side.name}: a process that records was started anew during the run")
    cpu_us = (processes.cpu_s(after) - used) / max(1, sent.acked) * 1e6
    rows = await side.table.rows(epoch, work.samples, [device_id(place) for place in range(devices)], sent.per_device)
    latency = await side.table.latency(epoch) if timed else None
    if latency:  # more exact than looking at the table now and then
        behind_s = max(0.0, (latency.last - sent.ended).total_seconds())
    best = await side.table.busiest(epoch) / work.samples if timed and work.rate_to else 0.0
    return Run(work, sent, rows, latency, behind_s, cpu_us, best, hopeless)


async def _offer(side: Side, work: Work, devices: int, epoch: int) -> tuple[Sent, bool]:
    """Run the load; end it early, and say so, when the record is so late that the run cannot be a sustained one any more."""
    async with processes.running("tests.benchmarks.telemetry_load", _load(side, work, devices, epoch), Sent) as load:
        hopeless = False
        while not await load.ended(LOOK_S) and not hopeless:
            newest = await side.table.newest(device_id(0))
            if newest and (datetime.now(UTC) - newest).total_seconds() > HOPELESS_S:
                hopeless = True
                load.ask_to_stop()
        return await load.answer(telemetry_load.DRAIN_S + 30), hopeless


def _load(side: Side, work: Work, devices: int, epoch: int) -> telemetry_load.Settings:
    broker = side.broker
    return telemetry_load.Settings(
        host=broker.host,
        port=broker.port,
        prefix=broker.prefix,
        epoch=epoch,
        devices=devices,
        rate=work.rate,
        seconds=work.seconds,
        rate_to=work.rate_to,
        samples=work.samples,
    )


async def _all_there(table: Table, expected: int) -> None:
    """Wait until so many rows are there, or none has come for a while: what is missing is for the audit to say."""
    loop = asyncio.get_running_loop()
    until, seen, last = loop.time() + LEFT_BEHIND_S, -1, loop.time()
    while loop.time() < until:
        count = await table.count()
        if count >= expected or loop.time() - last > STILL_S:
            return
        if count != seen:
            seen, last = count, loop.time()
        await asyncio.sleep(0.1)
