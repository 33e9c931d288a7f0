"""The supervision policy by example: one story a test."""

from __future__ import annotations

import pytest

from lics_actors.supervision.messages import (
    ChildAdded,
    ChildBeginFailed,
    ChildBegun,
    ChildExited,
    ChildHung,
    ChildRemoved,
    ClearAlarm,
    ForgetChild,
    KillChild,
    OperatorClear,
    OperatorRestart,
    PingChild,
    Ponged,
    RaiseAlarm,
    RecordEvent,
    ReportStopped,
    SetTimer,
    StartChild,
    StopChild,
    StopRequested,
    Timer,
    TimerFired,
    TimerKind,
)
from lics_actors.supervision.specs import ChildKind, ChildSpec, Phase, Strategy
from tests.unit.supervision.story import OPERATOR, Story, quarantined


def test_a_child_is_started_once_it_is_added_and_its_begin_is_timed() -> None:
    story = Story()
    effects = story.tell(ChildAdded(ChildSpec("a", begin_timeout_s=7), 1.0))
    assert effects == [StartChild("a", 1), SetTimer(Timer(TimerKind.BEGIN, "a", 1), 7)]
    assert story.begin("a")[0] == RecordEvent("a", "started", incarnation=1)


def test_incarnations_are_counted_on_from_an_earlier_supervisors() -> None:
    story = Story(ChildSpec("a", incarnations=4))
    assert story.asked(StartChild) == ["a"] and story.state.children["a"].incarnation == 5
    assert story.begin("a")[0] == RecordEvent("a", "restarted", incarnation=5)


def test_adding_a_known_child_changes_nothing() -> None:
    story = Story("a")
    before = story.state
    assert story.tell(ChildAdded(ChildSpec("a", stage=3), 1.0)) == []
    assert story.state == before


def test_only_so_many_children_start_at_a_time_and_in_order() -> None:
    story = Story("a", "b", "c", "d", parallel_starts=2)
    assert [story.phase(name) for name in "abcd"] == [Phase.STARTING, Phase.STARTING, Phase.WAITING, Phase.WAITING]
    story.begin("b")
    assert story.asked(StartChild) == ["c"]


def test_the_first_restart_is_immediate_and_touches_nobody_else() -> None:
    story = Story("a", "b")
    story.begin("a", "b")
    story.exit("a")
    assert [effect for effect in story.effects if not isinstance(effect, (SetTimer, RecordEvent))] == [StartChild("a", 2)]
    assert story.begin("a") == [RecordEvent("a", "restarted", incarnation=2)]
    assert story.state.children["a"].restarts == 1


def test_backoff_doubles_from_a_second_to_its_cap_and_luck_halves_it_at_most() -> None:
    story = Story("a", intensity=100)
    waits = []
    story.begin("a")
    story.exit("a")
    for _ in range(9):
        story.begin("a")
        story.exit("a", luck=1.0)
        waits.append(story.timer(TimerKind.RESTART))
        story.fire(TimerKind.RESTART, "a", after=waits[-1])
    assert waits == [1, 2, 4, 8, 16, 32, 64, 120, 120]
    story.begin("a")
    story.exit("a", luck=0.0)
    assert story.timer(TimerKind.RESTART) == 60


def test_having_run_healthily_it_starts_over_with_an_immediate_restart() -> None:
    story = Story("a", healthy_s=30)
    story.begin("a")
    story.exit("a")
    story.begin("a")
    story.now += 29.9
    story.exit("a")
    assert story.phase("a") is Phase.BACKING_OFF
    story.fire(TimerKind.RESTART, "a", after=1)
    story.begin("a")
    story.now += 30
    story.exit("a")
    assert story.phase("a") is Phase.STARTING


def test_too_many_restarts_within_the_period_and_it_is_given_up_with_an_alarm() -> None:
    story = quarantined("a", "b")
    assert story.state.children["a"].restarts == 5
    assert story.asked(RaiseAlarm) == ["a"]
    assert story.asked(StartChild) == []
    assert "quarantined" in story.recorded()
    assert story.phase("b") is Phase.RUNNING


def test_as_many_restarts_over_a_longer_time_are_fine() -> None:
    story = Story("a")
    story.begin("a")
    for _ in range(50):
        story.now += 31
        story.exit("a")
        story.begin("a")
    assert story.phase("a") is Phase.RUNNING


@pytest.mark.parametrize("event", [OperatorRestart, OperatorClear])
def test_a_person_lifts_a_quarantine_and_is_named_in_the_record(event: type[OperatorRestart] | type[OperatorClear]) -> None:
    story = quarantined()
    story.tell(event("a", OPERATOR, "cable mended", story.now))
    assert story.asked(ClearAlarm) == ["a"]
    assert story.asked(StartChild) == ["a"]
    recorded = next(effect for effect in story.effects if isinstance(effect, RecordEvent))
    assert (recorded.principal, recorded.reason) == (OPERATOR, "cable mended")
    story.begin("a")
    story.exit("a")
    assert story.phase("a") is Phase.STARTING


