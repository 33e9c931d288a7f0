"""The Recorder's way into the tables: bulk, in one transaction, and a repeat leaves no trace.

Samples are absorbed by the unique indexes: COPY first (fast), and when a row is there already the batch goes through a staging
table. Journals are counted in `journal_offset`, in the same transaction as what they bring.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import asyncpg
from msgspec.structs import astuple

from lics_actors.store.availability import is_refusal, original
from lics_actors.store.errors import RowRefusedError
from lics_actors.store.journals import journal_position, ship_journal
from lics_actors.store.json_text import json_text
from lics_actors.store.late import note_late
from lics_actors.store.packed import PACKED_COLUMNS, PackedTelemetry
from lics_actors.store.records import EventRow, PayloadRejected, TelemetryRow
from lics_actors.store.rejections import INSERT_REJECTED, rejected_values
from lics_actors.store.repository import Repository

__all__ = ["RowRefusedError", "Shipped", "journal_position", "ship_journal", "ship_samples"]

SHIP_S = 60.0  # a batch takes tens of milliseconds; a minute is a database in trouble
TELEMETRY_COLUMNS = TelemetryRow.__struct_fields__
EVENT_COLUMNS = EventRow.__struct_fields__

Put = Callable[[str], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Shipped:
    """How many rows are new in each table, and how many of the batch were there already."""

    telemetry: int = 0
    events: int = 0
    rejected: int = 0
    duplicate: int = 0

    @property
    def inserted(self) -> int:
        """Return how many rows are new."""
        return self.telemetry + self.events + self.rejected


async def ship_samples(
    repository: Repository,
    telemetry: Sequence[TelemetryRow],
    events: Sequence[EventRow],
    rejected: Sequence[PayloadRejected],
    packed: PackedTelemetry | None = None,
) -> Shipped:
    """Write a batch, all of it or nothing; rows that are there already are left as they are. `packed` is telemetry, too.

    Raises:
        RowRefusedError: a row is nothing the database can hold; divide the batch.
        DatabaseUnavailableError: nothing is known to be written; ship the batch again.
    """
    packed = packed or PackedTelemetry()
    total = len(packed) + len(telemetry) + len(events) + len(rejected)
    if not total:
        return Shipped()
    async with repository.transaction(SHIP_S) as connection, _telling_refusals():
        new_telemetry = await _copy_packed(connection, packed)
        new_telemetry += await _copy_rows(connection, "telemetry", TELEMETRY_COLUMNS, map(_telemetry_values, telemetry))
        new_events = await _copy_rows(connection, "device_event", EVENT_COLUMNS, map(_event_values, events))
        new_rejected = await _insert_rejected(connection, rejected)
        if packed or telemetry or events:
            await note_late(connection, {"telemetry": telemetry, "device_event": events}, packed)
    return Shipped(new_telemetry, new_events, new_rejected, total - new_telemetry - new_events - new_rejected)


@asynccontextmanager
async def _telling_refusals() -> AsyncIterator[None]:
    try:
        yield
    except Exception as error:
        if is_refusal(error):
            raise RowRefusedError("the database refuses a row", reason=str(original(error))) from error
        raise


def _telemetry_values(row: TelemetryRow) -> tuple[Any, ...]:
    if row.tags is None:
        return astuple(row)
    return (row.time, row.device_id, row.metric, row.value, json_text(row.tags), row.epoch, row.seq)


def _event_values(row: EventRow) -> tuple[Any, ...]:
    data = None if row.data is None else json_text(row.data)
    return (row.time, row.device_id, row.type, data, row.epoch, row.seq)


async def _copy_packed(connection: Any, packed: PackedTelemetry) -> int:
    if not packed:
        return 0
    stream = memoryview(packed.stream())
    put = partial(connection.copy_to_table, columns=PACKED_COLUMNS, source=stream, format="binary")
    return await _copy(connection, "telemetry", PACKED_COLUMNS, put, len(packed))


async def _copy_rows(connection: Any, table: str, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> int:
    records = list(rows)
    if not records:
        return 0
    put = partial(connection.copy_records_to_table, columns=columns, records=records)
    return await _copy(connection, table, columns, put, len(records))


async def _copy(connection: Any, table: str, columns: Sequence[str], put: Put, rows: int) -> int:
    """Write rows by COPY and return how many were new. `put` copies them into the table it is given."""
    try:
        async with connection.transaction():  # a savepoint: a refused COPY must not end the batch
            await put(table)
    except asyncpg.UniqueViolationError:
        return await _copy_new(connection, table, columns, put)
    return rows


async def _copy_new(connection: Any, table: str, columns: Sequence[str], put: Put) -> int:
    """Write those rows that are new, by way of a staging table, and return how many."""
    stage, names = f"stage_{table}", ", ".join(columns)
    await connection.execute(f"CREATE TEMP TABLE {stage} (LIKE {table}) ON COMMIT DROP")
    await put(stage)
    insert = f"INSERT INTO {table} ({names}) SELECT {names} FROM {stage} ON CONFLICT DO NOTHING"  # noqa: S608 - our own names
    status: str = await connection.execute(insert)
    await connection.execute(f"DROP TABLE {stage}")  # packed rows and others may need one each
    return int(status.rsplit(" ", 1)[1])  # "INSERT 0 17"


async def _insert_rejected(connection: Any, rejected: Sequence[PayloadRejected]) -> int:
    new = 0
    for row in rejected:  # few: rate-limited where they are made
        new += int((await connection.execute(INSERT_REJECTED, *rejected_values(row))).rsplit(" ", 1)[1])
    return new
