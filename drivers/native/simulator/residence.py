"""A simulated subject at home: it watches its cage's devices obey, and touches and licks them. It outlives their boots."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from uuid import UUID

from drivers.native.simulator.device import SimulatedDevice
from drivers.native.subject import Deed, Mind, SubjectModel
from drivers.protocol import JsonObject

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SubjectSpec:
    """Somebody to live at `devices`, all simulated here. `speed`: so many times faster than a rodent."""

    name: str
    devices: tuple[UUID, ...]
    model: SubjectModel = "ideal"
    speed: float = 1.0


class Resident:
    """One subject in its cage. `acts`: how many of its touches and licks a device has taken."""

    def __init__(self, spec: SubjectSpec, devices: Sequence[SimulatedDevice], dice: Random) -> None:
        self.spec, self.acts = spec, 0
        self._devices = tuple(devices)
        self._mind = Mind(spec.model, dice, spec.speed)
        self._changed = asyncio.Event()
        for device in self._devices:
            device.inhabit(self._notice)

    async def live(self) -> None:
        """Do what comes to its mind, until cancelled."""
        while True:
            self._changed.clear()
            deed = self._mind.next_deed()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), None if deed is None else deed.after_s)
                continue  # something has changed: it thinks again
            if deed is not None:
                self._do(deed)

    def _notice(self, command: str, args: JsonObject) -> None:
        if self._mind.notice(command, args):
            self._changed.set()

    def _do(self, deed: Deed) -> None:
        self._mind.did(deed)
        if deed.act != "look":
            taken = sum(device.feel(deed.act, deed.data) for device in self._devices)
            self.acts += taken
            log.debug("a simulated subject acts", extra={"subject": self.spec.name, "act": deed.act, "taken": taken})
