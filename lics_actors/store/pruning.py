"""Deletes what the rules of retention do not keep: in small transactions, and nothing that is not rolled up.

A deletion and the horizon that tells of it are one transaction. What arrives for a time before the horizon is kept as a single
value, in no rollup, and is not deleted any more.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from lics_actors.store.retention import read_rules
from lics_actors.store.retention_rules import RetentionRule, rule_for
from lics_actors.store.rolling import BEGINNING
from lics_actors.store.spans import HOUR, MINUTE, floor, moment, ticks
from lics_actors.store.upkeep import Upkeep

AT_ONCE: Final = 5000  # rows a transaction; 20-50 ms, in which nobody waits for it
EVERY: Final = UUID(int=0)  # the horizon of all series

_SERIES: Final = """WITH RECURSIVE series AS (
    (SELECT device_id, metric FROM telemetry_1m ORDER BY device_id, metric LIMIT 1)
    UNION ALL
    SELECT n.* FROM series s CROSS JOIN LATERAL (SELECT device_id, metric FROM telemetry_1m
        WHERE (device_id, metric) > (s.device_id, s.metric) ORDER BY device_id, metric LIMIT 1) n)"""
_KEPT_SERIES: Final = "WITH series AS (SELECT device_id, metric FROM telemetry_latest)"  # on TimescaleDB
_ALL: Final = """{series} SELECT s.device_id, s.metric, coalesce(d.type, '') AS type,
        greatest(h.raw_from, (SELECT raw_from FROM retention_horizon WHERE device_id = $1)) AS raw_from
    FROM series s LEFT JOIN device d ON d.id = s.device_id
    LEFT JOIN retention_horizon h ON h.device_id = s.device_id AND h.metric = s.metric ORDER BY 1, 2"""
_ROLLED_UP: Final = "SELECT materialised FROM rollup_state WHERE source = 'telemetry'"
_BOUNDARY: Final = """SELECT time FROM telemetry WHERE device_id = $1 AND metric = $2 AND time >= $3 AND time < $4
    ORDER BY time OFFSET $5 LIMIT 1"""
_OLDEST: Final = "SELECT min(time) FROM telemetry WHERE device_id = $1 AND metric = $2 AND time >= $3 AND time < $4"
# Rows and what is told of late ones are seen at the same moment: a row that came late and is not rolled up yet spares its device.
_DELETE: Final = """DELETE FROM telemetry WHERE device_id = $1 AND metric = $2 AND time >= $3 AND time < $4
    AND NOT EXISTS (SELECT FROM rollup_late WHERE source = 'telemetry' AND device_id = $1 AND low < $4)"""
_HORIZON: Final = """INSERT INTO retention_horizon (device_id, metric, raw_from) VALUES ($1, $2, $3)
    ON CONFLICT (device_id, metric) DO UPDATE SET raw_from = greatest(retention_horizon.raw_from, excluded.raw_from)"""
_LATE: Final = "SELECT EXISTS (SELECT FROM rollup_late WHERE source = 'telemetry' AND low < $1)"
_EVERY_FROM: Final = "SELECT raw_from FROM retention_horizon WHERE device_id = $1"
_DELETE_ROLLUPS: Final = """DELETE FROM {table} WHERE ctid = ANY(ARRAY(SELECT ctid FROM {table}
    WHERE device_id = $1 AND metric = $2 AND bucket < $3 LIMIT $4))"""
_CHUNKS: Final = """SELECT max(range_end) FROM timescaledb_information.chunks
    WHERE hypertable_name = 'telemetry' AND hypertable_schema = current_schema AND range_end <= $1 AND range_end > $2"""


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was deleted; `more`: the time was up before all was."""

    rows: int = 0
    more: bool = False


@dataclass(slots=True)
class _Series:
    device_id: UUID
    metric: str
    rule: RetentionRule | None
    raw_from: datetime

    @property
    def raw_days(self) -> float | None:
        return None if self.rule is None else self.rule.raw_days

    @property
    def rollup_days(self) -> float | None:
        return None if self.rule is None else self.rule.rollup_days


