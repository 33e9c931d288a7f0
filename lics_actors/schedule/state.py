"""The scheduler: which session begins when, which was missed, and what a tag begins. Pure.

What holds, whatever happens (tests/unit/schedule/test_schedule_properties.py):

- A slot's run is begun under one id, which follows from experiment, subject, date and ordinal; and it is written down before.
- A rig has one session at a time, a subject too; a subject not more sessions a day than its plan says.
- Nothing begins outside its window but late by policy, or by a person's word; nothing without its checks.
- What did not begin in time is told to a person, once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Final, assert_never
from uuid import UUID

from lics_actors.schedule.messages import (
    BY_ITSELF,
    CLOSED,
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
    TimeCame,
    run_id,
)
from lics_actors.schedule.windows import openings

RETRY: Final = timedelta(seconds=30)  # a lid is closed, a bottle filled, a device back within about so long
SETTLE: Final = timedelta(seconds=5)  # so long after a begin lists of runs may not know of it
BEGIN_WITHIN: Final = timedelta(minutes=10)  # whose fleet is away for longer gets no session without a person
DEBOUNCE: Final = timedelta(seconds=5)  # an animal that sits in a reader's field is read several times a second
BACK: Final = timedelta(days=2)  # what was missed longer ago than this, nobody is asked about any more
AHEAD: Final = timedelta(days=2)
MAX_TAGS: Final = 1_000  # of readers and tags in sight; older ones are forgotten

STARTABLE: Final = frozenset({Status.WAITING, Status.ASKED, Status.MISSED})

Answer = tuple[State, list[Effect]]


def reduce(state: State, event: Event) -> Answer:
    """Return the scheduler after an event, and what is to be done, in order."""
    match event:
        case PlansRead(now=now, plans=plans, known=known):
            return _turn(_with_slots(replace(state, plans=plans), now, known), now)
        case RunsSeen(now=now, runs=runs):
            return _turn(replace(state, runs=dict(runs), seen=True), now)
        case TimeCame(now=now):
            return _turn(state, now)
        case Looked():
            return _looked(state, event)
        case Began():
            return _began(state, event)
        case BeginFailed():
            return _begin_failed(state, event)
        case TagRead():
            return _tag(state, event)
        case SkipAsked():
            return _skip(state, event)
        case StartAsked(now=now, slot=slot, by=by):
            return _start_asked(state, slot, by, now)
        case _:
            assert_never(event)


def _with_slots(state: State, now: datetime, known: Iterable[Slot]) -> State:
    """Return the state with the slots of the days around now. What was decided of a slot stays, though its plan may be gone."""
    decided = [slot for slot in (*known, *state.slots.values()) if _decided(slot) and slot.last > now - BACK]
    slots: dict[UUID, Slot] = {}
    for plan in state.plans:
        local = now.astimezone(plan.zone).date()
        for made in _slots_of(plan, local - BACK, local + AHEAD):
            if made.last > now - BACK and made.end > plan.since:
                old = state.slots.get(made.id, made)
                slots[made.id] = made if _moved(old, made) else old
    return replace(state, slots=slots | {slot.id: slot for slot in decided})


def _slots_of(plan: Plan, first: date, last: date) -> Iterator[Slot]:
    """Yield a plan's slots: by the clock one an opening, as many as it has a day; by tag so many in each opening."""
    begun: Counter[date] = Counter()
    for opening in openings(plan.windows, first, last, plan.zone):
        many = plan.a_day if plan.reader is not None else min(1, plan.a_day - begun[opening.date])
        begun[opening.date] += many
        for n in range(many):
            ordinal = opening.index * plan.a_day + n
            key = run_id(plan.experiment, plan.subject, opening.date, ordinal)
            yield Slot(key, plan, opening.date, ordinal, opening.begin, opening.end)


def _decided(slot: Slot) -> bool:
    return slot.status is not Status.WAITING


def _moved(old: Slot, new: Slot) -> bool:
    return (old.plan, old.begin, old.end) != (new.plan, new.begin, new.end)


