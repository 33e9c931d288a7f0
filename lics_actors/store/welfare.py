"""What subjects were given and may be given, in tables; every grant under the lock of its subject."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4

from lics_actors.access.laboratories import Laboratories
from lics_actors.errors import ConflictError, NotFoundError
from lics_actors.run.orders import Allowance
from lics_actors.store.alarm_states import Alarm
from lics_actors.store.alarms import take_words
from lics_actors.store.connection import ANSWER_S, Connected
from lics_actors.store.json_text import json_value, storable_text
from lics_actors.store.records import AlarmCleared, AlarmRaised
from lics_actors.welfare.bank import Share, allowance, held, portions, reserved
from lics_actors.welfare.days import LaboratoryDay
from lics_actors.welfare.judge import alarms, concerns, in_force
from lics_actors.welfare.ledger import Ledger, most, noted
from lics_actors.welfare.messages import FATES, Entry, Fate, Grant, Limit, Limits, Override, Substance
from lics_actors.welfare.taking import UNITS, limits_of

_LOCK: Final = (
    "SELECT pg_advisory_xact_lock(hashtextextended($1, 19))"  # 19: welfare, apart from whatever else is locked by a text
)
_GIVE: Final = """INSERT INTO welfare_gift (id, laboratory_id, subject_id, substance, amount, time, note, principal, noted_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO NOTHING"""
_GIVEN: Final = "SELECT * FROM welfare_gift WHERE id = $1"
_GIFTS: Final = "SELECT * FROM welfare_gift WHERE subject_id = $1 AND time >= $2 AND time < $3 ORDER BY time, id"
# A command tells the device, and so the calibration that was in force.
_REWARDS: Final = """SELECT w.id, w.amount, w.time, w.outcome, w.principal, w.run_id, r.rig_id, r.unit, c.device_id,
        (SELECT max(k.version) FROM calibration k WHERE k.device_id = c.device_id AND k.made_at <= w.time) AS calibration
    FROM reward w JOIN run r ON r.id = w.run_id LEFT JOIN command c ON c.id = w.id
    WHERE r.subject_id = $1 AND w.time >= $2 AND w.time < $3 AND w.barred IS NULL ORDER BY w.time, w.id"""
# A run is over once its journal has said so here, which is after everything else that it says.
_GRANTS: Final = """SELECT g.*, r.ended_at IS NULL AS open FROM welfare_grant g LEFT JOIN run r ON r.id = g.run_id
    WHERE g.subject_id = $1 AND g.day_begin = $2"""
_GRANT: Final = """INSERT INTO welfare_grant (id, laboratory_id, subject_id, run_id, substance, amount, day_begin, until_at,
    override_id, granted_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"""
_OVERRIDES: Final = "SELECT * FROM welfare_override WHERE subject_id = $1 AND until_at > $2 ORDER BY begin_at, id"
_OVERRIDE: Final = """INSERT INTO welfare_override (id, laboratory_id, subject_id, limit_name, value, begin_at, until_at,
    principal, reason) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"""
_END: Final = """UPDATE welfare_override SET until_at = least(until_at, $3), ended_by = $4
    WHERE id = $1 AND subject_id = $2 AND until_at > $3 RETURNING *"""
_LIMITS: Final = """SELECT s.daily, w.session_s, w.between_s FROM subject s LEFT JOIN welfare_session w ON w.subject_id = s.id
    WHERE s.id = $1"""
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
class SubjectDay:
    """What is known of a subject's day. The ledger's `reserved`: what runs that are not over may still give."""

    day: LaboratoryDay
    ledger: Ledger
    limits: Limits
    overrides: tuple[Override, ...]


@dataclass(frozen=True, slots=True)
class Watched:
    """A subject for which somebody set daily amounts."""

    id: UUID
    laboratory_id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class GrantWish:
    """A run wants so much of a subject's day in all; None: all there is."""

    laboratory_id: UUID
    run_id: UUID
    subject_id: UUID
    substance: Substance
    wanted: float | None
    day: LaboratoryDay


class Welfare(Connected):
    """Welfare's part of the repository."""

    async def subject_day(self, subject_id: UUID, day: LaboratoryDay) -> SubjectDay:
        """Return what is known of a subject's day, over all rigs.

        Raises:
            DatabaseUnavailableError
        """
        async with self.snapshot(ANSWER_S) as connection:
            return await _day(connection, subject_id, day)

    async def give_by_hand(self, laboratory_id: UUID, entry: Entry) -> Entry:
        """Note what a hand gave; the same id again is noted once.

        Raises:
            ConflictError: the id is that of something else.
            DatabaseUnavailableError
        """
        said = (entry.subject, entry.substance.value, entry.amount, entry.at, storable_text(entry.note), entry.by)
        async with self.transaction(ANSWER_S) as connection:
            await connection.execute(_LOCK, str(entry.subject))
            await connection.execute(_GIVE, entry.id, laboratory_id, *said, datetime.now(UTC))
            row = await connection.fetchrow(_GIVEN, entry.id)
        if (row["subject_id"], row["substance"], row["amount"]) != (entry.subject, entry.substance.value, entry.amount):
            raise ConflictError("this id is that of something else that was given", gift_id=str(entry.id))
        return _gift(row)

    async def grant(self, wish: GrantWish) -> Allowance | None:
        """Grant a run what it wants of a subject's day, as far as limits leave; return all it then has for that day. None: the
        subject has no such limit.

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
            return tuple(map(_override, await connection.fetch(_OVERRIDES, subject_id, now)))

    async def end_override(self, subject_id: UUID, override_id: UUID, now: datetime, principal: str) -> Override:
        """End an override now. A run that was granted something on its word may give that until its allowance is renewed.

        Raises:
            OverrideNotFoundError, DatabaseUnavailableError
        """
        async with self.raw(ANSWER_S) as connection:
            row = await connection.fetchrow(_END, override_id, subject_id, now, principal)
        if row is None:
            raise OverrideNotFoundError(f"no override {override_id} is in force", override_id=str(override_id))
        return _override(row)

    async def subject_limits(self, subject_id: UUID) -> Limits:
        """Return a subject's limits as somebody set them.

        Raises:
            DatabaseUnavailableError
        """
        async with self.raw(ANSWER_S) as connection:
            return await _limits(connection, subject_id)

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


async def grant_within(connection: Any, wish: GrantWish) -> Allowance | None:
    """Grant within the caller's transaction, as `Welfare.grant`: a run and its allowance begin together, or not at all."""
    now, day = datetime.now(UTC), wish.day
    await connection.execute(_LOCK, str(wish.subject_id))
    known = await _day(connection, wish.subject_id, day)
    mine = [
        each for each in await connection.fetch(_GRANTS, wish.subject_id, day.begin) if each["substance"] == wish.substance.value
    ]
    entries = [each for each in known.ledger.entries.values() if each.substance is wish.substance]
    already = held(_shares(mine, known.ledger, wish.substance), sum(most(each) for each in entries if each.run is None))
    earlier = [_grant(each) for each in mine if each["run_id"] == wish.run_id]
    wanted = None if wish.wanted is None else max(0.0, wish.wanted - sum(each.amount for each in earlier))
    found = portions(wish.substance, wanted, already, limits=known.limits, overrides=known.overrides, day=day, now=now)
    if found is None:
        return None
    made = [
        Grant(uuid4(), wish.run_id, wish.subject_id, wish.substance, each.amount, day.begin, each.until, each.override)
        for each in found
        if each.amount > 0
    ]
    for grant in made:
        said = (grant.run, grant.substance.value, grant.amount, grant.begin, grant.until, grant.override, now)
        await connection.execute(_GRANT, grant.id, wish.laboratory_id, grant.subject, *said)
    standing = {None, *(each.id for each in known.overrides if each.until > now)}
    return allowance([each for each in (*earlier, *made) if each.override in standing], day, now)


async def _day(connection: Any, subject_id: UUID, day: LaboratoryDay) -> SubjectDay:
    entries = [_gift(row) for row in await connection.fetch(_GIFTS, subject_id, day.begin, day.end)]
    entries += [_reward(row, subject_id) for row in await connection.fetch(_REWARDS, subject_id, day.begin, day.end)]
    ledger = noted(Ledger(), entries)
    grants = await connection.fetch(_GRANTS, subject_id, day.begin)
    kept = {
        each: reserved(_shares([row for row in grants if row["substance"] == each.value], ledger, each)) for each in Substance
    }
    overrides = tuple(map(_override, await connection.fetch(_OVERRIDES, subject_id, day.begin)))
    return SubjectDay(day, Ledger(ledger.entries, kept), await _limits(connection, subject_id), overrides)


def _shares(grants: list[Any], ledger: Ledger, substance: Substance) -> list[Share]:
    given: dict[UUID, float] = {}
    for entry in ledger.entries.values():
        if entry.run is not None and entry.substance is substance:
            given[entry.run] = given.get(entry.run, 0.0) + most(entry)
    granted: dict[UUID, float] = {}
    for row in grants:
        granted[row["run_id"]] = granted.get(row["run_id"], 0.0) + row["amount"]
    is_open = {row["run_id"]: bool(row["open"]) for row in grants}
    runs = dict.fromkeys([*granted, *given])
    return [Share(granted.get(run, 0.0), given.get(run, 0.0), is_open.get(run, False)) for run in runs]


async def _limits(connection: Any, subject_id: UUID) -> Limits:
    row = await connection.fetchrow(_LIMITS, subject_id)
    if row is None:
        return Limits()
    daily = json_value(row["daily"]) if isinstance(row["daily"], str | bytes) else row["daily"]
    return limits_of(daily, row["session_s"], row["between_s"])


def _gift(row: Mapping[str, Any]) -> Entry:
    substance = Substance(row["substance"])
    return Entry(
        row["id"], row["subject_id"], substance, row["amount"], row["time"], Fate.CONFIRMED, by=row["principal"], note=row["note"]
    )


def _reward(row: Mapping[str, Any], subject_id: UUID) -> Entry:
    return Entry(
        row["id"],
        subject_id,
        UNITS.get(row["unit"], Substance.FLUID),
        row["amount"],
        row["time"],
        Fate.COMMANDED if row["outcome"] is None else FATES[row["outcome"]],
        calibration=row["calibration"],
        device=row["device_id"],
        rig=row["rig_id"],
        run=row["run_id"],
        by=row["principal"] or f"run:{row['run_id']}",
    )


def _grant(row: Mapping[str, Any]) -> Grant:
    facts = (row["amount"], row["day_begin"], row["until_at"], row["override_id"])
    return Grant(row["id"], row["run_id"], row["subject_id"], Substance(row["substance"]), *facts)


def _override(row: Mapping[str, Any]) -> Override:
    facts = (row["value"], row["begin_at"], row["until_at"], row["principal"], row["reason"])
    return Override(row["id"], row["subject_id"], Limit(row["limit_name"]), *facts)
