"""The laboratory's rigs: devices in roles, and interlocks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg

from lics_actors.access.laboratories import DEFAULT_LABORATORY, Laboratories
from lics_actors.device.messages import Admin, RigSpec, RoleSpec
from lics_actors.errors import ConflictError, PreconditionFailedError, RigNotFoundError
from lics_actors.store.changes import note_change
from lics_actors.store.connection import ANSWER_S, Connected
from lics_actors.store.cursors import Page, checked_limit, decode_cursor, only_one, page
from lics_actors.store.holders import rig_is_free, taken_out
from lics_actors.store.json_text import json_text, json_value
from lics_actors.store.rig_documents import Member

MAX_PAGE: Final = 500
MAX_RIGS: Final = 10_000  # a fleet's Registrar reads all of them
# One that is made anew under the id of a forgotten one goes on with its numbers: the history of both is one.
_INSERT: Final = """INSERT INTO rig (id, name, devices, interlocks, version, created_at, updated_at, created_by, updated_by,
    laboratory_id) SELECT $1, $2, $3, $4, coalesce((SELECT max(version) FROM change_history WHERE about = $1), 0) + 1, $5, $5,
    $6, $6, $7 RETURNING *"""
_UPDATE: Final = """UPDATE rig SET name = $2, devices = $3, interlocks = $4, updated_at = $5, updated_by = $6,
    version = version + 1 WHERE id = $1 AND version = $7 RETURNING *"""
_DELETE: Final = "DELETE FROM rig WHERE id = $1 AND ($2::int IS NULL OR version = $2) RETURNING id"
_ONE: Final = "SELECT * FROM rig WHERE id = $1"
_NAMED: Final = "SELECT * FROM rig WHERE name = $1 LIMIT 2"
_PAGE: Final = """SELECT * FROM rig WHERE ($1::text IS NULL OR (name, id) > ($1, $2::uuid))
    AND ($3::uuid IS NULL OR EXISTS (SELECT FROM jsonb_each_text(devices) d WHERE d.value = $3::text))
    AND ($5::uuid[] IS NULL OR laboratory_id = ANY($5)) ORDER BY name, id LIMIT $4"""
_EVERY: Final = "SELECT * FROM rig ORDER BY name LIMIT $1"
_DEVICES: Final = "SELECT id, driver, settings, silent_s FROM device WHERE id = ANY($1::uuid[]) AND admin <> $2"

_MEMBERS: Final = "SELECT id, name, admin, capabilities FROM device WHERE id = ANY($1::uuid[]) AND laboratory_id = $2"
_FACTS: Final = ("id", "name", "version", "created_at", "updated_at", "created_by", "updated_by", "laboratory_id")


@dataclass(frozen=True, slots=True)
class RigRow:
    """A rig. `devices`: role → device; `interlocks`: as declared (store/rig_documents.py)."""

    id: UUID
    name: str
    devices: Mapping[str, UUID]
    interlocks: tuple[Mapping[str, Any], ...]
    version: int
    created_at: datetime
    updated_at: datetime
    created_by: str
    updated_by: str
    laboratory_id: UUID = DEFAULT_LABORATORY


@dataclass(frozen=True, slots=True)
class NewRig:
    """A rig to be, checked. `rig_id` None: one is made."""

    name: str
    principal: str
    devices: Mapping[str, UUID] = field(default_factory=dict)
    interlocks: tuple[Mapping[str, Any], ...] = ()
    rig_id: UUID | None = None
    laboratory_id: UUID = DEFAULT_LABORATORY


class Rigs(Connected):
    """The rigs' part of the repository."""

    async def create_rig(self, new: NewRig) -> RigRow:
        """Keep a rig and return it.

        Raises:
            ConflictError: its name is in use (fact `name`), or its id exists (fact `rig_id`).
            DatabaseUnavailableError
        """
        rig_id = new.rig_id or uuid4()
        values = (rig_id, new.name, *_documents(new.devices, new.interlocks), datetime.now(UTC), new.principal, new.laboratory_id)
        async with self.transaction(ANSWER_S) as connection:
            try:
                row = await connection.fetchrow(_INSERT, *values)
            except asyncpg.UniqueViolationError as error:
                raise _conflict(error, rig_id, new.name) from error
            made = _row(row)
            await note_change(connection, "rig", row, reason=None, before=None, after=rig_facts(made))
        return made

    async def get_rig(self, rig_id: UUID) -> RigRow:
        """Return a rig.

        Raises:
            RigNotFoundError, DatabaseUnavailableError
        """
        async with self.raw(ANSWER_S) as connection:
            row = await connection.fetchrow(_ONE, rig_id)
        if row is None:
            raise RigNotFoundError(f"no rig {rig_id}", rig_id=str(rig_id))
        return _row(row)

    async def find_rig(self, id_or_name: str) -> RigRow:
        """Return the rig of this id or name.

        Raises:
            RigNotFoundError, DatabaseUnavailableError
        """
        async with self.raw(ANSWER_S) as connection:
            try:
                row = await connection.fetchrow(_ONE, UUID(id_or_name))
            except ValueError:
                row = only_one(await connection.fetch(_NAMED, id_or_name), id_or_name)
        if row is None:
            raise RigNotFoundError(f"no rig called {id_or_name!r}", name=id_or_name)
        return _row(row)

    async def list_rigs(
        self, limit: int = 100, cursor: str | None = None, device_id: UUID | None = None, laboratories: Laboratories = None
    ) -> Page[RigRow]:
        """Return rigs by name, `limit` at a time; those with this device, where one is given, and in these laboratories.

        Raises:
            InvalidError: the limit or the cursor is none.
            DatabaseUnavailableError
        """
        checked_limit(limit, MAX_PAGE)
        name, rig_id = decode_cursor("rigs", cursor, tuple[str, UUID]) or (None, None)
        async with self.raw(ANSWER_S) as connection:
            places = None if laboratories is None else list(laboratories)
            rows = await connection.fetch(_PAGE, name, rig_id, device_id, limit + 1, places)
        return page("rigs", rows, limit, lambda row: (row["name"], row["id"]), _row)

    async def update_rig(
        self, rig_id: UUID, changes: Mapping[str, Any], *, expected_version: int | None, principal: str
    ) -> RigRow:
        """Change a rig's name, devices or interlocks and return it as it then is; its version goes up by one.

        Raises:
            PreconditionFailedError: its version is not `expected_version` (None: whatever it is).
            ConflictError: the name is in use. RunUnderWayError: a run has a device that would go.
            RigNotFoundError, DatabaseUnavailableError
        """
        before = await self.get_rig(rig_id)
        expected = before.version if expected_version is None else expected_version
        name = changes.get("name", before.name)
        documents = _documents(changes.get("devices", before.devices), changes.get("interlocks", before.interlocks))
        async with self.transaction(ANSWER_S) as connection:
            if taken_out(before.devices, changes.get("devices", before.devices)):
                await rig_is_free(connection, rig_id)
            try:
                row = await connection.fetchrow(_UPDATE, rig_id, name, *documents, datetime.now(UTC), principal, expected)
            except asyncpg.UniqueViolationError as error:
                raise _conflict(error, rig_id, name) from error
            if row is not None:
                told = {"before": rig_facts(before), "after": rig_facts(_row(row))}
                await note_change(connection, "rig", row, reason=None, **told)
        if row is None:
            raise _changed(await self.get_rig(rig_id), expected)
        return _row(row)

    async def delete_rig(self, rig_id: UUID, *, expected_version: int | None) -> None:
        """Forget a rig.

        Raises:
            RunUnderWayError: a run is at it. PreconditionFailedError, RigNotFoundError, DatabaseUnavailableError
        """
        async with self.transaction(ANSWER_S) as connection:
            await rig_is_free(connection, rig_id)
            gone = await connection.fetchval(_DELETE, rig_id, expected_version)
        if gone is None:
            raise _changed(await self.get_rig(rig_id), expected_version)

    async def rig_specs(self) -> list[RigSpec]:
        """Return what fleets must know of all rigs.

        Raises:
            DatabaseUnavailableError
        """
        async with self.raw(ANSWER_S) as connection:
            rows = [_row(row) for row in await connection.fetch(_EVERY, MAX_RIGS)]
            return await _specs(connection, rows)

    async def rig_spec(self, row: RigRow) -> RigSpec:
        """Return what fleets must know of a rig.

        Raises:
            DatabaseUnavailableError
        """
        async with self.raw(ANSWER_S) as connection:
            return (await _specs(connection, [row]))[0]

    async def rig_members(self, device_ids: Iterable[UUID], laboratory_id: UUID = DEFAULT_LABORATORY) -> dict[UUID, Member]:
        """Return what is known of devices that a rig of a laboratory names; those of others are none.

        Raises:
            DatabaseUnavailableError
        """
        async with self.raw(ANSWER_S) as connection:
            rows = await connection.fetch(_MEMBERS, list(device_ids), laboratory_id)
        retired = Admin.RETIRED.value
        return {row["id"]: Member(row["id"], row["name"], row["admin"] == retired, _json(row["capabilities"])) for row in rows}


