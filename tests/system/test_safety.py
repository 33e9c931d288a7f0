"""Safety that outlives LICS, in a whole laboratory: leases, interlocks over devices, and what of it survives whom."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

from drivers.native import device_side
from drivers.native.demo import DemoDevice, simulated_id
from drivers.native.simulator import SimulatedDevice, Simulator
from drivers.protocol import Sample
from lics_actors.device.lease import LEASE
from lics_actors.device.messages import BrokerSpec
from tests.system.laboratory import Laboratory, kill_process
from tests.waiting import eventually

LIGHT = DemoDevice(simulated_id("safety-light"), "light", "actuator", "Cage 3")
SENSOR = DemoDevice(simulated_id("safety-sensor"), "sensor", "environment", "Cage 3")
RIG = {
    "name": "cage 3",
    "devices": {"light": str(LIGHT.id), "sensor": str(SENSOR.id)},
    "interlocks": [
        {
            "name": "hot",
            "when": {"metric": "temperature_c", "of": "sensor", "op": ">", "value": 40},
            "trip": [{"role": "light", "command": "switch_off"}],
            "unknown": "hold",
        }
    ],
}


@pytest.fixture
async def laboratory(
    data_dir: Path, database_url: str, redis_url: str, broker: BrokerSpec, free_port: Callable[[], int]
) -> AsyncIterator[Laboratory]:
    async with Laboratory(data_dir, database_url, redis_url, broker, free_port) as running:
        yield running


@pytest.fixture
async def devices(laboratory: Laboratory) -> AsyncIterator[Simulator]:
    async with laboratory.simulator(LIGHT, SENSOR, rate_hz=1.0) as simulator:
        await simulator.online()
        for device in (LIGHT, SENSOR):
            await laboratory.register(device)
        for device in (LIGHT, SENSOR):
            await eventually(lambda device=device: laboratory.is_link(device.id, "online"), what=f"{device.name} is online")
        yield simulator


def is_on(device: SimulatedDevice) -> bool:
    return bool(device.body.model.metrics(None)["on"])  # type: ignore[arg-type]  # a switch throws no dice


async def switched_on(laboratory: Laboratory, light: SimulatedDevice) -> None:
    answer = await laboratory.command(LIGHT.id, "switch_on")
    assert (answer.status_code, answer.json()["state"]) == (200, "succeeded"), answer.text
    assert is_on(light)


async def measures(sensor: SimulatedDevice, temperature_c: float) -> None:
    """Have the sensor say a temperature, as its firmware would."""
    sample = Sample(datetime.now(UTC), {"temperature_c": temperature_c})
    payload = device_side.telemetry_payload(sensor.epoch, 1_000_000 + int(temperature_c), [sample])
    assert await sensor.publish_raw("telemetry", payload)


async def is_safety(laboratory: Laboratory, word: str) -> bool:
    return bool((await laboratory.device(LIGHT.id))["safety"] == word)


async def is_back(laboratory: Laboratory) -> bool:
    device = await laboratory.device(LIGHT.id)
    return bool(device["live"] and device["link"] == "online")


async def process_of(laboratory: Laboratory, node: str) -> int:
    return int((await laboratory.nodes())[node]["pid"])


@contextmanager
def stopped(*pids: int) -> Iterator[None]:
    """Hold processes of the test's own laboratory."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


async def test_what_a_dead_actor_held_falls_by_itself_and_what_a_restarted_one_held_stays(
    laboratory: Laboratory, devices: Simulator
) -> None:
    light = devices.device(LIGHT.id)
    await switched_on(laboratory, light)
    node = f"device:{LIGHT.id}"
    kill_process(await process_of(laboratory, node))
    leased = light.lease
    assert leased is not None

    async def renewed() -> bool:
        lease = light.lease
        return lease is not None and lease.expires > leased.expires + LEASE

    await eventually(renewed, what="the next incarnation goes on")
    assert is_on(light), "nobody has noticed"

    nodes = await laboratory.nodes()
    pid = await process_of(laboratory, node)
    with stopped(nodes["fleet"]["pid"], nodes["rack:1"]["pid"]):  # the first would have the second replaced
        kill_process(pid)
        said = light.lease
        assert said is not None
        await eventually(lambda: not is_on(light), what="the light is out")
        late_s = (datetime.now(UTC) - said.expires).total_seconds()
        assert -0.1 <= late_s < 10.0, "when its lease ran out, and not by a command"
    assert light.lease is None


