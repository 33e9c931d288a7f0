"""Rehearsal: every classic runs to its end with every subject, and replays identically."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import get_args

import pytest

from drivers.native.spec import DEVICE_TYPES
from drivers.native.subject import SubjectModel
from lics_actors.experiment.checks import prepared
from lics_actors.experiment.library import classics, protocol_of, text_of
from lics_actors.experiment.messages import SendCommand, TrialBegan
from lics_actors.experiment.reading import read
from lics_actors.experiment.rehearsal import Rehearsal, rehearse
from lics_actors.experiment.replay import replay
from lics_actors.experiment.subjects import sample
from tests.unit.experiment.kitchen import classic, plan_of

OFF_SCREEN = ("(event.x < 400) == (side == 'left')", "event.x > 5000")
NO_TIMEOUT = (
    "  timeout:\n    enter:\n      - marker: error\n    transitions:\n      - after: timeout\n        end: incorrect\n",
    "",
)


def test_six_classics_are_shipped_without_a_warning() -> None:
    assert len(classics()) == 6
    for name in classics():
        _, warnings = prepared(protocol_of(name), DEVICE_TYPES)
        assert warnings == ()


@pytest.mark.parametrize("subject", get_args(SubjectModel))
@pytest.mark.parametrize("name", classics())
def test_a_classic_runs_to_its_end_and_replays(name: str, subject: SubjectModel) -> None:
    plan = plan_of(name)
    done = rehearse(Rehearsal(plan, DEVICE_TYPES, 150, subject, seed=7))
    told = done.tally.document()
    assert done.difference is None
    assert told["trials"] >= 150
    assert not [why for why in told["endings"] if not why.startswith(("completed", "stopped: enough"))]
    assert plan.max_reward is not None
    assert told["reward"]["max"] <= plan.max_reward


@pytest.mark.parametrize("name", classics())
def test_a_subject_that_knows_the_task_does_well(name: str) -> None:
    plan = plan_of(name)
    outcomes = rehearse(Rehearsal(plan, DEVICE_TYPES, 200, "ideal")).tally.outcomes
    good = sum(outcomes[each] for each, outcome in plan.document.outcomes.items() if outcome.good)
    assert good / outcomes.total() >= 0.95


@pytest.mark.parametrize("name", classics())
def test_random_and_ideal_together_see_every_state(name: str) -> None:
    plan = plan_of(name)
    seen = {
        state
        for subject in get_args(SubjectModel)
        for state in rehearse(Rehearsal(plan, DEVICE_TYPES, 300, subject)).tally.states
    }
    assert seen == {state.name for state in plan.states}


def test_a_random_subject_is_right_half_of_the_time() -> None:
    outcomes = rehearse(Rehearsal(plan_of("two_choice"), DEVICE_TYPES, 3000, "random", seed=3)).tally.outcomes
    assert 0.45 < outcomes["correct"] / (outcomes["correct"] + outcomes["incorrect"]) < 0.55


def test_the_same_seed_gives_the_same_rehearsal_and_another_seed_another() -> None:
    plan = plan_of("go_nogo")
    first, again, other = (rehearse(Rehearsal(plan, DEVICE_TYPES, 300, "random", seed)).tally.document() for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_progressive_ratio_raises_its_price_until_the_subject_gives_up() -> None:
    plan = plan_of("progressive_ratio")
    told = rehearse(Rehearsal(plan, DEVICE_TYPES, 60, "random")).tally.document()
    assert told["sessions"] > 5
    assert any("last block" in why for why in told["endings"])


def test_habituation_passes_its_stages() -> None:
    done = rehearse(Rehearsal(plan_of("touch_habituation"), DEVICE_TYPES, 40, "ideal"))
    assert done.tally.outcomes["collected"] == 20
    assert done.tally.outcomes["touched"] == 20


def test_the_limit_of_reward_ends_a_session() -> None:
    plan = classic("two_choice", ("reward: 2 ml", "reward: 100 ul"))
    told = rehearse(Rehearsal(plan, DEVICE_TYPES, 30, "ideal")).tally.document()
    assert told["reward"]["max"] == 96.0  # 12 drops of 8 ul
    assert told["reward"]["refused"] == 2
    assert set(told["endings"]) >= {"completed: the limit of reward is reached"}


def test_an_empty_reservoir_is_a_failed_command() -> None:
    plan = classic(
        "fixed_ratio", ("reward: 1.5 ml", "reward: 100 ml"), ("trials: 150", "trials: 3000"), ("time: 60 min", "time: 48 h")
    )
    outcomes = rehearse(Rehearsal(plan, DEVICE_TYPES, 2050, "ideal")).tally.outcomes
    assert outcomes["earned"] == 2000  # a syringe of 20 ml, drops of 10 ul
    assert outcomes["omission"] == 50


def test_a_protocol_without_trials_is_rehearsed_once() -> None:
    plan = classic("two_choice", ("foreperiod: {min: 0.5 s, max: 1.5 s}", "foreperiod: {min: 500 h, max: 501 h}"))
    done = rehearse(Rehearsal(plan, DEVICE_TYPES, 5, "ideal"))
    assert done.tally.trials == 5
    assert done.tally.outcomes["interrupted"] == 5


def test_a_device_that_nobody_describes_answers_at_once() -> None:
    devices = {**DEVICE_TYPES, "tone": replace(DEVICE_TYPES["pump"], type="tone")}
    text = text_of("two_choice").replace("type: pump", "type: tone")
    plan = prepared(read(text), devices)[0]
    assert rehearse(Rehearsal(plan, devices, 20, "ideal")).tally.outcomes["correct"] == 20


def test_a_replay_finds_the_first_difference() -> None:
    from uuid import UUID

    from lics_actors.experiment.engine import reduce
    from lics_actors.experiment.messages import Armed, Arming, Scheduled, Validated
    from lics_actors.experiment.state import new_run

    plan = plan_of("two_choice")
    run = first = new_run(plan, UUID(int=1), 5)
    recorded = []
    for event in (Validated(0), Scheduled(0), Arming(0), Armed(1)):
        run, effects = reduce(plan, run, event)
        recorded.append((event, effects))
    assert replay(plan, first, recorded) is None
    other = replay(plan, new_run(plan, UUID(int=1), 6), recorded)
    assert other is not None
    assert other.position == 3
    assert isinstance(other.expected, TrialBegan)
    less = replay(plan, first, [*recorded[:3], (recorded[3][0], recorded[3][1][:-1])])
    assert less is not None and less.expected is None and less.found == recorded[3][1][-1]
    more = replay(plan, first, [(recorded[0][0], [*recorded[0][1], SendCommand(UUID(int=2), "a", "b", {}, 1)])])
    assert more is not None and more.found is None and isinstance(more.expected, SendCommand)


def test_a_session_that_comes_to_no_end_is_given_up() -> None:
    done = rehearse(Rehearsal(plan_of("two_choice"), DEVICE_TYPES, 5, max_events=1))
    assert done.tally.document()["trials"] == 0
    assert done.tally.document()["endings"] == {"running: ": 1}


def test_an_ideal_subject_that_finds_no_answer_waits() -> None:
    plan = classic("two_choice", OFF_SCREEN, ("        to: timeout\n", "        do: [{marker: touched}]\n"), NO_TIMEOUT)
    done = rehearse(Rehearsal(plan, DEVICE_TYPES, 20, "ideal"))
    assert set(done.tally.outcomes) == {"omission"}
    omissions = "      - event: panel.touch\n        to: timeout\n      - after: window\n        end: omission\n"
    deaf = classic("two_choice", OFF_SCREEN, (omissions, ""), NO_TIMEOUT)
    assert set(rehearse(Rehearsal(deaf, DEVICE_TYPES, 2, "ideal")).tally.outcomes) == {"interrupted"}


def test_samples_follow_their_schema() -> None:
    dice = Random(1)
    assert sample({"enum": ["a"]}, dice) == "a"
    assert sample({"type": "integer", "minimum": 3, "maximum": 3}, dice) == 3
    assert 0 <= sample({"type": "number"}, dice) <= 100
    assert {sample({"type": "boolean"}, dice) for _ in range(50)} == {True, False}
    assert sample({"type": ["string", "null"]}, dice) is None
    assert sample({"type": "string"}, dice) == "x"
