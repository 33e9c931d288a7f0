"""Reading everything in a long span, a bounded number of values at a time; no connection is held between two of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from lics_actors.store.connection import READ_S
from lics_actors.store.latest_reads import LatestReads, value_point
from lics_actors.store.rows import TelemetryPoint
from lics_actors.store.spans import ALWAYS, MINUTE, moment, ticks

STREAM_PAGE: Final = 5000  # about 2 MB in memory, 20 ms of reading
MAX_WINDOW: Final = ALWAYS
_WIDEN: Final = 8  # after a window without any value

_PAGE: Final = """SELECT time, metric, value, tags, epoch, seq FROM telemetry
    WHERE device_id = $1 AND metric = ANY($2) AND time >= $3 AND time < $4 {after}
    ORDER BY time DESC, metric DESC, epoch DESC, seq DESC LIMIT {most}"""
_AFTER: Final = "AND time <= $5 AND (time, metric, epoch, seq) < ($5, $6, $7, $8)"


class StreamReads(LatestReads):
    """The part of the repository that long exports are made from."""

    async def stream(
        self, device_id: UUID, metric: str | None, start: datetime | None, end: datetime | None
    ) -> AsyncIterator[list[TelemetryPoint]]:
        """Yield all values in [start, end), newest first, some thousand at a time; none twice and none left out.

        What is recorded meanwhile is told where it is older than what was told already. A window of time is read after the other,
        each as wide as promises a page, so that of several metrics no more is read than is told.

        Raises:
            DatabaseUnavailableError: also in the midst of it.
        """
        metrics = [metric] if metric is not None else sorted(await self.latest(device_id))
        low, high = -ALWAYS if start is None else ticks(start), ALWAYS if end is None else ticks(end)
        at, window = low, MAX_WINDOW
        after: tuple[Any, ...] = ()
        while metrics and low < high:
            async with self.raw(READ_S) as connection:
                statement = _PAGE.format(after=_AFTER if after else "", most=STREAM_PAGE)
                rows = await connection.fetch(statement, device_id, metrics, moment(at), moment(high), *after)
            if rows:
                yield [value_point(row) for row in rows]
            if len(rows) == STREAM_PAGE:
                last = rows[-1]
                after = (last["time"], last["metric"], last["epoch"], last["seq"])
                window = max(MINUTE, ticks(rows[0]["time"]) - ticks(last["time"]))
                at = max(low, ticks(last["time"]) - window)
            else:
                high, after = at, ()
                window = min(MAX_WINDOW, window * (2 if rows else _WIDEN))
                at = max(low, high - window)
