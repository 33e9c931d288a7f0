"""The desk of what subjects are given, as a part of the application, and its rounds while the application serves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Final, cast

from quart import Quart, current_app

from config.settings import Settings
from lics_actors.alarm_desk import AlarmDesk
from lics_actors.audit import AuditLog
from lics_actors.store.repository import Repository
from lics_actors.welfare_desk import WelfareDesk
from lics_actors.welfare_rounds import RunSteering, WelfareRounds
from web.alarms import DESK as ALARM_DESK

DESK: Final = "lics_welfare_desk"


def install(app: Quart, repository: Repository, fleet: RunSteering, audit: AuditLog, settings: Settings) -> None:
    """Let the application keep what subjects are given, renew what runs may give, and raise alarms (after web.alarms)."""
    app.extensions[DESK] = WelfareDesk(repository, audit, settings)
    rounds = WelfareRounds(repository, fleet, settings, cast("AlarmDesk", app.extensions[ALARM_DESK]).tell)

    async def going_round() -> AsyncGenerator[None, None]:
        task = asyncio.create_task(rounds.run())
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    app.while_serving(going_round)


def welfare_desk() -> WelfareDesk:
    """Return the desk of the application being asked."""
    return cast("WelfareDesk", current_app.extensions[DESK])
