"""The scene of faults: a laboratory whose servers are behind ways that a test can spoil, and its devices."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from drivers.native.demo import demo_devices
from drivers.native.simulator import SimulatedDeviceSpec, Simulator
from lics_actors.services.ports import LOOPBACK
from tests.system.faults.load import Load
from tests.system.faults.way import Way
from tests.system.laboratory import Laboratory
from tests.waiting import PATIENCE_S, eventually

DEVICES = demo_devices()[:3]
PUMP, LICKOMETER, ENVIRONMENT = DEVICES


@dataclass(eq=False)
class Site:
    """A laboratory at work, the ways to its servers, and its devices."""

    laboratory: Laboratory
    simulator: Simulator
    database: Way
    redis: Way
    broker: Way

    def load(self, *, keyed: bool = True) -> Load:
        """Return load on it, not running yet."""
        return Load(self.laboratory, self.simulator, DEVICES, PUMP, keyed=keyed)

    async def well(self, timeout_s: float = PATIENCE_S) -> None:
        """Wait until everything answers and every device is online."""

        async def healthy() -> bool:
            health = await self.laboratory.api.get("/health")
            return bool(health.json()["status"] == "healthy")

        await eventually(healthy, timeout_s, "/health says healthy")
        for device in DEVICES:
            await eventually(lambda d=device: self.laboratory.is_link(d.id, "online"), timeout_s, f"{device.name} is online")


@asynccontextmanager
async def at_work(laboratory: Laboratory, ledgers: Path) -> AsyncIterator[Load]:
    """A laboratory at work, its devices' ledgers elsewhere; the load on it, not running yet."""
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(laboratory)
        await laboratory.records()
        for device in DEVICES:
            await laboratory.register(device)
        specs = [SimulatedDeviceSpec(each.id, each.type, each.name, rate_hz=0.0, remember=True) for each in DEVICES]
        simulator = await stack.enter_async_context(Simulator(laboratory.broker, specs, ledgers))
        for device in DEVICES:
            await eventually(lambda d=device: laboratory.is_link(d.id, "online"), what=f"{device.name} is online")
        yield Load(laboratory, simulator, DEVICES, PUMP)


def through(url: str, way: Way) -> str:
    """Return the URL that goes by the way."""
    parts = urlsplit(url)
    user, at, _ = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user}{at}{LOOPBACK}:{way.port}"))


def place_of(url: str) -> tuple[str, int]:
    """Return where a URL leads."""
    parts = urlsplit(url)
    return parts.hostname or LOOPBACK, parts.port or 5432
