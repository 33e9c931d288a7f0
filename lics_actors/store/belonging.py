"""Which laboratory an object belongs to, and a device's way from one to another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import asyncpg

from lics_actors.device.messages import Admin
from lics_actors.errors import ConflictError, DeviceNotEnabledError, PreconditionFailedError
from lics_actors.store.connection import ANSWER_S, Connected
from lics_actors.store.devices import Devices, device_row
from lics_actors.store.holders import device_is_free
from lics_actors.store.rows import DeviceRow

MAX_DEVICES: Final = 100_000  # far above any installation; bounds what one worker remembers

TABLES: Final = ("device", "rig", "subject", "protocol", "experiment", "run")
"""Nouns whose tables of the same name have `id` and `laboratory_id`. `noun:id` names nodes, sources of alarms, targets."""

OWNERS: Final[Mapping[str, str]] = {
    **{table: f"SELECT laboratory_id FROM {table} WHERE id = $1" for table in TABLES},  # noqa: S608 - our own names
    "laboratory": "SELECT id FROM laboratory WHERE id = $1",
    "claim": "SELECT laboratory_id FROM device_claim WHERE id = $1",
    "slot": "SELECT laboratory_id FROM session_slot WHERE id = $1",
}
"""Noun of an object → the query of its laboratory, given its id."""


def named_within(column: str, places: str) -> str:
    """Return SQL: what a column names as `noun:id` is in the laboratories `places` (SQL), or it names nothing of a laboratory."""
    inside = [
        f"EXISTS (SELECT FROM {table} o WHERE o.id::text = substring({column} FROM '(?:^|/){table}:([0-9a-f-]{{36}})')"  # noqa: S608
        f" AND o.laboratory_id = ANY({places}))"
        for table in TABLES
    ]
    return f"({column} !~ '(^|/)({'|'.join(TABLES)}):' OR {' OR '.join(inside)})"


def acts_within(places: str) -> str:
    """Return SQL: an act of the audit concerns a laboratory of `places` (SQL), or is its member's and concerns no other."""
    inside = [f"(target ~ '^{table}:' AND {named_within('target', places)})" for table in TABLES]
    its = f"laboratory_id = ANY({places}) OR substring(target FROM '^laboratory:([0-9a-f-]{{36}})')::uuid = ANY({places})"
    member = "SELECT FROM account a JOIN membership m ON m.account_id = a.id AND m.laboratory_id"
    of_member = f"EXISTS ({member} = ANY({places}) WHERE target IN ('user:' || a.email, 'user:' || a.id))"
    by_member = f"EXISTS ({member} = ANY({places}) WHERE split_part(principal, '/', 1) = 'user:' || a.email)"
    elsewhere = f"target ~ '^({'|'.join((*TABLES, 'laboratory', 'user'))}):'"
    # an address may name anything: it is told where whoever asked is a member of nothing else
    alone = f"(target !~ '^/' OR NOT EXISTS ({member} <> ALL({places}) WHERE split_part(principal, '/', 1) = 'user:' || a.email))"
    own = f"laboratory_id IS NULL AND NOT {elsewhere} AND {by_member} AND {alone}"
    return f"({its} OR {' OR '.join(inside)} OR {of_member} OR ({own}))"


_MOVE: Final = (
    "UPDATE device SET laboratory_id = $2, moved_at = $3, updated_at = $3, updated_by = $4, version = version + 1"
    " WHERE id = $1 AND version = $5 RETURNING *"
)
_RIG_OF: Final = (
    "SELECT name FROM rig WHERE EXISTS (SELECT FROM jsonb_each_text(devices) d WHERE d.value = $1) ORDER BY name LIMIT 1"
)


class Belonging(Devices, Connected):
    """This question's part of the repository."""

    async def laboratory_of(self, noun: str, key: UUID) -> UUID | None:
        """Return the laboratory of an object, None where there is no such object.

        Raises:
            DatabaseUnavailableError
        """
        if noun not in OWNERS:
            return None  # what no table keeps is seen by those alone who see everything
        async with self.raw(ANSWER_S) as connection:
            found: UUID | None = await connection.fetchval(OWNERS[noun], key)
        return found

    async def homes(self) -> dict[UUID, UUID]:
        """Return the laboratory of every device, retired ones as well.

        Raises:
            DatabaseUnavailableError
        """
        query = "SELECT id, laboratory_id FROM device ORDER BY created_at DESC LIMIT $1"
        async with self.raw(ANSWER_S) as connection:
            return {row["id"]: row["laboratory_id"] for row in await connection.fetch(query, MAX_DEVICES)}

    async def devices_within(self, device_ids: Iterable[UUID], laboratories: Iterable[UUID]) -> list[UUID]:
        """Return those of these devices that are in one of the laboratories.

        Raises:
            DatabaseUnavailableError
        """
        query = "SELECT id FROM device WHERE id = ANY($1) AND laboratory_id = ANY($2) ORDER BY id"
        async with self.raw(ANSWER_S) as connection:
            return [row["id"] for row in await connection.fetch(query, list(device_ids), list(laboratories))]

    async def move_device(
        self, device_id: UUID, laboratory_id: UUID, *, expected_version: int | None, principal: str
    ) -> tuple[DeviceRow, DeviceRow]:
        """Give a device, with all that was recorded of it, to another laboratory; return it before and after.

        Raises:
            DeviceReservedError: a run has it. ConflictError: a rig has it, or another device there has its name.
            DeviceNotEnabledError: it is retired. PreconditionFailedError, DeviceNotFoundError, DatabaseUnavailableError
        """
        before = await self.get_device(device_id)
        if before.laboratory_id == laboratory_id:
            return before, before
        if before.admin is Admin.RETIRED:
            raise DeviceNotEnabledError(f"{before.name} is retired", device_id=str(device_id))
        version = before.version if expected_version is None else expected_version
        async with self.transaction(ANSWER_S) as connection:
            await device_is_free(connection, device_id)
            rig = await connection.fetchval(_RIG_OF, str(device_id))
            if rig is not None:
                raise ConflictError(f"rig {rig!r} has the device; take it out first", rig=rig, device_id=str(device_id))
            try:
                row = await connection.fetchrow(_MOVE, device_id, laboratory_id, datetime.now(UTC), principal, version)
            except asyncpg.UniqueViolationError as error:
                raise ConflictError(f"another device there is called {before.name!r}", name=before.name) from error
        if row is None:
            raise PreconditionFailedError(f"{before.name} was changed in between; look at it again", device_id=str(device_id))
        return before, device_row(dict(row))