async def test_a_trip_needs_nobody_but_the_actor_and_the_broker(laboratory: Laboratory, devices: Simulator) -> None:
    light, sensor = devices.device(LIGHT.id), devices.device(SENSOR.id)
    await eventually(lambda: laboratory.is_link(LIGHT.id, "online"))
    assert (await laboratory.api.post("/api/v1/rigs", json=RIG)).status_code == 201
    await eventually(lambda: is_safety(laboratory, "armed"), what="the light is armed")
    await switched_on(laboratory, light)
    alone = await process_of(laboratory, f"device:{LIGHT.id}")
    others = [each for top in laboratory.processes.values() for each in (top.pid, *_below(top.pid)) if each != alone]
    with stopped(*others):  # web, supervisors, recorders, the registrar: all that knows of database and Redis
        await measures(sensor, 41)
        await eventually(lambda: not is_on(light), what="the light is out")
    await eventually(lambda: is_safety(laboratory, "tripped"))


def _below(pid: int) -> list[int]:
    return [child.pid for child in psutil.Process(pid).children(recursive=True)]


async def test_a_latch_outlives_everything_but_a_person(laboratory: Laboratory, devices: Simulator) -> None:
    light, sensor = devices.device(LIGHT.id), devices.device(SENSOR.id)
    made = await laboratory.api.post("/api/v1/rigs", json=RIG)
    assert made.status_code == 201
    rig = f"/api/v1/rigs/{made.json()['id']}"
    await eventually(lambda: is_safety(laboratory, "armed"), what="the light is armed")
    await switched_on(laboratory, light)
    await measures(sensor, 41)
    await eventually(lambda: not is_on(light), what="the light is out")
    await refused(laboratory)
    assert (await laboratory.command(LIGHT.id, "identify")).status_code == 200

    fleet = laboratory.processes.pop("fleet")
    for pid in (fleet.pid, *_below(fleet.pid)):
        os.kill(pid, signal.SIGKILL)
    fleet.wait()
    laboratory.start("fleet", "fleet", "run")
    await eventually(lambda: is_back(laboratory), what="the light is back")
    await refused(laboratory)
    assert (await laboratory.device(LIGHT.id))["status"] == "tripped"

    for body in ({}, {"reason": ""}):
        assert (await laboratory.api.post(f"{rig}/reset", json=body)).status_code == 422
    sensor.set_rate(0)
    await measures(sensor, 42)

    async def is_hot() -> bool:
        return (await laboratory.api.post(f"{rig}/reset", json={"reason": "hoping"})).status_code == 409

    await eventually(is_hot, what="the actor has heard that it still is hot")
    await measures(sensor, 20)

    async def may_go_on() -> bool:
        return (await laboratory.cli("rig", "reset", "cage 3", "hot", "--reason", "fan replaced"))[0] == 0

    await eventually(may_go_on, what="it has cooled down")
    await eventually(lambda: is_safety(laboratory, "armed"))
    await switched_on(laboratory, light)
    events = await recorded(laboratory)
    assert any(each["why"].startswith("sensor temperature_c is 41") for each in events["lics.interlock_tripped"])
    assert "fan replaced" in [each["reason"] for each in events["lics.interlock_reset"]]
    audit = (await laboratory.get("/api/v1/audit"))["items"]
    assert ("rig.reset", "ok", "fan replaced") in [(each["action"], each["outcome"], each["reason"]) for each in audit]


async def refused(laboratory: Laboratory) -> None:
    answer = await laboratory.command(LIGHT.id, "switch_on")
    assert answer.status_code == 409, answer.text
    assert answer.json()["detail"]["code"] == "INTERLOCK_TRIPPED"
    assert "'hot'" in answer.json()["detail"]["message"]


async def recorded(laboratory: Laboratory) -> dict[str, list[Any]]:
    """Return the light's events of interlocks once they are in the tables."""

    async def there() -> dict[str, list[Any]] | None:
        items = (await laboratory.get(f"/api/v1/devices/{LIGHT.id}/events", limit=500))["items"]
        found: dict[str, list[Any]] = {}
        for each in items:
            found.setdefault(each["type"], []).append(each["data"])
        return found if "lics.interlock_reset" in found else None

    events: dict[str, list[Any]] = await eventually(there, what="the record has it")
    return events
