"""What subjects were given and may be given, in tables; every grant under the lock of its subject."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from lics_actors.access.laboratories import Laboratories
from lics_actors.errors import NotFoundError
from lics_actors.run.orders import Allowance
from lics_actors.store.alarm_states import Alarm
from lics_actors.store.alarms import take_words
from lics_actors.store.connection import ANSWER_S, Connected
from lics_actors.store.granting import GrantWish, grant_within
from lics_actors.store.json_text import storable_text
from lics_actors.store.records import AlarmCleared, AlarmRaised
from lics_actors.store.subject_days import OVERRIDES, SubjectDay, day_within, limits_within, override_of
from lics_actors.welfare.days import LaboratoryDay
from lics_actors.welfare.judge import alarms, concerns, in_force
from lics_actors.welfare.messages import Limits, Override

_OVERRIDE: Final = """INSERT INTO welfare_override (id, laboratory_id, subject_id, limit_name, value, begin_at, until_at,
    principal, reason) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"""
_END: Final = """UPDATE welfare_override SET until_at = least(until_at, $3), ended_by = $4
    WHERE id = $1 AND subject_id = $2 AND until_at > $3 RETURNING *"""
_SESSION: Final = """INSERT INTO welfare_session (subject_id, laboratory_id, session_s, between_s, updated_at, updated_by)
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (subject_id) DO UPDATE
    SET session_s = $3, between_s = $4, updated_at = $5, updated_by = $6"""
_LAST: Final = "SELECT max(ended_at) FROM run WHERE subject_id = $1 AND began_at IS NOT NULL"
_KEPT: Final = """SELECT id, laboratory_id, name FROM subject WHERE status = 'active' AND daily::text <> '{}'
    AND ($1::uuid[] IS NULL OR laboratory_id = ANY($1)) ORDER BY id"""
_STANDING: Final = """SELECT kind, severity FROM alarm WHERE source = $1 AND cleared_at IS NULL AND returned_at IS NULL
    AND kind ~ '^(fluid|food|pellets)_(shortfall|excess)$'"""
ROUNDS: Final = UUID("5f0c3c7c-2d5e-4d38-9d53-1b6d9c0f7a11")  # in the place of a journal's name: whose word these alarms are


class OverrideNotFoundError(NotFoundError):
    """No such override in force."""

    code = "OVERRIDE_NOT_FOUND"


@dataclass(frozen=True, slots=True)
class Watched:
    """A subject for which somebody set daily amounts."""

    id: UUID
    laboratory_id: UUID
    name: str


class Welfare(Connected):
    """Welfare's part of the repository."""

    async def subject_day(self, subject_id: UUID, day: LaboratoryDay) -> SubjectDay:
        """Return what is known of a subject's day, over all rigs.

        Raises:
            DatabaseUnavailableError
        """
        async with self.snapshot(ANSWER_S) as connection:
            return await day_within(connection, subject_id, day)

    async def grant(self, wish: GrantWish) -> Allowance:
        """Grant a run what it wants of a subject's day, as far as limits leave; return all it then has.

        Raises:
            DatabaseUnavailableError: nothing is known to be granted; ask again.
        """
        async with self.transaction(ANSWER_S) as connection:
            return await grant_within(connection, wish)

    async def override_limit(self, laboratory_id: UUID, override: Override) -> None:
        """Keep a person's word.

        Raises:
            DatabaseUnavailableError
        """
        said = (override.limit.value, override.value, override.begin, override.until, override.by, storable_text(override.reason))
        async with self.raw(ANSWER_S) as connection:
            await connection.execute(_OVERRIDE, override.id, laboratory_id, override.subject, *said)

    async def overrides(self, subject_id: UUID, now: datetime) -> tuple[Override, ...]:
        """Return a subject's overrides that are not over.

        Raises:
            DatabaseUnavailableError
        """
        async with self.raw(ANSWER_S) as connection:
            return tuple(map(override_of, await connection.fetch(OVERRIDES, subject_id, now)))

    async def end_override(self, subject_id: UUID, override_id: UUID, now: datetime, principal: str) -> Override:
        """End an override now. A run that was granted something on its word may give that until its allowance is renewed.

        Raises:
            OverrideNotFoundError, DatabaseUnavailableError
        """
        async with self.raw(ANSWER_S) as connection:
            row = await connection.fetchrow(_END, override_id, subject_id, now, principal)
        if row is None:
            raise OverrideNotFoundError(f"no override {override_id} is in force", override_id=str(override_id))
        return override_of(row)

    async def subject_limits(self, subject_id: UUID) -> Limits:
        """Return a subject's limits as somebody set them.

        Raises:
            DatabaseUnavailableError
        """
        async with self.raw(ANSWER_S) as connection:
            return await limits_within(connection, subject_id)

    async def rule_sessions(
        self, laboratory_id: UUID, subject_id: UUID, session_s: float | None, between_s: float | None, principal: str
    ) -> None:
        """Keep how long a subject's sessions may last, and what must lie between two.

        Raises:
            DatabaseUnavailableError
        """
        async with self.raw(ANSWER_S) as connection:
            await connection.execute(_SESSION, subject_id, laboratory_id, session_s, between_s, datetime.now(UTC), principal)

    async def last_session(self, subject_id: UUID) -> datetime | None:
        """Return when a subject's last session ended; None: it never had one.

        Raises:
            DatabaseUnavailableError
        """
        async with self.raw(ANSWER_S) as connection:
            ended: datetime | None = await connection.fetchval(_LAST, subject_id)
        return ended

    async def watched_subjects(self, laboratories: Laboratories = None) -> list[Watched]:
        """Return the active subjects for which somebody set daily amounts.

        Raises:
            DatabaseUnavailableError
        """
        async with self.raw(ANSWER_S) as connection:
            rows = await connection.fetch(_KEPT, None if laboratories is None else list(laboratories))
        return [Watched(row["id"], row["laboratory_id"], row["name"]) for row in rows]

    async def tell_concerns(self, known: SubjectDay, subject_id: UUID, now: datetime) -> list[Alarm]:
        """Raise and end the alarms of a subject's day; return those that changed.

        Raises:
            DatabaseUnavailableError
        """
        source = f"subject:{subject_id}"
        held = in_force(known.limits, known.overrides, now)
        async with self.transaction(ANSWER_S) as connection:
            rows = await connection.fetch(_STANDING, source)
            found = concerns(known.ledger, held, known.day, now)
            told, over = alarms({row["kind"]: row["severity"] for row in rows}, found, known.ledger, held)
            words: list[AlarmRaised | AlarmCleared] = [
                AlarmRaised(now, source, each.kind, each.message, each.severity) for each in told
            ]
            words += [AlarmCleared(now, source, kind) for kind in over]
            return await take_words(connection, ROUNDS, words) if words else []
