"""What happened, as it is written to the journals, shipped by the Recorder and kept in the tables. Pure.

Journal records are one tagged union (`Record`), encoded with `encode_record`; additions are fields with defaults, so that
an older journal stays readable.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from lics_actors.device.messages import CommandState
from lics_actors.store.run_records import RunOpened, RunReacted, RunStepped

REJECTED_KEPT_BYTES = 4096  # contracts.md section 1: of a payload that breaks the contract the first 4 KiB are kept


class _Record(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    pass


class CommandStep(msgspec.Struct, frozen=True, omit_defaults=True):
    """One state of a command's life, with its time (UTC)."""

    state: CommandState
    time: datetime
    result: Any = None
    error: str | None = None
    ledger_seq: int | None = None


class Command(msgspec.Struct, frozen=True, omit_defaults=True):
    """A command with everything that happened to it, oldest step first."""

    command_id: UUID
    device_id: UUID
    name: str
    args: dict[str, Any]
    principal: str
    idempotent: bool
    actuates: bool
    deadline: datetime
    steps: tuple[CommandStep, ...]
    epoch: int | None = None  # of the device when dispatched
    reason: str | None = None
    run_id: UUID | None = None
    trial_id: UUID | None = None
    holds: bool = False  # what it moved stays so as long as its lease is renewed
    safe: bool = False  # it makes safe: it needs no lease, and goes out also where an interlock has tripped

    def __reduce__(self) -> str | tuple[Any, ...]:
        """Travel between actors as in journals: 5 µs there and back instead of 20."""
        try:
            return _command_of, (_encoder.encode(self),)
        except (TypeError, ValueError, ArithmeticError):  # something in it that no journal holds
            return super().__reduce__()

    @property
    def state(self) -> CommandState:
        """Return where it stands."""
        return self.steps[-1].state

    @property
    def accepted_at(self) -> datetime:
        """Return when it became durable."""
        return self.steps[0].time


class CommandAccepted(_Record, frozen=True):
    """A command became durable; its first step is `accepted`. Table `command` (and `command_state`)."""

    command: Command


class CommandMoved(_Record, frozen=True):
    """A command went one step further; `n` counts its steps from 0. Tables `command_state` (append-only) and `command`."""

    command_id: UUID
    device_id: UUID
    n: int
    step: CommandStep
    epoch: int | None = None


class DeviceChanged(_Record, frozen=True):
    """An axis of a device changed. Updates `device`, appends to `device_event` as type `lics.state`."""

    device_id: UUID
    time: datetime
    link: str
    health: str
    safety: str
    epoch: int | None = None
    reason: str | None = None


class LeaseLost(_Record, frozen=True):
    """What a device held has ended without a command: its lease ran out, or LICS lost the right to renew it. Appends to
    `device_event` as type `lics.lease_lost`. `expires`: of the last lease said."""

    device_id: UUID
    time: datetime
    expires: datetime


class InterlockTripped(_Record, frozen=True):
    """An interlock has tripped this device, which stays so until it is reset. Appends to `device_event` as type
    `lics.interlock_tripped`; the journal keeps it for every later incarnation. `actions`: command and args of what makes safe."""

    device_id: UUID
    time: datetime
    rig_id: UUID
    rig: str
    interlock: str
    why: str
    actions: tuple[tuple[str, dict[str, Any]], ...] = ()


class InterlockReset(_Record, frozen=True):
    """A person has reset an interlock of this device. Appends to `device_event` as type `lics.interlock_reset`."""

    device_id: UUID
    time: datetime
    rig_id: UUID
    interlock: str
    principal: str
    reason: str


class DeviceDescribed(_Record, frozen=True):
    """A device said what it can do. Updates `device.capabilities`."""

    device_id: UUID
    time: datetime
    description: dict[str, Any]


