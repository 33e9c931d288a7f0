"""One event's work on a run: the run's own copy, and what is to be done. Pure."""

from __future__ import annotations

from copy import copy
from typing import Any
from uuid import UUID, uuid5

from lics_actors.experiment import chance
from lics_actors.experiment.expressions import EvaluationError, Expression
from lics_actors.experiment.messages import CancelTimer, Effect, Phase, PhaseChanged, SetTimer
from lics_actors.experiment.plan import Plan
from lics_actors.experiment.state import RunState

_CLOCKS = frozenset({"session.time", "trial.time", "block.time"})


class Turn:
    """`run` may be changed, its dictionaries only by the methods here: they may belong to an earlier state."""

    __slots__ = ("_own", "at", "effects", "plan", "run")

    def __init__(self, plan: Plan, before: RunState, at: float) -> None:
        self.plan, self.at = plan, max(at, before.now)
        self.run = copy(before)
        self.run.now = self.at
        self.effects: list[Effect] = []
        self._own = False

    def tell(self, effect: Effect) -> None:
        """Have something done."""
        self.effects.append(effect)

    def put(self, name: str, value: Any) -> None:
        """Give a name of the scope a value."""
        self._scope()[name] = value

    def hear(self, fields: dict[str, Any]) -> None:
        """Let expressions read an event's fields, and none of an earlier one."""
        for name in self.plan.fields:
            if name in fields:
                self.put(name, fields[name])
            elif name in self.run.scope:
                self._scope().pop(name)

    def value(self, expression: Expression) -> Any:
        """Return an expression's value now."""
        if expression.node is None:
            return expression.constant
        if not _CLOCKS.isdisjoint(expression.names):
            self._wind()
        return expression.value(self.run.scope)

    def number(self) -> float:
        """Return the next number of chance."""
        self.run.drawn += 1
        return chance.uniform(self.run.seed, self.run.drawn)

    def pick(self, weights: list[float]) -> int:
        """Return an index by weight.

        Raises:
            EvaluationError: a weight is negative, or none is above 0.
        """
        try:
            return chance.picked(weights, self.number())
        except ValueError as error:
            raise EvaluationError(str(error)) from None

    def move(self, phase: Phase, reason: str = "") -> None:
        """Go to another phase."""
        self.run.phase = phase
        self.tell(PhaseChanged(phase, reason))

    def set_timer(self, timer: str, due: float) -> None:
        """Have a timer fire."""
        self.run.timers = {**self.run.timers, timer: due}
        self.tell(SetTimer(timer, due))

    def cancel(self, *timers: str) -> None:
        """Forget timers, where they are set."""
        gone = [timer for timer in timers if timer in self.run.timers]
        if gone:
            self.run.timers = {timer: due for timer, due in self.run.timers.items() if timer not in gone}
            for timer in gone:
                self.tell(CancelTimer(timer))

    def command_id(self) -> UUID:
        """Return the next command's id: of this run, this trial, this ordinal."""
        self.run.ordinal += 1
        return uuid5(self.run.run_id, f"{self.run.trial}/{self.run.ordinal}")

    def _scope(self) -> dict[str, Any]:
        if not self._own:
            self.run.scope, self._own = dict(self.run.scope), True
        return self.run.scope

    def _wind(self) -> None:
        run = self.run
        self.put("session.time", max(0.0, self.at - run.began))
        self.put("trial.time", max(0.0, self.at - run.trial_began))
        self.put("block.time", max(0.0, self.at - run.block_began))
