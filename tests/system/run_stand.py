"""A fleet and a simulated cage for runs: real processes, no database, no web; the subject is the test, or a simulated one."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from config.settings import load_settings
from drivers.native.simulator import SimulatedDeviceSpec, Simulator
from drivers.native.simulator.residence import Resident, SubjectSpec
from lics_actors.client import FleetClient
from lics_actors.device.messages import BrokerSpec, DeviceSpec, RigSpec, RoleSpec
from lics_actors.experiment.library import protocol_of
from lics_actors.experiment.messages import SendCommand
from lics_actors.fleet.cache import write_cache
from lics_actors.fleet.messages import NodeView
from lics_actors.journal import JournalReader, journal_path
from lics_actors.run.messages import RunView
from lics_actors.run.orders import RunOrder, run_node
from lics_actors.runtime import process
from lics_actors.store.run_records import RunOpened, RunReacted, RunRecord, RunStepped
from tests.waiting import eventually

NO_DATABASE = "postgres://nobody:x@127.0.0.1:1/none"
LABORATORY = UUID(int=1)
ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Cage:
    """Simulated devices by role, all of one rig."""

    roles: Mapping[str, UUID]
    types: Mapping[str, str]
    rig_id: UUID = field(default_factory=uuid4)

    def specs(self) -> list[DeviceSpec]:
        return [DeviceSpec(each, f"{role} of the cage", self.types[role], "native", {}) for role, each in self.roles.items()]

    def role_specs(self) -> dict[str, RoleSpec]:
        return {role: RoleSpec(each, "native", {}) for role, each in self.roles.items()}


def a_cage(**types: str) -> Cage:
    return Cage({role: uuid4() for role in types}, types)


@dataclass
class RunStand:
    """A fleet, its client, and simulated cages."""

    data_dir: Path
    environment: dict[str, str]
    cages: list[Cage]
    simulator: Simulator
    client: FleetClient
    fleet: subprocess.Popen[bytes] | None = None

    def start_fleet(self) -> None:
        with (self.data_dir / "fleet.out").open("ab") as output:
            words = [sys.executable, "-m", "lics_actors", "fleet", "run"]
            self.fleet = subprocess.Popen(words, cwd=self.data_dir, env=self.environment, stdout=output, stderr=output)

    async def stop_fleet(self, number: signal.Signals = signal.SIGTERM) -> None:
        assert self.fleet is not None
        self.fleet.send_signal(number)
        await asyncio.to_thread(self.fleet.wait, 20)
        self.fleet = None

    def order(self, cage: Cage, protocol: str, **changes: Any) -> RunOrder:
        document = protocol_of(protocol).model_dump(mode="json", by_alias=True, exclude_none=True)
        limits = changes.pop("limits", None)
        if limits:
            document["limits"] = {**document["limits"], **limits}
        for name, value in changes.pop("changed", {}).items():
            document[name] = {**document[name], **value} if isinstance(value, dict) else value
        fields: dict[str, Any] = {
            "run_id": uuid4(),
            "laboratory_id": LABORATORY,
            "rig_id": cage.rig_id,
            "rig": "cage 1",
            "protocol_version_id": uuid4(),
            "document": document,
            "roles": cage.role_specs(),
            "seed": 7,
            "principal": "user:1",
            "ordered_at": datetime.now(UTC),
            "rehearsed": True,
        }
        return RunOrder(**(fields | changes))

    async def begin(self, order: RunOrder) -> UUID:
        await self.client.start_run(order)
        return order.run_id

    async def view(self, run_id: UUID) -> RunView:
        return await self.client.run(run_id)

    async def phase(self, run_id: UUID, *phases: str, timeout_s: float = 60.0) -> RunView:
        """Wait until a run that goes on is in one of these phases."""

        async def is_so() -> RunView | None:
            view = await self.view(run_id)
            return view if view.phase in phases else None

        return await eventually(is_so, timeout_s, f"the run is {' or '.join(phases)}")

    async def ended(self, run_id: UUID, timeout_s: float = 60.0) -> str:
        """Wait until a run is over and forgotten; return the phase it ended in."""

        async def is_so() -> bool:
            return run_id not in await self.client.runs()

        await eventually(is_so, timeout_s, "the run is over")
        return self.phases(run_id)[-1]

    async def node(self, run_id: UUID) -> NodeView:
        """Return the node of a run's actor, once it runs."""

        async def found() -> NodeView | None:
            nodes = [await self.client.tree()]
            while nodes:
                node = nodes.pop()
                nodes += node.children
                if node.name == run_node(run_id) and node.pid is not None:
                    return node
            return None

        return await eventually(found, 60.0, "the run's actor runs")

    def records(self, run_id: UUID) -> list[RunRecord]:
        reader = JournalReader(journal_path(self.data_dir / "journals", f"run-{run_id}"))
        try:
            kinds = RunOpened | RunStepped | RunReacted
            return [record for _, record in reader.read(0, 1_000_000) if isinstance(record, kinds)]
        finally:
            reader.close()

    def effects(self, run_id: UUID, kind: type[Any]) -> list[Any]:
        steps = [each for each in self.records(run_id) if isinstance(each, RunStepped)]
        return [effect for step in steps for effect in step.effects if isinstance(effect, kind)]

    def phases(self, run_id: UUID) -> list[str]:
        from lics_actors.experiment.messages import PhaseChanged

        return [each.phase for each in self.effects(run_id, PhaseChanged)]

    def rewards(self, run_id: UUID) -> list[SendCommand]:
        return [each for each in self.effects(run_id, SendCommand) if each.reward is not None]

    def touch(self, cage: Cage, times: int = 1, role: str = "panel", **data: Any) -> None:
        device = self.simulator.device(cage.roles[role])
        for _ in range(times):
            device.feel("touch", {"x": 1, "y": 1, "image": None, **data})

    @asynccontextmanager
    async def subject(self, cage: Cage, speed: float = 20.0) -> AsyncIterator[Resident]:
        """Let somebody live in a cage."""
        from random import Random

        spec = SubjectSpec("rat", tuple(cage.roles.values()), "ideal", speed)
        resident = Resident(spec, [self.simulator.device(each) for each in spec.devices], Random(1))
        life = asyncio.create_task(resident.live())
        try:
            yield resident
        finally:
            life.cancel()
            await asyncio.wait([life])


