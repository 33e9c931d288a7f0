"""Files of runs in their table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from lics_actors.errors import NotFoundError
from lics_actors.store.connection import ANSWER_S, Connected

KEPT: Final = 20  # files of a run; with another one the oldest is forgotten


class ExportNotFoundError(NotFoundError):
    """No such file."""

    code = "EXPORT_NOT_FOUND"


@dataclass(frozen=True, slots=True)
class Export:
    """A file of a run. `state`: making, ready, failed; `reason`: why it failed."""

    id: UUID
    laboratory_id: UUID
    run_id: UUID
    format: str
    state: str
    created_at: datetime
    created_by: str
    key: str
    software: str
    ended_at: datetime | None = None
    size: int | None = None
    sha256: str | None = None
    record_sha256: str | None = None
    reason: str | None = None


NAMES: Final = ", ".join(Export.__dataclass_fields__)


def export_of(row: Mapping[str, Any]) -> Export:
    """Return a row as an export."""
    return Export(**{name: row[name] for name in Export.__dataclass_fields__})


class Exports(Connected):
    """The part of the repository that knows the files of runs."""

    async def begin_export(self, new: Export) -> list[Export]:
        """Note that a file is being made; return those of the same run that are forgotten for it.

        Raises:
            DatabaseUnavailableError
        """
        columns = ("id", "laboratory_id", "run_id", "format", "state", "created_at", "created_by", "key", "software")
        places = ", ".join(f"${n}" for n in range(1, len(columns) + 1))
        insert = f"INSERT INTO export ({', '.join(columns)}) VALUES ({places})"  # noqa: S608 - our own names
        forget = (
            "DELETE FROM export WHERE run_id = $1 AND id IN (SELECT id FROM export WHERE run_id = $1"  # noqa: S608 - our own names
            f" ORDER BY created_at DESC, id DESC OFFSET {KEPT}) RETURNING {NAMES}"
        )
        async with self.transaction(ANSWER_S) as connection:
            await connection.execute(insert, *(getattr(new, name) for name in columns))
            return [export_of(row) for row in await connection.fetch(forget, new.run_id)]

    async def end_export(self, export_id: UUID, state: str, facts: Mapping[str, Any]) -> Export:
        """Note what became of a file: `facts` holds size, sha256 and record_sha256, or the reason.

        Raises:
            ExportNotFoundError: it was forgotten meanwhile. DatabaseUnavailableError
        """
        names = ("size", "sha256", "record_sha256", "reason")
        update = (
            "UPDATE export SET state = $2, ended_at = now(), size = $3, sha256 = $4, record_sha256 = $5, reason = $6"  # noqa: S608
            f" WHERE id = $1 RETURNING {NAMES}"
        )
        async with self.raw(ANSWER_S) as connection:
            row = await connection.fetchrow(update, export_id, state, *(facts.get(name) for name in names))
        return _there(row, export_id)

    async def get_export(self, run_id: UUID, export_id: UUID) -> Export:
        """Return a file of a run.

        Raises:
            ExportNotFoundError, DatabaseUnavailableError
        """
        async with self.raw(ANSWER_S) as connection:
            found = await connection.fetchrow(
                f"SELECT {NAMES} FROM export WHERE id = $1 AND run_id = $2",  # noqa: S608 - our own names
                export_id,
                run_id,
            )
        return _there(found, export_id)

    async def exports_of(self, run_id: UUID) -> list[Export]:
        """Return a run's files, the newest first; KEPT at most.

        Raises:
            DatabaseUnavailableError
        """
        async with self.raw(ANSWER_S) as connection:
            rows = await connection.fetch(
                f"SELECT {NAMES} FROM export WHERE run_id = $1 ORDER BY created_at DESC, id DESC LIMIT {KEPT}",  # noqa: S608
                run_id,
            )
        return [export_of(row) for row in rows]


def _there(row: Mapping[str, Any] | None, export_id: UUID) -> Export:
    if row is None:
        raise ExportNotFoundError(f"there is no file {export_id} of this run", export_id=str(export_id))
    return export_of(row)
