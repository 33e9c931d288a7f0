"""Rows that come late: what is rolled up already has to be rolled up again, and until then is read from the rows themselves.

Who writes rows asks, before the commit, how far they are rolled up. The answer holds until the commit: it takes a lock in shared
mode that whoever moves a threshold takes alone (store/upkeep.py). So a row is either seen by the rolling up or told here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import Any, Final, Protocol
from uuid import UUID

from lics_actors.store.packed import PackedTelemetry

SHIPPING_LOCK: Final = 0x6C696374  # as in lics_rollup_thresholds(), migration 3

_NOTE = """INSERT INTO rollup_late (source, device_id, hour, low, high, version)
    SELECT $1, device_id, hour, low, high, 1
    FROM unnest($2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[]) AS new(device_id, hour, low, high)
    ON CONFLICT (source, device_id, hour) DO UPDATE SET low = least(rollup_late.low, excluded.low),
        high = greatest(rollup_late.high, excluded.high), version = rollup_late.version + 1"""


class Timed(Protocol):
    """A row that has a time and a device."""

    @property
    def time(self) -> datetime:
        """Return when."""

    @property
    def device_id(self) -> UUID:
        """Return whose."""


async def note_late(connection: Any, rows: Mapping[str, Sequence[Timed]], packed: PackedTelemetry) -> int:
    """Tell which of the rows of this transaction, by table, are late; return how many hours of devices that are. `packed` are
    rows of `telemetry`, too.

    Called last before the commit: other writers wait for no longer than the commit takes. One question a batch (0.1 ms), and
    nothing more where no row is late.
    """
    lows = {table: min(row.time for row in written) for table, written in rows.items() if written}
    if packed:
        lows["telemetry"] = min(packed.earliest, lows.get("telemetry", packed.earliest))
    noted = 0
    for source, threshold in await connection.fetch("SELECT source, threshold FROM lics_rollup_thresholds()"):
        if source in lows and lows[source] < threshold:
            spans = late_spans(chain(rows[source], packed.times() if source == "telemetry" else ()), threshold)
            columns = list(zip(*((*key, *span) for key, span in spans.items()), strict=True))
            await connection.execute(_NOTE, source, *columns)
            noted += len(spans)
    return noted


def late_spans(rows: Iterable[Timed], threshold: datetime) -> dict[tuple[UUID, datetime], tuple[datetime, datetime]]:
    """Return the first and the last time of the rows before `threshold`, by device and hour, sorted: two writers who note the
    same hours wait for each other, never in a circle."""
    spans: dict[tuple[UUID, datetime], tuple[datetime, datetime]] = {}
    for row in rows:
        if row.time < threshold:
            key = row.device_id, row.time.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
            low, high = spans.get(key, (row.time, row.time))
            spans[key] = min(low, row.time), max(high, row.time)
    return dict(sorted(spans.items()))
