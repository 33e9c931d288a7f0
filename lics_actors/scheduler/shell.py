"""The scheduler's shell: reads what is planned, feeds the rules, writes down what they decide, and only then does it.

Whatever cannot be written down ends the shell, and the next begins with what the table says: nothing is known here that is not
there. So a database that is away, and a process that is killed, come to the same.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol
from uuid import UUID

from lics_actors.device.messages import RoleSpec
from lics_actors.errors import DatabaseUnavailableError, InvalidError
from lics_actors.schedule.messages import (
    Began,
    Begin,
    BeginFailed,
    Effect,
    Event,
    Keep,
    Look,
    Looked,
    NoteTag,
    Plan,
    PlansRead,
    RunsSeen,
    SkipAsked,
    Slot,
    StartAsked,
    State,
    Status,
    TagRead,
    Tell,
)
from lics_actors.schedule.plans import plans_of
from lics_actors.schedule.rows import ALARM, row_of, slot_of, source_of, words_of
from lics_actors.schedule.state import BACK, reduce
from lics_actors.store.alarm_states import Alarm
from lics_actors.store.records import AlarmCleared
from lics_actors.store.repository import Repository
from lics_actors.store.slots import Planned, SlotRow
from lics_actors.study.plans import ExperimentPlan, read_plan

PASS_S: Final = 2.0  # so late a window that opens, and what a person wants, is noticed
LOOK_BACK: Final = BACK + timedelta(days=1)  # of what was kept: what the rules may still ask about
BEGIN_S: Final = 60.0  # a fleet that takes longer is asked again, under the same id
BROKE: Final = "LICS itself failed at it: the scheduler's log says how"
MAX_WAITING: Final = 10_000  # tags that were read and not looked at

Listen = Callable[[Sequence[RoleSpec]], Awaitable[None]]  # is told the readers
Alarms = Callable[[Sequence[Alarm]], None]
Decided = Callable[[SlotRow, datetime], None]
log = logging.getLogger(__name__)


def _nobody(_row: SlotRow, _now: datetime) -> None:
    """Show a decision to nobody."""


class Starting(Protocol):
    """What is needed of starting.Starter."""

    async def look(self, slot: Slot, /) -> Looked:
        """Return what forbids a slot's session now."""

    async def begin(self, slot: Slot, /) -> Began | BeginFailed:
        """Have a slot's run begin."""


