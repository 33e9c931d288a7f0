"""Samples into tables: fast, and each row exactly once, however often it is shipped."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import astuple

from lics_actors.errors import DatabaseUnavailableError
from lics_actors.store.errors import RowRefusedError
from lics_actors.store.records import EventRow, PayloadRejected, TelemetryRow
from lics_actors.store.repository import Repository
from lics_actors.store.shipping import Shipped, ship_samples
from tests.contract.store_rows import DEVICE, at, event, reading, rejection


async def table(repository: Repository, name: str) -> list[tuple[Any, ...]]:
    async with repository.raw(5.0) as connection:
        return [tuple(row) for row in await connection.fetch(f"SELECT * FROM {name}")]


async def test_every_kind_of_row_arrives_as_it_was(repository: Repository) -> None:
    telemetry = [reading(1, tags={"run": "a", "n": [1, None]}), reading(2, "weight_g", value=-1.5e-300), reading(3, "Ω" * 100)]
    events = [
        event(1),
        event(2, data=None),
        event(3, "touch", data={"x": 0.1, "note": "№ \ud83d\udc2d".encode("utf-16", "surrogatepass").decode("utf-16")}),
    ]
    rejected = [rejection(1), rejection(2, b"", reason="empty", suppressed=17)]
    assert await ship_samples(repository, telemetry, events, rejected) == Shipped(3, 3, 2, 0)
    page = await repository.telemetry(DEVICE)
    got = [TelemetryRow(p.time, DEVICE, p.metric, p.value, p.tags, p.epoch or 0, p.seq or 0) for p in page.items]
    assert got == telemetry[::-1]
    assert (await repository.events(DEVICE)).items == events[::-1]
    assert (await repository.rejected(DEVICE)).items == rejected[::-1]


async def test_nothing_to_ship_needs_no_database() -> None:
    nowhere = await Repository.connect("postgresql://nobody@127.0.0.1:1/none")
    assert await ship_samples(nowhere, [], [], []) == Shipped()
    await nowhere.close()


async def test_a_repeat_leaves_no_trace(repository: Repository) -> None:
    batch = ([reading(n) for n in range(10)], [event(n) for n in range(5)], [rejection(n) for n in range(3)])
    assert await ship_samples(repository, *batch) == Shipped(10, 5, 3, 0)
    assert await ship_samples(repository, *batch) == Shipped(0, 0, 0, 18)
    more = ([reading(n) for n in range(8, 12)], [event(n) for n in range(4, 6)], [rejection(n) for n in range(2, 4)])
    assert await ship_samples(repository, *more) == Shipped(2, 1, 1, 4)
    assert len(await table(repository, "telemetry")) == 12
    assert len(await table(repository, "device_event")) == 6
    assert len(await table(repository, "rejected_payload")) == 4


async def test_a_repeat_within_a_batch(repository: Repository) -> None:
    assert await ship_samples(repository, [reading(1)] * 3, [event(1)] * 2, [rejection(1)] * 2) == Shipped(1, 1, 1, 4)


async def test_a_repeat_does_not_change_what_is_there(repository: Repository) -> None:
    await ship_samples(repository, [reading(1, value=1.0)], [event(1, data={"a": 1})], [])
    await ship_samples(repository, [reading(1, value=2.0)], [event(1, data={"a": 2})], [])
    assert [p.value for p in (await repository.telemetry(DEVICE)).items] == [1.0]
    assert [e.data for e in (await repository.events(DEVICE)).items] == [{"a": 1}]


async def test_what_differs_in_any_part_of_the_key_is_another_row(repository: Repository) -> None:
    other = uuid4()
    rows = [
        reading(1),
        reading(1, seq=2),
        reading(1, epoch=2),
        reading(1, "other"),
        reading(1, device=other),
        reading(2, seq=1),
    ]
    assert (await ship_samples(repository, rows, [], [])).telemetry == 6
    events = [event(1), event(1, seq=2), event(1, epoch=2), event(1, "touch"), event(1, device=other), event(2, seq=1)]
    assert (await ship_samples(repository, [], events, [])).events == 6


ROWS = [reading(n // 3, f"m{n % 3}") for n in range(60)]
EVENTS = [event(n) for n in range(20)]
REJECTED = [rejection(n, bytes([n])) for n in range(10)]


@st.composite
def shipments(draw: st.DrawFn) -> list[tuple[list[TelemetryRow], list[EventRow], list[PayloadRejected]]]:
    """Overlapping batches in random order that together hold every row at least once."""
    batches = [
        tuple(draw(st.lists(st.sampled_from(rows), max_size=30)) for rows in (ROWS, EVENTS, REJECTED))
        for _ in range(draw(st.integers(0, 5)))
    ]
    cuts = sorted(draw(st.lists(st.integers(0, 60), max_size=4)))
    whole = [(ROWS[a:b], EVENTS[a:b], REJECTED[a:b]) for a, b in zip([0, *cuts], [*cuts, 60], strict=True)]
    return draw(st.permutations([*batches, *whole]))  # type: ignore[arg-type]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=shipments())
def test_overlapping_batches_in_any_order_are_the_rows_once(database_url: str, batches: Any) -> None:
    async def work() -> None:
        repository = await Repository.connect(database_url, pool_size=3, max_overflow=0)
        async with repository.raw(5.0) as connection:
            await connection.execute("TRUNCATE telemetry, device_event, rejected_payload")
        done = [await ship_samples(repository, *batch) for batch in batches[::2]]
        done += await asyncio.gather(*(ship_until_it_is_in(repository, batch) for batch in batches[1::2]))
        assert sum(shipped.inserted for shipped in done) == 90
        assert sum(shipped.inserted + shipped.duplicate for shipped in done) == sum(
            len(part) for batch in batches for part in batch
        )
        sizes = [len(await table(repository, name)) for name in ("telemetry", "device_event", "rejected_payload")]
        assert sizes == [60, 20, 10]
        await repository.close()

    asyncio.run(work())


async def ship_until_it_is_in(repository: Repository, batch: Any) -> Shipped:
    """As the Recorder does: two batches that hold the same rows in another order may have to wait for each other in a circle."""
    while True:
        try:
            return await ship_samples(repository, *batch)
        except DatabaseUnavailableError as error:
            assert error.facts.get("sqlstate") == "40P01"


EARLY = datetime.min.replace(tzinfo=timezone(timedelta(hours=14)))
DEEP: Any = []
for _ in range(900):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    "bad",
    [
        *({"metric": metric} for metric in ("a\0b", "\ud800", "x" * 101, None)),
        *({"value": value} for value in (10**400, "x", None)),
        *({"tags": tags} for tags in ({"a": "\0"}, {"\ud800": 1}, {"a": object()})),
        *({"time": time} for time in (EARLY, "now")),
        *({"device_id": device_id} for device_id in ("x", None)),
        *({"epoch": 2**31}, {"seq": 2**63}),
    ],
)
async def test_a_row_the_database_cannot_hold_refuses_the_whole_batch(repository: Repository, bad: dict[str, Any]) -> None:
    given: dict[str, Any] = {"time": at(1), "device_id": DEVICE, "metric": "m", "value": 1.0, "tags": None, "epoch": 1, "seq": 1}
    row = TelemetryRow(**{**given, **bad})
    good = [reading(n) for n in range(5)]
    for batch in ([*good, row], [row, *good]):
        with pytest.raises(RowRefusedError):
            await ship_samples(repository, batch, [event(1)], [rejection(1)])
    await ship_samples(repository, good, [], [])
    with pytest.raises(RowRefusedError):  # by way of the staging table
        await ship_samples(repository, [*good, row], [event(1)], [rejection(1)])
    assert len(await table(repository, "telemetry")) == 5
    assert await table(repository, "device_event") == await table(repository, "rejected_payload") == []


@pytest.mark.parametrize("bad", [{"type": "\0"}, {"type": "t" * 101}, {"data": {"a": "\0"}}, {"epoch": -(2**31) - 1}])
async def test_an_event_the_database_cannot_hold(repository: Repository, bad: dict[str, Any]) -> None:
    given: dict[str, Any] = {"time": at(1), "device_id": DEVICE, "type": "lick", "data": None, "epoch": 1, "seq": 1}
    with pytest.raises(RowRefusedError):
        await ship_samples(repository, [reading(1)], [EventRow(**{**given, **bad})], [])
    assert await table(repository, "telemetry") == []


async def test_what_the_database_can_hold_is_taken(repository: Repository) -> None:
    rows = [
        reading(1, "nan", value=float("nan")),
        reading(2, "inf", value=float("-inf")),
        reading(3, "", epoch=-(2**31), seq=2**63 - 1),
        reading(4, "deep", tags={"deep": DEEP}),
        reading(5, "old", time=datetime(1, 1, 2, tzinfo=UTC)),
        reading(6, "far", time=datetime(9999, 12, 31, tzinfo=UTC)),
        reading(7, "tags", tags={"nan": float("nan"), "big": 2**63, "dup": {"x" * 5000: "y" * 5000}}),
    ]
    assert (await ship_samples(repository, rows, [], [])).telemetry == len(rows)
    assert (await ship_samples(repository, rows, [], [])).telemetry == 0
    tags = {point.metric: point.tags for point in (await repository.telemetry(DEVICE)).items}
    assert tags["tags"] == {"nan": None, "big": 2**63, "dup": {"x" * 5000: "y" * 5000}} and tags["deep"] == {"deep": DEEP}


async def test_garbage_is_kept_whatever_it_is(repository: Repository) -> None:
    rows = [
        rejection(1, bytes(range(256)), topic="\0\ud800", reason="\0" * 9, size=2**70),
        rejection(2, b"x" * 5000, topic="t" * 65535),
    ]
    assert (await ship_samples(repository, [], [], rows)).rejected == 2
    assert (await ship_samples(repository, [], [], rows)).rejected == 0
    kept = (await repository.rejected(DEVICE)).items
    assert [row.payload for row in kept] == [b"x" * 4096, bytes(range(256))]
    assert kept[1].topic == "\ufffd?"


async def test_a_broken_connection_leaves_nothing_and_the_next_try_all(repository: Repository) -> None:
    batch = ([reading(n) for n in range(100)], [event(n) for n in range(10)], [rejection(1)])
    with pytest.raises(DatabaseUnavailableError):
        async with repository.transaction(10.0) as connection:
            await connection.copy_records_to_table(
                "telemetry", records=[tuple(getattr(r, f) for f in r.__struct_fields__) for r in batch[0]]
            )
            await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    assert await table(repository, "telemetry") == []
    assert await ship_samples(repository, *batch) == Shipped(100, 10, 1, 0)


async def test_a_concurrent_shipper_of_the_same_rows_waits_and_finds_them(repository: Repository, database_url: str) -> None:
    other = await asyncpg.connect(database_url)
    transaction = other.transaction()
    await transaction.start()
    await other.copy_records_to_table("telemetry", records=[astuple(reading(1))])
    shipping = asyncio.ensure_future(ship_samples(repository, [reading(1), reading(2)], [], []))
    for _ in range(200):
        waiting = await other.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted")
        if waiting:
            break
        await asyncio.sleep(0.01)
    assert waiting
    await transaction.commit()
    assert await shipping == Shipped(1, 0, 0, 1)
    await other.close()


def test_the_columns_are_the_tables(database_url: str) -> None:
    async def columns(name: str) -> list[str]:
        connection = await asyncpg.connect(database_url)
        try:
            rows = await connection.fetch(
                "SELECT column_name FROM information_schema.columns WHERE table_name = $1 ORDER BY ordinal_position", name
            )
            return [row["column_name"] for row in rows]
        finally:
            await connection.close()

    assert asyncio.run(columns("telemetry")) == list(TelemetryRow.__struct_fields__)
    assert asyncio.run(columns("device_event")) == list(EventRow.__struct_fields__)
