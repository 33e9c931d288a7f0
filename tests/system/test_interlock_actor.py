"""An interlock between two devices, as it runs: one actor, its own session on a real broker, its own journal, its own death.

LICS_TRIPS sets how many trips are timed (30).
"""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import aiomqtt
import msgspec
import pytest

from drivers.native import device_side
from drivers.native.codec import device_base
from drivers.native.simulator import SimulatedDevice, SimulatedDeviceSpec, Simulator
from drivers.protocol import PresenceState
from lics_actors.device.interlocks import SAFE_S
from lics_actors.device.messages import (
    BrokerSpec,
    DeviceActorSpec,
    DeviceSpec,
    InterlocksReset,
    RequestCommand,
    ResetInterlocks,
    RigPart,
    RoleSpec,
)
from lics_actors.errors import InterlockTrippedError, InvalidError
from lics_actors.journal import JournalReader, journal_path
from lics_actors.journal.doubt import doubt, doubted
from lics_actors.store.records import InterlockTripped
from tests.system.device_host import DeviceHost
from tests.waiting import PATIENCE_S, eventually

TRIPS = int(os.environ.get("LICS_TRIPS", "30"))
RIG, DOOR = UUID(int=77), UUID(int=78)


def guarded(folder: Path, broker: BrokerSpec) -> DeviceActorSpec:
    """Return a light that goes out when the door opens, whoever may be dead."""
    light = uuid4()
    roles = {"light": RoleSpec(light, "native", {}), "door": RoleSpec(DOOR, "native", {})}
    opened = {"name": "door", "when": {"event": "opened", "of": "door"}, "trip": [{"role": "light", "command": "switch_off"}]}
    part = RigPart(RIG, "cage 3", roles, ({**opened, "unknown": "hold"},))
    device = DeviceSpec(light, "light", "actuator", "native", {}, silent_s=30, rigs=(part,))
    return DeviceActorSpec(device, broker, str(folder / "journals"))


@pytest.fixture
async def host(data_dir: Path, broker: BrokerSpec, free_port: Callable[[], int]) -> AsyncIterator[DeviceHost]:
    async with DeviceHost(data_dir, free_port(), guarded(data_dir, broker)) as running:
        yield running


@pytest.fixture
async def light(host: DeviceHost, data_dir: Path) -> AsyncIterator[SimulatedDevice]:
    spec = SimulatedDeviceSpec(host.spec.device.device_id, "actuator", rate_hz=2.0)
    async with Simulator(host.spec.broker, [spec], data_dir / "simulator") as simulator:
        await simulator.online()
        await host.link("online")
        yield simulator.devices[0]


class Door:
    """The door, as far as it speaks."""

    def __init__(self, client: aiomqtt.Client, prefix: str) -> None:
        self._client, self._base, self._seq = client, device_base(prefix, DOOR), 0

    async def is_there(self) -> None:
        online = device_side.status_payload(PresenceState.ONLINE, 1, datetime.now(UTC))
        await self._client.publish(self._base + "status", online, qos=1, retain=True)

    async def tells(self, kind: str) -> None:
        payload = device_side.event_payload(1, self._seq, datetime.now(UTC), kind)
        self._seq += 1
        await self._client.publish(self._base + "events", payload, qos=1)


@asynccontextmanager
async def at_the_door(host: DeviceHost) -> AsyncIterator[Door]:
    broker = host.spec.broker
    async with aiomqtt.Client(broker.host, broker.port, timeout=PATIENCE_S) as client:
        door = Door(client, broker.prefix)
        await door.is_there()
        yield door


def wish(host: DeviceHost, name: str, **more: Any) -> RequestCommand:
    return RequestCommand(uuid4(), host.spec.device.device_id, name, {}, "user:1", 5.0, **more)


async def reset(host: DeviceHost, reason: str = "looked inside") -> Any:
    return await host.ask(ResetInterlocks(host.spec.device.device_id, RIG, "user:1", reason))


async def safety(host: DeviceHost, word: str) -> None:
    async def so() -> bool:
        return bool((await host.twin()).safety == word)

    await eventually(so, what=f"the light is {word}")


def is_on(light: SimulatedDevice) -> bool:
    return bool(light.body.model.metrics(None)["on"])  # type: ignore[arg-type]  # a switch throws no dice


