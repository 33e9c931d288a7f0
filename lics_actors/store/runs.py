"""The laboratory's runs: ordered under the rule that a rig and a subject are in one at a time, found, listed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from lics_actors.access.laboratories import Laboratories
from lics_actors.errors import ConflictError, RunNotFoundError, RunUnderWayError
from lics_actors.store.connection import ANSWER_S, Connected
from lics_actors.store.cursors import Page, checked_limit, decode_cursor, page
from lics_actors.store.holders import rig_as_seen
from lics_actors.store.json_text import json_value, storable_json

MAX_PAGE: Final = 500
_INSERT: Final = """INSERT INTO run (id, laboratory_id, rig_id, rig, subject_id, subject, experiment_id, stage,
        protocol_version_id, protocol, protocol_number, parameters, seed, unit, principal, forced, ordered_at, phase, why,
        phase_n, phase_at, n, trials, outcomes, commanded, confirmed)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, 'scheduled', '', -1, $17, -1, 0, '{}',
        0, 0)"""
_HOLDER: Final = """SELECT id, rig_id, rig, subject_id, subject, phase FROM run
    WHERE ended_at IS NULL AND (rig_id = $1 OR subject_id = $2) ORDER BY rig_id <> $1 LIMIT 1"""
_GIVEN_UP: Final = """UPDATE run SET phase = $2, why = $3, phase_at = $4, ended_at = $4
    WHERE id = $1 AND ended_at IS NULL AND opened IS NULL AND n < 0 RETURNING id"""
_ONE: Final = "SELECT * FROM run WHERE id = $1 AND ($2::uuid[] IS NULL OR laboratory_id = ANY($2))"
_PAGE: Final = """SELECT * FROM run WHERE ($1::timestamptz IS NULL OR (ordered_at, id) < ($1, $2::uuid))
    AND ($3::uuid[] IS NULL OR laboratory_id = ANY($3)) AND ($4::uuid IS NULL OR subject_id = $4)
    AND ($5::uuid IS NULL OR experiment_id = $5) AND ($6::uuid IS NULL OR rig_id = $6) AND ($7::text IS NULL OR phase = $7)
    AND ($8::bool IS NULL OR (ended_at IS NULL) = $8) AND ($9::timestamptz IS NULL OR ordered_at >= $9)
    AND ($10::timestamptz IS NULL OR ordered_at < $10) ORDER BY ordered_at DESC, id DESC LIMIT $11"""


@dataclass(frozen=True, slots=True)
class Run:
    """A run as the tables have it. `n`: its newest step, -1 while there is none; amounts in base units (`unit`): `commanded` was
    sent, `confirmed` was said to be given; `forced`: why it was armed though its version was not rehearsed."""

    id: UUID
    laboratory_id: UUID
    rig_id: UUID
    rig: str
    subject_id: UUID | None
    subject: str | None
    experiment_id: UUID | None
    stage: int | None
    protocol_version_id: UUID
    protocol: str
    protocol_number: int
    parameters: Mapping[str, Any]
    seed: int
    unit: str
    principal: str
    forced: str | None
    ordered_at: datetime
    opened_at: datetime | None
    phase: str
    why: str
    phase_at: datetime
    began_at: datetime | None
    ended_at: datetime | None
    n: int
    trials: int
    outcomes: Mapping[str, int]
    commanded: float
    confirmed: float


_NAMES: Final = tuple(each.name for each in dataclasses.fields(Run))


@dataclass(frozen=True, slots=True)
class NewRun:
    """A run to be, checked. `rig_version`: of the rig as it was fitted to; None: whatever it is."""

    run_id: UUID
    laboratory_id: UUID
    rig_id: UUID
    rig: str
    protocol_version_id: UUID
    protocol: str
    protocol_number: int
    seed: int
    principal: str
    ordered_at: datetime
    unit: str = ""
    subject_id: UUID | None = None
    subject: str | None = None
    experiment_id: UUID | None = None
    stage: int | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    forced: str | None = None
    rig_version: int | None = None


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs; None: whatever it is. `start` and `end`: of when they were ordered."""

    laboratories: Laboratories = None
    subject_id: UUID | None = None
    experiment_id: UUID | None = None
    rig_id: UUID | None = None
    phase: str | None = None
    unfinished: bool | None = None
    start: datetime | None = None
    end: datetime | None = None