def test_clearing_what_is_not_quarantined_does_nothing() -> None:
    story = Story("a")
    assert story.tell(OperatorClear("a", OPERATOR, None, 0)) == []
    assert story.tell(OperatorClear("nobody", OPERATOR, None, 0)) == []
    assert story.restart("nobody") == []


def test_a_person_restarts_a_running_child_without_it_counting() -> None:
    story = Story("a")
    story.begin("a")
    for _ in range(20):
        story.restart("a")
        assert story.asked(StopChild) == ["a"]
        story.exit("a", normal=True)
        assert story.asked(StartChild) == ["a"]
        story.begin("a")
    assert story.state.children["a"].restarts == 0


def test_a_person_need_not_wait_for_the_backoff() -> None:
    story = Story("a")
    story.begin("a")
    story.exit("a")
    story.exit("a")
    assert story.phase("a") is Phase.BACKING_OFF
    old = Timer(TimerKind.RESTART, "a", story.state.children["a"].incarnation)
    story.restart("a")
    assert story.phase("a") is Phase.STARTING
    assert story.tell(TimerFired(old, 99)) == []


def test_a_restart_of_a_child_that_is_being_killed_waits_for_its_exit() -> None:
    story = Story("a")
    story.begin("a")
    story.tell(ChildHung("a", 1, 0.0))
    story.restart("a")
    assert story.asked(StartChild) == []
    story.exit("a")
    assert story.asked(StartChild) == ["a"]
    assert story.state.children["a"].restarts == 0


def test_a_child_that_does_not_begin_in_time_is_killed_and_judged() -> None:
    story = Story("a")
    story.fire(TimerKind.BEGIN, "a", after=20)
    assert story.asked(KillChild) == ["a"]
    story.exit("a")
    assert story.asked(StartChild) == ["a"]
    assert "did not begin" in (story.state.children["a"].last_error or "")


def test_a_child_that_says_it_could_not_begin_is_restarted_only_after_its_exit() -> None:
    story = Story("a")
    story.tell(ChildBeginFailed("a", 1, "no journal", 0.0))
    assert story.asked(KillChild) == ["a"] and story.asked(StartChild) == []
    story.exit("a")
    assert story.asked(StartChild) == ["a"]
    assert story.state.children["a"].last_error == "could not begin: no journal"


def test_a_kill_is_repeated_until_the_exit_is_confirmed() -> None:
    story = Story("a")
    story.begin("a")
    story.tell(ChildHung("a", 1, 0.0, "deaf"))
    for _ in range(3):
        story.fire(TimerKind.KILL, "a", after=2)
        assert story.asked(KillChild) == ["a"]
    story.exit("a")
    assert story.asked(StartChild) == ["a"]


def test_a_second_report_of_one_death_is_harmless() -> None:
    story = Story("a")
    story.begin("a")
    first = ChildExited("a", 1, 0.0, 0.5)
    story.tell(first)
    before = story.state
    assert story.tell(first) == []
    assert story.state == before


def test_what_an_older_incarnation_says_is_ignored() -> None:
    story = Story("a")
    story.begin("a")
    story.exit("a")
    before = story.state
    for stale in (
        ChildBegun("a", 1, 1.0),
        ChildBeginFailed("a", 1, "x", 1.0),
        ChildHung("a", 1, 1.0),
        Ponged("a", 1, 0, 1.0),
        TimerFired(Timer(TimerKind.BEGIN, "a", 1), 1.0),
        ChildBegun("nobody", 1, 1.0),
    ):
        assert story.tell(stale) == []
    assert story.state == before


@pytest.mark.parametrize(
    ("kind", "normal", "phase"),
    [
        (ChildKind.PERMANENT, True, Phase.STARTING),
        (ChildKind.TRANSIENT, True, Phase.ENDED),
        (ChildKind.TRANSIENT, False, Phase.STARTING),
        (ChildKind.TEMPORARY, False, Phase.ENDED),
    ],
)
def test_the_kind_says_whether_a_dead_child_comes_back(kind: ChildKind, normal: bool, phase: Phase) -> None:
    story = Story(ChildSpec("a", kind))
    story.begin("a")
    story.exit("a", normal=normal)
    assert story.phase("a") is phase


def test_a_killed_transient_child_comes_back_though_its_exit_was_called_normal() -> None:
    story = Story(ChildSpec("a", ChildKind.TRANSIENT))
    story.begin("a")
    story.tell(ChildHung("a", 1, 0.0))
    story.exit("a", normal=True)
    assert story.phase("a") is Phase.STARTING


