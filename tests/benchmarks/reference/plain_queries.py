"""The plainest honest SQL for what `lics bench query` asks: prepared statements on one connection, straight on the rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

BUCKETS = """SELECT date_bin($4, time, timestamptz '2000-01-03 00:00+00') AS bucket, metric,
        avg(value) AS value, count(*) AS count
    FROM telemetry WHERE device_id = $1 AND time >= $2 AND time < $3 GROUP BY 1, 2 ORDER BY 1 DESC, 2 DESC"""
# knowing the metrics beforehand, which LICS does not
LATEST = """SELECT n.* FROM unnest($1::uuid[]) AS d(id) CROSS JOIN unnest($2::text[]) AS m(name) CROSS JOIN LATERAL (
        SELECT device_id, metric, time, value FROM telemetry
        WHERE device_id = d.id AND metric = m.name ORDER BY time DESC LIMIT 1) n"""
MISSING = """SELECT epoch, max(seq) - min(seq) + 1 - count(DISTINCT seq) AS missing
    FROM telemetry WHERE device_id = $1 GROUP BY epoch ORDER BY epoch DESC"""


async def buckets(
    connection: asyncpg.Connection[Any], device_id: UUID, start: datetime, end: datetime, width: Any
) -> Sequence[Any]:
    """Return (bucket, metric, mean, count), newest first."""
    rows = await connection.fetch(BUCKETS, device_id, start, end, width)
    return [(row["bucket"], row["metric"], row["value"], row["count"]) for row in rows]


async def latest(connection: asyncpg.Connection[Any], device_ids: Sequence[UUID], metrics: Sequence[str]) -> dict[Any, Any]:
    """Return (time, value) by device and metric."""
    rows = await connection.fetch(LATEST, list(device_ids), list(metrics))
    return {(row["device_id"], row["metric"]): (row["time"], row["value"]) for row in rows}


async def missing(connection: asyncpg.Connection[Any], device_id: UUID) -> list[tuple[int, int]]:
    """Return the epochs of a device and how many of their numbers are missing between the first and the last."""
    return [(row["epoch"], row["missing"]) for row in await connection.fetch(MISSING, device_id)]
