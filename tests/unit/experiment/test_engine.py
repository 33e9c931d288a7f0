"""A run, event by event, by example."""

from __future__ import annotations

from itertools import pairwise
from uuid import UUID

import pytest

from lics_actors.experiment.chance import picked, uniform
from lics_actors.experiment.messages import (
    AbortAsked,
    Annotated,
    AskRefused,
    BlockBegan,
    Broken,
    CommandSettled,
    DeviceSaid,
    MetricSaid,
    Noted,
    ParameterAsked,
    ParameterSet,
    PauseAsked,
    PhaseChanged,
    Recovered,
    ResumeAsked,
    RewardAsked,
    RewardRefused,
    SendCommand,
    SessionOver,
    SetTimer,
    StaircaseMoved,
    StateEntered,
    StopAsked,
    TimerFired,
    TrialBegan,
    TrialEnded,
)
from lics_actors.experiment.plan import Plan
from lics_actors.experiment.state import new_run
from tests.unit.experiment.kitchen import LEGS, RUN_ID, Play, changed, classic, kitchen, plan_of

QUICK = """
protocol: 1
name: quick
title: Quick
roles:
  pump: {type: pump, commands: [dispense]}
  panel: {type: lickometer, commands: [clear_screen], events: [lick]}
reward: {command: pump.dispense, argument: volume_ul, amount: 10 ul}
limits: {time: 10 min, trials: 5, reward: 100 ul}
trial: {start: one}
outcomes: {done: {}}
states:
  one:
    transitions:
      - event: panel.lick
        do: [{reward: true}]
        end: done
safe: [{command: panel.clear_screen}]
recovery: resume
"""

VARIABLE = ("states:\n", "variables: {n: 0}\nstates:\n")
UNPAID = (
    ("reward: {command: pump.dispense, argument: volume_ul, amount: 10 ul}\n", ""),
    (", reward: 100 ul", ""),
    ("  pump: {type: pump, commands: [dispense]}\n", ""),
)


def lick(play: Play) -> None:
    play.hear(DeviceSaid(play.now(0.1), "panel", "lick", {}))


def quick(*changes: tuple[str, str]) -> Play:
    return Play(changed(QUICK, *changes)).begin()


def phases(play: Play) -> list[str]:
    return [each.phase for each in play.told(PhaseChanged)]


def outcomes(play: Play) -> list[str]:
    return [each.outcome for each in play.told(TrialEnded)]


def test_the_way_of_a_run() -> None:
    play = quick()
    for _ in range(5):
        lick(play)
    play.settle()
    assert phases(play) == ["validated", "scheduled", "arming", "running", "finishing", "completed"]
    assert outcomes(play) == ["done"] * 5
    assert [each.reward for each in play.told(SendCommand)] == [10.0] * 5 + [None]
    assert play.hear(DeviceSaid(99.0, "panel", "lick", {})) == []
    assert play.hear(Annotated(99.0, "eve", "nice")) == [Noted("eve", "nice")]


def test_steps_out_of_order_change_nothing() -> None:
    play = Play(plan_of("two_choice"))
    assert play.hear(*LEGS[1:]) == []
    assert play.hear(DeviceSaid(1.0, "panel", "touch", {"x": 1}), MetricSaid(1.0, "a", "b", 1.0), TimerFired(1.0, "1.0")) == []
    play.begin()
    assert play.hear(*LEGS) == []


def test_time_never_goes_back() -> None:
    play = quick()
    play.hear(DeviceSaid(50.0, "panel", "lick", {}), DeviceSaid(20.0, "panel", "lick", {}))
    assert play.run.now == 50.0


def test_fates_that_never_come_end_the_run_after_ten_seconds() -> None:
    play = quick(("trials: 5", "trials: 1"))
    lick(play)
    assert play.run.phase == "finishing"
    assert play.run.timers == {"fates": play.now(10.0)}
    assert phases(play)[-1] == "finishing"
    play.fire("fates")
    assert phases(play)[-1] == "completed"


def test_the_limit_of_reward_is_never_passed_and_ends_the_run() -> None:
    play = quick(("reward: 100 ul", "reward: 25 ul"))
    for _ in range(3):
        lick(play)
    assert play.run.total_reward == 20
    assert [each.reason for each in play.told(RewardRefused)] == ["it would exceed the limit of the run"]
    assert play.run.phase == "finishing"
    exact = quick(("reward: 100 ul", "reward: 20 ul"))
    lick(exact)
    lick(exact)
    assert exact.run.reason == "the limit of reward is reached"


def test_an_amount_that_is_not_above_zero_is_refused() -> None:
    play = quick(("do: [{reward: true}]", "do: [{reward: 10 ul * (1 - trial.number)}]"))
    lick(play)
    assert play.told(RewardRefused)[0].reason == "the amount is not above 0"


