"""The scheduler's shell on a real database: whoever dies, and however many are at work, a session is begun under one id."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from lics_actors.access.laboratories import DEFAULT_LABORATORY
from lics_actors.errors import DatabaseUnavailableError
from lics_actors.schedule.messages import Began, BeginFailed, Looked, Slot
from lics_actors.scheduler.shell import BROKE, Shell
from lics_actors.store.alarm_states import Alarm
from lics_actors.store.experiments import NewExperiment
from lics_actors.store.repository import Repository
from lics_actors.store.rigs import NewRig
from lics_actors.store.slots import SlotDecidedError, SlotFilter, SlotNotFoundError, SlotRow, Word
from lics_actors.store.subjects import NewSubject
from tests.waiting import eventually

ELSEWHERE = frozenset({UUID(int=2)})


class Fleet:
    """Stands where runs are begun. `dies`: whoever asks ends before anybody hears; `problems`: of every session; `sick`: a
    subject at whose checks LICS itself fails."""

    def __init__(self) -> None:
        self.begun: list[UUID] = []
        self.problems: tuple[str, ...] = ()
        self.dies = False
        self.sick: UUID | None = None
        self.failed = 0

    async def look(self, slot: Slot) -> Looked:
        if slot.plan.subject == self.sick:
            self.failed += 1
            raise ZeroDivisionError
        return Looked(datetime.now(UTC), slot.id, self.problems)

    async def begin(self, slot: Slot) -> Began | BeginFailed:
        if self.dies:
            raise DatabaseUnavailableError("the database does not answer in time")
        self.begun.append(slot.id)
        return Began(datetime.now(UTC), slot.id)


class Deaf(Repository):
    """Takes nothing that is decided."""

    async def keep_slots(
        self, slots: Sequence[SlotRow], words: Sequence[Word] = (), heard: Mapping[UUID, datetime] | None = None
    ) -> list[Alarm]:
        if any(each.status != "waiting" for each in slots):
            raise DatabaseUnavailableError("the database does not answer in time")
        return await super().keep_slots(slots, words, heard)


async def nothing(*_: object) -> None:
    pass


@asynccontextmanager
async def at_work(
    repository: Repository, fleet: Fleet, shown: list[tuple[UUID, str]] | None = None
) -> AsyncIterator[asyncio.Task[None]]:
    seen = [] if shown is None else shown
    shell = Shell(repository, fleet, lambda alarms: None, lambda row, now: seen.append((row.id, row.status)))
    task = asyncio.create_task(shell.run(nothing, nothing))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


async def a_plan(repository: Repository, subjects: int = 1, since: timedelta = timedelta(), **schedule: Any) -> list[UUID]:
    """Plan sessions of subjects at a rig, in a window that is open now; return the subjects."""
    now = datetime.now(UTC)
    rig = await repository.create_rig(NewRig(f"cage {uuid4().hex[:4]}", "user:1"))
    animals = [
        await repository.create_subject(NewSubject(DEFAULT_LABORATORY, f"m-{uuid4().hex[:6]}", "user:1", "mouse"))
        for _ in range(subjects)
    ]
    window = {"begin": f"{now - timedelta(hours=1):%H:%M}", "end": f"{now + timedelta(hours=4):%H:%M}"}
    said = {"windows": [window], "rigs": {str(each.id): str(rig.id) for each in animals}, **schedule}
    stages = ({"name": "only", "protocol_version_id": str(uuid4())},)
    ids = tuple(each.id for each in animals)
    new = NewExperiment(DEFAULT_LABORATORY, f"plan {uuid4().hex[:4]}", "user:1", stages, ids, said, status="active")
    made = await repository.create_experiment(new)
    async with repository.raw(5.0) as connection:
        await connection.execute("UPDATE experiment SET updated_at = $2 WHERE id = $1", made.id, now - since)
    return list(ids)


async def status(repository: Repository, subject: UUID, *wanted: str) -> SlotRow:
    """Wait until the subject's session of now stands so."""

    async def is_so() -> SlotRow | None:
        now = datetime.now(UTC)
        rows = (await repository.list_slots(SlotFilter(subject_id=subject, start=now, end=now))).items
        return next((each for each in rows if each.status in wanted), None)

    return await eventually(is_so, 30.0, f"the session is {wanted}")


async def test_who_dies_between_what_is_written_down_and_the_begin_begins_once(repository: Repository) -> None:
    (subject,) = await a_plan(repository)
    fleet = Fleet()
    fleet.dies = True
    async with at_work(repository, fleet) as first:
        await asyncio.wait([first], timeout=30)
        assert isinstance(first.exception(), DatabaseUnavailableError)
    kept = await status(repository, subject, "starting")
    assert fleet.begun == []
    fleet.dies = False
    shown: list[tuple[UUID, str]] = []
    async with at_work(repository, fleet, shown):
        began = await status(repository, subject, "started")
        await eventually(lambda: (began.id, "started") in shown, what="who looks on is told")
    assert fleet.begun == [began.id] == [kept.id]
    async with at_work(repository, fleet) as third:
        (other,) = await a_plan(repository)
        await status(repository, other, "started")
        assert not third.done()
    assert fleet.begun.count(began.id) == 1, "what has begun is not begun again"


async def test_a_session_at_which_lics_fails_keeps_no_other_from_beginning(repository: Repository) -> None:
    (sick,) = await a_plan(repository)
    (well,) = await a_plan(repository)
    fleet = Fleet()
    fleet.sick = sick
    async with at_work(repository, fleet) as shell:
        began = await status(repository, well, "started")
        waiting = await status(repository, sick, "waiting")
        assert waiting.why == (BROKE,)
        assert not shell.done()
    assert fleet.begun == [began.id] and fleet.failed > 0


