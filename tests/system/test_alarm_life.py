"""An alarm's life in a whole laboratory: raised, seen on every screen, acknowledged, shelved, over; whatever stops meanwhile."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from drivers.native.demo import demo_devices
from lics_actors.device.messages import BrokerSpec
from lics_actors.services.postgres import Postgres
from tests.system.laboratory import Laboratory
from tests.system.test_operators import viewer_of
from tests.waiting import eventually

PUMP = demo_devices()[0]
NODE = f"device:{PUMP.id}"


async def alarms(laboratory: Laboratory, **which: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await laboratory.get("/api/v1/alarms", **which))["items"]
    return items


async def one(laboratory: Laboratory, state: str, **which: Any) -> dict[str, Any]:
    """Return the one alarm, once it is in that state."""

    async def found() -> dict[str, Any] | None:
        items = await alarms(laboratory, source=NODE, **which)
        return items[0] if items and items[0]["state"] == state else None

    return await eventually(found, 45, f"the alarm is {state}")


async def steer(laboratory: Laboratory, verb: str, reason: str = "a test") -> None:
    answer = await laboratory.api.post(f"/api/v1/fleet/{verb}", json={"node": NODE, "reason": reason})
    assert answer.status_code == 200, answer.text


async def metric(laboratory: Laboratory, line: str) -> bool:
    async with httpx.AsyncClient() as client:
        return line in (await client.get(laboratory.metrics_url)).text


async def test_from_quarantine_to_its_end_over_a_restart_and_without_a_database(
    data_dir: Path, own_postgres: Postgres, redis_url: str, broker: BrokerSpec, free_port: Callable[[], int]
) -> None:
    async with Laboratory(data_dir, own_postgres.url, redis_url, broker, free_port) as laboratory:
        await laboratory.register(PUMP)
        await eventually(lambda: _runs(laboratory))
        async with viewer_of(laboratory) as viewer:
            assert (await viewer.subscribe("alarms"))["alarms"] == []
            await steer(laboratory, "quarantine", "it leaks")
            told = (await viewer.until("alarm"))["alarm"]
            assert (told["source"], told["kind"], told["state"]) == (NODE, "quarantined", "unacknowledged")
            while told["id"] is None:  # by its source; the table follows
                told = (await viewer.until("alarm"))["alarm"]
            alarm = await one(laboratory, "unacknowledged")
            assert told == alarm
            await eventually(lambda: metric(laboratory, 'lics_alarms_active{severity="high"} 1.0'))
            assert await metric(laboratory, "lics_alarms_unacknowledged 1.0")

            number = str(alarm["id"])
            code, text = await laboratory.cli("alarm", "list", "--json")
            assert [item["id"] for item in json.loads(text)["items"]] == [alarm["id"]]
            code, text = await laboratory.cli("alarm", "shelve", number, "--for", "30m", "--reason", "cage cleaning", "--json")
            assert (code, json.loads(text)["state"]) == (0, "shelved"), text
            assert (await viewer.until("alarm"))["alarm"]["state"] == "shelved"
            assert "no open alarms" in (await laboratory.cli("alarm", "list"))[1]
            assert "cage cleaning" in (await laboratory.cli("alarm", "list", "--shelved"))[1]
            shorter = await laboratory.api.post(f"/api/v1/alarms/{number}/shelve", json={"for_s": 1.0, "reason": "clean"})
            assert (shorter.status_code, shorter.json()["shelve_reason"]) == (200, "clean")
            assert (await viewer.until("alarm"))["alarm"]["shelve_reason"] == "clean"
            assert (await viewer.until("alarm"))["alarm"]["state"] == "unacknowledged", "its time is over"

            answer = await laboratory.api.post(f"/api/v1/alarms/{number}/acknowledge", json={"comment": "a new tube comes"})
            assert (answer.status_code, answer.json()["acknowledged_by"]) == (200, "user:admin")
            assert (await viewer.until("alarm"))["alarm"] == answer.json()

        await laboratory.stop("fleet")
        laboratory.start("fleet", "fleet", "run")
        await eventually(lambda: _state(laboratory, "quarantined"))
        again = await one(laboratory, "acknowledged")
        assert (again["id"], again["comment"]) == (alarm["id"], "a new tube comes"), "nobody is asked twice"

        async with viewer_of(laboratory) as viewer:
            await viewer.subscribe("alarms")
            await asyncio.to_thread(asyncio.run, own_postgres.stop())
            await steer(laboratory, "clear", "the tube is in")
            gone = (await viewer.until("alarm"))["alarm"]
            assert (gone["source"], gone["active"], gone["id"]) == (NODE, False, None), "seen without a database"
            refused = await laboratory.api.post(f"/api/v1/alarms/{number}/acknowledge", json={})
            assert (refused.status_code, refused.json()["detail"]["code"]) == (503, "DATABASE_UNAVAILABLE")
            code, text = await laboratory.cli("fleet", "status")
            assert "database" in text and "Traceback" not in text
            await asyncio.to_thread(asyncio.run, own_postgres.start())
            await one(laboratory, "cleared", all="true")
            while (over := (await viewer.until("alarm"))["alarm"])["id"] is None:
                pass
        assert (over["state"], over["cleared_at"] is not None, over["acknowledged_by"]) == ("cleared", True, "user:admin")
        assert await alarms(laboratory, source=NODE) == []
        assert (await one(laboratory, "cleared", all="true"))["id"] == alarm["id"]

        async def acts() -> Any:
            items = (await laboratory.get("/api/v1/audit"))["items"]
            kinds = ("fleet.", "alarm.")
            ended = [(item["action"], item["outcome"]) for item in reversed(items) if item["action"].startswith(kinds)]
            return ended if len(ended) == 5 else None

        assert await eventually(acts) == [
            ("fleet.quarantine", "ok"),
            ("alarm.shelve", "ok"),
            ("alarm.shelve", "ok"),
            ("alarm.acknowledge", "ok"),
            ("fleet.clear", "ok"),
        ], "what was done while the database was away is there, too; whose alarm it was could not be judged, so nothing was done"


async def _runs(laboratory: Laboratory) -> bool:
    return await _state(laboratory, "running")


async def _state(laboratory: Laboratory, state: str) -> bool:
    answer = await laboratory.api.get("/api/v1/fleet")
    racks = [child for child in answer.json().get("children", []) if child["kind"] == "rack"]
    return any(device["state"] == state for rack in racks for device in rack["children"] if device["name"] == NODE)
