"""One update to hundreds of WebSocket clients: through LICS (bus, hub, sockets), and through a reference server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import msgspec

from lics_actors.live.bus import LivePublisher
from lics_actors.live.messages import FLEET, NodeLive
from tests.benchmarks.errors import BenchError
from tests.benchmarks.live_clients import Settings
from tests.benchmarks.live_listener import Heard, Listener
from tests.benchmarks.live_references import Reference
from tests.benchmarks.processes import cpu_s
from tests.benchmarks.servers import Servers
from tests.benchmarks.viewers import Delivered, Viewers

UPDATE_BYTES: Final = 200
MARKER: Final = "update "
SAMPLE_S: Final = 10.0
TIME: Final = datetime(2026, 3, 1, 12, 0, 0, 123456, UTC)


@dataclass(frozen=True, slots=True)
class Side:
    """A server that is measured: what its clients are told to do, how it is fed, and which processes serve."""

    name: str
    clients: Settings
    publish: Callable[[int], None]
    pids: Sequence[int]


@dataclass(frozen=True, slots=True)
class Broadcast:
    """One round of one side. `cpu_us`: of the serving processes, a message."""

    delivered: Delivered
    cpu_us: float


async def broadcast(side: Side, clients: int, seconds: float, in_flight: int) -> Broadcast:
    """Have so many clients connect, feed updates as fast as they arrive, `in_flight` at once, and let the clients go.

    Raises:
        BenchError: they are not let in, or nothing arrives.
    """
    async with Viewers(side.clients, clients) as viewers:
        before = cpu_s(side.pids)
        delivered = await viewers.feed(side.publish, seconds, in_flight)
        spent = cpu_s(side.pids) - before
    return Broadcast(delivered, spent / max(1, delivered.messages) * 1e6)


def reference_side(name: str, server: Reference) -> Side:
    """Return a reference, fed with text of the same size and shape as LICS's."""

    def publish(number: int) -> None:
        text = f'{{"kind":"event","topic":"fleet","event":{{"node":"{MARKER}{number:07d}","pad":"'
        server.publish(text.ljust(UPDATE_BYTES - 3, "x") + '"}}')

    return Side(name, Settings(server.port, "/ws", MARKER), publish, (server.pid,))


@dataclass(slots=True)
class LicsFeed:
    """Updates on the fleet's topic, through the bus, as the fleet publishes them; padded to `UPDATE_BYTES` on the wire."""

    port: int
    token: str
    publisher: LivePublisher
    padding: int = 0
    _sizes: asyncio.Queue[int] = field(default_factory=asyncio.Queue)

    def publish(self, number: int) -> None:
        """Publish one; it is kept, so every client must get it."""
        self.publisher.publish(FLEET, NodeLive(f"{MARKER}{number:07d}", "bench", "x" * self.padding, TIME), keep=True)

    def side(self, pids: Sequence[int]) -> Side:
        """Return LICS as it is served by these processes."""
        auth, subscribe = {"kind": "auth", "token": self.token}, {"kind": "subscribe", "topics": [FLEET]}
        hello = tuple(msgspec.json.encode(word).decode() for word in (auth, subscribe))
        return Side("LICS", Settings(self.port, "/ws", MARKER, hello, greetings=2), self.publish, pids)  # ready, snapshot

    async def measure_padding(self) -> None:
        """Look how long an update without padding is, and pad the next ones.

        Raises:
            BenchError: none arrives.
        """
        listener = await Listener.open(self.port, self.token, [FLEET], self._look)
        try:
            self.padding = 0
            self.publish(0)
            async with asyncio.timeout(SAMPLE_S):
                self.padding = max(0, UPDATE_BYTES - await self._sizes.get())
        except TimeoutError:
            raise BenchError(f"an update that was published did not reach a WebSocket client within {SAMPLE_S:g} s") from None
        finally:
            listener.cut()

    def _look(self, heard: Heard, _at: float, size: int) -> None:
        if heard.event is not None and heard.event.type == "lics.bench":
            self._sizes.put_nowait(size)


@asynccontextmanager
async def lics_feed(servers: Servers, port: int, token: str) -> AsyncIterator[LicsFeed]:
    """Connect to the bus that LICS listens to."""
    publisher = LivePublisher(servers.redis_url, servers.broker.prefix)
    running = asyncio.create_task(publisher.run())
    try:
        feed = LicsFeed(port, token, publisher)
        await feed.measure_padding()
        yield feed
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
