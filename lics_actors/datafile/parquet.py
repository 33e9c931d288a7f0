"""A run as Parquet files, one a table, in an archive with its record and a JSON about them."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from lics_actors.datafile.about import sidecar
from lics_actors.datafile.archive import ABOUT, RECORD, about, pack, unpacked
from lics_actors.datafile.dossier import Dossier
from lics_actors.datafile.formats import FileError
from lics_actors.datafile.lines import seal_of
from lics_actors.datafile.tables import Column, Table

SUFFIX: Final = ".parquet"
_TYPES: Final = {"float": pa.float64(), "int": pa.int64(), "bool": pa.bool_(), "text": pa.string()}


def write(dossier: Dossier, tables: Sequence[Table], record: bytes, path: Path) -> None:
    """Write the file; NaN becomes null.

    Raises:
        OSError: it cannot be written.
    """
    pack(path, dossier.facts.started_at, _members(dossier, tables, record), stored=True)


def _members(dossier: Dossier, tables: Sequence[Table], record: bytes) -> Iterator[tuple[str, bytes]]:
    yield ABOUT, about(sidecar(dossier, tables, seal_of(record)))
    for table in tables:
        yield table.name + SUFFIX, _table(table, str(dossier.facts.run_id))
    yield RECORD, record


def _table(table: Table, run_id: str) -> bytes:
    fields = [pa.field(each.name, _TYPES[each.kind], metadata={"about": each.about, "unit": each.unit}) for each in table.columns]
    schema = pa.schema(fields, metadata={"about": table.about, "run_id": run_id})
    arrays = [_array(each, table.cells(n)) for n, each in enumerate(table.columns)]
    sink = io.BytesIO()
    pq.write_table(pa.table(arrays, schema=schema), sink, compression="zstd")
    return sink.getvalue()


def _array(column: Column, cells: list[Any]) -> pa.Array:
    return pa.array(cells, type=_TYPES[column.kind], from_pandas=column.kind == "float")


def read(path: Path) -> tuple[bytes, dict[str, dict[str, list[Any]]]]:
    """Return the record in a file, and its tables by name and column.

    Raises:
        FileError: this is none of a run, or it is damaged.
    """
    record, tables = unpacked(path, SUFFIX)
    try:
        return record, {name: _cells(pq.read_table(io.BytesIO(data))) for name, data in tables.items()}
    except (pa.ArrowException, OSError) as error:
        raise FileError(f"{path.name} cannot be read as Parquet: {error}") from None


def _cells(table: pa.Table) -> dict[str, list[Any]]:
    return {name: [math.nan if cell is None else cell for cell in table.column(name).to_pylist()] for name in table.column_names}
