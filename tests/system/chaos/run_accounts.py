"""Gathers what is left of runs: from their journals, from the tables, and from the devices' ledgers."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from uuid import UUID

import asyncpg
import msgspec

from lics_actors.experiment.messages import PhaseChanged, TrialEnded
from lics_actors.journal import JournalReader, journal_path
from lics_actors.run.orders import run_node
from lics_actors.store.run_records import RunOpened, RunReacted, RunRecord, RunStepped
from tests.system.chaos.run_verdict import Account, Gift, RowOfReward, RowOfTrial

AT_ONCE = 1000
RUNS = "select id, phase, opened from run where id = any($1::uuid[])"
STEPS = "select run_id, record from run_event where run_id = any($1::uuid[]) order by run_id, n, id"
TRIALS = "select run_id, number, outcome from trial where run_id = any($1::uuid[]) order by run_id, number"
REWARDS = "select run_id, id, amount, outcome from reward where run_id = any($1::uuid[]) and barred is null"
REACTIONS = "select run_id, n, command_id, heard, decided, left_at from run_reaction where run_id = any($1::uuid[])"
GIFTS = """
    select command_id, state, result, (select count(*) from execution e where e.command_id = c.command_id)
    from command c where name in ('dispense', 'feed') and state <> 'rejected'
"""


_opened = msgspec.msgpack.Decoder(RunOpened).decode
_stepped = msgspec.msgpack.Decoder(RunStepped).decode


def journaled(journal_dir: Path, run_id: UUID) -> tuple[Account, list[RunReacted]]:
    """Return a run as its journal has it, and how fast it was."""
    account, reacted = Account(run_id, None), list[RunReacted]()
    reader = JournalReader(journal_path(journal_dir, run_node(run_id).replace(":", "-")))
    try:
        position = 0
        while found := reader.read(position, AT_ONCE):
            position = found[-1][0]
            for _, record in found:
                if isinstance(record, RunReacted):
                    reacted.append(record)
                elif isinstance(record, RunOpened | RunStepped):
                    add(account, record)
    finally:
        reader.close()
    return account, reacted


def add(account: Account, record: RunRecord) -> None:
    """Put a record to its run's."""
    match record:
        case RunOpened():
            account.opened = account.opened or record
        case RunStepped():
            account.steps.append(record)
        case RunReacted():
            pass


def gifts(ledger: Path, devices: Iterable[UUID]) -> dict[UUID, Gift]:
    """Return what these devices gave, by command, as their ledger has it."""
    wanted = {str(each) for each in devices}
    with closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as file:
        rows = file.execute(GIFTS.replace("select command_id", "select device_id, command_id")).fetchall()
    return {
        UUID(command_id): Gift(state, executions, _amount(result))
        for device_id, command_id, state, result, executions in rows
        if device_id in wanted
    }


def _amount(result: str | None) -> float:
    told = msgspec.json.decode(result) if result else None
    return float(told.get("dispensed_ul", told.get("pellets", 0.0))) if isinstance(told, dict) else 0.0


async def gathered(
    connection: asyncpg.Connection, journal_dir: Path, run_ids: Sequence[UUID]
) -> tuple[list[Account], dict[UUID, list[RunReacted]]]:
    """Return these runs as the tables have them."""
    if await connection.fetchval("select to_regclass('run_event')") is None:
        return _from_journals(journal_dir, run_ids)
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


def _from_journals(journal_dir: Path, run_ids: Sequence[UUID]) -> tuple[list[Account], dict[UUID, list[RunReacted]]]:
    accounts, reacted = list[Account](), dict[UUID, list[RunReacted]]()
    for run_id in run_ids:
        account, reacted[run_id] = journaled(journal_dir, run_id)
        last = [effect for step in account.steps for effect in step.effects]
        account.phase = next((each.phase for each in reversed(last) if isinstance(each, PhaseChanged)), "")
        account.trials = [RowOfTrial(each.trial, each.outcome) for each in last if isinstance(each, TrialEnded)]
        fates = account.fates()
        account.rewards = [RowOfReward(each.id, each.reward or 0.0, fates.get(each.id)) for each in account.sent()]
        accounts.append(account)
    return accounts, reacted
