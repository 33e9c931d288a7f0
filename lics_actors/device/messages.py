"""What is said to and by a DeviceActor, and the words of its state. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from lics_actors.access.laboratories import DEFAULT_LABORATORY, Laboratories


class Link(StrEnum):
    """Whether the device can be reached."""

    OFFLINE = "offline"
    CONNECTING = "connecting"
    ONLINE = "online"
    STALE = "stale"


class Health(StrEnum):
    """Whether the device works."""

    OK = "ok"
    DEGRADED = "degraded"
    FAULT = "fault"


class Safety(StrEnum):
    """Whether the device may move something."""

    SAFE = "safe"
    ARMED = "armed"
    TRIPPED = "tripped"


class Admin(StrEnum):
    """What people decided about the device."""

    ENABLED = "enabled"
    MAINTENANCE = "maintenance"
    QUARANTINED = "quarantined"
    RETIRED = "retired"


class CommandState(StrEnum):
    """A command's life (contracts.md, section 2)."""

    ACCEPTED = "accepted"
    DISPATCHED = "dispatched"
    DELIVERED = "delivered"
    EXECUTING = "executing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    INDETERMINATE = "indeterminate"

    @property
    def terminal(self) -> bool:
        """Return whether a caller need wait no longer. `indeterminate` may still be settled by the device's ledger."""
        return self not in {
            CommandState.ACCEPTED,
            CommandState.DISPATCHED,
            CommandState.DELIVERED,
            CommandState.EXECUTING,
        }


def status_word(link: Link, health: Health, safety: Safety, admin: Admin) -> str:
    """Return the one word that summarises the axes: what a person must know first wins."""
    if admin is not Admin.ENABLED:
        return admin.value
    if safety is Safety.TRIPPED:
        return safety.value
    if link is not Link.ONLINE:
        return link.value
    return link.value if health is Health.OK else health.value


@dataclass(frozen=True, slots=True)
class RoleSpec:
    """A device in its role in a rig, as far as other devices' interlocks must know it."""

    device_id: UUID
    driver: str
    settings: Mapping[str, Any]
    silent_s: float = 30.0


@dataclass(frozen=True, slots=True)
class RigPart:
    """What of a rig concerns one device: the interlocks that trip it, as declared, and the roles that these name."""

    rig_id: UUID
    rig: str
    roles: Mapping[str, RoleSpec]
    interlocks: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class RigSpec:
    """A rig as fleets know it: devices in roles, without those that are retired, and interlocks as declared."""

    rig_id: UUID
    name: str
    version: int
    roles: Mapping[str, RoleSpec]
    interlocks: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class DeviceSpec:
    """What LICS knows of a device from the database; enough to run it while the database is away.

    `silent_s`: without any message for so long an online device is stale. `rigs`: only the fleet knows them; whoever registers a
    device leaves them out.
    """

    device_id: UUID
    name: str
    type: str
    driver: str
    settings: Mapping[str, Any]
    admin: Admin = Admin.ENABLED
    silent_s: float = 30.0
    location: str | None = None
    rigs: tuple[RigPart, ...] = ()
    laboratory_id: UUID = DEFAULT_LABORATORY


@dataclass(frozen=True, slots=True)
class BrokerSpec:
    """Where the broker is and how to get in. `password` never appears in a repr. `lease`: the file that says until when sessions
    may begin (hosts/lease.py); None where there is but one host."""

    host: str
    port: int
    prefix: str = ""
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: bool = False
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    lease: str | None = None


