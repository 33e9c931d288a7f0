"""Alarms in the table: what journals say of them, and what people do about them, each under the lock of its source and kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

from lics_actors.access.laboratories import Laboratories
from lics_actors.errors import NotFoundError
from lics_actors.store.alarm_states import Act, Alarm, AlarmCounts, Raised, Returned, acted, elapsed, told
from lics_actors.store.belonging import named_within
from lics_actors.store.connection import ANSWER_S, READ_S, Connected
from lics_actors.store.cursors import Page, checked_limit, decode_cursor, page
from lics_actors.store.devices import MAX_PAGE
from lics_actors.store.json_text import storable_text
from lics_actors.store.models import METRIC_LENGTH, NAME_LENGTH, WORD_LENGTH
from lics_actors.store.records import AlarmCleared, AlarmRaised

COLUMNS = tuple(field.name for field in fields(Alarm) if field.name != "id")
_NAMES = ", ".join(COLUMNS)
_PLACES = ", ".join(f"${n}" for n in range(1, len(COLUMNS) + 1))
_INSERT = f"INSERT INTO alarm ({_NAMES}, journal) VALUES ({_PLACES}, ${len(COLUMNS) + 1}) RETURNING id"  # noqa: S608 - our own names
_SET = ", ".join(f"{name} = ${n}" for n, name in enumerate(COLUMNS, 1))
_UPDATE = f"UPDATE alarm SET {_SET}, journal = ${len(COLUMNS) + 1} WHERE id = ${len(COLUMNS) + 2}"  # noqa: S608
_OPEN = f"SELECT id, {_NAMES}, journal FROM alarm WHERE source = $1 AND kind = $2 AND cleared_at IS NULL"  # noqa: S608
_BY_ID = f"SELECT id, {_NAMES}, journal FROM alarm WHERE id = $1"  # noqa: S608
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended($1, 18))"  # 18: alarms, apart from whatever else is locked by a text
# A shelf whose time is over is left by whoever looks next; until then the table still has it.
_OVER = "(cleared_at IS NOT NULL OR (coalesce(shelved_until <= now(), FALSE) AND returned_at IS NOT NULL))"
_SHELVED = "coalesce(shelved_until > now(), FALSE)"
_SEEN = "(acknowledged_at IS NOT NULL AND (shelved_until IS NULL OR shelved_until > now()))"
_DUE = "cleared_at IS NULL AND shelved_until <= now()"

Key = tuple[str, str]
Word = AlarmRaised | AlarmCleared


class AlarmNotFoundError(NotFoundError):
    """No such alarm."""

    code = "ALARM_NOT_FOUND"


async def take_words(connection: Any, journal: UUID, words: Iterable[Word]) -> list[Alarm]:
    """Write what a journal says of alarms, in its order, within the caller's transaction; return what changed, as it is now."""
    by_key: dict[Key, list[Word]] = {}
    for word in words:
        by_key.setdefault(_key(word), []).append(word)
    await _lock(connection, by_key)
    changed: list[Alarm] = []
    for (source, kind), said in by_key.items():
        row = await connection.fetchrow(_OPEN, source, kind)
        alarm, raised_by = (None, None) if row is None else (_alarm(row), row["journal"])
        for word in said:
            for after in told(alarm, source, kind, _event(word, in_order=raised_by == journal)):
                raised_by = journal if isinstance(word, AlarmRaised) else raised_by
                alarm = await _put(connection, after, raised_by)
                changed = [other for other in changed if other.id != alarm.id] + [alarm]
            alarm = alarm if alarm is not None and alarm.cleared_at is None else None
    return changed


def _event(word: Word, *, in_order: bool) -> Raised | Returned:
    if isinstance(word, AlarmCleared):
        return Returned(word.time, in_order)
    return Raised(word.time, storable_text(word.severity)[:WORD_LENGTH], storable_text(word.message))


def _key(word: Word) -> Key:
    return storable_text(word.source)[:NAME_LENGTH], storable_text(word.kind)[:METRIC_LENGTH]


async def _lock(connection: Any, keys: Iterable[Key]) -> None:
    """Keep others off these alarms until the transaction ends; in one order, so that nobody waits in a circle."""
    for source, kind in sorted(keys):
        await connection.execute(_LOCK, f"{source}\n{kind}")


async def _put(connection: Any, alarm: Alarm, journal: UUID | None) -> Alarm:
    values = [getattr(alarm, name) for name in COLUMNS]
    if alarm.id:
        await connection.execute(_UPDATE, *values, journal, alarm.id)
        return alarm
    identity = await connection.fetchval(_INSERT, *values, journal)
    return Alarm(identity, *values)


def _alarm(row: Mapping[str, Any]) -> Alarm:
    return Alarm(row["id"], *(row[name] for name in COLUMNS))


