"""A device that nobody here wrote, the mqtt-io daemon, driven through REST: weaker promises, said and held."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from drivers.native.demo import DemoDevice
from lics_actors.device.messages import BrokerSpec
from lics_actors.recorder.session import SESSION_FILE
from tests.system.laboratory import Laboratory
from tests.system.mqtt_io_daemon import SETTINGS, mqtt_io
from tests.waiting import eventually

DEVICE = DemoDevice(uuid4(), "cage-9-io", "controller", "Cage 9", driver="mqtt_io")


async def test_mqtt_io_is_driven_over_rest_and_never_told_what_it_could_do_twice(
    data_dir: Path, database_url: str, redis_url: str, broker: BrokerSpec, free_port: Callable[[], int]
) -> None:
    async with Laboratory(data_dir, database_url, redis_url, broker, free_port) as laboratory:
        await laboratory.register(DEVICE, settings=SETTINGS)
        asked = data_dir / "spool" / SESSION_FILE
        await eventually(lambda: str(SETTINGS["topic_prefix"]) in asked.read_text(), what="the recorder knows of it")
        with mqtt_io(broker, data_dir):
            await eventually(lambda: laboratory.is_link(DEVICE.id, "online"), what="mqtt-io is online")
            capabilities = (await laboratory.device(DEVICE.id))["capabilities"]
            assert {"set_output", "pulse_output"} <= set(capabilities["commands"])

            async def set_output() -> Any:  # it says `running` before it hears commands, so the first may expire
                answer = await laboratory.command(DEVICE.id, "set_output", {"output": "valve", "on": True}, timeout_s=1.0)
                assert answer.status_code == 200, answer.text
                return answer.json() if answer.json()["state"] == "succeeded" else None

            command = await eventually(set_output, what="the output's echo confirms it")
            assert command["result"] == {"output": "valve", "on": True}
            assert "set_pin(pin=3, value=True)" in (data_dir / "printed").read_text()

            refused = await laboratory.command(DEVICE.id, "pulse_output", {"output": "valve", "duration_ms": 300})
            assert (refused.status_code, refused.json()["detail"]["code"]) == (409, "GUARANTEE_TOO_WEAK")

            wrong = await laboratory.command(DEVICE.id, "set_output", {"output": "nowhere", "on": True})
            assert wrong.status_code == 422, wrong.text

            await eventually(lambda: recorded(laboratory, DEVICE.id), what="its readings are in the table")
        await eventually(lambda: laboratory.is_link(DEVICE.id, "offline"), what="its end is noticed")


async def recorded(laboratory: Laboratory, device_id: UUID) -> bool:
    readings = await laboratory.get(f"/api/v1/devices/{device_id}/telemetry", metric="nest_c")
    events = await laboratory.get(f"/api/v1/devices/{device_id}/events")
    return any(item["value"] == 1.0 for item in readings["items"]) and any(item["type"] == "door" for item in events["items"])
