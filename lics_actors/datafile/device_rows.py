"""What devices said, a table for each event of a role, and what was said to them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from lics_actors.datafile.dossier import CommandFacts, Dossier, RunFacts
from lics_actors.datafile.reward_rows import TRIAL, WHEN, Steps
from lics_actors.datafile.tables import MAX_FIELDS, NAN, Column, Table, cell, flat, kind_of, named, text
from lics_actors.datafile.trial_rows import RESERVED, unit_name
from lics_actors.datafile.walk import Decided, Heard
from lics_actors.experiment.messages import CommandSettled, DeviceSaid, MetricSaid, SendCommand
from lics_actors.experiment.plan import Plan
from lics_actors.experiment.quantities import unit_in_name

STATES: Final = ("accepted", "dispatched", "delivered", "executing")
MAX_TABLES: Final = 200  # of events; a rig of 20 roles has a tenth

Said = tuple[float, int, dict[str, Any]]


def device_tables(plan: Plan, dossier: Dossier, steps: Steps, taken: set[str]) -> list[Table]:
    """Return the tables of events and metrics that were heard, also of those the protocol listens to and that never came."""
    events: dict[tuple[str, str], list[Said]] = {(r, e): [] for r, role in plan.document.roles.items() for e in role.events}
    metrics: dict[tuple[str, str], list[Said]] = {(r, m): [] for r, role in plan.document.roles.items() for m in role.metrics}
    for step in steps:
        match step:
            case Heard(at, trial, DeviceSaid(role=role, event=event, data=data)):
                events.setdefault((role, event), []).append((at, trial, flat(data)))
            case Heard(at, trial, MetricSaid(role=role, metric=metric, value=value)):
                metrics.setdefault((role, metric), []).append((at, trial, {"value": value}))
            case _:
                pass
    found = [_events(key, those, taken) for key, those in events.items()]
    found += [_metric(key, those, taken, plan, dossier.facts) for key, those in metrics.items()]
    return [_commands(dossier, steps), *found[:MAX_TABLES]]


def _events(key: tuple[str, str], those: list[Said], taken: set[str]) -> Table:
    role, event = key
    used = {*RESERVED, "timestamp", "duration", "annotation", "trial"}
    columns: list[Column] = [WHEN, TRIAL]
    rows: list[list[Any]] = [[at, trial] for at, trial, _ in those]
    for field in list(dict.fromkeys(field for _, _, data in those for field in data))[:MAX_FIELDS]:
        values = [data.get(field) for _, _, data in those]
        column = Column(
            named(field, used), kind_of(values), f"`{field}` as the device said it", unit_name(unit_in_name(field)[0])
        )
        columns.append(column)
        for row, value in zip(rows, values, strict=True):
            row.append(cell(value, column.kind))
    about = f"The event `{event}` of the device that is the {role}, as LICS heard it."
    return Table(named(f"event_{role}_{event}", taken), about, tuple(columns), tuple(map(tuple, rows)))


def _metric(key: tuple[str, str], those: list[Said], taken: set[str], plan: Plan, facts: RunFacts) -> Table:
    role, metric = key
    known = plan.document.roles.get(role)
    described = {} if known is None else facts.described.get(known.type, {})
    unit = str(described.get("metrics", {}).get(metric, {}).get("unit", ""))
    value = Column("value", "float", f"`{metric}` as the device said it", unit)
    rows = tuple((at, trial, float(data["value"])) for at, trial, data in those)
    about = f"The metric `{metric}` of the device that is the {role}, where the run listened."
    return Table(named(f"metric_{role}_{metric}", taken), about, (WHEN, TRIAL, value), rows)


def _commands(dossier: Dossier, steps: Steps) -> Table:
    """Return each command that the run decided, and those others gave to its devices meanwhile."""
    facts, journal = dossier.facts, dossier.commands
    kept = {each.id: each for each in journal}
    barred = {command: why for move in dossier.moves for command, why in move.barred.items()}
    reacted = {command: took for move in dossier.moves for command, took in move.reacted.items()}
    roles = {each.id: each.role for each in facts.devices}
    rows: dict[UUID, list[Any]] = {}
    for step in steps:
        match step:
            case Decided(effect=SendCommand() as command):
                name = command.name, command.args
                rows[command.id] = [step.at, command.trial, command.role, *_told(*name), "", NAN, str(command.id), True]
            case Heard(event=CommandSettled(command_id=command_id, outcome=outcome)) if command_id in rows:
                rows[command_id][5:7] = [outcome, step.at]
            case _:
                pass
    for each in journal:
        if each.id not in rows:
            accepted = _seconds(facts.started_at, min(each.states.values(), default=facts.started_at))
            rows[each.id] = [
                accepted,
                0,
                roles.get(each.device_id, ""),
                *_told(each.name, each.args),
                each.state,
                NAN,
                str(each.id),
                False,
            ]
    ordered = sorted(rows.items(), key=lambda item: item[1][0])
    return Table(
        "commands",
        "Commands to the devices while the run was on, and what became of them.",
        _COMMAND_COLUMNS,
        tuple(
            (*row, text(barred.get(each)), reacted.get(each, NAN), *_journalled(facts.started_at, kept.get(each)))
            for each, row in ordered
        ),
    )


_COMMAND_COLUMNS: Final = (
    WHEN,
    TRIAL,
    Column("role", "text", "the device, by its role"),
    Column("command", "text", "its name"),
    Column("arguments", "text", "as name=value; in the units their names end in"),
    Column("outcome", "text", "what the run learned of it; empty: nothing"),
    Column("settled_time", "float", "when it learned that, from the start of the run", "s"),
    Column("command_id", "text", "its id, also in the device's ledger"),
    Column("is_of_the_run", "bool", "decided by the run; others are people's, interlocks' and programs'"),
    Column("barred", "text", "why it was not sent; empty: it was"),
    Column("reaction", "float", "from hearing what it answers to its being published", "s"),
    Column("journalled", "text", "its last state in the device's journal; empty: none is known"),
    *(
        Column(f"{state}_time", "float", f"when it was {state}, by LICS's clock, from the start of the run", "s")
        for state in STATES
    ),
    Column("ended_time", "float", "when its last state was reached, likewise", "s"),
    Column("principal", "text", "in whose name it was given"),
    Column("reason", "text", "why, where somebody said it"),
    Column("error", "text", "what the device said was wrong"),
)


def _told(name: str, args: Mapping[str, Any]) -> tuple[str, str]:
    return name, "; ".join(f"{each}={text(value)}" for each, value in flat(args).items())


def _journalled(started: datetime, command: CommandFacts | None) -> tuple[Any, ...]:
    if command is None:
        return ("", *(NAN for _ in STATES), NAN, "", "", "")
    times = [_seconds(started, command.states.get(state)) for state in (*STATES, command.state)]
    return (command.state, *times, text(command.principal), text(command.reason), text(command.error))


def _seconds(started: datetime, time: datetime | None) -> float:
    return NAN if time is None else (time - started).total_seconds()
