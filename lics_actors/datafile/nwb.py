"""A run as an NWB file (Neurodata Without Borders 2.10), written with pynwb.

pynwb takes seconds to import and 200 MB on disk: it is imported by who writes a file, nobody else.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
from hdmf.backends.hdf5 import H5DataIO
from hdmf.common import DynamicTable, VectorData
from pynwb import NWBHDF5IO, NWBFile
from pynwb.base import ProcessingModule
from pynwb.core import ScratchData
from pynwb.epoch import TimeIntervals
from pynwb.event import DurationVectorData, EventsTable, TimestampVectorData
from pynwb.file import Subject

from lics_actors.datafile.about import completeness, missing_in_words, summary, timing
from lics_actors.datafile.dossier import Dossier, RunFacts, SubjectFacts
from lics_actors.datafile.nwb_reading import RECORD
from lics_actors.datafile.species import is_scientific, scientific
from lics_actors.datafile.tables import Column, Table

_SEXES: Final = {"male": "M", "female": "F", "other": "O", "unknown": "U", "m": "M", "f": "F", "o": "O", "u": "U"}
_TYPES: Final = {"float": np.float64, "int": np.int64, "bool": np.bool_}
_COMPRESSED_FROM: Final = 4096  # cells; below that a chunk costs more than it saves


def write(dossier: Dossier, tables: Sequence[Table], record: bytes, path: Path) -> None:
    """Write the file; a table without rows is left out, since NWB takes it for a mistake.

    Raises:
        OSError: it cannot be written.
    """
    file = _file(dossier)
    facts: list[DynamicTable] = []
    for table in tables:
        if not table.rows:
            continue
        if table.group == "trials":
            file.trials = TimeIntervals(name="trials", description=table.about, **_columns(table))
        elif table.group == "events":
            file.add_events_table(EventsTable(name=table.name, description=table.about, **_columns(table)))
        else:
            facts.append(DynamicTable(name=table.name, description=table.about, **_columns(table)))
    file.add_processing_module(
        ProcessingModule(name="misc", description="What is true of the run as a whole.", data_interfaces=facts)
    )
    file.add_scratch(ScratchData(name=RECORD, data=_packed(record), description=_ABOUT_RECORD))
    with NWBHDF5IO(path, "w") as io:
        io.write(file)


_ABOUT_RECORD: Final = (
    "All that the run heard and decided, as lines of JSON in UTF-8, one byte a number, ended by a line with their SHA-256. "
    "`lics run replay FILE` plays the run again from it, and holds every table of this file against it."
)


def _file(dossier: Dossier) -> NWBFile:
    facts = dossier.facts
    file = NWBFile(
        session_description=summary(dossier),
        identifier=str(facts.run_id),
        session_id=str(facts.run_id),
        session_start_time=facts.started_at,
        experiment_description=facts.protocol.document.get("about") or facts.protocol.title,
        experimenter=None,
        lab=facts.laboratory or None,
        keywords=["behavior", "operant conditioning", facts.protocol.name],
        protocol=facts.protocol.text or json.dumps(facts.protocol.document, indent=1, ensure_ascii=False),
        notes="\n".join(_notes(dossier)),
        data_collection=f"LICS {facts.software.get('lics', '')}; {timing(dossier)} {completeness(facts)}",
        was_generated_by=[[name, version] for name, version in facts.software.items()] or None,
    )
    file.subject = _subject(facts.subject, facts.started_at)
    for each in facts.devices:
        about = f"{each.type} `{each.name}`, the {each.role} of the protocol; id {each.id}, driver {each.driver}"
        firmware = f", firmware {each.firmware}" if each.firmware else ""
        file.create_device(name=each.role, description=about + firmware + (f", at {each.location}" if each.location else ""))
    return file


def _notes(dossier: Dossier) -> list[str]:
    facts = dossier.facts
    protocol = facts.protocol
    changed = ", ".join(f"{name} = {value}" for name, value in facts.parameters.items()) or "all as the protocol has them"
    return [
        summary(dossier),
        f"Protocol {protocol.name}, version {protocol.version}, SHA-256 of its document {protocol.digest}.",
        f"Parameters: {changed}. Seed {facts.seed}.",
        f"Rig {facts.rig or 'unknown'}; started by {facts.principal or 'nobody known'}.",
        _clocks(facts),
        timing(dossier),
        completeness(facts),
        *missing_in_words(facts),
        f"The record itself is /scratch/{RECORD}; `lics run replay` proves this file by it.",
    ]


def _clocks(facts: RunFacts) -> str:
    if facts.rehearsed:
        return "Times are virtual."
    told = [f"{each.role} {1000 * each.clock.p50_s:.1f} ms" for each in facts.devices if each.clock is not None]
    behind = f"; devices' clocks were behind by {', '.join(told)} (median, transport included)" if told else ""
    return f"Times are LICS's, when it heard or decided{behind}."


def _subject(subject: SubjectFacts | None, started: datetime) -> Subject | None:
    if subject is None:
        return None
    born = None if subject.birth_date is None else datetime.combine(subject.birth_date, datetime.min.time(), UTC)
    known = born is not None and born <= started
    return Subject(
        subject_id=subject.name.replace("/", "-"),
        species=species if is_scientific(species := scientific(subject.species)) else None,
        sex=_SEXES.get(subject.sex.lower(), "U"),
        date_of_birth=born,
        age=f"P{(started - born) // timedelta(days=1)}D" if known and born is not None else "P0D/",  # of any age
        weight=None if subject.weight_g is None else f"{subject.weight_g:.10g} g",
        description=f"{subject.notes or 'Subject'} (LICS id {subject.id})",
    )


def _columns(table: Table) -> dict[str, Any]:
    return {
        "columns": [_column(each, table.cells(n), table.group) for n, each in enumerate(table.columns)],
        "colnames": _names(table),
    }


def _names(table: Table) -> list[str]:
    return [each.name for each in table.columns]


def _column(column: Column, cells: list[Any], group: str) -> VectorData:
    data: Any = cells if column.kind == "text" else np.array(cells, dtype=_TYPES[column.kind])
    if column.kind != "text" and len(cells) >= _COMPRESSED_FROM:
        data = H5DataIO(data, compression="gzip", shuffle=True)
    kind = VectorData
    if group == "events":
        kind = {"timestamp": TimestampVectorData, "duration": DurationVectorData}.get(column.name, VectorData)
    return kind(name=column.name, description=column.told, data=data)


def _packed(record: bytes) -> H5DataIO:
    return H5DataIO(np.frombuffer(record, dtype=np.uint8), compression="gzip")