@asynccontextmanager
async def run_stand(
    data_dir: Path,
    broker: BrokerSpec,
    free_port: Callable[[], int],
    *cages: Cage,
    rigs: tuple[RigSpec, ...] = (),
    database_url: str = NO_DATABASE,
) -> AsyncIterator[RunStand]:
    """A fleet with these cages, all of whose devices are online; a database, if any, knows them."""
    devices = [spec for cage in cages for spec in cage.specs()]
    write_cache(data_dir / "devices.json", devices, 0.0, rigs)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("LICS_", "MQTT_", "DATABASE_", "REDIS_"))},
        "DATABASE_URL": database_url,
        "MQTT_BROKER_URL": broker.host,
        "MQTT_BROKER_PORT": str(broker.port),
        "MQTT_TOPIC_PREFIX": broker.prefix,
        "LICS_DATA_DIR": str(data_dir),
        "LICS_FLEET_PORT": str(free_port()),
        "PYTHONPATH": str(ROOT),
    }
    simulated = [SimulatedDeviceSpec(each.device_id, each.type, each.name, rate_hz=0.0) for each in devices]
    async with Simulator(broker, simulated, data_dir / "simulator") as simulator:
        await simulator.online()
        client = await FleetClient.open(load_settings(data_dir=data_dir))
        stand = RunStand(data_dir, environment, list(cages), simulator, client)
        stand.start_fleet()
        try:
            await eventually(lambda: _all_online(client, devices), 60.0, "every device's actor says that it is online")
            yield stand
        except BaseException:
            sys.stderr.write((data_dir / "fleet.out").read_text(errors="replace")[-8000:])
            raise
        finally:
            await client.close()
            if stand.fleet is not None:
                await stand.stop_fleet()
            process.kill_recorded(data_dir / "run" / "fleet.pids")


async def _all_online(client: FleetClient, devices: list[DeviceSpec]) -> bool:
    twins = await asyncio.gather(*(client.twin(each.device_id) for each in devices))
    return all(twin.status in {"online", "armed"} for twin in twins)
