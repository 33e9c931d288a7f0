"""The desk where people act on alarms, as a part of the application, and what Prometheus is told of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import suppress
from typing import Final, cast

from prometheus_client.core import GaugeMetricFamily, Metric
from quart import Quart, current_app

from config.settings import Settings
from lics_actors.access.laboratories import Laboratories
from lics_actors.alarm_desk import AlarmDesk
from lics_actors.audit import AuditLog
from lics_actors.errors import LicsError
from lics_actors.live.bus import LivePublisher
from lics_actors.store.alarm_states import PRIORITIES, AlarmCounts
from lics_actors.store.repository import Repository
from web.metrics import RefreshedCollector

DESK: Final = "lics_alarm_desk"
METRICS: Final = "lics_alarm_metrics"
KEPT_S: Final = 2.0
ASK_S: Final = 1.0


class AlarmMetrics(RefreshedCollector):
    """How many alarms there are; nothing while no table answers: an old number would be a lie."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._counts: AlarmCounts | None = None
        self._asked: float | None = None
        self._asking = asyncio.Lock()

    async def refresh(self) -> AlarmCounts | None:
        """Count them, unless that was done just now; None while the database is away."""
        async with self._asking:
            if self._asked is None or time.monotonic() - self._asked >= KEPT_S:
                try:
                    async with asyncio.timeout(ASK_S):
                        self._counts = await self._repository.alarm_counts()
                except (LicsError, TimeoutError):
                    self._counts = None
                self._asked = time.monotonic()
            return self._counts

    async def of(self, laboratories: Laboratories) -> AlarmCounts | None:
        """Count those of laboratories, and everybody's; None while the database is away."""
        try:
            async with asyncio.timeout(ASK_S):
                return await self._repository.alarm_counts(laboratories)
        except (LicsError, TimeoutError):
            return None

    def collect(self) -> Iterator[Metric]:
        """Yield the figures as last counted."""
        counts = self._counts
        if counts is None:
            return
        active = GaugeMetricFamily(
            "lics_alarms_active", "alarms whose condition stands, without shelved ones", labels=["severity"]
        )
        for severity in dict.fromkeys((*PRIORITIES, *counts.active)):
            active.add_metric([severity], counts.active.get(severity, 0))
        yield active
        meaning = "open alarms that nobody has acknowledged, without shelved ones"
        yield GaugeMetricFamily("lics_alarms_unacknowledged", meaning, value=counts.unacknowledged)
        yield GaugeMetricFamily("lics_alarms_shelved", "open alarms that are shelved", value=counts.shelved)


def install(app: Quart, settings: Settings, repository: Repository, audit: AuditLog, metrics: AlarmMetrics) -> None:
    """Let the application act on alarms, tell screens of it over the bus that `settings` names, and watch the shelves."""
    publisher = LivePublisher(settings.redis_url, settings.mqtt_topic_prefix) if settings.redis_url else None
    desk = app.extensions[DESK] = AlarmDesk(repository, audit, publisher.publish if publisher else None)

    app.extensions[METRICS] = metrics

    async def working() -> AsyncGenerator[None, None]:
        tasks = [asyncio.create_task(desk.run())]
        if publisher is not None:
            tasks.append(asyncio.create_task(publisher.run()))
        yield
        for task in tasks:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks)

    app.while_serving(working)


async def alarm_counts(laboratories: Laboratories = None) -> AlarmCounts | None:
    """Return how many alarms there are, as of a moment ago, or of these laboratories; None while the database is away."""
    metrics = cast("AlarmMetrics", current_app.extensions[METRICS])
    return await (metrics.refresh() if laboratories is None else metrics.of(laboratories))


def alarm_desk() -> AlarmDesk:
    """Return the desk of the application being asked."""
    return cast("AlarmDesk", current_app.extensions[DESK])