class Alarms(Connected):
    """The alarms' part of the repository."""

    async def alarms(
        self,
        open_only: bool = True,
        limit: int = 100,
        cursor: str | None = None,
        *,
        active: bool | None = None,
        acknowledged: bool | None = None,
        shelved: bool | None = None,
        source: str | None = None,
        laboratories: Laboratories = None,
    ) -> Page[Alarm]:
        """Return alarms, newest first; with `open_only` those that are not over. The others: only those that are, or are not.

        With `laboratories`, those of their devices, and those that are everybody's.

        Raises:
            InvalidError, DatabaseUnavailableError
        """
        checked_limit(limit, MAX_PAGE)
        after = decode_cursor("alarms", cursor, tuple[datetime, int])
        wanted = {"returned_at IS NULL AND cleared_at IS NULL": active, _SEEN: acknowledged, _SHELVED: shelved}
        conditions = [f"NOT {_OVER}"] if open_only else []
        conditions += [f"({what}) IS {'TRUE' if asked else 'FALSE'}" for what, asked in wanted.items() if asked is not None]
        values: list[Any] = []
        if source is not None:
            values.append(source)
            conditions.append("source = $1")
        if laboratories is not None:
            values.append(list(laboratories))
            conditions.append(named_within("source", f"${len(values)}"))
        if after is not None:
            conditions.append(f"(raised_at, id) < (${len(values) + 1}, ${len(values) + 2})")
            values.extend(after)
        where = " AND ".join(conditions) or "TRUE"
        query = f"SELECT id, {_NAMES}, now() AS now FROM alarm WHERE {where} ORDER BY raised_at DESC, id DESC LIMIT {limit + 1:d}"  # noqa: S608
        async with self.raw(READ_S) as connection:
            rows = await connection.fetch(query, *values)
        return page(
            "alarms", rows, limit, lambda row: (row["raised_at"], row["id"]), lambda row: elapsed(_alarm(row), row["now"])
        )

    async def alarm(self, alarm_id: int) -> Alarm:
        """Return an alarm as it is now.

        Raises:
            AlarmNotFoundError, DatabaseUnavailableError
        """
        async with self.raw(ANSWER_S) as connection:
            row = await connection.fetchrow(_BY_ID, alarm_id)
            if row is None:
                raise AlarmNotFoundError(f"no alarm {alarm_id}", alarm=alarm_id)
            return elapsed(_alarm(row), await connection.fetchval("SELECT now()"))

    async def act_on_alarm(self, alarm_id: int, act: Act) -> tuple[Alarm, Alarm]:
        """Do what a person wants with an alarm; return it as it was and as it is.

        Raises:
            AlarmNotFoundError, ConflictError, InvalidError: as `alarm_states.acted`.
            DatabaseUnavailableError: nothing is known to be done; it may be repeated.
        """
        async with self.transaction(ANSWER_S) as connection:
            row = await connection.fetchrow(_BY_ID, alarm_id)
            if row is None:
                raise AlarmNotFoundError(f"no alarm {alarm_id}", alarm=alarm_id)
            await _lock(connection, [(row["source"], row["kind"])])
            row = await connection.fetchrow(_BY_ID, alarm_id)
            before = elapsed(_alarm(row), act.time)
            after = acted(before, act)
            if after != _alarm(row):
                await _put(connection, after, row["journal"])
            return before, after

    async def leave_shelves(self) -> list[Alarm]:
        """Bring back, or end, the alarms whose shelving is over; return them. Each is returned to one caller only.

        Raises:
            DatabaseUnavailableError
        """
        async with self.transaction(ANSWER_S) as connection:
            due = await connection.fetch(f"SELECT source, kind FROM alarm WHERE {_DUE} LIMIT {MAX_PAGE:d}")  # noqa: S608
            await _lock(connection, {(row["source"], row["kind"]) for row in due})
            left: list[Alarm] = []
            for found in due:
                row = await connection.fetchrow(f"{_OPEN} AND shelved_until <= now()", found["source"], found["kind"])
                if row is not None:
                    left.append(await _put(connection, elapsed(_alarm(row), row["shelved_until"]), row["journal"]))
            return left

    async def alarm_counts(self, laboratories: Laboratories = None) -> AlarmCounts:
        """Return how many alarms there are: all, or of these laboratories and everybody's.

        Raises:
            DatabaseUnavailableError
        """
        standing = f"returned_at IS NULL AND cleared_at IS NULL AND NOT {_SHELVED}"
        seen = f"($1::uuid[] IS NULL OR {named_within('source', '$1')})"
        active = f"SELECT severity, count(*) FROM alarm WHERE {standing} AND {seen} GROUP BY 1"  # noqa: S608 - our own words
        unseen, aside = f"count(*) FILTER (WHERE NOT {_SEEN} AND NOT {_SHELVED})", f"count(*) FILTER (WHERE {_SHELVED})"
        rest = f"SELECT {unseen}, {aside} FROM alarm WHERE NOT {_OVER} AND {seen}"  # noqa: S608
        places = None if laboratories is None else list(laboratories)
        async with self.raw(ANSWER_S) as connection:
            rows = await connection.fetch(active, places)
            unacknowledged, shelved = await connection.fetchrow(rest, places)
        return AlarmCounts({row[0]: row[1] for row in rows}, unacknowledged, shelved)
