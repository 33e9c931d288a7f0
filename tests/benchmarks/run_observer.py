"""Somebody beside the laboratory who hears events of devices and commands to them, and when; an outside MQTT client on loopback.

Run as `python -m tests.benchmarks.run_observer SETTINGS`; writes "ready" on stdout and, after
SIGTERM, one JSON object, `Observed`.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from typing import Any

import msgspec
import uvloop

from tests.benchmarks.reference.mqtt_client import Message, MqttClient, connect
from tests.benchmarks.saying import say

MOST = 2_000_000  # of each; a bench that hears more forgets what came then


class Settings(msgspec.Struct):
    """Where to listen."""

    host: str
    port: int
    prefix: str


class Observed(msgspec.Struct):
    """`events`: (µs, key) as they came, `key` as `event_key` makes it; `commands`: id → µs, of the first time."""

    events: list[tuple[int, str]] = []
    commands: dict[str, int] = {}


class _Event(msgspec.Struct):
    type: str
    data: dict[str, Any] = {}


class _Command(msgspec.Struct):
    id: str


_event, _command = msgspec.json.Decoder(_Event).decode, msgspec.json.Decoder(_Command).decode


def event_key(device_id: str, kind: str, data: dict[str, Any]) -> str:
    """Return by what an event of a device is known again."""
    return f"{device_id} {kind} {msgspec.json.encode(data, order='sorted').decode()}"


class Observer:
    """Notes what it hears."""

    def __init__(self) -> None:
        self.heard = Observed([], {})
        self.client: MqttClient

    def hear(self, messages: list[Message]) -> None:
        """Note these, all read from the socket at once."""
        now = time.perf_counter_ns() // 1000
        for topic, payload, _ in messages:
            device, _, leaf = topic.decode().rpartition("devices/")[2].partition("/")
            if leaf == "commands" and len(self.heard.commands) < MOST:
                self.heard.commands.setdefault(_command(payload).id, now)
            elif leaf == "events" and len(self.heard.events) < MOST:
                event = _event(payload)
                self.heard.events.append((now, event_key(device, event.type, event.data)))
        self.client.acknowledge([packet_id for _, _, packet_id in messages])


async def main(settings: Settings) -> Observed:
    """Listen until SIGTERM."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    observer = Observer()
    observer.client = await connect(settings.host, settings.port, f"observer-{os.getpid()}", observer.hear)
    await observer.client.subscribe(f"{settings.prefix}devices/+/events", f"{settings.prefix}devices/+/commands")
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await stop.wait()
    observer.client.close()
    return observer.heard


if __name__ == "__main__":
    say(uvloop.run(main(msgspec.json.decode(sys.argv[1], type=Settings))))
