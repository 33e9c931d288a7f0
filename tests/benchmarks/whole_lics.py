"""A whole LICS for a bench: fleet and web as the processes of the product, with native devices that have said hello."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from types import TracebackType
from typing import Any
from uuid import UUID

import msgspec

from drivers.native.demo import DemoDevice
from lics_actors.device.messages import BrokerSpec
from lics_actors.services.ports import free_port
from tests.benchmarks.errors import BenchError
from tests.benchmarks.reference.mqtt_client import connect
from tests.benchmarks.servers import Servers
from tests.system.laboratory import Laboratory
from tests.waiting import eventually

ONLINE_S = 60.0
AT_ONCE = 10
SILENT_S = 3600  # while the other side is measured, LICS's devices say nothing
SETTINGS = {
    "DEBUG": "false",
    "LOG_LEVEL": "INFO",
    "LICS_RATE_ACCOUNT": "1000000",
    "LICS_RATE_ADDRESS": "1000000",
}  # whatever the user has set for a laboratory
DESCRIBE = {
    "schema": 1,
    "type": "pump",
    "firmware": "bench",
    "metrics": {"temperature": {"unit": "degC"}},
    "commands": {"set_temperature": {"args": {"type": "object"}, "idempotent": True, "actuates": True}},
    "events": {},
}


class BenchLaboratory(Laboratory):
    """A laboratory that keeps its logs to itself."""

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._leave()

    @property
    def port(self) -> int:
        """Return the web's port."""
        return self.api.base_url.port or 0

    async def recorders(self) -> frozenset[int]:
        """Return the pids of the processes that record."""
        return frozenset(node["pid"] for node in (await self.nodes()).values() if node["kind"] == "recorder" and node["pid"])


@asynccontextmanager
async def whole_lics(
    servers: Servers, devices: Sequence[UUID], settings: Mapping[str, str] | None = None
) -> AsyncIterator[BenchLaboratory]:
    """Run LICS with these devices, all of them online.

    Raises:
        BenchError: it does not come up.
    """
    folder = servers.data_dir / "lics"
    folder.mkdir(exist_ok=True)
    laboratory = BenchLaboratory(
        folder, servers.database_url, servers.redis_url, servers.broker, free_port, {**SETTINGS, **(settings or {})}
    )
    try:
        await laboratory.__aenter__()
    except AssertionError as error:
        raise BenchError(f"LICS does not come up: {error}\n{_ends(laboratory)}") from None
    async with _left(laboratory):
        await _register(laboratory, devices)
        await say_online(servers.broker, devices, epoch=1)
        try:
            await eventually(lambda: all_online(laboratory, devices), ONLINE_S, "all devices are online")
        except AssertionError as error:
            raise BenchError(f"{error}\n{_ends(laboratory)}") from None
        yield laboratory


@asynccontextmanager
async def _left(laboratory: BenchLaboratory) -> AsyncIterator[None]:
    try:
        yield
    finally:
        await laboratory.__aexit__(None, None, None)


async def _register(laboratory: BenchLaboratory, devices: Sequence[UUID]) -> None:
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(place: int, device_id: UUID) -> None:
        async with turn:
            await laboratory.register(DemoDevice(device_id, f"bench {place}", "pump", "bench"), silent_s=SILENT_S)

    await asyncio.gather(*(one(place, device_id) for place, device_id in enumerate(devices)))


async def say_online(broker: BrokerSpec, devices: Sequence[UUID], epoch: int) -> None:
    """Publish, retained, what each device is and that it is there since boot `epoch`."""
    describe = msgspec.json.encode(DESCRIBE)
    status = msgspec.json.encode({"state": "online", "epoch": epoch, "ts": datetime.now(UTC)})
    await _retain(broker, devices, {"describe": describe, "status": status})


async def forget(broker: BrokerSpec, devices: Sequence[UUID]) -> None:
    """Take back what a given broker would otherwise keep for ever."""
    await _retain(broker, devices, {"describe": b"", "status": b""})


async def _retain(broker: BrokerSpec, devices: Sequence[UUID], payloads: Mapping[str, bytes]) -> None:
    waiting = len(devices) * len(payloads)
    done = asyncio.Event()

    def acknowledged(count: int) -> None:
        nonlocal waiting
        waiting -= count
        if waiting <= 0:
            done.set()

    client = await connect(broker.host, broker.port, "bench-presence", on_acks=acknowledged)
    for device_id in devices:
        for leaf, payload in payloads.items():
            client.publish(f"{broker.prefix}devices/{device_id}/{leaf}".encode(), payload, retain=True)
    async with asyncio.timeout(10.0):
        await done.wait()
    client.close()


async def all_online(laboratory: BenchLaboratory, devices: Sequence[UUID]) -> bool:
    """Return whether the fleet says of each of these devices that it is online."""
    nodes: dict[str, Any] = await laboratory.nodes()
    return all(nodes.get(f"device:{device_id}", {}).get("word") == "online" for device_id in devices)


def _ends(laboratory: BenchLaboratory) -> str:
    return "\n".join(
        f"{log.name} ends with: {log.read_text(errors='replace')[-800:]}" for log in laboratory.data_dir.glob("*.out")
    )
