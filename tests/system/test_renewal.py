"""Renewing the fleet under load, one after another or all at once from a new program: no command is lost, none runs twice."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from drivers.native.demo import demo_devices
from lics_actors.device.messages import BrokerSpec
from tests.system.laboratory import ROOT, Laboratory
from tests.waiting import eventually

PUMPS = [device for device in demo_devices() if device.type == "pump"][:3]
TERMINAL = {"succeeded", "failed", "rejected", "expired", "cancelled"}
PROGRAM = ("lics_actors", "web", "drivers", "config", "migrations")


class Load:
    """Commands given without a pause to every device, each under a key of its own, asked again until one is accepted."""

    def __init__(self, laboratory: Laboratory) -> None:
        self.laboratory = laboratory
        self.given: dict[str, str] = {}  # command id → device id
        self.refused = 0
        self._over = asyncio.Event()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(self._give(str(pump.id))) for pump in PUMPS]
        try:
            yield
        finally:
            self._over.set()
            await asyncio.wait_for(asyncio.gather(*tasks), 60)

    async def _give(self, device_id: str) -> None:
        n = 0
        while not self._over.is_set():
            n += 1
            headers, body = (
                {"Idempotency-Key": f"{device_id}-{n}"},
                {"name": "dispense", "args": {"volume_ul": 1.0}, "timeout_s": 20.0},
            )
            while True:
                answer = await self.laboratory.api.post(f"/api/v1/devices/{device_id}/command", json=body, headers=headers)
                if answer.status_code in {200, 202}:
                    self.given[answer.json()["id"]] = device_id
                    break
                assert answer.status_code in {503, 504}, answer.text  # refused cleanly, or nobody can say: the key asks again
                self.refused += 1
                await asyncio.sleep(0.05)

    async def all_settled(self, data_dir: Path) -> dict[str, int]:
        """Wait until each command is settled; return how often each state was reached. Nothing ran twice, nothing was lost."""
        states: dict[str, int] = {}
        for command_id, device_id in self.given.items():

            async def settled(command_id: str = command_id, device_id: str = device_id) -> str | None:
                command = await self.laboratory.get(f"/api/v1/commands/{command_id}", device_id=device_id)
                return command["state"] if command["state"] in TERMINAL else None

            state = await eventually(settled, what=f"{command_id} is settled")
            states[state] = states.get(state, 0) + 1
        ran = executions(data_dir)
        assert set(ran.values()) <= {1}, "something ran twice"
        assert states.get("succeeded", 0) == len(ran), "what ran is known to have run, and nothing else is"
        assert set(ran) <= set(self.given)
        return states


def executions(data_dir: Path) -> dict[str, int]:
    with sqlite3.connect(data_dir / "simulator" / "ledger.sqlite") as ledger:
        rows = ledger.execute("SELECT command_id, count(*) FROM execution GROUP BY command_id").fetchall()
    ledger.close()
    return dict(rows)


async def connecting_s(laboratory: Laboratory, device_id: object, since: datetime) -> float:
    """Return the longest time from `connecting` to `online` since then, as the record has it."""
    page = await laboratory.get(f"/api/v1/devices/{device_id}/events", type="lics.state", limit=500)
    longest, began = 0.0, None
    for event in reversed(page["items"]):
        time = datetime.fromisoformat(event["time"])
        if time < since:
            continue
        if event["data"]["link"] == "online" and began is not None:
            longest, began = max(longest, (time - began).total_seconds()), None
        elif event["data"]["link"] != "online" and began is None:
            began = time
    return longest


@pytest.fixture
async def laboratory(
    data_dir: Path, database_url: str, redis_url: str, broker: BrokerSpec, free_port: Callable[[], int], request: Any
) -> AsyncIterator[Laboratory]:
    """A laboratory with three pumps at work; `indirect` "copy": its program is a copy that the test may change."""
    settings = {}
    if getattr(request, "param", "") == "copy":
        for name in PROGRAM:
            shutil.copytree(ROOT / name, data_dir / "program" / name, ignore=shutil.ignore_patterns("__pycache__"))
        settings = {"PYTHONPATH": str(data_dir / "program"), "PYTHONDONTWRITEBYTECODE": "1"}
    async with Laboratory(data_dir, database_url, redis_url, broker, free_port, settings) as laboratory:
        for pump in PUMPS:
            await laboratory.register(pump)
        async with laboratory.simulator(*PUMPS, rate_hz=2.0):
            for pump in PUMPS:
                await eventually(lambda pump=pump: laboratory.is_link(pump.id, "online"))
            yield laboratory


def place(laboratory: Laboratory) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((laboratory.data_dir / "run" / "fleet.json").read_text())
    return found


async def test_one_after_another_while_commands_are_given(laboratory: Laboratory) -> None:
    before, load = await laboratory.nodes(), Load(laboratory)
    since = datetime.fromisoformat((await laboratory.get("/health"))["timestamp"])
    async with load.running():
        await eventually(lambda: len(load.given) >= 10)
        code, text = await laboratory.cli("fleet", "restart", "--all", "--rolling", "2")
        assert code == 2 and "why" in text
        code, text = await laboratory.cli("fleet", "restart", "--all", "--rolling", "2", "--reason", "memory", "--json")
        assert code == 0, text
    rolled, after = json.loads(text), await laboratory.nodes()
    renewed = {name for name, node in after.items() if node["pid"] != before[name]["pid"]}
    assert renewed == {name for name, node in before.items() if node["kind"] not in {"fleet", "rack", "runs"}}
    assert (rolled["state"], rolled["done"], rolled["total"]) == ("done", len(renewed), len(renewed))
    assert all(node["restarts"] == before[name]["restarts"] for name, node in after.items()), "nothing was held against them"
    states = await load.all_settled(laboratory.data_dir)
    assert states == {"succeeded": len(load.given)}
    gaps = [await connecting_s(laboratory, pump.id, since) for pump in PUMPS]
    print(f"connecting {max(gaps):.2f} s; {len(load.given)} commands, {load.refused} refusals")
    assert (await laboratory.get("/api/v1/fleet/roll"))["done"] == rolled["done"]


async def test_it_stops_at_the_first_that_does_not_come_back(laboratory: Laboratory) -> None:
    """A journal that cannot be opened any more: the actor runs on with it, and will not begin again."""
    before, broken = await laboratory.nodes(), PUMPS[1]
    journal = laboratory.data_dir / "journals" / f"device-{broken.id}.journal"
    journal.rename(journal.with_suffix(".away"))
    journal.mkdir()
    begun = await laboratory.api.post("/api/v1/fleet/restart", json={"node": "all", "reason": "again"})
    assert (begun.status_code, begun.headers["Location"]) == (202, "/api/v1/fleet/roll")
    again = await laboratory.api.post("/api/v1/fleet/restart", json={"node": "all", "reason": "again"})
    assert again.json()["detail"]["code"] == "ROLL_UNDER_WAY"

    async def over() -> Any:
        roll = await laboratory.get("/api/v1/fleet/roll")
        return roll if roll["state"] != "running" else None

    roll, after = await eventually(over, 60), await laboratory.nodes()
    assert (roll["state"], list(roll["failed"])) == ("stopped", [f"device:{broken.id}"])
    assert roll["done"] < roll["total"] - 1
    untouched = {name for name, node in after.items() if node["pid"] == before[name]["pid"]}
    assert {"recorder", "registrar", "housekeeper", "rack:1", "fleet"} <= untouched
    code, text = await laboratory.cli("fleet", "status")
    assert code == 1 and broken.name in text


@pytest.mark.parametrize("laboratory", ["copy"], indirect=True)
async def test_all_at_once_from_a_new_program_while_commands_are_given(laboratory: Laboratory) -> None:
    program, old, load = laboratory.data_dir / "program", place(laboratory), Load(laboratory)
    launcher = laboratory.processes["fleet"].pid

    part = program / "lics_actors" / "housekeeping" / "plan.py"
    part.rename(program / "aside.py")
    code, text = await laboratory.cli("fleet", "restart", "fleet", "--reason", "an upgrade cut short")
    assert code == 1 and "goes on as it is" in text and "Traceback" not in text
    assert place(laboratory) == old, "a program that would not start ends nothing"
    (program / "aside.py").rename(part)

    version = program / "config" / "__init__.py"
    version.write_text(version.read_text() + '\n__version__ = "99.0.0"\n')
    since = datetime.fromisoformat((await laboratory.get("/health"))["timestamp"])
    async with load.running():
        await eventually(lambda: len(load.given) >= 10)
        code, text = await laboratory.cli("fleet", "restart", "fleet", "--reason", "version 99", "--json")
        assert code == 0, text
        given = len(load.given)
        await eventually(lambda: len(load.given) >= given + 10)
    new = place(laboratory)
    assert (new["version"], new["pid"] != old["pid"]) == ("99.0.0", True)
    assert (laboratory.processes["fleet"].pid, laboratory.processes["fleet"].poll()) == (launcher, None), "the same process"
    states = await load.all_settled(laboratory.data_dir)
    assert states == {"succeeded": len(load.given)}
    gaps = [await connecting_s(laboratory, pump.id, since) for pump in PUMPS]
    took = json.loads(text)["seconds"]
    print(f"restart {took} s; connecting {max(gaps):.2f} s; {len(load.given)} commands, {load.refused} refusals")
    audit = (await laboratory.get("/api/v1/audit", target="fleet"))["items"]
    assert [(act["outcome"], act["reason"]) for act in audit] == [("ok", "version 99"), ("refused", "an upgrade cut short")]