async def prune(upkeep: Upkeep, now: datetime, budget_s: float) -> Pruned:
    """Delete what is older than the rules say at `now`, for about so many seconds.

    Raises:
        asyncpg.PostgresError
    """
    rules = await read_rules(upkeep.connection)
    done: datetime | None = await upkeep.connection.fetchval(_ROLLED_UP)
    if done is None or all(rule.raw_days is None for rule in rules):
        return Pruned()
    until = time.monotonic() + budget_s
    plain = upkeep.rolling.in_transaction
    every = await _all_series(upkeep.connection, rules, plain)
    rolled_up = moment(floor(ticks(done), HOUR))
    if not plain:
        await _drop_chunks(upkeep.connection, every, now, rolled_up)
    rows = 0
    for series in every:
        for batch in _batches(series, now, rolled_up, plain):
            while deleted := await batch(upkeep.connection):
                rows += deleted
                if time.monotonic() > until:
                    return Pruned(rows, more=True)
    return Pruned(rows)


def _batches(series: _Series, now: datetime, rolled_up: datetime, plain: bool) -> Iterator[Callable[[Any], Awaitable[int]]]:
    """Yield what deletes some rows of a series and returns how many, to be called until it returns 0."""
    if series.raw_days is not None:
        yield partial(_delete_values, series=series, before=min(_ago(now, series.raw_days), rolled_up))
    if series.rollup_days is not None and plain:  # TimescaleDB drops whole chunks of its aggregates
        for table in ("telemetry_1m", "telemetry_1h"):
            before = _ago(now, series.rollup_days)
            yield partial(_delete_rollups, series=series, table=table, before=before)


def _ago(now: datetime, days: float) -> datetime:
    """Return the whole hour so many days ago."""
    return moment(floor(ticks(now - timedelta(days=days)), HOUR))


async def _all_series(connection: Any, rules: Sequence[RetentionRule], plain: bool) -> list[_Series]:
    rows = await connection.fetch(_ALL.format(series=_SERIES if plain else _KEPT_SERIES), EVERY)
    return [
        _Series(row["device_id"], row["metric"], rule_for(rules, row["metric"], row["type"]), row["raw_from"] or BEGINNING)
        for row in rows
    ]


async def _delete_values(connection: Any, series: _Series, before: datetime) -> int:
    """Delete the oldest values, whole minutes of them: a minute is rolled up from all of its values or not again."""
    whose = series.device_id, series.metric, series.raw_from, before
    if series.raw_from >= before or await connection.fetchval(_OLDEST, *whose) is None:
        return 0
    last: datetime | None = await connection.fetchval(_BOUNDARY, *whose, AT_ONCE - 1)
    end = before if last is None else min(before, moment(floor(ticks(last), MINUTE) + MINUTE))
    async with connection.transaction():
        deleted = _count(await connection.execute(_DELETE, series.device_id, series.metric, series.raw_from, end))
        if deleted:
            await connection.execute(_HORIZON, series.device_id, series.metric, end)
            series.raw_from = end
    return deleted


async def _delete_rollups(connection: Any, series: _Series, table: str, before: datetime) -> int:
    statement = _DELETE_ROLLUPS.format(table=table)
    return _count(await connection.execute(statement, series.device_id, series.metric, before, AT_ONCE))


def _count(status: str) -> int:
    return int(status.rsplit(" ", 1)[1])  # "DELETE 17"


async def _drop_chunks(connection: Any, every: Sequence[_Series], now: datetime, rolled_up: datetime) -> None:
    """Drop whole chunks that no rule keeps, and no rule's absence."""
    if not every:
        return
    raw = [series.raw_days for series in every]
    if None not in raw:
        await _drop_values(connection, min(_ago(now, max(days for days in raw if days is not None)), rolled_up))
    rollups = [series.rollup_days for series in every]
    if None not in rollups:
        before = _ago(now, max(days for days in rollups if days is not None))
        for table in ("telemetry_1m", "telemetry_1h"):
            await connection.execute(f"SELECT drop_chunks('{table}', older_than => $1::timestamptz)", before)


async def _drop_values(connection: Any, before: datetime) -> None:
    """Drop chunks of single values that end by `before`, each once: later ones for the same time hold what came afterwards.

    First they are dropped, which waits for who writes into them, then it is looked up whether something in them was late.
    """
    horizon = await connection.fetchval(_EVERY_FROM, EVERY) or BEGINNING
    end: datetime | None = await connection.fetchval(_CHUNKS, before, horizon)
    if end is None:
        return
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute("SET LOCAL lock_timeout = '3s'")
        drop = "SELECT drop_chunks('telemetry', older_than => $1::timestamptz, newer_than => $2::timestamptz)"
        await connection.execute(drop, end, horizon)
        if await connection.fetchval(_LATE, end):
            await transaction.rollback()
            return
        await connection.execute(_HORIZON, EVERY, "", end)
    except BaseException:
        await transaction.rollback()
        raise
    await transaction.commit()
