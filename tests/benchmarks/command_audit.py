"""Whether every command that was accepted has one fate, in the tables and at the device."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from uuid import UUID

import asyncpg

from lics_actors.device.messages import CommandState
from tests.benchmarks.figures import Audit

SHIPPED_S = 30.0  # LICS ships journals a second or so behind
TERMINAL = [state.value for state in CommandState if state.terminal]
# One row a command: where it stands, and how many of its states are terminal ones.
FATES = """
    select command.state = any($2) as settled, (
        select count(*) from command_state where command_id = command.id and command_state.state = any($2)
    ) as terminal_states
    from command where id = any($1::uuid[])
"""


def at_the_device(case: str, accepted: Collection[str], came: Mapping[str, int]) -> Audit:
    """Compare what was accepted with what came to the device; what nobody accepted counts as doubled."""
    known = set(accepted)
    missing = sum(command_id not in came for command_id in known)
    more = sum(count - 1 for command_id, count in came.items() if command_id in known)
    strangers = sum(command_id not in known for command_id in came)
    return Audit(f"{case}: executed by the device", len(known), len(known) - missing, missing, more + strangers)


def answered_twice(case: str, ids: list[str], others: int) -> Audit:
    """Compare the requests with the answers that told a fate; an id in two answers is doubled."""
    return Audit(f"{case}: answered 200", len(ids) + others, len(ids), others, len(ids) - len(set(ids)))


async def in_the_tables(connection: asyncpg.Connection, case: str, accepted: Collection[str]) -> Audit:
    """Wait until all are shipped, and count those without exactly one terminal state."""
    ids = [UUID(command_id) for command_id in accepted]
    loop = asyncio.get_running_loop()
    until = loop.time() + SHIPPED_S
    while True:
        fates = await connection.fetch(FATES, ids, TERMINAL)
        settled = sum(fate["settled"] and fate["terminal_states"] >= 1 for fate in fates)
        if settled == len(ids) or loop.time() > until:
            doubled = sum(max(0, fate["terminal_states"] - 1) for fate in fates)
            return Audit(f"{case}: one terminal state in the tables", len(ids), settled, len(ids) - settled, doubled)
        await asyncio.sleep(0.2)
