"""Reading telemetry and events back: values, buckets, pages."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lics_actors.errors import InvalidError
from lics_actors.store.records import TelemetryRow
from lics_actors.store.repository import Aggregate, Page, Repository, TelemetryPoint
from lics_actors.store.shipping import ship_samples
from tests.contract.store_rows import DEVICE, at, event, reading

OTHER = uuid4()


def key(row: TelemetryRow | TelemetryPoint) -> tuple[datetime, str, int | None, int | None]:
    return (row.time, row.metric, row.epoch, row.seq)


def newest_first(rows: list[TelemetryRow]) -> list[Any]:
    return sorted(map(key, rows), reverse=True)


async def every_page(ask: Any, limit: int, then: Any = None) -> list[Any]:
    """Follow the cursor to the end; `then(n)` happens after each page."""
    items: list[Any] = []
    cursor = None
    for n in range(10_000):
        page: Page[Any] = await ask(limit=limit, cursor=cursor)
        items += page.items
        assert len(page.items) == limit or page.next is None
        if (cursor := page.next) is None:
            return items
        if then is not None:
            await then(n)
    raise AssertionError("the cursor never ends")


def sampled(rows: int, dice: random.Random) -> list[TelemetryRow]:
    """Many values at the same time, of three metrics, two boots and two devices."""
    return [
        TelemetryRow(
            at(dice.randrange(20)), dice.choice((DEVICE, OTHER)), dice.choice("abc"), n / 7, None, dice.choice((1, 2)), n
        )
        for n in range(rows)
    ]


@pytest.mark.parametrize("metric", [None, "b"])
@pytest.mark.parametrize("limit", [1, 7, 1000])
async def test_pages_hold_every_value_once(repository: Repository, metric: str | None, limit: int) -> None:
    rows = sampled(150, random.Random(limit))
    await ship_samples(repository, rows, [], [])
    wanted = [row for row in rows if row.device_id == DEVICE and metric in (None, row.metric) and at(3) <= row.time < at(15)]

    async def ask(**page: Any) -> Page[TelemetryPoint]:
        return await repository.telemetry(DEVICE, metric, at(3), at(15), **page)

    found = await every_page(ask, limit)
    assert list(map(key, found)) == newest_first(wanted)
    assert {(p.seq, p.value) for p in found} == {(row.seq, row.value) for row in wanted}


async def test_pages_are_stable_under_inserts(repository: Repository) -> None:
    rows = [reading(n, "ab"[n % 2]) for n in range(20)]
    await ship_samples(repository, rows, [event(n) for n in range(20)], [])

    async def newer(n: int) -> None:
        await ship_samples(repository, [reading(100 + n), reading(100 + n, "a")], [event(100 + n)], [])

    async def values(**page: Any) -> Any:
        return await repository.telemetry(DEVICE, **page)

    async def events(**page: Any) -> Any:
        return await repository.events(DEVICE, **page)

    assert list(map(key, await every_page(values, 3, newer))) == newest_first(rows)
    found = await every_page(events, 3, newer)
    assert [row.time for row in found if row.time < at(50)] == [at(n) for n in reversed(range(20))]
    assert len({row.seq for row in found}) == len(found)


async def test_the_latest_of_each_metric(repository: Repository) -> None:
    assert await repository.latest(DEVICE) == {}
    rows = sampled(200, random.Random(3))
    await ship_samples(repository, [*rows, reading(1, "Ω"), reading(2, "")], [], [])
    wanted = {}
    for row in sorted((row for row in rows if row.device_id == DEVICE), key=key):
        wanted[row.metric] = row.value
    assert {name: point.value for name, point in (await repository.latest(DEVICE)).items()} == {**wanted, "Ω": 1.0, "": 2.0}


async def test_nothing_of_nobody(repository: Repository) -> None:
    await ship_samples(repository, [reading(1)], [event(1)], [])
    assert (await repository.telemetry(uuid4())).items == (await repository.telemetry(DEVICE, "nothing")).items == []
    assert (await repository.telemetry(DEVICE, start=at(5), end=at(1))).items == []
    assert (await repository.telemetry(DEVICE, "'; DROP TABLE telemetry; --", bucket_s=1)).items == []
    assert (await repository.events(DEVICE, "touch")).items == (await repository.events(uuid4())).items == []


async def test_events_are_filtered(repository: Repository) -> None:
    rows = [event(n, "lick" if n % 2 else "touch") for n in range(10)]
    await ship_samples(repository, [], rows, [])
    assert (await repository.events(DEVICE, "lick", at(3), at(7))).items == [rows[5], rows[3]]
    assert (await repository.events(DEVICE, None, at(3), at(7))).items == rows[6:2:-1]
    page = await repository.events(DEVICE, "lick", limit=2)
    assert (await repository.events(DEVICE, "lick", limit=2, cursor=page.next)).items == [rows[5], rows[3]]


def reduced(values: list[tuple[Any, float]], how: Aggregate) -> float:
    ordered = [value for _, value in sorted(values)]
    return {
        Aggregate.AVG: sum(ordered) / len(ordered),
        Aggregate.MIN: min(ordered),
        Aggregate.MAX: max(ordered),
        Aggregate.SUM: sum(ordered),
        Aggregate.COUNT: float(len(ordered)),
        Aggregate.LAST: ordered[-1],
        Aggregate.FIRST: ordered[0],
    }[how]


ORIGIN = datetime(2000, 1, 3, tzinfo=UTC)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 1000),
    bucket_s=st.sampled_from([0.5, 1.0, 3.0, 7.5, 60.0, 3600.0, 86400.0]),
    how=st.sampled_from(list(Aggregate)),
    metric=st.sampled_from([None, "a"]),
    limit=st.sampled_from([1, 2, 5, 100]),
)
def test_buckets_are_what_python_makes_of_the_values(
    database_url: str, seed: int, bucket_s: float, how: Aggregate, metric: str | None, limit: int
) -> None:
    rows = sampled(80, random.Random(seed))
    width = timedelta(seconds=bucket_s)
    groups: dict[tuple[datetime, str], list[tuple[Any, float]]] = defaultdict(list)
    for row in rows:
        if row.device_id == DEVICE and metric in (None, row.metric):
            begin = ORIGIN + (row.time - ORIGIN) // width * width
            groups[begin, row.metric].append(((row.time, row.epoch, row.seq), row.value))
    wanted = [(*group, pytest.approx(reduced(groups[group], how)), len(groups[group])) for group in sorted(groups, reverse=True)]

    async def work() -> None:
        repository = await Repository.connect(database_url, pool_size=1, max_overflow=0)
        async with repository.raw(5.0) as connection:
            await connection.execute("TRUNCATE telemetry")
        await ship_samples(repository, rows, [], [])

        async def ask(**page: Any) -> Page[TelemetryPoint]:
            return await repository.telemetry(DEVICE, metric, bucket_s=bucket_s, agg=how, **page)

        found = await every_page(ask, limit)
        assert [(point.time, point.metric, point.value, point.count) for point in found] == wanted
        await repository.close()

    asyncio.run(work())


async def test_buckets_of_a_range_hold_its_values_only(repository: Repository) -> None:
    await ship_samples(repository, [reading(n) for n in range(20)], [], [])
    page = await repository.telemetry(DEVICE, "plate_c", at(3), at(11), bucket_s=5, agg="count")
    assert [(point.time, point.value) for point in page.items] == [(at(10), 1.0), (at(5), 5.0), (at(0), 2.0)]


async def test_weeks_begin_on_mondays(repository: Repository) -> None:
    await ship_samples(repository, [reading(0)], [], [])  # 1 March 2026 is a Sunday
    (point,) = (await repository.telemetry(DEVICE, bucket_s=7 * 86400)).items
    assert (point.time, point.time.weekday()) == (datetime(2026, 2, 23, tzinfo=UTC), 0)


@pytest.mark.parametrize(
    ("bad", "where"),
    [
        *(({"bucket_s": bucket}, "bucket") for bucket in (0, -1, 0.0009, 1e12, float("nan"), float("inf"))),
        *(({"bucket_s": 60, "agg": agg}, "agg") for agg in ("median", "", "avg(value); --", "AVG")),
        *(({"limit": limit}, "limit") for limit in (0, -5, 100_001)),
        *(({"cursor": cursor}, "cursor") for cursor in ("x", "", "W10", "WyJ0ZWxlbWV0cnkiXQ", "WyJ0ZWxlbWV0cnkiLDEsMiwzLDRd")),
    ],
)
async def test_what_makes_no_sense_is_refused(repository: Repository, bad: dict[str, Any], where: str) -> None:
    with pytest.raises(InvalidError) as caught:
        await repository.telemetry(DEVICE, **bad)
    assert [fault["field"] for fault in caught.value.fields] == [where]


async def test_a_cursor_belongs_to_its_list(repository: Repository) -> None:
    await ship_samples(repository, [reading(n) for n in range(20)], [event(n) for n in range(20)], [])
    values = await repository.telemetry(DEVICE, limit=5)
    buckets = await repository.telemetry(DEVICE, bucket_s=2, limit=5)
    for wrong in (values.next, (await repository.events(DEVICE, limit=5)).next, buckets.next):
        with pytest.raises(InvalidError):
            await repository.telemetry(DEVICE, bucket_s=3, limit=5, cursor=wrong)
        with pytest.raises(InvalidError):
            await repository.rejected(DEVICE, cursor=wrong)


async def test_an_absurd_time_is_no_crash(repository: Repository) -> None:
    await ship_samples(repository, [reading(1)], [], [])
    far = datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)
    assert len((await repository.telemetry(DEVICE, start=far[1], end=far[0])).items) == 1
    assert len((await repository.telemetry(DEVICE, start=far[1], end=far[0], bucket_s=60)).items) == 1
    days = [reading(2, "far", time=far[0] - timedelta(days=1)), reading(3, "far", time=far[1] + timedelta(days=1))]
    await ship_samples(repository, days, [], [])
    page = await repository.telemetry(DEVICE, "far", bucket_s=60, limit=1)
    assert len((await repository.telemetry(DEVICE, "far", bucket_s=60, limit=1, cursor=page.next)).items) == 1
