"""The devices of a chaos run, played by a process of their own, seen from the run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from drivers.native.demo import DemoDevice, counted_devices
from tests.benchmarks import processes
from tests.system.chaos.devices import Confirmed, Order, Seat, Settings

ANSWER_S = 180.0  # an hour of 100 devices, on a busy machine
TYPES = 3  # pump, screen and sensor in turn: what `counted_devices` makes


@dataclass(frozen=True, slots=True)
class Cage:
    """Where a run happens: places of its pump and its screen among the devices."""

    pump: int
    screen: int


@dataclass(frozen=True, slots=True)
class Cages:
    """The first `count` cages, with subjects `speed` times faster than a rodent."""

    count: int = 0
    speed: float = 1.0

    @property
    def all(self) -> tuple[Cage, ...]:
        """Return each of them."""
        return tuple(Cage(TYPES * n, TYPES * n + 1) for n in range(self.count))


NO_CAGES = Cages()


class Instruments:
    """Cut their power, hang them, and ask what the broker acknowledged to them."""

    def __init__(self, devices: tuple[DemoDevice, ...], process: asyncio.subprocess.Process) -> None:
        self.devices, self._process = devices, process
        self._turn = asyncio.Lock()

    async def order(self, do: str, place: int = -1) -> Any:
        """Have something done; return what is said to it."""
        assert self._process.stdin is not None and self._process.stdout is not None
        async with self._turn:
            self._process.stdin.write(msgspec.json.encode(Order(do, place)) + b"\n")
            line = await asyncio.wait_for(self._process.stdout.readline(), ANSWER_S)
        return msgspec.json.decode(line)

    async def count(self) -> int:
        """Return how many messages were acknowledged."""
        return int(await self.order("count"))

    async def confirmed(self) -> list[Confirmed]:
        """Return what was acknowledged to each device."""
        return msgspec.convert(await self.order("confirmed"), list[Confirmed], strict=False)


@asynccontextmanager
async def instruments(
    count: int,
    port: int,
    prefix: str,
    state_dir: Path,
    rate_hz: float,
    seed: int,
    cages: Cages = NO_CAGES,
    account: tuple[str, str] | None = None,
) -> AsyncIterator[Instruments]:
    """Play so many devices of all types, on the broker at that port of the loopback address, all with one account; subjects live
    in `cages`."""
    devices = counted_devices(count)
    seats = [Seat(device.id, device.type, device.name) for device in devices]
    places = [[each.pump, each.screen] for each in cages.all]
    name, word = account or (None, None)
    settings = Settings("127.0.0.1", port, prefix, str(state_dir), seats, rate_hz, seed, places, cages.speed, name, word)
    async with processes.serving("tests.system.chaos.devices", settings) as process:
        yield Instruments(devices, process)
