"""Load on a laboratory while something fails, and the audit after it: nothing acknowledged lost, nothing done twice."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self
from uuid import UUID, uuid4

import asyncpg
import httpx
import psutil

from drivers.native.demo import DemoDevice
from drivers.native.simulator import Simulator
from tests.system.laboratory import Laboratory
from tests.waiting import PATIENCE_S, eventually

RATE_HZ = 20.0
EVENT_S = 0.05
PAUSE_S = 0.02
NUMBERS = itertools.count(1_000_000)  # of our events; a device's own are numbered from 0
ORDER = ["accepted", "dispatched", "delivered", "executing"]
ENDS = frozenset({"succeeded", "failed", "rejected", "expired", "cancelled", "indeterminate"})


@dataclass(frozen=True)
class Asked:
    """A command, and how the API answered it."""

    key: str
    status: int
    code: str  # of the error; the command's state where there is none
    command_id: str | None
    took_s: float


@dataclass(eq=False)
class Load:
    """`async with` runs it: telemetry and events of all devices, commands to the pump. `audit` afterwards."""

    laboratory: Laboratory
    simulator: Simulator
    devices: tuple[DemoDevice, ...]
    pump: DemoDevice
    keyed: bool = True
    asked: list[Asked] = field(default_factory=list)
    events: dict[UUID, set[tuple[int, int]]] = field(default_factory=dict)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)

    async def __aenter__(self) -> Self:
        self._stopping.clear()
        for device in self.devices:
            self.simulator.device(device.id).set_rate(RATE_HZ)
        self._tasks = [asyncio.create_task(self._command()), asyncio.create_task(self._tell_events())]
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stopping.set()
        await asyncio.gather(*self._tasks)
        for device in self.devices:
            self.simulator.device(device.id).set_rate(0.0)

    def since(self, mark: int) -> list[Asked]:
        """Return what was asked since `len(load.asked)` was `mark`."""
        return self.asked[mark:]

    async def goes_on(self, count: int = 5, timeout_s: float = PATIENCE_S) -> None:
        """Wait until so many commands have succeeded from now on."""
        mark = len(self.asked)

        def done() -> bool:
            return sum(one.code == "succeeded" for one in self.since(mark)) >= count

        await eventually(done, timeout_s, f"{count} commands succeed")

    async def ask(self, key: str | None = None, **more: Any) -> Asked:
        """Have the pump dispense, whatever becomes of it."""
        key = key or uuid4().hex
        headers = {"Idempotency-Key": key} if self.keyed else {}
        body = {"name": "dispense", "args": {"volume_ul": 1}, "timeout_s": 6.0, "wait_s": 8.0, **more}
        began = time.monotonic()
        try:
            path = f"/api/v1/devices/{self.pump.id}/command"
            answer = await self.laboratory.api.post(path, json=body, headers=headers)
        except httpx.HTTPError as error:
            return Asked(key, 0, type(error).__name__, None, time.monotonic() - began)
        said = answer.json()
        code = said["detail"]["code"] if "detail" in said else said["state"]
        return Asked(key, answer.status_code, code, said.get("id"), time.monotonic() - began)

    async def _command(self) -> None:
        while not self._stopping.is_set():
            self.asked.append(await self.ask())
            await asyncio.sleep(PAUSE_S)

    async def _tell_events(self) -> None:
        while not self._stopping.is_set():
            n = next(NUMBERS)
            await asyncio.gather(*(self._tell(device.id, n) for device in self.devices))
            await asyncio.sleep(EVENT_S)

    async def _tell(self, device_id: UUID, n: int) -> None:
        device = self.simulator.device(device_id)
        if not device.connected:
            return
        epoch, now = device.epoch, datetime.now(UTC).isoformat()
        payload = json.dumps({"epoch": epoch, "seq": n, "ts": now, "type": "lick", "data": {}}).encode()
        if await device.publish_raw("events", payload):
            self.events.setdefault(device_id, set()).add((epoch, n))

    # the audit

    async def audit(self, timeout_s: float = PATIENCE_S) -> None:
        """See that everything acknowledged is there once, and that no command ran twice. Call it when the load is over."""
        for device in self.devices:
            confirmed = set(self.simulator.device(device.id).confirmed)
            assert confirmed, f"{device.name} said nothing"
            await self._recorded("telemetry", device, confirmed, timeout_s)
            await self._recorded("device_event", device, self.events.get(device.id, set()), timeout_s)
        await self._commands(timeout_s)

    async def _recorded(self, table: str, device: DemoDevice, confirmed: set[tuple[int, int]], timeout_s: float) -> None:
        said, each = ("true", "metric") if table == "telemetry" else ("type not like 'lics.%'", "1")
        query = f"select epoch, seq, count(*) from {table} where device_id = $1 and {said} group by 1, 2, {each}"

        async def complete() -> bool:
            found = await rows(self.laboratory.database_url, query, device.id)
            doubled = [tuple(row) for row in found if row["count"] != 1]
            assert not doubled, f"recorded twice: {doubled[:5]}"
            missing = confirmed - {(row["epoch"], row["seq"]) for row in found}
            if missing:
                raise LookupError(f"{len(missing)} of {len(confirmed)} missing, as {sorted(missing)[:5]}")
            return True

        await eventually(complete, timeout_s, f"every acknowledged message of {device.name} is in {table}")

    async def _commands(self, timeout_s: float) -> None:
        pump = self.simulator.device(self.pump.id)
        ids = [one.command_id for one in self.asked if one.command_id is not None]
        assert len(set(ids)) == len(ids), "one id for two requests"
        ran = {command_id: pump.executions(UUID(command_id)) for command_id in ids}
        assert all(times <= 1 for times in ran.values()), "a command was executed twice"
        stated: dict[str, list[str]] = {}

        async def shipped() -> bool:
            nonlocal stated
            stated = await self._states()
            open_ = [command_id for command_id in ids if stated.get(command_id, [""])[-1] not in ENDS]
            if open_:
                raise LookupError(f"{len(open_)} of {len(ids)} not settled, as {open_[0]}: {stated.get(open_[0])}")
            return True

        await eventually(shipped, timeout_s, "every accepted command is settled in the tables")
        for command_id, states in stated.items():
            consistent(states)
            if states[-1] == "succeeded":
                assert pump.executions(UUID(command_id)) == 1, (command_id, states)
            if states[-1] in {"rejected", "cancelled"} or states == ["accepted", "expired"]:
                assert pump.executions(UUID(command_id)) == 0, (command_id, states)

    async def _states(self) -> dict[str, list[str]]:
        query = "select command_id, state from command_state where device_id = $1 order by command_id, n"
        found: dict[str, list[str]] = {}
        for row in await rows(self.laboratory.database_url, query, self.pump.id):
            found.setdefault(str(row["command_id"]), []).append(row["state"])
        return found


def consistent(states: list[str]) -> None:
    """See that a command's journal tells a possible life: forward only, one end, and after doubt one certainty."""
    assert states[0] == "accepted", states
    ends = [state for state in states if state in ENDS]
    assert len(ends) == 1 or (len(ends) == 2 and ends[0] == "indeterminate"), states
    way = [ORDER.index(state) for state in states if state in ORDER]
    assert way == sorted(set(way)), states


async def rows(url: str, query: str, *arguments: object) -> list[Any]:
    """Return what the database says."""
    connection = await asyncpg.connect(url)
    try:
        return list(await connection.fetch(query, *arguments))
    finally:
        await connection.close()


def summary(asked: list[Asked]) -> Mapping[tuple[int, str], int]:
    """Return how often commands were answered how."""
    found: dict[tuple[int, str], int] = {}
    for one in asked:
        found[one.status, one.code] = found.get((one.status, one.code), 0) + 1
    return found


def processes_of(data_dir: str) -> list[psutil.Process]:
    """Return every process that works for the laboratory of that data directory."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE and process.environ().get("LICS_DATA_DIR") == data_dir:
                found.append(process)
        except psutil.Error:
            continue
    return found
