"""What hands give, in tables; under the lock of its subject. What is taken back stands beside what it takes back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid5

from msgspec import structs

from lics_actors.errors import ConflictError
from lics_actors.store.connection import ANSWER_S, Connected
from lics_actors.store.granting import LOCK
from lics_actors.store.json_text import storable_text
from lics_actors.store.subject_days import day_within, gift_of
from lics_actors.welfare.days import LaboratoryDay
from lics_actors.welfare.judge import Request, judge
from lics_actors.welfare.ledger import Ledger
from lics_actors.welfare.messages import Entry, Refused

_GIVE: Final = """INSERT INTO welfare_gift (id, laboratory_id, subject_id, substance, amount, time, note, principal, noted_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO NOTHING"""
_GIVEN: Final = "SELECT * FROM welfare_gift WHERE id = $1"


class SubjectLimitError(ConflictError):
    """The subject's day has no room for what a hand wants to give."""

    code = "SUBJECT_LIMIT"

    def __init__(self, entry: Entry, reason: str) -> None:
        super().__init__(reason, subject_id=str(entry.subject), limit=f"max_{entry.substance}")


class Doses(Connected):
    """The hands' part of the repository."""

    async def give_by_hand(self, laboratory_id: UUID, entry: Entry) -> Entry:
        """Note what a hand gave; the same id again is noted once.

        Raises:
            ConflictError: the id is that of something else.
            DatabaseUnavailableError
        """
        async with self.transaction(ANSWER_S) as connection:
            await connection.execute(LOCK, str(entry.subject))
            return await _note(connection, laboratory_id, entry)

    async def reserve_by_hand(self, laboratory_id: UUID, entry: Entry, day: LaboratoryDay) -> Entry:
        """Note what a hand wants to give, if the day has room for it beside what is known to be given. What runs may still give
        is not looked at: they are told of it, and say whether they have given too much by then.

        Raises:
            SubjectLimitError; ConflictError: the id is that of something else, or of what was withdrawn.
            DatabaseUnavailableError
        """
        async with self.transaction(ANSWER_S) as connection:
            await connection.execute(LOCK, str(entry.subject))
            if await connection.fetchval(_GIVEN, _withdrawal(entry.id)) is not None:
                raise ConflictError("this was asked for before, and refused: ask anew", gift_id=str(entry.id))
            known = await day_within(connection, entry.subject, day)
            ledger = Ledger(known.ledger.entries)
            answer = judge(ledger, Request(entry.id, entry.substance, entry.amount, entry.at), known.limits, known.overrides)
            if isinstance(answer, Refused):
                raise SubjectLimitError(entry, answer.reason)
            return await _note(connection, laboratory_id, entry)

    async def withdraw_by_hand(self, laboratory_id: UUID, entry: Entry, reason: str) -> None:
        """Take back what was noted and not given. Both stay to be seen.

        Raises:
            DatabaseUnavailableError: it counts as given until it is withdrawn.
        """
        back = structs.replace(entry, id=_withdrawal(entry.id), amount=-entry.amount, note=f"not given: {reason}")
        async with self.transaction(ANSWER_S) as connection:
            await connection.execute(LOCK, str(entry.subject))
            await _note(connection, laboratory_id, back)


async def _note(connection: Any, laboratory_id: UUID, entry: Entry) -> Entry:
    said = (entry.subject, entry.substance.value, entry.amount, entry.at, storable_text(entry.note), entry.by)
    await connection.execute(_GIVE, entry.id, laboratory_id, *said, datetime.now(UTC))
    row: Mapping[str, Any] = await connection.fetchrow(_GIVEN, entry.id)
    if (row["subject_id"], row["substance"], row["amount"]) != (entry.subject, entry.substance.value, entry.amount):
        raise ConflictError("this id is that of something else that was given", gift_id=str(entry.id))
    return gift_of(row)


def _withdrawal(gift_id: UUID) -> UUID:
    return uuid5(gift_id, "withdrawn")
