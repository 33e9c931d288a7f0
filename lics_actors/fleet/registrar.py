"""Registrar: tells the FleetSupervisor which devices there are, from the database or, while that is away, from a file; and
discards the sessions of those that are retired."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from thespian.actors import ActorAddress

from lics_actors.device.messages import Admin, DeviceSpec
from lics_actors.errors import LicsError
from lics_actors.fleet.cache import read_cache, write_cache
from lics_actors.fleet.messages import DevicesKnown, DevicesRemoved, ReadDevices, RegistrarSpec
from lics_actors.fleet.sessions import SessionKeeper
from lics_actors.runtime.actor import LeafActor
from lics_actors.store.repository import Repository

READ_EVERY_S = 30.0  # heals a registration whose notice was lost
RETRY_S, RETRY_MAX_S = 0.5, 15.0
CACHE_AFTER_S = 2.0  # without an answer from the database the devices start from the file

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Away:
    """Loop → actor: the database does not answer."""

    reason: str


class Registrar(LeafActor):
    """Begins with a `RegistrarSpec`; sends `DevicesKnown` after every reading, also when nothing changed."""

    def __init__(self) -> None:
        super().__init__()
        self.source = "waiting"
        self.devices = 0
        self.read_at: float | None = None
        self._repository: Repository | None = None
        self._due = asyncio.Event()
        self._soon: asyncio.TimerHandle | None = None

    def begin(self, spec: object) -> None:
        """Start reading."""
        assert isinstance(spec, RegistrarSpec)
        self.database_url, self.cache_file = spec.database_url, Path(spec.cache_file)
        self.sessions = SessionKeeper(spec.broker, Path(spec.sessions_file), self._admin_of)
        self.start_loop()

    def state_word(self) -> str:
        """Return where the devices come from: database, cache, or nowhere yet (waiting)."""
        return self.source

    def stats(self) -> dict[str, float]:
        """Return how many devices there are and how old that knowledge is."""
        age = {} if self.read_at is None else {"devices_read_age_s": round(time.monotonic() - self.read_at, 1)}
        return {"devices": self.devices, **age}

    def on_message(self, message: object, sender: ActorAddress) -> None:
        """Take what the fleet stops running; read at once when it holds a device that it does not know."""
        match message:
            case DevicesRemoved(devices=devices):
                self.in_loop(self.sessions.removed, devices)
            case ReadDevices(within_s=within_s):
                self.in_loop(self._read_within, within_s)
            case _:
                self.unrecognised(message, sender)

    def on_events(self, events: list[object]) -> None:
        """Pass on what the loop read."""
        for event in events:
            match event:
                case DevicesKnown(devices=devices, from_cache=from_cache, as_of=as_of):
                    self.source = "cache" if from_cache else "database"
                    self.devices, self.read_at = len(devices), as_of
                    self.send(self.supervisor, event)
                case _Away(reason=reason):
                    if self.source == "database":
                        self.source = "cache"
                    log.warning("devices not read", extra={"reason": reason})

    async def run(self) -> None:
        """Read again and again; meanwhile, if the first answer takes too long, tell what the file holds."""
        answered = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._fall_back(answered))
            group.create_task(self._keep_reading(answered))
            group.create_task(self.sessions.run())

    async def _fall_back(self, answered: asyncio.Event) -> None:
        try:
            await asyncio.wait_for(answered.wait(), CACHE_AFTER_S)
        except TimeoutError:
            cached = read_cache(self.cache_file)
            if cached is not None:
                devices, rigs = cached
                self.post(DevicesKnown(devices, from_cache=True, as_of=0.0, rigs=rigs))

    async def _keep_reading(self, answered: asyncio.Event) -> None:
        failures = 0
        try:
            while True:
                try:
                    await self._read(await self._connected())
                    answered.set()
                    failures = 0
                except LicsError as error:
                    failures += 1
                    self.post(_Away(error.message))
                await self._rest(min(RETRY_MAX_S, RETRY_S * 2 ** min(failures - 1, 16)) if failures else READ_EVERY_S)
        finally:
            if self._repository is not None:
                await self._repository.close()

    def _read_within(self, seconds: float) -> None:
        if self._soon is None and seconds > 0:
            self._soon = asyncio.get_running_loop().call_later(seconds, self._read_now)
        elif seconds <= 0:
            self._read_now()

    def _read_now(self) -> None:
        self._soon = None
        self._due.set()

    async def _connected(self) -> Repository:
        self._repository = self._repository or await Repository.connect(self.database_url, pool_size=1, max_overflow=0)
        return self._repository

    async def _admin_of(self, device_id: UUID) -> Admin:
        return (await (await self._connected()).get_device(device_id)).admin

    async def _rest(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._due.wait(), seconds)
        self._due.clear()

    async def _read(self, repository: Repository) -> None:
        read_at, as_of = time.time(), time.monotonic()  # whose order counts: a wall clock may be set in between
        devices: list[DeviceSpec] = await repository.device_specs()
        rigs = await repository.rig_specs()
        self.post(DevicesKnown(tuple(devices), as_of=as_of, rigs=tuple(rigs)))
        self.sessions.listed(device.device_id for device in devices)
        try:
            write_cache(self.cache_file, devices, read_at, rigs)
        except OSError as error:
            log.error("device cache not written", extra={"path": str(self.cache_file), "reason": str(error)})
