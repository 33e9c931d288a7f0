"""What holds of the schedule, whatever happens: over restarts, refused and unknown begins, tags, and people."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from lics_actors.schedule.messages import (
    Began,
    Begin,
    BeginFailed,
    Effect,
    Event,
    Keep,
    Look,
    Looked,
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
)
from lics_actors.schedule.state import BEGIN_WITHIN, reduce
from tests.unit.schedule.board import EIGHT, READER, RIG, plan

PLANS = (
    plan(0),
    plan(1, policy="late"),
    plan(2, rig=UUID(int=33)),
    plan(3, reader=READER, tag="t3", a_day=2),
    plan(4, policy="skip"),
)


class World:
    """A fleet and a table around a scheduler that may die after each thing it does."""

    def __init__(self) -> None:
        self.now = EIGHT
        self.table: dict[UUID, Slot] = {}
        self.runs: dict[UUID, Slot] = {}
        self.open: set[UUID] = set()
        self.looked: list[Slot] = []
        self.told: Counter[UUID] = Counter()
        self.words: set[UUID] = set()
        self.away = False  # whoever asks for a run is turned away
        self.turned_away: list[UUID] = []
        self.state = State()
        self.restart()

    def restart(self) -> None:
        self.state, self.looked = State(), []
        self.hear(PlansRead(self.now, PLANS, tuple(self.table.values())))

    def hear(self, event: Event, dies_after: int | None = None) -> None:
        self.state, effects = reduce(self.state, event)
        for effect in effects[:dies_after]:
            self.carry_out(effect)
        if dies_after is not None and dies_after < len(effects):
            self.restart()

    def carry_out(self, effect: Effect) -> None:
        match effect:
            case Look(slot=slot):
                self.looked.append(slot)
            case Keep(slot=slot):
                assert slot.status is not Status.WAITING or slot.why
                if slot.status is not Status.WAITING:
                    self.table[slot.id] = slot
            case Begin(slot=slot):
                self.begin(slot)
            case Tell(slot=slot, over=False):
                self.told[slot.id] += 1
            case _:
                pass

    def begin(self, slot: Slot) -> None:
        assert self.table[slot.id].status is Status.STARTING, "written down before"
        if slot.id in self.runs:
            return  # the same again
        if self.away:
            self.turned_away.append(slot.id)
            return
        others = [self.runs[each] for each in self.open]
        assert slot.plan.rig not in {each.plan.rig for each in others}
        assert slot.plan.subject not in {each.plan.subject for each in others}
        self.runs[slot.id] = slot
        self.open.add(slot.id)
        same = [each for each in self.runs.values() if each.plan.subject == slot.plan.subject and each.date == slot.date]
        assert len(same) <= slot.plan.a_day
        if slot.id not in self.words:
            assert slot.begin <= self.now < slot.last + BEGIN_WITHIN

    def seen(self) -> RunsSeen:
        return RunsSeen(self.now, {each: (self.runs[each].plan.rig, self.runs[each].plan.subject) for each in self.open})


def step(world: World, act: str, n: int, flag: bool) -> None:
    slots = sorted(world.state.slots.values(), key=lambda each: each.id)
    slot = slots[n % len(slots)]
    dies = n % 3 if flag else None
    match act:
        case "time":
            world.now += timedelta(minutes=(1, 20, 90)[n % 3])
            world.hear(TimeCame(world.now), dies)
        case "looked" if world.looked:
            found = world.looked.pop(n % len(world.looked))
            looked = Looked(world.now, found.id, ("no water",) if flag else (), needless=flag and n == 1)
            world.hear(looked, n % 3 if n > 5 else None)
        case "told" if world.runs:
            known = sorted(world.runs)[n % len(world.runs)]
            world.hear(BeginFailed(world.now, known, "away") if flag else Began(world.now, known))
        case "taken":
            world.away = flag
        case "turned" if world.turned_away:
            world.hear(BeginFailed(world.now, world.turned_away.pop(), "the rig is taken", turned_away=True), dies)
        case "over" if world.open:
            world.open.discard(sorted(world.open)[n % len(world.open)])
        case "runs":
            world.hear(world.seen(), dies)
        case "tag":
            world.hear(TagRead(world.now, READER, "t3" if n % 4 else "nobody"), dies)
        case "skip":
            world.hear(SkipAsked(world.now, slot.id, "user:a", "ill"), dies)
        case "start":
            world.words.add(slot.id)
            world.hear(StartAsked(world.now, slot.id, "user:a"), dies)
        case "plans":
            world.hear(PlansRead(world.now, PLANS, tuple(world.table.values())), dies)
        case "died":
            world.restart()


ACTS = (
    *("time", "time", "looked", "looked", "told", "told", "over", "runs", "runs", "tag", "tag"),
    *("skip", "start", "plans", "died", "taken", "turned", "turned"),
)
acts = st.sampled_from(ACTS)


@settings(max_examples=150)
@given(st.lists(st.tuples(acts, st.integers(0, 11), st.booleans()), min_size=20, max_size=60))
def test_what_holds_whatever_happens(history: list[tuple[Any, ...]]) -> None:
    world = World()
    for act, n, flag in history:
        step(world, act, n, flag)
    assert all(times <= 2 for times in world.told.values()), "told once, and once more where it was told before it was written"
    assert RIG in {each.plan.rig for each in world.state.slots.values()}
    assert isinstance(world.now, datetime)
