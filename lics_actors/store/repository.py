"""The way to the database for everyone but the Recorder's bulk: one class, its parts by noun."""

from __future__ import annotations

from lics_actors.store.accounts import Accounts
from lics_actors.store.alarms import Alarms
from lics_actors.store.api_keys import ApiKeys
from lics_actors.store.audits import AuditFilter, Audits
from lics_actors.store.belonging import Belonging
from lics_actors.store.calibrations import Calibrations
from lics_actors.store.commands import Commands
from lics_actors.store.completeness_reads import CompletenessReads
from lics_actors.store.credentials import Credentials
from lics_actors.store.cursors import Page
from lics_actors.store.doses import Doses
from lics_actors.store.experiments import Experiments
from lics_actors.store.exports import Exports
from lics_actors.store.histories import Histories
from lics_actors.store.hosts import Hosts
from lics_actors.store.laboratories import LaboratoryTables
from lics_actors.store.protocols import Protocols
from lics_actors.store.retention import Retention
from lics_actors.store.rigs import Rigs
from lics_actors.store.rows import (
    Aggregate,
    CommandFilter,
    DeviceFilter,
    DeviceRow,
    NewDevice,
    TelemetryPoint,
)
from lics_actors.store.run_reads import RunReads
from lics_actors.store.runs import Runs
from lics_actors.store.sign_ins import SignIns
from lics_actors.store.slots import Slots
from lics_actors.store.stream_reads import StreamReads
from lics_actors.store.subjects import Subjects
from lics_actors.store.telemetry_reads import TelemetryReads
from lics_actors.store.welfare import Welfare

__all__ = [
    "Aggregate",
    "AuditFilter",
    "CommandFilter",
    "DeviceFilter",
    "DeviceRow",
    "NewDevice",
    "Page",
    "Repository",
    "TelemetryPoint",
]


class Repository(
    Belonging,
    Commands,
    TelemetryReads,
    StreamReads,
    CompletenessReads,
    Histories,
    Audits,
    Alarms,
    Retention,
    Hosts,
    Rigs,
    Accounts,
    SignIns,
    ApiKeys,
    Subjects,
    Protocols,
    LaboratoryTables,
    Credentials,
    Experiments,
    Runs,
    RunReads,
    Exports,
    Welfare,
    Doses,
    Calibrations,
    Slots,
):
    """Everything that is kept. Begin with `await Repository.connect(url)`; safe to share between tasks of one loop.

    Every method raises DatabaseUnavailableError within a few seconds when the database does not answer (reads of long ranges:
    READ_S), and works again by itself when it does.
    """
