"""A run as CSV files, one a table, in an archive with its record and a JSON about them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from lics_actors.datafile.about import sidecar
from lics_actors.datafile.archive import ABOUT, RECORD, about, pack, unpacked
from lics_actors.datafile.dossier import Dossier
from lics_actors.datafile.formats import FileError
from lics_actors.datafile.lines import seal_of
from lics_actors.datafile.tables import Table, said

SUFFIX: Final = ".csv"


def write(dossier: Dossier, tables: Sequence[Table], record: bytes, path: Path) -> None:
    """Write the file: UTF-8, commas, a first line of names; numbers in full, `true` and `false`, nothing where none is there.

    Raises:
        OSError: it cannot be written.
    """
    pack(path, dossier.facts.started_at, _members(dossier, tables, record), stored=False)


def _members(dossier: Dossier, tables: Sequence[Table], record: bytes) -> Iterator[tuple[str, bytes]]:
    yield ABOUT, about(sidecar(dossier, tables, seal_of(record)))
    for table in tables:
        yield table.name + SUFFIX, _table(table)
    yield RECORD, record


def _table(table: Table) -> bytes:
    sink = io.StringIO(newline="")
    writer = csv.writer(sink, lineterminator="\r\n")
    writer.writerow([each.name for each in table.columns])
    writer.writerows([said(cell) for cell in row] for row in table.rows)
    return sink.getvalue().encode()


def read(path: Path) -> tuple[bytes, dict[str, dict[str, list[Any]]]]:
    """Return the record in a file, and its tables by name and column; cells are texts.

    Raises:
        FileError: this is none of a run, or it is damaged.
    """
    record, tables = unpacked(path, SUFFIX)
    try:
        return record, {name: _cells(data.decode()) for name, data in tables.items()}
    except (csv.Error, ValueError) as error:
        raise FileError(f"{path.name} cannot be read as CSV: {error}") from None


def _cells(text: str) -> dict[str, list[Any]]:
    names, *rows = list(csv.reader(io.StringIO(text, newline=""), strict=True)) or [[]]
    if any(len(row) != len(names) for row in rows):
        raise csv.Error("a row has more or less cells than the first")
    return {name: [row[n] for row in rows] for n, name in enumerate(names)}
