"""Commands to many devices while one device's actor hangs: do the others' take longer?"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import psutil

from tests.benchmarks import command_load
from tests.benchmarks.errors import BenchError
from tests.benchmarks.processes import running
from tests.benchmarks.whole_lics import BenchLaboratory, all_online
from tests.system.laboratory import TOKEN
from tests.waiting import eventually

LOAD: Final = "tests.benchmarks.command_load"
CALLERS: Final = 4  # people or programs that command the healthy devices, one command at a time each
STUBBORN: Final = 2  # and those that go on commanding the one device, hung or not, beside them
PATIENCE_S: Final = 60.0
BACK_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Commanded:
    """What the healthy devices' commands took, how many of them did not succeed, and what the first of those was told."""

    p50_ms: float
    p99_ms: float
    commands: int
    failed: int
    such_as: str
    per_s: float


async def commanded(laboratory: BenchLaboratory, others: Sequence[UUID], one: UUID, seconds: float) -> Commanded:
    """Command all devices for so long, `one` of them by callers of its own whose commands are not timed.

    Raises:
        BenchError: a load failed.
    """
    insisting = _load(laboratory, (one,), STUBBORN, seconds + PATIENCE_S)
    calling = _load(laboratory, others, CALLERS, seconds)
    async with running(LOAD, insisting, command_load.Answered), running(LOAD, calling, command_load.Answered) as calls:
        found = await calls.answer(seconds + PATIENCE_S)
    times, failed = sorted(found.took_ms), sum(found.others.values())
    if not times:
        raise BenchError("no command was answered")
    such_as = f"{found.others} {found.such_as}"
    return Commanded(times[len(times) // 2], times[int(len(times) * 0.99)], len(times), failed, such_as, found.per_s)


def _load(laboratory: BenchLaboratory, devices: Sequence[UUID], callers: int, seconds: float) -> command_load.Settings:
    port = int(laboratory.environment["LICS_PORT"])
    paths = [f"/api/v1/devices/{device}/command" for device in devices]
    return command_load.Settings(port, TOKEN, paths, callers, seconds)


@asynccontextmanager
async def hung(laboratory: BenchLaboratory, device: UUID) -> AsyncIterator[list[int]]:
    """Stop the process of a device's actor, and of each successor that the fleet gives it; afterwards all is well again.

    Yields the processes that were stopped, as they are.
    """
    stopped = [await _pid_of(laboratory, device)]
    os.kill(stopped[0], signal.SIGSTOP)
    keeping = asyncio.create_task(_keep_hung(laboratory, device, stopped))
    try:
        yield stopped
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        with suppress(ProcessLookupError):
            os.kill(stopped[-1], signal.SIGCONT)
        await eventually(lambda: all_online(laboratory, (device,)), BACK_S, "the device that hung is back")


async def _keep_hung(laboratory: BenchLaboratory, device: UUID, stopped: list[int]) -> None:
    """Stop the next incarnation as soon as it is there: a supervisor kills one that does not answer its pings."""
    while True:
        await asyncio.sleep(0.2)
        if psutil.pid_exists(stopped[-1]) and psutil.Process(stopped[-1]).status() != psutil.STATUS_ZOMBIE:
            continue
        with suppress(AssertionError, KeyError, TypeError, ProcessLookupError):  # it has none yet, or has one no more
            pid = await _pid_of(laboratory, device)
            if pid != stopped[-1]:
                os.kill(pid, signal.SIGSTOP)
                stopped.append(pid)


async def _pid_of(laboratory: BenchLaboratory, device: UUID) -> int:
    node: dict[str, Any] = (await laboratory.nodes())[f"device:{device}"]
    return int(node["pid"])
