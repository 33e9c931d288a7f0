"""From a dossier to a file, and from a file to its proof: what the command line and the exporting process do."""

from __future__ import annotations

from pathlib import Path

from lics_actors.datafile.content import Proof, plan_of, proved, tables_of
from lics_actors.datafile.dossier import Dossier
from lics_actors.datafile.formats import Format, format_of
from lics_actors.datafile.lines import read, text_of


def make(dossier: Dossier, wanted: Format, path: Path) -> bytes:
    """Write a run's file; return the record that is in it.

    Raises:
        ImportError: a library that the format needs is not installed. OSError: it cannot be written.
        ProtocolError: the protocol is none that this LICS can run.
    """
    write = wanted.writer()
    record = b"".join(text_of(dossier))
    write(dossier, tables_of(dossier, plan_of(dossier)), record, path)
    return record


def prove(path: Path) -> tuple[Dossier, Proof]:
    """Return what is in a run's file, and whether it proves itself.

    Raises:
        FileError: it is no file of a run. RecordError: its record was changed, or cut off.
        ProtocolError, ValueError: the record is of a protocol that cannot be run. ImportError, OSError
    """
    record, tables = format_of(path).reader()(path)
    dossier = read(record)
    return dossier, proved(dossier, tables)
