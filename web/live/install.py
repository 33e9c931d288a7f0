"""The live view as part of the application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Final, cast

from quart import Quart

from config.settings import Settings
from lics_actors.access.rules import Ended
from lics_actors.live.reader import LiveReader
from web.access import Access
from web.backing import Backing
from web.live import endpoint
from web.live.bus import NoBus
from web.live.hub import Hub
from web.live.limits import Limits
from web.live.metrics import LiveMetrics
from web.metrics import METRICS

HUB: Final = "lics_live"


def install(app: Quart, settings: Settings, house: Backing, ways_in: Access, limits: Limits) -> None:
    """Serve `/ws` beside the routes, on the bus that `settings` names."""
    bus = LiveReader(settings.redis_url, settings.mqtt_topic_prefix) if settings.redis_url else NoBus()
    hub = Hub(house, bus, LiveMetrics(app.extensions[METRICS].registry), limits, ways_in.keeper.stands)
    app.extensions[HUB] = hub
    endpoint.install(app, hub, ways_in.keeper)

    def on_look(ended: Ended) -> None:
        hub.looked(moved=house.homes.take(ended))

    ways_in.endings.on_look = on_look

    async def hearing() -> AsyncGenerator[None, None]:
        task = asyncio.create_task(hub.run())
        yield
        hub.stop()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await bus.close()

    app.while_serving(hearing)


def hub_of(app: Quart) -> Hub:
    """Return the application's hub."""
    return cast("Hub", app.extensions[HUB])
