"""The record's promise: what the broker acknowledged is in the table exactly once, whatever is killed or away.

`LICS_LONG=1 ./lics test tests/system/test_recorder_record.py` has every server away for a minute in all instead of seconds.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import psutil

from lics_actors.fleet.messages import RecorderSpec
from lics_actors.recorder.spool import FILE
from lics_actors.services.postgres import Postgres
from tests.conftest import OwnBroker
from tests.system.recorder_host import RecorderHost
from tests.system.recorder_load import LoadWriter, devices, everything_once
from tests.waiting import eventually

LONG = os.environ.get("LICS_LONG") == "1"
AWAY_S = 60.0 if LONG else 3.0
RATE = 1000.0
SEED = 20260301


@asynccontextmanager
async def sending(load: LoadWriter) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(load.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


async def settle(load: LoadWriter, task: asyncio.Task[None], host: RecorderHost, timeout_s: float = 60.0) -> None:
    """Let the load end, all of it acknowledged, and the record catch up."""
    load.stop()
    async with asyncio.timeout(timeout_s):
        await task

    async def caught_up() -> bool:
        how = await host.how()
        return how.state == "recording" and how.stats["ingest_lag_s"] == 0 and await quiet(how.stats["recorder_received"], host)

    await eventually(caught_up, timeout_s, "the record has caught up")


async def quiet(received: float, host: RecorderHost) -> bool:
    """Return whether nothing more arrives: asked twice, since an answer is as old as the last question."""
    await asyncio.sleep(0.6)
    await host.how()
    await asyncio.sleep(0.1)
    return (await host.how()).stats["recorder_received"] == received


async def query(url: str, statement: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(statement)]
    finally:
        await connection.close()


def spec_of(broker: OwnBroker, postgres: Postgres, folder: Path, quota: int = 1 << 30) -> RecorderSpec:
    return RecorderSpec(broker.spec, str(folder / "spool"), str(folder / "journals"), postgres.url, quota)


async def paused(seconds: float) -> None:
    """Let the load run on: here time itself is what is tested."""
    await asyncio.sleep(seconds)


async def test_kills_and_absences_lose_nothing_and_repeat_nothing(
    own_broker: OwnBroker, own_postgres: Postgres, data_dir: Path, free_port: Callable[[], int]
) -> None:
    rng, known = random.Random(SEED), devices(100)
    async with RecorderHost(data_dir, free_port(), spec_of(own_broker, own_postgres, data_dir), known) as host:
        load = LoadWriter(own_broker.spec, known, RATE)
        async with sending(load) as task:
            await paused(1.0)
            for _ in range(3):
                await host.kill()
                await paused(rng.uniform(0.1, 0.8))
            await own_postgres.stop()
            await paused(AWAY_S / 2)
            await host.kill()  # while there is much in the spool
            await paused(AWAY_S / 2)
            await own_postgres.start()
            await paused(0.5)
            own_postgres.kill()
            await paused(0.5)
            await own_postgres.start()
            await own_broker.stop()
            await paused(0.5)
            await own_broker.start()
            await paused(rng.uniform(0.2, 0.8))
            await host.kill()
            await paused(0.5)
            await settle(load, task, host)
        print((await host.how()).stats, f"acknowledged {len(load.acknowledged)}, reconnects {load.reconnects}")
    assert len(load.acknowledged) > (3 + AWAY_S) * RATE * 0.2, "there was a load, most of the time"
    await everything_once(own_postgres.url, load.acknowledged)


def processes_of(postgres: Postgres) -> list[psutil.Process]:
    assert postgres.pid
    parent = psutil.Process(postgres.pid)
    return [parent, *parent.children(recursive=True)]


async def test_a_frozen_database_stops_no_acknowledgement(
    own_broker: OwnBroker, own_postgres: Postgres, data_dir: Path, free_port: Callable[[], int]
) -> None:
    known = devices(10)
    async with RecorderHost(data_dir, free_port(), spec_of(own_broker, own_postgres, data_dir), known) as host:
        load = LoadWriter(own_broker.spec, known, RATE / 2)
        async with sending(load) as task:
            await paused(0.5)
            frozen = processes_of(own_postgres)
            for process in frozen:
                process.send_signal(signal.SIGSTOP)
            try:
                before = (await host.how()).stats["recorder_acknowledged"]

                async def goes_on() -> bool:
                    now = (await host.how()).stats
                    return now["recorder_acknowledged"] > before + 1000 and now["ingest_lag_s"] > 1

                await eventually(goes_on, what="messages are acknowledged while the database hangs")
            finally:
                for process in frozen:
                    process.send_signal(signal.SIGCONT)
            await settle(load, task, host)
    await everything_once(own_postgres.url, load.acknowledged)


async def test_at_the_quota_it_says_so_then_waits_and_loses_nothing(
    own_broker: OwnBroker, own_postgres: Postgres, data_dir: Path, free_port: Callable[[], int]
) -> None:
    known, quota = devices(20), 600_000
    async with RecorderHost(data_dir, free_port(), spec_of(own_broker, own_postgres, data_dir, quota), known) as host:
        load = LoadWriter(own_broker.spec, known, RATE)
        await own_postgres.stop()
        async with sending(load) as task:

            async def said(what: str) -> bool:
                return await host.word() == what

            await eventually(lambda: said("spooling (database away)"), what="it says that the database is away")
            await eventually(lambda: said("back-pressure"), what="it says that it takes no more")
            await paused(1.0)
            stats = (await host.how()).stats
            assert stats["spool_bytes"] < quota * 1.5
            acknowledged = stats["recorder_acknowledged"]
            await paused(1.0)
            assert (await host.how()).stats["recorder_acknowledged"] == acknowledged
            assert (data_dir / "spool" / FILE).stat().st_size < quota * 1.5
            await own_postgres.start()
            await settle(load, task, host)
    await everything_once(own_postgres.url, load.acknowledged)
    alarms = await query(own_postgres.url, "SELECT kind FROM alarm WHERE source = 'recorder' AND returned_at IS NOT NULL")
    assert {"spool-high", "spool-full"} <= {kind for (kind,) in alarms}
    assert not await query(own_postgres.url, "SELECT kind FROM alarm WHERE returned_at IS NULL")


async def test_an_orderly_stop_leaves_nothing_in_the_spool(
    own_broker: OwnBroker, own_postgres: Postgres, data_dir: Path, free_port: Callable[[], int]
) -> None:
    known = devices(10)
    async with RecorderHost(data_dir, free_port(), spec_of(own_broker, own_postgres, data_dir), known) as host:
        load = LoadWriter(own_broker.spec, known, RATE)
        async with sending(load):
            await paused(1.0)
            await host.stop()
            acknowledged = set(load.acknowledged)
            stopped = "recorder closed" in host.log.read_text()
        async with RecorderHost(data_dir, free_port(), host.spec, known) as again:
            load.stop()
            await settle(load, asyncio.create_task(load.run()), again)
    assert stopped
    assert acknowledged <= load.acknowledged
    await everything_once(own_postgres.url, load.acknowledged)
