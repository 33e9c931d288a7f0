"""The scheduler in a whole laboratory: sessions begin by themselves, once, whoever dies; people decide, an animal chooses."""

from __future__ import annotations

import asyncio
import math
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import yaml

from drivers.native.demo import DemoDevice
from drivers.native.simulator import SimulatedDeviceSpec, Simulator
from lics_actors.device.messages import BrokerSpec
from lics_actors.experiment.library import text_of
from tests.system.laboratory import Laboratory, kill_process
from tests.waiting import eventually

KINDS = {"pump": "pump", "panel": "lickometer", "reader": "rfid"}
AWAY_S = 5.5  # an animal that sits at a reader is read once; it has gone and come back when it was not read for so long
Fixtures = tuple[Path, str, str, BrokerSpec, Callable[[], int]]


def clock(at: datetime) -> str:
    return f"{at:%H:%M}"


def open_now() -> dict[str, str]:
    """Return a window that is open for hours yet, whatever the time: over midnight where that is needed."""
    now = datetime.now(UTC)
    return {"begin": clock(now - timedelta(hours=1)), "end": clock(now + timedelta(hours=6))}


def over_now() -> dict[str, str]:
    """Return a window that is over."""
    now = datetime.now(UTC)
    return {"begin": clock(now - timedelta(hours=7)), "end": clock(now - timedelta(hours=1))}


@dataclass
class Cage:
    """A person at a laboratory with one rig, and what is simulated of it."""

    laboratory: Laboratory
    simulator: Simulator
    devices: dict[str, UUID]
    rig: str = ""
    version: str = ""

    async def post(self, path: str, body: dict[str, Any], status: int) -> Any:
        answer = await self.laboratory.api.post(f"/api/v1{path}", json=body)
        assert answer.status_code == status, (path, answer.status_code, answer.text)
        return answer.json()

    async def get(self, path: str, **query: Any) -> Any:
        return await self.laboratory.get(f"/api/v1{path}", **query)

    async def furnish(self) -> None:
        for role, each in self.devices.items():
            await self.laboratory.register(DemoDevice(each, f"the {role}", KINDS[role], "room 1"))
        for each in self.devices.values():
            await eventually(lambda each=each: self._described(each), 40.0, "the device has said what it can do")
        in_rig = {role: str(self.devices[role]) for role in ("pump", "panel")}
        self.rig = (await self.post("/rigs", {"name": "cage 1", "devices": in_rig}, 201))["id"]
        said = {**yaml.safe_load(text_of("two_choice")), "name": "choice"}
        version = await self.post("/protocols", {"document": said}, 201)
        await self.post(f"/protocols/{version['protocol_id']}/versions/1/rehearsals", {"trials": 100}, 201)
        self.version = version["id"]

    async def _described(self, device_id: UUID) -> bool:
        device = await self.laboratory.device(device_id)
        return bool(device["capabilities"].get("commands")) and device["link"] == "online"

    async def subject(self, name: str, **more: Any) -> str:
        return str((await self.post("/subjects", {"name": name, "species": "Mus musculus", **more}, 201))["id"])

    async def experiment(self, name: str, window: dict[str, str], *subjects: str, **schedule: Any) -> Any:
        stages = [{"name": "choice", "protocol_version_id": self.version}]
        status = schedule.pop("status", "active")
        plan = {"zone": "UTC", "windows": [window], "rigs": dict.fromkeys(subjects, self.rig), **schedule}
        said = {"name": name, "status": status, "stages": stages, "subjects": list(subjects), "schedule": plan}
        return await self.post("/experiments", said, 201)

    async def lived_yesterday(self, experiment: Any) -> None:
        """Have an experiment been active for days: nobody can be late for what was planned later."""
        connection = await asyncpg.connect(self.laboratory.database_url)
        try:
            words = "UPDATE experiment SET status = 'active', updated_at = now() - interval '1 day' WHERE id = $1"
            await connection.execute(words, UUID(experiment["id"]))
        finally:
            await connection.close()

    async def slot(self, subject: str, *states: str, why: str = "") -> Any:
        """Wait until the subject's session whose window is nearest stands so."""

        async def is_so() -> Any:
            now = datetime.now(UTC)
            since = (now - timedelta(hours=8)).isoformat()
            found = (await self.get("/schedule", subject=subject, **{"from": since, "to": now.isoformat()}))["items"]
            fits = [each for each in found if each["status"] in states and why in "; ".join(each["why"])]
            return fits[0] if fits else None

        return await eventually(is_so, 150.0, f"the session is {' or '.join(states)}")

    async def runs(self, subject: str) -> list[Any]:
        return list((await self.get("/runs", subject=subject))["items"])

    async def end(self, run_id: str) -> None:
        async def is_over() -> bool:
            await self.laboratory.api.post(f"/api/v1/runs/{run_id}/abort", json={"reason": "the test is over"})
            return bool((await self.get(f"/runs/{run_id}"))["ended_at"])

        await eventually(is_over, 40.0, "the run is over in the tables")

    async def begun(self, run_id: str) -> Any:
        async def is_so() -> Any:
            run = await self.get(f"/runs/{run_id}")
            return run if run["now"] and run["now"]["phase"] == "running" else None

        return await eventually(is_so, 60.0, "the run runs")

    async def alarms(self, slot: Any) -> list[Any]:
        source = f"experiment:{slot['experiment_id']}/subject:{slot['subject_id']}/slot:{slot['id']}"
        return list((await self.get("/alarms", source=source))["items"])


