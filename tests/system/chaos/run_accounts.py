"""Gathers what is left of runs: from the tables, and from the devices' ledgers."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from uuid import UUID

import asyncpg
import msgspec

from lics_actors.store.run_records import RunOpened, RunReacted, RunStepped
from tests.system.chaos.run_verdict import Account, Gift, RowOfReward, RowOfTrial

RUNS = "select id, phase, opened from run where id = any($1::uuid[])"
STEPS = "select run_id, record from run_event where run_id = any($1::uuid[]) order by run_id, n, id"
TRIALS = "select run_id, number, outcome from trial where run_id = any($1::uuid[]) order by run_id, number"
REWARDS = "select run_id, id, amount, outcome from reward where run_id = any($1::uuid[]) and barred is null"
REACTIONS = "select run_id, n, command_id, heard, decided, left_at from run_reaction where run_id = any($1::uuid[])"
GIFTS = """
    select device_id, command_id, state, result, (select count(*) from execution e where e.command_id = c.command_id)
    from command c where name in ('dispense', 'feed') and state <> 'rejected'
"""
_opened = msgspec.msgpack.Decoder(RunOpened).decode
_stepped = msgspec.msgpack.Decoder(RunStepped).decode


def gifts(ledger: Path, devices: Iterable[UUID]) -> dict[UUID, Gift]:
    """Return what these devices gave, by command, as their ledger has it."""
    wanted = {str(each) for each in devices}
    with closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as file:
        rows = file.execute(GIFTS).fetchall()
    return {
        UUID(command_id): Gift(state, executions, _amount(result))
        for device_id, command_id, state, result, executions in rows
        if device_id in wanted
    }


def _amount(result: str | None) -> float:
    told = msgspec.json.decode(result) if result else None
    return float(told.get("dispensed_ul", told.get("pellets", 0.0))) if isinstance(told, dict) else 0.0


async def gathered(connection: asyncpg.Connection, run_ids: Sequence[UUID]) -> tuple[list[Account], dict[UUID, list[RunReacted]]]:
    """Return these runs as the tables have them, and how fast they were."""
    accounts = {run_id: Account(run_id, None) for run_id in run_ids}
    reacted: dict[UUID, list[RunReacted]] = {run_id: [] for run_id in run_ids}
    ids = list(run_ids)
    for row in await connection.fetch(RUNS, ids):
        account = accounts[row["id"]]
        account.phase, account.opened = row["phase"], None if row["opened"] is None else _opened(row["opened"])
    for row in await connection.fetch(STEPS, ids):
        accounts[row["run_id"]].steps.append(_stepped(row["record"]))
    for row in await connection.fetch(TRIALS, ids):
        accounts[row["run_id"]].trials.append(RowOfTrial(row["number"], row["outcome"]))
    for row in await connection.fetch(REWARDS, ids):
        accounts[row["run_id"]].rewards.append(RowOfReward(row["id"], row["amount"], row["outcome"]))
    for row in await connection.fetch(REACTIONS, ids):
        reacted[row["run_id"]].append(RunReacted(*row))
    return list(accounts.values()), reacted