def test_pings_are_one_at_a_time_and_who_stays_silent_is_killed() -> None:
    story = Story("a", "b", ping_every_s=5.0, ping_deadline_s=10.0)
    story.begin("a", "b")
    story.fire(TimerKind.SWEEP, after=5)
    assert story.asked(PingChild) == ["a", "b"]
    story.tell(Ponged("b", 1, 1, story.now))
    story.fire(TimerKind.SWEEP, after=5)
    assert story.asked(PingChild) == ["b"] and story.asked(KillChild) == []
    story.tell(Ponged("b", 1, 2, story.now))
    story.fire(TimerKind.SWEEP, after=5)
    assert story.asked(KillChild) == ["a"] and "hung" in story.recorded()
    story.exit("a")
    assert story.asked(StartChild) == ["a"]


def test_a_pong_of_an_older_ping_does_not_count() -> None:
    story = Story("a")
    story.begin("a")
    story.fire(TimerKind.SWEEP, after=5)
    story.tell(Ponged("a", 1, 0, story.now))
    assert story.state.children["a"].pinged_at is not None


def test_a_supervisor_that_was_away_itself_blames_nobody() -> None:
    story = Story("a", "b")
    story.begin("a")
    story.fire(TimerKind.SWEEP, after=5)
    story.begin("b")
    story.fire(TimerKind.SWEEP, after=500)
    assert story.asked(KillChild) == [] and story.asked(PingChild) == ["b"]
    story.fire(TimerKind.SWEEP, after=5)
    story.fire(TimerKind.SWEEP, after=5)
    assert story.asked(KillChild) == ["a", "b"]


def test_without_a_ping_period_nobody_is_pinged_and_an_old_sweep_starts_no_second_one() -> None:
    story = Story("a", ping_every_s=None)
    story.begin("a")
    assert story.asked(SetTimer) == []
    assert story.fire(TimerKind.SWEEP) == []
    story = Story("a")
    story.begin("a")
    old = Timer(TimerKind.SWEEP, incarnation=story.state.sweep)
    story.fire(TimerKind.SWEEP, after=5)
    assert story.tell(TimerFired(old, 6.0)) == []


def test_a_removed_child_is_stopped_and_forgotten() -> None:
    story = Story("a", "b")
    story.begin("a")
    story.tell(ChildRemoved("a", 0.0, "retired"))
    assert story.effects[1] == StopChild("a", 1, "retired")
    assert story.tell(ChildRemoved("a", 0.0)) == []
    story.exit("a")
    assert story.effects == [ForgetChild("a")] and list(story.state.children) == ["b"]


def test_removing_a_child_that_is_down_forgets_it_at_once_and_lifts_its_alarm() -> None:
    story = quarantined()
    story.tell(ChildRemoved("a", 0.0))
    assert story.asked(ClearAlarm) == ["a"] and story.asked(ForgetChild) == ["a"]
    assert story.tell(ChildRemoved("a", 0.0)) == []
    waiting = Story("a", "b", parallel_starts=1)
    waiting.tell(ChildRemoved("b", 0.0))
    assert waiting.asked(ForgetChild) == ["b"] and waiting.asked(ClearAlarm) == []


def test_removing_a_child_that_is_being_killed_wins_over_its_restart() -> None:
    story = Story("a")
    story.begin("a")
    story.tell(ChildHung("a", 1, 0.0))
    story.tell(ChildRemoved("a", 0.0))
    assert story.restart("a") == []
    story.exit("a")
    assert story.state.children == {}


def test_a_child_added_again_while_it_is_being_removed_comes_back() -> None:
    story = Story("a")
    story.begin("a")
    story.tell(ChildRemoved("a", 0.0))
    story.tell(ChildAdded(ChildSpec("a", stage=2), 0.0))
    story.exit("a")
    assert story.asked(StartChild) == ["a"] and story.state.children["a"].spec.stage == 2


def test_rest_for_one_starts_one_after_the_other() -> None:
    story = Story("a", "b", "c", strategy=Strategy.REST_FOR_ONE)
    assert [story.phase(name) for name in "abc"] == [Phase.STARTING, Phase.WAITING, Phase.WAITING]
    story.begin("a")
    assert story.asked(StartChild) == ["b"]
    story.begin("b")
    assert story.asked(StartChild) == ["c"]


def test_rest_for_one_restarts_exactly_the_later_ones_last_down_first_and_first_up_first() -> None:
    story = Story("a", "b", "c", "d", strategy=Strategy.REST_FOR_ONE)
    story.begin("a", "b", "c", "d")
    story.exit("b")
    assert story.asked(StopChild) == ["d"] and story.asked(StartChild) == []
    story.exit("d", normal=True)
    assert story.asked(StopChild) == ["c"]
    story.exit("c", normal=True)
    assert story.asked(StartChild) == ["b"]
    story.begin("b")
    assert story.asked(StartChild) == ["c"]
    story.begin("c")
    assert story.asked(StartChild) == ["d"]
    assert [story.state.children[name].restarts for name in "abcd"] == [0, 1, 0, 0]
    assert story.state.children["a"].incarnation == 1


