"""How the services that LICS stands on are asked whether they are there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import aiomqtt
from redis.asyncio import Redis

from config.settings import Settings
from lics_actors.broker import broker_spec, tls_context
from web.health import PROBE_S, Probe, Probes


def probes(settings: Settings, database: Callable[[], Awaitable[float]], fleet: Callable[[], Awaitable[float]]) -> Probes:
    """Return the probes of an installation."""
    return Probes(database=database, fleet=fleet, redis=_redis(settings), mqtt=_mqtt(settings))


def _redis(settings: Settings) -> Probe | None:
    if settings.redis_url is None:
        return None
    url = settings.redis_url

    async def ask() -> None:
        async with Redis.from_url(url, socket_timeout=PROBE_S, socket_connect_timeout=PROBE_S) as redis:
            await redis.ping()

    return ask


def _mqtt(settings: Settings) -> Probe | None:
    if settings.mqtt_broker_url is None:
        return None
    broker = broker_spec(settings)

    async def ask() -> None:
        client = aiomqtt.Client(
            broker.host,
            broker.port,
            username=broker.username,
            password=broker.password,
            tls_context=tls_context(broker),
            timeout=PROBE_S,
        )
        async with client:
            pass

    return ask