class Runs(Connected):
    """The runs' part of the repository. `laboratories` None: of all of them."""

    async def order_run(self, new: NewRun) -> Run:
        """Keep that a run is ordered: from now on its rig and its subject are its own until it is over.

        Raises:
            RunUnderWayError: the rig or the subject is in another (facts `holder`, `run_id`).
            ConflictError: its id exists, or the rig was changed meanwhile. DatabaseUnavailableError
        """
        where = (new.run_id, new.laboratory_id, new.rig_id, new.rig, new.subject_id, new.subject, new.experiment_id, new.stage)
        what = (new.protocol_version_id, new.protocol, new.protocol_number, storable_json(dict(new.parameters)), new.seed)
        async with self.raw(ANSWER_S) as connection:
            try:
                async with connection.transaction():
                    if new.rig_version is not None:
                        await rig_as_seen(connection, new.rig_id, new.rig_version)
                    await connection.execute(_INSERT, *where, *what, new.unit, new.principal, new.forced, new.ordered_at)
            except asyncpg.UniqueViolationError as error:
                if error.constraint_name == "run_pkey":
                    raise ConflictError(f"there is a run {new.run_id} already", run_id=str(new.run_id)) from error
                holder = await connection.fetchrow(_HOLDER, new.rig_id, new.subject_id)
                raise _held(new, holder) from error
        return await self.get_run(new.run_id)

    async def give_run_up(self, run_id: UUID, phase: str, why: str) -> bool:
        """End a run that no actor has begun; return whether there was one.

        Raises:
            DatabaseUnavailableError
        """
        async with self.raw(ANSWER_S) as connection:
            return await connection.fetchval(_GIVEN_UP, run_id, phase, why, datetime.now(UTC)) is not None

    async def get_run(self, run_id: UUID, laboratories: Laboratories = None) -> Run:
        """Return a run.

        Raises:
            RunNotFoundError, DatabaseUnavailableError
        """
        async with self.raw(ANSWER_S) as connection:
            row = await connection.fetchrow(_ONE, run_id, None if laboratories is None else list(laboratories))
        if row is None:
            raise RunNotFoundError(f"no run {run_id}", run_id=str(run_id))
        return _run(row)

    async def list_runs(self, asked: RunFilter, limit: int = 100, cursor: str | None = None) -> Page[Run]:
        """Return runs, newest first, `limit` at a time.

        Raises:
            InvalidError: the limit or the cursor is none.
            DatabaseUnavailableError
        """
        checked_limit(limit, MAX_PAGE)
        at, run_id = decode_cursor("runs", cursor, tuple[datetime, UUID]) or (None, None)
        where = None if asked.laboratories is None else list(asked.laboratories)
        wanted = (asked.subject_id, asked.experiment_id, asked.rig_id, asked.phase, asked.unfinished, asked.start, asked.end)
        async with self.raw(ANSWER_S) as connection:
            rows = await connection.fetch(_PAGE, at, run_id, where, *wanted, limit + 1)
        return page("runs", rows, limit, lambda row: (row["ordered_at"], row["id"]), _run)


def _held(new: NewRun, holder: Mapping[str, Any] | None) -> RunUnderWayError:
    if holder is None:
        return RunUnderWayError("the rig or the subject was in another run just now; try again")
    of_rig = holder["rig_id"] == new.rig_id
    what = f"rig {new.rig}" if of_rig else f"subject {new.subject}"
    with_whom = f"of {holder['subject'] or 'no subject'}" if of_rig else f"at {holder['rig']}"
    name = f"run {holder['id']} {with_whom}"
    return RunUnderWayError(f"{what} is in {name}, which is {holder['phase']}", holder=name, run_id=str(holder["id"]))


def _run(row: Mapping[str, Any]) -> Run:
    facts = {name: row[name] for name in _NAMES}
    return Run(**facts | {"parameters": _json(row["parameters"]), "outcomes": _json(row["outcomes"])})


def _json(value: Any) -> Any:
    return json_value(value) if isinstance(value, str | bytes) else value
