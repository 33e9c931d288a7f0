"""Reading telemetry: single values and buckets, newest first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from lics_actors.store.bucket_reads import Buckets, bucket_point, bucket_width, known_aggregate, read_buckets
from lics_actors.store.connection import READ_S, Connected
from lics_actors.store.cursors import Page, checked_limit, decode_cursor, page
from lics_actors.store.latest_reads import value_point
from lics_actors.store.rows import Aggregate, TelemetryPoint
from lics_actors.store.spans import ALWAYS, ticks

MAX_POINTS = 100_000  # one page of an export: about 10 MB of JSON

_COLUMNS = "time, metric, value, tags, epoch, seq"
_NEWEST_FIRST = "time DESC, metric DESC, epoch DESC, seq DESC"

# The distinct metrics of a device by hopping through the unique index, one probe a metric, instead of reading all its rows.
# TimescaleDB does that by itself (SkipScan), and over many chunks this way would cost it seconds.
_NAMES = """WITH RECURSIVE names(name) AS (
    (SELECT metric FROM telemetry WHERE device_id = $1 ORDER BY metric LIMIT 1)
    UNION ALL
    SELECT (SELECT metric FROM telemetry WHERE device_id = $1 AND metric > name ORDER BY metric LIMIT 1)
    FROM names WHERE name IS NOT NULL)"""
_OF_EACH = f"{_NAMES} SELECT t.* FROM names CROSS JOIN LATERAL ({{newest}}) t"  # noqa: S608 - constants
_NEWEST = f"SELECT {_COLUMNS} FROM telemetry WHERE {{where}} ORDER BY {_NEWEST_FIRST} LIMIT {{most}}"  # noqa: S608 - the same


@dataclass(frozen=True, slots=True)
class _Span:
    """Which values: of one metric or all, from `start` (included) to `end` (excluded)."""

    device_id: UUID
    metric: str | None
    start: datetime | None
    end: datetime | None


class TelemetryReads(Connected):
    """The telemetry's part of the repository."""

    async def telemetry(
        self,
        device_id: UUID,
        metric: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        bucket_s: float | None = None,
        agg: str = Aggregate.AVG,
        limit: int = 500,
        cursor: str | None = None,
    ) -> Page[TelemetryPoint]:
        """Return values of one metric or all (None), from `start` (included) to `end` (excluded), newest first.

        With `bucket_s` the values of each bucket of so many seconds become one, by `agg`.

        Raises:
            InvalidError: the limit, the cursor, the bucket or the aggregate is none.
            DatabaseUnavailableError
        """
        checked_limit(limit, MAX_POINTS)
        span = _Span(device_id, metric, start, end)
        if bucket_s is None:
            return await self._values(span, limit, cursor)
        first, last = -ALWAYS if start is None else ticks(start), ALWAYS if end is None else ticks(end)
        asked = Buckets(device_id, metric, first, last, bucket_width(bucket_s), known_aggregate(agg))
        return await self._buckets(asked, limit, cursor)

    async def _values(self, span: _Span, limit: int, cursor: str | None) -> Page[TelemetryPoint]:
        after = decode_cursor("telemetry", cursor, tuple[datetime, str, int, int])
        hop = span.metric is None and not await self.has_timescale()
        values: list[Any] = [span.device_id]
        where = "device_id = $1 AND metric = name" if hop else "device_id = $1"
        where += _range(values, span)
        if after is not None:
            values.extend(after)
            time, metric, epoch, seq = (f"${n}" for n in range(len(values) - 3, len(values) + 1))
            where += f" AND time <= {time} AND (time, metric, epoch, seq) < ({time}, {metric}, {epoch}, {seq})"
        values.append(limit + 1)
        most = f"${len(values)}"
        statement = _NEWEST.format(where=where, most=most)
        if hop:
            statement = f"{_OF_EACH.format(newest=statement)} ORDER BY {_NEWEST_FIRST} LIMIT {most}"
        async with self.raw(READ_S) as connection:
            rows = await connection.fetch(statement, *values)
        return page("telemetry", rows, limit, lambda row: (row["time"], row["metric"], row["epoch"], row["seq"]), value_point)

    async def _buckets(self, asked: Buckets, limit: int, cursor: str | None) -> Page[TelemetryPoint]:
        kind = f"buckets:{asked.width / 1e6}"  # a cursor of other buckets would begin in the middle of one
        asked = replace(asked, after=decode_cursor(kind, cursor, tuple[datetime, str]))
        timescale = await self.has_timescale()
        async with self.snapshot(READ_S) as connection:
            rows = await read_buckets(connection, asked, limit + 1, timescale=timescale)

        def point(row: Mapping[str, Any]) -> TelemetryPoint:
            return bucket_point(row, asked.aggregate)

        return page(kind, rows, limit, lambda row: (row["time"], row["metric"]), point)


def _range(values: list[Any], span: _Span) -> str:
    where = ""
    for comparison, bound in (("metric =", span.metric), ("time >=", span.start), ("time <", span.end)):
        if bound is not None:
            values.append(bound)
            where += f" AND {comparison} ${len(values)}"
    return where
