"""From an experiment's plan to the scheduler's."""

from __future__ import annotations

from datetime import time
from uuid import UUID
from zoneinfo import ZoneInfo

from lics_actors.schedule.messages import Plan
from lics_actors.schedule.plans import plans_of
from lics_actors.schedule.windows import Window
from lics_actors.study.plans import read_plan
from tests.unit.schedule.board import EIGHT, EXPERIMENT, LABORATORY, READER, RIG, subject


def test_subjects_with_a_rig_have_their_turns_in_order() -> None:
    said = {
        "stages": [{"name": "one", "protocol_version_id": str(UUID(int=9))}],
        "subjects": [str(subject(n)) for n in range(4)],
        "schedule": {
            "zone": "Europe/Berlin",
            "windows": [{"begin": "09:00", "end": "11:30", "days": ["mon", "sun"]}, {"begin": "22:00", "end": "06:00"}],
            "a_day": 2,
            "missed": "late",
            "rigs": {str(subject(n)): str(RIG) for n in (0, 2, 3)},
            "readers": {str(subject(2)): str(READER), str(subject(3)): str(READER)},
        },
    }
    made = plans_of(EXPERIMENT, LABORATORY, EIGHT, read_plan(said), {subject(2): "A1", subject(3): None})
    windows = (Window(time(9), time(11, 30), frozenset({0, 6})), Window(time(22), time(6)))
    facts = (RIG, LABORATORY, ZoneInfo("Europe/Berlin"), EIGHT, windows)
    assert made == (
        Plan(EXPERIMENT, subject(0), *facts, 0, 2, "late"),
        Plan(EXPERIMENT, subject(2), *facts, 2, 2, "late", reader=READER, tag="A1"),
    )