@dataclass(frozen=True, slots=True)
class DeviceActorSpec:
    """All a DeviceActor needs to begin: `BeginActor.spec`. `redis_url`: of the live bus; None: nobody looks on."""

    device: DeviceSpec
    broker: BrokerSpec
    journal_dir: str
    redis_url: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class AdoptCommands:
    """FleetSupervisor → DeviceActor: see these `store.records.Command`s through, unless you know them (hosts/adoption.py)."""

    commands: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class RequestCommand:
    """Peer → DeviceActor: do this. Answered by a `store.records.Command` (its state after at most `wait_s`) or an error.

    The same `command_id` again is answered with the command as it stands, if `name` and `args` are the same, else with
    `IdempotencyKeyReusedError`. `respond_by` of the request lies beyond `wait_s`. `once_said`: one that can be said at once is
    answered behind its publication, as it stands then.
    """

    command_id: UUID
    device_id: UUID
    name: str
    args: Mapping[str, Any]
    principal: str  # who asks: user:<id>, run:<id>, system:<part>
    wait_s: float
    timeout_s: float = 5.0  # from acceptance to deadline
    reason: str | None = None
    run_id: UUID | None = None
    trial_id: UUID | None = None
    within: Laboratories = None  # the asker's laboratories: a device of another one does not exist for him
    once_said: bool = False

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel between actors by MessagePack: 3 µs there and back instead of 13."""
        try:
            data = msgspec.msgpack.encode(self)
            _requests.decode(data)
            return _request_of, (data,)
        except (TypeError, ValueError, ArithmeticError):  # something that no journal holds; the actor says what
            return RequestCommand, tuple(getattr(self, name) for name in self.__slots__)


def _request_of(data: bytes) -> RequestCommand:
    return _requests.decode(data)


_requests = msgspec.msgpack.Decoder(RequestCommand)


@dataclass(frozen=True, slots=True)
class AskCommand:
    """Peer → DeviceActor: a command as the journal has it; one that is under way once it is settled, or after `wait_s`.
    Answered by `store.records.Command` or CommandNotFoundError."""

    device_id: UUID
    command_id: UUID
    wait_s: float = 0.0


@dataclass(frozen=True, slots=True)
class CancelCommand:
    """Peer → DeviceActor: a command that was not dispatched yet shall not be. Answered like AskCommand."""

    device_id: UUID
    command_id: UUID
    principal: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ResetInterlocks:
    """Peer → DeviceActor: a person has seen to it; forget that interlocks of a rig have tripped (`interlock` None: all of them).
    Answered by `InterlocksReset`, or InterlockTrippedError where a condition still is so. Repeating it does no harm."""

    device_id: UUID
    rig_id: UUID
    principal: str
    reason: str
    interlock: str | None = None


@dataclass(frozen=True, slots=True)
class InterlocksReset:
    """DeviceActor → peer: these are not tripped any more; none where none was."""

    device_id: UUID
    interlocks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TrippedInterlock:
    """An interlock that tripped this device and was not reset yet."""

    rig_id: UUID
    rig: str
    interlock: str
    since: datetime
    why: str


@dataclass(frozen=True, slots=True)
class AskTwin:
    """Peer → DeviceActor: what is true now. Answered by `DeviceTwin`."""

    device_id: UUID


@dataclass(frozen=True, slots=True)
class KeepDevice:
    """Run → DeviceActor: this device is mine from now on (device/reserving.py); say it again within KEPT_S. Answered by
    `DeviceTwin` once its `standing` is not `seen` (at once where that is empty), or after `wait_s`; or by DeviceReservedError."""

    device_id: UUID
    run_id: UUID
    holder: str
    seen: str = ""
    wait_s: float = 0.0
    laboratory_id: UUID | None = None  # of the run: a device of another one does not exist for it


@dataclass(frozen=True, slots=True)
class FreeDevice:
    """Run → DeviceActor: I need it no more. Answered by True; repeating it does no harm."""

    device_id: UUID
    run_id: UUID


@dataclass(frozen=True, slots=True)
class ChangeDeviceSpec:
    """Supervisor → DeviceActor: name, admin state, settings or the like have changed."""

    device: DeviceSpec


@dataclass(frozen=True, slots=True)
class MetricReading:
    """A metric's latest value."""

    value: float
    time: datetime


@dataclass(frozen=True, slots=True)
class DeviceTwin:
    """What a DeviceActor holds to be true now. `description` is the device's own `describe`, as JSON."""

    device_id: UUID
    link: Link
    health: Health
    safety: Safety
    admin: Admin
    epoch: int | None
    incarnation: int
    since: datetime  # of the present link state
    last_seen: datetime | None
    reason: str | None
    description: Mapping[str, Any] | None
    metrics: Mapping[str, MetricReading]
    queued_commands: int
    rejected_payloads: int
    tripped: tuple[TrippedInterlock, ...] = ()
    held_until: datetime | None = None  # something is held under a lease, and is to be until then
    reserved_by: str | None = None  # the run that has it
    reserved_until: datetime | None = None  # unless the run says so again

    @property
    def status(self) -> str:
        """Return the axes in one word."""
        return status_word(self.link, self.health, self.safety, self.admin)

    @property
    def standing(self) -> str:
        """Return all axes, and which incarnation says so: what somebody who watches the device wants to hear of."""
        return f"{self.link} {self.health} {self.safety} {self.admin} {self.incarnation}"
