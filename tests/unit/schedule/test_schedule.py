"""The scheduler, case by case."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from lics_actors.schedule.messages import (
    Began,
    Begin,
    BeginFailed,
    Keep,
    Look,
    Looked,
    NoteTag,
    PlansRead,
    RunsSeen,
    SkipAsked,
    StartAsked,
    State,
    Status,
    TagRead,
    Tell,
    TimeCame,
    run_id,
)
from lics_actors.schedule.state import BEGIN_WITHIN, DEBOUNCE, MAX_TAGS, RETRY, queue, reduce
from lics_actors.schedule.windows import Window
from tests.unit.schedule.board import EIGHT, EXPERIMENT, MORNING, READER, RIG, Board, at, plan, subject


def test_a_session_begins_in_its_window_after_its_checks_and_is_written_down_before() -> None:
    board = Board(plan())
    assert board.hear(TimeCame(at(0.9))) == []
    (look,) = board.hear(TimeCame(at(1)))
    assert isinstance(look, Look)
    kept, begin = board.pass_checks(look.slot, at(1))
    assert isinstance(kept, Keep)
    assert isinstance(begin, Begin)
    assert begin.slot.id == run_id(EXPERIMENT, subject(0), begin.slot.date, 0) == kept.slot.id
    assert board.hear(TimeCame(at(1))) == [], "not before a while"
    (again,) = board.hear(TimeCame(at(1) + RETRY))
    assert isinstance(again, Begin)
    assert again.slot.id == begin.slot.id
    kept, over = board.hear(Began(at(1.1), begin.slot.id))
    assert isinstance(kept, Keep)
    assert kept.slot.status is Status.STARTED
    assert isinstance(over, Tell)
    assert over.over
    assert board.hear(Began(at(1.1), begin.slot.id)) == []
    assert board.hear(SkipAsked(at(1.2), begin.slot.id, "user:a", "x")) == []


def test_a_rig_takes_them_one_after_the_other_in_their_order() -> None:
    board = Board(plan(1), plan(0), plan(2))
    (first,) = board.hear(TimeCame(at(1)))
    assert isinstance(first, Look)
    assert first.slot.plan.subject == subject(0)
    assert [each.plan.order for each in queue(board.state.slots, RIG)[:3]] == [0, 1, 2]
    board.pass_checks(first.slot, at(1))
    board.hear(Began(at(1), first.slot.id))
    assert board.hear(TimeCame(at(1.5))) == []
    assert board.hear(RunsSeen(at(1.5), {first.slot.id: (RIG, subject(0))})) == []
    (second,) = board.hear(RunsSeen(at(1.6), {}))
    assert isinstance(second, Look)
    assert second.slot.plan.subject == subject(1)


def test_of_a_run_that_just_began_a_list_may_not_know_yet() -> None:
    board = Board(plan(0), plan(1))
    (look,) = board.hear(TimeCame(at(1)))
    assert isinstance(look, Look)
    board.pass_checks(look.slot, at(1))
    board.hear(Began(at(1), look.slot.id))
    assert board.hear(RunsSeen(at(1), {})) == []


def test_who_fails_the_checks_waits_and_the_next_one_comes() -> None:
    board = Board(plan(0), plan(1))
    (first,) = board.hear(TimeCame(at(1)))
    assert isinstance(first, Look)
    kept, second = board.hear(Looked(at(1), first.slot.id, ("the pump's calibration is over",)))
    assert isinstance(kept, Keep)
    assert kept.slot.why == ("the pump's calibration is over",)
    assert isinstance(second, Look)
    assert second.slot.plan.subject == subject(1)
    board.hear(Looked(at(1), second.slot.id, ("ill",)))
    assert board.hear(TimeCame(at(1))) == []
    (again,) = board.hear(TimeCame(at(1) + RETRY))
    assert isinstance(again, Look)
    assert again.slot.plan.subject == subject(0)
    (other,) = board.hear(Looked(at(1.1), again.slot.id, ("the pump's calibration is over",)))
    assert isinstance(other, Look), "the same again is not written down"
    assert board.hear(Looked(at(1.1), again.slot.id)) == [], "nobody looks at it"
    assert board.hear(Looked(at(1.1), UUID(int=9))) == []


@pytest.mark.parametrize(("policy", "status"), [("skip", Status.MISSED), ("ask", Status.ASKED)])
def test_what_did_not_begin_is_told_once(policy: str, status: Status) -> None:
    board = Board(plan(policy=policy))
    board.hear(RunsSeen(at(1), {UUID(int=7): (RIG, None)}))
    kept, told = board.hear(TimeCame(at(3)))
    assert isinstance(kept, Keep)
    assert kept.slot.status is status
    assert isinstance(told, Tell)
    assert "did not begin" in told.message
    assert board.hear(TimeCame(at(3.1))) == []


def test_late_is_within_an_hour() -> None:
    board = Board(plan(policy="late"))
    board.hear(RunsSeen(at(1), {UUID(int=7): (RIG, None)}))
    assert board.hear(TimeCame(at(3.5))) == []
    (look,) = board.hear(RunsSeen(at(3.5), {}))
    assert isinstance(look, Look)
    late = Board(plan(policy="late"), now=at(4.1))
    assert [type(each) for each in late.done] == [Keep, Tell]
    assert late.slot().status is Status.MISSED


def test_a_person_begins_or_skips_what_was_missed() -> None:
    board = Board(plan(), now=at(4))
    slot = board.slot()
    assert slot.status is Status.ASKED
    (look,) = board.hear(StartAsked(at(4), slot.id, "user:a"))
    assert isinstance(look, Look)
    assert look.slot.by == "user:a"
    (kept,) = board.hear(Looked(at(4), slot.id, ("ill",)))
    assert isinstance(kept, Keep)
    assert kept.slot.status is Status.ASKED
    kept, over = board.hear(SkipAsked(at(4), slot.id, "user:a", "ill"))
    assert isinstance(kept, Keep)
    assert (kept.slot.status, kept.slot.why, kept.slot.by) == (Status.SKIPPED, ("ill",), "user:a")
    assert isinstance(over, Tell)
    assert board.hear(StartAsked(at(4), slot.id, "user:a")) == []
    assert board.hear(StartAsked(at(4), UUID(int=9), "user:a")) == []


def test_a_session_that_was_begun_by_hand_is_needless_and_nobody_is_told() -> None:
    board = Board(plan())
    (look,) = board.hear(TimeCame(at(1)))
    assert isinstance(look, Look)
    kept, over = board.hear(Looked(at(1), look.slot.id, ("has had 1 of 1",), needless=True))
    assert isinstance(kept, Keep)
    assert (kept.slot.status, kept.slot.why) == (Status.SKIPPED, ("has had 1 of 1",))
    assert isinstance(over, Tell)
    assert over.over
    assert board.hear(TimeCame(at(4))) == []


def test_a_session_that_is_turned_away_waits_on_and_for_a_person_when_its_time_is_over() -> None:
    board = Board(plan())
    (look,) = board.hear(TimeCame(at(1)))
    assert isinstance(look, Look)
    board.pass_checks(look.slot, at(1))
    (kept,) = board.hear(BeginFailed(at(1), look.slot.id, "the rig was taken", turned_away=True))
    assert isinstance(kept, Keep)
    assert (kept.slot.status, kept.slot.why, kept.slot.until) == (Status.WAITING, ("the rig was taken",), None)
    (again,) = board.hear(TimeCame(at(2.99)))
    assert isinstance(again, Look)
    board.pass_checks(again.slot, at(2.99))
    kept, told = board.hear(BeginFailed(at(3), look.slot.id, "the rig was taken", turned_away=True))
    assert isinstance(kept, Keep)
    assert kept.slot.status is Status.ASKED
    assert isinstance(told, Tell)
    assert "could not begin: the rig was taken" in told.message


def test_nobody_begins_a_session_where_one_is() -> None:
    board = Board(plan(), now=at(4))
    board.hear(RunsSeen(at(4), {UUID(int=7): (UUID(int=8), subject(0))}))
    told = board.hear(StartAsked(at(4), board.slot().id, "user:a"))
    assert [type(each) for each in told] == [Keep], "the subject is elsewhere"
    assert "is in a run" in board.slot().why[0]
    assert not reduce(State(slots=board.state.slots), StartAsked(at(4), board.slot().id, "u"))[1], "nobody has told of the runs"


def test_nothing_begins_before_anybody_has_told_of_the_runs() -> None:
    state, effects = reduce(State(), PlansRead(at(1), (plan(),)))
    assert effects == []
    assert reduce(state, RunsSeen(at(1), {}))[1] != []


def test_a_run_that_cannot_be_told_to_be_there_is_asked_for_again_under_its_id() -> None:
    board = Board(plan())
    (look,) = board.hear(TimeCame(at(1)))
    assert isinstance(look, Look)
    board.pass_checks(look.slot, at(1))
    assert board.hear(BeginFailed(at(1), look.slot.id, "the fleet does not answer")) == []
    (again,) = board.hear(TimeCame(at(1) + RETRY))
    assert isinstance(again, Begin)
    assert again.slot.id == look.slot.id
    assert board.hear(SkipAsked(at(1), look.slot.id, "u", "x")) == [], "it may be there"
    kept, told = board.hear(BeginFailed(at(2), look.slot.id, "the protocol was not rehearsed", final=True))
    assert isinstance(kept, Keep)
    assert kept.slot.status is Status.MISSED
    assert isinstance(told, Tell)
    assert board.hear(BeginFailed(at(2), look.slot.id, "x")) == []


def test_whose_run_never_came_is_asked_about() -> None:
    board = Board(plan())
    (look,) = board.hear(TimeCame(at(1)))
    assert isinstance(look, Look)
    board.pass_checks(look.slot, at(1))
    kept, told = board.hear(TimeCame(at(1) + BEGIN_WITHIN))
    assert isinstance(kept, Keep)
    assert (kept.slot.status, kept.slot.why) == (Status.ASKED, ("nobody said that its run began",))
    assert isinstance(told, Tell)
    (seen, *_) = board.hear(RunsSeen(at(2), {look.slot.id: (RIG, subject(0))}))
    assert isinstance(seen, Keep)
    assert seen.slot.status is Status.STARTED


def test_what_passes_its_checks_too_late_does_not_begin() -> None:
    board = Board(plan())
    (look,) = board.hear(TimeCame(at(2.99)))
    assert isinstance(look, Look)
    (kept,) = board.pass_checks(look.slot, at(3))
    assert isinstance(kept, Keep)
    assert kept.slot.status is Status.ASKED


def test_a_successor_goes_on_where_the_other_died() -> None:
    board = Board(plan(0), plan(1))
    (look,) = board.hear(TimeCame(at(1)))
    assert isinstance(look, Look)
    kept, _ = board.pass_checks(look.slot, at(1))
    assert isinstance(kept, Keep)
    after = Board(now=at(1.1))
    after.hear(PlansRead(at(1.1), board.plans, (kept.slot,)))
    assert [each.slot.id for each in after.done if isinstance(each, Begin)] == [look.slot.id]
    assert [each for each in after.done if isinstance(each, Look)] == [], "its rig is taken"
    seen = after.hear(RunsSeen(at(1.1), {look.slot.id: (RIG, subject(0))}))
    assert [each.slot.status for each in seen if isinstance(each, Keep)] == [Status.STARTED]


def test_what_was_decided_outlives_its_plan_and_a_moved_window_does_not() -> None:
    board = Board(plan(0), plan(1))
    (look,) = board.hear(TimeCame(at(1)))
    assert isinstance(look, Look)
    board.pass_checks(look.slot, at(1))
    board.hear(PlansRead(at(1), (plan(1, windows=(Window(MORNING.begin, MORNING.end.replace(hour=12)),)),)))
    assert board.state.slots[look.slot.id].status is Status.STARTING
    assert board.slot(1).end == at(4)
    assert subject(0) not in {each.plan.subject for each in board.state.slots.values() if each.status is Status.WAITING}


def test_several_sessions_a_day() -> None:
    twice = (MORNING, Window(MORNING.end.replace(hour=14), MORNING.end.replace(hour=16)))
    for a_day, expected in ((1, 1), (2, 2), (5, 2)):
        board = Board(plan(windows=twice, a_day=a_day))
        assert sum(each.date.day == 23 for each in board.state.slots.values()) == expected


def test_an_animal_begins_its_sessions_itself() -> None:
    board = Board(plan(reader=READER, tag="A1", a_day=2))
    assert board.hear(TagRead(at(0.5), READER, "A1")) == [NoteTag(at(0.5), READER, "A1", "no session is open for it")]
    assert board.hear(TimeCame(at(1))) == [], "the clock begins none of them"
    (look,) = board.hear(TagRead(at(1), READER, "A1"))
    assert isinstance(look, Look)
    assert board.hear(TagRead(at(1) + DEBOUNCE / 2, READER, "A1")) == [], "it sits there"
    board.pass_checks(look.slot, at(1))
    board.hear(Began(at(1), look.slot.id))
    assert board.hear(TagRead(at(1.1), READER, "A1")) == [NoteTag(at(1.1), READER, "A1", "its rig, or itself, is in a run")]
    board.hear(RunsSeen(at(1.2), {}))
    (second,) = board.hear(TagRead(at(1.2), READER, "A1"))
    assert isinstance(second, Look)
    assert second.slot.id != look.slot.id
    board.pass_checks(second.slot, at(1.2))
    board.hear(Began(at(1.2), second.slot.id))
    board.hear(RunsSeen(at(1.4), {}))
    assert board.hear(TagRead(at(1.4), READER, "A1")) == [NoteTag(at(1.4), READER, "A1", "no session is open for it")]
    (kept,) = Board(plan(reader=READER, tag="A1"), now=at(4)).done
    assert isinstance(kept, Keep)
    assert kept.slot.status is Status.SKIPPED, "it did not choose to"


def test_a_day_has_so_many_sessions_over_all_windows() -> None:
    twice = (MORNING, Window(MORNING.end.replace(hour=14), MORNING.end.replace(hour=16)))
    board = Board(plan(windows=twice, reader=READER, tag="A1"))
    (look,) = board.hear(TagRead(at(1), READER, "A1"))
    assert isinstance(look, Look)
    board.pass_checks(look.slot, at(1))
    board.hear(Began(at(1), look.slot.id))
    board.hear(RunsSeen(at(6), {}))
    assert board.hear(TagRead(at(6.5), READER, "A1")) == [NoteTag(at(6.5), READER, "A1", "no session is open for it")]


def test_a_tag_of_nobody_is_noted_and_tags_are_forgotten() -> None:
    board = Board(plan())
    assert board.hear(TagRead(at(1), READER, "who")) == [NoteTag(at(1), READER, "who", "nobody's")]
    assert board.hear(TagRead(at(1) + timedelta(seconds=1), READER, "who")) == []
    assert len(board.hear(TagRead(at(1) - timedelta(hours=9), READER, "who"))) == 1, "a clock that was set"
    for n in range(MAX_TAGS + 5):
        board.hear(TagRead(at(1), READER, f"t{n}"))
    assert len(board.state.tags) == MAX_TAGS
    assert at(1) > EIGHT
