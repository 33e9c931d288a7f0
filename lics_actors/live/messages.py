"""What is said on the live bus: one tagged union, encoded once by who publishes it. Pure.

Topics are those of the WebSocket (contracts.md, section 4): `fleet`, `alarms`, `device:{id}`, `command:{id}`; `run:{id}` is
reserved. Importable by web.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from lics_actors.device.messages import Admin, Health, Link, Safety
from lics_actors.store.records import Command

FLEET = "fleet"
ALARMS = "alarms"
DEVICE = "device:"
COMMAND = "command:"


def device_topic(device_id: UUID) -> str:
    """Return the topic of one device."""
    return f"{DEVICE}{device_id}"


def command_topic(command_id: UUID) -> str:
    """Return the topic of one command."""
    return f"{COMMAND}{command_id}"


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


class AlarmLive(_Live, frozen=True, tag="alarm"):
    """An alarm was raised, or, with `cleared_at`, is over. `raised_at` None: before those who tell of it began."""

    source: str
    alarm_kind: str
    severity: str
    message: str
    raised_at: datetime | None
    cleared_at: datetime | None = None


class NodeLive(_Live, frozen=True, tag="node"):
    """Something happened in the supervision tree; `what` is the `kind` of a `FleetEvent`."""

    node: str
    what: str
    reason: str | None
    time: datetime


LiveMessage = DeviceLive | TelemetryLive | EventLive | CommandLive | AlarmLive | NodeLive

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


def merged(older: TelemetryLive, newer: TelemetryLive) -> TelemetryLive:
    """Return both as one message of the same device: the newer value of each metric."""
    return msgspec.structs.replace(newer, metrics={**older.metrics, **newer.metrics})
