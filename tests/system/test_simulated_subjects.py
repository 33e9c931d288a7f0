"""A simulated subject on a real broker: it answers what its cage is told, and goes on after reboots."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import aiomqtt
import msgspec

from drivers.native.codec import NATIVE
from drivers.native.simulator import SimulatedDevice, SimulatedDeviceSpec, Simulator, SubjectSpec
from drivers.native.subject import SubjectModel
from drivers.protocol import DeviceRef, OutgoingCommand
from lics_actors.device.messages import BrokerSpec
from tests.waiting import eventually

SPEED = 20.0


class Cage:
    """A pump, a screen, and whoever lives there; `events`: (type, data) in order."""

    def __init__(self, client: aiomqtt.Client, prefix: str, simulator: Simulator) -> None:
        self._client, self._prefix, self.simulator = client, prefix, simulator
        self.events: list[tuple[str, dict[str, Any]]] = []

    @property
    def screen(self) -> SimulatedDevice:
        return self.simulator.devices[1]

    async def listen(self) -> None:
        async for message in self._client.messages:
            assert isinstance(message.payload, bytes)
            said = msgspec.json.decode(message.payload)
            self.events.append((said["type"], said.get("data", {})))

    async def tell(self, device: SimulatedDevice, name: str, **args: Any) -> None:
        """Command a device, and wait until it has done so."""
        command = OutgoingCommand(uuid4(), name, args, datetime.now(UTC) + timedelta(seconds=10))
        for each in NATIVE.encode(DeviceRef(device.spec.device_id, {}, self._prefix), command):
            await self._client.publish(each.topic, each.payload, qos=1)
        await eventually(lambda: (entry := device.entry(command.command_id)) is not None and entry.state == "succeeded")

    def touches(self) -> list[dict[str, Any]]:
        return [data for kind, data in self.events if kind == "touch"]


@asynccontextmanager
async def cage(broker: BrokerSpec, model: SubjectModel = "ideal") -> AsyncIterator[Cage]:
    ids: tuple[UUID, UUID] = (uuid4(), uuid4())
    specs = [SimulatedDeviceSpec(each, kind, kind, 0) for each, kind in zip(ids, ("pump", "lickometer"), strict=True)]
    async with aiomqtt.Client(broker.host, broker.port) as client:
        for each in ids:
            await client.subscribe(f"{broker.prefix}devices/{each}/events", qos=1)
        async with Simulator(broker, specs, subjects=[SubjectSpec("mouse", ids, model, SPEED)]) as simulator:
            await simulator.online()
            made = Cage(client, broker.prefix, simulator)
            listening = asyncio.create_task(made.listen())
            try:
                yield made
            finally:
                listening.cancel()


async def test_it_answers_the_screen_drinks_and_counts(broker: BrokerSpec) -> None:
    async with cage(broker) as home:
        await home.tell(home.screen, "show_image", image="ask_right")
        await eventually(lambda: len(home.touches()) >= 2)
        asked = [each for each in home.touches() if each["image"] == "ask_right"]
        assert asked and all(each["x"] >= 400 for each in asked)
        await home.tell(home.screen, "clear_screen")
        before = home.screen.body.model.metrics(home.screen._dice)["licks_total"]
        await home.tell(home.simulator.devices[0], "dispense", volume_ul=5.0)
        await eventually(lambda: sum(kind == "lick" for kind, _ in home.events) >= 3)
        assert home.screen.body.model.metrics(home.screen._dice)["licks_total"] >= before + 3
        assert home.simulator.residents[0].acts >= 5


async def test_it_outlives_a_reboot_and_a_hang_of_its_devices(broker: BrokerSpec) -> None:
    async with cage(broker) as home:
        await home.tell(home.screen, "show_image", image="ask_left")
        await eventually(home.touches)
        await home.screen.power_off()
        acts = home.simulator.residents[0].acts
        assert not home.screen.feel("touch", {"x": 1, "y": 1, "image": None})  # nobody is there to feel it
        await home.screen.power_on()
        await home.screen.online()
        home.screen.freeze()
        assert not home.screen.feel("touch", {"x": 1, "y": 1, "image": None})
        home.screen.thaw()
        await eventually(lambda: home.simulator.residents[0].acts > acts)
        heard = len(home.touches())
        await home.tell(home.screen, "show_image", image="ask_right")
        await eventually(lambda: [each for each in home.touches()[heard:] if each["image"] == "ask_right"])


async def test_who_is_to_hold_still_does(broker: BrokerSpec) -> None:
    async with cage(broker) as home:
        await home.tell(home.screen, "show_image", image="nogo")
        await home.tell(home.simulator.devices[0], "identify", seconds=1)
        licked = len(home.events)
        await home.tell(home.screen, "show_image", image="go")
        await eventually(lambda: len(home.events) > licked)
        assert home.events[licked][0] == "lick"
