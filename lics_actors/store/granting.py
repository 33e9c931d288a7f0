"""What runs are granted of their subjects' days, each under the lock of its subject; and what they are told of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4

from lics_actors.run.orders import Allowance
from lics_actors.store.subject_days import GRANTS, SubjectDay, day_within, shares_of
from lics_actors.welfare.bank import allowance, held, portions, room_of
from lics_actors.welfare.days import LaboratoryDay
from lics_actors.welfare.judge import in_force, session_end
from lics_actors.welfare.ledger import most
from lics_actors.welfare.messages import Grant, Substance

LOCK: Final = (
    "SELECT pg_advisory_xact_lock(hashtextextended($1, 19))"  # 19: welfare, apart from whatever else is locked by a text
)
_GRANT: Final = """INSERT INTO welfare_grant (id, laboratory_id, subject_id, run_id, substance, amount, day_begin, until_at,
    override_id, granted_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"""


_SERIAL: Final = "SELECT txid_current()"  # asked for under the lock: of two that hold it, the later one has the higher number


@dataclass(frozen=True, slots=True)
class GrantWish:
    """A run wants so much of a subject's day in all (`wanted` None: all there is). `substance` None: what it gives nobody keeps
    a ledger of. `following`: the day after, of which it is granted all there is, so that it goes on over the day's end whatever
    is away by then. `began`: the session; None: no limit of sessions is told."""

    laboratory_id: UUID
    run_id: UUID
    subject_id: UUID
    substance: Substance | None
    wanted: float | None
    day: LaboratoryDay
    following: LaboratoryDay | None = None
    began: datetime | None = None


async def grant_within(connection: Any, wish: GrantWish) -> Allowance:
    """Grant within the caller's transaction, which has written nothing yet, and return all that the run then has."""
    now = datetime.now(UTC)
    await connection.execute(LOCK, str(wish.subject_id))
    serial = await connection.fetchval(_SERIAL)
    known = await day_within(connection, wish.subject_id, wish.day)
    told = await _granted(connection, wish, known, wish.wanted, now)
    if wish.following is not None:
        after = await day_within(connection, wish.subject_id, wish.following)
        then = await _granted(connection, wish, after, None, now)
        told = told if told.amount is then.amount is None else replace(told, then=then)
    ends = None if wish.began is None else session_end(known.limits, known.overrides, wish.began, now)
    return replace(told, ends=ends, serial=serial)


async def _granted(connection: Any, wish: GrantWish, known: SubjectDay, wanted: float | None, now: datetime) -> Allowance:
    """Grant of one day; return what the run is told of it."""
    day, substance = known.day, wish.substance
    if substance is None:
        return Allowance(None, day.begin)
    rows = [each for each in await connection.fetch(GRANTS, wish.subject_id, day.begin) if each["substance"] == substance.value]
    entries = [each for each in known.ledger.entries.values() if each.substance is substance]
    by_hand = sum(most(each) for each in entries if each.run is None)
    shares = shares_of(rows, known.ledger, substance)
    mine = [_grant(each) for each in rows if each["run_id"] == wish.run_id]
    others = [each for run, each in shares.items() if run != wish.run_id]
    # what this run gave is no part of it: what it is granted covers the whole day, also before there was a limit
    had = sum(each.amount for each in mine)
    wanted = None if wanted is None else max(0.0, wanted - had)
    asked: dict[str, Any] = {"limits": known.limits, "overrides": known.overrides, "day": day, "now": now}
    found = portions(substance, wanted, held(others, by_hand) + had, **asked)
    if found is None:
        return Allowance(None, day.begin)
    for each in found:
        if each.amount > 0:
            made = (uuid4(), wish.run_id, wish.subject_id, substance, each.amount, day.begin, each.until, each.override)
            mine.append(await _made(connection, wish.laboratory_id, Grant(*made), now))
    standing = {None, *(each.id for each in known.overrides if each.until > now)}
    overrun = sum(max(0.0, most(each) - each.amount) for each in entries if each.run == wish.run_id)
    limit = in_force(known.limits, known.overrides, max(now, day.begin)).most(substance)
    room = room_of(limit, others, by_hand, overrun)
    return allowance([each for each in mine if each.override in standing], day, now, room)


async def _made(connection: Any, laboratory_id: UUID, grant: Grant, now: datetime) -> Grant:
    said = (grant.run, grant.substance.value, grant.amount, grant.begin, grant.until, grant.override, now)
    await connection.execute(_GRANT, grant.id, laboratory_id, grant.subject, *said)
    return grant


def _grant(row: Mapping[str, Any]) -> Grant:
    facts = (row["amount"], row["day_begin"], row["until_at"], row["override_id"])
    return Grant(row["id"], row["run_id"], row["subject_id"], Substance(row["substance"]), *facts)
