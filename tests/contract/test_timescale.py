"""What only TimescaleDB does: chunks, compression, and rows that come late to a compressed chunk."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import astuple

from lics_actors.store.migrate import downgrade, upgrade
from lics_actors.store.records import TelemetryRow
from lics_actors.store.repository import Repository
from lics_actors.store.shipping import Shipped, ship_samples
from tests.contract.store_rows import DEVICE, T0, event

pytestmark = pytest.mark.timescale


@pytest.fixture(autouse=True)
async def timescale(repository: Repository) -> None:
    """Say so where there is none: the embedded server has no extensions, LICS_TEST_DATABASE_URL names one that has."""
    if not await repository.has_timescale():
        pytest.skip("needs TimescaleDB, named by LICS_TEST_DATABASE_URL")


def a_month(seed: int, n: int = 600) -> list[TelemetryRow]:
    dice = random.Random(seed)
    return [
        TelemetryRow(T0 + timedelta(hours=dice.randrange(720)), DEVICE, dice.choice("abc"), float(i), None, 1, seed * n + i)
        for i in range(n)
    ]


async def sql(repository: Repository, statement: str) -> list[Any]:
    async with repository.raw(60.0) as connection:
        return [tuple(row) for row in await connection.fetch(statement)]


async def test_late_rows_and_repeats_in_compressed_chunks(repository: Repository, database_url: str) -> None:
    rows, events = a_month(1), [event(n * 86_400) for n in range(30)]
    assert await ship_samples(repository, rows, events, []) == Shipped(600, 30, 0, 0)
    chunks = await sql(repository, "SELECT count(*) FROM timescaledb_information.chunks WHERE hypertable_name = 'telemetry'")
    assert 29 <= chunks[0][0] <= 31
    before = [
        (await repository.telemetry(DEVICE, limit=1000)).items,
        (await repository.telemetry(DEVICE, "a", bucket_s=86_400, agg="last")).items,
        await repository.latest(DEVICE),
        (await repository.events(DEVICE)).items,
    ]
    for table in ("telemetry", "device_event"):
        await sql(repository, f"SELECT compress_chunk(c, if_not_compressed => true) FROM show_chunks('{table}') c")
    after = [
        (await repository.telemetry(DEVICE, limit=1000)).items,
        (await repository.telemetry(DEVICE, "a", bucket_s=86_400, agg="last")).items,
        await repository.latest(DEVICE),
        (await repository.events(DEVICE)).items,
    ]
    assert after == before
    assert await ship_samples(repository, rows, events, []) == Shipped(0, 0, 0, 630)
    late = a_month(2)
    assert await ship_samples(repository, [*late, *rows], [], []) == Shipped(600, 0, 0, 600)
    assert len((await repository.telemetry(DEVICE, limit=5000)).items) == 1200
    assert await downgrade(database_url, to=0) and await upgrade(database_url)
    assert await ship_samples(repository, late, events, []) == Shipped(0, 0, 0, 630)
    assert len((await repository.telemetry(DEVICE, limit=5000)).items) == 1200


async def test_full_tables_become_hypertables(repository: Repository, database_url: str) -> None:
    """As if the extension came after the data: a plain table with rows is turned into a hypertable."""
    rows = a_month(3)
    await downgrade(database_url, to=-1)
    await upgrade(database_url)
    await downgrade(database_url, to=0)
    for table in ("telemetry", "device_event"):
        await sql(repository, f"CREATE TABLE plain_{table} (LIKE {table} INCLUDING ALL)")
        await sql(repository, f"DROP TABLE {table}")
        await sql(repository, f"ALTER TABLE plain_{table} RENAME TO {table}")
    async with repository.raw(30.0) as connection:  # not shipped: that needs today's schema
        await connection.copy_records_to_table("telemetry", records=[astuple(row) for row in rows])
    await upgrade(database_url)
    assert (await ship_samples(repository, [], [event(1)], [])).inserted == 1
    assert len((await repository.telemetry(DEVICE, limit=5000)).items) == 600
    assert len(await sql(repository, "SELECT 1 FROM timescaledb_information.hypertables")) == 2
    assert (await ship_samples(repository, rows, [event(1)], [])).duplicate == 601
