"""All tables of a record, and what a file must be held against. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from drivers.description import description_of
from lics_actors.datafile.device_rows import device_tables
from lics_actors.datafile.dossier import Dossier
from lics_actors.datafile.event_rows import event_tables
from lics_actors.datafile.fact_rows import fact_tables
from lics_actors.datafile.tables import Altered, Table, altered
from lics_actors.datafile.trial_rows import trial_table
from lics_actors.datafile.walk import walked
from lics_actors.experiment.compiling import compile_protocol
from lics_actors.experiment.plan import Plan
from lics_actors.experiment.reading import validated
from lics_actors.experiment.replay import Difference, replay
from lics_actors.experiment.state import new_run

Read = Mapping[str, Mapping[str, Sequence[Any]]]  # table → column → cells, as a file holds them


@dataclass(frozen=True, slots=True)
class Proof:
    """Whether a record's decisions follow from what it heard, and whether a file's tables are its record's."""

    moves: int
    difference: Difference | None
    altered: Altered | None = None

    @property
    def holds(self) -> bool:
        """Return whether nothing speaks against it."""
        return self.difference is None and self.altered is None


def plan_of(record: Dossier) -> Plan:
    """Return the plan that the run had; what a newer LICS would not run is not asked.

    Raises:
        ProtocolError: the document is none. KeyError, TypeError, AttributeError: what devices said of themselves is damaged.
    """
    devices = {kind: description_of(document) for kind, document in record.facts.described.items()}
    return compile_protocol(validated(record.facts.protocol.document), devices).plan


def tables_of(record: Dossier, plan: Plan) -> list[Table]:
    """Return the tables of a record; empty ones among them."""
    steps = list(walked(record.moves))
    found = [trial_table(plan, steps), *event_tables(plan, record, steps), *fact_tables(plan, record.facts, record.moves)]
    taken = {"commands", *(table.name for table in found)}
    return [*found, *device_tables(plan, record, steps, taken)]


def proved(record: Dossier, tables: Read | None = None) -> Proof:
    """Return whether the run, played again, decides the same, and whether a file's tables (None: there are none) are its own.

    Raises:
        ProtocolError: as `plan_of`.
        ValueError: the parameters do not fit the protocol.
    """
    plan = plan_of(record)
    run = new_run(plan, record.facts.run_id, record.facts.seed, dict(record.facts.parameters))
    difference = replay(plan, run, ((move.event, move.effects) for move in record.moves))
    if tables is None:
        return Proof(len(record.moves), difference)
    faults = (altered(table, tables.get(table.name)) for table in tables_of(record, plan))
    return Proof(len(record.moves), difference, next((each for each in faults if each is not None), None))