def test_rest_for_one_what_ended_in_order_holds_nobody_up() -> None:
    story = Story(ChildSpec("migrate", ChildKind.TRANSIENT), "web", strategy=Strategy.REST_FOR_ONE)
    story.begin("migrate")
    story.begin("web")
    story.exit("migrate", normal=True)
    assert story.asked(StopChild) == [] and story.phase("web") is Phase.RUNNING


def test_rest_for_one_a_removed_child_takes_nobody_with_it() -> None:
    story = Story("a", "b", "c", strategy=Strategy.REST_FOR_ONE)
    story.begin("a", "b", "c")
    story.tell(ChildRemoved("b", 0.0))
    assert story.asked(StopChild) == ["b"]
    story.exit("b")
    assert story.phase("c") is Phase.RUNNING


def test_stopping_goes_stage_by_stage_and_a_bounded_number_at_a_time() -> None:
    racks = [ChildSpec(f"rack:{n}", stage=1) for n in (1, 2, 3)]
    story = Story("recorder", *racks, parallel_stops=2)
    story.begin("recorder", "rack:1", "rack:2", "rack:3")
    story.tell(StopRequested(0.0))
    assert story.asked(StopChild) == ["rack:3", "rack:2"]
    story.exit("rack:2", normal=True)
    assert story.asked(StopChild) == ["rack:1"] and story.recorded() == ["stopped"]
    story.exit("rack:3", normal=True)
    assert story.asked(StopChild) == []
    story.exit("rack:1", normal=True)
    assert story.asked(StopChild) == ["recorder"]
    story.exit("recorder", normal=True)
    assert story.effects[-1] == ReportStopped()
    assert story.tell(StopRequested(1.0)) == []


def test_rest_for_one_stops_strictly_in_reverse() -> None:
    story = Story("a", "b", "c", strategy=Strategy.REST_FOR_ONE)
    story.begin("a", "b", "c")
    story.tell(StopRequested(0.0))
    order = []
    while asked := story.asked(StopChild):
        order += asked
        story.exit(asked[0], normal=True)
    assert order == ["c", "b", "a"] and story.state.stopped


def test_who_does_not_stop_in_time_is_killed() -> None:
    story = Story(ChildSpec("a", stop_timeout_s=3))
    story.begin("a")
    story.tell(StopRequested(0.0))
    assert story.timer(TimerKind.STOP) == 3
    story.fire(TimerKind.STOP, "a", after=3)
    assert story.asked(KillChild) == ["a"]
    story.exit("a")
    assert story.asked(ReportStopped) == [""]


def test_while_stopping_nothing_starts_and_nobody_is_pinged() -> None:
    story = Story("a", "b")
    story.begin("a", "b")
    story.exit("a")
    story.exit("a")
    story.tell(ChildHung("b", 1, 0.0))
    backing_off = Timer(TimerKind.RESTART, "a", story.state.children["a"].incarnation)
    story.tell(StopRequested(0.0))
    assert story.phase("a") is Phase.ENDED
    for event in (
        ChildAdded(ChildSpec("c"), 0.0),
        OperatorRestart("a", OPERATOR, None, 0.0),
        TimerFired(backing_off, 1.0),
        TimerFired(Timer(TimerKind.SWEEP, incarnation=story.state.sweep), 5.0),
    ):
        assert story.tell(event) == []
    assert story.tell(ChildRemoved("b", 0.0)) == []
    story.exit("b")
    assert story.effects == [RecordEvent("b", "stopped", incarnation=1), ReportStopped()]


def test_stopping_leaves_the_alarm_of_the_given_up_since_they_stay_so() -> None:
    story = quarantined("a")
    held = story.state.holds
    story.tell(StopRequested(0.0))
    assert story.asked(ClearAlarm) == [] and story.asked(ReportStopped) == [""]
    assert story.state.holds == held


@pytest.mark.parametrize(("last_at", "given_up"), [(60.0, True), (60.1, False)])
def test_a_death_at_the_very_end_of_the_period_still_counts_the_first_one(last_at: float, given_up: bool) -> None:
    story = Story("a", intensity=2, period_s=60.0, backoff_s=30.0)
    story.begin("a")
    story.exit("a")
    story.begin("a")
    story.now = 10.0
    story.exit("a")  # it comes back half a minute later, and its death counts from now
    story.fire(TimerKind.RESTART, "a", after=30.0)
    story.begin("a")
    story.now = last_at
    story.exit("a")
    assert (story.phase("a") is Phase.QUARANTINED) is given_up
