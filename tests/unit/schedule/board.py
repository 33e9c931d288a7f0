"""What tests of the schedule share: a rig, three subjects, a day."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from lics_actors.schedule.messages import Effect, Event, Looked, Plan, PlansRead, RunsSeen, Slot, State, Status
from lics_actors.schedule.state import reduce
from lics_actors.schedule.windows import Window

BERLIN = ZoneInfo("Europe/Berlin")
EIGHT = datetime(2026, 11, 23, 7, tzinfo=UTC)  # by the clock in Berlin
EXPERIMENT, LABORATORY, RIG, READER = (UUID(int=n) for n in (1, 2, 3, 4))
MORNING = Window(time(9), time(11))


def subject(n: int) -> UUID:
    return UUID(int=100 + n)


def plan(n: int = 0, **changes: Any) -> Plan:
    facts: dict[str, Any] = {"windows": (MORNING,), "order": n, "rig": RIG, "since": EIGHT - timedelta(hours=1)} | changes
    return Plan(EXPERIMENT, subject(n), laboratory=LABORATORY, zone=BERLIN, **facts)


class Board:
    """A scheduler, fed event by event; `done` keeps all effects."""

    def __init__(self, *plans: Plan, now: datetime = EIGHT) -> None:
        self.state, self.done, self.plans = State(), list[Effect](), plans
        self.hear(PlansRead(now, plans))
        self.hear(RunsSeen(now, {}))

    def hear(self, event: Event) -> list[Effect]:
        self.state, effects = reduce(self.state, event)
        self.done += effects
        return effects

    def slot(self, n: int = 0, day: int = 23) -> Slot:
        mine = [each for each in self.state.slots.values() if each.plan.subject == subject(n) and each.date.day == day]
        return min(mine, key=lambda each: each.ordinal)

    def begun(self, n: int = 0) -> bool:
        return self.slot(n).status is Status.STARTING

    def pass_checks(self, slot: Slot, now: datetime) -> list[Effect]:
        return self.hear(Looked(now, slot.id))


def at(hours: float) -> datetime:
    """Return the time so many hours after eight."""
    return EIGHT + timedelta(hours=hours)
