"""Whether what LICS stands on answers, and what it costs the laboratory when it does not."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import aiomqtt
from redis.exceptions import RedisError

from lics_actors.errors import LicsError
from web.patience import within
from web.schemas.health import HealthView, ServiceHealth, Services, ServiceState, Wellness

log = logging.getLogger(__name__)

PROBE_S: Final = 1.0  # a service that takes longer is of no use to a request either
AWAY: Final = (LicsError, OSError, TimeoutError, aiomqtt.MqttError, RedisError)
KEPT_S: Final = 1.0  # a burst of probes asks each service once
COST: Final[Mapping[str, str]] = {
    "database": "Devices run and nothing is lost: records wait on the host's disk. No history, no changes to devices.",
    "redis": "The live view pauses; devices can be steered, nothing recorded is touched, and viewers catch up when it is back.",
    "mqtt": "No device can be heard or commanded; devices keep what they buffer themselves.",
    "fleet": "No device can be commanded, and nothing is recorded until the fleet is back; the broker keeps what it can.",
}
UNHEALTHY_WITHOUT: Final = frozenset({"mqtt", "fleet"})

Probe = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Probes:
    """How each service is asked; None where none is configured. A probe raises when its service is away."""

    database: Probe
    fleet: Probe
    redis: Probe | None
    mqtt: Probe | None


class HealthWatch:
    """Asks all services at once and keeps the answer for a moment."""

    def __init__(self, probes: Probes) -> None:
        self._probes = probes
        self._kept: tuple[float, HealthView] | None = None
        self._asking = asyncio.Lock()
        self._away: set[str] = set()
        self._unanswered: dict[str, asyncio.Future[object]] = {}  # who hangs is not asked again before

    async def view(self) -> HealthView:
        """Return how LICS is, at most KEPT_S old."""
        async with self._asking:
            if self._kept is not None and time.monotonic() - self._kept[0] < KEPT_S:
                return self._kept[1]
            probes = self._probes
            database, fleet, redis, mqtt = await asyncio.gather(
                self._ask("database", probes.database),
                self._ask("fleet", probes.fleet),
                self._ask("redis", probes.redis),
                self._ask("mqtt", probes.mqtt),
            )
            services = Services(database=database, redis=redis, mqtt=mqtt, fleet=fleet)
            view = HealthView(status=wellness(services), timestamp=datetime.now(UTC), services=services)
            self._kept = time.monotonic(), view
            return view

    async def _ask(self, name: str, probe: Probe | None) -> ServiceHealth:
        if probe is None:
            return ServiceHealth(state=ServiceState.UNCONFIGURED, cost=COST[name])
        began = time.perf_counter()
        try:
            await self._answer(name, probe)
        except AWAY as error:
            if name not in self._away:
                self._away.add(name)
                log.warning("a service does not answer", extra={"service": name, "error": repr(error)})
            return ServiceHealth(state=ServiceState.DOWN, cost=COST[name])
        if name in self._away:
            self._away.discard(name)
            log.info("a service answers again", extra={"service": name})
        return ServiceHealth(state=ServiceState.UP, latency_ms=round((time.perf_counter() - began) * 1000, 2))

    async def _answer(self, name: str, probe: Probe) -> None:
        """Return when the service has answered.

        Raises:
            TimeoutError: it has not within PROBE_S, or still not since it was asked the last time.
        """
        before = self._unanswered.get(name)
        if before is not None and not before.done():
            raise TimeoutError("has not answered since it was asked the last time")
        asked = self._unanswered[name] = asyncio.ensure_future(probe())
        await within(PROBE_S, asked)


def wellness(services: Services) -> Wellness:
    """Return the one word for the state of the services. Pure."""
    away = {name for name, service in services if service.state is not ServiceState.UP}
    if away & UNHEALTHY_WITHOUT:
        return Wellness.UNHEALTHY
    return Wellness.DEGRADED if away else Wellness.HEALTHY