async def _specs(connection: Any, rows: list[RigRow]) -> list[RigSpec]:
    wanted = {device_id for row in rows for device_id in row.devices.values()}
    found = await connection.fetch(_DEVICES, list(wanted), Admin.RETIRED.value) if wanted else []
    known = {each["id"]: RoleSpec(each["id"], each["driver"], _json(each["settings"]), each["silent_s"]) for each in found}
    return [
        RigSpec(
            row.id,
            row.name,
            row.version,
            {role: known[device_id] for role, device_id in row.devices.items() if device_id in known},
            row.interlocks,
        )
        for row in rows
    ]


def rig_facts(row: RigRow) -> dict[str, Any]:
    """Return what people say of a rig, for its history."""
    devices = {role: str(device_id) for role, device_id in row.devices.items()}
    return {"name": row.name, "devices": devices, "interlocks": [dict(each) for each in row.interlocks]}


def _documents(devices: Mapping[str, UUID], interlocks: tuple[Mapping[str, Any], ...]) -> tuple[str, str]:
    return json_text({role: str(device_id) for role, device_id in devices.items()}), json_text(
        [dict(each) for each in interlocks]
    )


def _row(row: Mapping[str, Any]) -> RigRow:
    devices, interlocks = _json(row["devices"]), _json(row["interlocks"])
    facts = {name: row[name] for name in _FACTS}
    return RigRow(**facts, devices={role: UUID(text) for role, text in devices.items()}, interlocks=tuple(interlocks))


def _json(value: Any) -> Any:
    return json_value(value) if isinstance(value, str | bytes) else value


def _conflict(error: asyncpg.UniqueViolationError, rig_id: UUID, name: str) -> ConflictError:
    if error.constraint_name == "rig_pkey":
        return ConflictError(f"there is a rig {rig_id} already", rig_id=str(rig_id))
    return ConflictError(f"another rig is called {name!r}", name=name)


def _changed(row: RigRow, expected: int | None) -> PreconditionFailedError:
    return PreconditionFailedError(
        f"{row.name} was changed by {row.updated_by} in between; look at it again",
        rig_id=str(row.id),
        expected=expected,
        version=row.version,
    )
