"""What a run knows: one value, from which its next decision follows. Pure."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from msgspec import Struct

from lics_actors.experiment.messages import Phase
from lics_actors.experiment.plan import Plan


class Pending(Struct, frozen=True):
    """A command whose fate is open."""

    subject: str  # role.name
    trial: int


class RunState(Struct):
    """A run at one moment. `reduce` returns a new one each time and changes none; nobody else may, either.

    It is not frozen because `reduce` works on its own copy of 25 fields, which halves the cost of an event.
    """

    run_id: UUID
    seed: int
    scope: dict[str, Any]  # what expressions read: parameters, variables, draws, staircases, counts
    phase: Phase = "draft"
    reason: str = ""  # why it is finishing
    ending: Phase = "completed"  # what it will be when finished
    trial: int = 0  # the number of the latest
    open: bool = False
    state: int = -1  # index of the present state, -1 between trials
    entry: int = 0  # counts entered states over the whole run: names timers
    trial_began: float = 0.0
    ordinal: int = 0  # of the latest command of this trial
    rewarded: float = 0.0  # in this trial by the protocol
    entitled: bool = False  # the open trial has not been rewarded yet
    total_reward: float = 0.0  # of the run, by hand too
    drawn: int = 0  # how often chance was asked
    now: float = 0.0  # the latest time heard; it never goes back
    began: float = 0.0
    block: int = -1
    block_began: float = 0.0
    last: tuple[Phase, str] | None = None  # the open trial is the last: what the run will be then, and why
    timers: dict[str, float] = {}
    pending: dict[UUID, Pending] = {}
    wishes: dict[str, Any] = {}  # parameters from the next trial on
    runs: dict[str, tuple[Any, int]] = {}  # of draws with `max_run`: the latest value, how often in a row
    steps: dict[str, int] = {}  # of staircases: trials in a row, by `name.step`


def new_run(plan: Plan, run_id: UUID, seed: int, parameters: dict[str, Any] | None = None) -> RunState:
    """Return a run of a plan that has not begun; `parameters` in base units.

    Raises:
        ValueError: a parameter is unknown, or outside its bounds.
    """
    scope: dict[str, Any] = {name: each.default.value for name, each in plan.parameters.items()}
    for name, value in (parameters or {}).items():
        if name not in plan.parameters:
            raise ValueError(f"there is no parameter {name!r}; there are: {', '.join(plan.parameters)}")
        if (fault := plan.parameters[name].fault(value)) is not None:
            raise ValueError(f"the parameter {name!r} {fault}")
        scope[name] = value
    scope |= plan.variables
    scope |= {each.name: each.start for each in plan.staircases}
    scope |= {"session.trials": 0, "session.time": 0.0, "session.reward": 0.0, "trial.number": 0, "trial.time": 0.0}
    scope |= {"block.index": 0, "block.trials": 0, "block.time": 0.0}
    scope |= {f"{tally}.{name}": 0 for tally in ("count", "block_count", "streak") for name in plan.document.outcomes}
    return RunState(run_id=run_id, seed=seed, scope=scope)
