"""A fleet of stand-ins (`fleet_actors`) in processes of its own, and how to ask it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

from config.settings import load_settings
from lics_actors.client import FleetClient
from lics_actors.device.messages import DeviceSpec, RequestCommand
from lics_actors.errors import LicsError
from lics_actors.fleet.cache import write_cache
from lics_actors.fleet.messages import NodeState, NodeView
from lics_actors.fleet.state import device_node
from lics_actors.journal import JournalReader, journal_path
from lics_actors.runtime import process
from lics_actors.store.records import Command, Record
from tests.waiting import eventually

ROOT = Path(__file__).parents[2]
START_S = 60.0  # a busy machine takes long to import everything; nobody waits for nothing
NO_DATABASE = "postgres://nobody:x@127.0.0.1:1/none"
DEVICES = [DeviceSpec(UUID(int=number), f"cage-{number}", "pump", "native", {}) for number in range(1, 7)]  # racks of 4 and 2
ONE, TWO, FIVE = (DEVICES[index].device_id for index in (0, 1, 4))


@dataclass
class Stand:
    """A launcher process and a way to ask its fleet."""

    launcher: subprocess.Popen[bytes]
    data_dir: Path
    client: FleetClient

    async def tree(self) -> dict[str, NodeView]:
        """Return all nodes by name."""
        found: dict[str, NodeView] = {}
        nodes = [await self.client.tree()]
        while nodes:
            node = nodes.pop()
            found[node.name] = node
            nodes += node.children
        return found

    async def all_running(self, count: int = 6) -> dict[str, NodeView]:
        """Wait until so many devices run; return the tree."""

        async def check() -> dict[str, NodeView] | None:
            tree = await self.tree()
            devices = [node for node in tree.values() if node.kind == "device"]
            return tree if len(devices) == count and all(node.state is NodeState.RUNNING for node in devices) else None

        return await eventually(check, START_S)

    async def state(self, device_id: UUID, state: NodeState, timeout_s: float = START_S) -> NodeView:
        """Wait until a device's node is in a state."""

        async def check() -> NodeView | None:
            node = (await self.tree())[device_node(device_id)]
            return node if node.state is state else None

        return await eventually(check, timeout_s)

    async def anew(self, name: str, pid: int | None, timeout_s: float = START_S) -> NodeView:
        """Wait until a node runs in another process than `pid`."""

        async def check() -> NodeView | None:
            node = (await self.tree())[name]
            return node if node.state is NodeState.RUNNING and node.pid not in {pid, None} else None

        return await eventually(check, timeout_s)

    async def ask(self, device_id: UUID, name: str) -> None:
        """Have a device's actor do something after which it may not answer."""
        with suppress(LicsError):
            await self.client._ask_device(device_id, RequestCommand(uuid4(), device_id, name, {}, "cli:ada", 0.1), Command, 0.2)

    def recorded(self, journal: str) -> list[Record]:
        """Return what a supervisor wrote into its journal."""
        reader = JournalReader(journal_path(self.data_dir / "journals", journal))
        try:
            return [record for _, record in reader.read(0, 10_000)]
        finally:
            reader.close()


@contextmanager
def launcher(
    data_dir: Path, port: int, database_url: str = NO_DATABASE, *, kind: str = "pinging", alone: bool = True
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a launcher; afterwards nothing of it is left, however the test ended. Not `alone`: another runs on the same data."""
    with (data_dir / "stderr").open("ab") as errors:
        words = [sys.executable, "-m", "tests.system.fleet_actors", str(data_dir), str(port), database_url, kind]
        child = subprocess.Popen(words, cwd=ROOT, stderr=errors)
    try:
        yield child
    finally:
        if child.poll() is None:
            child.terminate()
            with suppress(subprocess.TimeoutExpired):
                child.wait(30)
        child.kill()
        child.wait()
        if alone:
            process.kill_recorded(data_dir / "run" / "fleet.pids")


@asynccontextmanager
async def fleet_of_stand_ins(
    data_dir: Path, port: int, kind: str = "pinging", devices: list[DeviceSpec] = DEVICES
) -> AsyncIterator[Stand]:
    """A fleet of six stand-ins, begun from the cache because there is no database."""
    write_cache(data_dir / "devices.json", devices, 0.0)
    with launcher(data_dir, port, kind=kind) as child:
        client = await FleetClient.open(load_settings(data_dir=data_dir))
        try:
            yield Stand(child, data_dir, client)
        finally:
            await client.close()


def kill(node: NodeView, number: signal.Signals = signal.SIGKILL) -> None:
    assert node.pid is not None
    os.kill(node.pid, number)
