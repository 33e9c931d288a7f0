"""Hearing RFID readers: a session of its own at the broker, and of what is said there the tags."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from drivers.errors import UnknownDriverError
from lics_actors.device.messages import BrokerSpec, RoleSpec
from lics_actors.device.session import DeviceSession, Heard, MessageArrived
from lics_actors.run.hearing import Ears
from lics_actors.schedule.messages import TagRead

EVENT: Final = "tag"  # what a reader says, with the tag in `tag`
SESSION: Final = UUID("b8d2c1de-3a37-4c1c-8a53-64a2f2c0a7f5")  # stands where a device's session has its device
MAX_TAG: Final = 100

log = logging.getLogger(__name__)


class Readers:
    """Listens to those readers that it was told last. What was read while nobody listened begins nothing: the animal has gone."""

    def __init__(self, broker: BrokerSpec, tell: Callable[[TagRead], None]) -> None:
        self._broker, self._tell = broker, tell
        self._specs: Mapping[UUID, RoleSpec] = {}
        self._ears: Ears | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def heard(self) -> frozenset[UUID]:
        """Return the readers that are listened to."""
        return frozenset(self._specs)

    async def listen(self, specs: Sequence[RoleSpec]) -> None:
        """Listen to these readers from now on, and to no others."""
        wanted = {each.device_id: each for each in specs}
        if wanted == self._specs:
            return
        await self.close()
        ears = self._hearing(wanted)
        if ears is None or not ears.filters:
            return
        self._specs, self._ears = wanted, ears
        name = f"{self._broker.prefix}lics-scheduler"
        session = DeviceSession(self._broker, SESSION, ears.filters, self._arrived, identifier=name, clean=True)
        self._task = asyncio.create_task(session.run())

    async def close(self) -> None:
        """Listen to nobody."""
        task, self._task = self._task, None
        self._specs, self._ears = {}, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def _hearing(self, specs: Mapping[UUID, RoleSpec]) -> Ears | None:
        wanted = frozenset(f"event:{each}.{EVENT}" for each in specs)
        try:
            return Ears({str(each): spec for each, spec in specs.items()}, self._broker.prefix, wanted)
        except (UnknownDriverError, ValueError) as error:
            log.error("an RFID reader cannot be listened to", extra={"reason": str(error)})
            return None

    def _arrived(self, heard: Heard) -> None:
        if not isinstance(heard, MessageArrived) or self._ears is None:
            return
        for said in self._ears.heard(heard.received, 0.0):
            tag = getattr(said, "data", {}).get(EVENT)
            if isinstance(tag, str) and 0 < len(tag) <= MAX_TAG:
                self._tell(TagRead(datetime.now(UTC), UUID(said.role), tag))
