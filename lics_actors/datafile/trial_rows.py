"""The table of trials: when, which, with what drawn, how it ended, what was given. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from lics_actors.datafile.tables import NAN, Column, Table, cell, kind_of, named, text
from lics_actors.datafile.walk import Decided, Heard
from lics_actors.experiment.messages import (
    CommandSettled,
    RewardAsked,
    SendCommand,
    StaircaseMoved,
    StateEntered,
    TrialBegan,
    TrialEnded,
)
from lics_actors.experiment.plan import Plan
from lics_actors.experiment.quantities import BASE

RESOLUTION_S: Final = 1e-6  # of the run's axis; a trial that ends at the instant of its begin is told to last so long
RESERVED: Final = frozenset({"id", "name", "description", "start_time", "stop_time", "timeseries", "tags"})  # NWB's own
_UNIT_NAMES: Final = {"µl": "ul", "μl": "ul", "": ""}


@dataclass
class _Trial:
    began: float
    number: int
    block: str
    drawn: dict[str, Any]
    levels: dict[str, float]
    ended: float = NAN
    outcome: str = ""
    reason: str = ""
    rewarded: float = 0.0
    confirmed: float = 0.0
    states: list[str] = field(default_factory=list)


def trial_table(plan: Plan, steps: Sequence[Heard | Decided]) -> Table:
    """Return a row for each trial that began."""
    trials = _trials(plan, steps)
    columns = [*_columns(reward_unit(plan))]
    rows = [_row(each) for each in trials]
    taken = set(RESERVED) | {column.name for column in columns}
    drawn = [(name, f"drawn at its begin: `{name}`", [t.drawn.get(name) for t in trials]) for name in plan.document.draws]
    for name in plan.document.staircases:
        drawn.append((name, f"where the staircase `{name}` stood at its begin", [t.levels[name] for t in trials]))
    for name, about, values in drawn:
        column = Column(named(name, taken), kind_of(values), about, unit_name(plan.kinds[name]))
        columns.append(column)
        for row, value in zip(rows, values, strict=True):
            row.append(cell(value, column.kind))
    return Table("trials", "The trials of the run, in order.", tuple(columns), tuple(map(tuple, rows)), "trials")


def _columns(unit: str) -> tuple[Column, ...]:
    suffix = f"_{unit}" if unit else ""
    return (
        Column("start_time", "float", "when the trial began, from the start of the run", "s"),
        Column("stop_time", "float", "when it ended; NaN while it has not", "s"),
        Column("trial", "int", "its number, from 1"),
        Column("block", "text", "the block it belongs to; empty where the protocol has none"),
        Column("outcome", "text", "how it ended: an outcome of the protocol, or `interrupted`"),
        Column("is_interrupted", "bool", "cut short by a pause, an operator, a limit or a crash; such a trial counts nowhere"),
        Column("reason", "text", "why it was interrupted"),
        Column(f"reward{suffix}", "float", "what the protocol gave in it, as commanded", unit),
        Column(f"reward_confirmed{suffix}", "float", "of that, what the device has confirmed", unit),
        Column("states", "text", "the states it went through"),
    )


def _row(trial: _Trial) -> list[Any]:
    stop = max(trial.ended, trial.began + RESOLUTION_S) if trial.outcome else NAN
    interrupted = trial.outcome == "interrupted"
    how = (trial.block, trial.outcome, interrupted, text(trial.reason))
    return [trial.began, stop, trial.number, *how, trial.rewarded, trial.confirmed, " > ".join(trial.states)]


def reward_unit(plan: Plan) -> str:
    """Return the unit rewards are counted in, as names of columns have it; empty where there is none."""
    return "" if plan.reward is None else unit_name(plan.reward.kind)


def unit_name(kind: str) -> str:
    """Return the base unit of a kind of quantity; empty for what has none."""
    unit = BASE.get(kind, "")
    return _UNIT_NAMES.get(unit, unit)


def _trials(plan: Plan, steps: Sequence[Heard | Decided]) -> list[_Trial]:
    found: list[_Trial] = []
    by_number: dict[int, _Trial] = {}
    levels = {each.name: float(each.start) for each in plan.staircases}
    given: dict[UUID, tuple[int, float]] = {}
    for step in steps:
        match step:
            case Decided(effect=TrialBegan() as begun):
                trial = _Trial(step.at, begun.trial, begun.block, begun.drawn, dict(levels))
                found.append(trial)
                by_number[begun.trial] = trial
            case Decided(effect=StateEntered() as entered):
                by_number[entered.trial].states.append(entered.state)
            case Decided(effect=TrialEnded() as end):
                trial = by_number[end.trial]
                trial.ended, trial.outcome, trial.reason, trial.rewarded = step.at, end.outcome, end.reason, float(end.rewarded)
            case Decided(effect=StaircaseMoved() as moved):
                levels[moved.name] = float(moved.value)
            case Decided(effect=SendCommand(reward=float() | int() as amount) as said) if not isinstance(
                step.move.event, RewardAsked
            ):
                given[said.id] = (said.trial, amount)
            case Heard(event=CommandSettled(outcome="succeeded", command_id=command_id)) if command_id in given:
                number, amount = given.pop(command_id)
                by_number[number].confirmed += amount
            case _:
                pass
    return found
