"""The mqtt_io driver against the program itself: it decodes what mqtt-io really publishes and drives its outputs.

mqtt-io's own modules that need no hardware: `stdio` GPIO for outputs (it prints what it sets), `mock` GPIO for an input
(always high) and the `mock` sensor (always 1).
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiomqtt

from drivers.mqtt_io.codec import MQTT_IO
from drivers.protocol import (
    AckState,
    CommandAcked,
    Decoded,
    DeviceRef,
    EventReported,
    OutgoingCommand,
    PresenceReported,
    PresenceState,
    Received,
    TelemetryReported,
)
from lics_actors.device.messages import BrokerSpec
from tests.system.mqtt_io_daemon import SETTINGS, mqtt_io
from tests.waiting import eventually, wait_until


class Ear:
    """Hears a device as DeviceActor and Recorder would, through the driver."""

    def __init__(self, client: aiomqtt.Client, device: DeviceRef) -> None:
        self.client, self.device = client, device
        self.heard: list[Decoded] = []
        self.position = 0

    async def listen(self) -> None:
        async for message in self.client.messages:
            assert isinstance(message.payload, bytes)
            self.position += 1
            received = Received(message.topic.value, message.payload, datetime.now(UTC), self.position, message.retain)
            self.heard += MQTT_IO.decode(self.device, received)  # a DecodeError ends the test

    def all(self, kind: type[Any]) -> list[Any]:
        return [each for each in self.heard if isinstance(each, kind)]

    def latest(self, metric: str) -> float | None:
        values = [s.metrics[metric] for t in self.all(TelemetryReported) for s in t.samples if metric in s.metrics]
        return values[-1] if values else None

    def presence(self) -> PresenceState | None:
        said = self.all(PresenceReported)
        return said[-1].state if said else None

    async def send(self, name: str, **args: Any) -> str | None:
        command = OutgoingCommand(uuid4(), name, args, datetime.now(UTC) + timedelta(seconds=5))
        for each in MQTT_IO.encode(self.device, command):
            await self.client.publish(each.topic, each.payload, qos=each.qos)
        return MQTT_IO.echo_of(self.device, command)


@asynccontextmanager
async def ear(broker: BrokerSpec) -> AsyncIterator[Ear]:
    device = DeviceRef(uuid4(), SETTINGS, broker.prefix)
    async with aiomqtt.Client(broker.host, broker.port) as client:
        listener = Ear(client, device)
        await client.subscribe([(each.filter, each.qos) for each in MQTT_IO.subscriptions(device)])
        task = asyncio.create_task(listener.listen())
        try:
            yield listener
            assert not task.done(), task.exception()
        finally:
            task.cancel()


async def obedient(listener: Ear) -> None:
    """Wait until mqtt-io hears commands: it says `running` before it subscribes, and what comes in between is lost."""

    async def confirmed() -> bool:
        echo = await listener.send("set_output", output="valve", on=True)
        return echoed(listener, echo) is not None

    await eventually(confirmed)
    last = await listener.send("set_output", output="valve", on=False)
    await eventually(lambda: listener.latest("valve") == 0.0 and echoed(listener, last))


async def test_what_mqtt_io_publishes_is_understood(broker: BrokerSpec, data_dir: Path) -> None:
    async with ear(broker) as listener:
        with mqtt_io(broker, data_dir):
            await eventually(lambda: listener.presence() is PresenceState.ONLINE)
            await eventually(lambda: listener.latest("nest_c") == 1.0)
            await eventually(lambda: listener.latest("lever") == 1.0)
            door = await eventually(lambda: listener.all(EventReported))
            assert (door[0].type, door[0].data, door[0].epoch) == ("door", {"on": True}, 0)
            numbers = [each.seq for each in listener.all(TelemetryReported)]
            assert numbers == sorted(set(numbers))  # the position of arrival: no two rows collide


async def test_an_output_is_driven_and_its_echo_confirms_it(broker: BrokerSpec, data_dir: Path) -> None:
    async with ear(broker) as listener:
        with mqtt_io(broker, data_dir):
            await obedient(listener)
            for output, pin in (("valve", 3), ("light", 4)):
                for on in (True, False):
                    listener.heard.clear()
                    expected = await listener.send("set_output", output=output, on=on)
                    acked = await eventually(lambda expected=expected: echoed(listener, expected))
                    assert (acked.command_id, acked.state) == (None, AckState.SUCCEEDED)
                    assert acked.result == {"output": output, "on": on} and listener.latest(output) == float(on)
                    printed = f"set_pin(pin={pin}, value={on})"
                    wait_until(lambda printed=printed: printed in (data_dir / "printed").read_text())


def echoed(listener: Ear, echo: str | None) -> CommandAcked | None:
    return next((each for each in listener.all(CommandAcked) if each.echo == echo), None)


async def test_a_pulse_is_encoded_as_mqtt_io_expects_it(broker: BrokerSpec, data_dir: Path) -> None:
    async with ear(broker) as listener:
        with mqtt_io(broker, data_dir):
            await obedient(listener)
            listener.heard.clear()
            assert await listener.send("pulse_output", output="light", duration_ms=1500) is None
            on = await eventually(lambda: echoed(listener, "output/light=on"))
            off = await eventually(lambda: echoed(listener, "output/light=off"))
            assert off.time - on.time >= timedelta(seconds=0.1)


async def test_a_retained_state_confirms_no_command(broker: BrokerSpec, data_dir: Path) -> None:
    with mqtt_io(broker, data_dir):
        async with ear(broker) as first:
            await obedient(first)
            expected = await first.send("set_output", output="light", on=True)  # `light` is retained
            await eventually(lambda: echoed(first, expected))
        async with ear(broker) as late:
            await eventually(lambda: late.presence() is PresenceState.ONLINE)
            await eventually(lambda: late.latest("nest_c") == 1.0)
            assert late.all(CommandAcked) == [] and late.latest("light") is None


async def test_its_end_is_seen_whether_orderly_or_not(broker: BrokerSpec, data_dir: Path) -> None:
    async with ear(broker) as listener:
        for number, reason in ((signal.SIGTERM, "stopped"), (signal.SIGKILL, "dead")):
            with mqtt_io(broker, data_dir) as process:
                await eventually(lambda: listener.presence() is PresenceState.ONLINE)
                process.send_signal(number)
                await eventually(lambda: listener.presence() is PresenceState.OFFLINE)
                assert listener.all(PresenceReported)[-1].reason == reason
