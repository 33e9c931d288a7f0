"""Heartbeats, judged: who is hung, who is not, and when nobody is to blame."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lics_actors.supervision.messages import (
    KillChild,
    LookAtPulses,
    Pulse,
    PulsesSeen,
    SetTimer,
    StopRequested,
    Timer,
    TimerFired,
    TimerKind,
)
from lics_actors.supervision.specs import ChildSpec, Phase
from tests.unit.supervision.story import Story

START = 100.0  # a clock that does not begin at 0, as the real one


def watched(*names: str | ChildSpec) -> Story:
    story = Story(ping_every_s=None, look_every_s=1.0)
    story.now = START
    for spec in names:
        story.add(spec)
        story.begin(spec if isinstance(spec, str) else spec.name)
    return story


def look(story: Story, after: float = 1.0, **pulses: Pulse) -> Story:
    story.fire(TimerKind.LOOK, after=after)
    assert LookAtPulses() in story.effects
    story.tell(PulsesSeen(pulses, story.now))
    return story


def test_looking_begins_with_the_first_child_that_runs_and_goes_on_every_second() -> None:
    story = watched("a")
    assert story.timer(TimerKind.LOOK) == 1.0
    story.add("b")
    assert story.begin("b")[1:] == []
    story.fire(TimerKind.LOOK, after=1.0)
    assert story.effects == [LookAtPulses(), SetTimer(Timer(TimerKind.LOOK, incarnation=2), 1.0)]
    assert story.tell(TimerFired(Timer(TimerKind.LOOK, incarnation=1), story.now)) == []  # an old one begins no second round


def test_a_loop_that_is_silent_for_too_long_is_hung_and_its_child_comes_back() -> None:
    story = watched("a", "b")
    for second in range(1, 7):
        look(story, a=Pulse(loop_at=START), b=Pulse(loop_at=START + second))
        assert story.asked(KillChild) == []
    look(story, a=Pulse(loop_at=START), b=Pulse(loop_at=START + 6))
    assert story.asked(KillChild) == ["a"] and story.recorded() == ["hung"]
    assert story.state.children["a"].last_error == "its loop gave no sign of life for more than 6 s"
    story.exit("a")
    assert story.phase("a") is Phase.STARTING and story.phase("b") is Phase.RUNNING


def test_a_thread_that_stays_in_one_handler_is_hung_though_its_loop_lives() -> None:
    story = watched("a")
    for second in range(1, 9):
        look(story, a=Pulse(loop_at=START + second, busy_since=START + 1))
    assert story.phase("a") is Phase.KILLING
    assert "one handler" in (story.state.children["a"].last_error or "")


def test_a_thread_that_sleeps_is_not_hung_and_one_without_loop_beats_itself() -> None:
    story = watched("leaf", "rack")
    for second in range(1, 20):
        look(story, leaf=Pulse(thread_at=0.0, loop_at=START + second), rack=Pulse(thread_at=START + min(second, 12)))
    assert story.phase("leaf") is Phase.RUNNING
    assert story.phase("rack") is Phase.KILLING
    assert "its thread gave no sign" in (story.state.children["rack"].last_error or "")


def test_who_has_no_heartbeat_is_left_to_the_pings() -> None:
    story = watched("a")
    for _ in range(20):
        look(story, a=Pulse())
    assert story.phase("a") is Phase.RUNNING


def test_silence_from_before_it_began_does_not_count() -> None:
    story = watched("a")
    look(story, a=Pulse(loop_at=START - 50.0, busy_since=START - 50.0))
    assert story.phase("a") is Phase.RUNNING


def test_a_child_may_have_a_longer_patience_of_its_own() -> None:
    story = watched(ChildSpec("recorder", hang_s=20.0))
    for _ in range(20):
        look(story, recorder=Pulse(loop_at=START))
    assert story.phase("recorder") is Phase.RUNNING
    look(story, recorder=Pulse(loop_at=START))
    assert story.phase("recorder") is Phase.KILLING


def test_a_supervisor_that_was_away_blames_nobody_until_they_had_their_time() -> None:
    story = watched("a")
    look(story, after=500.0, a=Pulse(loop_at=START, busy_since=START))
    assert story.phase("a") is Phase.RUNNING
    for _ in range(6):
        look(story, a=Pulse(loop_at=START, busy_since=START))
    assert story.phase("a") is Phase.RUNNING
    look(story, a=Pulse(loop_at=START))
    assert story.phase("a") is Phase.KILLING


def test_who_is_not_running_or_not_known_is_not_judged() -> None:
    story = watched("a")
    story.exit("a")
    for _ in range(10):
        look(story, a=Pulse(loop_at=START), nobody=Pulse(loop_at=START))
    assert story.phase("a") is Phase.STARTING
    story.tell(StopRequested(story.now))
    assert story.fire(TimerKind.LOOK, after=1.0) == []


@given(st.lists(st.tuples(st.floats(0.1, 1.9), st.booleans()), max_size=60))
def test_whoever_beats_within_its_time_is_never_killed(rounds: list[tuple[float, bool]]) -> None:
    story = watched("a")
    beat = START
    for after, beats in rounds:
        beat = story.now + after if beats or story.now + after - beat > 6.0 else beat
        look(story, after=after, a=Pulse(loop_at=beat, busy_since=beat))
        assert story.phase("a") is Phase.RUNNING


@given(st.lists(st.floats(0.5, 1.9), min_size=20, max_size=40))
def test_whoever_is_silent_is_killed_within_its_time_and_two_looks(waits: list[float]) -> None:
    story = watched("a")
    for after in waits:
        look(story, after=after, a=Pulse(loop_at=START + 1.0))
        if story.phase("a") is Phase.KILLING:
            break
    assert START + 7.0 < story.now <= START + 7.0 + 2 * 1.9
