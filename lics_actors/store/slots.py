"""Sessions to be, in a table: written down before anything of them is begun, listed, and wished for."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final, Literal
from uuid import UUID

from lics_actors.access.laboratories import Laboratories
from lics_actors.errors import ConflictError, NotFoundError
from lics_actors.store.alarm_states import Alarm
from lics_actors.store.alarms import take_words
from lics_actors.store.connection import ANSWER_S, Connected
from lics_actors.store.cursors import Page, checked_limit, decode_cursor, page
from lics_actors.store.json_text import json_value, storable_json, storable_text
from lics_actors.store.records import AlarmCleared, AlarmRaised

MAX_PAGE: Final = 500
MAX_KNOWN: Final = 20_000  # slots of a few days: more than any laboratory has animals
JOURNAL: Final = UUID("0a7d3a4e-6c52-4d8f-9a55-2f1c5be0d730")  # in the place of a journal's name: whose word these alarms are
Wish = Literal["start", "skip"]

# What is started is so for good, whoever comes late with another word.
_KEEP: Final = """INSERT INTO session_slot (id, laboratory_id, experiment_id, subject_id, rig_id, day, ordinal, begin_at, end_at,
        policy, reader_id, status, why, principal, until_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
    ON CONFLICT (id) DO UPDATE SET rig_id = $5, begin_at = $8, end_at = $9, policy = $10, reader_id = $11, status = $12,
        why = $13, principal = $14, until_at = $15, updated_at = $16
    WHERE session_slot.status <> 'started'"""
_HEARD: Final = """UPDATE session_slot SET wish = NULL, wish_by = NULL, wish_reason = NULL, wish_at = NULL
    WHERE id = $1 AND wish_at = $2"""
_GONE: Final = "DELETE FROM session_slot WHERE status = 'waiting' AND wish IS NULL AND NOT id = ANY($1)"
_FORGET: Final = """UPDATE session_slot SET status = 'missed', wish = NULL, updated_at = now()
    WHERE status IN ('asked', 'starting') AND end_at < $1 RETURNING *"""
_KNOWN: Final = """SELECT * FROM session_slot WHERE end_at > $1 OR wish IS NOT NULL ORDER BY begin_at DESC LIMIT $2"""
_WISHES: Final = "SELECT * FROM session_slot WHERE wish IS NOT NULL ORDER BY wish_at LIMIT $1"
_WISH: Final = """UPDATE session_slot SET wish = $2, wish_by = $3, wish_reason = $4, wish_at = $5
    WHERE id = $1 AND (wish IS NULL OR wish = $2) AND status IN ('waiting', 'asked', 'missed') RETURNING *"""
_COLUMNS: Final = """SELECT s.*, e.name AS experiment, a.name AS subject, r.name AS rig FROM session_slot s
    LEFT JOIN experiment e ON e.id = s.experiment_id LEFT JOIN subject a ON a.id = s.subject_id
    LEFT JOIN rig r ON r.id = s.rig_id"""
_ONE: Final = f"{_COLUMNS} WHERE s.id = $1 AND ($2::uuid[] IS NULL OR s.laboratory_id = ANY($2))"
_PAGE: Final = f"""{_COLUMNS} WHERE ($1::timestamptz IS NULL OR (s.begin_at, s.id) > ($1, $2::uuid))
    AND ($3::uuid[] IS NULL OR s.laboratory_id = ANY($3)) AND ($4::uuid IS NULL OR s.rig_id = $4)
    AND ($5::uuid IS NULL OR s.subject_id = $5) AND ($6::uuid IS NULL OR s.experiment_id = $6)
    AND ($7::text IS NULL OR s.status = $7) AND ($8::timestamptz IS NULL OR s.end_at > $8)
    AND ($9::timestamptz IS NULL OR s.begin_at < $9) ORDER BY s.begin_at, s.id LIMIT $10"""
_PLANNED: Final = """SELECT id, laboratory_id, name, version, updated_at, stages, subjects, schedule FROM experiment
    WHERE status = 'active' AND schedule->'windows' <> '[]' AND schedule->'rigs' <> '{}' ORDER BY id"""
_TAGS: Final = "SELECT id, name, rfid FROM subject WHERE id = ANY($1)"
_RIGS: Final = "SELECT id, name FROM rig WHERE id = ANY($1)"
_OPEN_RUNS: Final = "SELECT id, rig_id, subject_id FROM run WHERE ended_at IS NULL"
_BEGUN: Final = """SELECT ordered_at FROM run WHERE experiment_id = $1 AND subject_id = $2 AND ordered_at > $3
    AND (began_at IS NOT NULL OR ended_at IS NULL) AND ($4::uuid IS NULL OR id <> $4) ORDER BY ordered_at"""
_STANDING: Final = """SELECT source, kind, message FROM alarm WHERE source = ANY($1) AND severity = 'critical'
    AND cleared_at IS NULL AND returned_at IS NULL AND coalesce(shelved_until <= now(), TRUE)
    AND kind !~ '_shortfall$' ORDER BY raised_at"""


class SlotNotFoundError(NotFoundError):
    """No such session is planned."""

    code = "SLOT_NOT_FOUND"


class SlotDecidedError(ConflictError):
    """The session has begun, is just beginning, or was skipped."""

    code = "SLOT_DECIDED"


@dataclass(frozen=True, slots=True)
class SlotRow:
    """A session to be, as the table has it; names where they were asked for. `id` is its run's."""

    id: UUID
    laboratory_id: UUID
    experiment_id: UUID
    subject_id: UUID
    rig_id: UUID
    day: date
    ordinal: int
    begin_at: datetime
    end_at: datetime
    policy: str
    reader_id: UUID | None
    status: str
    why: tuple[str, ...]
    principal: str
    until_at: datetime | None = None
    updated_at: datetime | None = None
    wish: str | None = None
    wish_by: str | None = None
    wish_reason: str | None = None
    wish_at: datetime | None = None
    experiment: str | None = None
    subject: str | None = None
    rig: str | None = None


@dataclass(frozen=True, slots=True)
class Planned:
    """An active experiment that plans sessions. `since`: when it came to be planned so."""

    id: UUID
    laboratory_id: UUID
    name: str
    version: int
    since: datetime
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SlotFilter:
    """Which slots; None: whatever it is. `start` and `end`: those whose window is open somewhere between."""

    laboratories: Laboratories = None
    rig_id: UUID | None = None
    subject_id: UUID | None = None
    experiment_id: UUID | None = None
    status: str | None = None
    start: datetime | None = None
    end: datetime | None = None


_NAMES: Final = frozenset(each.name for each in dataclasses.fields(SlotRow))
Word = AlarmRaised | AlarmCleared


class Slots(Connected):
    """The schedule's part of the repository. `laboratories` None: of all of them."""

    async def keep_slots(
        self, slots: Sequence[SlotRow], words: Sequence[Word] = (), heard: Mapping[UUID, datetime] | None = None
    ) -> list[Alarm]:
        """Keep how slots stand, what is to be told of them, and that wishes were heard (slot → when it was wished): all or
        nothing; return the alarms that changed.

        Raises:
            DatabaseUnavailableError: nothing is known to be kept.
        """
        now = datetime.now(UTC)
        async with self.transaction(ANSWER_S) as connection:
            if slots:
                await connection.executemany(_KEEP, [_said(each, now) for each in slots])
            if heard:
                await connection.executemany(_HEARD, list(heard.items()))
            return await take_words(connection, JOURNAL, words) if words else []

    async def slots_gone(self, planned: Iterable[UUID]) -> None:
        """Forget the slots that wait and are planned no more.

        Raises:
            DatabaseUnavailableError
        """
        async with self.raw(ANSWER_S) as connection:
            await connection.execute(_GONE, list(planned))

    async def forget_slots(self, before: datetime) -> list[SlotRow]:
        """Close the slots that ended before that and nobody decided; return them.

        Raises:
            DatabaseUnavailableError
        """
        async with self.raw(ANSWER_S) as connection:
            return [_slot(row) for row in await connection.fetch(_FORGET, before)]

    async def known_slots(self, since: datetime) -> list[SlotRow]:
        """Return the slots whose windows end after that, and those that somebody wants something of.

        Raises:
            DatabaseUnavailableError
        """
        async with self.raw(ANSWER_S) as connection:
            return [_slot(row) for row in await connection.fetch(_KNOWN, since, MAX_KNOWN)]

    async def slot_wishes(self, limit: int = 100) -> list[SlotRow]:
        """Return the slots of which somebody wants something, the oldest wish first.

        Raises:
            DatabaseUnavailableError
        """
        async with self.raw(ANSWER_S) as connection:
            return [_slot(row) for row in await connection.fetch(_WISHES, limit)]

    async def wish_slot(self, slot_id: UUID, wish: Wish, by: str, reason: str) -> SlotRow:
        """Keep what somebody wants of a slot; the same again replaces it.

        Raises:
            SlotDecidedError: there is nothing to decide of it, or somebody wants the other thing. SlotNotFoundError
            DatabaseUnavailableError
        """
        async with self.raw(ANSWER_S) as connection:
            row = await connection.fetchrow(_WISH, slot_id, wish, by, storable_text(reason), datetime.now(UTC))
        found = await self.get_slot(slot_id)
        if row is None:
            told = f"{found.wish_by} wants to {found.wish} it" if found.wish else f"it is {found.status}"
            raise SlotDecidedError(f"the session cannot be decided now: {told}", slot_id=str(slot_id), status=found.status)
        return found

    async def get_slot(self, slot_id: UUID, laboratories: Laboratories = None) -> SlotRow:
        """Return a slot.

        Raises:
            SlotNotFoundError, DatabaseUnavailableError
        """
        async with self.raw(ANSWER_S) as connection:
            row = await connection.fetchrow(_ONE, slot_id, None if laboratories is None else list(laboratories))
        if row is None:
            raise SlotNotFoundError(f"no session {slot_id} is planned", slot_id=str(slot_id))
        return _slot(row)

    async def list_slots(self, asked: SlotFilter, limit: int = 100, cursor: str | None = None) -> Page[SlotRow]:
        """Return slots by when they begin, `limit` at a time.

        Raises:
            InvalidError: the limit or the cursor is none.
            DatabaseUnavailableError
        """
        checked_limit(limit, MAX_PAGE)
        at, slot_id = decode_cursor("slots", cursor, tuple[datetime, UUID]) or (None, None)
        where = None if asked.laboratories is None else list(asked.laboratories)
        wanted = (asked.rig_id, asked.subject_id, asked.experiment_id, asked.status, asked.start, asked.end)
        async with self.raw(ANSWER_S) as connection:
            rows = await connection.fetch(_PAGE, at, slot_id, where, *wanted, limit + 1)
        return page("slots", rows, limit, lambda row: (row["begin_at"], row["id"]), _slot)

    async def planned_experiments(self) -> list[Planned]:
        """Return the active experiments that plan sessions by the clock or by tag.

        Raises:
            DatabaseUnavailableError
        """
        async with self.raw(ANSWER_S) as connection:
            return [_planned(row) for row in await connection.fetch(_PLANNED)]

    async def schedule_names(
        self, subjects: Iterable[UUID], rigs: Iterable[UUID]
    ) -> tuple[dict[UUID, str | None], dict[UUID, str]]:
        """Return the RFID tags of subjects, and how these and rigs are called.

        Raises:
            DatabaseUnavailableError
        """
        async with self.raw(ANSWER_S) as connection:
            animals = await connection.fetch(_TAGS, list(subjects))
            places = await connection.fetch(_RIGS, list(rigs))
        return {row["id"]: row["rfid"] for row in animals}, {row["id"]: row["name"] for row in (*animals, *places)}

    async def open_runs(self) -> dict[UUID, tuple[UUID, UUID | None]]:
        """Return rig and subject of every run that is not over.

        Raises:
            DatabaseUnavailableError
        """
        async with self.raw(ANSWER_S) as connection:
            return {row["id"]: (row["rig_id"], row["subject_id"]) for row in await connection.fetch(_OPEN_RUNS)}

    async def begun_since(
        self, experiment_id: UUID, subject_id: UUID, since: datetime, but: UUID | None = None
    ) -> list[datetime]:
        """Return when a subject's runs of an experiment were ordered since then, without those that never began and this one.

        Raises:
            DatabaseUnavailableError
        """
        async with self.raw(ANSWER_S) as connection:
            return [row["ordered_at"] for row in await connection.fetch(_BEGUN, experiment_id, subject_id, since, but)]

    async def critical_alarms(self, sources: Iterable[str]) -> list[tuple[str, str, str]]:
        """Return source, kind and message of the critical alarms that stand there, but those that something is missing.

        Raises:
            DatabaseUnavailableError
        """
        async with self.raw(ANSWER_S) as connection:
            rows = await connection.fetch(_STANDING, list(sources))
        return [(row["source"], row["kind"], row["message"]) for row in rows]


def _said(slot: SlotRow, now: datetime) -> tuple[Any, ...]:
    what = (slot.id, slot.laboratory_id, slot.experiment_id, slot.subject_id, slot.rig_id, slot.day, slot.ordinal)
    when = (slot.begin_at, slot.end_at, slot.policy, slot.reader_id)
    return (*what, *when, slot.status, storable_json(list(slot.why)), slot.principal, slot.until_at, now)


def _slot(row: Mapping[str, Any]) -> SlotRow:
    facts = {name: value for name, value in dict(row).items() if name in _NAMES}
    return SlotRow(**facts | {"why": tuple(_json(row["why"]))})


def _planned(row: Mapping[str, Any]) -> Planned:
    document = {name: _json(row[name]) for name in ("stages", "subjects", "schedule")}
    return Planned(row["id"], row["laboratory_id"], row["name"], row["version"], row["updated_at"], document)


def _json(value: Any) -> Any:
    return json_value(value) if isinstance(value, str | bytes) else value
