"""How rows are rolled up on either kind of database: statements that fill tables, or continuous aggregates that are refreshed.

Everything here may be repeated: what is rolled up twice is the same as once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol
from uuid import UUID

from lics_actors.store.aggregates import BIN, OF_MINUTES, OF_NUMBERS, OF_VALUES
from lics_actors.store.spans import HOUR, MINUTE, ceil, floor, moment, ticks

TELEMETRY: Final = "telemetry"
EVENTS: Final = "device_event"
SOURCES: Final = (TELEMETRY, EVENTS)
BEGINNING: Final = datetime(1, 1, 2, tzinfo=UTC)  # asyncpg takes the very first moment for minus infinity
REFRESH_S: Final = 600.0  # TimescaleDB may have a day to refresh


@dataclass(frozen=True, slots=True)
class Stretch:
    """Something to roll up: whole minutes, from `start` (included) to `end` (excluded); of one device, or of all (None).

    Hours are made of minutes as far as they end by `until`: what lies before it is rolled up, or will be with this.
    """

    source: str
    start: datetime
    end: datetime
    until: datetime
    device_id: UUID | None = None

    @property
    def hours(self) -> tuple[datetime, datetime]:
        """Return the whole hours that this touches, from and to; equal or in wrong order where there are none."""
        last = min(ceil(ticks(self.end), HOUR), floor(ticks(self.until), HOUR))
        return moment(floor(ticks(self.start), HOUR)), moment(last)


@dataclass(frozen=True, slots=True)
class Late:
    """An entry of rollup_late."""

    id: int
    version: int
    device_id: UUID
    low: datetime
    high: datetime


class Rolling(Protocol):
    """A way to roll up."""

    in_transaction: bool

    async def first(self, connection: Any, source: str, start: datetime) -> datetime | None:
        """Return a time from `start` on before which, from `start` on, there is no row; None where there is no row at all."""

    async def roll(self, connection: Any, stretch: Stretch) -> None:
        """Roll up."""

    def stretches(self, source: str, late: Sequence[Late], until: datetime) -> list[tuple[Stretch, list[Late]]]:
        """Return what to roll up again, as far as it lies before `until`, with the entries that are done by it."""

    async def frozen(self, connection: Any) -> datetime:
        """Return before which nothing can be rolled up again, for any device: single values were deleted."""


# Tables ---------------------------------------------------------------------------------------------------------------

# What series there are, by hopping through an index that is there anyway: one probe each.
_ALL: Final = """WITH RECURSIVE series AS (
    (SELECT {key} FROM {table} ORDER BY {key} LIMIT 1)
    UNION ALL
    SELECT n.* FROM series s CROSS JOIN LATERAL
        (SELECT {key} FROM {table} WHERE ({key}) > ({s_key}) ORDER BY {key} LIMIT 1) n)"""
_METRICS: Final = """WITH RECURSIVE series AS (
    (SELECT device_id, metric FROM {table} WHERE device_id = $3 ORDER BY metric LIMIT 1)
    UNION ALL
    SELECT n.* FROM series s CROSS JOIN LATERAL
        (SELECT device_id, metric FROM {table} WHERE device_id = $3 AND metric > s.metric ORDER BY metric LIMIT 1) n)"""
_DEVICE: Final = "WITH series AS (SELECT $3::uuid AS device_id)"

_COLUMNS: Final = "device_id, metric, bucket, count, sum, min, max, first, last"
_REPLACE: Final = """ON CONFLICT (device_id, metric, bucket) DO UPDATE SET count = excluded.count, sum = excluded.sum,
    min = excluded.min, max = excluded.max, first = excluded.first, last = excluded.last"""
_MINUTES: Final = f"""{{series}} INSERT INTO telemetry_1m ({_COLUMNS})
    SELECT s.device_id, s.metric, r.* FROM series s
    LEFT JOIN retention_horizon h ON h.device_id = s.device_id AND h.metric = s.metric
    CROSS JOIN LATERAL (
        SELECT date_bin('1 minute', time, {BIN}) AS bucket, {OF_VALUES} FROM telemetry
        WHERE device_id = s.device_id AND metric = s.metric
            AND time >= greatest($1, h.raw_from) AND time < $2 -- what little came after a deletion does not replace what was
        GROUP BY 1) r
    {_REPLACE}"""  # noqa: S608 - constants, as all below
_HOURS: Final = f"""{{series}} INSERT INTO telemetry_1h ({_COLUMNS})
    SELECT s.device_id, s.metric, r.* FROM series s CROSS JOIN LATERAL (
        SELECT date_bin('1 hour', bucket, {BIN}) AS hour, {OF_MINUTES} FROM telemetry_1m
        WHERE device_id = s.device_id AND metric = s.metric AND bucket >= $1 AND bucket < $2 GROUP BY 1) r
    {_REPLACE}"""  # noqa: S608
# Numbers that were seen once stay seen, so they are added to those there are: the running hour grows minute by minute.
_NUMBERS: Final = f"""{{series}} INSERT INTO {{table}}_seq_1h (device_id, epoch, bucket, seqs)
    SELECT s.device_id, epoch, date_bin('1 hour', time, {BIN}), coalesce({OF_NUMBERS}, '{{{{}}}}')
    FROM series s CROSS JOIN LATERAL (
        SELECT time, epoch, seq FROM {{table}} WHERE {{which}} AND time >= $1 AND time < $2) r
    GROUP BY 1, 2, 3
    ON CONFLICT (device_id, bucket, epoch) DO UPDATE SET seqs = {{table}}_seq_1h.seqs + excluded.seqs"""  # noqa: S608
_FIRST: Final = """{series} SELECT min(n.time) FROM series s CROSS JOIN LATERAL
    (SELECT time FROM {table} WHERE {which} AND time >= $1 ORDER BY time LIMIT 1) n"""
_WHICH: Final = {
    TELEMETRY: "device_id = s.device_id AND metric = s.metric",
    EVENTS: "device_id = s.device_id AND type NOT LIKE 'lics.%'",
}


def _series(table: str, device_id: UUID | None) -> str:
    if device_id is not None:
        return _DEVICE if table == EVENTS else _METRICS.format(table=table)
    names = ("device_id",) if table == EVENTS else ("device_id", "metric")
    return _ALL.format(table=table, key=", ".join(names), s_key=", ".join(f"s.{name}" for name in names))


class Tables:
    """Fills tables: per series through the unique index, so that no further index burdens who writes the rows."""

    in_transaction = True

    async def first(self, connection: Any, source: str, start: datetime) -> datetime | None:
        """Return the time of the first row from `start` on."""
        statement = _FIRST.format(series=_series(source, None), table=source, which=_WHICH[source])
        found: datetime | None = await connection.fetchval(statement, start)
        return found

    async def roll(self, connection: Any, stretch: Stretch) -> None:
        """Roll up in the transaction that is under way."""
        source, device = stretch.source, stretch.device_id
        whose = () if device is None else (device,)
        series = _series(source, device)
        if source == TELEMETRY:
            await connection.execute(_MINUTES.format(series=series), stretch.start, stretch.end, *whose)
            start, end = stretch.hours
            if start < end:
                await connection.execute(_HOURS.format(series=_series("telemetry_1m", device)), start, end, *whose)
        numbers = _NUMBERS.format(series=series, table=source, which=_WHICH[source])
        await connection.execute(numbers, stretch.start, stretch.end, *whose)

    def stretches(self, source: str, late: Sequence[Late], until: datetime) -> list[tuple[Stretch, list[Late]]]:
        """Return a stretch for each entry: a device that was away for long costs nobody else anything."""
        found = []
        for entry in late:
            end = min(moment(floor(ticks(entry.high), MINUTE) + MINUTE), until)
            found.append((Stretch(source, moment(floor(ticks(entry.low), MINUTE)), end, until, entry.device_id), [entry]))
        return found

    async def frozen(self, connection: Any) -> datetime:  # noqa: ARG002 - the protocol's
        """Return the beginning of time: each series is looked after by itself."""
        return BEGINNING


# Continuous aggregates ------------------------------------------------------------------------------------------------

_CHUNKS: Final = """SELECT CASE WHEN count(*) > 0 THEN greatest(min(range_start), $2) END FROM timescaledb_information.chunks
    WHERE hypertable_name = $1 AND hypertable_schema = current_schema AND range_end > $2"""


# The newest row of each series that has any in a stretch, through the minutes that were just refreshed. The times stand there as
# constants: only so are the other chunks left out when the statement is planned.
_LATEST: Final = """INSERT INTO telemetry_latest (device_id, metric, time, value, tags, epoch, seq)
    SELECT n.* FROM (
        SELECT device_id, metric, max(bucket) AS bucket FROM telemetry_1m
        WHERE bucket >= '{start}' AND bucket < '{end}' GROUP BY 1, 2
    ) s CROSS JOIN LATERAL (
        SELECT device_id, metric, time, value, tags, epoch, seq FROM telemetry
        WHERE device_id = s.device_id AND metric = s.metric AND time >= '{start}' AND time < '{end}' AND time >= s.bucket
        ORDER BY time DESC, epoch DESC, seq DESC LIMIT 1) n
    ON CONFLICT (device_id, metric) DO UPDATE SET time = excluded.time, value = excluded.value, tags = excluded.tags,
        epoch = excluded.epoch, seq = excluded.seq
    WHERE (excluded.time, excluded.epoch, excluded.seq) > (telemetry_latest.time, telemetry_latest.epoch, telemetry_latest.seq)"""


class Aggregates:
    """Refreshes TimescaleDB's aggregates: of all devices, since that is how they are kept."""

    in_transaction = False  # TimescaleDB refuses to refresh inside one

    async def first(self, connection: Any, source: str, start: datetime) -> datetime | None:
        """Return where the first chunk that reaches beyond `start` begins."""
        found: datetime | None = await connection.fetchval(_CHUNKS, source, start)
        return found

    async def roll(self, connection: Any, stretch: Stretch) -> None:
        """Refresh; never where values were deleted, since a refresh would delete what was made of them."""
        frozen = await self.frozen(connection)
        start = max(stretch.start, frozen)
        hour, last = stretch.hours
        if stretch.source == TELEMETRY:
            await _refresh(connection, "telemetry_1m", start, stretch.end)
            await _refresh(connection, "telemetry_1h", max(hour, frozen), last)
            if start < stretch.end:
                await connection.execute(_LATEST.format(start=start.isoformat(), end=stretch.end.isoformat()))
        await _refresh(connection, f"{stretch.source}_seq_1h", max(hour, frozen), last)

    def stretches(self, source: str, late: Sequence[Late], until: datetime) -> list[tuple[Stretch, list[Late]]]:
        """Return stretches of whole hours, each once however many devices were late."""
        hours: dict[int, list[Late]] = {}
        for entry in late:
            hours.setdefault(floor(ticks(entry.low), HOUR), []).append(entry)
        found = []
        for hour, entries in hours.items():
            low, high = min(entry.low for entry in entries), max(entry.high for entry in entries)
            end = min(moment(floor(ticks(high), MINUTE) + MINUTE), until)
            found.append((Stretch(source, moment(max(hour, floor(ticks(low), MINUTE))), end, until), entries))
        return found

    async def frozen(self, connection: Any) -> datetime:
        """Return the whole hour from which on no single value was deleted, of any series."""
        found: datetime | None = await connection.fetchval("SELECT max(raw_from) FROM retention_horizon")
        return BEGINNING if found is None else moment(ceil(ticks(found), HOUR))


async def _refresh(connection: Any, name: str, start: datetime, end: datetime) -> None:
    if start < end:
        call = f"CALL refresh_continuous_aggregate('{name}', '{start.isoformat()}', '{end.isoformat()}')"
        await connection.execute(call, timeout=REFRESH_S)
