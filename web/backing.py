"""What the handlers stand on: the fleet, the tables, and the little that this process remembers itself."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final, Protocol, cast
from uuid import UUID

from quart import current_app

from config.settings import Settings
from lics_actors.audit import AuditLog
from lics_actors.device.messages import (
    CancelCommand,
    DeviceSpec,
    DeviceTwin,
    InterlocksReset,
    RequestCommand,
    ResetInterlocks,
    RigSpec,
)
from lics_actors.errors import LicsError
from lics_actors.fleet.messages import NodeView, RollView
from lics_actors.operators import Operators, Verb
from lics_actors.run.messages import RunView, RunWish
from lics_actors.run.orders import RunOrder
from lics_actors.store.records import Command, CrashReport
from lics_actors.store.repository import Repository
from web.health import HealthWatch
from web.homes import Homes
from web.patience import Patience

log = logging.getLogger(__name__)

EXTENSION: Final = "lics"
REMEMBERED: Final = 10_000  # commands whose device this process knows without asking; the tables know them after a second
RETRY_S: Final = 1.0
ASK_S: Final = 1.0  # an actor that takes longer is answered for from the tables
TABLES_REST_S: Final = 5.0  # so long no command waits for tables that did not answer one


class Fleet(Protocol):
    """What the web needs of lics_actors.client.FleetClient; every method raises LicsErrors."""

    async def tree(self) -> NodeView:
        """Return the supervision tree."""

    async def twin(self, device_id: UUID) -> DeviceTwin:
        """Return what is true of a device now."""

    async def command(self, request: RequestCommand, /) -> Command:
        """Have a device do something; return the command as it stands after at most `wait_s`."""

    async def command_status(self, device_id: UUID, command_id: UUID) -> Command:
        """Return a command as the device's journal has it."""

    async def cancel(self, request: CancelCommand, /) -> Command:
        """Call a command off that was not dispatched yet."""

    async def register(self, spec: DeviceSpec, /) -> None:
        """Start a device's actor, or have it take over what has changed."""

    async def steer(self, node: str, verb: Verb, principal: str, reason: str | None) -> None:
        """Restart, drain, quarantine or clear a node of the tree."""

    async def roll(self, at_once: int, principal: str, reason: str | None) -> RollView:
        """Have all that run restarted, a few at a time."""

    async def rolling(self) -> RollView:
        """Return how the last rolling restart stands."""

    async def relaunch(self, principal: str, reason: str | None) -> None:
        """Have the fleet started anew from the program on disk."""

    async def crashes(self, node: str) -> tuple[CrashReport, ...]:
        """Return how a node died lately, newest first."""

    async def register_rig(self, rig_id: UUID, rig: RigSpec | None, /) -> None:
        """Have devices take over a rig's interlocks."""

    async def reset(self, request: ResetInterlocks, /) -> InterlocksReset:
        """Have a device forget that interlocks have tripped."""

    async def start_run(self, order: RunOrder, /) -> None:
        """Have a run begin."""

    async def run(self, run_id: UUID, /) -> RunView:
        """Return a run as it is."""

    async def steer_run(self, wish: RunWish, /) -> RunView:
        """Do with a run what an operator wants."""

    async def alive(self) -> float:
        """Return how long the fleet took to answer, in seconds."""


class KnownCommands:
    """Which device a young command belongs to; the oldest are forgotten first."""

    def __init__(self, limit: int = REMEMBERED) -> None:
        self._limit = limit
        self._devices: OrderedDict[UUID, UUID] = OrderedDict()

    def remember(self, command_id: UUID, device_id: UUID) -> None:
        """Keep it."""
        self._devices[command_id] = device_id
        if len(self._devices) > self._limit:
            self._devices.popitem(last=False)

    def device_of(self, command_id: UUID) -> UUID | None:
        """Return the device, None if it is not remembered."""
        return self._devices.get(command_id)


class Registrations:
    """Tells the fleet of new and changed devices, again and again until it has heard.

    Another web worker may tell of a later change meanwhile. So what stands in the tables is looked at after telling, and told
    if it is something else: whoever tells last tells the newest.
    """

    def __init__(self, fleet: Fleet, repository: Repository) -> None:
        self._fleet, self._repository = fleet, repository
        self._pending: dict[UUID, DeviceSpec] = {}
        self._wake = asyncio.Event()

    async def tell(self, spec: DeviceSpec) -> bool:
        """Return whether the fleet has heard at once; otherwise it is told as soon as it answers."""
        self._pending[spec.device_id] = spec
        heard = await self._try(spec)
        if not heard:
            self._wake.set()
        return heard

    async def run(self) -> None:
        """Retry what is pending, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._pending:
                await asyncio.sleep(RETRY_S)
                for spec in list(self._pending.values()):
                    if not await self._try(spec):
                        break

    async def _try(self, spec: DeviceSpec) -> bool:
        try:
            async with asyncio.timeout(ASK_S):
                await self._fleet.register(spec)
        except (LicsError, TimeoutError) as error:
            log.warning("the fleet was not told of a device yet", extra={"device_id": str(spec.device_id), "error": str(error)})
            return False
        newest = await self._recorded(spec)
        if newest != spec:
            return await self.tell(newest)
        if self._pending.get(spec.device_id) is spec:
            del self._pending[spec.device_id]
        return True

    async def _recorded(self, told: DeviceSpec) -> DeviceSpec:
        try:
            return (await self._repository.get_device(told.device_id)).spec()
        except LicsError:
            return told  # the fleet itself looks again every half minute


@dataclass(frozen=True, slots=True)
class Backing:
    """Everything a handler may use."""

    fleet: Fleet
    repository: Repository
    health: HealthWatch
    commands: KnownCommands
    registrations: Registrations
    operators: Operators
    audit: AuditLog
    settings: Settings
    homes: Homes
    tables: Patience


def backing() -> Backing:
    """Return what the application being asked stands on."""
    return cast("Backing", current_app.extensions[EXTENSION])
