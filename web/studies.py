"""The desks where people keep what is studied, as a part of the application."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, cast

from quart import Quart, current_app

from config.settings import Settings
from lics_actors.audit import AuditLog
from lics_actors.store.repository import Repository
from lics_actors.study.experiment_desk import ExperimentDesk
from lics_actors.study.preflight_desk import PreflightDesk
from lics_actors.study.protocol_desk import ProtocolDesk
from lics_actors.study.run_desk import RunDesk, RunFleet
from lics_actors.study.schedule_desk import ScheduleDesk
from lics_actors.study.subject_desk import SubjectDesk
from lics_actors.welfare_gate import WelfareGate

DESKS: Final = "lics_study_desks"


@dataclass(frozen=True, slots=True)
class Desks:
    """One for each noun."""

    subjects: SubjectDesk
    protocols: ProtocolDesk
    runs: RunDesk
    experiments: ExperimentDesk
    preflight: PreflightDesk
    schedule: ScheduleDesk


def install(app: Quart, repository: Repository, fleet: RunFleet, audit: AuditLog, settings: Settings) -> None:
    """Let the application keep what is studied."""
    gate = WelfareGate(repository, settings)
    runs, experiments = RunDesk(repository, fleet, audit, gate), ExperimentDesk(repository, audit)
    app.extensions[DESKS] = Desks(
        SubjectDesk(repository, audit),
        ProtocolDesk(repository, audit),
        runs,
        experiments,
        PreflightDesk(repository, fleet, experiments, runs, gate=gate, calendar=settings),
        ScheduleDesk(repository, audit),
    )


def desks() -> Desks:
    """Return the desks of the application being asked."""
    return cast("Desks", current_app.extensions[DESKS])
