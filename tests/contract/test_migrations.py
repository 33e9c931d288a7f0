"""Migrations on a real database: forward, back, forward; alone; and they end at what the models say."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from tortoise.context import TortoiseContext

from config.orm import APP, orm_config
from lics_actors.errors import DatabaseUnavailableError
from lics_actors.store import migrate
from lics_actors.store.errors import MigrationMissingError, SchemaBusyError, SchemaTooNewError
from lics_actors.store.migrate import SchemaState, current, doomed_by, downgrade, known_versions, revision, upgrade
from lics_actors.store.repository import DeviceFilter, Repository
from lics_actors.store.shipping import Shipped, ship_journal, ship_samples
from tests.contract.store_rows import DEVICE, accepted, event, new_device, reading, rejection

FIRST, LAST = known_versions()[0], known_versions()[-1]
# tables or views, so no models
ROLLUPS = "('telemetry_1m', 'telemetry_1h', 'telemetry_seq_1h', 'device_event_seq_1h', 'telemetry_latest')"
ROOT = Path(migrate.__file__).resolve().parents[2]


async def query(url: str, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(statement, *values)]
    finally:
        await connection.close()


async def schema(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Columns, indexes and constraints as PostgreSQL itself names them; without aerich's own table."""
    own = f"table_schema = 'public' AND table_name <> 'aerich' AND table_name NOT IN {ROLLUPS}"
    return {
        "columns": await query(
            url,
            "SELECT table_name, column_name, data_type, character_maximum_length, is_nullable, column_default"
            f" FROM information_schema.columns WHERE {own} ORDER BY 1, 2",
        ),
        "indexes": await query(
            url,
            "SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'aerich'"
            f" AND tablename NOT IN {ROLLUPS} ORDER BY 1, 2",
        ),
        "constraints": await query(
            url,
            "SELECT conrelid::regclass::text, contype::text, pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text <> 'aerich' AND contype <> 'n'"
            f" AND conrelid::regclass::text NOT IN {ROLLUPS} ORDER BY 1, 2, 3",
        ),
    }


async def test_forward_back_and_forward(empty_database_url: str) -> None:
    url = empty_database_url
    assert await upgrade(url) == list(known_versions())
    there = await schema(url)
    state = await current(url)
    assert (state.applied, state.pending, state.unknown, state.version) == (known_versions(), (), (), LAST)
    assert await upgrade(url) == []
    assert await downgrade(url, to=-1) == list(known_versions()[::-1])
    assert (await schema(url))["columns"] == []
    assert (await current(url)).pending == known_versions()
    with pytest.raises(MigrationMissingError):
        await downgrade(url)
    assert await upgrade(url) == list(known_versions())
    assert await schema(url) == there


async def test_data_survives_the_way_back_and_forth(empty_database_url: str) -> None:
    url = empty_database_url
    await upgrade(url)
    repository = await Repository.connect(url)
    device = await repository.create_device(new_device())
    batch = ([reading(n) for n in range(50)], [event(n) for n in range(5)], [rejection(1)])
    await ship_samples(repository, *batch)
    await ship_journal(repository, uuid4(), [(1, accepted(1))])
    for _ in range(2):
        undone = await downgrade(url, to=0)
        assert undone == list(known_versions()[:0:-1])
        assert await query(url, "SELECT id, name FROM device") == [(device.id, device.name)]
        with pytest.raises(DatabaseUnavailableError, match="lics db upgrade"):  # an older schema takes nothing
            await ship_samples(repository, *batch)
        assert await upgrade(url) == list(known_versions()[1:])
        assert await ship_samples(repository, *batch) == Shipped(0, 0, 0, 56)
        assert len((await repository.telemetry(DEVICE)).items) == 50
        assert len((await repository.list_commands(None)).items) == 1
    await repository.close()


async def test_the_migrations_end_at_the_models(empty_database_url: str, database_url: str) -> None:
    async with TortoiseContext() as context:
        await context.init(config=orm_config(empty_database_url))
        await context.generate_schemas()
    for table in ("telemetry", "device_event"):  # as migration 0 does, and why, stands there
        await query(empty_database_url, f"ALTER TABLE {table} DROP CONSTRAINT {table}_pkey")
    made, migrated = await schema(empty_database_url), await schema(database_url)
    assert made == migrated


