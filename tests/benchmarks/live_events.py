"""The way of an event from a device's publish to a WebSocket client, timed by one clock and audited one by one.

The devices speak over one MQTT connection and the clients listen in the same process, so sending and arrival share a clock; what
this process itself takes for both is part of every figure.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from drivers.native.device_side import event_payload
from lics_actors.device.messages import BrokerSpec
from tests.benchmarks.errors import BenchError
from tests.benchmarks.figures import Audit
from tests.benchmarks.live_listener import Heard, Listener
from tests.benchmarks.reference.mqtt_client import MqttClient, connect

EVENT: Final = "bench"
EPOCH: Final = 1
CLIENTS: Final = 10  # each listens to as many devices as the others
AWAY_S: Final = 0.5  # how long a client is gone in each round
ARRIVE_S: Final = 10.0
PAUSE_S: Final = 0.001
Key = tuple[str, int]  # device, seq


@dataclass(slots=True)
class Speakers:
    """All devices of a bench as far as their events go. `sent`: when each was handed to the socket, `time.perf_counter()`."""

    broker: BrokerSpec
    devices: Sequence[UUID]
    sent: dict[Key, float] = field(default_factory=dict)
    acknowledged: int = 0
    _turn: int = 0
    _client: MqttClient | None = None

    async def open(self) -> None:
        """Connect."""
        self._client = await connect(self.broker.host, self.broker.port, "bench-events", on_acks=self._acked)

    def close(self) -> None:
        """Disconnect."""
        if self._client is not None:
            self._client.close()

    def speak(self) -> None:
        """Have the next device in turn publish an event."""
        assert self._client is not None
        number, seq = self._turn % len(self.devices), self._turn // len(self.devices)
        self._turn += 1
        device = str(self.devices[number])
        payload = event_payload(EPOCH, seq, datetime.now(UTC), EVENT, {"number": self._turn})
        topic = f"{self.broker.prefix}devices/{device}/events".encode()
        self.sent[device, seq] = time.perf_counter()
        self._client.publish(topic, payload)

    async def at_rate(self, per_s: float, seconds: float) -> None:
        """Publish evenly, whatever becomes of it."""
        began, count = time.perf_counter(), 0
        while (elapsed := time.perf_counter() - began) < seconds:
            for _ in range(int(elapsed * per_s) + 1 - count):
                self.speak()
                count += 1
            await asyncio.sleep(PAUSE_S)

    async def now_and_then(self, per_s: float, seconds: float) -> None:
        """Publish single events, unevenly, so that none meets another or a timer's beat."""
        dice, until = random.Random(1), time.perf_counter() + seconds
        while time.perf_counter() < until:
            self.speak()
            await asyncio.sleep(dice.uniform(0.5, 1.5) / per_s)

    def _acked(self, count: int) -> None:
        self.acknowledged += count


@dataclass(slots=True)
class Ear:
    """One client of some devices. `times`: how long each event took, in seconds; not of those it had to ask for again."""

    port: int
    token: str
    devices: Sequence[UUID]
    sent: dict[Key, float]
    heard: Counter[Key] = field(default_factory=Counter)
    times: list[float] = field(default_factory=list)
    disorder: int = 0
    gaps: int = 0
    missed: Counter[Key] = field(default_factory=Counter)
    _back_at: float = 0.0
    _listener: Listener | None = None

    async def listen(self, after: dict[str, int] | None = None) -> None:
        """Connect and subscribe."""
        topics = [f"device:{device}" for device in self.devices]
        self._listener = await Listener.open(self.port, self.token, topics, self._take, after)

    async def fall_out(self) -> Audit:
        """Break the connection, stay away, resume; return what became of what was said meanwhile."""
        assert self._listener is not None
        before, last = set(self.heard), dict(self._listener.last)
        self.leave()
        await asyncio.sleep(AWAY_S)  # not synchronisation: how long somebody is away
        self._back_at, self.missed = time.perf_counter(), Counter()
        mine = {str(device) for device in self.devices}
        expected = {key for key, at in self.sent.items() if key[0] in mine and at < self._back_at} - before
        await self.listen(last)
        await patiently(lambda: expected <= set(self.heard))
        found = Counter({key: count for key, count in self.missed.items() if key in expected or key in before})
        return audit("events missed by a cut connection, resumed with `after`", expected, found)

    def leave(self) -> None:
        """Cut the connection."""
        if self._listener is not None:
            self.disorder += self._listener.disorder
            self.gaps += self._listener.gaps
            self._listener.cut()
            self._listener = None

    def _take(self, heard: Heard, at: float, _size: int) -> None:
        event = heard.event
        if event is None or event.type != EVENT or event.device_id is None or event.seq is None:
            return
        key = event.device_id, event.seq
        self.heard[key] += 1
        sent = self.sent.get(key, 0.0)
        if sent >= self._back_at:
            self.times.append(at - sent)
        else:
            self.missed[key] += 1


