"""Reading the latest value of each metric: of one device, or of hundreds in one statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from lics_actors.access.laboratories import Laboratories
from lics_actors.store.connection import ANSWER_S, Connected
from lics_actors.store.cursors import Page, checked_limit, decode_cursor, page
from lics_actors.store.devices import MAX_PAGE
from lics_actors.store.json_text import json_value
from lics_actors.store.rows import TelemetryPoint
from lics_actors.store.spans import HOUR, floor, moment, ticks

_COLUMNS: Final = "device_id, time, metric, value, tags, epoch, seq"
_BACK: Final = "ORDER BY metric DESC, time DESC, epoch DESC, seq DESC LIMIT 1"
_DAY: Final = 24 * HOUR

# Back through the unique index, from each device's last metric to its first: the row one lands on is the newest of its metric. So
# one probe a metric (5 µs), however many values there are.
_HOP: Final = f"""WITH RECURSIVE newest AS (
    SELECT n.* FROM unnest($1::uuid[]) AS asked(id)
    CROSS JOIN LATERAL (SELECT {_COLUMNS} FROM telemetry WHERE device_id = asked.id{{since}} {_BACK}) n
    UNION ALL
    SELECT n.* FROM newest
    CROSS JOIN LATERAL (
        SELECT {_COLUMNS} FROM telemetry WHERE device_id = newest.device_id AND metric < newest.metric{{since}} {_BACK}) n)
    SELECT {_COLUMNS} FROM newest"""  # noqa: S608 - constants, as below
_ONE_METRIC: Final = f"""SELECT n.* FROM unnest($1::uuid[]) AS asked(id)
    CROSS JOIN LATERAL (SELECT {_COLUMNS} FROM telemetry WHERE device_id = asked.id AND metric = $2 {_BACK}) n"""  # noqa: S608

# TimescaleDB has an index a chunk, and a probe goes into each of them. So only the chunks are probed that are not rolled up yet;
# what is older is kept by the upkeep. Devices of which something older came late since are looked through whole (its SkipScan).
_ROLLED_UP: Final = """SELECT materialised, ARRAY(
        SELECT DISTINCT device_id FROM rollup_late WHERE source = 'telemetry' AND device_id = ANY($1)
            AND low < date_trunc('day', materialised, 'UTC')) AS late
    FROM rollup_state WHERE source = 'telemetry'"""
_SINCE: Final = " AND time >= '{since}'"  # a constant, and the same for a day: chunks are left out when it is planned
_KEPT: Final = f"SELECT {_COLUMNS} FROM telemetry_latest WHERE device_id = ANY($1)"  # noqa: S608
_WHOLE: Final = f"""SELECT DISTINCT ON (device_id, metric) {_COLUMNS} FROM telemetry WHERE device_id = ANY($1)
    ORDER BY device_id, metric DESC, time DESC, epoch DESC, seq DESC"""  # noqa: S608

_DEVICES: Final = """SELECT id FROM device WHERE admin <> 'retired' AND ($1::text IS NULL OR type = $1)
    AND ($2::uuid IS NULL OR id > $2) AND ($4::uuid[] IS NULL OR laboratory_id = ANY($4)) ORDER BY id LIMIT $3"""

Latest = dict[UUID, dict[str, TelemetryPoint]]


class LatestReads(Connected):
    """The latest values' part of the repository."""

    async def latest(self, device_id: UUID) -> dict[str, TelemetryPoint]:
        """Return the newest value of each metric of a device, by metric.

        Raises:
            DatabaseUnavailableError
        """
        return (await self.latest_of([device_id]))[device_id]

    async def latest_of(self, device_ids: Sequence[UUID], metric: str | None = None) -> Latest:
        """Return the newest value of each metric (or of one) of devices, by device and metric; every device asked for is there.

        Raises:
            DatabaseUnavailableError
        """
        aggregates = await self.has_aggregates()
        async with self.snapshot(ANSWER_S) as connection:
            if aggregates:
                rows = await _from_chunks(connection, list(device_ids))
            elif metric is not None:
                rows = await connection.fetch(_ONE_METRIC, list(device_ids), metric)
            else:
                rows = await connection.fetch(_HOP.format(since=""), list(device_ids))
        found: Latest = {device_id: {} for device_id in device_ids}
        for row in sorted(rows, key=_age) if aggregates else rows:
            if metric in {None, row["metric"]}:
                found[row["device_id"]][row["metric"]] = value_point(row)
        return found

    async def latest_page(
        self,
        device_type: str | None = None,
        metric: str | None = None,
        limit: int = MAX_PAGE,
        cursor: str | None = None,
        laboratories: Laboratories = None,
    ) -> Page[tuple[UUID, dict[str, TelemetryPoint]]]:
        """Return the newest values of all devices (of a type, in `laboratories`) that are not retired, by device id.

        Raises:
            InvalidError: the limit or the cursor is none.
            DatabaseUnavailableError
        """
        checked_limit(limit, MAX_PAGE)
        after = decode_cursor("latest", cursor, tuple[UUID])
        async with self.raw(ANSWER_S) as connection:
            places = None if laboratories is None else list(laboratories)
            rows = await connection.fetch(_DEVICES, device_type, after[0] if after else None, limit + 1, places)
        devices: Page[UUID] = page("latest", rows, limit, lambda row: (row["id"],), lambda row: row["id"])
        found = await self.latest_of(devices.items, metric)
        return Page(list(found.items()), devices.next)


def _age(row: Mapping[str, Any]) -> tuple[datetime, int, int]:
    return row["time"], row["epoch"], row["seq"]


async def _from_chunks(connection: Any, device_ids: list[UUID]) -> list[Mapping[str, Any]]:
    """Return rows among which is the newest of each series."""
    state = await connection.fetchrow(_ROLLED_UP, device_ids)
    if state["materialised"] is None:
        return list(await connection.fetch(_WHOLE, device_ids))
    rows = list(await connection.fetch(_KEPT, device_ids))
    since = moment(floor(ticks(state["materialised"]), _DAY)).isoformat()
    rows += await connection.fetch(_HOP.format(since=_SINCE.format(since=since)), device_ids)
    if state["late"]:
        rows += await connection.fetch(_WHOLE, state["late"])
    return rows


def value_point(row: Mapping[str, Any]) -> TelemetryPoint:
    """Return a row of `telemetry` as a point."""
    tags = None if row["tags"] is None else json_value(row["tags"])
    return TelemetryPoint(row["time"], row["metric"], row["value"], tags, row["epoch"], row["seq"])
