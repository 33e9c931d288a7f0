"""What people do to children, by example: drain, quarantine, clear, and what of it outlives the supervisor."""

from __future__ import annotations

import pytest

from lics_actors.supervision.messages import (
    ChildAdded,
    ChildHung,
    ChildRemoved,
    ClearAlarm,
    ForgetChild,
    KillChild,
    OperatorClear,
    OperatorDrain,
    OperatorQuarantine,
    OperatorRestart,
    RaiseAlarm,
    RecordEvent,
    StartChild,
    StopChild,
    StopRequested,
    TimerKind,
)
from lics_actors.supervision.specs import ChildKind, ChildSpec, Hold, Phase, Strategy
from tests.unit.supervision.story import OPERATOR, Story, quarantined

Puts = type[OperatorDrain] | type[OperatorQuarantine]
PUTS = {OperatorDrain: Phase.DRAINED, OperatorQuarantine: Phase.QUARANTINED}
LETS = (OperatorRestart, OperatorClear)


def running(*names: str, **policy: object) -> Story:
    story = Story(*names, **policy)
    story.begin(*names)
    return story


def put(story: Story, kind: Puts | type[OperatorRestart] | type[OperatorClear], name: str = "a") -> None:
    story.tell(kind(name, OPERATOR, "smells", story.now))


@pytest.mark.parametrize("kind", PUTS)
def test_a_running_child_is_stopped_in_order_and_stays_down(kind: Puts) -> None:
    story = running("a", "b")
    put(story, kind)
    assert story.asked(StopChild) == ["a"]
    assert story.state.holds == {"a": Hold(PUTS[kind], OPERATOR, "smells")}
    story.exit("a", normal=True)
    assert story.phase("a") is PUTS[kind] and story.asked(StartChild) == [] and story.recorded() == ["stopped"]
    assert story.phase("b") is Phase.RUNNING and story.state.children["a"].restarts == 0


@pytest.mark.parametrize("kind", PUTS)
@pytest.mark.parametrize("lets", LETS)
def test_a_person_lets_it_go_again(kind: Puts, lets: type[OperatorRestart] | type[OperatorClear]) -> None:
    story = running("a")
    put(story, kind)
    story.exit("a", normal=True)
    put(story, lets)
    assert story.asked(StartChild) == ["a"] and story.state.holds == {}
    assert story.asked(ClearAlarm) == (["a"] if kind is OperatorQuarantine else [])


def test_only_a_quarantine_is_an_alarm_and_who_did_it_is_in_the_record() -> None:
    story = running("a")
    put(story, OperatorQuarantine)
    alarm = next(effect for effect in story.effects if isinstance(effect, RaiseAlarm))
    assert (alarm.kind, alarm.message) == ("quarantined", "a was put into quarantine by user:ada: smells")
    assert story.effects[0] == RecordEvent("a", "quarantined", OPERATOR, "smells", 1)
    put(story, OperatorDrain)
    assert story.asked(ClearAlarm) == ["a"] and story.recorded() == ["drained"]
    story.exit("a")
    assert story.phase("a") is Phase.DRAINED
    story.tell(OperatorQuarantine("a", OPERATOR, None, 0.0))
    assert story.phase("a") is Phase.QUARANTINED and story.asked(RaiseAlarm) == ["a"]


@pytest.mark.parametrize("kind", PUTS)
def test_one_that_does_not_stop_in_time_is_killed_and_stays_down(kind: Puts) -> None:
    story = running("a")
    put(story, kind)
    story.fire(TimerKind.STOP, "a", after=5)
    assert story.asked(KillChild) == ["a"]
    story.exit("a")
    assert story.phase("a") is PUTS[kind]


@pytest.mark.parametrize("kind", PUTS)
def test_one_that_is_down_or_going_down_anyway_does_not_come_back(kind: Puts) -> None:
    story = running("a")
    story.exit("a")
    story.exit("a")
    assert story.phase("a") is Phase.BACKING_OFF
    put(story, kind)
    assert story.phase("a") is PUTS[kind]
    story.fire(TimerKind.RESTART, "a", after=1)
    assert story.phase("a") is PUTS[kind]
    story = running("a")
    story.tell(ChildHung("a", 1, 0.0))
    put(story, kind)
    story.exit("a")
    assert story.phase("a") is PUTS[kind]


def test_a_clear_while_it_is_still_stopping_brings_it_back() -> None:
    story = running("a")
    put(story, OperatorDrain)
    put(story, OperatorClear)
    story.exit("a", normal=True)
    assert story.asked(StartChild) == ["a"] and story.state.holds == {}


