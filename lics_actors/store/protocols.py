"""The laboratory's protocols: a name each, versions that never change, and what their rehearsals came to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4

from lics_actors.access.laboratories import Laboratories
from lics_actors.errors import ProtocolNotFoundError
from lics_actors.store.connection import ANSWER_S, Connected
from lics_actors.store.cursors import Page, checked_limit, decode_cursor, only_one, page
from lics_actors.store.json_text import json_value, storable_json, storable_text

MAX_PAGE: Final = 500
MAX_NUMBER: Final = 2**31 - 1  # of a version: a column of 32 bits
_HOLD: Final = """INSERT INTO protocol (id, laboratory_id, name, title, newest, created_at, updated_at, created_by, updated_by)
    VALUES ($1, $2, $3, $4, 0, $5, $5, $6, $6) ON CONFLICT (laboratory_id, name) DO UPDATE SET name = excluded.name RETURNING *"""
_SAME: Final = "SELECT * FROM protocol_version WHERE protocol_id = $1 AND digest = $2"
_ADD: Final = """INSERT INTO protocol_version
        (id, laboratory_id, protocol_id, number, schema_version, digest, text, document, findings, note, created_at, created_by)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING *"""
_TITLE: Final = "UPDATE protocol SET newest = $2, title = $3, updated_at = $4, updated_by = $5 WHERE id = $1 RETURNING *"
_ONE: Final = "SELECT * FROM protocol WHERE id = $1 AND ($2::uuid[] IS NULL OR laboratory_id = ANY($2))"
_NAMED: Final = "SELECT * FROM protocol WHERE name = $1 AND ($2::uuid[] IS NULL OR laboratory_id = ANY($2)) ORDER BY id"
_PAGE: Final = """SELECT * FROM protocol WHERE ($1::text IS NULL OR (name, id) > ($1, $3::uuid))
    AND ($2::uuid[] IS NULL OR laboratory_id = ANY($2))
    AND ($4::text IS NULL OR name = $4) ORDER BY name, id LIMIT $5"""
_VERSION: Final = "SELECT * FROM protocol_version WHERE protocol_id = $1 AND number = $2"
_BY_ID: Final = "SELECT * FROM protocol_version WHERE id = $1 AND ($2::uuid[] IS NULL OR laboratory_id = ANY($2))"
_VERSIONS: Final = """SELECT * FROM protocol_version WHERE protocol_id = $1 AND ($2::int IS NULL OR number < $2)
    ORDER BY number DESC LIMIT $3"""
_REHEARSE: Final = """INSERT INTO protocol_rehearsal (id, laboratory_id, version_id, time, principal, trials, subject_model, seed,
        parameters, sound, why_not, result, software)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT (id) DO NOTHING"""
_REHEARSALS: Final = """SELECT * FROM protocol_rehearsal WHERE version_id = $1
    AND ($2::timestamptz IS NULL OR (time, id) < ($2, $3::uuid)) ORDER BY time DESC, id DESC LIMIT $4"""
_SOUND: Final = "SELECT EXISTS (SELECT FROM protocol_rehearsal WHERE version_id = $1 AND sound)"


@dataclass(frozen=True, slots=True)
class Protocol:
    """A protocol; `newest`: the number of its latest version."""

    id: UUID
    laboratory_id: UUID
    name: str
    title: str
    newest: int
    created_at: datetime
    updated_at: datetime
    created_by: str
    updated_by: str


@dataclass(frozen=True, slots=True)
class ProtocolVersion:
    """A version. `text`: as written; `document`: as read, JSON in order (study/protocol_documents.py); `findings`: warnings."""

    id: UUID
    laboratory_id: UUID
    protocol_id: UUID
    number: int
    schema_version: int
    digest: str
    text: str
    document: str
    findings: tuple[Mapping[str, str], ...]
    note: str
    created_at: datetime
    created_by: str


@dataclass(frozen=True, slots=True)
class NewVersion:
    """A version to be, checked."""

    laboratory_id: UUID
    name: str
    title: str
    schema_version: int
    digest: str
    text: str
    document: str
    findings: tuple[Mapping[str, str], ...]
    principal: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What a rehearsal of a version came to. `sound`: it may be armed on the strength of it, else `why_not`."""

    id: UUID
    laboratory_id: UUID
    version_id: UUID
    time: datetime
    principal: str
    trials: int
    subject_model: str
    seed: int
    parameters: Mapping[str, Any]
    sound: bool
    why_not: str
    result: Mapping[str, Any]
    software: str