def test_a_pause_is_silent_and_resume_goes_on_with_the_next_trial() -> None:
    play = quick()
    effects = play.hear(PauseAsked(2.0, "eve", "cleaning"))
    assert isinstance(effects[-1], PhaseChanged) and effects[-1].reason == "cleaning"
    assert outcomes(play) == ["interrupted"]
    assert isinstance(play.hear(PauseAsked(2.0, "eve"))[0], AskRefused)
    assert isinstance(play.hear(RewardAsked(2.0, "eve", 5.0))[0], AskRefused)
    lick(play)
    assert play.hear(ResumeAsked(3.0, "eve"))[1] == TrialBegan(2, "", {})
    assert isinstance(play.hear(ResumeAsked(3.0, "eve"))[0], AskRefused)


def test_the_session_can_end_while_paused_without_a_word() -> None:
    play = quick()
    play.settle()
    play.hear(PauseAsked(2.0, "eve"))
    play.settle()
    effects = play.fire("session")
    assert not [each for each in effects if isinstance(each, SendCommand)]
    assert play.run.phase == "completed"


def test_stop_ends_after_the_trial_and_a_pause_then_ends_it_at_once() -> None:
    play = quick()
    assert play.hear(StopAsked(2.0, "eve")) == []
    lick(play)
    assert (play.run.phase, play.run.ending, play.run.reason) == ("finishing", "stopped", "by eve")
    assert isinstance(play.hear(StopAsked(2.0, "eve"))[0], AskRefused)
    other = quick()
    other.hear(StopAsked(2.0, "eve", "tired"), PauseAsked(2.0, "eve"))
    assert (other.run.ending, other.run.reason) == ("stopped", "tired")
    paused = quick()
    paused.hear(PauseAsked(2.0, "eve"), StopAsked(3.0, "eve"))
    assert paused.run.ending == "stopped"
    early = Play(changed(QUICK))
    early.hear(StopAsked(0.0, "eve"))
    assert early.run.phase == "stopped"


def test_a_session_that_lasted_as_long_as_it_may_is_completed_and_its_open_trial_interrupted() -> None:
    play = quick()
    effects = play.hear(SessionOver(2.0, "long enough"))
    assert [each.outcome for each in effects if isinstance(each, TrialEnded)] == ["interrupted"]
    assert (play.run.phase, play.run.ending, play.run.reason) == ("finishing", "completed", "long enough")
    assert play.hear(SessionOver(3.0, "again")) == []
    early = Play(changed(QUICK))
    early.hear(SessionOver(0.0, "it never began"))
    assert early.run.phase == "stopped"


def test_abort_ends_now_whatever_is_under_way() -> None:
    play = quick()
    play.hear(AbortAsked(2.0, "eve"))
    assert (play.run.phase, outcomes(play)) == ("finishing", ["interrupted"])
    play.hear(AbortAsked(2.5, "eve", "now"))
    assert (play.run.phase, play.run.reason) == ("aborted", "now")
    early = Play(changed(QUICK))
    early.hear(AbortAsked(0.0, "eve"))
    assert early.run.phase == "aborted"


def test_what_breaks_a_run() -> None:
    for before, after in ((0, "failed"), (4, "finishing")):
        play = Play(changed(QUICK))
        play.hear(*LEGS[:before], Broken(2.0, "the pump is gone"))
        assert play.run.phase == after
    play.hear(Broken(3.0, "the panel, too"))
    assert (play.run.ending, play.run.reason) == ("failed", "the panel, too")


def test_manual_rewards_count_towards_the_limit() -> None:
    play = quick()
    play.hear(RewardAsked(2.0, "eve", -1.0), RewardAsked(2.0, "eve", 95.0))
    lick(play)
    assert play.run.total_reward == 95
    assert len(play.told(RewardRefused)) == 2
    none = quick(*UNPAID, ("do: [{reward: true}]", "do: [{marker: m}]"))
    assert isinstance(none.hear(RewardAsked(2.0, "eve", 1.0))[0], AskRefused)


def test_parameters_change_from_the_next_trial() -> None:
    play = Play(kitchen()).begin()
    assert isinstance(play.hear(ParameterAsked(1.0, "eve", "volume", 99.0))[0], AskRefused)
    assert isinstance(play.hear(ParameterAsked(1.0, "eve", "nope", 1))[0], AskRefused)
    assert isinstance(play.hear(ParameterAsked(1.0, "eve", "image", "sun"))[0], AskRefused)
    assert isinstance(play.hear(ParameterAsked(1.0, "eve", "bright", 1))[0], AskRefused)
    assert play.hear(ParameterAsked(1.0, "eve", "volume", 20.0)) == []
    assert play.run.scope["volume"] == 10
    play.hear(PauseAsked(2.0, "eve"), ResumeAsked(2.0, "eve"))
    while not play.run.open:
        play.fire("interval")
    assert play.run.scope["volume"] == 20
    assert play.told(ParameterSet) == [ParameterSet("volume", 20.0)]


