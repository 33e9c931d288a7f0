"""Alarms in the table: ingested once and in order, acted on by people at the same time, and out of sight while shelved."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from lics_actors.errors import ConflictError
from lics_actors.store.alarm_states import Acknowledged, AlarmState, Shelved, Unshelved
from lics_actors.store.alarms import AlarmNotFoundError
from lics_actors.store.records import AlarmCleared, AlarmRaised, Audited, Record
from lics_actors.store.repository import Repository
from lics_actors.store.shipping import ship_journal
from tests.contract.store_rows import at

S = AlarmState


def up(n: float, kind: str = "disk", severity: str = "high", source: str = "recorder") -> AlarmRaised:
    return AlarmRaised(at(n), source, kind, f"m {n}", severity)


def down(n: float, kind: str = "disk", source: str = "recorder") -> AlarmCleared:
    return AlarmCleared(at(n), source, kind)


def numbered(*records: Record, start: int = 1) -> list[tuple[int, Record]]:
    return list(enumerate(records, start))


def seen(by: str = "user:a") -> Acknowledged:
    return Acknowledged(datetime.now(UTC), by, "I look after it")


def away(for_s: float) -> Shelved:
    now = datetime.now(UTC)
    return Shelved(now, now + timedelta(seconds=for_s), "user:b", "cleaning")


async def only(repository: Repository, **which: bool) -> list[str]:
    return [alarm.kind for alarm in (await repository.alarms(**which)).items]


async def test_from_its_raise_to_its_end(repository: Repository) -> None:
    journal = uuid4()
    (raised,) = await ship_journal(repository, journal, numbered(up(1)))
    assert (await repository.alarm(raised.id), raised.state) == (raised, S.UNACKNOWLEDGED)
    before, after = await repository.act_on_alarm(raised.id, seen())
    assert (before, after.state, after.acknowledged_by, after.comment) == (raised, S.ACKNOWLEDGED, "user:a", "I look after it")
    (over,) = await ship_journal(repository, journal, numbered(down(2), start=2))
    assert (over.state, over.cleared_at) == (S.CLEARED, at(2))
    assert await only(repository) == []
    with pytest.raises(ConflictError):
        await repository.act_on_alarm(raised.id, seen())
    with pytest.raises(AlarmNotFoundError):
        await repository.act_on_alarm(raised.id + 1, seen())
    with pytest.raises(AlarmNotFoundError):
        await repository.alarm(raised.id + 1)


async def test_a_condition_that_is_gone_waits_for_a_person(repository: Repository) -> None:
    journal = uuid4()
    await ship_journal(repository, journal, numbered(up(1), down(2), up(3), down(4)))
    (alarm,) = (await repository.alarms()).items
    assert (alarm.state, alarm.count, alarm.raised_at, alarm.returned_at) == (S.RETURNED, 2, at(1), at(4))
    assert (await repository.act_on_alarm(alarm.id, seen()))[1].state is S.CLEARED
    (fresh,) = await ship_journal(repository, journal, numbered(up(9), start=5))
    assert (fresh.id != alarm.id, fresh.count) == (True, 1)


async def test_shipping_again_leaves_people_their_work(repository: Repository) -> None:
    journal, entries = uuid4(), numbered(up(1), up(2), down(3, "other"))
    (alarm,) = await ship_journal(repository, journal, entries)
    await repository.act_on_alarm(alarm.id, seen())
    before = (await repository.alarms()).items
    assert await ship_journal(repository, journal, entries) == []
    assert await ship_journal(repository, journal, entries[:1]) == []
    assert (await repository.alarms()).items == before


async def test_an_end_from_another_journal_is_taken_by_its_time(repository: Repository) -> None:
    first, second = uuid4(), uuid4()
    await ship_journal(repository, first, numbered(up(10)))
    assert await ship_journal(repository, second, numbered(down(5))) == [], "of an earlier raise"
    (back,) = await ship_journal(repository, second, numbered(down(11), start=2))
    assert back.state is S.RETURNED
    await ship_journal(repository, first, numbered(up(20), start=2))
    (mine,) = await ship_journal(repository, first, numbered(down(15), start=3))
    assert mine.returned_at == at(20), "of the same journal it is of this raise, wherever the clock was put"


async def test_filters_and_counts(repository: Repository) -> None:
    await ship_journal(
        repository, uuid4(), numbered(up(1, "a", "critical"), up(2, "b"), up(3, "c"), down(4, "c"), up(5, "d", "low"))
    )
    d, c, b, a = (await repository.alarms()).items
    await repository.act_on_alarm(b.id, seen())
    await repository.act_on_alarm(d.id, away(600))
    assert await only(repository) == ["d", "c", "b", "a"]
    assert await only(repository, active=True) == ["d", "b", "a"]
    assert await only(repository, active=False) == ["c"]
    assert await only(repository, acknowledged=True) == ["b"]
    assert await only(repository, acknowledged=False) == ["d", "c", "a"]
    assert await only(repository, shelved=True) == ["d"]
    assert await only(repository, shelved=False, active=True) == ["b", "a"]
    assert [one.kind for one in (await repository.alarms(source="nobody")).items] == []
    page = await repository.alarms(limit=3, source="recorder")
    rest = await repository.alarms(limit=3, cursor=page.next, source="recorder")
    assert [one.kind for one in (*page.items, *rest.items)] == ["d", "c", "b", "a"]
    counts = await repository.alarm_counts()
    assert (counts.active, counts.unacknowledged, counts.shelved) == ({"critical": 1, "high": 1}, 2, 1)
    assert (a.severity, c.state) == ("critical", S.RETURNED)


async def test_a_shelf_whose_time_is_over_is_seen_by_everybody_and_left_once(repository: Repository) -> None:
    stands, gone = await ship_journal(repository, uuid4(), numbered(up(1, "stands"), up(1, "gone")))
    for alarm in (stands, gone):
        await repository.act_on_alarm(alarm.id, away(600))
    (still,) = await ship_journal(repository, uuid4(), numbered(down(2, "gone")))
    assert (still.state, still.active) == (S.SHELVED, False)
    assert await repository.leave_shelves() == []
    async with repository.raw(5.0) as connection:
        await connection.execute("UPDATE alarm SET shelved_until = now() - interval '1 s'")
    assert await only(repository) == ["stands"]
    assert (await repository.alarm(gone.id)).state is S.CLEARED
    assert (await repository.alarm_counts()).unacknowledged == 1
    left = await asyncio.gather(*(repository.leave_shelves() for _ in range(4)))
    assert sorted(alarm.kind for each in left for alarm in each) == ["gone", "stands"]
    assert {alarm.kind: alarm.state for alarm in (await repository.alarms(False)).items} == {
        "stands": S.UNACKNOWLEDGED,
        "gone": S.CLEARED,
    }
    await repository.act_on_alarm(stands.id, away(600))
    assert (await repository.act_on_alarm(stands.id, Unshelved(datetime.now(UTC))))[1].state is S.UNACKNOWLEDGED


async def test_people_and_journals_at_the_same_time(repository: Repository) -> None:
    """Twelve sources are raised and end over and over while people acknowledge whatever is open: one open alarm each at most."""
    ends = random.Random(7)

    async def source(name: str) -> int:
        journal, raises = uuid4(), 0
        for n in range(12):
            records = [up(n, source=name), *([down(n + 0.5, source=name)] if ends.random() < 0.7 else [])]
            raises += 1
            await ship_journal(repository, journal, numbered(*records, start=2 * n + 1))
        return raises

    async def person() -> None:
        for _ in range(25):
            for alarm in (await repository.alarms()).items:
                with suppress(ConflictError):  # somebody was quicker
                    await repository.act_on_alarm(alarm.id, seen())

    raises = await asyncio.gather(*(source(f"rack:{n}") for n in range(12)), person(), person())
    every = (await repository.alarms(False, 500)).items
    assert sum(alarm.count for alarm in every) == sum(filter(None, raises))
    assert all(alarm.acknowledged_at for alarm in every if alarm.cleared_at)


async def test_the_audit_keeps_each_act_once_with_its_end(repository: Repository) -> None:
    def told(n: int, outcome: str, **more: object) -> Audited:
        act = uuid4() if n not in acts else acts[n]
        acts[n] = act
        return Audited(act, at(n), "user:a\0", "fleet.drain", f"rack:{n}", outcome, "rest", **more)  # type: ignore[arg-type]

    acts: dict[int, object] = {}
    journal = uuid4()
    entries = numbered(
        told(1, "asked", reason="cleaning"),
        told(1, "ok", reason="cleaning", before={"state": "running"}, after={"state": "drained"}, remote="127.0.0.1"),
        told(2, "asked"),
        told(2, "refused", error="NODE_NOT_FOUND: there is none"),
        told(3, "asked"),
    )
    for _ in range(2):
        await ship_journal(repository, journal, entries)
    killed, refused, done = (await repository.audit()).items
    assert [one.outcome for one in (killed, refused, done)] == ["asked", "refused", "ok"]
    assert (done.principal, done.before, done.after, done.reason) == (
        "user:a�",
        {"state": "running"},
        {"state": "drained"},
        "cleaning",
    )
    assert refused.error == "NODE_NOT_FOUND: there is none"
    assert [one.target for one in (await repository.audit(outcome="ok")).items] == ["rack:1"]
    assert [one.target for one in (await repository.audit(target="rack:3", action="fleet.drain")).items] == ["rack:3"]
    assert (await repository.audit(principal="nobody")).items == (await repository.audit(start=at(9))).items == []
    page = await repository.audit(limit=2)
    assert [one.target for one in (await repository.audit(limit=2, cursor=page.next)).items] == ["rack:1"]
