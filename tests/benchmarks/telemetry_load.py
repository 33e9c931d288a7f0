"""Telemetry of many devices in the native payload at QoS 1: an open loop at a given rate, from one process of its own.

Run as `python -m tests.benchmarks.telemetry_load SETTINGS` (a JSON object, see `Settings`); prints one JSON object, `Sent`.
Connection c speaks for the devices c, c + connections, …; a connection's messages are acknowledged in order, so the number
of PUBACKs says which messages they were. `ts` is the moment of encoding; `late_…_ms` say how far that was behind the schedule.
SIGTERM ends it before its time.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import sys
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import uvloop

from tests.benchmarks.reference.mqtt_client import PACKET_IDS, MqttClient, connect, packet, text
from tests.benchmarks.saying import say

TICK_S = 0.002  # messages are written in small batches; a fiftieth of LICS's and the reference's own flush window
WINDOW_BYTES = 4 << 20  # sent and not acknowledged, of each connection
DRAIN_S = 30.0
SAMPLE_STEP = timedelta(milliseconds=1)
METRIC = "temperature"


class Settings(msgspec.Struct):
    """`rate_to` other than `rate` is a ramp: the rate goes evenly from one to the other."""

    host: str
    port: int
    prefix: str
    epoch: int
    devices: int
    rate: float
    seconds: float
    rate_to: float = 0.0
    samples: int = 1
    connections: int = 8
    first: int = 0


class Sent(msgspec.Struct):
    """What was sent, the last at `ended`. `per_device[k]` messages of device k were acknowledged: its seq from 0 on."""

    sent: int
    acked: int
    seconds: float
    ended: datetime
    per_device: list[int]
    late_p99_ms: float
    late_max_ms: float
    cpu_s: float


def device_id(number: int) -> UUID:
    """Return the id of a load's device."""
    return UUID(int=0x4C494353_0000_4000_8000_000000000000 + number)


class Connection:
    """One publisher of some devices."""

    def __init__(self, settings: Settings, number: int) -> None:
        self.devices = list(range(number, settings.devices, settings.connections))
        self._heads = [_head(settings, device) for device in self.devices]
        self._name = f"load-{os.getpid()}-{number}"
        self._size = len(self._heads[0]) + payload_bytes(settings) + 2 if self._heads else 1
        self._window = max(50, min(60_000, WINDOW_BYTES // self._size))
        self.sent = self.acked = 0
        self.client: MqttClient

    async def open(self, settings: Settings) -> None:
        """Connect."""
        self.client = await connect(settings.host, settings.port, self._name, on_acks=self._acknowledged)

    def _acknowledged(self, count: int) -> None:
        self.acked += count

    def send(self, count: int, body: Body) -> int:
        """Publish up to `count` messages, as many as the window has room for; return how many."""
        count = min(count, self._window - (self.sent - self.acked))
        if count <= 0:
            return 0
        heads, many = self._heads, len(self._heads)
        before, middle, after = body.parts
        pieces = []
        for n in range(self.sent, self.sent + count):
            seq = b"%9d" % (n // many)
            pieces += (heads[n % many], PACKET_IDS[n % 0xFFFF + 1], before, seq, middle, seq, after)
        self.client.transport.write(b"".join(pieces))
        self.sent += count
        return count


class Body:
    """The payload around its two numbers, of constant length: JSON allows the spaces that pad them."""

    def __init__(self, settings: Settings, now: datetime) -> None:
        before = b'{"epoch":%d,"seq":' % settings.epoch
        if settings.samples == 1:
            self.parts = before, b',"ts":"%s","metrics":{"%s":' % (_rfc3339(now), METRIC.encode()), b".25}}"
            return
        earlier = [(n, _rfc3339(now - SAMPLE_STEP * n)) for n in range(settings.samples - 1, 0, -1)]
        others = b"".join(b'{"ts":"%s","metrics":{"%s":%d.25}},' % (ts, METRIC.encode(), n) for n, ts in earlier)
        last = b'{"ts":"%s","metrics":{"%s":' % (_rfc3339(now), METRIC.encode())
        self.parts = before, b',"samples":[' + others + last, b".25}}]}"


def _rfc3339(moment: datetime) -> bytes:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ").encode()


def payload_bytes(settings: Settings) -> int:
    return sum(map(len, Body(settings, datetime.now(UTC)).parts)) + 18


def _head(settings: Settings, number: int) -> bytes:
    topic = text(f"{settings.prefix}devices/{device_id(settings.first + number)}/telemetry".encode())
    whole = packet(0x32, topic + bytes(2 + payload_bytes(settings)))
    return whole[: whole.index(topic) + len(topic)]


def due(settings: Settings, elapsed_s: float) -> int:
    """Return how many messages are due by then."""
    elapsed_s = min(elapsed_s, settings.seconds)
    slope = (settings.rate_to - settings.rate) / settings.seconds if settings.rate_to else 0.0
    return int(settings.rate * elapsed_s + slope * elapsed_s**2 / 2)


def shares(messages: int, devices: int) -> list[int]:
    """Return how many of a connection's first `messages` were each of its devices': they take turns."""
    return [(messages + devices - 1 - place) // devices for place in range(devices)]


async def play(settings: Settings) -> Sent:
    """Send, and wait until all of it is acknowledged."""
    connections = [Connection(settings, number) for number in range(min(settings.connections, settings.devices))]
    await asyncio.gather(*(connection.open(settings) for connection in connections))
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    began, used, sent, late = time.perf_counter(), time.process_time(), 0, []
    turns = itertools.cycle(range(len(connections)))
    while (elapsed := time.perf_counter() - began) < settings.seconds and not stop.is_set():
        wanted = due(settings, elapsed)
        late.append(_lateness(settings, sent, elapsed))
        sent += _share(connections, wanted - sent, next(turns), Body(settings, datetime.now(UTC)))
        await asyncio.sleep(max(0.0, TICK_S - (time.perf_counter() - began - elapsed)))
    seconds, ended = time.perf_counter() - began, datetime.now(UTC)
    until = time.perf_counter() + DRAIN_S
    while any(each.acked < each.sent for each in connections) and time.perf_counter() < until:  # noqa: ASYNC110 - an event
        await asyncio.sleep(0.01)  # would have to be looked after at every PUBACK
    per_device = [0] * settings.devices
    for each in connections:
        each.client.close()
        for number, count in zip(each.devices, shares(each.acked, len(each.devices)), strict=True):
            per_device[number] = count
    late.sort()
    p99 = late[int(len(late) * 0.99)] if late else 0.0
    acked = sum(each.acked for each in connections)
    return Sent(sent, acked, seconds, ended, per_device, p99 * 1e3, max(late, default=0.0) * 1e3, time.process_time() - used)


def _lateness(settings: Settings, sent: int, elapsed_s: float) -> float:
    """Return for how long the next message has been due."""
    rate = max(1.0, due(settings, elapsed_s) / elapsed_s if elapsed_s else settings.rate)
    return max(0.0, (due(settings, elapsed_s) - sent) / rate)


def _share(connections: list[Connection], count: int, first: int, body: Body) -> int:
    """Spread `count` messages over the connections, another one first each time."""
    many = len(connections)
    return (
        sum(connections[(first + turn) % many].send(count // many + (turn < count % many), body) for turn in range(many))
        if count > 0
        else 0
    )


if __name__ == "__main__":
    say(uvloop.run(play(msgspec.json.decode(sys.argv[1], type=Settings))))