@dataclass(frozen=True, slots=True)
class Times:
    """Of one stretch, in seconds."""

    p50_s: float
    p99_s: float
    events: int


@dataclass(slots=True)
class EventWay:
    """All devices and all clients: `async with EventWay(…)`, then `idle` and `loaded` as often as wanted, then `audits`."""

    broker: BrokerSpec
    port: int
    token: str
    devices: Sequence[UUID]
    speakers: Speakers = field(init=False)
    ears: list[Ear] = field(init=False)
    resumed: list[Audit] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.speakers = Speakers(self.broker, self.devices)
        clients = min(CLIENTS, len(self.devices))
        parts = [self.devices[n::clients] for n in range(clients)]
        self.ears = [Ear(self.port, self.token, part, self.speakers.sent) for part in parts]

    async def __aenter__(self) -> EventWay:
        await self.speakers.open()
        for ear in self.ears:
            await ear.listen()
        return self

    async def __aexit__(self, *_error: object) -> None:
        for ear in self.ears:
            ear.leave()
        self.speakers.close()

    async def idle(self, seconds: float, per_s: float = 20.0) -> Times:
        """Time single events."""
        await self.speakers.now_and_then(per_s, min(1.0, seconds))  # the first ones find caches cold
        await patiently(self._all_there)
        return await self._collect(lambda: self.speakers.now_and_then(per_s, seconds))

    async def loaded(self, seconds: float, per_s: float) -> Times:
        """Time events at a rate, while one client after the other falls out for a moment."""
        falling = self.ears[len(self.resumed) % len(self.ears)]

        async def stretch() -> None:
            async with asyncio.TaskGroup() as both:
                both.create_task(self.speakers.at_rate(per_s, seconds))
                await asyncio.sleep(seconds / 3)
                self.resumed.append(await falling.fall_out())

        return await self._collect(stretch)

    def audits(self) -> list[Audit]:
        """Return what became of all events."""
        heard = sum((ear.heard for ear in self.ears), Counter[Key]())
        messages = heard.total()
        disorder = sum(ear.disorder + (ear._listener.disorder if ear._listener else 0) for ear in self.ears)
        return [
            audit("device events → WebSocket clients", set(self.speakers.sent), heard),
            Audit("`n` strictly increasing per topic", messages, messages, 0, disorder),
            *self.resumed,
        ]

    async def _collect(self, stretch: Callable[[], Awaitable[None]]) -> Times:
        for ear in self.ears:
            ear.times.clear()
        await stretch()
        await patiently(self._all_there)
        times = sorted(each for ear in self.ears for each in ear.times)
        if not times:
            raise BenchError("no event reached any WebSocket client")
        return Times(times[len(times) // 2], times[int(len(times) * 0.99)], len(times))

    def _all_there(self) -> bool:
        return sum(len(ear.heard) for ear in self.ears) == len(self.speakers.sent)


async def patiently(is_so: Callable[[], bool]) -> None:
    """Wait until it is so, or until it will not be any more: then the audit says what is missing."""
    with suppress(TimeoutError):
        async with asyncio.timeout(ARRIVE_S):
            while not is_so():  # noqa: ASYNC110 - what is looked at is a set of what came, and nobody's to signal
                await asyncio.sleep(0.02)


def audit(case: str, expected: set[Key], heard: Counter[Key]) -> Audit:
    """Return which of the expected came, and came once."""
    found = expected & set(heard)
    doubled = sum(count - 1 for count in heard.values()) + len(set(heard) - expected)
    return Audit(case, len(expected), len(found), len(expected - found), doubled)