@pytest.mark.parametrize(("policy", "phase"), [("resume", "running"), ("ask", "recovering"), ("abort", "finishing")])
def test_recovery_by_policy(policy: str, phase: str) -> None:
    play = quick(("recovery: resume", f"recovery: {policy}"))
    effects = play.hear(Recovered(5.0))
    assert effects[0] == SetTimer("session", 601.0)
    assert outcomes(play)[:1] == ["interrupted"]
    assert play.run.phase == phase
    assert play.hear(TimerFired(6.0, "1.0")) == []
    if policy == "ask":
        play.hear(Recovered(6.0), ResumeAsked(7.0, "eve"))
        assert play.run.trial == 2


def test_recovery_in_other_phases() -> None:
    play = Play(changed(QUICK))
    assert play.hear(Recovered(0.0)) == []
    play.hear(*LEGS[:3])
    assert play.hear(Recovered(0.5)) == [PhaseChanged("scheduled", "arming was interrupted")]
    play.hear(*LEGS[2:], PauseAsked(2.0, "eve"), Recovered(3.0))
    assert play.run.phase == "paused"
    play.hear(AbortAsked(4.0, "eve"))
    assert play.hear(Recovered(5.0)) == [SetTimer("fates", 14.0)]


def test_a_fault_in_an_expression_fails_the_run_and_still_makes_safe() -> None:
    broken = ("do: [{reward: true}]", "do: [{set: {n: 1 / (1 - trial.number)}}]")
    play = quick(broken, VARIABLE, *UNPAID)
    lick(play)
    assert play.run.ending == "failed"
    assert "has no value now" in play.run.reason
    assert play.told(SendCommand)[-1].name == "clear_screen"
    unsafe = quick(("safe: [", "safe: [{set: {n: 1 / (1 - trial.number)}}, "), VARIABLE)
    unsafe.hear(AbortAsked(2.0, "eve"))
    assert "making safe" in unsafe.run.reason
    assert unsafe.told(SendCommand)[-1].name == "clear_screen"


def test_devices_that_never_answer_fail_the_run() -> None:
    play = quick(("trials: 5", "trials: 500"), ("reward: 100 ul", "reward: 100 ml"))
    for _ in range(150):
        lick(play)
    assert play.run.ending == "failed"
    assert "do not answer" in play.run.reason
    assert len(play.run.pending) == 100


def test_states_that_follow_each_other_for_ever_fail_the_run() -> None:
    circle = "  one:\n    transitions:\n      - when: trial.number > 0\n        to: two\n      - event: panel.lick\n        do: [{reward: true}]\n        end: done\n  two:\n    transitions:\n      - when: trial.number > 0\n        to: one\n      - after: 1 s\n        end: done\n"  # noqa: E501
    text = QUICK[: QUICK.index("  one:")] + circle + QUICK[QUICK.index("safe:") :]
    play = Play(changed(text)).begin()
    assert "at one instant" in play.run.reason


def test_an_event_that_lacks_a_field_opens_nothing() -> None:
    play = Play(plan_of("two_choice")).begin()
    play.fire("1.")
    play.hear(DeviceSaid(9.0, "panel", "touch", {"x": 5}))
    play = Play(plan_of("two_choice")).begin()
    play.fire("1.")
    play.hear(DeviceSaid(9.0, "panel", "touch", {}))
    assert play.told(StateEntered)[-1].state == "timeout"


def test_the_kitchen_is_cooked() -> None:
    play = Play(kitchen(("odds: {default: 0.3", "odds: {default: 1"))).begin()
    for _ in range(3):
        play.touch(799)
    assert play.told(StateEntered)[-1].state == "win"
    assert [each.reason for each in play.told(RewardRefused)] == ["this trial was rewarded already"]
    play.settle("failed")
    assert play.run.scope["waited"] > 0
    play.fire(f"{play.run.entry}.")
    assert outcomes(play) == ["good"]


def test_a_metric_a_condition_and_a_staircase() -> None:
    play = Play(kitchen(("interval: \"wait if side == 'left' else 0 s\"", "interval: 0 s"))).begin()
    for _ in range(3):
        play.hear(
            MetricSaid(play.now(1.0), "room", "temperature_c", 20.0), MetricSaid(play.now(1.0), "room", "temperature_c", 35.0)
        )
    assert outcomes(play) == ["bad"] * 3
    assert play.told(StaircaseMoved)[-1] == StaircaseMoved("level", 2)
    assert play.told(BlockBegan) == [BlockBegan(0, "first"), BlockBegan(1, "second")]
    assert play.run.scope["odds"] == 0.9


