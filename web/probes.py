"""How the services that LICS stands on are asked whether they are there."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlsplit

import aiomqtt
from redis.asyncio import Redis

from config.settings import Settings
from web.health import PROBE_S, Probe, Probes

MQTT_PORT: Final = 1883  # IANA
MQTTS_PORT: Final = 8883


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
    host, port, tls = broker_endpoint(settings.mqtt_broker_url, settings.mqtt_broker_port)
    password = settings.mqtt_password.get_secret_value() if settings.mqtt_password else None

    async def ask() -> None:
        client = aiomqtt.Client(
            host,
            port,
            username=settings.mqtt_username,
            password=password,
            tls_context=_tls(settings) if tls else None,
            timeout=PROBE_S,
        )
        async with client:
            pass

    return ask


def _tls(settings: Settings) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=settings.mqtt_ca_file)
    if settings.mqtt_cert_file is not None:
        context.load_cert_chain(settings.mqtt_cert_file, settings.mqtt_key_file)
    return context


def broker_endpoint(url: str, port: int | None) -> tuple[str, int, bool]:
    """Return host, port and whether TLS is spoken, of a host name or `mqtt[s]://host[:port]`."""
    parts = urlsplit(url if "://" in url else f"mqtt://{url}")
    tls = parts.scheme in {"mqtts", "ssl", "tls"}
    return parts.hostname or "127.0.0.1", parts.port or port or (MQTTS_PORT if tls else MQTT_PORT), tls