def _turn(state: State, now: datetime) -> Answer:
    """Begin again what was decided, close what was missed, and look at the first in each rig's queue."""
    slots, effects = dict(state.slots), list[Effect]()
    for slot in _queue(state):
        if slot.id in state.runs and slot.status is not Status.STARTED:
            slots[slot.id] = replace(slot, status=Status.STARTED, why=(), again=None)
            effects += [Keep(slots[slot.id]), Tell(slots[slot.id], "", over=True)]
        elif slot.status is Status.STARTING and slot.until is not None and now >= slot.until:
            slots[slot.id] = replace(slot, status=Status.ASKED, why=slot.why or ("nobody said that its run began",), again=None)
            effects += [Keep(slots[slot.id]), Tell(slots[slot.id], "it is not known whether a session began")]
        elif slot.status is Status.STARTING and _is_due(slot, now):
            slots[slot.id] = replace(slot, again=now + RETRY)
            effects.append(Begin(slot))
        elif slot.status is Status.WAITING and now >= slot.last:
            slots[slot.id], more = _missed(slot)
            effects += more
    state = replace(state, slots=slots)
    return _looking(state, now, effects)


def _looking(state: State, now: datetime, effects: list[Effect]) -> Answer:
    if not state.seen:
        return state, effects
    slots = dict(state.slots)
    rigs, subjects = _taken(state, now)
    for slot in _queue(state):
        ready = slot.status is Status.WAITING and slot.begin <= now < slot.last and slot.plan.reader is None
        if ready and _is_due(slot, now) and slot.plan.rig not in rigs and slot.plan.subject not in subjects:
            slots[slot.id] = replace(slot, status=Status.LOOKING)
            rigs.add(slot.plan.rig)
            subjects.add(slot.plan.subject)
            effects.append(Look(slots[slot.id]))
    return replace(state, slots=slots), effects


def _taken(state: State, now: datetime) -> tuple[set[UUID], set[UUID]]:
    """Return the rigs and the subjects that are in a run, or about to be. Of what just began, lists of runs may not know yet."""
    begun = {Status.LOOKING, Status.STARTING, Status.STARTED}
    under_way = [
        slot
        for slot in state.slots.values()
        if slot.status in begun and (slot.status is not Status.STARTED or not _is_due(slot, now))
    ]
    rigs = {rig for rig, _ in state.runs.values()} | {slot.plan.rig for slot in under_way}
    subjects = {each for _, each in state.runs.values() if each is not None} | {slot.plan.subject for slot in under_way}
    return rigs, subjects


def _looked(state: State, event: Looked) -> Answer:
    slot = state.slots.get(event.slot)
    if slot is None or slot.status is not Status.LOOKING:
        return state, []
    if event.needless and slot.by == BY_ITSELF:
        skipped = replace(slot, status=Status.SKIPPED, why=event.problems, again=None)
        return _looking(_put(state, skipped), event.now, [Keep(skipped), Tell(skipped, "", over=True)])
    problems = event.problems
    if not problems and slot.by == BY_ITSELF and event.now >= slot.last:
        problems = ("its time was over before its checks were",)
    if problems:
        waits = _waits(slot, problems, event.now)
        return _looking(_put(state, waits), event.now, [Keep(waits)] if waits.why != slot.why else [])
    starting = replace(slot, status=Status.STARTING, why=(), again=event.now + RETRY, until=event.now + BEGIN_WITHIN)
    return _put(state, starting), [Keep(starting), Begin(starting)]


def _began(state: State, event: Began) -> Answer:
    slot = state.slots.get(event.slot)
    if slot is None or slot.status in CLOSED:
        return state, []
    started = replace(slot, status=Status.STARTED, why=(), again=event.now + SETTLE)
    runs = {**state.runs, slot.id: (slot.plan.rig, slot.plan.subject)}
    effects: list[Effect] = [Keep(started), Tell(started, "", over=True)]
    return replace(_put(state, started), runs=runs), effects


def _begin_failed(state: State, event: BeginFailed) -> Answer:
    slot = state.slots.get(event.slot)
    if slot is None or slot.status is not Status.STARTING:
        return state, []
    if not event.final and not event.turned_away:  # it may be there: only the same run may follow
        return _put(state, replace(slot, why=(event.why,), again=event.now + RETRY)), []
    if event.turned_away:
        waits = _waits(slot, (event.why,), event.now)
        told = [Tell(waits, f"a session could not begin: {event.why}")] if waits.status is Status.ASKED else []
        return _looking(_put(state, waits), event.now, [Keep(waits), *told])
    missed = replace(slot, status=Status.MISSED, why=(event.why,), again=None)
    return _looking(_put(state, missed), event.now, [Keep(missed), Tell(missed, f"its run was refused: {event.why}")])


