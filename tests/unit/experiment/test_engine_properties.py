"""What a run never does, whatever happens to it."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from lics_actors.experiment.library import classics
from lics_actors.experiment.messages import (
    OVER,
    CancelTimer,
    Effect,
    Event,
    PhaseChanged,
    Recovered,
    SendCommand,
    SetTimer,
    StateEntered,
    TimerFired,
    TrialBegan,
    TrialEnded,
)
from lics_actors.experiment.plan import Plan
from lics_actors.experiment.replay import replay
from lics_actors.experiment.state import RunState
from tests.unit.experiment.kitchen import Play, event_of, kitchen, plan_of


@cache
def plans() -> list[Plan]:
    lasting = (("recovery: ask", "recovery: resume"), ("after_blocks: repeat", "after_blocks: stay"))
    return [kitchen(), kitchen(*lasting), kitchen(("recovery: ask", "recovery: abort")), *map(plan_of, classics())]


moves = st.lists(st.tuples(st.integers(0, 200), st.integers(0, 10_000), st.floats(-0.5, 3)), min_size=20, max_size=100)


def played(which: int, seed: int, story: list[Any]) -> Play:
    play = Play(plans()[which % len(plans())], seed).begin()
    for move in story:
        play.hear(event_of(play, move))
    return play


stories = st.builds(played, st.integers(0, 8), st.integers(0, 2**63), moves)


@given(stories)
def test_a_trial_is_rewarded_once_at_most_and_a_command_id_never_comes_twice(play: Play) -> None:
    sent = play.told(SendCommand)
    assert len({each.id for each in sent}) == len(sent)
    by_hand = {id(effect) for event, effects in play.recorded if type(event).__name__ == "RewardAsked" for effect in effects}
    rewarded = [each.trial for each in sent if each.reward is not None and id(each) not in by_hand]
    assert len(set(rewarded)) == len(rewarded)


@given(stories)
def test_limits_hold(play: Play) -> None:
    rewards = [each.reward for each in play.told(SendCommand) if each.reward is not None]
    assert sum(rewards) <= (play.plan.max_reward or 0) + 1e-6
    assert abs(sum(rewards) - play.run.total_reward) < 1e-6
    finished = [each for each in play.told(TrialEnded) if each.outcome != "interrupted"]
    assert len(finished) <= play.plan.trials
    for event, effects in play.recorded:
        if isinstance(event, TimerFired) and event.timer == "session" and effects:
            assert any(isinstance(each, PhaseChanged) and each.phase in {"finishing", *OVER} for each in effects)


@given(stories)
def test_timers_never_fire_after_their_state(play: Play) -> None:
    alive: set[str] = set()
    for event, effects in play.recorded:
        if isinstance(event, Recovered) and any(isinstance(each, PhaseChanged) for each in effects):
            alive &= {"session", "fates"}  # the dead driver's timers are not cancelled: they died with it
        if isinstance(event, TimerFired):
            if event.timer not in alive:
                assert effects == []
            alive.discard(event.timer)
        for effect in effects:
            match effect:
                case SetTimer():
                    alive.add(effect.timer)
                case CancelTimer():
                    assert effect.timer in alive
                    alive.discard(effect.timer)
                case StateEntered():
                    assert not [timer for timer in alive if timer.partition(".")[2]]
                case PhaseChanged() if effect.phase in OVER:
                    assert not alive
                case _:
                    pass


@given(stories)
def test_paused_means_silent(play: Play) -> None:
    paused = False
    for _, effects in play.recorded:
        for effect in effects:
            if isinstance(effect, PhaseChanged):
                paused = effect.phase == "paused" or (paused and effect.phase in {"finishing", "interrupted", "recovering"})
            assert not (paused and isinstance(effect, SendCommand | TrialBegan | StateEntered))


@given(stories)
def test_a_replay_decides_identically(play: Play) -> None:
    assert replay(play.plan, play.first, play.recorded) is None


@given(stories)
def test_every_trial_is_accounted_for_exactly_once(play: Play) -> None:
    began, ended = [each.trial for each in play.told(TrialBegan)], [each.trial for each in play.told(TrialEnded)]
    assert began == list(range(1, len(began) + 1))
    assert ended == began[: len(ended)]
    assert len(began) - len(ended) == int(play.run.open)
    if play.run.phase in {"paused", "recovering", "finishing", *OVER}:
        assert not play.run.open


@given(stories)
def test_what_is_over_stays_over_and_memory_is_bounded(play: Play) -> None:
    phases = [each.phase for each in play.told(PhaseChanged)]
    assert not [phase for phase in phases[:-1] if phase in OVER]
    assert len(play.run.pending) <= 100
    assert len(play.run.timers) <= 2 + max(len(state.timers) for state in play.plan.states)
    assert len(play.run.scope) <= len(play.plan.kinds) + len(play.plan.fields) + 1


@given(stories, st.integers(0, 10_000))
def test_after_a_crash_the_open_trial_is_interrupted_and_the_policy_decides(play: Play, choice: int) -> None:
    before, trial, was_open = play.run.phase, play.run.trial, play.run.open
    effects = play.hear(Recovered(play.now(1.0)))
    if before not in {"running", "paused", "recovering"}:
        return
    ended = [each for each in effects if isinstance(each, TrialEnded)]
    assert [(each.trial, each.outcome) for each in ended[:1]] == ([(trial, "interrupted")] if was_open else [])
    if before == "paused":
        assert play.run.phase == "paused"
        return
    allowed = {"ask": {"recovering"}, "resume": {"running"}, "abort": {"finishing", "aborted"}}
    assert play.run.phase in allowed[play.plan.recovery] | {"finishing", "failed"}


@given(stories)
def test_what_was_written_down_and_read_again_replays_identically(play: Play) -> None:
    """The journal of a run is these events and effects; nothing in them may change on the way to disk and back."""
    written = [(msgspec.json.encode(event), msgspec.json.encode(effects)) for event, effects in play.recorded]
    read = [(msgspec.json.decode(one, type=Event), msgspec.json.decode(other, type=list[Effect])) for one, other in written]
    assert replay(play.plan, play.first, read) is None
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(play.run), type=RunState) == play.run
