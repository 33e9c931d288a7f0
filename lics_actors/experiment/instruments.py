"""The devices of a rehearsal: the simulator's own instruments, under virtual time. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from drivers.native.simulator.dispensers import Feeder, Pump
from drivers.native.simulator.environment import Environment
from drivers.native.simulator.lickometer import Lickometer
from drivers.native.simulator.model import Model
from drivers.native.simulator.switch import Switch
from lics_actors.experiment.messages import CommandSettled, DeviceSaid, Event, SendCommand
from lics_actors.experiment.plan import Plan

ANSWER_S: Final = 0.003  # a command's way to a device and back on a laboratory's network (docs/performance.md)
MODELS: Final[Mapping[str, Callable[[], Model]]] = {
    "pump": Pump,
    "feeder": Feeder,
    "lickometer": Lickometer,
    "environment": Environment,
    "actuator": Switch,
}


class Instruments:
    """One rig. A device of a type that nobody simulates does at once what it is told."""

    def __init__(self, plan: Plan) -> None:
        types = {role: each.type for role, each in plan.document.roles.items()}
        self._models: dict[str, Model] = {role: MODELS[kind]() for role, kind in types.items() if kind in MODELS}

    def obey(self, command: SendCommand, at: float) -> list[Event]:
        """Return what is heard of a command, each with its time."""
        model = self._models.get(command.role)
        if model is None:
            return [CommandSettled(at + ANSWER_S, command.id, "succeeded")]
        ready = at + ANSWER_S + model.duration_s(command.name, command.args)
        done = model.finish(command.name, command.args, 1.0)
        self._models[command.role] = done.model
        said: list[Event] = [DeviceSaid(ready, command.role, each.type, _data(each.data)) for each in done.events]
        return [*said, CommandSettled(ready, command.id, "succeeded" if done.error is None else "failed")]


def _data(data: Mapping[str, Any] | None) -> dict[str, Any]:
    return dict(data or {})
