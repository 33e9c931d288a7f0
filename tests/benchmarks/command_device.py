"""Every device of a bench at once, at next to no cost: answers a command with `succeeded`, and a repeat from its ledger.

Run as `python -m tests.benchmarks.command_device SETTINGS`; writes "ready" on stdout and,
after SIGTERM, one JSON object, `Ledger`.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import Counter
from datetime import UTC, datetime

import msgspec
import uvloop

from tests.benchmarks.reference.mqtt_client import Message, MqttClient, connect
from tests.benchmarks.saying import say


class Settings(msgspec.Struct):
    """The broker, and the prefixes under which devices are played."""

    host: str
    port: int
    prefixes: list[str]


class Order(msgspec.Struct):
    """What it needs to know of a command."""

    id: str


class Ledger(msgspec.Struct):
    """How often each command came. It was executed the first time."""

    came: dict[str, int]


class Devices:
    """All of them, on one connection."""

    def __init__(self) -> None:
        self._decode = msgspec.json.Decoder(Order).decode
        self.came: Counter[str] = Counter()
        self.client: MqttClient

    def obey(self, messages: list[Message]) -> None:
        """Execute, and say so."""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").encode()
        for topic, payload, packet_id in messages:
            command_id = self._decode(payload).id
            self.came[command_id] += 1
            said = b'{"id":"%s","state":"succeeded","ts":"%s","result":1.5,"ledger_seq":%d}'
            self.client.publish(topic + b"/ack", said % (command_id.encode(), now, len(self.came)))
            self.client.acknowledge((packet_id,))


async def main(settings: Settings) -> Ledger:
    """Obey until SIGTERM."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    devices = Devices()
    devices.client = await connect(settings.host, settings.port, f"devices-{os.getpid()}", devices.obey)
    await devices.client.subscribe(*(f"{prefix}devices/+/commands" for prefix in settings.prefixes))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await stop.wait()
    devices.client.close()
    return Ledger(dict(devices.came))


if __name__ == "__main__":
    say(uvloop.run(main(msgspec.json.decode(sys.argv[1], type=Settings))))
