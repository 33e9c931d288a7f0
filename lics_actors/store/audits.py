"""The audit as it is read: searched, walked from its first row to its last, and who could change it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from lics_actors.store.audit_chain import SAID, Link, Row
from lics_actors.store.audit_writes import head
from lics_actors.store.belonging import acts_within
from lics_actors.store.connection import ANSWER_S, Connected
from lics_actors.store.cursors import Page, checked_limit, decode_cursor, page
from lics_actors.store.devices import MAX_PAGE
from lics_actors.store.json_text import json_value
from lics_actors.store.records import Audited

WALK_S: Final = 3600.0  # 10 million rows take some minutes
AT_ONCE: Final = 2000
TABLE_S: Final = 30.0

_NO_END: Final = "(outcome <> 'asked' OR NOT EXISTS (SELECT FROM audit e WHERE e.act = audit.act AND e.outcome <> 'asked'))"
_WALK: Final = f"""SELECT n, digest, {", ".join(name for name in SAID if name not in {"before", "after", "laboratory"})},
    before::text AS before, after::text AS after, laboratory_id AS laboratory FROM audit ORDER BY n"""  # noqa: S608
_TEXT: Final = """strpos(lower(concat_ws(' ', principal, action, target, reason, error, remote, request_id,
    before::text, after::text)), lower(${place})) > 0"""
_FENCE: Final = """SELECT current_user::text AS role, r.rolsuper AS super,
    pg_has_role(current_user, c.relowner, 'USAGE') AS owner,
    has_table_privilege(c.oid, 'UPDATE') OR has_any_column_privilege(c.oid, 'UPDATE') AS may_update,
    has_table_privilege(c.oid, 'DELETE') AS may_delete, has_table_privilege(c.oid, 'TRUNCATE') AS may_truncate,
    pg_has_role(current_user, (SELECT nspowner FROM pg_namespace n WHERE n.oid = c.relnamespace), 'USAGE') AS owns_schema,
    EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = 'audit_stays' AND t.tgenabled = 'A') AS trigger
    FROM pg_class c, pg_roles r WHERE c.oid = 'audit'::regclass AND r.rolname = current_user"""


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which acts. `text`: somewhere in names, reason, error, before and after, in any case; `laboratories` None: all."""

    principal: str | None = None
    action: str | None = None
    target: str | None = None
    outcome: str | None = None
    origin: str | None = None
    remote: str | None = None
    text: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    laboratories: frozenset[UUID] | None = None


@dataclass(frozen=True, slots=True)
class Fence:
    """What keeps the role that asks from changing the audit. `powers`: what it could do all the same, in words."""

    role: str
    powers: tuple[str, ...]
    trigger: bool

    @property
    def holds(self) -> bool:
        """Return whether the database's permissions leave it nothing but to add and to read."""
        return not self.powers and self.trigger


class Audits(Connected):
    """The audit's part of the repository."""

    async def audit(
        self,
        principal: str | None = None,
        action: str | None = None,
        target: str | None = None,
        outcome: str | None = None,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page[Audited]:
        """As `acts`, by some of it."""
        chosen = AuditFilter(principal, action, target, outcome, start=start, end=end)
        return await self.acts(chosen, limit, cursor)

    async def acts(self, chosen: AuditFilter, limit: int = 100, cursor: str | None = None) -> Page[Audited]:
        """Return what people did and tried, newest first: each act once, with its end, or as `asked` where none was told.

        Raises:
            InvalidError, DatabaseUnavailableError
        """
        checked_limit(limit, MAX_PAGE)
        conditions, values = _conditions(chosen)
        if (after := decode_cursor("audit", cursor, tuple[datetime, int])) is not None:
            values.extend(after)
            conditions.append(f"(time, id) < (${len(values) - 1}, ${len(values)})")
        where = " AND ".join([_NO_END, *conditions])
        statement = f"SELECT * FROM audit WHERE {where} ORDER BY time DESC, id DESC LIMIT {limit + 1:d}"  # noqa: S608
        async with self.raw(TABLE_S) as connection:
            rows = await connection.fetch(statement, *values)
        return page("audit", rows, limit, lambda row: (row["time"], row["id"]), _audited)

    async def audit_head(self) -> Link | None:
        """Return the last place of the chain.

        Raises:
            DatabaseUnavailableError
        """
        async with self.raw(ANSWER_S) as connection:
            return await head(connection)

    async def audit_digest(self, n: int) -> bytes | None:
        """Return the digest that the `n`th row carries, None where there is no such row.

        Raises:
            DatabaseUnavailableError
        """
        async with self.raw(ANSWER_S) as connection:
            found = await connection.fetchval("SELECT digest FROM audit WHERE n = $1", n)
        return None if found is None else bytes(found)

    async def audit_rows(self) -> AsyncIterator[Row]:
        """Yield every row in the chain's order, as of one moment, a few at a time.

        Raises:
            DatabaseUnavailableError
        """
        async with self.snapshot(WALK_S) as connection:
            async for row in connection.cursor(_WALK, prefetch=AT_ONCE):
                yield Row(row["n"], bytes(row["digest"]), tuple(row[name] for name in SAID))

    async def audit_fence(self) -> Fence:
        """Return what keeps this role from changing the audit.

        Raises:
            DatabaseUnavailableError
        """
        async with self.raw(ANSWER_S) as connection:
            row = await connection.fetchrow(_FENCE)
        powers = {
            "it is a superuser": row["super"],
            "it owns the table": row["owner"],
            "it owns the schema": row["owns_schema"],
            "it may update": row["may_update"],
            "it may delete": row["may_delete"],
            "it may truncate": row["may_truncate"],
        }
        return Fence(row["role"], tuple(power for power, has in powers.items() if has), row["trigger"])


def _conditions(chosen: AuditFilter) -> tuple[list[str], list[Any]]:
    conditions: list[str] = []
    values: list[Any] = []
    for name in ("principal", "action", "target", "outcome", "origin", "remote"):
        if (value := getattr(chosen, name)) is not None:
            values.append(value)
            conditions.append(f"{name} = ${len(values)}")
    for comparison, value in (("time >=", chosen.start), ("time <", chosen.end)):
        if value is not None:
            values.append(value)
            conditions.append(f"{comparison} ${len(values)}")
    if chosen.text is not None:
        values.append(chosen.text)
        conditions.append(_TEXT.format(place=len(values)))
    if chosen.laboratories is not None:
        values.append(list(chosen.laboratories))
        conditions.append(acts_within(f"${len(values)}::uuid[]"))
    return conditions, values


def _audited(row: Mapping[str, Any]) -> Audited:
    apart = {"before", "after", "laboratory"}
    told = {name: row[name] for name in Audited.__struct_fields__ if name not in apart}
    return Audited(**told, before=_decoded(row["before"]), after=_decoded(row["after"]), laboratory=row["laboratory_id"])


def _decoded(text: str | None) -> Any:
    return None if text is None else json_value(text)
