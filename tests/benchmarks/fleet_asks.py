"""How long a question to an actor takes through the peer, beside a bare asyncio program that answers the same frames."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final
from uuid import UUID

import msgspec

from config.settings import Settings, load_settings
from lics_actors.client import FleetClient
from lics_actors.fleet.messages import AskAlive
from lics_actors.runtime import transport
from lics_actors.runtime.peer import Peer, actor_address
from lics_actors.services.ports import LOOPBACK, free_port
from tests.benchmarks.processes import serving
from tests.system.laboratory import Laboratory

ANSWER_S: Final = 5.0
WARM: Final = 50
Question = Callable[[], Awaitable[object]]


class EchoSettings(msgspec.Struct):
    """What the reference is told."""

    key_file: str
    port: int


@dataclass(frozen=True, slots=True)
class Asks:
    """Three questions: to the FleetSupervisor, to a device's actor, to the reference."""

    fleet: Question
    device: Question
    echo: Question


@dataclass(frozen=True, slots=True)
class Took:
    """One after the other, in seconds."""

    p50_s: float
    p99_s: float


@asynccontextmanager
async def asks(laboratory: Laboratory, device: UUID) -> AsyncIterator[Asks]:
    """Connect to a running LICS and to the reference."""
    settings: Settings = load_settings(data_dir=laboratory.data_dir)
    transport.install(settings.transport_key(), LOOPBACK)
    echo = EchoSettings(str(settings.data_dir / "secrets" / "transport_key"), free_port())
    async with serving("tests.benchmarks.reference.frame_echo", echo):
        client, peer = await FleetClient.open(settings), await Peer.open(LOOPBACK)
        try:
            yield Asks(
                client.alive,
                partial(client.twin, device),
                partial(peer.ask, actor_address(LOOPBACK, echo.port), AskAlive(), ANSWER_S),
            )
        finally:
            await peer.close()
            await client.close()


async def took(question: Question, seconds: float) -> Took:
    """Ask one question after the other for so long."""
    for _ in range(WARM):
        await question()
    times: list[float] = []
    until = time.perf_counter() + seconds
    while (began := time.perf_counter()) < until:
        await question()
        times.append(time.perf_counter() - began)
    times.sort()
    return Took(times[len(times) // 2], times[int(len(times) * 0.99)])
