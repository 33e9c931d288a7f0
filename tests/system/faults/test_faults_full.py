"""What is full: the host's disk, the database's disk and its connections, Redis's memory. Nothing acknowledged is lost by it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from lics_actors.device.messages import BrokerSpec
from lics_actors.services.postgres import Postgres
from tests.conftest import with_database
from tests.system.faults.load import Load, summary
from tests.system.faults.scene import at_work
from tests.system.faults.small import full, small_disk
from tests.system.laboratory import Laboratory
from tests.waiting import eventually

FULL_S = 3.0 if os.environ.get("LICS_LONG") else 1.0


async def stands(laboratory: Laboratory, kind: str) -> bool:
    """Return whether an alarm of that kind stands."""
    return kind in {alarm["kind"] for alarm in (await laboratory.get("/api/v1/alarms"))["items"]}


async def test_a_full_disk_refuses_commands_and_holds_messages_at_the_broker(
    data_dir: Path, database_url: str, redis_url: str, broker: BrokerSpec, free_port: Callable[[], int]
) -> None:
    with small_disk(data_dir / "lab", 32) as disk:
        laboratory = Laboratory(disk, database_url, redis_url, broker, free_port)
        async with at_work(laboratory, data_dir / "ledgers") as load:
            before = await laboratory.nodes()
            await eventually(lambda: stands(laboratory, "disk-low"), what="a person hears of it long before")
            async with load:
                await load.goes_on()
                with full(disk):
                    mark = len(load.asked)
                    await eventually(lambda: (503, "STORAGE_FULL") in summary(load.since(mark)), what="commands are refused")
                    mark = len(load.asked)
                    await asyncio.sleep(FULL_S)
                    assert set(summary(load.since(mark))) == {(503, "STORAGE_FULL")}, summary(load.since(mark))
                    recorder = (await laboratory.nodes())["recorder"]
                    assert recorder["word"] == "back-pressure", recorder
                    assert (await laboratory.api.get("/api/v1/devices")).status_code == 200
                await load.goes_on(5)
            await load.audit()
            after = await laboratory.nodes()
            assert {n: v["pid"] for n, v in before.items()} == {n: v["pid"] for n, v in after.items()}, "nobody restarted"


@pytest.fixture
async def on_own_postgres(
    data_dir: Path, own_postgres: Postgres, redis_url: str, broker: BrokerSpec, free_port: Callable[[], int]
) -> AsyncIterator[Load]:
    laboratory = Laboratory(data_dir, own_postgres.url, redis_url, broker, free_port)
    async with at_work(laboratory, data_dir / "ledgers") as load:
        laboratory.database_url = with_database(own_postgres.admin_url, "lics")  # the audit is not refused
        yield load


@asynccontextmanager
async def no_connections(admin_url: str) -> AsyncIterator[None]:
    """Within: the server has no connection left for LICS."""
    connection = await asyncpg.connect(admin_url)
    try:
        await connection.execute("alter role lics connection limit 0")
        await connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'lics'")
        yield
    finally:
        await connection.execute("alter role lics connection limit -1")
        await connection.close()


async def test_a_database_without_connections_or_disk_is_as_good_as_away(
    on_own_postgres: Load, own_postgres: Postgres, data_dir: Path
) -> None:
    load, api = on_own_postgres, on_own_postgres.laboratory.api
    async with load:
        await load.goes_on()
        async with no_connections(own_postgres.admin_url):
            mark = len(load.asked)
            await asyncio.sleep(FULL_S)
            answer = await api.get("/api/v1/devices")
            assert (answer.status_code, answer.json()["detail"]["code"]) == (503, "DATABASE_UNAVAILABLE"), answer.text
            assert "run out of connections" in answer.text
            assert set(summary(load.since(mark))) == {(200, "succeeded")}, summary(load.since(mark))
        await load.goes_on()
    await load.audit()
    with small_disk(data_dir / "small", 16) as disk:
        admin = await asyncpg.connect(load.laboratory.database_url)
        try:
            owner = own_postgres.cluster.stat()
            os.chown(disk, owner.st_uid, owner.st_gid)
            await admin.execute(f"create tablespace small location '{disk}'")
            for table in ("telemetry", "device_event", "command", "command_state"):
                await admin.execute(f"alter table {table} set tablespace small")
            async with load:
                await load.goes_on()
                with full(disk):
                    mark = len(load.asked)
                    await asyncio.sleep(FULL_S)
                    assert set(summary(load.since(mark))) == {(200, "succeeded")}, summary(load.since(mark))
                    await eventually(lambda: says(load, "recorder", "spooling (database away)"), what="the record stays here")
                await load.goes_on()
            await load.audit()
            for table in ("telemetry", "device_event", "command", "command_state"):
                await admin.execute(f"alter table {table} set tablespace pg_default")
            await admin.execute("drop tablespace small")
        finally:
            await admin.close()


async def says(load: Load, node: str, word: str) -> bool:
    """Return whether a node says so of itself."""
    return bool((await load.laboratory.nodes())[node]["word"] == word)
