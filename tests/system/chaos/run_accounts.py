"""Gathers what is left of runs: from their journals, from the tables, and from the devices' ledgers."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
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
GIFTS = """
    select command_id, state, result, (select count(*) from execution e where e.command_id = c.command_id)
    from command c where name in ('dispense', 'feed')
"""


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
    connection: asyncpg.Connection, journal_dir: Path, run_ids: Iterable[UUID]
) -> tuple[list[Account], dict[UUID, list[RunReacted]]]:
    """Return these runs as journals and tables have them."""
    accounts, reacted = list[Account](), dict[UUID, list[RunReacted]]()
    for run_id in run_ids:
        account, reacted[run_id] = journaled(journal_dir, run_id)
        # until there are tables of runs
        last = [effect for step in account.steps for effect in step.effects]
        account.phase = next((each.phase for each in reversed(last) if isinstance(each, PhaseChanged)), "")
        account.trials = [RowOfTrial(each.trial, each.outcome) for each in last if isinstance(each, TrialEnded)]
        fates = account.fates()
        account.rewards = [RowOfReward(each.id, each.reward or 0.0, fates.get(each.id)) for each in account.sent()]
        accounts.append(account)
    return accounts, reacted
