"""Keeping the devices of a run: reserved as long as it lives, and looked at all the time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final
from uuid import UUID

from lics_actors.device.messages import DeviceTwin, FreeDevice, KeepDevice
from lics_actors.errors import ConflictError, LicsError
from lics_actors.run.dispatch import Actors
from lics_actors.run.orders import RunOrder, aside, run_principal
from lics_actors.run.standing import GRACE_S, Standings, Trouble, trouble_of

WATCH_S: Final = 25.0  # so often a reservation is renewed; a reservation lasts for four of them (device/reserving.py)
RETRY_S: Final = 0.2
ANSWER_S: Final = 3.0
FREE_S: Final = 1.0

log = logging.getLogger(__name__)


class Keeper:
    """One run's. `changed` is called, in the loop's thread, whenever a device stands otherwise, or has for long enough."""

    def __init__(self, order: RunOrder, actors: Actors, standings: Standings, changed: Callable[[], None]) -> None:
        self._run_id, self._laboratory_id = order.run_id, order.laboratory_id
        self._actors, self._standings, self._changed = actors, standings, changed
        self._devices: dict[UUID, list[str]] = {}
        players = dict(order.roles) | {aside(place): each for place, each in order.besides.items()}
        for role, each in players.items():
            self._devices.setdefault(each.device_id, []).append(role)
        self.twins: dict[str, DeviceTwin] = {}  # by role, as last heard

    async def run(self) -> None:
        """Keep them, for ever."""
        async with asyncio.TaskGroup() as group:
            for device_id in self._devices:
                group.create_task(self._keep(device_id))

    async def free(self) -> None:
        """Let them go. One that does not hear it is free when the reservation has run out."""
        wishes = (self._actors.ask_device(each, FreeDevice(each, self._run_id), bool, FREE_S) for each in self._devices)
        for outcome in await asyncio.gather(*wishes, return_exceptions=True):
            if isinstance(outcome, BaseException):
                log.warning("a device was not let go", extra={"run": str(self._run_id), "reason": str(outcome)})

    def stand(self, role: str, trouble: Trouble | None) -> None:
        """Take how one stands, and look again when what may pass has lasted."""
        loop = asyncio.get_running_loop()
        if self._standings.stand(role, trouble, loop.time()):
            self._changed()
            if trouble is not None and trouble.lasting:
                loop.call_later(GRACE_S + 0.01, self._changed)

    async def _keep(self, device_id: UUID) -> None:
        seen = ""
        while True:
            wait_s = WATCH_S if seen else 0.0
            wish = KeepDevice(device_id, self._run_id, run_principal(self._run_id), seen, wait_s, self._laboratory_id)
            try:
                twin = await self._actors.ask_device(device_id, wish, DeviceTwin, wait_s + ANSWER_S)
            except LicsError as error:
                seen = ""
                self._in_trouble(device_id, error)
                await asyncio.sleep(RETRY_S)
                continue
            self._heard(device_id, twin)
            seen = twin.standing if twin.description is not None else ""
            if not seen:
                await asyncio.sleep(RETRY_S)

    def _heard(self, device_id: UUID, twin: DeviceTwin) -> None:
        trouble = trouble_of(twin)
        if trouble is None and twin.description is None:
            trouble = Trouble("has not yet said what it can do", lasting=True)
        for role in self._devices[device_id]:
            self.twins[role] = twin
            self._standings.words[role] = twin.status
            self.stand(role, trouble)

    def _in_trouble(self, device_id: UUID, error: LicsError) -> None:
        refused = isinstance(error, ConflictError)
        trouble = Trouble(error.message if refused else "has no actor just now", lasting=not refused, taken=refused)
        for role in self._devices[device_id]:
            self._standings.words[role] = "reserved" if refused else "unknown"
            self.stand(role, trouble)
