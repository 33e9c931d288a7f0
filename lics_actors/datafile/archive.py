"""An archive of tables with the record and a JSON about them: what the formats of one file a table share."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Final

from lics_actors.datafile.formats import FileError
from lics_actors.datafile.lines import MAX_BYTES

RECORD: Final = "record.jsonl"
ABOUT: Final = "run.json"
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)  # an archive knows no earlier time


def pack(path: Path, made: datetime, members: Iterable[tuple[str, bytes]], *, stored: bool) -> None:
    """Write an archive; the same members give the same bytes. `stored`: they are compressed already.

    Raises:
        OSError: it cannot be written.
    """
    when = max(_EPOCH, made.timetuple()[:6])
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members:
            info = zipfile.ZipInfo(name, when)
            info.external_attr = 0o644 << 16
            info.compress_type = zipfile.ZIP_STORED if stored and name not in {RECORD, ABOUT} else zipfile.ZIP_DEFLATED
            archive.writestr(info, data)


def names_in(path: Path) -> list[str]:
    """Return what is in an archive.

    Raises:
        FileError: it is none.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, OSError) as error:
        raise FileError(f"{path.name} is no archive: {error}") from None


def unpacked(path: Path, suffix: str) -> tuple[bytes, dict[str, bytes]]:
    """Return the record in an archive, and its tables by name.

    Raises:
        FileError: it is no archive of a run, is damaged, or would unpack to more than a run can have.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(each.file_size for each in archive.infolist()) > 2 * MAX_BYTES:
                raise FileError(f"{path.name} would unpack to more than {2 * MAX_BYTES} bytes")
            if RECORD not in archive.namelist():
                raise FileError(f"{path.name} holds no {RECORD}: LICS did not write it, or somebody removed it")
            tables = {name.removesuffix(suffix): archive.read(name) for name in archive.namelist() if name.endswith(suffix)}
            return archive.read(RECORD), tables
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        raise FileError(f"{path.name} cannot be read as an archive: {error}") from None


def about(document: object) -> bytes:
    """Return the JSON that lies beside the tables."""
    return json.dumps(document, indent=1, ensure_ascii=False).encode(errors="replace") + b"\n"