class Shell:
    """Schedules until something cannot be written down. `alarms` and `decided` show what they are given on screens."""

    def __init__(self, repository: Repository, starting: Starting, alarms: Alarms, decided: Decided = _nobody) -> None:
        self._repository, self._starting, self._alarms, self._decided = repository, starting, alarms, decided
        self._listen: Listen | None = None
        self.state = State()
        self.begun = 0
        self._inbox: asyncio.Queue[Event | Exception] = asyncio.Queue(MAX_WAITING)
        self._tasks: set[asyncio.Task[None]] = set()
        self._parsed: dict[UUID, tuple[int, ExperimentPlan | None]] = {}
        self._names: dict[UUID, str] = {}
        self._wishes: dict[UUID, datetime] = {}  # that wait for the checks they asked for
        self._written: dict[UUID, SlotRow] = {}
        self._readers: frozenset[UUID] = frozenset()
        self._known = False

    async def run(self, alone: Callable[[], Awaitable[object]], listen: Listen) -> None:
        """Schedule until cancelled. `alone` raises where somebody else may be at work by now.

        Raises:
            DatabaseUnavailableError
        """
        loop, self._listen = asyncio.get_running_loop(), listen
        try:
            while True:
                await alone()
                await self.look(datetime.now(UTC))
                until = loop.time() + PASS_S
                while (left := until - loop.time()) > 0:
                    try:
                        async with asyncio.timeout(left):
                            event = await self._inbox.get()
                    except TimeoutError:
                        break
                    if isinstance(event, Exception):
                        raise event
                    await self.take(event)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def tag(self, read: TagRead) -> None:
        """Hear of a tag; where too many wait it is passed over, and the animal comes again."""
        if not self._inbox.full():
            self._inbox.put_nowait(read)

    async def look(self, now: datetime) -> None:
        """Read what is planned, what runs, and what people want, and act on it.

        Raises:
            DatabaseUnavailableError
        """
        plans = await self._plans()
        known: tuple[Slot, ...] = ()
        if not self._known:
            by = {(each.experiment, each.subject): each for each in plans}
            rows = await self._repository.known_slots(now - LOOK_BACK)
            known = tuple(slot_of(row, by) for row in rows if row.status != Status.WAITING)
            await self._forget(now)
        await self.take(PlansRead(now, plans, known))
        self._known = True
        await self.take(RunsSeen(now, await self._repository.open_runs()))
        for row in await self._repository.slot_wishes():
            await self._wish(row, now)
        await self._show()

    async def take(self, event: Event) -> None:
        """Let the rules hear an event, write down what they decide, and do it.

        Raises:
            DatabaseUnavailableError
        """
        heard: dict[UUID, datetime] = {}
        if isinstance(event, Looked) and event.slot in self._wishes:
            heard[event.slot] = self._wishes.pop(event.slot)
        self.state, effects = reduce(self.state, event)
        await self._carry_out(effects, heard)

    # what people want

    async def _wish(self, row: SlotRow, now: datetime) -> None:
        assert row.wish_at is not None
        if self._wishes.get(row.id) == row.wish_at:
            return
        if row.id not in self.state.slots:
            await self._wish_of_old(row, now)
            return
        by = row.wish_by or ""
        skip = row.wish == "skip"
        event = SkipAsked(now, row.id, by, row.wish_reason or "") if skip else StartAsked(now, row.id, by)
        self.state, effects = reduce(self.state, event)
        slot = self.state.slots.get(row.id)
        if not skip and slot is not None and slot.status is Status.LOOKING:
            self._wishes[row.id] = row.wish_at  # heard once its checks are made
            await self._carry_out(effects, {})
        else:
            await self._carry_out(effects, {row.id: row.wish_at})

    async def _wish_of_old(self, row: SlotRow, now: datetime) -> None:
        """Let a slot be skipped that the rules ask nobody about any more; it is too late to begin it."""
        assert row.wish_at is not None
        words = [AlarmCleared(now, source_of(row.experiment_id, row.subject_id, row.id), ALARM)]
        if row.wish == "skip":
            kept = replace(row, status=Status.SKIPPED.value, why=(row.wish_reason or "",), principal=row.wish_by or "")
        else:
            kept, words = replace(row, why=("it is planned no more, or was too long ago: begin a run by hand",)), []
        self._alarms(await self._repository.keep_slots([kept], words, {row.id: row.wish_at}))
        self._decided(kept, now)

    # what is done

    async def _carry_out(self, effects: Sequence[Effect], heard: Mapping[UUID, datetime]) -> None:
        rows = [row_of(each.slot) for each in effects if isinstance(each, Keep)]
        now = datetime.now(UTC)
        words = [word for each in effects if isinstance(each, Tell) for word in words_of(each, self._names, now)]
        if rows or words or heard:
            self._alarms(await self._repository.keep_slots(rows, words, heard))
        for row in rows:
            self._decided(row, now)
        for each in effects:
            match each:
                case Look(slot=slot):
                    self._spawn(self._look(slot))
                case Begin(slot=slot):
                    self._spawn(self._begin(slot))
                case NoteTag(reader=reader, tag=tag, why=why):
                    log.info("a tag begins nothing", extra={"reader": str(reader), "tag": tag, "reason": why})
                case Keep(slot=slot):
                    facts = {"run": str(slot.id), "status": slot.status.value, "why": "; ".join(slot.why), "by": slot.by}
                    log.info("a session is decided", extra=facts)
                case _:
                    pass

    def _spawn(self, work: Coroutine[Any, Any, Event]) -> None:
        async def done() -> None:
            try:
                event: Event | Exception = await work
            except Exception as error:  # noqa: BLE001 - whoever runs the shell hears it
                event = error
            await self._inbox.put(event)

        task = asyncio.create_task(done())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _look(self, slot: Slot) -> Looked:
        """Return what forbids a session. Checks that break forbid theirs, and no other's."""
        try:
            return await self._starting.look(slot)
        except DatabaseUnavailableError:
            raise
        except Exception:
            log.exception("the checks of a session broke", extra={"run": str(slot.id)})
            return Looked(datetime.now(UTC), slot.id, (BROKE,))

    async def _begin(self, slot: Slot) -> Began | BeginFailed:
        try:
            async with asyncio.timeout(BEGIN_S):
                told = await self._starting.begin(slot)
        except TimeoutError:
            return BeginFailed(datetime.now(UTC), slot.id, f"nobody answered within {BEGIN_S:g} s")
        except DatabaseUnavailableError:
            raise
        except Exception:
            log.exception("the begin of a session broke", extra={"run": str(slot.id)})
            return BeginFailed(datetime.now(UTC), slot.id, BROKE)
        self.begun += isinstance(told, Began)
        return told

    # what is read and shown

    async def _plans(self) -> tuple[Plan, ...]:
        planned = await self._repository.planned_experiments()
        parsed = [(each, plan) for each in planned if (plan := self._plan(each)) is not None]
        self._parsed = {each.id: self._parsed[each.id] for each in planned}
        subjects = {subject for _, plan in parsed for subject in plan.schedule.rigs}
        rigs = {rig for _, plan in parsed for rig in plan.schedule.rigs.values()}
        tags, names = await self._repository.schedule_names(subjects, rigs)
        self._names = {**names, **{each.id: each.name for each in planned}}
        await self._hear({reader for _, plan in parsed for reader in plan.schedule.readers.values()})
        found = [plans_of(each.id, each.laboratory_id, each.since, plan, tags) for each, plan in parsed]
        return tuple(plan for plans in found for plan in plans)

    def _plan(self, planned: Planned) -> ExperimentPlan | None:
        version, plan = self._parsed.get(planned.id, (0, None))
        if version != planned.version:
            try:
                plan = read_plan(planned.document)
            except InvalidError as error:
                log.error("an experiment's plan cannot be read", extra={"experiment": planned.name, "reason": error.message})
                plan = None
            self._parsed[planned.id] = (planned.version, plan)
        return plan

    async def _hear(self, readers: set[UUID]) -> None:
        if readers != self._readers and self._listen is not None:
            specs = await self._repository.device_specs()
            roles = [RoleSpec(each.device_id, each.driver, each.settings) for each in specs if each.device_id in readers]
            await self._listen(roles)
            self._readers = frozenset(readers)

    async def _forget(self, now: datetime) -> None:
        """Close what nobody decided for days, and what was told of it."""
        gone = await self._repository.forget_slots(now - LOOK_BACK)
        words = [AlarmCleared(now, source_of(each.experiment_id, each.subject_id, each.id), ALARM) for each in gone]
        if words:
            self._alarms(await self._repository.keep_slots((), words))

    async def _show(self) -> None:
        """Keep the slots that wait, for people to see and to decide of."""
        waiting = {slot.id: row_of(slot) for slot in self.state.slots.values() if slot.status in {Status.WAITING, Status.LOOKING}}
        changed = [row for key, row in waiting.items() if self._written.get(key) != row]
        if changed:
            await self._repository.keep_slots(changed)
        if not self._written or self._written.keys() - waiting.keys():
            await self._repository.slots_gone(waiting)
        self._written = waiting
