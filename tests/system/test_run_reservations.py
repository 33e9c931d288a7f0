"""The devices of a run while somebody wants them elsewhere: refused with the holder, or paused, and free when it is over."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

from drivers.native.simulator import SimulatedDeviceSpec, Simulator
from lics_actors.device.messages import BrokerSpec
from tests.system.laboratory import Laboratory
from tests.system.test_runs_rest import Experimenter
from tests.waiting import eventually


async def test_what_a_run_has_is_refused_to_others_and_maintenance_pauses_it(
    data_dir: Path, database_url: str, redis_url: str, broker: BrokerSpec, free_port: Callable[[], int]
) -> None:
    pump, panel = uuid4(), uuid4()
    simulated = [SimulatedDeviceSpec(pump, "pump", "p", rate_hz=0.0), SimulatedDeviceSpec(panel, "lickometer", "l", rate_hz=0.0)]
    async with (
        Simulator(broker, simulated, data_dir / "simulator"),
        Laboratory(data_dir, database_url, redis_url, broker, free_port) as laboratory,
    ):
        person = Experimenter(laboratory)
        elsewhere = (await person.post("/laboratories", {"name": "elsewhere"}, 201))["id"]
        rig = await person.a_cage(pump, panel)
        kept = await person.post("/protocols", {"classic": "two_choice"}, 201)
        await person.post(f"/protocols/{kept['protocol_id']}/versions/1/rehearsals", {"trials": 100}, 201)
        run = await person.post("/runs", {"rig_id": rig["id"], "protocol": "two_choice"}, 202)
        device, cage, move = f"/devices/{pump}", f"/rigs/{rig['id']}", {"laboratory_id": elsewhere, "reason": "needed there"}

        async def asked(method: str, path: str, body: Any = None) -> Any:
            answer = await laboratory.api.request(method, f"/api/v1{path}", json=body)
            return answer.status_code, answer.json().get("detail") if answer.content else None

        async def refused(code: str) -> None:
            for method, path, body in (
                ("DELETE", device, None),
                ("POST", f"{device}/move", move),
                ("PATCH", device, {"driver": "mqtt_io", "settings": {"topic_prefix": "pump"}}),
                ("PATCH", cage, {"devices": {"panel": str(panel)}}),
                ("DELETE", cage, None),
            ):
                status, detail = await asked(method, path, body)
                assert status == 409, (method, path, detail)
                assert detail["code"] == ("RUN_UNDER_WAY" if path == cage else code), (method, path, detail)
                assert run["id"] in detail["message"], "who has it is named"
                assert detail["facts"]["run_id"] == run["id"], "and programs need not read sentences"

        await refused("DEVICE_RESERVED")
        await person.phase(run["id"], "running")
        await refused("DEVICE_RESERVED")
        assert (await asked("PATCH", device, {"admin": "maintenance"}))[0] == 200
        paused = await person.phase(run["id"], "paused")
        assert paused["now"]["holding"] == ["pump is in maintenance"]
        await refused("DEVICE_RESERVED")
        assert (await asked("PATCH", device, {"admin": "enabled"}))[0] == 200
        await person.phase(run["id"], "running")

        await person.post(f"/runs/{run['id']}/abort", {"reason": "the pump is needed elsewhere"}, 200)

        async def over() -> bool:
            return (await person.get(f"/runs/{run['id']}"))["ended_at"] is not None

        await eventually(over, 20.0, "the run is over in the tables")
        assert (await asked("PATCH", cage, {"devices": {"panel": str(panel)}}))[0] == 200
        assert (await asked("POST", f"{device}/move", move))[0] == 200
        assert (await asked("DELETE", device))[0] == 204
        assert (await asked("DELETE", cage))[0] == 204
