"""Reading buckets of values: from rollups where they answer exactly, in windows, so that a page costs what it shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from lics_actors.errors import InvalidError
from lics_actors.store.aggregates import BIN, total
from lics_actors.store.rows import Aggregate, TelemetryPoint
from lics_actors.store.spans import ALWAYS, MINUTE, TICK, Part, Rolled, Source, floor, moment, parts, ticks

MIN_BUCKET_S, MAX_BUCKET_S = 0.001, 366 * 86_400.0
MOST_LATE: Final = 10_000  # hours of one device; beyond that what came late is read as one span
MOST_BUCKETS: Final = 1 << 20  # of a window: a month of buckets of a few seconds

_SINGLE: Final = """SELECT time, metric, 1::bigint AS count, value AS sum, value AS min, value AS max, value AS first,
    value AS last, epoch, seq FROM telemetry"""
_ROLLED: Final = "SELECT bucket AS time, metric, count, sum, min, max, first, last, 0 AS epoch, 0 AS seq FROM {relation}"
# Parts have no time in common, so the order of time decides between them, and within a part of single values all of the key.
_VALUE: Final[Mapping[Aggregate, str]] = {
    Aggregate.AVG: total("sum"),
    Aggregate.SUM: total("sum"),
    Aggregate.MIN: "min(min)",
    Aggregate.MAX: "max(max)",
    Aggregate.COUNT: "sum(count)::float8",
    Aggregate.LAST: "(array_agg(last ORDER BY time DESC, epoch DESC, seq DESC))[1]",
    Aggregate.FIRST: "(array_agg(first ORDER BY time, epoch, seq))[1]",
}
_STATE: Final = f"""SELECT materialised, (
        SELECT max(raw_from) FROM retention_horizon
        WHERE device_id IN ($1, '00000000-0000-0000-0000-000000000000') AND metric IN ('', coalesce($2, metric))
    ) AS raw_from, ARRAY(
        SELECT ROW(low, high) FROM rollup_late WHERE source = 'telemetry' AND device_id = $1 AND hour < $3 AND high >= $4
        ORDER BY hour LIMIT {MOST_LATE + 1}
    ) AS late FROM rollup_state WHERE source = 'telemetry'"""  # noqa: S608 - a number


@dataclass(frozen=True, slots=True)
class Buckets:
    """What is asked: buckets of `width` ticks in [start, end), newest first; `after`: only those that come after this one."""

    device_id: UUID
    metric: str | None
    start: int
    end: int
    width: int
    aggregate: Aggregate
    after: tuple[datetime, str] | None = None

    @property
    def upper(self) -> int:
        """Return where to begin, going back."""
        return self.end if self.after is None else min(self.end, ticks(self.after[0]) + self.width)


def bucket_width(bucket_s: float) -> int:
    """Return the width of a bucket in ticks.

    Raises:
        InvalidError: it is out of range.
    """
    if not MIN_BUCKET_S <= bucket_s <= MAX_BUCKET_S:
        message = f"between {MIN_BUCKET_S} and {MAX_BUCKET_S:.0f} seconds"
        raise InvalidError("the bucket is out of range", ({"field": "bucket", "message": message},))
    return timedelta(seconds=bucket_s) // TICK


def known_aggregate(agg: str) -> Aggregate:
    """Return the aggregate of this name.

    Raises:
        InvalidError: there is none.
    """
    try:
        return Aggregate(agg)
    except ValueError:
        message = f"one of {', '.join(Aggregate)}"
        raise InvalidError("no such aggregate", ({"field": "agg", "message": message},)) from None


async def read_buckets(connection: Any, asked: Buckets, most: int, *, timescale: bool) -> list[Mapping[str, Any]]:
    """Return the first `most` buckets, newest first, as rows of time, metric, value and count. In a snapshot of its own.

    A window of buckets is read at a time, each twice as wide as the one before; where nothing is found, the next value back is
    looked up: so neither dense nor empty times are read in vain.
    """
    rolled = await _rolled(connection, asked)
    found: list[Mapping[str, Any]] = []
    end, window = asked.upper, most // 4 + 1
    while len(found) < most and end > asked.start:
        start = max(asked.start, _back(min(end, ticks(datetime.now(UTC)) + 1), asked.width, window))
        rows = await _read(connection, replace(asked, start=start, end=end), rolled, most)
        found += rows
        end, window = start, min(window * 2, MOST_BUCKETS)
        if not rows and end > asked.start:
            newest = await _newest(connection, replace(asked, end=end), timescale)
            if newest is None:
                break
            end, window = floor(newest, asked.width) + asked.width, most // 4 + 1
    return found[:most]


def bucket_point(row: Mapping[str, Any], aggregate: Aggregate) -> TelemetryPoint:
    """Return a bucket as a point. The mean is made here: PostgreSQL refuses quotients that are too small for it."""
    value = row["value"] / row["count"] if aggregate is Aggregate.AVG else row["value"]
    return TelemetryPoint(row["time"], row["metric"], value, count=row["count"])


def _back(end: int, width: int, buckets: int) -> int:
    return floor(end - 1, width) - (buckets - 1) * width


async def _rolled(connection: Any, asked: Buckets) -> Rolled:
    if asked.width % MINUTE:
        return Rolled()
    state = await connection.fetchrow(_STATE, asked.device_id, asked.metric, moment(asked.upper), moment(asked.start))
    if state is None or state["materialised"] is None:
        return Rolled()
    spans = tuple((ticks(low), ticks(high)) for low, high in state["late"])
    if len(spans) > MOST_LATE:
        spans = ((spans[0][0], ticks(state["materialised"])),)
    raw_from = -ALWAYS if state["raw_from"] is None else ticks(state["raw_from"])
    return Rolled(ticks(state["materialised"]), spans, raw_from)


async def _read(connection: Any, asked: Buckets, rolled: Rolled, most: int) -> list[Mapping[str, Any]]:
    values: list[Any] = [asked.device_id, asked.width * TICK]
    metric = "" if asked.metric is None else f" AND metric = ${_bind(values, asked.metric)}"
    read = [_part(part, values, metric) for part in parts(asked.start, asked.end, asked.width, rolled)]
    if not read:
        return []
    after = ""
    if asked.after is not None:
        after = f" WHERE (time, metric) < (${_bind(values, asked.after[0])}, ${_bind(values, asked.after[1])})"
    statement = f"""SELECT * FROM (
            SELECT date_bin($2, time, {BIN}) AS time, metric, {_VALUE[asked.aggregate]} AS value, sum(count)::bigint AS count
            FROM ({" UNION ALL ".join(read)}) AS part GROUP BY 1, 2) AS bucket
        {after} ORDER BY time DESC, metric DESC LIMIT {most:d}"""  # noqa: S608 - constants and numbers of values
    return list(await connection.fetch(statement, *values))


def _part(part: Part, values: list[Any], metric: str) -> str:
    single = part.source is Source.RAW
    time = "time" if single else "bucket"
    where = f"device_id = $1{metric}"
    if part.start > -ALWAYS:
        where += f" AND {time} >= ${_bind(values, moment(part.start))}"
    if part.end < ALWAYS:
        where += f" AND {time} < ${_bind(values, moment(part.end))}"
    return f"{_SINGLE if single else _ROLLED.format(relation=part.source)} WHERE {where}"


def _bind(values: list[Any], value: Any) -> int:
    values.append(value)
    return len(values)


# The newest value before a time: the first of each metric, back through the index, and of those the newest.
_HOP: Final = """WITH RECURSIVE names(name) AS (
    (SELECT metric FROM {relation} WHERE device_id = $1 ORDER BY metric LIMIT 1)
    UNION ALL
    SELECT (SELECT metric FROM {relation} WHERE device_id = $1 AND metric > name ORDER BY metric LIMIT 1)
    FROM names WHERE name IS NOT NULL)
    SELECT max(n.time) FROM names CROSS JOIN LATERAL (
        SELECT {time} AS time FROM {relation} WHERE device_id = $1 AND metric = name AND {time} >= $2 AND {time} < $3
        ORDER BY {time} DESC LIMIT 1) n"""
_SKIP: Final = """SELECT max(time) FROM (SELECT DISTINCT ON (metric) {time} AS time FROM {relation}
    WHERE device_id = $1 AND {time} >= $2 AND {time} < $3 ORDER BY metric, {time} DESC) n"""  # TimescaleDB's SkipScan
_ONE: Final = """SELECT max(time) FROM (SELECT {time} AS time FROM {relation}
    WHERE device_id = $1 AND metric = $4 AND {time} >= $2 AND {time} < $3 ORDER BY {time} DESC LIMIT 1) n"""


async def _newest(connection: Any, asked: Buckets, timescale: bool) -> int | None:
    """Return the time of the newest value in the span, deleted ones included as far as minutes of them are left."""
    whose = () if asked.metric is None else (asked.metric,)
    template = _ONE if asked.metric is not None else _SKIP if timescale else _HOP
    found = []
    for relation, time in (("telemetry", "time"), ("telemetry_1m", "bucket")):
        if relation == "telemetry_1m" and asked.width % MINUTE:
            break
        statement = template.format(relation=relation, time=time)
        newest = await connection.fetchval(statement, asked.device_id, moment(asked.start), moment(asked.end), *whose)
        if newest is not None:
            found.append(ticks(newest))
    return max(found, default=None)
