"""What else happened: device events, rejected payloads, the fleet's doings; newest first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from lics_actors.store.connection import READ_S, Connected
from lics_actors.store.cursors import Page, checked_limit, decode_cursor, page
from lics_actors.store.devices import MAX_PAGE
from lics_actors.store.json_text import json_value
from lics_actors.store.records import EventRow, FleetEvent, PayloadRejected


class Histories(Connected):
    """The histories' part of the repository."""

    async def events(  # noqa: PLR0917 - the order everybody knows: which, what, from, to, page
        self,
        device_id: UUID,
        type: str | None = None,  # noqa: A002 - the field's name everywhere
        start: datetime | None = None,
        end: datetime | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page[EventRow]:
        """Return a device's events, and the changes of its state (`lics.state`), of one type or all, newest first.

        Raises:
            InvalidError: the limit or the cursor is none.
            DatabaseUnavailableError
        """
        after = decode_cursor("events", cursor, tuple[datetime, int, int, str])
        where = {"device_id =": device_id, "type =": type, "time >=": start, "time <": end}
        rows = await self._newest("device_event", ("time", "epoch", "seq", "type"), where, limit=limit, after=after)
        return page("events", rows, limit, lambda row: (row["time"], row["epoch"], row["seq"], row["type"]), _event)

    async def rejected(self, device_id: UUID, limit: int = 100, cursor: str | None = None) -> Page[PayloadRejected]:
        """Return payloads of a device that broke the contract, newest first.

        Raises:
            InvalidError, DatabaseUnavailableError
        """
        after = decode_cursor("rejected", cursor, tuple[datetime, UUID])
        rows = await self._newest("rejected_payload", ("time", "id"), {"device_id =": device_id}, limit=limit, after=after)
        return page("rejected", rows, limit, lambda row: (row["time"], row["id"]), _rejected)

    async def fleet_events(
        self,
        node: str | None = None,
        kind: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page[FleetEvent]:
        """Return what happened in the supervision tree, newest first.

        Raises:
            InvalidError, DatabaseUnavailableError
        """
        after = decode_cursor("fleet_events", cursor, tuple[datetime, int])
        where = {"node =": node, "kind =": kind, "time >=": start, "time <": end}
        rows = await self._newest("fleet_event", ("time", "id"), where, limit=limit, after=after)
        return page("fleet_events", rows, limit, lambda row: (row["time"], row["id"]), _fleet_event)

    async def _newest(
        self,
        table: str,
        key: tuple[str, ...],
        where: Mapping[str, Any],
        *,
        limit: int,
        after: tuple[Any, ...] | None,
    ) -> list[Mapping[str, Any]]:
        """Return one more than `limit` rows after the key `after`, in falling order of `key`; names are our own, values bound."""
        checked_limit(limit, MAX_PAGE)
        conditions, values = ["TRUE"], []
        for comparison, value in where.items():
            if value is not None:
                values.append(value)
                conditions.append(f"{comparison} ${len(values)}")
        if after is not None:
            places = ", ".join(f"${len(values) + n}" for n in range(1, len(key) + 1))
            values.extend(after)
            conditions.append(f"({', '.join(key)}) < ({places})")
        order = ", ".join(f"{name} DESC" for name in key)
        statement = f"SELECT * FROM {table} WHERE {' AND '.join(conditions)} ORDER BY {order} LIMIT {limit + 1:d}"  # noqa: S608
        async with self.raw(READ_S) as connection:
            return list(await connection.fetch(statement, *values))


def _decoded(text: str | None) -> Any:
    return None if text is None else json_value(text)


def _event(row: Mapping[str, Any]) -> EventRow:
    return EventRow(row["time"], row["device_id"], row["type"], _decoded(row["data"]), row["epoch"], row["seq"])


def _rejected(row: Mapping[str, Any]) -> PayloadRejected:
    return PayloadRejected(
        device_id=row["device_id"],
        time=row["time"],
        topic=row["topic"],
        reason=row["reason"],
        payload=row["payload"],
        size=row["size"],
        suppressed=row["suppressed"],
    )


def _fleet_event(row: Mapping[str, Any]) -> FleetEvent:
    return FleetEvent(
        time=row["time"],
        node=row["node"],
        kind=row["kind"],
        principal=row["principal"],
        reason=row["reason"],
        detail=_decoded(row["detail"]),
    )