@pytest.mark.parametrize("kind", PUTS)
def test_who_is_unknown_or_about_to_be_forgotten_is_left_alone(kind: Puts) -> None:
    story = running("a")
    assert story.tell(kind("nobody", OPERATOR, None, 0.0)) == []
    story.tell(ChildRemoved("a", 0.0))
    assert story.tell(kind("a", OPERATOR, None, 0.0)) == []
    story = running("a")
    story.tell(StopRequested(0.0))
    assert story.tell(kind("a", OPERATOR, None, 0.0)) == []


@pytest.mark.parametrize("kind", PUTS)
def test_a_successor_takes_up_what_was_kept_down(kind: Puts) -> None:
    story = Story()
    story.tell(ChildAdded(ChildSpec("a"), 0.0, Hold(PUTS[kind], OPERATOR, "smells")))
    assert story.phase("a") is PUTS[kind] and story.asked(StartChild) == []
    assert story.state.children["a"].last_error == "smells"
    assert story.asked(RaiseAlarm) == (["a"] if kind is OperatorQuarantine else [])
    put(story, OperatorClear)
    assert story.asked(StartChild) == ["a"]


def test_what_is_removed_is_kept_down_no_more() -> None:
    story = running("a")
    put(story, OperatorQuarantine)
    story.tell(ChildRemoved("a", 0.0))
    assert story.asked(ClearAlarm) == ["a"] and story.state.holds == {}
    story.tell(ChildAdded(ChildSpec("a"), 0.0))
    story.exit("a")
    assert story.asked(StartChild) == ["a"]
    given_up = quarantined("a")
    given_up.tell(ChildRemoved("a", 0.0))
    assert given_up.asked(ForgetChild) == ["a"] and given_up.state.holds == {}


def test_stopping_forgets_no_hold_and_waits_for_those_who_go() -> None:
    story = running("a", "b")
    put(story, OperatorDrain)
    story.tell(StopRequested(0.0))
    story.exit("b", normal=True)
    story.exit("a", normal=True)
    assert story.state.stopped and list(story.state.holds) == ["a"]


REST = {"strategy": Strategy.REST_FOR_ONE}


@pytest.mark.parametrize("kind", [*PUTS, OperatorRestart])
def test_rest_for_one_dependents_go_first(kind: Puts | type[OperatorRestart]) -> None:
    story = running("a", "b", "c", **REST)
    put(story, kind)
    order = []
    while asked := story.asked(StopChild):
        order += asked
        story.exit(asked[0], normal=True)
    assert order == ["c", "b", "a"]
    if kind is OperatorRestart:
        assert story.asked(StartChild) == ["a"]
        story.begin("a")
        story.begin("b")
        assert story.asked(StartChild) == ["c"]
        return
    assert [story.phase(name) for name in "abc"] == [PUTS[kind], Phase.WAITING, Phase.WAITING]
    put(story, OperatorClear)
    assert story.asked(StartChild) == ["a"]


def test_rest_for_one_one_that_dies_while_it_waits_for_its_dependents_does_not_come_back() -> None:
    story = running("a", "b", **REST)
    put(story, OperatorDrain)
    story.exit("a")
    assert story.phase("a") is Phase.DRAINED
    story.exit("b")
    assert story.asked(StartChild) == [] and story.phase("b") is Phase.WAITING


def test_rest_for_one_a_dependent_that_is_itself_to_be_drained_stays_so() -> None:
    story = running("a", "b", "c", **REST)
    put(story, OperatorDrain, "b")
    story.exit("a")
    story.exit("c", normal=True)
    story.exit("b", normal=True)
    assert story.asked(StartChild) == ["a"] and story.phase("b") is Phase.DRAINED
    story.begin("a")
    assert story.asked(StartChild) == []


def test_rest_for_one_one_that_hangs_while_it_waits_for_its_dependents_is_killed_first() -> None:
    story = running("a", "b", **REST)
    put(story, OperatorRestart)
    story.tell(ChildHung("a", 1, 0.0))
    story.exit("b", normal=True)
    assert story.asked(StopChild) == []
    story.exit("a")
    assert story.asked(StartChild) == ["a"]


def test_rest_for_one_a_restart_brings_back_transient_children_that_had_ended_and_no_temporary_ones() -> None:
    story = Story("a", ChildSpec("b", ChildKind.TRANSIENT), ChildSpec("c", ChildKind.TEMPORARY), "d", **REST)
    story.begin("a", "b", "c", "d")
    story.exit("b", normal=True)
    assert story.phase("d") is Phase.RUNNING
    story.exit("a")
    story.exit("d", normal=True)
    story.exit("c", normal=True)
    assert story.phase("c") is Phase.ENDED
    story.begin("a")
    assert story.asked(StartChild) == ["b"]
    story.begin("b")
    assert story.asked(StartChild) == ["d"]
