"""Answers from rollups are exactly those that the rows give, whatever came late, twice, or while the upkeep was cut off."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lics_actors.store.records import TelemetryRow
from lics_actors.store.repository import Aggregate, Repository
from lics_actors.store.shipping import ship_samples
from lics_actors.store.spans import BUCKET_ORIGIN
from lics_actors.store.upkeep import SOURCES, Upkeep, catch_up, upkeep
from tests.contract.store_rows import DEVICE, T0, at, reading

OTHER = UUID("00000000-0000-4000-8000-000000000002")
SPAN_S = 5 * 3600
TABLES = "telemetry, device_event, rollup_late, retention_horizon"


async def clean(repository: Repository) -> None:
    """Empty what the examples of one test share."""
    async with repository.raw(30.0) as connection:
        await connection.execute(f"TRUNCATE {TABLES}")
        await connection.execute("UPDATE rollup_state SET threshold = NULL, materialised = NULL")
        for name in ("telemetry_1m", "telemetry_1h", "telemetry_seq_1h", "device_event_seq_1h"):
            await connection.execute(f"TRUNCATE {name}")


def made(dice: random.Random, count: int, low_s: int, high_s: int, serial: int) -> list[TelemetryRow]:
    return [
        TelemetryRow(
            at(dice.randrange(low_s, high_s)),
            dice.choice((DEVICE, DEVICE, OTHER)),
            dice.choice("ab"),
            float(dice.randrange(-1000, 1000)),
            None,
            dice.choice((1, 2)),
            serial + n,
        )
        for n in range(count)
    ]


REDUCE: dict[Aggregate, Callable[[list[float]], float]] = {
    Aggregate.AVG: lambda values: sum(values) / len(values),
    Aggregate.MIN: min,
    Aggregate.MAX: max,
    Aggregate.SUM: sum,
    Aggregate.COUNT: lambda values: float(len(values)),
    Aggregate.FIRST: lambda values: values[0],
    Aggregate.LAST: lambda values: values[-1],
}


def wanted(rows: list[TelemetryRow], start: datetime, end: datetime, width: timedelta, how: Aggregate) -> list[Any]:
    groups: dict[Any, list[Any]] = defaultdict(list)
    for row in rows:
        if row.device_id == DEVICE and start <= row.time < end:
            begin = BUCKET_ORIGIN + (row.time - BUCKET_ORIGIN) // width * width
            groups[begin, row.metric].append(((row.time, row.epoch, row.seq), row.value))
    reduce = REDUCE[how]
    return [(*key, reduce([value for _, value in sorted(groups[key])]), len(groups[key])) for key in sorted(groups, reverse=True)]


async def check(repository: Repository, rows: list[TelemetryRow], dice: random.Random) -> None:
    """Ask for every aggregate over a span with partial buckets at both ends, and compare to the last bit."""
    for how in Aggregate:
        start, end = (at(second) for second in sorted(dice.sample(range(-600, SPAN_S + 600), 2)))
        width = timedelta(seconds=dice.choice((60, 300, 900, 3600, 7200, 86400, 90)))
        if dice.random() < 0.3:
            start, end = T0 - timedelta(days=1), T0 + timedelta(days=1)
        got, cursor = [], None
        while True:
            limit = dice.choice((3, 50, 1000))
            page = await repository.telemetry(
                DEVICE, None, start, end, bucket_s=width.total_seconds(), agg=how, limit=limit, cursor=cursor
            )
            got += [(point.time, point.metric, point.value, point.count) for point in page.items]
            if (cursor := page.next) is None:
                break
        assert got == wanted(rows, start, end, width, how), (how, start, end, width)


async def step(session: Upkeep, dice: random.Random, until_s: int) -> None:
    for source in SOURCES:
        await session.advance(source, at(until_s), timedelta(minutes=dice.choice((1, 45, 60, 600))))
        if dice.random() < 0.7:
            await session.mend(source)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 1_000_000))
def test_rollups_answer_as_the_rows_do(database_url: str, seed: int) -> None:
    async def work() -> None:
        dice = random.Random(seed)
        repository = await Repository.connect(database_url, pool_size=2, max_overflow=0)
        await clean(repository)
        rows: list[TelemetryRow] = []
        for n in range(5):
            front = SPAN_S * (n + 1) // 5
            fresh = made(dice, 60, SPAN_S * n // 5, front, 1000 * n)
            late = made(dice, dice.choice((0, 15)), 0, front, 1000 * n + 500)
            again = dice.sample(rows, min(len(rows), dice.choice((0, 10))))
            await ship_samples(repository, fresh + late + again, [], [])
            rows += fresh + late
            await check(repository, rows, dice)
            async with upkeep(repository) as session:
                assert session is not None
                await step(session, dice, front // 60 * 60 - dice.choice((0, 120, 3600)))
            await check(repository, rows, dice)
        await repository.close()

    asyncio.run(work())


async def relation(repository: Repository, name: str, order: str) -> list[Any]:
    async with repository.raw(30.0) as connection:
        return [tuple(row) for row in await connection.fetch(f"SELECT * FROM {name} ORDER BY {order}")]


async def late_entries(repository: Repository) -> int:
    async with repository.raw(30.0) as connection:
        return int(await connection.fetchval("SELECT count(*) FROM rollup_late"))


async def test_late_rows_are_told_and_mended_once(repository: Repository) -> None:
    await ship_samples(repository, [reading(n * 60) for n in range(180)], [], [])
    assert await late_entries(repository) == 0
    await catch_up(repository)
    await ship_samples(repository, [reading(30, seq=7), reading(7201, seq=8), reading(9 * 86_400)], [], [])
    assert await late_entries(repository) == 3  # also the last: all until now is rolled up
    await ship_samples(repository, [reading(31, seq=9)], [], [])
    assert await late_entries(repository) == 3
    assert [p.count for p in (await repository.telemetry(DEVICE, end=at(60), bucket_s=60)).items] == [3]
    await catch_up(repository)
    assert await late_entries(repository) == 0
    assert [p.count for p in (await repository.telemetry(DEVICE, end=at(60), bucket_s=60)).items] == [3]
    async with repository.raw(30.0) as connection:
        assert await connection.fetchval("SELECT count FROM telemetry_1m WHERE bucket = $1", T0) == 3
        assert await connection.fetchval("SELECT count FROM telemetry_1h WHERE bucket = $1", T0) == 62


async def test_a_rollup_is_read_and_not_the_rows(repository: Repository) -> None:
    """Otherwise everything here could be right by never using a rollup."""
    await ship_samples(repository, [reading(n * 20) for n in range(720)], [], [])
    await catch_up(repository)
    async with repository.raw(30.0) as connection:
        await connection.execute("TRUNCATE telemetry")
    for width, count in ((60, 240), (3600, 4), (86400, 1)):
        assert len((await repository.telemetry(DEVICE, bucket_s=width, start=T0, end=at(14400))).items) == count
    assert (await repository.telemetry(DEVICE, bucket_s=30, start=T0, end=at(14400))).items == []


async def test_who_writes_while_the_threshold_moves_is_seen_or_told(repository: Repository, database_url: str) -> None:
    await ship_samples(repository, [reading(n) for n in range(0, 7200, 60)], [], [])
    writer = await asyncpg.connect(database_url)
    transaction = writer.transaction()
    await transaction.start()
    await writer.execute("INSERT INTO telemetry VALUES ($1, $2, 'plate_c', 5.0, NULL, 1, 999999)", at(90), DEVICE)
    asked = await writer.fetch("SELECT * FROM lics_rollup_thresholds()")
    assert asked == []  # so this row will not be told, and has to be seen
    moving = asyncio.ensure_future(catch_up(repository))
    for _ in range(200):
        if await writer.fetchval("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"):
            break
        await asyncio.sleep(0.01)
    else:
        raise AssertionError("nobody waited for the writer")
    await transaction.commit()
    await moving
    assert [p.count for p in (await repository.telemetry(DEVICE, end=at(120), start=at(60), bucket_s=60)).items] == [2]
    await writer.close()


async def test_one_upkeep_at_a_time(repository: Repository) -> None:
    async with upkeep(repository) as first, upkeep(repository) as second:
        assert first is not None and second is None
    async with upkeep(repository) as third:
        assert third is not None


async def test_a_step_that_is_cut_off_is_done_again(repository: Repository) -> None:
    """As after SIGKILL: the threshold has moved, the rest has not; and once more with the rows rolled up but not said."""
    rows = [reading(n * 10) for n in range(1440)]
    await ship_samples(repository, rows, [], [])
    async with upkeep(repository) as session:
        assert session is not None
        await session._move_threshold("telemetry", at(7200))
    await ship_samples(repository, [reading(5, seq=10**6)], [], [])
    rows.append(reading(5, seq=10**6))
    await check(repository, rows, random.Random(1))
    async with upkeep(repository) as session:
        assert session is not None
        await session.advance("telemetry", at(3600), timedelta(days=1))
        await session.connection.execute("UPDATE rollup_state SET materialised = $1 WHERE source = 'telemetry'", at(1800))
    await check(repository, rows, random.Random(2))
    await catch_up(repository)
    await check(repository, rows, random.Random(3))
    assert await late_entries(repository) == 0


async def test_times_without_rows_cost_no_steps(repository: Repository) -> None:
    far = [reading(1), reading(2, time=T0 - timedelta(days=365 * 500)), reading(3, time=T0 + timedelta(days=365 * 500))]
    await ship_samples(repository, far, [], [])
    async with upkeep(repository) as session:
        assert session is not None
        steps = 0
        while (await session.advance("telemetry", at(3600), timedelta(hours=6))).behind_s > 0:
            steps += 1
        assert steps <= 12  # TimescaleDB: a day around each row in steps of six hours
    assert len((await repository.telemetry(DEVICE, bucket_s=3600)).items) == 3


async def test_sums_that_are_too_large_are_infinite_and_stop_nothing(repository: Repository) -> None:
    huge = [reading(n, value=value) for n, value in enumerate((1.7e308, 1.7e308, -1.7e308, 1e-310))]
    more = [reading(60 + n, value=1.7e308) for n in range(3)]
    odd = [reading(120, value=float("nan")), reading(180, value=float("inf")), reading(181, value=float("-inf"))]
    await ship_samples(repository, [*huge, *more, *odd, reading(240, value=5e-324), reading(241, value=0.0)], [], [])

    async def told(agg: str, width: int = 60) -> list[str]:
        return [str(p.value) for p in (await repository.telemetry(DEVICE, bucket_s=width, agg=agg)).items]

    before = [await told(agg) for agg in Aggregate]
    assert await told("sum") == ["5e-324", "nan", "nan", "inf", "1.7e+308"]
    await catch_up(repository)
    assert [await told(agg) for agg in Aggregate] == before
    assert await told("max", 3600) == ["nan"]
    assert (await told("sum", 3600)) == ["nan"]


async def test_the_last_number_there_is_stops_nothing(repository: Repository) -> None:
    await ship_samples(repository, [reading(1, seq=2**63 - 1), reading(2, device=uuid4(), seq=2**63 - 1)], [], [])
    await catch_up(repository)
    await catch_up(repository)
    assert [p.count for p in (await repository.telemetry(DEVICE, bucket_s=60)).items] == [1]


@pytest.mark.parametrize("source", SOURCES)
async def test_nothing_there_is_nothing_to_do(repository: Repository, source: str) -> None:
    async with upkeep(repository) as session:
        assert session is not None
        progress = await session.advance(source, at(0), timedelta(hours=1))
        assert (progress.materialised, progress.behind_s, await session.mend(source)) == (None, 0.0, 0)
