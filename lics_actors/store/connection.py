"""A repository's own pool of connections, lazy and self-healing."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from copy import copy
from typing import Any, Self

from tortoise.context import TortoiseContext

from config.orm import orm_config
from lics_actors.store.availability import answering

ANSWER_S = 5.0  # one row or a short list; a caller at a screen waits no longer
READ_S = 30.0  # a long range of telemetry


class Connected:
    """Owns one pool. Nothing is kept open while nobody asks, and nothing fails here while the database is away."""

    def __init__(self, context: TortoiseContext) -> None:
        self._context = context
        self._client = context.db()
        self._timescale: bool | None = None
        self._aggregates: bool | None = None

    @classmethod
    async def connect(cls, database_url: str, *, pool_size: int = 5, max_overflow: int = 5) -> Self:
        """Return a repository on `database_url`, with at most `pool_size + max_overflow` connections.

        Connections are made when they are needed, so this succeeds while the database is away; `ping` says whether it is.

        Raises:
            SettingsError: this is no PostgreSQL URL.
        """
        with TortoiseContext() as context:  # of its own: two repositories of a process, or of its threads, never meet
            await context.init(config=orm_config(database_url, 1, pool_size + max_overflow))
            return cls(context)

    async def close(self) -> None:
        """Close the pool; a running query is given ten seconds."""
        await self._client.close()

    async def ping(self) -> float:
        """Return how long the database took to answer, in seconds.

        Raises:
            DatabaseUnavailableError
        """
        started = time.monotonic()
        async with self.raw(ANSWER_S) as connection:
            await connection.fetchval("SELECT 1")
        return time.monotonic() - started

    @asynccontextmanager
    async def orm(self) -> AsyncIterator[None]:
        """Let Tortoise's models use this repository's pool, in this task, for at most ANSWER_S seconds.

        Raises:
            DatabaseUnavailableError, InvalidError
        """
        async with answering(ANSWER_S):
            with copy(self._context):  # a context remembers one entry only; many tasks are in this one at the same time
                yield

    @asynccontextmanager
    async def raw(self, limit_s: float) -> AsyncIterator[Any]:
        """Lend an asyncpg connection for at most `limit_s` seconds.

        Raises:
            DatabaseUnavailableError, InvalidError
        """
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(answering(limit_s))
            yield await stack.enter_async_context(self._client.acquire_connection())

    @asynccontextmanager
    async def transaction(self, limit_s: float) -> AsyncIterator[Any]:
        """Lend an asyncpg connection inside a transaction, which an exception rolls back.

        Raises:
            DatabaseUnavailableError, InvalidError
        """
        async with self.raw(limit_s) as connection, connection.transaction():
            yield connection

    @asynccontextmanager
    async def snapshot(self, limit_s: float) -> AsyncIterator[Any]:
        """Lend an asyncpg connection whose statements all see the same, and only read.

        Raises:
            DatabaseUnavailableError, InvalidError
        """
        async with self.raw(limit_s) as connection, connection.transaction(isolation="repeatable_read", readonly=True):
            yield connection

    async def has_timescale(self) -> bool:
        """Return whether the database has TimescaleDB; asked once."""
        if self._timescale is None:
            async with self.raw(ANSWER_S) as connection:
                self._timescale = bool(
                    await connection.fetchval("SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb')")
                )
        return self._timescale

    async def has_aggregates(self) -> bool:
        """Return whether the rollups are TimescaleDB's continuous aggregates, and not tables; asked once."""
        if self._aggregates is None:
            async with self.raw(ANSWER_S) as connection:
                self._aggregates = await rollups_are_views(connection)
        return self._aggregates


async def rollups_are_views(connection: Any) -> bool:
    """Return whether the rollups are TimescaleDB's continuous aggregates; False also where there are none yet."""
    kind = await connection.fetchval("SELECT relkind::text FROM pg_class WHERE oid = to_regclass('telemetry_1m')")
    return bool(kind == "v")
