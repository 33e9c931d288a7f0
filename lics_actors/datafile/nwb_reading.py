"""The record and the tables in an NWB file of a run.

Read with h5py: what the file says is taken as it stands, whatever schema it brings along, and nobody waits for pynwb.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np

from lics_actors.datafile.formats import FileError

RECORD: Final = "lics_record"


def read(path: Path) -> tuple[bytes, dict[str, dict[str, list[Any]]]]:
    """Return the record in a file, and its tables by name and column.

    Raises:
        FileError: this is no NWB file of a run of LICS.
    """
    try:
        with h5py.File(path, "r") as file:
            if f"scratch/{RECORD}" not in file:
                raise FileError(
                    f"{path.name} holds no record of a run: LICS did not write it, or somebody removed /scratch/{RECORD}"
                )
            record = bytes(np.asarray(file[f"scratch/{RECORD}"][()], dtype=np.uint8))
            groups = {"trials": file["intervals/trials"]} if "intervals/trials" in file else {}
            for place in ("events", "processing/misc"):
                groups |= dict(file[place].items()) if place in file else {}
            return record, {name: _read_table(group) for name, group in groups.items()}
    except (OSError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, FileError):
            raise
        raise FileError(f"{path.name} cannot be read as NWB: {error}") from None


def _read_table(group: Any) -> dict[str, list[Any]]:
    return {name: _cells(data) for name, data in group.items() if isinstance(data, h5py.Dataset)}


def _cells(data: Any) -> list[Any]:
    cells = data.asstr()[()] if h5py.check_string_dtype(data.dtype) is not None else data[()]
    if h5py.check_enum_dtype(data.dtype) is not None:
        cells = cells.astype(bool)
    found: list[Any] = cells.tolist()
    return found