def test_blocks_repeat_stay_or_finish() -> None:
    for after, blocks, phase in (("repeat", 2, "running"), ("stay", 1, "running"), ("finish", 1, "finishing")):
        play = quick(("states:\n", f"blocks: [{{name: b, trials: 1}}]\nafter_blocks: {after}\nstates:\n"))
        lick(play)
        assert len(play.told(BlockBegan)) == blocks
        assert play.run.phase == phase


def test_weights_that_make_no_sense_fail_the_run() -> None:
    text = ("states:\n", "draws: {d: {values: {a: trial.number - 5, b: 1}}}\nstates:\n")
    play = Play(
        changed(QUICK, text, ("trial: {start: one}", "trial: {start: one, interval: \"1 s if d == 'a' else 0 s\"}"))
    ).begin()
    assert "is negative" in play.run.reason


def test_a_value_is_drawn_no_more_often_in_a_row_than_allowed() -> None:
    play = Play(
        classic("two_choice", ("max_run: 4", "max_run: 1"), ("p_left: {default: 0.5", "p_left: {default: 0.99")), seed=4
    ).begin()
    for _ in range(20):
        play.hear(PauseAsked(play.now(), "eve"), ResumeAsked(play.now(), "eve"))
        play.fire("interval")
    sides = [each.drawn["side"] for each in play.told(TrialBegan)]
    assert all(one != other for one, other in pairwise(sides))


def test_a_lonely_value_is_drawn_for_ever() -> None:
    play = Play(classic("two_choice", ("max_run: 4", "max_run: 1"), ("p_left: {default: 0.5", "p_left: {default: 1"))).begin()
    play.hear(PauseAsked(2.0, "eve"), ResumeAsked(2.0, "eve"))
    play.fire("interval")
    assert [each.drawn["side"] for each in play.told(TrialBegan)] == ["left", "left"]


def test_fates_of_strangers_and_of_older_trials_open_nothing() -> None:
    play = Play(plan_of("two_choice")).begin()
    assert play.hear(CommandSettled(2.0, UUID(int=9), "succeeded")) == []
    play.fire("1.")
    old = list(play.run.pending)
    play.hear(PauseAsked(3.0, "eve"), ResumeAsked(3.0, "eve"))
    assert play.hear(CommandSettled(3.0, old[0], "succeeded")) == []


def test_a_fate_that_nobody_waits_for_changes_nothing() -> None:
    play = Play(plan_of("two_choice")).begin()
    play.fire("1.")
    assert play.settle() == []
    assert play.run.pending == {}
    touched = Play(plan_of("fixed_ratio")).begin()
    for _ in range(5):
        touched.touch()
    assert touched.told(StateEntered)[-1].state == "reward"
    assert touched.settle("failed")
    assert touched.told(TrialEnded)[-1].outcome == "omission"


def test_a_timer_whose_condition_does_not_hold_is_over_and_no_more() -> None:
    play = Play(kitchen()).begin()
    assert play.fire("1.4") == []
    assert "1.4" not in play.run.timers
    assert play.told(StateEntered)[-1].state == "begin"


def test_new_runs_take_parameters_within_bounds() -> None:
    plan: Plan = kitchen()
    assert new_run(plan, RUN_ID, 1, {"volume": 30.0}).scope["volume"] == 30
    with pytest.raises(ValueError, match="there is no parameter 'nope'"):
        new_run(plan, RUN_ID, 1, {"nope": 1})
    with pytest.raises(ValueError, match="must be at most 60"):
        new_run(plan, RUN_ID, 1, {"volume": 61.0})


def test_chance_is_even_and_repeats_itself() -> None:
    numbers = [uniform(42, n) for n in range(20_000)]
    assert numbers == [uniform(42, n) for n in range(20_000)]
    assert abs(sum(numbers) / 20_000 - 0.5) < 0.01
    tenths = [sum(int(number * 10) == n for number in numbers) for n in range(10)]
    assert all(1850 < each < 2150 for each in tenths)
    follow = sum((one - 0.5) * (other - 0.5) for one, other in pairwise(numbers)) / 20_000
    assert abs(follow) < 0.002
    assert all(0 <= uniform(seed, 1) < 1 for seed in (-5, 0, 2**70))
    assert [picked([1, 0, 3], number) for number in (0.0, 0.24, 0.26, 0.999999)] == [0, 0, 2, 2]
    assert picked([1e-300, 1.0], 1.0) == 1
    with pytest.raises(ValueError, match="negative"):
        picked([-1, 2], 0.5)
    with pytest.raises(ValueError, match="above 0"):
        picked([0, 0], 0.5)