class Protocols(Connected):
    """The protocols' part of the repository. `laboratories` None: of all of them."""

    async def add_version(self, new: NewVersion) -> tuple[Protocol, ProtocolVersion, bool]:
        """Keep what a protocol says, as the next version of the one with its name (or as its first); the protocol, the version,
        and whether it is new: what one of its versions says already is that version.

        Raises:
            DatabaseUnavailableError
        """
        now = datetime.now(UTC)
        async with self.transaction(ANSWER_S) as connection:
            # the row is locked until the end: two who upload at once get numbers one after the other
            held = await connection.fetchrow(_HOLD, uuid4(), new.laboratory_id, new.name, new.title, now, new.principal)
            same = await connection.fetchrow(_SAME, held["id"], new.digest)
            if same is not None:
                return Protocol(**held), _version(same), False
            number = held["newest"] + 1
            said = (new.schema_version, new.digest, storable_text(new.text), new.document, storable_json(new.findings))
            facts = (uuid4(), new.laboratory_id, held["id"], number, *said, storable_text(new.note), now, new.principal)
            row = await connection.fetchrow(_ADD, *facts)
            after = await connection.fetchrow(_TITLE, held["id"], number, new.title, now, new.principal)
        return Protocol(**after), _version(row), True

    async def get_protocol(self, protocol_id: UUID, laboratories: Laboratories = None) -> Protocol:
        """Return a protocol.

        Raises:
            ProtocolNotFoundError, DatabaseUnavailableError
        """
        return await self._protocol(_ONE, protocol_id, laboratories)

    async def find_protocol(self, id_or_name: str, laboratories: Laboratories = None) -> Protocol:
        """Return the protocol of this id or name.

        Raises:
            ProtocolNotFoundError; ConflictError: several laboratories have one; DatabaseUnavailableError
        """
        try:
            return await self._protocol(_ONE, UUID(id_or_name), laboratories)
        except ValueError:
            return await self._protocol(_NAMED, id_or_name, laboratories)

    async def _protocol(self, query: str, key: UUID | str, laboratories: Laboratories) -> Protocol:
        async with self.raw(ANSWER_S) as connection:
            found = await connection.fetch(query, key, _ids(laboratories))
        if (row := only_one(found, str(key))) is None:
            raise ProtocolNotFoundError(f"no protocol {key}", protocol=str(key))
        return Protocol(**row)

    async def list_protocols(
        self, laboratories: Laboratories = None, name: str | None = None, limit: int = 100, cursor: str | None = None
    ) -> Page[Protocol]:
        """Return protocols by name, `limit` at a time.

        Raises:
            InvalidError: the limit or the cursor is none.
            DatabaseUnavailableError
        """
        checked_limit(limit, MAX_PAGE)
        after, protocol_id = decode_cursor("protocols", cursor, tuple[str, UUID]) or (None, None)
        async with self.raw(ANSWER_S) as connection:
            rows = await connection.fetch(_PAGE, after, _ids(laboratories), protocol_id, name, limit + 1)
        return page("protocols", rows, limit, lambda row: (row["name"], row["id"]), lambda row: Protocol(**row))

    async def get_version(self, protocol: Protocol, number: int | None = None) -> ProtocolVersion:
        """Return a version of a protocol, the newest where no number is given.

        Raises:
            ProtocolNotFoundError, DatabaseUnavailableError
        """
        wanted = protocol.newest if number is None else number
        async with self.raw(ANSWER_S) as connection:
            row = await connection.fetchrow(_VERSION, protocol.id, min(wanted, MAX_NUMBER))
        if row is None:
            raise ProtocolNotFoundError(f"{protocol.name} has no version {wanted}", protocol=protocol.name, number=wanted)
        return _version(row)

    async def version_of_id(self, version_id: UUID, laboratories: Laboratories = None) -> ProtocolVersion:
        """Return a version by its id.

        Raises:
            ProtocolNotFoundError, DatabaseUnavailableError
        """
        async with self.raw(ANSWER_S) as connection:
            row = await connection.fetchrow(_BY_ID, version_id, _ids(laboratories))
        if row is None:
            raise ProtocolNotFoundError(f"no version {version_id}", version_id=str(version_id))
        return _version(row)

    async def versions(self, protocol_id: UUID, limit: int = 100, cursor: str | None = None) -> Page[ProtocolVersion]:
        """Return a protocol's versions, newest first.

        Raises:
            InvalidError: the limit or the cursor is none.
            DatabaseUnavailableError
        """
        checked_limit(limit, MAX_PAGE)
        after = decode_cursor("versions", cursor, tuple[int])
        async with self.raw(ANSWER_S) as connection:
            rows = await connection.fetch(_VERSIONS, protocol_id, after and after[0], limit + 1)
        return page("versions", rows, limit, lambda row: (row["number"],), _version)

    async def keep_rehearsal(self, done: Rehearsal) -> None:
        """Keep what a rehearsal came to; the same id again changes nothing.

        Raises:
            DatabaseUnavailableError
        """
        said = (done.trials, done.subject_model, done.seed, storable_json(dict(done.parameters)), done.sound, done.why_not)
        values = (done.id, done.laboratory_id, done.version_id, done.time, done.principal, *said)
        async with self.raw(ANSWER_S) as connection:
            await connection.execute(_REHEARSE, *values, storable_json(dict(done.result)), done.software)

    async def rehearsals(self, version_id: UUID, limit: int = 100, cursor: str | None = None) -> Page[Rehearsal]:
        """Return the rehearsals of a version, newest first.

        Raises:
            InvalidError: the limit or the cursor is none.
            DatabaseUnavailableError
        """
        checked_limit(limit, MAX_PAGE)
        time, rehearsal_id = decode_cursor("rehearsals", cursor, tuple[datetime, UUID]) or (None, None)
        async with self.raw(ANSWER_S) as connection:
            rows = await connection.fetch(_REHEARSALS, version_id, time, rehearsal_id, limit + 1)
        return page("rehearsals", rows, limit, lambda row: (row["time"], row["id"]), _rehearsal)

    async def is_rehearsed(self, version_id: UUID) -> bool:
        """Return whether a version was rehearsed soundly.

        Raises:
            DatabaseUnavailableError
        """
        async with self.raw(ANSWER_S) as connection:
            return bool(await connection.fetchval(_SOUND, version_id))


def _ids(laboratories: Laboratories) -> list[UUID] | None:
    return None if laboratories is None else list(laboratories)


def _version(row: Mapping[str, Any]) -> ProtocolVersion:
    return ProtocolVersion(**{**row, "findings": tuple(_json(row["findings"]))})


def _rehearsal(row: Mapping[str, Any]) -> Rehearsal:
    return Rehearsal(**{**row, "parameters": _json(row["parameters"]), "result": _json(row["result"])})


def _json(value: Any) -> Any:
    return json_value(value) if isinstance(value, str | bytes) else value
