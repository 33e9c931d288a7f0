"""What speaks against a session, and whether a person may begin one now."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lics_actors.schedule.messages import Slot, Status, Tell, run_id
from lics_actors.schedule.preflight import DeviceFact, Facts, forbidding, problems
from lics_actors.schedule.rows import ALARM, row_of, slot_of, source_of, words_of
from lics_actors.schedule.rules import day_of_start, forbidden
from lics_actors.schedule.windows import Window
from lics_actors.store.records import AlarmCleared, AlarmRaised
from lics_actors.welfare.calibration import Standing
from tests.unit.schedule.board import BERLIN, EIGHT, EXPERIMENT, LABORATORY, READER, plan, subject

PUMP = DeviceFact("pump", "pump 1", "online")
FINE = Facts(
    "choice", "active", "m-1", "active", rig="cage 1", devices=(PUMP,), version="version 1", a_day=2, begun=1,
    calibration=("pump 1", Standing.VALID), left=(120.0, "fluid"),
)  # fmt: skip
NIGHT = Window(time(22), time(2))
DAY = Window(time(9), time(11), frozenset({0, 1}))


def test_nothing_speaks_against_what_is_fine() -> None:
    assert problems(FINE) == ()
    assert problems(replace(FINE, left=None, calibration=None, a_day=None, begun=9)) == ()


@pytest.mark.parametrize(
    ("change", "code", "sentence"),
    [
        ({"experiment_status": "paused"}, "EXPERIMENT", "choice is paused: make it active"),
        ({"takes_part": False}, "EXPERIMENT", "takes no part"),
        ({"begun": 2}, "A_DAY", "2 of 2 sessions"),
        ({"subject_status": "resting"}, "SUBJECT", "m-1 is resting"),
        ({"resting": "1 h must lie between"}, "RESTING", "must rest: 1 h"),
        ({"left": (0.0, "fluid")}, "NOTHING_LEFT", "no more fluid today"),
        ({"rig": None}, "RIG", "name one in `schedule.rigs`"),
        ({"holder": "rig cage 1 is in run 7"}, "RUN_UNDER_WAY", "is in run 7: wait"),
        ({"alarms": ("no disk",)}, "ALARM", "no disk"),
        ({"devices": (replace(PUMP, tripped=("hot",)),)}, "TRIPPED", "tripped by hot"),
        ({"devices": (replace(PUMP, status=None),)}, "DEVICE", "does not answer"),
        ({"devices": (replace(PUMP, status="offline"),)}, "DEVICE", "is offline: switch it on"),
        ({"devices": (replace(PUMP, status="odd"),)}, "DEVICE", "see `lics device show`"),
        ({"devices": (replace(PUMP, reserved_by="run:7"),)}, "DEVICE_RESERVED", "reserved for run:7"),
        ({"unfit": ("roles.pump: is a feeder",)}, "PROTOCOL", "roles.pump: is a feeder"),
        ({"rehearsed": False}, "NOT_REHEARSED", "was not rehearsed soundly"),
        ({"calibration": ("pump 1", Standing.EXPIRED)}, "CALIBRATION_EXPIRED", "lics calibration add"),
    ],
)
def test_whatever_is_not_as_it_should_be_forbids_and_says_what_to_do(change: dict[str, Any], code: str, sentence: str) -> None:
    (found,) = problems(replace(FINE, **change))
    assert (found.code, found.forbids) == (code, True)
    assert sentence in found.sentence
    assert forbidding((found,)) == (found.sentence,)


@pytest.mark.parametrize(("standing", "code"), [(Standing.NONE, "NOT_CALIBRATED"), (Standing.DUE, "CALIBRATION_DUE")])
def test_a_calibration_that_was_never_made_or_is_over_soon_is_told_and_forbids_nothing(standing: Standing, code: str) -> None:
    found = problems(replace(FINE, calibration=("pump 1", standing)))
    assert [each.code for each in found] == [code]
    assert forbidding(found) == ()


def local(hour: int, day: int = 23) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=BERLIN)  # the 23rd is a Monday


def test_a_person_begins_within_a_window_and_not_more_often_than_planned() -> None:
    assert forbidden((DAY,), BERLIN, 1, local(10), ()) is None
    early = forbidden((DAY,), BERLIN, 1, local(8), ())
    assert early is not None
    assert (early.rule, early.next) == ("window", local(9))
    assert "Mon 23 Nov 09:00" in early.why
    late = forbidden((DAY,), BERLIN, 1, local(12, 24), ())
    assert late is not None
    assert late.next == local(9, 30)
    never = forbidden((Window(time(9), time(11), frozenset()),), BERLIN, 1, local(10), ())
    assert never is not None
    assert (never.next, "within a week" in never.why) == (None, True)
    often = forbidden((DAY,), BERLIN, 1, local(10), (local(9), local(9, 22)))
    assert often is not None
    assert (often.rule, "1 of 1" in often.why) == ("a_day", True)
    assert forbidden((DAY,), BERLIN, 2, local(10), (local(9),)) is None
    assert forbidden((), BERLIN, None, local(3), (local(2), local(1))) is None, "nothing is planned"
    assert forbidden((), BERLIN, 1, local(3), (local(2, 22),)) is None, "that was yesterday"


def test_what_begins_after_midnight_counts_to_the_day_on_which_its_window_opened() -> None:
    assert day_of_start((NIGHT,), BERLIN, local(23)) == date(2026, 11, 23)
    assert day_of_start((NIGHT,), BERLIN, local(1, 24)) == date(2026, 11, 23)
    assert day_of_start((NIGHT,), BERLIN, local(3, 24)) == date(2026, 11, 24)
    again = forbidden((NIGHT,), BERLIN, 1, local(1, 24), (local(23),))
    assert again is not None
    assert forbidden((NIGHT,), BERLIN, 1, local(23, 24), (local(1, 24),)) is None


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)), st.sampled_from(["UTC", "Pacific/Apia"]))
def test_whoever_is_told_when_the_next_window_opens_may_begin_then(now: datetime, zone: str) -> None:
    told = forbidden((DAY, NIGHT), ZoneInfo(zone), 1, now, ())
    assert told is None or (told.next is not None and told.next > now)
    if told is not None and told.next is not None:
        assert forbidden((DAY, NIGHT), ZoneInfo(zone), 1, told.next, ()) is None


def a_slot(**changes: Any) -> Slot:
    day, of = EIGHT.date(), plan(**changes)
    return Slot(
        run_id(EXPERIMENT, subject(0), day, 0), of, day, 0, EIGHT, EIGHT + timedelta(hours=2), Status.ASKED, ("late",), "u"
    )


def test_a_slot_comes_back_from_its_row_as_it_was_also_where_its_plan_is_gone() -> None:
    slot = replace(a_slot(), until=EIGHT)
    row = row_of(slot)
    assert slot_of(row, {(EXPERIMENT, subject(0)): slot.plan}) == slot
    alone = slot_of(row, {})
    assert (alone.plan.rig, alone.plan.subject, alone.plan.policy, alone.status) == (
        slot.plan.rig,
        subject(0),
        "ask",
        Status.ASKED,
    )
    assert alone.plan.laboratory == LABORATORY
    moved = replace(slot.plan, rig=UUID(int=77))
    assert slot_of(row, {(EXPERIMENT, subject(0)): moved}).plan.rig == slot.plan.rig
    odd = slot_of(replace(row, policy="odd", reader_id=READER), {})
    assert (odd.plan.policy, odd.plan.reader) == ("ask", READER)
    assert row_of(replace(slot, status=Status.LOOKING)).status == "waiting"


def test_what_was_missed_is_told_by_name_and_stands_until_somebody_decides() -> None:
    slot = a_slot()
    source = source_of(EXPERIMENT, subject(0), slot.id)
    (raised,) = words_of(Tell(slot, "nobody came"), {subject(0): "m-1"}, EIGHT)
    assert isinstance(raised, AlarmRaised)
    assert (raised.source, raised.kind) == (source, ALARM)
    assert raised.message.startswith("m-1 at ")
    assert raised.message.endswith("nobody came")
    (over,) = words_of(Tell(slot, "", over=True), {}, EIGHT)
    assert over == AlarmCleared(EIGHT, source, ALARM)
    told = words_of(Tell(replace(slot, status=Status.MISSED), "skipped"), {}, EIGHT)
    assert [type(each) for each in told] == [AlarmRaised, AlarmCleared], "it is decided, and still to be seen"
