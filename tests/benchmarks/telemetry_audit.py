"""What a run left in the table: row by row, and how long each row took; the same SQL for every contender."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from tests.benchmarks.telemetry_load import METRIC

LATENCY = """
    with commits as materialized (
        select x, pg_xact_commit_timestamp(x) as at from (select distinct xmin as x from {table} where epoch = $1) as writers
    )
    select percentile_cont(array[0.5, 0.99]) within group (order by extract(epoch from at - time)) as quantiles,
        max(extract(epoch from at - time)) as longest, max(at) as last
    from {table} join commits on x = xmin where epoch = $1
"""
# A message's last sample has the value seq + 0.25, those before 1.25, 2.25, … (telemetry_load.py): their sum tells whether each
# is there once. A row that is there twice must differ in `time`: the rest of it is in the unique index.
ROWS = """
    with messages as (
        select device_id, seq, count(*) as rows, sum(value) = seq + ($2 - 1) * $2 / 2 + 0.25 * $2 as right_sum
        from {table} where epoch = $1 group by device_id, seq
    ), expected as (
        select device_id, acked from unnest($3::uuid[], $4::bigint[]) as given (device_id, acked)
    )
    select (select sum(acked) * $2 from expected)::bigint as expected,
        (select coalesce(sum(rows), 0) from messages)::bigint as found,
        (select coalesce(sum(case when right_sum then 0 else greatest(rows - $2, 1) end), 0)
            from messages where rows >= $2)::bigint as doubled,
        (select coalesce(sum(case when right_sum or rows > $2 then $2 else least(rows, $2 - 1) end), 0)
            from messages join expected using (device_id) where seq >= 0 and seq < acked)::bigint as there
"""


@dataclass(frozen=True, slots=True)
class Rows:
    """`expected`: rows of acknowledged messages. `found`: all there are, maybe more than that."""

    expected: int
    found: int
    lost: int
    doubled: int


@dataclass(frozen=True, slots=True)
class Latency:
    """From a sample's `ts` to its commit, in seconds; `last`: when the last row was committed."""

    p50_s: float
    p99_s: float
    max_s: float
    last: datetime


class Table:
    """A telemetry table that one contender writes."""

    def __init__(self, connection: asyncpg.Connection, name: str) -> None:
        self._connection, self.name = connection, name

    async def clear(self) -> None:
        """Empty it, so that each run writes into an index of the same size."""
        await self._connection.execute(f"truncate {self.name}")

    async def count(self) -> int:
        """Return how many rows there are."""
        return int(await self._connection.fetchval(f"select count(*) from {self.name}"))

    async def newest(self, device: UUID) -> datetime | None:
        """Return the time of a device's newest sample, from the index."""
        query = f"select max(time) from {self.name} where device_id = $1 and metric = $2"
        return await self._connection.fetchval(query, device, METRIC)

    async def rows(self, epoch: int, samples: int, devices: Sequence[UUID], acked: Sequence[int]) -> Rows:
        """Compare the rows of an epoch with what each device had acknowledged."""
        row = await self._connection.fetchrow(ROWS.format(table=self.name), epoch, samples, list(devices), list(acked))
        assert row is not None
        return Rows(row["expected"], row["found"], row["expected"] - row["there"], row["doubled"])

    async def latency(self, epoch: int) -> Latency | None:
        """Return how long the rows of an epoch took; None where there are none."""
        row = await self._connection.fetchrow(LATENCY.format(table=self.name), epoch)
        if row is None or row["last"] is None:
            return None
        p50, p99 = row["quantiles"]
        return Latency(p50, p99, float(row["longest"]), row["last"])

    async def busiest(self, epoch: int, window_s: int = 2) -> float:
        """Return the rows a second that were committed in the best whole seconds of `window_s`."""
        counts = await self._connection.fetch(
            f"select floor(extract(epoch from pg_xact_commit_timestamp(xmin)))::bigint as s, count(*) as n from {self.name}"
            " where epoch = $1 group by 1",
            epoch,
        )
        by_second = {row["s"]: row["n"] for row in counts}
        sums = (sum(by_second.get(second + more, 0) for more in range(window_s)) for second in by_second)
        return max(sums, default=0) / window_s


async def reference_table(connection: asyncpg.Connection, name: str) -> Table:
    """Make a table like LICS's, with its indexes."""
    await connection.execute(f"create table {name} (like telemetry including indexes)")
    return Table(connection, name)
