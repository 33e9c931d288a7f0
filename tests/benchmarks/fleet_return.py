"""How long a device is away when its actor is killed, or hangs: from the signal until a command to it succeeds."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

from lics_actors.client import FleetClient
from lics_actors.device.messages import CommandState, RequestCommand
from lics_actors.errors import LicsError
from lics_actors.fleet.messages import NodeView
from lics_actors.fleet.state import device_of_node
from tests.benchmarks.figures import Audit

KILLED_BACK_S, HUNG_BACK_S = 1.0, 10.0  # p99 and longest: what issue 4 promises
KILLS, HANGS = 110, 20
ASK_S, PAUSE_S, GIVEN_UP_S = 0.5, 0.01, 60.0


@dataclass(frozen=True, slots=True)
class Returns:
    """How long each was away, in seconds, after SIGKILL and after SIGSTOP."""

    killed_s: tuple[float, ...]
    hung_s: tuple[float, ...]

    def audits(self) -> tuple[Audit, ...]:
        """Return whether all came back."""
        return tuple(
            Audit(f"actors that were {what}: back", len(took), len(took) - late, late, 0)
            for what, took in (("killed", self.killed_s), ("hung", self.hung_s))
            for late in [sum(each >= GIVEN_UP_S for each in took)]
        )


async def returns(client: FleetClient, nodes: Sequence[NodeView]) -> Returns:
    """Kill actors one after another, then have others hang all at once; each for the first time."""
    hung, killed = nodes[:HANGS], nodes[HANGS : HANGS + KILLS]
    killed_s = [await _away(client, node, signal.SIGKILL) for node in killed]
    hung_s = await asyncio.gather(*(_away(client, node, signal.SIGSTOP) for node in hung))
    return Returns(tuple(killed_s), tuple(hung_s))


async def _away(client: FleetClient, node: NodeView, number: int) -> float:
    device_id = device_of_node(node.name)
    assert device_id is not None and node.pid is not None
    began = time.perf_counter()
    os.kill(node.pid, number)
    while not await _obeys(client, device_id):
        if (took_s := time.perf_counter() - began) >= GIVEN_UP_S:
            return took_s
        await asyncio.sleep(PAUSE_S)
    return time.perf_counter() - began


async def _obeys(client: FleetClient, device_id: UUID) -> bool:
    wish = RequestCommand(uuid4(), device_id, "identify", {"seconds": 0.001}, "bench", wait_s=ASK_S, timeout_s=ASK_S)
    try:
        async with asyncio.timeout(2 * ASK_S):
            return (await client.command(wish)).state is CommandState.SUCCEEDED
    except (LicsError, TimeoutError):
        return False
