"""Packed rows are rows like any others: the same values, each once, refused as a whole batch, told when they are late."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lics_actors.store.errors import RowRefusedError
from lics_actors.store.packed import POSTGRES_EPOCH_US, PackedTelemetry, pack_tail, packed_head
from lics_actors.store.records import TelemetryRow
from lics_actors.store.repository import Repository
from lics_actors.store.shipping import Shipped, ship_samples
from lics_actors.store.upkeep import catch_up
from tests.contract.store_rows import DEVICE, at, event, reading, rejection

UNIX = datetime(1970, 1, 1, tzinfo=UTC)


def packed(rows: Iterable[TelemetryRow]) -> PackedTelemetry:
    said = PackedTelemetry()
    for row in rows:
        time_us = (row.time - UNIX) // timedelta(microseconds=1)
        head = packed_head(row.device_id, row.metric, row.epoch)
        said.pieces.append(head + pack_tail(time_us - POSTGRES_EPOCH_US, 8, row.value, 8, row.seq))
        said.earliest_us = min(said.earliest_us, time_us)
    return said


async def telemetry(repository: Repository) -> list[TelemetryRow]:
    async with repository.raw(5.0) as connection:
        found = await connection.fetch(
            "SELECT time, device_id, metric, value, tags, epoch, seq FROM telemetry ORDER BY seq, metric"
        )
    return [TelemetryRow(*row) for row in found]


TEXT = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
ROWS = st.lists(
    st.builds(
        TelemetryRow,
        time=st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)),
        device_id=st.uuids(),
        metric=st.text(TEXT, max_size=100),
        value=st.floats(allow_nan=False),
        tags=st.none(),
        epoch=st.integers(-(2**31), 2**31 - 1),
        seq=st.integers(-(2**63), 2**63 - 1),
    ),
    max_size=20,
    unique_by=lambda row: row.seq,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS)
def test_every_row_arrives_as_it_was(database_url: str, rows: list[TelemetryRow]) -> None:
    async def work() -> None:
        repository = await Repository.connect(database_url, pool_size=1, max_overflow=0)
        async with repository.raw(5.0) as connection:
            await connection.execute("TRUNCATE telemetry")
        assert (await ship_samples(repository, [], [], [], packed(rows))).telemetry == len(rows)
        assert await telemetry(repository) == sorted(rows, key=lambda row: row.seq)
        await repository.close()

    asyncio.run(work())


async def test_packed_or_not_a_row_is_there_once(repository: Repository) -> None:
    rows = [reading(n) for n in range(10)]
    assert await ship_samples(repository, rows[:4], [event(1)], [rejection(1)], packed(rows[2:8])) == Shipped(8, 1, 1, 2)
    assert await ship_samples(repository, rows, [event(1)], [], packed(rows)) == Shipped(2, 0, 0, 19), "both are staged"
    assert await ship_samples(repository, [], [], [], packed([*rows, *rows, reading(10)])) == Shipped(1, 0, 0, 20)
    assert await telemetry(repository) == [*rows, reading(10)]


@pytest.mark.parametrize("bad", [{"metric": "x" * 101}, {"metric": "a\0b"}])
async def test_a_row_the_database_cannot_hold_refuses_the_whole_batch(repository: Repository, bad: dict[str, Any]) -> None:
    good, row = [reading(n) for n in range(5)], reading(9, **bad)
    with pytest.raises(RowRefusedError):
        await ship_samples(repository, [reading(20)], [event(1)], [], packed([*good, row]))
    assert await telemetry(repository) == []
    await ship_samples(repository, [], [], [], packed(good))
    with pytest.raises(RowRefusedError):  # by way of the staging table
        await ship_samples(repository, [], [event(1)], [], packed([*good, row]))
    assert await telemetry(repository) == good


async def test_late_rows_are_told(repository: Repository) -> None:
    async def late() -> set[tuple[Any, ...]]:
        async with repository.raw(5.0) as connection:
            found = await connection.fetch("SELECT device_id, low, high FROM rollup_late WHERE source = 'telemetry'")
        return {tuple(row) for row in found}

    await ship_samples(repository, [], [], [], packed([reading(0), reading(7200)]))
    assert await late() == set()
    await catch_up(repository)  # all until now
    await ship_samples(repository, [reading(40)], [], [], packed([reading(10), reading(60), reading(3700)]))
    assert await late() == {(DEVICE, at(10), at(60)), (DEVICE, at(3700), at(3700))}
    await ship_samples(repository, [reading(5)], [], [])
    await ship_samples(repository, [], [], [], packed([reading(3699), reading(10**9)]))
    assert await late() == {(DEVICE, at(5), at(60)), (DEVICE, at(3699), at(3700))}
