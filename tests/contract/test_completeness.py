"""What is missing of a device's numbers is told exactly, whatever is rolled up, late or doubled."""

from __future__ import annotations

import asyncio
import random
from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lics_actors.store.completeness_reads import EpochCompleteness, Stream
from lics_actors.store.records import EventRow, TelemetryRow
from lics_actors.store.repository import Repository
from lics_actors.store.shipping import ship_samples
from lics_actors.store.upkeep import SOURCES, catch_up, upkeep
from tests.contract.store_rows import DEVICE, at, event, reading
from tests.contract.test_rollups import OTHER, clean

HOURS = 4


def messages(dice: random.Random) -> list[tuple[float, int, int]]:
    """Time, epoch and number of what a device sent, of which some is lost: two boots, a message in about a minute."""
    sent = [(n * 60 + dice.random(), 1 + (n >= 130), n if n < 130 else n - 130) for n in range(HOURS * 60)]
    return [message for message in sent if dice.random() > 0.1]


def expected(stream: Stream, rows: list[Any], start: datetime | None, end: datetime | None) -> list[EpochCompleteness]:
    found = []
    for epoch in sorted({row.epoch for row in rows}, reverse=True):
        seen = {
            row.seq
            for row in rows
            if row.epoch == epoch and (start is None or row.time >= start) and (end is None or row.time < end)
        }
        if not seen:
            continue
        first = 0 if start is None else min(seen)
        lost = sorted(set(range(first, max(seen))) - seen)
        gaps: list[tuple[int, int]] = []
        for n in lost:
            if gaps and gaps[-1][1] == n - 1:
                gaps[-1] = (gaps[-1][0], n)
            else:
                gaps.append((n, n))
        found.append(EpochCompleteness(stream, epoch, min(seen), max(seen), len(seen), len(lost), len(gaps), tuple(gaps[::-1])))
    return found


async def check(repository: Repository, told: list[TelemetryRow], events: list[EventRow], dice: random.Random) -> None:
    spans: list[tuple[datetime | None, datetime | None]] = [(None, None)]
    for _ in range(4):
        low, high = sorted(dice.sample(range(-3600, (HOURS + 1) * 3600), 2))
        spans += [(at(low), at(high)), (at(low), None), (None, at(high))]
    for start, end in spans:
        got = await repository.completeness(DEVICE, start, end, gaps=1000)
        assert got == expected(Stream.TELEMETRY, told, start, end) + expected(Stream.EVENTS, events, start, end), (start, end)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 1_000_000))
def test_what_is_missing_is_what_python_finds(database_url: str, seed: int) -> None:
    async def work() -> None:
        dice = random.Random(seed)
        repository = await Repository.connect(database_url, pool_size=2, max_overflow=0)
        await clean(repository)
        told = [
            TelemetryRow(at(time), DEVICE, metric, 1.0, None, epoch, seq)
            for time, epoch, seq in messages(dice)
            for metric in dice.choice(("a", "b", "ab"))
        ]
        events = [EventRow(at(time), DEVICE, "lick", None, epoch, seq) for time, epoch, seq in messages(dice)]
        noise = [reading(60, device=OTHER, seq=5000)], [event(70, "lics.state", seq=7000)]
        dice.shuffle(told)
        dice.shuffle(events)
        half = len(told) // 2, len(events) // 2
        await ship_samples(repository, told[: half[0]] + noise[0], events[: half[1]] + noise[1], [])
        await check(repository, told[: half[0]], events[: half[1]], dice)
        async with upkeep(repository) as session:
            assert session is not None
            for source in SOURCES:
                for until in (dice.randrange(HOURS * 60) * 60, HOURS * 3600 + 1800):
                    await session.advance(source, at(until), timedelta(days=1))
        await check(repository, told[: half[0]], events[: half[1]], dice)
        await ship_samples(repository, told, events, [])  # the rest comes late, and the first half twice
        await check(repository, told, events, dice)
        await catch_up(repository)
        await check(repository, told, events, dice)
        await repository.close()

    asyncio.run(work())


async def test_gaps_are_bounded_and_the_newest_are_told(repository: Repository) -> None:
    await ship_samples(repository, [reading(n, seq=2 * n) for n in range(50)], [], [])
    (epoch,) = await repository.completeness(DEVICE, gaps=3)
    assert (epoch.received, epoch.missing, epoch.gap_count) == (50, 49, 49)
    assert epoch.gaps == ((97, 97), (95, 95), (93, 93))


async def test_a_late_message_closes_its_gap(repository: Repository) -> None:
    await ship_samples(repository, [reading(n, seq=n) for n in range(100) if n != 50], [], [])
    await catch_up(repository)
    assert [e.gaps for e in await repository.completeness(DEVICE)] == [((50, 50),)]
    await ship_samples(repository, [reading(50, seq=50)], [], [])
    assert [(e.missing, e.gaps) for e in await repository.completeness(DEVICE)] == [(0, ())]
    await catch_up(repository)
    assert [(e.missing, e.gaps) for e in await repository.completeness(DEVICE)] == [(0, ())]


async def test_nobody_lacks_nothing(repository: Repository) -> None:
    assert await repository.completeness(DEVICE) == []
    await ship_samples(repository, [reading(1, seq=2**63 - 1)], [], [])
    assert await repository.completeness(DEVICE) == []
