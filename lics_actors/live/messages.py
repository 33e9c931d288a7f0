"""What is said on the live bus: one tagged union, encoded once by who publishes it. Pure.

Topics are those of the WebSocket (contracts.md, section 4): `fleet`, `alarms`, `device:{id}`, `command:{id}`, `runs`,
`run:{id}`, `schedule`. Importable by web.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from lics_actors.device.messages import Admin, Health, Link, Safety
from lics_actors.store.alarm_states import Alarm
from lics_actors.store.records import Command

FLEET = "fleet"
ALARMS = "alarms"
DEVICE = "device:"
COMMAND = "command:"
RUNS = "runs"
RUN = "run:"
SCHEDULE = "schedule"


def device_topic(device_id: UUID) -> str:
    """Return the topic of one device."""
    return f"{DEVICE}{device_id}"


def command_topic(command_id: UUID) -> str:
    """Return the topic of one command."""
    return f"{COMMAND}{command_id}"


def run_topic(run_id: UUID) -> str:
    """Return the topic of one run."""
    return f"{RUN}{run_id}"


class _Live(msgspec.Struct, frozen=True, tag_field="kind"):
    pass


class DeviceLive(_Live, frozen=True, tag="device"):
    """A device as it is now. `since` and `reason` belong to the link; `last_seen` is None until it said something."""

    device_id: UUID
    link: Link
    health: Health
    safety: Safety
    admin: Admin
    status: str
    epoch: int | None
    reason: str | None
    since: datetime
    last_seen: datetime | None


class TelemetryLive(_Live, frozen=True, tag="telemetry"):
    """A value of each metric heard since the last of these; `time`, `epoch` and `seq` are those of the newest message."""

    device_id: UUID
    time: datetime
    epoch: int
    seq: int
    metrics: dict[str, float]


class EventLive(_Live, frozen=True, tag="event"):
    """Something happened at a device. One that the broker delivers again comes again; (epoch, seq) says that it is the same."""

    device_id: UUID
    time: datetime
    type: str
    data: dict[str, Any] | None
    epoch: int
    seq: int


class CommandLive(_Live, frozen=True, tag="command"):
    """A command as it stands, with all its steps."""

    command: Command


class AlarmLive(_Live, frozen=True, tag="alarm", omit_defaults=True):
    """An alarm as it is now. `id` None: told by its source, before the table knows; `raised_at` None: nobody saw its raise."""

    source: str
    alarm_kind: str
    severity: str
    message: str
    raised_at: datetime | None
    cleared_at: datetime | None = None
    id: int | None = None
    count: int | None = None
    last_at: datetime | None = None
    returned_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    comment: str | None = None
    shelved_at: datetime | None = None
    shelved_by: str | None = None
    shelved_until: datetime | None = None
    shelve_reason: str | None = None


class NodeLive(_Live, frozen=True, tag="node"):
    """Something happened in the supervision tree; `what` is the `kind` of a `FleetEvent`."""

    node: str
    what: str
    reason: str | None
    time: datetime


class RunLive(_Live, frozen=True, tag="run"):
    """A run as it is now: told when its phase or its trial changes. `n`: of the step that did it; `rewarded` in base units."""

    run_id: UUID
    laboratory_id: UUID
    time: datetime
    phase: str
    reason: str
    trial: int
    rewarded: float
    n: int


class RunStepLive(_Live, frozen=True, tag="run_step"):
    """A run heard something and decided: `step` is what `experiments/{run_id}/events` says of it."""

    run_id: UUID
    time: datetime
    n: int
    step: msgspec.Raw


class SlotLive(_Live, frozen=True, tag="session"):
    """A planned session, as it was decided; `slot_id` is its run's, too."""

    slot_id: UUID
    laboratory_id: UUID
    experiment_id: UUID
    subject_id: UUID
    rig_id: UUID
    begin: datetime
    end: datetime
    status: str
    why: tuple[str, ...]
    by: str
    time: datetime


LiveMessage = DeviceLive | TelemetryLive | EventLive | CommandLive | AlarmLive | NodeLive | RunLive | RunStepLive | SlotLive

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(LiveMessage)


def encode(message: LiveMessage) -> bytes:
    """Return a message as JSON."""
    return _encoder.encode(message)


def decode(body: bytes) -> LiveMessage:
    """Return the message that `encode` made.

    Raises:
        msgspec.ValidationError, msgspec.DecodeError: the bytes are none.
    """
    message: LiveMessage = _decoder.decode(body)
    return message


def moments(message: AlarmLive) -> list[datetime]:
    """Return when what it tells happened: raised, raised again, over."""
    times = (message.raised_at, message.last_at, message.returned_at)
    return [time for time in times if time is not None]


def alarm_live(alarm: Alarm) -> AlarmLive:
    """Return what is said of an alarm that the table knows."""
    fields = {name: getattr(alarm, name) for name in AlarmLive.__struct_fields__ if name != "alarm_kind"}
    return AlarmLive(alarm_kind=alarm.kind, **fields)


def merged(older: TelemetryLive, newer: TelemetryLive) -> TelemetryLive:
    """Return both as one message of the same device: the newer value of each metric."""
    return msgspec.structs.replace(newer, metrics={**older.metrics, **newer.metrics})
