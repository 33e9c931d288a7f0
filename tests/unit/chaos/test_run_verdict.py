"""The audit of runs sees each lost trial, each reward too many, each limit passed, each decision that cannot be repeated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import msgspec
import pytest

from drivers.description import description_json
from drivers.native.spec import DEVICE_TYPES
from lics_actors.experiment.messages import CommandSettled, SendCommand, TrialBegan, TrialEnded
from lics_actors.store.run_records import RunOpened, RunStepped
from tests.system.chaos.run_verdict import Account, Gift, RowOfReward, RowOfTrial, days, judged
from tests.system.chaos.verdict import Finding
from tests.unit.experiment.kitchen import RUN_ID, Play, classic

NOW = datetime(2026, 11, 23, tzinfo=UTC)
LIMITED = ("trials: 300", "trials: 3"), ("reward: 2 ml", "reward: 60 ul")


class Case:
    """A clean run of three rewarded trials, and what devices and tables say of it."""

    def __init__(self) -> None:
        play = Play(classic("two_choice", *LIMITED)).begin()
        while play.run.phase == "running":
            if play.run.pending:
                play.settle()
            elif play.run.open and play.plan.states[play.run.state].name == "choice":
                play.touch(700 if play.run.scope["side"] == "right" else 100)
            else:
                play.fire("") if play.run.timers.keys() - {"session"} else None
        play.settle()
        document = play.plan.document.model_dump(mode="json", by_alias=True, exclude_none=True)
        described = {kind: description_json(DEVICE_TYPES[kind]) for kind in ("pump", "lickometer")}
        opened = RunOpened(RUN_ID, NOW, uuid4(), uuid4(), uuid4(), document, play.seed, "eve", described=described)
        steps = [
            RunStepped(RUN_ID, n, NOW + timedelta(seconds=event.at), event, tuple(effects))
            for n, (event, effects) in enumerate(play.recorded)
        ]
        self.account = Account(RUN_ID, opened, steps, play.run.phase)
        self.account.trials = [RowOfTrial(each.trial, each.outcome) for each in play.told(TrialEnded)]
        sent = [each for each in play.told(SendCommand) if each.reward is not None]
        self.account.rewards = [RowOfReward(each.id, each.reward, "succeeded") for each in sent]
        self.gifts = {each.id: Gift("succeeded", 1, each.reward) for each in sent}
        self.commands = dict.fromkeys(self.gifts, "succeeded")

    @property
    def first(self) -> UUID:
        return next(iter(self.gifts))

    def found(self) -> dict[str, Finding]:
        findings = judged([self.account], self.gifts, self.commands, 1)
        return {each.case.partition(":")[0]: each for each in findings if each.lost or each.doubled}


def test_a_clean_run_is_clean() -> None:
    case = Case()
    assert not case.found()
    assert len(case.gifts) == 3 == len(case.account.trials)
    assert [each.expected for each in judged([case.account], case.gifts, case.commands, 1)] == [1, 3, 3, 1, 1]


def _step_lost(case: Case) -> None:
    del case.account.steps[5]


def _step_twice(case: Case) -> None:
    case.account.steps.insert(5, case.account.steps[5])


def _not_over(case: Case) -> None:
    case.account.phase = "running"


def _trial_not_in_table(case: Case) -> None:
    del case.account.trials[1]


def _trial_twice_in_table(case: Case) -> None:
    case.account.trials.append(case.account.trials[0])


def _trial_with_another_outcome(case: Case) -> None:
    case.account.trials[0] = RowOfTrial(1, "omission")


def _reward_not_recorded(case: Case) -> None:
    del case.account.rewards[0]


def _reward_recorded_twice(case: Case) -> None:
    case.account.rewards.append(case.account.rewards[0])


def _reward_of_nobody(case: Case) -> None:
    case.gifts[uuid4()] = Gift("succeeded", 1, 8.0)


def _given_twice(case: Case) -> None:
    case.gifts[case.first] = Gift("succeeded", 2, 8.0)


def _given_and_not_said(case: Case) -> None:
    del case.gifts[case.first]


def _less_given(case: Case) -> None:
    case.gifts[case.first] = Gift("succeeded", 1, 4.0)


def _failed_and_recorded(case: Case) -> None:
    case.gifts[case.first] = Gift("failed", 1, 0.0)


def _run_and_table_differ(case: Case) -> None:
    case.commands[case.first] = "expired"


def _other_amount_recorded(case: Case) -> None:
    case.account.rewards[0] = replace(case.account.rewards[0], amount=9.0)


def _other_state_recorded(case: Case) -> None:
    case.account.rewards[0] = replace(case.account.rewards[0], state="expired")


def _decision_changed(case: Case) -> None:
    place = next(n for n, each in enumerate(case.account.steps) if any(isinstance(e, TrialBegan) for e in each.effects))
    case.account.steps[place] = msgspec.structs.replace(case.account.steps[place], effects=())


@pytest.mark.parametrize(
    ("spoil", "cases"),
    [
        (_step_lost, {"runs", "replay"}),
        (_step_twice, {"runs"}),
        (_not_over, {"runs"}),
        (_trial_not_in_table, {"trials"}),
        (_trial_twice_in_table, {"trials"}),
        (_trial_with_another_outcome, {"trials"}),
        (_reward_not_recorded, {"rewards"}),
        (_reward_recorded_twice, {"rewards"}),
        (_reward_of_nobody, {"rewards"}),
        (_given_twice, {"rewards"}),
        (_given_and_not_said, {"rewards"}),
        (_less_given, {"rewards"}),
        (_failed_and_recorded, {"rewards"}),
        (_run_and_table_differ, {"rewards"}),
        (_other_amount_recorded, {"rewards"}),
        (_other_state_recorded, {"rewards"}),
        (_decision_changed, {"trials", "replay"}),
    ],
)
def test_whatever_is_spoilt_is_found(spoil: Callable[[Case], None], cases: set[str]) -> None:
    case = Case()
    spoil(case)
    assert cases <= set(case.found()), case.found()


def test_a_run_that_is_missing_or_too_many_is_found() -> None:
    case = Case()
    for wanted, lost, doubled in ((2, 1, 0), (0, 0, 1)):
        found = judged([case.account], case.gifts, case.commands, wanted)[0]
        assert (found.lost, found.doubled) == (lost, doubled)


def test_more_than_the_limit_is_found_whatever_was_decided() -> None:
    case = Case()
    case.gifts = {each: Gift("succeeded", 1, 20.1) for each in case.gifts}
    assert "limits" in case.found()


@pytest.mark.parametrize("recorded", ["succeeded", "indeterminate"])
def test_a_doubt_that_was_settled_behind_the_run_is_no_fault(recorded: str) -> None:
    case = Case()
    for n, step in enumerate(case.account.steps):
        if isinstance(step.event, CommandSettled) and step.event.command_id == case.first:
            doubtful = msgspec.structs.replace(step.event, outcome="indeterminate")
            case.account.steps[n] = msgspec.structs.replace(step, event=doubtful)
    case.account.rewards[0] = replace(case.account.rewards[0], state=recorded)
    assert "rewards" not in case.found()
    case.commands[case.first] = "failed"
    assert "rewards" in case.found()


def test_a_subjects_day_is_held_against_its_limit_and_against_what_lics_says_of_it() -> None:
    case, subject, other = Case(), uuid4(), uuid4()
    assert case.account.opened is not None
    case.account.opened = msgspec.structs.replace(case.account.opened, subject_id=subject)
    given = sum(each.amount for each in case.gifts.values())

    def found(most: float = given, **said: float) -> tuple[int, int]:
        fluid = {"substance": "fluid", "surely": given, "at_most": given, "reserved": 0.0, **said}
        nothing = {**fluid, "surely": 0.0, "at_most": 0.0, "reserved": 0.0}
        told = {subject: {"substances": [fluid]}, other: {"substances": [nothing]}}
        verdict = days([case.account], case.gifts, told, most)
        assert verdict.expected == 2
        return verdict.lost, verdict.doubled

    assert found() == (0, 0)
    assert found(surely=given - 1, at_most=given + 1) == (0, 0), "a doubt is no lie"
    assert found(most=given - 0.1) == (0, 1)
    for lie in ({"surely": given + 1}, {"at_most": given - 1}, {"reserved": 4.0}):
        assert found(**lie) == (1, 0), lie
    assert days([case.account], case.gifts, {}, given).lost == 1, "LICS says nothing of the subject"
