"""Looks for commands that another host accepted and lost, and says whose they are: see adoption.py."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Collection
from uuid import UUID

from lics_actors.errors import LicsError
from lics_actors.hosts.adoption import Adoption
from lics_actors.hosts.messages import CommandsLeft
from lics_actors.store.repository import Repository

EVERY_S = 2.0

log = logging.getLogger(__name__)


async def look_for_commands(
    repository: Repository, devices: Callable[[], Collection[UUID]], found: Callable[[CommandsLeft], None]
) -> None:
    """Look again and again, until cancelled; `found` hears of each device's commands that are to be seen through here."""
    adoption = Adoption()
    while True:
        await asyncio.sleep(EVERY_S)
        try:
            overdue = {command.command_id: command for command in await repository.overdue_commands(devices())}
        except LicsError:
            continue  # the heartbeats say so
        steps = [(command_id, len(command.steps)) for command_id, command in overdue.items()]
        adoption, due = adoption.look(steps, time.monotonic())
        by_device: dict[UUID, list[object]] = defaultdict(list)
        for command_id in due:
            by_device[overdue[command_id].device_id].append(overdue[command_id])
        for device_id, commands in by_device.items():
            log.info("another host's commands are taken over", extra={"device": str(device_id), "commands": len(commands)})
            found(CommandsLeft(device_id, tuple(commands)))
