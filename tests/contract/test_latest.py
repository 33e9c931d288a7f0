"""The latest values of many devices are exactly the newest rows, on either kind of database, whatever is rolled up or late."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lics_actors.errors import InvalidError
from lics_actors.store.records import TelemetryRow
from lics_actors.store.repository import Repository
from lics_actors.store.shipping import ship_samples
from lics_actors.store.upkeep import catch_up, upkeep
from tests.contract.store_rows import DEVICE, at, new_device, reading
from tests.contract.test_rollups import clean

DEVICES = [UUID(int=n) for n in range(1, 8)]
DAY_S = 86_400


def newest(rows: list[TelemetryRow], metric: str | None) -> dict[UUID, dict[str, Any]]:
    found: dict[UUID, dict[str, Any]] = {device: {} for device in DEVICES}
    for row in sorted(rows, key=lambda row: (row.time, row.epoch, row.seq)):
        if metric in (None, row.metric):
            found[row.device_id][row.metric] = (row.time, row.value, row.tags, row.epoch, row.seq)
    return found


async def check(repository: Repository, rows: list[TelemetryRow]) -> None:
    for metric in (None, "b", "nothing"):
        got = await repository.latest_of(DEVICES, metric)
        told = {
            device: {name: (p.time, p.value, p.tags, p.epoch, p.seq) for name, p in values.items()}
            for device, values in got.items()
        }
        assert told == newest(rows, metric)
    assert await repository.latest(DEVICES[0]) == (await repository.latest_of(DEVICES))[DEVICES[0]]


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 1_000_000))
def test_the_latest_are_the_newest_rows(database_url: str, seed: int) -> None:
    async def work() -> None:
        dice = random.Random(seed)
        repository = await Repository.connect(database_url, pool_size=2, max_overflow=0)
        await clean(repository)
        if await repository.has_aggregates():
            async with repository.raw(5.0) as connection:
                await connection.execute("TRUNCATE telemetry_latest")
        rows: list[TelemetryRow] = []
        for n in range(3):
            fresh = [
                TelemetryRow(
                    at(dice.choice((DAY_S * (n + 1) * dice.random(), DAY_S * n))),
                    dice.choice(DEVICES[: 2 * n + 2]),
                    dice.choice("abcΩ"),
                    float(i),
                    dice.choice((None, {"cage": n})),
                    dice.choice((1, 2)),
                    1000 * n + i,
                )
                for i in range(40)
            ]
            await ship_samples(repository, fresh, [], [])
            rows += fresh
            await check(repository, rows)
            async with upkeep(repository) as session:
                assert session is not None
                await session.advance("telemetry", at(DAY_S * (n + dice.choice((0, 1)))), timedelta(days=9))
            await check(repository, rows)
            if dice.random() < 0.5:
                await catch_up(repository)
                await check(repository, rows)
        await repository.close()

    asyncio.run(work())


async def test_all_devices_come_in_pages_and_the_retired_do_not(repository: Repository) -> None:
    devices = [await repository.create_device(new_device(f"d{n}", type="pump" if n % 2 else "rfid")) for n in range(5)]
    for device in devices[1:]:
        await ship_samples(repository, [reading(1, device=device.id), reading(2, "b", device=device.id)], [], [])
    await ship_samples(repository, [reading(1, device=DEVICE)], [], [])  # nobody's
    await repository.retire_device(devices[4].id, expected_version=None, principal="user:ada")
    items, cursor = [], None
    while True:
        page = await repository.latest_page(limit=2, cursor=cursor)
        assert len(page.items) <= 2
        items += page.items
        if (cursor := page.next) is None:
            break
    assert [device for device, _ in items] == sorted(device.id for device in devices[:4])
    assert {device: sorted(values) for device, values in items} == {
        device.id: ["b", "plate_c"] if device in devices[1:] else [] for device in devices[:4]
    }
    pumps = (await repository.latest_page("pump", "b")).items
    assert {device: list(values) for device, values in pumps} == {device.id: ["b"] for device in (devices[1], devices[3])}


async def test_what_makes_no_sense_is_refused(repository: Repository) -> None:
    assert await repository.latest_of([]) == {}
    for bad in ({"limit": 0}, {"limit": 501}, {"cursor": "x"}, {"cursor": "WyJkZXZpY2VzIiwxXQ"}):
        with pytest.raises(InvalidError):
            await repository.latest_page(**bad)  # type: ignore[arg-type]
