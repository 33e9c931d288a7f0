"""What happened, by kind: states, rewards, markers, words of operators, phases; one table a kind. Pure."""

from __future__ import annotations

from typing import Any

from lics_actors.datafile.dossier import Dossier
from lics_actors.datafile.reward_rows import TRIAL, WHEN, Steps, rewards_table
from lics_actors.datafile.tables import NAN, Column, Table, text
from lics_actors.datafile.trial_rows import reward_unit
from lics_actors.datafile.walk import Decided, Heard
from lics_actors.experiment import messages as said
from lics_actors.experiment.plan import Plan


def event_tables(plan: Plan, dossier: Dossier, steps: Steps) -> list[Table]:
    """Return the tables of what the run did and was told."""
    return [
        _states(steps),
        rewards_table(plan, dossier, steps),
        _refused(plan, steps),
        _markers(steps),
        _phases(steps),
        _operators(steps),
        _staircases(steps),
        _blocks(steps),
        _parameters(steps),
    ]


def _states(steps: Steps) -> Table:
    rows: list[list[Any]] = []
    for step in steps:
        match step:
            case Decided(effect=said.StateEntered() as entered):
                _close(rows, step.at)
                came_from, way = entered.came_from or "", -1 if entered.way is None else entered.way
                rows.append([step.at, NAN, entered.trial, entered.state, came_from, way])
            case Decided(effect=said.TrialEnded()):
                _close(rows, step.at)
            case _:
                pass
    columns = (
        WHEN,
        Column("duration", "float", "how long it lasted", "s"),
        TRIAL,
        Column("state", "text", "the state entered"),
        Column("came_from", "text", "the state before; empty at the begin of a trial"),
        Column("transition", "int", "the transition that led here, by its place in the state before; -1 at the begin of a trial"),
    )
    return Table("states", "States of trials, as they were entered.", columns, tuple(map(tuple, rows)))


def _close(rows: list[list[Any]], at: float) -> None:
    if rows and rows[-1][1] != rows[-1][1]:
        rows[-1][1] = at - rows[-1][0]


def _refused(plan: Plan, steps: Steps) -> Table:
    unit = reward_unit(plan)
    rows = tuple(
        (step.at, step.effect.trial, float(step.effect.amount), text(step.effect.reason))
        for step in steps
        if isinstance(step, Decided) and isinstance(step.effect, said.RewardRefused)
    )
    amount = Column(f"amount_{unit}" if unit else "amount", "float", "as it would have been", unit)
    columns = (WHEN, TRIAL, amount, Column("reason", "text", "why not"))
    return Table("refused_rewards", "Rewards that were not given.", columns, rows)


def _markers(steps: Steps) -> Table:
    rows = tuple(
        (step.at, step.effect.trial, step.effect.name)
        for step in steps
        if isinstance(step, Decided) and isinstance(step.effect, said.Marked)
    )
    return Table("markers", "Markers that the protocol wrote.", (WHEN, TRIAL, Column("marker", "text", "its name")), rows)


def _phases(steps: Steps) -> Table:
    rows = tuple(
        (step.at, step.effect.phase, text(step.effect.reason))
        for step in steps
        if isinstance(step, Decided) and isinstance(step.effect, said.PhaseChanged)
    )
    columns = (WHEN, Column("phase", "text", "the phase the run came to"), Column("reason", "text", "why"))
    return Table("phases", "Phases of the run.", columns, rows)


def _operators(steps: Steps) -> Table:
    rows = []
    for step in steps:
        if isinstance(step, Heard) and (words := _asked(step.event)) is not None:
            rows.append((step.at, step.trial, *map(text, words), False))
        elif isinstance(step, Decided) and isinstance(step.effect, said.AskRefused):
            rows.append((step.at, step.trial, text(step.effect.by), "refused", text(step.effect.reason), True))
    columns = (
        WHEN,
        TRIAL,
        Column("by", "text", "who"),
        Column("action", "text", "what was asked; `refused`: the answer to what was asked just before"),
        Column("text", "text", "what was said with it"),
        Column("is_refusal", "bool", "this is the run's answer"),
    )
    return Table("operator_actions", "What operators asked of the run, and wrote down.", columns, tuple(rows))


def _asked(event: said.Event) -> tuple[str, str, str] | None:
    match event:
        case said.PauseAsked(by=by, reason=reason):
            return by, "pause", reason
        case said.ResumeAsked(by=by):
            return by, "resume", ""
        case said.StopAsked(by=by, reason=reason):
            return by, "stop", reason
        case said.AbortAsked(by=by, reason=reason):
            return by, "abort", reason
        case said.Annotated(by=by, text=words):
            return by, "annotate", words
        case said.RewardAsked(by=by, amount=amount):
            return by, "reward", f"{amount:g}"
        case said.ParameterAsked(by=by, name=name, value=value):
            return by, "set_parameter", f"{name} = {text(value)}"
        case _:
            return None


def _staircases(steps: Steps) -> Table:
    rows = tuple(
        (step.at, step.trial, step.effect.name, float(step.effect.value))
        for step in steps
        if isinstance(step, Decided) and isinstance(step.effect, said.StaircaseMoved)
    )
    columns = (WHEN, TRIAL, Column("staircase", "text", "its name"), Column("value", "float", "where it went, in its base unit"))
    return Table("staircases", "Steps of staircases.", columns, rows)


def _blocks(steps: Steps) -> Table:
    rows = tuple(
        (step.at, step.effect.index, step.effect.name)
        for step in steps
        if isinstance(step, Decided) and isinstance(step.effect, said.BlockBegan)
    )
    columns = (WHEN, Column("index", "int", "its place in the protocol, from 0"), Column("block", "text", "its name"))
    return Table("blocks", "Blocks, as they began.", columns, rows)


def _parameters(steps: Steps) -> Table:
    rows = tuple(
        (step.at, step.effect.name, text(step.effect.value))
        for step in steps
        if isinstance(step, Decided) and isinstance(step.effect, said.ParameterSet)
    )
    columns = (WHEN, Column("parameter", "text", "its name"), Column("value", "text", "from this trial on, in its base unit"))
    return Table("parameter_changes", "Parameters that operators changed.", columns, rows)
