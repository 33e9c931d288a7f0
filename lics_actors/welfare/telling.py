"""What a calibrated device is told, so that the wanted amount comes out. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lics_actors.experiment.messages import SendCommand
from lics_actors.experiment.plan import Plan
from lics_actors.experiment.quantities import VOLUME
from lics_actors.welfare.calibration import Curve


def calibrated(plan: Plan, curves: Mapping[str, Curve]) -> Callable[[SendCommand], dict[str, Any]]:
    """Return what turns a command's arguments into those its device is told: of a reward the amount, after the device's curve.

    The run's record keeps what was wanted, the command what was told.
    """
    reward = plan.reward
    curve = None if reward is None or reward.kind != VOLUME else curves.get(reward.role)  # half a pellet is none

    def told(command: SendCommand) -> dict[str, Any]:
        if reward is None or curve is None or command.reward is None:
            return command.args
        return {**command.args, reward.argument: curve.commanded(command.reward) / reward.factor}

    return told
