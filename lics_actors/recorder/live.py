"""The Recorder's part in the live bus: the tap on what arrives, and the end of the journals. The record never waits for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from lics_actors.live.bus import LivePublisher
from lics_actors.live.messages import ALARMS, alarm_live
from lics_actors.recorder.reader import Delivery
from lics_actors.recorder.routing import Routes
from lics_actors.recorder.tail import JournalTail
from lics_actors.recorder.tap import TICK_S, Tap
from lics_actors.store.alarm_states import Alarm

WATCH_S: Final = 0.25  # so late telemetry begins to flow to a new viewer
EVERY_S: Final = 0.002  # between two batches: 1,000 events/s cost 500 scripts, and none waits longer
AGAIN_S: Final = 5.0

log = logging.getLogger(__name__)


class LiveView:
    """What one Recorder shows. `journals`: the folder whose alarms and fleet events it tells of, None where another does."""

    def __init__(self, redis_url: str, prefix: str, routes: Callable[[], Routes], journals: Path | None) -> None:
        self._publisher = LivePublisher(redis_url, prefix, every_s=EVERY_S, watch_s=WATCH_S)
        self._tap = Tap(routes, self._publisher)
        self._journals = journals

    def beside(self, deliver: Callable[[Delivery], None]) -> Callable[[Delivery], None]:
        """Return a `deliver` that lets the tap hear, too."""
        hear = self._tap.hear

        def both(delivery: Delivery) -> None:
            deliver(delivery)
            hear(delivery.arrivals)

        return both

    def alarms(self, changed: Sequence[Alarm]) -> None:
        """Show alarms as the table has them now."""
        for alarm in changed:
            self._publisher.publish(ALARMS, alarm_live(alarm), keep=True)

    def stats(self) -> dict[str, float]:
        """Return what viewers missed: messages given up, and faults of the tap."""
        return {"live_messages_dropped": float(self._publisher.dropped), "live_faults": float(self._tap.faults)}

    async def run(self) -> None:
        """Show what happens until cancelled, whatever goes wrong."""
        while True:
            try:
                async with asyncio.TaskGroup() as works:
                    works.create_task(self._publisher.run())
                    works.create_task(self._tick())
                    if self._journals is not None:
                        works.create_task(JournalTail(self._journals, self._publisher.publish).run())
            except Exception:
                log.exception("the live view failed, to be tried again")
            await asyncio.sleep(AGAIN_S)

    async def _tick(self) -> None:
        while True:
            self._tap.tick()
            await asyncio.sleep(TICK_S)