class PayloadRejected(_Record, frozen=True):
    """A payload broke the contract. Table `rejected_payload`. `suppressed`: how many before it were counted, not kept."""

    device_id: UUID
    time: datetime
    topic: str
    reason: str
    payload: bytes  # the first REJECTED_KEPT_BYTES
    size: int
    suppressed: int = 0


class FleetEvent(_Record, frozen=True):
    """Something happened in the supervision tree. Table `fleet_event`. `kind`: started, exited, restarted, quarantined,
    cleared, stopped …; `principal` says who did it (`system:fleet` for the supervisors themselves)."""

    time: datetime
    node: str
    kind: str
    principal: str
    reason: str | None = None
    detail: dict[str, Any] | None = None


class AlarmRaised(_Record, frozen=True):
    """Something needs a person. Table `alarm`, one open row per (source, kind)."""

    time: datetime
    source: str
    kind: str
    message: str
    severity: str = "high"


class AlarmCleared(_Record, frozen=True):
    """The condition of an alarm is gone; the alarm is over once it is acknowledged, too (store/alarm_states.py)."""

    time: datetime
    source: str
    kind: str


class CrashReport(msgspec.Struct, frozen=True, omit_defaults=True):
    """How an incarnation of an actor died: `FleetEvent.detail` of an `exited`, and what `AskCrashes` answers.

    `reason`: why its supervisor says it ended. `signal` or `status`: how the process ended, where that is known. `lines`: the
    last it said in the log, oldest first. `memory_mib`: the most of its own memory that was seen.
    """

    node: str
    time: datetime
    incarnation: int
    reason: str
    signal: str | None = None
    status: int | None = None
    lived_s: float | None = None
    memory_mib: float | None = None
    traceback: str | None = None
    lines: tuple[str, ...] = ()


class Audited(_Record, frozen=True):
    """What a person did or tried. Table `audit`, append-only. An act is told twice, both times under the id `act`:
    `outcome` asked before it is done; then ok, refused or failed. `origin`: cli, rest, ws or schedule; `remote`: an address."""

    act: UUID
    time: datetime
    principal: str
    action: str  # fleet.restart, alarm.acknowledge …
    target: str
    outcome: str
    origin: str
    reason: str | None = None
    remote: str | None = None
    request_id: str | None = None
    error: str | None = None
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    laboratory: UUID | None = None  # None: it concerns the house, or all


Record = (
    CommandAccepted
    | CommandMoved
    | DeviceChanged
    | LeaseLost
    | InterlockTripped
    | InterlockReset
    | DeviceDescribed
    | PayloadRejected
    | FleetEvent
    | AlarmRaised
    | AlarmCleared
    | Audited
    | RunOpened
    | RunStepped
    | RunReacted
)


class _Kind(msgspec.Struct, frozen=True):
    type: str


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Record)
_kind_decoder = msgspec.msgpack.Decoder(_Kind)
_command_decoder = msgspec.msgpack.Decoder(Command)


def _command_of(data: bytes) -> Command:
    return _command_decoder.decode(data)


def encode_record(record: Record) -> bytes:
    """Return a record as bytes for a journal."""
    return _encoder.encode(record)


def record_kind(data: bytes) -> str:
    """Return which kind of record these bytes are (the name of its class), nothing where they are none."""
    try:
        return _kind_decoder.decode(data).type
    except msgspec.MsgspecError:
        return ""


def decode_record(data: bytes) -> Record:
    """Return the record that `encode_record` made.

    Raises:
        msgspec.ValidationError, msgspec.DecodeError: the bytes are none.
    """
    record: Record = _decoder.decode(data)
    return record


class TelemetryRow(msgspec.Struct, frozen=True):
    """One value: a row of `telemetry`, in the table's column order."""

    time: datetime
    device_id: UUID
    metric: str
    value: float
    tags: dict[str, Any] | None
    epoch: int
    seq: int


class EventRow(msgspec.Struct, frozen=True):
    """One event: a row of `device_event`."""

    time: datetime
    device_id: UUID
    type: str
    data: dict[str, Any] | None
    epoch: int
    seq: int
