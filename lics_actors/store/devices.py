"""The laboratory's devices: registering, finding, changing, retiring them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NoReturn
from uuid import UUID, uuid4

import asyncpg
from tortoise.exceptions import IntegrityError
from tortoise.expressions import Q

from lics_actors.device.messages import Admin, DeviceSpec, Health, Link, Safety
from lics_actors.errors import ConflictError, DeviceNotEnabledError, DeviceNotFoundError, InvalidError, PreconditionFailedError
from lics_actors.store.connection import ANSWER_S, Connected
from lics_actors.store.cursors import Page, checked_limit, decode_cursor, only_one, page
from lics_actors.store.holders import device_may_change
from lics_actors.store.json_text import json_text, json_value, storable_text
from lics_actors.store.models import NAME_LENGTH, Device
from lics_actors.store.rows import DeviceFilter, DeviceRow, NewDevice

MAX_PAGE = 500  # contracts.md section 3
COLUMNS = tuple(field.name for field in dataclasses.fields(DeviceRow))
CHANGEABLE = frozenset({"name", "type", "driver", "location", "settings", "capabilities", "silent_s", "admin"})
_JSON = frozenset({"settings", "capabilities"})


class Devices(Connected):
    """The devices' part of the repository."""

    async def create_device(self, new: NewDevice) -> DeviceRow:
        """Register a device and return it.

        Raises:
            ConflictError: its name is in use (fact `name`), or its id exists (fact `device_id`).
            InvalidError, DatabaseUnavailableError
        """
        now = datetime.now(UTC)
        values = {
            **{name: getattr(new, name) for name in (*CHANGEABLE, "laboratory_id")},
            "admin": new.admin.value,
            "settings": dict(new.settings),
            "capabilities": dict(new.capabilities),
            "id": new.device_id or uuid4(),
        }
        async with self.orm():
            try:
                await Device.create(
                    created_at=now,
                    updated_at=now,
                    created_by=new.principal,
                    updated_by=new.principal,
                    **values,
                )
            except IntegrityError as error:
                _tell_conflict(error.__cause__, values["id"], new.name)
        return await self.get_device(values["id"])

    async def get_device(self, device_id: UUID) -> DeviceRow:
        """Return a device, retired or not.

        Raises:
            DeviceNotFoundError, DatabaseUnavailableError
        """
        row = await self._one(Q(id=device_id))
        if row is None:
            raise DeviceNotFoundError(f"no device {device_id}", device_id=str(device_id))
        return row

    async def find_device(self, id_or_name: str) -> DeviceRow:
        """Return the device of this id, or else the one that has this name now.

        Raises:
            DeviceNotFoundError, DatabaseUnavailableError
        """
        row = None
        if (device_id := _as_uuid(id_or_name)) is not None:
            row = await self._one(Q(id=device_id))
        if row is None and _is_name(id_or_name):
            row = await self._one(Q(name=id_or_name) & ~Q(admin=Admin.RETIRED.value), id_or_name)
        if row is None:
            raise DeviceNotFoundError(f"no device called {id_or_name!r}", name=id_or_name)
        return row

    async def _one(self, condition: Q, name: str = "") -> DeviceRow | None:
        async with self.orm():
            rows = await Device.filter(condition).limit(2).values(*COLUMNS)
        row = only_one(rows, name)
        return None if row is None else device_row(row)

    async def list_devices(self, asked: DeviceFilter, limit: int = 100, cursor: str | None = None) -> Page[DeviceRow]:
        """Return devices by name, `limit` at a time.

        Raises:
            InvalidError: the limit, the cursor or the status word is none.
            DatabaseUnavailableError
        """
        checked_limit(limit, MAX_PAGE)
        condition = _condition(asked)
        if (after := decode_cursor("devices", cursor, tuple[str, UUID])) is not None:
            condition &= Q(name__gt=after[0]) | Q(name=after[0], id__gt=after[1])
        async with self.orm():
            query = Device.filter(condition).order_by("name", "id").limit(limit + 1)
            rows = await query.values(*COLUMNS)
        return page("devices", rows, limit, lambda row: (row["name"], row["id"]), device_row)

    async def device_specs(self) -> list[DeviceSpec]:
        """Return what the fleet runs: all devices that are not retired, by name.

        Raises:
            DatabaseUnavailableError
        """
        async with self.orm():
            query = Device.exclude(admin=Admin.RETIRED.value).order_by("name", "id")
            rows = await query.values(*COLUMNS)
        return [device_row(row).spec() for row in rows]

    async def update_device(
        self, device_id: UUID, changes: Mapping[str, Any], *, expected_version: int | None, principal: str
    ) -> DeviceRow:
        """Change some of CHANGEABLE and return the device as it then is; its version goes up by one.

        Raises:
            PreconditionFailedError: its version is not `expected_version` (None: whatever it is).
            ConflictError: the name is in use; DeviceNotEnabledError: it is retired, which is for good.
            DeviceReservedError: a run has it, and it would speak otherwise (`driver`, `settings`).
            DeviceNotFoundError, InvalidError, DatabaseUnavailableError
        """
        if unknown := sorted(set(changes) - CHANGEABLE):
            raise InvalidError(
                "these cannot be changed", tuple({"field": name, "message": "cannot be changed"} for name in unknown)
            )
        if "admin" in changes and changes["admin"] not in set(Admin) - {Admin.RETIRED}:
            allowed = ", ".join(sorted(set(Admin) - {Admin.RETIRED}))
            raise InvalidError("no such admin state", ({"field": "admin", "message": f"one of {allowed}; delete to retire"},))
        return await self._change(device_id, changes, expected_version, principal)

    async def retire_device(self, device_id: UUID, *, expected_version: int | None, principal: str) -> DeviceRow:
        """Retire a device for good and return it: its name becomes free, its record stays. Once retired, it stays so.

        Raises:
            DeviceReservedError: a run has it. PreconditionFailedError, DeviceNotFoundError, DatabaseUnavailableError
        """
        row = await self.get_device(device_id)
        if row.admin is Admin.RETIRED:
            return row
        return await self._change(device_id, {"admin": Admin.RETIRED}, expected_version, principal)

    async def _change(self, device_id: UUID, changes: Mapping[str, Any], expected: int | None, principal: str) -> DeviceRow:
        values: list[Any] = [device_id, principal, datetime.now(UTC), expected]
        sets = []
        for name, value in changes.items():
            values.append(json_text(value) if name in _JSON else value)
            sets.append(f"{name} = ${len(values)}, ")
        statement = (
            f"UPDATE device SET {''.join(sets)}updated_by = $2, updated_at = $3, version = version + 1"  # noqa: S608 - CHANGEABLE
            " WHERE id = $1 AND admin <> 'retired' AND ($4::int IS NULL OR version = $4) RETURNING *"
        )
        async with self.transaction(ANSWER_S) as connection:
            await device_may_change(connection, device_id, changes)
            try:
                record = await connection.fetchrow(statement, *values)
            except asyncpg.UniqueViolationError as error:
                _tell_conflict(error, device_id, str(changes.get("name")))
        if record is None:
            await self._tell_unchanged(device_id, expected)
        return device_row(dict(record))

    async def _tell_unchanged(self, device_id: UUID, expected: int | None) -> NoReturn:
        row = await self.get_device(device_id)
        if row.admin is Admin.RETIRED:
            raise DeviceNotEnabledError(f"{row.name} is retired", device_id=str(device_id))
        raise PreconditionFailedError(
            f"{row.name} was changed by {row.updated_by} in between; look at it again",
            device_id=str(device_id),
            expected=expected,
            version=row.version,
        )


