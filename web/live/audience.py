"""Which of what everybody's topics tell is for whom: viewers hear of the devices of their laboratories, and of what all share."""

from __future__ import annotations

from typing import Final, assert_never
from uuid import UUID

import msgspec

from lics_actors.access.laboratories import Laboratories, Reach
from lics_actors.errors import CommandNotFoundError, DeviceNotFoundError, LicsError, NotFoundError
from lics_actors.live.messages import AlarmLive, CommandLive, DeviceLive, EventLive, LiveMessage, NodeLive, TelemetryLive
from web.homes import Homes
from web.live.protocol import Snapshot, topic_command, topic_device
from web.scoping import named_in

READ: Final = "device:read"
SHARED: Final = {"fleet": "fleet:read", "alarms": "fleet:read"}
"""Topics that tell of all laboratories, and the permission that says of which somebody is told."""


def audience_of(topic: str, reach: Reach) -> Laboratories:
    """Return the laboratories of which a topic tells somebody; None: of all, or the topic is one device's, and judged so."""
    return reach.where(SHARED[topic]) if topic in SHARED else None


class _Given(msgspec.Struct):
    device_id: UUID


def device_of(snapshot: Snapshot) -> UUID | None:
    """Return the device of a command that a snapshot tells."""
    return None if snapshot.command is None else msgspec.json.decode(snapshot.command, type=_Given).device_id


def outside(topic: str) -> NotFoundError:
    """Return what is told of a topic of another laboratory: exactly what is told of one that does not exist."""
    if (device_id := topic_device(topic)) is not None:
        return DeviceNotFoundError(f"no device {device_id}", device_id=str(device_id), outside=True)
    command_id = topic_command(topic)
    return CommandNotFoundError(f"no command {command_id}", command_id=str(command_id), outside=True)


def subject_of(message: LiveMessage) -> tuple[str, UUID] | None:
    """Return what a message is about; None: it is everybody's."""
    match message:
        case DeviceLive(device_id=device_id) | TelemetryLive(device_id=device_id) | EventLive(device_id=device_id):
            return "device", device_id
        case CommandLive(command=command):
            return "device", command.device_id
        case AlarmLive(source=source):
            return named_in(source)
        case NodeLive(node=node):
            return named_in(node)
        case _:
            assert_never(message)


async def hears(homes: Homes, audience: Laboratories, message: LiveMessage) -> bool:
    """Return whether a message is for those who are told of these laboratories. What belongs nobody knows where is for nobody."""
    subject = None if audience is None else subject_of(message)
    if audience is None or subject is None:
        return True
    try:
        return await homes.of(*subject) in audience
    except LicsError:
        return False