async def test_what_cannot_be_written_down_is_not_begun(database_url: str, repository: Repository) -> None:
    (subject,) = await a_plan(repository)
    deaf, fleet = await Deaf.connect(database_url), Fleet()
    try:
        async with at_work(deaf, fleet) as first:
            await asyncio.wait([first], timeout=30)
            assert isinstance(first.exception(), DatabaseUnavailableError)
    finally:
        await deaf.close()
    assert fleet.begun == []
    async with at_work(repository, fleet):
        began = await status(repository, subject, "started")
    assert fleet.begun == [began.id]


async def test_two_schedulers_at_once_mean_the_same_runs(repository: Repository) -> None:
    subjects = await a_plan(repository, 3)
    one, other = Fleet(), Fleet()
    async with at_work(repository, one), at_work(repository, other):
        first = await status(repository, subjects[0], "started")
    assert {*one.begun, *other.begun} >= {first.id}
    rows = (await repository.list_slots(SlotFilter(status="started"))).items
    assert {*one.begun, *other.begun} == {each.id for each in rows}
    assert max(one.begun.count(first.id), other.begun.count(first.id)) == 1


async def test_what_people_want_is_heard_once_and_what_is_decided_stays(repository: Repository) -> None:
    first, second = await a_plan(repository, 2)
    fleet = Fleet()
    fleet.problems = ("no water: fill the bottle",)
    async with at_work(repository, fleet):
        slot = await status(repository, first, "waiting")
        await eventually(lambda: _why(repository, slot.id, "no water"), 30.0, "it says why it waits")
        wished = await repository.wish_slot(slot.id, "skip", "user:1", "is ill")
        assert (wished.wish, wished.wish_by, wished.wish_reason) == ("skip", "user:1", "is ill")
        gone = await status(repository, first, "skipped")
        assert (gone.why, gone.principal, gone.wish) == (("is ill",), "user:1", None)
        with pytest.raises(SlotDecidedError, match="it is skipped"):
            await repository.wish_slot(slot.id, "start", "user:1", "is well")

        waits = await status(repository, second, "waiting")
        await repository.wish_slot(waits.id, "start", "user:2", "now")
        await eventually(lambda: _unwished(repository, waits.id), 30.0, "the wish was heard")
        assert (await repository.get_slot(waits.id)).why == fleet.problems
    assert fleet.begun == []
    await repository.wish_slot(waits.id, "start", "user:2", "again")
    with pytest.raises(SlotDecidedError, match="user:2 wants to start it"):
        await repository.wish_slot(waits.id, "skip", "user:3", "no")
    with pytest.raises(SlotNotFoundError):
        await repository.get_slot(waits.id, ELSEWHERE)
    assert (await repository.list_slots(SlotFilter(ELSEWHERE))).items == []
    page = await repository.list_slots(SlotFilter(), 2)
    more = await repository.list_slots(SlotFilter(), 500, page.next)
    assert len({each.id for each in (*page.items, *more.items)}) == len(page.items) + len(more.items)


async def _why(repository: Repository, slot_id: UUID, words: str) -> bool:
    return words in "; ".join((await repository.get_slot(slot_id)).why)


async def _unwished(repository: Repository, slot_id: UUID) -> bool:
    return (await repository.get_slot(slot_id)).wish is None


async def test_what_nobody_decided_for_days_is_closed_and_what_is_planned_no_more_goes(repository: Repository) -> None:
    (subject,) = await a_plan(repository)
    fleet = Fleet()
    fleet.problems = ("no water",)
    async with at_work(repository, fleet):
        slot = await status(repository, subject, "waiting")
    long_ago = datetime.now(UTC) - timedelta(days=9)
    old = replace(slot, id=uuid4(), ordinal=9, begin_at=long_ago, end_at=long_ago, status="asked")
    unplanned = replace(slot, id=uuid4(), ordinal=8)
    recent = datetime.now(UTC) - timedelta(days=2, hours=12)
    ill = replace(slot, id=uuid4(), ordinal=7, begin_at=recent, end_at=recent, status="asked")
    late = replace(ill, id=uuid4(), ordinal=6)
    await repository.keep_slots([old, unplanned, ill, late])
    await repository.wish_slot(ill.id, "skip", "user:1", "was ill")
    await repository.wish_slot(late.id, "start", "user:1", "why not")
    shown: list[tuple[UUID, str]] = []
    async with at_work(repository, fleet, shown):
        await eventually(lambda: _is_gone(repository, unplanned.id), 30.0, "nobody plans it any more")
        await eventually(lambda: _unwished(repository, late.id), 30.0, "the wish was heard")
        await eventually(lambda: (ill.id, "skipped") in shown, what="who looks on is told")
    assert (await repository.get_slot(old.id)).status == "missed"
    skipped, told = await repository.get_slot(ill.id), await repository.get_slot(late.id)
    assert (skipped.status, skipped.why, skipped.principal, skipped.wish) == ("skipped", ("was ill",), "user:1", None)
    assert (told.status, "begin a run by hand" in told.why[0]) == ("asked", True)


async def _is_gone(repository: Repository, slot_id: UUID) -> bool:
    try:
        await repository.get_slot(slot_id)
    except SlotNotFoundError:
        return True
    return False
