"""Which of what everybody's topics tell is for whom: viewers hear of the devices of their laboratories, and of what all share."""

from __future__ import annotations

from typing import Final, assert_never
from uuid import UUID

import msgspec

from lics_actors.access.laboratories import Laboratories, Reach
from lics_actors.errors import CommandNotFoundError, LicsError, NotFoundError
from lics_actors.live.messages import (
    AlarmLive,
    CommandLive,
    DeviceLive,
    EventLive,
    LiveMessage,
    NodeLive,
    RunLive,
    RunStepLive,
    SlotLive,
    TelemetryLive,
)
from web.homes import Homes
from web.live.protocol import Snapshot, topic_command
from web.scoping import KINDS, named_in

READ: Final = "device:read"
SHARED: Final = {"fleet": "fleet:read", "alarms": "fleet:read", "runs": "run:read", "schedule": "schedule:read"}
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
    command_id, found = topic_command(topic), named_in(topic)
    if found is None:
        return CommandNotFoundError(f"no command {command_id}", command_id=str(command_id), outside=True)
    noun, key = found
    return KINDS[noun](f"no {noun} {key}", outside=True, **{f"{noun}_id": str(key)})


def permission_for(topic: str) -> str:
    """Return the permission that a topic needs: that of reading what it tells of."""
    found = named_in(topic)
    return SHARED.get(topic, READ) if found is None else f"{found[0]}:read"


def owner_of(topic: str, snapshot: Snapshot) -> tuple[str, UUID] | None:
    """Return what decides who is told a topic: the device, also of a command, or the run."""
    device_id = device_of(snapshot)
    return named_in(topic) if device_id is None else ("device", device_id)


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
        case RunLive(run_id=run_id) | RunStepLive(run_id=run_id):
            return "run", run_id
        case SlotLive():
            return None  # it says its laboratory itself
        case _:
            assert_never(message)


async def hears(homes: Homes, audience: Laboratories, message: LiveMessage) -> bool:
    """Return whether a message is for those who are told of these laboratories. What belongs nobody knows where is for nobody."""
    if audience is not None and isinstance(message, RunLive | SlotLive):
        return message.laboratory_id in audience
    subject = None if audience is None else subject_of(message)
    if audience is None or subject is None:
        return True
    try:
        return await homes.of(*subject) in audience
    except LicsError:
        return False
