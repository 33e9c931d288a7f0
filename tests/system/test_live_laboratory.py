"""The live view of a whole laboratory: devices, fleet, recorder, bus and two web workers, seen by two people."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from drivers.native.demo import demo_devices
from lics_actors.device.messages import BrokerSpec
from tests.system.laboratory import TOKEN, Laboratory
from tests.system.live_web import Viewer

PUMP, LICKOMETER, ENVIRONMENT = demo_devices()[:3]
LIFE = ["accepted", "dispatched", "delivered", "executing", "succeeded"]


@pytest.fixture
async def laboratory(
    data_dir: Path, database_url: str, redis_url: str, broker: BrokerSpec, free_port: Callable[[], int]
) -> AsyncIterator[Laboratory]:
    settings = {"LICS_WEB_WORKERS": "2"}
    async with Laboratory(data_dir, database_url, redis_url, broker, free_port, settings) as running:
        yield running


async def test_what_happens_in_the_laboratory_is_seen_by_everyone_at_once(laboratory: Laboratory) -> None:
    await laboratory.register(PUMP)
    await laboratory.register(ENVIRONMENT)
    address = f"ws://127.0.0.1:{laboratory.environment['LICS_PORT']}/ws"
    pump, room = f"device:{PUMP.id}", f"device:{ENVIRONMENT.id}"
    async with AsyncExitStack() as stack:
        one, other, whole = [
            await Viewer(await stack.enter_async_context(connect(address, proxy=None))).sign_in(TOKEN) for _ in range(3)
        ]
        assert (await one.subscribe(pump))["device"]["status"] in {"offline", "connecting"}
        await other.subscribe(pump, room)
        assert {each["name"] for each in (await whole.subscribe("fleet"))["devices"]} == {PUMP.name, ENVIRONMENT.name}
        await stack.enter_async_context(laboratory.simulator(PUMP, ENVIRONMENT))
        await asyncio.gather(*(until_online(viewer, pump) for viewer in (one, other)), until_online(whole, "fleet"))
        assert (await other.until("telemetry", topic=room))["telemetry"]["metrics"]
        await one.say(kind="command", ref="1", device_id=str(PUMP.id), name="dispense", args={"volume_ul": 20}, reason="reward")
        told = await one.until("command", ref="1")
        while told["command"]["state"] != "succeeded":
            told = await one.until("command", ref="1")
        assert [step["state"] for step in told["command"]["steps"]] == LIFE
        seen = await other.until("command", topic=pump)
        while seen["command"]["state"] != "succeeded":
            seen = await other.until("command", topic=pump)
        assert seen["command"] == told["command"]
        assert seen["command"] == await laboratory.get(f"/api/v1/commands/{told['command']['id']}", device_id=str(PUMP.id))
        assert (await other.subscribe(f"command:{told['command']['id']}"))["command"] == told["command"]
        await laboratory.stop("web")
        assert await one.close_code() == 1001


async def until_online(viewer: Viewer, topic: str) -> None:
    """Hear until the topic tells of a device that is online."""
    while (await viewer.until("device", topic=topic))["device"]["status"] != "online":
        pass
