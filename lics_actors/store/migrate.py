"""Migrations from code: aerich's, one process at a time, with errors that say what to do.

A migration that does not run in a transaction (TimescaleDB's) is written so that it can be repeated after a crash.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
from aerich import Command
from aerich.migrate import Migrate
from tortoise.context import TortoiseContext

import migrations
from config.orm import APP, CONNECT_S, orm_config, parse_database_url
from lics_actors.store.availability import answering
from lics_actors.store.errors import MigrationMissingError, SchemaBusyError, SchemaTooNewError
from lics_actors.store.grants import grant_application

log = logging.getLogger(__name__)

LOCATION = Path(next(iter(migrations.__path__)))
LOCK_KEY = 0x6C696373  # "lics": PostgreSQL's advisory locks are numbers, shared by all who use the database
LOCK_POLL_S = 0.1
STATEMENT_S = 3600.0  # turning a full table into a hypertable rewrites it


@dataclass(frozen=True, slots=True)
class SchemaState:
    """Which migrations the database has had. `unknown`: applied, but not in this LICS, so a newer one was here."""

    applied: tuple[str, ...]
    pending: tuple[str, ...]
    unknown: tuple[str, ...]
    timescale: str | None  # the extension's version, None on plain PostgreSQL

    @property
    def version(self) -> str | None:
        """Return the newest migration the database has had."""
        return self.applied[-1] if self.applied else None


def number(version: str) -> int:
    """Return the serial number of a migration, `1_…_timescale` → 1."""
    return int(version.split("_", 1)[0])


def known_versions() -> tuple[str, ...]:
    """Return the migrations of this LICS, oldest first, named as aerich keeps them."""
    names = [path.name for path in (LOCATION / APP).glob("*_*.py") if path.name.split("_")[0].isdecimal()]
    return tuple(sorted(names, key=number))


async def current(database_url: str) -> SchemaState:
    """Return where the database stands.

    Raises:
        DatabaseUnavailableError, SettingsError
    """
    async with answering(10.0), _connection(database_url) as connection:
        return await _state(connection)


async def upgrade(database_url: str, *, application_url: str | None = None, wait_s: float = 120.0) -> list[str]:
    """Apply what is pending, and return it. Several processes may do so at once: one works, the others find it done.

    `application_url`: LICS works as that role, which owns nothing; it is given what it needs (store/grants.py).

    Raises:
        SchemaTooNewError: the database knows migrations that this LICS does not.
        SchemaBusyError: another process was still migrating after `wait_s`.
        DatabaseUnavailableError, SettingsError
    """
    async with _alone(database_url, wait_s) as state:
        _refuse_newer(state)
        applied: list[str] = []
        if state.pending:
            async with _aerich(database_url) as command:
                applied = await command.upgrade()
            log.info("database migrated", extra={"applied": applied})
        role = None if application_url is None else parse_database_url(application_url)["user"]
        if role is not None and role != parse_database_url(database_url)["user"]:
            async with _connection(database_url) as connection:
                await grant_application(connection, role)
    return applied


async def downgrade(database_url: str, *, to: int | None = None, wait_s: float = 120.0) -> list[str]:
    """Undo migrations, newest first, until number `to` is the newest (None: one step, -1: all), and return the undone.

    Going below the first migration drops the tables with all that is in them.

    Raises:
        MigrationMissingError: there is nothing to undo.
        SchemaTooNewError, SchemaBusyError, DatabaseUnavailableError, SettingsError
    """
    async with _alone(database_url, wait_s) as state:
        _refuse_newer(state)
        doomed = doomed_by(state, to)
        if not doomed:
            raise MigrationMissingError("no migration to undo", version=state.version)
        async with _aerich(database_url) as command:
            undone: list[str] = await command.downgrade(version=min(doomed), delete=False)
    log.info("database migrated back", extra={"undone": undone})
    return undone


def doomed_by(state: SchemaState, to: int | None) -> list[int]:
    """Return the numbers of the migrations that a downgrade to `to` undoes."""
    numbers = [number(version) for version in state.applied]
    return numbers[-1:] if to is None else [n for n in numbers if n > to]


async def revision(database_url: str, name: str) -> str | None:
    """Write the migration from the newest one to the models as they are; return its file name, None where they agree.

    Raises:
        MigrationMissingError: the database has pending migrations (aerich would overwrite them).
        SchemaTooNewError, SchemaBusyError, DatabaseUnavailableError, SettingsError
    """
    async with _alone(database_url, 10.0) as state:
        _refuse_newer(state)
        if state.pending:
            raise MigrationMissingError("migrations are pending; run `lics db upgrade` first", pending=state.pending)
        async with _aerich(database_url) as command:
            for collected in (Migrate.upgrade_operators, Migrate.downgrade_operators):
                collected.clear()  # aerich keeps them on the class, so a second call would repeat the first
            written: str | None = await command.migrate(name, no_input=True)
    return written or None


def _refuse_newer(state: SchemaState) -> None:
    if state.unknown:
        raise SchemaTooNewError(
            f"the database was migrated by a newer LICS ({', '.join(state.unknown)}); install that version, or a newer one",
            versions=state.unknown,
        )


@asynccontextmanager
async def _connection(database_url: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    parsed = parse_database_url(database_url)
    options = parsed.pop("dsn_options")
    connection = await asyncpg.connect(f"postgresql://?{options}" if options else None, timeout=CONNECT_S, **parsed)
    try:
        yield connection
    finally:
        await connection.close(timeout=CONNECT_S)


@asynccontextmanager
async def _alone(database_url: str, wait_s: float) -> AsyncIterator[SchemaState]:
    """Hold the migration lock; polled, because a session that waits inside PostgreSQL holds a snapshot others wait for."""
    async with answering(STATEMENT_S), _connection(database_url) as connection:
        give_up = time.monotonic() + wait_s
        while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK_KEY):
            if time.monotonic() > give_up:
                raise SchemaBusyError("another process is migrating the database; wait for it, or end it", waited_s=wait_s)
            await asyncio.sleep(LOCK_POLL_S)
        yield await _state(connection)


async def _state(connection: asyncpg.Connection[asyncpg.Record]) -> SchemaState:
    known = known_versions()
    applied: list[str] = []
    if await connection.fetchval("SELECT to_regclass('aerich')") is not None:
        rows = await connection.fetch("SELECT version FROM aerich WHERE app = $1 ORDER BY id", APP)
        applied = [row["version"] for row in rows]
    return SchemaState(
        applied=tuple(applied),
        pending=tuple(version for version in known if version not in applied),
        unknown=tuple(version for version in applied if version not in known),
        timescale=await connection.fetchval("SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'"),
    )


@asynccontextmanager
async def _aerich(database_url: str) -> AsyncIterator[Command]:
    """Give aerich a Tortoise context of its own, so that it disturbs no repository of this process."""
    config: dict[str, Any] = orm_config(database_url, 1, 2, command_s=STATEMENT_S)
    async with TortoiseContext() as context:
        await context.init(config=config)
        command = Command(config, app=APP, location=str(LOCATION))
        await command.init()
        yield command
