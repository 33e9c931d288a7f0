"""Subjects of a rehearsal: one that does anything, one that knows the task, one with a habit. Pure.

They answer what the present state listens to, after the reaction times of the subjects that live at simulated devices
(drivers/native/subject.py); nothing may be concluded from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any, Final

from drivers.native.subject import ATTENTION, HABIT, SubjectModel, reaction_s
from drivers.protocol import Description
from lics_actors.experiment.messages import DeviceSaid
from lics_actors.experiment.plan import Plan, PlanState, Way
from lics_actors.experiment.state import RunState
from lics_actors.experiment.trials import opened

TRIES: Final = 64  # to find by chance an event that opens a way
_DEVICES_OWN: Final = frozenset({"dispensed", "reservoir_low", "pellets_dropped", "switched", "lease_expired"})

Answer = tuple[float, DeviceSaid]  # after so many seconds


class Subject:
    """Plans the next answer for the state a trial is in."""

    def __init__(self, plan: Plan, devices: Mapping[str, Description], model: SubjectModel, dice: Random) -> None:
        self._plan, self._devices, self._model, self._dice = plan, devices, model, dice
        self._worth = worths(plan)
        self._keys = [[key for key in state.heard if _is_subjects(key)] for state in plan.states]
        self._found: dict[tuple[int, int], list[dict[str, Any]]] = {}
        self._habits: dict[int, tuple[str, dict[str, Any]]] = {}

    def answer(self, run: RunState) -> Answer | None:
        """Return what the subject does next, if nothing else happens before; None: it waits."""
        state = self._plan.states[run.state]
        keys = self._keys[run.state]
        if not keys:
            return None
        said = self._best(run, state) if self._model == "ideal" else self._any(state, keys)
        if said is None:
            return None
        return reaction_s(self._dice), said

    def _any(self, state: PlanState, keys: list[str]) -> DeviceSaid | None:
        if state.timers and self._dice.random() >= ATTENTION:
            return None
        key = keys[int(self._dice.random() * len(keys))]
        if self._model == "biased" and self._dice.random() < HABIT:
            key, data = self._habits.setdefault(state.index, (key, self._sample(key)))
            return _said(key, data)
        return _said(key, self._sample(key))

    def _best(self, run: RunState, state: PlanState) -> DeviceSaid | None:
        ways = sorted((way for way in state.ways if f"event:{way.subject}" in self._keys[state.index]), key=self._key(state))
        waiting = max((self._worth_of(state, way) for way in state.timers), default=-1.0)
        for way in ways:
            if self._worth_of(state, way) < waiting:
                return None
            data = self._opening(run, way)
            if data is not None:
                return _said(f"event:{way.subject}", data)
        return None

    def _key(self, state: PlanState) -> Any:
        return lambda way: -self._worth_of(state, way)

    def _worth_of(self, state: PlanState, way: Way) -> float:
        return worth(self._plan, self._worth, state, way)

    def _opening(self, run: RunState, way: Way) -> dict[str, Any] | None:
        """Return data of an event that opens this way now: one that did before, or one found by chance."""
        key = f"event:{way.subject}"
        known = self._found.setdefault((run.state, way.index), [])
        for data in known:
            if opened(self._plan, run, key, data) is way:
                return data
        for _ in range(TRIES):
            data = self._sample(key)
            if opened(self._plan, run, key, data) is way:
                self._found[run.state, way.index] = [data, *known[:3]]
                return data
        return None

    def _sample(self, key: str) -> dict[str, Any]:
        role, _, event = key.removeprefix("event:").partition(".")
        described = self._devices[self._plan.document.roles[role].type]
        fields = described.events[event].data.get("properties", {})
        return {name: sample(schema, self._dice) for name, schema in fields.items()}


def sample(schema: Mapping[str, Any], dice: Random) -> Any:
    """Return a value that a simple JSON Schema allows."""
    kinds = schema.get("type")
    kind = kinds[0] if isinstance(kinds, list) else kinds
    if "enum" in schema:
        return dice.choice(schema["enum"])
    low, high = schema.get("minimum", 0), schema.get("maximum", 100)
    match kind:
        case "integer":
            return low + int(dice.random() * (high - low + 1))
        case "number":
            return low + dice.random() * (high - low)
        case "boolean":
            return dice.random() < 0.5
        case _:
            return None if isinstance(kinds, list) and "null" in kinds else "x"


def worths(plan: Plan) -> list[float]:
    """Return for each state how good an outcome can be reached from it, less a little for each step."""
    found = [0.0] * len(plan.states)
    for _ in plan.states:
        found = [max((worth(plan, found, state, way) for way in state.ways), default=0.0) for state in plan.states]
    return found


def worth(plan: Plan, found: list[float], state: PlanState, way: Way) -> float:
    """Return how good a way is."""
    if way.end is not None:
        return 1.0 if plan.document.outcomes[way.end].good else 0.0
    if not way.targets:
        return 0.99 * found[state.index]
    return 0.99 * max(found[target] for target, _ in way.targets)


def _said(key: str, data: dict[str, Any]) -> DeviceSaid:
    role, _, event = key.removeprefix("event:").partition(".")
    return DeviceSaid(0.0, role, event, data)


def _is_subjects(key: str) -> bool:
    return key.startswith("event:") and key.partition(".")[2] not in _DEVICES_OWN
