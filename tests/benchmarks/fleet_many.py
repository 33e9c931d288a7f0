"""Very many devices on one machine: until all are online, and until all are back after every RackSupervisor was killed."""

from __future__ import annotations

import asyncio
import os
import signal
import statistics
import time
from dataclasses import dataclass
from functools import partial

import asyncpg
import psutil

from config.settings import load_settings
from drivers.native.demo import DemoDevice, counted_devices
from lics_actors.client import FleetClient
from lics_actors.errors import LicsError
from lics_actors.fleet.messages import NodeView
from lics_actors.services.ports import free_port
from lics_actors.store.seed import seed_devices
from tests.benchmarks.figures import Audit
from tests.benchmarks.fleet_return import Returns, returns
from tests.benchmarks.harness import tell
from tests.benchmarks.servers import Servers
from tests.benchmarks.whole_lics import SETTINGS, BenchLaboratory
from tests.system.chaos.audit import Audits
from tests.system.chaos.instruments import Instruments, instruments
from tests.system.laboratory import subscribed
from tests.waiting import eventually

MANY_ONLINE_S = 60.0  # what issue 4 promises for 1,000 devices on 4 cores and 24 GiB
PATIENCE_S, STOPPED_S = 240.0, 60.0
SILENCE_S = 3600.0
MESSAGES_PER_S, MOST_HZ = 200.0, 2.0  # telemetry of all, and of one
SUBSCRIBED_S, UNDER_LOAD_S, SILENT_S = 1.0, 5.0, 1.0
LOOK_S = 0.2


@dataclass(frozen=True, slots=True)
class Many:
    """How long it took, in seconds, and what an actor has to itself, in MiB."""

    devices: int
    online_s: float
    back_s: float
    uss_mib: float
    audits: tuple[Audit, ...]
    returns: Returns | None = None


async def many(on: Servers, count: int, *, one_by_one: bool = False) -> Many:
    """Run the fleet with so many devices, kill its racks under load, and audit what was acknowledged.

    `one_by_one`: before that, kill single actors and have others hang.
    """
    laboratory = BenchLaboratory(on.data_dir, on.database_url, on.redis_url, on.broker, free_port, SETTINGS)
    devices = counted_devices(count)
    await _seed(on.database_url, devices)
    client = await FleetClient.open(load_settings(data_dir=laboratory.data_dir))
    try:
        rate_hz = min(MOST_HZ, MESSAGES_PER_S / count)
        async with instruments(count, on.broker.port, on.broker.prefix, on.data_dir / "many", rate_hz, 1) as played:
            began = time.perf_counter()
            laboratory.start("fleet", "fleet", "run")
            nodes = await eventually(lambda: _online(client, count, {}), PATIENCE_S, f"{count} devices online")
            online_s = time.perf_counter() - began
            tell(f"{count} devices are online after {online_s:.1f} s")
            found = await returns(client, nodes) if one_by_one else None
            known = partial(subscribed, laboratory.data_dir, on.broker.prefix, devices)
            await eventually(known, PATIENCE_S, "the recorder knows of all devices")
            back_s = await _lose_racks(client, played, nodes)
            uss_mib = (
                statistics.mean(psutil.Process(node.pid).memory_full_info().uss for node in nodes[:50] if _runs(node)) / 2**20
            )
            audits = await _audit(on, played)
    finally:
        await client.close()
        await _stop(laboratory)
    return Many(count, online_s, back_s, uss_mib, (*audits, *(found.audits() if found else ())), found)


async def _seed(database_url: str, devices: tuple[DemoDevice, ...]) -> None:
    """Register them; none is stale for saying nothing until all are online."""
    await seed_devices(database_url, devices)
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("update device set silent_s = $1", SILENCE_S)
    finally:
        await connection.close()


async def _lose_racks(client: FleetClient, played: Instruments, nodes: list[NodeView]) -> float:
    """Let the devices speak, kill every rack at once, and return how long it takes until all devices are online again."""
    await asyncio.sleep(SUBSCRIBED_S)  # what is said before the recorder has subscribed is nobody's
    await played.order("speak")
    await asyncio.sleep(UNDER_LOAD_S)
    racks = [node.pid for node in (await client.tree()).children if node.kind == "rack" and node.pid]
    before = {node.name: node.incarnation for node in nodes}
    began = time.perf_counter()
    for pid in racks:
        os.kill(pid, signal.SIGKILL)
    nodes[:] = await eventually(lambda: _online(client, len(nodes), before), PATIENCE_S, "all devices are back")
    back_s = time.perf_counter() - began
    await asyncio.sleep(UNDER_LOAD_S)
    return back_s


async def _online(client: FleetClient, count: int, before: dict[str, int]) -> list[NodeView] | None:
    """Return the devices' nodes once so many are online, each as a later incarnation than before."""
    await asyncio.sleep(LOOK_S)
    try:
        tree = await client.tree()
    except LicsError:
        return None
    nodes = [node for rack in tree.children for node in rack.children]
    there = sum(node.word == "online" and node.incarnation > before.get(node.name, 0) for node in nodes)
    return nodes if there == count else None


async def _audit(on: Servers, played: Instruments) -> tuple[Audit, ...]:
    await played.order("quiet")
    await asyncio.sleep(SILENT_S)
    confirmed = await played.confirmed()
    connection = await asyncpg.connect(on.database_url)
    try:
        found = await Audits(connection, on.data_dir / "many" / "ledger.sqlite").streams(played.devices, confirmed)
    finally:
        await connection.close()
    return tuple(each.audit() for each in found)


async def _stop(laboratory: BenchLaboratory) -> None:
    """Stop the fleet; a thousand processes that end at once take a while on a busy machine."""
    fleet = laboratory.processes.pop("fleet", None)
    if fleet is not None and fleet.poll() is None:
        fleet.terminate()
        await asyncio.to_thread(fleet.wait, STOPPED_S)
    await laboratory.api.aclose()


def _runs(node: NodeView) -> bool:
    return node.pid is not None and psutil.pid_exists(node.pid)
