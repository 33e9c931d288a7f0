"""The process that writes one run's file: it reads the tables itself, has limits of its own, and fails alone.

Run as `python -m lics_actors.datafile.exporting`: a `Task` as JSON on stdin, an `Outcome` as JSON on stdout.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import resource
import signal
import sys
import warnings
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from lics_actors.datafile.formats import FORMATS, FormatName
from lics_actors.datafile.lines import seal_of
from lics_actors.errors import LicsError


class Task(msgspec.Struct, frozen=True):
    """What to write, and where to. `memory_bytes`: of the process; beyond `limit_s` it ends itself."""

    database_url: str
    run_id: UUID
    format: FormatName
    path: str
    limit_s: int
    memory_bytes: int


class Written(msgspec.Struct, frozen=True, tag=True):
    """The file is there."""

    size: int
    sha256: str
    record_sha256: str


class NotWritten(msgspec.Struct, frozen=True, tag=True):
    """It is not, and why."""

    code: str
    message: str


Outcome = Written | NotWritten


def bounded(task: Task) -> None:
    """Limit this process, and let all others go first."""
    signal.alarm(task.limit_s)
    resource.setrlimit(resource.RLIMIT_DATA, (task.memory_bytes, task.memory_bytes))
    os.nice(10)


async def written(task: Task) -> Outcome:
    """Write the file; return what came of it."""
    from lics_actors.datafile.making import make  # noqa: PLC0415 - after the limits
    from lics_actors.store.dossiers import read_dossier  # noqa: PLC0415
    from lics_actors.store.repository import Repository  # noqa: PLC0415

    repository = await Repository.connect(task.database_url, pool_size=1, max_overflow=0)
    path = Path(task.path)
    try:
        record = make(await read_dossier(repository, task.run_id), FORMATS[task.format], path)
    except LicsError as error:
        return NotWritten(error.code, error.message)
    except ImportError as error:
        return NotWritten(
            "LIBRARY_MISSING", f"{task.format} needs the package {error.name}, which is not installed: pip install lics"
        )
    except MemoryError:
        return NotWritten("TOO_LARGE", f"the run needs more than {task.memory_bytes >> 20} MiB; raise LICS_EXPORT_MEMORY_MB")
    except OSError as error:
        return NotWritten("STORAGE_FULL", f"the file cannot be written: {error.strerror or error}")
    finally:
        await repository.close()
    return _told(path, record)


def _told(path: Path, record: bytes) -> Written:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Written(path.stat().st_size, digest, seal_of(record))


def main() -> None:
    """Do one task."""
    task = msgspec.json.decode(sys.stdin.buffer.read(), type=Task)
    bounded(task)
    warnings.simplefilter("ignore")  # of libraries, about each other
    outcome: Any = asyncio.run(written(task))
    sys.stdout.buffer.write(msgspec.json.encode(outcome))


if __name__ == "__main__":
    main()
