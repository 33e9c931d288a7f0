"""The reference servers of `bench live`: started as processes, fed with updates, ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import msgspec
from websockets.asyncio.client import connect
from websockets.asyncio.connection import Connection

from lics_actors.services.ports import free_port
from tests.benchmarks.processes import serving

CONNECT_S = 20.0


class Settings(msgspec.Struct):
    """What a reference server is told."""

    port: int


@dataclass(frozen=True, slots=True)
class Reference:
    """A running one. `publish` sends an update to all who are connected to `/ws`; it does not wait."""

    port: int
    pid: int
    publish: Callable[[str], None]


@asynccontextmanager
async def reference(name: str) -> AsyncIterator[Reference]:
    """Run `tests/benchmarks/reference/<name>.py`.

    Raises:
        BenchError: it does not come up.
    """
    settings = Settings(free_port())
    async with serving(f"tests.benchmarks.reference.{name}", settings) as process, await _publisher(settings.port) as publisher:
        updates: asyncio.Queue[str] = asyncio.Queue()
        sending = asyncio.create_task(_send_all(publisher, updates))
        try:
            yield Reference(settings.port, process.pid, updates.put_nowait)
        finally:
            sending.cancel()


async def _publisher(port: int) -> Connection:
    async with asyncio.timeout(CONNECT_S):
        while True:
            try:
                return await connect(f"ws://127.0.0.1:{port}/publish", compression=None, ping_interval=None)
            except OSError:
                await asyncio.sleep(0.02)


async def _send_all(publisher: Connection, updates: asyncio.Queue[str]) -> None:
    while True:
        await publisher.send(await updates.get())
