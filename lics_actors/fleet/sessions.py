"""Discards the sessions that retired devices' actors leave at the broker: else it would collect messages for them for ever."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from uuid import UUID

from lics_actors.device.messages import Admin, BrokerSpec
from lics_actors.device.session import client_id
from lics_actors.errors import DeviceNotFoundError, LicsError
from lics_actors.fleet.farewells import Farewells
from lics_actors.sessions import discard_session

log = logging.getLogger(__name__)

RETRY_S, RETRY_MAX_S = 1.0, 60.0  # while the broker or the database is away

AskAdmin = Callable[[UUID], Awaitable[Admin]]


class SessionKeeper:
    """Knows, in a file, whose sessions there are. Belongs to one loop, as does all of it.

    Only what the database says is retired is discarded: a device that somebody else runs now keeps its session.
    """

    def __init__(self, broker: BrokerSpec, path: Path, admin_of: AskAdmin) -> None:
        self._broker, self._path, self._admin_of = broker, path, admin_of
        self._state = Farewells(_load(path))
        self._changed = asyncio.Event()

    def listed(self, devices: Iterable[UUID]) -> None:
        """Take the laboratory's whole list."""
        self._take(self._state.listed(devices, asyncio.get_running_loop().time()))

    def removed(self, devices: Iterable[UUID]) -> None:
        """Take what the fleet stops running."""
        self._take(self._state.removed(devices, asyncio.get_running_loop().time()))

    async def run(self) -> None:
        """Discard what is due, for ever; what fails is tried again."""
        failures = 0
        while True:
            await self._due(failures)
            left = [device for device in self._state.due(asyncio.get_running_loop().time()) if not await self._end(device)]
            failures = failures + 1 if left else 0

    async def _due(self, failures: int) -> None:
        """Wait until there is something to discard, and a while longer where that failed."""
        if failures:
            await asyncio.sleep(min(RETRY_MAX_S, RETRY_S * 2 ** min(failures - 1, 16)))
            return
        while True:
            at = self._state.due_at()
            wait_s = None if at is None else max(0.0, at - asyncio.get_running_loop().time())
            if wait_s == 0.0:
                return
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), wait_s)
            except TimeoutError:
                return

    async def _end(self, device: UUID) -> bool:
        """Discard a device's session if it is retired; return whether that is settled."""
        try:
            retired = await self._admin_of(device) is Admin.RETIRED
        except DeviceNotFoundError:
            retired = False  # of another database: nothing is known of it
        except LicsError:
            return False
        if retired:
            if not await discard_session(self._broker, client_id(device)):
                return False
            log.info("the session of a retired device is discarded", extra={"device_id": str(device)})
        self._take(self._state.done(device))
        return True

    def _take(self, state: Farewells) -> None:
        before, self._state = self._state, state
        if state.known != before.known:
            try:
                _keep(self._path, state.known)
            except OSError as error:  # what the next life does not know stays at the broker
                log.error("sessions cannot be kept in mind", extra={"path": str(self._path), "reason": str(error)})
        if state.leaving != before.leaving:
            self._changed.set()


def _keep(path: Path, known: frozenset[UUID]) -> None:
    fresh = path.with_suffix(".new")
    with fresh.open("w") as file:
        json.dump(sorted(str(device) for device in known), file)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _load(path: Path) -> frozenset[UUID]:
    try:
        return frozenset(UUID(name) for name in json.loads(path.read_text()))
    except FileNotFoundError:
        return frozenset()
    except (OSError, ValueError, TypeError, AttributeError) as error:
        log.error("the sessions kept in mind cannot be read", extra={"path": str(path), "reason": str(error)})
        return frozenset()