@asynccontextmanager
async def cage(fixtures: Fixtures, *roles: str) -> AsyncIterator[Cage]:
    data_dir, database_url, redis_url, broker, free_port = fixtures
    devices = {role: uuid4() for role in roles}
    simulated = [SimulatedDeviceSpec(each, KINDS[role], role, rate_hz=0.0) for role, each in devices.items()]
    async with (
        Simulator(broker, simulated, data_dir / "simulator") as simulator,
        Laboratory(data_dir, database_url, redis_url, broker, free_port) as laboratory,
    ):
        found = Cage(laboratory, simulator, devices)
        await found.furnish()
        yield found


async def test_a_session_begins_in_its_window_once_whoever_dies_and_the_next_waits_for_the_rig(
    data_dir: Path, database_url: str, redis_url: str, broker: BrokerSpec, free_port: Callable[[], int]
) -> None:
    async with cage((data_dir, database_url, redis_url, broker, free_port), "pump", "panel") as lab:
        first, second = await lab.subject("m-1"), await lab.subject("m-2")
        nodes = await lab.laboratory.nodes()
        os.kill(nodes["runs"]["pid"], signal.SIGSTOP)  # nobody takes an order of a run
        try:
            plan = await lab.experiment("by the clock", open_now(), first, second)
            decided = await lab.slot(first, "starting")
            kill_process(nodes["scheduler"]["pid"])  # behind what was written down, before anybody said that it began
        finally:
            with suppress(ProcessLookupError):  # it was found hung, and replaced
                os.kill(nodes["runs"]["pid"], signal.SIGCONT)
        slot = await lab.slot(first, "started")
        assert slot["id"] == decided["id"]
        (run,) = await lab.runs(first)
        assert (run["id"], run["experiment_id"], run["principal"]) == (slot["id"], plan["id"], "system:schedule")
        await lab.begun(run["id"])

        waits = await lab.slot(second, "waiting")
        assert await lab.runs(second) == [], "the rig is taken"
        checked = await lab.get(f"/experiments/{plan['id']}/preflight", subject=second)
        assert not checked["ready"]
        assert "RUN_UNDER_WAY" in {each["code"] for each in checked["problems"]}
        code, said = await lab.laboratory.cli("schedule", "check", "by the clock", "m-2")
        assert (code, "is in run" in said) == (1, True), said
        await lab.end(run["id"])
        assert (await lab.slot(second, "started"))["id"] == waits["id"]
        assert [each["id"] for each in await lab.runs(first)] == [run["id"]]
        assert [each["id"] for each in await lab.runs(second)] == [waits["id"]]
        await lab.end(waits["id"])
        wanted = {"rig_id": lab.rig, "experiment_id": plan["id"], "subject_id": first}
        refused = (await lab.post("/runs", wanted, 409))["detail"]
        assert (refused["code"], "1 of 1 sessions" in refused["message"]) == ("OUTSIDE_SCHEDULE", True)


async def test_what_was_missed_is_told_and_a_person_decides_and_an_animal_may_choose(
    data_dir: Path, database_url: str, redis_url: str, broker: BrokerSpec, free_port: Callable[[], int]
) -> None:
    async with cage((data_dir, database_url, redis_url, broker, free_port), "pump", "panel", "reader") as lab:
        late, ill, chooser = await lab.subject("late"), await lab.subject("ill"), await lab.subject("chooser", rfid="TAG-7")
        paused = await lab.experiment("yesterday's", over_now(), late, ill, status="draft")
        await lab.lived_yesterday(paused)
        missed = await lab.slot(late, "asked")
        (alarm,) = await lab.alarms(missed)
        assert (alarm["kind"], "late at cage 1 in yesterday's" in alarm["message"]) == ("session_missed", True)
        wanted = {"rig_id": lab.rig, "experiment_id": paused["id"], "subject_id": late}
        refused = (await lab.post("/runs", wanted, 409))["detail"]
        assert (refused["code"], "no window" in refused["message"]) == ("OUTSIDE_SCHEDULE", True)

        left_out = await lab.slot(ill, "asked")
        await lab.post(f"/schedule/{left_out['id']}/skip", {"reason": "is ill"}, 202)
        assert (await lab.slot(ill, "skipped", why="is ill"))["by"] == "user:admin"
        (alarm,) = await lab.alarms(left_out)
        assert alarm["state"] == "returned"
        await lab.post(f"/schedule/{left_out['id']}/start", {"reason": "is well"}, 409)

        await lab.post(f"/schedule/{missed['id']}/start", {"reason": "it was the network"}, 202)
        began = await lab.slot(late, "started")
        assert ((await lab.begun(began["id"]))["principal"], began["id"]) == ("user:admin", missed["id"])
        (alarm,) = await lab.alarms(missed)
        assert alarm["state"] == "returned"
        await lab.end(began["id"])

        reader = lab.devices["reader"]
        free = await lab.experiment("by itself", open_now(), chooser, readers={chooser: str(reader)})
        waits = await lab.slot(chooser, "waiting")
        assert (waits["reader_id"], waits["experiment_id"]) == (str(reader), free["id"])

        loop, came = asyncio.get_running_loop(), -math.inf

        async def chosen() -> Any:
            nonlocal came
            if loop.time() - came > AWAY_S:
                came = loop.time()
                lab.simulator.device(reader).feel("tag", {"tag": "TAG-0"})
                lab.simulator.device(reader).feel("tag", {"tag": "TAG-7"})
            return await lab.runs(chooser)

        (run,) = await eventually(chosen, 150.0, "the tag has begun a session")
        assert run["id"] == waits["id"]
        await lab.begun(run["id"])
        await lab.end(run["id"])
