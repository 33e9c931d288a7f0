"""Every process of LICS killed under load: how it comes back, what is answered meanwhile; nothing is lost or done twice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from drivers.native.demo import counted_devices
from lics_actors.device.messages import BrokerSpec
from lics_actors.runtime.process import recorded
from tests.system.faults.load import Load, processes_of, summary
from tests.system.faults.scene import DEVICES, PUMP, Site
from tests.system.laboratory import Laboratory, kill_process
from tests.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.linux]

# how a command may be answered while its way to the device is being made anew
MEANWHILE = {
    (200, "succeeded"),
    (200, "indeterminate"),
    (202, "dispatched"),
    (503, "FLEET_UNAVAILABLE"),
    (503, "DEVICE_OFFLINE"),
    (504, "DEVICE_TIMEOUT"),
}


async def back_again(site: Site, load: Load, killed: float, within_s: float) -> None:
    """See that commands succeed again in time, and that whatever was answered until then was designed."""
    await load.goes_on(3, within_s)
    assert time.monotonic() - killed < within_s
    await site.well()
    assert set(summary(load.asked)) <= MEANWHILE, summary(load.asked)


@pytest.mark.parametrize("node", ["recorder", "registrar", "housekeeper"])
async def test_a_killed_leaf_of_the_fleet_delays_no_command(site: Site, node: str) -> None:
    before = await site.laboratory.nodes()
    async with site.load() as load:
        await load.goes_on()
        kill_process(before[node]["pid"])
        await load.goes_on(10)

        async def is_back() -> bool:
            found = (await site.laboratory.nodes())[node]
            return bool(found["state"] == "running" and found["incarnation"] > before[node]["incarnation"])

        await eventually(is_back, what=f"{node} runs again")
        assert set(summary(load.asked)) == {(200, "succeeded")}, summary(load.asked)
    after = await site.laboratory.nodes()
    assert {name: before[name]["pid"] for name in before if name != node} == {
        name: after[name]["pid"] for name in after if name != node
    }
    await load.audit()


async def test_a_killed_rack_takes_its_devices_with_it_and_brings_them_back(site: Site) -> None:
    before = await site.laboratory.nodes()
    async with site.load() as load:
        await load.goes_on()
        devices = [before[f"device:{device.id}"]["pid"] for device in DEVICES]
        kill_process(before["rack:1"]["pid"])
        killed = time.monotonic()
        await back_again(site, load, killed, 20.0)
        assert not any(psutil.pid_exists(pid) for pid in devices), "no actor outlives its rack"
        after = await site.laboratory.nodes()
        assert after["recorder"]["pid"] == before["recorder"]["pid"]
    await load.audit()


@pytest.mark.parametrize("who", ["root", "admin"])
async def test_a_killed_root_or_admin_is_started_anew_with_everything(site: Site, who: str) -> None:
    before = await site.laboratory.nodes()
    admin = next(one.pid for one in recorded(site.laboratory.data_dir / "run" / "fleet.pids") if one.role == "admin")
    async with site.load() as load:
        await load.goes_on()
        kill_process(before["fleet"]["pid"] if who == "root" else admin)
        killed = time.monotonic()
        health = await site.laboratory.api.get("/health")
        assert health.status_code in {200, 503}
        await back_again(site, load, killed, 30.0)
        old = {node["pid"] for node in before.values()}
        assert not [pid for pid in old if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE]
    await load.audit()


async def test_a_killed_launcher_leaves_nobody_and_the_next_takes_over(site: Site) -> None:
    laboratory = site.laboratory
    before = await laboratory.nodes()
    async with site.load() as load:
        await load.goes_on()
        kill_process(laboratory.processes.pop("fleet").pid)
        old = {node["pid"] for node in before.values()}
        await eventually(lambda: not [pid for pid in old if psutil.pid_exists(pid)], what="nobody of the fleet is left")
        refused = await laboratory.command(PUMP.id, "identify")
        assert (refused.status_code, refused.json()["detail"]["code"]) == (503, "FLEET_UNAVAILABLE"), refused.text
        health = (await laboratory.api.get("/health")).json()
        assert (health["status"], health["services"]["fleet"]["state"]) == ("unhealthy", "down")
        started = time.monotonic()
        laboratory.start("fleet", "fleet", "run")
        await back_again(site, load, started, 30.0)
    await load.audit()


async def test_a_killed_web_leaves_the_devices_alone(site: Site) -> None:
    laboratory = site.laboratory
    before = await laboratory.nodes()
    async with site.load() as load:
        await load.goes_on()
        kill_process(laboratory.processes.pop("web").pid)
        await asyncio.sleep(0.5)
        laboratory.start("web", "web")
        await load.goes_on(3)
        assert {one.code for one in load.asked} <= {"succeeded", "ConnectError", "ReadError", "RemoteProtocolError"}
        after = await laboratory.nodes()
        assert {name: node["pid"] for name, node in before.items()} == {name: node["pid"] for name, node in after.items()}
    await load.audit()


async def test_nobody_is_left_of_those_who_were_killed(site: Site) -> None:
    nodes = await site.laboratory.nodes()
    known = {node["pid"] for node in nodes.values()}
    known |= {process.pid for process in site.laboratory.processes.values()}
    known |= {one.pid for one in recorded(site.laboratory.data_dir / "run" / "fleet.pids")}

    def strangers() -> list[psutil.Process]:
        return [process for process in processes_of(str(site.laboratory.data_dir)) if process.pid not in known]

    await eventually(lambda: not strangers(), what="every process is one of the living tree's")


async def test_killed_devices_go_offline_and_their_ledgers_settle_what_they_were_at(
    data_dir: Path, database_url: str, redis_url: str, broker: BrokerSpec, free_port: Callable[[], int]
) -> None:
    (pump,) = counted_devices(1)
    played = ("simulate", "--count", "1", "--register", "--rate", "20", "--fault", "execution=2.0")
    async with Laboratory(data_dir, database_url, redis_url, broker, free_port) as laboratory:
        laboratory.start("simulate", *played)
        await eventually(lambda: laboratory.is_link(pump.id, "online"), what="the device is online")
        answer = await laboratory.command(pump.id, "dispense", {"volume_ul": 20}, timeout_s=4.0, wait=False)
        command_id = answer.json()["id"]
        await laboratory.settled(command_id, pump.id, "executing")
        kill_process(laboratory.processes.pop("simulate").pid)
        await eventually(lambda: laboratory.is_link(pump.id, "offline"), what="its last will was heard")
        refused = await laboratory.command(pump.id, "dispense", {"volume_ul": 20})
        assert (refused.status_code, refused.json()["detail"]["code"]) == (503, "DEVICE_OFFLINE"), refused.text
        await laboratory.settled(command_id, pump.id, "indeterminate")
        laboratory.start("simulate", *played)
        settled = await laboratory.settled(command_id, pump.id, "failed", "succeeded")
        assert (settled["state"], settled["error"]) == ("failed", "interrupted"), settled
        assert (await laboratory.command(pump.id, "identify")).json()["state"] == "succeeded"