def device_row(values: Mapping[str, Any]) -> DeviceRow:
    """Return the row of a record of table `device`, jsonb decoded or not."""
    row = {name: values[name] for name in COLUMNS}
    for name in _JSON:
        row[name] = json_value(row[name]) if isinstance(row[name], str) else row[name]
    row["admin"], row["link"] = Admin(row["admin"]), Link(row["link"])
    row["health"], row["safety"] = Health(row["health"]), Safety(row["safety"])
    return DeviceRow(**row)


def _as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _is_name(text: str) -> bool:
    return 0 < len(text) <= NAME_LENGTH and storable_text(text) == text


def _tell_conflict(error: BaseException | None, device_id: UUID, name: str) -> NoReturn:
    if isinstance(error, asyncpg.UniqueViolationError) and error.constraint_name == "device_pkey":
        raise ConflictError(f"there is a device {device_id} already", device_id=str(device_id)) from error
    if isinstance(error, asyncpg.UniqueViolationError):
        raise ConflictError(f"another device is called {name!r}", name=name) from error
    raise InvalidError("a value is nothing the database can hold", reason=str(error)) from error


def _condition(asked: DeviceFilter) -> Q:
    exact = {
        name: str(value)
        for name in ("link", "health", "safety", "admin", "type", "driver", "location")
        if (value := getattr(asked, name)) is not None
    }
    condition = Q(**exact)
    if asked.laboratories is not None:
        condition &= Q(laboratory_id__in=sorted(asked.laboratories))
    if asked.search:
        condition &= Q(name__icontains=asked.search)
    if asked.status is not None:
        condition &= status_condition(asked.status)
    if not (asked.retired or asked.admin is not None or asked.status == Admin.RETIRED):
        condition &= ~Q(admin=Admin.RETIRED.value)
    return condition


def status_condition(word: str) -> Q:
    """Return the condition under which `status_word` is `word`.

    Raises:
        InvalidError: it never is.
    """
    enabled = Q(admin=Admin.ENABLED.value)
    untripped = enabled & ~Q(safety=Safety.TRIPPED.value)
    online = untripped & Q(link=Link.ONLINE.value)
    if word in set(Admin) - {Admin.ENABLED}:
        return Q(admin=word)
    if word == Safety.TRIPPED:
        return enabled & Q(safety=word)
    if word == Link.ONLINE:
        return online & Q(health=Health.OK.value)
    if word in set(Link):
        return untripped & Q(link=word)
    if word in set(Health) - {Health.OK}:
        return online & Q(health=word)
    raise InvalidError("no such status", ({"field": "status", "message": f"no device is ever {word!r}"},))
