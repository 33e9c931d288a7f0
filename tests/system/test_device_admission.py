"""A whole laboratory on a broker with accounts: credentials over REST and command line, and a device that nobody knows."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from drivers.native.demo import DemoDevice, demo_devices
from drivers.native.simulator import ClaimRefusedError, SimulatedDeviceSpec, Simulator, present
from tests.system.guarded import Badge, Guarded, cut_off, granted, refused
from tests.system.laboratory import Laboratory
from tests.waiting import eventually

PUMP: DemoDevice = demo_devices()[0]


@pytest.fixture
async def lab(
    guarded: Guarded, data_dir: Path, database_url: str, redis_url: str, free_port: Callable[[], int]
) -> AsyncIterator[Laboratory]:
    """Fleet and web on a broker that lets in nobody without an account."""
    settings = {
        "MQTT_USERNAME": str(guarded.spec.username),
        "MQTT_PASSWORD": str(guarded.spec.password),
        "LICS_MQTT_CONTROL_USERNAME": str(guarded.control.username),
        "LICS_MQTT_CONTROL_PASSWORD": str(guarded.control.password),
    }
    async with Laboratory(data_dir, database_url, redis_url, guarded.spec, free_port, settings) as laboratory:
        yield laboratory


def badge(said: Any) -> Badge:
    """Return what REST told of new credentials."""
    device_id = UUID(said["credential"]["device_id"])
    return Badge(device_id, said["client_id"], said["username"], said["password"], f"devices/{device_id}/")


async def asked(lab: Laboratory, method: str, path: str, status: int, **more: Any) -> Any:
    """Return the JSON of an answer that must have this status."""
    answer: httpx.Response = await lab.api.request(method, f"/api/v1/{path}", **more)
    assert answer.status_code == status, (path, answer.status_code, answer.text)
    return answer.json()


async def test_credentials_issued_revoked_and_claimed(lab: Laboratory, guarded: Guarded) -> None:
    """One laboratory for all of it: starting it takes most of the time."""
    await a_device_lives_with_its_own_credentials_until_they_are_revoked(lab, guarded)
    await a_device_that_nobody_knows_is_registered_by_a_claim_code_once(lab, guarded)


async def a_device_lives_with_its_own_credentials_until_they_are_revoked(lab: Laboratory, guarded: Guarded) -> None:
    await lab.register(PUMP)
    base = f"devices/{PUMP.id}/credentials"
    said = await asked(lab, "POST", base, 201, json={"reason": "a new board"})
    own = replace(guarded.spec, username=said["username"], password=said["password"])
    spec = SimulatedDeviceSpec(PUMP.id, PUMP.type, PUMP.name)
    async with Simulator(own, [spec], lab.data_dir / "simulator"):
        await eventually(lambda: lab.is_link(PUMP.id, "online"))
        done = await lab.command(PUMP.id, "dispense", {"volume_ul": 5})
        assert done.status_code == 200 and done.json()["state"] == "succeeded", done.text
        assert (await asked(lab, "DELETE", f"{base}/{said['credential']['id']}", 200))["pending"] is False
        assert await refused(guarded.client(badge(said), client_id=said["client_id"]))
    kept = await asked(lab, "GET", base, 200)
    assert [each["revoked_by"] for each in kept["items"]] == ["user:admin"] and said["password"] not in json.dumps(kept)
    rotated = await asked(lab, "POST", f"{base}/rotate", 201, json={"overlap_s": 0})
    async with guarded.client(badge(rotated)) as device:
        assert await granted(device, f"devices/{PUMP.id}/commands") and not await granted(device, "#")
        assert (await lab.api.delete(f"/api/v1/devices/{PUMP.id}", headers={"If-Match": "*"})).status_code in {200, 204}
        assert await cut_off(device, 25.0), "the doorkeeper takes a retired device's accounts away"


async def a_device_that_nobody_knows_is_registered_by_a_claim_code_once(lab: Laboratory, guarded: Guarded) -> None:
    said = await asked(lab, "POST", "device-claims", 201, json={"name": "cage-9-pump", "location": "Cage 9", "minutes": 5})
    path = f"device-claims/{said['claim']['id']}"
    plain = replace(guarded.spec, username=None, password=None)
    ways = [await present(plain, said["code"].lower()), await present(plain, said["code"])]  # its first answer was lost
    assert ways[0] == ways[1] and (await asked(lab, "GET", path, 200))["state"] == "used"
    way = ways[0]
    assert (await lab.api.get(f"/api/v1/devices/{way.device_id}")).status_code == 404
    async with Simulator(way, [SimulatedDeviceSpec(way.device_id, "pump")], lab.data_dir / "simulator"):
        await eventually(lambda: lab.is_link(way.device_id, "online"))
        done = await lab.command(way.device_id, "dispense", {"volume_ul": 5})
        assert done.status_code == 200 and done.json()["state"] == "succeeded", done.text
    device = await lab.device(way.device_id)
    assert (device["name"], device["type"], device["location"]) == ("cage-9-pump", "pump", "Cage 9")
    claim = await asked(lab, "GET", path, 200)
    assert (claim["state"], claim["device_id"]) == ("registered", str(way.device_id))
    with pytest.raises(ClaimRefusedError):
        await present(plain, said["code"], 3.0)
    credentials = await asked(lab, "GET", f"devices/{way.device_id}/credentials", 200)
    assert [each["expires_at"] for each in credentials["items"]] == [None]
    actions = {each["action"] for each in (await eventually(lambda: audited(lab)))["items"]}
    assert actions >= {"claim.new", "device.provision", "device.register"}


async def audited(lab: Laboratory) -> Any:
    found = await asked(lab, "GET", "audit", 200, params={"action": "device.register"})
    return await asked(lab, "GET", "audit", 200) if found["items"] else None


@pytest.mark.parametrize("guarded", ["amqtt"], indirect=True)
async def test_the_command_line_does_it_too_and_the_simulator_claims_itself(lab: Laboratory, guarded: Guarded) -> None:
    await lab.register(PUMP)
    code, said = await lab.cli("device", "credential", "issue", PUMP.name, "--json")
    assert code == 0, said
    issued = json.loads(said)
    assert not await refused(guarded.client(badge({**issued, "credential": {"device_id": str(PUMP.id)}})))
    code, said = await lab.cli("device", "credential", "rotate", PUMP.name, "--overlap-min", "5", "--json")
    assert code == 0 and json.loads(said)["password"] != issued["password"]
    assert (await lab.cli("device", "credential", "revoke", PUMP.name, "--reason", "sold"))[1].startswith("2 ended")
    assert "sold" in (await lab.cli("device", "credential", "list", PUMP.name))[1]
    code, said = await lab.cli("device", "claim", "new", "--name", "found", "--json")
    assert code == 0, said
    lab.start("simulate", "simulate", "--claim", json.loads(said)["code"], "--type", "lickometer")

    async def found() -> Any:
        page = await lab.get("/api/v1/devices", q="found")
        return page["items"] and page["items"][0]["link"] == "online"

    await eventually(found)
    assert "registered" in (await lab.cli("device", "claim", "list"))[1]
    os.kill(lab.processes["simulate"].pid, signal.SIGTERM)
    await asyncio.to_thread(lab.processes.pop("simulate").wait, 15)
