"""Who changed what, and why: each version of a subject, a rig or an experiment, written in the transaction that makes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from lics_actors.store.connection import ANSWER_S, Connected
from lics_actors.store.cursors import Page, checked_limit, decode_cursor, page
from lics_actors.store.json_text import json_value, storable_json

MAX_PAGE: Final = 500
_NOTE: Final = """INSERT INTO change_history (laboratory_id, kind, about, version, time, principal, reason, changed, facts)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"""
_PAGE: Final = """SELECT * FROM change_history WHERE about = $1 AND ($2::int IS NULL OR version < $2)
    ORDER BY version DESC LIMIT $3"""


@dataclass(frozen=True, slots=True)
class Change:
    """One version. `changed`: the fields that are otherwise than before; `facts`: all of them, as they then were."""

    version: int
    time: datetime
    principal: str
    reason: str | None
    changed: tuple[str, ...]
    facts: Mapping[str, Any]


class Changes(Connected):
    """The histories of what people keep, newest first."""

    async def changes(self, about: UUID, limit: int = 100, cursor: str | None = None) -> Page[Change]:
        """Return the versions of a subject, a rig or an experiment, newest first.

        Raises:
            InvalidError: the limit or the cursor is none.
            DatabaseUnavailableError
        """
        checked_limit(limit, MAX_PAGE)
        after = decode_cursor("changes", cursor, tuple[int])
        async with self.raw(ANSWER_S) as connection:
            rows = await connection.fetch(_PAGE, about, after and after[0], limit + 1)
        return page("changes", rows, limit, lambda row: (row["version"],), _change)


async def note_change(
    connection: Any,
    kind: str,
    row: Mapping[str, Any],
    *,
    reason: str | None,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any],
) -> None:
    """Write a version: `row` has its id, laboratory, version, time and who; `before` None: it is the first."""
    changed = sorted(after) if before is None else sorted(name for name in after if after[name] != before.get(name))
    facts = (row["laboratory_id"], kind, row["id"], row["version"], row["updated_at"], row["updated_by"])
    await connection.execute(_NOTE, *facts, reason, storable_json(changed), storable_json(dict(after)))


def _change(row: Mapping[str, Any]) -> Change:
    facts = {name: row[name] for name in ("version", "time", "principal", "reason")}
    return Change(**facts, changed=tuple(_json(row["changed"])), facts=_json(row["facts"]))


def _json(value: Any) -> Any:
    return json_value(value) if isinstance(value, str | bytes) else value
