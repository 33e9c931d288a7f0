"""The rounds of welfare, from within the fleet: they go on whether or not a web server runs."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from lics_actors.client import FleetClient
from lics_actors.errors import LicsError
from lics_actors.fleet.messages import HousekeeperSpec
from lics_actors.housekeeping import plan
from lics_actors.live.bus import LivePublisher
from lics_actors.live.messages import ALARMS, alarm_live
from lics_actors.store.alarm_states import Alarm
from lics_actors.store.repository import Repository
from lics_actors.welfare_rounds import WelfareRounds

log = logging.getLogger(__name__)


async def go_rounds(spec: HousekeeperSpec) -> None:
    """Go the rounds until cancelled; nothing ends them, and they hold nobody else up. Nobody is told where there is no fleet."""
    if spec.run_dir is None:
        return
    client = await FleetClient.within(Path(spec.run_dir), spec.host)
    publisher = None if spec.redis_url is None else LivePublisher(spec.redis_url, spec.prefix)
    publishing = None if publisher is None else asyncio.create_task(publisher.run())

    def tell(alarms: Sequence[Alarm]) -> None:
        for alarm in alarms if publisher is not None else ():
            assert publisher is not None
            publisher.publish(ALARMS, alarm_live(alarm), True)

    try:
        repository = await _connected(spec.database_url)
        try:
            await WelfareRounds(repository, client, spec.calendar, tell).run()
        finally:
            await repository.close()
    finally:
        if publishing is not None:
            publishing.cancel()
            with suppress(asyncio.CancelledError):
                await publishing
        await client.close()


async def _connected(database_url: str) -> Repository:
    failures = 0
    while True:
        try:
            return await Repository.connect(database_url, pool_size=1, max_overflow=0)
        except LicsError as error:
            failures += 1
            log.info("the rounds of welfare wait", extra={"reason": error.message})
            await asyncio.sleep(plan.retry_s(failures, random.random()))  # noqa: S311 - spreads attempts, guards nothing