def _waits(slot: Slot, why: tuple[str, ...], now: datetime) -> Slot:
    """Return a slot that did not begin now: it waits on, or for a person where its time is over."""
    status = Status.ASKED if now >= slot.last and slot.plan.reader is None else Status.WAITING
    return replace(slot, status=status, why=why, again=now + RETRY, until=None)


def _missed(slot: Slot) -> tuple[Slot, list[Effect]]:
    if slot.plan.reader is not None:  # the animal did not choose to; nobody failed
        gone = replace(slot, status=Status.SKIPPED, why=("the subject did not come",), again=None)
        return gone, [Keep(gone)]
    status = Status.ASKED if slot.plan.policy == "ask" else Status.MISSED
    missed = replace(slot, status=status, why=slot.why or ("nobody was there to begin it, or its rig was taken",), again=None)
    told = "a session did not begin in its time: " + "; ".join(missed.why)
    return missed, [Keep(missed), Tell(missed, told)]


def _tag(state: State, event: TagRead) -> Answer:
    key = (event.reader, event.tag)
    last = state.tags.get(key)
    recent = {**{each: at for each, at in state.tags.items() if each != key}, key: event.now}
    while len(recent) > MAX_TAGS:
        recent.pop(next(iter(recent)))
    state = replace(state, tags=recent)
    if last is not None and timedelta() <= event.now - last < DEBOUNCE:
        return state, []
    if not any(plan.reader == event.reader and plan.tag == event.tag for plan in state.plans):
        return state, [NoteTag(event.now, event.reader, event.tag, "nobody's")]
    for slot in _queue(state):
        mine = slot.plan.reader == event.reader and slot.plan.tag == event.tag
        if mine and slot.status is Status.WAITING and slot.begin <= event.now < slot.end and _has_left(state, slot):
            state, effects = _start(state, slot.id, slot.by, event.now)
            return state, effects or [NoteTag(event.now, event.reader, event.tag, "its rig, or itself, is in a run")]
    return state, [NoteTag(event.now, event.reader, event.tag, "no session is open for it")]


def _has_left(state: State, slot: Slot) -> bool:
    """Return whether the subject may begin another session that day."""
    plan = slot.plan
    begun = [each for each in state.slots.values() if each.plan.subject == plan.subject and each.date == slot.date]
    taken = {Status.LOOKING, Status.STARTING, Status.STARTED}
    return sum(each.plan.experiment == plan.experiment and each.status in taken for each in begun) < plan.a_day


def _skip(state: State, event: SkipAsked) -> Answer:
    slot = state.slots.get(event.slot)
    if slot is None or slot.status in CLOSED or slot.status is Status.STARTING:
        return state, []
    skipped = replace(slot, status=Status.SKIPPED, why=(event.reason,), by=event.by, again=None)
    return _looking(_put(state, skipped), event.now, [Keep(skipped), Tell(skipped, "", over=True)])


def _start_asked(state: State, slot_id: UUID, by: str, now: datetime) -> Answer:
    state, effects = _start(state, slot_id, by, now)
    slot = state.slots.get(slot_id)
    if effects or slot is None or not state.seen or slot.status not in STARTABLE:
        return state, effects
    told = replace(slot, why=(f"{by} wanted it begun, and its rig or its subject is in a run",))
    return _put(state, told), [Keep(told)]


def _start(state: State, slot_id: UUID, by: str, now: datetime) -> Answer:
    slot = state.slots.get(slot_id)
    rigs, subjects = _taken(state, now)
    if slot is None or not state.seen or slot.status not in STARTABLE:
        return state, []
    if slot.plan.rig in rigs or slot.plan.subject in subjects:
        return state, []
    looking = replace(slot, status=Status.LOOKING, by=by)
    return _put(state, looking), [Look(looking)]


def _is_due(slot: Slot, now: datetime) -> bool:
    return slot.again is None or now >= slot.again


def _put(state: State, slot: Slot) -> State:
    return replace(state, slots={**state.slots, slot.id: slot})


def _queue(state: State) -> list[Slot]:
    return sorted(state.slots.values(), key=lambda each: (each.begin, each.plan.order, each.ordinal, each.id))


def queue(slots: Mapping[UUID, Slot], rig: UUID) -> list[Slot]:
    """Return what is still to come at a rig, in its order."""
    mine = {key: slot for key, slot in slots.items() if slot.plan.rig == rig and slot.status not in CLOSED}
    return _queue(State(slots=mine))
