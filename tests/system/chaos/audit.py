"""Reads what a run has left in the tables and in the devices' ledgers, and has it judged."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from uuid import UUID

import asyncpg

from drivers.native.demo import DemoDevice
from drivers.native.spec import DEVICE_TYPES
from tests.system.chaos.devices import Confirmed
from tests.system.chaos.load import Request
from tests.system.chaos.verdict import (
    Answered,
    Asked,
    Finding,
    Noted,
    Recorded,
    answers,
    executions,
    in_doubt,
    journals,
    streams,
    together,
)

PATIENCE_S, LOOK_S = 60.0, 0.5
# A message is there once if each of its metrics is there once; anything else counts as a multiple or, if some are missing, as 0.
MESSAGES = """
    select epoch, seq, count(*) as rows, count(distinct metric) as metrics from telemetry where device_id = $1 group by 1, 2
"""
EVENTS = """
    select epoch, seq, count(*) as rows from device_event where device_id = $1 and type not like 'lics.%' group by 1, 2
"""
COMMANDS = """
    select c.id, c.device_id, c.name, c.idempotent, c.reason, c.state,
        array_agg(s.n order by s.n) as ns, array_agg(s.state order by s.n) as states
    from command c left join command_state s on s.command_id = c.id group by c.id
"""


class Audits:
    """One run's audits, over the tables and the ledgers' file."""

    def __init__(self, connection: asyncpg.Connection, ledger: Path) -> None:
        self._connection, self._ledger = connection, ledger

    async def streams(self, devices: Sequence[DemoDevice], confirmed: Sequence[Confirmed]) -> list[Finding]:
        """Compare telemetry and events with what was acknowledged, once all of it has arrived or the patience is over."""
        return await self._settled(lambda: self._streams(devices, confirmed))

    async def commands(self, requests: Sequence[Request]) -> tuple[list[Finding], int]:
        """Compare answers, tables and ledgers, likewise; return how many commands are in doubt, too."""
        findings = await self._settled(lambda: self._commands(requests))
        return findings, in_doubt((await self._recorded()).values())

    async def _settled(self, look) -> list[Finding]:  # type: ignore[no-untyped-def]
        until = asyncio.get_running_loop().time() + PATIENCE_S
        while True:
            findings: list[Finding] = await look()
            if not any(each.lost or each.doubled for each in findings) or asyncio.get_running_loop().time() > until:
                return findings
            await asyncio.sleep(LOOK_S)

    async def _streams(self, devices: Sequence[DemoDevice], confirmed: Sequence[Confirmed]) -> list[Finding]:
        telemetry, events = [], []
        for device, acknowledged in zip(devices, confirmed, strict=True):
            width = len(DEVICE_TYPES[device.type].metrics)
            rows = await self._connection.fetch(MESSAGES, device.id)
            counts = {
                (row["epoch"], row["seq"]): 1 if row["rows"] == row["metrics"] == width else row["rows"] // width for row in rows
            }
            telemetry.append(streams(f"telemetry of {device.name}", acknowledged.telemetry, counts))
            rows = await self._connection.fetch(EVENTS, device.id)
            counts = {(row["epoch"], row["seq"]): row["rows"] for row in rows}
            events.append(streams(f"events of {device.name}", acknowledged.events, counts))
        return [together("telemetry: acknowledged messages", telemetry), together("events: acknowledged ones", events)]

    async def _commands(self, requests: Sequence[Request]) -> list[Finding]:
        recorded = await self._recorded()
        asked = [
            Asked(request.tag, tuple(Answered(each.status, each.command_id, each.state) for each in request.answers))
            for request in requests
        ]
        return [journals(recorded.values()), executions(recorded, self._noted()), answers(asked, recorded)]

    async def _recorded(self) -> dict[UUID, Recorded]:
        rows = await self._connection.fetch(COMMANDS)
        return {
            row["id"]: Recorded(
                row["id"],
                row["device_id"],
                row["name"],
                row["idempotent"],
                row["reason"],
                row["state"],
                tuple((n, state) for n, state in zip(row["ns"], row["states"], strict=True) if state is not None),
            )
            for row in rows
        }

    def _noted(self) -> dict[UUID, Noted]:
        query = "select command_id, state, (select count(*) from execution e where e.command_id = c.command_id) from command c"
        with closing(sqlite3.connect(f"file:{self._ledger}?mode=ro", uri=True)) as ledger:
            return {UUID(command_id): Noted(state, count) for command_id, state, count in ledger.execute(query)}
