"""What is known of a subject's day, from the tables: within the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from lics_actors.store.json_text import json_value
from lics_actors.welfare.bank import Share, reserved
from lics_actors.welfare.calibration import Curve, Point, fitted
from lics_actors.welfare.days import LaboratoryDay
from lics_actors.welfare.ledger import Ledger, most, noted
from lics_actors.welfare.measuring import amounts
from lics_actors.welfare.messages import FATES, Entry, Fate, Limit, Limits, Override, Substance
from lics_actors.welfare.taking import UNITS, limits_of

_GIFTS: Final = "SELECT * FROM welfare_gift WHERE subject_id = $1 AND time >= $2 AND time < $3 ORDER BY time, id"
# A command tells the device, and so the calibration that was in force; what the device answered last is what it did.
_REWARDS: Final = """SELECT w.id, w.amount, w.time, w.outcome, w.principal, w.run_id, r.rig_id, r.unit, c.device_id,
        c.args, s.result, k.version AS calibration, k.points
    FROM reward w JOIN run r ON r.id = w.run_id LEFT JOIN command c ON c.id = w.id
        LEFT JOIN LATERAL (SELECT result FROM command_state WHERE command_id = w.id AND result IS NOT NULL
            ORDER BY n DESC LIMIT 1) s ON true
        LEFT JOIN LATERAL (SELECT version, points FROM calibration WHERE device_id = c.device_id AND made_at <= w.time
            ORDER BY version DESC LIMIT 1) k ON true
    WHERE r.subject_id = $1 AND w.time >= $2 AND w.time < $3 AND w.barred IS NULL ORDER BY w.time, w.id"""
# A run is over once its journal has said so here, which is after everything else that it says.
GRANTS: Final = """SELECT g.*, r.ended_at IS NULL AS open FROM welfare_grant g LEFT JOIN run r ON r.id = g.run_id
    WHERE g.subject_id = $1 AND g.day_begin = $2"""
OVERRIDES: Final = "SELECT * FROM welfare_override WHERE subject_id = $1 AND until_at > $2 ORDER BY begin_at, id"
_LIMITS: Final = """SELECT s.daily, w.session_s, w.between_s FROM subject s LEFT JOIN welfare_session w ON w.subject_id = s.id
    WHERE s.id = $1"""


@dataclass(frozen=True, slots=True)
class SubjectDay:
    """What is known of a subject's day. The ledger's `reserved`: what runs that are not over may still give."""

    day: LaboratoryDay
    ledger: Ledger
    limits: Limits
    overrides: tuple[Override, ...]


async def day_within(connection: Any, subject_id: UUID, day: LaboratoryDay) -> SubjectDay:
    """Return what is known of a subject's day, over all rigs."""
    entries = [gift_of(row) for row in await connection.fetch(_GIFTS, subject_id, day.begin, day.end)]
    entries += [_reward(row, subject_id) for row in await connection.fetch(_REWARDS, subject_id, day.begin, day.end)]
    ledger = noted(Ledger(), entries)
    grants = await connection.fetch(GRANTS, subject_id, day.begin)
    kept = {
        each: reserved(shares_of([row for row in grants if row["substance"] == each.value], ledger, each).values())
        for each in Substance
    }
    overrides = tuple(map(override_of, await connection.fetch(OVERRIDES, subject_id, day.begin)))
    return SubjectDay(day, Ledger(ledger.entries, kept), await limits_within(connection, subject_id), overrides)


def shares_of(grants: list[Any], ledger: Ledger, substance: Substance) -> dict[UUID, Share]:
    """Return each run's part of a day. `grants`: rows of `GRANTS` for that substance."""
    given: dict[UUID, float] = {}
    for entry in ledger.entries.values():
        if entry.run is not None and entry.substance is substance:
            given[entry.run] = given.get(entry.run, 0.0) + most(entry)
    granted: dict[UUID, float] = {}
    for row in grants:
        granted[row["run_id"]] = granted.get(row["run_id"], 0.0) + row["amount"]
    is_open = {row["run_id"]: bool(row["open"]) for row in grants}
    runs = dict.fromkeys([*granted, *given])
    return {run: Share(granted.get(run, 0.0), given.get(run, 0.0), is_open.get(run, False)) for run in runs}


async def limits_within(connection: Any, subject_id: UUID) -> Limits:
    """Return a subject's limits as somebody set them."""
    row = await connection.fetchrow(_LIMITS, subject_id)
    if row is None:
        return Limits()
    daily = json_value(row["daily"]) if isinstance(row["daily"], str | bytes) else row["daily"]
    return limits_of(daily, row["session_s"], row["between_s"])


def gift_of(row: Mapping[str, Any]) -> Entry:
    """Return what a hand gave."""
    substance = Substance(row["substance"])
    return Entry(
        row["id"], row["subject_id"], substance, row["amount"], row["time"], Fate.CONFIRMED, by=row["principal"], note=row["note"]
    )


def _reward(row: Mapping[str, Any], subject_id: UUID) -> Entry:
    fate = Fate.COMMANDED if row["outcome"] is None else FATES[row["outcome"]]
    curve = None if row["points"] is None else _curve(row["points"])
    known = amounts(row["unit"], _json(row["args"]), _json(row["result"]), fate, curve)
    return Entry(
        row["id"],
        subject_id,
        UNITS.get(row["unit"], Substance.FLUID),
        row["amount"],
        row["time"],
        fate,
        measured=known.measured,
        commanded=known.commanded,
        confirmed=known.confirmed,
        calibration=row["calibration"],
        device=row["device_id"],
        rig=row["rig_id"],
        run=row["run_id"],
        by=row["principal"] or f"run:{row['run_id']}",
    )


def _json(value: Any) -> Any:
    return json_value(value) if isinstance(value, str | bytes) else value


@lru_cache(maxsize=1000)  # a day has many rewards and few calibrations
def _curve(points: str) -> Curve:
    return fitted([Point(*each) for each in json_value(points)]).curve


def override_of(row: Mapping[str, Any]) -> Override:
    """Return a person's word."""
    facts = (row["value"], row["begin_at"], row["until_at"], row["principal"], row["reason"])
    return Override(row["id"], row["subject_id"], Limit(row["limit_name"]), *facts)
