"""The live view for a test: the application under Hypercorn in the test's own loop, a bus to speak on, clients to listen with."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self
from uuid import UUID

from quart import Quart
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from config.settings import Settings
from lics_actors.device.messages import Admin, Health, Link, Safety
from lics_actors.live.messages import DeviceLive, EventLive, TelemetryLive, device_topic
from lics_actors.live.publisher import LivePublisher
from lics_actors.store.repository import Repository
from tests.unit.web.fleet_stub import FleetStub
from tests.waiting import PATIENCE_S, eventually
from web.app import create_app
from web.live.hub import Hub
from web.live.install import hub_of
from web.live.limits import Limits
from web.serve import listen, serve_app

TOKEN = "only-for-tests-on-loopback-0123456789"
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


@dataclass
class Viewer:
    """A client of the WebSocket."""

    socket: ClientConnection
    seen: list[dict[str, Any]] = field(default_factory=list)

    async def say(self, **message: Any) -> None:
        """Send a message."""
        await self.socket.send(json.dumps(message))

    async def hear(self) -> dict[str, Any]:
        """Return the next message."""
        async with asyncio.timeout(PATIENCE_S):
            message: dict[str, Any] = json.loads(await self.socket.recv())
        self.seen.append(message)
        return message

    async def until(self, kind: str, **wanted: Any) -> dict[str, Any]:
        """Return the next message of a kind with those fields; what comes before it is passed over, but seen."""
        while True:
            message = await self.hear()
            if message["kind"] == kind and all(message.get(name) == value for name, value in wanted.items()):
                return message

    async def sign_in(self, token: str = TOKEN) -> Self:
        """Say who it is, and be let in."""
        await self.say(kind="auth", token=token)
        await self.until("ready")
        return self

    async def subscribe(self, *topics: str, **more: Any) -> dict[str, Any]:
        """Subscribe, and return the last topic's snapshot."""
        await self.say(kind="subscribe", topics=topics, **more)
        snapshots = {message["topic"]: message for message in [await self.until("snapshot") for _ in topics]}
        return snapshots[topics[-1]]

    async def close_code(self) -> int:
        """Return the code that the server closes with; what it says before is passed over, but seen."""
        async with asyncio.timeout(PATIENCE_S):
            with suppress(ConnectionClosed):
                while True:
                    self.seen.append(json.loads(await self.socket.recv()))
        assert self.socket.close_code is not None
        return self.socket.close_code


@dataclass
class LiveWeb:
    """A web worker in this loop."""

    app: Quart
    fleet: FleetStub
    repository: Repository
    port: int
    bus: LivePublisher
    stopping: asyncio.Event
    stack: AsyncExitStack
    redis_url: str

    @property
    def hub(self) -> Hub:
        """Return the worker's hub."""
        return hub_of(self.app)

    async def connect(self, path: str = "/ws", **more: Any) -> Viewer:
        """Return a connection that has said nothing."""
        address = f"ws://127.0.0.1:{self.port}{path}"
        return Viewer(await self.stack.enter_async_context(connect(address, max_size=None, proxy=None, **more)))

    async def viewer(self, path: str = "/ws", **more: Any) -> Viewer:
        """Return a connection that is let in."""
        return await (await self.connect(path, **more)).sign_in()

    def tell_device(self, device_id: UUID, link: Link = Link.ONLINE, topics: tuple[str, ...] = ()) -> None:
        """Say on the bus how a device is."""
        message = DeviceLive(
            device_id, link, Health.OK, Safety.SAFE, Admin.ENABLED, link.value, 3, None, datetime.now(UTC), datetime.now(UTC)
        )
        for topic in topics or (device_topic(device_id), "fleet"):
            self.bus.publish(topic, message, keep=True)

    def tell_event(self, device_id: UUID, seq: int, kind: str = "lick") -> None:
        """Say on the bus that something happened."""
        self.bus.publish(device_topic(device_id), EventLive(device_id, NOW, kind, {"seq": seq}, 3, seq), keep=True)

    def tell_values(self, device_id: UUID, seq: int, **metrics: float) -> None:
        """Say new values on the bus."""
        self.bus.publish(device_topic(device_id), TelemetryLive(device_id, NOW, 3, seq, metrics), keep=False)


@asynccontextmanager
async def live_web(
    data_dir: Path, database_url: str, redis_url: str | None, limits: Limits | None = None, prefix: str = ""
) -> AsyncIterator[LiveWeb]:
    """Serve, on any free port, until the end."""
    settings = Settings(
        _env_file=None,
        data_dir=data_dir,
        admin_token=TOKEN,
        redis_url=redis_url,
        mqtt_broker_url=None,
        mqtt_topic_prefix=prefix,
    )
    repository = await Repository.connect(database_url)
    fleet = FleetStub()
    app = create_app(settings, fleet, repository, limits)
    listener = listen("127.0.0.1", 0, "LICS_PORT")
    port, stopping = listener.port, asyncio.Event()
    bus = LivePublisher(redis_url or "redis://127.0.0.1:1/0", settings.mqtt_topic_prefix)
    async with AsyncExitStack() as stack:
        serving = asyncio.create_task(serve_app(stopping, app, listener))
        speaking = asyncio.create_task(bus.run())
        web = LiveWeb(app, fleet, repository, port, bus, stopping, stack, redis_url or "")
        if redis_url is not None:
            await eventually(lambda: web.hub.hears, PATIENCE_S, "the hub hears the bus")
        try:
            yield web
        finally:
            stopping.set()
            web.hub.stop()
            speaking.cancel()
            await asyncio.gather(serving, speaking, return_exceptions=True)
            await repository.close()
