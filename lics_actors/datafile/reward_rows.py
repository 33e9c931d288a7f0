"""Rewards: what was wanted, what the device was told, what it says it did, and what came out. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from lics_actors.datafile.dossier import CalibrationFacts, Dossier
from lics_actors.datafile.tables import NAN, Column, Table, text
from lics_actors.datafile.trial_rows import reward_unit
from lics_actors.datafile.walk import Decided, Heard
from lics_actors.experiment import messages as said
from lics_actors.experiment.plan import Plan
from lics_actors.experiment.quantities import BASE
from lics_actors.welfare.calibration import Curve
from lics_actors.welfare.measuring import amounts
from lics_actors.welfare.messages import FATES, Fate

WHEN = Column("timestamp", "float", "when, from the start of the run", "s")
TRIAL = Column("trial", "int", "in which trial; 0: in none")
Steps = Sequence[Heard | Decided]


def rewards_table(plan: Plan, dossier: Dossier, steps: Steps) -> Table:
    """Return the rewards that were commanded."""
    rows: dict[UUID, list[Any]] = {}
    wanted: dict[UUID, tuple[said.SendCommand, float]] = {}
    for step in steps:
        match step:
            case Decided(effect=said.SendCommand(reward=float() | int()) as command):
                rows[command.id] = _row(step, command)
                wanted[command.id] = command, step.at
            case Heard(event=said.CommandSettled(command_id=command_id, outcome=outcome)) if command_id in rows:
                rows[command_id][5:7] = [outcome, step.at]
            case _:
                pass
    found = _Measured(plan, dossier)
    told = tuple((*row, *found.of(*wanted[each], row[5])) for each, row in rows.items())
    return Table("rewards", "Rewards that were commanded.", _columns(reward_unit(plan)), told)


def _row(step: Decided, command: said.SendCommand) -> list[Any]:
    by_hand = step.move.event.by if isinstance(step.move.event, said.RewardAsked) else ""
    name, barred = f"{command.role}.{command.name}", text(step.move.barred.get(command.id))
    who = (by_hand != "", text(by_hand))
    return [step.at, command.trial, float(command.reward or 0.0), *who, "", NAN, name, str(command.id), barred]


class _Measured:
    """What the devices' journals and calibrations know of rewards."""

    def __init__(self, plan: Plan, dossier: Dossier) -> None:
        self._unit = "" if plan.reward is None else BASE.get(plan.reward.kind, "")
        self._kept = {each.id: each for each in dossier.commands}
        self._calibrations = {each.role: each.calibrations for each in dossier.facts.devices}
        self._begin = dossier.facts.started_at

    def of(self, command: said.SendCommand, at: float, outcome: str) -> tuple[float, float, float, int]:
        """Return what was commanded, confirmed and measured, and the calibration's version; NaN and 0 where nobody knows."""
        kept = self._kept.get(command.id)
        held = in_force(self._calibrations.get(command.role, ()), self._begin + timedelta(seconds=at))
        curve = None if held is None else Curve(held.slope, held.offset, held.low, held.high)
        fate = FATES.get(outcome, Fate.COMMANDED)
        known = amounts(self._unit, None if kept is None else kept.args, None if kept is None else kept.result, fate, curve)
        commanded, confirmed, measured = (
            NAN if each is None else each for each in (known.commanded, known.confirmed, known.measured)
        )
        return commanded, confirmed, measured, 0 if held is None else held.version


def in_force(calibrations: Sequence[CalibrationFacts], time: datetime) -> CalibrationFacts | None:
    """Return the newest of a device's calibrations that was made by then, also where it was over: nobody made a better one."""
    return max((each for each in calibrations if each.made_at <= time), key=lambda each: each.version, default=None)


def _columns(unit: str) -> tuple[Column, ...]:
    def amount(name: str, about: str) -> Column:
        return Column(f"{name}_{unit}" if unit else name, "float", about, unit)

    return (
        WHEN,
        TRIAL,
        amount("amount", "as the protocol or the operator wanted it"),
        Column("is_by_hand", "bool", "given by an operator, not by the protocol"),
        Column("by", "text", "the operator who gave it"),
        Column("outcome", "text", "what became of the command; empty: never known"),
        Column("settled_time", "float", "when that was known, from the start of the run", "s"),
        Column("command", "text", "role and command"),
        Column("command_id", "text", "the command's id, by which it is found in `commands` and in the device's ledger"),
        Column("barred", "text", "why it was not sent; empty: it was"),
        amount("commanded", "what the device was told, after its calibration; no number: not known"),
        amount("confirmed", "what the device says it did, on its own scale; no number: it did not say"),
        amount("measured", "what came out, by a sensor or by the calibration; no number: nobody measured"),
        Column("calibration", "int", "version of the calibration that was in force, see `calibrations`; 0: none"),
    )
