"""Keeps the rollups: moves on with time, mends what came late. One process at a time, in steps that may be cut off anywhere.

A step first moves the threshold, alone with it: from then on whoever writes a row before it tells so (store/late.py), and whoever
wrote before has committed. Then it rolls up, in a later snapshot, and only then says how far. A step cut off is done again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from lics_actors.store.connection import rollups_are_views
from lics_actors.store.late import SHIPPING_LOCK
from lics_actors.store.repository import Repository
from lics_actors.store.rolling import BEGINNING, SOURCES, Aggregates, Late, Rolling, Stretch, Tables
from lics_actors.store.spans import HOUR, MINUTE, TICK, floor, moment, ticks

UPKEEP_LOCK: Final = 0x6C696375  # advisory, for the session: one upkeep a database
PASS_S: Final = 1800.0
THRESHOLD_WAIT_MS: Final = 3000  # writers behind us wait as long as we wait for those before us; a batch takes some 50 ms
LATE_AT_ONCE: Final = 200

_NOW: Final = "SELECT now() - $1::interval"
_STATE: Final = "SELECT threshold, materialised FROM rollup_state WHERE source = $1"
_THRESHOLD: Final = "UPDATE rollup_state SET threshold = $2 WHERE source = $1 AND (threshold IS NULL OR threshold < $2)"
_MATERIALISED: Final = "UPDATE rollup_state SET materialised = $2 WHERE source = $1"
_LATE: Final = """SELECT id, version, device_id, low, high FROM rollup_late
    WHERE source = $1 AND low < $2 AND high >= $3 ORDER BY hour DESC, id LIMIT $4"""
_FORGET: Final = """DELETE FROM rollup_late USING unnest($1::bigint[], $2::bigint[]) AS done(id, version)
    WHERE rollup_late.id = done.id AND rollup_late.version = done.version"""  # not those that were told again meanwhile


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a table is rolled up, and how many seconds are still to do of what was asked for."""

    materialised: datetime | None
    behind_s: float


class Upkeep:
    """A session that has the upkeep for itself."""

    def __init__(self, connection: Any, rolling: Rolling) -> None:
        self.connection, self.rolling = connection, rolling

    async def until(self, lag_s: float) -> datetime:
        """Return the last whole minute that ended `lag_s` seconds ago, by the database's clock."""
        then = await self.connection.fetchval(_NOW, timedelta(seconds=lag_s))
        return moment(floor(ticks(then), MINUTE))

    async def advance(self, source: str, until: datetime, most: timedelta) -> Progress:
        """Roll up the next rows of a table, at most so long a time of them, and none from `until` on (a whole minute).

        Times without any row cost nothing and do not count.
        """
        begin, end = await self._next_step(source, until, most // TICK)
        if begin is None or begin >= end:
            return Progress(begin, 0.0)
        await self._move_threshold(source, end)
        async with self._atomic():
            await self.rolling.roll(self.connection, Stretch(source, begin, end, end))
            await self.connection.execute(_MATERIALISED, source, end)
        return Progress(end, max(0.0, (until - end).total_seconds()))

    async def mend(self, source: str) -> int:
        """Roll up again what came late, the newest first; return how many entries that were (LATE_AT_ONCE: there may be more)."""
        materialised = (await self.connection.fetchrow(_STATE, source))["materialised"]
        if materialised is None:
            return 0
        frozen = await self.rolling.frozen(self.connection)
        rows = await self.connection.fetch(_LATE, source, materialised, frozen, LATE_AT_ONCE)
        for stretch, done in self.rolling.stretches(source, [Late(**row) for row in rows], materialised):
            async with self._atomic():
                await self.rolling.roll(self.connection, stretch)
                await self.connection.execute(_FORGET, [late.id for late in done], [late.version for late in done])
        return len(rows)

    async def _next_step(self, source: str, until: datetime, most: int) -> tuple[datetime | None, datetime]:
        state = await self.connection.fetchrow(_STATE, source)
        done: datetime | None = state["materialised"]
        first = await self.rolling.first(self.connection, source, done or BEGINNING)
        if first is None:
            return done, until
        end = min(ticks(until), floor(ticks(first), MINUTE) + most)
        return done or moment(floor(ticks(first), HOUR)), moment(end)

    async def _move_threshold(self, source: str, end: datetime) -> None:
        async with self.connection.transaction():
            await self.connection.execute(f"SET LOCAL lock_timeout = {THRESHOLD_WAIT_MS}")
            await self.connection.execute("SELECT pg_advisory_xact_lock($1)", SHIPPING_LOCK)
            await self.connection.execute(_THRESHOLD, source, end)

    def _atomic(self) -> Any:
        return self.connection.transaction() if self.rolling.in_transaction else nullcontext()


@asynccontextmanager
async def upkeep(repository: Repository) -> AsyncIterator[Upkeep | None]:
    """Give the upkeep of the database, for at most PASS_S seconds; None while another process has it.

    Raises:
        DatabaseUnavailableError
    """
    async with repository.raw(PASS_S) as connection:
        if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", UPKEEP_LOCK):
            yield None
            return
        await connection.execute("SET work_mem = '64MB'")  # sorting what a step has; both end with the loan of the connection
        yield Upkeep(connection, Aggregates() if await rollups_are_views(connection) else Tables())


async def catch_up(repository: Repository, *, lag_s: float = 0.0, most: timedelta = timedelta(hours=6)) -> None:
    """Roll up everything that is older than `lag_s`, and mend all that came late: for tests, benches and `lics db`."""
    async with upkeep(repository) as session:
        if session is None:
            return
        until = await session.until(lag_s)
        for source in SOURCES:
            while (await session.advance(source, until, most)).behind_s > 0:
                pass
            while await session.mend(source) == LATE_AT_ONCE:
                pass
