"""Runs' journals into their tables, within the transaction that counts the journal's entries."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from lics_actors.access.laboratories import DEFAULT_LABORATORY
from lics_actors.store.json_text import storable_json
from lics_actors.store.run_records import RunOpened, RunRecord, RunStepped
from lics_actors.store.run_rows import Row, run_rows

# A run that no table knows (its database was restored) is kept under its own facts; everything else says where it belongs.
_OPENED: Final = """INSERT INTO run (id, laboratory_id, rig_id, rig, subject_id, experiment_id, stage, protocol_version_id,
        protocol, protocol_number, parameters, seed, unit, principal, ordered_at, phase, why, phase_n, phase_at, n, trials,
        outcomes, commanded, confirmed, opened, opened_at)
    VALUES ($1, $2, $3, coalesce((SELECT name FROM rig WHERE id = $3), ''), $4, $5, $6, $7, $8, 0, $9, $10, '', $11, $12,
        'arming', '', -1, $12, -1, 0, '{}', 0, 0, $13, $12)
    ON CONFLICT (id) DO UPDATE SET opened = excluded.opened, opened_at = excluded.opened_at"""
_HOME: Final = f"coalesce((SELECT laboratory_id FROM run WHERE id = $1), '{DEFAULT_LABORATORY}'::uuid)"  # noqa: S608
_STEP: Final = f"""INSERT INTO run_event (run_id, laboratory_id, n, time, at_s, kind, record)
    VALUES ($1, {_HOME}, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING"""  # noqa: S608 - of our own constants
_PHASE: Final = """UPDATE run SET phase = $2, why = $3, phase_n = $4, phase_at = $5, began_at = coalesce(began_at, $6),
    ended_at = $7 WHERE id = $1 AND phase_n <= $4"""  # one step may bring several phases, in order
_TRIAL: Final = f"""INSERT INTO trial (run_id, laboratory_id, number, block, drawn, began_at, began_s, began_n, reason, rewarded)
    VALUES ($1, {_HOME}, $2, $3, $4, $5, $6, $7, '', 0) ON CONFLICT DO NOTHING"""  # noqa: S608
_END: Final = """UPDATE trial SET outcome = $3, reason = $4, rewarded = $5, ended_at = $6, ended_s = $7, ended_n = $8
    WHERE run_id = $1 AND number = $2"""
_REWARD: Final = """INSERT INTO reward (id, run_id, laboratory_id, trial, role, amount, principal, barred, time, at_s, n)
    SELECT $1, $2, coalesce((SELECT laboratory_id FROM run WHERE id = $2), $11::uuid), $3, $4, $5, $6, $7, $8, $9, $10
    ON CONFLICT DO NOTHING"""
_SETTLED: Final = "UPDATE reward SET outcome = $2, settled_at = $3 WHERE id = $1"
_NOTE: Final = f"""INSERT INTO annotation (run_id, laboratory_id, principal, text, time, at_s, n)
    VALUES ($1, {_HOME}, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING"""  # noqa: S608
_REACTED: Final = f"""INSERT INTO run_reaction (run_id, laboratory_id, n, command_id, heard, decided, left_at)
    VALUES ($1, {_HOME}, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING"""  # noqa: S608
# Sums follow from the rows alone, so a repeat does not matter.
_SUMS: Final = """UPDATE run SET n = greatest(n, $2),
        trials = (SELECT count(*) FROM trial WHERE run_id = $1 AND ended_n IS NOT NULL),
        outcomes = coalesce((SELECT jsonb_object_agg(outcome, times) FROM
            (SELECT outcome, count(*) AS times FROM trial WHERE run_id = $1 AND ended_n IS NOT NULL GROUP BY outcome) o), '{}'),
        commanded = coalesce((SELECT sum(amount) FROM reward WHERE run_id = $1 AND barred IS NULL), 0),
        confirmed = coalesce((SELECT sum(amount) FROM reward WHERE run_id = $1 AND outcome = 'succeeded'), 0)
    WHERE id = $1"""
_pack: Final = msgspec.msgpack.Encoder().encode


async def ship_runs(connection: Any, records: Iterable[RunRecord]) -> None:
    """Write the records of runs' journals, in order, in the caller's transaction."""
    rows = run_rows(records)
    for opened in rows.opened:
        await connection.execute(_OPENED, *_opened_row(opened))
    many: tuple[tuple[str, Iterable[Row]], ...] = (
        (_STEP, [_step_row(step) for step in rows.steps]),
        (_TRIAL, rows.trials),
        (_END, rows.ends),
        (_REWARD, [(*row, DEFAULT_LABORATORY) for row in rows.rewards]),
        (_SETTLED, rows.settled),
        (_NOTE, rows.notes),
        (_REACTED, rows.reactions),
        (_PHASE, rows.phases),
        (_SUMS, rows.touched.items()),
    )
    for statement, values in many:
        if values:
            await connection.executemany(statement, values)


def _opened_row(opened: RunOpened) -> Row:
    where = (opened.laboratory_id, opened.rig_id, opened.subject_id, opened.experiment_id, opened.stage)
    name = str(opened.document.get("name", ""))[:255]
    facts = (opened.protocol_version_id, name, storable_json(opened.parameters), opened.seed, opened.principal, opened.time)
    return (opened.run_id, *where, *facts, _pack(opened))


def _step_row(step: RunStepped) -> Row:
    return (step.run_id, step.n, step.time, step.event.at, type(step.event).__name__, _pack(step))
