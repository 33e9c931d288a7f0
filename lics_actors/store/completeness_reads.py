"""Which of a device's numbered messages are in the record: by the numbers kept of each hour, and by rows where those end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from lics_actors.store.aggregates import OF_NUMBERS
from lics_actors.store.connection import READ_S, Connected
from lics_actors.store.spans import ALWAYS, HOUR, Ticks, ceil, floor, moment, ticks

MAX_EPOCHS: Final = 500
MAX_GAPS: Final = 1000
MAX_LATE: Final = 200  # spans of rows that came late; beyond that they are read as one


class Stream(StrEnum):
    """What a device numbers by itself (contracts.md, section 1)."""

    TELEMETRY = "telemetry"
    EVENTS = "events"


@dataclass(frozen=True, slots=True)
class EpochCompleteness:
    """The messages of one boot of a device. `gaps`: the newest, as first and last missing number; `gap_count`: of all."""

    stream: Stream
    epoch: int
    first_seq: int
    last_seq: int
    received: int
    missing: int
    gap_count: int
    gaps: tuple[tuple[int, int], ...]


_TABLE: Final = {Stream.TELEMETRY: "telemetry", Stream.EVENTS: "device_event"}
_STATE: Final = """SELECT materialised, ARRAY(SELECT ROW(low, high) FROM rollup_late
    WHERE source = $1 AND device_id = $2 AND low < $4 AND high >= $3 ORDER BY hour) AS late FROM rollup_state WHERE source = $1"""
_NUMBERS: Final = f"{OF_NUMBERS} AS seqs"
_METRICS: Final = """WITH RECURSIVE names(name) AS (
    (SELECT metric FROM telemetry WHERE device_id = $1 ORDER BY metric LIMIT 1)
    UNION ALL
    SELECT (SELECT metric FROM telemetry WHERE device_id = $1 AND metric > name ORDER BY metric LIMIT 1)
    FROM names WHERE name IS NOT NULL), """
_READ: Final = """{names} part AS ({parts}),
    stretch AS (SELECT epoch, unnest(range_agg(seqs)) AS r FROM part GROUP BY epoch),
    step AS (SELECT epoch, lower(r) AS low, upper(r) AS high, lag(upper(r), 1, {begin}) OVER seen AS before
        FROM stretch WINDOW seen AS (PARTITION BY epoch ORDER BY r))
    SELECT epoch, min(low) AS first, max(high) - 1 AS last, sum(high - low)::bigint AS received,
        coalesce(sum(low - before) FILTER (WHERE low > before), 0)::bigint AS missing,
        count(*) FILTER (WHERE low > before) AS gap_count,
        (array_agg(before ORDER BY low DESC) FILTER (WHERE low > before))[1:{most}] AS gap_from,
        (array_agg(low ORDER BY low DESC) FILTER (WHERE low > before))[1:{most}] AS gap_to
    FROM step GROUP BY epoch ORDER BY epoch DESC LIMIT {epochs}"""


class CompletenessReads(Connected):
    """The completeness report's part of the repository."""

    async def completeness(
        self, device_id: UUID, start: datetime | None = None, end: datetime | None = None, *, gaps: int = 100
    ) -> list[EpochCompleteness]:
        """Return what is there and what is missing of a device's messages with times from `start` on and before `end`.

        By stream and boot, the newest boots first. What a device numbered before the first and after the last message in the span
        cannot be known; but without `start` a boot's numbers are expected from 0 on.

        Raises:
            DatabaseUnavailableError
        """
        span = -ALWAYS if start is None else ticks(start), ALWAYS if end is None else ticks(end)
        plain = not await self.has_aggregates()
        found: list[EpochCompleteness] = []
        async with self.snapshot(READ_S) as connection:
            for stream in Stream:
                asked = _Asked(stream, device_id, span, min(gaps, MAX_GAPS), plain)
                statement, values = await _statement(connection, asked)
                if statement:
                    found += [_told(stream, row) for row in await connection.fetch(statement, *values)]
        return found


@dataclass(frozen=True, slots=True)
class _Asked:
    stream: Stream
    device_id: UUID
    span: Ticks
    gaps: int
    plain: bool


async def _statement(connection: Any, asked: _Asked) -> tuple[str, list[Any]]:
    """Return what to ask, empty where there is nothing to ask, and the values in it."""
    table, span = _TABLE[asked.stream], asked.span
    state = await connection.fetchrow(_STATE, table, asked.device_id, moment(span[0]), moment(span[1]))
    kept, raw = _sources(span, state, asked.plain)
    values: list[Any] = [asked.device_id]
    parts = [_part(asked, values, low, high) for low, high in raw]
    if kept is not None:
        values += [moment(kept[0]), moment(kept[1])]
        time = f"bucket >= ${len(values) - 1} AND bucket < ${len(values)}"
        parts.append(f"SELECT epoch, seqs FROM {table}_seq_1h WHERE device_id = $1 AND {time}")  # noqa: S608 - our own names
    if not parts:
        return "", []
    names = _METRICS if asked.stream is Stream.TELEMETRY and asked.plain and raw else "WITH"
    begin = "0" if span[0] == -ALWAYS else "lower(r)"
    return _READ.format(names=names, parts=" UNION ALL ".join(parts), begin=begin, most=asked.gaps, epochs=MAX_EPOCHS), values


def _sources(span: Ticks, state: Mapping[str, Any] | None, plain: bool) -> tuple[Ticks | None, list[Ticks]]:
    """Return which hours' numbers are read, and which rows: before, behind, and what came late. Numbers may be read twice."""
    start, end = span
    if state is None or state["materialised"] is None:
        return None, [span]
    until = ticks(state["materialised"])
    low, high = ceil(start, HOUR), floor(min(end, until), HOUR)
    if low >= high:
        return None, [span]
    late = [(max(start, ticks(first)), min(end, ticks(last) + 1)) for first, last in state["late"]]
    if len(late) > MAX_LATE:
        late = [(late[0][0], max(last for _, last in late))]
    behind = high
    if plain and end >= until:  # the running hour grows with the upkeep; TimescaleDB has whole hours only
        high, behind = high + HOUR, until
    raw = [(start, low), (behind, end), *late]
    return (low, high), [(first, last) for first, last in raw if first < last]


def _part(asked: _Asked, values: list[Any], low: int, high: int) -> str:
    values += [moment(low), moment(high)]
    time = f"time >= ${len(values) - 1} AND time < ${len(values)}"
    if asked.stream is Stream.EVENTS:
        return f"""SELECT epoch, {_NUMBERS} FROM device_event
            WHERE device_id = $1 AND {time} AND type NOT LIKE 'lics.%' GROUP BY epoch"""  # noqa: S608
    if not asked.plain:
        return f"SELECT epoch, {_NUMBERS} FROM telemetry WHERE device_id = $1 AND {time} GROUP BY epoch"  # noqa: S608
    return f"""SELECT epoch, {_NUMBERS} FROM names CROSS JOIN LATERAL
        (SELECT epoch, seq FROM telemetry WHERE device_id = $1 AND metric = name AND {time}) t GROUP BY epoch"""  # noqa: S608


def _told(stream: Stream, row: Mapping[str, Any]) -> EpochCompleteness:
    gaps = tuple((first, after - 1) for first, after in zip(row["gap_from"] or (), row["gap_to"] or (), strict=True))
    return EpochCompleteness(
        stream=stream,
        epoch=row["epoch"],
        first_seq=row["first"],
        last_seq=row["last"],
        received=row["received"],
        missing=row["missing"],
        gap_count=row["gap_count"],
        gaps=gaps,
    )
