"""Which laboratory each device belongs to, and each run, as this worker knows it.

A device that moves is told like a token that ends (lics_actors/access/ending.py), so what is remembered is as old as that.
Commands do not depend on it: a device's own actor judges them again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Protocol
from uuid import UUID

from lics_actors.access.rules import Ended
from lics_actors.errors import DatabaseUnavailableError, LicsError
from web.patience import Patience, within

TABLES_S: Final = 1.0


class Table(Protocol):
    """What is needed of the repository."""

    async def laboratory_of(self, noun: str, key: UUID, /) -> UUID | None:
        """Return the laboratory of an object."""

    async def homes(self) -> dict[UUID, UUID]:
        """Return the laboratory of every device."""


class Homes:
    """A worker's knowledge; who needs more than it knows asks the tables."""

    def __init__(self, table: Table, tables: Patience) -> None:
        self._table, self._tables = table, tables
        self._known: dict[UUID, UUID] = {}
        self._moved: Mapping[UUID, UUID] = {}

    def known(self, device_id: UUID) -> UUID | None:
        """Return a device's laboratory if that is known without asking."""
        return self._known.get(device_id)

    def note(self, device_id: UUID, laboratory_id: UUID) -> None:
        """Remember what the tables just said of a device."""
        self._known[device_id] = laboratory_id

    def take(self, ended: Ended) -> bool:
        """Learn which devices have moved; return whether that is news."""
        news = ended.moved != self._moved
        self._moved = ended.moved
        self._known.update(ended.moved)
        return news

    async def of(self, noun: str, key: UUID) -> UUID | None:
        """Return the laboratory of a device, or of something that never moves; None where there is no such thing.

        Raises:
            DatabaseUnavailableError: it is not known, and the tables do not answer within a second, or did not a moment ago.
        """
        if (known := self._known.get(key)) is not None:
            return known
        if not self._tables.lasts:
            raise DatabaseUnavailableError("the database does not answer in time")
        try:
            found = await within(TABLES_S, self._table.laboratory_of(noun, key))
        except TimeoutError:
            self._tables.was_tried()
            raise DatabaseUnavailableError("the database does not answer in time") from None
        if found is not None:
            self._known[key] = self._moved.get(key, found)
        return found

    async def learn(self, device_ids: Iterable[UUID]) -> bool:
        """Know these devices: all are read at once where one is not known. Return whether what is not known is not there."""
        if all(each in self._known for each in device_ids):
            return True
        if not self._tables.lasts:
            return False
        try:
            found = await within(TABLES_S, self._table.homes())
        except TimeoutError:
            self._tables.was_tried()
            return False
        except LicsError:
            return False
        self._known |= {**found, **self._moved}
        return True
