"""The recorder's core between a real broker and a real database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from drivers.registry import driver, driver_names
from lics_actors.device.messages import BrokerSpec
from lics_actors.fleet.messages import RecorderSpec
from lics_actors.recorder.core import RecorderCore
from tests.system.recorder_load import LoadWriter, devices, everything_once
from tests.waiting import eventually

DRIVERS = {name: driver(name) for name in driver_names()}


def spec_of(broker: BrokerSpec, database_url: str, folder: Path, quota: int = 1 << 30) -> RecorderSpec:
    return RecorderSpec(broker, str(folder / "spool"), str(folder / "journals"), database_url, quota)


@asynccontextmanager
async def recording(spec: RecorderSpec, known=()) -> AsyncIterator[RecorderCore]:
    core = RecorderCore(spec, DRIVERS)
    core.devices_known(known)
    task = asyncio.create_task(core.run())
    try:
        await eventually(lambda: core.stats()["broker_up"] or (task.done() and task.result()), 10)
        yield core
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_what_the_broker_acknowledged_is_in_the_table(broker: BrokerSpec, database_url: str, data_dir: Path) -> None:
    known = devices(20)
    async with recording(spec_of(broker, database_url, data_dir), known) as core:
        await eventually(lambda: core.tally.connected)
        load = LoadWriter(broker, known, rate=500)
        sending = asyncio.create_task(load.run())
        await asyncio.wait([sending], timeout=2)
        load.stop()
        await sending
        await eventually(lambda: core.tally.shipped >= load.sent, 10)
        print(core.stats(), core.state_word())
    await everything_once(database_url, load.acknowledged)
