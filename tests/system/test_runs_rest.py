"""A run from REST to REST: subject, rig and protocol are kept, it is rehearsed, begun, steered, and its trials are read."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID, uuid4

import yaml
from websockets.asyncio.client import connect

from drivers.native.demo import DemoDevice
from drivers.native.simulator import SimulatedDeviceSpec, Simulator
from drivers.native.simulator.residence import Resident, SubjectSpec
from lics_actors.device.messages import BrokerSpec
from lics_actors.experiment.checks import prepared
from lics_actors.experiment.library import text_of
from lics_actors.experiment.replay import replay
from lics_actors.experiment.state import new_run
from lics_actors.store.repository import Repository
from lics_actors.study.protocol_documents import kept as read_document
from tests.system.laboratory import TOKEN, Laboratory
from tests.waiting import eventually

TRIALS = 6


def document() -> dict[str, Any]:
    """Return a short two-choice task."""
    said: dict[str, Any] = yaml.safe_load(text_of("two_choice"))
    return {**said, "name": "short_choice", "limits": {**said["limits"], "trials": TRIALS}}


class Experimenter:
    """What a person does over REST."""

    def __init__(self, laboratory: Laboratory) -> None:
        self.laboratory = laboratory

    async def post(self, path: str, body: dict[str, Any], status: int, **headers: str) -> Any:
        answer = await self.laboratory.api.post(f"/api/v1{path}", json=body, headers=headers)
        assert answer.status_code == status, (path, answer.status_code, answer.text)
        return answer.json()

    async def get(self, path: str, **query: Any) -> Any:
        return await self.laboratory.get(f"/api/v1{path}", **query)

    async def a_cage(self, pump: UUID, panel: UUID) -> Any:
        """Register devices that have said what they can do, as a rig."""
        for each, kind in ((pump, "pump"), (panel, "lickometer")):
            await self.laboratory.register(DemoDevice(each, f"{kind} {each.hex[:4]}", kind, "room 1"))
        for each in (pump, panel):
            await eventually(lambda each=each: self._described(each), 40.0, "the device has said what it can do")
        return await self.post("/rigs", {"name": "cage 1", "devices": {"pump": str(pump), "panel": str(panel)}}, 201)

    async def _described(self, device_id: UUID) -> bool:
        device = await self.laboratory.device(device_id)
        return bool(device["capabilities"].get("commands")) and device["link"] == "online"

    async def phase(self, run_id: str, *phases: str) -> Any:
        async def is_so() -> Any:
            run = await self.get(f"/runs/{run_id}")
            now = run["now"]["phase"] if run["now"] else run["phase"]
            return run if now in phases else None

        return await eventually(is_so, 40.0, f"the run is {' or '.join(phases)}")


async def test_a_run_is_begun_steered_and_read_over_rest(
    data_dir: Path, database_url: str, redis_url: str, broker: BrokerSpec, free_port: Callable[[], int]
) -> None:
    pump, panel = uuid4(), uuid4()
    simulated = [SimulatedDeviceSpec(pump, "pump", "p", rate_hz=0.0), SimulatedDeviceSpec(panel, "lickometer", "l", rate_hz=0.0)]
    async with (
        Simulator(broker, simulated, data_dir / "simulator") as simulator,
        Laboratory(data_dir, database_url, redis_url, broker, free_port) as laboratory,
    ):
        person = Experimenter(laboratory)
        rig = await person.a_cage(pump, panel)
        mouse = await person.post("/subjects", {"name": "m-1", "species": "Mus musculus"}, 201)
        version = await person.post("/protocols", {"document": document()}, 201)
        wanted = {"rig_id": rig["id"], "protocol": "short_choice", "subject_id": mouse["id"], "seed": 5}
        assert (await person.post("/runs", wanted, 409))["detail"]["code"] == "NOT_REHEARSED"
        await person.post(f"/protocols/{version['protocol_id']}/versions/1/rehearsals", {"trials": 100}, 201)
        run = await person.post("/runs", wanted, 202)
        path = f"/runs/{run['id']}"
        assert (await person.post("/runs", wanted, 409))["detail"]["code"] == "RUN_UNDER_WAY"

        await person.phase(run["id"], "running")
        viewer = asyncio.create_task(watched(laboratory, "runs", f"run:{run['id']}"))
        paused = {"Idempotency-Key": "pause-1"}
        await person.post(f"{path}/pause", {"reason": "look at the cage"}, 200, **paused)
        await person.post(f"{path}/pause", {"reason": "look at the cage"}, 200, **paused)
        await person.post(f"{path}/annotate", {"text": "all is well"}, 200)
        await person.phase(run["id"], "paused")
        await person.post(f"{path}/resume", {}, 200)
        devices = [simulator.device(pump), simulator.device(panel)]
        resident = Resident(SubjectSpec("rat", (pump, panel), "ideal", 20.0), devices, Random(1))
        life = asyncio.create_task(resident.live())
        try:
            ended = await eventually(lambda: _over(person, path), 60.0, "the run is over in the tables")
        finally:
            life.cancel()
            await asyncio.wait([life])

        assert (ended["phase"], ended["now"]) == ("completed", None)
        trials = (await person.get(f"{path}/trials"))["items"]
        assert [each["number"] for each in trials] == list(range(1, ended["trials"] + 1))
        whole = [each for each in trials if each["outcome"] != "interrupted"]  # the pause may have cut one short
        assert len(whole) == TRIALS
        assert all(each["outcome"] for each in trials)
        rewards = (await person.get(f"{path}/rewards"))["items"]
        assert rewards
        told = await asyncio.wait_for(viewer, 20)
        assert [each["runs"][0]["id"] for each in told if each["kind"] == "snapshot" and "runs" in each] == [run["id"]]
        assert [each["run"]["id"] for each in told if each["kind"] == "snapshot" and "run" in each] == [run["id"]]
        assert [each["run"]["phase"] for each in told if each["kind"] == "run" and each["topic"] == "runs"][-1] == "completed"
        assert len({each["step"]["n"] for each in told if each["kind"] == "step"}) >= 2 * TRIALS
        executed = [simulator.device(pump).executions(UUID(each["id"])) for each in rewards]
        assert executed == [1] * len(rewards)
        assert ended["confirmed"] == sum(each["amount"] for each in rewards if each["outcome"] == "succeeded")
        notes = (await person.get(f"{path}/annotations"))["items"]
        assert [each["text"] for each in notes if each["principal"] == "user:admin"] == ["all is well"]
        asked = (await person.get(f"{path}/events", kind="PauseAsked"))["items"]
        assert len(asked) == 1, "what was asked again under its key was done once"
        code, said = await laboratory.cli("run", "show", run["id"], "--json")
        assert (code, json.loads(said)["phase"]) == (0, "completed"), said
        code, said = await laboratory.cli("run", "watch", run["id"])
        assert (code, f"{ended['trials']} trials" in said) == (0, True), said
    await _replays(database_url, UUID(run["id"]))


async def watched(laboratory: Laboratory, *topics: str) -> list[dict[str, Any]]:
    """Return what somebody who subscribes is told until the run is completed."""
    address = str(laboratory.api.base_url).replace("http", "ws", 1).rstrip("/") + "/ws"
    told: list[dict[str, Any]] = []
    async with connect(address, additional_headers={"Authorization": f"Bearer {TOKEN}"}, proxy=None) as viewer:
        await viewer.send(json.dumps({"kind": "subscribe", "topics": list(topics)}))
        while not (
            told and told[-1]["kind"] == "run" and told[-1]["topic"] == "runs" and told[-1]["run"]["phase"] == "completed"
        ):
            told.append(json.loads(await viewer.recv()))
    return told


async def _over(person: Experimenter, path: str) -> Any:
    run = await person.get(path)
    return run if run["ended_at"] else None


async def _replays(database_url: str, run_id: UUID) -> None:
    """What the tables hold gives the same decisions again."""
    repository = await Repository.connect(database_url)
    try:
        whole = await repository.run_history(run_id)
        row = await repository.get_run(run_id)
        version = await repository.version_of_id(row.protocol_version_id)
    finally:
        await repository.close()
    assert whole.opened is not None
    from drivers.native.spec import DEVICE_TYPES

    plan, _ = prepared(read_document(version.document), DEVICE_TYPES)
    begun = new_run(plan, run_id, whole.opened.seed, whole.opened.parameters)
    assert replay(plan, begun, [(step.event, step.effects) for step in whole.steps]) is None