async def test_a_device_that_tripped_under_another_host_stays_tripped_until_a_person_has_seen_to_it(
    host: DeviceHost, light: SimulatedDevice
) -> None:
    """What the host that takes over notes before it begins the actor: the latch itself is in a journal it does not have."""
    journal = journal_path(Path(host.spec.journal_dir), f"device-{host.spec.device.device_id}")
    await host.ask(wish(host, "switch_on"))
    doubt(journal)
    for _ in range(2):  # it is latched by now, and nobody doubts what is known
        await host.kill()
        await host.link("online")
        await safety(host, "tripped")
        assert not doubted(journal)
        await eventually(lambda: not is_on(light), what="the light is out")
        with pytest.raises(InterlockTrippedError):
            await host.ask(wish(host, "switch_on"))
    assert await reset(host) == InterlocksReset(host.spec.device.device_id, ("door",))
    await host.kill()
    await host.link("online")
    assert (await host.ask(wish(host, "switch_on"))).state == "succeeded"


async def test_a_trip_its_latch_over_death_and_its_reset(host: DeviceHost, light: SimulatedDevice) -> None:
    assert (await host.twin()).safety == "armed"
    await host.ask(wish(host, "switch_on"))
    assert is_on(light)
    async with at_the_door(host) as door:
        await door.tells("opened")
        await eventually(lambda: not is_on(light), what="the light is out")
    await safety(host, "tripped")
    with pytest.raises(InterlockTrippedError):
        await host.ask(wish(host, "switch_on"))
    assert (await host.ask(wish(host, "identify"))).state == "succeeded"

    await host.kill()
    await host.link("online")
    twin = await host.twin()
    assert (twin.safety, [each.interlock for each in twin.tripped]) == ("tripped", ["door"])
    with pytest.raises(InterlockTrippedError):
        await host.ask(wish(host, "switch_on"))
    with pytest.raises(InvalidError):
        await reset(host, "")
    assert await reset(host) == InterlocksReset(host.spec.device.device_id, ("door",))
    assert (await host.ask(wish(host, "switch_on"))).state == "succeeded"
    reader = JournalReader(journal_path(Path(host.spec.journal_dir), f"device-{host.spec.device.device_id}"))
    assert [record.why for _, record in reader.read(0, 100_000) if isinstance(record, InterlockTripped)] == ["door told opened"]
    reader.close()


async def test_what_happens_while_the_actor_is_dead_trips_when_it_is_back(host: DeviceHost, light: SimulatedDevice) -> None:
    async with at_the_door(host) as door:
        await host.ask(wish(host, "switch_on"))
        killed = asyncio.create_task(host.kill())
        for _ in range(20):  # some of them while nobody is there
            await door.tells("opened")
        await killed
        await eventually(lambda: not is_on(light), what="the light is out")
        await safety(host, "tripped")


async def test_a_rig_that_changes_reaches_a_running_actor(host: DeviceHost, light: SimulatedDevice) -> None:
    async with at_the_door(host) as door:
        await host.change(replace(host.spec.device, rigs=()))
        await safety(host, "safe")
        await door.tells("opened")
        await host.ask(wish(host, "switch_on"))
        await host.change(host.spec.device)
        await safety(host, "armed")

        async def out() -> bool:
            await door.tells("opened")
            return not is_on(light)

        await eventually(out, what="the door is heard again")


@pytest.mark.alone
async def test_how_long_a_trip_takes(host: DeviceHost, light: SimulatedDevice) -> None:
    """From before the sensor publishes its event to the safe command at the device, by way of broker, actor, fsync and broker."""
    topic = device_base(host.spec.broker.prefix, host.spec.device.device_id) + "commands"
    took: list[float] = []
    async with at_the_door(host) as door, aiomqtt.Client(host.spec.broker.host, host.spec.broker.port, timeout=PATIENCE_S) as ear:
        await ear.subscribe(topic, qos=1)
        messages = aiter(ear.messages)
        for _ in range(TRIPS):
            began, at = time.perf_counter(), datetime.now(UTC)
            telling = asyncio.create_task(door.tells("opened"))
            said = await asyncio.wait_for(_safe_command(messages, at), PATIENCE_S)
            took.append(time.perf_counter() - began)
            assert said["name"] == "switch_off"
            await telling
            await eventually(lambda: light.executions(UUID(said["id"])), what="the device has done it")  # noqa: B023
            assert await reset(host) == InterlocksReset(host.spec.device.device_id, ("door",))
    took.sort()
    p50, p99 = statistics.median(took), took[min(len(took) - 1, int(len(took) * 0.99))]
    print(f"trip over two devices, {TRIPS} times: p50 {p50 * 1e3:.2f} ms, p99 {p99 * 1e3:.2f} ms, worst {took[-1] * 1e3:.2f} ms")
    assert p50 < 0.5


async def _safe_command(messages: AsyncIterator[aiomqtt.Message], since: datetime) -> Any:
    """Return the next command that was made after `since`; repeats of earlier ones are passed over."""
    while True:
        payload = (await anext(messages)).payload
        assert isinstance(payload, bytes)
        said = msgspec.json.decode(payload)
        if datetime.fromisoformat(said["deadline"]) - timedelta(seconds=SAFE_S) >= since:
            return said