async def test_a_revision_finds_nothing_to_do(database_url: str) -> None:
    before = known_versions()
    assert await revision(database_url, "drift") is None
    assert await revision(database_url, "drift") is None
    assert known_versions() == before


async def test_no_revision_over_pending_migrations(empty_database_url: str) -> None:
    with pytest.raises(MigrationMissingError):
        await revision(empty_database_url, "too_early")
    await upgrade(empty_database_url)
    await downgrade(empty_database_url)
    with pytest.raises(MigrationMissingError):
        await revision(empty_database_url, "too_early")
    assert known_versions()[-1] == LAST


async def test_the_tables_are_the_contracts(database_url: str) -> None:
    columns = await query(
        database_url,
        "SELECT column_name, udt_name, character_maximum_length FROM information_schema.columns"
        " WHERE table_name = 'telemetry' ORDER BY ordinal_position",
    )
    assert columns == [
        ("time", "timestamptz", None),
        ("device_id", "uuid", None),
        ("metric", "varchar", 100),
        ("value", "float8", None),
        ("tags", "jsonb", None),
        ("epoch", "int4", None),
        ("seq", "int8", None),
    ]
    unique = await query(
        database_url,
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'telemetry'::regclass AND contype <> 'n'",
    )
    assert unique == [('UNIQUE (device_id, metric, "time", epoch, seq)',)]


async def test_many_upgrade_at_once_and_one_does_the_work(empty_database_url: str) -> None:
    done = await asyncio.gather(*(upgrade(empty_database_url) for _ in range(4)))
    assert sorted(done, key=len)[:-1] == [[], [], []] and sorted(done, key=len)[-1] == list(known_versions())
    assert [row[0] for row in await query(empty_database_url, "SELECT version FROM aerich ORDER BY id")] == list(known_versions())


def lics_db(url: str, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {"DATABASE_URL": url, "PATH": "/usr/bin:/bin", "LICS_DATA_DIR": "/nonexistent", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "lics_actors", "db", *words]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60, check=False
    )


async def test_two_processes_upgrade_at_once(empty_database_url: str) -> None:
    outcomes = await asyncio.gather(*(asyncio.to_thread(lics_db, empty_database_url, "upgrade", "--json") for _ in range(2)))
    assert [outcome.returncode for outcome in outcomes] == [0, 0], [outcome.stderr for outcome in outcomes]
    applied = sorted((json.loads(outcome.stdout)["applied"] for outcome in outcomes), key=len)
    assert applied == [[], list(known_versions())]


async def test_who_waits_too_long_is_told(empty_database_url: str) -> None:
    other = await asyncpg.connect(empty_database_url)
    await other.execute(f"SELECT pg_advisory_lock({migrate.LOCK_KEY})")
    with pytest.raises(SchemaBusyError):
        await upgrade(empty_database_url, wait_s=0.2)
    await other.close()
    assert await upgrade(empty_database_url) == list(known_versions())


async def test_an_upgrade_that_is_cut_off_can_be_repeated(empty_database_url: str) -> None:
    """After each migration, and in the middle of the one that runs outside a transaction."""
    await upgrade(empty_database_url)
    await query(empty_database_url, "DELETE FROM aerich WHERE version <> $1", FIRST)  # its work is done, but not noted down
    assert await upgrade(empty_database_url) == list(known_versions()[1:])
    work = asyncio.ensure_future(upgrade(empty_database_url))
    await asyncio.sleep(0)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert await upgrade(empty_database_url) == []


async def test_a_database_of_a_newer_lics_is_left_alone(database_url: str) -> None:
    await query(database_url, "INSERT INTO aerich (version, app, content) VALUES ('99_20990101_future.py', $1, '{}')", APP)
    state = await current(database_url)
    assert (state.unknown, state.pending) == (("99_20990101_future.py",), ())
    for call in (upgrade(database_url), downgrade(database_url), revision(database_url, "x")):
        with pytest.raises(SchemaTooNewError, match="newer LICS"):
            await call


