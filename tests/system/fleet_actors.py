"""A whole fleet with tiny leaves: `python -m tests.system.fleet_actors DATA_DIR PORT DATABASE_URL KIND`. Runs until SIGTERM."""

from __future__ import annotations

import asyncio
import ctypes
import logging
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from thespian.actors import Actor, ActorAddress

from config.settings import load_settings
from lics_actors.device.messages import (
    AskTwin,
    ChangeDeviceSpec,
    DeviceActorSpec,
    DeviceTwin,
    Health,
    Link,
    RequestCommand,
    Safety,
)
from lics_actors.errors import LicsError
from lics_actors.fleet.actor import FleetSupervisor
from lics_actors.fleet.messages import FleetSpec
from lics_actors.fleet.rack import RackSupervisor
from lics_actors.logs import configure
from lics_actors.runtime.actor import LeafActor
from lics_actors.supervision.specs import Policy, Strategy
from lics_actors.system import run_fleet

# A deadline longer than a busy machine may forget a process for: who is slow is not hung.
QUICK = Policy(backoff_s=0.1, ping_every_s=0.3, ping_deadline_s=3.5, healthy_s=1000)


LONG_S = 600.0
log = logging.getLogger(__name__)


def _spin() -> None:
    while True:
        pass


class StandInDevice(LeafActor):
    """Answers AskTwin; the twin's `reason` is its pid, its `epoch` the number of specifications it was given."""

    def begin(self, spec: object) -> None:
        assert isinstance(spec, DeviceActorSpec)
        if spec.device.settings.get("fails"):
            raise RuntimeError("as its settings say")
        self.device, self.told = spec.device, 1
        self.diary = Path(spec.journal_dir).parent / "diary"
        self._note("begins")
        self.hoard: list[object] = []
        self.fail = asyncio.Event()
        if spec.device.settings.get("hoards"):
            self.hoard.append(os.urandom(64 * 1024**2))
        self.start_loop()

    async def run(self) -> None:
        await self.fail.wait()
        raise RuntimeError("as it was told")

    def stop(self, reason: str) -> None:
        self._note("stops")
        super().stop(reason)

    def _note(self, what: str) -> None:
        """Write down what happens to whom, in order over all processes."""
        with self.diary.open("a") as diary:
            diary.write(f"{self.device.name} {what}\n")

    def state_word(self) -> str:
        return self.device.name

    def on_message(self, message: object, sender: ActorAddress) -> None:
        match message:
            case ChangeDeviceSpec(device=device):
                self.device, self.told = device, self.told + 1
            case _:
                super().on_message(message, sender)

    def on_request(self, body: object, reply: Callable[[object], None]) -> None:
        match body:
            case AskTwin(device_id=device_id) if device_id == self.device.device_id:
                reply(self._twin())
            case RequestCommand(name="refuse"):
                raise LicsError("refused")
            case RequestCommand(name="block_thread"):
                time.sleep(LONG_S)
            case RequestCommand(name="block_loop"):
                self.in_loop(time.sleep, LONG_S)
            case RequestCommand(name="hoard_memory"):
                self.hoard.append(os.urandom(64 * 1024**2))
            case RequestCommand(name="hoard_files"):
                self.hoard.append([os.open("/dev/null", os.O_RDONLY) for _ in range(64)])
            case RequestCommand(name="segfault"):
                ctypes.string_at(0)
            case RequestCommand(name="fail_in_loop"):
                log.warning("about to fail", extra={"password": "s3cret", "url": "redis://me:s3cret@host"})
                self.in_loop(self.fail.set)
            case RequestCommand(name="spin_loop"):
                self.in_loop(_spin)
            case _:
                super().on_request(body, reply)

    def _twin(self) -> DeviceTwin:
        return DeviceTwin(
            device_id=self.device.device_id,
            link=Link.ONLINE,
            health=Health.OK,
            safety=Safety.SAFE,
            admin=self.device.admin,
            epoch=self.told,
            incarnation=self.incarnation,
            since=datetime.now(UTC),
            last_seen=None,
            reason=str(os.getpid()),
            description=None,
            metrics={},
            queued_commands=0,
            rejected_payloads=0,
        )


class StandInRecorder(LeafActor):
    """Counts the devices it was told of, in its word of state."""

    def begin(self, spec: object) -> None:
        self.known = "none"

    def on_message(self, message: object, sender: ActorAddress) -> None:
        self.known = str(len(message.devices))  # type: ignore[attr-defined]

    def state_word(self) -> str:
        return self.known


class StandInRack(RackSupervisor):
    """A rack of stand-ins."""

    policy: ClassVar[Policy] = QUICK

    def child_class(self, name: str) -> type[Actor]:
        return StandInDevice


class BeatingRack(StandInRack):
    """A rack that pings nobody: what it knows it knows from heartbeats, as often as in earnest."""

    policy: ClassVar[Policy] = replace(QUICK, ping_every_s=None)


class StandInFleet(FleetSupervisor):
    """The real root over racks of stand-ins, four to a rack."""

    policy: ClassVar[Policy] = QUICK

    def begin(self, spec: object) -> None:
        assert isinstance(spec, FleetSpec)
        super().begin(replace(spec, rack_size=4))

    def child_class(self, name: str) -> type[Actor]:
        if name == "recorder":
            return StandInRecorder
        return StandInRack if name.startswith("rack") else super().child_class(name)


class BeatingFleet(StandInFleet):
    """A fleet of such racks."""

    policy: ClassVar[Policy] = BeatingRack.policy

    def child_class(self, name: str) -> type[Actor]:
        return BeatingRack if name.startswith("rack") else super().child_class(name)


class CountingRack(StandInRack):
    """A rack that looks at what its devices hold every second and a half."""

    policy: ClassVar[Policy] = replace(QUICK, ping_every_s=None, look_every_s=0.1)


class CountingFleet(StandInFleet):
    """A fleet of such racks, whose devices may hold little."""

    def begin(self, spec: object) -> None:
        assert isinstance(spec, FleetSpec)
        super().begin(replace(spec, actor_memory_bytes=48 * 1024**2, actor_files=64))

    def child_class(self, name: str) -> type[Actor]:
        return CountingRack if name.startswith("rack") else super().child_class(name)


class ChainedRack(StandInRack):
    """A rack whose later devices depend on the earlier ones."""

    policy: ClassVar[Policy] = replace(QUICK, strategy=Strategy.REST_FOR_ONE)


class ChainedFleet(StandInFleet):
    """A fleet of such racks."""

    def child_class(self, name: str) -> type[Actor]:
        return ChainedRack if name.startswith("rack") else super().child_class(name)


FLEETS = {"pinging": StandInFleet, "beating": BeatingFleet, "counting": CountingFleet, "chained": ChainedFleet}


def main() -> int:
    """Run it."""
    data_dir, port, database_url, kind = sys.argv[1:]
    settings = load_settings(
        data_dir=Path(data_dir), fleet_port=int(port), database_url=database_url, mqtt_broker_url="127.0.0.1", log_level="INFO"
    )
    configure(settings, "fleet")
    return run_fleet(settings, FLEETS[kind])


if __name__ == "__main__":
    # As a module of its own name, so that the actors' processes find the classes where they are.
    import tests.system.fleet_actors as this

    raise SystemExit(this.main())
