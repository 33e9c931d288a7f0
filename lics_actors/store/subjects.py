"""The laboratory's subjects, what they weighed, and every version of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg

from lics_actors.access.laboratories import Laboratories
from lics_actors.errors import ConflictError, PreconditionFailedError, SubjectNotFoundError
from lics_actors.store.changes import Changes, note_change
from lics_actors.store.connection import ANSWER_S
from lics_actors.store.cursors import Page, checked_limit, decode_cursor, only_one, page
from lics_actors.store.json_text import json_value, storable_json

MAX_PAGE: Final = 500
FACTS: Final = ("name", "species", "sex", "birth_date", "rfid", "status", "daily", "notes")
_INSERT: Final = """INSERT INTO subject (id, laboratory_id, name, species, sex, birth_date, rfid, status, daily, notes, version,
        created_at, updated_at, created_by, updated_by)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1, $11, $11, $12, $12) RETURNING *"""
_UPDATE: Final = """UPDATE subject SET name = $2, species = $3, sex = $4, birth_date = $5, rfid = $6, status = $7, daily = $8,
    notes = $9, updated_at = $10, updated_by = $11, version = version + 1
    WHERE id = $1 AND version = $12 RETURNING *"""
_ONE: Final = "SELECT * FROM subject WHERE id = $1 AND ($2::uuid[] IS NULL OR laboratory_id = ANY($2))"
_CALLED: Final = """SELECT * FROM subject WHERE (name = $1 OR rfid = $1) AND status <> 'retired'
    AND ($2::uuid[] IS NULL OR laboratory_id = ANY($2))"""
_PAGE: Final = """SELECT * FROM subject WHERE ($1::text IS NULL OR (name, id) > ($1, $3::uuid))
    AND ($2::uuid[] IS NULL OR laboratory_id = ANY($2)) AND ($4::text IS NULL OR status = $4)
    AND ($5::text IS NULL OR rfid = $5) AND ($6::text IS NULL OR species = $6) ORDER BY name, id LIMIT $7"""
_WEIGH: Final = """INSERT INTO subject_weight (id, laboratory_id, subject_id, time, weight_g, note, principal, noted_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING RETURNING *"""
_WEIGHTS: Final = """SELECT * FROM subject_weight WHERE subject_id = $1
    AND ($2::timestamptz IS NULL OR (time, id) < ($2, $3::uuid)) ORDER BY time DESC, id DESC LIMIT $4"""


@dataclass(frozen=True, slots=True)
class Subject:
    """A subject. `daily`: see study/subject_documents.py; `weight_g`: the latest, where it was asked for."""

    id: UUID
    laboratory_id: UUID
    name: str
    species: str
    sex: str
    birth_date: date | None
    rfid: str | None
    status: str
    daily: Mapping[str, Any]
    notes: str
    version: int
    created_at: datetime
    updated_at: datetime
    created_by: str
    updated_by: str


@dataclass(frozen=True, slots=True)
class NewSubject:
    """A subject to be, checked. `subject_id` None: one is made."""

    laboratory_id: UUID
    name: str
    principal: str
    species: str
    sex: str = "unknown"
    birth_date: date | None = None
    rfid: str | None = None
    status: str = "active"
    daily: Mapping[str, Any] = field(default_factory=dict)
    notes: str = ""
    subject_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class SubjectFilter:
    """Which subjects; None: whatever it is."""

    laboratories: Laboratories = None
    status: str | None = None
    rfid: str | None = None
    species: str | None = None


@dataclass(frozen=True, slots=True)
class Weight:
    """What a subject weighed at a time."""

    id: UUID
    subject_id: UUID
    time: datetime
    weight_g: float
    note: str
    principal: str
    noted_at: datetime


class Subjects(Changes):
    """The subjects' part of the repository. `laboratories` None: of all of them."""

    async def create_subject(self, new: NewSubject, reason: str | None = None) -> Subject:
        """Keep a subject and return it.

        Raises:
            ConflictError: its name (fact `name`) or its tag (fact `rfid`) is in use, or its id exists (fact `subject_id`).
            DatabaseUnavailableError
        """
        subject_id, daily = new.subject_id or uuid4(), storable_json(dict(new.daily))
        said = (new.name, new.species, new.sex, new.birth_date, new.rfid, new.status, daily, new.notes)
        async with self.transaction(ANSWER_S) as connection:
            try:
                row = await connection.fetchrow(_INSERT, subject_id, new.laboratory_id, *said, datetime.now(UTC), new.principal)
            except asyncpg.UniqueViolationError as error:
                raise _conflict(error, subject_id, new.name, new.rfid) from error
            subject = _subject(row)
            await note_change(connection, "subject", row, reason=reason, before=None, after=facts(subject))
        return subject

    async def get_subject(self, subject_id: UUID, laboratories: Laboratories = None) -> Subject:
        """Return a subject, retired or not.

        Raises:
            SubjectNotFoundError, DatabaseUnavailableError
        """
        async with self.raw(ANSWER_S) as connection:
            row = await connection.fetchrow(_ONE, subject_id, _ids(laboratories))
        if row is None:
            raise SubjectNotFoundError(f"no subject {subject_id}", subject_id=str(subject_id))
        return _subject(row)

    async def find_subject(self, called: str, laboratories: Laboratories = None) -> Subject:
        """Return the subject of this id, or else the one in use that has this name, or else this tag.

        Raises:
            SubjectNotFoundError; ConflictError: several laboratories have one; DatabaseUnavailableError
        """
        try:
            return await self.get_subject(UUID(called), laboratories)
        except ValueError:
            async with self.raw(ANSWER_S) as connection:
                found = await connection.fetch(_CALLED, called, _ids(laboratories))
            row = only_one([each for each in found if each["name"] == called] or found, called)
        if row is None:
            raise SubjectNotFoundError(f"no subject called {called!r}", name=called)
        return _subject(row)

    async def list_subjects(self, asked: SubjectFilter, limit: int = 100, cursor: str | None = None) -> Page[Subject]:
        """Return subjects by name, `limit` at a time.

        Raises:
            InvalidError: the limit or the cursor is none.
            DatabaseUnavailableError
        """
        checked_limit(limit, MAX_PAGE)
        name, subject_id = decode_cursor("subjects", cursor, tuple[str, UUID]) or (None, None)
        wanted = (asked.status, asked.rfid, asked.species)
        async with self.raw(ANSWER_S) as connection:
            rows = await connection.fetch(_PAGE, name, _ids(asked.laboratories), subject_id, *wanted, limit + 1)
        return page("subjects", rows, limit, lambda row: (row["name"], row["id"]), _subject)

    async def update_subject(
        self, before: Subject, changes: Mapping[str, Any], *, principal: str, reason: str | None = None
    ) -> Subject:
        """Change some of FACTS of the subject as it was read, and return it as it then is.

        Raises:
            PreconditionFailedError: somebody changed it since.
            ConflictError: the name or the tag is in use.
            DatabaseUnavailableError
        """
        said = {name: changes.get(name, getattr(before, name)) for name in FACTS}
        values = (*(said[name] for name in FACTS[:6]), storable_json(dict(said["daily"])), said["notes"])
        async with self.transaction(ANSWER_S) as connection:
            try:
                row = await connection.fetchrow(_UPDATE, before.id, *values, datetime.now(UTC), principal, before.version)
            except asyncpg.UniqueViolationError as error:
                raise _conflict(error, before.id, said["name"], said["rfid"]) from error
            if row is None:
                raise _changed(before)
            after = _subject(row)
            await note_change(connection, "subject", row, reason=reason, before=facts(before), after=facts(after))
        return after

    async def weigh(self, subject: Subject, weight: Weight) -> Weight:
        """Note what a subject weighed; the same id again changes nothing.

        Raises:
            ConflictError: the id is that of another weight.
            DatabaseUnavailableError
        """
        values = (weight.subject_id, weight.time, weight.weight_g, weight.note, weight.principal, weight.noted_at)
        async with self.raw(ANSWER_S) as connection:
            row = await connection.fetchrow(_WEIGH, weight.id, subject.laboratory_id, *values)
            if row is None:
                row = await connection.fetchrow("SELECT * FROM subject_weight WHERE id = $1", weight.id)
        kept = _weight(row)
        if (kept.subject_id, kept.weight_g) != (weight.subject_id, weight.weight_g):
            raise ConflictError(f"there is another weight {weight.id} already", weight_id=str(weight.id))
        return kept

    async def weights(self, subject_id: UUID, limit: int = 100, cursor: str | None = None) -> Page[Weight]:
        """Return what a subject weighed, newest first.

        Raises:
            InvalidError: the limit or the cursor is none.
            DatabaseUnavailableError
        """
        checked_limit(limit, MAX_PAGE)
        time, weight_id = decode_cursor("weights", cursor, tuple[datetime, UUID]) or (None, None)
        async with self.raw(ANSWER_S) as connection:
            rows = await connection.fetch(_WEIGHTS, subject_id, time, weight_id, limit + 1)
        return page("weights", rows, limit, lambda row: (row["time"], row["id"]), _weight)


def facts(subject: Subject) -> dict[str, Any]:
    """Return what people say of a subject, for history and audit."""
    born = subject.birth_date.isoformat() if subject.birth_date else None
    return {name: getattr(subject, name) for name in FACTS} | {"birth_date": born, "daily": dict(subject.daily)}


def _ids(laboratories: Laboratories) -> list[UUID] | None:
    return None if laboratories is None else list(laboratories)


def _subject(row: Mapping[str, Any]) -> Subject:
    daily = row["daily"]
    return Subject(**{**row, "daily": json_value(daily) if isinstance(daily, str | bytes) else daily})


def _weight(row: Mapping[str, Any]) -> Weight:
    return Weight(**{name: value for name, value in row.items() if name != "laboratory_id"})


def _conflict(error: asyncpg.UniqueViolationError, subject_id: UUID, name: str, rfid: str | None) -> ConflictError:
    match error.constraint_name:
        case "subject_pkey":
            return ConflictError(f"there is a subject {subject_id} already", subject_id=str(subject_id))
        case "uidx_subject_rfid_in_use":
            return ConflictError(f"another subject wears the tag {rfid}", rfid=rfid)
        case _:
            return ConflictError(f"another subject is called {name!r}", name=name)


def _changed(before: Subject) -> PreconditionFailedError:
    message = "{before.name} was changed in between; look at it again"
    return PreconditionFailedError(message, subject_id=str(before.id), expected=before.version)
