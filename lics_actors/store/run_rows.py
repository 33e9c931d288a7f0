"""From the records of runs' journals to rows, by statement. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, assert_never
from uuid import UUID

from lics_actors.experiment.messages import (
    OVER,
    CommandSettled,
    Effect,
    Noted,
    PhaseChanged,
    RewardAsked,
    SendCommand,
    TrialBegan,
    TrialEnded,
)
from lics_actors.store.json_text import storable_json, storable_text
from lics_actors.store.run_records import RunOpened, RunReacted, RunRecord, RunStepped

Row = tuple[Any, ...]
PRINCIPAL_LENGTH = 255


@dataclass(slots=True)
class RunRows:
    """Rows in the order of the journal. `steps`: whole; `touched`: the runs whose sums are to be made anew."""

    opened: list[RunOpened] = field(default_factory=list)
    steps: list[RunStepped] = field(default_factory=list)
    phases: list[Row] = field(default_factory=list)
    trials: list[Row] = field(default_factory=list)
    ends: list[Row] = field(default_factory=list)
    rewards: list[Row] = field(default_factory=list)
    settled: list[Row] = field(default_factory=list)
    notes: list[Row] = field(default_factory=list)
    reactions: list[Row] = field(default_factory=list)

    @property
    def touched(self) -> dict[UUID, int]:
        """Return the runs that steps belong to, and the newest step of each."""
        return {step.run_id: step.n for step in self.steps}


def run_rows(records: Iterable[RunRecord]) -> RunRows:
    """Return what tables are to be told, records being in order."""
    rows = RunRows()
    for record in records:
        match record:
            case RunOpened():
                rows.opened.append(record)
            case RunStepped():
                _add_step(rows, record)
            case RunReacted():
                facts = (record.heard, record.decided, record.left)
                rows.reactions.append((record.run_id, record.n, record.command_id, *facts))
            case _:
                assert_never(record)
    return rows


def _add_step(rows: RunRows, step: RunStepped) -> None:
    rows.steps.append(step)
    if isinstance(step.event, CommandSettled):
        rows.settled.append((step.event.command_id, step.event.outcome, step.time))
    for effect in step.effects:
        _add_effect(rows, step, effect)


def _add_effect(rows: RunRows, step: RunStepped, effect: Effect) -> None:
    at = (step.time, step.event.at, step.n)
    match effect:
        case PhaseChanged(phase=phase, reason=reason):
            began = step.time if phase == "running" else None
            over = step.time if phase in OVER else None
            rows.phases.append((step.run_id, phase, storable_text(reason), step.n, step.time, began, over))
        case TrialBegan(trial=trial, block=block, drawn=drawn):
            rows.trials.append((step.run_id, trial, storable_text(block), storable_json(drawn), *at))
        case TrialEnded(trial=trial, outcome=outcome, reason=reason, rewarded=rewarded):
            rows.ends.append((step.run_id, trial, outcome, storable_text(reason), rewarded, *at))
        case SendCommand(reward=float() | int() as amount):
            by = step.event.by if isinstance(step.event, RewardAsked) else None
            who = None if by is None else storable_text(by)[:PRINCIPAL_LENGTH]
            rows.rewards.append((effect.id, step.run_id, effect.trial, effect.role, amount, who, step.barred.get(effect.id), *at))
        case Noted(by=by, text=text):
            rows.notes.append((step.run_id, storable_text(by)[:PRINCIPAL_LENGTH], storable_text(text), *at))
        case _:
            pass  # it stands in the step alone
