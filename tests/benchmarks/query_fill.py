"""A laboratory's record of a day, made inside the server: 300 devices that measure two metrics once a second."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

import asyncpg

from lics_actors.store.connection import rollups_are_views
from lics_actors.store.repository import Repository
from lics_actors.store.upkeep import catch_up
from tests.benchmarks.harness import tell

METRICS = ("humidity_pct", "temperature_c")
START = datetime(2026, 1, 1, tzinfo=UTC)
BOOT_S = 43_200  # a boot every twelve hours
LOST = 10_007  # of each so many messages one never came
SPACE = UUID("6c696373-0000-4000-8000-000000000000")
STEP_S = 300  # a statement's rows, in seconds of the record
WRITERS = 3

_DEVICES = """INSERT INTO device (id, name, type, driver, settings, capabilities, silent_s, admin, link, health, safety, version,
        created_at, updated_at, created_by, updated_by)
    VALUES ($1, $2, 'sensor', 'native', '{}', '{}', 30, 'enabled', 'offline', 'ok', 'safe', 1, now(), now(), 'bench', 'bench')"""
# In order of time, as the Recorder writes: the rows of a device lie far apart, and that is what reading them costs.
_ROWS = f"""INSERT INTO telemetry (time, device_id, metric, value, epoch, seq)
    SELECT $1::timestamptz + s * interval '1 second', d, m, floor(random() * 1000), 1 + s / {BOOT_S}, s % {BOOT_S}
    FROM generate_series($2::int, $3::int - 1) s CROSS JOIN unnest($4::uuid[]) d CROSS JOIN unnest($5::text[]) m
    WHERE s % {LOST} <> 5"""
_UNIQUE = "SELECT conname FROM pg_constraint WHERE conrelid = 'telemetry'::regclass AND contype = 'u'"


@dataclass(frozen=True, slots=True)
class Filled:
    """What is in the tables."""

    devices: tuple[UUID, ...]
    seconds: int
    rows: int

    @property
    def end(self) -> datetime:
        """Return the time after the last row."""
        return START + timedelta(seconds=self.seconds)


async def fill(database_url: str, devices: int, rows: int) -> Filled:
    """Fill the tables, index them and roll them up."""
    ids = tuple(uuid5(SPACE, str(n)) for n in range(devices))
    seconds = rows // (devices * len(METRICS))
    connection = await asyncpg.connect(database_url)
    try:
        await connection.executemany(_DEVICES, [(device, f"bench {n}") for n, device in enumerate(ids)])
        plain = not await rollups_are_views(connection)
        unique = await connection.fetchval(_UNIQUE) if plain else None
        if unique is not None:  # the index afterwards, and no log: both are about filling only
            await connection.execute(f'ALTER TABLE telemetry DROP CONSTRAINT "{unique}"')
            await connection.execute("ALTER TABLE telemetry SET UNLOGGED")
        tell(f"filling the table: {rows:,} rows")
        steps = iter(range(0, seconds, STEP_S))
        await asyncio.gather(*(_write(database_url, ids, seconds, steps) for _ in range(WRITERS)))
        if unique is not None:
            tell("indexing")
            await connection.execute("SET maintenance_work_mem = '1GB'")
            key = "device_id, metric, time, epoch, seq"
            await connection.execute(f'ALTER TABLE telemetry ADD CONSTRAINT "{unique}" UNIQUE ({key})')
        await connection.execute("VACUUM ANALYZE telemetry")
        count = await connection.fetchval("SELECT count(*) FROM telemetry")
    finally:
        await connection.close()
    tell("rolling up")
    await _roll_up(database_url)
    return Filled(ids, seconds, count)


async def _write(database_url: str, ids: tuple[UUID, ...], seconds: int, steps: Iterator[int]) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        for begin in steps:
            await connection.execute(_ROWS, START, begin, min(seconds, begin + STEP_S), list(ids), list(METRICS))
    finally:
        await connection.close()


async def _roll_up(database_url: str) -> None:
    repository = await Repository.connect(database_url, pool_size=1, max_overflow=0)
    try:
        await catch_up(repository, most=timedelta(minutes=10))  # of whose rows the buffers hold all
        async with repository.raw(60.0) as connection:
            await connection.execute("ANALYZE")
    finally:
        await repository.close()
