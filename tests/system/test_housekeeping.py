"""The housekeeper through kills, a database that goes away, and another one beside it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lics_actors.housekeeping import plan
from lics_actors.housekeeping.actor import Housekeeper
from lics_actors.journal import JournalReader, journal_path
from lics_actors.services.postgres import Postgres
from lics_actors.store.records import AlarmCleared, AlarmRaised, TelemetryRow
from lics_actors.store.repository import Repository
from lics_actors.store.retention_rules import RetentionRule
from lics_actors.store.shipping import ship_samples
from lics_actors.store.upkeep import catch_up
from tests.contract.store_rows import DEVICE
from tests.waiting import eventually

ROOT = Path(__file__).parents[2]
FILL = """INSERT INTO telemetry SELECT $1::timestamptz + n * interval '1 second', $2, m, floor(random() * 1000), NULL, 1, n
    FROM generate_series(0, 21599) n CROSS JOIN unnest(ARRAY['a', 'b']) m"""
SMALL_STEPS = """import asyncio, sys
from datetime import timedelta
from lics_actors.store.repository import Repository
from lics_actors.store.upkeep import catch_up
async def work():
    repository = await Repository.connect(sys.argv[1], pool_size=1, max_overflow=0)
    await catch_up(repository, most=timedelta(minutes=1))
    await repository.close()
asyncio.run(work())"""
OF_ROWS = """SELECT device_id, metric, date_bin('1 minute', time, '2000-01-03') AS bucket,
        count(*), sum(value), min(value), max(value)
    FROM telemetry GROUP BY 1, 2, 3"""
OF_MINUTES = "SELECT device_id, metric, bucket, count, sum, min, max FROM telemetry_1m"
START = datetime(2026, 3, 1, 12, tzinfo=UTC)


async def test_killed_again_and_again_it_ends_with_the_same(database_url: str) -> None:
    repository = await Repository.connect(database_url)
    async with repository.raw(30.0) as connection:
        await connection.execute(FILL, START, DEVICE)
    reached = START
    for n in range(5):
        goal = START + timedelta(minutes=50 * (n + 1))
        child = subprocess.Popen([sys.executable, "-c", SMALL_STEPS, database_url], cwd=ROOT)  # noqa: ASYNC220
        try:

            async def there(goal: datetime = goal) -> bool:
                async with repository.raw(5.0) as connection:
                    done = await connection.fetchval("SELECT materialised FROM rollup_state WHERE source = 'telemetry'")
                return done is not None and done >= goal

            await eventually(there, 60, "it has come so far")
        finally:
            child.kill()
            child.wait()
        late = TelemetryRow(START + timedelta(seconds=n, microseconds=1), DEVICE, "a", 5.0, None, 2, n)
        await ship_samples(repository, [late], [], [])
        reached = goal
    assert reached == START + timedelta(minutes=250)
    await eventually(lambda: _alone(repository), what="the killed one's session is gone")
    await catch_up(repository)
    async with repository.raw(30.0) as connection:
        for one, other in ((OF_ROWS, OF_MINUTES), (OF_MINUTES, OF_ROWS)):
            assert await connection.fetch(f"({one}) EXCEPT ALL ({other})") == []
        assert await connection.fetchval("SELECT sum(count) FROM telemetry_1h") == 2 * 21_600 + 5
        assert await connection.fetchval("SELECT count(*) FROM rollup_late") == 0
    await repository.close()


async def _alone(repository: Repository) -> bool:
    async with repository.raw(5.0) as connection:
        held = await connection.fetchval(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database"
            " WHERE datname = current_database()) AND pid <> pg_backend_pid()"
        )
    return bool(held == 0)


@asynccontextmanager
async def keeping(database_url: str, journal_dir: Path) -> AsyncIterator[Housekeeper]:
    """A housekeeper whose loop runs here, without the actor around it."""
    housekeeper = Housekeeper()
    housekeeper.database_url, housekeeper.journal_dir = database_url, journal_dir
    task = asyncio.create_task(housekeeper.run())
    try:
        yield housekeeper
        assert not task.done()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounds follow each other quickly."""
    monkeypatch.setattr(plan, "EVERY_S", 0.1)
    monkeypatch.setattr(plan, "PRUNE_EVERY_S", 0.1)
    monkeypatch.setattr(plan, "RETRY_MAX_S", 0.5)
    monkeypatch.setattr(plan, "ALARM_AFTER", 2)


async def test_it_keeps_up_prunes_and_outlives_the_database(own_postgres: Postgres, tmp_path: Path) -> None:
    repository = await Repository.connect(own_postgres.url)
    old = datetime.now(UTC) - timedelta(days=3)
    rows = [TelemetryRow(old + timedelta(minutes=n), DEVICE, "a", float(n), None, 1, n) for n in range(100)]
    await ship_samples(repository, rows, [], [])
    async with keeping(own_postgres.url, tmp_path) as housekeeper:
        await eventually(lambda: housekeeper.state_word() == "keeping")
        assert housekeeper.stats()["rollup_behind_s"] == 0
        await own_postgres.stop()
        await eventually(lambda: housekeeper.state_word() == "waiting (database away)")
        await eventually(lambda: told(tmp_path) == [AlarmRaised], what="an alarm after some failures in a row")
        await own_postgres.start()
        await eventually(lambda: housekeeper.state_word() == "keeping")
        await eventually(lambda: told(tmp_path) == [AlarmRaised, AlarmCleared], what="cleared by success")
        await repository.set_retention(RetentionRule("*", "", 1, None), principal="user:ada")
        await eventually(lambda: housekeeper.stats()["values_pruned"] == 100)
    assert (await repository.telemetry(DEVICE)).items == []
    assert sum(point.count for point in (await repository.telemetry(DEVICE, bucket_s=3600)).items) == 100
    await repository.close()


def told(journal_dir: Path) -> list[type]:
    """Return the kinds of record that the housekeeper's journal holds."""
    reader = JournalReader(journal_path(journal_dir, "housekeeper"))
    try:
        return [type(record) for _, record in reader.read(0, 100)]
    finally:
        reader.close()


async def test_of_two_one_keeps_and_the_other_stands_by(database_url: str, tmp_path: Path) -> None:
    async with keeping(database_url, tmp_path) as one:
        await eventually(lambda: one.state_word() == "keeping")
        repository = await Repository.connect(database_url, pool_size=1, max_overflow=0)
        async with repository.raw(60.0) as connection:
            assert await eventually(lambda: connection.fetchval("SELECT pg_try_advisory_lock($1)", 0x6C696375))
            await eventually(lambda: one.state_word() == "standing by")
        await eventually(lambda: one.state_word() == "keeping")
        await repository.close()
