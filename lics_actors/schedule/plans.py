"""From an experiment's plan (study/plans.py) to what the scheduler goes by. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from lics_actors.schedule.messages import Plan
from lics_actors.schedule.windows import Window
from lics_actors.study.plans import ExperimentPlan, Schedule

DAYS: Final = {name: n for n, name in enumerate(("mon", "tue", "wed", "thu", "fri", "sat", "sun"))}


def plans_of(
    experiment_id: UUID, laboratory_id: UUID, since: datetime, plan: ExperimentPlan, tags: Mapping[UUID, str | None]
) -> tuple[Plan, ...]:
    """Return the sessions that an experiment plans, for its subjects that have a rig, in the order of their turns.

    `since`: when it came to be planned so. `tags`: subject → RFID tag; a subject that has a reader and no tag begins nothing by
    itself, and is left out: the clock would begin what it was to choose.
    """
    schedule = plan.schedule
    windows = windows_of(schedule)
    return tuple(
        Plan(
            experiment_id,
            subject,
            schedule.rigs[subject],
            laboratory_id,
            ZoneInfo(schedule.zone),
            since,
            windows,
            order,
            schedule.most_a_day or 1,
            schedule.missed,
            reader=schedule.readers.get(subject),
            tag=tags.get(subject),
        )
        for order, subject in enumerate(plan.subjects)
        if subject in schedule.rigs and (subject not in schedule.readers or tags.get(subject) is not None)
    )


def windows_of(schedule: Schedule) -> tuple[Window, ...]:
    """Return when sessions may begin."""
    return tuple(
        Window(time.fromisoformat(each.begin), time.fromisoformat(each.end), frozenset(DAYS[day] for day in each.days))
        for each in schedule.windows
    )
