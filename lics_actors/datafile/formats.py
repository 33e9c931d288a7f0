"""The formats a run is written in, and how a file is known again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Literal

from lics_actors.datafile.dossier import Dossier
from lics_actors.datafile.tables import Table

FormatName = Literal["nwb", "parquet", "csv"]

Writer = Callable[[Dossier, Sequence[Table], bytes, Path], None]
Reader = Callable[[Path], tuple[bytes, dict[str, dict[str, list[Any]]]]]


class FileError(ValueError):
    """This is no file of a run, or not one that can be read."""


@dataclass(frozen=True, slots=True)
class Format:
    """How files of a format are called and sent. `writes`, `reads`: modules, imported when that is wanted."""

    name: FormatName
    suffix: str
    media_type: str
    writes: str
    reads: str

    def writer(self) -> Writer:
        """Return what writes it.

        Raises:
            ImportError: a library it needs is not installed.
        """
        found: Writer = import_module(self.writes).write
        return found

    def reader(self) -> Reader:
        """Return what reads it.

        Raises:
            ImportError: as `writer`.
        """
        found: Reader = import_module(self.reads).read
        return found

    def file_name(self, run_id: object) -> str:
        """Return what a run's file is called."""
        return f"run-{run_id}{self.suffix}"


FORMATS: Final[dict[str, Format]] = {
    "nwb": Format("nwb", ".nwb", "application/x-hdf5", "lics_actors.datafile.nwb", "lics_actors.datafile.nwb_reading"),
    "parquet": Format(
        "parquet", ".parquet.zip", "application/zip", "lics_actors.datafile.parquet", "lics_actors.datafile.parquet"
    ),
    "csv": Format("csv", ".csv.zip", "application/zip", "lics_actors.datafile.csvs", "lics_actors.datafile.csvs"),
}


def format_of(path: Path) -> Format:
    """Return the format of a file, by what it begins with and what is in it.

    Raises:
        FileError: it is none of a run. OSError: it cannot be read.
    """
    with path.open("rb") as file:
        begin = file.read(8)
    if begin == b"\x89HDF\r\n\x1a\n":
        return FORMATS["nwb"]
    if begin.startswith(b"PK"):
        from lics_actors.datafile.archive import names_in  # noqa: PLC0415 - it needs FileError

        return FORMATS["parquet" if any(name.endswith(".parquet") for name in names_in(path)) else "csv"]
    raise FileError(f"{path.name} is no file of a run: neither NWB nor an archive of tables")