async def test_an_ordinary_user_may_migrate_a_database_of_its_own(postgres_server: str, empty_database_url: str) -> None:
    role = f"r_{uuid4().hex[:8]}"
    name = empty_database_url.rsplit("/", 1)[1]
    password = "p@ss/w:ö?#[%]"  # what a URL does not like
    escaped = password.replace("%", "%25").replace("@", "%40")
    await query(postgres_server, f"CREATE ROLE {role} LOGIN PASSWORD '{password}'")
    await query(postgres_server, f"ALTER DATABASE {name} OWNER TO {role}")
    _, _, host = empty_database_url.rpartition("@")
    own = f"postgresql://{role}:{escaped}@{host}"
    try:
        assert await upgrade(own) == list(known_versions())
        repository = await Repository.connect(own)
        assert await ship_samples(repository, [reading(1)], [event(1)], [rejection(1)]) == Shipped(1, 1, 1, 0)
        assert (await repository.list_devices(DeviceFilter())).items == []
        await repository.close()
        assert await downgrade(own, to=-1) == list(known_versions()[::-1])
    finally:
        await query(empty_database_url, f"DROP OWNED BY {role} CASCADE")
        await query(postgres_server, f"ALTER DATABASE {name} OWNER TO CURRENT_USER")
        await query(postgres_server, f"DROP ROLE {role}")


async def test_timescale_makes_hypertables_and_its_absence_none(database_url: str) -> None:
    there = await query(database_url, "SELECT 1 FROM pg_available_extensions WHERE name = 'timescaledb'")
    preloaded = await query(database_url, "SELECT 1 FROM pg_settings WHERE name = 'timescaledb.disable_load'")
    state = await current(database_url)
    assert (state.timescale is not None) == bool(there and preloaded)
    repository = await Repository.connect(database_url)
    assert await repository.has_timescale() is (state.timescale is not None)
    await repository.close()
    if state.timescale is not None:
        tables = await query(database_url, "SELECT hypertable_name, compression_enabled FROM timescaledb_information.hypertables")
        assert sorted(tables) == [("device_event", True), ("telemetry", True)]
        policies = "SELECT hypertable_name FROM timescaledb_information.jobs WHERE proc_name = 'policy_compression'"
        compressed = sorted(name for (name,) in await query(database_url, policies))
        assert compressed == ["device_event", "telemetry", "telemetry_1h", "telemetry_1m"]


def test_what_a_downgrade_undoes() -> None:
    state = SchemaState(("0_a.py", "1_b.py", "2_c.py"), (), (), None)
    assert [doomed_by(state, to) for to in (None, 2, 1, 0, -1)] == [[2], [], [2], [1, 2], [0, 1, 2]]
    assert doomed_by(SchemaState((), ("0_a.py",), (), None), None) == []


async def test_the_command_line(empty_database_url: str) -> None:
    def lics(*words: str) -> subprocess.CompletedProcess[str]:
        return lics_db(empty_database_url, *words)

    assert "no migration was applied yet" in lics("current").stdout
    assert lics("seed").returncode == 3
    assert LAST in lics("upgrade").stdout
    assert "up to date" in lics("upgrade").stdout
    seeded = [json.loads(lics("seed", "--json").stdout) for _ in range(2)]
    assert seeded[0] == seeded[1] and len(seeded[0]["devices"]) == 24
    state = json.loads(lics("current", "--json").stdout)
    assert (state["version"], state["pending"]) == (LAST, [])
    assert json.loads(lics("downgrade", "--json").stdout) == {"undone": [LAST]}
    refused = lics("downgrade", "--to", "-1")
    assert refused.returncode == 2 and "--yes" in refused.stderr and not refused.stdout
    assert lics("downgrade", "--to", "-1", "--yes").returncode == 0
    nothing = lics("downgrade")
    assert (nothing.returncode, nothing.stdout) == (1, "") and "no migration to undo" in nothing.stderr
    assert lics("revision", "x").returncode == 1


def test_the_command_line_without_a_database() -> None:
    for url, code, words in (
        ("postgresql://lics:hidden@127.0.0.1:1/lics", 3, "cannot be reached"),
        ("mysql://lics:hidden@h/d", 2, "no PostgreSQL URL"),
    ):
        for command in ("upgrade", "current", "seed", "downgrade"):
            outcome = lics_db(url, command)
            assert (outcome.returncode, outcome.stdout) == (code, "") and words in outcome.stderr
            assert "Traceback" not in outcome.stderr and "hidden" not in outcome.stderr
