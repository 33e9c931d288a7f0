"""What a calibrated device is told."""

from __future__ import annotations

from uuid import UUID

import pytest

from drivers.native.spec import DEVICE_TYPES
from lics_actors.experiment.checks import prepared
from lics_actors.experiment.library import protocol_of
from lics_actors.experiment.messages import SendCommand
from lics_actors.experiment.plan import Plan
from lics_actors.welfare.calibration import Curve
from lics_actors.welfare.messages import Limits, Substance
from lics_actors.welfare.taking import limits_of
from lics_actors.welfare.telling import calibrated

CURVE = Curve(0.8, 1.0, 5, 50)


def plan_of(name: str) -> Plan:
    plan, _ = prepared(protocol_of(name), DEVICE_TYPES)
    return plan


def test_of_a_reward_the_amount_is_told_so_that_the_wanted_comes_out() -> None:
    plan = plan_of("two_choice")
    assert plan.reward is not None
    role, argument = plan.reward.role, plan.reward.argument
    reward = SendCommand(UUID(int=1), role, plan.reward.command, {argument: 9.0}, 1, 9.0)
    other = SendCommand(UUID(int=2), role, "stop", {}, 1)
    told = calibrated(plan, {role: CURVE})
    assert told(reward) == {argument: pytest.approx(10.0)}
    assert told(other) == {}
    assert calibrated(plan, {})(reward) == {argument: 9.0}, "nobody calibrated it"


def test_limits_come_from_what_is_kept_with_the_subject() -> None:
    daily = {"fluid_ul": {"min": 800, "max": 2000}, "food_pellets": {"target": 5, "max": 90}}
    limits = limits_of(daily, 3600, None)
    assert limits == Limits(max_fluid=2000, min_fluid=800, max_pellets=90, session_s=3600)
    assert [limits.most(each) for each in Substance] == [2000, None, 90]
    assert [limits.least(each) for each in Substance] == [800, None, None]
    assert limits_of({}) == Limits()
