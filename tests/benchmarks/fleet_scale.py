"""Many devices on one machine: how soon they are online, what an idle one costs, how soon one that died or hangs is back."""

from __future__ import annotations

import asyncio
import os
import signal
import statistics
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from config.settings import load_settings
from lics_actors.client import FleetClient
from lics_actors.device.messages import Link
from lics_actors.fleet.messages import NodeView
from lics_actors.fleet.state import device_of_node
from tests.system.laboratory import Laboratory
from tests.waiting import eventually

ONLINE_S, CPU_PERCENT = 15.0, 0.05
# 3.11 has no immortal objects to share after a fork: 9.4 to 10.5, before interlocks, leases and last words, which cost 0.6
USS_MIB = 6.5 if sys.version_info >= (3, 12) else 12.0
QUIET_HZ = "0.1"  # a reading every ten seconds: idle, and not silent
BACK_S, HUNG_S = 1.0, 10.0
HANGS = 4  # at the same time
LOOK_S = 30.0  # idle figures are means over this


@dataclass(frozen=True, slots=True)
class Figures:
    """What a fleet of so many devices needed. `uss_mib` and `cpu_percent`: of one device's actor."""

    devices: int
    online_s: float
    uss_mib: float
    cpu_percent: float
    stop_s: float
    back_p99_s: float = 0.0  # after a first SIGKILL
    hung_max_s: float = 0.0  # after a SIGSTOP


def missed(figures: Figures, slower: float = 1.0) -> list[str]:
    """Return the bars that these figures miss on a machine that is so many times slower than the one they are for."""
    times = {"online_s": ONLINE_S, "cpu_percent": CPU_PERCENT, "back_p99_s": BACK_S, "hung_max_s": HUNG_S}
    bars = {"uss_mib": USS_MIB, **{name: bar * slower for name, bar in times.items()}}
    return [name for name, bar in bars.items() if getattr(figures, name) > bar]


@asynccontextmanager
async def simulated(laboratory: Laboratory, count: int) -> AsyncIterator[Laboratory]:
    """Run so many registered devices; the fleet is not started yet."""
    try:
        laboratory.start("simulate", "simulate", "--count", str(count), "--register", "--rate", QUIET_HZ)
        said = laboratory.data_dir / "simulate.out"
        await eventually(lambda: "simulated devices are online at" in said.read_text(), 60, "simulator plays")
        yield laboratory
    finally:
        await laboratory._leave()


async def measure(laboratory: Laboratory, count: int, look_s: float = LOOK_S, kills: int = 0) -> Figures:
    """Start the fleet, wait until all are online, look at it while it is idle, kill some of it, stop it."""
    client = await FleetClient.open(load_settings(data_dir=laboratory.data_dir))
    began = time.perf_counter()
    laboratory.start("fleet", "fleet", "run")
    try:
        devices = await eventually(lambda: all_online(client, count), 120, f"{count} devices online")
        online_s = time.perf_counter() - began
        processes = [psutil.Process(node.pid) for node in devices if node.pid]
        await asyncio.sleep(look_s / 3)  # not synchronisation: what starting stirred up settles
        cpu = await asyncio.to_thread(cpu_percent, processes, look_s)
        uss = statistics.mean(process.memory_full_info().uss for process in processes) / 2**20
        back_s = [await back_after(client, node, signal.SIGKILL) for node in devices[:kills]]
        hung_s = await asyncio.gather(*(back_after(client, node, signal.SIGSTOP) for node in devices[kills : kills + HANGS]))
    finally:
        await client.close()
        began = time.perf_counter()
        await laboratory.stop("fleet")
    stop_s = time.perf_counter() - began
    back_p99_s, hung_max_s = sorted(back_s)[-1 - len(back_s) // 100] if back_s else 0.0, max(hung_s)
    numbers = (round(number, 4) for number in (online_s, uss, cpu, stop_s, back_p99_s, hung_max_s))
    return Figures(count, *numbers)


async def back_after(client: FleetClient, node: NodeView, number: signal.Signals) -> float:
    """Send a device's actor a signal; return after how many seconds its successor says that it is online."""
    device_id = device_of_node(node.name)
    assert device_id is not None and node.pid is not None
    began = time.perf_counter()
    os.kill(node.pid, number)

    async def again() -> bool:
        twin = await client.twin(device_id)
        return twin.incarnation > node.incarnation and twin.link is Link.ONLINE

    await eventually(again, what=f"{node.label} is back")
    return time.perf_counter() - began


async def all_online(client: FleetClient, count: int) -> list[NodeView] | None:
    """Return the devices' nodes once so many say that they are online."""
    nodes = [node for rack in (await client.tree()).children for node in rack.children]
    await asyncio.sleep(0.1)
    return nodes if sum(node.word == "online" for node in nodes) == count else None


def cpu_percent(processes: Sequence[psutil.Process], seconds: float) -> float:
    """Return the mean share of a core that one of them uses."""
    before, began = cpu_seconds(processes), time.perf_counter()
    time.sleep(seconds)
    return (cpu_seconds(processes) - before) / (time.perf_counter() - began) / len(processes) * 100


def cpu_seconds(processes: Sequence[psutil.Process]) -> float:
    """Return the processor time that all their threads have used; from schedstat, whose unit is the nanosecond."""
    tasks = (task for process in processes for task in Path(f"/proc/{process.pid}/task").iterdir())
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9
